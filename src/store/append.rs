//! What one saga writes at once: its events, and beside them what rides in the same transaction.

use super::items::NewItem;
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sagas::kernel::park::ParkCode;
use sagas::kernel::posting::Journal;
use sagas::kernel::priority::Priority;
use sagas::kernel::saga::{End, Mark};
use uuid::Uuid;

/// One append of one saga: all or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    /// The saga.
    pub saga: SagaId,
    /// The flow's name.
    pub kind: String,
    /// The definition version that the saga pins.
    pub version: u32,
    /// How many events the stream has; 0 makes it.
    pub expected: u64,
    /// New events, in order; may be empty where only an item is marked.
    pub events: Vec<NewEvent>,
    /// The saga's row after the append.
    pub row: SagaRow,
    /// Inbox items that this append applies.
    pub items: Vec<ItemMark>,
    /// What its events tell other sagas.
    pub tells: Vec<NewItem>,
}

/// One event to be written.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Id, derived from saga and sequence.
    pub id: Uuid,
    /// `PaymentCaptured`, `step.requested` …
    pub name: String,
    /// The exact canonical JSON text that is hashed and stored.
    pub payload: String,
    /// Who caused it: `zoho`, `engine`, `token:ada` …
    pub principal: String,
    /// Business time (UTC).
    pub at: DateTime<Utc>,
    /// The money that it speaks of.
    pub amount: Option<Money>,
    /// Ids by which it is found: (kind, value).
    pub references: Vec<(String, String)>,
    /// Its journals.
    pub journals: Vec<Journal>,
    /// Changes to claims, holds and card counters.
    pub marks: Vec<Mark>,
}

/// A saga's row: what lists and the scheduler need. A projection of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SagaRow {
    /// What an operator sees first.
    pub status: Status,
    /// The flow's own state word.
    pub state: String,
    /// Short title.
    pub title: String,
    /// Our customer id.
    pub customer: Option<String>,
    /// The money concerned.
    pub amount: Option<Money>,
    /// When the engine must look again (UTC), the epoch where at once; none when parked or ended.
    pub due_at: Option<DateTime<Utc>>,
    /// What is awaited or slept for, or which vendor is waited for, in words.
    pub waiting_for: Option<String>,
    /// The open step.
    pub step: Option<String>,
    /// Who goes first among those who wait for the same vendor.
    pub priority: Option<Priority>,
    /// Why it waits for a person.
    pub parked: Option<(ParkCode, String, DateTime<Utc>)>,
    /// How it ended.
    pub ended: Option<End>,
    /// Business time of the append (UTC).
    pub changed_at: DateTime<Utc>,
}

/// An operator's first look at a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// A call is wanted or under way.
    Running,
    /// Awaits a signal, or sleeps until a time.
    Waiting,
    /// A vendor's outage, quota or switch: clears itself.
    WaitingVendor,
    /// An outcome is unknown and is being looked up.
    Resolving,
    /// Completed steps are being undone.
    Unwinding,
    /// Parked: a person must look.
    NeedsPerson,
    /// Finished; how is in `ended`.
    Ended,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 7] = [
        Self::Running,
        Self::Waiting,
        Self::WaitingVendor,
        Self::Resolving,
        Self::Unwinding,
        Self::NeedsPerson,
        Self::Ended,
    ];

    /// The word in tables, the API and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::WaitingVendor => "waiting_vendor",
            Self::Resolving => "resolving",
            Self::Unwinding => "unwinding",
            Self::NeedsPerson => "needs_person",
            Self::Ended => "ended",
        }
    }

    /// The status of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// An inbox item that an append applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemMark {
    /// The item.
    pub item: Uuid,
    /// Why it was refused; none: applied.
    pub refused: Option<String>,
}

/// Where an append was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How many events the stream has now.
    pub sequence: u64,
}

/// Why an append was not written. Nothing of it is in the database, except in the case that says otherwise.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The stream has another length: somebody else wrote, or the caller's copy is old.
    #[error("stream of saga {saga} has {actual} events, not {expected}")]
    Conflict {
        /// The saga.
        saga: SagaId,
        /// What the caller thought.
        expected: u64,
        /// What is there.
        actual: u64,
    },
    /// This node does not own the shard, or no longer.
    #[error("this node does not own shard {shard}")]
    Fenced {
        /// The shard.
        shard: u16,
    },
    /// The database refuses the content of this append and would refuse it again.
    #[error("the database refuses the append of saga {saga}: {detail}")]
    Poison {
        /// The saga.
        saga: SagaId,
        /// What the database said, without values.
        detail: String,
    },
    /// An inbox item was applied before, or is no more: applying it again would be a second effect.
    #[error("inbox item {item} is not open: it was applied before, or does not exist")]
    ItemClosed {
        /// The item.
        item: Uuid,
    },
    /// The database cannot be reached; whether the append was written is unknown until it answers again.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
}
