//! Calls on the practice vendor of rehearsals.

use crate::kernel::money::Money;
use crate::kernel::step::{Absence, ExactlyOnce, Resend};
use serde::{Deserialize, Serialize};

/// Calls on the practice vendor: it keeps a book in our own store, so that operators rehearse on real machinery
/// without touching a real vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Practice {
    /// Looks whether the practice vendor is there.
    Look,
    /// Puts something in the book under an id of our choosing.
    Reserve {
        /// The chosen id.
        id: String,
        /// How it shall go.
        script: PracticeScript,
    },
    /// Strikes what was reserved.
    Unreserve {
        /// The chosen id.
        id: String,
        /// How it shall go.
        script: PracticeScript,
    },
    /// Takes practice money: found again only by its reference.
    Take {
        /// Our reference.
        reference: String,
        /// How much.
        amount: Money,
        /// How it shall go.
        script: PracticeScript,
    },
    /// Notes that all is done: sets a state to a value.
    Note {
        /// The chosen id.
        id: String,
        /// How it shall go.
        script: PracticeScript,
    },
}

/// How a practice call shall go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PracticeScript {
    /// It works.
    #[default]
    Works,
    /// The answer is no.
    Declines,
    /// The request is refused for good.
    Refuses,
    /// It is done, but no answer comes.
    DoneUnanswered,
    /// Nothing is done, and no answer comes.
    LostUnanswered,
}

impl Practice {
    pub(super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Look => ExactlyOnce::Repeatable,
            Self::Reserve { .. } | Self::Unreserve { .. } => ExactlyOnce::ChosenId { row: "practice" },
            Self::Take { .. } => {
                ExactlyOnce::Searchable { row: "practice", absence: Absence::TwoLooks, resend: Resend::Same }
            }
            Self::Note { .. } => ExactlyOnce::Set { row: "practice" },
        }
    }

    /// Our reference in the call.
    pub(super) fn reference(&self) -> Option<&str> {
        match self {
            Self::Look => None,
            Self::Reserve { id, .. } | Self::Unreserve { id, .. } | Self::Note { id, .. } => Some(id),
            Self::Take { reference, .. } => Some(reference),
        }
    }

    operations! {
        pub(super) match self {
            Self::Look => "practice.look",
            Self::Reserve { .. } => "practice.reserve",
            Self::Unreserve { .. } => "practice.unreserve",
            Self::Take { .. } => "practice.take",
            Self::Note { .. } => "practice.note",
        }
    }
}
