//! What a rule proposes to give back: money of ours that this invoice has no use for. The give-back is a saga of its own,
//! asked for by its own door; it asks this stream before it takes anything, and what nobody agrees to stays here, held.

use super::books;
use super::state::{Capture, State};
use super::turn::Turn;
use super::words::{Event, Trouble};
use crate::kernel::effect::Message;
use crate::kernel::give_back::{Approval, Source, Wish};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::saga::Saga;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A give-back that was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposed {
    /// Braintree transaction id.
    pub transaction: String,
    /// What of it, applied to nothing.
    pub amount: Money,
    /// Number of the edge that asks for it.
    pub rule: String,
    /// Who has to agree.
    pub approval: Approval,
    /// When (UTC).
    pub at: DateTime<Utc>,
}

/// All that were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proposals {
    made: Vec<Proposed>,
    /// How many of them were ordered.
    sent: usize,
}

impl Proposals {
    pub(super) const fn is_empty(&self) -> bool {
        self.made.is_empty()
    }
}

impl Proposed {
    /// The order, for the give-back's own saga.
    fn message(&self, state: &State, number: usize) -> Option<Message> {
        let intake = state.intake.as_ref()?;
        let wish = Wish {
            key: format!("rule-{number}"),
            installation: intake.installation.clone(),
            transaction: self.transaction.clone(),
            invoice: intake.invoice.clone(),
            stream: SagaId::of_invoice(&intake.organization, &intake.invoice),
            amount: self.amount,
            source: Source::Unapplied,
            reason: reason(&self.rule).to_owned(),
            by: format!("{}:{}", super::InvoicePayment::NAME, self.rule),
            approval: self.approval,
        };
        Some(wish.message())
    }
}

/// For the record, in a sentence.
fn reason(rule: &str) -> &'static str {
    match rule {
        "2.0-e20" => "less was approved than was asked for",
        "2.0-e22" => "it was taken a second time",
        "2.9-e2" => "the invoice was paid elsewhere, and the customer owes on another one",
        "2.9-e3" => "the invoice was paid elsewhere",
        "2.12-e2" => "the invoice is void",
        _ => "it is more than the invoice owes",
    }
}

impl Turn<'_> {
    /// It comes to rest with money that has no use here: each part of it is proposed once.
    pub(super) fn propose(&mut self) {
        let state = &self.state;
        let wanted = |capture: &&Capture| {
            let left = capture.unapplied();
            let known = |p: &Proposed| p.transaction == capture.transaction && p.amount.minor == left;
            left > 0 && !capture.is_being_given_back() && !state.proposals.made.iter().any(known)
        };
        let proposed = |capture: &Capture| {
            let (rule, approval) = rule(state, capture)?;
            let amount = Money::new(capture.unapplied(), capture.amount.currency);
            let (transaction, rule, at) = (capture.transaction.clone(), rule.to_owned(), self.at.now);
            Some(Proposed { transaction, amount, rule, approval, at })
        };
        let proposals: Vec<_> = state.captures.iter().filter(wanted).filter_map(proposed).collect();
        for proposed in proposals {
            self.push(Event::GiveBackProposed(proposed));
        }
    }
}

/// Which edge wants it given back, and who has to agree.
fn rule(state: &State, capture: &Capture) -> Option<(&'static str, Approval)> {
    match capture.trouble {
        Some(Trouble::Partial) => return Some(("2.0-e20", Approval::Rule)),
        Some(Trouble::Extra) => return Some(("2.0-e22", Approval::Rule)),
        // What Braintree says of it does not fit: first a person looks.
        Some(Trouble::Mismatch { .. } | Trouble::SettlementDeclined | Trouble::VoidedElsewhere) => return None,
        None => {}
    }
    if capture.payment.is_some() {
        // Zoho holds it as the customer's credit, which may be spent: finance decides (2.12-e3).
        return None;
    }
    let invoice = state.facts.invoice.as_ref()?;
    if books::is_void(invoice) {
        return Some(("2.12-e2", Approval::Proposed));
    }
    // It owes: what we took is its, or somebody must say why not. Written off: first it is asked whether that stays.
    if invoice.balance.is_positive() || invoice.written_off.is_positive() {
        return None;
    }
    let paid_elsewhere = invoice.payments.iter().any(|payment| state.capture(&payment.reference).is_none());
    let owes_elsewhere = state.facts.survey.as_ref()?.owes_elsewhere;
    Some(match (paid_elsewhere, owes_elsewhere) {
        (true, true) => ("2.9-e2", Approval::SecondPerson),
        (true, false) => ("2.9-e3", Approval::Proposed),
        (false, _) => ("2.12-e4", Approval::Proposed),
    })
}

impl State {
    pub(super) fn apply_proposal(&mut self, event: &Event) {
        match event {
            Event::GiveBackProposed(proposed) => self.proposals.made.push(proposed.clone()),
            Event::ProposalSent => self.proposals.sent += 1,
            _ => {}
        }
    }

    /// What has to be ordered still, and which one it is.
    pub(super) fn owed_proposal(&self) -> Option<(usize, Message)> {
        let next = self.proposals.sent;
        let message = self.proposals.made.get(next)?.message(self, next + 1)?;
        Some((next + 1, message))
    }
}
