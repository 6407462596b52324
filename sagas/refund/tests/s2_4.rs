//! From the request to the bank, and what the bank makes of it.

use super::world::{TOTAL, World, began, eur, hard, not_sent, refused, rejected, unknown};
use crate::kernel::answer::Answer;
use crate::kernel::answer::TransactionStatus as Status;
use crate::kernel::effect::LetterFacts;
use crate::kernel::flow::StepEvent;
use crate::kernel::outcome::{Decline, DeclineKind, Look, NotSent, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::record::Record;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples;
use crate::refund::{Approval, Choice, Command, Event, Source};
use chrono::TimeDelta;

fn second_person(w: &mut World) {
    w.wish.approval = Approval::SecondPerson;
}

#[test]
fn p1_to_p8_a_settled_sale_is_refunded_credited_shown_and_settled() {
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    assert_eq!(
        w.calls,
        [
            "desk.claim",
            "desk.tell",
            "zoho.read_invoice_lines",
            "braintree.read_transaction",
            "braintree.refund",
            "zoho.create_credit_note",
            "zoho.refund_credit_note",
            "desk.tell",
            "attio.project",
            "mail.send"
        ]
    );
    assert_eq!(
        (w.told.as_slice(), w.state().as_str()),
        (&["give_back_asked", "refunded"].map(str::to_owned)[..], "AwaitSettlement")
    );
    let shown = &w.shown[0].transaction;
    assert_eq!(
        (shown.status.as_str(), shown.amount, shown.braintree_transaction.as_deref()),
        ("Refunded", eur(4_000), Some("rf1"))
    );
    assert!(
        matches!(&w.letters[0].about, LetterFacts::Refund { card: Some((brand, last)), .. } if brand == "Visa" && last == "1111")
    );
    assert!(w.claims.is_empty(), "the next give-back of the sale may come before this one is settled");
    w.is_now(Status::Settled);
    w.pass(TimeDelta::hours(3));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Settled", Some(End::Completed)));
    assert_eq!(w.rules, ["CREDIT_NOTE", "REFUND_APPROVED_FROM_CREDIT", "REFUND_SENT", "REFUND_SETTLED"]);
}

#[test]
fn p3_the_whole_of_a_sale_that_has_not_settled_is_voided() {
    let w = World::begun(Source::Forgive, TOTAL, |w| w.sale = Status::SubmittedForSettlement);
    let after = ["braintree.void", "zoho.delete_payment", "zoho.read_invoice", "zoho.void_invoice", "desk.tell"];
    assert_eq!(w.calls[4..9], after);
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.told[1].as_str()), ("Voided", Some(End::Completed), "voided"));
    assert!(w.holds.is_empty(), "nobody owes anything: {:?}", w.holds);
    assert!(matches!(w.letters[0].about, LetterFacts::Refund { voided: true, .. }));
}

#[test]
fn p4_what_reopens_the_invoice_is_held_before_the_call_and_stays_so() {
    let mut w = World::new(Source::Reopen, TOTAL);
    w.braintree.push_back(not_sent(NotSent::Outage));
    w.request();
    assert_eq!((w.state().as_str(), w.holds.contains("given_back")), ("Sending", true));
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.told[1].as_str(), w.payment.is_none(), w.holds.contains("given_back")), ("refunded", true, true));
}

#[test]
fn p4_a_void_holds_the_invoice_with_its_intent_and_lets_it_go_once_nothing_is_owed() {
    let mut w = World::new(Source::Forgive, TOTAL);
    w.sale = Status::SubmittedForSettlement;
    w.braintree.push_back(not_sent(NotSent::Outage));
    w.request();
    assert_eq!((w.state().as_str(), w.holds.contains("given_back")), ("Sending", true));
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.state().as_str(), w.holds.is_empty()), ("Voided", true));
}

#[test]
fn p3_money_that_was_never_applied_needs_nothing_of_zoho() {
    let mut w = World::of_applied(Source::Unapplied, 4_000, 6_000);
    w.request();
    assert!(w.calls.iter().all(|call| !call.starts_with("zoho.")), "{:?}", w.calls);
    assert_eq!((w.state().as_str(), w.told[1].as_str()), ("AwaitSettlement", "refunded"));
}

#[test]
fn e1_what_the_stream_does_not_let_go_is_refused_and_nothing_is_booked() {
    let mut w = World::new(Source::Forgive, TOTAL + 1);
    w.answers = Some(Command::NotAdmitted { code: "too_much".to_owned(), why: "more than is left".to_owned() });
    w.request();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Refused", Some(End::GivenUp)));
    assert_eq!((w.rules.len(), w.told[1].as_str()), (0, "withdrawn"));
}

#[test]
fn e1_a_stream_that_lets_another_sum_go_than_was_asked_for_is_refused() {
    let mut w = World::new(Source::Forgive, 4_000);
    w.wish.amount = eur(4_001);
    w.request();
    assert_eq!((w.state().as_str(), w.rules.len()), ("Refused", 0));
}

#[test]
fn e1_a_stream_that_does_not_answer_ends_it_after_an_hour() {
    let mut w = World::new(Source::Forgive, 4_000);
    let late = w.answers.take().expect("an answer");
    w.request();
    assert_eq!(w.state(), "Requested");
    w.pass(TimeDelta::minutes(61));
    assert_eq!((w.state().as_str(), w.told[1].as_str()), ("Refused", "withdrawn"));
    w.tell(late);
    assert_eq!((w.state().as_str(), w.rules.len()), ("Refused", 0), "an answer that comes too late moves nothing");
}

#[test]
fn e1_another_give_back_of_the_sale_refuses_a_person_and_puts_a_rule_off() {
    let busy = || {
        Some(Outcome::Declined {
            decline: Decline { text: "held".to_owned(), ..samples::decline(DeclineKind::Busy, "claimed") },
        })
    };
    let w = World::begun(Source::Forgive, 4_000, |w| w.busy = busy());
    assert_eq!((w.state().as_str(), w.told.len()), ("Refused", 0), "nobody was asked");
    let mut w = World::begun(Source::Forgive, 4_000, |w| {
        w.busy = busy();
        w.wish.approval = Approval::Rule;
    });
    assert_eq!(w.state(), "Deferred");
    w.pass(TimeDelta::minutes(11));
    w.hear();
    assert_eq!(w.state(), "AwaitSettlement");
}

/// A rule proposes 40.00 that were never applied, and may give so much back alone.
fn proposed(rule_may: i64) -> World {
    let mut w = World::of_applied(Source::Unapplied, 4_000, 6_000);
    w.wish.approval = Approval::Proposed;
    w.rule_may = rule_may;
    w.request();
    w
}

#[test]
fn s2_9_e3_what_a_rule_may_give_back_alone_goes_after_an_hour_in_which_it_may_pass() {
    let mut w = proposed(4_000);
    assert_eq!((w.state().as_str(), w.told.len()), ("Cooling", 0), "the stream keeps its money meanwhile");
    w.pass(TimeDelta::minutes(59));
    assert_eq!(w.state(), "Cooling");
    w.pass(TimeDelta::minutes(2));
    w.hear();
    assert_eq!((w.state().as_str(), w.count("ApprovalAwaited")), ("AwaitSettlement", 0));
}

#[test]
fn s2_9_e4_above_it_a_person_agrees_or_nothing_goes_back() {
    let mut w = proposed(3_999);
    assert_eq!((w.state().as_str(), w.rules.len(), w.told.len()), ("AwaitingApproval", 0, 0));
    w.pass(TimeDelta::days(29));
    assert_eq!(w.state(), "AwaitingApproval", "a proposal waits longer than a person's request");
    w.approve("token:bob");
    assert_eq!((w.state().as_str(), w.count("ApprovalGiven")), ("AwaitSettlement", 1));
    let mut w = proposed(3_999);
    w.pass(TimeDelta::days(31));
    assert_eq!((w.state().as_str(), w.rules.len()), ("Denied", 0));
}

#[test]
fn e3_a_second_person_approves_and_only_then_something_is_booked() {
    let mut w = World::begun(Source::Forgive, 4_000, second_person);
    assert_eq!((w.state().as_str(), w.rules.len(), w.told.len()), ("AwaitingApproval", 0, 0));
    w.approve("token:ada");
    assert_eq!((w.state().as_str(), w.heard_refused()), ("AwaitingApproval", 1), "who asked does not approve it");
    w.approve("token:bob");
    assert_eq!((w.state().as_str(), w.count("ApprovalGiven")), ("AwaitSettlement", 1));
}

#[test]
fn e3_denied_or_left_lying_for_a_week_nothing_is_booked() {
    let mut w = World::begun(Source::Forgive, 4_000, second_person);
    w.tell(Command::Denied { by: "token:bob".to_owned(), reason: "no".to_owned() });
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.rules.len()), ("Denied", Some(End::GivenUp), 0));
    let mut w = World::begun(Source::Forgive, 4_000, second_person);
    w.pass(TimeDelta::days(7) - TimeDelta::minutes(1));
    assert_eq!(w.state(), "AwaitingApproval");
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.rules.len()), ("Denied", 0));
    w.approve("token:bob");
    assert_eq!((w.state().as_str(), w.heard_refused()), ("Denied", 1), "too late");
}

#[test]
fn e4_a_part_of_what_has_not_settled_waits_and_is_refunded_then() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.sale = Status::SubmittedForSettlement);
    assert_eq!((w.state().as_str(), w.wakes_at()), ("WaitSettle", Some(began() + TimeDelta::hours(1))));
    w.pass(TimeDelta::hours(5));
    assert!(!w.calls.contains(&"braintree.refund") && !w.calls.contains(&"braintree.void"));
    w.sale = Status::Settled;
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.state(), "AwaitSettlement");
}

#[test]
fn e4_declined_at_settlement_meanwhile_it_is_moot_and_the_approval_is_taken_back() {
    let mut w = World::begun(Source::Reopen, 4_000, |w| w.sale = Status::SubmittedForSettlement);
    let before = (w.balance(1200), w.balance(2100));
    assert_eq!(before, (4_000, 0));
    w.sale = Status::SettlementDeclined;
    w.pass(TimeDelta::hours(2));
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.told[1].as_str()), ("Moot", Some(End::GivenUp), "withdrawn"));
    assert_eq!((w.balance(1200), w.balance(2120), w.holds.is_empty()), (0, 0, true));
}

#[test]
fn e5_a_void_that_comes_too_late_becomes_a_refund() {
    let mut w = World::new(Source::Forgive, TOTAL);
    w.sale = Status::SubmittedForSettlement;
    w.braintree.push_back(refused("91504"));
    w.request();
    assert_eq!(w.state(), "WaitSettle", "its status still allows a void: again in ten minutes");
    w.sale = Status::Settling;
    w.pass(TimeDelta::minutes(11));
    assert_eq!((w.state().as_str(), w.told[1].as_str()), ("AwaitSettlement", "refunded"));
    assert!(w.holds.is_empty(), "nothing of what is forgiven is owed: {:?}", w.holds);
}

#[test]
fn e5_a_void_that_is_refused_once_is_voided_at_the_next_try() {
    let mut w = World::new(Source::Forgive, TOTAL);
    w.sale = Status::SubmittedForSettlement;
    w.braintree.push_back(refused("91504"));
    w.request();
    w.pass(TimeDelta::minutes(11));
    assert_eq!((w.state().as_str(), w.told[1].as_str()), ("Voided", "voided"));
}

#[test]
fn e5_refused_for_three_days_a_person_looks_and_it_goes_on() {
    let mut w = World::new(Source::Forgive, TOTAL);
    w.sale = Status::SubmittedForSettlement;
    w.braintree.extend((0..1_000).map(|_| refused("91504")));
    w.request();
    w.pass(TimeDelta::days(4));
    assert_eq!((w.parked(), w.balance(2120)), (Some(ParkCode::GiveBackStuck), -TOTAL));
    w.braintree.clear();
    w.resume();
    assert_eq!((w.parked(), w.state().as_str()), (None, "Voided"));
}

#[test]
fn e6_a_refund_that_is_not_possible_yet_waits_for_settlement() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| {
        w.sale = Status::Settling;
        w.braintree.extend([refused("91506"), refused("91574")]);
    });
    assert_eq!(w.state(), "WaitSettle");
    w.pass(TimeDelta::hours(3));
    assert_eq!(
        (w.state().as_str(), w.refund.as_ref().map(|r| r.order_id.clone())),
        ("AwaitSettlement", Some(World::order_id(3)))
    );
}

#[test]
fn e7_refused_by_the_issuer_it_is_blocked_and_stays_owed() {
    let w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(hard("2005")));
    assert_eq!((w.parked(), w.state().as_str(), w.balance(2120)), (Some(ParkCode::RefundBlocked), "Blocked", -4_000));
    assert_eq!((w.shown[0].transaction.status.as_str(), w.letters.len()), ("Failed", 0));
    assert!(!w.claims.is_empty(), "until it is decided");
}

#[test]
fn e7_blocked_it_is_tried_again_paid_outside_or_withdrawn_by_a_person() {
    let blocked = || World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(hard("2005")));
    let mut w = blocked();
    w.decide(Choice::TryAgain);
    assert_eq!(
        (w.state().as_str(), w.refund.as_ref().map(|r| r.order_id.clone())),
        ("AwaitSettlement", Some(World::order_id(2)))
    );
    assert_eq!((w.letters.len(), w.balance(2120)), (1, 0));
    let mut w = blocked();
    w.decide(Choice::PaidOutside);
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.balance(1150)), ("PaidOutside", Some(End::Completed), -4_000));
    assert_eq!((w.notes[0].reference.starts_with("demo1.cn."), w.told[1].as_str()), (true, "refunded"));
    let mut w = blocked();
    w.decide(Choice::Withdraw);
    assert_eq!(
        (w.state().as_str(), w.balance(2110), w.balance(2120), w.told[1].as_str()),
        ("Withdrawn", 0, 0, "withdrawn")
    );
}

#[test]
fn e7_a_person_that_resumes_tries_again() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(hard("2005")));
    w.resume();
    assert_eq!((w.parked(), w.state().as_str()), (None, "AwaitSettlement"));
}

#[test]
fn e8_a_soft_no_is_accepted_and_watched() {
    let mut w = World::new(Source::Forgive, 4_000);
    let mut made = w.made("rf1", &World::order_id(1), 4_000, Status::SubmittedForSettlement);
    made.soft_decline = Some("2046".to_owned());
    w.refund = Some(made.clone());
    w.braintree.push_back(Outcome::Done { answer: Answer::Refund(Box::new(made)) });
    w.request();
    assert_eq!(w.state(), "AwaitSettlement");
    assert!(w.events().any(|e| matches!(e, Event::RefundSent { soft_decline: Some(code), .. } if code == "2046")));
    w.is_now(Status::SettlementDeclined);
    w.pass(TimeDelta::hours(3));
    assert_eq!(w.parked(), Some(ParkCode::RefundFailedAfterSuccess));
}

#[test]
fn e9_a_merchant_account_that_gives_nothing_back_blocks() {
    for code in ["91538", "91547", "91559"] {
        let w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(refused(code)));
        assert_eq!((w.parked(), w.balance(2120)), (Some(ParkCode::RefundBlocked), -4_000), "{code}");
    }
}

#[test]
fn e10_an_unknown_refund_is_looked_up_and_adopted_and_never_sent_again() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(unknown()));
    assert_eq!((w.state().as_str(), w.rules.len()), ("Sending", 2), "no guess in the books");
    let made = w.made("rf1", &World::order_id(1), 4_000, Status::SubmittedForSettlement);
    w.refund = Some(made.clone());
    let outcome = Box::new(Outcome::Done { answer: Answer::Refund(Box::new(made)) });
    w.looks.extend([Look::Unclear { detail: "lags".to_owned() }, Look::Found { outcome, extra: Vec::new() }]);
    w.pass(TimeDelta::minutes(20));
    assert_eq!(w.state(), "AwaitSettlement");
    let sent =
        w.log.iter().filter(|r| matches!(r, Record::Step(StepEvent::Sending { step, .. }) if step == "give_back"));
    assert_eq!(sent.count(), 1);
}

#[test]
fn e10_proven_absent_the_same_refund_goes_out_a_day_later_under_the_same_order_id() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(unknown()));
    w.looks.extend((0..6).map(|_| Look::Absent { watermark: true, key_proven: false }));
    w.pass(TimeDelta::hours(23));
    assert_eq!(w.calls.iter().filter(|call| **call == "braintree.refund").count(), 1);
    w.pass(TimeDelta::hours(2));
    assert_eq!(
        (w.state().as_str(), w.refund.as_ref().map(|r| r.order_id.clone())),
        ("AwaitSettlement", Some(World::order_id(1)))
    );
}

#[test]
fn e10_a_refund_that_went_out_twice_is_a_persons() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(unknown()));
    let made = w.made("rf1", &World::order_id(1), 4_000, Status::SubmittedForSettlement);
    let outcome = Box::new(Outcome::Done { answer: Answer::Refund(Box::new(made)) });
    w.looks.push_back(Look::Found { outcome, extra: vec!["rf9".to_owned()] });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.parked(), w.balance(2120)), (Some(ParkCode::AnswerMismatch), 0));
}

#[test]
fn e11_too_much_given_back_already_and_not_by_us_blocks() {
    for code in ["91512", "91521"] {
        let w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(refused(code)));
        assert_eq!((w.parked(), w.balance(2120)), (Some(ParkCode::RefundBlocked), -4_000), "{code}");
    }
}

#[test]
fn e13_declined_after_it_was_accepted_is_owed_again_and_a_person_decides() {
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    w.is_now(Status::SettlementDeclined);
    w.pass(TimeDelta::hours(3));
    assert_eq!(
        (w.parked(), w.balance(2120), w.balance(1110)),
        (Some(ParkCode::RefundFailedAfterSuccess), -4_000, TOTAL)
    );
    assert_eq!(w.shown.last().map(|p| p.transaction.status.as_str()), Some("Failed"));
    w.decide(Choice::TryAgain);
    assert_eq!((w.state().as_str(), w.balance(2120), w.notes.len()), ("AwaitSettlement", 0, 1));
    assert_eq!((w.refund.as_ref().map(|r| r.id.clone()), w.letters.len()), (Some("rf2".to_owned()), 1));
    assert!(w.claims.is_empty());
}

#[test]
fn e13_a_webhook_after_the_settlement_brings_the_look() {
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    w.is_now(Status::Settled);
    w.pass(TimeDelta::hours(3));
    w.is_now(Status::Failed);
    w.tell(Command::LookAgain { source: "braintree.refund_failed".to_owned() });
    assert_eq!((w.parked(), w.balance(2120), w.balance(1120)), (Some(ParkCode::RefundFailedAfterSuccess), -4_000, 0));
    assert_eq!(w.rules[4..], ["REFUND_SETTLED_REVERSED", "REFUND_REVERSED"]);
}

#[test]
fn e13_a_settled_refund_that_is_looked_at_again_stays_settled_and_is_over() {
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    w.is_now(Status::Settled);
    w.pass(TimeDelta::hours(3));
    w.tell(Command::LookAgain { source: "test".to_owned() });
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.rules.len()), ("Settled", Some(End::Completed), 4));
}

#[test]
fn e13_declined_late_nothing_that_is_owed_again_is_withdrawn() {
    let mut w = World::begun(Source::Reopen, 4_000, |_| {});
    w.is_now(Status::Failed);
    w.pass(TimeDelta::hours(3));
    w.decide(Choice::Withdraw);
    assert_eq!((w.heard_refused(), w.parked()), (1, Some(ParkCode::RefundFailedAfterSuccess)));
    w.decide(Choice::PaidOutside);
    assert_eq!((w.state().as_str(), w.balance(2120), w.saga.flow.ended), ("PaidOutside", 0, Some(End::Completed)));
}

#[test]
fn e15_a_charge_that_the_invoice_does_not_know_is_refused() {
    let mut w = World::new(Source::Forgive, 4_000);
    w.answers = Some(Command::NotAdmitted { code: "not_ours".to_owned(), why: "tx1 is no payment of it".to_owned() });
    w.request();
    assert_eq!((w.state().as_str(), w.calls.contains(&"braintree.refund")), ("Refused", false));
}

#[test]
fn e18_statuses_that_are_not_final_wait_and_unknown_ones_are_a_persons() {
    for status in [Status::Authorizing, Status::SettlementPending] {
        let w = World::begun(Source::Forgive, TOTAL, |w| w.sale = status.clone());
        assert_eq!(w.state(), "WaitSettle", "{status:?}");
    }
    for status in [Status::SettlementConfirmed, Status::Other("brand_new".to_owned())] {
        let mut w = World::begun(Source::Forgive, TOTAL, |w| w.sale = status.clone());
        assert_eq!(w.parked(), Some(ParkCode::UnknownVendorState), "{status:?}");
        w.sale = Status::Settled;
        w.resume();
        assert_eq!((w.parked(), w.state().as_str()), (None, "AwaitSettlement"));
    }
}

#[test]
fn e18_a_sale_that_is_gone_is_moot() {
    for status in [Status::Voided, Status::SettlementFailed, Status::AuthorizationExpired, Status::SettlementDeclined] {
        let w = World::begun(Source::Forgive, TOTAL, |w| w.sale = status.clone());
        assert_eq!((w.state().as_str(), w.balance(2120), w.balance(2110)), ("Moot", 0, 0), "{status:?}");
    }
}

#[test]
fn a_sale_of_another_amount_than_was_captured_is_not_touched() {
    let mut w = World::new(Source::Forgive, 4_000);
    if let Some(Command::Admitted { terms }) = &mut w.answers {
        terms.captured = eur(9_000);
    }
    w.request();
    assert_eq!((w.parked(), w.calls.contains(&"braintree.refund")), (Some(ParkCode::AnswerMismatch), false));
}

#[test]
fn a_refusal_without_a_branch_parks_and_is_looked_up_before_it_goes_out_again() {
    let mut w =
        World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(rejected(RejectionKind::Invalid, "91234")));
    assert_eq!(w.parked(), Some(ParkCode::VendorRejected));
    w.looks.push_back(Look::Absent { watermark: false, key_proven: false });
    w.resume();
    assert_eq!((w.parked(), w.state().as_str()), (None, "AwaitSettlement"));
}

#[test]
fn asked_again_with_the_same_key_it_is_one_refund_and_with_another_amount_none() {
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    w.request();
    assert_eq!((w.count("RefundRequested"), w.heard_refused()), (1, 0));
    w.wish.amount = eur(5_000);
    w.request();
    assert_eq!((w.count("RefundRequested"), w.heard_refused()), (1, 1));
}

#[test]
fn another_flow_asks_by_the_same_door() {
    let w = World::new(Source::Unapplied, 4_000);
    let message = w.wish.clone().message();
    assert_eq!((message.to, message.flow.as_str()), (w.id, "refund"));
    let read: Command = serde_json::from_value(message.command).expect("its own command");
    assert_eq!(read, Command::Requested { wish: Box::new(w.wish.clone()) });
}

#[test]
fn what_attio_refuses_is_shown_later_and_holds_nothing_up() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.project.push_back(rejected(RejectionKind::Config, "401")));
    assert_eq!((w.shown.len(), w.letters.len(), w.state().as_str()), (0, 1, "AwaitSettlement"));
    w.pass(TimeDelta::minutes(2));
    assert_eq!(w.shown.len(), 1);
}

#[test]
fn s2_11_e7_a_webhook_of_a_refund_whose_outcome_is_unknown_changes_nothing_and_the_look_adopts_it() {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(unknown()));
    w.tell(Command::LookAgain { source: "braintree.refund_failed".to_owned() });
    assert_eq!((w.state().as_str(), w.rules.len()), ("Sending", 2));
    let made = w.made("rf1", &World::order_id(1), 4_000, Status::SettlementDeclined);
    w.refund = Some(made.clone());
    let outcome = Box::new(Outcome::Done { answer: Answer::Refund(Box::new(made)) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.parked(), w.balance(2120)), (Some(ParkCode::RefundFailedAfterSuccess), -4_000));
}

#[test]
fn e2_a_dispute_stops_what_is_approved_and_not_sent_and_its_obligation_is_taken_back() {
    let mut w = World::begun(Source::Reopen, 4_000, |w| w.sale = Status::SubmittedForSettlement);
    assert_eq!(w.state(), "WaitSettle");
    w.tell(Command::Disputed { dispute: crate::kernel::ids::SagaId::derived("dispute", &["d1"]) });
    assert_eq!((w.state().as_str(), w.told[1].as_str(), w.balance(2120)), ("Withdrawn", "withdrawn", 0));
    assert_eq!((w.saga.flow.ended, w.claims.len()), (Some(End::GivenUp), 0));
}

#[test]
fn e2_a_refund_that_was_sent_goes_on_and_one_that_the_bank_refused_is_not_tried_again() {
    let dispute = crate::kernel::ids::SagaId::derived("dispute", &["d1"]);
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    w.tell(Command::Disputed { dispute });
    assert_eq!(w.state(), "AwaitSettlement");
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(hard("2005")));
    w.tell(Command::Disputed { dispute });
    w.decide(Choice::TryAgain);
    assert_eq!((w.state().as_str(), w.heard_refused()), ("Blocked", 1));
    w.decide(Choice::Withdraw);
    assert_eq!((w.state().as_str(), w.balance(2120)), ("Withdrawn", 0));
}

#[test]
fn e2_a_stream_that_knows_of_a_dispute_lets_nothing_go() {
    let w = World::begun(Source::Forgive, 4_000, |w| {
        w.answers = Some(Command::NotAdmitted { code: "disputed".to_owned(), why: "reply instead".to_owned() });
    });
    assert_eq!((w.state().as_str(), w.rules.len()), ("Refused", 0));
}
