//! One order over many sagas: a durable job that the service carries out.

use super::orders;
use super::requests::request_id;
use super::sagas::order as checked;
use super::view;
use crate::access::{Act, Actor};
use crate::engine::orders as engine;
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::intake::operator::Order as By;
use crate::store::bulk::{self, Job};
use crate::store::query::SagaFilter;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use sagas::kernel::verb::Verb;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

/// The verbs that may be ordered of many.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Many {
    Resume,
    Retry,
}

/// An order over many sagas.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BulkBody {
    verb: Many,
    /// For the record
    reason: String,
    /// These alone; absent: all that fit
    #[serde(default)]
    sagas: Option<Vec<Uuid>>,
    /// A status of the list of sagas
    #[serde(default)]
    status: Option<String>,
    /// The flow's name
    #[serde(default)]
    kind: Option<String>,
    /// Only those parked with this code
    #[serde(default)]
    parked_code: Option<String>,
    /// How many are told a second, 1 to 100
    #[serde(default = "ten")]
    per_second: u16,
}

const fn ten() -> u16 {
    10
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    id: Uuid,
    verb: Value,
    reason: String,
    asked_by: String,
    approver: Option<String>,
    asked_at: DateTime<Utc>,
    per_second: u16,
    /// `asked` (waits for a second person), `running`, `done`, `cancelled`
    pub state: String,
    /// How many sagas have each outcome: `waiting`, `sent`, `applied`, `refused`, `left_out`, `cancelled`
    pub counts: BTreeMap<String, u64>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id,
            verb: serde_json::from_str(&job.verb).unwrap_or(Value::Null),
            reason: job.reason,
            asked_by: job.asked_by,
            approver: job.approver,
            asked_at: job.asked_at,
            per_second: job.per_second,
            state: job.state,
            counts: job.counts.into_iter().collect(),
        }
    }
}

/// One saga of a job.
#[derive(Debug, Serialize, ToSchema)]
struct ItemView {
    saga: Uuid,
    /// The flow's name
    kind: String,
    /// `waiting`, `sent`, `applied`, `refused`, `left_out`, `cancelled`
    outcome: String,
    /// Why it was refused or left out
    reason: Option<String>,
}

/// A job with its sagas.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownJob {
    #[serde(flatten)]
    job: JobView,
    items: Vec<ItemView>,
}

/// Jobs over many sagas, the youngest first
#[utoipa::path(get, path = "/bulk", responses((status = 200, body = [JobView])))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<JobView>>, Problem> {
    let jobs = bulk::list(&app.store.pool, 100).await?;
    Ok(Json(jobs.into_iter().map(JobView::from).collect()))
}

/// Starts a job over the sagas that fit now; those with an unknown outcome are left out
#[utoipa::path(post, path = "/bulk", request_body = BulkBody,
    responses((status = 202, body = JobView), (status = 422, body = Problem)))]
pub(super) async fn start(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<BulkBody>, JsonRejection>,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let hint = "send `{\"verb\": \"retry\", \"status\": \"waiting_vendor\", \"reason\": \"why\"}`";
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint(hint))?;
    let By { by, reason, .. } = checked(&headers, body.reason, &actor)?;
    if !(1..=100).contains(&body.per_second) {
        return Err(Problem::field("per_second", "expected 1 to 100"));
    }
    let filter = SagaFilter {
        status: body.status.as_deref().map(view::status).transpose().map_err(|e| Problem::field("status", e))?,
        kind: view::word("kind", body.kind)?,
        parked_code: view::word("parked_code", body.parked_code)?,
        ..SagaFilter::default()
    };
    if body.sagas.is_none() && filter == SagaFilter::default() {
        return Err(Problem::field("status", "name sagas, a status, a kind or a park code: never all at once"));
    }
    let verb = match body.verb {
        Many::Resume => Verb::Resume,
        Many::Retry => Verb::Retry,
    };
    let order = orders::new(verb, by, reason, None, None).order;
    let made = engine::bulk(&app.store.pool, &order, &filter, body.sagas.as_deref(), body.per_second).await;
    let id = made.map_err(|e| orders::not_given(&e, None))?;
    Ok((StatusCode::ACCEPTED, Json(find(&app, id).await?)))
}

/// One job with what became of each saga
#[utoipa::path(get, path = "/bulk/{id}", params(("id" = Uuid, Path)), responses((status = 200, body = ShownJob), (status = 404, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<ShownJob>, Problem> {
    let id = request_id(&id)?;
    let job = find(&app, id).await?;
    let items = bulk::items_of(&app.store.pool, id).await?.into_iter().map(|item| ItemView {
        saga: item.saga.0,
        kind: item.saga_kind,
        outcome: item.outcome,
        reason: item.reason,
    });
    Ok(Json(ShownJob { job, items: items.collect() }))
}

/// A second person lets a job begin
#[utoipa::path(post, path = "/bulk/{id}/approve", params(("id" = Uuid, Path)),
    responses((status = 200, body = JobView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn approve(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    actor.may_approve(Act::Bulk).map_err(|denied| refuse(&app, &denied))?;
    let (id, who) = (request_id(&id)?, actor.principal());
    let job = find(&app, id).await?;
    if bulk::approve(&app.store.pool, id, &who).await? {
        return Ok(Json(find(&app, id).await?));
    }
    let why = if job.state == "asked" {
        format!("{who} asked for job {id}, or it is older than a day: another person must look, or it is asked anew")
    } else {
        format!("job {id} is {}: nothing follows from an approval", job.state)
    };
    Err(Problem::new(StatusCode::CONFLICT, "refused", why))
}

/// What was not sent yet never will be
#[utoipa::path(post, path = "/bulk/{id}/cancel", params(("id" = Uuid, Path)),
    responses((status = 200, body = JobView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<JobView>, Problem> {
    let id = request_id(&id)?;
    find(&app, id).await?;
    if bulk::cancel(&app.store.pool, id, &actor.principal()).await? {
        return Ok(Json(find(&app, id).await?));
    }
    Err(Problem::new(StatusCode::CONFLICT, "refused", format!("job {id} has nothing left to cancel")))
}

async fn find(app: &App, id: Uuid) -> Result<JobView, Problem> {
    let job = bulk::find(&app.store.pool, id).await?;
    Ok(job.ok_or_else(|| Problem::not_found(format!("there is no job {id}")))?.into())
}
