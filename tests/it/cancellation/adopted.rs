//! What staff do in Zoho by hand.

use super::play::Play;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_cancellation_by_staff_is_adopted_and_shown() {
    let play = Play::new().await;
    let sold = play.sold("Byhand").await;
    let cancel = json!({"vendor": "zoho", "act": "cancel_subscription", "subscription_id": sold.zoho, "at_end": false});
    play.act(cancel).await;
    play.until(&sold.zoho, "Closed").await;
    play.until_record(&sold.record, "subscription_status", "Cancelled").await;
    assert_eq!(play.record(&sold.record, "ending_reason").await, "Cancelled in Zoho");
    assert_eq!(play.calls("zoho", "subscription.cancel").await, 0, "we ask for nothing that is done");
    assert_eq!(play.fences().await, 0);
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_an_end_that_staff_schedule_and_take_back_is_followed() {
    let play = Play::new().await;
    let sold = play.sold("Wavering").await;
    let cancel = json!({"vendor": "zoho", "act": "cancel_subscription", "subscription_id": sold.zoho, "at_end": true});
    play.act(cancel).await;
    play.until(&sold.zoho, "Scheduled").await;
    play.until_record(&sold.record, "subscription_status", "Ending").await;
    play.act(json!({"vendor": "zoho", "act": "reactivate_subscription", "subscription_id": sold.zoho})).await;
    play.until(&sold.zoho, "GoesOn").await;
    play.until_record(&sold.record, "subscription_status", "Active").await;
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_term_that_ends_unheard_is_found_by_the_flow_itself() {
    let play = Play::new().await;
    let sold = play.sold("Unheard").await;
    play.press(&sold.record, "Cancel at term end").await;
    play.until(&sold.zoho, "Scheduled").await;
    play.out.stage.sandbox.webhooks(&json!({"hold": true})).await.unwrap();
    play.out.stage.sandbox.advance("P32D").await.unwrap();
    play.reached(&sold.zoho, "Closed").await;
    play.until_record(&sold.record, "subscription_status", "Cancelled").await;
    play.end().await;
}
