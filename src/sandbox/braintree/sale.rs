//! `POST /transactions`: sale and credit. In the gateway's order: key, validation (all errors together), duplicate check,
//! processor, vault.

use super::call::{Ask, Call};
use super::cards;
use super::dispute::Dispute;
use super::processor::{self, Verdict};
use super::reply::Reply;
use super::sale_request::{Attempt, Funding};
use super::state::{Customer, State};
use super::transaction::{Cause, Status, Transaction, Type};
use super::{billing, customers, disputes, fields, keys, settlement, show, vault};
use crate::World;
use crate::faults::{Kind, Vendor};
use axum::extract::State as Shared;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// What an issuer answers that wants the cardholder authenticated first.
const AUTHENTICATION_REQUIRED: &str = "2099";

/// Sale or credit.
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("transaction", &fields::TRANSACTION) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let key = match keys::look_up(&state, "transaction.sale", true, &call, &ask, now) {
        Ok(key) => key,
        Err(reply) => return reply,
    };
    let accounts = &world.credentials.braintree.merchant_accounts;
    let attempt = match Attempt::read(&state, accounts, &ask, now) {
        Ok(attempt) => attempt,
        Err(errors) => {
            if let Some(key) = key {
                key.done(&mut state, None, now);
            }
            return Reply::Invalid(errors, call.params());
        }
    };
    let retried = attempt.subscription.as_ref().map(|of| of.subscription_id.clone());
    // A request with an at-most-once key is not checked for duplicates, nor is a subscription's charge.
    let duplicates = key.is_none() && retried.is_none();
    let order = Order { operation: "transaction.sale", text: &call.text, duplicates };
    let transaction = carry_out(&world, &mut state, attempt, &order, now);
    if let Some(id) = retried {
        billing::retried(&world, &mut state, &id, &transaction, now);
    }
    if let Some(key) = key {
        key.done(&mut state, Some(transaction.id.clone()), now);
    }
    match transaction.status {
        Status::ProcessorDeclined | Status::GatewayRejected | Status::Failed => refused(&transaction, &call),
        _ => Reply::Made("transaction", show::transaction(&transaction)),
    }
}

/// The error answer of a transaction that was declined, rejected or failed.
pub(super) fn refused(transaction: &Transaction, call: &Call) -> Reply {
    let (message, subject) = (processor::refusal(transaction), show::transaction(transaction));
    Reply::Refused { message, params: call.params(), name: "transaction", subject }
}

/// What faults an attempt is open to.
#[derive(Debug)]
pub(super) struct Order<'a> {
    /// The operation under which declines can be ordered.
    pub(super) operation: &'a str,
    /// What such an order may look for.
    pub(super) text: &'a str,
    /// Whether the gateway's duplicate check applies.
    pub(super) duplicates: bool,
}

/// Asks the issuer and writes the transaction down, whatever came of it.
pub(super) fn carry_out(
    world: &World,
    state: &mut State,
    attempt: Attempt,
    order: &Order<'_>,
    now: DateTime<Utc>,
) -> Transaction {
    let verdict = judge(world, state, &attempt, order, now);
    let transaction = book(state, attempt, &verdict, now);
    if let Some(dispute) = transaction.disputes.last() {
        disputes::tell(world, &transaction, dispute, now);
    }
    transaction
}

/// What becomes of the attempt: the gateway's own rules first, then orders of the tests, then the amount.
fn judge(world: &World, state: &State, attempt: &Attempt, order: &Order<'_>, now: DateTime<Utc>) -> Verdict {
    if order.duplicates && is_duplicate(state, attempt, now) {
        return Verdict::Rejected("duplicate".to_owned());
    }
    if attempt.three_ds_required && !attempt.authenticated() {
        return Verdict::Rejected("three_d_secure".to_owned());
    }
    if let cards::Verdict::Rejected(reason) = attempt.card.verdict {
        return Verdict::Rejected(reason.to_owned());
    }
    let wanted = |kind: &Kind| matches!(kind, Kind::Decline { .. } | Kind::GatewayReject { .. });
    match world.faults.strike(Vendor::Braintree, order.operation, order.text, wanted) {
        Some(Kind::Decline { code }) => return Verdict::Declined(code),
        Some(Kind::GatewayReject { reason }) => return Verdict::Rejected(reason),
        _ => {}
    }
    answer_of_issuer(state, attempt)
}

/// By the card and then by the amount; an authentication lifts the decline that asks for one.
fn answer_of_issuer(state: &State, attempt: &Attempt) -> Verdict {
    let authenticated = attempt.authenticated();
    let told = attempt.funding.token().and_then(|token| state.methods.get(token)?.declines_with.clone());
    let strict = state.settings.authentication_required && attempt.cardholder_present();
    let by_amount = || processor::by_amount(attempt.amount, &attempt.account.currency, attempt.partial_is_welcome);
    match told {
        Some(code) if code != AUTHENTICATION_REQUIRED => Verdict::Declined(code),
        Some(code) if !authenticated => Verdict::Declined(code),
        Some(_) | None if strict && !authenticated => Verdict::Declined(AUTHENTICATION_REQUIRED.to_owned()),
        Some(_) | None => match by_amount() {
            Verdict::Declined(code) if authenticated && code == AUTHENTICATION_REQUIRED => Verdict::Approved,
            verdict => verdict,
        },
    }
}

/// The gateway's duplicate check: the same amount, order id and card as an earlier successful sale within the window, a
/// voided one included.
fn is_duplicate(state: &State, attempt: &Attempt, now: DateTime<Utc>) -> bool {
    let window = state.settings.duplicate_window;
    attempt.kind == Type::Sale
        && state.transactions.iter().rev().take_while(|t| t.created_at + window > now).any(|t| {
            let earlier_succeeded = t.status.takes_money() || matches!(t.status, Status::Authorized | Status::Voided);
            t.kind == Type::Sale
                && earlier_succeeded
                && t.amount == attempt.amount
                && t.currency == attempt.account.currency
                && t.order_id == attempt.order_id
                && t.card.unique == attempt.card.unique
                && (&t.card.month, &t.card.year) == (&attempt.card.month, &attempt.card.year)
        })
}

/// Writes the transaction down and, where asked, the card into the vault.
fn book(state: &mut State, attempt: Attempt, verdict: &Verdict, now: DateTime<Utc>) -> Transaction {
    if let Funding::Nonce { nonce, .. } = &attempt.funding {
        state.spend_nonce(nonce);
    }
    let amount = match verdict {
        Verdict::Partly(less) => *less,
        _ => attempt.amount,
    };
    let mut customer = attempt.customer.clone();
    let mut token = attempt.funding.token().map(str::to_owned);
    let approved = matches!(verdict, Verdict::Approved | Verdict::Partly(_));
    if token.is_none() && (attempt.store || (attempt.store_on_success && approved)) {
        let buyer = customer.clone().unwrap_or_else(|| store_customer(state, &attempt, now));
        token = Some(store_card(state, &attempt, &buyer, now));
        customer = Some(buyer);
    }
    let mut transaction = Transaction {
        id: state.new_transaction_id(),
        kind: attempt.kind,
        status: Status::Authorized,
        amount,
        currency: attempt.account.currency.clone(),
        merchant_account: attempt.account.id.clone(),
        order_id: attempt.order_id.clone(),
        customer: customer.or_else(|| unsaved_customer(&attempt, now)),
        token,
        processor: verdict.processor(super::state::letters(6).to_uppercase()),
        rejection: None,
        source: attempt.source.clone(),
        as_sent: attempt.as_sent.clone(),
        refund_ids: Vec::new(),
        refunded_id: None,
        batch_id: None,
        disbursed_on: None,
        payout_failed: false,
        funds_held: false,
        history: Vec::new(),
        created_at: now,
        updated_at: now,
        authorization_expires_at: None,
        three_ds: attempt.card.three_ds.clone(),
        disputes: Vec::new(),
        subscription: attempt.subscription,
        card: attempt.card,
    };
    enter_first_state(&mut transaction, verdict, attempt.cause, attempt.submit, now);
    dispute_at_once(state, &mut transaction, now);
    state.transactions.push(transaction.clone());
    transaction
}

/// The testing card for chargebacks: a sale that is submitted is settled and disputed within the call.
fn dispute_at_once(state: &State, transaction: &mut Transaction, now: DateTime<Utc>) {
    if transaction.card.is_disputed && transaction.status == Status::SubmittedForSettlement {
        settlement::settle_at_once(state, transaction, now);
        transaction.disputes.push(Dispute::chargeback(transaction, now));
    }
}

/// The state after the verdict, with its history.
fn enter_first_state(transaction: &mut Transaction, verdict: &Verdict, cause: Cause, submit: bool, now: DateTime<Utc>) {
    match verdict {
        Verdict::Approved | Verdict::Partly(_) => {
            let merchant_initiated =
                matches!(transaction.source.as_deref(), Some("recurring" | "unscheduled" | "merchant"));
            let days = if merchant_initiated { 1 } else { 7 };
            transaction.authorization_expires_at = Some(now + TimeDelta::days(days));
            transaction.becomes(Status::Authorized, cause, now);
            if submit || transaction.kind == Type::Credit {
                transaction.becomes(Status::SubmittedForSettlement, cause, now);
            }
        }
        Verdict::Declined(_) => transaction.becomes(Status::ProcessorDeclined, cause, now),
        Verdict::Failed => transaction.becomes(Status::Failed, cause, now),
        Verdict::Rejected(reason) => {
            transaction.rejection = Some(reason.clone());
            transaction.becomes(Status::GatewayRejected, cause, now);
        }
    }
}

fn store_card(state: &mut State, attempt: &Attempt, buyer: &Customer, now: DateTime<Utc>) -> String {
    let admission = vault::Admission {
        token: attempt.token.clone(),
        customer_id: buyer.id.clone(),
        card: attempt.card.clone(),
        billing: if attempt.keep_billing { attempt.as_sent.get("billing").cloned() } else { None },
        make_default: false,
    };
    vault::admit(state, admission, now)
}

/// The new customer that a vaulted sale without `customer_id` makes.
fn store_customer(state: &mut State, attempt: &Attempt, now: DateTime<Utc>) -> Customer {
    let id = attempt.person.text("id").unwrap_or_else(|| state.new_customer_id());
    let customer = customers::from_request(id, &attempt.person, now);
    state.customers.insert(customer.id.clone(), customer.clone());
    customer
}

/// The buyer's details of a sale that stores nobody.
fn unsaved_customer(attempt: &Attempt, now: DateTime<Utc>) -> Option<Customer> {
    let named = !attempt.person.is_empty();
    named.then(|| {
        customers::from_request(attempt.person.text("id").unwrap_or_default(), &Ask(attempt.person.0.clone()), now)
    })
}
