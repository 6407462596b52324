//! What Zoho shows afterwards, and what it refuses.

use super::world::{TOTAL, World, eur, rejected, spent, unknown};
use crate::kernel::answer::TransactionStatus as Status;
use crate::kernel::answer::{Answer, CreditNote, InvoiceLine};
use crate::kernel::outcome::{Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played;
use crate::refund::Source;
use chrono::TimeDelta;

const ABSENT: Look = Look::Absent { watermark: false, key_proven: false };

#[test]
fn p6_the_credit_note_has_one_line_the_invoices_tax_and_the_refunds_id() {
    let w = World::begun(Source::Forgive, 4_000, |_| {});
    let note = &w.notes[0];
    assert_eq!(
        (note.code.as_str(), note.tax.as_deref(), note.reference.as_str()),
        ("pro-monthly", Some("tax19"), "rf1")
    );
    assert_eq!((note.price, note.total), (eur(3_361), eur(4_000)), "19 % of 33.61 is 6.39");
    assert_eq!((w.balance(4000), w.balance(2200)), (-8_403 + 3_361, -1_597 + 639));
}

#[test]
fn p6_an_invoice_without_tax_is_credited_without() {
    let w = World::begun(Source::Forgive, 4_000, |w| {
        w.lines =
            vec![InvoiceLine { code: String::new(), tax: None }, InvoiceLine { code: "seats".to_owned(), tax: None }];
    });
    assert_eq!((w.notes[0].code.as_str(), w.notes[0].price), ("seats", eur(4_000)));
}

#[test]
fn p6_an_invoice_of_which_nothing_can_be_credited_is_refused_before_anything_is_booked() {
    let w = World::begun(Source::Forgive, 4_000, |w| w.lines.clear());
    assert_eq!((w.state().as_str(), w.rules.len(), w.told[1].as_str()), ("Refused", 0, "withdrawn"));
}

#[test]
fn p6_reopened_in_part_the_payment_is_lowered_and_in_whole_deleted() {
    let w = World::begun(Source::Reopen, 4_000, |_| {});
    let payment = w.payment.as_ref().expect("it is still there");
    assert_eq!((payment.amount, payment.invoices[0].minor), (eur(6_000), 6_000));
    let w = World::begun(Source::Reopen, TOTAL, |_| {});
    assert!(w.payment.is_none());
}

#[test]
fn p6_a_payment_that_is_not_there_any_more_is_what_was_wanted() {
    let w = World::begun(Source::Reopen, 4_000, |w| w.payment = None);
    assert_eq!((w.state().as_str(), w.told[1].as_str()), ("AwaitSettlement", "refunded"));
}

#[test]
fn p6_a_void_of_what_others_paid_too_is_credited_and_the_note_applied() {
    let w = World::begun(Source::Forgive, TOTAL, |w| {
        w.sale = Status::SubmittedForSettlement;
        w.balance_after_delete = TOTAL - 1;
    });
    assert_eq!(w.calls[7..9], ["zoho.create_credit_note", "zoho.apply_credit"]);
    assert_eq!((w.state().as_str(), w.notes[0].reference.starts_with("demo1.cn.")), ("Voided", true));
}

#[test]
fn p6_a_void_that_reopens_deletes_the_payment_and_keeps_the_hold() {
    let w = World::begun(Source::Reopen, TOTAL, |w| w.sale = Status::SubmittedForSettlement);
    assert_eq!((w.state().as_str(), w.payment.is_none(), w.holds.contains("given_back")), ("Voided", true, true));
    assert!(!w.calls.contains(&"zoho.void_invoice"));
}

#[test]
fn e12_a_note_that_zoho_refuses_parks_and_is_made_after_the_resume() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.zoho.push_back(rejected(RejectionKind::Invalid, "4016")));
    assert_eq!((w.parked(), w.state().as_str(), w.told.len()), (Some(ParkCode::RecordBlocked), "RecordBlocked", 1));
    w.looks.push_back(ABSENT);
    w.resume();
    assert_eq!((w.parked(), w.told[1].as_str()), (None, "refunded"));
}

#[test]
fn e12_a_note_whose_outcome_is_unknown_is_found_by_its_reference() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.zoho.push_back(unknown()));
    let note = CreditNote {
        id: "cn7".to_owned(),
        number: "CN-7".to_owned(),
        customer: "zc1".to_owned(),
        reference: "rf1".to_owned(),
        status: "open".to_owned(),
        total: eur(4_000),
        balance: eur(4_000),
        applied_to: Vec::new(),
    };
    let outcome = Box::new(Outcome::Done { answer: Answer::CreditNote(Box::new(note)) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.notes.len(), w.told[1].as_str()), (0, "refunded"));
}

#[test]
fn e12_a_note_that_staff_used_before_its_refund_is_paid_twice_and_a_persons() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.zoho.push_back(unknown()));
    let made = CreditNote {
        id: "cn7".to_owned(),
        number: "CN-7".to_owned(),
        customer: "zc1".to_owned(),
        reference: "rf1".to_owned(),
        status: "closed".to_owned(),
        total: eur(4_000),
        balance: eur(0),
        applied_to: vec!["88".to_owned()],
    };
    let outcome = Box::new(Outcome::Done { answer: Answer::CreditNote(Box::new(made)) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.parked(), w.calls.contains(&"zoho.refund_credit_note")), (Some(ParkCode::CreditSpent), false));
}

#[test]
fn e12_a_note_that_is_spent_when_it_is_to_be_paid_out_is_a_persons() {
    let mut w = World::new(Source::Forgive, 4_000);
    w.pay_out.push_back(spent());
    w.request();
    assert_eq!((w.parked(), w.notes.len(), w.told.len()), (Some(ParkCode::CreditSpent), 1, 1));
}

#[test]
fn e19_a_note_over_another_sum_is_voided_and_a_persons() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.note_off = 1);
    assert_eq!((w.parked(), w.count("CreditNoteVoided")), (Some(ParkCode::RecordBlocked), 1));
    assert!(!w.calls.contains(&"zoho.refund_credit_note"));
    w.note_off = 0;
    w.looks.push_back(ABSENT);
    w.resume();
    assert_eq!((w.parked(), w.told[1].as_str(), w.notes.len()), (None, "refunded", 2));
}
