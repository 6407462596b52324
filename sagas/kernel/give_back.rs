//! The one door by which people and flows have money given back. What becomes of it is the business of the flow `refund`,
//! which asks the invoice's stream before it takes anything.

use super::effect::Message;
use super::ids::{Installation, SagaId};
use super::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The flow that gives back.
pub const FLOW: &str = "refund";

/// A give-back as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// Tells several give-backs of one payment apart: the same key is the same give-back.
    pub key: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// Braintree transaction id of the sale.
    pub transaction: String,
    /// Zoho invoice id for which it was made.
    pub invoice: String,
    /// That invoice's stream.
    pub stream: SagaId,
    /// How much.
    pub amount: Money,
    /// Where the money comes from.
    pub source: Source,
    /// Why, as a word for reports: `requested_by_customer`, `duplicate` …
    pub reason: String,
    /// Who asks: a principal, or a flow's rule.
    pub by: String,
    /// Who has to agree.
    pub approval: Approval,
}

/// Where the money of a give-back comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It is applied to the invoice, and the customer need not pay it: a credit note.
    Forgive,
    /// It is applied to the invoice, which owes it again.
    Reopen,
    /// It was never applied.
    Unapplied,
}

/// Who has to agree before anything is booked or sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody: within what one person may do alone.
    Alone,
    /// Nobody: a rule of a flow asks.
    Rule,
    /// Another person.
    SecondPerson,
    /// A rule proposes it: within what rules may do alone nobody, above it a person.
    Proposed,
}

impl Wish {
    /// The give-back's saga: the same payment and key give the same id for ever.
    pub fn saga(&self) -> SagaId {
        saga(&self.transaction, &self.key)
    }

    /// What a flow says, with `Desk::Tell`, to have it done.
    pub fn message(&self) -> Message {
        let to = self.saga();
        Message {
            to,
            flow: FLOW.to_owned(),
            kind: "refund.requested".to_owned(),
            command: json!({"command": "requested", "wish": self}),
            key: format!("{to}:requested"),
        }
    }
}

/// The saga of the give-back of that key.
pub fn saga(transaction: &str, key: &str) -> SagaId {
    SagaId::derived(FLOW, &[transaction, key])
}
