//! What an activation writes into the ledger and beside the log: holds as a memo, the capture as money, the claims that
//! are relied on or let go, the inputs that are erased, and the ids by which it is found.

use super::collector;
use super::events::Event;
use super::lifecycle;
use super::state::State;
use super::words::Hold;
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::money::Money;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::saga::{Facts, Mark};
use crate::kernel::selling::Selling;
use chrono::NaiveDate;

/// Money was captured and is not recorded in Zoho. The invoice's stream lifts it under the same word.
const CAPTURED_NOT_RECORDED: &str = "captured_not_recorded";

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let mut facts = Facts { references: references(state, event), ..Facts::default() };
    money(state, event, &mut facts);
    claims(state, event, &mut facts);
    inputs(state, event, &mut facts);
    cards(state, event, &mut facts);
    facts.tells.extend(lifecycle::tells(state, event));
    facts.tells.extend(collector::tells(state, event));
    facts
}

fn posting(state: &State, rule: Rule, transaction: &str, amount: Money, effective: NaiveDate) -> Posting {
    let dimensions = Dimensions {
        customer: state.sale.customer().map(str::to_owned),
        subscription: state.made.subscription.as_ref().map(|s| s.id.clone()),
        invoice: state.invoice.first.as_ref().map(|i| i.id.clone()),
        transaction: Some(transaction.to_owned()),
        ..Dimensions::default()
    };
    Posting { rule, amount, tax: None, effective, dimensions }
}

fn money(state: &State, event: &Event, facts: &mut Facts) {
    match event {
        Event::Selling(Selling::QuoteMade { quote, .. }) => facts.amount = Some(quote.due_today),
        Event::PaymentAuthorised { hold, .. } => {
            let Hold { transaction, amount, effective, .. } = &**hold;
            facts.postings.push(posting(state, Rule::Auth, transaction, *amount, *effective));
            facts.amount = Some(*amount);
        }
        Event::LateHoldFound { hold } => {
            facts.postings.push(posting(state, Rule::Auth, &hold.transaction, hold.amount, hold.effective));
            facts.amount = Some(hold.amount);
        }
        Event::AuthorisationReleased { transaction, amount, effective }
        | Event::LateHoldReleased { transaction, amount, effective } => {
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
        Event::InvoiceBound { balance, .. } => facts.amount = Some(*balance),
        Event::PaymentRecorded { .. } | Event::CaptureReversed { .. } => {
            facts.amount = state.capture.as_ref().map(|c| c.amount);
        }
        _ => {}
    }
}

fn claims(state: &State, event: &Event, facts: &mut Facts) {
    match event {
        Event::Selling(Selling::ClaimsTaken { claims }) => {
            facts.marks.extend(claims.iter().cloned().map(Mark::Confirm));
        }
        // What it sold has ended: the customer may buy it again.
        Event::Selling(Selling::ProductReleased { claim }) => facts.marks.push(Mark::Release(claim.clone())),
        Event::ActivationRefused { released, .. }
        | Event::ActivationUndone { released, .. }
        | Event::SubscriptionActivated { released, .. } => {
            facts.marks.extend(released.iter().cloned().map(Mark::Release));
        }
        // Subscription and first invoice are linked: others may look at the customer's invoices again.
        Event::InvoiceBound { .. } | Event::NothingToCollect { .. } => {
            let keys = [state.sale.zoho_customer(), state.sale.customer()].into_iter().flatten().map(str::to_owned);
            facts.marks.extend(keys.map(|key| Mark::Release(Claim { kind: ClaimKind::ZohoCustomer, key })));
        }
        // The customer is at the form again: another activation of theirs may go on meanwhile.
        Event::CardRefused { .. }
        | Event::AuthorisationDeclined { .. }
        | Event::AuthorisationInsufficient { .. }
        | Event::AuthorisationAbandoned { .. } => {
            facts.marks.extend(state.sale.customer_claim().map(Mark::Release));
        }
        _ => {}
    }
}

/// An input is erased once it was used, refused or replaced.
fn inputs(state: &State, event: &Event, facts: &mut Facts) {
    let input = match event {
        Event::PaymentAuthorised { .. }
        | Event::AuthorisationDeclined { .. }
        | Event::AuthorisationAbandoned { .. }
        | Event::CardRefused { .. }
        | Event::CardVaulted { .. }
        | Event::ActivationUndone { .. } => state.submission.as_ref().and_then(|s| s.with.input()),
        Event::SubmissionSetAside { input, .. } | Event::QuoteOutdated { input, .. } => *input,
        _ => None,
    };
    facts.marks.extend(input.map(|input| Mark::EraseInput { input }));
}

/// A counted charge of a card is spent once it was sent and answered, else given back.
fn cards(state: &State, event: &Event, facts: &mut Facts) {
    let Some(submission) = state.submission.as_ref().filter(|s| s.counted) else { return };
    let order_id = submission.order_id.clone();
    match event {
        Event::CardCounted { .. } if state.hold.is_some() => facts.marks.push(Mark::SpendCard { order_id }),
        Event::PaymentAuthorised { .. } | Event::AuthorisationDeclined { .. } => {
            facts.marks.push(Mark::SpendCard { order_id });
        }
        Event::AuthorisationAbandoned { .. } | Event::CardRefused { .. } => {
            facts.marks.push(Mark::GiveBackCard { order_id });
        }
        // Called off between the count and the hold.
        Event::ActivationUndone { .. } if !submission.settled => {
            facts.marks.push(Mark::GiveBackCard { order_id });
        }
        _ => {}
    }
}

/// Ids by which the activation and the event are found.
fn references(state: &State, event: &Event) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut add = |kind, value: Option<String>| out.extend(value.filter(|v| !v.is_empty()).map(|v| (kind, v)));
    let order_id = || state.submission.as_ref().map(|s| s.order_id.clone());
    match event {
        Event::ActivationRequested { record, .. } => add("attio_record", Some(record.clone())),
        Event::Selling(Selling::RequestRead { request }) => {
            add("attio_record", request.client.as_ref().map(|r| r.id.clone()));
        }
        Event::Selling(Selling::CustomerEnrolled { enrolment }) => {
            add("customer", Some(enrolment.customer.clone()));
            add("zoho_customer", enrolment.zoho_customer.clone());
            add("braintree_customer", enrolment.braintree_customer.clone());
        }
        Event::BraintreeCustomerMade { customer } => add("braintree_customer", Some(customer.clone())),
        Event::ConsentGiven { .. } | Event::CaptureRefused { .. } => add("order_id", order_id()),
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
        Event::RecurringBegun { recurring, .. } => add("braintree_subscription", Some(recurring.clone())),
        Event::AuthorisationDeclined { decline, .. } | Event::FirstChargeDeclined { decline, .. } => {
            add("braintree_transaction", decline.transaction.clone());
        }
        Event::AuthorisationReleased { transaction, .. }
        | Event::LateHoldReleased { transaction, .. }
        | Event::AuthorisationUnclear { transaction, .. }
        | Event::StrayReleased { transaction } => {
            add("braintree_transaction", Some(transaction.clone()));
        }
        Event::Selling(Selling::ZohoCustomerRevived { customer } | Selling::ZohoCustomerMade { customer }) => {
            add("zoho_customer", Some(customer.clone()));
        }
        Event::SubscriptionCreated { subscription } | Event::SubscriptionConfirmed { subscription, .. } => {
            add("zoho_subscription", Some(subscription.id.clone()));
        }
        Event::SubscriptionAdopted { subscription } => add("subscription", Some(subscription.clone())),
        Event::InvoiceBound { invoice, number, .. } => {
            add("zoho_invoice", Some(invoice.clone()));
            add("invoice_number", Some(number.clone()));
        }
        Event::PaymentCaptured { capture, .. } => {
            add("braintree_transaction", Some(capture.transaction.clone()));
            add("order_id", Some(capture.order_id.clone()));
            add("zoho_invoice", state.invoice.first.as_ref().map(|i| i.id.clone()));
        }
        Event::CaptureReversed { transaction, .. } => add("braintree_transaction", Some(transaction.clone())),
        Event::PaymentRecorded { invoice, payment, .. } => {
            add("zoho_invoice", Some(invoice.clone()));
            add("zoho_payment", Some(payment.clone()));
        }
        _ => {}
    }
    out
}
