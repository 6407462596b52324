//! From a saga's events to an append, and back: the cqrs-es `EventStore` over our log. Decides nothing.

use super::append::{Append, AppendError, ItemMark, NewEvent, SagaRow, Status};
use super::error::{StoreError, unsigned};
use super::items::NewItem;
use super::log::{Log, StoredEvent, events_of};
use super::shards::Node;
use crate::clock::Clock;
use chrono::{DateTime, Utc};
use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore};
use sagas::kernel::flow::{Flow, Open, Phase};
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine;
use sagas::kernel::outcome::NotSent;
use sagas::kernel::posting::journal;
use sagas::kernel::priority::Priority;
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{Facts, Pending, Refusal, Saga};
use sagas::kernel::step::Class;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Metadata key: who caused the events.
pub const PRINCIPAL: &str = "principal";
/// Metadata key: the inbox item that the append applies.
pub const ITEM: &str = "item";

/// A saga as it was loaded, and how many events it has.
pub struct Loaded<S: Saga> {
    /// Folded from its events.
    pub saga: Recorded<S>,
    /// How many there are.
    pub sequence: u64,
}

impl<S: Saga> Default for Loaded<S> {
    fn default() -> Self {
        Self { saga: Recorded::default(), sequence: 0 }
    }
}

impl<S: Saga> Clone for Loaded<S> {
    fn clone(&self) -> Self {
        Self { saga: self.saga.clone(), sequence: self.sequence }
    }
}

/// Why this release cannot read a history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// A newer release wrote it, and says so: that release goes on with it.
    #[error("a newer release wrote this: {0}")]
    Newer(String),
    /// It cannot be said who wrote it.
    #[error("{0}")]
    Broken(String),
}

/// Why a saga cannot be loaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// This release cannot read an event of it.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// One event of a saga.
///
/// # Errors
/// This release cannot read it. What is wrong with it is said without values.
pub fn read_event<S: Saga>(event: &StoredEvent) -> Result<Record<S::Event>, Unreadable> {
    if event.newer {
        return Err(Unreadable::Newer(format!("event {} of saga {}, a {}", event.seq, event.saga, event.name)));
    }
    serde_json::from_str(&event.payload).map_err(|error| {
        let (seq, saga, name) = (event.seq, event.saga, &event.name);
        let what = format!("{:?} at column {}", error.classify(), error.column());
        Unreadable::Broken(format!("event {seq} of saga {saga}, a {name}, cannot be read by this release: {what}"))
    })
}

/// Folds a saga from its stored events; with none it is a new one.
///
/// # Errors
/// The database cannot be reached, or an event cannot be read.
pub async fn load<S: Saga>(pool: &PgPool, shard: u16, saga: SagaId) -> Result<Loaded<S>, LoadError> {
    let mut loaded = Loaded::default();
    for event in events_of(pool, shard, saga).await? {
        loaded.saga.evolve(&read_event::<S>(&event)?);
        loaded.sequence = event.seq;
    }
    Ok(loaded)
}

/// Which flow a saga is of; none: there is no such saga.
///
/// # Errors
/// The database cannot be reached.
pub async fn kind(pool: &PgPool, shard: u16, saga: SagaId) -> Result<Option<String>, StoreError> {
    let kind = sqlx::query_scalar!("select kind from saga where shard = $1 and id = $2", i32::from(shard), saga.0);
    Ok(kind.fetch_optional(pool).await?)
}

/// How many events a saga has, without reading them; 0 where there is no such saga.
///
/// # Errors
/// The database cannot be reached.
pub async fn sequence(pool: &PgPool, shard: u16, saga: SagaId) -> Result<u64, StoreError> {
    let found = sqlx::query_scalar!("select seq from saga where shard = $1 and id = $2", i32::from(shard), saga.0);
    found.fetch_optional(pool).await?.map_or(Ok(0), |seq| unsigned("a sequence", seq))
}

/// What an append is made of beside the events.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// Who caused the events.
    pub principal: &'a str,
    /// Inbox items that the append applies.
    pub items: Vec<ItemMark>,
    /// Business time (UTC).
    pub now: DateTime<Utc>,
}

/// The append of new events, and the saga after them. Facts are taken from the state after each event, so the state
/// before the first is what is needed.
///
/// # Errors
/// An event cannot be written as JSON.
pub fn build_append<S: Saga>(
    saga: SagaId,
    before: &Loaded<S>,
    events: &[Record<S::Event>],
    context: Context<'_>,
) -> Result<(Append, Loaded<S>), serde_json::Error> {
    let mut after = before.clone();
    let mut written = Vec::with_capacity(events.len());
    let mut tells = Vec::new();
    for event in events {
        after.saga.evolve(event);
        after.sequence += 1;
        let facts = match event {
            Record::Business(event) => S::facts(&after.saga.business, event),
            Record::Step(event) => Facts { marks: event.marks(), ..Facts::default() },
        };
        tells.extend(facts.tells.iter().map(|message| NewItem::told(saga, message)));
        let id = saga.event(after.sequence);
        let journals = facts.postings.iter().enumerate().filter_map(|(group, p)| journal(id, group, p)).collect();
        written.push(NewEvent {
            id,
            name: event.name().to_owned(),
            payload: event.stored()?,
            principal: context.principal.to_owned(),
            at: context.now,
            amount: facts.amount,
            references: facts.references.into_iter().map(|(kind, value)| (kind.to_owned(), value)).collect(),
            journals,
            marks: facts.marks,
        });
    }
    let append = Append {
        saga,
        kind: S::NAME.to_owned(),
        version: after.saga.flow.version,
        expected: before.sequence,
        events: written,
        row: row(&after.saga, context.now),
        items: context.items,
        tells,
    };
    Ok((append, after))
}

/// What a saga that wants the engine at once is due at: the same in each of its appends, so that Postgres changes its row
/// without touching an index. It has been due since the row was written.
const AT_ONCE: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// A saga's line in lists.
pub fn row<S: Saga>(saga: &Recorded<S>, now: DateTime<Utc>) -> SagaRow {
    let flow = &saga.flow;
    let summary = S::summary(&saga.business);
    let status = status(flow);
    SagaRow {
        status,
        state: summary.state,
        title: summary.title,
        customer: summary.customer,
        amount: summary.amount,
        due_at: machine::due(saga, now).map(|due| if due <= now { AT_ONCE } else { due }),
        waiting_for: waiting_for(saga, status),
        step: flow.open.as_ref().map(|open| open.step.clone()),
        priority: flow.open.as_ref().map(|open| priority::<S>(open, flow.past_pivot)),
        parked: flow.parked.as_ref().map(|parked| (parked.code, parked.detail.clone(), parked.since)),
        ended: flow.ended,
        changed_at: now,
    }
}

/// Whose turn it is for the open call.
pub fn priority<S: Saga>(open: &Open, past_pivot: bool) -> Priority {
    let spec = S::STEPS.iter().find(|spec| spec.name == open.step);
    S::PRIORITY.of_call(open, spec.map_or(Class::Read, |spec| spec.class), past_pivot)
}

/// What an operator sees first.
fn status(flow: &Flow) -> Status {
    if flow.parked.is_some() {
        return Status::NeedsPerson;
    }
    let Some(open) = &flow.open else {
        return match (flow.ended, &flow.unwinding) {
            (Some(_), _) => Status::Ended,
            (None, Some(_)) => Status::Unwinding,
            (None, None) => Status::Waiting,
        };
    };
    match &open.phase {
        Phase::Unknown { .. } => Status::Resolving,
        Phase::Requested {
            waiting: Some(NotSent::Outage | NotSent::Quota | NotSent::Turn | NotSent::Switch | NotSent::Again),
            ..
        } => Status::WaitingVendor,
        Phase::Requested { .. } | Phase::Sending { .. } if flow.unwinding.is_some() => Status::Unwinding,
        Phase::Requested { .. } | Phase::Sending { .. } => Status::Running,
    }
}

/// What it waits for, in words.
fn waiting_for<S: Saga>(saga: &Recorded<S>, status: Status) -> Option<String> {
    match status {
        Status::Waiting => match S::pending(&saga.business) {
            Pending::Await { signal, .. } => Some(signal.to_owned()),
            Pending::Sleep { why, .. } => Some(why.to_owned()),
            Pending::Perform { .. } | Pending::Park { .. } | Pending::Unwind { .. } | Pending::Ended(_) => None,
        },
        Status::WaitingVendor | Status::Resolving => {
            saga.flow.open.as_ref().map(|open| open.effect.vendor().to_owned())
        }
        Status::Running | Status::Unwinding | Status::NeedsPerson | Status::Ended => None,
    }
}

/// The log as a cqrs-es event store: so that its framework and its tests run over the real thing. The engine itself
/// calls [`load`] and [`build_append`].
#[derive(Debug, Clone)]
pub struct SagaStore {
    pool: PgPool,
    log: Log,
    node: Arc<Node>,
    clock: Arc<dyn Clock>,
}

impl SagaStore {
    /// Over a node's log.
    pub fn new(pool: PgPool, log: Log, node: Arc<Node>, clock: Arc<dyn Clock>) -> Self {
        Self { pool, log, node, clock }
    }
}

/// What cqrs-es hands from loading to committing. Its sink has applied the new events to `current` by then.
pub struct SagaContext<S: Saga> {
    saga: SagaId,
    before: Loaded<S>,
    current: Recorded<S>,
}

impl<S: Saga> AggregateContext<Recorded<S>> for SagaContext<S> {
    fn aggregate(&mut self) -> &mut Recorded<S> {
        &mut self.current
    }
}

impl<S: Saga> EventStore<Recorded<S>> for SagaStore {
    type AC = SagaContext<S>;

    async fn load_events(&self, id: &str) -> Result<Vec<EventEnvelope<Recorded<S>>>, AggregateError<Refusal>> {
        let saga = saga_id(id)?;
        let events = events_of(&self.pool, self.node.shard_of(saga), saga).await.map_err(database)?;
        events
            .into_iter()
            .map(|event| {
                Ok(EventEnvelope {
                    aggregate_id: id.to_owned(),
                    sequence: usize::try_from(event.seq).unwrap_or(usize::MAX),
                    payload: read_event::<S>(&event).map_err(|error| unreadable(error.into()))?,
                    metadata: HashMap::from([(PRINCIPAL.to_owned(), event.principal)]),
                })
            })
            .collect()
    }

    async fn load_aggregate(&self, id: &str) -> Result<SagaContext<S>, AggregateError<Refusal>> {
        let saga = saga_id(id)?;
        let before = load::<S>(&self.pool, self.node.shard_of(saga), saga).await.map_err(|error| match error {
            LoadError::Unreadable(_) => unreadable(error),
            LoadError::Store(error) => database(error),
        })?;
        let current = before.saga.clone();
        Ok(SagaContext { saga, before, current })
    }

    async fn commit(
        &self,
        events: Vec<Record<S::Event>>,
        context: SagaContext<S>,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<Recorded<S>>>, AggregateError<Refusal>> {
        let item = metadata.get(ITEM).map(|item| Uuid::parse_str(item)).transpose().map_err(unexpected)?;
        let beside = Context {
            principal: metadata.get(PRINCIPAL).map_or("engine", String::as_str),
            items: item.into_iter().map(|item| ItemMark { item, refused: None }).collect(),
            now: self.clock.now(),
        };
        let (append, _) = build_append::<S>(context.saga, &context.before, &events, beside).map_err(unexpected)?;
        self.log.append(append).await.map_err(|error| match error {
            AppendError::Conflict { .. } => AggregateError::AggregateConflict,
            AppendError::Unavailable(_) => AggregateError::DatabaseConnectionError(Box::new(error)),
            AppendError::Fenced { .. } | AppendError::Poison { .. } | AppendError::ItemClosed { .. } => {
                unexpected(error)
            }
        })?;
        let first = usize::try_from(context.before.sequence).unwrap_or(usize::MAX) + 1;
        let envelope = |(sequence, payload)| EventEnvelope {
            aggregate_id: context.saga.to_string(),
            sequence,
            payload,
            metadata: metadata.clone(),
        };
        Ok((first..).zip(events).map(envelope).collect())
    }
}

fn saga_id(id: &str) -> Result<SagaId, AggregateError<Refusal>> {
    Uuid::parse_str(id).map(SagaId).map_err(unexpected)
}

fn unexpected(error: impl std::error::Error + Send + Sync + 'static) -> AggregateError<Refusal> {
    AggregateError::UnexpectedError(Box::new(error))
}

fn unreadable(error: LoadError) -> AggregateError<Refusal> {
    AggregateError::DeserializationError(Box::new(error))
}

fn database(error: StoreError) -> AggregateError<Refusal> {
    AggregateError::DatabaseConnectionError(Box::new(error))
}
