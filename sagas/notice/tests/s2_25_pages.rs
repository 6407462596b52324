//! The page to which a notice leads: one click, and the flow that ends subscriptions is told.

use super::world::World;
use crate::cancellation::{self, Cancellation, Wish};
use crate::kernel::card_request::CardRequest;
use crate::kernel::effect::SubscriptionKey;
use crate::kernel::saga::Saga;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur, instant};
use crate::notice::{Command, PageStage, page};
use crate::payment_method_update::{self, PaymentMethodUpdate};

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
    assert_eq!(message.to, Cancellation::id("60012", "zs1"));
    let command: cancellation::Command = serde_json::from_value(message.command.clone()).expect("understood");
    let cancellation::Command::Ordered { order, .. } = command else { panic!("{command:?}") };
    assert_eq!((order.wish, order.by.as_str()), (Wish::CancelAtEnd, "customer"));
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

#[test]
fn p3_the_flow_that_takes_cards_understands_what_it_is_asked() {
    let mut w = World::new();
    w.card.good_through = Some(day("2024-10-31"));
    w.watch();
    w.pass_until("2024-10-03T12:00:00Z");
    let command = serde_json::from_value::<payment_method_update::Command>(w.told[0].command.clone());
    let Ok(payment_method_update::Command::Wanted { subscription, requested_at, .. }) = command else {
        panic!("{command:?}");
    };
    assert_eq!(w.told[0].to, PaymentMethodUpdate::id(&subscription, requested_at));
    assert_eq!(subscription, SubscriptionKey::Zoho { subscription: "zs1".to_owned() });
    let at = instant("2024-10-02T00:00:00Z");
    assert_eq!(CardRequest::saga(<PaymentMethodUpdate as Saga>::NAME, "zoho", "zs1", at), w.told[0].to);
}
