//! One saga of any flow, as the engine's registry sees it: decided on in memory, written to a log, folded from that log
//! after a restart.

use chrono::{DateTime, Utc};
use sagas::kernel::flow::{Flow, StepEvent};
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::{self, Command, What, Work};
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{At, Facts, Refusal, Saga, Summary};
use sagas::payment_method_update;
use sagas::plan_change;
use sagas::subscription_activation::{self, Page};
use sagas::zoho_native;
use serde_json::Value;
use std::any::Any;

/// One event as it was written.
pub(crate) struct Seen {
    /// The engine's state before it.
    pub(crate) before: Flow,
    pub(crate) name: &'static str,
    pub(crate) step: Option<StepEvent>,
    pub(crate) facts: Facts,
    pub(crate) json: String,
}

/// A saga of any flow.
pub(crate) trait Live {
    fn flow_name(&self) -> &'static str;
    fn flow(&self) -> &Flow;
    fn work(&self, now: DateTime<Utc>) -> Work;
    fn summary(&self) -> Summary;
    fn length(&self) -> usize;
    /// The checkout page, where the flow has one.
    fn page(&self, now: DateTime<Utc>) -> Option<Page>;
    /// The page for another card, where the flow has one.
    fn card_page(&self, now: DateTime<Utc>) -> Option<payment_method_update::Page>;
    /// The page that leads to Zoho's, where the flow has one.
    fn native_page(&self, now: DateTime<Utc>) -> Option<zoho_native::Page>;
    /// What may be seen of a plan change.
    fn plan(&self) -> Option<plan_change::View>;
    /// What follows from a command; nothing is written yet.
    fn decide(&mut self, what: What<Value>, now: DateTime<Utc>) -> Result<(), Refusal>;
    /// Drops what was decided: the node died before it was written.
    fn forget(&mut self);
    /// Writes what was decided.
    fn commit(&mut self) -> Vec<Seen>;
    /// Another process folds the log; says what differs from what was in memory.
    fn restart(&mut self) -> Result<(), String>;
}

struct Shell<S: Saga> {
    id: SagaId,
    saga: Recorded<S>,
    drafted: Vec<Record<S::Event>>,
    log: Vec<String>,
    /// The log folded so far, and how many of its lines: each is read back once.
    folded: (Recorded<S>, usize),
}

/// A new saga of the flow of that name.
pub(crate) fn new(flow: &str, id: SagaId) -> Box<dyn Live> {
    macro_rules! shell {
        ($($saga:ty,)*) => { $(
            if flow == <$saga as Saga>::NAME {
                let (saga, folded) = (Recorded::<$saga>::default(), (Recorded::<$saga>::default(), 0));
                return Box::new(Shell::<$saga> { id, saga, drafted: Vec::new(), log: Vec::new(), folded });
            }
        )* };
    }
    sagas::for_each_saga!(shell);
    panic!("there is no flow `{flow}`")
}

impl<S: Saga> Live for Shell<S>
where
    S::State: 'static,
{
    fn flow_name(&self) -> &'static str {
        S::NAME
    }

    fn flow(&self) -> &Flow {
        &self.saga.flow
    }

    fn work(&self, now: DateTime<Utc>) -> Work {
        machine::work(&self.saga, now)
    }

    fn summary(&self) -> Summary {
        S::summary(&self.saga.business)
    }

    fn length(&self) -> usize {
        self.log.len()
    }

    fn page(&self, now: DateTime<Utc>) -> Option<Page> {
        let state = (&self.saga.business as &dyn Any).downcast_ref::<subscription_activation::State>()?;
        Some(subscription_activation::page(state, now))
    }

    fn card_page(&self, now: DateTime<Utc>) -> Option<payment_method_update::Page> {
        let state = (&self.saga.business as &dyn Any).downcast_ref::<payment_method_update::State>()?;
        Some(payment_method_update::page(state, now))
    }

    fn native_page(&self, now: DateTime<Utc>) -> Option<zoho_native::Page> {
        let state = (&self.saga.business as &dyn Any).downcast_ref::<zoho_native::State>()?;
        Some(zoho_native::page(state, now))
    }

    fn plan(&self) -> Option<plan_change::View> {
        let state = (&self.saga.business as &dyn Any).downcast_ref::<plan_change::State>()?;
        Some(plan_change::view(state))
    }

    fn decide(&mut self, what: What<Value>, now: DateTime<Utc>) -> Result<(), Refusal> {
        let what = what.try_map(read_command::<S>)?;
        let command = Command { saga: self.id, at: At::utc(now), what };
        self.drafted = machine::decide(&self.saga, &command)?;
        Ok(())
    }

    fn forget(&mut self) {
        self.drafted.clear();
    }

    fn commit(&mut self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for event in std::mem::take(&mut self.drafted) {
            let before = self.saga.flow.clone();
            self.saga.evolve(&event);
            let facts = match &event {
                Record::Business(event) => S::facts(&self.saga.business, event),
                Record::Step(_) => Facts::default(),
            };
            let json = serde_json::to_string(&event).expect("an event can be written");
            self.log.push(json.clone());
            let name = event.name();
            let step = match event {
                Record::Step(step) => Some(step),
                Record::Business(_) => None,
            };
            seen.push(Seen { before, name, step, facts, json });
        }
        seen
    }

    fn restart(&mut self) -> Result<(), String> {
        self.forget();
        let (again, lines) = &mut self.folded;
        for line in &self.log[*lines..] {
            let event: Record<S::Event> = serde_json::from_str(line).map_err(|e| format!("{e}: {line}"))?;
            again.evolve(&event);
        }
        *lines = self.log.len();
        let same = again.business == self.saga.business && again.flow == self.saga.flow;
        self.saga = again.clone();
        if same { Ok(()) } else { Err(format!("the log of {} folds to another state than the live one", self.id)) }
    }
}

fn read_command<S: Saga>(command: Value) -> Result<S::Command, Refusal> {
    serde_json::from_value(command).map_err(|e| Refusal::new("unreadable", e.to_string()))
}
