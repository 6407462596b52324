//! What finance may ask for, sees beforehand, and needs a second person for.

use super::play::Play;
use reqwest::StatusCode;
use sagas::kernel::ids::SagaId;
use serde_json::json;

fn saga(answer: &serde_json::Value) -> SagaId {
    SagaId(answer["saga"]["id"].as_str().unwrap().parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_4_e3_a_second_person_agrees_before_anything_is_booked_and_never_who_asked() {
    let play = Play::with(4_900, |options| options.approvals = true).await;
    play.settle(&play.sale).await;
    let (_, plan) = play.post("/refunds/preview", None, &play.body(Some(1_900), "forgive")).await;
    assert_eq!(plan["second_person"], true, "{plan:#}");
    let refund = play.refund("r1", Some(1_900), "forgive").await;
    play.until(refund, "AwaitingApproval").await;
    assert_eq!((play.balance(2120).await, play.transactions("credit").await.len()), (0, 0));
    let why = json!({"reason": "the ticket says so"});
    let (status, _) = play.post(&format!("/refunds/{refund}/approve"), None, &why).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "who asks does not approve");
    let (status, answer) = play.post_as(&play.approver, &format!("/refunds/{refund}/approve"), None, &why).await;
    assert!(status.is_success(), "{answer:#}");
    play.until(refund, "AwaitSettlement").await;
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_4_e3_rejected_or_left_lying_for_a_week_it_is_denied() {
    let play = Play::with(4_900, |options| options.approvals = true).await;
    play.settle(&play.sale).await;
    let first = play.refund("r1", Some(1_900), "forgive").await;
    let why = json!({"reason": "not this customer"});
    let (status, answer) = play.post_as(&play.approver, &format!("/refunds/{first}/reject"), None, &why).await;
    assert!(status.is_success(), "{answer:#}");
    play.until(first, "Denied").await;
    let second = play.refund("r2", Some(1_900), "forgive").await;
    play.until(second, "AwaitingApproval").await;
    play.advance("P7DT1H").await;
    play.until(second, "Denied").await;
    assert_eq!(play.balance(2120).await, 0);
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_4_e1_no_more_is_given_back_than_was_taken_and_one_at_a_time() {
    let play = Play::paid(4_900).await;
    play.settle(&play.sale).await;
    let (status, answer) = play.post("/refunds", Some("r0"), &play.body(Some(4_901), "forgive")).await;
    assert_eq!((status, answer["code"].as_str()), (StatusCode::CONFLICT, Some("refused")), "{answer:#}");
    let first = play.refund("r1", Some(3_000), "forgive").await;
    play.until(first, "AwaitSettlement").await;
    let (status, answer) = play.post("/refunds", Some("r2"), &play.body(Some(1_901), "forgive")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer:#}");
    let rest = play.refund("r3", None, "forgive").await;
    play.until(rest, "AwaitSettlement").await;
    let amounts: Vec<_> =
        play.transactions("credit").await.iter().map(|t| t["amount_minor"].as_i64().unwrap()).collect();
    assert_eq!(amounts, [3_000, 1_900]);
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_key_is_the_same_refund_and_a_preview_orders_nothing() {
    let play = Play::paid(4_900).await;
    let (status, plan) = play.post("/refunds/preview", None, &play.body(Some(1_900), "forgive")).await;
    assert_eq!(status, StatusCode::OK, "{plan:#}");
    assert_eq!((plan["amount_minor"].as_i64(), plan["captured_minor"].as_i64()), (Some(1_900), Some(4_900)));
    assert_eq!(
        (plan["means"].as_str(), plan["second_person"].as_bool()),
        (Some("refund, once it is settled"), Some(false))
    );
    play.settle(&play.sale).await;
    let first = play.refund("r1", Some(1_900), "forgive").await;
    play.until(first, "AwaitSettlement").await;
    let (status, answer) = play.post("/refunds", Some("r1"), &play.body(Some(1_900), "forgive")).await;
    assert_eq!((status, saga(&answer)), (StatusCode::OK, first), "{answer:#}");
    assert_eq!(play.transactions("credit").await.len(), 1);
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_4_e15_a_payment_that_is_not_ours_is_not_given_back() {
    let play = Play::paid(4_900).await;
    let mut body = play.body(None, "forgive");
    body["transaction"] = json!("nobodys1");
    let (status, answer) = play.post("/refunds", Some("r1"), &body).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{answer:#}");
    let (status, answer) = play.post("/refunds", None, &play.body(None, "forgive")).await;
    assert_eq!(
        (status, answer["code"].as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, Some("invalid_field")),
        "{answer:#}"
    );
    play.ends_sound().await;
}
