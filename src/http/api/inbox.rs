//! What came in, counted.

use crate::http::{App, Problem};
use crate::intake::Vendor;
use crate::store::inbox;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Deliveries of one vendor.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Counts {
    /// Stored
    received: u64,
    /// Of those: acted on, or ignored with a reason
    processed: u64,
    /// Came again; not stored
    duplicate: u64,
    /// Of those stored: a person must look
    dead: u64,
    /// Not genuine, or too large; not stored
    rejected: u64,
}

/// Deliveries per vendor
#[utoipa::path(get, path = "/inbox/summary", responses((status = 200, body = BTreeMap<String, Counts>)))]
pub(super) async fn summary(State(app): State<App>) -> Result<Json<BTreeMap<&'static str, Counts>>, Problem> {
    let counts = inbox::summary(&app.store.pool).await?;
    let of = |vendor: Vendor| {
        let c = counts.get(vendor.as_str()).copied().unwrap_or_default();
        let (received, processed, duplicate) = (c.received, c.processed, c.duplicate);
        (vendor.as_str(), Counts { received, processed, duplicate, dead: c.dead, rejected: c.rejected })
    };
    Ok(Json(Vendor::ALL.map(of).into()))
}
