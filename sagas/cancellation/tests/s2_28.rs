//! Presses that begin nothing new.

use super::world::{World, billed};
use crate::cancellation::{Choice, Command, Order, Wish};
use crate::kernel::tests::bench::Played as _;
use chrono::TimeDelta;

#[test]
fn e2_a_press_told_twice_is_heard_once() {
    let mut world = World::new();
    let pressed_at = world.now;
    world.press_at(Wish::CancelAtEnd, pressed_at);
    let calls = world.calls.len();
    world.press_at(Wish::CancelAtEnd, pressed_at);
    assert_eq!(world.calls.len(), calls);
}

#[test]
fn e2_pressed_again_while_it_is_carried_out_the_record_shows_where_it_stands() {
    let mut world = World::new();
    world.charging = vec!["77".to_owned()];
    world.press(Wish::CancelNow);
    let (shown, fences) = (world.shown.len(), world.made("desk.claim"));
    world.pass(TimeDelta::seconds(5));
    world.press(Wish::CancelNow);
    assert_eq!((world.made("desk.claim"), world.shown.len()), (fences, shown + 1));
    assert_eq!(world.face().answers.as_ref().map(|act| act.pressed_at), Some(world.now));
    assert_eq!(world.face().last_error, "");
    world.has_recorded_history("pressed_again");
}

#[test]
fn another_wish_meanwhile_is_refused_on_the_record() {
    let mut world = World::new();
    world.charging = vec!["77".to_owned()];
    world.press(Wish::CancelNow);
    world.pass(TimeDelta::seconds(5));
    world.press(Wish::Reactivate);
    assert!(world.face().last_error.starts_with("`Reactivate` was not carried out: "), "{}", world.face().last_error);
    assert_eq!(world.state(), "Draining");
    let order = Order {
        wish: Wish::CancelAtEnd,
        choice: Choice::default(),
        reason: String::new(),
        by: "token:ada".to_owned(),
        press: None,
    };
    world.tell(Command::Ordered { of: super::world::of(), order: Box::new(order) });
    assert_eq!(world.heard_refused(), 1, "a program is told by the answer");
}

#[test]
fn what_has_ended_is_not_ended_again() {
    let mut world = World::new();
    world.invoices = vec![billed("77", 10_000, 0)];
    world.product = None;
    "cancelled".clone_into(&mut world.terms.status);
    world.notice(crate::cancellation::News::Ended);
    world.pass(TimeDelta::days(1));
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.status()), ("Closed", "Cancelled"));
    assert!(world.face().last_error.contains("has ended already"), "{}", world.face().last_error);
    assert!(world.face().answers.is_some());
}
