//! The list of sagas as values: what the engine needs of a saga without knowing its type.
//!
//! The generic shell is thin on purpose: it decodes, asks, encodes. The loop around it is compiled once.

use crate::store::append::{Append, ItemMark};
use crate::store::log::StoredEvent;
use crate::store::saga_store::{self, Context, Loaded, Unreadable};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use sagas::for_each_saga;
use sagas::kernel::flow::{Flow, Open, StepEvent};
use sagas::kernel::ids::SagaId;
use sagas::kernel::invariant::Broken;
use sagas::kernel::machine::{self, Command, What, Work};
use sagas::kernel::order::Order;
use sagas::kernel::priority::Priority;
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{At, Refusal, Saga};
use sagas::kernel::step::Calls;
use sagas::kernel::verb::{Needs, Verb};
use serde_json::Value;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use uuid::Uuid;

/// One version of a flow's definition.
pub trait Kind: Send + Sync {
    /// The flow's name.
    fn name(&self) -> &'static str;
    /// The definition's version.
    fn version(&self) -> u32;
    /// What it is for.
    fn purpose(&self) -> &'static str;
    /// What its normal path costs at vendors that count calls.
    fn costs(&self) -> &'static [Calls];
    /// Whether a command can be read as one of this flow's.
    ///
    /// # Errors
    /// What is wrong with it, for the person who sent it.
    fn check_command(&self, command: &Value) -> Result<(), String>;
    /// The saga with that history.
    ///
    /// # Errors
    /// The history cannot be read by this release.
    fn load(&self, id: SagaId, history: &[StoredEvent]) -> Result<Box<dyn Live>, Unreadable>;
    /// What the tables beside the log hold of a saga with that history, as one append of all of it. `changed_at`: when
    /// its row was written (UTC), since due times are told as seen from then.
    ///
    /// # Errors
    /// The history cannot be read by this release.
    fn project(&self, id: SagaId, history: &[StoredEvent], changed_at: DateTime<Utc>) -> Result<Append, Unreadable>;
    /// Step events of that history that must not follow on those before them, each with its sequence.
    ///
    /// # Errors
    /// The history cannot be read by this release.
    fn disorder(&self, history: &[StoredEvent]) -> Result<Vec<(u64, Broken)>, Unreadable>;
}

/// On what terms a call is made.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Who goes first.
    pub priority: Priority,
    /// Calls that must be possible afterwards.
    pub records: &'static [Calls],
    /// What the saga's normal path costs.
    pub costs: &'static [Calls],
}

/// A saga in memory.
#[async_trait]
pub trait Live: Send + Sync {
    /// How many events it has.
    fn sequence(&self) -> u64;
    /// What should be done now.
    fn work(&self, now: DateTime<Utc>) -> Work;
    /// The engine's side of its state.
    fn flow(&self) -> &Flow;
    /// On what terms the open call is made.
    fn terms(&self, open: &Open) -> Terms;
    /// What must be known before a verb is obeyed.
    fn needs(&self, verb: &Verb, now: DateTime<Utc>) -> Needs;
    /// The last decision was not written: what would be done next, and the engine's side of the state after it.
    fn foreseen(&self, now: DateTime<Utc>) -> Option<(Work, &Flow)>;
    /// What a command leads to, not yet applied: [`Live::written`] applies it once it is in the log.
    ///
    /// # Errors
    /// The command is not acceptable.
    async fn decide(&mut self, what: What<Value>, at: At, principal: &str, items: Vec<Uuid>)
    -> Result<Append, Refusal>;
    /// The last decision was written.
    fn written(&mut self);
}

/// The definitions of all flows. A flow may have several at a time: a saga keeps the one that it was started with.
pub struct Registry {
    kinds: BTreeMap<&'static str, BTreeMap<u32, Box<dyn Kind>>>,
}

impl Registry {
    /// All sagas of the product.
    ///
    /// # Errors
    /// A saga's declaration breaks a law.
    pub fn all() -> Result<Self, String> {
        let mut registry = Self { kinds: BTreeMap::new() };
        macro_rules! add {
            ($($saga:ty,)*) => { $(registry.add::<$saga>()?;)* };
        }
        for_each_saga!(add);
        Ok(registry)
    }

    /// These and one more: a flow that is measured or tested, and no part of the product.
    ///
    /// # Errors
    /// The saga's declaration breaks a law.
    pub fn with<S: Saga>(mut self) -> Result<Self, String> {
        self.add::<S>()?;
        Ok(self)
    }

    fn add<S: Saga>(&mut self) -> Result<(), String> {
        machine::check_declaration::<S>()?;
        let versions = self.kinds.entry(S::NAME).or_default();
        match versions.insert(S::VERSION, Box::new(Shell::<S>(PhantomData))) {
            None => Ok(()),
            Some(_) => Err(format!("version {} of {} is declared twice", S::VERSION, S::NAME)),
        }
    }

    /// The newest definition of that flow: what a new saga begins with.
    pub fn kind(&self, name: &str) -> Option<&dyn Kind> {
        self.kinds.get(name)?.values().next_back().map(AsRef::as_ref)
    }

    /// The newest definition of every flow, by name.
    pub fn kinds(&self) -> impl Iterator<Item = &dyn Kind> {
        self.kinds.values().filter_map(|versions| versions.values().next_back()).map(AsRef::as_ref)
    }

    /// The definition that the saga with that history pins; the newest where it pins none yet.
    ///
    /// # Errors
    /// This release has no such definition: the saga is not run with another one.
    pub fn pinned(&self, name: &str, history: &[StoredEvent]) -> Result<&dyn Kind, Unreadable> {
        let Some(newest) = self.kind(name) else {
            return Err(Unreadable::Newer(format!("this release knows no flow `{name}`")));
        };
        let Some(version) = pin(history) else { return Ok(newest) };
        let known = self.kinds.get(name).and_then(|versions| versions.get(&version));
        known.map(AsRef::as_ref).ok_or_else(|| {
            let lacks = format!("this release does not have version {version} of the flow `{name}`");
            if version > newest.version() { Unreadable::Newer(lacks) } else { Unreadable::Broken(lacks) }
        })
    }
}

/// The definition's version that a history begins with; none before the saga has started.
fn pin(history: &[StoredEvent]) -> Option<u32> {
    history.iter().find_map(|event| {
        let is_start = event.name == "step.started";
        match is_start.then(|| serde_json::from_str::<Record<Value>>(&event.payload)) {
            Some(Ok(Record::Step(StepEvent::Started { version }))) => Some(version),
            _ => None,
        }
    })
}

struct Shell<S>(PhantomData<fn() -> S>);

impl<S: Saga> Kind for Shell<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn version(&self) -> u32 {
        S::VERSION
    }

    fn purpose(&self) -> &'static str {
        S::PURPOSE
    }

    fn costs(&self) -> &'static [Calls] {
        S::COSTS
    }

    fn check_command(&self, command: &Value) -> Result<(), String> {
        read_command::<S>(command.clone()).map(drop).map_err(|refusal| refusal.message)
    }

    fn load(&self, id: SagaId, history: &[StoredEvent]) -> Result<Box<dyn Live>, Unreadable> {
        let mut loaded = Loaded { saga: Recorded::<S>::default(), sequence: 0 };
        for event in history {
            loaded.saga.evolve(&saga_store::read_event::<S>(event)?);
            loaded.sequence = event.seq;
        }
        Ok(Box::new(InMemory { id, loaded, decided: None }))
    }

    fn project(&self, id: SagaId, history: &[StoredEvent], changed_at: DateTime<Utc>) -> Result<Append, Unreadable> {
        let events = history.iter().map(saga_store::read_event::<S>).collect::<Result<Vec<_>, _>>()?;
        let context = Context { principal: "", items: Vec::new(), now: changed_at };
        let append = saga_store::build_append::<S>(id, &Loaded::default(), &events, context);
        append.map(|(append, _)| append).map_err(|e| Unreadable::Broken(e.to_string()))
    }

    fn disorder(&self, history: &[StoredEvent]) -> Result<Vec<(u64, Broken)>, Unreadable> {
        let (mut saga, mut order) = (Recorded::<S>::default(), Order::default());
        let mut broken = Vec::new();
        for stored in history {
            let event = saga_store::read_event::<S>(stored)?;
            if let Record::Step(step) = &event
                && let Err(found) = order.follow(&saga.flow, step)
            {
                broken.push((stored.seq, found));
            }
            saga.evolve(&event);
        }
        Ok(broken)
    }
}

struct InMemory<S: Saga> {
    id: SagaId,
    loaded: Loaded<S>,
    decided: Option<Loaded<S>>,
}

#[async_trait]
impl<S: Saga> Live for InMemory<S> {
    fn sequence(&self) -> u64 {
        self.loaded.sequence
    }

    fn work(&self, now: DateTime<Utc>) -> Work {
        machine::work(&self.loaded.saga, now)
    }

    fn flow(&self) -> &Flow {
        &self.loaded.saga.flow
    }

    fn terms(&self, open: &Open) -> Terms {
        let spec = S::STEPS.iter().find(|spec| spec.name == open.step).filter(|_| !open.undo);
        Terms {
            priority: saga_store::priority::<S>(open, self.loaded.saga.flow.past_pivot),
            records: spec.map_or(&[], |spec| spec.records),
            costs: S::COSTS,
        }
    }

    fn needs(&self, verb: &Verb, now: DateTime<Utc>) -> Needs {
        machine::needs(&self.loaded.saga, verb, now)
    }

    fn foreseen(&self, now: DateTime<Utc>) -> Option<(Work, &Flow)> {
        let after = &self.decided.as_ref()?.saga;
        Some((machine::work(after, now), &after.flow))
    }

    async fn decide(
        &mut self,
        what: What<Value>,
        at: At,
        principal: &str,
        items: Vec<Uuid>,
    ) -> Result<Append, Refusal> {
        let command = Command { saga: self.id, at, what: what.try_map(read_command::<S>)? };
        let sink = EventSink::default();
        self.loaded.saga.clone().handle(command, &(), &sink).await?;
        let events = sink.collect().await;
        let refused = events.iter().find_map(|event| match event {
            Record::Step(StepEvent::Heard { refused, .. }) => refused.clone(),
            Record::Step(_) | Record::Business(_) => None,
        });
        let items = items.into_iter().map(|item| ItemMark { item, refused: refused.clone() }).collect();
        let context = Context { principal, items, now: at.now };
        let (append, after) = saga_store::build_append::<S>(self.id, &self.loaded, &events, context)
            .map_err(|e| Refusal::new("unwritable", format!("an event cannot be written as JSON: {e}")))?;
        self.decided = Some(after);
        Ok(append)
    }

    fn written(&mut self) {
        if let Some(loaded) = self.decided.take() {
            self.loaded = loaded;
        }
    }
}

fn read_command<S: Saga>(command: Value) -> Result<S::Command, Refusal> {
    serde_json::from_value(command)
        .map_err(|e| Refusal::new("unreadable_command", format!("this is no command of {}: {e}", S::NAME)))
}
