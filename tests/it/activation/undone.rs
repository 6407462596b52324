//! The roads that end with everything undone.

use super::play::{GOOD, Play};
use attio_billing::demo::SignUp;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e14_a_subscription_that_zoho_refuses_releases_the_hold_and_leaves_nothing() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Refused", play.stage.plan())).await;
    play.fault(
        json!({"vendor": "zoho", "operation": "subscription.create", "kind": "refuse", "code": "9004", "times": 1}),
    )
    .await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    play.rest().await;
    assert!(["failed", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    play.until_record(&newcomer, "subscription_status", "Failed").await;
    assert!(!play.record(&newcomer, "last_error").await.is_empty());
    assert_eq!(play.saga(&newcomer).await.ended.as_deref(), Some("compensated"));
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e22_an_outage_of_zoho_in_the_middle_is_waited_out_for_a_day_and_then_undone() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Outage", play.stage.plan())).await;
    play.fault(json!({"vendor": "zoho", "operation": "subscription.create", "kind": "rate_limit", "times": 10_000}))
        .await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert_eq!(shown.stage, "confirming", "{shown:?}");
    assert_eq!(play.live().await.len(), 1, "held, and not taken");
    play.stage.sandbox.advance("PT25H").await.unwrap();
    play.stage.until("the hold to be released", async || Ok(play.live().await.is_empty())).await.unwrap();
    play.clear_faults().await;
    play.rest().await;
    assert_ne!(play.record(&newcomer, "subscription_status").await, "Active");
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_plan_that_zoho_does_not_sell_is_refused_in_a_sentence_on_the_record() {
    let play = Play::new().await;
    let newcomer = play.started(SignUp::new("Unknown Plan", "no-such-plan")).await;
    play.stage
        .until("an answer on the record", async || Ok(!play.record(&newcomer, "last_error").await.is_empty()))
        .await
        .unwrap();
    assert_eq!(play.record(&newcomer, "sync_action").await, "none");
    play.rest().await;
    play.is_undone().await;
}
