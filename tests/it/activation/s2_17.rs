//! Where Braintree's own recurring billing collects: from the press to renewals, a failed charge, and the end.

use super::play::{GOOD, OTHER, Play};
use attio_billing::demo::{Newcomer, SignUp};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use sagas::braintree_recurring::BraintreeRecurring;
use sagas::kernel::saga::Saga;
use serde_json::{Value, json};

/// What Braintree shows of its one subscription.
async fn at_braintree(play: &Play) -> Value {
    let books = play.books().await;
    let all = books["braintree"]["subscriptions"].as_array().unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

async fn mirror(play: &Play) -> SagaLine {
    let filter = SagaFilter { kind: Some(BraintreeRecurring::NAME.to_owned()), ..SagaFilter::default() };
    let found = query::sagas(play.stage.pool(), &filter, None, 10).await.unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

async fn until_mirror(play: &Play, state: &str) {
    let reached =
        play.stage.until(&format!("the mirror to be {state}"), async || Ok(mirror(play).await.state == state)).await;
    assert!(reached.is_ok(), "{}", log(play).await);
}

async fn log(play: &Play) -> String {
    let line = mirror(play).await;
    let (_, events) = query::saga(play.stage.pool(), line.id).await.unwrap().unwrap();
    let log: Vec<_> = events.iter().map(|e| format!("{} {}", e.name, e.payload)).collect();
    format!("{line:#?}\n{}", log.join("\n"))
}

/// Active, with the first invoice taken by Braintree.
async fn active(play: &Play) -> Newcomer {
    let (newcomer, url) = play.invited(SignUp::new("Northwind", play.stage.plan())).await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert_eq!((shown.status, shown.stage.as_str()), (200, "paid"), "{}", play.history(&newcomer).await);
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    newcomer
}

/// The customer's card answers so from now on; none: it is good.
async fn card_says(play: &Play, code: Option<&str>) {
    let token = at_braintree(play).await["token"].clone();
    play.act(json!({"vendor": "braintree", "act": "set_card_behaviour", "token": token, "decline_code": code})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p5_braintree_takes_the_first_invoice_with_its_start_and_each_renewal_by_its_own_clock() {
    let play = Play::collected_by_braintree().await;
    let newcomer = active(&play).await;
    assert_eq!(play.record(&newcomer, "collection_owner").await, "braintree_recurring");
    assert_eq!(play.record(&newcomer, "payment_status").await, "Paid");
    assert_eq!(at_braintree(&play).await["status"], "Active");
    assert_eq!(play.calls("braintree", "transaction.sale").await, 0, "we charged nothing");
    play.is_collected(&[4_900]).await;

    play.advance("P31D").await;
    until_mirror(&play, "Watching").await;
    play.is_collected(&[4_900, 4_900]).await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, 0, "we charged nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_declined_first_charge_leaves_the_customer_at_the_page_and_nothing_at_zoho() {
    let play = Play::collected_by_braintree().await;
    let (newcomer, url) = play.invited(SignUp::new("Second Try", play.stage.plan())).await;
    play.fault(json!({"vendor": "braintree", "operation": "subscription.create", "kind": "decline", "code": "2001",
        "times": 1}))
        .await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert!(["declined", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    play.rest().await;
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "declined", "{}", play.history(&newcomer).await);
    play.is_undone().await;

    let shown = play.stage.pay(&url, OTHER).await.unwrap();
    assert_eq!(shown.stage, "paid", "{}", play.history(&newcomer).await);
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_a_time_out_of_the_start_is_found_and_nothing_is_begun_twice() {
    let play = Play::collected_by_braintree().await;
    let (newcomer, url) = play.invited(SignUp::new("Slow", play.stage.plan())).await;
    play.fault(json!({"vendor": "braintree", "operation": "subscription.create", "kind": "timeout_after"})).await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert!(["paid", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    play.advance("PT2M").await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_a_failed_charge_is_past_due_and_asked_about_and_braintrees_own_retry_brings_it_home() {
    let play = Play::collected_by_braintree().await;
    let newcomer = active(&play).await;
    card_says(&play, Some("2001")).await;
    play.advance("P31D").await;
    until_mirror(&play, "PastDue").await;
    // Where another flow wrote on the record at the same moment, the next day's look says it again.
    play.advance("P1D").await;
    play.rest().await;
    assert_eq!(play.record(&newcomer, "subscription_status").await, "Past due", "{}", log(&play).await);
    play.rest().await;
    let subjects = play.subjects().await;
    assert_eq!(subjects.len(), 3, "the link, the receipt, and the failed payment: {subjects:?}");
    card_says(&play, None).await;
    play.advance("P4D").await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900, 4_900]).await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, 0, "we charged nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_cancellation_at_the_end_of_the_term_stops_braintree_with_its_cycle_and_is_taken_back() {
    let play = Play::collected_by_braintree().await;
    let newcomer = active(&play).await;
    play.press(&newcomer, "Cancel at term end").await;
    play.until_record(&newcomer, "subscription_status", "Ending").await;
    assert_eq!(at_braintree(&play).await["cycles"], 1);
    play.press(&newcomer, "Reactivate").await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    assert_eq!(at_braintree(&play).await["cycles"], Value::Null);
    play.advance("P31D").await;
    play.is_collected(&[4_900, 4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_cancellation_at_once_ends_both_and_nothing_is_charged_after_it() {
    let play = Play::collected_by_braintree().await;
    let newcomer = active(&play).await;
    play.press(&newcomer, "Cancel now").await;
    play.until_record(&newcomer, "subscription_status", "Cancelled").await;
    assert_eq!(at_braintree(&play).await["status"], "Canceled");
    assert_eq!(play.live_subscriptions().await, Vec::<Value>::new());
    play.advance("P31D").await;
    assert_eq!(play.live().await.len(), 1, "the first term alone");
    until_mirror(&play, "Ended").await;
}
