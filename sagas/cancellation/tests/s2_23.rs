//! What is told of the subscription's life.

use super::world::{World, choice};
use crate::cancellation::Wish;
use crate::kernel::lifecycle::{News, Told};
use crate::kernel::tests::samples::day;

fn all(world: &World) -> Vec<News> {
    let read = |command: &serde_json::Value| serde_json::from_value::<Told>(command.clone()).expect("news");
    world.tells.iter().map(|message| read(&message.command).news).collect()
}

#[test]
fn an_ending_a_reactivation_and_an_end_are_told() {
    let mut world = World::new();
    world.order(Wish::CancelAtEnd, choice(None, None));
    world.order(Wish::Reactivate, choice(None, None));
    world.order(Wish::CancelNow, choice(None, None));
    let ended = News::Ended { on: day("2024-10-04") };
    assert_eq!(all(&world), [News::EndScheduled { on: world.terms.term_ends_on }, News::GoesOn, ended]);
}

#[test]
fn of_a_subscription_that_is_nobodys_nothing_is_told() {
    let mut world = World::new();
    world.survey.customer = None;
    world.order(Wish::CancelNow, choice(None, None));
    assert!(world.tells.is_empty());
}
