//! What a card update hears of an invoice that it told of a new card: how the invoice came to rest. Decides nothing.

use super::InvoicePayment;
use super::state::{Rest, Stage, State};
use super::words::{Closing, Event};
use crate::kernel::effect::Message;
use crate::kernel::ids::SagaId;
use crate::kernel::saga::Saga;
use serde::{Deserialize, Serialize};

/// A card update that waits to hear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Retry {
    by: SagaId,
    /// Attempts that had failed when it asked.
    declines: u32,
}

impl State {
    pub(super) fn apply_retry(&mut self, event: &Event) {
        match event {
            Event::RetryAnswerAwaited { by } => {
                self.retry = Some(Retry { by: *by, declines: self.dunning.declines });
            }
            Event::RetryAnswered => self.retry = None,
            _ => {}
        }
    }

    /// What it is told, once the invoice rests. Another flow is named, not imported: what it is told is its own command in
    /// words.
    pub(super) fn owed_answer(&self) -> Option<Message> {
        let retry = self.retry.as_ref().filter(|_| self.stage == Stage::Resting && !self.again)?;
        let intake = self.intake.as_ref()?;
        let saga = SagaId::of_invoice(&intake.organization, &intake.invoice);
        let declined = self.dunning.declines > retry.declines;
        let outcome = match &self.rest {
            Rest::Closed {
                closing:
                    Closing::Paid
                    | Closing::PaidElsewhere
                    | Closing::Zero
                    | Closing::WrittenOff
                    | Closing::Void
                    | Closing::Gone,
            } => "paid",
            _ if declined && self.dunning.asked.is_some() => "hard_declined",
            _ if declined => "declined",
            _ => "waiting",
        };
        Some(Message {
            to: retry.by,
            flow: "payment_method_update".to_owned(),
            kind: format!("invoice.{outcome}"),
            command: serde_json::json!({"command": "invoice_tried", "invoice": saga, "outcome": outcome}),
            key: format!("{}/{}/{}/{}", InvoicePayment::NAME, saga, retry.by, self.round),
        })
    }
}
