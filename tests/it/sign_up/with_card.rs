//! A trial with a card is an activation of a plan that has one; here, that it ends before anything is charged.

use super::play::Play;
use attio_billing::demo::SignUp as Wish;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_a_trial_with_a_card_that_is_cancelled_before_its_end_is_cancelled_in_zoho_and_charges_nothing() {
    let play = Play::new().await;
    let stage = &play.out.stage;
    let made = stage.newcomer(&Wish::new("Trial", "starter-monthly")).await.unwrap();
    stage.press(&made.record, "Start").await.unwrap();
    let url = stage.checkout_url(&made.record).await.unwrap();
    assert_eq!(stage.pay(&url, "fake-valid-nonce").await.unwrap().stage, "started");
    play.rest().await;
    stage.press(&made.record, "Cancel now").await.unwrap();
    play.rest().await;
    play.advance("P20D").await;
    let books = play.books().await;
    let subscriptions = books["zoho"]["subscriptions"].as_array().unwrap();
    assert_eq!(subscriptions.iter().map(|s| s["status"].as_str().unwrap()).collect::<Vec<_>>(), ["cancelled"]);
    assert!(
        books["braintree"]["transactions"].as_array().unwrap().is_empty(),
        "{}",
        books["braintree"]["transactions"]
    );
    play.end().await;
}
