//! The one seam between the engine and the world: perform a call, or look up by our own reference whether it was done.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::Effect;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome};
use std::time::Duration;

/// One call, with all that is needed to make it or to find it again.
#[derive(Debug, Clone)]
pub struct Call {
    /// The saga that wants it.
    pub saga: SagaId,
    /// The step's name.
    pub step: String,
    /// Which sending of the same request, from 1.
    pub attempt: u32,
    /// What to do; its references are the same in every sending.
    pub effect: Effect,
    /// When it was first wanted (UTC): nothing of ours at the vendor is older.
    pub requested_at: DateTime<Utc>,
    /// When the bytes left, on a look-up after a send (UTC).
    pub sent_at: Option<DateTime<Utc>>,
    /// Business time now (UTC).
    pub now: DateTime<Utc>,
    /// How long the call may take in all; then its outcome is unknown.
    pub time_limit: Duration,
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Report {
    /// One of the five outcomes.
    pub outcome: Outcome,
    /// The vendor's own id of the request, for its support.
    pub request_id: Option<String>,
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, request_id: None }
    }
}

/// Performs effects. An implementation never retries a write and never panics on what a vendor sends.
#[async_trait]
pub trait Perform: Send + Sync {
    /// Makes the call once.
    async fn perform(&self, call: &Call) -> Report;

    /// Looks the call up by our own reference, without changing anything.
    async fn look(&self, call: &Call) -> Look;
}
