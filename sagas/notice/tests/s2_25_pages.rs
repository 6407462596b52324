//! The page to which a notice leads: one click, and the flow that ends subscriptions is told.

use super::world::World;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur};
use crate::notice::{Command, PageStage, page};

fn told() -> World {
    let mut w = World::trial();
    w.watch();
    w.pass_until("2024-10-29T12:00:00Z");
    w
}

#[test]
fn p1_the_page_says_what_is_charged_when_and_one_click_cancels_it_at_the_end() {
    let mut w = told();
    let shown = page(&w.saga.business);
    assert_eq!((shown.stage, shown.links), (PageStage::Runs, 1));
    assert_eq!(shown.next, Some((day("2024-11-01"), eur(10_000))));
    w.tell(Command::CancelAsked { link: 1 });
    w.tell(Command::CancelAsked { link: 1 });
    let [message] = w.told.as_slice() else { panic!("{:?}", w.told) };
    assert_eq!(message.flow, "cancellation");
    let order = &message.command["order"];
    assert_eq!((order["wish"].as_str(), order["by"].as_str()), (Some("cancel_at_end"), Some("customer")));
    assert_eq!(page(&w.saga.business).stage, PageStage::Cancelled);
    w.has_recorded_history("cancelled_by_click");
}

#[test]
fn p1_a_link_that_no_letter_had_cancels_nothing() {
    let mut w = told();
    for link in [0, 7] {
        w.tell(Command::CancelAsked { link });
    }
    assert_eq!((w.heard_refused(), w.told.len()), (2, 0));
}

#[test]
fn p1_what_has_ended_is_not_cancelled_again() {
    let mut w = told();
    "cancelled".clone_into(&mut w.terms.status);
    w.changed();
    w.tell(Command::CancelAsked { link: 1 });
    assert_eq!((w.heard_refused(), w.told.len()), (1, 0));
    assert_eq!(page(&w.saga.business).stage, PageStage::Over);
}
