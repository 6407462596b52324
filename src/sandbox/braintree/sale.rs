//! `POST /transactions`: sale and credit. In the gateway's order: key, validation (all errors together), duplicate check,
//! processor, vault.

use super::call::{Ask, Call};
use super::cards;
use super::processor::{self, Verdict};
use super::reply::Reply;
use super::sale_request::{Funding, Order};
use super::state::{Customer, State};
use super::transaction::{Cause, Status, Transaction, Type};
use super::{customers, fields, keys, settlement, show, vault};
use crate::sandbox::World;
use crate::sandbox::faults::{Kind, Vendor};
use axum::extract::State as Shared;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

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
    let order = match Order::read(&state, accounts, &ask, now) {
        Ok(order) => order,
        Err(errors) => {
            if let Some(key) = key {
                key.done(&mut state, None, now);
            }
            return Reply::Invalid(errors, call.params());
        }
    };
    let verdict = judge(&world, &state, &order, &call, key.is_some(), now);
    let transaction = book(&mut state, order, &verdict, now);
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
    let message = match &transaction.rejection {
        Some(reason) => format!("Gateway Rejected: {reason}"),
        None => transaction.processor.text.clone(),
    };
    Reply::Refused { message, params: call.params(), name: "transaction", subject: show::transaction(transaction) }
}

/// What becomes of the attempt: the gateway's own rules first, then orders of the tests, then the amount.
fn judge(world: &World, state: &State, order: &Order, call: &Call, keyed: bool, now: DateTime<Utc>) -> Verdict {
    if !keyed && is_duplicate(state, order, now) {
        return Verdict::Rejected("duplicate".to_owned());
    }
    if order.three_ds_required && !order.card.three_ds.is_some_and(|info| info.shifted) {
        return Verdict::Rejected("three_d_secure".to_owned());
    }
    if let cards::Verdict::Rejected(reason) = order.card.verdict {
        return Verdict::Rejected(reason.to_owned());
    }
    let wanted = |kind: &Kind| matches!(kind, Kind::Decline { .. } | Kind::GatewayReject { .. });
    match world.faults.strike(Vendor::Braintree, "transaction.sale", &call.text, wanted) {
        Some(Kind::Decline { code }) => return Verdict::Declined(code),
        Some(Kind::GatewayReject { reason }) => return Verdict::Rejected(reason),
        _ => {}
    }
    let told = order.funding.token().and_then(|token| state.methods.get(token)?.declines_with.clone());
    match told {
        Some(code) => Verdict::Declined(code),
        None => processor::by_amount(order.amount, &order.account.currency, order.partial_is_welcome),
    }
}

/// The gateway's duplicate check: the same amount, order id and card as an earlier successful sale within the window, a
/// voided one included. A request with an at-most-once key is not checked.
fn is_duplicate(state: &State, order: &Order, now: DateTime<Utc>) -> bool {
    let window = state.settings.duplicate_window;
    order.kind == Type::Sale
        && state.transactions.iter().rev().take_while(|t| t.created_at + window > now).any(|t| {
            let earlier_succeeded = t.status.takes_money() || matches!(t.status, Status::Authorized | Status::Voided);
            t.kind == Type::Sale
                && earlier_succeeded
                && t.amount == order.amount
                && t.currency == order.account.currency
                && t.order_id == order.order_id
                && t.card.unique == order.card.unique
                && (&t.card.month, &t.card.year) == (&order.card.month, &order.card.year)
        })
}

/// Writes the transaction down and, where asked, the card into the vault.
fn book(state: &mut State, order: Order, verdict: &Verdict, now: DateTime<Utc>) -> Transaction {
    if let Funding::Nonce { nonce, .. } = &order.funding {
        state.spend_nonce(nonce);
    }
    let amount = match verdict {
        Verdict::Partly(less) => *less,
        _ => order.amount,
    };
    let mut customer = order.customer.clone();
    let mut token = order.funding.token().map(str::to_owned);
    let approved = matches!(verdict, Verdict::Approved | Verdict::Partly(_));
    if token.is_none() && (order.store || (order.store_on_success && approved)) {
        let buyer = customer.clone().unwrap_or_else(|| store_customer(state, &order, now));
        token = Some(store_card(state, &order, &buyer, now));
        customer = Some(buyer);
    }
    let mut transaction = Transaction {
        id: state.new_transaction_id(),
        kind: order.kind,
        status: Status::Authorized,
        amount,
        currency: order.account.currency.clone(),
        merchant_account: order.account.id.clone(),
        order_id: order.order_id.clone(),
        customer: customer.or_else(|| unsaved_customer(&order, now)),
        token,
        processor: verdict.processor(super::state::letters(6).to_uppercase()),
        rejection: None,
        transaction_source: order.transaction_source.clone(),
        as_sent: order.as_sent.clone(),
        refund_ids: Vec::new(),
        refunded_id: None,
        batch_id: None,
        disbursed_on: None,
        history: Vec::new(),
        created_at: now,
        updated_at: now,
        authorization_expires_at: None,
        three_ds: order.card.three_ds,
        card: order.card,
    };
    match verdict {
        Verdict::Approved | Verdict::Partly(_) => {
            let merchant_initiated =
                matches!(order.transaction_source.as_deref(), Some("recurring" | "unscheduled" | "merchant"));
            let days = if merchant_initiated { 1 } else { 7 };
            transaction.authorization_expires_at = Some(now + TimeDelta::days(days));
            transaction.becomes(Status::Authorized, Cause::Api, now);
            if order.submit || order.kind == Type::Credit {
                transaction.becomes(Status::SubmittedForSettlement, Cause::Api, now);
            }
        }
        Verdict::Declined(_) => transaction.becomes(Status::ProcessorDeclined, Cause::Api, now),
        Verdict::Failed => transaction.becomes(Status::Failed, Cause::Api, now),
        Verdict::Rejected(reason) => {
            transaction.rejection = Some(reason.clone());
            transaction.becomes(Status::GatewayRejected, Cause::Api, now);
        }
    }
    state.transactions.push(transaction.clone());
    transaction
}

fn store_card(state: &mut State, order: &Order, buyer: &Customer, now: DateTime<Utc>) -> String {
    let admission = vault::Admission {
        token: order.token.clone(),
        customer_id: buyer.id.clone(),
        card: order.card.clone(),
        billing: if order.keep_billing { order.as_sent.get("billing").cloned() } else { None },
        make_default: false,
    };
    vault::admit(state, admission, now)
}

/// The new customer that a vaulted sale without `customer_id` makes.
fn store_customer(state: &mut State, order: &Order, now: DateTime<Utc>) -> Customer {
    let id = order.person.text("id").unwrap_or_else(|| state.new_customer_id());
    let customer = customers::from_request(id, &order.person, now);
    state.customers.insert(customer.id.clone(), customer.clone());
    customer
}

/// The buyer's details of a sale that stores nobody.
fn unsaved_customer(order: &Order, now: DateTime<Utc>) -> Option<Customer> {
    let named = !order.person.is_empty();
    named.then(|| {
        customers::from_request(order.person.text("id").unwrap_or_default(), &Ask(order.person.0.clone()), now)
    })
}
