//! The edges of a refund that can be driven from outside.

use super::play::Play;
use attio_billing::store::append::Status;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p8_a_part_that_is_forgiven_is_refunded_credited_shown_mailed_and_settled() {
    let play = Play::paid(4_900).await;
    play.settle(&play.sale).await;
    let refund = play.refund("r1", Some(1_900), "forgive").await;
    play.until(refund, "AwaitSettlement").await;
    let credits = play.transactions("credit").await;
    assert_eq!((credits.len(), credits[0]["amount_minor"].as_i64()), (1, Some(1_900)));
    let id = credits[0]["id"].as_str().unwrap();
    let notes = play.credit_notes().await;
    assert_eq!((notes.len(), notes[0]["reference_number"].as_str()), (1, Some(id)), "{notes:#?}");
    assert_eq!((notes[0]["total"].as_i64(), notes[0]["balance"].as_i64()), (Some(1_900), Some(0)), "{notes:#?}");
    assert_eq!(play.invoice().await["balance"], 0, "nothing is owed");
    assert_eq!((play.shown(refund).await.as_deref(), play.letters().await), (Some("Refunded"), 1));
    assert_eq!((play.balance(2110).await, play.balance(2120).await), (0, 0));
    play.settle(id).await;
    play.advance("PT3H").await;
    play.until(refund, "Settled").await;
    assert_eq!(play.balance(1120).await, 4_900 - 1_900);
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p3_the_whole_of_an_unsettled_sale_is_voided_and_its_invoice_is_void() {
    let play = Play::paid(4_900).await;
    let refund = play.refund("r1", None, "forgive").await;
    play.until(refund, "Voided").await;
    assert_eq!(play.transactions("sale").await[0]["status"], "voided");
    assert_eq!(play.transactions("credit").await.len(), 0);
    assert_eq!(play.invoice().await["status"], "void");
    play.until_stream("ClosedVoid").await;
    for account in [1110, 1120, 1200, 2100, 2110, 2120, 4000] {
        assert_eq!(play.balance(account).await, 0, "{account}");
    }
    assert_eq!((play.shown(refund).await.as_deref(), play.letters().await), (Some("Void"), 1));
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_what_is_reopened_is_owed_held_and_charged_only_by_a_decision() {
    let play = Play::paid(4_900).await;
    play.settle(&play.sale).await;
    let refund = play.refund("r1", Some(1_900), "reopen").await;
    play.until(refund, "AwaitSettlement").await;
    assert_eq!((play.invoice().await["balance"].as_i64(), play.balance(1200).await), (Some(1_900), 1_900));
    play.until_stream("HeldByDecision").await;
    assert_eq!(play.transactions("sale").await.len(), 1);
    let path = format!("/sagas/{}/decide", play.stream());
    let body = json!({"choice": "charge_again", "reason": "the customer wants it after all"});
    let (status, answer) = play.post_as(&play.out.token, &path, None, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    play.until_stream("AwaitSettlement").await;
    let sales = play.transactions("sale").await;
    assert_eq!((sales.len(), sales[1]["amount_minor"].as_i64()), (2, Some(1_900)));
    assert_eq!(play.invoice().await["balance"], 0);
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p6_a_whole_payment_that_is_reopened_before_it_settles_is_voided_and_its_record_deleted() {
    let play = Play::paid(4_900).await;
    let refund = play.refund("r1", None, "reopen").await;
    play.until(refund, "Voided").await;
    assert_eq!((play.invoice().await["balance"].as_i64(), play.balance(1200).await), (Some(4_900), 4_900));
    play.until_stream("HeldByDecision").await;
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_a_part_of_an_unsettled_sale_waits_for_settlement() {
    let play = Play::paid(4_900).await;
    let refund = play.refund("r1", Some(1_900), "forgive").await;
    play.until(refund, "WaitSettle").await;
    play.advance("PT1H").await;
    assert_eq!((play.line(refund).await.state.as_str(), play.transactions("credit").await.len()), ("WaitSettle", 0));
    play.settle(&play.sale).await;
    play.advance("PT2H").await;
    play.until(refund, "AwaitSettlement").await;
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_e18_voided_in_the_console_meanwhile_it_is_moot_and_the_invoice_owes_again() {
    let play = Play::paid(4_900).await;
    let refund = play.refund("r1", Some(1_900), "forgive").await;
    play.until(refund, "WaitSettle").await;
    play.act(json!({"vendor": "braintree", "act": "void_in_console", "id": play.sale})).await;
    play.advance("PT2H").await;
    play.until(refund, "Moot").await;
    play.until_stream("HeldByDecision").await;
    assert_eq!((play.balance(2110).await, play.balance(2120).await, play.balance(1200).await), (0, 0, 4_900));
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_refused_by_the_bank_it_stays_owed_until_finance_says_that_it_was_paid_outside() {
    let play = Play::paid(410_000).await;
    play.settle(&play.sale).await;
    // The gateway's magic amount: a hard decline, with a credit transaction of its own.
    let refund = play.refund("r1", Some(200_500), "forgive").await;
    let line = play.until(refund, "Blocked").await;
    assert_eq!(line.parked.map(|(code, ..)| code).as_deref(), Some("REFUND_BLOCKED"));
    assert_eq!((play.balance(2120).await, play.shown(refund).await.as_deref()), (-200_500, Some("Failed")));
    assert_eq!(play.letters().await, 0);
    play.decide(refund, "paid_outside").await;
    play.until(refund, "PaidOutside").await;
    assert_eq!((play.balance(2120).await, play.balance(1150).await), (0, -200_500));
    assert_eq!(play.credit_notes().await[0]["balance"], 0);
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_a_refund_that_the_bank_refuses_is_withdrawn_and_the_invoice_stays_paid() {
    let play = Play::paid(410_000).await;
    play.settle(&play.sale).await;
    let refund = play.refund("r1", Some(200_500), "forgive").await;
    play.until(refund, "Blocked").await;
    play.decide(refund, "withdraw").await;
    play.until(refund, "Withdrawn").await;
    assert_eq!((play.balance(2120).await, play.balance(2110).await), (0, 0));
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_a_refund_whose_answer_is_lost_is_found_and_never_sent_again() {
    let play = Play::paid(4_900).await;
    play.settle(&play.sale).await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.refund", "kind": "timeout_after", "times": 1}))
        .await;
    let (status, answer) = play.post("/refunds", Some("r1"), &play.body(Some(1_900), "forgive")).await;
    assert!(status.is_success(), "{answer:#}");
    let refund = sagas::kernel::ids::SagaId(answer["saga"]["id"].as_str().unwrap().parse().unwrap());
    play.out.stage.until_saga(refund, "unknown", |s| s.status == Status::Resolving).await.unwrap();
    for _ in 0..3 {
        play.advance("PT2M").await;
    }
    play.until(refund, "AwaitSettlement").await;
    assert_eq!(play.transactions("credit").await.len(), 1);
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e12_a_credit_note_and_its_refund_whose_answers_are_lost_are_found() {
    let play = Play::paid(4_900).await;
    play.settle(&play.sale).await;
    for operation in ["creditnote.create", "creditnote.refund"] {
        play.fault(json!({"vendor": "zoho", "operation": operation, "kind": "timeout_after", "times": 1})).await;
    }
    let refund = play.refund("r1", Some(1_900), "forgive").await;
    for _ in 0..8 {
        play.advance("PT2M").await;
    }
    play.until(refund, "AwaitSettlement").await;
    let notes = play.credit_notes().await;
    assert_eq!((notes.len(), notes[0]["balance"].as_i64()), (1, Some(0)), "{notes:#?}");
    play.ends_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e13_declined_after_it_was_accepted_the_webhook_brings_the_look_and_it_is_owed_again() {
    let play = Play::paid(4_900).await;
    play.settle(&play.sale).await;
    let refund = play.refund("r1", Some(1_900), "forgive").await;
    play.until(refund, "AwaitSettlement").await;
    let id = play.transactions("credit").await[0]["id"].as_str().unwrap().to_owned();
    play.act(json!({"vendor": "braintree", "act": "fail_refund", "id": id})).await;
    play.advance("PT3H").await;
    let line = play.until(refund, "Failed").await;
    assert_eq!(line.parked.map(|(code, ..)| code).as_deref(), Some("REFUND_FAILED_AFTER_SUCCESS"));
    assert_eq!((play.balance(2120).await, play.shown(refund).await.as_deref()), (-1_900, Some("Failed")));
    play.decide(refund, "try_again").await;
    play.until(refund, "AwaitSettlement").await;
    assert_eq!((play.balance(2120).await, play.credit_notes().await.len(), play.letters().await), (0, 1, 1));
    play.ends_sound().await;
}
