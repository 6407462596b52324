//! The one door by which people and flows ask for a ticket where customers are helped. What becomes of it is the business
//! of the flow `desk_ticket`; whoever asks waits for nothing.

use super::effect::{AttioRecord, Message, PressedAct};
use super::ids::SagaId;
use super::money::Money;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The flow that opens tickets. Named here once, so that no flow has to know it.
pub const FLOW: &str = "desk_ticket";

/// A ticket as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Whom it is about.
    pub about: About,
    /// Why.
    pub cause: Cause,
    /// The act that asks, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub press: Option<PressedAct>,
    /// The same key is the same ask.
    pub key: String,
    /// Who asks: a principal, or a flow.
    pub by: String,
}

/// Whom a ticket is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Record id of the object `subscriptions` in Attio: it shows the ticket, and names the client where nobody else does.
    pub record: Option<String>,
    /// The client's record in Attio.
    pub client: Option<AttioRecord>,
}

/// Why a ticket is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Cause {
    /// A colleague wants help for a customer.
    Asked {
        /// In their words; empty: they gave none.
        words: String,
    },
    /// No attempt to collect an invoice is left.
    Exhausted {
        /// Zoho invoice id.
        invoice: String,
        /// Zoho's number of it.
        number: String,
        /// What it still owes.
        owed: Money,
        /// Charges that failed.
        declines: u32,
        /// Last four digits of the card that was charged last.
        last_four: Option<String>,
    },
}

impl Ask {
    /// The stream of its cause: asked again, it is the same for ever.
    pub fn saga(&self) -> SagaId {
        match &self.cause {
            Cause::Asked { .. } => {
                let of_client = || self.about.client.as_ref().map(|client| client.id.as_str());
                let about = self.about.record.as_deref().or_else(of_client).unwrap_or_default();
                SagaId::derived(FLOW, &["asked", about])
            }
            Cause::Exhausted { invoice, .. } => SagaId::derived(FLOW, &["exhausted", invoice]),
        }
    }

    /// What a flow says to have it opened.
    pub fn message(&self) -> Message {
        let to = self.saga();
        Message {
            to,
            flow: FLOW.to_owned(),
            kind: "ticket.asked".to_owned(),
            command: json!({"command": "asked", "ask": self}),
            key: format!("{to}:{}", self.key),
        }
    }
}
