//! The capture: submitting the hold, and what follows where the gateway refuses that.

use super::events::Event;
use super::turn::Turn;
use super::words::{After, Capture};
use crate::kernel::answer::{Answer, Transaction, TransactionStatus};
use crate::kernel::effect::{Braintree, Effect};
use crate::kernel::money::Money;
use crate::kernel::outcome::Outcome;
use crate::kernel::park::ParkCode;
use chrono::TimeDelta;

/// A consent that is older does not carry a new sale.
const CONSENT_AGE: TimeDelta = TimeDelta::hours(24);
const RETRY: &str = "press `Retry` to send the customer a new link";

impl Turn<'_> {
    pub(super) fn capture_answered(&mut self, effect: &Effect, outcome: &Outcome) {
        match (effect, outcome) {
            (
                Effect::Braintree(Braintree::Submit { transaction, amount }),
                Outcome::Done { answer: Answer::Transaction(t) },
            ) if t.id == *transaction => {
                if t.status.is_reversed() {
                    self.refused("hold_gone", "the hold was voided or had expired");
                } else {
                    self.captured(t, *amount);
                }
            }
            (
                Effect::Braintree(Braintree::Sell { order_id, amount, .. }),
                Outcome::Done { answer: Answer::Transaction(t) },
            ) if t.order_id == *order_id => self.captured(t, *amount),
            (Effect::Braintree(Braintree::Submit { .. }), Outcome::Rejected { rejection })
                if rejection.is_business() =>
            {
                self.refused(&rejection.code, &rejection.message);
            }
            (Effect::Braintree(Braintree::Submit { .. }), Outcome::Declined { decline }) => {
                self.refused(&decline.code, &decline.text);
            }
            (Effect::Braintree(Braintree::Sell { .. }), Outcome::Declined { .. }) => {
                self.fail("the card was declined when the payment was taken", RETRY);
            }
            (Effect::Braintree(Braintree::Sell { .. }), Outcome::Rejected { rejection }) if rejection.is_business() => {
                self.fail(&format!("Braintree refused the payment ({})", rejection.code), RETRY);
            }
            _ => {}
        }
    }

    /// The hold cannot be captured: expired, voided by staff, or final for another amount. What still stands is
    /// released; then what is owed is sold anew, as long as the consent is young.
    fn refused(&mut self, code: &str, message: &str) {
        self.push(Event::CaptureRefused { code: code.to_owned(), message: message.to_owned(), at: self.at.now });
        let young = self.state.submission.as_ref().is_some_and(|s| self.at.now - s.consent.at < CONSENT_AGE);
        if !young {
            self.fail("the hold on the card could not be captured", RETRY);
        }
    }

    pub(super) fn captured(&mut self, t: &Transaction, asked: Money) {
        if !t.status.is_approved() || t.status == TransactionStatus::Authorized {
            return;
        }
        let held = self.state.hold.as_ref().map(|h| h.amount);
        // A hold is older than its capture; a sale is its own.
        let captured_at = if held.is_some() { self.at.now } else { t.created_at };
        let capture = Capture {
            transaction: t.id.clone(),
            order_id: t.order_id.clone(),
            amount: t.amount,
            captured_at,
            effective: self.at.date(captured_at),
        };
        self.push(Event::PaymentCaptured { capture: Box::new(capture), held, at: self.at.now });
        if t.amount != asked {
            let what = format!("Braintree shows {} as captured where {asked} was asked ({})", t.amount, t.id);
            self.hold(ParkCode::AnswerMismatch, format!("{what}: look at it, then resume"), After::Pay);
        }
    }
}
