//! What people are told of a hand-over: the words on the subscription's record in Attio, and those of a park. Pure. Telling
//! never holds the flow up.

use super::state::{Stage, State, Wait};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::effect::OwnerFace;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One state to be shown. Its version is given when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face(Box<OwnerFace>);

impl Face {
    pub(super) fn write(&self, version: u64) -> OwnerFace {
        OwnerFace { sync_version: version, ..(*self.0).clone() }
    }

    /// Shows the same, whenever it became true.
    pub(super) fn same(&self, other: &Self) -> bool {
        OwnerFace { as_of: other.0.as_of, ..(*self.0).clone() } == *other.0
    }
}

/// What is to be shown now; none where no record is known.
pub(super) fn face(state: &State, at: DateTime<Utc>) -> Option<Face> {
    let survey = state.survey.as_ref()?;
    let word = |owner: Option<CollectionOwner>| owner.map_or("none", CollectionOwner::as_str).to_owned();
    let collected = match (state.recorded, state.fenced_at) {
        (true, _) => word(Some(state.to())),
        (false, Some(_)) => word(None),
        (false, None) => word(survey.owner),
    };
    Some(Face(Box::new(OwnerFace {
        record: survey.attio_record.clone()?,
        collection_owner: Some(collected),
        action_needed: action(state),
        saga: state.saga()?.to_string(),
        sync_version: 0,
        as_of: at,
    })))
}

fn action(state: &State) -> String {
    match &state.stage {
        Stage::Waiting { why: Wait::NewSide, .. } => {
            format!("{} shall collect: {}", state.to().name(), missing(state).unwrap_or_default())
        }
        Stage::Settling if state.asks() => question(state),
        Stage::Held { code, .. } => format!("An operator must look: {}", code.meaning()),
        _ => String::new(),
    }
}

/// What the new side lacks; none: it can collect.
pub(super) fn missing(state: &State) -> Option<String> {
    let in_vault = state.customer.as_ref().is_some_and(|c| c.braintree_customer.is_some()) && state.token.is_some();
    let text = match state.to() {
        CollectionOwner::ZohoNative if !state.terms.as_ref().is_some_and(|terms| terms.has_card) => {
            "the customer gives Zoho a card first, on a page of Zoho's"
        }
        CollectionOwner::Orchestrator | CollectionOwner::BraintreeRecurring if !in_vault => {
            "the customer gives us a card first: send the link for a card"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// What is to be decided, and how.
pub(super) fn question(state: &State) -> String {
    let open: Vec<_> = state.open_invoices().map(|i| format!("{} ({} open)", i.number, i.balance)).collect();
    let choices = if state.to() == CollectionOwner::Orchestrator {
        "`collect` (we charge it), `void` or `leave`"
    } else {
        "`void` or `leave`"
    };
    let saga = state.saga().map(|saga| saga.to_string()).unwrap_or_default();
    format!(
        "The old collector is off and did not collect {}: choose {choices}. By `attio-billing hand-over decide {saga}` or POST /api/v1/hand-overs/{saga}/decide",
        open.join(", ")
    )
}
