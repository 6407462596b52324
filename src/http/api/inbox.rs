//! What came in: counted, and what became of each delivery. Bodies are shown nowhere.

use crate::http::{App, Problem};
use crate::intake::Vendor;
use crate::store::inbox;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

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

/// Which deliveries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DeliveriesQuery {
    /// `attio`, `zoho` or `braintree`
    vendor: Option<String>,
    /// `received`, `routed`, `processed`, `ignored` or `dead`
    state: Option<String>,
    /// At most so many, up to 500
    limit: Option<u16>,
}

/// What became of a delivery.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeliveryView {
    id: Uuid,
    /// `attio`, `zoho` or `braintree`
    vendor: String,
    /// When it came (UTC)
    received_at: DateTime<Utc>,
    /// `received`: not looked at yet; `routed`: its sagas have not all looked at it; `processed`; `ignored`; `dead`: a
    /// person must look
    state: String,
    /// Why it was ignored, refused or given up
    reason: Option<String>,
}

/// The deliveries that came last.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deliveries {
    deliveries: Vec<DeliveryView>,
}

const STATES: [&str; 5] = ["received", "routed", "processed", "ignored", "dead"];

/// What became of each delivery, the latest first
#[utoipa::path(get, path = "/inbox/deliveries", params(DeliveriesQuery), responses((status = 200, body = Deliveries), (status = 422, body = Problem)))]
pub(super) async fn deliveries(
    State(app): State<App>,
    query: Result<Query<DeliveriesQuery>, QueryRejection>,
) -> Result<Json<Deliveries>, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let vendor = one_of("vendor", query.vendor.as_deref(), &Vendor::ALL.map(Vendor::as_str))?;
    let state = one_of("state", query.state.as_deref(), &STATES)?;
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    let fates = inbox::fates(&app.store.pool, vendor, state, limit).await?;
    let shown = |f: inbox::Fate| DeliveryView {
        id: f.id,
        vendor: f.vendor,
        received_at: f.received_at,
        state: f.state,
        reason: f.reason,
    };
    Ok(Json(Deliveries { deliveries: fates.into_iter().map(shown).collect() }))
}

fn one_of<'a>(field: &str, word: Option<&'a str>, words: &[&str]) -> Result<Option<&'a str>, Problem> {
    match word {
        Some(word) if !words.contains(&word) => {
            Err(Problem::field(field, format!("expected one of {}", words.join(", "))))
        }
        word => Ok(word),
    }
}
