//! Several nodes on one database: they share the shards, hand them over, and a node that was taken for dead does no harm.

use super::Fixture as _;
use super::rehearsal::Fixture;
use super::world::{Node, OFTEN, SELDOM, finished, history, line, node, offer, rests, until};
use crate::rehearsals;
use attio_billing::engine::Engine;
use attio_billing::engine::hooks::{Hooks, NoHooks, Point};
use attio_billing::store::verify;
use chrono::TimeDelta;
use sagas::kernel::flow::{Open, StepEvent};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::record::Record;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How many shards each living node has, fewest first.
async fn shares(fixture: &Fixture) -> Vec<i64> {
    let shares = "select count(*) from shard s join node n on n.id = s.node group by n.id order by 1";
    sqlx::query_scalar(shares).fetch_all(fixture.pool()).await.unwrap()
}

async fn begin(fixture: &Fixture, names: impl Iterator<Item = String>, wake: &[&Engine]) -> Vec<(SagaId, String)> {
    let mut begun = Vec::new();
    for name in names {
        let item = rehearsals::start(rehearsals::params(&name));
        offer(fixture.pool(), &item).await;
        begun.push((item.saga, name));
    }
    for engine in wake {
        engine.wake();
    }
    begun
}

/// Each went through exactly once.
async fn check_all(fixture: &Fixture, sagas: &[(SagaId, String)]) {
    for (saga, name) in sagas {
        assert_eq!(line(fixture.pool(), *saga).await.state, "Done");
        assert_eq!(fixture.book(name).await, ["note", "reservation", "take"], "{name}");
    }
    assert_eq!(verify::verify(fixture.pool(), |_| {}).await.unwrap().first_break, None);
}

/// The step events of a saga.
async fn steps(fixture: &Fixture, saga: SagaId) -> Vec<StepEvent> {
    let (_, events) = history(fixture.pool(), saga).await;
    let read = |payload: &str| serde_json::from_str::<Record<Value>>(payload).unwrap();
    let step = |record| match record {
        Record::Step(step) => Some(step),
        Record::Business(_) => None,
    };
    events.iter().filter_map(|e| step(read(&e.payload))).collect()
}

async fn two_nodes(fixture: &Fixture) -> (Node, Node) {
    let one = node(fixture, "one", Arc::new(NoHooks), OFTEN).await;
    let two = node(fixture, "two", Arc::new(NoHooks), OFTEN).await;
    until("each has half of the shards", async || shares(fixture).await == [32, 32]).await;
    (one, two)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_the_shards_and_finish_two_hundred_rehearsals() {
    let fixture = Fixture::new().await;
    let one = node(&fixture, "one", Arc::new(NoHooks), OFTEN).await;
    let mut sagas = begin(&fixture, (0..100).map(|n| format!("early {n}")), &[&one.engine]).await;
    // The second joins while the first is at work.
    let two = node(&fixture, "two", Arc::new(NoHooks), OFTEN).await;
    until("each has half of the shards", async || shares(&fixture).await == [32, 32]).await;
    let engines: [&Engine; 2] = [&one.engine, &two.engine];
    sagas.extend(begin(&fixture, (0..100).map(|n| format!("late {n}")), &engines).await);
    rests(&fixture, &engines).await;
    check_all(&fixture, &sagas).await;
    let mut senders = BTreeSet::new();
    for (saga, _) in &sagas {
        let steps = steps(&fixture, *saga).await;
        let sent: Vec<_> = steps
            .into_iter()
            .filter_map(|step| match step {
                StepEvent::Sending { node, .. } => Some(node),
                _ => None,
            })
            .collect();
        assert_eq!(sent.len(), 1, "sent by {sent:?}");
        senders.extend(sent);
    }
    assert_eq!(senders, BTreeSet::from(["one".to_owned(), "two".to_owned()]));
    one.engine.stop(Duration::from_secs(9)).await;
    two.engine.stop(Duration::from_secs(9)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_hands_its_shards_over_at_once() {
    let fixture = Fixture::new().await;
    let (one, two) = two_nodes(&fixture).await;
    let mut sagas = begin(&fixture, (0..40).map(|n| format!("before {n}")), &[&one.engine, &two.engine]).await;
    let (stopped, length) = (Instant::now(), one.store.node.lease().length);
    one.engine.stop(Duration::from_secs(9)).await;
    until("the other has all", async || shares(&fixture).await == [64]).await;
    assert!(stopped.elapsed() * 4 < length, "took {:?} of a lease of {length:?}", stopped.elapsed());
    sagas.extend(begin(&fixture, (0..40).map(|n| format!("after {n}")), &[&two.engine]).await);
    rests(&fixture, &[&two.engine]).await;
    check_all(&fixture, &sagas).await;
    two.engine.stop(Duration::from_secs(9)).await;
}

/// Stands still after the answer to a searchable call, as a suspended machine would.
#[derive(Default)]
struct Stall {
    reached: AtomicBool,
    go_on: Mutex<bool>,
    rung: Condvar,
    sent: AtomicBool,
    appends_afterwards: AtomicUsize,
}

impl Stall {
    fn wake(&self) {
        *self.go_on.lock().unwrap() = true;
        self.rung.notify_all();
    }
}

impl Hooks for Stall {
    fn crash(&self, point: Point, _: SagaId, _: Option<&Open>) -> bool {
        match point {
            Point::AfterSendingMark => self.sent.store(true, Ordering::SeqCst),
            Point::AfterCall if self.sent.load(Ordering::SeqCst) => {
                self.reached.store(true, Ordering::SeqCst);
                tokio::task::block_in_place(|| {
                    let stopped = self.go_on.lock().unwrap();
                    drop(self.rung.wait_while(stopped, |go_on| !*go_on).unwrap());
                });
            }
            Point::BeforeAppend if self.reached.load(Ordering::SeqCst) => {
                self.appends_afterwards.fetch_add(1, Ordering::SeqCst);
            }
            Point::BeforeAppend | Point::AfterAppend | Point::AfterCall => {}
        }
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_append_of_a_node_that_was_taken_for_dead_is_refused_and_nothing_is_done_twice() {
    let fixture = Fixture::new().await;
    let stall = Arc::new(Stall::default());
    let asleep = node(&fixture, "asleep", stall.clone(), SELDOM).await;
    let sagas = begin(&fixture, ["zombie".to_owned()].into_iter(), &[&asleep.engine]).await;
    let saga = sagas[0].0;
    until("it stands still with a call answered", async || stall.reached.load(Ordering::SeqCst)).await;

    sqlx::query("delete from node").execute(fixture.pool()).await.unwrap();
    let heir = node(&fixture, "heir", Arc::new(NoHooks), OFTEN).await;
    until("the other has all", async || shares(&fixture).await == [64]).await;
    let before = line(fixture.pool(), saga).await.sequence;
    stall.wake();
    until("it has given the saga up", async || asleep.engine.busy() == 0).await;
    assert_eq!(stall.appends_afterwards.load(Ordering::SeqCst), 1, "it tried to write the answer");
    assert_eq!(line(fixture.pool(), saga).await.sequence, before, "and was refused");

    // After the deadline of the send the heir looks it up.
    fixture.advance(TimeDelta::minutes(2)).await;
    until("the saga is finished", async || finished(&line(fixture.pool(), saga).await)).await;
    check_all(&fixture, &sagas).await;
    let steps = steps(&fixture, saga).await;
    let sent = |step: &&StepEvent| matches!(step, StepEvent::Sending { node, .. } if node == "asleep");
    let found = |step: &&StepEvent| matches!(step, StepEvent::Resolved { step, outcome: Outcome::Done { .. }, .. } if step == "take");
    assert_eq!((steps.iter().filter(sent).count(), steps.iter().filter(found).count()), (1, 1), "{steps:#?}");
    heir.engine.stop(Duration::from_secs(9)).await;
    asleep.engine.stop(Duration::from_secs(9)).await;
}
