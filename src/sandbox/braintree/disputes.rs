//! Disputes over the API: find, search by page, accept, finalize; and what time does to those that nobody answers.

use super::call::Call;
use super::codes::{self, Code};
use super::dispute::{Dispute, Status};
use super::evidence;
use super::reply::{Errors, Reply};
use super::search::{self, Field, Refusal};
use super::state::State;
use super::transaction::Transaction;
use super::xml::Xml;
use super::{money, settlement, show_dispute, webhooks};
use crate::World;
use crate::faults::Vendor;
use axum::extract::State as Shared;
use chrono::{DateTime, Days, NaiveTime, Utc};
use serde_json::Value;
use std::sync::Arc;

/// `GET /disputes/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "dispute.find", &call.text, now);
    let state = settlement::open(&world, now);
    match of(&state, call.id()).filter(|(_, dispute)| sight.reaches(dispute.created_at)) {
        Some((transaction, dispute)) => Reply::Found("dispute", shown(transaction, dispute)),
        None => Reply::NotFound,
    }
}

/// `PUT /disputes/{id}/accept`: the money is given up, for good.
pub(super) async fn accept(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some((_, dispute)) = of(&state, call.id()) else { return Reply::NotFound };
    if dispute.status != Status::Open {
        return refused("status", codes::CANNOT_ACCEPT);
    }
    moved(&world, &mut state, call.id(), Status::Accepted, now)
}

/// `PUT /disputes/{id}/finalize`: the evidence goes to the bank. The sandbox's bank reads it at once where the text is one
/// of the testing values, else it waits for a decision by hand.
pub(super) async fn finalize(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some((_, dispute)) = of(&state, call.id()) else { return Reply::NotFound };
    if dispute.status != Status::Open {
        return refused("status", codes::CANNOT_FINALIZE);
    }
    if dispute.evidence.is_empty() {
        return refused("dispute", codes::EVIDENCE_REQUIRED);
    }
    let verdict = evidence::verdict(dispute);
    if let Some(dispute) = dispute_mut(&mut state, call.id()) {
        dispute.evidence.iter_mut().for_each(|piece| piece.sent_on = Some(now.date_naive()));
    }
    let reply = moved(&world, &mut state, call.id(), Status::Disputed, now);
    verdict.map_or(reply, |verdict| moved(&world, &mut state, call.id(), verdict, now))
}

/// `POST /disputes/advanced_search?page=N`: pages by number, without a phase of ids.
pub(super) async fn search(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "dispute.search", &call.text, now);
    let state = settlement::open(&world, now);
    match found(&state, &call) {
        Ok(found) => {
            let seen = sight.of(found, |(_, dispute)| dispute.created_at);
            let objects = seen.into_iter().map(|(transaction, dispute)| shown(transaction, dispute)).collect();
            search::numbered_page("disputes", "dispute", &call, objects)
        }
        Err(refusal) => refusal.into(),
    }
}

/// Newest first.
fn found<'a>(state: &'a State, call: &Call) -> Result<Vec<(&'a Transaction, &'a Dispute)>, Refusal> {
    let all = state.disputes();
    let found = search::matches(call, all.iter(), |(t, d), name| {
        let text = |value: &str| Field::Text(Some(value.to_owned()));
        let effective = d.history.last().map(|(at, _)| at.date_naive());
        match name {
            "id" => text(&d.id),
            "case_number" => text(&d.case_number),
            "customer_id" => Field::Text(t.customer.as_ref().map(|c| c.id.clone())),
            "reference_number" => text(&d.reference_number),
            "transaction_id" => text(&t.id),
            "transaction_source" => text(t.origin()),
            "kind" => text(&d.kind),
            "status" => text(d.status.name()),
            "reason" => text(&d.reason),
            "reason_code" => text(&d.reason_code),
            "merchant_account_id" => text(&t.merchant_account),
            "pre_dispute_program" => text(d.program),
            "chargeback_protection_level" | "protection_level" => text("not_protected"),
            "amount_disputed" => Field::Amount(Some(money::thousandths(d.amount, &t.currency))),
            "amount_won" => Field::Amount(Some(money::thousandths(d.amount_won, &t.currency))),
            "received_date" => Field::Day(Some(d.received_on)),
            "reply_by_date" => Field::Day(Some(d.reply_by)),
            "effective_date" => Field::Day(effective),
            "disbursement_date" => Field::Day(t.disbursed_on),
            _ => Field::Unknown,
        }
    })?;
    Ok(found.into_iter().copied().collect())
}

/// Lets open disputes expire whose day to answer is over.
pub(super) fn expire(world: &World, state: &mut State, now: DateTime<Utc>) {
    let over = |dispute: &Dispute| (dispute.reply_by + Days::new(1)).and_time(NaiveTime::MIN).and_utc();
    let due: Vec<_> = state
        .disputes()
        .into_iter()
        .filter(|(_, dispute)| dispute.status == Status::Open && over(dispute) <= now)
        .map(|(_, dispute)| (dispute.id.clone(), over(dispute)))
        .collect();
    for (id, at) in due {
        moved(world, state, &id, Status::Expired, at);
    }
}

/// A dispute with its transaction.
pub(super) fn of<'a>(state: &'a State, id: &str) -> Option<(&'a Transaction, &'a Dispute)> {
    state.disputes().into_iter().find(|(_, dispute)| dispute.id == id)
}

/// A dispute to be changed.
pub(super) fn dispute_mut<'a>(state: &'a mut State, id: &str) -> Option<&'a mut Dispute> {
    state.transactions.iter_mut().flat_map(|t| &mut t.disputes).find(|dispute| dispute.id == id)
}

/// Moves a dispute to a state and tells the merchant: the answer shows it as it is then.
pub(super) fn moved(world: &World, state: &mut State, id: &str, to: Status, at: DateTime<Utc>) -> Reply {
    if let Some(dispute) = dispute_mut(state, id) {
        dispute.becomes(to, at);
    }
    let Some((transaction, dispute)) = of(state, id) else { return Reply::NotFound };
    tell(world, transaction, dispute, at);
    Reply::Found("dispute", shown(transaction, dispute))
}

/// Sends the webhook of the state that the dispute is in.
pub(super) fn tell(world: &World, transaction: &Transaction, dispute: &Dispute, at: DateTime<Utc>) {
    webhooks::send(world, dispute.status.webhook(), "dispute", shown(transaction, dispute), at);
}

fn shown(transaction: &Transaction, dispute: &Dispute) -> Xml {
    Xml::Node(show_dispute::fields(transaction, dispute))
}

pub(super) fn refused(attribute: &'static str, code: Code) -> Reply {
    Reply::Invalid(Errors::one(&["dispute"], attribute, code), Value::Null)
}
