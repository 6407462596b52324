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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::items::NewItem;
    use sagas::kernel::effect::Message;
    use sagas::kernel::ids::SagaId;
    use serde_json::json;

    #[test]
    fn what_one_saga_tells_another_is_a_command_of_its_flow() {
        let to = SagaId::derived("test", &["b"]);
        let message = Message {
            to,
            flow: "rehearsal".to_owned(),
            kind: "test.told".to_owned(),
            command: json!({ "command": "go_ahead" }),
            key: "1".to_owned(),
        };
        let item = NewItem::told(SagaId::derived("test", &["a"]), &message);
        let body: Body = serde_json::from_str(&item.body).expect("a body");
        assert_eq!(body, Body::Saga { command: message.command });
        assert_eq!((item.saga, item.idempotency_key.as_deref()), (to, Some("1")));
    }
}
