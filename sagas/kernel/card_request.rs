//! How a flow has a customer asked for another card: what the flow that takes cards is told, in that flow's words. It makes
//! the page, and sends one letter that says the cause and leads there.

use super::effect::{CardCause, Message};
use super::ids::{Installation, SagaId};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// One request for another card.
#[derive(Debug)]
pub struct CardRequest<'a> {
    /// The flow that takes cards.
    pub flow: &'a str,
    /// Prefix of our references.
    pub installation: &'a Installation,
    /// Zoho subscription id.
    pub subscription: &'a str,
    /// When (UTC): one instant is one request of the subscription for ever.
    pub requested_at: DateTime<Utc>,
    /// The settings that the flow runs under, in its words.
    pub terms: &'a Value,
    /// What the letter says.
    pub cause: &'a CardCause,
    /// The same key is the same message.
    pub key: String,
}

impl CardRequest<'_> {
    /// The saga of a request: `system` and `key` name the subscription.
    pub fn saga(flow: &str, system: &str, key: &str, requested_at: DateTime<Utc>) -> SagaId {
        let at = requested_at.to_rfc3339_opts(SecondsFormat::Nanos, true);
        SagaId::derived(flow, &[system, key, &at])
    }

    /// What the flow is told.
    pub fn message(self) -> Message {
        Message {
            to: Self::saga(self.flow, "zoho", self.subscription, self.requested_at),
            flow: self.flow.to_owned(),
            kind: "card.wanted".to_owned(),
            command: json!({
                "command": "wanted",
                "installation": self.installation,
                "subscription": {"key": "zoho", "subscription": self.subscription},
                "requested_at": self.requested_at,
                "terms": self.terms,
                "cause": self.cause,
            }),
            key: self.key,
        }
    }
}
