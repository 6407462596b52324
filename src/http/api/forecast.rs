//! What the vendors' budgets leave, and when the backlog at each ends.

use crate::engine::forecast::{Backlog, VendorForecast};
use crate::http::{App, Problem};
use crate::store::breakers::OpenBreaker;
use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// Calls used and allowed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpanView {
    /// Leased to the nodes; what a node had not spent is given back soon after
    used: u32,
    /// Our part of what the vendor allows
    allowed: u32,
}

/// An open circuit breaker.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakerView {
    /// `reads` or `writes`
    class: String,
    /// Since when (UTC)
    since: DateTime<Utc>,
    /// When the next call finds out whether the vendor is back (UTC)
    probe_at: DateTime<Utc>,
    /// Calls that found out that it is not
    probes: u32,
    /// What was seen
    reason: String,
}

/// Those who wait with one priority.
#[derive(Debug, Serialize, ToSchema)]
pub struct BacklogView {
    /// `recording`, `customer`, `webhook`, `batch` or `background`: the first goes first
    priority: &'static str,
    /// How many sagas
    sagas: u64,
    /// Calls that they will make at most
    calls: u64,
    /// When the last of them is made, where nothing else comes in between (UTC)
    ends_at: DateTime<Utc>,
}

/// One vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct VendorView {
    vendor: String,
    /// Of a minute; absent: the vendor counts none
    minute: Option<SpanView>,
    /// Of this day (UTC); absent: the vendor counts none
    day: Option<SpanView>,
    /// Calls kept for records of what is being done
    held: u32,
    /// When the day is over (UTC)
    day_ends_at: DateTime<Utc>,
    /// The vendor said that it takes no call before then (UTC)
    closed_until: Option<DateTime<Utc>>,
    breakers: Vec<BreakerView>,
    backlog: Vec<BacklogView>,
}

/// Every vendor that was called.
#[derive(Debug, Serialize, ToSchema)]
pub struct ForecastView {
    vendors: Vec<VendorView>,
}

impl From<VendorForecast> for VendorView {
    fn from(of: VendorForecast) -> Self {
        let span = |(used, allowed)| SpanView { used, allowed };
        Self {
            vendor: of.vendor,
            minute: of.minute.map(span),
            day: of.day.map(span),
            held: of.held,
            day_ends_at: of.day_ends_at,
            closed_until: of.closed_until,
            breakers: of.breakers.into_iter().map(BreakerView::from).collect(),
            backlog: of.backlog.iter().map(BacklogView::from).collect(),
        }
    }
}

impl From<OpenBreaker> for BreakerView {
    fn from(open: OpenBreaker) -> Self {
        let OpenBreaker { vendor: _, class, since, probe_at, probes, reason } = open;
        Self { class, since, probe_at, probes, reason }
    }
}

impl From<&Backlog> for BacklogView {
    fn from(of: &Backlog) -> Self {
        Self { priority: of.priority.word(), sagas: of.sagas, calls: of.calls, ends_at: of.ends_at }
    }
}

impl From<Vec<VendorForecast>> for ForecastView {
    fn from(of: Vec<VendorForecast>) -> Self {
        Self { vendors: of.into_iter().map(VendorView::from).collect() }
    }
}

/// What the vendors' budgets leave, and when the backlog at each ends
#[utoipa::path(get, path = "/forecast", responses((status = 200, body = ForecastView)))]
pub(super) async fn show(State(app): State<App>) -> Result<Json<ForecastView>, Problem> {
    Ok(Json(app.engine.forecast().await?.into()))
}
