//! The measured saga: five steps, or three that are undone because the fourth is refused. Its calls are Braintree's and
//! Zoho's by name, so that the engine treats them as it treats theirs; who performs them calls the stub.

use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::effect::{Braintree, Effect, Zoho};
use sagas::kernel::money::{Money, currency};
use sagas::kernel::outcome::Outcome;
use sagas::kernel::priority::Priority;
use sagas::kernel::saga::{At, BusinessEvent, End, Facts, Input, Pending, Refusal, Saga, Summary};
use sagas::kernel::step::{Class, StepSpec, Undo};
use serde::{Deserialize, Serialize};

/// Names of the steps.
const NAMES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// The step that the stub refuses.
const REFUSED: usize = 3;

/// The flow: a customer's, who waits for it, or one that nobody waits for.
pub(super) struct Measured<const CUSTOMER: bool = false>;

/// What a measured saga is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    /// Tells the sagas apart.
    pub(super) number: u64,
    /// Its calls can only be searched for.
    pub(super) searchable: bool,
    /// Its fourth call is refused.
    pub(super) refused: bool,
    /// It waits until then before its first call (UTC).
    pub(super) due: Option<DateTime<Utc>>,
}

/// What happens in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    Started { start: Start },
    Woken,
    StepDone { step: String },
    StepRefused { step: String },
    AllUndone,
}

impl BusinessEvent for Event {
    fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "Started",
            Self::Woken => "Woken",
            Self::StepDone { .. } => "StepDone",
            Self::StepRefused { .. } => "StepRefused",
            Self::AllUndone => "AllUndone",
        }
    }
}

/// Where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    start: Option<Start>,
    done: usize,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    #[default]
    Waiting,
    Going,
    Undoing,
    Undone,
}

const fn step(name: &'static str) -> StepSpec {
    StepSpec { name, class: Class::Compensatable, undo: Undo::Effect, records: &[] }
}

impl<const CUSTOMER: bool> Saga for Measured<CUSTOMER> {
    const NAME: &'static str = if CUSTOMER { "measured_customer" } else { "measured" };
    const PRIORITY: Priority = if CUSTOMER { Priority::Customer } else { Priority::Batch };
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Measures the engine";
    const STEPS: &'static [StepSpec] =
        &[step(NAMES[0]), step(NAMES[1]), step(NAMES[2]), step(NAMES[3]), step(NAMES[4])];

    type State = State;
    type Command = Start;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Start>, _: &At) -> Result<Vec<Event>, Refusal> {
        Ok(match input {
            Input::Command(start) if state.start.is_none() => vec![Event::Started { start: start.clone() }],
            Input::Answered(answered) => {
                let step = answered.step.to_owned();
                match answered.outcome {
                    Outcome::Done { .. } => vec![Event::StepDone { step }],
                    Outcome::Declined { .. } | Outcome::Rejected { .. } => vec![Event::StepRefused { step }],
                    Outcome::NotSent { .. } | Outcome::Unknown { .. } => Vec::new(),
                }
            }
            Input::Unwound { .. } => vec![Event::AllUndone],
            Input::Due if state.stage == Stage::Waiting => vec![Event::Woken],
            Input::Command(_) | Input::Superseded { .. } | Input::Due | Input::Resumed => Vec::new(),
        })
    }

    fn evolve(state: &mut State, event: &Event) {
        match event {
            Event::Started { start } => {
                state.stage = if start.due.is_some() { Stage::Waiting } else { Stage::Going };
                state.start = Some(start.clone());
            }
            Event::Woken => state.stage = Stage::Going,
            Event::StepDone { .. } => state.done += 1,
            Event::StepRefused { .. } => state.stage = Stage::Undoing,
            Event::AllUndone => state.stage = Stage::Undone,
        }
    }

    fn pending(state: &State) -> Pending {
        let Some(start) = &state.start else { return Pending::Ended(End::GivenUp) };
        match (state.stage, NAMES.get(state.done)) {
            (Stage::Waiting, _) => Pending::Sleep { why: "its time", until: start.due.unwrap_or_default() },
            (Stage::Undoing, _) => Pending::Unwind { reason: "refused".to_owned() },
            (Stage::Undone, _) => Pending::Ended(End::Compensated),
            (Stage::Going, None) => Pending::Ended(End::Completed),
            (Stage::Going, Some(step)) => {
                let kind = if start.refused && state.done == REFUSED { 'f' } else { 's' };
                let effect = Box::new(effect(start, kind, state.done));
                Pending::Perform { step, n: 1, effect, fresh_until: None }
            }
        }
    }

    fn undo(state: &State, step: &str) -> Option<Effect> {
        let at = NAMES.iter().position(|name| *name == step)?;
        state.start.as_ref().map(|start| effect(start, 'u', at))
    }

    fn facts(_: &State, _: &Event) -> Facts {
        Facts::default()
    }

    fn summary(state: &State) -> Summary {
        let title = state.start.as_ref().map(|start| start.number.to_string()).unwrap_or_default();
        Summary { state: format!("{:?}{}", state.stage, state.done), title, customer: None, amount: None }
    }
}

/// A call whose reference is the stub's path.
fn effect(start: &Start, kind: char, at: usize) -> Effect {
    let reference = format!("{kind}/{at}/{}", start.number);
    match (start.searchable, currency("EUR")) {
        (true, Ok(eur)) => Effect::Zoho(Zoho::RecordPayment {
            customer: "customer".to_owned(),
            invoice: "invoice".to_owned(),
            amount: Money::new(12_900, eur),
            reference,
            date: NaiveDate::default(),
            since: DateTime::<Utc>::UNIX_EPOCH,
        }),
        (true, Err(_)) | (false, _) => Effect::Braintree(Braintree::Void { transaction: reference }),
    }
}

/// The stub's path of a call.
pub(super) fn path(effect: &Effect) -> &str {
    match effect {
        Effect::Braintree(Braintree::Void { transaction }) => transaction,
        Effect::Zoho(Zoho::RecordPayment { reference, .. }) => reference,
        _ => "",
    }
}

/// Appends from the order to the end: the start, each answer, and each mark before a searchable call.
pub(super) const fn appends(searchable: bool, refused: bool) -> u32 {
    match (searchable, refused) {
        (false, false) => 6,
        (true, false) => 11,
        // Four answers and three undos.
        (_, true) => 8,
    }
}
