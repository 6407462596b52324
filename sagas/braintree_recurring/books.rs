//! What the mirror writes into the ledger and beside the log: each charge as money that is held, what is taken back of it,
//! the hold under which its invoice is recorded, and the ids by which it is found.

use super::state::State;
use super::words::Event;
use crate::kernel::effect::Message;
use crate::kernel::lifecycle::{News, Told};
use crate::kernel::money::Money;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::saga::{Facts, Mark};
use chrono::NaiveDate;

/// Money was captured and is not recorded in Zoho. The invoice's stream lifts it under the same word.
const CAPTURED_NOT_RECORDED: &str = "captured_not_recorded";

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let mut facts = Facts { references: references(event), ..Facts::default() };
    facts.tells.extend(tells(state, event));
    match event {
        Event::ChargeCaptured { charge, .. } => {
            facts.postings.push(posting(state, Rule::Capture, &charge.transaction, charge.amount, charge.effective));
            facts.amount = Some(charge.amount);
        }
        Event::ChargeReversed { transaction, amount, effective, .. } => {
            facts.postings.push(posting(state, Rule::CaptureReversed, transaction, *amount, *effective));
            facts.amount = Some(*amount);
        }
        Event::ChargeMatched { invoice, owed, .. } => {
            facts.marks.push(Mark::Hold { invoice: invoice.clone(), reason: CAPTURED_NOT_RECORDED });
            facts.amount = Some(*owed);
        }
        Event::ChargeFailed { amount, .. } => facts.amount = Some(*amount),
        Event::PriceCorrected { to, .. } => facts.amount = Some(*to),
        _ => {}
    }
    facts
}

/// Which invoice a charge is for may not be known yet: what was applied to one says so later.
fn posting(state: &State, rule: Rule, transaction: &str, amount: Money, effective: NaiveDate) -> Posting {
    let begun = state.begun.as_ref();
    let dimensions = Dimensions {
        customer: begun.map(|begun| begun.customer.clone()),
        subscription: begun.map(|begun| begun.zoho_subscription.clone()),
        transaction: Some(transaction.to_owned()),
        ..Dimensions::default()
    };
    Posting { rule, amount, tax: None, effective, dimensions }
}

/// Who keeps deal and tags is told of a debt, and of its end.
fn tells(state: &State, event: &Event) -> Option<Message> {
    let begun = state.begun.as_ref()?;
    let (news, at) = match event {
        Event::DebtFound { invoice, at, .. } => (News::PastDue { invoice: invoice.clone() }, *at),
        Event::CaughtUp { invoice: Some(invoice), at } => (News::Recovered { invoice: invoice.clone() }, *at),
        _ => return None,
    };
    let told = Told {
        customer: begun.customer.clone(),
        subscription: begun.subscription.clone(),
        record: begun.record.clone(),
        at,
        news,
    };
    Some(told.message())
}

/// Ids by which the stream and the event are found.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    let recurring = |id: &String| ("braintree_subscription", id.clone());
    let transaction = |id: &String| ("braintree_transaction", id.clone());
    match event {
        Event::CollectionBegun { begun, .. } => {
            let record = begun.record.clone().map(|record| ("attio_record", record));
            [
                recurring(&begun.recurring),
                ("subscription", begun.subscription.clone()),
                ("zoho_subscription", begun.zoho_subscription.clone()),
                ("customer", begun.customer.clone()),
            ]
            .into_iter()
            .chain(record)
            .collect()
        }
        Event::StrangerHeard { recurring: id, .. } => vec![recurring(id)],
        Event::ChargeCaptured { charge, .. } => vec![transaction(&charge.transaction)],
        Event::ChargeReversed { transaction: id, .. }
        | Event::ChargeFailed { transaction: id, .. }
        | Event::ChargeTakenBack { transaction: id, .. } => vec![transaction(id)],
        Event::ChargeMatched { transaction: id, invoice, number, .. } => {
            vec![transaction(id), ("zoho_invoice", invoice.clone()), ("invoice_number", number.clone())]
        }
        Event::ChargeRecorded { transaction: id, invoice, payment, .. } => {
            vec![transaction(id), ("zoho_invoice", invoice.clone()), ("zoho_payment", payment.clone())]
        }
        Event::DebtFound { invoice, number, .. } => {
            vec![("zoho_invoice", invoice.clone()), ("invoice_number", number.clone())]
        }
        _ => Vec::new(),
    }
}
