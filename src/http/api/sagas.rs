//! Sagas: list, show, resume.

use super::view::{self, EventView, SagaView};
use crate::engine::items::Body;
use crate::http::{App, Problem};
use crate::store::backlog::await_item;
use crate::store::inbox::OfferError;
use crate::store::items::{self, ItemState, NewItem};
use crate::store::query::{self, SagaFilter};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use sagas::kernel::ids::SagaId;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which sagas to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// `running`, `waiting`, `waiting_vendor`, `resolving`, `unwinding`, `needs_person`, `ended`
    status: Option<String>,
    /// The flow's name, e.g. `invoice_payment`
    kind: Option<String>,
    /// Our customer id
    customer: Option<String>,
    /// Any id at a vendor: invoice, transaction, payment, order id …
    reference: Option<String>,
    /// Only those parked with this code, e.g. `OUTCOME_UNKNOWN`
    parked_code: Option<String>,
    /// At most so many, up to 500
    limit: Option<u16>,
    /// `next` of the page before
    cursor: Option<String>,
}

/// A page of sagas.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SagaPage {
    sagas: Vec<SagaView>,
    /// The next page's cursor; absent: there is none
    next: Option<String>,
}

/// Sagas, the latest changed first
#[utoipa::path(get, path = "/sagas", params(ListQuery), responses((status = 200, body = SagaPage), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<SagaPage>, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    let after = query.cursor.as_deref().map(view::read_saga_cursor).transpose();
    let after = after.map_err(|e| Problem::field("cursor", e))?;
    let filter = SagaFilter {
        status: query.status.as_deref().map(view::status).transpose().map_err(|e| Problem::field("status", e))?,
        kind: query.kind,
        customer: query.customer,
        reference: query.reference,
        parked_code: query.parked_code,
    };
    let sagas = query::sagas(&app.store.pool, &filter, after, limit).await?;
    let full = sagas.len() == usize::from(limit);
    let next = sagas.last().filter(|_| full).map(view::saga_cursor);
    Ok(Json(SagaPage { sagas: sagas.into_iter().map(SagaView::from).collect(), next }))
}

/// One saga with its whole history.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Shown {
    #[serde(flatten)]
    saga: SagaView,
    /// Every event, oldest first
    timeline: Vec<EventView>,
}

/// One saga with its timeline
#[utoipa::path(get, path = "/sagas/{id}", params(("id" = Uuid, Path)), responses((status = 200, body = Shown), (status = 404, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Shown>, Problem> {
    let id = saga_id(&id)?;
    let (line, events) = query::saga(&app.store.pool, id).await?.ok_or_else(|| no_such_saga(id))?;
    Ok(Json(Shown { saga: line.into(), timeline: events.into_iter().map(EventView::from).collect() }))
}

/// Why a saga is resumed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResumeBody {
    /// For the record
    reason: String,
    /// Who resumes it, for the record
    #[serde(default)]
    principal: Option<String>,
}

/// What came of a resume.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Resumed {
    /// `applied`, or `accepted` where no node applied it in time: it will be
    state: &'static str,
    /// The saga as it is now
    saga: SagaView,
}

/// Resumes a parked saga
///
/// A call whose outcome is unknown is looked up first; nothing that moves money is sent again blindly. The same
/// `Idempotency-Key` has one effect.
#[utoipa::path(post, path = "/sagas/{id}/resume", params(("id" = Uuid, Path)), request_body = ResumeBody,
    responses((status = 200, body = Resumed), (status = 202, body = Resumed), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn resume(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<ResumeBody>, axum::extract::rejection::JsonRejection>,
) -> Result<(StatusCode, Json<Resumed>), Problem> {
    let id = saga_id(&id)?;
    let Json(body) =
        body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"reason\": \"why it may go on\"}`"))?;
    if body.reason.trim().is_empty() {
        return Err(Problem::field("reason", "say why the saga may go on; it goes on record"));
    }
    let (saga, _) = query::saga(&app.store.pool, id).await?.ok_or_else(|| no_such_saga(id))?;
    let key = headers.get("idempotency-key").and_then(|v| v.to_str().ok());
    let resume = NewItem {
        saga: id,
        saga_kind: saga.kind,
        kind: "operator.resume".to_owned(),
        principal: format!("operator:{}", body.principal.as_deref().unwrap_or("api")),
        body: Body::Resume { reason: body.reason }.text(),
        waiting_key: None,
        idempotency_key: key.map(|k| format!("resume:{id}:{k}")),
    };
    let (pool, shards) = (&app.store.pool, app.store.node.shard_count());
    let item = items::offer_item(pool, shards, &resume, &[]).await.map_err(|e| match e {
        OfferError::Store(e) => Problem::store(&e),
        OfferError::KeyReused => Problem::new(StatusCode::CONFLICT, "idempotency_key_reused", e.to_string()),
    })?;
    app.engine.wake();
    let item = await_item(pool, item, Duration::from_secs(10)).await?;
    let (saga, _) = query::saga(pool, id).await?.ok_or_else(|| no_such_saga(id))?;
    let saga = SagaView::from(saga);
    match item.state {
        ItemState::Applied => Ok((StatusCode::OK, Json(Resumed { state: "applied", saga }))),
        ItemState::Refused | ItemState::Dead => {
            Err(Problem::new(StatusCode::CONFLICT, "refused", item.reason.unwrap_or_default())
                .hint(format!("GET /api/v1/sagas/{id} shows its state")))
        }
        ItemState::Ready | ItemState::Waiting => Ok((StatusCode::ACCEPTED, Json(Resumed { state: "accepted", saga }))),
    }
}

fn saga_id(text: &str) -> Result<SagaId, Problem> {
    Uuid::parse_str(text).map(SagaId).map_err(|_| {
        Problem::field("id", format!("`{text}` is no saga id: expected a UUID as `GET /api/v1/sagas` shows it"))
    })
}

fn no_such_saga(id: SagaId) -> Problem {
    Problem::not_found(format!("there is no saga {id}")).hint("GET /api/v1/sagas?reference=<id at a vendor> finds one")
}
