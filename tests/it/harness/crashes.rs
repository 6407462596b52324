//! The node dies at every passing of every point, one after the other, and a new one takes its sagas over.

use super::cases::check;
use super::faults::Plan;
use super::world::{World, line};
use super::{Fixture, is_played};
use attio_billing::engine::hooks::Point;

const POINTS: [Point; 4] = [Point::BeforeAppend, Point::AfterAppend, Point::AfterSendingMark, Point::AfterCall];

/// Plays all crashes of a flow; answers how many there were.
async fn play(fixture: &dyn Fixture) -> usize {
    let mut world = World::new(fixture).await;
    let mut cases = Vec::new();
    for road in fixture.roads() {
        let clean = world.start(road, &format!("clean {road}"), Plan::default()).await;
        world.finish(&[clean]).await;
        let end = line(world.pool(), clean).await;
        let passed = world.faults.points(clean);
        for point in POINTS {
            let times = passed.iter().filter(|p| **p == point).count();
            for time in (0..times).filter(|time| is_played(fixture, *time)) {
                let plan = Plan { crash: Some((point, time)), ..Plan::default() };
                let saga = world.start(road, &format!("{road} {point:?} {time}"), plan).await;
                // As far as it gets without moving the clock; a node that dies on the way is replaced in there.
                world.rest().await;
                cases.push((format!("road `{road}`, {point:?} for the time {time}"), saga, end.clone()));
            }
        }
    }
    let sagas: Vec<_> = cases.iter().map(|(_, saga, _)| *saga).collect();
    world.finish(&sagas).await;
    for (name, saga, clean) in &cases {
        assert!(world.faults.all_struck(*saga), "{name}: never came to pass");
        let line = line(world.pool(), *saga).await;
        assert_eq!((&line.state, &line.ended), (&clean.state, &clean.ended), "{name}: {line:#?}");
    }
    check(&world).await;
    world.end().await;
    cases.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::rehearsal::Fixture::new().await;
    println!("{} deaths played on rehearsals", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_payment_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::invoice_payment::Fixture::new().await;
    println!("{} deaths played on invoice payments", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_activation_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::subscription_activation::Fixture::new().await;
    println!("{} deaths played on activations", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_refusal_of_an_act_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::act_refusal::Fixture::new().await;
    println!("{} deaths played on refused acts", play(&fixture).await);
}
