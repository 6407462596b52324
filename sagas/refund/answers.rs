//! What the outcome of a step means to a refund. An outcome without a branch here yields nothing: the machine then parks
//! the step under the vendor's reason, and a resume looks the same call up before it is sent again.

use super::state::{LOOK_LATER, LOOK_OFTEN, LOOK_OFTEN_FOR, Means, Outcome as Given, Stage};
use super::turn::{ANSWER, Turn};
use super::words::{Event, Wait};
use super::zoho;
use crate::kernel::answer::{Answer, CreditNote, Refund, Transaction, TransactionStatus as Status};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::Answered;
use chrono::TimeDelta;

/// The sale is looked at again while it can neither be voided in part nor refunded.
const SETTLES_AGAIN: TimeDelta = TimeDelta::hours(1);
/// Braintree's batch is being closed: tried again so often, for so long.
const BATCH_AGAIN: TimeDelta = TimeDelta::minutes(10);
const BATCH_PATIENCE: TimeDelta = TimeDelta::days(3);
/// A refund that is not settled after so long is late.
const LATE: TimeDelta = TimeDelta::days(4);

/// Not settled yet (91506), or not refundable in this state (91574).
const NOT_YET: [&str; 2] = ["91506", "91574"];
/// The merchant account gives nothing back (91538, 91547, 91559), or too much is given back already (91512, 91521).
const NEVER: [&str; 5] = ["91538", "91547", "91559", "91512", "91521"];

impl Turn<'_> {
    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let outcome = answered.outcome;
        match (answered.step, &self.state.stage) {
            ("claim", Stage::Claiming) => match outcome {
                Outcome::Done { .. } => self.claimed(),
                Outcome::Declined { decline } => self.busy(&decline.text),
                Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
            },
            ("read_found", Stage::Verifying) => self.found_read(outcome),
            ("weigh", Stage::Weighing) => {
                if let Outcome::Done { answer: Answer::Weighed { alone } } = outcome {
                    self.weighed(*alone);
                }
            }
            ("ask_stream", _) if matches!(outcome, Outcome::Done { .. }) => {
                self.push(Event::StreamAsked { until: self.at.now + ANSWER });
            }
            ("read_lines", Stage::Reading) => self.lines(outcome),
            ("read_transaction", Stage::Choosing) => self.chosen(outcome),
            ("give_back", Stage::Sending) => self.given_back(outcome, answered.extra),
            ("tell_stream", _) if matches!(outcome, Outcome::Done { .. }) => self.push(Event::StreamTold),
            ("project", _) => self.shown(answered.effect, outcome),
            ("letter", _) => self.sent_letter(outcome),
            ("look_refund", Stage::Accepted) if self.state.looking => self.looked(outcome),
            (step, Stage::Accepted) => self.zoho_answered(step, outcome, answered.extra),
            _ => {}
        }
    }

    fn lines(&mut self, outcome: &Outcome) {
        let refuse = |turn: &mut Self, code: &str, why: &str| turn.not_let_go(code, why.to_owned());
        match outcome {
            Outcome::Done { answer: Answer::InvoiceLines(read) } => {
                let forgiven = self.state.terms.as_ref().map(|terms| terms.forgiven);
                let Some(credit) = forgiven.and_then(|forgiven| zoho::credit(read, forgiven)) else {
                    return refuse(self, "no_line", "no line of the invoice can be credited: none has a code");
                };
                let tax = credit.tax;
                self.push(Event::InvoiceLinesRead { credit: Box::new(credit) });
                self.approve(tax);
            }
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => {
                refuse(self, "invoice_gone", "the invoice is not at Zoho any more: nothing of it can be forgiven");
            }
            _ => {}
        }
    }

    /// Void or refund: what the sale's status allows now.
    fn chosen(&mut self, outcome: &Outcome) {
        let Outcome::Done { answer: Answer::Transaction(sale) } = outcome else { return };
        let Some(terms) = self.state.terms.clone() else { return };
        if self.state.disputed {
            return self.stopped_by_dispute();
        }
        if sale.amount != terms.captured {
            let detail =
                format!("Braintree shows {} for {}, and {} was captured", sale.amount, sale.id, terms.captured);
            return self.held(ParkCode::AnswerMismatch, detail);
        }
        let now = self.at.now;
        let refused = self.state.refused;
        let wait = refused.filter(|refused| now - refused.last < BATCH_AGAIN);
        match &sale.status {
            _ if refused.is_some_and(|refused| now - refused.first >= BATCH_PATIENCE) => {
                let detail =
                    format!("void and refund of {} are refused for three days: look at it at Braintree", sale.id);
                self.held(ParkCode::GiveBackStuck, detail);
            }
            Status::Authorized | Status::SubmittedForSettlement if terms.is_whole() => {
                // Refused as a void a moment ago, though its status still allows it.
                match wait {
                    Some(_) => self.put_off(Wait::Batch, BATCH_AGAIN),
                    None => self.push(Event::VoidChosen { card: sale.card.clone() }),
                }
            }
            Status::Authorized | Status::SubmittedForSettlement | Status::Authorizing | Status::SettlementPending => {
                self.put_off(Wait::Settlement, SETTLES_AGAIN);
            }
            Status::Settling | Status::Settled => {
                let was_refund = matches!(self.state.means, Some(Means::Refund { .. }));
                if wait.is_some() && was_refund {
                    return self.put_off(Wait::Settlement, SETTLES_AGAIN);
                }
                self.choose_refund(sale);
            }
            status if status.is_reversed() && self.state.told => {
                let detail =
                    format!("{} is {} now, after a refund of it failed: finance must look", sale.id, word(status));
                self.held(ParkCode::MoneyDecision, detail);
            }
            Status::SettlementDeclined | Status::SettlementFailed | Status::Voided | Status::AuthorizationExpired => {
                self.push(Event::RefundMoot { status: word(&sale.status), effective: self.at.date(now), at: now });
            }
            Status::SettlementConfirmed
            | Status::ProcessorDeclined
            | Status::GatewayRejected
            | Status::Failed
            | Status::Other(_) => {
                let detail =
                    format!("Braintree shows {} as {}, which no payment of ours becomes", sale.id, word(&sale.status));
                self.held(ParkCode::UnknownVendorState, detail);
            }
        }
    }

    fn choose_refund(&mut self, sale: &Transaction) {
        let (Some(wish), Some(saga)) = (&self.state.wish, self.state.saga()) else { return };
        let order_id = wish.installation.refund_order(saga, self.state.orders + 1);
        self.push(Event::RefundChosen { order_id, card: sale.card.clone() });
    }

    pub(super) fn held(&mut self, code: ParkCode, detail: String) {
        self.push(Event::RefundHeld { code, detail, at: self.at.now });
    }

    fn given_back(&mut self, outcome: &Outcome, extra: &[String]) {
        match (outcome, &self.state.means) {
            (Outcome::Done { .. }, Some(Means::Void)) => {
                let Some(terms) = &self.state.terms else { return };
                let (amount, applied) = (terms.captured, terms.applied);
                let (effective, at) = (self.at.date(self.at.now), self.at.now);
                self.push(Event::SaleVoided { amount, applied, effective, at });
            }
            (Outcome::Done { answer: Answer::Refund(refund) }, Some(Means::Refund { .. })) => self.sent(refund, extra),
            (Outcome::Declined { decline }, Some(Means::Refund { .. })) => {
                let (code, why) = (decline.code.clone(), decline.text.clone());
                self.push(Event::RefundBlocked { code, why, at: self.at.now });
            }
            (Outcome::Rejected { rejection }, _) => self.refused_by_braintree(rejection),
            _ => {}
        }
    }

    fn refused_by_braintree(&mut self, rejection: &Rejection) {
        let code = rejection.code.as_str();
        let (why, at) = (rejection.message.clone(), self.at.now);
        if NEVER.contains(&code) {
            self.push(Event::RefundBlocked { code: code.to_owned(), why, at });
        } else if NOT_YET.contains(&code)
            || (self.state.means == Some(Means::Void) && rejection.kind == RejectionKind::State)
        {
            self.push(Event::GiveBackRefused { code: code.to_owned(), why, at });
        }
    }

    fn sent(&mut self, refund: &Refund, extra: &[String]) {
        self.push(Event::RefundSent {
            refund: refund.id.clone(),
            amount: refund.amount,
            soft_decline: refund.soft_decline.clone(),
            effective: self.at.date(refund.created_at),
            at: self.at.now,
        });
        let wanted = self.state.wish.as_ref().map(|wish| wish.amount);
        if !extra.is_empty() {
            let detail = format!("refund {} went out more than once: {}", refund.id, extra.join(", "));
            return self.held(ParkCode::AnswerMismatch, detail);
        }
        if wanted != Some(refund.amount) {
            let detail =
                format!("Braintree refunded {} as {}, and another amount was asked for", refund.amount, refund.id);
            return self.held(ParkCode::AnswerMismatch, detail);
        }
        if refund.status.is_reversed() {
            self.failed(&word(&refund.status));
        }
    }

    fn looked(&mut self, outcome: &Outcome) {
        let Some(Given::Sent { refund, amount, at, settled, .. }) = self.state.outcome.clone() else { return };
        let now = self.at.now;
        let status = match outcome {
            Outcome::Done { answer: Answer::Transaction(t) } => t.status.clone(),
            // So a refund that the bank refused after all is read.
            Outcome::Declined { decline } => return self.failed(&decline.code),
            _ => return,
        };
        match status {
            Status::Settled if settled => self.awaited(now + LOOK_LATER, None),
            Status::Settled => {
                let effective = self.at.date(now);
                self.push(Event::RefundSettled { refund, amount, effective, at: now });
            }
            Status::ProcessorDeclined | Status::GatewayRejected | Status::Failed => self.failed(&word(&status)),
            _ if status.is_reversed() => self.failed(&word(&status)),
            _ if status.is_approved() => {
                let age = now - at;
                let step = if age < LOOK_OFTEN_FOR { LOOK_OFTEN } else { LOOK_LATER };
                self.awaited(now + step, (age >= LATE).then(|| age.num_days()));
            }
            _ => {
                let detail = format!("Braintree shows refund {refund} as {}, which is not known here", word(&status));
                self.held(ParkCode::UnknownVendorState, detail);
            }
        }
    }

    fn awaited(&mut self, next_look: chrono::DateTime<chrono::Utc>, late_days: Option<i64>) {
        self.push(Event::SettlementAwaited { next_look, late_days });
    }

    fn failed(&mut self, status: &str) {
        let Some(Given::Sent { refund, amount, settled, .. }) = self.state.outcome.clone() else { return };
        self.push(Event::RefundFailed {
            refund,
            status: status.to_owned(),
            amount,
            was_settled: settled,
            effective: self.at.date(self.at.now),
            at: self.at.now,
        });
    }

    fn zoho_answered(&mut self, step: &str, outcome: &Outcome, extra: &[String]) {
        match outcome {
            Outcome::Done { answer } => self.zoho_done(step, answer, extra),
            // Somebody deleted it before us: what is wanted is there.
            Outcome::Rejected { rejection } if step == "read_payment" && rejection.kind == RejectionKind::NotFound => {
                self.push(Event::PaymentRecordDeleted);
            }
            Outcome::Rejected { rejection } => {
                let spent = rejection.code == "credit_spent";
                let code = if spent { ParkCode::CreditSpent } else { ParkCode::RecordBlocked };
                self.blocked(code, format!("Zoho refuses {step}: {} {}", rejection.code, rejection.message));
            }
            Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn blocked(&mut self, code: ParkCode, why: String) {
        self.push(Event::BooksRefused { code, why, at: self.at.now });
    }

    fn zoho_done(&mut self, step: &str, answer: &Answer, extra: &[String]) {
        match (step, answer) {
            ("delete_payment", _) => self.push(Event::PaymentRecordDeleted),
            ("read_payment", Answer::ZohoPayment(payment)) => self.read_payment(payment.clone()),
            ("lower_payment", Answer::ZohoPayment(payment)) => {
                self.push(Event::PaymentRecordLowered { payment: payment.id.clone() });
            }
            ("read_invoice", Answer::Invoice(invoice)) => {
                let (total, balance) = (invoice.total, invoice.balance);
                self.push(Event::InvoiceSeen { total, balance, void: invoice.status == "void" });
            }
            ("void_invoice", _) => self.push(Event::InvoiceVoided),
            ("create_note", Answer::CreditNote(note)) => self.note_made(note, extra),
            ("void_note", _) => {
                let Some(note) = self.state.zoho.note.clone() else { return };
                self.push(Event::CreditNoteVoided { note: note.id });
                let why = format!("the credit note came to {}, and it is void now: make it good in Zoho", note.total);
                self.blocked(ParkCode::RecordBlocked, why);
            }
            ("pay_out_note", Answer::CreditRefunded { refund, note, .. }) => {
                self.push(Event::CreditNotePaidOut { note: note.clone(), refund: refund.clone() });
            }
            ("apply_note", _) => {
                let (Some(note), Some(terms)) = (&self.state.zoho.note, &self.state.terms) else { return };
                let (note, amount) = (note.id.clone(), terms.forgiven);
                self.push(Event::CreditNoteApplied { note, amount, effective: self.at.date(self.at.now) });
            }
            _ => {}
        }
    }

    fn read_payment(&mut self, payment: Box<crate::kernel::answer::ZohoPayment>) {
        let reopened = self.state.terms.as_ref().map_or(0, |terms| terms.reopened.minor);
        if payment.amount.minor < reopened {
            let why = format!("payment {} is over {} only: somebody changed it", payment.id, payment.amount);
            return self.blocked(ParkCode::RecordBlocked, why);
        }
        self.push(Event::PaymentRecordRead { payment });
    }

    fn note_made(&mut self, note: &CreditNote, extra: &[String]) {
        self.push(Event::CreditNoteMade { note: note.id.clone(), number: note.number.clone(), total: note.total });
        if !extra.is_empty() {
            let why = format!("there are more credit notes of it: void {} in Zoho", extra.join(", "));
            self.blocked(ParkCode::RecordBlocked, why);
        } else if !note.applied_to.is_empty() {
            let why = format!("credit note {} was used on an invoice before it was paid out", note.number);
            self.blocked(ParkCode::CreditSpent, why);
        }
    }
}

/// Braintree's word.
pub(super) fn word(status: &Status) -> String {
    match status {
        Status::Other(word) => word.clone(),
        known => serde_json::to_value(known).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
    }
}
