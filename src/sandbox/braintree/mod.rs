//! braintree, simulated.

use super::{World, faults::Kind};
use axum::{Router, response::Response};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::sync::Arc;

/// All that this vendor holds.
#[derive(Debug, Default)]
pub struct State {}

/// The vendor's HTTP surface.
pub fn router() -> Router<Arc<World>> {
    Router::new()
}

/// Ground truth: what was really done, in plain JSON for `GET /control/books`.
pub fn books(_world: &World) -> Value {
    serde_json::json!({})
}

/// An act of a person at the vendor's own console (`POST /control/staff`, `{"vendor":…,"act":…,…}`).
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub fn staff(_world: &World, act: &Value) -> Result<Value, String> {
    Err(format!("unknown act: {act}"))
}

/// Called after the clock moved: renewals, settlement, retries that became due.
pub fn tick(_world: &World, _now: DateTime<Utc>) {}

/// This vendor's own answer to a refusal on order: `Status`, `RateLimit`, `DailyQuota` or `Refuse` (`StatusAfter` comes
/// as `Status`). `None` where the vendor has no form of its own: then the bare status is answered.
pub fn refusal(_kind: &Kind, _now: DateTime<Utc>) -> Option<Response> {
    None
}
