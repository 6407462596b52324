//! Endings of subscriptions that Braintree charges by itself: there first, then in Zoho.

use super::world::{World, billed, choice};
use crate::cancellation::{GiveBack, News, OpenInvoices, Wish};
use crate::kernel::answer::{BookedCapture, RecurringStatus};
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples::{eur, rejected, unknown};
use chrono::TimeDelta;

fn world() -> World {
    let mut world = World::new();
    world.collected_by_braintree();
    world
}

/// Which calls of vendors that end something were made, in order.
fn acts(world: &World) -> Vec<&'static str> {
    let acts = ["braintree.", "zoho.cancel", "zoho.reactivate"];
    world.calls.iter().copied().filter(|call| acts.iter().any(|act| call.starts_with(act))).collect()
}

/// What the flow that mirrors Braintree's charges was told, in order.
fn intents(world: &World) -> Vec<&str> {
    let told = world.tells.iter().filter(|message| message.flow == "braintree_recurring");
    told.filter_map(|message| message.command["intent"].as_str()).collect()
}

#[test]
fn e9_a_cancellation_at_once_ends_it_at_braintree_before_zoho() {
    let mut world = world();
    world.press(Wish::CancelNow);
    assert_eq!(acts(&world), ["braintree.cancel_subscription", "zoho.cancel_subscription"]);
    assert_eq!((world.state().as_str(), world.status()), ("Closed", "Cancelled"));
    assert_eq!(intents(&world), ["ends"], "the end is not taken for somebody else's");
    assert!(!world.is_fenced());
    world.has_recorded_history("ended_at_braintree_first");
}

#[test]
fn e9_what_braintree_did_not_answer_is_looked_up_before_zoho_is_asked() {
    let mut world = world();
    world.say("braintree.cancel_subscription", unknown());
    world.press(Wish::CancelNow);
    assert_eq!((acts(&world), world.state().as_str()), (vec![], "AtBraintree"));
    assert_eq!(world.called("end_recurring"), 1);
}

#[test]
fn e9_at_the_end_of_the_term_braintree_stops_after_its_present_cycle() {
    let mut world = world();
    world.press(Wish::CancelAtEnd);
    assert_eq!(
        acts(&world),
        ["braintree.read_subscription", "braintree.update_subscription", "zoho.cancel_subscription"]
    );
    assert_eq!((world.recurring.ends_after, world.state().as_str()), (Some(3), "Scheduled"));
    world.pass(TimeDelta::hours(1));
    world.press(Wish::Reactivate);
    assert_eq!((world.recurring.ends_after, world.state().as_str()), (None, "GoesOn"));
    assert_eq!(intents(&world), ["ends", "goes_on"]);
    let last = acts(&world).len() - 2;
    assert_eq!(&acts(&world)[last..], ["zoho.reactivate_subscription", "braintree.update_subscription"]);
    world.has_recorded_history("at_braintree_with_the_term_and_taken_back");
}

#[test]
fn e9_the_term_ends_on_both_sides() {
    let mut world = world();
    world.press(Wish::CancelAtEnd);
    "cancelled".clone_into(&mut world.terms.status);
    world.recurring.status = RecurringStatus::Expired;
    world.pass(TimeDelta::days(40));
    assert_eq!((world.state().as_str(), world.status()), ("Closed", "Cancelled"));
}

#[test]
fn e9_what_was_never_charged_yet_is_cancelled_at_braintree_at_once() {
    let mut world = world();
    world.recurring.status = RecurringStatus::Pending;
    world.recurring.current_cycle = Some(0);
    "trial".clone_into(&mut world.terms.status);
    world.press(Wish::CancelAtEnd);
    assert_eq!((world.recurring.status.clone(), world.state().as_str()), (RecurringStatus::Canceled, "Scheduled"));
    // Braintree's end is for good.
    world.pass(TimeDelta::hours(1));
    world.press(Wish::Reactivate);
    assert_eq!(world.state(), "Scheduled");
    assert!(world.face().last_error.contains("for good"), "{}", world.face().last_error);
    assert_eq!(world.made("zoho.reactivate_subscription"), 0);
}

#[test]
fn e9_staff_who_end_it_in_zoho_alone_end_it_at_braintree_with_that() {
    let mut world = world();
    "cancelled".clone_into(&mut world.terms.status);
    world.notice(News::Ended);
    assert_eq!((world.recurring.status.clone(), world.state().as_str()), (RecurringStatus::Canceled, "Closed"));
    let mut world = self::world();
    "non_renewing".clone_into(&mut world.terms.status);
    world.notice(News::Scheduled);
    assert_eq!((world.recurring.ends_after, world.state().as_str()), (Some(3), "Scheduled"));
    "live".clone_into(&mut world.terms.status);
    world.notice(News::GoesOn);
    assert_eq!((world.recurring.ends_after, world.state().as_str()), (None, "GoesOn"));
}

#[test]
fn e9_what_zoho_lets_go_on_and_braintree_has_ended_is_a_persons() {
    let mut world = world();
    "non_renewing".clone_into(&mut world.terms.status);
    world.notice(News::Scheduled);
    world.recurring.status = RecurringStatus::Canceled;
    "live".clone_into(&mut world.terms.status);
    world.notice(News::GoesOn);
    assert_eq!(world.parked(), Some(ParkCode::MoneyDecision));
    "cancelled".clone_into(&mut world.terms.status);
    world.resume();
    assert_eq!(world.state(), "Closed");
}

#[test]
fn e9_what_braintree_refuses_leaves_zoho_as_it_was() {
    let mut world = world();
    world.say("braintree.cancel_subscription", rejected(RejectionKind::State, "81901"));
    world.press(Wish::CancelNow);
    assert_eq!((world.parked(), world.made("zoho.cancel_subscription")), (Some(ParkCode::CancelRefused), 0));
    assert!(world.is_fenced());
    world.resume();
    assert_eq!(world.state(), "Closed");
}

#[test]
fn e7_what_braintree_ended_by_itself_ends_in_zoho_by_the_same_way() {
    let mut world = world();
    world.recurring.status = RecurringStatus::Canceled;
    world.invoices.push(billed("77", 4_900, 4_900));
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::Void), None));
    assert_eq!((world.state().as_str(), world.made("zoho.cancel_subscription")), ("Closed", 1));
}

#[test]
fn e11_what_braintree_charged_goes_back_by_the_flow_that_gives_back() {
    let mut world = world();
    world.invoices.push(billed("77", 4_900, 0));
    let (transaction, invoice, at) = ("tx1".to_owned(), "77".to_owned(), world.now);
    world.captures = vec![BookedCapture { transaction, invoice, amount: eur(4_900), at }];
    world.order(Wish::CancelNow, choice(None, Some(GiveBack::Full)));
    assert_eq!((world.state().as_str(), world.count("GiveBackOrdered")), ("Closed", 1));
    assert!(world.told.iter().any(|told| told.flow == "refund" && told.command["wish"]["transaction"] == "tx1"));
    assert!(world.tasks.is_empty() && world.accounts.is_empty(), "that is a flow of its own");
}
