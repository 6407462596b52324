//! What people are told of a subscription's ending: the words on its record in Attio, and the tasks. Pure. Telling never
//! holds the flow up.

use super::state::{Stage, State};
use super::words::{GiveBack, Order, Proposal, Wish};
use crate::kernel::effect::{EndingFace, Standing};
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// One state to be shown. Its version is given when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face(Box<EndingFace>);

impl Face {
    /// The write of this face, with the press that it answers.
    pub(super) fn write(&self, version: u64, state: &State) -> EndingFace {
        EndingFace { sync_version: version, answers: state.unanswered.clone(), ..(*self.0).clone() }
    }

    /// Shows the same, whenever it became true.
    pub(super) fn same(&self, other: &Self) -> bool {
        EndingFace { as_of: other.0.as_of, ..(*self.0).clone() } == *other.0
    }
}

/// What is to be shown now; none where no record is known.
pub(super) fn face(state: &State, at: DateTime<Utc>) -> Option<Face> {
    Some(Face(Box::new(EndingFace {
        record: state.record.clone()?,
        answers: None,
        standing: state.standing.clone(),
        last_error: state.refusal.clone(),
        action_needed: action(state),
        saga: state.saga()?.to_string(),
        sync_version: 0,
        as_of: at,
    })))
}

fn action(state: &State) -> String {
    match &state.stage {
        Stage::Settling if state.asks() => question(state),
        Stage::Held { code, .. } => format!("An operator must look: {}", code.meaning()),
        Stage::Busy { .. } => "Wait: other work on the subscription is finished first".to_owned(),
        Stage::DrainWait { .. } => "Wait: a charge that is under way is finished first".to_owned(),
        Stage::LateWait { .. } => "A charge is still not finished: its invoice is settled after it".to_owned(),
        _ => String::new(),
    }
}

/// What is to be chosen, and how.
pub(super) fn question(state: &State) -> String {
    let mut parts = Vec::new();
    if state.asks_open_invoices() {
        let open: Vec<_> = state.open_invoices().map(|i| format!("{} ({} open)", i.number, i.balance)).collect();
        let open = open.join(", ");
        parts.push(match &state.proposer {
            Some(by) => format!("{by} proposes to write off {open}: somebody else confirms it, or chooses otherwise"),
            None => format!("choose `collect`, `void` or `write_off` for {open}"),
        });
    }
    if state.asks_give_back()
        && let Some((invoice, paid)) = state.newest_paid()
    {
        parts.push(format!("choose `nothing`, `prorated`, `full` or `credit` for {paid} paid on {}", invoice.number));
    }
    let saga = state.saga().map(|saga| saga.to_string()).unwrap_or_default();
    format!("{}. By `attio-billing saga choose {saga}` or POST /api/v1/cancellations/{saga}/choice", parts.join("; "))
}

/// Why it ends, in a sentence.
pub(super) fn reason(order: Option<&Order>) -> String {
    match order {
        Some(order) if !order.reason.is_empty() => order.reason.clone(),
        Some(Order { press: Some(_), .. }) => "Cancelled in Attio".to_owned(),
        Some(_) => "Cancelled by order".to_owned(),
        None => "Cancelled in Zoho".to_owned(),
    }
}

pub(super) fn cancelled(effective: NaiveDate, reason: &str) -> Standing {
    Standing {
        subscription_status: "Cancelled".to_owned(),
        ends_on: Some(effective),
        reason: reason.to_owned(),
        next_billing_on: None,
    }
}

pub(super) fn ending(ends_on: Option<NaiveDate>, reason: &str) -> Standing {
    Standing { subscription_status: "Ending".to_owned(), ends_on, reason: reason.to_owned(), next_billing_on: None }
}

pub(super) fn active(next_billing_on: Option<NaiveDate>) -> Standing {
    Standing { subscription_status: "Active".to_owned(), ends_on: None, reason: String::new(), next_billing_on }
}

/// Why an order is not carried out, for the record.
pub(super) fn refused(wish: Wish, why: &str) -> String {
    format!("`{}` was not carried out: {why}.", wish.title())
}

/// The task for finance.
pub(super) fn proposal(proposal: &Proposal) -> String {
    let Proposal { give_back, invoice, paid, .. } = proposal;
    let what = match give_back {
        GiveBack::Nothing => "nothing",
        GiveBack::Prorated => "the unused part",
        GiveBack::Full => "all",
        GiveBack::Credit => "the unused part as credit",
    };
    format!(
        "Give back {what} of {paid} paid on Zoho invoice {invoice}: the subscription was cancelled before its term ended"
    )
}

/// The task for finance, where what goes back was not all paid by cards of ours.
pub(super) fn paid_otherwise(rest: Money, invoice: &str) -> String {
    format!(
        "Give back {rest} paid otherwise than by card on Zoho invoice {invoice}: the subscription was cancelled before its term ended"
    )
}
