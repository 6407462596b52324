//! Bad weather for nodes: a database that commits slower than a lease lasts, and machines whose clocks are wrong by hours.

use super::Fixture as _;
use super::rehearsal::Fixture;
use super::world::{Node, line, offer, rests, until};
use crate::rehearsals;
use attio_billing::clock::{Clock, MovableClock};
use attio_billing::engine::hooks::NoHooks;
use attio_billing::engine::{Engine, Settings};
use attio_billing::store::schema::stamp_of;
use attio_billing::store::shards::Lease;
use attio_billing::store::{Store, query, verify};
use chrono::TimeDelta;
use sagas::kernel::flow::StepEvent;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::NotSent;
use sagas::kernel::record::Record;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Short, so that a test sees it end.
const LEASE: Lease =
    Lease { length: Duration::from_millis(5_500), renewal: Duration::from_millis(500), margin: Duration::from_secs(1) };
/// With the margin, a call must find so much of the lease that none is left after a commit of two seconds.
const CALL: Duration = Duration::from_secs(3);

async fn short_lived(fixture: &Fixture, name: &str, clock: Arc<dyn Clock>) -> Node {
    let ground = fixture.ground();
    let stamp = stamp_of(&ground.pool).await.unwrap().unwrap();
    let store = Store::open(ground.database_url.expose_secret(), &stamp, name, LEASE).await.unwrap();
    let settings = Settings {
        node: name.to_owned(),
        call_limit: CALL,
        poll: Duration::from_millis(20),
        renewal: LEASE.renewal,
        ..Settings::new(fixture.keys())
    };
    let engine = Engine::start(store.clone(), ground.vendors.clone(), clock, Arc::new(NoHooks), settings).unwrap();
    Node { store, engine: Arc::new(engine) }
}

async fn begin(fixture: &Fixture, name: &str) -> SagaId {
    let item = rehearsals::start(rehearsals::params(name));
    offer(fixture.pool(), &item).await;
    item.saga
}

async fn change(fixture: &Fixture, statements: &'static str) {
    sqlx::raw_sql(statements).execute(fixture.pool()).await.unwrap();
}

/// How often a call of the saga was kept back because it could have outlived the lease.
async fn kept_back(fixture: &Fixture, saga: SagaId) -> usize {
    let Some((_, events)) = query::saga(fixture.pool(), saga).await.unwrap() else { return 0 };
    let read = |payload: &str| serde_json::from_str::<Record<Value>>(payload).unwrap();
    let is_kept_back =
        |record: &Record<Value>| matches!(record, Record::Step(StepEvent::NotSent { cause: NotSent::Node, .. }));
    events.iter().filter(|event| is_kept_back(&read(&event.payload))).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_commits_take_longer_than_a_call_may_wait_nothing_is_sent_until_they_are_fast_again() {
    let fixture = Fixture::new().await;
    let node = short_lived(&fixture, "slow", fixture.ground().clock.clone()).await;
    until("it has all", async || node.store.node.owned().len() == 64).await;
    // The mark before a call, and each renewal, are committed two seconds after they were written.
    change(
        &fixture,
        "create function slowly() returns trigger language plpgsql as
             $$ begin perform pg_sleep(2); return new; end $$;
         create trigger slow_mark before insert on event for each row when (new.name = 'step.sending')
             execute function slowly();
         create trigger slow_renewal before update on node for each row execute function slowly();",
    )
    .await;
    let saga = begin(&fixture, "slow").await;
    node.engine.wake();
    until("its call is kept back", async || kept_back(&fixture, saga).await > 0).await;
    assert_eq!(fixture.book("slow").await, ["reservation"], "no money moved that nobody would have written down");

    change(&fixture, "drop trigger slow_mark on event; drop trigger slow_renewal on node").await;
    fixture.advance(TimeDelta::minutes(10)).await;
    until("it goes on", async || line(fixture.pool(), saga).await.state == "Done").await;
    assert_eq!(fixture.book("slow").await, ["note", "reservation", "take"]);
    assert_eq!(verify::verify(fixture.pool(), |_| {}).await.unwrap().first_break, None);
    node.engine.stop(Duration::from_secs(9)).await;
}

/// Every shard's owner, and how often it changed hands.
async fn owners(fixture: &Fixture) -> Vec<(i32, Option<String>, i64)> {
    let owners = "select shard, node::text, epoch from shard order by shard";
    sqlx::query_as(owners).fetch_all(fixture.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_by_hours_neither_takes_nor_loses_a_shard() {
    let fixture = Fixture::new().await;
    let wrong = |by: TimeDelta| {
        let clock = MovableClock::default();
        clock.set_offset(by);
        Arc::new(clock)
    };
    let (ahead, behind) = (wrong(TimeDelta::hours(5)), wrong(TimeDelta::hours(-5)));
    let nodes = [
        short_lived(&fixture, "right", fixture.ground().clock.clone()).await,
        short_lived(&fixture, "ahead", ahead.clone()).await,
        short_lived(&fixture, "behind", behind.clone()).await,
    ];
    let shares = || nodes.iter().map(|node| node.store.node.owned().len()).collect::<Vec<_>>();
    until("they share the shards", async || shares().iter().sum::<usize>() == 64 && !shares().contains(&0)).await;
    until("no share changes any more", async || shares().iter().all(|share| (20..=22).contains(share))).await;
    let (before, since) = (owners(&fixture).await, Instant::now());
    let mut sagas = Vec::new();
    for round in 0.. {
        // The clocks jump while the nodes are at work.
        let hours = if round % 2 == 0 { 7 } else { -3 };
        ahead.set_offset(TimeDelta::hours(hours));
        behind.set_offset(TimeDelta::hours(-hours));
        let name = format!("round {round}");
        sagas.push((begin(&fixture, &name).await, name));
        let engines = nodes.each_ref().map(|node| node.engine.as_ref());
        for engine in engines {
            engine.wake();
        }
        rests(&fixture, &engines).await;
        if since.elapsed() > LEASE.length && sagas.len() >= 30 {
            break;
        }
    }
    assert_eq!(owners(&fixture).await, before, "leases are the database's and the boot clock's matter");
    for (saga, name) in &sagas {
        until("it is done", async || line(fixture.pool(), *saga).await.state == "Done").await;
        assert_eq!(fixture.book(name).await, ["note", "reservation", "take"], "{name}");
    }
    assert_eq!(verify::verify(fixture.pool(), |_| {}).await.unwrap().first_break, None);
    for node in nodes {
        node.engine.stop(Duration::from_secs(9)).await;
    }
}
