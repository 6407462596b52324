//! Charges that Braintree makes by itself: booked, matched, recorded; and those that find no invoice, or the reverse.

use super::world::{PRICE, World, billed, eur, rejected};
use crate::braintree_recurring::{BraintreeRecurring, Command, Event};
use crate::kernel::answer::TransactionStatus;
use crate::kernel::ids::SagaId;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;
use serde_json::json;

#[test]
fn p5_a_charge_is_booked_matched_and_recorded_by_the_invoices_stream() {
    let mut w = World::begun();
    assert_eq!((w.state().as_str(), w.calls.len()), ("Watching", 0));
    w.renews(Some(PRICE), Some(PRICE));
    w.calls.clear();
    w.hear("subscription_charged_successfully");
    assert_eq!(w.calls, ["survey", "read_recurring", "list_invoices", "hand_over"]);
    assert_eq!((w.state().as_str(), w.balance(1110), w.balance(2100)), ("Recording", PRICE, -PRICE));
    assert!(w.holds.contains("captured_not_recorded"), "the invoice's stream lifts it");
    let told = w.told.last().expect("told");
    assert_eq!((told.flow.as_str(), told.to), ("invoice_payment", SagaId::of_invoice("60012", "772")));
    assert_eq!(
        told.command,
        json!({
            "command": "adopt_capture",
            "organization": "60012",
            "installation": "demo1",
            "invoice": "772",
            "subscription": "zs1",
            "transaction": "tx2",
            "order_id": "demo1.rec.tx2",
            "amount": {"minor": PRICE, "currency": "EUR"},
            "captured_at": "2026-12-02T06:00:00Z",
            "effective": "2026-12-02",
            "reply_to": BraintreeRecurring::id("s-sub1"),
        })
    );
    w.record("772");
    assert_eq!(w.state(), "Watching");
    // The echo of it all changes nothing.
    w.hear("subscription_went_active");
    assert_eq!((w.count("ChargeCaptured"), w.count("ChargeMatched")), (1, 1));
}

#[test]
fn p5_a_charge_whose_message_is_lost_is_found_within_a_day() {
    let mut w = World::begun();
    w.renews(Some(PRICE), Some(PRICE));
    w.days(1);
    assert_eq!((w.count("ChargeCaptured"), w.told_to("invoice_payment").len()), (1, 1));
}

#[test]
fn p5_a_day_without_news_costs_one_look_at_braintree_and_none_at_zoho() {
    let mut w = World::begun();
    w.days(1);
    assert_eq!(w.calls, ["survey", "read_recurring"]);
}

#[test]
fn p5_what_is_not_final_is_booked_once_it_is() {
    let mut w = World::begun();
    w.renews(Some(PRICE), None);
    w.charge("tx2", PRICE, TransactionStatus::Authorizing);
    w.hear("subscription_charged_successfully");
    assert_eq!((w.count("ChargeCaptured"), w.balance(1110)), (0, 0));
    w.becomes("tx2", TransactionStatus::SubmittedForSettlement);
    w.hear("subscription_charged_successfully");
    assert_eq!((w.count("ChargeCaptured"), w.balance(1110)), (1, PRICE));
}

#[test]
fn p5_two_charges_find_their_two_invoices() {
    let mut w = World::begun();
    w.renews(Some(PRICE), Some(PRICE + 1_000));
    w.invoices.push(billed("773", PRICE + 1_000));
    w.charge("tx3", PRICE, TransactionStatus::SubmittedForSettlement);
    w.hear("subscription_charged_successfully");
    let pairs: Vec<_> = w.told_to("invoice_payment");
    let pair = |n: usize| (pairs[n]["transaction"].as_str(), pairs[n]["invoice"].as_str());
    assert_eq!((pair(0), pair(1)), ((Some("tx2"), Some("773")), (Some("tx3"), Some("772"))));
}

#[test]
fn p5_the_first_invoice_is_left_to_who_started_the_subscription() {
    let mut w = World::begun();
    w.invoices = vec![billed("771", PRICE)];
    w.renews(Some(PRICE), Some(PRICE));
    w.hear("subscription_charged_successfully");
    assert_eq!(w.told_to("invoice_payment")[0]["invoice"], "772");
}

#[test]
fn p5_a_charge_that_was_taken_back_before_it_was_seen_is_booked_both_ways() {
    let mut w = World::begun();
    w.renews(Some(PRICE), None);
    w.charge("tx2", PRICE, TransactionStatus::Voided);
    w.hear("subscription_charged_successfully");
    assert_eq!((w.open_accounts(), w.rules.as_slice()), (Vec::new(), ["CAPTURE", "CAPTURE_REVERSED"].as_slice()));
    assert!(w.told_to("invoice_payment").is_empty());
}

#[test]
fn p5_money_that_the_invoices_stream_saw_taken_back_is_awaited_no_more() {
    let mut w = World::begun();
    w.renews(Some(PRICE), Some(PRICE));
    w.hear("subscription_charged_successfully");
    w.tell(Command::CaptureReversed { transaction: "tx2".to_owned() });
    assert_eq!((w.state().as_str(), w.count("ChargeTakenBack")), ("Watching", 1));
}

#[test]
fn e3_a_charge_without_an_invoice_waits_a_day_unapplied_and_then_for_a_person() {
    let mut w = World::begun();
    w.renews(None, Some(PRICE));
    w.hear("subscription_charged_successfully");
    assert_eq!((w.parked(), w.balance(2100)), (None, -PRICE));
    w.pass(TimeDelta::hours(23));
    assert_eq!((w.parked(), w.count("ChargeMatched")), (None, 0));
    w.pass(TimeDelta::hours(2));
    assert_eq!((w.parked(), w.balance(2100)), (Some(ParkCode::ChargeWithoutInvoice), -PRICE));
    // It comes late.
    w.invoices.push(billed("772", PRICE));
    w.resume();
    assert_eq!((w.parked(), w.told_to("invoice_payment").len()), (None, 1));
}

#[test]
fn e3_an_invoice_that_comes_within_the_day_is_found() {
    let mut w = World::begun();
    w.renews(None, Some(PRICE));
    w.hear("subscription_charged_successfully");
    w.invoices.push(billed("772", PRICE));
    w.pass(TimeDelta::hours(2));
    assert_eq!((w.count("ChargeMatched"), w.told_to("invoice_payment").len()), (1, 1));
}

#[test]
fn e3_a_charge_that_a_person_voids_leaves_the_books() {
    let mut w = World::begun();
    w.renews(None, Some(PRICE));
    w.days(2);
    assert_eq!(w.parked(), Some(ParkCode::ChargeWithoutInvoice));
    w.becomes("tx2", TransactionStatus::Voided);
    w.resume();
    assert_eq!((w.state().as_str(), w.open_accounts()), ("Watching", Vec::new()));
}

#[test]
fn e4_an_invoice_without_a_charge_is_a_persons_a_day_after_the_bill_date_and_never_charged() {
    let mut w = World::begun();
    w.renews(Some(PRICE), None);
    assert_eq!(w.parked(), None, "on the day itself Braintree may still charge");
    w.days(2);
    assert_eq!((w.parked(), w.open_accounts()), (Some(ParkCode::ChargeMissing), Vec::new()));
    assert!(w.tasks.last().is_some_and(|task| task.text.contains("INV-772")), "{:?}", w.tasks);
    // Settled by hand: the same bill date is asked about once.
    w.resume();
    w.days(3);
    assert_eq!((w.state().as_str(), w.parked()), ("Watching", None));
}

#[test]
fn e4_a_term_that_was_paid_elsewhere_misses_no_charge() {
    let mut w = World::begun();
    w.renews(Some(0), None);
    w.days(3);
    assert_eq!((w.state().as_str(), w.called("list_invoices")), ("Watching", 1));
}

#[test]
fn e5_where_amounts_differ_the_stream_records_the_smaller_and_the_next_term_has_zohos_price() {
    let mut w = World::begun();
    w.price = Some(PRICE + 1_000);
    w.renews(Some(PRICE + 1_000), Some(PRICE));
    w.hear("subscription_charged_successfully");
    assert_eq!(w.told_to("invoice_payment")[0]["amount"]["minor"], PRICE, "what was taken, no more");
    assert_eq!(w.shown.price, eur(PRICE + 1_000));
    assert!(w.events().any(|event| matches!(event, Event::PriceCorrected { .. })));
    w.days(3);
    assert_eq!(w.called("correct_price"), 1);
}

#[test]
fn e5_a_credit_on_one_invoice_changes_no_price() {
    let mut w = World::begun();
    w.renews(Some(PRICE - 1_000), Some(PRICE));
    w.hear("subscription_charged_successfully");
    assert_eq!((w.called("read_price"), w.called("correct_price"), w.shown.price), (1, 0, eur(PRICE)));
}

#[test]
fn e5_a_price_that_braintree_does_not_take_is_a_task_for_the_team() {
    let mut w = World::begun();
    w.price = Some(PRICE + 1_000);
    w.renews(Some(PRICE + 1_000), Some(PRICE));
    w.say("braintree.update_subscription", rejected(RejectionKind::State, "91920"));
    w.hear("subscription_charged_successfully");
    assert_eq!((w.count("PriceKept"), w.parked()), (1, None));
    assert!(w.tasks[0].text.contains("correct the subscription's price"), "{:?}", w.tasks);
}

#[test]
fn p5_what_comes_for_a_subscription_that_nobody_began_is_refused() {
    let mut w = World::new();
    w.record("771");
    assert_eq!((w.heard_refused(), w.state().as_str()), (1, "New"));
}
