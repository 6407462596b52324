//! Settlement, and success taken back.

use super::world::{TOTAL, World, rejected};
use crate::invoice_payment::{Choice, Event, InvoicePayment};
use crate::kernel::answer::TransactionStatus::{self, Settled, SettlementDeclined, Settling, Voided};
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::posting::Rule;
use crate::kernel::saga::{End, Saga};
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

#[test]
fn e1_settled_is_posted_and_ends_it() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Settling);
    assert_eq!((w.balance(1110), w.saga.flow.ended), (TOTAL, None));
    w.settle("tx1", Settled);
    assert_eq!((w.balance(1110), w.balance(1120), w.saga.flow.ended), (0, TOTAL, Some(End::Completed)));
}

#[test]
fn e2_settlement_that_does_not_come_is_looked_up_for_ever_and_called_late() {
    let mut w = World::begun(|_| {});
    w.pass(TimeDelta::days(12));
    let late = w.events().filter(|e| matches!(e, Event::SettlementAwaited { late_days: Some(_), .. })).count();
    assert!(late > 0);
    let looks = w.count("SettlementLookDue");
    w.pass(TimeDelta::days(3));
    assert_eq!(w.count("SettlementLookDue"), looks + 3, "daily after ten days");
}

#[test]
fn e3_settlement_declined_reverses_holds_and_asks_a_person() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", SettlementDeclined);
    assert_eq!((w.parked(), w.state().as_str()), (Some(ParkCode::SettlementDeclined), "SettlementDeclined"));
    assert_eq!(w.rules[3..], ["UNAPPLY", "CAPTURE_REVERSED"]);
    assert_eq!((w.balance(1200), w.balance(1110), w.balance(2100)), (TOTAL, 0, 0));
    assert!(w.holds.contains("settlement_declined"));
    assert_eq!(w.last_shown().subscription.as_ref().map(|s| s.payment_status.as_str()), Some("Failed"));
    w.changed();
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::SettlementDeclined), 1));
}

#[test]
fn e3_charged_again_only_when_zoho_shows_the_payment_no_more() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", SettlementDeclined);
    w.choose(Choice::ChargeAgain);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldMismatch), 1));
    assert!(w.holds.is_empty());
    w.delete_payments();
    w.changed();
    assert_eq!((w.parked(), w.sales_made(), w.sold[1].0.as_str()), (None, 2, "demo1.inv.77.2"));
    assert_eq!((w.balance(1200), w.balance(1110)), (0, TOTAL));
}

#[test]
fn e3_leave_keeps_the_hold() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", SettlementDeclined);
    w.choose(Choice::Leave);
    assert_eq!((w.saga.flow.ended, w.holds.contains("settlement_declined")), (Some(End::GivenUp), true));
}

#[test]
fn e5_declined_after_it_was_settled_reverses_the_settlement_first() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Settling);
    let capture = w.saga.business.captures[0].clone();
    let event = Event::PaymentReversed {
        transaction: "tx1".to_owned(),
        cause: "settlement_declined".to_owned(),
        amount: capture.amount,
        applied: capture.applied,
        was_settled: true,
        expected: false,
        effective: capture.effective,
        at: w.now,
    };
    let postings = InvoicePayment::facts(&w.saga.business, &event).postings;
    let rules: Vec<_> = postings.iter().map(|p| p.rule).collect();
    assert_eq!(rules, [Rule::SettleReversed, Rule::Unapply, Rule::CaptureReversed]);
}

#[test]
fn e6_a_void_that_is_not_ours_reverses_and_holds() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Voided);
    assert_eq!((w.parked(), w.balance(1200)), (Some(ParkCode::HeldByDecision), TOTAL));
    assert!(w.holds.contains("voided_elsewhere"));
    w.delete_payments();
    w.choose(Choice::ChargeAgain);
    assert_eq!((w.parked(), w.sales_made(), w.balance(1200)), (None, 2, 0));
}

#[test]
fn a_status_that_no_capture_can_have_is_no_success_and_no_failure() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", TransactionStatus::Other("brand_new".to_owned()));
    assert_eq!((w.parked(), w.balance(1110)), (Some(ParkCode::UnknownVendorState), TOTAL));
    w.resume();
    assert_eq!(w.parked(), Some(ParkCode::UnknownVendorState));
    w.statuses.insert("tx1".to_owned(), Settled);
    w.resume();
    assert_eq!((w.parked(), w.saga.flow.ended), (None, Some(End::Completed)));
}

#[test]
fn e6_an_activation_hears_that_its_capture_was_voided_before_the_record_by_people_who_were_asked_to() {
    let mut w = World::new();
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.adopt("tx1");
    assert_eq!((w.parked(), w.told.len()), (Some(ParkCode::RecordBlocked), 0));
    w.records.clear();
    w.statuses.insert("tx1".to_owned(), Voided);
    w.pay("zp9", "cheque 7", "check", TOTAL);
    w.resume();
    let told: Vec<_> = w.told.iter().map(|message| message.command.clone()).collect();
    assert_eq!(told, [serde_json::json!({"command": "capture_reversed", "transaction": "tx1"})]);
    assert_eq!((w.parked(), w.state().as_str(), w.balance(2100)), (None, "ClosedPaidElsewhere", 0));
}
