//! What the outcome of a step means to an invoice. An outcome without a branch here yields nothing: the machine then
//! parks the step under the vendor's reason, and a resume looks the same call up before it is sent again.

use super::books;
use super::dunning;
use super::schedule::settlement;
use super::state::{Capture, Rest, Stage};
use super::turn::Turn;
use super::words::{Attempt, Captured, Event, Scope, Trouble, Wait};
use crate::kernel::answer::{Answer, Transaction, TransactionStatus};
use crate::kernel::effect::{Attio, Desk, Effect};
use crate::kernel::outcome::{Decline, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::Answered;
use chrono::TimeDelta;

impl Turn<'_> {
    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        match (answered.step, answered.outcome) {
            (
                "read_invoice" | "find_subscription" | "survey" | "read_subscription" | "read_client" | "read_method",
                _,
            ) if self.state.stage == Stage::Checking => {
                self.read(answered.step, answered.outcome);
            }
            ("claim", outcome) if self.state.stage == Stage::Claiming => self.claimed(outcome),
            ("count_card", Outcome::Done { answer }) if self.state.stage == Stage::CountingCard => match answer {
                Answer::CardCapUntil { until } => {
                    self.push(Event::CardCapReached { until: *until, at: self.at.now });
                }
                _ => self.push(Event::CardCounted),
            },
            ("charge", outcome) if self.state.stage == Stage::Charging => self.charged(outcome, answered.extra),
            ("record_payment", outcome) if self.state.stage == Stage::Recording => {
                self.record_answered(outcome, answered.extra);
            }
            ("look_settlement", Outcome::Done { answer: Answer::Transaction(t) }) => self.looked(t),
            ("tell", Outcome::Done { .. }) => self.push(match answered.effect {
                Effect::Desk(Desk::Tell { message, .. }) if message.flow == "refund" => Event::GiveBackAnswered,
                Effect::Desk(Desk::Tell { message, .. }) if message.flow == "dispute" => Event::DisputeAnswered,
                _ => Event::ActivationTold,
            }),
            ("propose", Outcome::Done { .. }) => self.push(Event::ProposalSent),
            ("answer_card", Outcome::Done { .. }) => self.push(Event::RetryAnswered),
            ("ask_card", Outcome::Done { .. }) => self.push(Event::LetterHandedOver),
            ("project", outcome) => self.projected(answered.effect, outcome),
            _ => {}
        }
    }

    fn read(&mut self, step: &str, outcome: &Outcome) {
        let answer = match outcome {
            Outcome::Done { answer } => answer,
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
                match step {
                    "read_invoice" => self.missing(),
                    // The vault does not know the customer: there is no card.
                    "read_method" => self.push(Event::MethodRead { method: None }),
                    _ => {}
                }
                return;
            }
            _ => return,
        };
        match answer {
            Answer::Invoice(invoice) => {
                self.push(Event::InvoiceRead { invoice: invoice.clone() });
                if self.state.party.surveyed {
                    self.mirror();
                }
            }
            Answer::SubscriptionOfInvoice { subscription } => {
                self.push(Event::SubscriptionOfInvoiceFound { subscription: subscription.clone() });
            }
            Answer::Survey(survey) => {
                let first = !self.state.party.surveyed;
                self.push(Event::InvoiceSurveyed { survey: survey.clone() });
                // The first journals wait for the customer that they concern.
                if first {
                    self.mirror();
                }
            }
            Answer::Subscription(subscription) => {
                self.push(Event::SubscriptionRead { subscription: subscription.clone() });
            }
            Answer::Client(client) => self.push(Event::ClientRead { client: client.clone() }),
            Answer::Methods { methods } => {
                self.push(Event::MethodRead { method: methods.iter().find(|m| m.default).cloned() });
            }
            // No read of this flow is answered with anything else.
            _ => {}
        }
    }

    /// The ledger shows the invoice as Zoho does.
    fn mirror(&mut self) {
        let Some(invoice) = self.state.facts.invoice.clone() else { return };
        let today = self.at.date(self.at.now);
        // What it comes to is known once the give-back has ended, which has it looked at again.
        let given = self.state.captures.iter().any(Capture::is_being_given_back);
        if given && books::takes_off(&self.state, &invoice) {
            return;
        }
        // What it opens with first: the rest is what came since.
        if self.state.booked.is_to_open() {
            for event in books::mirror(&self.state, &invoice, today) {
                self.push(event);
            }
        }
        for event in books::mirror(&self.state, &invoice, today) {
            self.push(event);
        }
    }

    fn claimed(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done { .. } => self.push(Event::InvoiceClaimed),
            Outcome::Declined { decline } => {
                self.push(Event::ClaimRefused { held: decline.code.clone() });
                self.defer("2.2-e4", Wait::Busy, self.shortly(Wait::Busy));
            }
            Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn charged(&mut self, outcome: &Outcome, extra: &[String]) {
        let Some(attempt) = self.state.attempt.clone() else { return };
        match outcome {
            Outcome::Done { answer: Answer::Transaction(t) } => self.approved(&attempt, t, extra),
            Outcome::Declined { decline } => self.declined(&attempt, decline),
            Outcome::Rejected { rejection } if is_card_unknown(rejection) => {
                self.push(Event::CardUnknown { code: rejection.code.clone(), at: self.at.now });
            }
            Outcome::Rejected { rejection } if rejection.code == NO_MERCHANT_ACCOUNT => {
                self.push(Event::ChargeSuperseded);
                self.hold("2.2-e13", ParkCode::HeldByDecision, rejection.message.clone());
            }
            Outcome::Done { .. } | Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn approved(&mut self, attempt: &Attempt, t: &Transaction, extra: &[String]) {
        let ours = t.order_id == attempt.order_id && t.amount.is_positive();
        let known = |id: &String| self.state.capture(id).is_some() || self.state.unread.contains(id);
        if !ours || known(&t.id) || !(t.status.is_approved() || t.status.is_reversed()) {
            return;
        }
        let extra = extra.iter().filter(|id| **id != t.id && !known(id)).cloned().collect();
        let captured = Box::new(self.captured(t, trouble(attempt, t)));
        self.push(Event::PaymentCaptured { captured, extra, at: self.at.now });
        if t.status.is_reversed() {
            self.reversed(t);
        }
    }

    fn captured(&self, t: &Transaction, trouble: Option<Trouble>) -> Captured {
        Captured {
            transaction: t.id.clone(),
            order_id: t.order_id.clone(),
            amount: t.amount,
            made_at: t.created_at,
            effective: self.at.date(t.created_at),
            trouble,
        }
    }

    fn declined(&mut self, attempt: &Attempt, decline: &Decline) {
        let due = self.state.facts.invoice.as_ref().map_or_else(|| self.at.date(self.at.now), |i| i.due_date);
        let ruling = dunning::rule(decline, &self.state.dunning, attempt, due, self.at);
        self.push(Event::ChargeDeclined {
            decline: Box::new(decline.clone()),
            ruling: Box::new(ruling),
            at: self.at.now,
        });
    }

    fn record_answered(&mut self, outcome: &Outcome, extra: &[String]) {
        let Some(recording) = self.state.recording.clone() else { return };
        let transaction = recording.transaction;
        match outcome {
            Outcome::Done { answer: Answer::Recorded { payment, amount } } => {
                let applied = if amount.minor < recording.amount.minor { *amount } else { recording.amount };
                let doubt = if *amount != recording.amount {
                    Some(format!("Zoho recorded {amount} where {} was asked (payment {payment})", recording.amount))
                } else if extra.is_empty() {
                    None
                } else {
                    Some(format!(
                        "Zoho holds more than one payment for it: {payment} is kept, delete {}",
                        extra.join(", ")
                    ))
                };
                if let Some(what) = doubt {
                    self.push(Event::RecordDoubtful { transaction: transaction.clone(), what });
                }
                self.recorded(&transaction, payment, applied, recording.again);
            }
            Outcome::Rejected { rejection } if rejection.is_business() => {
                self.push(Event::RecordRefused {
                    transaction,
                    code: rejection.code.clone(),
                    message: rejection.message.clone(),
                    at: self.at.now,
                });
                self.check(Scope::Invoice);
            }
            Outcome::Done { .. }
            | Outcome::Declined { .. }
            | Outcome::Rejected { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. } => {}
        }
    }

    /// A transaction as it stands now: one of our captures, or one of which only the id was known.
    fn looked(&mut self, t: &Transaction) {
        if self.state.unread.contains(&t.id) {
            return self.duplicate(t);
        }
        let Some(capture) = self.state.capture(&t.id).cloned() else { return };
        let status = &t.status;
        if t.amount != capture.amount {
            let what = format!("Braintree now shows {} where {} was captured ({})", t.amount, capture.amount, t.id);
            return self.unclear(&t.id, ParkCode::AnswerMismatch, what);
        }
        if *status == TransactionStatus::Settled {
            self.push(Event::PaymentSettled {
                transaction: t.id.clone(),
                amount: capture.amount,
                effective: self.at.date(self.at.now),
            });
        } else if status.is_approved() || (status.is_reversed() && capture.is_being_given_back()) {
            // Void or not, the give-back says so.
            self.awaited(&capture);
        } else if status.is_reversed() && !capture.give_backs.is_empty() {
            let what = format!("{} was refunded in part and is now {status:?}: finance must look", t.id);
            self.unclear(&t.id, ParkCode::MoneyDecision, what);
        } else if status.is_reversed() {
            self.reversed(t);
        } else {
            let what = format!("Braintree shows {} as {status:?}, which a captured payment cannot become", t.id);
            self.unclear(&t.id, ParkCode::UnknownVendorState, what);
        }
    }

    fn unclear(&mut self, transaction: &str, code: ParkCode, what: String) {
        self.push(Event::SettlementUnclear { transaction: transaction.to_owned(), code, what, at: self.at.now });
    }

    fn awaited(&mut self, capture: &Capture) {
        let age = self.at.now - capture.captured_at;
        let step = if age < settlement::OFTEN_FOR { settlement::OFTEN } else { settlement::LATER };
        self.push(Event::SettlementAwaited {
            transaction: capture.transaction.clone(),
            next_look: self.at.now + step,
            late_days: (age >= settlement::LATE).then(|| age.num_days()),
        });
    }

    fn duplicate(&mut self, t: &Transaction) {
        if !(t.status.is_approved() || t.status.is_reversed()) {
            return self.push(Event::DuplicateDisproved { transaction: t.id.clone() });
        }
        let captured = self.captured(t, Some(Trouble::Extra));
        self.push(Event::DuplicateCaptured { captured: Box::new(captured) });
        if t.status.is_reversed() {
            self.reversed(t);
        }
    }

    /// What was taken was given back, and not by this flow.
    fn reversed(&mut self, t: &Transaction) {
        let Some(capture) = self.state.capture(&t.id).cloned() else { return };
        if capture.reversed {
            return;
        }
        let cause = match t.status {
            TransactionStatus::SettlementDeclined => "settlement_declined",
            TransactionStatus::SettlementFailed => "settlement_failed",
            TransactionStatus::AuthorizationExpired => "authorization_expired",
            _ => "voided",
        };
        // A person was asked to give this money back.
        let asked = matches!(self.state.rest, Rest::Held { .. }) || capture.trouble == Some(Trouble::Extra);
        let expected = asked && cause == "voided" && capture.applied.minor == 0;
        self.push(Event::PaymentReversed {
            transaction: t.id.clone(),
            cause: cause.to_owned(),
            amount: capture.amount,
            applied: capture.applied,
            was_settled: capture.settled,
            expected,
            effective: self.at.date(self.at.now),
            at: self.at.now,
        });
        if expected {
            self.check(Scope::All);
        }
    }

    fn projected(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Attio(Attio::Project(projection)) = effect else { return };
        let version = projection.sync_version;
        match outcome {
            Outcome::Done { answer: Answer::Projected { transaction_record, subscription_record } } => {
                self.push(Event::CustomerStateShown {
                    version,
                    transaction_record: transaction_record.clone(),
                    subscription_record: subscription_record.clone(),
                });
            }
            Outcome::Done { .. } => {
                self.push(Event::CustomerStateShown { version, transaction_record: None, subscription_record: None });
            }
            // The record was deleted: a later try finds none either.
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
                let (code, message) = (rejection.code.clone(), rejection.message.clone());
                self.push(Event::ProjectionRefused { version, code, message });
            }
            Outcome::Rejected { rejection } => self.not_shown(version, &rejection.code, &rejection.message),
            Outcome::Declined { decline } => self.not_shown(version, &decline.code, &decline.text),
            Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn not_shown(&mut self, version: u64, code: &str, message: &str) {
        let again_at = self.state.put_off.again_at(self.at.now);
        let (code, message) = (code.to_owned(), message.to_owned());
        self.push(Event::ProjectionPutOff { version, code, message, again_at });
    }

    /// What was requested rests on facts that are too old, and was not sent.
    pub(super) fn superseded(&mut self, step: &str) {
        if step != "charge" {
            return self.due();
        }
        if self.state.stage != Stage::Charging {
            return;
        }
        self.push(Event::ChargeSuperseded);
        let long_ago = self.state.facts.since.is_none_or(|since| self.at.now - since > TimeDelta::minutes(10));
        self.check(if long_ago { Scope::All } else { Scope::Invoice });
    }
}

/// Less than asked, or somebody else's customer, card or currency.
fn trouble(attempt: &Attempt, t: &Transaction) -> Option<Trouble> {
    let other = |theirs: &Option<String>, ours: &str| theirs.as_deref().is_some_and(|theirs| theirs != ours);
    let what = if other(&t.customer, &attempt.customer) {
        "the charge was made on another customer than asked: give it back"
    } else if other(&t.token, &attempt.method.token) {
        "the charge was made on another card than asked: give it back"
    } else if t.amount.currency != attempt.amount.currency || t.amount.minor > attempt.amount.minor {
        "the charge was approved for another amount than asked: give it back"
    } else if t.amount.minor < attempt.amount.minor {
        return Some(Trouble::Partial);
    } else {
        return None;
    };
    Some(Trouble::Mismatch { what: what.to_owned() })
}

/// Our own settings name no merchant account for the currency: nothing was sent, and nothing is converted.
const NO_MERCHANT_ACCOUNT: &str = "no_merchant_account";

/// Braintree does not know the card or the customer: `91518` token invalid, `91510` customer invalid, `91511` customer
/// without a card, `91508` no payment method (Braintree, validation errors of transactions).
fn is_card_unknown(rejection: &Rejection) -> bool {
    rejection.kind == RejectionKind::NotFound
        || matches!(rejection.code.as_str(), "91518" | "91510" | "91511" | "91508")
}
