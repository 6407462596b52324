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
#[derive(Debug, Default)]
struct Payout {
    /// Minor units; refunds count against it.
    amount: i64,
    transactions: Vec<String>,
}

/// Locks the state with everything done that is due at `now`, and sends the webhooks of it.
pub(super) fn open(world: &World, now: DateTime<Utc>) -> MutexGuard<'_, State> {
    let mut state = world.braintree.lock().expect("braintree lock");
    billing::run(world, &mut state, now);
    disputes::expire(world, &mut state, now);
    let mut payouts: BTreeMap<(NaiveDate, String), Payout> = BTreeMap::new();
    let mut batches = known_batches(&state);
    for transaction in &mut state.transactions {
        advance(transaction, &mut batches, now);
        if let Some(day) = payout_day(transaction, now) {
            transaction.disbursed_on = Some(day);
            let payout = payouts.entry((day, transaction.merchant_account.clone())).or_default();
            payout.transactions.push(transaction.id.clone());
            payout.amount += match transaction.kind {
                Type::Sale => transaction.amount,
                Type::Credit => -transaction.amount,
            };
        }
    }
    for ((day, account), payout) in payouts {
        let currency = world.credentials.braintree.merchant_accounts.iter().find(|a| a.id == account);
        let currency = currency.map_or("USD", |a| a.currency.as_str());
        webhooks::send(
            world,
            "disbursement",
            "disbursement",
            disbursement(day, &account, currency, &payout, None),
            now,
        );
    }
    state
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

/// The bank sends the payout of a transaction back: it shows as failed, and the merchant is told.
///
/// # Errors
/// The transaction was not paid out.
pub(super) fn fail_payout(world: &World, state: &mut State, id: &str, now: DateTime<Utc>) -> Result<(), String> {
    let paid = state.transaction_mut(id).filter(|t| t.disbursed_on.is_some());
    let transaction = paid.ok_or_else(|| format!("id {id:?} is no transaction that was paid out"))?;
    transaction.payout_failed = true;
    let (account, currency) = (transaction.merchant_account.clone(), transaction.currency.clone());
    let payout = Payout { amount: transaction.amount, transactions: vec![id.to_owned()] };
    let subject = disbursement(now.date_naive(), &account, &currency, &payout, Some("bank_rejected"));
    webhooks::send(world, "disbursement_exception", "disbursement", subject, now);
    Ok(())
}

/// `exception`: why the bank did not take it.
fn disbursement(day: NaiveDate, account: &str, currency: &str, payout: &Payout, exception: Option<&str>) -> Xml {
    let owner = Fields::new().text("id", account).text("status", "active").text("currency_iso_code", currency);
    Xml::Node(
        Fields::new()
            .text("id", letters(12))
            .array("transaction_ids", "item", payout.transactions.iter().cloned().map(Xml::Text).collect())
            .flag("success", exception.is_none())
            .flag("retry", false)
            .node("merchant_account", owner.flag("sub_merchant_account", false))
            .text("amount", money::show(payout.amount, currency))
            .text("disbursement_type", if payout.amount < 0 { "debit" } else { "credit" })
            .text("currency_iso_code", currency)
            .maybe_date("disbursement_date", Some(day))
            .maybe("exception_message", exception)
            .maybe("follow_up_action", exception.map(|_| "update_funding_information")),
    )
}
