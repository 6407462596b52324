//! Declines and dunning, played by the calendar.

use super::play::Play;
use attio_billing::demo::Wish;
use attio_billing::store::append::Status;
use chrono::Timelike;
use sagas::invoice_payment::Command;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_decline_is_tried_on_days_0_3_7_and_14_and_then_given_up() {
    let play = Play::new().await;
    let customer = play.customer("Soft").await;
    play.card_declines(&customer, Some("2046")).await;
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.shown(&invoice).await.as_deref(), Some("Failed"));
    let begun = play.stage.clock().now().date_naive();
    let mut days = vec![0];
    for _ in 0..16 {
        let before = play.transactions(&invoice).await.len();
        if let Some(due) = play.saga(&invoice).await.due_at.filter(|_| before < 4) {
            assert_eq!((due.hour(), due.minute()), (8, 0), "in the morning of the books zone");
        }
        play.advance("P1D").await;
        if play.transactions(&invoice).await.len() > before {
            days.push((play.stage.clock().now().date_naive() - begun).num_days());
        }
    }
    // An attempt in the morning is met by the first look after it: on its day, or the next where we look earlier.
    let scheduled = [0, 3, 7, 14];
    assert!(
        days.len() == 4 && days.iter().zip(scheduled).all(|(day, due)| (due..=due + 1).contains(day)),
        "attempts on days {days:?}"
    );
    assert_eq!(play.order_ids(&invoice).await, ["1", "2", "3", "4"]);
    assert_eq!(play.state(&invoice).await, "Unpaid");
    play.is_sound().await;

    // A good card and an operator's order: collected after all.
    play.card_declines(&customer, None).await;
    play.tell(&invoice, Command::ChargeNow { reason: "the customer called".to_owned() }).await;
    play.is_charged_once(&invoice).await;
    assert_eq!(play.count(&invoice, "InvoiceRecovered").await, 1);
    assert_eq!(play.shown(&invoice).await.as_deref(), Some("Paid"));
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hard_decline_waits_for_another_card() {
    let play = Play::new().await;
    let customer = play.customer("Hard").await;
    play.card_declines(&customer, Some("2004")).await;
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.state(&invoice).await, "NeedsMethod");
    for _ in 0..4 {
        play.advance("P1D").await;
    }
    assert_eq!(play.transactions(&invoice).await.len(), 1);

    // Another card, made the default.
    let vault = json!({"vendor": "braintree", "act": "vault_customer", "customer_id": customer.braintree_customer,
        "token": format!("{}-new", customer.token), "card": "mastercard"});
    play.act(vault).await;
    play.act(json!({"vendor": "braintree", "act": "delete_payment_method", "token": customer.token})).await;
    play.tell(&invoice, Command::MethodChanged { consent: true, customer_present: false, reply_to: None }).await;
    play.is_charged_once(&invoice).await;
    play.is_sound().await;

    // Without one, it is given up on the last day of the schedule.
    play.card_declines(
        &attio_billing::demo::Customer { token: format!("{}-new", customer.token), ..customer.clone() },
        Some("2004"),
    )
    .await;
    let invoice = play.renew(&customer, 2_000).await;
    for _ in 0..16 {
        play.advance("P1D").await;
    }
    assert_eq!((play.state(&invoice).await.as_str(), play.transactions(&invoice).await.len()), ("Unpaid", 1));
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_without_a_card_is_asked_for_one() {
    let play = Play::new().await;
    let customer = play.customer("Cardless").await;
    play.act(json!({"vendor": "braintree", "act": "delete_payment_method", "token": customer.token})).await;
    let invoice = play.renew(&customer, 2_000).await;
    assert_eq!(play.state(&invoice).await, "NeedsMethod");
    play.is_never_charged(&invoice).await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_failure_is_tried_again_the_same_day_under_references_of_its_own() {
    let play = Play::new().await;
    // 3000.00 to 3000.99 is the gateway's test amount for a processor that cannot be reached.
    let customer = play.customer_like(&Wish::new("Network", 300_000)).await;
    let invoice = &customer.first_invoice;
    assert_eq!(play.order_ids(invoice).await, ["1"]);
    for (wait, expected) in [("PT16M", 2), ("PT61M", 3), ("PT241M", 4)] {
        play.advance(wait).await;
        assert_eq!(play.transactions(invoice).await.len(), expected, "after {wait}");
    }
    assert_eq!(play.order_ids(invoice).await, ["1", "1.r1", "1.r2", "1.r3"]);
    // Then like a soft decline: the next scheduled attempt has its own number.
    let line = play.saga(invoice).await;
    assert_eq!((line.state.as_str(), line.status), ("Dunning", Status::Waiting));
    play.act(json!({"vendor": "zoho", "act": "edit_invoice", "invoice_id": invoice, "amount": 2_000})).await;
    for _ in 0..4 {
        play.advance("P1D").await;
    }
    play.is_charged_once(invoice).await;
    assert_eq!(play.order_ids(invoice).await.last().map(String::as_str), Some("2"));
    play.is_sound().await;
}
