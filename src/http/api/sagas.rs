//! Sagas: list, show, resume, decide.

use super::orders;
use super::view::{self, EventView, SagaView};
use crate::access::Actor;
use crate::http::{App, Problem};
use crate::intake::operator::{self, Decision, Order};
use crate::store::backlog::await_item;
use crate::store::inbox::OfferError;
use crate::store::items::{ItemState, NewItem};
use crate::store::query::{self, SagaFilter, SagaLine};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::{Extension, Json};
use sagas::kernel::ids::SagaId;
use sagas::kernel::verb::Verb;
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

/// Sagas, the latest started first
#[utoipa::path(get, path = "/sagas", params(ListQuery), responses((status = 200, body = SagaPage), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<SagaPage>, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let limit = query.limit.unwrap_or(100).clamp(1, 500);
    let after = query.cursor.as_deref().map(view::read_saga_cursor).transpose();
    let after = after.map_err(|e| Problem::field("cursor", e))?;
    let filter = SagaFilter {
        status: query.status.as_deref().map(view::status).transpose().map_err(|e| Problem::field("status", e))?,
        kind: view::word("kind", query.kind)?,
        customer: view::word("customer", query.customer)?,
        reference: view::word("reference", query.reference)?,
        parked_code: view::word("parked_code", query.parked_code)?,
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
}

/// What a person decides about a held invoice.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideBody {
    choice: Decision,
    /// For the record
    reason: String,
}

/// What came of an operator's order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Ordered {
    /// `applied`; `accepted` where no node applied it in time: it will be; `requested` where it waits for a second person
    state: &'static str,
    /// The saga as it is now
    saga: SagaView,
    /// The request that a second person answers
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Uuid>,
}

pub(super) type Answered = Result<(StatusCode, Json<Ordered>), Problem>;

/// Resumes a parked saga
///
/// A call whose outcome is unknown is looked up first; nothing that moves money is sent again blindly. The same
/// `Idempotency-Key` has one effect.
#[utoipa::path(post, path = "/sagas/{id}/resume",
    params(("id" = Uuid, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = ResumeBody,
    responses((status = 200, body = Ordered), (status = 202, body = Ordered), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn resume(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<ResumeBody>, JsonRejection>,
) -> Answered {
    let Json(body) =
        body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"reason\": \"why it may go on\"}`"))?;
    let Order { by, reason, key } = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    orders::given(&app, &saga, orders::new(Verb::Resume, by, reason, None, key)).await
}

/// Decides what happens with a held invoice
///
/// Only for an invoice payment that is parked because a person must decide. The same `Idempotency-Key` has one effect.
#[utoipa::path(post, path = "/sagas/{id}/decide",
    params(("id" = Uuid, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = DecideBody,
    responses((status = 200, body = Ordered), (status = 202, body = Ordered), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn decide(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<DecideBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"choice\": \"charge_again\", \"reason\": \"why\"}`")
    })?;
    let order = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    let item = operator::decide(&saga, body.choice, order).map_err(|why| refused(&why, saga.id))?;
    carry_out(&app, &item).await
}

/// Who orders it and why, checked.
pub(super) fn order(headers: &HeaderMap, reason: String, actor: &Actor) -> Result<Order, Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::field("reason", "is empty: say why; it goes on record"));
    }
    let key = idempotency_key(headers)?;
    Ok(Order { by: actor.principal(), reason, key })
}

/// The key under which an order has one effect, where there is one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let read = |value: &HeaderValue| {
        value.to_str().ok().filter(|key| (1..=200).contains(&key.len())).map(str::to_owned).ok_or_else(|| {
            Problem::field("idempotency-key", "expected 1 to 200 visible ASCII characters, new for each order")
        })
    };
    headers.get("idempotency-key").map(read).transpose()
}

pub(super) async fn find(app: &App, id: &str) -> Result<SagaLine, Problem> {
    let id = saga_id(id)?;
    Ok(query::saga(&app.store.pool, id).await?.ok_or_else(|| no_such_saga(id))?.0)
}

/// Stores the order and waits until its saga has looked at it.
async fn carry_out(app: &App, order: &NewItem) -> Answered {
    let item = app.store.offer(order).await;
    settled(app, order.saga, item.map_err(|e| offered(&e))?).await
}

/// An order that the inbox did not take.
pub(super) fn offered(error: &OfferError) -> Problem {
    match error {
        OfferError::Store(e) => Problem::store(e),
        OfferError::KeyReused => Problem::new(StatusCode::CONFLICT, "idempotency_key_reused", error.to_string()),
    }
}

/// Waits until the saga has looked at an order.
pub(super) async fn settled(app: &App, saga: SagaId, item: Uuid) -> Answered {
    let pool = &app.store.pool;
    app.engine.wake();
    let item = await_item(pool, item, Duration::from_secs(10)).await?;
    let (line, _) = query::saga(pool, saga).await?.ok_or_else(|| no_such_saga(saga))?;
    let answer = |state| Json(Ordered { state, saga: SagaView::from(line), request: None });
    match item.state {
        ItemState::Applied => Ok((StatusCode::OK, answer("applied"))),
        ItemState::Refused | ItemState::Dead => Err(refused(&item.reason.unwrap_or_default(), saga)),
        ItemState::Ready | ItemState::Waiting => Ok((StatusCode::ACCEPTED, answer("accepted"))),
    }
}

/// The order waits for a second person.
pub(super) fn requested(saga: SagaLine, request: Uuid) -> (StatusCode, Json<Ordered>) {
    let ordered = Ordered { state: "requested", saga: SagaView::from(saga), request: Some(request) };
    (StatusCode::ACCEPTED, Json(ordered))
}

pub(super) fn refused(why: &str, id: SagaId) -> Problem {
    Problem::new(StatusCode::CONFLICT, "refused", why).hint(format!("GET /api/v1/sagas/{id} shows its state"))
}

fn saga_id(text: &str) -> Result<SagaId, Problem> {
    Uuid::parse_str(text).map(SagaId).map_err(|_| {
        Problem::field("id", format!("`{text}` is no saga id: expected a UUID as `GET /api/v1/sagas` shows it"))
    })
}

fn no_such_saga(id: SagaId) -> Problem {
    Problem::not_found(format!("there is no saga {id}")).hint("GET /api/v1/sagas?reference=<id at a vendor> finds one")
}
