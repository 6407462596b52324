//! The trait that a flow implements: a decider and what belongs to it. Pure: times and ids arrive in what it is given.

use super::effect::{Claim, Effect, Message};
use super::forms::Change;
use super::money::Money;
use super::outcome::Outcome;
use super::park::ParkCode;
use super::posting::Posting;
use super::priority::Priority;
use super::step::{Calls, StepSpec};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use uuid::Uuid;

/// A flow: pure functions over its own state.
pub trait Saga: Sized + Send + Sync + 'static {
    /// One spelling for the log, the command line and the docs.
    const NAME: &'static str;
    /// Version of the definition; pinned by each saga at its start.
    const VERSION: u32;
    /// What the flow is for, in one sentence.
    const PURPOSE: &'static str;
    /// Every step, in the order of the normal path.
    const STEPS: &'static [StepSpec];
    /// Who goes first where a vendor takes fewer calls than are wanted.
    const PRIORITY: Priority = Priority::Webhook;
    /// What the normal path costs at most at vendors that count calls: what a forecast reckons for one that waits.
    const COSTS: &'static [Calls] = &[];

    /// What the flow remembers.
    type State: Default + Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync;
    /// What comes from outside: triggers, signals, decisions.
    type Command: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync;
    /// What happened, in the field's words.
    type Event: BusinessEvent;

    /// What follows from an input: events, or a refusal. No event: it changes nothing.
    ///
    /// # Errors
    /// The command is refused in the present state; the refusal goes on record.
    fn decide(state: &Self::State, input: Input<'_, Self::Command>, at: &At) -> Result<Vec<Self::Event>, Refusal>;

    /// The state after an event.
    fn evolve(state: &mut Self::State, event: &Self::Event);

    /// What is wanted now. Computed from the state, never remembered.
    fn pending(state: &Self::State) -> Pending;

    /// The effect that undoes a completed step, for steps whose `Undo` is `Effect`.
    fn undo(state: &Self::State, step: &str) -> Option<Effect>;

    /// A person calls it off before its pivot: the events after which the flow wants all that was done undone. The engine
    /// has seen to it that no call of it is open or unknown.
    ///
    /// # Errors
    /// Nothing of it can be undone, or not now.
    fn call_off(_state: &Self::State, _reason: &str, _at: &At) -> Result<Vec<Self::Event>, Refusal> {
        Err(Refusal::new("nothing_to_undo", "no step of this flow is ever undone; let it end, or abandon it"))
    }

    /// What the tables beside the log take from an event.
    fn facts(state_after: &Self::State, event: &Self::Event) -> Facts;

    /// One line about the saga for lists.
    fn summary(state: &Self::State) -> Summary;
}

/// A business event.
pub trait BusinessEvent: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync {
    /// The names of all of them: the flow's own, and those that it shares with others.
    const NAMES: &'static [&'static [&'static str]] = &[];
    /// Which of them have another form than at first.
    const CHANGES: &'static [Change] = &[];

    /// Past tense, stable for ever: `PaymentCaptured`.
    fn name(&self) -> &'static str;
}

/// Names the events of a flow by their variants, so that neither can change without the other. A flow whose events have
/// other forms than at first gives its list of them: `Event, CHANGES: …`. One that tells people ends with `; Told`: the
/// variant whose events, and their names, are those of `telling::Told`; one that sells, too, with `; Told, Selling`.
/// `shared` names events that several flows have beside their own.
macro_rules! event_names {
    (shared $event:ty: $($name:ident),* $(,)?) => {
        impl $event {
            /// The names of all of them.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The event's name.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)*
                }
            }
        }
    };
    ($event:ty $(, $changes:ident)?: $($name:ident),* $(,)? $(; $told:ident $(, $selling:ident)?)?) => {
        impl crate::kernel::saga::BusinessEvent for $event {
            const NAMES: &'static [&'static [&'static str]] = &[
                &[$(stringify!($name)),*]
                $(, &crate::kernel::telling::$told::<()>::NAMES $(, crate::kernel::selling::$selling::NAMES)?)?
            ];
            $(const CHANGES: &'static [crate::kernel::forms::Change] = $changes;)?

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => stringify!($name),)*
                    $(
                        Self::$told(told) => told.name(),
                        $(Self::$selling(selling) => selling.name(),)?
                    )?
                }
            }
        }
    };
}
pub(crate) use event_names;

/// When an input is looked at, and in which zone dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Business time (UTC).
    pub now: DateTime<Utc>,
    /// The books zone's offset from UTC now, in seconds east.
    pub books_offset: i32,
}

impl At {
    /// That instant, in the UTC books zone.
    pub const fn utc(now: DateTime<Utc>) -> Self {
        Self { now, books_offset: 0 }
    }

    /// The date of an instant in the books zone.
    pub fn date(&self, instant: DateTime<Utc>) -> NaiveDate {
        FixedOffset::east_opt(self.books_offset)
            .map_or_else(|| instant.date_naive(), |o| instant.with_timezone(&o).date_naive())
    }
}

/// What a saga is asked to decide on.
#[derive(Debug)]
pub enum Input<'a, C> {
    /// From outside: a trigger, a signal, a decision.
    Command(&'a C),
    /// A step's call has an outcome (`Done`, `Declined` or `Rejected`). An empty answer to a `Rejected` parks the saga.
    Answered(Answered<'a>),
    /// What was requested is stale and was not sent: the step is closed.
    Superseded {
        /// The step's name.
        step: &'a str,
    },
    /// The sleep or the deadline of `pending` has come.
    Due,
    /// All completed steps are undone.
    Unwound {
        /// Why.
        reason: &'a str,
    },
    /// A person resumes a park that the saga asked for.
    Resumed,
}

/// A step's outcome.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The step's name.
    pub step: &'a str,
    /// What was asked.
    pub effect: &'a Effect,
    /// How it ended.
    pub outcome: &'a Outcome,
    /// Further approved hits of the same reference that a look-up found.
    pub extra: &'a [String],
}

/// How the signal of an await begins that people must hear of at once: a deadline of theirs comes near.
pub const URGENT: &str = "deadline: ";

/// What a saga wants now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// Perform an effect.
    Perform {
        /// One of `STEPS`.
        step: &'static str,
        /// Which time the step is done in this saga (an attempt's number); tells repeated steps apart.
        n: u32,
        /// What to do.
        effect: Box<Effect>,
        /// Sent later than this, it would rest on stale facts: it is closed as superseded instead.
        fresh_until: Option<DateTime<Utc>>,
    },
    /// Await a signal until a deadline.
    Await {
        /// What is awaited, for people. One that begins with [`URGENT`] is told to whoever is on call.
        signal: &'static str,
        /// Then `Due` is decided on.
        until: DateTime<Utc>,
    },
    /// Sleep until a time.
    Sleep {
        /// Why, for people.
        why: &'static str,
        /// Then `Due` is decided on.
        until: DateTime<Utc>,
    },
    /// A person must look.
    Park {
        /// From the closed list.
        code: ParkCode,
        /// What happened and what to do, in one or two sentences.
        detail: String,
    },
    /// Undo all completed compensatable steps.
    Unwind {
        /// Why.
        reason: String,
    },
    /// Nothing: it is finished. A later command may open it again.
    Ended(End),
}

impl Pending {
    /// Perform an effect, whenever its turn comes.
    pub(crate) fn perform(step: &'static str, n: u32, effect: Effect) -> Self {
        Self::Perform { step, n, effect: Box::new(effect), fresh_until: None }
    }

    /// A telling that gives way, unsent, once the time of what is waited for beside it has come: a vendor that is away keeps
    /// nothing but its own news waiting.
    pub(crate) fn giving_way_to(self, beside: &Self) -> Self {
        match beside {
            Self::Await { until, .. } | Self::Sleep { until, .. } => self.fresh(Some(*until)),
            Self::Perform { .. } | Self::Park { .. } | Self::Unwind { .. } | Self::Ended(_) => self,
        }
    }

    /// A call that rests on facts with an end.
    pub(crate) fn fresh(mut self, end: Option<DateTime<Utc>>) -> Self {
        if let Self::Perform { fresh_until, .. } = &mut self {
            *fresh_until = end;
        }
        self
    }
}

/// How a saga ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All was done.
    Completed,
    /// All that was done is undone.
    Compensated,
    /// There was nothing for us to do; what is shown elsewhere was noted.
    Mirrored,
    /// Given up by policy, with nothing half done.
    GivenUp,
}

impl End {
    /// The word in lists.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Compensated => "compensated",
            Self::Mirrored => "mirrored",
            Self::GivenUp => "given_up",
        }
    }
}

/// A command that is not acceptable now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Stable word: `not_parked`, `wrong_state` …
    pub code: String,
    /// What happened, what it means, what to do.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// What the tables beside the log take from one event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Movements for the ledger.
    pub postings: Vec<Posting>,
    /// Changes to claims and holds that ride in the append.
    pub marks: Vec<Mark>,
    /// Ids by which the saga and the event are found: (kind, value), e.g. (`braintree_transaction`, `k3v9p2ab`).
    pub references: Vec<(&'static str, String)>,
    /// The money that the event speaks of.
    pub amount: Option<Money>,
    /// What other flows are told by it: it comes with the append, so that what happened is told, once, and holds nothing up.
    pub tells: Vec<Message>,
}

/// A change that rides in the append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// The claim was relied on: it stays until it is released.
    Confirm(Claim),
    /// The claim is let go.
    Release(Claim),
    /// Collection of an invoice is put on hold.
    Hold {
        /// Zoho invoice id; or all invoices of a subscription ([`held_subscription`]).
        invoice: String,
        /// Reason word.
        reason: &'static str,
    },
    /// The hold is lifted.
    LiftHold {
        /// As it was put.
        invoice: String,
        /// Reason word.
        reason: &'static str,
    },
    /// A card's counted charge was really sent and answered.
    SpendCard {
        /// The order id that was counted.
        order_id: String,
    },
    /// A single-use input is erased.
    EraseInput {
        /// Its id.
        input: Uuid,
    },
    /// Values that were kept beside the log until this event are erased.
    ForgetValues {
        /// Our customer id: whose they are.
        customer: String,
        /// Under which they are kept.
        mark: String,
    },
    /// A card's counted charge was not made.
    GiveBackCard {
        /// The order id that was counted.
        order_id: String,
    },
}

/// Under which name collection of all that a Zoho subscription owes is put on hold, invoices that are still to come
/// included.
pub fn held_subscription(subscription: &str) -> String {
    format!("sub:{subscription}")
}

/// One line about a saga.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The flow's own state word: `Charging`, `Recorded` …
    pub state: String,
    /// A short title: the invoice's number.
    pub title: String,
    /// Our customer id.
    pub customer: Option<String>,
    /// The money concerned.
    pub amount: Option<Money>,
}
