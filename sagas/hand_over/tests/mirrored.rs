//! Who mirrors what Braintree charges by itself, and who asked for a hand-over, hear of it with what happened.

use super::world::{BraintreeRecurring, Orchestrator, World, ZohoNative, running};
use crate::kernel::hand_over::ReplyTo;
use crate::kernel::ids::SagaId;
use crate::kernel::recurring;
use crate::kernel::tests::bench::Played as _;
use serde_json::Value;

/// What was told to the flow of that name, by kind.
fn told<'a>(world: &'a World, flow: &str) -> Vec<(&'a str, &'a Value)> {
    let theirs = world.tells.iter().filter(|told| told.flow == flow);
    theirs.map(|told| (told.kind.as_str(), &told.command)).collect()
}

#[test]
fn p7_what_braintree_shall_charge_is_mirrored_from_its_start_on() {
    let mut world = World::of(Some(ZohoNative), BraintreeRecurring);
    world.begin();
    assert_eq!(world.state(), "NewOn");
    let told = told(&world, recurring::FLOW);
    let (kind, command) = told.first().copied().expect("it is begun");
    assert_eq!((told.len(), kind), (1, "recurring.begun"));
    let begun = &command["begun"];
    assert_eq!((begun["recurring"].as_str(), begun["customer"].as_str()), (Some("s-sub1"), Some("cust1")));
    assert_eq!((begun["record"].as_str(), begun["charged"].as_str()), (Some("as1"), None), "nothing was charged yet");
    assert_eq!(world.tells.first().map(|told| told.to), Some(recurring::stream("s-sub1")));
}

#[test]
fn p4_the_end_at_braintree_is_told_beforehand_and_taken_back_where_it_is_not_ended() {
    let mut world = World::of(Some(BraintreeRecurring), Orchestrator);
    world.begin();
    let kinds: Vec<_> = told(&world, recurring::FLOW).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!((world.state().as_str(), kinds), ("NewOn", vec!["recurring.ends"]));

    let mut world = World::of(Some(BraintreeRecurring), Orchestrator);
    world.ask();
    world.deliver(crate::hand_over::Command::Approved { by: "token:bob".to_owned(), reason: "seen".to_owned() });
    world.run_until("fence");
    world.deliver(crate::hand_over::Command::Stopped { by: "token:ada".to_owned(), reason: "not now".to_owned() });
    world.run();
    assert_eq!(world.state(), "Undone");
    let kinds: Vec<_> = told(&world, recurring::FLOW).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["recurring.ends", "recurring.goes_on"]);
}

#[test]
fn p7_what_braintree_does_not_charge_is_mirrored_by_the_invoices_alone() {
    let mut world = World::of(Some(Orchestrator), ZohoNative);
    world.begin();
    assert_eq!((world.state().as_str(), world.tells.len()), ("NewOn", 0));
}

#[test]
fn p4_a_subscription_that_somebody_else_named_at_braintree_is_ended_by_that_name() {
    let mut world = World::of(Some(BraintreeRecurring), Orchestrator);
    world.recurring = [("old9".to_owned(), running("old9"))].into();
    world.begin();
    assert_eq!((world.state().as_str(), world.called("fence")), ("Refused", 0), "off is not proved by knowing nothing");
    world.has_recorded_history("no_known_id");

    let mut world = World::of(Some(BraintreeRecurring), Orchestrator);
    world.recurring = [("old9".to_owned(), running("old9"))].into();
    world.wish.recurring = Some("old9".to_owned());
    world.begin();
    assert_eq!((world.state().as_str(), world.collectors()), ("NewOn", vec![Orchestrator]));
    assert!(world.recurring["old9"].status.is_over());
    world.has_recorded_history("by_a_name_of_the_old_system");
}

#[test]
fn who_asked_hears_the_end_whichever_it_is() {
    let asks = |world: &mut World| {
        let saga = SagaId::derived("migration", &["old-1"]);
        world.wish.reply_to = Some(ReplyTo { flow: "migration".to_owned(), saga });
    };
    let ended = |world: &World| {
        let told = told(world, "migration");
        assert_eq!(told.len(), 1, "once");
        told[0].1["ended"]["ended"].as_str().map(str::to_owned)
    };
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    asks(&mut world);
    world.begin();
    assert_eq!(ended(&world).as_deref(), Some("handed_over"));
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    asks(&mut world);
    world.ask();
    world.stop();
    assert_eq!((world.state().as_str(), ended(&world).as_deref()), ("Denied", Some("unchanged")));
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    asks(&mut world);
    world.linked = false;
    world.begin();
    assert_eq!((world.state().as_str(), ended(&world).as_deref()), ("Refused", Some("unchanged")));
}
