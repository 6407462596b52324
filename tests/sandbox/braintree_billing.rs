//! Recurring billing by the clock: bills, retries, ends, and what the SDK suites cannot reach of it.

use crate::braintree::Gateway;
use chrono::TimeDelta;
use reqwest::StatusCode;
use sandbox::faults::Kind;
use serde_json::{Value, json};

/// A subscription of 20 euros a month on a card of its own, charged once.
async fn subscribed(bt: &Gateway, id: &str, more: &Value) {
    let plan = json!({"act": "create_plan", "id": "monthly", "price": "20.00"});
    let _ = bt.staff(&plan);
    bt.vault(&format!("m-{id}"));
    let mut wanted = json!({"id": id, "plan_id": "monthly", "payment_method_token": format!("m-{id}")});
    for (name, value) in more.as_object().unwrap() {
        wanted[name] = value.clone();
    }
    let made = bt.post("/subscriptions", &json!({ "subscription": wanted })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
}

fn subscription(bt: &Gateway, id: &str) -> Value {
    let books = sandbox::braintree::books(&bt.world);
    let all = books["subscriptions"].as_array().unwrap();
    all.iter().find(|s| s["id"] == id).unwrap().clone()
}

/// The kinds of the webhooks about subscriptions so far, oldest first.
fn kinds(bt: &Gateway) -> Vec<String> {
    bt.world.hooks.log().into_iter().map(|d| d.kind).filter(|kind| kind.starts_with("subscription_")).collect()
}

fn decline(bt: &Gateway, token: &str, code: Option<&str>) {
    bt.staff(&json!({"act": "set_card_behaviour", "token": token, "decline_code": code})).unwrap();
}

#[tokio::test]
async fn every_cycle_is_one_transaction_however_far_the_clock_is_moved() {
    let bt = Gateway::open().await;
    subscribed(&bt, "s-1", &json!({})).await;
    bt.advance(TimeDelta::days(365));
    let seen = subscription(&bt, "s-1");
    assert!(matches!(seen["cycle"].as_u64(), Some(12 | 13)), "{seen}");
    assert_eq!(
        seen["transactions"].as_array().map(Vec::len),
        seen["cycle"].as_u64().map(|n| usize::try_from(n).unwrap())
    );
    bt.advance(TimeDelta::zero());
    assert_eq!(subscription(&bt, "s-1"), seen);
    let found = bt.post("/transactions/advanced_search_ids", &json!({"search": {"source": ["recurring"]}})).await;
    assert_eq!(found.text.matches("<item>").count(), seen["transactions"].as_array().unwrap().len());
}

#[tokio::test]
async fn an_unpaid_bill_is_tried_again_and_then_kept_or_canceled_as_the_merchant_wants() {
    let bt = Gateway::open().await;
    subscribed(&bt, "s-1", &json!({})).await;
    decline(&bt, "m-s-1", Some("2001"));
    bt.advance(TimeDelta::days(34) + TimeDelta::days(15));
    let seen = subscription(&bt, "s-1");
    assert_eq!((&seen["status"], &seen["balance_minor"]), (&json!("Past Due"), &json!(2000)));
    assert_eq!(seen["failure_count"], 3);
    assert_eq!(kinds(&bt).iter().filter(|kind| *kind == "subscription_went_past_due").count(), 1);
    let rules = json!({"act": "set_retries", "first_after_days": 1, "cancel_after": true});
    bt.staff(&rules).unwrap();
    subscribed(&bt, "s-2", &json!({})).await;
    decline(&bt, "m-s-2", Some("2001"));
    bt.advance(TimeDelta::days(40));
    assert_eq!(subscription(&bt, "s-2")["status"], "Canceled");
}

#[tokio::test]
async fn a_good_card_pays_what_is_owed_at_the_next_try() {
    let bt = Gateway::open().await;
    subscribed(&bt, "s-1", &json!({})).await;
    bt.order("subscription.charge", Kind::Decline { code: "2000".to_owned() });
    bt.advance(TimeDelta::days(40));
    let seen = subscription(&bt, "s-1");
    assert_eq!(
        (&seen["status"], &seen["balance_minor"], &seen["failure_count"]),
        (&json!("Active"), &json!(0), &json!(0))
    );
    let wanted = [
        "subscription_charged_unsuccessfully",
        "subscription_went_past_due",
        "subscription_charged_successfully",
        "subscription_went_active",
    ];
    assert!(kinds(&bt).ends_with(&wanted.map(str::to_owned)), "{:?}", kinds(&bt));
}

#[tokio::test]
async fn what_is_not_paid_grows_with_every_cycle_until_another_card_pays_it_all() {
    let bt = Gateway::open().await;
    subscribed(&bt, "s-1", &json!({})).await;
    decline(&bt, "m-s-1", Some("2001"));
    bt.advance(TimeDelta::days(64));
    assert_eq!(subscription(&bt, "s-1")["balance_minor"], 4000);
    bt.vault("m-other");
    let moved = bt.put("/subscriptions/s-1", &json!({"subscription": {"payment_method_token": "m-other"}})).await;
    assert_eq!((moved.status, moved.first("balance")), (StatusCode::OK, "0.00"));
    assert_eq!(subscription(&bt, "s-1")["status"], "Active");
}

#[tokio::test]
async fn a_limited_add_on_is_billed_for_its_cycles_only() {
    let bt = Gateway::open().await;
    let add_on = json!({"act": "create_add_on", "id": "setup", "amount": "5.00", "number_of_billing_cycles": 1});
    bt.staff(&add_on).unwrap();
    subscribed(&bt, "s-1", &json!({"add_ons": {"add": [{"inherited_from_id": "setup"}]}})).await;
    assert_eq!(subscription(&bt, "s-1")["per_cycle_minor"], 2000);
    bt.advance(TimeDelta::days(34));
    let totals = sandbox::braintree::books(&bt.world)["totals"]["EUR"]["captured_minor"].clone();
    assert_eq!(totals, 4500);
}

#[tokio::test]
async fn a_subscription_can_be_found_late_or_not_at_all_on_order() {
    let bt = Gateway::open().await;
    subscribed(&bt, "s-1", &json!({})).await;
    for kind in [Kind::LateIndex { seconds: 60 }, Kind::Empty] {
        bt.order("subscription.find", kind);
        assert_eq!(bt.get("/subscriptions/s-1").await.status, StatusCode::NOT_FOUND);
        assert_eq!(bt.get("/subscriptions/s-1").await.status, StatusCode::OK);
    }
    let ids = async || {
        let all = json!({"search": {"id": {"is": "s-1"}}});
        bt.post("/subscriptions/advanced_search_ids", &all).await.text.matches("<item>s-1</item>").count()
    };
    bt.order("subscription.search", Kind::Doubled);
    assert_eq!(ids().await, 2);
    assert_eq!(ids().await, 1);
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_there_and_its_id_taken() {
    let bt = Gateway::open().await;
    subscribed(&bt, "s-0", &json!({})).await;
    bt.order("subscription.create", Kind::StatusAfter { status: 504 });
    let wanted = json!({"subscription": {"id": "s-1", "plan_id": "monthly", "payment_method_token": "m-s-0"}});
    assert_eq!(bt.post("/subscriptions", &wanted).await.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(bt.post("/subscriptions", &wanted).await.code(), "81902");
    assert_eq!(bt.get("/subscriptions/s-1").await.first("status"), "Active");
}
