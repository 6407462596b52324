//! Disputes of card payments: looked at, replied to, and closed by people. Nothing is handed in or given up without one.

use super::sagas::{Answered, find, offered, order, refused, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use crate::intake::disputes::{self, DisputeError, DisputeView, Document, Evidence, Subscription, Words};
use crate::store::items::{NewItem, offer_item};
use crate::store::secrets::Sealed;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use sagas::kernel::ids::SagaId;
use serde::Deserialize;
use utoipa::ToSchema;

/// What is handed in. Sealed, erased once Braintree has it, and after three hours in any case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubmitBody {
    #[serde(default)]
    texts: Vec<Words>,
    /// One to two megabytes in all
    #[serde(default)]
    documents: Vec<Document>,
    /// What our own books say is left out
    #[serde(default)]
    without_pack: bool,
    /// For the record
    reason: String,
}

/// A word of a person.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptBody {
    /// For the record
    reason: String,
}

/// What a person says who has seen how it ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CloseBody {
    /// Of the subscription whose payment was lost; absent: the payment was for none
    #[serde(default)]
    subscription: Option<Subscription>,
    /// For the record
    reason: String,
}

/// A dispute, and what our own books say for us
#[utoipa::path(get, path = "/disputes/{id}", params(("id" = Uuid, Path)),
    responses((status = 200, body = DisputeView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<DisputeView>, Problem> {
    let saga = find(&app, &id).await?;
    let view = disputes::view(&app.store.pool, app.store.node.shard_count(), &saga).await;
    Ok(Json(view.map_err(|e| refusal(&e, saga.id))?))
}

/// Hands the evidence in
///
/// It cannot be taken back, and nothing can be added afterwards. What our own books say goes first, unless it is left out.
#[utoipa::path(post, path = "/disputes/{id}/submit",
    params(("id" = Uuid, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = SubmitBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn submit(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<SubmitBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"texts\": [{\"text\": \"…\"}], \"reason\": \"why\"}`")
    })?;
    let by = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    let evidence = Evidence { texts: body.texts, documents: body.documents, with_pack: !body.without_pack };
    let (pool, shards) = (&app.store.pool, app.store.node.shard_count());
    let submitted = disputes::submitted(pool, shards, &saga, &app.secrets, evidence, by).await;
    let (item, sealed) = submitted.map_err(|e| refusal(&e, saga.id))?;
    carry_out(&app, saga.id, &item, &sealed).await
}

/// Gives a dispute up
///
/// It cannot be taken back: what the bank holds is lost.
#[utoipa::path(post, path = "/disputes/{id}/accept",
    params(("id" = Uuid, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = AcceptBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn accept(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<AcceptBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"reason\": \"why\"}`"))?;
    let by = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    let item = disputes::accepted(&saga, &by).map_err(|why| refused(&why, saga.id))?;
    carry_out(&app, saga.id, &item, &[]).await
}

/// Says that the end of a dispute was seen, and what becomes of the subscription whose payment was lost
#[utoipa::path(post, path = "/disputes/{id}/close",
    params(("id" = Uuid, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = CloseBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn close(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<CloseBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"subscription\": \"keep\", \"reason\": \"why\"}`")
    })?;
    let by = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    let item = disputes::closed(&saga, body.subscription, &by).map_err(|why| refused(&why, saga.id))?;
    carry_out(&app, saga.id, &item, &[]).await
}

async fn carry_out(app: &App, saga: SagaId, item: &NewItem, sealed: &[Sealed]) -> Answered {
    let item = offer_item(&app.store.pool, app.store.node.shard_count(), item, sealed).await;
    settled(app, saga, item.map_err(|e| offered(&e))?).await
}

fn refusal(error: &DisputeError, saga: SagaId) -> Problem {
    match error {
        DisputeError::Refused(why) => refused(why, saga),
        DisputeError::Evidence(why) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", format!("`texts`: {why}"))
        }
        DisputeError::Store(e) => Problem::store(e),
    }
}
