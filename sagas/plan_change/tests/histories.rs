//! Histories that only operators make.

use super::world::World;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::rejected;

#[test]
fn a_refusal_that_the_flow_does_not_know_waits_for_a_person_and_goes_on() {
    let mut world = World::new();
    world.press("Change plan");
    world.say("zoho.change_subscription", rejected(RejectionKind::UnknownState, "new"));
    world.accept();
    assert_eq!(world.parked(), Some(ParkCode::UnknownVendorState));
    world.resume();
    assert_eq!(world.state(), "Recording");
    world.record();
    world.has_recorded_history("resumed");
}
