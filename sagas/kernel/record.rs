//! The blanket adapter: every saga is a cqrs-es `Aggregate` with `Services = ()`. No vendor is ever called in
//! `handle`; it only asks the machine which events follow.

use super::flow::{Flow, StepEvent};
use super::forms;
use super::machine::{self, Command};
use super::saga::{BusinessEvent, Refusal, Saga};
use super::step::{Class, StepSpec, Undo};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use serde::{Deserialize, Serialize};

/// One event of a saga's stream: the flow's own, or the engine's about a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a step event is the larger one in every saga, and lives for one append")]
pub enum Record<E> {
    /// The engine's.
    Step(StepEvent),
    /// The flow's own, in the field's words.
    Business(E),
}

impl<E: BusinessEvent> Record<E> {
    /// The name in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Step(event) => event.name(),
            Self::Business(event) => event.name(),
        }
    }

    /// The number of the form in which it is written.
    pub fn form(&self) -> u32 {
        match self {
            // A step event never changes its form: what is new is a new one.
            Self::Step(_) => 1,
            Self::Business(event) => forms::today(E::CHANGES, event.name()),
        }
    }

    /// The text that the log keeps.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn stored(&self) -> Result<String, serde_json::Error> {
        Ok(forms::write(serde_json::to_string(self)?, self.form()))
    }
}

impl<E: BusinessEvent> DomainEvent for Record<E> {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        self.form().to_string()
    }
}

/// A saga with its engine's state: the aggregate.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Recorded<S: Saga> {
    /// The flow's own state.
    pub business: S::State,
    /// The engine's.
    pub flow: Flow,
}

impl<S: Saga> Default for Recorded<S> {
    fn default() -> Self {
        Self { business: S::State::default(), flow: Flow::default() }
    }
}

impl<S: Saga> Clone for Recorded<S> {
    fn clone(&self) -> Self {
        Self { business: self.business.clone(), flow: self.flow.clone() }
    }
}

impl<S: Saga> Recorded<S> {
    /// A step's declaration.
    pub fn spec(step: &str) -> Option<&'static StepSpec> {
        S::STEPS.iter().find(|s| s.name == step)
    }

    /// The state after an event.
    pub fn evolve(&mut self, event: &Record<S::Event>) {
        match event {
            Record::Step(event) => self.flow.evolve(
                event,
                |step| Self::spec(step).is_some_and(|s| s.undo == Undo::Effect),
                |step| Self::spec(step).is_some_and(|s| s.class == Class::Pivot),
            ),
            Record::Business(event) => S::evolve(&mut self.business, event),
        }
    }
}

impl<S: Saga> Aggregate for Recorded<S> {
    const TYPE: &'static str = S::NAME;
    type Command = Command<S::Command>;
    type Event = Record<S::Event>;
    type Error = Refusal;
    type Services = ();

    async fn handle(
        &mut self,
        command: Self::Command,
        _services: &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Self::Error> {
        // All events first, then the sink: it applies each at once, and nothing may be decided on half a change.
        let events = machine::decide(self, &command)?;
        for event in events {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Self::Event) {
        self.evolve(&event);
    }
}
