//! The roads that end well.

use super::play::{GOOD, Play, fault};
use attio_billing::demo::SignUp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p13_a_press_leads_to_a_link_and_a_payment_to_an_active_subscription() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Northwind", play.stage.plan())).await;
    assert_eq!(play.record(&newcomer, "sync_action").await, "none", "the act is answered");
    assert_eq!(play.record(&newcomer, "checkout_status").await, "Link ready");
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "quoted");

    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert_eq!((shown.status, shown.stage.as_str()), (200, "paid"), "{}", play.history(&newcomer).await);
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    assert_eq!(play.record(&newcomer, "payment_status").await, "Paid");
    assert_eq!(play.saga(&newcomer).await.ended.as_deref(), Some("completed"));
    assert_eq!(play.live_subscriptions().await.len(), 1);
    assert_eq!(play.subjects().await.len(), 2, "the link, and the receipt: {:?}", play.subjects().await);
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_trial_starts_without_money_and_keeps_the_card() {
    starts_without_money(|_| SignUp::new("Trial", "starter-monthly")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_coupon_for_everything_leaves_nothing_to_pay() {
    starts_without_money(|plan| SignUp::new("Free", plan).with("coupon_code", "FREE100")).await;
}

async fn starts_without_money(of: impl FnOnce(&'static str) -> SignUp) {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(of(play.stage.plan())).await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert_eq!(shown.stage, "started", "{shown:?}");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[]).await;
    let vault = play.books().await["braintree"]["payment_methods"].clone();
    assert_eq!(vault.as_array().unwrap().len(), 1, "the card is kept: {vault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e12_a_time_out_after_the_authorisation_is_found_and_not_held_twice() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Slow", play.stage.plan())).await;
    play.fault(fault("braintree", "transaction.sale", "timeout_after")).await;
    // The page may wait for it or say that it is being confirmed; it never says that it failed.
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert!(["paid", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    play.advance("PT2M").await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "paid");
    play.is_collected(&[4_900]).await;
}
