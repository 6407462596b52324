//! What time does to transactions: batches close, money settles and is disbursed, authorizations expire; and
//! where all else that time does is called. Times are those
//! of the sandbox's clock; each change is dated when it was due, not when it was noticed.

use super::codes::{self, Code};
use super::money;
use super::state::{State, letters};
use super::transaction::{Cause, SETTLED_AFTER, SETTLING_AFTER, Status, Transaction, Type};
use super::xml::{Fields, Xml};
use super::{billing, disputes, webhooks};
use crate::World;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::BTreeMap;
use std::sync::MutexGuard;

/// How long after settlement the money is paid out.
const DISBURSED_AFTER: TimeDelta = TimeDelta::hours(24);

/// A payout of one merchant account for one day.
#[derive(Debug, Clone)]
pub(super) struct Payout {
    pub(super) id: String,
    pub(super) account: String,
    pub(super) day: NaiveDate,
    /// Minor units; refunds count against it, and so does what the processor keeps.
    pub(super) amount: i64,
    pub(super) transactions: Vec<String>,
    /// The bank took it.
    pub(super) success: bool,
}

/// Locks the state with everything done that is due at `now`, and sends the webhooks of it.
pub(super) fn open(world: &World, now: DateTime<Utc>) -> MutexGuard<'_, State> {
    let mut state = world.braintree.lock().expect("braintree lock");
    billing::run(world, &mut state, now);
    disputes::expire(world, &mut state, now);
    let mut payouts: BTreeMap<(NaiveDate, String), Vec<String>> = BTreeMap::new();
    let mut batches = known_batches(&state);
    for transaction in &mut state.transactions {
        advance(transaction, &mut batches, now);
        if let Some(day) = payout_day(transaction, now) {
            transaction.disbursed_on = Some(day);
            let payout = payouts.entry((day, transaction.merchant_account.clone())).or_default();
            payout.push(transaction.id.clone());
        }
    }
    for ((day, account), transactions) in payouts {
        pay_out(world, &mut state, day, account, transactions, now);
    }
    state
}

/// The money of these transactions goes to the bank, but for what is kept; the merchant is told, where it is told such things.
fn pay_out(
    world: &World,
    state: &mut State,
    day: NaiveDate,
    account: String,
    mut transactions: Vec<String>,
    now: DateTime<Utc>,
) {
    transactions.retain(|id| state.transaction(id).is_some_and(|t| !t.funds_held));
    if transactions.is_empty() {
        return;
    }
    let of = |id: &String| match state.transaction(id) {
        Some(t) if t.kind == Type::Credit => -t.amount,
        Some(t) => t.amount,
        None => 0,
    };
    let amount = transactions.iter().map(of).sum::<i64>() - state.settings.payout_fee;
    let payout = Payout { id: letters(12), account, day, amount, transactions, success: true };
    announce(world, state, &payout, "disbursement", false, now);
    state.payouts.push(payout);
}

fn announce(world: &World, state: &State, payout: &Payout, kind: &str, retry: bool, now: DateTime<Utc>) {
    if state.settings.payout_notices {
        let currency = world.credentials.braintree.merchant_accounts.iter().find(|a| a.id == payout.account);
        let currency = currency.map_or("USD", |a| a.currency.as_str());
        webhooks::send(world, kind, "disbursement", disbursement(payout, currency, retry), now);
    }
}

type Batches = BTreeMap<(String, NaiveDate), String>;

fn known_batches(state: &State) -> Batches {
    state
        .transactions
        .iter()
        .filter_map(|t| Some(((t.merchant_account.clone(), t.settles_from()?.date_naive()), t.batch_id.clone()?)))
        .collect()
}

/// Takes one transaction as far as time has brought it.
fn advance(transaction: &mut Transaction, batches: &mut Batches, now: DateTime<Utc>) {
    if transaction.status == Status::Authorized
        && let Some(expiry) = transaction.authorization_expires_at.filter(|at| *at <= now)
    {
        transaction.becomes(Status::AuthorizationExpired, Cause::Gateway, expiry);
    }
    let Some(submitted) = transaction.entered(Status::SubmittedForSettlement) else { return };
    let closes = submitted + SETTLING_AFTER;
    if transaction.status == Status::SubmittedForSettlement && closes <= now {
        enter_batch(transaction, batches, closes);
    }
    if transaction.status == Status::Settling && submitted + SETTLED_AFTER <= now {
        settle(transaction, submitted + SETTLED_AFTER);
    }
}

/// All of an account's transactions of a day share one batch.
fn enter_batch(transaction: &mut Transaction, batches: &mut Batches, at: DateTime<Utc>) {
    let (account, day) = (transaction.merchant_account.clone(), at.date_naive());
    let id = batches.entry((account.clone(), day)).or_insert_with(|| format!("{day}_{account}_{}", letters(8)));
    transaction.batch_id = Some(id.clone());
    transaction.becomes(Status::Settling, Cause::Gateway, at);
}

fn settle(transaction: &mut Transaction, at: DateTime<Utc>) {
    transaction.processor.settlement = Some(("4000", "Confirmed"));
    transaction.becomes(Status::Settled, Cause::Gateway, at);
}

/// Settles a transaction that is not stored yet.
pub(super) fn settle_at_once(state: &State, transaction: &mut Transaction, now: DateTime<Utc>) {
    enter_batch(transaction, &mut known_batches(state), now);
    settle(transaction, now);
}

/// Ends the settlement of one transaction now.
///
/// # Errors
/// 91575 unless it was submitted for settlement (or is already on its way).
pub(super) fn finish(state: &mut State, id: &str, end: Status, now: DateTime<Utc>) -> Result<(), Code> {
    let mut batches = known_batches(state);
    let transaction = state.transaction_mut(id).ok_or(codes::CANNOT_SIMULATE_SETTLEMENT)?;
    match transaction.status {
        Status::SubmittedForSettlement => enter_batch(transaction, &mut batches, now),
        Status::Settling | Status::SettlementPending => {}
        Status::Authorized
        | Status::AuthorizationExpired
        | Status::ProcessorDeclined
        | Status::GatewayRejected
        | Status::Failed
        | Status::Settled
        | Status::SettlementConfirmed
        | Status::SettlementDeclined
        | Status::Voided => return Err(codes::CANNOT_SIMULATE_SETTLEMENT),
    }
    if end == Status::Settled {
        settle(transaction, now);
    } else {
        if end == Status::SettlementDeclined {
            transaction.processor.settlement = Some(("4001", "Settlement Declined"));
        }
        transaction.becomes(end, Cause::Gateway, now);
    }
    Ok(())
}

/// The day a settled transaction is paid out, once that day has come.
fn payout_day(transaction: &Transaction, now: DateTime<Utc>) -> Option<NaiveDate> {
    if transaction.status != Status::Settled || transaction.disbursed_on.is_some() {
        return None;
    }
    let due = transaction.entered(Status::Settled)? + DISBURSED_AFTER;
    (due <= now).then(|| due.date_naive())
}

/// The bank sends back the payout that a transaction is in: all of it shows as failed, and the merchant is told.
///
/// # Errors
/// The transaction was not paid out.
pub(super) fn fail_payout(world: &World, state: &mut State, id: &str, now: DateTime<Utc>) -> Result<(), String> {
    bank_says(world, state, id, false, now)
}

/// The payout that the bank sent back is tried again, and taken.
///
/// # Errors
/// The transaction is in no payout.
pub(super) fn retry_payout(world: &World, state: &mut State, id: &str, now: DateTime<Utc>) -> Result<(), String> {
    bank_says(world, state, id, true, now)
}

fn bank_says(world: &World, state: &mut State, id: &str, success: bool, now: DateTime<Utc>) -> Result<(), String> {
    let found = state.payouts.iter_mut().rfind(|payout| payout.transactions.iter().any(|one| one == id));
    let payout = found.ok_or_else(|| format!("id {id:?} is no transaction that was paid out"))?;
    payout.success = success;
    let payout = payout.clone();
    for id in &payout.transactions {
        if let Some(transaction) = state.transaction_mut(id) {
            transaction.payout_failed = !success;
        }
    }
    announce(world, state, &payout, if success { "disbursement" } else { "disbursement_exception" }, success, now);
    Ok(())
}

/// The processor keeps a transaction that was not paid out yet.
///
/// # Errors
/// There is none such.
pub(super) fn hold_funds(state: &mut State, id: &str) -> Result<(), String> {
    let waits = state.transaction_mut(id).filter(|t| t.disbursed_on.is_none());
    let transaction = waits.ok_or_else(|| format!("id {id:?} is no transaction that is still to be paid out"))?;
    transaction.funds_held = true;
    Ok(())
}

/// What was kept is paid out today.
///
/// # Errors
/// The transaction was not kept when its day came.
pub(super) fn release_funds(world: &World, state: &mut State, id: &str, now: DateTime<Utc>) -> Result<(), String> {
    let kept = state.transaction_mut(id).filter(|t| t.funds_held && t.disbursed_on.is_some());
    let transaction = kept.ok_or_else(|| format!("id {id:?} is no transaction that was kept back"))?;
    transaction.funds_held = false;
    transaction.disbursed_on = Some(now.date_naive());
    let account = transaction.merchant_account.clone();
    pay_out(world, state, now.date_naive(), account, vec![id.to_owned()], now);
    Ok(())
}

/// As webhooks show it. `retry`: it was tried before.
fn disbursement(payout: &Payout, currency: &str, retry: bool) -> Xml {
    let owner = Fields::new().text("id", &payout.account).text("status", "active").text("currency_iso_code", currency);
    let exception = (!payout.success).then_some("bank_rejected");
    Xml::Node(
        Fields::new()
            .text("id", &payout.id)
            .array("transaction_ids", "item", payout.transactions.iter().cloned().map(Xml::Text).collect())
            .flag("success", payout.success)
            .flag("retry", retry)
            .node("merchant_account", owner.flag("sub_merchant_account", false))
            .text("amount", money::show(payout.amount, currency))
            .text("disbursement_type", if payout.amount < 0 { "debit" } else { "credit" })
            .text("currency_iso_code", currency)
            .maybe_date("disbursement_date", Some(payout.day))
            .maybe("exception_message", exception)
            .maybe("follow_up_action", exception.map(|_| "update_funding_information")),
    )
}
