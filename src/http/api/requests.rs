//! Requests for a second person: listed, approved, rejected.

use super::sagas::{Answered, settled};
use crate::access::{Act, Actor, same_person};
use crate::engine::orders;
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::store::approvals::{self, AnswerError, Request};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which requests to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Answered and expired ones too
    #[serde(default)]
    all: bool,
}

/// A request for a second person.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestView {
    id: Uuid,
    saga: Uuid,
    /// The flow's name
    kind: String,
    /// The verb with what belongs to it
    verb: Value,
    /// Why
    reason: String,
    asked_by: String,
    asked_at: DateTime<Utc>,
    /// How many events the saga had: another number, and the request is void
    sequence: u64,
    /// `open`, `approved`, `rejected`, `expired`
    state: String,
    decided_by: Option<String>,
    /// What the second person said
    answer: Option<String>,
}

impl From<Request> for RequestView {
    fn from(request: Request) -> Self {
        Self {
            id: request.id,
            saga: request.asked.saga.0,
            kind: request.asked.saga_kind,
            verb: serde_json::from_str(&request.asked.verb).unwrap_or(Value::Null),
            reason: request.asked.reason,
            asked_by: request.asked.asked_by,
            asked_at: request.asked_at,
            sequence: request.asked.sequence,
            state: request.state,
            decided_by: request.decided_by,
            answer: request.answer,
        }
    }
}

/// Requests for a second person, the youngest first
#[utoipa::path(get, path = "/requests", params(ListQuery), responses((status = 200, body = [RequestView]), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Vec<RequestView>>, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let requests = approvals::list(&app.store.pool, !query.all, 500).await?;
    Ok(Json(requests.into_iter().map(RequestView::from).collect()))
}

/// A second person's answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody {
    /// For the record; needed to reject
    #[serde(default)]
    reason: Option<String>,
}

/// Approves a request: its order is carried out
#[utoipa::path(post, path = "/requests/{id}/approve", params(("id" = Uuid, Path)), request_body = AnswerBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn approve(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<AnswerBody>, JsonRejection>,
) -> Answered {
    actor.may_approve(Act::Repair).map_err(|denied| refuse(&app, &denied))?;
    let (id, body) = (request_id(&id)?, read(body)?);
    let by = actor.principal();
    let (pool, shards) = (&app.store.pool, app.store.node.shard_count());
    let approved = orders::approve(pool, shards, id, &by, body.reason.as_deref()).await;
    let (asked, item) = approved.map_err(|e| unanswered(&e))?;
    settled(&app, asked.saga, item).await
}

/// Rejects a request: nothing follows from it
///
/// Whoever asked may take it back so.
#[utoipa::path(post, path = "/requests/{id}/reject", params(("id" = Uuid, Path)), request_body = AnswerBody,
    responses((status = 200, body = RequestView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn reject(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<AnswerBody>, JsonRejection>,
) -> Result<Json<RequestView>, Problem> {
    let (id, body) = (request_id(&id)?, read(body)?);
    let reason = body.reason.filter(|reason| !reason.trim().is_empty());
    let reason = reason.ok_or_else(|| Problem::field("reason", "is empty: say why; it goes on record"))?;
    let (pool, by) = (&app.store.pool, actor.principal());
    let asked = approvals::find(pool, id).await?.ok_or_else(|| unanswered(&AnswerError::Unknown(id)))?.asked;
    if !same_person(&asked.asked_by, &by) {
        actor.may_approve(Act::Repair).map_err(|denied| refuse(&app, &denied))?;
    }
    approvals::reject(pool, id, &by, &reason).await.map_err(|e| unanswered(&e))?;
    let request = approvals::find(pool, id).await?.ok_or_else(|| unanswered(&AnswerError::Unknown(id)))?;
    Ok(Json(request.into()))
}

fn read(body: Result<Json<AnswerBody>, JsonRejection>) -> Result<AnswerBody, Problem> {
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"reason\": \"why\"}`"))?;
    Ok(body)
}

/// The id of a request or a job.
pub(super) fn request_id(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text)
        .map_err(|_| Problem::field("id", format!("`{text}` is no id: expected a UUID as the list shows it")))
}

fn unanswered(error: &AnswerError) -> Problem {
    let hint = "GET /api/v1/requests?all=true shows what became of each";
    match error {
        AnswerError::Unknown(_) => Problem::not_found(error.to_string()).hint(hint),
        AnswerError::Closed { .. } => Problem::new(StatusCode::CONFLICT, "closed", error.to_string()).hint(hint),
        AnswerError::SamePerson { .. } => Problem::new(StatusCode::CONFLICT, "same_person", error.to_string()),
        AnswerError::Store(e) => Problem::store(e),
    }
}
