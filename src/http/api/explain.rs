//! Why a saga is where it is.

use super::orders::unpreviewed;
use super::sagas::find;
use super::view::SagaView;
use crate::engine::explain::{self, Explanation};
use crate::http::{App, Problem};
use axum::Json;
use axum::extract::{Path, State};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// A saga explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ExplanationView {
    saga: SagaView,
    /// The flow's own last event
    last_event: Option<String>,
    /// When (UTC)
    last_event_at: Option<DateTime<Utc>>,
    /// Why it is where it is, in sentences
    because: Vec<String>,
    /// What happens next, in one sentence
    next: String,
    /// Not before (UTC); absent: at once, or never by itself
    next_at: Option<DateTime<Utc>>,
    /// It goes on by itself
    by_itself: bool,
    /// What it holds: claims, and money that is not where it belongs yet
    holds: Vec<String>,
    /// Orders that need nothing but a reason, and would be taken now
    orders: Vec<&'static str>,
}

impl From<Explanation> for ExplanationView {
    fn from(explanation: Explanation) -> Self {
        let (last_event, last_event_at) = explanation.last.unzip();
        Self {
            saga: SagaView::from(explanation.saga),
            last_event,
            last_event_at,
            because: explanation.because,
            next: explanation.next,
            next_at: explanation.at,
            by_itself: explanation.by_itself,
            holds: explanation.holds,
            orders: explanation.orders,
        }
    }
}

/// Explains a saga: why it is where it is, what happens next and when
#[utoipa::path(get, path = "/sagas/{id}/explanation", params(("id" = Uuid, Path)),
    responses((status = 200, body = ExplanationView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn explain(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ExplanationView>, Problem> {
    let saga = find(&app, &id).await?.id;
    let explained = explain::explain(&app.store.pool, app.engine.registry(), saga, app.engine.at()).await;
    Ok(Json(explained.map_err(|e| unpreviewed(&e))?.into()))
}
