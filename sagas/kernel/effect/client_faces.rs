//! What a client's record in Attio is given: what the platform says of them, and what it shows of a change of theirs. Words and
//! ids: what is personal lies beside the call.

use super::attio::AttioRecord;
use crate::kernel::profile::Fields;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a client's record shall say of a change of theirs. What people fill in is not touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileFace {
    /// The client's record.
    pub client: AttioRecord,
    /// What did not arrive, and the cure; empty clears it, absent: left as it is.
    pub last_error: Option<String>,
    /// Grows with every write of this saga.
    pub version: u64,
    /// When the change arrived (UTC): `synced_at`.
    pub as_of: DateTime<Utc>,
}

/// A note with what was written over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisplacedNote {
    /// The client's record.
    pub client: AttioRecord,
    /// Our customer id.
    pub customer: String,
    /// Under which the values are kept, and the note is found again.
    pub mark: String,
}

/// What the platform says of a client. The values lie beside the call, under the mark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientOrder {
    /// The client's record.
    pub client: AttioRecord,
    /// Our customer id.
    pub customer: String,
    /// Which fields it says.
    pub fields: Fields,
    /// Under which the values are kept.
    pub mark: String,
}
