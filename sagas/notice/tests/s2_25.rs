//! Notices before money.

use super::world::{World, settings};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::effect::LetterFacts;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur, rejected};
use crate::notice::{Command, Sender};
use chrono::TimeDelta;

const HELD: &str = "notice_missed";

fn config() -> crate::kernel::outcome::Outcome {
    rejected(RejectionKind::Config, "535")
}

#[test]
fn p1_a_trial_that_ends_is_told_three_days_before_with_amount_day_and_a_page_to_cancel_on() {
    let mut w = World::trial();
    w.watch();
    assert!(w.letters.is_empty());
    w.pass_until("2024-10-29T12:00:00Z");
    let [(_, letter)] = w.letters.as_slice() else { panic!("{:?}", w.letters) };
    assert_eq!(w.days(), ["2024-10-29"]);
    let LetterFacts::TrialEnds(charge) = &letter.about else { panic!("{letter:?}") };
    assert_eq!((charge.title.as_str(), charge.amount, charge.on), ("Acme-Pro", eur(10_000), day("2024-11-01")));
    assert_eq!(letter.link.as_ref().map(|link| link.number), Some(1));
    assert!(w.holds.is_empty(), "it came in time");
    w.has_recorded_history("trial");
}

#[test]
fn p2_a_year_is_announced_seven_days_before_and_a_month_is_not() {
    let mut w = World::yearly();
    w.watch();
    w.pass_until("2024-10-31T12:00:00Z");
    assert_eq!(w.days(), ["2024-10-25"]);
    assert!(matches!(w.letters[0].1.about, LetterFacts::Renews(_)));
    let mut w = World::new();
    w.watch();
    w.pass_until("2024-10-31T12:00:00Z");
    assert!(w.letters.is_empty());
}

#[test]
fn p2_half_a_year_is_long_and_five_months_are_not() {
    for (starts, letters) in [("2024-05-01", 1), ("2024-06-01", 0)] {
        let mut w = World::new();
        w.terms.term_starts_on = Some(day(starts));
        w.watch();
        w.pass_until("2024-10-31T12:00:00Z");
        assert_eq!(w.letters.len(), letters, "{starts}");
    }
}

#[test]
fn p3_a_card_that_expires_before_the_next_charge_is_asked_for_thirty_and_seven_days_before() {
    let mut w = World::new();
    w.card.good_through = Some(day("2024-10-31"));
    w.watch();
    w.pass_until("2024-10-24T12:00:00Z");
    assert_eq!(w.told.len(), 1, "{:?}", w.told);
    w.pass_until("2024-10-31T12:00:00Z");
    assert!(w.letters.is_empty(), "the flow that takes cards writes them");
    let [first, second] = w.told.as_slice() else { panic!("{:?}", w.told) };
    assert_eq!(first.flow, "payment_method_update");
    assert_ne!(first.to, second.to, "a link each");
    assert_eq!(first.command["cause"]["card"][1], "1111");
    assert_eq!(first.command["cause"]["charge_on"], "2024-11-01");
    w.has_recorded_history("card_expires");
}

#[test]
fn p3_a_card_that_was_replaced_meanwhile_is_not_asked_for_again() {
    let mut w = World::new();
    w.card.good_through = Some(day("2024-10-31"));
    w.watch();
    w.pass_until("2024-10-10T12:00:00Z");
    w.card.good_through = Some(day("2029-12-31"));
    w.pass_until("2024-10-31T12:00:00Z");
    assert_eq!(w.told.len(), 1);
}

#[test]
fn p4_another_price_for_the_same_is_told_at_once_and_thirty_days_before_its_first_charge() {
    let mut w = World::new();
    w.watch();
    w.terms.sold.amount = Some(eur(12_000));
    w.changed();
    let LetterFacts::PriceChanges { charge, before } = &w.letters[0].1.about else { panic!("{:?}", w.letters) };
    assert_eq!((charge.amount, *before, charge.on), (eur(12_000), eur(10_000), day("2024-11-01")));
    assert!(w.holds.is_empty(), "thirty-one days before");
    w.changed();
    assert_eq!(w.letters.len(), 1, "told once");
    w.has_recorded_history("price_changes");
}

#[test]
fn p4_a_price_that_waits_for_the_next_term_is_told_now() {
    let mut w = World::new();
    w.watch();
    let mut next = w.terms.sold.clone();
    next.amount = Some(eur(12_000));
    w.terms.scheduled = Some(next);
    w.changed();
    assert_eq!(w.letters.len(), 1);
}

#[test]
fn p4_another_plan_is_the_customers_choice_and_no_change_of_price() {
    let mut w = World::new();
    w.watch();
    "pro-plus-monthly".clone_into(&mut w.terms.sold.plan);
    w.terms.sold.amount = Some(eur(30_000));
    w.changed();
    w.pass_until("2024-10-31T12:00:00Z");
    assert!(w.letters.is_empty());
}

#[test]
fn p4_a_price_that_falls_is_told_and_holds_nothing_back() {
    let mut w = World::new();
    w.watch();
    w.pass_until("2024-10-20T12:00:00Z");
    w.terms.sold.amount = Some(eur(8_000));
    w.changed();
    assert_eq!(w.letters.len(), 1);
    assert!(w.holds.is_empty());
}

#[test]
fn e1_the_date_moved_and_the_notice_moves_with_it() {
    let mut w = World::trial();
    w.watch();
    w.pass_until("2024-10-20T12:00:00Z");
    w.terms.next_billing_on = Some(day("2024-11-15"));
    w.pass_until("2024-11-11T12:00:00Z");
    assert!(w.letters.is_empty());
    w.pass_until("2024-11-13T12:00:00Z");
    assert_eq!(w.days(), ["2024-11-12"]);
}

#[test]
fn e1_a_notice_that_was_sent_is_sent_again_for_another_date() {
    let mut w = World::trial();
    w.watch();
    w.pass_until("2024-10-30T12:00:00Z");
    w.terms.next_billing_on = Some(day("2024-11-15"));
    w.pass_until("2024-11-14T12:00:00Z");
    assert_eq!(w.days(), ["2024-10-29", "2024-11-12"]);
}

#[test]
fn e1_what_was_cancelled_is_told_nothing() {
    for status in ["non_renewing", "cancelled", "gone", "paused"] {
        let mut w = World::yearly();
        w.watch();
        w.pass_until("2024-10-20T12:00:00Z");
        status.clone_into(&mut w.terms.status);
        w.pass_until("2024-11-08T12:00:00Z");
        assert!(w.letters.is_empty(), "{status}");
    }
}

#[test]
fn e1_what_has_ended_rests_and_what_comes_back_is_watched_again() {
    let mut w = World::yearly();
    w.watch();
    "cancelled".clone_into(&mut w.terms.status);
    w.changed();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Ended", Some(End::Completed)));
    "live".clone_into(&mut w.terms.status);
    w.changed();
    w.pass_until("2024-10-31T12:00:00Z");
    assert_eq!(w.days(), ["2024-10-25"]);
}

#[test]
fn e2_a_repeated_run_tells_nothing_twice() {
    let mut w = World::yearly();
    w.watch();
    w.pass_until("2024-10-25T12:00:00Z");
    w.watch();
    w.changed();
    w.pass_until("2024-10-31T12:00:00Z");
    assert_eq!(w.days(), ["2024-10-25"]);
    w.renewed(10_000, 0);
    w.terms.term_ends_on = Some(day("2025-10-31"));
    w.terms.next_billing_on = Some(day("2025-11-01"));
    w.pass_until("2025-10-31T12:00:00Z");
    assert_eq!(w.days(), ["2024-10-25", "2025-10-25"], "each year once");
}

#[test]
fn e2_a_month_costs_two_reads_at_zoho_at_most() {
    let mut w = World::new();
    w.watch();
    w.pass_until("2024-11-01T01:00:00Z");
    assert_eq!(w.called("read_terms"), 2);
}

#[test]
fn e3_a_letter_that_comes_back_is_an_action_on_the_record_and_a_task() {
    let mut w = World::trial();
    w.say("mail.send", rejected(RejectionKind::Invalid, "550"));
    w.watch();
    w.pass_until("2024-10-29T12:00:00Z");
    assert_eq!(w.count("NoticeBounced"), 1);
    assert!(w.asked[0].sentence.contains("correct the address"), "{:?}", w.asked);
    assert!(w.tasks[0].text.contains("2024-11-01"), "{:?}", w.tasks);
    w.pass_until("2024-10-31T12:00:00Z");
    assert!(w.letters.is_empty(), "not sent to an address that is known to be wrong");
    w.has_recorded_history("bounced");
}

#[test]
fn e3_the_next_letter_that_goes_out_clears_the_action() {
    let mut w = World::trial();
    w.say("mail.send", rejected(RejectionKind::Invalid, "550"));
    w.watch();
    w.pass_until("2024-10-29T12:00:00Z");
    w.terms.sold.amount = Some(eur(12_000));
    w.changed();
    assert_eq!(w.asked.last().map(|action| action.sentence.as_str()), Some(""));
}

#[test]
fn e3_an_attio_that_refuses_is_told_later_and_delays_nothing() {
    let mut w = World::trial();
    w.say("mail.send", rejected(RejectionKind::Invalid, "550"));
    w.say("attio.ask_action", config());
    w.say("attio.ask_action", rejected(RejectionKind::NotFound, "not_found"));
    w.say("attio.add_task", config());
    w.watch();
    w.pass_until("2024-10-29T12:00:00Z");
    w.pass(TimeDelta::hours(1));
    assert_eq!((w.count("TellingPutOff"), w.count("CustomerStateNotShown"), w.tasks.len()), (2, 1, 1));
}

#[test]
fn e4_a_service_that_was_down_tells_late_and_holds_the_charge_back_for_the_days_of_the_notice() {
    let mut w = World::trial();
    w.watch();
    w.down_until("2024-10-31T12:00:00Z");
    w.run();
    let LetterFacts::TrialEnds(charge) = &w.letters[0].1.about else { panic!("{:?}", w.letters) };
    assert_eq!(charge.on, day("2024-11-03"), "three days after the letter");
    assert!(w.holds.contains(HELD));
    w.pass_until("2024-11-02T23:59:00Z");
    assert!(w.holds.contains(HELD));
    w.pass_until("2024-11-03T00:01:00Z");
    assert!(w.holds.is_empty(), "lifted by itself");
    w.has_recorded_history("late");
}

#[test]
fn e4_what_was_missed_is_told_after_the_charge_came_while_its_money_is_not_taken() {
    let mut w = World::trial();
    w.watch();
    w.down_until("2024-11-02T12:00:00Z");
    w.renewed(11_900, 11_900);
    w.run();
    let LetterFacts::TrialEnds(charge) = &w.letters[0].1.about else { panic!("{:?}", w.letters) };
    assert_eq!((charge.amount, charge.on), (eur(11_900), day("2024-11-05")), "what the invoice says");
    assert!(w.holds.contains(HELD));
    w.pass_until("2024-11-05T00:01:00Z");
    assert!(w.holds.is_empty());
    w.has_recorded_history("missed");
}

#[test]
fn e4_what_was_taken_already_is_told_to_the_crm_team_instead() {
    let mut w = World::trial();
    w.watch();
    w.down_until("2024-11-02T12:00:00Z");
    w.renewed(11_900, 0);
    w.run();
    assert!(w.letters.is_empty());
    assert_eq!(w.count("NoticePassedOver"), 1);
    assert!(w.tasks[0].text.contains("without the letter"), "{:?}", w.tasks);
    assert!(w.holds.is_empty());
    w.has_recorded_history("passed_over");
}

#[test]
fn e4_a_late_price_holds_the_charge_back_seven_days_at_most() {
    let mut w = World::new();
    w.watch();
    w.pass_until("2024-10-20T12:00:00Z");
    w.terms.sold.amount = Some(eur(12_000));
    w.changed();
    assert!(w.holds.contains(HELD), "twelve days before instead of thirty");
    w.pass_until("2024-11-07T23:59:00Z");
    assert!(w.holds.contains(HELD));
    w.pass_until("2024-11-08T00:01:00Z");
    assert!(w.holds.is_empty());
}

#[test]
fn e4_a_price_that_changed_unseen_before_the_charge_is_told_and_the_charge_held_back() {
    let mut w = World::new();
    w.watch();
    w.pass_until("2024-10-31T12:00:00Z");
    w.terms.sold.amount = Some(eur(12_000));
    w.renewed(12_000, 12_000);
    w.pass_until("2024-11-02T12:00:00Z");
    assert!(matches!(w.letters[0].1.about, LetterFacts::PriceChanges { .. }), "{:?}", w.letters);
    assert!(w.holds.contains(HELD));
}

#[test]
fn e4_what_cannot_be_sent_for_days_holds_the_charge_back_meanwhile() {
    let mut w = World::trial();
    (0..40).for_each(|_| w.say("mail.send", config()));
    w.watch();
    w.pass_until("2024-10-29T23:00:00Z");
    assert!(w.holds.is_empty(), "it can still come in time");
    w.pass_until("2024-10-31T12:00:00Z");
    assert!(w.letters.is_empty() && w.holds.contains(HELD));
    w.pass_until("2024-11-12T12:00:00Z");
    assert_eq!(w.letters.len(), 1);
    assert!(w.holds.is_empty());
}

#[test]
fn e4_what_others_collect_is_told_late_and_not_held_back() {
    let mut w = World::trial();
    w.survey.owner = Some(CollectionOwner::ZohoNative);
    w.watch();
    w.down_until("2024-10-31T12:00:00Z");
    w.run();
    assert_eq!(w.letters.len(), 1);
    assert!(w.holds.is_empty());
}

#[test]
fn e5_where_zoho_tells_customers_nobody_hears_it_twice() {
    let mut w = World::trial();
    w.watch_with(Sender::Zoho);
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("ZohoTells", Some(End::Mirrored)));
    w.changed();
    w.pass_until("2024-10-30T12:00:00Z");
    assert!(w.letters.is_empty() && w.calls.is_empty(), "{:?}", w.calls);
    w.watch();
    assert_eq!(w.letters.len(), 1, "the setting was changed");
    w.watch_with(Sender::Zoho);
    assert_eq!(w.state(), "ZohoTells");
}

#[test]
fn e5_what_is_none_of_ours_is_told_nothing() {
    let mut w = World::trial();
    w.survey.owner = None;
    w.watch();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Mirrored", Some(End::Mirrored)));
}

#[test]
fn a_change_during_a_look_is_read_before_anything_is_told() {
    let mut w = World::trial();
    w.deliver(Command::Watch { of: super::world::of(), terms: Box::new(settings(Sender::Orchestrator)) });
    w.run_until("read_card");
    w.deliver(Command::Changed { source: "zoho".to_owned() });
    w.run();
    assert_eq!(w.called("read_terms"), 2);
}

#[test]
fn a_subscription_that_was_never_begun_hears_nothing() {
    let mut w = World::trial();
    w.changed();
    assert_eq!(w.heard_refused(), 1);
    w.pass(TimeDelta::days(1));
    assert!(w.calls.is_empty());
}
