//! The change in Zoho: refused, unanswered, at the end of the term, taken back, made by others.

use super::world::{World, of, wanted};
use crate::kernel::answer::Answer;
use crate::kernel::flow::{Open, Phase};
use crate::kernel::ids::SagaId;
use crate::kernel::outcome::{Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{self, day, eur, instant, rejected, unknown};
use crate::plan_change::{Command, Effective, Wanted};
use chrono::TimeDelta;

fn downgraded() -> World {
    let mut world = World::new();
    world.price = 4_000;
    world.press("Change plan");
    world
}

#[test]
fn e4_a_change_that_zoho_refuses_releases_the_hold() {
    let mut world = World::new();
    world.press("Change plan");
    world.say("zoho.change_subscription", rejected(RejectionKind::Invalid, "102006"));
    world.accept();
    world.changed_nothing("Failed");
    assert_eq!((world.called("undo authorise"), world.saga.flow.ended), (1, Some(End::Compensated)));
    assert!(world.face().last_error.contains("Zoho refused the change"), "{}", world.face().last_error);
    world.has_recorded_history("refused_by_zoho");
}

#[test]
fn e4_a_change_of_unknown_outcome_is_looked_up_and_goes_on() {
    let mut world = World::new();
    world.press("Change plan");
    world.say("zoho.change_subscription", unknown());
    world.accept();
    let open = world.saga.flow.open.clone();
    assert!(matches!(open, Some(Open { ref step, phase: Phase::Unknown { .. }, .. }) if step == "change"), "{open:?}");
    let order = crate::kernel::effect::TermsOrder {
        subscription: "zs1".to_owned(),
        plan: "max-monthly".to_owned(),
        quantity: 1,
        addons: Vec::new(),
        coupon: None,
        at_end: false,
        seen: None,
    };
    world.change(&order);
    let answer = Answer::Terms(Box::new(world.terms.clone()));
    world.looks.push_back(Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() });
    world.pass(TimeDelta::minutes(5));
    assert_eq!((world.state().as_str(), world.called("change")), ("Recording", 1));
    world.has_recorded_history("unknown_and_found");
}

#[test]
fn e4_what_others_changed_meanwhile_is_compared_by_a_person_and_then_read() {
    let changed = || rejected(RejectionKind::Changed, "changed");
    let mut other = World::new();
    other.press("Change plan");
    other.say("zoho.change_subscription", changed());
    other.accept();
    assert_eq!((other.parked(), other.open_accounts()), (Some(ParkCode::ChangedMeanwhile), Vec::new()));
    other.resume();
    other.changed_nothing("Failed");
    other.has_recorded_history("changed_meanwhile");

    let mut made = World::new();
    made.press("Change plan");
    made.say("zoho.change_subscription", changed());
    made.accept();
    let order = crate::kernel::effect::TermsOrder {
        subscription: "zs1".to_owned(),
        plan: "max-monthly".to_owned(),
        quantity: 1,
        addons: Vec::new(),
        coupon: None,
        at_end: false,
        seen: None,
    };
    made.change(&order);
    made.resume();
    assert_eq!(made.state(), "Recording", "it was made: what is owed is sold");
    assert!(made.saga.business.capture.clone().expect("captured").transaction.starts_with("s-"));
}

#[test]
fn e11_what_costs_less_waits_for_the_end_of_the_term_and_moves_no_money() {
    let mut world = downgraded();
    let preview = world.preview();
    assert_eq!((preview.effective, preview.effective_on), (Effective::TermEnd, day("2024-11-01")));
    assert_eq!((preview.due_now, preview.ceiling, preview.renewal), (eur(0), eur(0), eur(4_000)));
    world.accept();
    assert_eq!((world.state().as_str(), world.called("authorise")), ("Scheduled", 0));
    let [change] = world.orders.as_slice() else { panic!("one change") };
    assert!(change.at_end && world.terms.scheduled.is_some());
    assert!(world.claims.is_empty(), "renewals go on as ever");
    assert!(world.face().quote_text.starts_with("Changes on 2024-11-01"), "{}", world.face().quote_text);
    assert_eq!(world.face().sold, None, "nothing has changed yet");
    assert_eq!(world.wakes_at(), Some(instant("2024-11-01T06:00:00Z")));

    // Zoho is late by a night.
    world.pass(TimeDelta::days(28));
    assert_eq!(world.state(), "Scheduled");
    world.terms.sold = world.terms.scheduled.take().expect("waits");
    world.terms.next_billing_on = Some(day("2024-12-01"));
    world.pass(TimeDelta::days(2));
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Changed", Some(End::Completed)));
    let sold = world.face().sold.clone().expect("known");
    assert_eq!((sold.amount, sold.next_billing_on), (Some(eur(4_000)), Some(day("2024-12-01"))));
    assert_eq!(world.rules, Vec::<&str>::new());
    world.has_recorded_history("at_the_end_of_the_term");
}

#[test]
fn e11_what_costs_less_is_not_changed_at_once_by_us() {
    let mut world = World::new();
    world.price = 4_000;
    world.ask_for(wanted("mini-monthly"), Some(false));
    world.changed_nothing("Refused");
    assert!(world.face().last_error.contains("leave credit"), "{}", world.face().last_error);
}

#[test]
fn e11_what_costs_more_may_wait_for_the_end_of_the_term_too() {
    let mut world = World::new();
    world.ask_for(wanted("max-monthly"), Some(true));
    assert_eq!((world.preview().effective, world.preview().ceiling), (Effective::TermEnd, eur(0)));
    world.accept();
    assert_eq!(world.state(), "Scheduled");
}

#[test]
fn e11_nothing_is_due_in_a_trial() {
    let mut world = World::new();
    "trial".clone_into(&mut world.terms.status);
    world.raises = None;
    world.ask("max-monthly");
    assert_eq!((world.preview().effective, world.preview().ceiling), (Effective::Now, eur(0)));
    world.accept();
    assert_eq!((world.state().as_str(), world.called("authorise")), ("Changed", 0));
    world.has_recorded_history("in_a_trial");
}

#[test]
fn e12_a_change_that_waits_is_taken_back_with_the_present_plan() {
    let mut waits = downgraded();
    waits.accept();
    let mut back = World::of_key("k1");
    back.terms = waits.terms.clone();
    back.price = 10_000;
    back.ask("pro-monthly");
    assert_eq!((back.preview().effective, back.preview().ceiling), (Effective::Withdrawal, eur(0)));
    back.accept();
    assert_eq!((back.state().as_str(), back.saga.flow.ended), ("Withdrawn", Some(End::Completed)));
    let [change] = back.orders.as_slice() else { panic!("one change") };
    assert_eq!((change.plan.as_str(), change.at_end), ("pro-monthly", false));
    assert_eq!((back.terms.scheduled.clone(), back.called("authorise")), (None, 0));
    back.has_recorded_history("taken_back");

    // Who waited for it finds out on its day.
    waits.terms.scheduled = None;
    waits.pass(TimeDelta::days(30));
    assert_eq!((waits.state().as_str(), waits.saga.flow.ended), ("Dropped", Some(End::Mirrored)));
    waits.has_recorded_history("dropped");
}

#[test]
fn e12_the_change_that_waits_already_is_not_asked_for_again() {
    let mut waits = downgraded();
    waits.accept();
    let mut again = World::of_key("k1");
    again.terms = waits.terms.clone();
    again.price = 4_000;
    again.ask("max-monthly");
    again.changed_nothing("Refused");
}

#[test]
fn e13_what_staff_change_in_zoho_is_read_and_shown() {
    let mut world = World::adopting();
    world.terms.sold.plan = "max-monthly".to_owned();
    world.terms.sold.amount = Some(eur(20_000));
    world.tell(Command::Noticed { of: of() });
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Adopted", Some(End::Mirrored)));
    assert_eq!(world.face().sold.as_ref().and_then(|sold| sold.amount), Some(eur(20_000)));
    assert!(world.face().quote_text.contains("Sold: 1 × max-monthly"), "{}", world.face().quote_text);
    world.terms.sold.amount = Some(eur(30_000));
    world.pass(TimeDelta::days(1));
    world.tell(Command::Noticed { of: of() });
    assert_eq!(world.face().sold.as_ref().and_then(|sold| sold.amount), Some(eur(30_000)));
    assert_eq!(world.called("change") + world.called("claim"), 0);
    world.has_recorded_history("adopted_twice");
}

#[test]
fn e13_our_own_change_is_not_adopted_while_it_is_under_way() {
    let mut world = World::adopting();
    world.survey.claimed_by = Some(SagaId::derived("test", &["change"]));
    world.tell(Command::Noticed { of: of() });
    assert_eq!((world.state().as_str(), world.called("read_terms")), ("Noticed", 0));
    world.survey.claimed_by = None;
    world.pass(TimeDelta::minutes(6));
    assert_eq!(world.state(), "Adopted");
    world.has_recorded_history("adopted_later");
}

#[test]
fn e13_a_subscription_of_nobody_or_that_is_gone_is_mirrored() {
    let mut foreign = World::adopting();
    foreign.survey = crate::kernel::answer::SubscriptionSurvey::default();
    foreign.tell(Command::Noticed { of: of() });
    assert_eq!((foreign.state().as_str(), foreign.shown.len()), ("Mirrored", 0));

    let mut gone = World::adopting();
    gone.say("zoho.read_terms", rejected(RejectionKind::NotFound, "1002"));
    gone.tell(Command::Noticed { of: of() });
    assert_eq!(gone.state(), "Mirrored");
}

#[test]
fn the_whole_wanted_list_is_sent_with_add_ons_and_coupon() {
    let mut world = World::new();
    let many = Wanted { addons: vec!["seats".to_owned()], coupon: Some("TEN".to_owned()), ..wanted("max-monthly") };
    let mut offer = samples::offer(world.now);
    offer.plan.code = "max-monthly".to_owned();
    offer.plan.price = eur(20_000);
    world.say("zoho.read_offer", Outcome::Done { answer: Answer::Offer(Box::new(offer)) });
    world.ask_for(many, None);
    world.accept();
    let [change] = world.orders.as_slice() else { panic!("one change") };
    assert_eq!(change.addons.iter().map(|addon| addon.code.as_str()).collect::<Vec<_>>(), ["seats"]);
    assert_eq!(change.coupon.as_deref(), Some("TEN"));
}
