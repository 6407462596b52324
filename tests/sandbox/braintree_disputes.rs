//! Disputes by the clock and on order, and the registration of a webhook destination.

use crate::braintree::Gateway;
use chrono::TimeDelta;
use reqwest::StatusCode;
use sandbox::faults::Kind;
use serde_json::{Value, json};

/// A dispute of a settled sale of 10 euros: its id.
async fn disputed(bt: &Gateway, more: &Value) -> String {
    bt.vault("m-1");
    let sold = bt.sell("m-1", "o-1").await;
    let id = sold.first("id").to_owned();
    bt.staff(&json!({"act": "settle_now", "id": id})).unwrap();
    let mut act = json!({"act": "open_dispute", "id": id});
    for (name, value) in more.as_object().unwrap() {
        act[name] = value.clone();
    }
    bt.staff(&act).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_dispute_that_nobody_answers_expires_after_its_last_day() {
    let bt = Gateway::open().await;
    let id = disputed(&bt, &json!({})).await;
    bt.advance(TimeDelta::days(10));
    assert_eq!(bt.get(&format!("/disputes/{id}")).await.first("status"), "open");
    bt.advance(TimeDelta::days(1));
    assert_eq!(bt.get(&format!("/disputes/{id}")).await.first("status"), "expired");
    assert_eq!(bt.world.hooks.log().last().unwrap().kind, "dispute_expired");
    let late = bt.put(&format!("/disputes/{id}/accept"), &json!({})).await;
    assert_eq!((late.status, late.code()), (StatusCode::UNPROCESSABLE_ENTITY, "95704"));
}

#[tokio::test]
async fn the_books_and_the_transaction_show_the_dispute() {
    let bt = Gateway::open().await;
    let id = disputed(&bt, &json!({"amount": "4.00", "reason": "duplicate"})).await;
    let books = sandbox::braintree::books(&bt.world);
    let own = &books["disputes"][0];
    assert_eq!((&own["id"], &own["amount_minor"], &own["reason"]), (&json!(id), &json!(400), &json!("duplicate")));
    let seen = bt.get(&format!("/transactions/{}", own["transaction_id"].as_str().unwrap())).await;
    assert!(seen.text.contains(&format!("<id>{id}</id>")), "{}", seen.text);
}

#[tokio::test]
async fn a_dispute_can_be_found_late_and_listed_twice_on_order() {
    let bt = Gateway::open().await;
    let id = disputed(&bt, &json!({})).await;
    bt.order("dispute.find", Kind::LateIndex { seconds: 60 });
    assert_eq!(bt.get(&format!("/disputes/{id}")).await.status, StatusCode::NOT_FOUND);
    bt.order("dispute.search", Kind::Doubled);
    let all = json!({"search": {"status": ["open"]}});
    assert_eq!(bt.post("/disputes/advanced_search", &all).await.text.matches("<dispute>").count(), 2);
    assert_eq!(bt.post("/disputes/advanced_search", &all).await.text.matches("<dispute>").count(), 1);
    assert_eq!(bt.post("/disputes/advanced_search?page=2", &all).await.text.matches("<dispute>").count(), 0);
}

#[tokio::test]
async fn an_act_of_a_bank_names_what_it_expects() {
    let bt = Gateway::open().await;
    let id = disputed(&bt, &json!({})).await;
    let refused = bt.staff(&json!({"act": "decide_dispute", "dispute": id, "status": "lucky"})).unwrap_err();
    assert!(refused.contains("expected one of under_review, disputed, won, lost"), "{refused}");
    let refused = bt.staff(&json!({"act": "open_dispute", "id": "nothere"})).unwrap_err();
    assert!(refused.contains("names no transaction"), "{refused}");
}

#[tokio::test]
async fn a_destination_that_does_not_sign_the_challenge_is_not_registered() {
    let bt = Gateway::open().await;
    // The sandbox itself answers, but it is not this merchant's listener.
    let url = bt.url.clone() + "/plans";
    let refused = sandbox::braintree::register_webhook(&bt.world, &json!({ "url": url })).await.unwrap_err();
    assert!(refused.contains("not with its signature"), "{refused}");
    assert_eq!(bt.world.hooks.target(sandbox::faults::Vendor::Braintree), None);
}
