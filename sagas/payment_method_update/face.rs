//! What Attio shall show of a card update: the words that the CRM team reads, computed from the state. Of the collection
//! the invoices' own streams say more: nothing of theirs is written here.

use super::state::{Ending, Stage, State};
use crate::kernel::effect::{CardFace, CheckoutFace, CheckoutLink};
use chrono::{DateTime, Utc};

/// What is to be shown now. Its version is given when it is written.
pub(super) fn face(state: &State, at: DateTime<Utc>) -> Option<CardFace> {
    let switched = state.switched.is_some() || state.at_zoho.changed;
    let client = state.facts.customer.as_ref().and_then(|c| c.attio_client.clone());
    Some(CardFace {
        record: state.record()?.to_owned(),
        answers_act: false,
        page: page(state),
        refusal: refusal(state),
        on_file: client.filter(|_| switched),
        version: 0,
        as_of: at,
    })
}

/// Shows the same, whenever it became true.
pub(super) fn same(one: &CardFace, other: &CardFace) -> bool {
    CardFace { as_of: other.as_of, ..one.clone() } == *other
}

/// Nothing of it differs from what the record shows anyhow.
pub(super) const fn is_empty(face: &CardFace) -> bool {
    face.page.is_none() && face.refusal.is_none() && face.on_file.is_none()
}

/// Absent where the record may show another page, of which nothing is known here.
fn page(state: &State) -> Option<CheckoutFace> {
    let word = |status: &str| Some(CheckoutFace { status: status.to_owned(), link: None, expires_at: None });
    if state.switched.is_some() || state.at_zoho.changed {
        return word("Completed");
    }
    match (&state.stage, &state.link) {
        (Stage::LinkOut | Stage::Updating | Stage::Held { .. }, Some(link)) => Some(CheckoutFace {
            status: if link.opened { "Opened" } else { "Link ready" }.to_owned(),
            link: state.saga().map(|saga| CheckoutLink { saga, number: link.number }),
            expires_at: Some(link.expires_at),
        }),
        (Stage::Over { ending: Ending::Expired, .. }, _) => word("Expired"),
        (Stage::Over { ending: Ending::Cancelled | Ending::Refused, .. }, _) if state.links > 0 => word("None"),
        _ => None,
    }
}

fn refusal(state: &State) -> Option<String> {
    match &state.stage {
        Stage::Over { ending: Ending::Refused, reason, cure, .. } => {
            Some(format!("No link for another card was sent: {reason}. To go on, {cure}."))
        }
        _ => None,
    }
}
