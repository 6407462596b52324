//! The edges of a dispute that can be driven from outside.

use super::play::Play;
use attio_billing::store::append::Status;
use reqwest::StatusCode;
use serde_json::json;

const MONEY_DECISION: &str = "MONEY_DECISION";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_e4_a_chargeback_is_held_shown_replied_to_by_finance_and_won() {
    let play = Play::paid(4_900).await;
    let (dispute, saga) = play.disputed(&play.sale).await;
    play.until(saga, "EvidenceReady").await;
    assert_eq!((play.balance(1130).await, play.balance(1120).await), (4_900, 0));
    let (status, sentence) = play.shown(&dispute).await;
    assert_eq!(status, "Open");
    assert!(sentence.contains("action needed: reply until 2026-06-20 00:00 UTC"), "{sentence}");
    let view: serde_json::Value = play.out.get(&format!("/disputes/{saga}")).await;
    assert_eq!((view["dispute"].as_str(), view["amount_minor"].as_i64()), (Some(dispute.as_str()), Some(4_900)));
    let pack = view["pack"].as_array().unwrap().len();
    assert!(pack >= 2, "{view:#}");
    let evidence = json!({
        "texts": [{"text": "compelling_evidence"}],
        // A file that begins as a PDF does.
        "documents": [{"base64": "JVBERi0xLjQK", "form": "pdf", "category": "GENERAL"}],
        "reason": "it was delivered",
    });
    play.ordered(saga, "submit", &evidence).await;
    let line = play.until(saga, "Won").await;
    assert_eq!(line.ended.as_deref(), Some("completed"));
    let stands = play.at_braintree(&dispute).await;
    assert_eq!((stands["status"].as_str(), stands["evidence"].as_array().unwrap().len()), (Some("won"), pack + 2));
    assert_eq!((play.balance(1130).await, play.balance(1120).await), (0, 4_900));
    assert_eq!(play.shown(&dispute).await.0, "Void");
    let compared = play.out.stage.compare().await.unwrap();
    assert_eq!(compared.differences(), 0, "{}", compared.table());
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_4_e2_nothing_of_a_disputed_payment_is_refunded_until_it_is_won() {
    let play = Play::paid(4_900).await;
    let (dispute, saga) = play.disputed(&play.sale).await;
    play.until(saga, "EvidenceReady").await;
    let body = json!({"transaction": play.sale, "source": "forgive", "why": "goodwill", "reason": "asked for"});
    let (status, answer) = play.post("/refunds/preview", &body).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer:#}");
    assert!(answer["detail"].as_str().unwrap().contains("reply to the dispute instead"), "{answer:#}");
    play.decided(&dispute, "won").await;
    play.until(saga, "Won").await;
    let (status, answer) = play.post("/refunds/preview", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_what_finance_gives_up_is_a_loss_and_the_subscription_ends_by_a_persons_word() {
    let play = Play::paid(4_900).await;
    let (dispute, saga) = play.disputed(&play.sale).await;
    play.until(saga, "EvidenceReady").await;
    play.ordered(saga, "accept", &json!({"reason": "charged after the end"})).await;
    let line = play.until(saga, "Accepted").await;
    assert_eq!(line.parked.as_ref().map(|(code, ..)| code.as_str()), Some(MONEY_DECISION));
    assert_eq!(play.at_braintree(&dispute).await["status"], "accepted");
    assert_eq!((play.balance(1130).await, play.balance(5210).await), (0, 4_900));
    let (status, _) = play.post(&format!("/disputes/{saga}/close"), &json!({"reason": "seen"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "nothing is chosen by default");
    play.ordered(saga, "close", &json!({"subscription": "cancel", "reason": "fraud"})).await;
    assert_eq!(play.line(saga).await.ended.as_deref(), Some("completed"));
    let books = play.books().await;
    let all = books["zoho"]["subscriptions"].as_array().unwrap();
    let theirs = all.iter().find(|s| s["subscription_id"] == play.customer.zoho_subscription).unwrap();
    assert_eq!(theirs["status"], "cancelled", "{theirs:#}");
    assert_eq!(play.shown(&dispute).await.0, "Refunded");
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_2_e16_another_invoice_of_that_customer_waits_until_the_dispute_is_over() {
    let play = Play::paid(4_900).await;
    let (dispute, saga) = play.disputed(&play.sale).await;
    play.until(saga, "EvidenceReady").await;
    let invoice = play.out.stage.renew(&play.customer, 2_000).await.unwrap();
    let stream = play.out.stage.saga_of(&invoice);
    play.until(stream, "HeldByDecision").await;
    let line = play.line(stream).await;
    assert!(line.parked.as_ref().unwrap().1.contains("dispute"), "{line:#?}");
    play.decided(&dispute, "won").await;
    play.until(saga, "Won").await;
    play.until(stream, "AwaitSettlement").await;
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_deadline_that_passes_without_a_reply_is_a_loss_that_a_person_looks_into() {
    let play = Play::paid(4_900).await;
    let (dispute, saga) = play.disputed(&play.sale).await;
    play.until(saga, "EvidenceReady").await;
    play.advance("P8D").await;
    let line = play.until(saga, "DeadlineNear").await;
    assert!(line.waiting_for.as_deref().unwrap().starts_with("deadline: "), "{line:#?}");
    play.advance("P4D").await;
    let line = play.until(saga, "Expired").await;
    assert!(line.parked.as_ref().unwrap().1.contains("nobody replied before the deadline"), "{line:#?}");
    assert_eq!(
        (play.at_braintree(&dispute).await["status"].as_str(), play.balance(5210).await),
        (Some("expired"), 4_900)
    );
    play.ordered(saga, "close", &json!({"subscription": "keep", "reason": "the alert went to nobody"})).await;
    assert_eq!(play.line(saga).await.ended.as_deref(), Some("completed"));
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_payment_that_is_none_of_ours_stands_in_suspense() {
    let play = Play::paid(4_900).await;
    let sale = play.strangers_sale().await;
    let (dispute, saga) = play.disputed(&sale).await;
    let line = play.until(saga, "Orphan").await;
    assert_eq!((line.status, play.balance(1900).await, play.balance(1130).await), (Status::Waiting, 1_000, 0));
    assert!(line.waiting_for.as_deref().unwrap().starts_with("deadline: "), "{line:#?}");
    play.decided(&dispute, "won").await;
    play.until(saga, "Won").await;
    assert_eq!(play.balance(1900).await, 0);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_a_dispute_whose_messages_are_lost_is_found_by_the_daily_search_and_by_its_own_looks() {
    let play = Play::with(4_900, |options| options.poll_seconds = 1).await;
    play.out.stage.sandbox.webhooks(&json!({"vendor": "braintree", "drop_next": 50})).await.unwrap();
    let (dispute, saga) = play.disputed(&play.sale).await;
    play.advance("P1D").await;
    play.until(saga, "EvidenceReady").await;
    play.decided(&dispute, "won").await;
    play.advance("P1DT1H").await;
    play.until(saga, "Won").await;
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_a_reply_whose_answer_is_lost_is_found_and_given_once() {
    let play = Play::paid(4_900).await;
    let (dispute, saga) = play.disputed(&play.sale).await;
    play.until(saga, "EvidenceReady").await;
    play.fault(json!({"vendor": "braintree", "operation": "dispute.finalize", "kind": "timeout_after", "times": 1}))
        .await;
    let body = json!({"texts": [{"text": "Used daily"}], "without_pack": true, "reason": "they use it"});
    play.ordered(saga, "submit", &body).await;
    play.advance("PT10M").await;
    play.until(saga, "Submitted").await;
    let stands = play.at_braintree(&dispute).await;
    assert_eq!((stands["status"].as_str(), stands["evidence"].as_array().unwrap().len()), (Some("disputed"), 1));
    play.ends_sound().await;
}
