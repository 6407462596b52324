//! What a refund writes into the ledger and beside the log. What the customer is owed is posted with the approval; what the
//! bank took with its answer. Where Zoho voids the invoice, its own stream takes it out of the books: one poster a document.

use super::claim_of;
use super::state::State;
use super::words::{Event, Terms};
use crate::kernel::money::Money;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::saga::{Facts, Mark};
use chrono::NaiveDate;

/// The invoice owes again by an act of ours: a person decides whether it is charged.
pub(super) const GIVEN_BACK: &str = "given_back";

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let mut facts = Facts { references: references(state, event), ..Facts::default() };
    facts.amount = match event {
        Event::RefundRequested { wish, .. } | Event::RefundFoundOutside { wish, .. } => Some(wish.amount),
        Event::RefundApproved { .. } | Event::RefundBlocked { .. } => state.wish.as_ref().map(|wish| wish.amount),
        Event::SaleVoided { amount, .. }
        | Event::RefundSent { amount, .. }
        | Event::RefundSettled { amount, .. }
        | Event::RefundFailed { amount, .. }
        | Event::RefundReopened { amount, .. }
        | Event::RefundPaidOutside { amount, .. } => Some(*amount),
        _ => None,
    };
    if let Some((wish, terms)) = state.agreed() {
        let book = Book { state, terms, transaction: &wish.transaction, amount: wish.amount };
        book.postings(event, &mut facts.postings);
        facts.marks.extend(holds(state, terms, event));
    }
    facts.marks.extend(claims(state, event));
    facts
}

struct Book<'a> {
    state: &'a State,
    terms: &'a Terms,
    transaction: &'a str,
    amount: Money,
}

impl Book<'_> {
    fn posting(&self, rule: Rule, amount: Money, effective: NaiveDate) -> Posting {
        let dimensions = Dimensions {
            customer: self.terms.customer.clone(),
            subscription: self.terms.subscription.clone(),
            invoice: Some(self.terms.invoice.clone()),
            transaction: Some(self.transaction.to_owned()),
            zoho_payment: None,
            channel: (rule == Rule::RefundPaidOutside).then(|| "transfer".to_owned()),
        };
        // Only notes have a tax line.
        let tax = matches!(rule, Rule::CreditNote | Rule::CreditNoteReversed).then_some(self.state.tax).flatten();
        Posting { rule, amount, tax, effective, dimensions }
    }

    /// What of the give-back comes from 2100.
    const fn unapplied(&self) -> Money {
        Money::new(self.terms.reopened.minor + self.terms.unapplied.minor, self.amount.currency)
    }

    fn postings(&self, event: &Event, out: &mut Vec<Posting>) {
        let terms = self.terms;
        let mut post = |rule, amount: Money, on: NaiveDate| {
            if amount.minor != 0 {
                out.push(self.posting(rule, amount, on));
            }
        };
        match event {
            Event::RefundApproved { effective, .. } => {
                post(Rule::CreditNote, terms.forgiven, *effective);
                post(Rule::RefundFromCredit, terms.forgiven, *effective);
                post(Rule::Unapply, terms.reopened, *effective);
                post(Rule::RefundFromUnapplied, self.unapplied(), *effective);
            }
            Event::SaleVoided { amount, applied, effective, .. } => {
                self.take_back(true, *effective, &mut post);
                // What the approval took off the invoice stays off it.
                post(Rule::Unapply, *applied, *effective);
                post(Rule::CaptureReversed, *amount, *effective);
            }
            Event::RefundMoot { effective, .. } | Event::RefundWithdrawn { credit_kept: false, effective } => {
                self.take_back(true, *effective, &mut post);
                post(Rule::Unapply, terms.reopened.negated(), *effective);
            }
            // The customer keeps the credit.
            Event::RefundWithdrawn { credit_kept: true, effective } => self.take_back(false, *effective, &mut post),
            Event::RefundSent { amount, effective, .. } => post(Rule::RefundSent, *amount, *effective),
            Event::RefundSettled { amount, effective, .. } => post(Rule::RefundSettled, *amount, *effective),
            Event::RefundFailed { amount, was_settled, effective, .. } => {
                if *was_settled {
                    post(Rule::RefundSettledReversed, *amount, *effective);
                }
                post(Rule::RefundReversed, *amount, *effective);
            }
            Event::RefundReopened { amount, effective, .. } => {
                post(Rule::RefundFromCreditReversed, *amount, *effective);
                post(Rule::CreditNoteReversed, *amount, *effective);
                post(Rule::Unapply, *amount, *effective);
                post(Rule::RefundFromUnapplied, *amount, *effective);
            }
            Event::RefundPaidOutside { amount, effective } => post(Rule::RefundPaidOutside, *amount, *effective),
            Event::CreditNoteApplied { amount, effective, .. } => post(Rule::CreditNote, *amount, *effective),
            _ => {}
        }
    }

    /// The approval's journals, the last first.
    fn take_back(&self, note_too: bool, on: NaiveDate, post: &mut impl FnMut(Rule, Money, NaiveDate)) {
        post(Rule::RefundFromUnappliedReversed, self.unapplied(), on);
        post(Rule::RefundFromCreditReversed, self.terms.forgiven, on);
        if note_too {
            post(Rule::CreditNoteReversed, self.terms.forgiven, on);
        }
    }
}

/// An act of ours that reopens the invoice puts it on hold with its intent. Where the invoice is void or credited in the end,
/// nothing is owed, and the hold goes; else only a person's decision lifts it.
fn holds(state: &State, terms: &Terms, event: &Event) -> Option<Mark> {
    let (invoice, reason) = (terms.invoice.clone(), GIVEN_BACK);
    let reopens = terms.reopened.minor != 0;
    match event {
        Event::RefundReopened { .. } => Some(Mark::Hold { invoice, reason }),
        Event::RefundApproved { .. } if reopens => Some(Mark::Hold { invoice, reason }),
        Event::VoidChosen { .. } if terms.payment.is_some() => Some(Mark::Hold { invoice, reason }),
        // Not voided after all: nothing of what is forgiven is owed again.
        Event::RefundChosen { .. } | Event::RefundMoot { .. } | Event::RefundWithdrawn { .. } if !reopens => {
            Some(Mark::LiftHold { invoice, reason })
        }
        Event::RefundMoot { .. } | Event::InvoiceSeen { void: true, .. } => Some(Mark::LiftHold { invoice, reason }),
        Event::RefundWithdrawn { .. } if !state.told => Some(Mark::LiftHold { invoice, reason }),
        Event::InvoiceVoided | Event::CreditNoteApplied { .. } if !reopens => Some(Mark::LiftHold { invoice, reason }),
        _ => None,
    }
}

fn claims(state: &State, event: &Event) -> Option<Mark> {
    let claim = claim_of(state.wish.as_ref()?);
    match event {
        Event::TransactionClaimed => Some(Mark::Confirm(claim)),
        // Once the invoice's stream knows, the next give-back can be let in.
        Event::ApprovalDenied { .. }
        | Event::ApprovalLapsed { .. }
        | Event::RefundRefused { .. }
        | Event::StreamTold => Some(Mark::Release(claim)),
        // It knew before: a refund that failed was made once more, or was not.
        Event::RefundSent { .. } | Event::RefundPaidOutside { .. } | Event::RefundWithdrawn { .. } if state.told => {
            Some(Mark::Release(claim))
        }
        _ => None,
    }
}

/// Ids by which the saga and the event are found.
fn references(state: &State, event: &Event) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut add = |kind, value: Option<String>| out.extend(value.filter(|v| !v.is_empty()).map(|v| (kind, v)));
    match event {
        Event::RefundRequested { wish, .. } | Event::RefundFoundOutside { wish, .. } => {
            add("braintree_transaction", Some(wish.transaction.clone()));
            add("zoho_invoice", Some(wish.invoice.clone()));
        }
        Event::GiveBackAdmitted { terms } => {
            add("customer", terms.customer.clone());
            add("zoho_subscription", terms.subscription.clone());
            add("invoice_number", Some(terms.number.clone()));
            add("attio_record", terms.client.as_ref().map(|client| client.id.clone()));
        }
        Event::RefundChosen { order_id, .. } => add("order_id", Some(order_id.clone())),
        Event::RefundSent { refund, .. } => {
            add("braintree_refund", Some(refund.clone()));
            add("braintree_transaction", state.wish.as_ref().map(|wish| wish.transaction.clone()));
            add("zoho_invoice", state.wish.as_ref().map(|wish| wish.invoice.clone()));
        }
        Event::RefundSettled { refund, .. } | Event::RefundFailed { refund, .. } => {
            add("braintree_refund", Some(refund.clone()));
        }
        Event::SaleVoided { .. } => {
            add("braintree_transaction", state.wish.as_ref().map(|wish| wish.transaction.clone()));
        }
        Event::CreditNoteMade { note, number, .. } => {
            add("zoho_credit_note", Some(note.clone()));
            add("credit_note_number", Some(number.clone()));
        }
        Event::PaymentRecordRead { payment } => add("zoho_payment", Some(payment.id.clone())),
        _ => {}
    }
    out
}
