//! Edges of the capture.

use super::world::{GROSS, World, declined, eur, outage, rejected, unknown};
use crate::kernel::answer::{Answer, TransactionStatus};
use crate::kernel::effect::{ClaimKind, LetterFacts};
use crate::kernel::outcome::{DeclineKind, Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::Command;
use chrono::TimeDelta;

#[test]
fn e19_less_than_quoted_is_captured_and_the_miss_is_on_record() {
    let w = World::submitted(|w| w.invoice_total = Some(9_000));
    assert_eq!((w.state().as_str(), w.balance(1110)), ("Recording", 9_000));
    let missed = w.events().any(|e| {
        matches!(e, crate::subscription_activation::Event::InvoiceBound { quoted: Some(q), .. } if *q == eur(GROSS))
    });
    assert!(missed);
}

#[test]
fn e23_a_refused_submit_is_voided_and_sold_anew_under_a_new_order_id() {
    for (code, answer) in [
        ("95601", rejected(RejectionKind::State, "95601")),
        ("91507", rejected(RejectionKind::State, "91507")),
        ("2015", declined(DeclineKind::Processor, "2015")),
    ] {
        let mut w = World::submitted(|w| w.say("braintree.submit", answer));
        assert_eq!((w.state().as_str(), w.transactions.len()), ("Recording", 2), "{code}");
        assert_eq!(w.transactions["tx1"].status, TransactionStatus::Voided);
        assert!(w.transactions["tx2"].order_id.ends_with(".2"));
        assert_eq!(w.rules, ["AUTH", "AUTH_RELEASED", "CAPTURE"]);
        assert_eq!(w.messages[0].command["transaction"], "tx2");
        w.record();
        assert_eq!(w.state(), "Active");
    }
}

#[test]
fn e23_a_hold_found_voided_by_staff_is_sold_anew_too() {
    let mut w = World::started(|_| {});
    w.submit_until("capture");
    let mut voided = w.transactions["tx1"].clone();
    voided.status = TransactionStatus::Voided;
    w.say("braintree.submit", Outcome::Done { answer: Answer::Transaction(Box::new(voided)) });
    w.run();
    assert_eq!((w.state().as_str(), w.balance(1110), w.balance(9100)), ("Recording", GROSS, 0));
}

#[test]
fn e23_a_new_sale_that_is_declined_undoes_all() {
    let w = World::submitted(|w| {
        w.say("braintree.submit", rejected(RejectionKind::State, "95601"));
        w.say("braintree.sell", declined(DeclineKind::Processor, "2001"));
    });
    assert_eq!((w.state().as_str(), w.open_accounts()), ("Failed", Vec::new()));
    assert_eq!(w.subscriptions[0].status, "cancelled");
}

#[test]
fn e23_an_old_consent_carries_no_new_sale() {
    let mut w = World::started(|_| {});
    w.odd.push_back(Box::new(|t| t.created_at += TimeDelta::hours(2)));
    w.submit_until("read_invoice");
    w.now += TimeDelta::hours(25);
    w.say("braintree.submit", rejected(RejectionKind::State, "91507"));
    w.run();
    assert_eq!((w.state().as_str(), w.called("capture")), ("Failed", 1));
    assert_eq!(w.open_accounts(), []);
}

#[test]
fn e24_an_unknown_submit_is_settled_by_reading_the_transaction() {
    let mut w = World::submitted(|w| w.say("braintree.submit", unknown()));
    let mut taken = w.transactions["tx1"].clone();
    taken.status = TransactionStatus::Settling;
    w.transactions.insert("tx1".to_owned(), taken.clone());
    let outcome = Outcome::Done { answer: Answer::Transaction(Box::new(taken)) };
    w.looks.push_back(Look::Found { outcome: Box::new(outcome), extra: Vec::new() });
    w.pass(TimeDelta::minutes(1));
    assert_eq!((w.state().as_str(), w.balance(1110), w.called("capture")), ("Recording", GROSS, 1));
}

#[test]
fn a_capture_never_rests_on_an_old_read_of_the_invoice() {
    let mut w = World::started(|_| {});
    w.submit_until("capture");
    w.now += TimeDelta::seconds(90);
    w.run();
    assert_eq!((w.state().as_str(), w.called("read_invoice"), w.called("capture")), ("Recording", 2, 1));
}

#[test]
fn an_outage_before_the_capture_reads_the_invoice_again() {
    let mut w = World::started(|_| {});
    w.submit_until("capture");
    for _ in 0..9 {
        w.say("braintree.submit", outage());
    }
    w.run();
    w.pass(TimeDelta::minutes(20));
    assert_eq!((w.state().as_str(), w.balance(1110)), ("Recording", GROSS));
    assert!(w.called("read_invoice") > 1);
}

#[test]
fn a_capture_of_another_amount_is_booked_as_it_is_and_held() {
    let mut w = World::started(|_| {});
    w.submit_until("capture");
    let mut odd = w.transactions["tx1"].clone();
    (odd.status, odd.amount) = (TransactionStatus::SubmittedForSettlement, eur(11_000));
    w.transactions.insert("tx1".to_owned(), odd.clone());
    w.say("braintree.submit", Outcome::Done { answer: Answer::Transaction(Box::new(odd)) });
    w.run();
    assert_eq!((w.parked(), w.balance(1110)), (Some(ParkCode::AnswerMismatch), 11_000));
    w.resume();
    assert_eq!((w.state().as_str(), w.messages.len()), ("Recording", 1));
}

#[test]
fn an_invoice_voided_by_staff_undoes_all() {
    let mut w = World::started(|_| {});
    w.submit_until("read_invoice");
    "void".clone_into(&mut w.invoice.as_mut().expect("an invoice").status);
    w.run();
    assert_eq!((w.state().as_str(), w.open_accounts()), ("Failed", Vec::new()));
}

#[test]
fn what_was_captured_and_taken_back_before_its_record_leaves_the_subscription_to_the_invoices_stream() {
    let mut w = World::submitted(|_| {});
    let reversed = |transaction: &str| Command::CaptureReversed { transaction: transaction.to_owned() };
    assert_eq!(w.refusal(&reversed("tx9")), "nothing_captured");
    w.tell(reversed("tx1"));
    w.tell(reversed("tx1"));
    assert_eq!((w.state().as_str(), w.count("CaptureReversed")), ("Active", 1));
    assert_eq!(w.last_shown().payment_status, "Pending");
    assert!(w.claims.iter().all(|c| c.kind == ClaimKind::AccountPlanFamily), "{:?}", w.claims);
    let receipts = w.letters.iter().filter(|l| matches!(l.about, LetterFacts::Receipt { .. })).count();
    assert_eq!(receipts, 0, "of money that was taken back there is no receipt");
}
