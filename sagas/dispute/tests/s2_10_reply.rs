//! What a person orders: evidence handed in, a dispute given up.

use super::world::{TOTAL, World, deadline, input, rejected, text, unknown};
use crate::dispute::{Command, Fate, Piece};
use crate::kernel::answer::{Answer, DisputeStatus as Status};
use crate::kernel::effect::{DocumentForm, EvidencePiece};
use crate::kernel::outcome::{INPUT_GONE, Look, NotSent, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples::not_sent;
use chrono::TimeDelta;

fn document(n: u128) -> Piece {
    Piece::Document { input: input(n), form: DocumentForm::Pdf, category: Some("GENERAL".to_owned()) }
}

fn submit(pieces: Vec<Piece>) -> Command {
    Command::Submit { pieces, by: "token:ada".to_owned(), reason: "we delivered".to_owned() }
}

#[test]
fn evidence_is_added_piece_by_piece_handed_in_once_and_what_was_sealed_is_erased() {
    let mut w = World::opened(|_| {});
    w.submit(vec![text(1), document(2), text(3)]);
    let calls = ["add_evidence", "upload_document", "add_evidence", "add_evidence", "reply"];
    let made: Vec<_> = w.calls.iter().filter(|call| calls.contains(&call.as_str())).map(String::as_str).collect();
    assert_eq!(made, calls);
    assert_eq!((w.state().as_str(), w.count("DisputeSubmitted")), ("Submitted", 1));
    assert!([1, 2, 3].into_iter().all(|n| w.erased.contains(&input(n))), "{:?}", w.erased);
    assert!(matches!(&w.sent[1], EvidencePiece::File { document, .. } if document == "doc1"));
    w.dispute.status = Status::Won;
    w.pass(TimeDelta::days(2));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Won", Some(End::Completed)), "looked at daily");
}

#[test]
fn nothing_is_handed_in_or_given_up_without_a_persons_order() {
    let mut w = World::opened(|_| {});
    w.pass(deadline() - w.now - TimeDelta::hours(2));
    assert_eq!((w.called("add_evidence"), w.called("reply")), (0, 0));
}

#[test]
fn a_dispute_that_a_person_gives_up_is_lost_as_accepted() {
    let mut w = World::opened(|_| {});
    w.accept();
    assert_eq!((w.state().as_str(), w.balance(5210), w.parked()), ("Accepted", TOTAL, Some(ParkCode::MoneyDecision)));
    w.close(Some(Fate::Keep));
    assert_eq!(w.saga.flow.ended, Some(End::Completed));
}

#[test]
fn an_order_is_refused_where_there_is_nothing_to_reply_to_with_or_in() {
    let mut w = World::opened(|_| {});
    assert_eq!(w.refusal(&submit(Vec::new())), "no_evidence");
    let nobody = Command::Accept { by: "token:ada".to_owned(), reason: " ".to_owned() };
    assert_eq!(w.refusal(&nobody), "no_reason");
    assert_eq!(
        w.refusal(&Command::Close { subscription: None, by: String::new(), reason: String::new() }),
        "nothing_to_close"
    );
    w.say("braintree.add_evidence", not_sent(NotSent::Outage));
    w.submit(vec![text(1)]);
    assert_eq!((w.refusal(&submit(vec![text(2)])).as_str(), w.state().as_str()), ("under_way", "Submitting"));
    w.pass(TimeDelta::minutes(10));
    assert_eq!(w.refusal(&submit(vec![text(2)])), "not_open");
    let mut w = World::opened(|_| {});
    w.now = deadline();
    assert_eq!(w.refusal(&submit(vec![text(1)])), "too_late");
    assert_eq!(World::new().refusal(&submit(vec![text(1)])), "not_read");
}

#[test]
fn e7_what_braintree_refuses_is_the_persons_again_and_what_was_sealed_is_erased() {
    let mut w = World::opened(|_| {});
    w.say("braintree.add_evidence", rejected(RejectionKind::Invalid, "95726"));
    w.submit(vec![text(1), text(2)]);
    assert_eq!((w.state().as_str(), w.count("OrderRefused"), w.erased.len()), ("EvidenceReady", 1, 2));
    assert!(w.shown.last().unwrap().transaction.failure_reason.contains("95726"));
    w.submit(vec![text(3)]);
    assert_eq!(w.state(), "Submitted");
}

#[test]
fn e7_evidence_that_is_not_taken_an_hour_before_the_end_is_paged() {
    let mut w = World::opened(|_| {});
    w.say("braintree.add_evidence", rejected(RejectionKind::Invalid, "95726"));
    w.submit(vec![text(1)]);
    w.pass(deadline() - w.now - TimeDelta::minutes(59));
    assert_eq!(w.parked(), Some(ParkCode::DisputeStuck));
    w.becomes(Status::Disputed);
    assert_eq!(w.parked(), Some(ParkCode::DisputeStuck), "a person resumes it");
    w.resume();
    assert_eq!((w.parked(), w.state().as_str()), (None, "Submitted"));
}

#[test]
fn e7_an_order_that_could_not_be_sent_until_the_last_hour_is_not_sent_any_more() {
    let mut w = World::opened(|_| {});
    for _ in 0..20_000 {
        w.say("braintree.add_evidence", not_sent(NotSent::Outage));
    }
    w.submit(vec![text(1)]);
    w.pass(deadline() - w.now - TimeDelta::minutes(50));
    assert_eq!((w.count("OrderRefused"), w.called("reply")), (1, 0));
    assert_eq!((w.parked(), w.erased.contains(&input(1))), (Some(ParkCode::DisputeStuck), true));
}

#[test]
fn e7_a_text_that_is_too_old_is_asked_for_again() {
    let mut w = World::opened(|_| {});
    w.say("braintree.add_evidence", rejected(RejectionKind::Invalid, INPUT_GONE));
    w.submit(vec![text(1)]);
    assert!(w.shown.last().unwrap().transaction.failure_reason.contains("send it again"));
}

#[test]
fn e7_a_reply_of_unknown_outcome_is_looked_up_and_never_sent_twice() {
    let mut w = World::opened(|_| {});
    w.say("braintree.finalize_dispute", unknown());
    w.submit(vec![text(1)]);
    w.dispute.status = Status::Disputed;
    let outcome = Box::new(Outcome::Done { answer: Answer::Dispute(Box::new(w.dispute.clone())) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(10));
    assert_eq!((w.state().as_str(), w.called("reply")), ("Submitted", 1));
}

#[test]
fn e7_a_reply_that_is_proven_not_to_have_arrived_is_ordered_anew_by_a_person() {
    let mut w = World::opened(|_| {});
    w.say("braintree.accept_dispute", unknown());
    w.accept();
    for _ in 0..3 {
        w.looks.push_back(Look::Absent { watermark: false, key_proven: false });
    }
    w.pass(TimeDelta::minutes(40));
    assert_eq!((w.state().as_str(), w.count("OrderRefused"), w.called("reply")), ("EvidenceReady", 1, 1));
    w.accept();
    assert_eq!(w.state(), "Accepted");
}

#[test]
fn e7_what_the_bank_decides_while_a_reply_is_under_way_ends_the_order() {
    let mut w = World::opened(|_| {});
    w.say("braintree.add_evidence", rejected(RejectionKind::State, "95701"));
    w.dispute.status = Status::Lost;
    w.submit(vec![text(1)]);
    assert_eq!((w.state().as_str(), w.balance(5210), w.erased.len()), ("Lost", TOTAL, 1));
}
