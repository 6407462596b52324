//! Operators' verbs where money is: what Braintree and Zoho really hold decides, never the operator's word.

use super::play::Play;
use attio_billing::store::append::Status;
use reqwest::StatusCode;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Orders something over the API: status and answer.
async fn order(play: &Play, invoice: &str, verb: &str, order: Value) -> (StatusCode, Value) {
    let (service, saga) = (play.stage.service(), play.stage.saga_of(invoice));
    let request = reqwest::Client::new()
        .post(format!("http://{}/api/v1/sagas/{saga}/{verb}", service.private))
        .bearer_auth(play.stage.config().admin_token.expose_secret())
        .json(&json!({"order": order, "reason": "looked at the console"}));
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Braintree's search shows nothing new for two hours: our own look-ups find nothing before an operator does, however slow the
/// machine is.
async fn index_is_late(play: &Play) {
    play.fault(
        json!({"vendor": "braintree", "operation": "transaction.search", "kind": "late_index", "seconds": 7_200}),
    )
    .await;
}

fn detail(answer: &(StatusCode, Value)) -> &str {
    answer.1["detail"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_declared_done_only_with_the_transaction_that_is_ours() {
    let play = Play::new().await;
    let customer = play.customer("Declared").await;
    let stranger = play.sales(&customer.first_invoice).await[0]["id"].clone();
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_after", "times": 1}))
        .await;
    index_is_late(&play).await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.until_status(&invoice, Status::Resolving).await;

    let refused = order(&play, &invoice, "orders", json!({"verb": "retry"})).await;
    assert_eq!(refused.0, StatusCode::CONFLICT);
    assert!(detail(&refused).contains("its outcome is not known"), "{}", refused.1);
    let refused = order(&play, &invoice, "orders", json!({"verb": "declare-done", "reference": stranger})).await;
    assert_eq!(refused.0, StatusCode::CONFLICT, "{}", refused.1);
    assert!(detail(&refused).contains("order id"), "{}", refused.1);
    let refused = order(&play, &invoice, "orders", json!({"verb": "declare-done", "reference": "nothing1"})).await;
    assert!(detail(&refused).contains("shows nothing of this call"), "{}", refused.1);
    play.clear_faults().await;
    let refused = order(&play, &invoice, "orders", json!({"verb": "declare-not-done"})).await;
    assert!(detail(&refused).contains("shows that step charge was done"), "{}", refused.1);
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preview_shows_what_is_booked_and_the_declaration_books_it() {
    let play = Play::new().await;
    let customer = play.customer("Previewed").await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_after", "times": 1}))
        .await;
    index_is_late(&play).await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.until_status(&invoice, Status::Resolving).await;
    let sale = play.sales(&invoice).await[0]["id"].clone();
    let verb = json!({"verb": "declare-done", "reference": sale});
    let (status, shown) = order(&play, &invoice, "preview", verb.clone()).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert!(shown["refused"].is_null() && shown["provided"].as_str().unwrap().contains("braintree"), "{shown}");
    let lines: Vec<_> = shown["postings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (&p["rule"], &p["account"], &p["amount"]["minor"]))
        .collect();
    assert!(lines.contains(&(&json!("CAPTURE"), &json!(2100), &json!(2_000))), "{shown}");
    assert_eq!(shown["next_call"]["operation"], "zoho.record_payment");
    assert_eq!(shown["next_call"]["exactly_once"], "searchable");
    assert_eq!(play.count(&invoice, "PaymentCaptured").await, 0, "nothing was written");

    let (status, answer) = order(&play, &invoice, "orders", verb).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    play.clear_faults().await;
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    let refused = order(&play, &invoice, "orders", json!({"verb": "compensate"})).await;
    assert!(detail(&refused).contains("the money was taken"), "{}", refused.1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_request_is_declared_not_done_with_the_proof_alone_and_then_charged_once() {
    let play = Play::new().await;
    play.act(json!({"vendor": "braintree", "act": "set_api_request_keys", "on": false})).await;
    let customer = play.customer("Not Done").await;
    let other = play.customer("Passer By").await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_before", "times": 1}))
        .await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.until_status(&invoice, Status::Resolving).await;
    let not_done = json!({"verb": "declare-not-done"});
    let refused = order(&play, &invoice, "orders", not_done.clone()).await;
    assert!(detail(&refused).contains("is not proven; missing:"), "{}", refused.1);
    play.advance("PT10M").await;
    let refused = order(&play, &invoice, "orders", not_done.clone()).await;
    assert!(detail(&refused).contains("younger transaction"), "{}", refused.1);
    play.renew(&other, 1_000).await;
    play.advance("PT1M").await;
    let (status, answer) = order(&play, &invoice, "orders", not_done).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    assert_eq!(play.order_ids(&invoice).await, ["1"], "the same order id");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn captured_money_that_is_not_recorded_keeps_an_invoice_from_being_given_up() {
    let play = Play::new().await;
    let customer = play.customer("Unrecorded").await;
    play.fault(json!({"vendor": "zoho", "operation": "payment.create", "kind": "status", "status": 500, "times": 1}))
        .await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.stage.until_saga(play.stage.saga_of(&invoice), "charged", |s| s.state == "Charged").await.unwrap();
    let refused = order(&play, &invoice, "orders", json!({"verb": "abandon"})).await;
    assert_eq!(refused.0, StatusCode::CONFLICT, "{}", refused.1);
    assert!(detail(&refused).contains("20.00 EUR of transaction"), "{}", refused.1);
    play.clear_faults().await;
    for _ in 0..6 {
        play.advance("PT1H").await;
    }
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}
