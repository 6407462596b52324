//! Hand-overs of subscriptions from one collector to another: looked at beforehand, asked for, agreed to by a second person,
//! stopped, and decided where something is open in between.

use super::sagas::{Answered, find, idempotency_key, offered, refused, settled};
use super::view::SagaView;
use crate::access::{Act, Actor};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::intake::hand_overs::{self, Ask, By, Collector, HandOverError, OpenInvoicesDecision, Planned};
use crate::store::backlog::await_item;
use crate::store::items::{ItemState, NewItem, offer_item};
use crate::store::query::SagaLine;
use crate::store::schema;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use chrono::NaiveDate;
use sagas::hand_over::HandOver;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// What is handed over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOverBody {
    /// Zoho subscription ids, 1 to 500
    subscriptions: Vec<String>,
    from: Collector,
    to: Collector,
    /// The new one collects no term that begins before that day; absent: from the next term on
    #[serde(default)]
    from_period: Option<NaiveDate>,
    /// Which text of the new way the customers agreed to
    #[serde(default)]
    consent: Option<String>,
    /// What proves that nobody collects, where nobody is on record
    #[serde(default)]
    proof: Option<String>,
    /// Braintree plan id, where Braintree shall collect
    #[serde(default)]
    braintree_plan: Option<String>,
    /// What becomes of invoices that turn out to be open in between; absent: it is asked once it matters
    #[serde(default)]
    open_invoices: Option<OpenInvoicesDecision>,
    /// For the record
    reason: String,
}

/// What would be handed over.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandOverPlan {
    /// Every one, in the order of the request
    pub(crate) subscriptions: Vec<Planned>,
    /// Of so many nothing here stands against it
    pub(crate) possible: usize,
}

/// A cohort as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cohort {
    /// By which it is agreed to and stopped
    id: String,
    /// Its hand-overs, the latest started first
    hand_overs: Vec<SagaView>,
}

/// An answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOverAnswer {
    /// For the record
    reason: String,
}

/// What becomes of what is open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOverDecision {
    choice: OpenInvoicesDecision,
    /// For the record
    reason: String,
}

fn read(body: Result<Json<HandOverBody>, JsonRejection>) -> Result<(Ask, String), Problem> {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint(
            "send `{\"subscriptions\": [\"<id at Zoho>\"], \"from\": \"zoho_native\", \"to\": \"orchestrator\", \"reason\": \"…\"}`",
        )
    })?;
    let is_id = |id: &String| (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
    if let Some(bad) = body.subscriptions.iter().find(|id| !is_id(id)) {
        return Err(Problem::field("subscriptions", format!("`{bad}` is no id of Zoho's: expected 1 to 32 digits")));
    }
    if body.reason.trim().is_empty() {
        return Err(Problem::field("reason", "is empty: say why; it goes on record"));
    }
    let ask = Ask {
        subscriptions: body.subscriptions,
        from: body.from,
        to: body.to,
        from_period: body.from_period,
        consent: body.consent,
        proof: body.proof,
        braintree_plan: body.braintree_plan,
        open_invoices: body.open_invoices,
    };
    Ok((ask, body.reason))
}

/// What a hand-over finds in our own tables, subscription by subscription
///
/// What the vendors say is read before anything is switched.
#[utoipa::path(post, path = "/hand-overs/preview", request_body = HandOverBody,
    responses((status = 200, body = HandOverPlan), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn preview(
    State(app): State<App>,
    body: Result<Json<HandOverBody>, JsonRejection>,
) -> Result<Json<HandOverPlan>, Problem> {
    let (ask, _) = read(body)?;
    let subscriptions = hand_overs::plan(&app.store.pool, &ask).await.map_err(|e| unplanned(&e))?;
    let possible = subscriptions.iter().filter(|planned| planned.obstacle.is_none()).count();
    Ok(Json(HandOverPlan { subscriptions, possible }))
}

/// Asks that subscriptions be collected by somebody else
///
/// One hand-over for each subscription, which waits for a second person; the same `Idempotency-Key` is the same cohort. Where
/// something in our own tables stands against one of them nothing is asked for: `/hand-overs/preview` names it.
#[utoipa::path(post, path = "/hand-overs",
    params(("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = HandOverBody,
    responses((status = 200, body = Cohort), (status = 202, body = Cohort), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn ask(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<HandOverBody>, JsonRejection>,
) -> Result<(StatusCode, Json<Cohort>), Problem> {
    let (ask, reason) = read(body)?;
    let key = idempotency_key(&headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated order could not be told from a new one")
            .hint("send an id of your own as `Idempotency-Key`")
    })?;
    let pool = &app.store.pool;
    let cohort = hand_overs::cohort(&key);
    // Asked for before: what it is now counts, not what could be asked anew.
    if hand_overs::of(pool, &cohort).await?.is_empty() {
        let planned = hand_overs::plan(pool, &ask).await.map_err(|e| unplanned(&e))?;
        if let Some((planned, why)) = planned.iter().find_map(|planned| Some((planned, planned.obstacle.as_ref()?))) {
            let what = format!("subscription {}: {why}", planned.zoho_subscription);
            return Err(Problem::new(StatusCode::CONFLICT, "refused", what)
                .hint("POST /api/v1/hand-overs/preview shows each of them; leave out what cannot be handed over"));
        }
    }
    let stamp = schema::stamp_of(pool).await?;
    let stamp = stamp.ok_or_else(|| Problem::not_found("this database belongs to no installation".to_owned()))?;
    let alone = hand_overs::alone(pool).await?;
    let by = By { principal: actor.principal(), reason, key, alone };
    let items = hand_overs::requested(&ask, &stamp, &by).map_err(|e| unplanned(&e))?;
    let status = tell(&app, &items).await?;
    Ok((status, Json(cohort_of(&app, &cohort).await?)))
}

/// A cohort, or one hand-over
#[utoipa::path(get, path = "/hand-overs/{id}", params(("id" = String, Path, description = "Cohort or saga id")),
    responses((status = 200, body = Cohort), (status = 404, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<Cohort>, Problem> {
    Ok(Json(cohort_of(&app, &id).await?))
}

/// A second person agrees to a cohort, or to one hand-over
#[utoipa::path(post, path = "/hand-overs/{id}/approve",
    params(("id" = String, Path, description = "Cohort or saga id")), request_body = HandOverAnswer,
    responses((status = 200, body = Cohort), (status = 202, body = Cohort), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn approve(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<HandOverAnswer>, JsonRejection>,
) -> Result<(StatusCode, Json<Cohort>), Problem> {
    actor.may_approve(Act::ChangeOwner).map_err(|denied| refuse(&app, &denied))?;
    answer(&app, &actor, &id, body, hand_overs::approved).await
}

/// A second person does not agree to a cohort or one hand-over, or somebody stops it
///
/// Until the old collector is switched off all is undone; after that it is refused, and goes on to its end.
#[utoipa::path(post, path = "/hand-overs/{id}/stop",
    params(("id" = String, Path, description = "Cohort or saga id")), request_body = HandOverAnswer,
    responses((status = 200, body = Cohort), (status = 202, body = Cohort), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn stop(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<HandOverAnswer>, JsonRejection>,
) -> Result<(StatusCode, Json<Cohort>), Problem> {
    answer(&app, &actor, &id, body, hand_overs::stopped).await
}

async fn answer(
    app: &App,
    actor: &Actor,
    id: &str,
    body: Result<Json<HandOverAnswer>, JsonRejection>,
    order: impl Fn(SagaId, &str, &str) -> NewItem,
) -> Result<(StatusCode, Json<Cohort>), Problem> {
    let reason = said(body.map(|Json(body)| body.reason))?;
    let running: Vec<_> = lines(app, id).await?.into_iter().filter(|line| line.ended.is_none()).collect();
    if running.is_empty() {
        return Err(Problem::new(StatusCode::CONFLICT, "refused", format!("every hand-over of {id} has ended")));
    }
    let items: Vec<_> = running.iter().map(|line| order(line.id, &actor.principal(), &reason)).collect();
    let status = tell(app, &items).await?;
    Ok((status, Json(cohort_of(app, id).await?)))
}

/// Decides what becomes of the invoices that are open between the old collector and the new one
#[utoipa::path(post, path = "/hand-overs/{id}/decide", params(("id" = Uuid, Path, description = "Saga id")),
    request_body = HandOverDecision,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn decide(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<HandOverDecision>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"choice\": \"leave\", \"reason\": \"why\"}`")
    })?;
    let reason = said(Ok(body.reason))?;
    let saga = hand_over(&app, &id).await?;
    let item = hand_overs::decided(saga.id, body.choice, &actor.principal(), &reason);
    one(&app, &item).await
}

/// Lets us collect, because the wanted collector cannot be switched on
#[utoipa::path(post, path = "/hand-overs/{id}/redirect", params(("id" = Uuid, Path, description = "Saga id")),
    request_body = HandOverAnswer,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn redirect(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<HandOverAnswer>, JsonRejection>,
) -> Answered {
    let reason = said(body.map(|Json(body)| body.reason))?;
    let saga = hand_over(&app, &id).await?;
    one(&app, &hand_overs::redirected(saga.id, &actor.principal(), &reason)).await
}

fn said(reason: Result<String, JsonRejection>) -> Result<String, Problem> {
    let reason = reason.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"reason\": \"why\"}`"))?;
    if reason.trim().is_empty() {
        return Err(Problem::field("reason", "is empty: say why; it goes on record"));
    }
    Ok(reason)
}

async fn one(app: &App, item: &NewItem) -> Answered {
    let offer = offer_item(&app.store.pool, app.store.node.shard_count(), item, &[]).await;
    settled(app, item.saga, offer.map_err(|e| offered(&e))?).await
}

async fn hand_over(app: &App, id: &str) -> Result<SagaLine, Problem> {
    let saga = find(app, id).await?;
    if saga.kind == HandOver::NAME {
        return Ok(saga);
    }
    Err(refused(&format!("saga {} is a {} and no {}", saga.id, saga.kind, HandOver::NAME), saga.id))
}

/// Stores the orders and waits until their sagas have looked at them. Where none was heard the first refusal is the answer.
async fn tell(app: &App, items: &[NewItem]) -> Result<StatusCode, Problem> {
    let pool = &app.store.pool;
    let mut stored = Vec::new();
    for item in items {
        let offer = offer_item(pool, app.store.node.shard_count(), item, &[]).await.map_err(|e| offered(&e))?;
        stored.push((item.saga, offer));
    }
    app.engine.wake();
    let until = tokio::time::Instant::now() + Duration::from_secs(10);
    let (mut status, mut heard, mut refusal) = (StatusCode::OK, false, None);
    for (saga, item) in stored {
        let item = await_item(pool, item, until.saturating_duration_since(tokio::time::Instant::now())).await?;
        match item.state {
            ItemState::Applied => heard = true,
            ItemState::Refused | ItemState::Dead => {
                refusal.get_or_insert_with(|| refused(&item.reason.unwrap_or_default(), saga));
            }
            ItemState::Ready | ItemState::Waiting => {
                heard = true;
                status = StatusCode::ACCEPTED;
            }
        }
    }
    match refusal {
        Some(refusal) if !heard => Err(refusal),
        _ => Ok(status),
    }
}

async fn lines(app: &App, id: &str) -> Result<Vec<SagaLine>, Problem> {
    let lines = hand_overs::of(&app.store.pool, id).await?;
    if lines.is_empty() {
        return Err(Problem::not_found(format!("there is no cohort and no hand-over {id}"))
            .hint("GET /api/v1/sagas?kind=hand_over lists the hand-overs"));
    }
    Ok(lines)
}

async fn cohort_of(app: &App, id: &str) -> Result<Cohort, Problem> {
    let hand_overs = lines(app, id).await?.into_iter().map(SagaView::from).collect();
    Ok(Cohort { id: id.to_owned(), hand_overs })
}

fn unplanned(error: &HandOverError) -> Problem {
    match error {
        HandOverError::Refused(_) => Problem::new(StatusCode::CONFLICT, "refused", error.to_string()),
        HandOverError::Store(e) => Problem::store(e),
    }
}
