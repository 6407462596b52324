//! From the day on which the bank takes the money to the day on which it is decided, without a reply of ours.

use super::world::{TOTAL, World, busy, day, deadline, eur, rejected, sale};
use crate::dispute::{Command, Fate, pack};
use crate::kernel::answer::DisputeStatus as Status;
use crate::kernel::outcome::{NotSent, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Pending, Saga};
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples;
use chrono::TimeDelta;

fn signal(w: &World) -> &'static str {
    match crate::dispute::Dispute::pending(&w.saga.business) {
        Pending::Await { signal, .. } => signal,
        other => panic!("awaits nothing: {other:?}"),
    }
}

#[test]
fn e1_what_the_bank_takes_is_held_in_the_books_and_nothing_of_the_payment_is_given_back() {
    let w = World::opened(|_| {});
    assert_eq!((w.state().as_str(), w.rules.as_slice()), ("EvidenceReady", &["DISPUTE_HOLD"][..]));
    assert_eq!((w.balance(1130), w.balance(1120)), (TOTAL, 0));
    assert!(w.holds.contains("dispute"), "nothing else of the customer is charged");
    assert_eq!((w.claims.len(), w.told("payment_disputed")), (1, 1));
    let shown = &w.shown[0].transaction;
    assert_eq!((shown.external_id.as_str(), shown.status.as_str()), ("dp:d1", "Open"));
    assert!(shown.failure_reason.contains("action needed: reply until 2026-11-21 00:00 UTC"), "{shown:?}");
    assert_eq!(signal(&w), "a person's reply to the dispute");
}

#[test]
fn e1_four_alarms_ring_before_the_deadline_and_each_is_told_to_who_is_on_call_and_in_attio() {
    let mut w = World::opened(|_| {});
    for (left, words, task) in [
        (TimeDelta::days(7), "7 days are left", "reply-7d"),
        (TimeDelta::days(3), "3 days are left", "reply-3d"),
        (TimeDelta::days(1), "a day is left", "reply-1d"),
        (TimeDelta::hours(4), "4 hours are left", "reply-4h"),
    ] {
        let rings = deadline() - left;
        w.pass(rings - w.now - TimeDelta::seconds(1));
        let before = w.count("DeadlineNear");
        w.pass(TimeDelta::seconds(2));
        assert_eq!((w.count("DeadlineNear"), w.state().as_str()), (before + 1, "DeadlineNear"));
        assert!(signal(&w).starts_with("deadline: ") && signal(&w).ends_with(words), "{}", signal(&w));
        assert!(w.tasks.last().is_some_and(|note| note.marker.ends_with(task)), "{:?}", w.tasks);
    }
    assert_eq!((w.count("DeadlineNear"), w.tasks.len()), (4, 4));
}

#[test]
fn e1_alarms_that_are_past_when_it_comes_ring_once() {
    let w = World::opened(|w| w.now = deadline() - TimeDelta::hours(20));
    assert_eq!((w.count("DeadlineNear"), signal(&w)), (1, "deadline: a dispute awaits a reply, a day is left"));
}

#[test]
fn e1_the_pack_says_what_is_on_record_and_no_more() {
    let w = World::opened(|w| {
        if let Some(payment) = &mut w.payment {
            (payment.subscription, payment.payment) = (None, None);
        }
    });
    let texts = pack(&w.saga.business);
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(texts[0].text.contains("100.00") && texts[0].text.contains("INV-77") && texts[0].text.contains("tx1"));
    let w = World::opened(|_| {});
    let texts = pack(&w.saga.business);
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(texts.iter().any(|text| text.category == Some("RECURRING_TRANSACTION_ID") && text.text == "tx1"));
    assert!(texts.iter().all(|text| text.text.chars().count() <= 500));
}

#[test]
fn e2_a_retrieval_moves_no_money_and_rings_the_same_alarms() {
    let mut w = World::opened(|w| "retrieval".clone_into(&mut w.dispute.kind));
    assert_eq!((w.rules.len(), w.holds.is_empty()), (0, true));
    w.pass(TimeDelta::days(12));
    assert_eq!((w.count("DeadlineNear"), w.state().as_str()), (1, "DeadlineNear"));
    w.becomes(Status::Won);
    assert_eq!((w.rules.len(), w.saga.flow.ended), (0, Some(End::Completed)));
}

#[test]
fn e3_a_payment_that_was_given_back_is_held_all_the_same_and_the_pack_says_so() {
    let w = World::opened(|w| w.payment.as_mut().unwrap().given_back = TOTAL);
    assert_eq!(w.rules, ["DISPUTE_HOLD"]);
    let texts = pack(&w.saga.business);
    assert!(texts.iter().any(|text| text.text.starts_with("All that is disputed has been given back")), "{texts:?}");
}

#[test]
fn e3_a_give_back_that_holds_the_payment_is_waited_for_and_the_bank_is_booked_meanwhile() {
    let mut w = World::new();
    w.payment.as_mut().unwrap().giving_back = true;
    w.say("desk.claim", busy());
    w.notice(None);
    assert_eq!((w.rules.as_slice(), w.claims.len()), (&["DISPUTE_HOLD"][..], 0));
    assert!(pack(&w.saga.business).iter().any(|text| text.text.starts_with("A refund of this payment")));
    w.pass(TimeDelta::minutes(11));
    assert_eq!(w.claims.len(), 1);
}

#[test]
fn e3_a_payment_that_is_claimed_once_it_is_decided_is_let_go_at_once() {
    let mut w = World::new();
    w.dispute.status = Status::Lost;
    w.say("desk.claim", samples::not_sent(NotSent::Outage));
    w.notice(None);
    assert_eq!((w.rules.as_slice(), w.claims.len()), (&["DISPUTE_HOLD", "DISPUTE_LOST"][..], 0));
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.called("claim"), w.claims.len()), (2, 0), "it was asked for again, and nobody needs it");
    w.close(Some(Fate::Keep));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Lost", Some(End::Completed)));
}

#[test]
fn e4_what_is_won_comes_back_and_invoices_that_were_held_are_looked_at_again() {
    let mut w = World::opened(|w| w.held = vec![sale().stream]);
    w.dispute.won = Some(eur(TOTAL));
    w.becomes(Status::Won);
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Won", Some(End::Completed)));
    assert_eq!(w.rules, ["DISPUTE_HOLD", "DISPUTE_RELEASE"]);
    assert_eq!((w.balance(1120), w.told("dispute_over"), w.told("hold_released")), (TOTAL, 1, 1));
    assert_eq!(w.shown.last().unwrap().transaction.status, "Void");
}

#[test]
fn e4_what_is_won_in_part_is_a_persons_and_the_rest_is_lost() {
    let mut w = World::opened(|_| {});
    w.dispute.won = Some(eur(6_000));
    w.becomes(Status::Won);
    assert_eq!((w.parked(), w.balance(1130), w.balance(5210)), (Some(ParkCode::MoneyDecision), 0, 4_000));
    assert!(w.holds.contains("dispute"));
    w.close(None);
    assert_eq!((w.saga.flow.ended, w.holds.is_empty()), (Some(End::Completed), true));
}

#[test]
fn e4_more_won_than_was_held_is_booked_by_nobody() {
    let mut w = World::opened(|_| {});
    w.dispute.won = Some(eur(TOTAL + 1));
    w.becomes(Status::Won);
    assert_eq!((w.parked(), w.balance(1130)), (Some(ParkCode::AnswerMismatch), TOTAL));
    w.dispute.won = Some(eur(TOTAL));
    w.resume();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Won", Some(End::Completed)));
}

#[test]
fn e5_what_is_lost_is_a_loss_and_a_person_says_whether_the_subscription_goes_on() {
    let mut w = World::opened(|_| {});
    w.becomes(Status::Lost);
    assert_eq!(w.rules, ["DISPUTE_HOLD", "DISPUTE_LOST"]);
    assert_eq!((w.parked(), w.balance(5210), w.claims.len()), (Some(ParkCode::MoneyDecision), TOTAL, 0));
    let close = |subscription| Command::Close { subscription, by: "a".to_owned(), reason: "b".to_owned() };
    assert_eq!(w.refusal(&close(None)), "subscription", "nothing is chosen by default");
    w.close(Some(Fate::Cancel));
    assert_eq!((w.saga.flow.ended, w.told("ordered")), (Some(End::Completed), 1));
    let ordered = w.messages.last().unwrap();
    assert_eq!((ordered.flow.as_str(), &ordered.command["order"]["wish"]), ("cancellation", &"cancel_now".into()));
    let over = w.messages.iter().find(|message| message.command["command"] == "dispute_over").unwrap();
    assert_eq!(over.command["lost"], TOTAL);
}

#[test]
fn e5_a_subscription_that_is_kept_is_left_alone() {
    for status in [Status::Lost, Status::AutoAccepted] {
        let mut w = World::opened(|_| {});
        w.becomes(status);
        w.close(Some(Fate::Keep));
        assert_eq!((w.saga.flow.ended, w.told("ordered"), w.balance(5210)), (Some(End::Completed), 0, TOTAL));
        assert_eq!(w.shown.last().unwrap().transaction.status, "Refunded");
    }
}

#[test]
fn e6_a_pre_arbitration_is_a_dispute_of_its_own_that_names_the_first_one() {
    let w = World::opened(|w| {
        "pre_arbitration".clone_into(&mut w.dispute.kind);
        w.dispute.original = Some("d0".to_owned());
    });
    assert_eq!((w.rules.as_slice(), w.balance(1130)), (&["DISPUTE_HOLD"][..], TOTAL));
    assert!(
        w.references.contains(&("dispute", "d0".to_owned())) && w.references.contains(&("dispute", "d1".to_owned()))
    );
}

#[test]
fn e8_a_deadline_that_passes_without_a_reply_is_a_loss_with_a_cause_to_find() {
    let mut w = World::opened(|w| w.payment.as_mut().unwrap().subscription = None);
    w.dispute.status = Status::Expired;
    w.pass(deadline() - w.now + TimeDelta::hours(2));
    assert!(w.day(day("2026-11-21")), "looked at an hour after the end, though nobody told");
    assert_eq!((w.state().as_str(), w.parked(), w.balance(5210)), ("Expired", Some(ParkCode::MoneyDecision), TOTAL));
    let detail = w.saga.flow.parked.as_ref().unwrap().detail.clone();
    assert!(detail.contains("nobody replied before the deadline"), "{detail}");
    w.close(None);
    assert_eq!(w.saga.flow.ended, Some(End::Completed));
}

#[test]
fn e9_a_payment_that_nobody_knows_stands_in_suspense_and_is_urgent() {
    let mut w = World::opened(|w| w.sale = None);
    assert_eq!((w.state().as_str(), w.rules.as_slice(), w.balance(1900)), ("Orphan", &["ORPHAN_OUT"][..], TOTAL));
    assert_eq!(signal(&w), "deadline: a dispute is of a payment that is not known here");
    assert!(w.messages.is_empty() && w.claims.is_empty());
    w.becomes(Status::Lost);
    assert_eq!((w.parked(), w.balance(1900)), (Some(ParkCode::MoneyDecision), TOTAL));
    w.close(None);
    assert_eq!(w.saga.flow.ended, Some(End::Completed));
}

#[test]
fn e9_what_comes_back_of_an_unknown_payment_leaves_suspense() {
    let mut w = World::opened(|w| w.sale = None);
    w.becomes(Status::Won);
    assert_eq!((w.rules.as_slice(), w.balance(1900)), (&["ORPHAN_OUT", "ORPHAN_IN"][..], 0));
    assert_eq!(w.saga.flow.ended, Some(End::Completed));
}

#[test]
fn e9_a_payment_that_becomes_known_is_held_as_ours() {
    let mut w = World::opened(|w| w.sale = None);
    w.sale = Some(sale());
    w.notice(Some(Status::Open));
    assert_eq!(w.rules, ["ORPHAN_OUT", "ORPHAN_IN", "DISPUTE_HOLD"]);
    assert_eq!((w.balance(1900), w.balance(1130), w.state().as_str()), (0, TOTAL, "EvidenceReady"));
}

#[test]
fn e9_one_that_was_lost_before_it_became_known_is_lost_as_ours() {
    let mut w = World::opened(|w| w.sale = None);
    w.becomes(Status::Lost);
    w.sale = Some(sale());
    w.notice(Some(Status::Lost));
    assert_eq!((w.balance(1900), w.balance(1130), w.balance(5210)), (0, 0, TOTAL));
    assert!(w.saga.flow.parked.as_ref().unwrap().detail.contains("zs1"), "the subscription is asked for now");
    w.close(Some(Fate::Keep));
    assert_eq!((w.saga.flow.ended, w.told("dispute_over")), (Some(End::Completed), 1));
}

#[test]
fn e9_a_dispute_that_braintree_does_not_have_is_none() {
    let mut w = World::new();
    w.say("braintree.read_dispute", rejected(RejectionKind::NotFound, "404"));
    w.notice(None);
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.rules.len()), ("NotFound", Some(End::Mirrored), 0));
    w.notice(None);
    assert_eq!(w.state(), "EvidenceReady", "told again, it is looked for again");
}

#[test]
fn e10_a_fresh_status_is_believed_by_its_rank_whatever_was_skipped() {
    let mut w = World::opened(|_| {});
    w.becomes(Status::Disputed);
    assert_eq!((w.state().as_str(), w.count("DisputeSubmitted")), ("Submitted", 1));
    w.becomes(Status::Open);
    assert_eq!((w.state().as_str(), w.count("DisputeReturned")), ("EvidenceReady", 1));
    w.becomes(Status::Won);
    assert_eq!((w.state().as_str(), w.balance(1130)), ("Won", 0));
}

#[test]
fn e10_what_cannot_follow_is_a_persons() {
    let mut w = World::opened(|_| {});
    w.becomes(Status::Won);
    w.becomes(Status::Lost);
    assert_eq!((w.parked(), w.balance(5210)), (Some(ParkCode::ImpossibleTransition), 0));
    w.dispute.status = Status::Won;
    w.resume();
    assert_eq!(w.saga.flow.ended, Some(End::Completed));
}

#[test]
fn e10_a_word_another_amount_or_another_payment_that_we_do_not_know_is_a_persons() {
    for (code, change) in [
        (ParkCode::UnknownVendorState, (|w| w.dispute.status = Status::Other("new".to_owned())) as fn(&mut World)),
        (ParkCode::UnknownVendorState, |w| "inquiry".clone_into(&mut w.dispute.kind)),
        (ParkCode::AnswerMismatch, |w| w.dispute.disputed = eur(1)),
        (ParkCode::AnswerMismatch, |w| w.dispute.transaction = Some("tx2".to_owned())),
    ] {
        let mut w = World::opened(|_| {});
        let before = w.dispute.clone();
        change(&mut w);
        w.notice(None);
        assert_eq!((w.parked(), w.state().as_str(), w.balance(1130)), (Some(code), "Held", TOTAL));
        w.dispute = before;
        w.resume();
        assert_eq!(w.state(), "EvidenceReady");
    }
}

#[test]
fn e10_what_is_told_twice_is_read_once() {
    let mut w = World::opened(|_| {});
    let reads = w.called("read_dispute");
    w.notice(Some(Status::Open));
    w.notice(Some(Status::Open));
    assert_eq!(w.called("read_dispute"), reads);
    w.notice(None);
    assert_eq!(w.called("read_dispute"), reads + 1);
}

#[test]
fn e11_one_that_a_programme_decides_is_held_and_lost_in_one_append_and_rings_no_alarm() {
    let mut w = World::opened(|w| {
        w.dispute.program = Some("visa_rdr".to_owned());
        w.dispute.status = Status::AutoAccepted;
    });
    assert_eq!((w.rules.as_slice(), w.state().as_str()), (&["DISPUTE_HOLD", "DISPUTE_LOST"][..], "AutoAccepted"));
    let names: Vec<_> = w.events().map(crate::kernel::saga::BusinessEvent::name).collect();
    let held = names.iter().position(|name| *name == "DisputeHeld").unwrap();
    assert_eq!(names[held + 1], "DisputeLost");
    w.close(Some(Fate::Keep));
    assert_eq!((w.count("DeadlineNear"), w.saga.flow.ended), (0, Some(End::Completed)));
}

#[test]
fn e11_one_that_a_programme_still_decides_takes_no_reply() {
    let mut w = World::opened(|w| w.dispute.program = Some("visa_rdr".to_owned()));
    let accept = Command::Accept { by: "a".to_owned(), reason: "b".to_owned() };
    assert_eq!(w.refusal(&accept), "no_reply");
    w.pass(TimeDelta::days(30));
    assert_eq!((w.count("DeadlineNear"), signal(&w)), (0, "a person's reply to the dispute"));
}

#[test]
fn a_stream_that_does_not_answer_holds_nothing_up_for_more_than_an_hour() {
    let mut w = World::new();
    let late = w.payment.take();
    w.notice(None);
    assert_eq!((w.rules.len(), w.state().as_str()), (0, "Assigned"));
    w.pass(TimeDelta::minutes(61));
    assert_eq!((w.rules.as_slice(), w.state().as_str()), (&["DISPUTE_HOLD"][..], "Assigned"));
    w.payment = late;
    w.hear();
    assert_eq!(w.state(), "EvidenceReady");
}

#[test]
fn a_record_that_attio_refuses_is_shown_later_and_holds_nothing_up() {
    let mut w = World::new();
    w.say("attio.project", rejected(RejectionKind::Config, "auth"));
    w.notice(None);
    assert_eq!((w.shown.len(), w.balance(1130)), (0, TOTAL));
    w.pass(TimeDelta::minutes(2));
    assert_eq!(w.shown.len(), 1);
}
