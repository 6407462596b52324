//! Edges of the card and its hold.

use super::world::{GROSS, World, declined, eur, input, method, outage, rejected, stored, unknown};
use crate::kernel::answer::{Answer, Transaction, TransactionStatus};
use crate::kernel::effect::{Effect, LetterFacts};
use crate::kernel::outcome::{DeclineKind, INPUT_GONE, Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::{Advice, PageStage};
use chrono::TimeDelta;
use uuid::Uuid;

fn advice(w: &World) -> Option<Advice> {
    match w.stage() {
        PageStage::Quoted { declined, .. } => declined,
        other => panic!("{other:?}"),
    }
}

#[test]
fn e8_a_second_submission_is_the_first_one_and_its_card_is_never_used() {
    let mut w = World::started(|_| {});
    w.submit_until("authorise");
    let second = w.submission(input(2));
    w.deliver(second.clone());
    assert_eq!(w.stage(), PageStage::Confirming);
    w.run();
    assert_eq!((w.state().as_str(), w.transactions.len()), ("Recording", 1));
    assert!(w.erased.contains(&Uuid::from_u128(2)));
    w.tell(second);
    assert_eq!((w.count("SubmissionSetAside"), w.heard_refused()), (2, 0));
}

#[test]
fn e9_a_declined_card_gets_one_neutral_message_and_another_card_works() {
    for (kind, code) in [
        (DeclineKind::Processor, "2001"),
        (DeclineKind::Gateway, "fraud"),
        (DeclineKind::Gateway, "avs"),
        (DeclineKind::Gateway, "cvv"),
        (DeclineKind::Verification, "2010"),
    ] {
        let mut w = World::submitted(|w| w.say("braintree.authorise", declined(kind, code)));
        assert_eq!((w.state().as_str(), advice(&w)), ("LinkSent", Some(Advice::AnotherCard)), "{code}");
        assert_eq!(w.last_shown().payment_status, "Failed");
        assert!(w.erased.contains(&Uuid::from_u128(1)) && w.rules.is_empty());
        w.submit(input(2));
        assert_eq!(w.state(), "Recording");
        let order = &w.transactions["tx1"].order_id;
        assert!(order.ends_with(".2"), "a new hold has a new order id: {order}");
        assert_eq!(w.called("create_braintree_customer"), 1);
    }
}

#[test]
fn e9_after_five_declines_the_link_is_locked_for_an_hour() {
    let mut w = World::started(|_| {});
    for n in 0..5 {
        w.say("braintree.authorise", declined(DeclineKind::Processor, "2001"));
        w.submit(input(n));
    }
    let PageStage::LockedUntil { until } = w.stage() else { panic!("{:?}", w.stage()) };
    assert_eq!(until - w.now, TimeDelta::hours(1));
    assert_eq!(w.refusal(&w.submission(input(9))), "locked");
    assert_eq!(w.tasks.len(), 1);
    w.pass(TimeDelta::minutes(61));
    w.submit(input(9));
    assert_eq!(w.state(), "Recording");
}

#[test]
fn e9_a_stored_card_at_its_networks_cap_or_expired_is_not_charged() {
    let mut capped = World::started(|w| {
        w.linked();
        w.card_cap = true;
    });
    capped.submit(stored("m-old"));
    assert_eq!((advice(&capped), capped.transactions.len()), (Some(Advice::AnotherCard), 0));
    let mut expired = World::started(World::linked);
    expired.methods[0].expired = true;
    expired.submit(stored("m-old"));
    assert_eq!((advice(&expired), expired.transactions.len()), (Some(Advice::AnotherCard), 0));
    let mut foreign = World::started(World::linked);
    foreign.methods = vec![method("m-other")];
    foreign.submit(stored("m-old"));
    assert_eq!((advice(&foreign), foreign.transactions.len()), (Some(Advice::AnotherCard), 0));
}

#[test]
fn e9_a_stored_cards_count_is_spent_by_a_decline_and_given_back_where_nothing_was_sent() {
    let mut spent = World::started(World::linked);
    spent.say("braintree.authorise", declined(DeclineKind::Processor, "2001"));
    spent.submit(stored("m-old"));
    assert_eq!((spent.spent.len(), spent.given_back.len()), (1, 0));
    let mut back = World::started(World::linked);
    back.say("braintree.authorise", rejected(RejectionKind::NotFound, "91518"));
    back.submit(stored("m-old"));
    assert_eq!((back.spent.len(), back.given_back.len()), (0, 1));
    let mut failed = World::started(World::linked);
    failed.say("braintree.authorise", rejected(RejectionKind::Invalid, "81531"));
    failed.submit(stored("m-old"));
    assert_eq!((failed.state().as_str(), failed.spent.len(), failed.given_back.len()), ("Failed", 0, 1));
    let mut cancelled = World::started(World::linked);
    cancelled.deliver(cancelled.submission(stored("m-old")));
    while cancelled.saga.flow.open.as_ref().is_some_and(|o| o.step != "count_card") {
        assert!(cancelled.step());
    }
    cancelled.cancel();
    assert_eq!((cancelled.state().as_str(), cancelled.given_back.len()), ("Cancelled", 1));
}

#[test]
fn e11_a_partial_approval_is_released_and_counts_as_declined() {
    let mut w = World::submitted(|w| w.odd.push_back(Box::new(|t| t.amount = eur(5_000))));
    assert_eq!((w.state().as_str(), advice(&w)), ("LinkSent", Some(Advice::AnotherCard)));
    assert_eq!(w.rules, ["AUTH", "AUTH_RELEASED"]);
    assert_eq!((w.transactions["tx1"].status.clone(), w.methods.len()), (TransactionStatus::Voided, 0));
    w.submit(input(2));
    w.record();
    assert_eq!((w.state().as_str(), w.balance(1110)), ("Active", GROSS));
}

#[test]
fn e12_an_unknown_hold_is_confirming_until_it_is_found() {
    let mut w = World::submitted(|w| w.say("braintree.authorise", unknown()));
    assert_eq!((w.state().as_str(), w.stage()), ("Submitted", PageStage::Confirming));
    let Some(Effect::Braintree(crate::kernel::effect::Braintree::Authorise { order_id, .. })) =
        w.saga.flow.open.as_ref().map(|o| o.effect.clone())
    else {
        panic!("the hold is open")
    };
    let token = w.saga.business.submission.as_ref().map(|s| s.token.clone()).expect("sent");
    let found = w.transaction(&order_id, "c-cust1", &token, eur(GROSS), TransactionStatus::Authorized);
    w.transactions.insert(found.id.clone(), found.clone());
    let outcome = Outcome::Done { answer: Answer::Transaction(Box::new(found)) };
    w.looks.push_back(Look::Found { outcome: Box::new(outcome), extra: vec!["tx-twin".to_owned()] });
    w.pass(TimeDelta::minutes(2));
    assert_eq!(w.state(), "Recording");
    assert_eq!((w.called("release_hold"), w.count("StrayReleased")), (1, 1), "the twin is released");
}

#[test]
fn e12_a_hold_that_is_proven_absent_leads_back_to_the_form() {
    let mut w = World::submitted(|w| w.say("braintree.authorise", unknown()));
    for _ in 0..3 {
        w.looks.push_back(Look::Absent { watermark: true, key_proven: false });
    }
    w.pass(TimeDelta::minutes(20));
    assert_eq!((w.state().as_str(), advice(&w)), ("LinkSent", Some(Advice::NotConfirmed)));
    assert!(w.erased.contains(&Uuid::from_u128(1)), "the old card is never sent again");
    assert_eq!(w.called("authorise"), 1);
}

#[test]
fn e12_a_hold_found_voided_is_booked_and_released_and_the_card_is_asked_for_again() {
    let w = World::submitted(|w| w.odd.push_back(Box::new(|t| t.status = TransactionStatus::Voided)));
    assert_eq!((w.state().as_str(), advice(&w)), ("LinkSent", Some(Advice::NotConfirmed)));
    assert_eq!(w.rules, ["AUTH", "AUTH_RELEASED"]);
}

#[test]
fn e13_a_consumed_or_old_nonce_asks_for_the_card_again() {
    for code in [INPUT_GONE, "91564", "91565", "91566", "93107", "93108", "91731"] {
        let mut w = World::submitted(|w| w.say("braintree.authorise", rejected(RejectionKind::Invalid, code)));
        assert_eq!((w.state().as_str(), advice(&w)), ("LinkSent", Some(Advice::CardAgain)), "{code}");
        w.submit(input(2));
        assert_eq!(w.state(), "Recording");
    }
}

#[test]
fn e13_an_outage_of_the_gateway_sends_the_same_hold_later() {
    let mut w = World::submitted(|w| w.say("braintree.authorise", outage()));
    assert_eq!(w.stage(), PageStage::Confirming);
    w.pass(TimeDelta::minutes(1));
    assert_eq!((w.state().as_str(), w.called("authorise")), ("Recording", 2));
}

#[test]
fn an_answer_about_another_customer_or_too_much_is_held_and_undone() {
    let odds: [fn(&mut Transaction); 2] = [|t| t.customer = Some("c-other".to_owned()), |t| t.amount = eur(GROSS + 1)];
    for odd in odds {
        let mut w = World::submitted(|w| w.odd.push_back(Box::new(odd)));
        assert_eq!((w.parked(), w.called("zoho_customer")), (Some(ParkCode::AnswerMismatch), 0));
        w.resume();
        assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Failed", Some(End::Compensated)));
        assert_eq!(w.open_accounts(), []);
    }
}

#[test]
fn a_hold_in_a_state_that_is_not_known_waits_for_a_person() {
    let w = World::submitted(|w| {
        w.odd.push_back(Box::new(|t| t.status = TransactionStatus::Other("authorized_later".to_owned())));
    });
    assert_eq!(w.parked(), Some(ParkCode::UnknownVendorState));
}

#[test]
fn a_hold_in_a_state_that_is_not_known_is_voided_when_it_is_called_off() {
    let mut w = World::submitted(|w| {
        w.odd.push_back(Box::new(|t| t.status = TransactionStatus::Authorizing));
    });
    w.cancel();
    w.resume();
    assert_eq!((w.state().as_str(), w.transactions["tx1"].status.clone()), ("Cancelled", TransactionStatus::Voided));
}

#[test]
fn n17_a_token_of_the_vaults_own_choice_is_used() {
    let w = World::submitted(|w| w.odd.push_back(Box::new(|t| t.token = Some("gateway1".to_owned()))));
    assert_eq!(w.state(), "Recording");
    assert_eq!(w.saga.business.submission.as_ref().map(|s| s.token.as_str()), Some("gateway1"));
}

#[test]
fn e25_called_off_before_the_submission_ends_without_a_letter_of_failure() {
    let mut w = World::started(|_| {});
    w.cancel();
    assert_eq!((w.state().as_str(), w.stage(), w.letters.len()), ("Cancelled", PageStage::Cancelled, 1));
    assert_eq!(w.last_shown().subscription_status, "Cancelled");
}

#[test]
fn e25_called_off_at_any_step_before_the_capture_undoes_all() {
    for step in ["create_braintree_customer", "authorise", "subscribe", "adopt", "first_invoice", "read_invoice"] {
        let mut w = World::started(|_| {});
        w.submit_until(step);
        w.cancel();
        assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Cancelled", Some(End::Compensated)), "{step}");
        assert_eq!(w.open_accounts(), [], "{step}");
        assert!(w.methods.is_empty() && w.enrolment.braintree_customer.is_none(), "{step}");
        assert!(w.subscriptions.iter().all(|s| s.status == "cancelled") && w.invoice.is_none(), "{step}");
        assert!(matches!(w.letters.last().map(|l| &l.about), Some(LetterFacts::ActivationFailed { .. })), "{step}");
    }
}

#[test]
fn e26_called_off_while_or_after_the_payment_is_taken_is_refused() {
    let mut w = World::started(|_| {});
    w.submit_until("capture");
    let cancel = crate::subscription_activation::Command::CancelOrdered { reason: "late".to_owned() };
    assert_eq!(w.refusal(&cancel), "captured");
    w.run();
    assert_eq!(w.refusal(&cancel), "captured");
    w.record();
    assert_eq!(w.state(), "Active");
}

#[test]
fn e27_nothing_after_the_submission_needs_the_browser() {
    let mut w = World::started(|_| {});
    w.submit_until("create_braintree_customer");
    w.run();
    w.record();
    assert_eq!(w.state(), "Active");
}
