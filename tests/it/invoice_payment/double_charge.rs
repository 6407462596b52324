//! The sequences in which careless systems charge twice, each by name.

use super::play::Play;
use attio_billing::demo::{Customer, Wish};
use attio_billing::store::append::Status;
use attio_billing::store::settings::set_collection_owner;
use sagas::invoice_payment::Choice;
use sagas::kernel::answer::CollectionOwner;
use serde_json::{Value, json};

/// The payment in Zoho that records a transaction.
async fn payment_of(play: &Play, invoice: &str) -> String {
    let shown = play.invoice(invoice).await;
    shown["payments"][0]["payment_id"].as_str().expect("recorded").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_who_delete_our_payment_record_do_not_cause_a_second_charge() {
    let play = Play::new().await;
    let customer = play.customer("Deleted Record").await;
    let invoice = customer.first_invoice;
    let delete = |payment: String| json!({"vendor": "zoho", "act": "delete_payment", "payment_id": payment});
    let mismatch = ["Zoho payments ↔ applications", "Zoho balances ↔ receivables"];

    play.act(delete(payment_of(&play, &invoice).await)).await;
    let detail = play.parked_as(&invoice, "HELD_MISMATCH").await;
    assert!(detail.contains("record again"), "{detail}");
    play.is_sound_but(&mismatch).await;

    // Neither time nor an impatient resume charges it.
    play.resume(&invoice).await;
    play.advance("P1D").await;
    play.parked_as(&invoice, "HELD_MISMATCH").await;
    assert_eq!(play.transactions(&invoice).await.len(), 1);

    // Recorded again: without a charge, and nothing moves in the ledger.
    play.decide(&invoice, Choice::RecordAgain).await;
    play.is_charged_once(&invoice).await;
    assert_eq!(play.count(&invoice, "PaymentCaptured").await, 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn charging_again_takes_effect_only_once_the_first_charge_is_given_back() {
    let play = Play::new().await;
    let customer = play.customer("Charged Again").await;
    let invoice = customer.first_invoice;
    let sale = play.sales(&invoice).await[0]["id"].clone();
    let payment = payment_of(&play, &invoice).await;
    play.act(json!({"vendor": "zoho", "act": "delete_payment", "payment_id": payment})).await;
    play.parked_as(&invoice, "HELD_MISMATCH").await;

    play.decide(&invoice, Choice::ChargeAgain).await;
    play.parked_as(&invoice, "HELD_MISMATCH").await;
    assert_eq!(play.transactions(&invoice).await.len(), 1, "what we hold covers the invoice");

    // Voided in the console: the next command on it looks first, and asks again on the new facts.
    play.act(json!({"vendor": "braintree", "act": "void_in_console", "id": sale})).await;
    play.advance("PT3H").await;
    play.decide(&invoice, Choice::ChargeAgain).await;
    play.parked_as(&invoice, "HELD_BY_DECISION").await;
    play.decide(&invoice, Choice::ChargeAgain).await;
    play.is_charged_once(&invoice).await;
    assert_eq!(play.order_ids(&invoice).await, ["1", "2"]);
    play.is_sound().await;
}

/// A sale as another sender would make it: a node that was thought dead, a person with the same order id.
async fn sell_beside(play: &Play, customer: &Customer, order_id: &str, amount: &str) {
    let gateway = &play.stage.description["braintree"];
    let text = |field: &str| gateway[field].as_str().unwrap();
    let body = format!(
        "<transaction><type>sale</type><amount>{amount}</amount><order-id>{order_id}</order-id>\
         <payment-method-token>{}</payment-method-token><merchant-account-id>sandbox_eur</merchant-account-id>\
         <transaction-source>recurring</transaction-source>\
         <options><submit-for-settlement type=\"boolean\">true</submit-for-settlement></options></transaction>",
        customer.token
    );
    let url = format!("{}/merchants/{}/transactions", text("base_url").trim_end_matches('/'), text("merchant_id"));
    let request = reqwest::Client::new()
        .post(url)
        .basic_auth(text("public_key"), Some(text("private_key")))
        .header("content-type", "application/xml")
        .header("accept", "application/xml")
        .header("x-apiversion", "6")
        .body(body);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    assert!(status.is_success(), "{status} {}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_rejection_beside_an_approved_sale_adopts_that_sale() {
    let play = Play::new().await;
    play.act(json!({"vendor": "braintree", "act": "set_api_request_keys", "on": false})).await;
    let customer = play.customer("Duplicate").await;
    play.webhooks(json!({"hold": true})).await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    sell_beside(&play, &customer, &format!("{}.inv.{invoice}.1", play.stage.prefix()), "20.00").await;
    play.webhooks(json!({"hold": false})).await;
    play.until_status(&invoice, Status::Resolving).await;
    let found: Vec<_> = play.transactions(&invoice).await.iter().map(|t| t["rejection_reason"].clone()).collect();
    assert_eq!(found, [Value::Null, json!("duplicate")]);

    play.advance("PT61S").await;
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    assert_eq!(play.order_ids(&invoice).await, ["1", "1"], "no second attempt");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duplicate_rejection_alone_is_never_sent_again_and_ends_with_a_person() {
    let play = Play::new().await;
    let customer = play.customer("Lonely").await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "gateway_reject",
        "reason": "duplicate", "times": 1}))
        .await;
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.saga(&invoice).await.status, Status::Resolving);
    for _ in 0..9 {
        play.advance("P1D").await;
    }
    play.parked_as(&invoice, "OUTCOME_UNKNOWN").await;
    assert_eq!(play.transactions(&invoice).await.len(), 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_search_index_never_leads_to_a_second_sale() {
    let play = Play::new().await;
    let customer = play.customer("Late Index").await;
    let other = play.customer("Watermark").await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_after", "times": 1}))
        .await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.until_status(&invoice, Status::Resolving).await;
    // The index lags for this order alone: what else is sold meanwhile is found, as if it had passed our send.
    let order = format!("{}.inv.{invoice}.", play.stage.prefix());
    let lag = json!({"vendor": "braintree", "operation": "transaction.search", "kind": "late_index",
        "seconds": 7_200, "contains": order});
    play.fault(lag).await;
    for step in ["PT1M", "PT3M", "PT8M"] {
        play.advance(step).await;
        play.renew(&other, 1_000).await;
        assert_eq!(play.sales(&invoice).await.len(), 1, "after {step}");
    }
    assert_eq!(play.count(&invoice, "PaymentCaptured").await, 0, "not found yet");

    for _ in 0..4 {
        play.advance("PT8H").await;
    }
    play.is_charged_once(&invoice).await;
    assert_eq!(play.order_ids(&invoice).await, ["1"]);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absent_sale_is_sent_again_only_after_a_day_and_a_watermark() {
    let play = Play::new().await;
    play.act(json!({"vendor": "braintree", "act": "set_api_request_keys", "on": false})).await;
    let customer = play.customer("Absent").await;
    let other = play.customer("Passer By").await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_before", "times": 1}))
        .await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.until_status(&invoice, Status::Resolving).await;

    // A day passes in which nobody else is charged: the index shows nothing, which proves nothing.
    for _ in 0..4 {
        play.advance("PT7H").await;
    }
    play.is_never_charged(&invoice).await;
    assert_eq!(play.saga(&invoice).await.status, Status::Resolving);

    // Another customer's sale is found: the index has passed our send.
    play.renew(&other, 1_000).await;
    play.advance("PT7H").await;
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    assert_eq!(play.transactions(&invoice).await.len(), 1);
    assert_eq!(play.order_ids(&invoice).await, ["1"], "nothing had changed: the same request");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watermark_alone_does_not_send_an_absent_sale_again_before_a_day() {
    let play = Play::new().await;
    play.act(json!({"vendor": "braintree", "act": "set_api_request_keys", "on": false})).await;
    let customer = play.customer("Impatient").await;
    let other = play.customer("Passer By").await;
    play.fault(json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "timeout_before", "times": 1}))
        .await;
    let invoice = play.stage.renew(&customer, 2_000).await.unwrap();
    play.until_status(&invoice, Status::Resolving).await;
    play.advance("PT3M").await;
    play.renew(&other, 1_000).await;
    for step in ["PT10M", "PT1H", "PT7H", "PT15H"] {
        play.advance(step).await;
        play.is_never_charged(&invoice).await;
    }
    play.advance("PT1H").await;
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_without_an_owner_record_is_mirrored_and_never_charged() {
    let play = Play::with(|options| options.poll_seconds = 1).await;
    let customer = play.customer_like(&Wish::new("Nobodys", 4_900).unlinked()).await;
    let pool = &play.stage.service().store.pool;
    play.stage.link(&customer).await.unwrap();
    set_collection_owner(pool, &customer.subscription, None, "test").await.unwrap();
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.state(&invoice).await, "Mirrored");
    play.advance("P20D").await;
    assert_eq!(play.state(&invoice).await, "Mirrored");
    play.is_never_charged(&invoice).await;

    // A later signal opens the stream again, once somebody gave it to us.
    set_collection_owner(pool, &customer.subscription, Some(CollectionOwner::Orchestrator), "test").await.unwrap();
    play.act(json!({"vendor": "zoho", "act": "edit_invoice", "invoice_id": invoice, "amount": 2_100})).await;
    play.is_charged_once(&invoice).await;
    // And the poll, a day later, the invoice of which no message came.
    play.advance("P1D").await;
    let first = &customer.first_invoice;
    play.stage.until("the poll to find it", async || Ok(!play.sales(first).await.is_empty())).await.unwrap();
    play.rest().await;
    play.is_charged_once(first).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_webhooks_and_the_poll_at_once_charge_once() {
    let play = Play::with(|options| options.poll_seconds = 1).await;
    let customer = play.customer("Thrice Told").await;
    // A renewal by the calendar, told as renewal and as invoice, each of them delivered twice.
    play.webhooks(json!({"hold": true, "vendor": "zoho", "duplicate_next": 4})).await;
    play.stage.sandbox.advance("P1M").await.unwrap();
    let books = play.books().await;
    let invoices = books["zoho"]["invoices"].as_array().unwrap();
    let invoice = invoices.last().unwrap()["invoice_id"].as_str().unwrap().to_owned();
    assert_ne!(invoice, customer.first_invoice);
    let polls = play.calls("zoho", "invoice.list").await;
    play.stage.until("the next poll", async || Ok(play.calls("zoho", "invoice.list").await > polls)).await.unwrap();
    play.webhooks(json!({"hold": false})).await;
    play.until_state(&invoice, "AwaitSettlement").await;
    play.is_charged_once(&invoice).await;

    // And every delivery of it once more.
    let log = play.webhooks(json!({})).await;
    for delivery in log["deliveries"].as_array().unwrap().iter().filter(|d| d["vendor"] == "zoho") {
        play.webhooks(json!({"resend": delivery["id"]})).await;
    }
    play.rest().await;
    play.is_charged_once(&invoice).await;
    play.is_charged_once(&customer.first_invoice).await;
    play.is_sound().await;
}
