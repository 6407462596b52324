//! Subscriptions that Braintree charges by itself: moved and read back before anything is switched.

use super::play::{Customer, MASTERCARD, Play};
use attio_billing::connectors::Connectors;
use attio_billing::port::{Beside, Call, InMemory, Perform};
use sagas::kernel::effect::{Braintree, Effect, RecurringOrder};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// Braintree charges the customer's card every month by itself, as after an import.
async fn leftover(play: &Play, customer: &Customer) -> String {
    play.act(
        json!({"vendor": "braintree", "act": "create_plan", "id": "old-plan", "name": "Old plan", "price": "10.00",
        "billing_frequency": 1}),
    )
    .await;
    let vendors = &play.stage.config().vendors;
    let connectors = Connectors::new(vendors, play.stage.clock().clone(), None, Arc::new(InMemory::default())).unwrap();
    let now = play.stage.clock().now();
    let order = RecurringOrder {
        subscription: "leftover-1".to_owned(),
        customer: customer.braintree.clone(),
        token: customer.card.clone(),
        plan: "old-plan".to_owned(),
        price: crate::store_support::eur(1_000),
        first_charge_on: Some((now + chrono::TimeDelta::days(20)).date_naive()),
        first_term: None,
    };
    let call = Call {
        saga: SagaId::derived("test", &["leftover"]),
        step: "subscribe".to_owned(),
        attempt: 1,
        effect: Effect::Braintree(Braintree::CreateSubscription(Box::new(order))),
        requested_at: now,
        sent_at: None,
        now,
        time_limit: Duration::from_secs(10),
        beside: Beside::default(),
    };
    let outcome = connectors.perform(&call).await.outcome;
    assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    "leftover-1".to_owned()
}

async fn charged_to(play: &Play, subscription: &str) -> (String, String) {
    let books = play.books().await;
    let all = books["braintree"]["subscriptions"].as_array().unwrap();
    let found = all.iter().find(|s| s["id"] == subscription).expect("the subscription");
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("token"), text("status"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_e4_a_subscription_that_cannot_be_moved_stops_the_switch_and_a_person_lets_it_go_on() {
    let play = Play::new().await;
    let customer = play.customer("Leftover").await;
    let subscription = leftover(&play, &customer).await;
    let url = play.invited(&customer).await;
    play.fault("subscription.update", "refuse", json!({"code": "81901"})).await;
    play.give(&url, MASTERCARD).await;
    play.until_state(&customer, "Held").await;
    let (code, detail, _) = play.update(&customer).await.parked.expect("parked");
    assert_eq!(code, "CARD_MOVE_FAILED", "{detail}");
    assert!(detail.contains("leftover-1"), "{detail}");
    assert_eq!(play.default_of(&customer).await, customer.card, "nothing was switched");
    assert_eq!(charged_to(&play, &subscription).await.0, customer.card);
    let (_, html) = play.html(&url).await;
    assert!(html.contains("We could not change your card yet"), "{html}");

    play.stage.resume(play.update(&customer).await.id, "mended").await.unwrap();
    play.until_state(&customer, "KeepingOldCard").await;
    let new = play.default_of(&customer).await;
    assert_ne!(new, customer.card);
    let (card, status) = charged_to(&play, &subscription).await;
    assert_eq!(card, new);
    assert_ne!(status, "Canceled", "moved, not cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_e8_an_old_card_that_braintree_charges_by_itself_is_not_deleted() {
    let play = Play::new().await;
    let customer = play.customer("Still Used").await;
    let url = play.invited(&customer).await;
    assert_eq!(play.give(&url, MASTERCARD).await.stage, "changed");
    play.until_state(&customer, "KeepingOldCard").await;
    play.act(json!({"vendor": "braintree", "act": "settle_now"})).await;
    let subscription = leftover(&play, &customer).await;
    play.advance("P8D").await;
    assert_eq!(play.cards_of(&customer.braintree).await.len(), 2);
    assert_eq!(charged_to(&play, &subscription).await.0, customer.card, "its subscription lives");
    let tasks = play.books().await["attio"]["tasks"].to_string();
    assert!(tasks.contains("leftover-1"), "the CRM team hears of it: {tasks}");
    play.act(json!({"vendor": "braintree", "act": "cancel_subscription", "id": subscription})).await;
    play.advance("P2D").await;
    play.until_state(&customer, "Changed").await;
    assert_eq!(play.cards_of(&customer.braintree).await.len(), 1);
}
