//! What an operator may order of a saga, and what must be known before it is obeyed. Pure: what vendors and our own
//! tables say comes in as [`Evidence`].

use super::answer::Answer;
use super::effect::Claim;
use super::flow::Open;
use super::money::Money;
use super::outcome::Look;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An operator's verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Verb {
    /// A parked or paused saga goes on.
    Resume,
    /// What waits to be tried again is tried now.
    Retry,
    /// No new call is sent until it is resumed; look-ups go on.
    Pause,
    /// A step is taken as done without being made.
    Skip {
        /// The step's name, so that never another one is skipped.
        step: String,
        /// What it is taken to have brought.
        result: Supplied,
    },
    /// A call whose outcome is unknown was done.
    DeclareDone {
        /// The vendor's own id of what was done; read there before this is obeyed.
        reference: String,
    },
    /// A call whose outcome is unknown was not done; looked up before this is obeyed.
    DeclareNotDone,
    /// All that was done is undone; never after the pivot.
    Compensate,
    /// It is given up, with nothing half done.
    Abandon,
    /// What is waited for comes at another time.
    MoveDue {
        /// When (UTC).
        to: DateTime<Utc>,
    },
}

/// What a skipped step is taken to have brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "supplied", rename_all = "snake_case")]
pub enum Supplied {
    /// What the vendor holds under this id of its own; read there before it is believed. Money moves by this one alone.
    Reference {
        /// The vendor's id.
        reference: String,
    },
    /// An answer in the words of this release.
    Answer {
        /// As the vendor would have given it.
        answer: Box<Answer>,
    },
}

/// How far a due time may be moved.
pub const MOVED_AT_MOST: TimeDelta = TimeDelta::days(30);

impl Verb {
    /// Every verb's word.
    pub const WORDS: [&'static str; 9] =
        ["resume", "retry", "pause", "skip", "declare-done", "declare-not-done", "compensate", "abandon", "move-due"];

    /// The word on the command line, in the API and in settings.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Retry => "retry",
            Self::Pause => "pause",
            Self::Skip { .. } => "skip",
            Self::DeclareDone { .. } => "declare-done",
            Self::DeclareNotDone => "declare-not-done",
            Self::Compensate => "compensate",
            Self::Abandon => "abandon",
            Self::MoveDue { .. } => "move-due",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A verb with who wants it and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// What.
    pub verb: Verb,
    /// Who.
    pub principal: String,
    /// Why.
    pub reason: String,
    /// The second person who agreed; none where one is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// One of many: never obeyed over an unknown outcome.
    #[serde(default)]
    pub bulk: bool,
}

/// What must be known before a verb is obeyed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Something of a vendor.
    pub call: Option<Asked>,
    /// What the saga holds in our own tables.
    pub standing: bool,
}

/// What is asked of a vendor for a verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The call is looked up by our own reference.
    Look(Box<Open>),
    /// The call is read by the vendor's own id.
    Reference(Box<Open>, String),
}

/// What is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the vendor showed.
    pub look: Option<Look>,
    /// What the saga holds.
    pub standing: Option<Standing>,
}

/// What a saga holds in our own tables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Its claims.
    pub claims: Vec<Claim>,
    /// What it moved and is not where it belongs yet: money that a bank holds on 1130, captured and applied to nothing on
    /// 2100, open holds on 9100.
    pub open_money: Vec<OpenMoney>,
}

/// Money of a saga that is not where it belongs yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenMoney {
    /// Account number.
    pub account: u16,
    /// Braintree transaction id, where the journals name one.
    pub transaction: Option<String>,
    /// How much.
    pub amount: Money,
}
