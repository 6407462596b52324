//! Refunds that others made (2.4-e14): booked as they are found, explained by finance, and never asked for twice.

use super::world::{TOTAL, World, began, eur, rejected};
use crate::kernel::answer::TransactionStatus::{self as Status, Settled, SubmittedForSettlement};
use crate::kernel::outcome::{Decline, DeclineKind, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples;
use crate::refund::{Choice, Command, Source};
use chrono::TimeDelta;

const BOOKED: [&str; 3] = ["CREDIT_NOTE", "REFUND_APPROVED_FROM_CREDIT", "REFUND_SENT"];

/// Somebody refunded so much of a sale of which so much is applied.
fn console(minor: i64, applied: i64, change: impl FnOnce(&mut World)) -> World {
    let mut w = World::of_applied(Source::Forgive, minor, applied);
    w.refund = Some(w.made("cr1", "demo1.inv.77.1", minor, SubmittedForSettlement));
    change(&mut w);
    found(&mut w);
    w
}

fn found(w: &mut World) {
    let wish = Box::new(w.wish.clone());
    w.tell(Command::FoundOutside { wish, refund: "cr1".to_owned() });
    w.hear();
}

#[test]
fn e14_a_refund_made_in_the_console_is_booked_in_one_append_and_finance_is_asked_before_zoho_is_written() {
    let w = console(4_000, TOTAL, |_| {});
    let calls = ["desk.claim", "braintree.read_transaction", "desk.tell", "zoho.read_invoice_lines", "attio.project"];
    assert_eq!((w.calls.as_slice(), w.parked()), (&calls[..], Some(ParkCode::MoneyDecision)));
    assert_eq!(
        (w.rules.as_slice(), w.balance(2110), w.balance(2120), w.balance(1110)),
        (&BOOKED[..], 0, 0, TOTAL - 4_000)
    );
    assert!(w.letters.is_empty() && w.notes.is_empty());
}

#[test]
fn e14_forgiven_by_finance_zoho_gets_the_note_the_customer_a_letter_and_settlement_is_awaited() {
    let mut w = console(4_000, TOTAL, |_| {});
    w.decide(Choice::Forgive);
    assert_eq!((w.notes[0].reference.as_str(), w.notes[0].total), ("cr1", eur(4_000)));
    assert_eq!((w.told.last().map(String::as_str), w.letters.len()), (Some("refunded"), 1));
    assert!(w.claims.is_empty() && w.holds.is_empty());
    w.is_now(Settled);
    w.pass(TimeDelta::hours(3));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Settled", Some(End::Completed)));
    assert!(!w.calls.contains(&"braintree.refund"), "nothing is given back a second time");
}

#[test]
fn e14_reopened_by_finance_the_invoice_owes_again_is_held_and_the_payment_is_lowered() {
    let mut w = console(4_000, TOTAL, |_| {});
    w.decide(Choice::Reopen);
    assert_eq!((w.payment.as_ref().expect("recorded").amount, w.holds.contains("given_back")), (eur(6_000), true));
    assert_eq!((w.balance(1200), w.balance(2100), w.balance(2110), w.balance(4000)), (4_000, 0, 0, -8_403));
    assert_eq!((w.told.last().map(String::as_str), w.notes.len()), (Some("reopened"), 0));
}

#[test]
fn e14_what_was_recorded_by_hand_is_not_written_in_zoho_again() {
    let mut w = console(4_000, TOTAL, |_| {});
    let before = w.calls.iter().filter(|call| call.starts_with("zoho.")).count();
    w.decide(Choice::Recorded);
    assert_eq!(w.calls.iter().filter(|call| call.starts_with("zoho.")).count(), before);
    assert_eq!((w.told.last().map(String::as_str), w.state().as_str()), (Some("refunded"), "AwaitSettlement"));
}

#[test]
fn e14_what_was_never_applied_comes_from_unapplied_cash_and_cannot_be_owed_again() {
    let mut w = console(4_000, 6_000, |w| {
        let Some(Command::Admitted { terms }) = &mut w.answers else { panic!("it answers") };
        terms.forgiven = eur(0);
        terms.unapplied = eur(4_000);
    });
    assert_eq!(w.rules, ["REFUND_APPROVED_FROM_UNAPPLIED", "REFUND_SENT"]);
    let refused = w.heard_refused();
    w.decide(Choice::Reopen);
    assert_eq!(w.heard_refused(), refused + 1);
}

#[test]
fn e14_found_again_by_each_comparison_it_is_one() {
    let mut w = console(4_000, TOTAL, |_| {});
    found(&mut w);
    assert_eq!(w.rules.len(), 3);
    w.decide(Choice::Forgive);
    found(&mut w);
    assert_eq!((w.rules.len(), w.notes.len()), (3, 1));
}

#[test]
fn e14_a_refund_that_carries_an_order_id_of_ours_is_left_to_the_saga_that_asked() {
    let w = console(4_000, TOTAL, |w| {
        let order = World::order_id(1);
        w.refund.as_mut().expect("made").order_id = order;
    });
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.rules.len()), ("Refused", Some(End::GivenUp), 0));
    assert!(w.told.is_empty() && w.claims.is_empty());
}

#[test]
fn e14_a_refund_that_the_bank_took_back_meanwhile_is_no_refund() {
    let w = console(4_000, TOTAL, |w| w.is_now(Status::SettlementDeclined));
    assert_eq!((w.state().as_str(), w.rules.len()), ("Refused", 0));
}

#[test]
fn e14_while_another_give_back_of_the_sale_is_under_way_it_waits() {
    let mut w = console(4_000, TOTAL, |w| {
        w.busy = Some(Outcome::Declined {
            decline: Decline { text: "held".to_owned(), ..samples::decline(DeclineKind::Busy, "claimed") },
        });
    });
    assert_eq!((w.state().as_str(), w.rules.len()), ("Deferred", 0));
    w.pass(TimeDelta::minutes(11));
    w.hear();
    assert_eq!(w.rules, BOOKED);
}

#[test]
fn e14_what_the_stream_does_not_let_go_waits_for_a_person_and_is_asked_again() {
    let mut w = console(4_000, TOTAL, |w| {
        let yes = w.answers.take();
        w.later = yes;
        w.answers = Some(Command::NotAdmitted { code: "disputed".to_owned(), why: "the bank disputes it".to_owned() });
    });
    assert_eq!((w.parked(), w.rules.len(), w.told.len()), (Some(ParkCode::MoneyDecision), 0, 1));
    w.answers = w.later.take();
    w.resume();
    w.hear();
    assert_eq!(w.rules, BOOKED);
}

#[test]
fn e14_an_answer_of_the_stream_that_comes_late_is_taken() {
    let mut w = console(4_000, TOTAL, |w| w.later = w.answers.take());
    w.pass(TimeDelta::minutes(61));
    assert_eq!((w.parked(), w.rules.len()), (Some(ParkCode::MoneyDecision), 0));
    let late = w.later.take().expect("kept");
    w.tell(late);
    assert_eq!(w.rules, BOOKED);
}

#[test]
fn e14_declined_after_all_it_is_owed_again_and_a_person_decides() {
    let mut w = console(4_000, TOTAL, |_| {});
    w.decide(Choice::Forgive);
    w.is_now(Status::SettlementDeclined);
    w.pass(TimeDelta::hours(3));
    assert_eq!((w.parked(), w.balance(2120)), (Some(ParkCode::RefundFailedAfterSuccess), -4_000));
}

#[test]
fn e14_a_refund_that_is_gone_when_it_is_looked_at_waits_for_a_person() {
    let w = console(4_000, TOTAL, |w| w.found = Some(rejected(RejectionKind::NotFound, "not_found")));
    assert_eq!((w.parked(), w.rules.len(), w.now), (Some(ParkCode::MoneyDecision), 0, began()));
}
