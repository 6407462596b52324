//! What came in, counted.

use crate::http::{App, Problem};
use crate::intake::Vendor;
use crate::store::inbox::Counts;
use axum::Json;
use axum::extract::State;
use std::collections::BTreeMap;

/// Deliveries per vendor: received, processed, duplicate, dead, rejected
#[utoipa::path(get, path = "/inbox/summary", responses((status = 200, body = BTreeMap<String, Counts>)))]
pub(super) async fn summary(State(app): State<App>) -> Result<Json<BTreeMap<&'static str, Counts>>, Problem> {
    let mut counts = app.store.inbox.summary().await?;
    Ok(Json(Vendor::ALL.map(|v| (v.as_str(), counts.remove(v.as_str()).unwrap_or_default())).into()))
}
