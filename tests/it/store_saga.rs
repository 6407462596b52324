//! Sagas over the log: what is written folds back to the same state, cqrs-es runs over it, and people find it again.

use crate::store_support::{Bench, append, eur, event, noon, saga};
use attio_billing::clock::RealClock;
use attio_billing::store::append::Status;
use attio_billing::store::query::{self, LogFilter, SagaCursor, SagaFilter};
use attio_billing::store::saga_store::{Context, Loaded, PRINCIPAL, SagaStore, build_append, load};
use cqrs_es::{CqrsFramework, EventStore};
use futures::TryStreamExt;
use sagas::kernel::answer::Answer;
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::{self, Command, What, Work};
use sagas::kernel::outcome::Outcome;
use sagas::kernel::record::Recorded;
use sagas::kernel::saga::{At, Saga};
use sagas::rehearsal::{self, Params, Rehearsal, Scripts};
use std::collections::HashMap;
use std::sync::Arc;

fn start(park: bool) -> What<rehearsal::Command> {
    let params =
        Params { name: "ada".to_owned(), amount: eur(1000), scripts: Scripts::default(), park, await_seconds: None };
    let command = rehearsal::Command::Start { params };
    What::Deliver { item: None, kind: "operator.rehearse".to_owned(), principal: "operator:ada".to_owned(), command }
}

/// What comes next where every call works.
fn next<S: Saga>(saga: &Recorded<S>) -> Option<What<S::Command>> {
    match machine::work(saga, noon()) {
        Work::Perform(open) if open.effect.exactly_once().needs_sending_mark() => {
            Some(What::Sending { deadline: noon() + chrono::TimeDelta::seconds(30), node: "one".to_owned(), epoch: 1 })
        }
        Work::Perform(open) => Some(done(open.attempt)),
        Work::Wait(_) => saga.flow.open.as_ref().map(|open| done(open.attempt)),
        Work::Look(_) | Work::Due | Work::Idle => None,
    }
}

fn done<C>(attempt: u32) -> What<C> {
    What::Answer { attempt, outcome: Outcome::Done { answer: Answer::Nothing }, request_id: None, latency_ms: 7 }
}

#[tokio::test]
async fn what_was_written_folds_back_to_the_same_state() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    let id = saga(1);
    let (mut now, mut what) = (Loaded::<Rehearsal>::default(), Some(start(false)));
    while let Some(command) = what {
        let events = machine::decide(&now.saga, &Command { saga: id, at: At::utc(noon()), what: command }).unwrap();
        let context = Context { principal: "engine", items: Vec::new(), now: noon() };
        let (append, after) = build_append::<Rehearsal>(id, &now, &events, context).unwrap();
        assert_eq!(log.append(append).await.unwrap().sequence, after.sequence);
        let read = load::<Rehearsal>(&bench.pool, node.shard_of(id), id).await.unwrap();
        assert!(read.saga.business == after.saga.business && read.saga.flow == after.saga.flow);
        assert_eq!(read.sequence, after.sequence);
        what = next(&after.saga);
        now = after;
    }
    let (line, events) = query::saga(&bench.pool, id).await.unwrap().unwrap();
    assert_eq!((line.status, line.ended.as_deref(), line.state.as_str()), (Status::Ended, Some("completed"), "Done"));
    assert_eq!(u64::try_from(events.len()).unwrap(), line.sequence);
    let log = query::transactions(&bench.pool, &LogFilter::default(), None, 100).await.unwrap();
    let names: Vec<_> = log.iter().rev().map(|entry| entry.event.name.as_str()).collect();
    assert_eq!(names, ["RehearsalStarted", "VendorSeen", "EntryReserved", "PracticeMoneyTaken", "EntryNoted"]);
    let money = LogFilter { money_only: true, reference: Some(id.to_string()), ..LogFilter::default() };
    let money = query::transactions(&bench.pool, &money, None, 100).await.unwrap();
    assert_eq!(money.iter().map(|entry| entry.event.amount).collect::<Vec<_>>(), [Some(eur(1000))]);
}

#[tokio::test]
async fn cqrs_es_runs_over_the_log() {
    let bench = Bench::new().await;
    let (node, log) = bench.node("one").await;
    let store = SagaStore::new(bench.pool.clone(), log, node, Arc::new(RealClock));
    let framework: CqrsFramework<Recorded<Rehearsal>, SagaStore> = CqrsFramework::new(store.clone(), vec![], ());
    let id = SagaId::derived("rehearsal", &["ada"]);
    let tell = async |what| {
        let metadata = HashMap::from([(PRINCIPAL.to_owned(), "operator:ada".to_owned())]);
        let command = Command { saga: id, at: At::utc(noon()), what };
        framework.execute_with_metadata(&id.to_string(), command, metadata).await
    };
    tell(start(true)).await.unwrap();
    tell(done(1)).await.unwrap();
    tell(done(1)).await.unwrap();
    let refused = tell(done(1)).await;
    assert!(refused.is_err(), "no step is open");
    let (line, _) = query::saga(&bench.pool, id).await.unwrap().unwrap();
    assert_eq!((line.status, line.parked.unwrap().0.as_str()), (Status::NeedsPerson, "REHEARSAL"));
    let events = EventStore::<Recorded<Rehearsal>>::load_events(&store, &id.to_string()).await.unwrap();
    assert_eq!(events.last().unwrap().sequence, events.len());
    assert_eq!(events[0].metadata[PRINCIPAL], "operator:ada");
}

#[tokio::test]
async fn sagas_and_entries_are_found_by_any_id_and_paged_without_gap_or_repeat() {
    let bench = Bench::new().await;
    let (_node, log) = bench.node("one").await;
    for n in 0..25_u32 {
        let mut one = append(saga(n), 0, vec![event(saga(n), 1), event(saga(n), 2)]);
        one.row.customer = Some(format!("cus_{}", n % 5));
        one.row.due_at = Some(noon());
        one.row.changed_at = noon() + chrono::TimeDelta::seconds(i64::from(n / 3));
        one.events[0].references = vec![("zoho_invoice".to_owned(), format!("inv-{n}"))];
        one.events[1].name = "step.requested".to_owned();
        log.append(one).await.unwrap();
    }
    let pool = &bench.pool;
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let page = query::sagas(pool, &SagaFilter::default(), cursor, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some(SagaCursor { started_at: last.started_at, id: last.id.0 });
        seen.extend(page.iter().map(|line| line.id));
    }
    let unique: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (25, 25));
    let filter = SagaFilter { reference: Some("inv-3".to_owned()), ..SagaFilter::default() };
    assert_eq!(query::sagas(pool, &filter, None, 7).await.unwrap()[0].id, saga(3));
    let filter = SagaFilter { customer: Some("cus_1".to_owned()), status: Some(Status::Running), ..Default::default() };
    assert_eq!(query::sagas(pool, &filter, None, 99).await.unwrap().len(), 5);

    let (mut newest, mut cursor) = (Vec::new(), None);
    loop {
        let page = query::transactions(pool, &LogFilter::default(), cursor, 6).await.unwrap();
        let Some(last) = page.last() else { break };
        cursor = Some(last.cursor());
        newest.extend(page.into_iter().map(|entry| entry.event.id));
    }
    let mut oldest: Vec<_> = query::stream_transactions(pool.clone(), LogFilter::default())
        .map_ok(|entry| entry.event.id)
        .try_collect()
        .await
        .unwrap();
    oldest.reverse();
    assert_eq!((newest.len(), &newest), (25, &oldest), "step events are not shown");
    let filter = LogFilter { reference: Some("inv-3".to_owned()), ..LogFilter::default() };
    let found = query::transactions(pool, &filter, None, 9).await.unwrap();
    assert_eq!(found[0].references, [("zoho_invoice".to_owned(), "inv-3".to_owned())]);
    let filter = LogFilter { customer: Some("cus_2".to_owned()), before: Some(noon()), ..LogFilter::default() };
    assert!(query::transactions(pool, &filter, None, 9).await.unwrap().is_empty());

    let all: Vec<u16> = (0..64).collect();
    let due = query::due(pool, &all, noon(), &[], 100).await.unwrap();
    assert_eq!(due.len(), 25);
    assert_eq!(query::due(pool, &all, noon(), &[due[0].0], 100).await.unwrap(), due[1..]);
    assert_eq!(query::next_due(pool, &all).await.unwrap(), Some(noon()));
    assert_eq!(
        query::census(pool, chrono::Utc::now()).await.unwrap().sagas,
        [("test".to_owned(), Status::Running, 25)]
    );
    assert!(query::forgotten(pool, 9).await.unwrap().is_empty());
}
