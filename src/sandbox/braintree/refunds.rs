//! Refunds, and the reverse that voids where it can and refunds where it cannot. A refund is a transaction of its own.

use super::call::{Ask, Call};
use super::codes::{self, Code};
use super::life;
use super::money::{self, Bad};
use super::processor::{self, Verdict};
use super::reply::{Errors, Reply};
use super::sale_request::order_id_fault;
use super::state::{State, letters};
use super::transaction::{Cause, Processor, Status, Transaction, Type};
use super::{fields, keys, sale, settlement, show};
use crate::World;
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use std::sync::Arc;

const AT: &[&str] = &["transaction"];

/// `POST /transactions/{id}/refund`: the rest of the amount, or a part.
pub(super) async fn refund(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("transaction", &fields::REFUND) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    if state.transaction(call.id()).is_none() {
        return Reply::NotFound;
    }
    let key = match keys::look_up(&state, "transaction.refund", true, &call, &ask, now) {
        Ok(key) => key,
        Err(reply) => return reply,
    };
    let outcome = refund_now(&mut state, call.id(), &ask, Cause::Api, now);
    if let Some(key) = key {
        key.done(&mut state, outcome.as_ref().ok().map(|refund| refund.id.clone()), now);
    }
    match outcome {
        Ok(refund) if refund.status == Status::ProcessorDeclined => sale::refused(&refund, &call),
        Ok(refund) => Reply::Made("transaction", show::transaction(&refund)),
        Err(errors) => Reply::Invalid(errors, call.params()),
    }
}

/// `POST /transactions/{id}/reverse`: void if possible, else a full refund.
pub(super) async fn reverse(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("transaction", &fields::KEY_ONLY) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    if state.transaction(call.id()).is_none() {
        return Reply::NotFound;
    }
    let key = match keys::look_up(&state, "transaction.reverse", true, &call, &ask, now) {
        Ok(key) => key,
        Err(reply) => return reply,
    };
    let outcome = match life::void_now(&mut state, call.id(), Cause::Api, now) {
        Ok(()) => Ok(state.transaction(call.id()).cloned().expect("it was just voided under the same lock")),
        Err(_) => refund_now(&mut state, call.id(), &Ask::default(), Cause::Api, now),
    };
    if let Some(key) = key {
        key.done(&mut state, outcome.as_ref().ok().map(|t| t.id.clone()), now);
    }
    match outcome {
        Ok(done) if done.status == Status::ProcessorDeclined => sale::refused(&done, &call),
        Ok(done) => Reply::Made("transaction", show::transaction(&done)),
        Err(errors) => Reply::Invalid(errors, call.params()),
    }
}

/// Makes the refund if the state and the rest of the amount allow it.
///
/// # Errors
/// Every fault of the request.
pub(super) fn refund_now(
    state: &mut State,
    id: &str,
    ask: &Ask,
    cause: Cause,
    now: DateTime<Utc>,
) -> Result<Transaction, Errors> {
    let base = |code| Errors::one(AT, "base", code);
    let original = state.transaction(id).cloned().ok_or_else(|| base(codes::CANNOT_REFUND_UNSETTLED))?;
    if original.kind == Type::Credit {
        return Err(base(codes::CANNOT_REFUND_CREDIT));
    }
    if !matches!(original.status, Status::Settled | Status::Settling) {
        return Err(base(codes::CANNOT_REFUND_UNSETTLED));
    }
    let rest = original.amount - refunded(state, &original);
    if rest <= 0 {
        return Err(base(codes::ALREADY_REFUNDED));
    }
    let mut errors = Errors::default();
    let amount = match amount(ask, &original.currency, rest) {
        Ok(amount) => amount,
        Err(code) => {
            errors.add(AT, "amount", code);
            0
        }
    };
    if let Some(code) = ask.text("order_id").and_then(|id| order_id_fault(&id)) {
        errors.add(AT, "order_id", code);
    }
    if ask.text("merchant_account_id").is_some_and(|account| account != original.merchant_account) {
        errors.add(AT, "merchant_account_id", codes::MERCHANT_ACCOUNT_INVALID);
    }
    if !errors.none() {
        return Err(errors);
    }
    Ok(book(state, &original, amount, ask.text("order_id"), cause, now))
}

/// The sum of the refunds that stand, in minor units.
pub(super) fn refunded(state: &State, original: &Transaction) -> i64 {
    state
        .transactions
        .iter()
        .filter(|t| t.refunded_id.as_deref() == Some(&original.id) && t.status.takes_money())
        .map(|t| t.amount)
        .sum()
}

fn amount(ask: &Ask, currency: &str, rest: i64) -> Result<i64, Code> {
    match ask.text("amount").map(|text| money::parse(&text, currency)) {
        None => Ok(rest),
        Some(Ok(0)) => Err(codes::AMOUNT_NOT_POSITIVE),
        Some(Ok(amount)) if amount > rest => Err(codes::REFUND_TOO_LARGE),
        Some(Ok(amount)) => Ok(amount),
        Some(Err(Bad::Format)) => Err(codes::AMOUNT_FORMAT),
        Some(Err(Bad::Negative)) => Err(codes::AMOUNT_NEGATIVE),
        Some(Err(Bad::TooLarge)) => Err(codes::REFUND_TOO_LARGE),
    }
}

fn book(
    state: &mut State,
    original: &Transaction,
    amount: i64,
    order_id: Option<String>,
    cause: Cause,
    now: DateTime<Utc>,
) -> Transaction {
    let (status, processor) = answer(amount, &original.currency);
    let mut refund = Transaction {
        id: state.new_transaction_id(),
        kind: Type::Credit,
        amount,
        order_id: order_id.or_else(|| original.order_id.clone()),
        processor,
        refund_ids: Vec::new(),
        refunded_id: Some(original.id.clone()),
        batch_id: None,
        disbursed_on: None,
        payout_failed: false,
        funds_held: false,
        disputes: Vec::new(),
        source: None,
        history: Vec::new(),
        created_at: now,
        authorization_expires_at: None,
        ..original.clone()
    };
    refund.becomes(status, cause, now);
    let listed = status == Status::SubmittedForSettlement || state.settings.list_declined_refunds;
    if let Some(original) = state.transaction_mut(&original.id).filter(|_| listed) {
        original.refund_ids.push(refund.id.clone());
        original.updated_at = now;
    }
    state.transactions.push(refund.clone());
    refund
}

/// Refunds are authorized too, by the same magic amounts. A soft decline is settled all the same (1005).
fn answer(amount: i64, currency: &str) -> (Status, Processor) {
    let verdict = processor::by_amount(amount, currency, false);
    let said = verdict.processor(letters(6).to_uppercase());
    match verdict {
        Verdict::Declined(code) if !processor::is_soft(&code) => (Status::ProcessorDeclined, said),
        Verdict::Declined(_) => {
            let settled = Processor {
                code: "1005".to_owned(),
                text: processor::text("1005").to_owned(),
                kind: Some("approved"),
                ..said
            };
            (Status::SubmittedForSettlement, settled)
        }
        Verdict::Approved | Verdict::Partly(_) | Verdict::Failed | Verdict::Rejected(_) => {
            let processed = Processor {
                code: "1002".to_owned(),
                text: processor::text("1002").to_owned(),
                kind: Some("approved"),
                additional: None,
                authorization: None,
                settlement: None,
            };
            (Status::SubmittedForSettlement, processed)
        }
    }
}
