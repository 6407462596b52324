//! What the polls find by themselves.

use super::{PLAN, Shop};
use serde_json::json;

#[tokio::test]
async fn e1_what_changes_at_zoho_is_shown_in_attio_and_a_poll_without_a_change_leaves_the_log_alone() {
    let shop = Shop::polled().await;
    let plan = shop.record(PLAN).await["values"].clone();
    assert_eq!(
        (&plan["name"], &plan["kind"], &plan["offering_status"]),
        (&json!("Plus"), &json!("plan"), &json!("Available"))
    );
    assert!(plan["external_id"].as_str().unwrap().starts_with("plan:"), "{plan}");
    assert_eq!(shop.shows("seat", "price_text").await, "9.00 EUR each plus 19 % tax");
    assert_eq!(shop.shows("WELCOME10", "price_text").await, "10 % off");
    assert_eq!(
        shop.shows("business-monthly", "price_text").await,
        "149.00 EUR every month plus 19 % tax; setup fee 250.00 EUR"
    );

    let events = shop.events().await;
    for _ in 0..3 {
        let before = shop.ready().await;
        shop.advance("PT61S").await;
        shop.until_read_after(&before).await;
    }
    assert_eq!((shop.events().await, shop.ready().await["differences"].clone()), (events, json!(0)));

    shop.sells(PLAN, json!({"price": 5_900, "name": "Plus+"})).await;
    shop.advance("PT61S").await;
    shop.until_shown(PLAN, "price_text", "59.00 EUR every month").await;
    shop.until_shown(PLAN, "name", "Plus+").await;
    assert!(shop.attio("notes").await.is_empty(), "what Zoho changes is nobody's edit");
    assert_eq!(shop.syncs().await.len(), 1, "one a day");
    shop.end().await;
}

#[tokio::test]
async fn e2_what_is_inactive_is_retired_at_once_and_what_is_gone_after_a_second_read_with_a_task() {
    let shop = Shop::polled().await;
    shop.sells("starter-monthly", json!({"active": false})).await;
    shop.act("zoho", "delete_plan", json!({"plan_code": "team-monthly"})).await;
    shop.advance("PT61S").await;
    shop.until_shown("starter-monthly", "offering_status", "Retired").await;
    shop.until_state("Resting").await;
    assert_eq!(shop.shows("team-monthly", "offering_status").await, "Available");
    assert!(shop.attio("tasks").await.is_empty());
    shop.advance("PT5M").await;
    shop.until_shown("team-monthly", "offering_status", "Retired").await;
    shop.until("the task", async || shop.attio("tasks").await.len() == 1).await;
    let task = shop.attio("tasks").await.remove(0);
    assert!(task["content"].as_str().unwrap().contains("Team is not in Zoho Billing any more"), "{task}");
    assert_eq!(task["linked_record_ids"], json!([shop.record("team-monthly").await["record_id"]]));
    assert_eq!(shop.records().await.len(), 7, "nothing is deleted");
    shop.end().await;
}

#[tokio::test]
async fn e3_a_list_that_is_cut_off_or_limited_retires_nothing() {
    let shop = Shop::polled().await;
    shop.act("zoho", "delete_plan", json!({"plan_code": "team-monthly"})).await;
    for kind in ["rate_limit", "cut_after"] {
        let fault = json!({"vendor": "zoho", "operation": "coupon.list", "kind": kind});
        shop.out.stage.sandbox.order_faults(&fault).await.unwrap();
        let before = shop.ready().await;
        for _ in 0..3 {
            shop.advance("PT10M").await;
            let asked = crate::staging::asked_at(shop.out.stage.pool()).await;
            shop.advance("PT61S").await;
            shop.until("another poll to be begun", async || {
                crate::staging::asked_at(shop.out.stage.pool()).await > asked
            })
            .await;
        }
        assert_eq!(shop.ready().await["read_at"], before["read_at"], "no poll came to its end");
        assert_eq!(shop.shows("team-monthly", "offering_status").await, "Available");
        shop.out.stage.sandbox.clear_faults().await.unwrap();
    }
    shop.advance("PT61S").await;
    shop.until_state("Resting").await;
    shop.advance("PT5M").await;
    shop.until_shown("team-monthly", "offering_status", "Retired").await;
    shop.end().await;
}

#[tokio::test]
async fn e7_a_catalog_that_nobody_could_read_for_a_day_is_said_to_be_stale() {
    let shop = Shop::polled().await;
    assert_eq!(shop.ready().await["stale"], false);
    let fault = json!({"vendor": "zoho", "operation": "plan.list", "kind": "status", "status": 503});
    shop.out.stage.sandbox.order_faults(&fault).await.unwrap();
    shop.advance("P1DT1H").await;
    shop.until("the catalog to be stale", async || shop.ready().await["stale"] == true).await;
    shop.out.stage.sandbox.clear_faults().await.unwrap();
    shop.advance("PT61S").await;
    shop.until("the catalog to be fresh", async || shop.ready().await["stale"] == false).await;
    shop.end().await;
}

#[tokio::test]
async fn each_day_has_a_full_read_of_its_own_on_record() {
    let shop = Shop::polled().await;
    shop.advance("P1D").await;
    shop.until("the next day's sync", async || {
        let syncs = shop.syncs().await;
        syncs.len() == 2 && syncs[0]["state"] == "Asserted"
    })
    .await;
    let titles: Vec<_> = shop.syncs().await.iter().map(|sync| sync["title"].clone()).collect();
    assert_eq!(titles, ["2026-06-10", "2026-06-09"]);
    shop.end().await;
}
