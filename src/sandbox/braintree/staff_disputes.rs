//! What banks do about transactions, played by hand: they open disputes and decide them.

use super::call::Ask;
use super::dispute::{Dispute, KINDS, REASONS, Status};
use super::disputes;
use super::money;
use super::staff::{text, transaction_id};
use super::state::State;
use crate::World;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

/// The acts of this module.
pub(super) const ACTS: [&str; 2] = ["open_dispute", "decide_dispute"];

/// Plays one of [`ACTS`].
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub(super) fn play(world: &World, state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    if text(ask, "act")? == ACTS[0] { open(world, state, ask, now) } else { decide(world, state, ask, now) }
}

/// `{"id":…, "kind":…, "reason":…, "amount":…, "reply_by":…, "original":…, "program":…}`: all but the transaction's id may
/// be left out.
fn open(world: &World, state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let id = transaction_id(state, ask)?;
    let transaction = state.transaction_mut(&id).filter(|t| t.status.takes_money() && t.refunded_id.is_none());
    let transaction = transaction.ok_or_else(|| format!("id {id:?} is no sale that was submitted or settled"))?;
    let mut dispute = Dispute::chargeback(transaction, now);
    if let Some(kind) = ask.text("kind") {
        if !KINDS.contains(&kind.as_str()) {
            return Err(format!("kind {kind:?} is unknown; expected one of {}", KINDS.join(", ")));
        }
        dispute.kind = kind;
    }
    if let Some(reason) = ask.text("reason") {
        let known = REASONS.iter().find(|(name, _)| *name == reason);
        let (_, code) = known.ok_or_else(|| {
            format!("reason {reason:?} is unknown; expected one of {}", REASONS.map(|(name, _)| name).join(", "))
        })?;
        (dispute.reason, dispute.reason_code) = (reason, (*code).to_owned());
    }
    if let Some(amount) = ask.text("amount") {
        let parsed = money::parse(&amount, &transaction.currency).ok().filter(|a| (1..=transaction.amount).contains(a));
        dispute.amount = parsed.ok_or_else(|| format!("amount {amount:?} is not between 0 and the transaction's"))?;
    }
    if let Some(day) = ask.text("reply_by") {
        dispute.reply_by =
            day.parse::<NaiveDate>().map_err(|_| format!("reply_by {day:?} is no date like 2026-11-30"))?;
    }
    if let Some(original) = ask.text("original") {
        if !transaction.disputes.iter().any(|d| d.id == original) {
            return Err(format!("original {original:?} names no dispute of this transaction"));
        }
        dispute.original_id = Some(original);
    }
    // Settled with the cardholder by the network before it became a dispute: nothing is left to answer.
    if ask.text("program").as_deref() == Some("visa_rdr") {
        dispute.program = "visa_rdr";
        dispute.history.clear();
        dispute.becomes(Status::AutoAccepted, now);
    }
    disputes::tell(world, transaction, &dispute, now);
    let answer = json!({"id": dispute.id, "reply_by": dispute.reply_by});
    transaction.disputes.push(dispute);
    Ok(answer)
}

/// `{"dispute":…, "status":"won"}`.
fn decide(world: &World, state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let id = text(ask, "dispute")?;
    let name = text(ask, "status")?;
    let status = Status::ALL.into_iter().find(|status| status.name() == name && *status != Status::Open);
    let status = status.ok_or_else(|| {
        let known: Vec<_> = Status::ALL.iter().skip(1).map(|status| status.name()).collect();
        format!("status {name:?} is no decision; expected one of {}", known.join(", "))
    })?;
    if disputes::of(state, &id).is_none() {
        return Err(format!("dispute {id:?} names no dispute"));
    }
    disputes::moved(world, state, &id, status, now);
    Ok(json!({"id": id}))
}
