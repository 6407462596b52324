//! The node dies at every passing of every point, one after the other, and a new one takes its sagas over.

use super::cases::{End, Road, check, straight};
use super::faults::{Act, Death, Moment, Passing};
use super::matrix::{Cell, Matrix, Row};
use super::world::{World, history};
use super::{Fixture, every_case, is_played};
use sagas::kernel::ids::SagaId;
use std::collections::HashSet;

/// A death on a road.
struct Case {
    name: String,
    road: usize,
    /// The bytes of this call are lost with the node.
    lost: Option<Act>,
    saga: SagaId,
}

/// Plays all deaths on the straight roads of a flow; answers how many there were.
async fn play(fixture: &dyn Fixture) -> usize {
    let mut world = World::new(fixture).await;
    let mut matrix = Matrix::default();
    let roads = straight(&mut world).await;
    let deaths = die(&mut world, &roads, &mut matrix, |_| true).await;
    world.end().await;
    matrix.check(fixture, &Cell::DEATHS, every_case(fixture));
    deaths
}

/// Plays the deaths in the calls that these roads are taken for.
pub(super) async fn in_calls(world: &mut World<'_>, roads: &[Road], matrix: &mut Matrix) -> usize {
    die(world, roads, matrix, |passing| !passing.moments.is_empty()).await
}

async fn die(world: &mut World<'_>, roads: &[Road], matrix: &mut Matrix, counts: impl Fn(&Passing) -> bool) -> usize {
    let (fixture, mut cases, mut number, mut came) = (world.fixture, Vec::new(), 0, HashSet::new());
    for (at, road) in roads.iter().enumerate() {
        for call in &road.calls {
            let fits = Cell::DEATHS.into_iter().filter(|cell| call.fits(*cell, fixture.told()));
            for cell in fits {
                matrix.due(call.row(), cell);
            }
        }
        for (death, lost) in deaths(road, &counts) {
            number += 1;
            // Every moment comes in every run, at other calls.
            let first = matches!(&death, Death::Of(_, moment) if came.insert((*moment, lost.is_some())));
            if !first && !is_played(fixture, number) {
                continue;
            }
            let mut plan = road.plan.clone();
            let call = road.calls.iter().find(|call| lost.as_ref() == Some(&call.act));
            plan.strikes.extend(call.map(|call| call.strike(Cell::DiesAndBytesAreLost, fixture)));
            let name = format!("road `{}`, {death:?}, lost: {lost:?}", road.name);
            plan.death = Some(death);
            let saga = world.start(road.name, &format!("death {at} {number}"), plan).await;
            // Each dies alone, so that no other's death meets its calls; a node that dies is replaced in there.
            world.rest().await;
            while world.faults.missed(saga).is_some() && world.step(&[saga]).await {}
            // Where the death came with the clock, another node is there before the next one begins.
            world.rest().await;
            cases.push(Case { name, road: at, lost, saga });
        }
    }
    let sagas: Vec<_> = cases.iter().map(|case| case.saga).collect();
    world.finish(&sagas).await;
    for case in &cases {
        let (name, road) = (&case.name, &roads[case.road]);
        assert_eq!(world.faults.missed(case.saga), None, "{name}: never came to pass");
        let (line, events) = history(world.pool(), case.saga).await;
        let happened = || events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>();
        assert_eq!(End::of(&line), road.end, "{name}: {line:#?} {:?}", happened());
        // The end of one call can be the beginning of the next.
        for (act, moment) in world.faults.died_at(case.saga) {
            let cell = if case.lost.as_ref() == Some(&act) { Cell::DiesAndBytesAreLost } else { Cell::of(moment) };
            if let Some(row) = row_of(road, &act) {
                matrix.reached(row, cell);
            }
        }
    }
    check(world).await;
    cases.len()
}

/// A death for each passing that counts, and one for each call of the road whose bytes are lost with the node.
fn deaths(road: &Road, counts: impl Fn(&Passing) -> bool) -> Vec<(Death, Option<Act>)> {
    let mut deaths = Vec::new();
    for passing in road.passings.iter().filter(|passing| counts(passing)) {
        let ours = |(act, _): &&(Act, Moment)| row_of(road, act).is_some();
        match passing.moments.iter().find(ours) {
            None if passing.moments.is_empty() => deaths.push((Death::At(passing.point, passing.time), None)),
            // Of a call that another road is taken for.
            None => {}
            Some((act, moment)) => {
                deaths.push((Death::Of(act.clone(), *moment), None));
                if *moment == Moment::Made {
                    deaths.push((Death::Of(act.clone(), *moment), Some(act.clone())));
                }
            }
        }
    }
    deaths
}

fn row_of(road: &Road, act: &Act) -> Option<Row> {
    road.calls.iter().find(|call| call.act == *act).map(super::cases::Wanted::row)
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

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_sync_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::catalog_sync::Fixture::new().await;
    println!("{} deaths played on catalog syncs", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::disbursement::Fixture::new().await;
    println!("{} deaths played on payouts", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_method_update_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::payment_method_update::Fixture::new().await;
    println!("{} deaths played on card updates", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::cancellation::Fixture::new().await;
    println!("{} deaths played on cancellations", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn deal_and_tags_survive_the_death_of_its_node_at_every_point() {
    let fixture = super::crm_lifecycle::Fixture::new().await;
    println!("{} deaths played on deals and tags", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::erasure::Fixture::new().await;
    println!("{} deaths played on erasures", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::sign_up::Fixture::new().await;
    println!("{} deaths played on sign-ups", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::notice::Fixture::new().await;
    println!("{} deaths played on notices", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_change_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::plan_change::Fixture::new().await;
    println!("{} deaths played on plan changes", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_desk_ticket_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::desk_ticket::Fixture::new().await;
    println!("{} deaths played on tickets", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::migration::Fixture::new().await;
    println!("{} deaths played on migrations", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_zoho_collects_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::zoho_native::Fixture::new().await;
    println!("{} deaths played on starts that Zoho collects", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hand_over_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::hand_over::Fixture::new().await;
    println!("{} deaths played on hand-overs", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_of_braintrees_charges_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::braintree_recurring::Fixture::new().await;
    println!("{} deaths played on mirrors", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_of_the_books_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::books_opening::Fixture::new().await;
    println!("{} deaths played on openings of the books", play(&fixture).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_change_survives_the_death_of_its_node_at_every_point() {
    let fixture = super::profile_change::Fixture::new().await;
    println!("{} deaths played on profile changes", play(&fixture).await);
}
