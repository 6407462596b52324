//! Disputes of a capture: while one is open nothing of it is given back, and what a bank kept is nobody's to give back
//! afterwards. Says what is known of the payment to the dispute, and of the dispute to give-backs that are under way. Posts
//! nothing: the journals of a dispute are written by its own saga.

use super::state::{Capture, State};
use super::turn::Turn;
use super::words::Event;
use crate::kernel::ids::SagaId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What a dispute tells the stream of the invoice whose payment is disputed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum DisputeNews {
    /// A payment is disputed.
    PaymentDisputed {
        /// Braintree transaction id.
        transaction: String,
        /// The dispute.
        saga: SagaId,
    },
    /// It is decided.
    DisputeOver {
        /// Braintree transaction id.
        transaction: String,
        /// The dispute.
        saga: SagaId,
        /// What the bank kept, in minor units of the payment's currency.
        lost: i64,
    },
}

/// A dispute of a capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Disputed {
    saga: SagaId,
    open: bool,
    /// In minor units.
    lost: i64,
}

impl Capture {
    /// It is being decided whether the money stays.
    pub(super) fn is_disputed(&self) -> bool {
        self.disputes.iter().any(|dispute| dispute.open)
    }

    /// What banks kept of it, in minor units.
    pub(super) fn lost(&self) -> i64 {
        self.disputes.iter().map(|dispute| dispute.lost).sum()
    }
}

impl Turn<'_> {
    pub(super) fn disputed(&mut self, news: &DisputeNews) {
        let at = self.at.now;
        match news {
            DisputeNews::PaymentDisputed { transaction, saga } => {
                let known = |capture: &Capture| capture.disputes.iter().any(|dispute| dispute.saga == *saga);
                if self.state.capture(transaction).is_some_and(|capture| !known(capture)) {
                    self.push(Event::PaymentDisputed { transaction: transaction.clone(), saga: *saga, at });
                }
            }
            DisputeNews::DisputeOver { transaction, saga, lost } => {
                let open = |dispute: &Disputed| dispute.saga == *saga && (dispute.open || dispute.lost != *lost);
                if self.state.capture(transaction).is_some_and(|capture| capture.disputes.iter().any(open)) {
                    self.push(Event::DisputeOver { transaction: transaction.clone(), saga: *saga, lost: *lost, at });
                }
            }
        }
    }
}

impl State {
    pub(super) fn apply_dispute(&mut self, event: &Event) {
        match event {
            Event::PaymentDisputed { transaction, saga, .. } => {
                let Some(capture) = self.capture_mut(transaction) else { return };
                capture.disputes.push(Disputed { saga: *saga, open: true, lost: 0 });
                let stopped = capture.give_backs.iter().filter(|g| g.open).map(|g| g.saga).collect();
                self.give_backs.disputed(*saga, transaction, stopped);
            }
            Event::DisputeOver { transaction, saga, lost, .. } => {
                let Some(capture) = self.capture_mut(transaction) else { return };
                for dispute in capture.disputes.iter_mut().filter(|dispute| dispute.saga == *saga) {
                    (dispute.open, dispute.lost) = (false, *lost);
                }
            }
            _ => {}
        }
    }

    /// What is known of a payment, for its dispute.
    pub(super) fn described(&self, transaction: &str) -> Option<Value> {
        let capture = self.capture(transaction)?;
        Some(json!({
            "transaction": capture.transaction,
            "order_id": capture.order_id,
            "invoice": self.intake.as_ref()?.invoice,
            "number": self.title(),
            "customer": self.party.customer,
            "client": self.party.client,
            "subscription": self.party.subscription.as_ref().map(|(_, zoho)| zoho),
            "subscription_record": self.party.subscription_record,
            "payment": capture.payment,
            "captured": capture.amount,
            "captured_on": capture.effective,
            "given_back": capture.gone(),
            "giving_back": capture.is_being_given_back(),
        }))
    }
}
