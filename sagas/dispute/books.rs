//! What a dispute writes into the ledger and beside the log. What the bank reports is posted whoever holds the payment. A fee
//! is posted from its document alone: none is guessed here.

use super::claim_of;
use super::state::{Claimed, State};
use super::words::Event;
use crate::kernel::money::Money;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::saga::{Facts, Mark};
use chrono::NaiveDate;

/// The reason of the hold on the disputed invoice: nothing of its customer is charged meanwhile.
pub(super) const DISPUTE: &str = "dispute";

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let mut facts = Facts { references: references(event), ..Facts::default() };
    facts.amount = match event {
        Event::DisputeRead { shown, .. } => Some(shown.disputed),
        Event::DisputeHeld { amount, .. }
        | Event::OrphanDisputeBooked { amount, .. }
        | Event::OrphanDisputeAdopted { amount, .. }
        | Event::OrphanDisputeReturned { amount, .. } => Some(*amount),
        Event::DisputeWon { won, .. } => *won,
        Event::DisputeLost { amount, .. } => *amount,
        _ => None,
    };
    let mut post = |rule, amount: Option<Money>, on: NaiveDate| {
        if let Some(amount) = amount.filter(|amount| amount.minor != 0) {
            facts.postings.push(posting(state, rule, amount, on));
        }
    };
    match event {
        Event::DisputeHeld { amount, effective, .. } => post(Rule::DisputeHold, Some(*amount), *effective),
        Event::DisputeWon { won, lost, effective, .. } => {
            post(Rule::DisputeRelease, *won, *effective);
            post(Rule::DisputeLost, *lost, *effective);
        }
        Event::DisputeLost { amount, effective, .. } => post(Rule::DisputeLost, *amount, *effective),
        Event::OrphanDisputeBooked { amount, effective, .. } => post(Rule::OrphanOut, Some(*amount), *effective),
        Event::OrphanDisputeAdopted { amount, effective, .. }
        | Event::OrphanDisputeReturned { amount, effective, .. } => post(Rule::OrphanIn, Some(*amount), *effective),
        _ => {}
    }
    facts.marks = marks(state, event);
    facts
}

fn posting(state: &State, rule: Rule, amount: Money, effective: NaiveDate) -> Posting {
    let orphan = matches!(rule, Rule::OrphanIn | Rule::OrphanOut);
    let payment = state.booked_for.as_ref().filter(|_| !orphan);
    let sale = state.sale.as_ref().filter(|_| !orphan);
    let named = state.shown.as_ref().and_then(|shown| shown.transaction.clone());
    let dimensions = Dimensions {
        customer: payment.and_then(|payment| payment.customer.clone()),
        subscription: payment.and_then(|payment| payment.subscription.clone()),
        invoice: sale.map(|sale| sale.invoice.clone()),
        transaction: sale.map(|sale| sale.transaction.clone()).or(named),
        zoho_payment: None,
        channel: None,
    };
    Posting { rule, amount, tax: None, effective, dimensions }
}

fn marks(state: &State, event: &Event) -> Vec<Mark> {
    let sale = state.sale.as_ref();
    let hold = |sale: &super::Sale| (sale.invoice.clone(), DISPUTE);
    match event {
        Event::TransactionClaimed if state.claim == Claimed::LetGo => {
            sale.map(|sale| Mark::Release(claim_of(&sale.transaction))).into_iter().collect()
        }
        Event::TransactionClaimed => sale.map(|sale| Mark::Confirm(claim_of(&sale.transaction))).into_iter().collect(),
        Event::DisputeWon { .. } | Event::DisputeLost { .. } if state.claim == Claimed::LetGo => {
            sale.map(|sale| Mark::Release(claim_of(&sale.transaction))).into_iter().collect()
        }
        Event::DisputeHeld { .. } => {
            sale.map(hold).map(|(invoice, reason)| Mark::Hold { invoice, reason }).into_iter().collect()
        }
        Event::DisputeClosed { .. } if state.holds => {
            sale.map(hold).map(|(invoice, reason)| Mark::LiftHold { invoice, reason }).into_iter().collect()
        }
        Event::DocumentUploaded { input, .. } | Event::EvidenceAdded { input: Some(input), .. } => {
            vec![Mark::EraseInput { input: *input }]
        }
        Event::OrderRefused { inputs, .. } => inputs.iter().map(|input| Mark::EraseInput { input: *input }).collect(),
        _ => Vec::new(),
    }
}

/// Ids by which the saga and the event are found.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    match event {
        Event::DisputeNoticed { of, sale, .. } => {
            let sale = sale.iter().flat_map(|sale| of_sale(sale));
            std::iter::once(("dispute", of.dispute.clone())).chain(sale).collect()
        }
        Event::PaymentIdentified { sale, .. } => of_sale(sale).into(),
        Event::DisputeRead { shown, .. } => {
            let original = shown.original.clone().map(|id| ("dispute", id));
            let transaction = shown.transaction.clone().map(|id| ("braintree_transaction", id));
            original.into_iter().chain(transaction).collect()
        }
        Event::PaymentDescribed { payment, .. } => {
            let mut out = vec![("order_id", payment.order_id.clone()), ("invoice_number", payment.number.clone())];
            out.extend(payment.customer.clone().map(|id| ("customer", id)));
            out.extend(payment.subscription.clone().map(|id| ("zoho_subscription", id)));
            out.extend(payment.client.clone().map(|client| ("attio_record", client.id)));
            out
        }
        _ => Vec::new(),
    }
}

fn of_sale(sale: &super::Sale) -> [(&'static str, String); 2] {
    [("braintree_transaction", sale.transaction.clone()), ("zoho_invoice", sale.invoice.clone())]
}
