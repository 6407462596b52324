//! Quotes that Zoho keeps, and pages on its own host.

use super::*;
use sagas::kernel::answer::HostedPage;
use sagas::kernel::effect::{
    AddonOrder, CheckoutLink, EstimateLine, EstimateMark, EstimateOrder, OnEstimate, OnPage, PageOrder, PageStart,
    PageTerms, Zoho as Effects,
};
use secrecy::ExposeSecret as _;

fn order() -> EstimateOrder {
    EstimateOrder {
        customer: "903000000000099".to_owned(),
        reference: "demo1.q.0192".to_owned(),
        lines: vec![EstimateLine { item: "9031".to_owned(), rate: eur(10_008), quantity: 2, tax: None }],
        date: NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date"),
        expires_on: NaiveDate::from_ymd_opt(2026, 12, 5).expect("a date"),
        since: DateTime::parse_from_rfc3339("2026-11-21T11:59:00Z").expect("a time").to_utc(),
    }
}

fn create() -> Effects {
    Effects::Estimate(OnEstimate::Create(Box::new(order())))
}

fn estimate(id: &str, status: &str) -> Play {
    json(
        200,
        &format!(
            r#"{{"code":0,"estimate":{{"estimate_id":"{id}","estimate_number":"QT-1","customer_id":"903000000000099",
            "reference_number":"demo1.q.0192","status":"{status}","currency_code":"EUR","total":238.19,"tax_total":38.03}}}}"#
        ),
    )
}

#[tokio::test]
async fn an_estimate_is_made_with_our_reference() {
    let (zoho, peer) = zoho([estimate("9041", "draft")]).await;
    let Answer::Estimate(estimate) = done(perform(&zoho, &create()).await) else { panic!("an estimate") };
    assert_eq!((estimate.total, estimate.tax), (eur(23_819), Some(eur(3_803))));
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"customer_id":"903000000000099","reference_number":"demo1.q.0192","date":"2026-11-21","expiry_date":"2026-12-05","line_items":[{"item_id":"9031","rate":100.08,"quantity":2}]}"#
    );
}

#[tokio::test]
async fn a_lost_estimate_is_found_in_the_list_down_to_the_intent() {
    let rows = r#"{"code":0,"page_context":{"has_more_page":true},"estimates":[
        {"estimate_id":"9043","customer_id":"903000000000099","reference_number":"demo1.q.0192","created_time":"2026-11-21T12:00:09+0000"},
        {"estimate_id":"9042","customer_id":"903000000000077","reference_number":"demo1.q.0192","created_time":"2026-11-21T12:00:08+0000"},
        {"estimate_id":"9041","customer_id":"903000000000099","reference_number":"demo1.q.0192","created_time":"2026-11-21T12:00:07+0000"}]}"#;
    let older = r#"{"code":0,"page_context":{"has_more_page":true},"estimates":[
        {"estimate_id":"9001","customer_id":"903000000000099","reference_number":"demo1.q.0192","created_time":"2026-10-01T12:00:00+0000"}]}"#;
    let (zoho, peer) = zoho([json(200, rows), json(200, older), estimate("9041", "draft")]).await;
    let (outcome, extra) = found(look(&zoho, &create()).await);
    assert!(matches!(done(outcome), Answer::Estimate(hit) if hit.id == "9041"));
    assert_eq!(extra, ["9043"]);
    assert_eq!(lines(&peer).len(), 3, "{:?}", lines(&peer));
}

#[tokio::test]
async fn an_estimate_is_marked_and_read_back() {
    let mark = |mark| Effects::Estimate(OnEstimate::Mark { estimate: "9041".to_owned(), mark });
    let (sent, peer) = zoho([accepted(), estimate("9041", "sent")]).await;
    assert!(matches!(perform(&sent, &mark(EstimateMark::Sent)).await, Outcome::Done { .. }));
    assert_eq!(lines(&peer)[0], "POST /estimates/9041/status/sent");
    let (draft, _peer) = zoho([refused(), estimate("9041", "draft")]).await;
    assert_eq!(rejection(perform(&draft, &mark(EstimateMark::Accepted)).await).kind, RejectionKind::State);
    let (further, _peer) = zoho([estimate("9041", "invoiced")]).await;
    assert!(matches!(look(&further, &mark(EstimateMark::Accepted)).await, Look::Found { .. }));
}

fn page_order() -> PageOrder {
    PageOrder::NewSubscription {
        customer: "903000000000099".to_owned(),
        reference: "demo1.sub.0192.1".to_owned(),
        sold: PageTerms {
            plan: "plus-monthly".to_owned(),
            quantity: 1,
            addons: vec![AddonOrder { code: "seat".to_owned(), quantity: 2 }],
            coupon: None,
        },
        start: PageStart::default(),
        back_to: CheckoutLink { saga: SagaId::of_invoice("10234695", "1"), number: 1 },
    }
}

#[tokio::test]
async fn a_page_is_made_with_the_way_back_that_was_laid_beside_it_and_its_address_is_not_answered() {
    let made = r#"{"code":0,"hostedpage":{"hostedpage_id":"2-a1","status":"fresh","url":"https://zoho.test/secret",
        "action":"new_subscription","expiring_time":"2026-11-21T13:00:00+0000","created_time":"2026-11-21T12:00:00+0000"}}"#;
    let (zoho, peer) = zoho([json(201, made)]).await;
    let effect = Effects::Page(OnPage::Create(Box::new(page_order())));
    let beside = Beside { link: Some("https://pay.test/back".into()), ..Beside::default() };
    let outcome = zoho.perform(&Call { beside, ..call(&effect) }, &effect).await.outcome;
    assert!(!format!("{outcome:?}").contains("secret"));
    let Answer::HostedPage(page) = done(outcome) else { panic!("a page") };
    assert_eq!((page.id.as_str(), page.status.as_str(), page.subscription), ("2-a1", "fresh", None));
    assert_eq!(lines(&peer), ["POST /hostedpages/newsubscription"]);
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"customer_id":"903000000000099","reference_id":"demo1.sub.0192.1","plan":{"plan_code":"plus-monthly","quantity":1,"exclude_trial":true},"addons":[{"addon_code":"seat","quantity":2}],"redirect_url":"https://pay.test/back"}"#
    );
    assert_eq!(look(&zoho, &effect).await, ABSENT, "a page is not looked up");
}

#[tokio::test]
async fn what_was_bought_on_a_page_is_read_from_the_top_of_the_answer() {
    let bought = r#"{"code":0,"hostedpage_id":"2-a1","status":"success","url":"https://zoho.test/secret",
        "expiring_time":"2026-11-21T13:00:00+0000","data":{"subscription":{"subscription_id":"9031",
        "child_invoice_id":"9032","card":{"last_four_digits":1111}}}}"#;
    let fresh = r#"{"code":0,"hostedpage_id":"2-a1","status":"fresh","url":"https://zoho.test/secret","data":{}}"#;
    let (zoho, _peer) = zoho([json(200, bought), json(200, fresh), json(200, fresh)]).await;
    let effect = Effects::Page(OnPage::Read { page: "2-a1".to_owned() });
    let Answer::HostedPage(page) = done(perform(&zoho, &effect).await) else { panic!("a page") };
    assert_eq!((page.subscription.as_deref(), page.invoice.as_deref()), (Some("9031"), Some("9032")));
    let Answer::HostedPage(page) = done(perform(&zoho, &effect).await) else { panic!("a page") };
    let nothing = HostedPage {
        id: "2-a1".to_owned(),
        status: "fresh".to_owned(),
        expires_at: None,
        subscription: None,
        invoice: None,
    };
    assert_eq!(*page, nothing);
    let address = zoho.page_address("2-a1", LIMIT).await.expect("an address");
    assert_eq!(address.expose_secret(), "https://zoho.test/secret");
}
