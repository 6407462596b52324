//! Acts that are pressed while an activation runs (`2.28`).

use super::world::{World, input};
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::{Act, Command};
use chrono::TimeDelta;

#[test]
fn cancel_now_calls_off_what_waits_for_the_customer_and_answers_on_the_record() {
    let mut w = World::pressed(Act::Start, |_| {});
    assert_eq!(w.state(), "LinkSent");
    w.now += TimeDelta::minutes(1);
    w.press(Act::CancelNow);
    assert_eq!(w.state(), "Cancelled");
    assert!(w.claims.is_empty(), "{:?}", w.claims);
    assert!(w.shown.iter().any(|face| face.answers_act && face.subscription_status == "Cancelled"), "{:#?}", w.shown);
}

#[test]
fn cancel_now_after_the_capture_is_answered_with_the_reason_and_changes_nothing() {
    let mut w = World::pressed(Act::Start, |_| {});
    w.submit(input(1));
    assert_eq!(w.state(), "Recording");
    w.now += TimeDelta::minutes(1);
    w.press(Act::CancelNow);
    assert_eq!(w.state(), "Recording");
    let shown = w.last_shown();
    assert!(shown.answers_act && shown.last_error.starts_with("`Cancel now` was not carried out: "), "{shown:#?}");
    w.now += TimeDelta::minutes(1);
    w.press(Act::Start);
    assert_eq!(w.last_shown().last_error, "", "a later act has an answer of its own");
}

#[test]
fn what_another_program_orders_needs_no_act_on_the_record() {
    let mut w = World::new();
    w.request.act = Some("none".to_owned());
    let mut order = World::press_of(Act::Start, w.now);
    if let Command::Pressed { ordered, .. } = &mut order {
        *ordered = true;
    }
    w.tell(order.clone());
    assert_eq!(w.state(), "LinkSent");
    w.tell(order);
    assert_eq!((w.state().as_str(), w.letters.len()), ("LinkSent", 1), "the same order again");
}
