//! What one saga tells another.

use crate::kernel::ids::SagaId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A command of another saga, told once however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who is told.
    pub to: SagaId,
    /// That saga's flow.
    pub flow: String,
    /// What kind of thing it is, as the other's log names it: `activation.captured` …
    pub kind: String,
    /// The flow's own command.
    pub command: Value,
    /// The same key is the same message.
    pub key: String,
}
