//! Whose call goes first when a vendor takes fewer calls than are wanted. Priority belongs to the saga and is inherited by
//! its look-ups, its undo and its records.

use super::flow::{Open, Phase};
use super::step::Class;
use serde::{Deserialize, Serialize};

/// Who goes first; the earlier one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Money has moved and is to be recorded, an outcome is not known, or what was done is being undone.
    Recording,
    /// A customer sits at a page.
    Customer,
    /// Somebody did something and looks for its effect soon.
    Webhook,
    /// Renewals and other work by the calendar.
    Batch,
    /// Catalog, polls, reconciliation: what may be late.
    Background,
}

impl Priority {
    /// All, the first to go first.
    pub const ALL: [Self; 5] = [Self::Recording, Self::Customer, Self::Webhook, Self::Batch, Self::Background];

    /// Its place in [`Self::ALL`].
    pub const fn place(self) -> usize {
        match self {
            Self::Recording => 0,
            Self::Customer => 1,
            Self::Webhook => 2,
            Self::Batch => 3,
            Self::Background => 4,
        }
    }

    /// The word in lists and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Customer => "customer",
            Self::Webhook => "webhook",
            Self::Batch => "batch",
            Self::Background => "background",
        }
    }

    /// The priority of a saga's open call: its own, but for what must not be left half done.
    #[must_use]
    pub fn of_call(self, open: &Open, class: Class, past_pivot: bool) -> Self {
        let unsettled = match open.phase {
            Phase::Sending { .. } | Phase::Unknown { .. } => true,
            Phase::Requested { look_first, .. } => look_first,
        };
        // A read after the pivot watches what is done already (a settlement); it records nothing.
        let records = past_pivot && matches!(class, Class::Pivot | Class::Retriable | Class::Projection);
        if unsettled || open.undo || records { Self::Recording } else { self }
    }
}
