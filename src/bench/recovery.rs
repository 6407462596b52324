//! What a death costs: nodes are killed or stopped with sagas in flight, others take over, and the stub tells which calls it
//! got twice.

use super::caller::Caller;
use super::flow::{Measured, Start};
use super::part::Part;
use super::stub::Tally;
use crate::clock::{Clock, RealClock};
use crate::engine::items::Body;
use crate::store::items::NewItem;
use crate::store::schema::SHARDS;
use crate::store::{open, yardstick};
use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// Orders that share a commit while a measurement is prepared.
const BATCH: u64 = 1_000;
/// Nothing takes longer; then the measurement fails.
const PATIENCE: Duration = Duration::from_mins(30);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// So many sagas a second are begun at the least, on any machine that is fit to be measured.
const BEGUN_A_SECOND: u64 = 250;

/// Who hears how far it is.
pub type Say<'a> = &'a (dyn Fn(String) + Sync);

/// What was seen after a node was killed without a word.
#[derive(Debug, Clone, Serialize)]
pub struct Killed {
    /// Sagas that can only search for what they did.
    pub searchable: bool,
    /// All of them.
    pub sagas: u64,
    /// Unfinished when the node died.
    pub in_flight: u64,
    /// How long its lease was, in seconds.
    pub lease_s: u64,
    /// Seconds from the death until all were finished.
    pub finished_after_s: f64,
    /// Calls that the stub got more than once.
    pub repeated: u64,
    /// Looks for calls whose outcome was not known.
    pub looks: u64,
}

/// What was seen when a node was started beside many waiting sagas.
#[derive(Debug, Clone, Serialize)]
pub struct Restarted {
    /// Sagas that waited.
    pub waiting: u64,
    /// Memory of a node with none, in bytes.
    pub memory_idle: Option<u64>,
    /// Memory of a node with all of them, in bytes.
    pub memory_waiting: Option<u64>,
    /// Seconds from the start of the process to the first call, when all were due.
    pub first_call_s: f64,
    /// Looks for calls that were taken for unknown.
    pub looks: u64,
}

/// Kills a node with about so many sagas in flight, starts another at once, and waits until all are finished.
///
/// # Errors
/// The database cannot be used, or it takes half an hour.
pub async fn kill(url: &SecretString, searchable: bool, in_flight: u64, say: Say<'_>) -> anyhow::Result<Killed> {
    let pool = prepared(url).await?;
    let stub = Part::Stub.start(None, None).await?;
    let caller = Caller::new(Some(&stub.address))?;
    order(&pool, in_flight, searchable, None, say).await?;
    let node = Part::Node.start(Some(url), Some(&stub.address)).await?;
    // Every saga has begun, and a good part of the calls is made.
    until(|| async { Ok(caller.tally().await?.calls >= in_flight) }).await.context("the first node")?;
    let finished = yardstick::finished(&pool).await?;
    node.kill().await?;
    let died = Instant::now();
    say(format!("the node was killed with {} of {in_flight} unfinished", in_flight - finished));
    let _next = Part::Node.start(Some(url), Some(&stub.address)).await?;
    until(|| async {
        let finished = yardstick::finished(&pool).await?;
        say(format!("{finished} of {in_flight} finished, {:.0} s after the death", died.elapsed().as_secs_f64()));
        Ok(finished == in_flight)
    })
    .await
    .context("the second node")?;
    let finished_after_s = died.elapsed().as_secs_f64();
    let Tally { repeated, looks, .. } = caller.tally().await?;
    let lease_s = super::lease().length.as_secs();
    Ok(Killed {
        searchable,
        sagas: in_flight,
        in_flight: in_flight - finished,
        lease_s,
        finished_after_s,
        repeated,
        looks,
    })
}

/// Lets so many sagas wait, starts a node beside them, and another when all are due.
///
/// # Errors
/// The database cannot be used, or it takes half an hour.
pub async fn restart(url: &SecretString, waiting: u64, say: Say<'_>) -> anyhow::Result<Restarted> {
    let pool = prepared(url).await?;
    let stub = Part::Stub.start(None, None).await?;
    let caller = Caller::new(Some(&stub.address))?;
    let begin = || Part::Node.start(Some(url), Some(&stub.address));
    let idle = begin().await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let memory_idle = idle.memory();
    idle.stop().await?;

    let seconds = i64::try_from(waiting / BEGUN_A_SECOND)? + 60;
    let due = RealClock.now() + TimeDelta::seconds(seconds);
    order(&pool, waiting, false, Some(due), say).await?;
    let node = begin().await?;
    until(|| async {
        let begun = yardstick::begun(&pool).await?;
        say(format!("{begun} of {waiting} wait"));
        Ok(begun == waiting)
    })
    .await?;
    node.stop().await?;
    anyhow::ensure!(
        RealClock.now() + TimeDelta::seconds(15) < due,
        "this machine is too slow for so many: ask for fewer"
    );

    let node = begin().await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let memory_waiting = node.memory();
    node.stop().await?;
    until(|| async {
        let left = due - RealClock.now();
        say(format!("all {waiting} are due in {} s", left.num_seconds()));
        Ok(left < TimeDelta::zero())
    })
    .await?;
    let started = Instant::now();
    let _node = begin().await?;
    until(|| async { Ok(caller.tally().await?.calls > 0) }).await?;
    let first_call_s = started.elapsed().as_secs_f64();
    // What was taken for unknown would be looked for within moments.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let looks = caller.tally().await?.looks;
    Ok(Restarted { waiting, memory_idle, memory_waiting, first_call_s, looks })
}

async fn prepared(url: &SecretString) -> anyhow::Result<PgPool> {
    open::migrate_url(url.expose_secret()).await?;
    let pool = open::visit(url.expose_secret()).await?;
    crate::store::schema::stamp(&pool, &super::stamp()).await?;
    Ok(pool)
}

/// Leaves the orders of so many sagas, for whoever comes.
pub(super) async fn order(
    pool: &PgPool,
    sagas: u64,
    searchable: bool,
    due: Option<DateTime<Utc>>,
    say: Say<'_>,
) -> anyhow::Result<()> {
    for first in (0..sagas).step_by(usize::try_from(BATCH)?) {
        let numbers = first..(first + BATCH).min(sagas);
        let item = |number: u64| {
            let start = Start { number, searchable, refused: false, due };
            Ok(NewItem {
                saga: SagaId::derived("measured", &[&number.to_string()]),
                saga_kind: Measured::<false>::NAME.to_owned(),
                kind: "measured".to_owned(),
                principal: "bench".to_owned(),
                body: Body::Saga { command: serde_json::to_value(start)? }.text(),
                waiting_key: None,
                idempotency_key: None,
            })
        };
        let items = numbers.map(item).collect::<anyhow::Result<Vec<_>>>()?;
        yardstick::order(pool, SHARDS, &items).await?;
        say(format!("{} of {sagas} ordered", (first + BATCH).min(sagas)));
    }
    Ok(())
}

/// Looks until it is so.
pub(super) async fn until<F: Future<Output = anyhow::Result<bool>>>(look: impl Fn() -> F) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while !look().await? {
        anyhow::ensure!(Instant::now() < end, "it took more than {} minutes", PATIENCE.as_secs() / 60);
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
