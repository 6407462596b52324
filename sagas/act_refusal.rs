//! Act refusal: the answer to an act in Attio that nothing here carries out, so that nobody waits in vain for what they
//! pressed.
//!
//! Started by an act on a subscription record for which there is no flow. It promises: the record says why, and what to do
//! instead, and the act is set back; what Attio refuses for a reason that may pass is tried again. It never touches anything but that sentence and the act.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `answer` | writes the sentence and sets the act back | – |

use crate::kernel::effect::{Attio, Effect, RefusedAct};
use crate::kernel::ids::SagaId;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::retry::PutOff;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::StepSpec;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// What an act refusal can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// An act was pressed that nothing here carries out.
    Pressed {
        /// Record id of the object `subscriptions`.
        record: String,
        /// The act's title.
        act: String,
        /// When it was pressed (UTC): the value's `active_from`.
        pressed_at: DateTime<Utc>,
        /// Why it is not carried out and what to do instead, for the record.
        sentence: String,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    ActRefused {
        record: String,
        act: String,
        pressed_at: DateTime<Utc>,
        sentence: String,
    },
    RefusalShown,
    /// Attio does not take the answer now: a credential, a missing attribute.
    RefusalPutOff {
        code: String,
        again_at: DateTime<Utc>,
    },
    /// The time to try again has come.
    RefusalDue,
    /// The record is gone.
    RefusalNotShown {
        code: String,
    },
}

crate::kernel::saga::event_names!(Event: ActRefused, RefusalShown, RefusalPutOff, RefusalDue, RefusalNotShown);

/// What is to be answered, and whether it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    refusal: Option<RefusedAct>,
    put_off: PutOff,
    over: Option<End>,
}

/// The flow.
pub struct ActRefusal;

impl ActRefusal {
    /// The refusal of one press: the same press gives the same id for ever.
    pub fn id(record: &str, pressed_at: DateTime<Utc>) -> SagaId {
        SagaId::derived(Self::NAME, &[record, &pressed_at.to_rfc3339_opts(SecondsFormat::Nanos, true)])
    }
}

impl Saga for ActRefusal {
    const NAME: &'static str = "act_refusal";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Answers an act in Attio that nothing here carries out: why, and what to do instead";
    const STEPS: &'static [StepSpec] = &[StepSpec::tells("answer")];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        Ok(match input {
            Input::Command(Command::Pressed { record, act, pressed_at, sentence }) => {
                // The same press told again.
                if state.refusal.is_some() {
                    return Ok(Vec::new());
                }
                vec![Event::ActRefused {
                    record: record.clone(),
                    act: act.clone(),
                    pressed_at: *pressed_at,
                    sentence: sentence.clone(),
                }]
            }
            Input::Answered(answered) => match answered.outcome {
                Outcome::Done { .. } => vec![Event::RefusalShown],
                Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
                    vec![Event::RefusalNotShown { code: rejection.code.clone() }]
                }
                Outcome::Rejected { rejection } => {
                    let again_at = state.put_off.again_at(at.now);
                    vec![Event::RefusalPutOff { code: rejection.code.clone(), again_at }]
                }
                // Attio gives no other answer: the machine parks it.
                Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => Vec::new(),
            },
            Input::Due => vec![Event::RefusalDue],
            Input::Superseded { .. } | Input::Unwound { .. } | Input::Resumed => Vec::new(),
        })
    }

    fn evolve(state: &mut State, event: &Event) {
        match event {
            Event::ActRefused { record, act, pressed_at, sentence } => {
                state.refusal = Some(RefusedAct {
                    record: record.clone(),
                    act: act.clone(),
                    pressed_at: *pressed_at,
                    sentence: sentence.clone(),
                });
            }
            Event::RefusalPutOff { again_at, .. } => state.put_off.refused(*again_at),
            Event::RefusalDue => state.put_off.until = None,
            Event::RefusalShown => state.over = Some(End::Completed),
            Event::RefusalNotShown { .. } => state.over = Some(End::GivenUp),
        }
    }

    fn pending(state: &State) -> Pending {
        match (&state.refusal, state.over, state.put_off.until) {
            (_, Some(end), _) => Pending::Ended(end),
            (None, None, _) => Pending::Ended(End::GivenUp),
            (Some(_), None, Some(until)) => Pending::Sleep { why: "Attio refuses the answer for now", until },
            (Some(refusal), None, None) => Pending::Perform {
                step: "answer",
                n: state.put_off.refusals + 1,
                effect: Box::new(Effect::Attio(Attio::RefuseAct(Box::new(refusal.clone())))),
                fresh_until: None,
            },
        }
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(_: &State, event: &Event) -> Facts {
        let references = match event {
            Event::ActRefused { record, .. } => vec![("attio_record", record.clone())],
            Event::RefusalShown | Event::RefusalPutOff { .. } | Event::RefusalDue | Event::RefusalNotShown { .. } => {
                Vec::new()
            }
        };
        Facts { references, ..Facts::default() }
    }

    fn summary(state: &State) -> Summary {
        let word = match (&state.refusal, state.over) {
            (None, _) => "New",
            (Some(_), None) => "Answering",
            (Some(_), Some(End::Completed)) => "Answered",
            (Some(_), Some(End::Compensated | End::Mirrored | End::GivenUp)) => "NotShown",
        };
        let title = state.refusal.as_ref().map_or_else(String::new, |refusal| refusal.act.clone());
        Summary { state: word.to_owned(), title, ..Summary::default() }
    }
}

#[cfg(test)]
mod tests;
