//! What happens to a transaction after the sale: find, submit for settlement, void, update details, and the settlement
//! calls of the test gateway. Refunds have their own module.

use super::call::{Ask, Call};
use super::codes::{self, Code};
use super::keys;
use super::money::{self, Bad};
use super::reply::{Errors, Reply};
use super::sale_request::order_id_fault;
use super::state::State;
use super::transaction::{Cause, Status, Transaction};
use super::xml::{Xml, echo};
use super::{fields, settlement, show};
use crate::World;
use crate::faults::Vendor;
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// `GET /transactions/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "transaction.find", &call.text, now);
    let state = settlement::open(&world, now);
    found(state.transaction(call.id()).filter(|t| sight.reaches(t.created_at)))
}

/// `GET /transactions/{id}/line_items`.
pub(super) async fn line_items(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    let Some(transaction) = state.transaction(call.id()) else { return Reply::NotFound };
    let items = Ask(transaction.as_sent.clone().into()).items("line_items");
    Reply::Found("line-items", Xml::Array("line-item", items.iter().map(|item| echo(&item.0)).collect()))
}

/// `PUT /transactions/{id}/submit_for_settlement`: the whole authorization, or less.
pub(super) async fn submit(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("transaction", &fields::SUBMIT) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    change(&world, &call, &ask, "transaction.submit_for_settlement", |state, now| submit_now(state, &call, &ask, now))
}

fn submit_now(state: &mut State, call: &Call, ask: &Ask, now: DateTime<Utc>) -> Result<(), Errors> {
    let final_auth = state.settings.final_auth;
    let transaction = of(state, call);
    if transaction.status != Status::Authorized {
        return Err(Errors::one(AT, "base", codes::CANNOT_SUBMIT));
    }
    let mut errors = Errors::default();
    let amount = lower_amount(transaction, ask, final_auth, &mut errors);
    let order_id = ask.text("order_id");
    if let Some(code) = order_id.as_deref().and_then(order_id_fault) {
        errors.add(AT, "order_id", code);
    }
    if !errors.none() {
        return Err(errors);
    }
    transaction.amount = amount.unwrap_or(transaction.amount);
    transaction.order_id = order_id.or(transaction.order_id.take());
    transaction.becomes(Status::SubmittedForSettlement, Cause::Api, now);
    Ok(())
}

/// The amount to settle, where one is given.
fn lower_amount(transaction: &Transaction, ask: &Ask, final_auth: bool, errors: &mut Errors) -> Option<i64> {
    let text = ask.text("amount")?;
    let fault = match money::parse(&text, &transaction.currency) {
        Ok(0) => codes::AMOUNT_NOT_POSITIVE,
        Ok(amount) if amount > transaction.amount => codes::SETTLEMENT_TOO_LARGE,
        Ok(amount) if final_auth && amount != transaction.amount => {
            errors.add(AT, "base", codes::FINAL_AUTH_AMOUNT);
            return None;
        }
        Ok(amount) => return Some(amount),
        Err(Bad::Format) => codes::AMOUNT_FORMAT,
        Err(Bad::Negative) => codes::AMOUNT_NEGATIVE,
        Err(Bad::TooLarge) => codes::SETTLEMENT_TOO_LARGE,
    };
    errors.add(AT, "amount", fault);
    None
}

/// `POST /transactions/{id}/submit_for_partial_settlement`: not switched on for this merchant.
pub(super) async fn submit_partially(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    if let Err(reply) = call.ask("transaction", &fields::SUBMIT) {
        return reply;
    }
    let state = settlement::open(&world, world.clock.now());
    match state.transaction(call.id()) {
        Some(_) => refused(&call, codes::PARTIAL_NOT_ALLOWED),
        None => Reply::NotFound,
    }
}

/// `PUT /transactions/{id}/void`.
pub(super) async fn void(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("transaction", &fields::KEY_ONLY) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    change(&world, &call, &ask, "transaction.void", |state, now| {
        void_now(state, call.id(), Cause::Api, now).map_err(|code| Errors::one(AT, "base", code))
    })
}

/// Voids a transaction if its state allows it.
pub(super) fn void_now(state: &mut State, id: &str, cause: Cause, now: DateTime<Utc>) -> Result<(), Code> {
    let hidden = state.settings.hidden_settling;
    let transaction = state.transaction_mut(id).ok_or(codes::CANNOT_VOID)?;
    let closing = transaction.settles_from().is_some_and(|from| from - hidden <= now);
    match transaction.status {
        Status::SubmittedForSettlement if closing => Err(codes::CANNOT_VOID),
        Status::Authorized | Status::SubmittedForSettlement => {
            transaction.becomes(Status::Voided, cause, now);
            Ok(())
        }
        Status::AuthorizationExpired
        | Status::ProcessorDeclined
        | Status::GatewayRejected
        | Status::Failed
        | Status::Settling
        | Status::Settled
        | Status::SettlementPending
        | Status::SettlementConfirmed
        | Status::SettlementDeclined
        | Status::Voided => Err(codes::CANNOT_VOID),
    }
}

/// `PUT /transactions/{id}/update_details`, while the transaction waits for settlement.
pub(super) async fn update_details(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("transaction", &fields::DETAILS) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    change(&world, &call, &ask, "transaction.update_details", |state, now| {
        let transaction = of(state, &call);
        if transaction.status != Status::SubmittedForSettlement {
            return Err(Errors::one(AT, "base", codes::CANNOT_UPDATE_DETAILS));
        }
        let mut errors = Errors::default();
        let amount = lower_amount(transaction, &ask, false, &mut errors);
        let order_id = ask.text("order_id");
        if let Some(code) = order_id.as_deref().and_then(order_id_fault) {
            errors.add(AT, "order_id", code);
        }
        if !errors.none() {
            return Err(errors);
        }
        transaction.amount = amount.unwrap_or(transaction.amount);
        transaction.order_id = order_id.or(transaction.order_id.take());
        if ask.has("descriptor") {
            transaction.as_sent.insert("descriptor".to_owned(), ask.below("descriptor").0);
        }
        transaction.updated_at = now;
        Ok(())
    })
}

/// `PUT /transactions/{id}/settle` of the test gateway.
pub(super) async fn settle(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    simulate(&world, &call, Status::Settled)
}

/// `PUT /transactions/{id}/settlement_confirm` of the test gateway.
pub(super) async fn settlement_confirm(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    simulate(&world, &call, Status::SettlementConfirmed)
}

/// `PUT /transactions/{id}/settlement_pending` of the test gateway.
pub(super) async fn settlement_pending(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    simulate(&world, &call, Status::SettlementPending)
}

/// `PUT /transactions/{id}/settlement_decline` of the test gateway.
pub(super) async fn settlement_decline(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    simulate(&world, &call, Status::SettlementDeclined)
}

fn simulate(world: &World, call: &Call, end: Status) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(world, now);
    if state.transaction(call.id()).is_none() {
        return Reply::NotFound;
    }
    match settlement::finish(&mut state, call.id(), end, now) {
        Ok(()) => found(state.transaction(call.id())),
        Err(code) => refused(call, code),
    }
}

const AT: &[&str] = &["transaction"];

fn found(transaction: Option<&Transaction>) -> Reply {
    transaction.map_or(Reply::NotFound, |t| Reply::Found("transaction", show::transaction(t)))
}

fn refused(call: &Call, code: Code) -> Reply {
    Reply::Invalid(Errors::one(AT, "base", code), call.params())
}

/// The transaction of the path, which [`change`] has seen to exist.
fn of<'a>(state: &'a mut State, call: &Call) -> &'a mut Transaction {
    state.transaction_mut(call.id()).expect("its existence was checked under the same lock")
}

/// Looks the transaction and the key up, does the work, answers the transaction.
fn change(
    world: &World,
    call: &Call,
    ask: &Ask,
    operation: &str,
    work: impl FnOnce(&mut State, DateTime<Utc>) -> Result<(), Errors>,
) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(world, now);
    if state.transaction(call.id()).is_none() {
        return Reply::NotFound;
    }
    let key = match keys::look_up(&state, operation, false, call, ask, now) {
        Ok(key) => key,
        Err(reply) => return reply,
    };
    let outcome = work(&mut state, now);
    if let Some(key) = key {
        key.done(&mut state, outcome.is_ok().then(|| call.id().to_owned()), now);
    }
    match outcome {
        Ok(()) => found(state.transaction(call.id())),
        Err(errors) => Reply::Invalid(errors, call.params()),
    }
}
