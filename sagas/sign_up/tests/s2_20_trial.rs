//! 2.20: a trial that is moved, ends, becomes a subscription, or is granted once more.

use super::world::{USER, World, busy, product, seller};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::sign_up::{Command, SignUp};
use chrono::TimeDelta;

#[test]
fn p5_a_trial_that_nobody_buys_expires_with_its_day() {
    let mut w = World::signed_up(|_| {});
    w.pass(TimeDelta::days(12));
    assert_eq!((w.state().as_str(), w.notes.len()), ("Trial", 1));
    assert_eq!(w.notes[0].title, "Trial ends on 2026-11-16");
    w.pass(TimeDelta::days(3));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Expired", Some(End::GivenUp)));
    assert_eq!(w.tags(), ["compliance-gdpr", "lifecycle-churned", "source-website"]);
    assert!(w.claims.is_empty() && !w.is_linked(USER) && w.is_linked("person1"));
    assert_eq!(w.face().lifecycle.as_deref(), Some("Churned"));
    w.has_recorded_history("expired");
}

#[test]
fn p5_a_trial_that_is_bought_is_converted_and_leaves_the_tags_to_the_sale() {
    let mut w = World::signed_up(|_| {});
    w.taken_over();
    assert_eq!(w.state(), "Converting");
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.state(), "Converting", "the customer has not paid yet");
    w.sale_ended(End::Completed);
    w.pass(TimeDelta::hours(7));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Converted", Some(End::Completed)));
    assert_eq!(w.tags(), ["compliance-gdpr", "lifecycle-trial", "source-website"]);
    assert!(w.is_linked(USER));
    w.has_recorded_history("converted");
}

#[test]
fn p5_a_trial_is_converted_once_zoho_collects_what_was_sold_though_that_sale_goes_on() {
    let mut w = World::signed_up(|_| {});
    w.taken_over();
    w.collected_by(CollectionOwner::Orchestrator);
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.state(), "Converting", "its sale is undone where the card is declined");
    w.collected_by(CollectionOwner::ZohoNative);
    w.pass(TimeDelta::hours(7));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Converted", Some(End::Completed)));
}

#[test]
fn p5_a_sale_that_comes_to_nothing_gives_the_product_back_to_the_trial() {
    let mut w = World::signed_up(|_| {});
    w.taken_over();
    w.holder = None;
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.state(), "Trial");
    assert!(w.claims.contains(&product()));
    w.pass(TimeDelta::days(15));
    assert_eq!(w.state(), "Expired");
    assert!(w.claims.is_empty());
    w.has_recorded_history("sale_came_to_nothing");
}

#[test]
fn p5_a_trial_ends_with_the_sale_that_outlasts_it() {
    let mut w = World::signed_up(|_| {});
    w.pass(TimeDelta::days(13));
    w.taken_over();
    w.pass(TimeDelta::days(3));
    assert_eq!(w.state(), "Converting", "whoever is at the checkout is not shut out");
    w.holder = None;
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Expired", Some(End::GivenUp)));
    w.has_recorded_history("sale_outlasts_it");
}

#[test]
fn p5_a_product_that_somebody_else_was_quicker_to_take_is_asked_for_again() {
    let mut w = World::signed_up(|_| {});
    w.taken_over();
    w.holder = None;
    w.say("desk.claim", busy());
    w.pass(TimeDelta::minutes(1));
    assert_eq!((w.state().as_str(), w.count("ProductNotTakenBack")), ("Converting", 1));
    w.pass(TimeDelta::minutes(10));
    assert_eq!(w.state(), "Trial");
}

#[test]
fn e5_an_extended_trial_ends_later_and_the_notice_moves() {
    let mut w = World::signed_up(|_| {});
    w.tell(World::moves(w.now + TimeDelta::days(30), false));
    assert_eq!(w.face().trial_ends_on, Some((w.now + TimeDelta::days(30)).date_naive()));
    w.pass(TimeDelta::days(20));
    assert_eq!((w.state().as_str(), w.notes.len()), ("Trial", 0));
    w.pass(TimeDelta::days(8));
    assert_eq!(w.notes.len(), 1);
    // Told, then moved again: it is told again, of the new day.
    w.tell(World::moves(w.now + TimeDelta::days(10), false));
    w.pass(TimeDelta::days(8));
    assert_eq!(w.notes.len(), 2);
    assert_ne!(w.notes[0].marker, w.notes[1].marker);
    w.has_recorded_history("extended");
}

#[test]
fn e5_a_shortened_trial_ends_earlier_and_at_once_where_that_is_past() {
    let mut w = World::signed_up(|_| {});
    w.tell(World::moves(w.now + TimeDelta::days(1), false));
    w.pass(TimeDelta::days(2));
    assert_eq!((w.state().as_str(), w.notes.len()), ("Expired", 0));
    let mut at_once = World::signed_up(|_| {});
    at_once.tell(World::moves(at_once.now - TimeDelta::days(1), false));
    assert_eq!(at_once.state(), "Expired");
}

#[test]
fn e8_a_second_trial_needs_an_approval_and_then_runs_like_the_first() {
    let mut w = World::signed_up(|_| {});
    w.pass(TimeDelta::days(15));
    let later = w.now + TimeDelta::days(7);
    w.tell(World::moves(later, false));
    assert_eq!((w.state().as_str(), w.heard_refused()), ("Expired", 1));
    w.tell(World::moves(w.now - TimeDelta::days(1), true));
    assert_eq!((w.state().as_str(), w.heard_refused()), ("Expired", 2), "a trial is granted for time to come");
    w.tell(World::moves(later, true));
    assert_eq!(w.state(), "Trial");
    assert!(w.is_linked(USER) && w.claims.contains(&product()) && w.tags().contains(&"lifecycle-trial"));
    w.pass(TimeDelta::days(8));
    assert_eq!(w.state(), "Expired");
    w.has_recorded_history("granted_again");
}

#[test]
fn e8_a_press_for_a_second_trial_is_answered_with_the_reason() {
    let mut w = World::pressed(|_| {});
    w.now += TimeDelta::minutes(1);
    w.press();
    assert!(w.face().answers.is_some() && w.face().last_error.is_empty(), "pressed again while it runs");
    w.pass(TimeDelta::days(15));
    w.press();
    assert_eq!(w.state(), "Expired");
    assert!(w.face().last_error.contains("needs an approval"), "{}", w.face().last_error);
    assert!(w.saga.flow.ended.is_some());
    w.has_recorded_history("second_press");
}

#[test]
fn a_trial_never_stands_over_another_product_that_is_active() {
    let active = |w: &mut World| {
        let tags = ["lifecycle-active", "plan-pro"].map(str::to_owned).into();
        w.crm.insert(("Contacts", "cust1".to_owned()), ("Contacts-cust1".to_owned(), tags));
    };
    let mut w = World::signed_up(active);
    assert_eq!(w.tags(), ["compliance-gdpr", "lifecycle-active", "plan-pro", "source-website"]);
    w.pass(TimeDelta::days(15));
    assert_eq!(w.state(), "Expired");
    assert!(w.tags().contains(&"lifecycle-active"));
}

#[test]
fn what_is_told_too_early_or_too_late_changes_nothing() {
    let mut new = World::new();
    new.tell(World::moves(new.now, false));
    assert_eq!((new.heard_refused(), new.events().count()), (1, 0));
    let mut over = World::signed_up(|_| {});
    over.pass(TimeDelta::days(15));
    let events = over.events().count();
    over.tell(Command::ProductTaken { by: seller() });
    assert_eq!(over.events().count(), events);
    let mut sold = World::signed_up(|_| {});
    sold.taken_over();
    sold.sale_ended(End::Completed);
    sold.pass(TimeDelta::hours(1));
    sold.tell(World::moves(sold.now, true));
    assert_eq!((sold.state().as_str(), sold.heard_refused()), ("Converted", 1));
    assert_eq!(sold.id, SignUp::of_user(USER));
}
