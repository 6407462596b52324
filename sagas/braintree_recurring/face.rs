//! What people are told: on the subscription's record in Attio, of charges that failed, and in tasks. Pure. Telling never
//! holds the flow up.

use super::state::{Stage, State};
use crate::kernel::effect::{EndingFace, Standing};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The task of a price that Braintree does not take.
pub(super) const PRICE_KEPT: &str = "Braintree charges another price than Zoho asks for, and does not take the new one: \
                                     correct the subscription's price in Braintree";

/// One state to be shown. Its version is given when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face(Box<EndingFace>);

impl Face {
    /// The write of this face.
    pub(super) fn write(&self, version: u64) -> EndingFace {
        EndingFace { sync_version: version, ..(*self.0).clone() }
    }

    /// Shows the same, whenever it became true.
    pub(super) fn same(&self, other: &Self) -> bool {
        EndingFace { as_of: other.0.as_of, ..(*self.0).clone() } == *other.0
    }
}

/// What is to be shown now; none where no record is known, or where whoever ends it writes there.
pub(super) fn face(state: &State, at: DateTime<Utc>) -> Option<Face> {
    let begun = state.begun.as_ref()?;
    if state.ending_intended || state.end_ordered {
        return None;
    }
    let (status, error, action) = match (&state.stage, &state.past_due) {
        (Stage::Held { code, .. }, _) => (None, String::new(), format!("An operator must look: {}", code.meaning())),
        (_, Some(past_due)) => (
            Some("Past due"),
            past_due.owed.map_or_else(
                || "Braintree could not charge the card.".to_owned(),
                |owed| format!("Braintree could not charge {owed}; it tries again by itself."),
            ),
            "Ask the customer to give another card".to_owned(),
        ),
        (_, None) => (Some("Active"), String::new(), String::new()),
    };
    let next = state.shown.as_ref().and_then(|shown| shown.next_charge_on);
    let standing = status.map(|status| Standing {
        subscription_status: status.to_owned(),
        ends_on: None,
        reason: String::new(),
        next_billing_on: next,
    });
    Some(Face(Box::new(EndingFace {
        record: begun.record.clone()?,
        answers: None,
        standing,
        last_error: error,
        action_needed: action,
        saga: state.saga()?.to_string(),
        sync_version: 0,
        as_of: at,
    })))
}
