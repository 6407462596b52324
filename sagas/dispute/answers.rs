//! What the outcome of a step means to a dispute. An outcome without a branch here yields nothing: the machine then parks
//! the step under the vendor's reason.

use super::state::{Ordered, Stream};
use super::turn::{ANSWER, Turn};
use super::words::{Event, Piece};
use crate::kernel::answer::Answer;
use crate::kernel::outcome::{INPUT_GONE, Outcome, RejectionKind};
use crate::kernel::saga::Answered;
use chrono::TimeDelta;

/// A give-back that holds the payment is waited for.
const BUSY_AGAIN: TimeDelta = TimeDelta::minutes(10);
/// A dispute that was seen and is not shown now.
const LOOK_AGAIN: TimeDelta = TimeDelta::hours(6);

impl Turn<'_> {
    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let (outcome, now) = (answered.outcome, self.at.now);
        let done = matches!(outcome, Outcome::Done { .. });
        match answered.step {
            "read_dispute" if self.state.reading => self.looked(outcome),
            "tell_stream" if done && self.state.stream == Stream::Untold => {
                self.push(Event::StreamTold { answer_by: now + ANSWER });
            }
            "claim" => match outcome {
                Outcome::Done { .. } => self.push(Event::TransactionClaimed),
                Outcome::Declined { decline } => {
                    self.push(Event::ClaimRefused { held: decline.text.clone(), again_at: now + BUSY_AGAIN });
                }
                Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
            },
            "upload_document" | "add_evidence" => self.added(outcome),
            "reply" => self.replied(outcome),
            "tell_outcome" if done => self.push(Event::StreamToldOver),
            "find_held" => {
                if let Outcome::Done { answer: Answer::CardUses(uses) } = outcome {
                    let streams = uses.owing.iter().map(|owing| owing.saga).collect();
                    self.push(Event::HeldInvoicesFound { streams });
                }
            }
            "tell_held" if done => {
                if let Some(stream) = self.state.untold.first().copied() {
                    self.push(Event::HeldInvoiceTold { stream });
                }
            }
            "cancel_subscription" if done => {
                let subscription = self.state.payment.as_ref().and_then(|payment| payment.subscription.clone());
                self.push(Event::CancellationOrdered { subscription: subscription.unwrap_or_default() });
            }
            step => self.told_people(step, answered.effect, outcome),
        }
    }

    fn looked(&mut self, outcome: &Outcome) {
        let now = self.at.now;
        match outcome {
            Outcome::Done { answer: Answer::Dispute(shown) } => self.read(shown, false),
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
                if self.state.shown.is_none() {
                    self.push(Event::DisputeNotFound { at: now });
                } else {
                    self.push(Event::LookPutOff { code: rejection.code.clone(), again_at: now + LOOK_AGAIN });
                }
            }
            _ => {}
        }
    }

    /// A document was uploaded, or a piece was added to the dispute.
    fn added(&mut self, outcome: &Outcome) {
        let Some(Ordered::Submit { pieces, .. }) = self.state.order.as_ref().map(|order| &order.what) else { return };
        let Some(piece) = pieces.first().cloned() else { return };
        match outcome {
            Outcome::Done { answer: Answer::Document { document } } => {
                self.push(Event::DocumentUploaded { input: piece.input(), document: document.clone() });
            }
            Outcome::Done { answer: Answer::Dispute(shown) } => {
                let input = matches!(piece, Piece::Text { .. }).then(|| piece.input());
                self.push(Event::EvidenceAdded { input, shown: shown.clone() });
            }
            _ => self.not_taken(outcome),
        }
    }

    fn replied(&mut self, outcome: &Outcome) {
        if let Outcome::Done { answer: Answer::Dispute(shown) } = outcome {
            return self.read(shown, true);
        }
        self.not_taken(outcome);
    }

    /// Braintree refuses it: the person hears why, and the dispute is looked at.
    fn not_taken(&mut self, outcome: &Outcome) {
        let Outcome::Rejected { rejection } = outcome else { return };
        let why = if rejection.code == INPUT_GONE {
            "what was handed in is too old: send it again"
        } else {
            &rejection.message
        };
        let why = why.to_owned();
        self.order_refused(&rejection.code, &why);
        self.push(Event::LookBegun { source: "refusal".to_owned(), at: self.at.now });
    }

    /// Its time was over before it was sent, or it is proven that it was not executed: a person decides anew.
    pub(super) fn superseded(&mut self, step: &str) {
        if matches!(step, "upload_document" | "add_evidence" | "reply") {
            self.order_refused("not_sent", "it was not sent in time, or did not arrive: order it again");
            self.push(Event::LookBegun { source: "superseded".to_owned(), at: self.at.now });
        }
    }
}
