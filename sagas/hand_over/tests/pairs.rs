//! Every way from one collector to another.

use super::world::{BraintreeRecurring, Orchestrator, World, ZohoNative};
use crate::hand_over::{Event, Evidence};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::saga::End;
use crate::kernel::tests::samples::{day, eur};

/// What proved that the old one is off.
fn evidence(world: &World) -> Evidence {
    let proved = |event: &Event| match event {
        Event::OffProved { evidence, .. } => Some((**evidence).clone()),
        _ => None,
    };
    world.events().find_map(proved).expect("it was proved")
}

#[test]
fn p1_to_p7_every_collector_hands_over_to_every_other_one_from_the_next_term_on() {
    for from in CollectionOwner::ALL {
        for to in CollectionOwner::ALL.into_iter().filter(|to| *to != from) {
            let mut world = World::of(Some(from), to);
            world.ask();
            assert_eq!((world.state().as_str(), world.collectors()), ("Requested", vec![from]));
            world.approve();
            assert_eq!(
                (world.state().as_str(), world.saga.flow.ended),
                ("NewOn", Some(End::Completed)),
                "{from:?} {to:?}"
            );
            assert_eq!(world.owner, Some(to));
            assert_eq!(world.owner_from, Some(day("2024-11-01")), "not the term that runs");
            assert_eq!(world.collectors(), [to]);
            assert!(!evidence(&world).is_on());
            assert!(!world.is_claimed());
            let shown: Vec<_> = world.shown.iter().filter_map(|face| face.collection_owner.clone()).collect();
            assert_eq!(shown.last().map(String::as_str), Some(to.as_str()));
            world.has_recorded_history(&format!("{}_to_{}", from.as_str(), to.as_str()));
        }
    }
}

#[test]
fn p4_the_steps_come_in_their_order_and_the_new_one_is_switched_on_last() {
    let mut world = World::of(Some(ZohoNative), BraintreeRecurring);
    world.begin();
    let calls: Vec<_> = world.calls.iter().filter(|call| *call != "show").map(String::as_str).collect();
    let read = ["read_terms", "survey_customer", "read_cards", "read_recurring"];
    let wanted = [
        &["survey", "claim"][..],
        &read[..],
        &["fence", "switch_off", "read_back", "drain", "list_invoices"][..],
        &read[..],
        &["switch_on", "record_owner"][..],
    ]
    .concat();
    assert_eq!(calls, wanted);
}

#[test]
fn p7_braintree_begins_with_zohos_next_bill_at_the_price_of_a_term() {
    let mut world = World::of(Some(Orchestrator), BraintreeRecurring);
    world.begin();
    let order = world.orders.first().expect("it was made");
    assert_eq!((order.subscription.as_str(), order.token.as_str()), ("s-sub1", "m-1"));
    assert_eq!((order.price, order.first_charge_on), (eur(10_000), Some(day("2024-11-01"))));
    assert!(order.first_term.is_none());
}

#[test]
fn p7_a_subscription_that_was_cancelled_at_braintree_is_made_anew_under_another_id() {
    let mut world = World::of(Some(Orchestrator), BraintreeRecurring);
    let mut over = super::world::running("s-sub1");
    over.status = crate::kernel::answer::RecurringStatus::Canceled;
    world.recurring.insert("s-sub1".to_owned(), over);
    world.begin();
    assert_eq!(world.orders.first().expect("made").subscription, "s-sub1_2");
    assert_eq!(world.state(), "NewOn");
}

#[test]
fn p5_what_nobody_collects_on_record_needs_a_statement_which_is_kept_with_our_own_record() {
    let mut world = World::of(None, Orchestrator);
    world.begin();
    let Evidence::Ours { owner: None, statement: Some(statement) } = evidence(&world) else {
        panic!("not our own record")
    };
    assert!(statement.contains("signed by finance"), "{statement}");
    assert_eq!(world.owner, Some(Orchestrator));
    world.has_recorded_history("from_nobody");
}
