//! What a plan change writes into the ledger and beside the log: holds as a memo, the capture as money, the claims and the
//! collection hold that ride in the append, and the ids by which it is found.

use super::events::Event;
use super::state::State;
use crate::kernel::effect::Claim;
use crate::kernel::money::Money;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::saga::{Facts, Mark};
use chrono::NaiveDate;

/// Money was captured and is not recorded in Zoho. The invoice's stream lifts it under the same word.
const CAPTURED_NOT_RECORDED: &str = "captured_not_recorded";
/// Zoho asks for more than the customer accepted.
const OVER_CEILING: &str = "over_ceiling";

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let mut facts = Facts { references: references(state, event), ..Facts::default() };
    money(state, event, &mut facts);
    marks(state, event, &mut facts);
    cards(state, event, &mut facts);
    facts
}

fn posting(state: &State, rule: Rule, transaction: &str, amount: Money, effective: NaiveDate) -> Posting {
    let dimensions = Dimensions {
        customer: state.our_customer().map(str::to_owned),
        subscription: Some(state.subscription().to_owned()),
        invoice: state.invoice.clone(),
        transaction: Some(transaction.to_owned()),
        ..Dimensions::default()
    };
    Posting { rule, amount, tax: None, effective, dimensions }
}

fn money(state: &State, event: &Event, facts: &mut Facts) {
    match event {
        Event::PlanChangePreviewed { preview, .. } => facts.amount = Some(preview.due_now),
        Event::PaymentAuthorised { hold, .. } | Event::LateHoldFound { hold } => {
            facts.postings.push(posting(state, Rule::Auth, &hold.transaction, hold.amount, hold.effective));
            facts.amount = Some(hold.amount);
        }
        Event::AuthorisationReleased { transaction, amount, effective } => {
            facts.postings.push(posting(state, Rule::AuthReleased, transaction, *amount, *effective));
            facts.amount = Some(*amount);
        }
        Event::PaymentCaptured { capture, held, .. } => {
            if let Some(held) = held {
                facts.postings.push(posting(state, Rule::AuthReleased, &capture.transaction, *held, capture.effective));
            }
            let taken = posting(state, Rule::Capture, &capture.transaction, capture.amount, capture.effective);
            let invoice = taken.dimensions.invoice.clone();
            facts.postings.push(taken);
            facts.marks.extend(invoice.map(|invoice| Mark::Hold { invoice, reason: CAPTURED_NOT_RECORDED }));
            facts.amount = Some(capture.amount);
        }
        Event::InvoiceBound { invoice, .. } => facts.amount = Some(invoice.balance),
        Event::OverCeiling { demand, .. } => facts.amount = Some(demand.balance),
        Event::PaymentRecorded { .. } | Event::CaptureReversed { .. } => {
            facts.amount = state.capture.as_ref().map(|capture| capture.amount);
        }
        _ => {}
    }
}

fn marks(state: &State, event: &Event, facts: &mut Facts) {
    let mut release = |claims: &[Claim]| facts.marks.extend(claims.iter().cloned().map(Mark::Release));
    match event {
        Event::PreviewOutdated { released, .. }
        | Event::PlanChangeRefused { released, .. }
        | Event::AuthorisationDeclined { released, .. }
        | Event::AuthorisationInsufficient { released, .. }
        | Event::CardRefused { released, .. }
        | Event::AuthorisationAbandoned { released, .. }
        | Event::ChangeScheduled { released, .. }
        | Event::ScheduledChangeWithdrawn { released, .. }
        | Event::LeftToCollection { released, .. }
        | Event::PlanChanged { released, .. }
        | Event::PlanChangeUndone { released, .. } => release(released),
        Event::OverCeiling { released, demand, .. } => {
            release(released);
            facts.marks.push(Mark::Hold { invoice: demand.invoice.clone(), reason: OVER_CEILING });
        }
        Event::DemandAccepted { .. } | Event::DemandSettled { .. } => {
            let invoice = state.invoice.clone();
            facts.marks.extend(invoice.map(|invoice| Mark::LiftHold { invoice, reason: OVER_CEILING }));
        }
        Event::ClaimTaken { claim } => facts.marks.push(Mark::Confirm(claim.clone())),
        _ => {}
    }
}

/// A counted charge of a card is spent once it was sent and answered, else given back.
fn cards(state: &State, event: &Event, facts: &mut Facts) {
    let counts = state.method.as_ref().is_some_and(|method| !method.card.is_empty());
    let order_id = state.order_id.clone();
    match event {
        Event::PaymentAuthorised { hold, .. } if counts => {
            facts.marks.push(Mark::SpendCard { order_id: hold.order_id.clone() });
        }
        Event::AuthorisationDeclined { .. } | Event::PaymentCaptured { held: None, .. } if counts => {
            facts.marks.push(Mark::SpendCard { order_id });
        }
        // Declined, as a rule: the stricter count.
        Event::LeftToCollection { .. } if state.counted => facts.marks.push(Mark::SpendCard { order_id }),
        Event::AuthorisationAbandoned { order_id, .. } if counts && state.last_hold.is_none() => {
            facts.marks.push(Mark::GiveBackCard { order_id: order_id.clone() });
        }
        Event::NothingToCollect { .. }
        | Event::OverCeiling { .. }
        | Event::CardRefused { .. }
        | Event::PlanChangeUndone { .. }
            if state.counted =>
        {
            facts.marks.push(Mark::GiveBackCard { order_id });
        }
        _ => {}
    }
}

/// Ids by which the change and the event are found.
fn references(state: &State, event: &Event) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut add = |kind, value: Option<String>| out.extend(value.filter(|v| !v.is_empty()).map(|v| (kind, v)));
    match event {
        Event::PlanChangeRequested { of, ask, .. } => {
            add("zoho_subscription", Some(of.subscription.clone()));
            add("attio_record", ask.press.as_ref().map(|press| press.record.clone()));
        }
        Event::ChangeNoticed { of, .. } => add("zoho_subscription", Some(of.subscription.clone())),
        Event::SubscriptionSurveyed { survey } => {
            add("subscription", survey.subscription.clone());
            add("attio_record", survey.attio_record.clone());
        }
        Event::CustomerSurveyed { survey } => add("customer", survey.customer.clone()),
        Event::ConsentGiven { .. } | Event::CaptureRefused { .. } => add("order_id", Some(state.order_id.clone())),
        Event::PaymentAuthorised { hold, extra, .. } => {
            add("braintree_transaction", Some(hold.transaction.clone()));
            add("order_id", Some(hold.order_id.clone()));
            for transaction in extra {
                add("braintree_transaction", Some(transaction.clone()));
            }
        }
        Event::LateHoldFound { hold } => {
            add("braintree_transaction", Some(hold.transaction.clone()));
            add("order_id", Some(hold.order_id.clone()));
        }
        Event::AuthorisationDeclined { decline, .. } => add("braintree_transaction", decline.transaction.clone()),
        Event::AuthorisationUnclear { transaction, .. }
        | Event::AuthorisationReleased { transaction, .. }
        | Event::StrayReleased { transaction }
        | Event::CaptureReversed { transaction, .. } => add("braintree_transaction", Some(transaction.clone())),
        Event::InvoiceFound { invoice } => add("zoho_invoice", Some(invoice.clone())),
        Event::InvoiceBound { invoice, .. } => add("invoice_number", Some(invoice.number.clone())),
        Event::PaymentCaptured { capture, .. } => {
            add("braintree_transaction", Some(capture.transaction.clone()));
            add("order_id", Some(capture.order_id.clone()));
            add("zoho_invoice", state.invoice.clone());
        }
        Event::PaymentRecorded { invoice, payment, .. } => {
            add("zoho_invoice", Some(invoice.clone()));
            add("zoho_payment", Some(payment.clone()));
        }
        _ => {}
    }
    out
}
