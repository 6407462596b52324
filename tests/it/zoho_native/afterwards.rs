//! The subscription afterwards: Zoho renews, duns and ends it, and staff do what they do.

use super::play::{EXTERNAL_RECEIPTS, Play, RECEIVABLES};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_a_renewal_that_zoho_collects_is_mirrored_and_never_charged_by_us() {
    let play = Play::new().await;
    let (newcomer, _) = play.active("Monthly").await;
    let before = play.record(&newcomer, "next_billing_at").await;
    play.advance("P31D").await;
    play.advance("PT12H").await;
    assert_eq!(play.invoices().await.len(), 2);
    let accounts = play.accounts().await;
    assert_eq!((accounts.get(&EXTERNAL_RECEIPTS), accounts.get(&RECEIVABLES)), (Some(&9_800), None), "{accounts:?}");
    assert_ne!(play.record(&newcomer, "next_billing_at").await, before, "{}", play.history(&newcomer).await);
    assert!(play.streams().await.iter().all(|(state, _)| state == "Mirrored"));
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_a_renewal_that_zoho_cannot_collect_is_shown_and_zohos_own_dunning_runs() {
    let play = Play::new().await;
    let (newcomer, _) = play.active("Overdrawn").await;
    let subscription = play.subscriptions().await[0]["subscription_id"].as_str().unwrap().to_owned();
    play.act(json!({"act": "turn_on_auto_collect", "subscription_id": subscription,
        "card_number": "4000000000000341"}))
        .await;
    play.advance("P31D").await;
    play.advance("PT12H").await;
    play.until_record(&newcomer, "subscription_status", "Past due").await;
    assert_eq!(play.record(&newcomer, "payment_status").await, "Failed");
    let accounts = play.accounts().await;
    assert_eq!(accounts.get(&RECEIVABLES), Some(&4_900), "{accounts:?}");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_collection_that_staff_turned_off_is_a_persons() {
    let play = Play::new().await;
    let (newcomer, _) = play.active("Switched").await;
    let subscription = play.subscriptions().await[0]["subscription_id"].as_str().unwrap().to_owned();
    play.act(json!({"act": "turn_off_auto_collect", "subscription_id": subscription})).await;
    play.advance("P31D").await;
    play.advance("PT12H").await;
    let line = play.saga(&newcomer).await;
    assert_eq!(
        line.parked.map(|parked| parked.0).as_deref(),
        Some("NO_COLLECTOR"),
        "{}",
        play.history(&newcomer).await
    );
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_an_act_ends_it_at_zoho_and_the_product_can_be_bought_again() {
    let play = Play::new().await;
    let (newcomer, _) = play.active("Leaving").await;
    play.stage.press(&newcomer.record, "Cancel now").await.unwrap();
    play.until_record(&newcomer, "subscription_status", "Cancelled").await;
    play.rest().await;
    assert_eq!(play.subscriptions().await[0]["status"], "cancelled");
    // While the cancellation works on the subscription, the mirror waits.
    play.advance("PT2H").await;
    assert_eq!(play.saga(&newcomer).await.state, "Ended", "{}", play.history(&newcomer).await);
    let claims: i64 = sqlx::query_scalar("select count(*) from claim").fetch_one(play.stage.pool()).await.unwrap();
    assert_eq!(claims, 0);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_an_invoice_that_staff_void_takes_zohos_receipt_out_of_the_books_again() {
    let play = Play::new().await;
    play.active("Voided").await;
    let invoice = play.invoices().await[0]["invoice_id"].as_str().unwrap().to_owned();
    play.act(json!({"act": "void_invoice", "invoice_id": invoice})).await;
    play.rest().await;
    let accounts = play.accounts().await;
    assert_eq!((accounts.get(&EXTERNAL_RECEIPTS), accounts.get(&RECEIVABLES)), (None, None), "{accounts:?}");
    play.is_sound().await;
}
