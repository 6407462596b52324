//! Whole lists, page by page.

use super::*;
use sagas::kernel::offer::Discount;

fn asked(page: u32) -> Asked {
    Asked { page, order: Order::OldestFirst, time_limit: LIMIT }
}

#[tokio::test]
async fn a_list_is_read_on_after_a_token_expired_between_two_pages_and_no_row_is_lost_or_repeated() {
    let page = |ids: [&str; 2], more: bool| {
        let rows = ids.map(|id| format!(r#"{{"customer_id":"{id}","updated_time":"t{id}"}}"#)).join(",");
        json(200, &format!(r#"{{"code":0,"customers":[{rows}],"page_context":{{"page":1,"has_more_page":{more}}}}}"#))
    };
    let expired = json(401, r#"{"code":57,"message":"You are not authorized to perform this operation"}"#);
    let (zoho, peer) = zoho([page(["1", "2"], true), expired, token("t2"), page(["3", "4"], false)]).await;
    let (mut all, mut next) = (Vec::new(), Some(1));
    while let Some(number) = next {
        let page = zoho.list_customers(asked(number)).await.expect("a page");
        all.extend(page.items.into_iter().map(|row| row.id));
        next = page.next;
    }
    assert_eq!(all, ["1", "2", "3", "4"]);
    let pages: Vec<_> = lines(&peer).into_iter().filter(|line| line.contains("/customers")).collect();
    assert_eq!(
        pages[0],
        "GET /customers?filter_by=Status.All&sort_column=created_time&sort_order=A&page=1&per_page=200"
    );
    assert!(pages[1..].iter().all(|line| line.ends_with("page=2&per_page=200")), "{pages:?}");
}

#[tokio::test]
async fn the_catalog_is_listed_with_what_is_retired() {
    let row = |fixture: &str, name: &str| {
        let one: serde_json::Value = serde_json::from_str(fixture).expect("JSON");
        json(200, &format!(r#"{{"code":0,"{name}s":[{}]}}"#, one[name]))
    };
    let plan = include_str!("../../../../tests/fixtures/zoho/plan.json");
    let addon = include_str!("../../../../tests/fixtures/zoho/addon.json");
    let coupon = include_str!("../../../../tests/fixtures/zoho/coupon.json");
    let products = r#"{"code":0,"products":[{"product_id":"9","name":"Plus","status":"inactive","description":null}]}"#;
    let (zoho, peer) = zoho([json(200, products), row(plan, "plan"), row(addon, "addon"), row(coupon, "coupon")]).await;
    let product = zoho.list_products(asked(1)).await.expect("a page").items.remove(0);
    assert_eq!((product.id.as_str(), product.active), ("9", false));
    assert_eq!(zoho.list_plans(asked(1)).await.expect("a page").items[0].code, "plus-monthly");
    assert_eq!(zoho.list_addons(asked(1)).await.expect("a page").items[0].code, "seat");
    let coupon = zoho.list_coupons(asked(1)).await.expect("a page").items.remove(0);
    assert!(matches!(coupon.discount, Discount::Flat { .. } | Discount::Share { .. }));
    assert!(lines(&peer)[1].starts_with("GET /plans?filter_by=PlanStatus.All&"), "{:?}", lines(&peer));
}

#[tokio::test]
async fn invoices_and_subscriptions_are_listed_newest_first_where_that_is_asked() {
    let invoices = r#"{"code":0,"invoices":[{"invoice_id":"7","customer_id":"9","status":"paid","currency_code":"EUR",
        "total":119.1,"balance":0,"updated_time":"t1"},{"invoice_id":"8"}]}"#;
    let subscriptions =
        r#"{"code":0,"subscriptions":[{"subscription_id":"5","customer_id":"9","status":"live","reference_id":"r"}]}"#;
    let (zoho, peer) = zoho([json(200, invoices), json(200, subscriptions)]).await;
    let newest = Asked { order: Order::NewestFirst, ..asked(3) };
    let page = zoho.list_invoices(newest).await.expect("a page");
    assert_eq!(
        (page.items[0].total, page.items[0].balance, page.items[1].total),
        (Some(eur(11_910)), Some(eur(0)), None)
    );
    assert_eq!(page.next, None);
    let page = zoho.list_all_subscriptions(newest).await.expect("a page");
    assert_eq!(page.items[0].reference.as_deref(), Some("r"));
    assert!(lines(&peer)[0].contains("sort_order=D&page=3"), "{:?}", lines(&peer));
}
