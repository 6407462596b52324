//! What the outcome of a step means from the change in Zoho on: the invoice that it raised, the capture, what is above the
//! ceiling. From here on nothing is taken back: a revert would be prorated again and leave credit.

use super::answers::is_business;
use super::events::Event;
use super::state::Stage;
use super::turn::Turn;
use super::words::{After, Capture, Demand, Effective, Nothing};
use crate::kernel::answer::{Answer, Invoice, SubscriptionTerms, Transaction, TransactionStatus};
use crate::kernel::effect::{Braintree, Effect};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::pricing::fingerprint;
use crate::kernel::saga::Answered;
use chrono::TimeDelta;

impl Turn<'_> {
    pub(super) fn carried_out(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, .. } = *answered;
        match (step, outcome) {
            ("change", Outcome::Done { answer: Answer::Terms(terms) }) => self.changed(terms),
            ("change", Outcome::Rejected { rejection }) => self.unchanged(rejection),
            ("read_invoice", Outcome::Done { answer: Answer::Invoice(invoice) }) => match self.state.stage {
                Stage::Settling => self.settled(invoice),
                _ => self.weigh(invoice),
            },
            ("capture", _) => self.capture_answered(effect, outcome),
            ("hand_over", Outcome::Done { .. }) => {
                let await_until = self.record_deadline();
                self.push(Event::CaptureHandedOver { await_until });
            }
            ("tell_invoice", Outcome::Done { .. }) => self.push(Event::InvoiceStreamTold),
            _ => {}
        }
    }

    fn changed(&mut self, terms: &SubscriptionTerms) {
        let (at, released, terms) = (self.at.now, self.state.claims.clone(), Box::new(terms.clone()));
        match self.state.preview.as_ref().map(|preview| preview.effective) {
            Some(Effective::TermEnd) => {
                let look_at = self.morning_of(terms.next_billing_on);
                self.push(Event::ChangeScheduled { terms, released, look_at, at });
            }
            Some(Effective::Withdrawal) => self.push(Event::ScheduledChangeWithdrawn { terms, released, at }),
            Some(Effective::Now) | None => {
                self.push(Event::SubscriptionChanged { terms: terms.clone(), at });
                self.look_for_invoice(&terms);
            }
        }
    }

    fn unchanged(&mut self, rejection: &Rejection) {
        let Rejection { kind, code, message } = rejection;
        if *kind == RejectionKind::Changed {
            let detail = format!("{message}: compare it in Zoho, then resume; it is read again");
            self.hold(ParkCode::ChangedMeanwhile, detail, After::Recheck);
        } else if is_business(rejection) {
            self.fail(format!("Zoho refused the change: {message} ({code})"), "correct it, then press again");
        }
    }

    /// After a person compared it: what Zoho shows decides.
    pub(super) fn rechecked(&mut self, terms: &SubscriptionTerms) {
        let Some(preview) = self.state.preview.clone() else { return };
        let is_done = match (preview.effective, &terms.scheduled) {
            (Effective::TermEnd, Some(waiting)) => preview.wanted.is(waiting),
            (Effective::TermEnd | Effective::Now | Effective::Withdrawal, None) => preview.wanted.is(&terms.sold),
            (Effective::Now | Effective::Withdrawal, Some(_)) => false,
        };
        if is_done {
            self.changed(terms);
        } else {
            self.fail("somebody else changed the subscription in Zoho meanwhile", "press `Change plan` again");
        }
    }

    /// Whether the scheduled change is in place.
    pub(super) fn effected(&mut self, terms: &SubscriptionTerms) {
        let Some(preview) = self.state.preview.clone() else { return };
        let (at, boxed) = (self.at.now, Box::new(terms.clone()));
        if terms.scheduled.as_ref().is_some_and(|waiting| preview.wanted.is(waiting)) {
            let look_at = self.morning_of(None);
            self.push(Event::ChangeStillWaits { look_at });
        } else if preview.wanted.is(&terms.sold) {
            self.push(Event::ScheduledChangeTookEffect { terms: boxed, at });
        } else {
            self.push(Event::ScheduledChangeDropped { terms: boxed, at });
        }
    }

    /// The invoice that the change has raised: one that was not there before.
    pub(super) fn look_for_invoice(&mut self, terms: &SubscriptionTerms) {
        let new = terms.newest_invoice.clone().filter(|id| !self.state.raised.contains(id));
        let is_due = self.state.preview.as_ref().is_some_and(super::preview::Preview::is_due_now);
        match new {
            Some(invoice) => self.push(Event::InvoiceFound { invoice }),
            None if !is_due => self.nothing(Nothing::NotDue),
            None if self.state.seen_to => self.nothing(Nothing::NoInvoice),
            None => self.no_invoice(),
        }
    }

    fn nothing(&mut self, why: Nothing) {
        self.push(Event::NothingToCollect { why, at: self.at.now });
    }

    /// Not there yet, or not finished: looked at again, then a person's turn.
    fn no_invoice(&mut self) {
        if let Some(again_at) = self.look_again() {
            self.push(Event::InvoiceMissing { again_at });
        } else {
            let detail = "the plan has changed and Zoho has raised no finished invoice for it (an unbilled charge, or \
                          a setting): have it raised in Zoho, or see that none is due, then resume";
            self.hold(ParkCode::NoInvoice, detail, After::Look);
        }
    }

    /// What is owed, against what was accepted.
    fn weigh(&mut self, invoice: &Invoice) {
        let Some((ceiling, estimate)) = self.state.preview.as_ref().map(|p| (p.ceiling, p.due_now)) else { return };
        let balance = invoice.balance;
        if matches!(invoice.status.as_str(), "draft" | "pending" | "pending_approval" | "approved" | "rejected") {
            self.no_invoice();
        } else if invoice.status == "void" {
            self.nothing(Nothing::Void);
        } else if balance.currency != ceiling.currency || balance.minor > ceiling.minor {
            self.over_ceiling(invoice, ceiling);
        } else if !balance.is_positive() {
            self.nothing(if invoice.payments.is_empty() { Nothing::Zero } else { Nothing::PaidElsewhere });
        } else if self.state.sell_anew && !self.consent_is_young() {
            self.leave("the consent is older than a day");
        } else {
            let estimated = Some(estimate).filter(|estimate| *estimate != balance);
            self.push(Event::InvoiceBound { invoice: Box::new(invoice.clone()), estimated });
        }
    }

    fn over_ceiling(&mut self, invoice: &Invoice, ceiling: Money) {
        let days = self.state.terms.as_ref().map_or(7, |terms| i64::from(terms.patience_days));
        let mut demand = Demand {
            invoice: invoice.id.clone(),
            number: invoice.number.clone(),
            balance: invoice.balance,
            ceiling,
            until: self.at.now + TimeDelta::days(days),
            hash: String::new(),
        };
        demand.hash = fingerprint(&demand);
        let released = self.state.claims.clone();
        self.push(Event::OverCeiling { demand: Box::new(demand), released, at: self.at.now });
    }

    /// A person says that it is settled: the invoice says whether.
    fn settled(&mut self, invoice: &Invoice) {
        if invoice.status == "void" || !invoice.balance.is_positive() {
            self.push(Event::DemandSettled { at: self.at.now });
        } else {
            self.hold(ParkCode::MoneyDecision, self.demand_text(), After::Settle);
        }
    }

    /// The invoice goes the way of every other one: its stream charges it, and duns.
    pub(super) fn leave(&mut self, why: &str) {
        let released = self.state.claims.clone();
        self.push(Event::LeftToCollection { why: why.to_owned(), released, at: self.at.now });
    }

    fn capture_answered(&mut self, effect: &Effect, outcome: &Outcome) {
        match (effect, outcome) {
            (
                Effect::Braintree(Braintree::Submit { transaction, amount }),
                Outcome::Done { answer: Answer::Transaction(t) },
            ) if t.id == *transaction => {
                if t.status.is_reversed() {
                    self.capture_refused("hold_gone", "the hold was voided or had expired");
                } else {
                    self.captured(t, *amount);
                }
            }
            (
                Effect::Braintree(Braintree::Sell { order_id, amount, .. }),
                Outcome::Done { answer: Answer::Transaction(t) },
            ) if t.order_id == *order_id => self.captured(t, *amount),
            (Effect::Braintree(Braintree::Submit { .. }), Outcome::Rejected { rejection })
                if is_business(rejection) =>
            {
                self.capture_refused(&rejection.code, &rejection.message);
            }
            (Effect::Braintree(Braintree::Submit { .. }), Outcome::Declined { decline }) => {
                self.capture_refused(&decline.code, &decline.text);
            }
            (Effect::Braintree(Braintree::Sell { .. }), Outcome::Declined { decline }) => {
                self.leave(&format!("the card was declined ({})", decline.code));
            }
            (Effect::Braintree(Braintree::Sell { .. }), Outcome::Rejected { rejection }) if is_business(rejection) => {
                self.leave(&format!("Braintree refused the payment ({})", rejection.code));
            }
            _ => {}
        }
    }

    /// The hold cannot be captured: expired, voided by staff, or final for another amount. What still stands is released;
    /// then what is owed is sold anew.
    pub(super) fn capture_refused(&mut self, code: &str, message: &str) {
        self.push(Event::CaptureRefused { code: code.to_owned(), message: message.to_owned(), at: self.at.now });
    }

    fn captured(&mut self, t: &Transaction, asked: Money) {
        if !t.status.is_approved() || t.status == TransactionStatus::Authorized {
            return;
        }
        let held = self.state.hold.as_ref().map(|hold| hold.amount);
        // A hold is older than its capture; a sale is its own.
        let captured_at = if held.is_some() { self.at.now } else { t.created_at };
        let order_id = if held.is_some() { self.state.order_id.clone() } else { t.order_id.clone() };
        let capture = Capture {
            transaction: t.id.clone(),
            order_id,
            amount: t.amount,
            captured_at,
            effective: self.at.date(captured_at),
        };
        self.push(Event::PaymentCaptured { capture: Box::new(capture), held, at: self.at.now });
        if t.amount != asked {
            let what = format!("Braintree shows {} as captured where {asked} was asked ({})", t.amount, t.id);
            self.hold(ParkCode::AnswerMismatch, format!("{what}: look at it, then resume"), After::HandOver);
        }
    }
}
