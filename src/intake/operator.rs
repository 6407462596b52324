//! What operators order about a saga, as inbox items: one way in for the API and for the command line.

use crate::engine::items::Body;
use crate::store::items::NewItem;
use crate::store::query::SagaLine;
use sagas::invoice_payment::{Choice, Command, InvoicePayment};
use sagas::kernel::saga::Saga;
use serde::Deserialize;
use utoipa::ToSchema;

/// Who orders it, why, and the key under which it has one effect.
#[derive(Debug, Clone)]
pub struct Order {
    /// Who, for the record: a principal, `token:ada`.
    pub by: String,
    /// Why, for the record.
    pub reason: String,
    /// The same key twice is the same order.
    pub key: Option<String>,
}

/// What a person can choose for an invoice that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Collect what is still owed with a new attempt, after all tests
    ChargeAgain,
    /// Record in Zoho once more what was captured
    RecordAgain,
    /// Leave it as it is
    Leave,
}

impl Decision {
    const fn choice(self) -> Choice {
        match self {
            Self::ChargeAgain => Choice::ChargeAgain,
            Self::RecordAgain => Choice::RecordAgain,
            Self::Leave => Choice::Leave,
        }
    }

    /// Part of the item's kind: one key used for two choices is a mistake that shall be seen.
    const fn kind(self) -> &'static str {
        match self {
            Self::ChargeAgain => "operator.charge_again",
            Self::RecordAgain => "operator.record_again",
            Self::Leave => "operator.leave",
        }
    }
}

/// Decides what happens with a held invoice.
///
/// # Errors
/// The saga is of a flow that takes no decisions.
pub fn decide(saga: &SagaLine, decision: Decision, order: Order) -> Result<NewItem, String> {
    if saga.kind != InvoicePayment::NAME {
        return Err(format!(
            "cannot decide on saga {}: it is a {}, and only an {} takes decisions (state: {})",
            saga.id,
            saga.kind,
            InvoicePayment::NAME,
            saga.state
        ));
    }
    let command = Command::Decide { choice: decision.choice(), reason: order.reason.clone() };
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    Ok(item(saga, decision.kind(), &Body::Saga { command }, order))
}

fn item(saga: &SagaLine, kind: &str, body: &Body, order: Order) -> NewItem {
    NewItem {
        saga: saga.id,
        saga_kind: saga.kind.clone(),
        kind: kind.to_owned(),
        principal: order.by,
        body: body.text(),
        waiting_key: None,
        idempotency_key: order.key.map(|key| format!("operator:{}:{key}", saga.id)),
    }
}
