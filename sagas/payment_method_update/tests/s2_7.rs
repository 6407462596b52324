//! Edges of 2.7 up to the switched default and the open invoices.

use super::world::{World, declined, eur, input, invoice, rejected, unknown};
use crate::kernel::answer::{Answer, RecurringStatus};
use crate::kernel::effect::{ClaimKind, LetterFacts};
use crate::kernel::outcome::{DeclineKind, Look, NotSent, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples;
use crate::payment_method_update::{Advice, Command, PageStage, Tried};
use chrono::TimeDelta;

/// A clean look that found nothing: one proves it, one comes before the next send.
fn absent() -> Look {
    Look::Absent { watermark: false, key_proven: false }
}

#[test]
fn s2_7_p1_to_p7_a_new_card_is_verified_switched_to_and_the_old_one_goes_after_a_week() {
    let mut w = World::pressed(|w| w.owes(1));
    let offer = w.page().offer.expect("an offer");
    assert_eq!((offer.card, offer.owed), (Some(("Visa".to_owned(), "1111".to_owned())), Some(eur(5_000))));
    w.submit(1);
    assert_eq!(w.state(), "RetryingInvoices");
    let new = w.new_card();
    assert_eq!(w.default_card(), Some(new.as_str()));
    assert!(w.has_card("m-old") && w.erased.contains(&input(1)));
    let card = Some(("Visa".to_owned(), "4242".to_owned()));
    let before = Some(("Visa".to_owned(), "1111".to_owned()));
    assert_eq!(w.stage(), PageStage::Changed { card, before, owed: Some(eur(5_000)) });
    w.tried(1, Tried::Paid);
    assert_eq!(w.state(), "KeepingOldCard");
    w.pass(TimeDelta::days(6));
    assert!(w.has_card("m-old"), "kept for a week");
    w.pass(TimeDelta::days(2));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Changed", Some(End::Completed)));
    assert!(!w.has_card("m-old") && w.has_card(&new));
    let shown = w.last_shown();
    assert_eq!(shown.page.as_ref().map(|page| page.status.as_str()), Some("Completed"));
    assert_eq!(shown.on_file, Some(samples::company()));
}

#[test]
fn s2_7_the_letter_names_the_last_four_of_both_cards() {
    let w = World::submitted(|_| {});
    let facts: Vec<_> = w.letters.iter().map(|letter| letter.about.clone()).collect();
    let named = |four: &str| ("Visa".to_owned(), four.to_owned());
    assert!(matches!(&facts[0], LetterFacts::CardLink { card: Some(card), .. } if *card == named("1111")));
    let LetterFacts::CardChanged { card, before, same, .. } = &facts[1] else { panic!("{facts:?}") };
    assert_eq!((card, before.as_ref(), same), (&named("4242"), Some(&named("1111")), &false));
}

#[test]
fn s2_7_p3_a_customer_without_a_card_on_file_gets_one() {
    let w = World::submitted(|w| w.methods.clear());
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Changed", Some(End::Completed)));
    assert_eq!(w.called("read_old_card") + w.called("check_old_card"), 0);
    assert_eq!(w.default_card(), Some(w.new_card().as_str()));
}

#[test]
fn s2_7_e1_a_declined_card_leaves_the_old_one_and_after_five_the_link_is_locked_for_an_hour() {
    let mut w = World::pressed(|w| {
        for _ in 0..5 {
            w.say("braintree.vault", declined(DeclineKind::Verification, "2000"));
        }
    });
    for n in 1..=5 {
        assert!(matches!(w.stage(), PageStage::Asked { .. }), "{:?}", w.stage());
        w.submit(n);
        assert!(w.erased.contains(&input(n)));
    }
    assert_eq!(w.default_card(), Some("m-old"));
    assert!(matches!(w.stage(), PageStage::LockedUntil { .. }));
    let early = w.submission(6);
    assert_eq!(w.refusal(&early), "locked");
    assert_eq!(w.tasks.len(), 1, "somebody is asked to help");
    w.pass(TimeDelta::minutes(61));
    assert_eq!(w.stage(), PageStage::Asked { declined: Some(Advice::AnotherCard) });
    w.submit(6);
    assert_eq!(w.state(), "KeepingOldCard");
}

#[test]
fn s2_7_e1_a_bank_that_wants_3_d_secure_is_answered_on_the_page_once() {
    let mut w = World::pressed(|w| {
        w.say("braintree.vault", declined(DeclineKind::Verification, "2099"));
        w.say("braintree.vault", declined(DeclineKind::Verification, "2099"));
    });
    w.submit(1);
    assert_eq!((w.stage(), w.state().as_str()), (PageStage::NeedsAuthentication, "NeedsAuthentication"));
    let Command::Submitted { link, offer_hash, consent, input, .. } = w.submission(2) else { unreachable!() };
    w.tell(Command::Submitted { link, offer_hash, consent, input, authenticated: true });
    assert_eq!(w.stage(), PageStage::Asked { declined: Some(Advice::AnotherCard) }, "not asked for ever");
}

#[test]
fn s2_7_e1_a_nonce_that_is_gone_is_asked_for_again_and_counts_for_nothing() {
    let mut w = World::submitted(|w| w.say("braintree.vault", rejected(RejectionKind::Invalid, "93107")));
    assert_eq!(w.stage(), PageStage::Asked { declined: Some(Advice::CardAgain) });
    assert_eq!(w.saga.business.declines, 0);
    w.submit(2);
    assert_eq!(w.state(), "KeepingOldCard");
    let other = World::submitted(|w| w.say("braintree.vault", rejected(RejectionKind::Invalid, "81703")));
    assert_eq!(other.stage(), PageStage::Asked { declined: Some(Advice::AnotherCard) });
}

#[test]
fn s2_7_e2_an_unknown_vault_is_looked_up_by_our_token_and_adopted() {
    let mut w = World::pressed(|w| w.say("braintree.vault", unknown()));
    w.submit(1);
    assert_eq!(w.stage(), PageStage::Confirming, "never said to have failed");
    let token = w.saga.business.submission.as_ref().expect("a submission").token.clone();
    let card = crate::kernel::answer::Method { default: false, ..samples::method(&token) };
    w.methods.push(card.clone());
    let outcome = Box::new(Outcome::Done { answer: Answer::Vaulted(Box::new(card)) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.called("vault")), ("KeepingOldCard", 1));
}

#[test]
fn s2_7_e2_an_unknown_vault_that_was_not_done_goes_out_again_with_the_same_token() {
    let mut w = World::pressed(|w| w.say("braintree.vault", unknown()));
    w.submit(1);
    w.looks.extend([absent(), absent()]);
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.state().as_str(), w.called("vault"), w.methods.len()), ("KeepingOldCard", 2, 2));
}

#[test]
fn s2_7_p2_a_second_submission_has_the_first_ones_state_and_its_card_is_never_used() {
    let mut w = World::pressed(|w| w.say("braintree.vault", unknown()));
    let second = {
        w.submit(1);
        let shown = w.page();
        assert_eq!(shown.stage, PageStage::Confirming);
        Command::Submitted {
            link: shown.link,
            offer_hash: String::new(),
            consent: crate::payment_method_update::Consent { version: String::new(), at: w.now, evidence: None },
            input: input(2),
            authenticated: false,
        }
    };
    w.tell(second);
    assert!(w.erased.contains(&input(2)));
    assert_eq!(w.called("vault"), 1);
}

#[test]
fn s2_7_e3_the_same_card_given_again_takes_over_and_is_not_told_as_another() {
    let mut w = World::submitted(|w| w.number = "card-m-old".to_owned());
    assert_eq!(w.default_card(), Some(w.new_card().as_str()), "the new token takes over");
    assert!(matches!(w.letters[1].about, LetterFacts::CardChanged { same: true, .. }));
    assert!(matches!(w.stage(), PageStage::Changed { before: None, .. }));
    w.pass(TimeDelta::days(8));
    assert!(!w.has_card("m-old"));
}

#[test]
fn s2_7_p4_what_braintree_charges_by_itself_is_moved_read_back_and_fenced_meanwhile() {
    let mut w = World::pressed(|w| {
        w.recurs("s-sub1");
        w.recurs("leftover");
    });
    w.submit_until("switch_default");
    let new = w.new_card();
    assert!(w.recurring.values().all(|(token, _)| *token == new));
    assert_eq!((w.called("move_subscription"), w.called("confirm_move")), (2, 2));
    assert_eq!(w.default_card(), Some("m-old"), "first all is moved");
    let fenced: Vec<_> =
        w.claims.iter().filter(|c| c.kind == ClaimKind::ZohoSubscription).map(|c| c.key.as_str()).collect();
    assert_eq!(fenced, ["zs-sub1"], "what is ours is fenced");
    w.run();
    assert!(w.claims.is_empty(), "renewals are not kept off for the week");
    assert_eq!(w.state(), "KeepingOldCard");
}

#[test]
fn s2_7_p4_a_subscription_that_ended_meanwhile_is_no_hindrance() {
    let mut w = World::pressed(|w| w.recurs("s-sub1"));
    w.submit_until("confirm_move");
    w.recurring.insert("s-sub1".to_owned(), ("m-old".to_owned(), RecurringStatus::Canceled));
    w.run();
    assert_eq!(w.state(), "KeepingOldCard");
    let mut gone = World::pressed(|w| w.recurs("s-sub1"));
    gone.submit_until("confirm_move");
    gone.say("braintree.read_subscription", rejected(RejectionKind::NotFound, "404"));
    gone.run();
    assert_eq!(gone.state(), "KeepingOldCard");
}

#[test]
fn s2_7_e4_nothing_is_switched_where_a_subscription_cannot_be_moved_and_a_person_is_asked() {
    let mut w = World::submitted(|w| {
        w.recurs("s-sub1");
        w.say("braintree.update_subscription", rejected(RejectionKind::State, "81901"));
    });
    assert_eq!((w.parked(), w.default_card()), (Some(ParkCode::CardMoveFailed), Some("m-old")));
    assert!(w.has_card(&w.new_card()), "the new card waits");
    assert!(w.claims.iter().all(|c| c.kind == ClaimKind::AttioTrigger), "renewals go on meanwhile");
    assert!(matches!(w.stage(), PageStage::Failed));
    w.resume();
    assert_eq!((w.state().as_str(), w.called("vault")), ("KeepingOldCard", 1));
}

#[test]
fn s2_7_e4_a_move_that_reads_back_otherwise_is_a_failed_one() {
    let mut w = World::pressed(|w| w.recurs("s-sub1"));
    w.submit_until("confirm_move");
    w.recurring.insert("s-sub1".to_owned(), ("m-old".to_owned(), RecurringStatus::Active));
    w.run();
    assert_eq!(w.parked(), Some(ParkCode::CardMoveFailed));
}

#[test]
fn s2_7_e4_called_off_there_all_charges_the_old_card_again_and_the_new_one_goes() {
    let mut w = World::pressed(|w| {
        w.recurs("s-sub1");
        w.recurs("s-sub2");
        w.say(
            "braintree.update_subscription",
            Outcome::NotSent { cause: NotSent::Again, detail: String::new(), retry_after_seconds: None },
        );
    });
    w.submit(1);
    w.pass(TimeDelta::seconds(2));
    assert_eq!(w.state(), "KeepingOldCard", "what was not sent goes out again");

    let mut w = World::pressed(|w| {
        w.recurs("s-sub1");
        w.recurs("s-sub2");
    });
    w.submit_until("confirm_move");
    w.run_until("move_subscription");
    w.say("braintree.update_subscription", rejected(RejectionKind::State, "81901"));
    w.run();
    assert_eq!(w.parked(), Some(ParkCode::CardMoveFailed));
    let new = w.new_card();
    w.cancel();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Cancelled", Some(End::Compensated)));
    assert!(!w.has_card(&new) && w.default_card() == Some("m-old"));
    assert!(w.recurring.values().all(|(token, _)| token == "m-old"));
}

#[test]
fn s2_7_e5_the_switch_waits_while_a_charge_of_the_old_card_is_under_way() {
    let mut w = World::submitted(|w| w.charging = Some(invoice(9)));
    assert_eq!((w.state().as_str(), w.default_card()), ("WaitingForCharge", Some("m-old")));
    assert_eq!(w.stage(), PageStage::Confirming);
    assert!(w.claims.iter().all(|c| c.kind == ClaimKind::AttioTrigger));
    w.pass(TimeDelta::hours(7));
    assert_eq!(w.state(), "WaitingForCharge");
    w.charging = None;
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.state(), "KeepingOldCard");
}

#[test]
fn s2_7_e5_a_switch_that_was_put_off_rests_on_a_fresh_look() {
    let mut w = World::pressed(|_| {});
    w.submit_until("switch_default");
    w.now += TimeDelta::minutes(5);
    w.charging = Some(invoice(9));
    w.run();
    assert_eq!((w.state().as_str(), w.default_card()), ("WaitingForCharge", Some("m-old")));
}

#[test]
fn s2_7_p5_a_switch_without_an_answer_is_looked_up() {
    let mut w = World::submitted(|w| w.say("braintree.set_default_method", unknown()));
    assert_eq!(w.stage(), PageStage::Confirming);
    w.looks.extend([absent(), absent()]);
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.called("switch_default")), ("KeepingOldCard", 2));
}

#[test]
fn s2_7_p6_open_invoices_are_told_oldest_first_and_one_at_a_time() {
    let mut w = World::submitted(|w| w.owes(3));
    let told = |w: &World| w.messages.iter().map(|m| m.to).collect::<Vec<_>>();
    assert_eq!(told(&w), [invoice(1)]);
    let command = &w.messages[0].command;
    assert_eq!((&command["consent"], &command["customer_present"]), (&true.into(), &true.into()));
    w.tried(2, Tried::Paid);
    assert_eq!(told(&w).len(), 1, "another's answer is not awaited");
    w.tried(1, Tried::Paid);
    assert_eq!(told(&w), [invoice(1), invoice(2)]);
    w.tried(2, Tried::Declined);
    assert_eq!(told(&w), [invoice(1), invoice(2), invoice(3)], "a soft decline stops nobody else");
    w.tried(3, Tried::Waiting);
    assert_eq!(w.state(), "KeepingOldCard");
}

#[test]
fn s2_7_p6_an_invoice_that_does_not_answer_keeps_the_others_for_a_day_at_most() {
    let mut w = World::submitted(|w| w.owes(2));
    w.pass(TimeDelta::hours(23));
    assert_eq!(w.messages.len(), 1);
    w.pass(TimeDelta::hours(2));
    assert_eq!(w.messages.len(), 2);
    w.tried(1, Tried::Paid);
    assert_eq!(w.messages.len(), 2, "a late answer has no further effect");
}

#[test]
fn s2_7_p6_who_gave_the_card_long_ago_is_not_present_any_more() {
    let mut w = World::submitted(|w| {
        w.charging = Some(invoice(9));
        w.owes(1);
    });
    w.pass(TimeDelta::hours(3));
    w.charging = None;
    w.pass(TimeDelta::hours(2));
    assert_eq!(w.messages[0].command["customer_present"], serde_json::json!(false));
}

#[test]
fn s2_7_e6_after_a_hard_decline_the_other_invoices_wait_for_their_schedule() {
    let mut w = World::submitted(|w| w.owes(3));
    w.tried(1, Tried::HardDeclined);
    assert_eq!((w.messages.len(), w.state().as_str()), (1, "KeepingOldCard"));
}

#[test]
fn s2_7_p1_called_off_before_a_card_was_given_nothing_is_left() {
    let mut w = World::pressed(|_| {});
    w.cancel();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Cancelled", Some(End::Compensated)));
    assert!(matches!(w.stage(), PageStage::Cancelled));
    let again = Command::CancelOrdered { reason: "again".to_owned() };
    assert_eq!(w.refusal(&again), "over");
    let switched = World::submitted(|_| {});
    assert_eq!(switched.refusal(&again), "switched");
}

#[test]
fn s2_7_p4_what_another_flow_holds_is_waited_for_and_then_a_person_is_asked() {
    let mut w = World::pressed(|w| w.recurs("s-sub1"));
    for _ in 0..3 {
        w.say("desk.claim", declined(DeclineKind::Busy, "claimed"));
    }
    w.submit(1);
    w.pass(TimeDelta::minutes(10));
    assert_eq!(w.state(), "KeepingOldCard");

    let mut stuck = World::pressed(|w| w.recurs("s-sub1"));
    for _ in 0..40 {
        stuck.say("desk.claim", declined(DeclineKind::Busy, "claimed"));
    }
    stuck.submit(1);
    stuck.pass(TimeDelta::days(3));
    assert_eq!(stuck.parked(), Some(ParkCode::CardMoveFailed));
}
