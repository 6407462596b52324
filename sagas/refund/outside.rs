//! A refund that others made, in Braintree's console or by another program: found by the reconciliation, looked at, taken from the
//! invoice's payment with the stream's consent, and booked as it is: what was approved and what was sent in one append. Until finance
//! says otherwise it counts as forgiven. Zoho is written only once finance has said what it was for: who made it may have recorded it.
//! Refuses what this program asked for itself: that is booked by the saga that asked.

use super::answers::word;
use super::state::{Back, Outcome as Given, Stage, State};
use super::turn::{Turn, worth_it};
use super::words::{Choice, Event};
use crate::kernel::answer::{Answer, Transaction};
use crate::kernel::give_back::Wish;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::Refusal;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outside {
    /// Braintree transaction id of the refund.
    pub(super) refund: String,
    /// When it was made (UTC); none: it was not looked at yet.
    pub(super) made_at: Option<DateTime<Utc>>,
    /// How often the invoice's stream was asked: tells the questions apart.
    pub(super) asked: u32,
    /// What was forgiven at first is owed again.
    pub(super) reopened: bool,
}

impl Turn<'_> {
    pub(super) fn found_outside(&mut self, wish: &Wish, refund: &str) -> Result<(), Refusal> {
        // Each comparison that sees it says so.
        if self.state.wish.is_none() {
            worth_it(wish)?;
            let (wish, refund, at) = (Box::new(wish.clone()), refund.to_owned(), self.at.now);
            self.push(Event::RefundFoundOutside { wish, refund, at });
        }
        Ok(())
    }

    /// The stream's word is waited for.
    pub(super) const fn listens(&self) -> bool {
        matches!(self.state.stage, Stage::Asking | Stage::Awaiting { .. } | Stage::Held { back: Back::Asking, .. })
    }

    /// The money may not be taken from there: a give-back is refused; what others gave back has gone out, and a person must say
    /// from where.
    pub(super) fn not_let_go(&mut self, code: &str, why: String) {
        match self.state.outside.as_ref().filter(|_| !self.state.booked) {
            None => self.push(Event::RefundRefused { code: code.to_owned(), why, at: self.at.now }),
            Some(outside) => {
                let detail = format!(
                    "refund {} was made elsewhere and cannot be booked ({code}): {why}. Clear that, then resume",
                    outside.refund
                );
                self.held(ParkCode::MoneyDecision, detail);
            }
        }
    }

    pub(super) fn found_read(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done { answer: Answer::Transaction(found) } => self.found(found),
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
                self.not_let_go("not_found", "Braintree does not show it any more".to_owned());
            }
            // So a refund that the bank refused is read.
            Outcome::Declined { decline } => self.not_standing(&decline.code),
            _ => {}
        }
    }

    fn found(&mut self, found: &Transaction) {
        let Some(wish) = self.state.wish.clone() else { return };
        if wish.installation.is_refund_order(&found.order_id) {
            let why = format!("{} carries the order id {}: it was asked for here", found.id, found.order_id);
            self.push(Event::RefundRefused { code: "ours".to_owned(), why, at: self.at.now });
        } else if !found.status.is_approved() {
            self.not_standing(&word(&found.status));
        } else if found.amount != wish.amount {
            let why = format!("Braintree shows {}, and {} was found before", found.amount, wish.amount);
            self.not_let_go("amount", why);
        } else {
            self.push(Event::FoundRefundRead { made_at: found.created_at, card: found.card.clone() });
        }
    }

    fn not_standing(&mut self, status: &str) {
        let why = format!("it is {status} by now: nothing was given back");
        self.push(Event::RefundRefused { code: "not_standing".to_owned(), why, at: self.at.now });
    }

    /// What was sent is booked in the append of what was approved.
    pub(super) fn book_found(&mut self, made_at: DateTime<Utc>) {
        let Some((wish, outside)) = self.state.wish.clone().zip(self.state.outside.clone()) else { return };
        let refund = outside.refund;
        let (effective, at) = (self.at.date(made_at), self.at.now);
        let detail = format!(
            "refund {refund} of {} was made elsewhere, and is booked as forgiven: say why, and what becomes of the invoice: \
             forgive, reopen, or recorded (Zoho shows it already)",
            wish.amount
        );
        self.push(Event::RefundSent { refund, amount: wish.amount, soft_decline: None, effective, at });
        self.held(ParkCode::MoneyDecision, detail);
    }

    /// Finance says what a refund of others was for.
    pub(super) fn explained(&mut self, choice: Choice, by: &str, reason: &str) -> Result<(), Refusal> {
        if !self.state.is_unexplained() {
            return Err(self.refused("nothing_to_decide", "it is no refund of others that waits for its reason"));
        }
        if reason.trim().is_empty() {
            return Err(self.refused("no_reason", "say why, for the record"));
        }
        let forgiven = self.state.terms.as_ref().map(|terms| terms.forgiven).filter(|sum| sum.is_positive());
        if choice == Choice::Reopen && forgiven.is_none() {
            let why = "nothing of it was applied to the invoice: nothing can be owed again";
            return Err(self.refused("nothing_to_reopen", why));
        }
        let (by, reason, at) = (by.to_owned(), reason.to_owned(), self.at.now);
        self.push(Event::DecisionTaken { choice, by, reason, at });
        if let (Choice::Reopen, Some(amount)) = (choice, forgiven) {
            self.push(Event::RefundReopened { amount, effective: self.at.date(at), at });
        }
        Ok(())
    }
}

impl State {
    /// Others gave it back, it is booked, and nobody has said what for.
    pub(super) fn is_unexplained(&self) -> bool {
        let held = matches!(self.stage, Stage::Held { code: ParkCode::MoneyDecision, back: Back::Accepted, .. });
        self.outside.is_some() && matches!(self.outcome, Some(Given::Sent { .. })) && held
    }

    pub(super) fn apply_outside(&mut self, event: &Event) {
        match event {
            Event::RefundFoundOutside { wish, refund, .. } => {
                self.wish = Some((**wish).clone());
                self.outside = Some(Outside { refund: refund.clone(), made_at: None, asked: 0, reopened: false });
                self.stage = Stage::Claiming;
            }
            Event::FoundRefundRead { made_at, card } => {
                self.card.clone_from(card);
                if let Some(outside) = &mut self.outside {
                    outside.made_at = Some(*made_at);
                }
                self.stage = Stage::Asking;
            }
            Event::StreamAsked { .. } => {
                if let Some(outside) = &mut self.outside {
                    outside.asked += 1;
                }
            }
            Event::DecisionTaken { choice: Choice::Forgive | Choice::Reopen, .. } => self.explain(),
            Event::DecisionTaken { choice: Choice::Recorded, .. } => {
                self.zoho.note_done = true;
                self.zoho.record_done = true;
                self.explain();
            }
            Event::RefundReopened { .. } => {
                if let Some(terms) = &mut self.terms {
                    terms.applied.minor -= terms.forgiven.minor;
                    terms.reopened.minor += terms.forgiven.minor;
                    terms.forgiven.minor = 0;
                }
                if let Some(outside) = &mut self.outside {
                    outside.reopened = true;
                }
            }
            _ => {}
        }
    }

    fn explain(&mut self) {
        self.round += 1;
        self.stage = Stage::Accepted;
    }
}
