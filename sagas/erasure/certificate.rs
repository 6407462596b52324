//! The certificate: what an admin hands to the person or to an authority. It says what went, what stays and until when,
//! and names nobody.

use super::places::Place;
use super::state::State;
use super::words::{Identity, Law, Rest};
use crate::kernel::answer::{Kept, Trace};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// One certificate of an erasure; a later one, once a rest is gone too, replaces it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Which of this erasure.
    pub number: u32,
    /// The erasure's saga.
    pub saga: String,
    /// How the person stands on the erasure list: a keyed hash; absent: no list is kept outside the database.
    pub person: Option<String>,
    /// Under which law.
    pub law: Law,
    /// When the person asked (books zone).
    pub received_on: NaiveDate,
    /// The last day on which it was in time (books zone).
    pub due_on: NaiveDate,
    /// How the identity was checked, and by whom.
    pub identity: Identity,
    /// Who asked for it here.
    pub requested_by: String,
    /// Who agreed.
    pub confirmed_by: Option<String>,
    /// When it was erased here (UTC).
    pub erased_at: DateTime<Utc>,
    /// How many rows went here.
    pub erased: Kept,
    /// What became of each place at the vendors.
    pub places: Vec<Outcome>,
    /// So many events of the person's flows were hashed again, and are what they were.
    pub events_verified: u64,
    /// When all of it was read back (UTC).
    pub verified_at: DateTime<Utc>,
    /// It was erased here on the last day or before.
    pub in_time: bool,
    /// Nothing of the person is kept anywhere any more.
    pub complete: bool,
}

/// What became of one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub place: Place,
    /// As it was read back.
    pub trace: Trace,
    /// What is kept there, why, and until when.
    pub rest: Option<Rest>,
}

/// The certificate of what was done; none before it was erased here.
pub(super) fn certificate(state: &State, events: u64, at: DateTime<Utc>, in_time: bool) -> Option<Certificate> {
    let (request, erased, erased_at) = (state.request.as_ref()?, state.erased.as_ref()?, state.erased_at?);
    let places: Vec<_> = state
        .places
        .iter()
        .map(|asked| Outcome {
            place: asked.place.clone(),
            trace: asked.shown.clone().unwrap_or_default(),
            rest: asked.rest.clone(),
        })
        .collect();
    Some(Certificate {
        number: state.certificates + 1,
        saga: state.saga()?.to_string(),
        person: erased.listed_as.clone(),
        law: request.law,
        received_on: request.received_on,
        due_on: state.due_on?,
        identity: request.identity.clone(),
        requested_by: request.by.clone(),
        confirmed_by: state.confirmed_by.clone(),
        erased_at,
        erased: erased.erased,
        complete: places.iter().all(|place| place.rest.is_none()),
        places,
        events_verified: events,
        verified_at: at,
        in_time,
    })
}
