//! The tests that an invoice passes before every charge, each failing once and, where that is possible, put right.

use super::play::Play;
use attio_billing::demo::{Customer, Wish};
use attio_billing::store::customers::{CustomerLinks, link_customer};
use attio_billing::store::settings::set_switch;
use sagas::invoice_payment::Choice;
use sagas::kernel::answer::CollectionOwner;
use serde_json::{Value, json};

fn zoho(act: &str, fields: Value) -> Value {
    let mut act = json!({"vendor": "zoho", "act": act});
    act.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    act
}

async fn sell_switch(play: &Play, off: bool) {
    set_switch(&play.stage.service().store.pool, "braintree.sell", off, "test", "the test says so").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_of_an_unlinked_customer_waits_for_the_link() {
    let play = Play::new().await;
    let stranger = play.customer_like(&Wish::new("Stranger", 7_900).unlinked()).await;
    let invoice = &stranger.first_invoice;
    let detail = play.parked_as(invoice, "CUSTOMER_UNLINKED").await;
    assert!(detail.contains(&stranger.zoho_customer), "{detail}");
    play.resume(invoice).await;
    play.parked_as(invoice, "CUSTOMER_UNLINKED").await;
    play.is_never_charged(invoice).await;

    play.stage.link(&stranger).await.unwrap();
    play.resume(invoice).await;
    play.is_charged_once(invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_collector_stops_us_at_once() {
    let play = Play::new().await;
    let customer = play.customer("Two Collectors").await;
    let subscription = &customer.zoho_subscription;
    play.act(zoho("turn_on_auto_collect", json!({"subscription_id": subscription}))).await;
    // Zoho's gateway pays what it raises from now on.
    let invoice = play.renew(&customer, 2_000).await;
    play.is_never_charged(&invoice).await;
    let (code, _) = play.parked(&invoice).await;
    assert_eq!(code, "TWO_COLLECTORS");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paid_voided_edited_or_worth_nothing_meanwhile_is_not_charged() {
    let play = Play::new().await;
    let customer = play.customer("Meanwhile").await;
    // Sales are off, so that each invoice waits while people act on it.
    sell_switch(&play, true).await;
    let mut waiting = Vec::new();
    for amount in [2_000, 2_100, 2_200, 2_300] {
        let invoice = play.renew(&customer, amount).await;
        assert_eq!(play.state(&invoice).await, "HeldSwitch");
        waiting.push(invoice);
    }
    let [paid, partly, void, edited] = waiting.try_into().unwrap();
    play.act(zoho("record_payment", json!({"invoice_id": paid, "payment_mode": "banktransfer"}))).await;
    assert_eq!(play.state(&paid).await, "ClosedPaidElsewhere");
    assert_eq!(play.count(&paid, "ExternalPaymentSeen").await, 1);
    play.act(zoho("record_payment", json!({"invoice_id": partly, "amount": 600}))).await;
    play.act(zoho("void_invoice", json!({"invoice_id": void}))).await;
    assert_eq!(play.state(&void).await, "ClosedVoid");
    play.act(zoho("edit_invoice", json!({"invoice_id": edited, "amount": 1_300}))).await;
    let nothing = play.renew(&customer, 0).await;
    assert_eq!(play.state(&nothing).await, "ClosedZero");
    play.is_sound().await;

    // Switched on again, what is owed goes on by itself, with what it owes now.
    sell_switch(&play, false).await;
    play.advance("PT6M").await;
    for (invoice, amount) in [(&partly, 1_500), (&edited, 1_300)] {
        play.until_state(invoice, "AwaitSettlement").await;
        let sales = play.sales(invoice).await;
        assert_eq!((sales.len(), &sales[0]["amount_minor"]), (1, &json!(amount)));
    }
    for invoice in [&paid, &void, &nothing] {
        play.is_never_charged(invoice).await;
    }
    assert_eq!(play.shown(&paid).await.as_deref(), Some("Paid"));
    assert_eq!(play.shown(&void).await.as_deref(), Some("Void"));
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_switch_of_sales_holds_them_and_they_go_on_by_themselves() {
    let play = Play::new().await;
    let customer = play.customer("Switched").await;
    sell_switch(&play, true).await;
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.state(&invoice).await, "HeldSwitch");
    let reads = play.calls("zoho", "invoice.get").await;
    for _ in 0..3 {
        play.advance("PT1H").await;
    }
    assert_eq!(play.calls("zoho", "invoice.get").await, reads, "looking at our own switch costs no call");
    play.is_never_charged(&invoice).await;
    sell_switch(&play, false).await;
    play.advance("PT6M").await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_lasts_until_who_set_it_releases_it() {
    let play = Play::new().await;
    let customer = play.customer("Held").await;
    // The hold that this release sets itself: money that was taken back at settlement.
    let invoice = &customer.first_invoice;
    let sale = play.sales(invoice).await[0]["id"].clone();
    play.act(json!({"vendor": "braintree", "act": "decline_at_settlement", "id": sale})).await;
    play.advance("PT3H").await;
    play.parked_as(invoice, "SETTLEMENT_DECLINED").await;
    let payment = play.invoice(invoice).await["payments"][0]["payment_id"].clone();
    play.act(zoho("delete_payment", json!({"payment_id": payment}))).await;
    play.resume(invoice).await;
    play.parked_as(invoice, "SETTLEMENT_DECLINED").await;
    assert_eq!(play.transactions(invoice).await.len(), 1);
    play.is_sound().await;
    play.decide(invoice, Choice::ChargeAgain).await;
    play.is_charged_once(invoice).await;
    assert_eq!(play.order_ids(invoice).await, ["1", "2"]);
    play.is_sound().await;
}

/// A customer whose invoices are in a currency for which there is no merchant account.
async fn customer_in(play: &Play, currency: &str) -> Customer {
    let mut customer = play.customer_like(&Wish::new("Elsewhere", 4_900).unlinked()).await;
    let made = zoho(
        "create_customer",
        json!({"display_name": "Elsewhere Abroad", "email": "abroad@example.org",
        "currency_code": currency}),
    );
    let text = |answer: &Value, field: &str| answer[field].as_str().unwrap().to_owned();
    customer.zoho_customer = text(&play.act(made).await, "customer_id");
    play.webhooks(json!({"hold": true})).await;
    let subscribed = zoho(
        "create_subscription",
        json!({"customer_id": customer.zoho_customer,
        "plan_code": play.stage.plan(), "price": 4_900, "auto_collect": false}),
    );
    let subscribed = play.stage.sandbox.staff(&subscribed).await.unwrap();
    customer.zoho_subscription = text(&subscribed, "subscription_id");
    customer.first_invoice = text(&subscribed, "invoice_id");
    let links = CustomerLinks {
        customer: customer.ours.clone(),
        zoho_customer: Some(customer.zoho_customer.clone()),
        braintree_customer: Some(customer.braintree_customer.clone()),
        subscription: Some(customer.subscription.clone()),
        zoho_subscription: Some(customer.zoho_subscription.clone()),
        owner: Some(CollectionOwner::Orchestrator),
        ..CustomerLinks::default()
    };
    link_customer(&play.stage.service().store.pool, &links, "test").await.unwrap();
    play.webhooks(json!({"hold": false})).await;
    play.rest().await;
    customer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_currency_without_a_merchant_account_is_never_converted() {
    let play = Play::new().await;
    let customer = customer_in(&play, "CHF").await;
    let invoice = &customer.first_invoice;
    let detail = play.parked_as(invoice, "HELD_BY_DECISION").await;
    assert!(detail.contains("CHF"), "{detail}");
    play.is_never_charged(invoice).await;
}
