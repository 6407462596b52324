//! Syncs that people ask for, and customers who hold a quote while the price changes.

use super::{PLAN, Shop};
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::demo::SignUp;
use reqwest::StatusCode;
use serde_json::{Value, json};

#[tokio::test]
async fn sync_catalog_now_is_answered_on_the_record_and_carried_out() {
    let shop = Shop::ordered().await;
    shop.advance("PT61S").await;
    shop.sells("team-monthly", json!({"name": "Team 2"})).await;
    let record = shop.record(PLAN).await["record_id"].clone();
    let press = json!({"object": "service_plans", "record_id": record, "action": "Sync catalog now"});
    shop.act("attio", "press", press).await;
    shop.until_shown(PLAN, "sync_action", "none").await;
    shop.until_shown("team-monthly", "name", "Team 2").await;
    assert!(shop.attio("notes").await.is_empty(), "a press is no edit");
    shop.end().await;
}

#[tokio::test]
async fn a_press_whose_delivery_was_lost_is_found_by_the_poll() {
    let shop = Shop::polled().await;
    shop.out.stage.sandbox.webhooks(&json!({"hold": true})).await.unwrap();
    let record = shop.record(PLAN).await["record_id"].clone();
    let press = json!({"object": "service_plans", "record_id": record, "action": "Sync catalog now"});
    shop.act("attio", "press", press).await;
    shop.advance("PT61S").await;
    shop.until_shown(PLAN, "sync_action", "none").await;
    shop.end().await;
}

#[tokio::test]
async fn orders_are_taken_at_once_and_read_once_a_minute() {
    let shop = Shop::new(|_| {}).await;
    let (status, first) = shop.order(Some("monday")).await;
    assert_eq!((status, &first["state"]), (StatusCode::OK, &json!("applied")), "{first}");
    shop.until("the whole catalog", async || shop.records().await.len() == 7).await;
    shop.out.stage.rest().await.unwrap();
    let events = shop.events().await;
    let (status, again) = shop.order(Some("monday")).await;
    assert_eq!((status, &again["saga"]["id"]), (StatusCode::OK, &first["saga"]["id"]));
    assert_eq!(shop.events().await, events, "the same key is the same order");

    shop.sells(PLAN, json!({"name": "Soon"})).await;
    assert_eq!(shop.order(Some("tuesday")).await.0, StatusCode::OK);
    shop.until_state("Resting").await;
    assert_eq!(shop.shows(PLAN, "name").await, "Plus");
    shop.advance("PT61S").await;
    shop.until_shown(PLAN, "name", "Soon").await;
    shop.end().await;
}

#[tokio::test]
async fn e1_who_holds_a_quote_is_shown_the_new_price_before_paying() {
    let shop = Shop::ordered().await;
    let stage = &shop.out.stage;
    let newcomer = stage.newcomer(&SignUp::new("Late", stage.plan())).await.unwrap();
    stage.press(&newcomer.record, "Start").await.unwrap();
    let url = stage.checkout_url(&newcomer.record).await.unwrap();
    let old = stage.checkout_state(&url).await.unwrap();
    assert_eq!(old.stage, "quoted", "{old:?}");
    stage.rest().await.unwrap();

    shop.sells(PLAN, json!({"price": 5_900})).await;
    shop.advance("PT61S").await;
    assert_eq!(shop.order(None).await.0, StatusCode::OK);
    shop.until("another quote", async || {
        let now = shop.out.stage.checkout_state(&url).await.unwrap();
        now.stage == "quoted" && now.quote_hash != old.quote_hash
    })
    .await;
    let submission = json!({"quote_hash": old.quote_hash, "consent_version": CONSENT_VERSION,
        "nonce": "fake-valid-nonce"});
    let shown = stage.submit(&url, &submission).await.unwrap();
    assert_eq!(shown.stage, "replaced", "{shown:?}");
    assert_ne!(shown.quote_hash, old.quote_hash);
    let paid = stage.pay(&url, "fake-valid-mastercard-nonce").await.unwrap();
    assert!(["paid", "confirming"].contains(&paid.stage.as_str()), "{paid:?}");
    shop.until("59.00 to be taken", async || {
        let books: Value = shop.out.stage.sandbox.books().await.unwrap();
        let all = books["braintree"]["transactions"].as_array().unwrap().clone();
        all.len() == 1 && all[0]["amount_minor"] == 5_900 && all[0]["status"] == "submitted_for_settlement"
    })
    .await;
    shop.end().await;
}
