//! Rehearsal: a saga without consequences, on which operators practise. It stays in the product.
//!
//! Started by an operator (`saga rehearse`). It promises nothing to anybody; it takes every road that a real flow
//! takes: a call under a chosen id that is undone, a pivot that is found again only by its reference, a step that is
//! repeated until it is done, a wait with a deadline, a park on purpose.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `look` | looks whether the practice vendor is there | – |
//! | `reserve` | puts an entry in the practice book | `unreserve` |
//! | `take` (pivot) | takes practice money | – |
//! | `note` | notes that it is done | – |

use crate::kernel::answer::Answer;
use crate::kernel::effect::{Effect, Practice, PracticeScript};
use crate::kernel::forms::Change;
use crate::kernel::money::Money;
use crate::kernel::outcome::{Decline, Outcome};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Class, StepSpec, Undo};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How a rehearsal shall go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Names the entry in the practice book.
    pub name: String,
    /// Practice money.
    pub amount: Money,
    /// How the steps go.
    #[serde(default)]
    pub scripts: Scripts,
    /// Parks after `reserve` until somebody resumes it.
    #[serde(default)]
    pub park: bool,
    /// Waits after `reserve` for a go-ahead, at most so many seconds; then it undoes.
    #[serde(default)]
    pub await_seconds: Option<u32>,
}

/// How each call goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scripts {
    /// Of `reserve`.
    pub reserve: PracticeScript,
    /// Of the undo of `reserve`.
    pub unreserve: PracticeScript,
    /// Of `take`.
    pub take: PracticeScript,
    /// Of `note`.
    pub note: PracticeScript,
}

/// What a rehearsal can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Begin.
    Start {
        /// How it shall go.
        params: Params,
    },
    /// Go on, where it waits for it.
    GoAhead,
}

/// What happened in a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    RehearsalStarted { params: Params },
    VendorSeen,
    EntryReserved { wait_until: Option<DateTime<Utc>> },
    ReleasedByOperator,
    GoAheadGiven,
    GoAheadMissed,
    PracticeMoneyTaken { reference: String },
    PracticeMoneyDeclined { decline: Box<Decline> },
    CalledOff { reason: String },
    ReservationDeclined { decline: Box<Decline> },
    EntryNoted,
    RehearsalUndone { reason: String },
}

/// Since form 2 a decline is told in the vendor's words, as in the flows that this one is practice for; form 1 had its code.
const CHANGES: &[Change] = &[
    Change { event: "PracticeMoneyDeclined", form: 2, upcast: in_the_vendors_words },
    Change { event: "ReservationDeclined", form: 2, upcast: in_the_vendors_words },
];

fn in_the_vendors_words(mut event: Value) -> Value {
    if let Some(fields) = event.as_object_mut()
        && let Some(code) = fields.remove("code")
    {
        let decline = json!({
            "kind": "processor", "code": code, "text": "",
            "response_type": null, "advice_code": null, "transaction": null, "brand": null,
        });
        fields.insert("decline".to_owned(), decline);
    }
    event
}

crate::kernel::saga::event_names!(
    Event, CHANGES:
    RehearsalStarted,
    VendorSeen,
    EntryReserved,
    ReleasedByOperator,
    GoAheadGiven,
    GoAheadMissed,
    PracticeMoneyTaken,
    PracticeMoneyDeclined,
    CalledOff,
    ReservationDeclined,
    EntryNoted,
    RehearsalUndone,
);

/// Where a rehearsal stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    params: Option<Params>,
    stage: Stage,
}

/// The stages of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
enum Stage {
    #[default]
    NotStarted,
    Looking,
    Reserving,
    ParkedOnPurpose,
    Waiting {
        until: DateTime<Utc>,
    },
    Taking,
    Noting,
    Undoing {
        reason: String,
    },
    Done,
    Undone,
}

/// The flow.
pub struct Rehearsal;

impl Params {
    fn id(&self) -> String {
        format!("practice-{}", self.name)
    }
}

impl State {
    /// After the reservation and its waits.
    fn after_reserve(params: &Params, wait_until: Option<DateTime<Utc>>) -> Stage {
        match (params.park, wait_until) {
            (true, _) => Stage::ParkedOnPurpose,
            (false, Some(until)) => Stage::Waiting { until },
            (false, None) => Stage::Taking,
        }
    }
}

impl Saga for Rehearsal {
    const NAME: &'static str = "rehearsal";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Practice for operators: every road of a real flow, without consequences";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("look"),
        StepSpec::makes("reserve"),
        StepSpec::new("take", Class::Pivot, Undo::None("after it there is only forward")),
        StepSpec::forward("note"),
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        Ok(match input {
            Input::Command(Command::Start { params }) => {
                if state.params.is_some() {
                    return Err(Refusal::new("already_started", "this rehearsal runs already"));
                }
                if !params.amount.is_positive() {
                    return Err(Refusal::new("amount", "`amount` must be more than zero, e.g. 10.00 EUR"));
                }
                vec![Event::RehearsalStarted { params: params.clone() }]
            }
            Input::Command(Command::GoAhead) => match state.stage {
                Stage::Waiting { .. } => vec![Event::GoAheadGiven],
                _ => return Err(Refusal::new("not_waiting", "this rehearsal does not wait for a go-ahead")),
            },
            Input::Answered(answered) => answered_step(state, answered.step, answered.outcome, at),
            Input::Due => vec![Event::GoAheadMissed],
            Input::Unwound { reason } => vec![Event::RehearsalUndone { reason: reason.to_owned() }],
            Input::Resumed => vec![Event::ReleasedByOperator],
            Input::Superseded { .. } => Vec::new(),
        })
    }

    fn evolve(state: &mut State, event: &Event) {
        state.stage = match event {
            Event::RehearsalStarted { params } => {
                state.params = Some(params.clone());
                Stage::Looking
            }
            Event::VendorSeen => Stage::Reserving,
            Event::EntryReserved { wait_until } => match &state.params {
                Some(params) => State::after_reserve(params, *wait_until),
                None => Stage::Taking,
            },
            Event::ReleasedByOperator | Event::GoAheadGiven => Stage::Taking,
            Event::GoAheadMissed => Stage::Undoing { reason: "no go-ahead came in time".to_owned() },
            Event::PracticeMoneyTaken { .. } => Stage::Noting,
            Event::PracticeMoneyDeclined { decline } | Event::ReservationDeclined { decline } => {
                let said = format!("declined: {} {}", decline.code, decline.text);
                Stage::Undoing { reason: said.trim_end().to_owned() }
            }
            Event::CalledOff { reason } => Stage::Undoing { reason: reason.clone() },
            Event::EntryNoted => Stage::Done,
            Event::RehearsalUndone { .. } => Stage::Undone,
        };
    }

    fn pending(state: &State) -> Pending {
        let Some(params) = &state.params else {
            // Only a refused start leaves a stream without parameters.
            return Pending::Ended(End::GivenUp);
        };
        let perform = |step, practice| Pending::Perform {
            step,
            n: 1,
            effect: Box::new(Effect::Practice(practice)),
            fresh_until: None,
        };
        match &state.stage {
            Stage::NotStarted => Pending::Ended(End::GivenUp),
            Stage::Looking => perform("look", Practice::Look),
            Stage::Reserving => {
                perform("reserve", Practice::Reserve { id: params.id(), script: params.scripts.reserve })
            }
            Stage::ParkedOnPurpose => Pending::Park {
                code: ParkCode::Rehearsal,
                detail: "parked on purpose: resume it to see it go on".to_owned(),
            },
            Stage::Waiting { until } => Pending::Await { signal: "go-ahead", until: *until },
            Stage::Taking => perform(
                "take",
                Practice::Take { reference: params.id(), amount: params.amount, script: params.scripts.take },
            ),
            Stage::Noting => perform("note", Practice::Note { id: params.id(), script: params.scripts.note }),
            Stage::Undoing { reason } => Pending::Unwind { reason: reason.clone() },
            Stage::Done => Pending::Ended(End::Completed),
            Stage::Undone => Pending::Ended(End::Compensated),
        }
    }

    fn undo(state: &State, step: &str) -> Option<Effect> {
        let params = state.params.as_ref()?;
        (step == "reserve")
            .then(|| Effect::Practice(Practice::Unreserve { id: params.id(), script: params.scripts.unreserve }))
    }

    fn call_off(_: &State, reason: &str, _: &At) -> Result<Vec<Event>, Refusal> {
        Ok(vec![Event::CalledOff { reason: reason.to_owned() }])
    }

    fn facts(state: &State, event: &Event) -> Facts {
        let amount = match event {
            Event::PracticeMoneyTaken { .. } => state.params.as_ref().map(|p| p.amount),
            Event::RehearsalStarted { .. }
            | Event::VendorSeen
            | Event::EntryReserved { .. }
            | Event::ReleasedByOperator
            | Event::GoAheadGiven
            | Event::GoAheadMissed
            | Event::PracticeMoneyDeclined { .. }
            | Event::ReservationDeclined { .. }
            | Event::CalledOff { .. }
            | Event::EntryNoted
            | Event::RehearsalUndone { .. } => None,
        };
        Facts { amount, ..Facts::default() }
    }

    fn summary(state: &State) -> Summary {
        let word = match state.stage {
            Stage::NotStarted => "NotStarted",
            Stage::Looking => "Looking",
            Stage::Reserving => "Reserving",
            Stage::ParkedOnPurpose => "ParkedOnPurpose",
            Stage::Waiting { .. } => "Waiting",
            Stage::Taking => "Taking",
            Stage::Noting => "Noting",
            Stage::Undoing { .. } => "Undoing",
            Stage::Done => "Done",
            Stage::Undone => "Undone",
        };
        Summary {
            state: word.to_owned(),
            title: state.params.as_ref().map_or_else(String::new, |p| p.name.clone()),
            customer: None,
            amount: state.params.as_ref().map(|p| p.amount),
        }
    }
}

/// What a step's outcome means.
fn answered_step(state: &State, step: &str, outcome: &Outcome, at: &At) -> Vec<Event> {
    match (step, outcome) {
        ("look", Outcome::Done { .. }) => vec![Event::VendorSeen],
        ("reserve", Outcome::Done { .. }) => {
            let seconds = state.params.as_ref().and_then(|p| p.await_seconds);
            vec![Event::EntryReserved { wait_until: seconds.map(|s| at.now + TimeDelta::seconds(i64::from(s))) }]
        }
        ("reserve", Outcome::Declined { decline }) => {
            vec![Event::ReservationDeclined { decline: Box::new(decline.clone()) }]
        }
        ("take", Outcome::Done { answer: Answer::Nothing }) => {
            let reference = state.params.as_ref().map(Params::id).unwrap_or_default();
            vec![Event::PracticeMoneyTaken { reference }]
        }
        ("take", Outcome::Declined { decline }) => {
            vec![Event::PracticeMoneyDeclined { decline: Box::new(decline.clone()) }]
        }
        ("note", Outcome::Done { .. }) => vec![Event::EntryNoted],
        // Everything else has no branch here: the machine parks it.
        _ => Vec::new(),
    }
}
