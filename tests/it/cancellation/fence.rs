//! Charges and cancellations that meet, and a Zoho that does not answer.

use super::play::Play;
use crate::store_support::eur;
use attio_billing::demo::Wish;
use reqwest::{Method, StatusCode};
use serde_json::json;

const NOTHING: &str = "nothing";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_a_cancellation_whose_answer_is_lost_is_found_and_sent_once() {
    let play = Play::new().await;
    let sold = play.sold("Slow").await;
    play.fault(json!({"vendor": "zoho", "operation": "subscription.cancel", "kind": "timeout_after", "times": 1}))
        .await;
    play.press(&sold.record, "Cancel at term end").await;
    play.advance("PT2M").await;
    play.until(&sold.zoho, "Scheduled").await;
    assert_eq!(play.calls("zoho", "subscription.cancel").await, 1);
    assert_eq!(play.subscription_status(&sold.zoho).await, "non_renewing");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_what_staff_cancelled_already_is_adopted_by_the_order() {
    let play = Play::new().await;
    let customer = play.out.stage.new_customer(&Wish::new("Early", 4_900)).await.unwrap();
    play.until_stream(&customer.first_invoice, &["AwaitSettlement"]).await;
    play.out.stage.sandbox.webhooks(&json!({"hold": true})).await.unwrap();
    let zoho = customer.zoho_subscription.clone();
    let cancel = json!({"vendor": "zoho", "act": "cancel_subscription", "subscription_id": zoho, "at_end": false});
    play.out.stage.sandbox.staff(&cancel).await.unwrap();
    let order = json!({"zoho_subscription": zoho, "act": "cancel_now", "give_back": NOTHING, "reason": "moved away"});
    let request = play.out.api_as(&play.ada, Method::POST, "/cancellations").header("idempotency-key", "k");
    assert_eq!(request.json(&order).send().await.unwrap().status(), StatusCode::OK);
    play.reached(&zoho, "Closed").await;
    assert_eq!(play.calls("zoho", "subscription.cancel").await, 0);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_p3_a_charge_of_unknown_outcome_is_finished_before_zoho_is_told_and_none_begins_meanwhile() {
    let play = Play::new().await;
    let customer = play.out.stage.new_customer(&Wish::new("Drain", 4_900)).await.unwrap();
    play.until_stream(&customer.first_invoice, &["AwaitSettlement"]).await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_after", "times": 1}))
        .await;
    let second = play.out.stage.renew(&customer, 4_900).await.unwrap();
    let unknown = |line: &attio_billing::store::query::SagaLine| line.state == "Charging";
    play.out.stage.until_saga(play.out.stage.saga_of(&second), "Charging", unknown).await.unwrap();
    let choices = json!({"open_invoices": "void", "give_back": NOTHING});
    play.cancel_now(&customer, choices).await;
    let zoho = customer.zoho_subscription.clone();
    play.until(&zoho, "Draining").await;
    assert_eq!(play.subscription_status(&zoho).await, "live", "Zoho is not told while a charge is in doubt");

    // A further invoice meets the fence.
    let third = play.out.stage.renew(&customer, 4_900).await.unwrap();
    play.until_stream(&third, &["Deferred"]).await;
    let sales = play.calls("braintree", "transaction.sale").await;

    play.advance("PT5M").await;
    play.until_stream(&second, &["AwaitSettlement"]).await;
    play.advance("PT1H").await;
    play.until(&zoho, "Closed").await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, sales, "no charge began behind the fence");
    assert_eq!(play.invoice(&third).await["status"], "void");
    assert_eq!(play.invoice(&second).await["balance"], 0);
    play.advance("PT2H").await;
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_e7_a_charge_in_doubt_for_a_day_does_not_stop_it_and_what_it_took_is_ordered_to_go_back() {
    let play = Play::new().await;
    let customer = play.out.stage.new_customer(&Wish::new("Doubt", 4_900)).await.unwrap();
    play.until_stream(&customer.first_invoice, &["AwaitSettlement"]).await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_after", "times": 1}))
        .await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.search", "kind": "status", "status": 503}))
        .await;
    let second = play.out.stage.renew(&customer, 4_900).await.unwrap();
    let unknown = |line: &attio_billing::store::query::SagaLine| line.state == "Charging";
    play.out.stage.until_saga(play.out.stage.saga_of(&second), "Charging", unknown).await.unwrap();
    play.cancel_now(&customer, json!({"open_invoices": "void", "give_back": NOTHING})).await;
    let zoho = customer.zoho_subscription.clone();
    play.until(&zoho, "Draining").await;
    for _ in 0..5 {
        play.advance("PT6H").await;
    }
    play.until(&zoho, "LateCharges").await;
    assert_eq!(play.subscription_status(&zoho).await, "cancelled");
    assert_eq!(play.fences().await, 1, "the money branch stays open with its claim");

    play.out.stage.sandbox.clear_faults().await.unwrap();
    for _ in 0..8 {
        play.advance("PT6H").await;
    }
    play.until(&zoho, "Closed").await;
    let ordered = play.refunds().await;
    assert_eq!(ordered.iter().map(|refund| refund.amount).collect::<Vec<_>>(), [Some(eur(4_900))], "{ordered:#?}");
    assert_eq!((play.fences().await, play.invoice(&second).await["balance"].as_i64()), (0, Some(0)));
    play.end().await;
}
