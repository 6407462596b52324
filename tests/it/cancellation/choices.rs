//! What happens with what is owed: chosen, never by default.

use super::play::Play;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_what_is_owed_is_asked_and_voided_once_it_is_chosen() {
    let play = Play::new().await;
    let customer = play.owing("Void").await;
    let zoho = customer.zoho_subscription.clone();
    play.cancel_now(&customer, json!({})).await;
    play.until(&zoho, "MoneyDecision").await;
    let record = play.record_of(&customer).await;
    play.until_record(&record, "subscription_status", "Cancelled").await;
    let asked = play.record(&record, "action_needed").await;
    assert!(asked.contains("choose `collect`, `void` or `write_off` for"), "{asked}");
    play.advance("P3D").await;
    assert_eq!(play.state(&zoho).await, "MoneyDecision", "there is no default");
    let charged = play.calls("braintree", "transaction.sale").await;

    let (status, answer) = play.choose(&play.ada, &zoho, json!({"open_invoices": "void", "reason": "agreed"})).await;
    assert_eq!((status, play.state(&zoho).await.as_str()), (StatusCode::OK, "Closed"), "{answer:#}");
    assert_eq!(play.invoice(&customer.first_invoice).await["status"], "void");
    play.until_stream(&customer.first_invoice, &["ClosedVoid", "Deferred"]).await;
    play.advance("PT2H").await;
    play.until_stream(&customer.first_invoice, &["ClosedVoid"]).await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, charged, "no attempt after the fence");
    assert_eq!(play.record(&record, "subscription_status").await, "Cancelled", "a void makes it no active one");
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_what_is_owed_is_collected_though_the_subscription_has_ended() {
    let play = Play::new().await;
    let customer = play.owing("Collect").await;
    play.card_declines(&customer, None).await;
    play.cancel_now(&customer, json!({"open_invoices": "collect"})).await;
    play.until(&customer.zoho_subscription, "Closed").await;
    assert_eq!(play.subscription_status(&customer.zoho_subscription).await, "cancelled");
    play.advance("P5D").await;
    play.until_stream(&customer.first_invoice, &["AwaitSettlement", "Settled"]).await;
    assert_eq!(play.invoice(&customer.first_invoice).await["balance"], 0);
    let record = play.record_of(&customer).await;
    play.rest().await;
    assert_eq!(play.record(&record, "subscription_status").await, "Cancelled");
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_what_is_owed_is_written_off_by_two_persons() {
    let play = Play::new().await;
    let customer = play.owing("Writeoff").await;
    let zoho = customer.zoho_subscription.clone();
    play.cancel_now(&customer, json!({"open_invoices": "write_off"})).await;
    play.until(&zoho, "MoneyDecision").await;
    let choice = || json!({"open_invoices": "write_off", "reason": "lost"});
    let (status, answer) = play.choose(&play.ada, &zoho, choice()).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer:#}");
    assert!(answer.to_string().contains("needs two persons"), "{answer:#}");
    let (status, answer) = play.choose(&play.bob, &zoho, choice()).await;
    assert_eq!((status, play.state(&zoho).await.as_str()), (StatusCode::OK, "Closed"), "{answer:#}");
    let invoice = play.invoice(&customer.first_invoice).await;
    assert_eq!(invoice["balance"], 0, "{invoice:#}");
    play.advance("PT2H").await;
    play.until_stream(&customer.first_invoice, &["ClosedWrittenOff"]).await;
    play.is_sound().await;
    play.end().await;
}
