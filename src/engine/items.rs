//! What an inbox item tells a saga.

use sagas::kernel::machine::What;
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
    /// An operator resumes a parked saga.
    Resume {
        /// Why, for the record.
        reason: String,
    },
}

impl Body {
    /// The text that is stored.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("a tree of JSON values always serialises")
    }

    /// The engine's command.
    pub(super) fn what(self, item: String, kind: String, principal: String) -> What<Value> {
        match self {
            Self::Saga { command } => What::Deliver { item: Some(item), kind, principal, command },
            Self::Resume { reason } => What::Resume { principal, reason },
        }
    }
}
