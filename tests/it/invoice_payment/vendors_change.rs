//! What vendors and their staff change while we charge, and afterwards.

use super::play::Play;
use attio_billing::demo::Wish;
use attio_billing::store::append::Status;
use sagas::invoice_payment::Choice;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_voided_while_we_charge_it_waits_for_finance() {
    let play = Play::new().await;
    let customer = play.customer("Voided").await;
    // The charge goes through and the record does not: in between somebody voids the invoice.
    play.fault(json!({"vendor": "zoho", "operation": "payment.create", "kind": "daily_quota"})).await;
    let invoice = play.renew(&customer, 2_000).await;
    play.act(json!({"vendor": "zoho", "act": "void_invoice", "invoice_id": invoice})).await;
    play.clear_faults().await;
    play.advance("PT2H").await;
    let detail = play.parked_as(&invoice, "MONEY_DECISION").await;
    assert!(detail.contains("void"), "{detail}");
    assert_eq!(play.sales(&invoice).await.len(), 1);
    play.is_sound().await;

    // Finance voids the sale; the stream sees it on resume and ends.
    let sale = play.sales(&invoice).await[0]["id"].clone();
    play.act(json!({"vendor": "braintree", "act": "void_in_console", "id": sale})).await;
    play.resume(&invoice).await;
    play.until_state(&invoice, "ClosedVoid").await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_paid_by_somebody_else_while_we_charge_it_waits_for_finance() {
    let play = Play::new().await;
    let customer = play.customer("Paid Twice").await;
    play.fault(json!({"vendor": "zoho", "operation": "payment.create", "kind": "daily_quota"})).await;
    let invoice = play.renew(&customer, 2_000).await;
    play.act(json!({"vendor": "zoho", "act": "record_payment", "invoice_id": invoice})).await;
    play.clear_faults().await;
    play.advance("PT2H").await;
    play.parked_as(&invoice, "MONEY_DECISION").await;
    assert_eq!(play.sales(&invoice).await.len(), 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_declined_at_settlement_is_taken_out_of_the_books_and_asks_a_person() {
    let play = Play::new().await;
    let customer = play.customer("Bounced").await;
    let invoice = &customer.first_invoice;
    let sale = play.sales(invoice).await[0]["id"].clone();
    play.act(json!({"vendor": "braintree", "act": "decline_at_settlement", "id": sale})).await;
    play.advance("PT3H").await;
    play.parked_as(invoice, "SETTLEMENT_DECLINED").await;
    assert_eq!(play.shown(invoice).await.as_deref(), Some("Failed"));
    // Zoho still shows the payment until a person deletes it.
    play.is_sound_but(&["Zoho payments ↔ applications", "Zoho balances ↔ receivables"]).await;
    play.advance("P2D").await;
    assert_eq!(play.transactions(invoice).await.len(), 1, "not charged again by itself");
    play.decide(invoice, Choice::Leave).await;
    assert_eq!(play.state(invoice).await, "Left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_voided_in_the_console_is_seen_and_not_charged_again_by_itself() {
    let play = Play::new().await;
    let customer = play.customer("Console").await;
    let invoice = &customer.first_invoice;
    let sale = play.sales(invoice).await[0]["id"].clone();
    play.act(json!({"vendor": "braintree", "act": "void_in_console", "id": sale})).await;
    play.advance("PT3H").await;
    play.parked_as(invoice, "HELD_BY_DECISION").await;
    play.advance("P1D").await;
    assert_eq!(play.sales(invoice).await.len(), 0);
    assert_eq!(play.transactions(invoice).await.len(), 1);
    play.is_sound_but(&["Zoho payments ↔ applications", "Zoho balances ↔ receivables"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_amount_that_cards_approve_in_part_is_charged_in_full_or_not_at_all() {
    let play = Play::new().await;
    // 1004.00 is the gateway's test amount for a partial approval, which we never ask for.
    let customer = play.customer_like(&Wish::new("Partly", 100_400)).await;
    play.is_charged_once(&customer.first_invoice).await;
    assert_eq!(play.sales(&customer.first_invoice).await[0]["amount_minor"], 100_400);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settlement_ends_the_flow_with_every_journal_posted() {
    let play = Play::new().await;
    let customer = play.customer("Settled").await;
    let invoice = &customer.first_invoice;
    for _ in 0..3 {
        play.advance("P1D").await;
    }
    let line = play.saga(invoice).await;
    assert_eq!((line.status, line.state.as_str(), line.due_at), (Status::Ended, "Settled", None));
    assert_eq!(play.count(invoice, "PaymentSettled").await, 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn braintrees_own_notice_of_a_sale_is_fetched_and_changes_nothing_twice() {
    let play = Play::new().await;
    let customer = play.customer("Noticed").await;
    let invoice = &customer.first_invoice;
    play.act(json!({"vendor": "braintree", "act": "check_webhook"})).await;
    play.act(json!({"vendor": "braintree", "act": "settle_now"})).await;
    play.advance("PT3H").await;
    assert_eq!(play.state(invoice).await, "Settled");
    let dead = |books: &Value| books["deliveries"].as_array().unwrap().iter().any(|d| d["standing"] == "given_up");
    assert!(!dead(&play.books().await));
    play.is_charged_once(invoice).await;
    play.is_sound().await;
}
