//! What an inbox item tells a saga.

use crate::store::items::Item;
use sagas::kernel::machine::What;
use sagas::kernel::verb::{Order, Verb};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The body of an inbox item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Body {
    /// A command of the flow's own.
    Saga {
        /// As the flow reads it.
        command: Value,
    },
    /// An operator resumes a parked saga: as earlier releases wrote it.
    Resume {
        /// Why, for the record.
        reason: String,
    },
    /// An operator orders something.
    Verb {
        /// What.
        verb: Verb,
        /// Why, for the record.
        reason: String,
        /// The second person who agreed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approver: Option<String>,
        /// Only while the saga has exactly so many events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_sequence: Option<u64>,
        /// One of many.
        #[serde(default)]
        bulk: bool,
    },
}

/// What an item comes to.
pub(super) enum Told {
    /// The flow's own command.
    Flow(What<Value>),
    /// An operator's order, and how many events the saga must have.
    Operator(Order, Option<u64>),
}

impl Body {
    /// The text that is stored.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("a tree of JSON values always serialises")
    }

    /// What it tells the saga.
    pub(super) fn told(self, item: &Item) -> Told {
        let principal = item.principal.clone();
        match self {
            Self::Saga { command } => {
                let (id, kind) = (Some(item.id.to_string()), item.kind.clone());
                Told::Flow(What::Deliver { item: id, kind, principal, command })
            }
            Self::Resume { reason } => {
                Told::Operator(Order { verb: Verb::Resume, principal, reason, approver: None, bulk: false }, None)
            }
            Self::Verb { verb, reason, approver, if_sequence, bulk } => {
                Told::Operator(Order { verb, principal, reason, approver, bulk }, if_sequence)
            }
        }
    }
}
