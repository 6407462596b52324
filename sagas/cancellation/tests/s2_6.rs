//! The road of a cancellation, and what can go otherwise on it.

use super::world::{World, choice, morning_after_the_term, of};
use crate::cancellation::{Command, GiveBack, News, Wish};
use crate::kernel::flow::{Open, Phase};
use crate::kernel::outcome::{Look, NotSent, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, not_sent, rejected, unknown};
use chrono::TimeDelta;

#[test]
fn p1_to_p6_a_cancellation_at_once_fences_drains_cancels_settles_and_closes() {
    let mut world = World::new();
    world.press(Wish::CancelNow);
    assert_eq!(world.state(), "Closed");
    assert_eq!(
        world.calls,
        [
            "desk.survey_subscription",
            "desk.claim",
            "zoho.read_terms",
            "desk.survey_ending",
            "zoho.cancel_subscription",
            "zoho.list_subscription_invoices",
            "desk.tell",
            "attio.show_ending",
        ]
    );
    let standing = world.face().standing.clone().expect("known");
    assert_eq!((standing.subscription_status.as_str(), standing.ends_on), ("Cancelled", Some(day("2024-10-04"))));
    assert_eq!(standing.reason, "Cancelled in Attio");
    assert_eq!(world.face().answers.as_ref().map(|act| act.act.as_str()), Some("Cancel now"));
    assert!(!world.is_fenced());
    world.has_recorded_history("now_with_nothing_owed");
}

#[test]
fn e1_a_cancellation_at_the_end_of_the_term_is_taken_back_before_it_comes() {
    let mut world = World::new();
    world.press(Wish::CancelAtEnd);
    assert_eq!((world.state().as_str(), world.status()), ("Scheduled", "Ending"));
    assert!(!world.is_fenced(), "what the running term owes is collected as ever");
    world.pass(TimeDelta::days(3));
    world.press(Wish::Reactivate);
    assert_eq!((world.state().as_str(), world.status()), ("GoesOn", "Active"));
    assert_eq!(world.saga.flow.ended, Some(End::Completed));
    let standing = world.face().standing.clone().expect("known");
    assert_eq!((standing.ends_on, standing.next_billing_on), (None, Some(day("2024-11-01"))));
    world.pass(TimeDelta::days(60));
    assert_eq!((world.made("zoho.cancel_subscription"), world.made("zoho.reactivate_subscription")), (1, 1));
    world.has_recorded_history("at_end_and_taken_back");
}

#[test]
fn e1_what_has_ended_is_not_taken_back_but_started_anew() {
    let mut world = World::new();
    "cancelled".clone_into(&mut world.terms.status);
    world.press(Wish::Reactivate);
    assert_eq!(world.state(), "Refused");
    assert!(world.face().last_error.ends_with("start a new one."), "{}", world.face().last_error);
    assert!(!world.is_fenced());
    world.has_recorded_history("reactivation_refused");
}

#[test]
fn e1_what_zoho_does_not_take_back_is_refused_on_the_record() {
    let mut world = World::new();
    world.press(Wish::CancelAtEnd);
    world.zoho_says.push_back(rejected(RejectionKind::State, "102002"));
    world.pass(TimeDelta::minutes(1));
    world.press(Wish::Reactivate);
    assert_eq!((world.state().as_str(), world.status()), ("Scheduled", "Ending"), "it ends as it would have");
    assert!(world.face().last_error.contains("let it end"), "{}", world.face().last_error);
}

#[test]
fn a_cancellation_at_the_end_of_the_term_closes_when_the_term_is_over_also_without_a_message() {
    let mut world = World::new();
    world.order(Wish::CancelAtEnd, choice(None, None));
    assert_eq!(world.wakes_at(), Some(morning_after_the_term()));
    "cancelled".clone_into(&mut world.terms.status);
    world.pass(TimeDelta::days(40));
    assert_eq!((world.state().as_str(), world.status()), ("Closed", "Cancelled"));
    let standing = world.face().standing.clone().expect("known");
    assert_eq!((standing.ends_on, standing.reason.as_str()), (Some(day("2024-11-01")), "moved away"));
    assert_eq!(world.told.len(), 1, "the product is let go at the effective date alone");
    world.has_recorded_history("at_end_and_over");
}

#[test]
fn a_term_that_zoho_has_not_ended_yet_is_looked_at_again_the_next_day() {
    let mut world = World::new();
    world.order(Wish::CancelAtEnd, choice(None, None));
    "non_renewing".clone_into(&mut world.terms.status);
    world.now = morning_after_the_term() + TimeDelta::seconds(1);
    world.run();
    assert_eq!(world.state(), "Scheduled");
    assert_eq!(world.wakes_at(), Some(world.now + TimeDelta::days(1)));
}

#[test]
fn e6_a_cancellation_of_unknown_outcome_is_looked_up_and_found() {
    let mut world = World::new();
    world.zoho_says.push_back(unknown());
    world.press(Wish::CancelNow);
    let open = world.saga.flow.open.clone();
    assert!(matches!(open, Some(Open { ref step, phase: Phase::Unknown { .. }, .. }) if step == "cancel"), "{open:?}");
    assert!(world.is_fenced());
    world.looks.push_back(Look::Found {
        outcome: Box::new(crate::kernel::outcome::Outcome::Done {
            answer: crate::kernel::answer::Answer::Terms(Box::new(crate::kernel::tests::samples::terms("cancelled"))),
        }),
        extra: Vec::new(),
    });
    world.pass(TimeDelta::minutes(5));
    assert_eq!(world.state(), "Closed");
    assert_eq!(world.made("zoho.cancel_subscription"), 1);
    world.has_recorded_history("unknown_and_found");
}

#[test]
fn e6_what_is_cancelled_already_is_adopted() {
    let mut world = World::new();
    "cancelled".clone_into(&mut world.terms.status);
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.made("zoho.cancel_subscription")), ("Closed", 0));
}

#[test]
fn e6_a_refused_cancellation_is_a_persons_and_the_fence_stays() {
    let mut world = World::new();
    world.zoho_says.push_back(rejected(RejectionKind::State, "102002"));
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.parked()), ("Held", Some(ParkCode::CancelRefused)));
    assert!(world.is_fenced(), "nobody is charged meanwhile");
    assert!(world.face().action_needed.contains("An operator must look"));
    world.resume();
    assert_eq!((world.state().as_str(), world.is_fenced()), ("Closed", false));
    world.has_recorded_history("refused_and_resumed");
}

#[test]
fn e6_a_refused_cancellation_that_staff_carry_out_by_hand_goes_on_by_itself() {
    let mut world = World::new();
    world.zoho_says.push_back(rejected(RejectionKind::State, "102002"));
    world.press(Wish::CancelNow);
    "cancelled".clone_into(&mut world.terms.status);
    world.notice(News::Ended);
    assert_eq!((world.state().as_str(), world.parked()), ("Closed", None));
}

#[test]
fn e6_what_somebody_changed_meanwhile_is_compared_by_a_person_and_read_again() {
    let mut world = World::new();
    world.zoho_says.push_back(rejected(RejectionKind::Changed, "changed_meanwhile"));
    world.press(Wish::CancelNow);
    assert_eq!(world.parked(), Some(ParkCode::ChangedMeanwhile));
    world.resume();
    assert_eq!((world.state().as_str(), world.made("zoho.read_terms")), ("Closed", 2));
}

#[test]
fn e7_what_is_not_drained_in_a_day_is_cancelled_anyway_and_watched() {
    let mut world = World::new();
    world.charging = vec!["77".to_owned()];
    world.invoices = vec![super::world::billed("77", 10_000, 10_000)];
    world.press(Wish::CancelNow);
    assert_eq!(world.state(), "Draining");
    assert!(world.face().action_needed.contains("finished first"));
    world.pass(TimeDelta::hours(23));
    assert_eq!((world.state().as_str(), world.made("zoho.cancel_subscription")), ("Draining", 0));
    world.pass(TimeDelta::hours(2));
    assert_eq!((world.state().as_str(), world.made("zoho.cancel_subscription")), ("LateCharges", 1));
    assert_eq!(world.made("zoho.read_terms"), 2, "what it rests on is read again before the pivot");
    assert_eq!(world.status(), "Cancelled");
    assert!(world.is_fenced(), "the money branch stays open with its claim");
    world.charging.clear();
    world.pass(TimeDelta::hours(2));
    assert_eq!(world.state(), "MoneyDecision", "what was being charged is owed after all");
    world.has_recorded_history("not_drained");
}

#[test]
fn a_charge_that_is_finished_in_time_is_waited_for() {
    let mut world = World::new();
    world.charging = vec!["77".to_owned()];
    world.press(Wish::CancelNow);
    world.pass(TimeDelta::minutes(1));
    assert_eq!((world.state().as_str(), world.is_fenced()), ("Draining", true));
    world.charging.clear();
    world.pass(TimeDelta::hours(1));
    assert_eq!(world.state(), "Closed");
    world.has_recorded_history("drained_in_time");
}

#[test]
fn e8_a_cancellation_by_staff_in_zoho_is_adopted_from_the_fence_on() {
    let mut world = World::new();
    world.invoices = vec![super::world::billed("77", 10_000, 0)];
    "cancelled".clone_into(&mut world.terms.status);
    world.notice(News::Ended);
    assert_eq!((world.state().as_str(), world.status()), ("Closed", "Cancelled"), "staff chose what is given back");
    assert_eq!(world.face().standing.as_ref().map(|s| s.reason.as_str()), Some("Cancelled in Zoho"));
    assert_eq!((world.made("desk.claim"), world.made("zoho.cancel_subscription")), (1, 0));
    let length = world.log.len();
    world.notice(News::Ended);
    assert_eq!(world.log.len(), length + 1, "told again it changes nothing");
    world.has_recorded_history("by_staff");
}

#[test]
fn e8_staff_who_let_it_end_with_its_term_and_take_that_back_are_followed() {
    let mut world = World::new();
    "non_renewing".clone_into(&mut world.terms.status);
    world.notice(News::Scheduled);
    assert_eq!((world.state().as_str(), world.status()), ("Scheduled", "Ending"));
    "live".clone_into(&mut world.terms.status);
    world.notice(News::GoesOn);
    assert_eq!((world.state().as_str(), world.status()), ("GoesOn", "Active"));
    assert_eq!(world.made("zoho.cancel_subscription") + world.made("zoho.reactivate_subscription"), 0);
    world.has_recorded_history("by_staff_and_taken_back");
}

#[test]
fn the_echo_of_our_own_act_costs_no_call() {
    let mut world = World::new();
    world.press(Wish::CancelAtEnd);
    let calls = world.calls.len();
    world.notice(News::Scheduled);
    assert_eq!((world.state().as_str(), world.calls.len()), ("Scheduled", calls));
}

#[test]
fn e8_a_stranger_in_zoho_is_mirrored() {
    let mut world = World::new();
    world.survey = crate::kernel::answer::SubscriptionSurvey::default();
    world.notice(News::Ended);
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Mirrored", Some(End::Mirrored)));
    assert!(world.shown.is_empty());
    world.has_recorded_history("mirrored");
}

#[test]
fn e9_while_another_saga_works_on_it_the_order_waits_and_then_is_refused() {
    let mut world = World::new();
    world.busy = true;
    world.press(Wish::CancelNow);
    assert_eq!(world.state(), "Busy");
    assert!(world.face().answers.is_some(), "the press is answered all the same");
    world.pass(TimeDelta::hours(2));
    world.busy = false;
    world.pass(TimeDelta::hours(2));
    assert_eq!(world.state(), "Closed");
    world.has_recorded_history("waited_for_other_work");

    let mut world = World::new();
    world.busy = true;
    world.press(Wish::CancelNow);
    world.pass(TimeDelta::hours(26));
    assert_eq!(world.state(), "Refused");
    assert!(world.face().last_error.contains("not finished in a day"), "{}", world.face().last_error);
    world.has_recorded_history("other_work_never_finished");
}

#[test]
fn what_nobody_is_on_record_for_is_refused_with_what_to_do() {
    let mut world = World::new();
    world.survey.owner = None;
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.calls.len()), ("Refused", 2));
    assert!(world.face().last_error.contains("nobody is on record"), "{}", world.face().last_error);
}

#[test]
fn a_subscription_that_zoho_does_not_know_is_refused() {
    let mut world = World::new();
    "gone".clone_into(&mut world.terms.status);
    world.press(Wish::CancelAtEnd);
    assert_eq!((world.state().as_str(), world.is_fenced()), ("Refused", false));
}

#[test]
fn a_status_that_is_not_known_is_a_persons() {
    let mut world = World::new();
    "suspended".clone_into(&mut world.terms.status);
    world.press(Wish::CancelNow);
    assert_eq!((world.parked(), world.is_fenced()), (Some(ParkCode::UnknownVendorState), true));
}

#[test]
fn attio_never_holds_a_cancellation_up() {
    let mut world = World::new();
    world.attio_says.extend([
        rejected(RejectionKind::Config, "missing_scope"),
        not_sent(NotSent::Outage),
        rejected(RejectionKind::Invalid, "value_not_found"),
    ]);
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.is_fenced()), ("Closed", false));
    world.pass(TimeDelta::hours(1));
    assert_eq!((world.status(), world.saga.flow.ended), ("Cancelled", Some(End::Completed)));
    world.has_recorded_history("attio_refused_for_a_while");
}

#[test]
fn a_record_that_was_deleted_is_passed_over() {
    let mut world = World::new();
    world.attio_says.push_back(rejected(RejectionKind::NotFound, "not_found"));
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Closed", Some(End::Completed)));
}

#[test]
fn what_is_told_before_anything_is_ordered_and_asks_nothing_is_refused() {
    let mut world = World::new();
    world.choose("token:ada", choice(None, Some(GiveBack::Nothing)));
    assert_eq!(world.heard_refused(), 1);
    world.tell(Command::Noticed { of: of(), news: News::GoesOn });
    assert_eq!(world.state(), "Mirrored", "it runs, as it should");
}
