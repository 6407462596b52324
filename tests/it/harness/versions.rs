//! Releases that differ: what an earlier one wrote is read as this one would write it; what a newer one wrote is left to it;
//! what nobody can read is parked, and goes on by itself where it can be read.

use super::Fixture as _;
use super::rehearsal::Fixture;
use super::world::{Node, SELDOM, history, line, node, node_of, offer, rests, until};
use crate::rehearsals;
use crate::store_support::Bench;
use attio_billing::engine::explain;
use attio_billing::engine::hooks::NoHooks;
use attio_billing::engine::items::Body;
use attio_billing::engine::registry::{Kind, Registry};
use attio_billing::proof::{checks, rebuild};
use attio_billing::store::append::{Append, NewEvent};
use attio_billing::store::checks::states;
use attio_billing::store::items::{ItemState, NewItem, item_state};
use attio_billing::store::log::StoredEvent;
use attio_billing::store::saga_store::{Unreadable, load};
use attio_billing::store::{query, verify};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::effect::Effect;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use sagas::kernel::step::StepSpec;
use sagas::rehearsal::{Command, Event, Params, Rehearsal, State};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A rehearsal that was undone, in the words of the release before the vendor's words were kept.
const EARLIER: &str = include_str!("../../fixtures/histories/rehearsal/declined_and_undone__Undone.jsonl");

/// The stored text of a history's events, as new events.
fn stored(saga: SagaId, texts: &str, at: DateTime<Utc>) -> Vec<NewEvent> {
    let name = |text: &str| {
        let record: serde_json::Value = serde_json::from_str(text).unwrap();
        let words = record["business"]["event"]
            .as_str()
            .map(|tag| tag.split('_').map(|word| word[..1].to_uppercase() + &word[1..]).collect::<String>());
        words.unwrap_or_else(|| format!("step.{}", record["step"]["event"].as_str().unwrap()))
    };
    let event = |(text, sequence): (&str, u64)| NewEvent {
        name: name(text),
        payload: text.to_owned(),
        at,
        ..crate::store_support::event(saga, sequence)
    };
    texts.lines().zip(1..).map(event).collect()
}

#[tokio::test]
async fn events_of_an_earlier_form_are_read_in_todays_everywhere_and_stay_as_they_were_hashed() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    let (saga, at, registry) = (rehearsals::named("earlier"), crate::store_support::noon(), Registry::all().unwrap());
    let events = stored(saga, EARLIER, at);
    assert!(events.iter().any(|event| event.payload.contains(r#""practice_money_declined","code":"practice""#)));
    // The row is as this release folds it.
    let empty = crate::store_support::append(saga, 0, events);
    log.append(Append { kind: Rehearsal::NAME.to_owned(), ..empty }).await.unwrap();
    let (seen, events) = query::saga(&bench.pool, saga).await.unwrap().unwrap();
    let folded = registry.pinned(&seen.kind, &events).unwrap().project(saga, &events, seen.changed_at).unwrap();
    assert_eq!((folded.row.state.as_str(), folded.version), ("Undone", 1));

    let declined = events.iter().find(|event| event.name == "PracticeMoneyDeclined").unwrap();
    assert!(declined.payload.contains(r#""decline":{"#) && !declined.newer, "{declined:?}");
    let folded = load::<Rehearsal>(&bench.pool, node.shard_of(saga), saga).await.unwrap().saga;
    assert_eq!(Rehearsal::summary(&folded.business).state, "Undone");
    let mended = rebuild::page(&bench.pool, &registry, None, true).await.unwrap();
    assert!(mended.differences.iter().all(|difference| difference.mended), "{mended:?}");
    assert_eq!(rebuild::page(&bench.pool, &registry, None, false).await.unwrap().differences, []);
    let explained = explain::explain(&bench.pool, &registry, saga, At::utc(at)).await.unwrap();
    assert_eq!(explained.saga.state, "Undone");
    let shown = query::transactions(&bench.pool, &query::LogFilter::default(), None, 100).await.unwrap();
    assert!(shown.iter().any(|entry| entry.event.payload == declined.payload), "the transaction log shows it so, too");

    let texts: Vec<String> =
        sqlx::query_scalar("select payload from event order by seq").fetch_all(&bench.pool).await.unwrap();
    assert_eq!(texts, EARLIER.lines().collect::<Vec<_>>(), "nobody touches what was hashed");
    assert_eq!(verify::verify(&bench.pool, |_| {}).await.unwrap().first_break, None);
}

/// A definition that does what a rehearsal does.
macro_rules! definition {
    ($name:ident, $flow:expr, $version:literal) => {
        struct $name;

        impl Saga for $name {
            const NAME: &'static str = $flow;
            const VERSION: u32 = $version;
            const PURPOSE: &'static str = Rehearsal::PURPOSE;
            const STEPS: &'static [StepSpec] = Rehearsal::STEPS;

            type State = State;
            type Command = Command;
            type Event = Event;

            fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
                Rehearsal::decide(state, input, at)
            }

            fn evolve(state: &mut State, event: &Event) {
                Rehearsal::evolve(state, event);
            }

            fn pending(state: &State) -> Pending {
                Rehearsal::pending(state)
            }

            fn undo(state: &State, step: &str) -> Option<Effect> {
                Rehearsal::undo(state, step)
            }

            fn facts(state: &State, event: &Event) -> Facts {
                Rehearsal::facts(state, event)
            }

            fn summary(state: &State) -> Summary {
                Rehearsal::summary(state)
            }
        }
    };
}

definition!(Next, Rehearsal::NAME, 2);
definition!(Third, "third", 3);

async fn next_release(fixture: &Fixture) -> Node {
    let registry = Registry::all().unwrap().with::<Next>().unwrap();
    node_of(registry, fixture, "next", Arc::new(NoHooks), SELDOM).await
}

async fn this_release(fixture: &Fixture) -> Node {
    node(fixture, "this", Arc::new(NoHooks), SELDOM).await
}

/// Starts a rehearsal that waits for a go-ahead, and lets it come to the wait.
async fn waiting(fixture: &Fixture, name: &str, on: &Node) -> SagaId {
    let item = rehearsals::start(Params { await_seconds: Some(600), ..rehearsals::params(name) });
    offer(fixture.pool(), &item).await;
    on.engine.wake();
    let waits = async || {
        let begun = query::saga(fixture.pool(), item.saga).await.unwrap();
        begun.is_some_and(|(line, _)| line.state == "Waiting")
    };
    until("it waits for a go-ahead", waits).await;
    item.saga
}

fn go_ahead(saga: SagaId) -> NewItem {
    NewItem {
        saga,
        saga_kind: Rehearsal::NAME.to_owned(),
        kind: "operator.go_ahead".to_owned(),
        principal: "operator:test".to_owned(),
        body: Body::Saga { command: serde_json::to_value(Command::GoAhead).unwrap() }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}

async fn stop(node: Node) {
    node.engine.stop(Duration::from_secs(9)).await;
}

async fn done(fixture: &Fixture, saga: SagaId, name: &str) {
    until("it is done", async || line(fixture.pool(), saga).await.state == "Done").await;
    assert_eq!(fixture.book(name).await, ["note", "reservation", "take"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_of_a_newer_release_is_left_alone_and_goes_on_where_its_definition_is() {
    let fixture = Fixture::new().await;
    let this = this_release(&fixture).await;
    let pinned = waiting(&fixture, "pinned", &this).await;
    stop(this).await;
    let next = next_release(&fixture).await;
    let newer = waiting(&fixture, "newer", &next).await;
    let told = waiting(&fixture, "told", &next).await;
    stop(next).await;

    // The wait of one is over, and the other is told to go on; neither is touched here, and nobody is asked to look.
    let this = this_release(&fixture).await;
    let before = (line(fixture.pool(), newer).await, line(fixture.pool(), told).await);
    let item = offer(fixture.pool(), &go_ahead(told)).await;
    fixture.advance(TimeDelta::minutes(11)).await;
    this.engine.wake();
    until("both are left alone", async || this.engine.left_alone() == 2).await;
    until("the rest goes on", async || line(fixture.pool(), pinned).await.state == "Undone").await;
    assert_eq!((line(fixture.pool(), newer).await, line(fixture.pool(), told).await), before);
    checks::run(fixture.pool(), this.engine.registry()).await.unwrap();
    checks::daily(fixture.pool(), this.engine.registry()).await.unwrap();
    assert!(states(fixture.pool()).await.unwrap().iter().all(|state| state.passed(Duration::from_mins(1))));
    let told_now = item_state(fixture.pool(), item).await.unwrap().unwrap();
    assert_eq!(told_now.state, ItemState::Ready, "what came for it waits with it");
    stop(this).await;

    let next = next_release(&fixture).await;
    done(&fixture, told, "told").await;
    until("the wait is over", async || line(fixture.pool(), newer).await.state == "Undone").await;
    rests(&fixture, &[&next.engine]).await;
    assert_eq!(next.engine.left_alone(), 0);
    let versions = [pinned, newer, told].map(|saga| line(fixture.pool(), saga));
    let versions: Vec<u32> = futures::future::join_all(versions).await.into_iter().map(|line| line.version).collect();
    assert_eq!(versions, [1, 2, 2], "each keeps the definition that it was started with");
    assert_eq!(verify::verify(fixture.pool(), |_| {}).await.unwrap().first_break, None);
    stop(next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_nobody_can_read_is_parked_alone_and_goes_on_by_itself_once_it_can_be_read() {
    let fixture = Fixture::new().await;
    let this = this_release(&fixture).await;
    let saga = waiting(&fixture, "broken", &this).await;
    stop(this).await;
    // As an event without a number would look to a release that does not know it.
    let change = async |from: &str, to: &str| {
        let changed = sqlx::query("update event set payload = replace(payload, $2, $3) where saga = $1")
            .bind(saga.0)
            .bind(from)
            .bind(to);
        changed.execute(fixture.pool()).await.unwrap();
    };
    change("entry_reserved", "entry_held").await;
    let this = this_release(&fixture).await;
    offer(fixture.pool(), &go_ahead(saga)).await;
    this.engine.wake();
    let parked = async || line(fixture.pool(), saga).await.parked.is_some();
    until("it is parked", parked).await;
    let code = line(fixture.pool(), saga).await.parked.unwrap().0;
    assert_eq!((code.as_str(), this.engine.left_alone()), ("HISTORY_UNREADABLE", 1));
    let other = rehearsals::start(rehearsals::params("other"));
    offer(fixture.pool(), &other).await;
    this.engine.wake();
    until("the others go on", async || {
        query::saga(fixture.pool(), other.saga).await.unwrap().is_some_and(|(line, _)| line.state == "Done")
    })
    .await;
    stop(this).await;

    change("entry_held", "entry_reserved").await;
    let next = next_release(&fixture).await;
    done(&fixture, saga, "broken").await;
    let (line, events) = history(fixture.pool(), saga).await;
    assert_eq!((line.parked, line.version), (None, 1), "nobody had to resume it");
    let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
    assert!(names.windows(2).any(|pair| pair == ["step.parked", "step.unparked"]), "{names:?}");
    assert_eq!(verify::verify(fixture.pool(), |_| {}).await.unwrap().first_break, None);
    stop(next).await;
}

#[test]
fn a_definition_that_this_release_lacks_is_never_replaced_by_another() {
    let registry = Registry::all().unwrap().with::<Third>().unwrap();
    let saga = rehearsals::named("pinned");
    let pinned = |version: u32| {
        let at = crate::store_support::noon();
        let started = StoredEvent {
            shard: 0,
            pos: 1,
            saga,
            seq: 1,
            id: saga.event(1),
            name: "step.started".to_owned(),
            payload: json!({"step": {"event": "started", "version": version}}).to_string(),
            newer: false,
            principal: "test".to_owned(),
            at,
            amount: None,
            booked_at: at,
        };
        registry.pinned(Third::NAME, &[started]).map(Kind::version)
    };
    assert_eq!(pinned(3), Ok(3));
    assert!(matches!(pinned(2), Err(Unreadable::Broken(_))), "a person is asked for the release that has it");
    assert!(matches!(pinned(4), Err(Unreadable::Newer(_))), "it is left to the release that has it");
    assert!(matches!(registry.pinned("unheard_of", &[]).map(Kind::version), Err(Unreadable::Newer(_))));
    assert!(Registry::all().unwrap().with::<Rehearsal>().is_err(), "one definition a version");
}
