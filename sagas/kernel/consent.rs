//! A customer's consent, as a page of ours took it. Where from stands in a row that can be erased, never here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A consent as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Version of the text.
    pub version: String,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// The erasable row with address and browser.
    pub evidence: Option<Uuid>,
}
