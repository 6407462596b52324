//! Money given back: asked for, looked at beforehand, agreed to by a second person, and decided where the bank refuses.

use super::sagas::{Answered, find, idempotency_key, offered, order, refused, settled};
use crate::access::{Act, Actor};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::intake::refunds::{self, Ask, By, Choice, From, Plan, RefundError, Sum};
use crate::store::items::{item_of_key, offer_item};
use crate::store::schema;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use sagas::kernel::ids::Installation;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is given back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundBody {
    /// Braintree transaction id of the payment
    transaction: String,
    /// Minor units of the payment's currency; absent: all that is left
    #[serde(default)]
    amount_minor: Option<i64>,
    source: From,
    /// A word for reports, e.g. `duplicate`, `goodwill`, `requested_by_customer`
    why: String,
    /// In a sentence, for the record
    reason: String,
}

/// What would be given back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlanView {
    amount_minor: i64,
    currency: String,
    /// Zoho invoice id
    invoice: String,
    invoice_number: String,
    captured_minor: i64,
    /// Applied to the invoice and not forgiven
    applied_minor: i64,
    /// Applied to nothing
    unapplied_minor: i64,
    /// What Braintree would be asked; the payment's status when it is sent decides
    means: &'static str,
    /// Another person has to agree
    second_person: bool,
}

impl core::convert::From<&Plan> for PlanView {
    fn from(plan: &Plan) -> Self {
        Self {
            amount_minor: plan.amount.minor,
            currency: plan.amount.currency.code().to_owned(),
            invoice: plan.standing.invoice.clone(),
            invoice_number: plan.standing.number.clone(),
            captured_minor: plan.standing.captured.minor,
            applied_minor: plan.standing.applied.minor,
            unapplied_minor: plan.standing.unapplied.minor,
            means: plan.means(),
            second_person: plan.second_person,
        }
    }
}

/// A second person's answer.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgreeBody {
    /// For the record
    reason: String,
}

/// What becomes of a refund that the bank did not make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundDecision {
    choice: Choice,
    /// For the record
    reason: String,
}

fn read(body: Result<Json<RefundBody>, JsonRejection>) -> Result<(Ask, RefundBody), Problem> {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint(
            "send `{\"transaction\": \"<id at Braintree>\", \"source\": \"forgive\", \"why\": \"goodwill\", \"reason\": \"…\"}`",
        )
    })?;
    for (field, text) in [("transaction", &body.transaction), ("why", &body.why), ("reason", &body.reason)] {
        if text.trim().is_empty() {
            return Err(Problem::field(field, "is empty"));
        }
    }
    let amount = body.amount_minor.map_or(Sum::All, Sum::Minor);
    Ok((Ask { transaction: body.transaction.clone(), amount, from: body.source }, body))
}

async fn planned(app: &App, ask: &Ask) -> Result<Plan, Problem> {
    refunds::plan(&app.store.pool, app.store.node.shard_count(), ask).await.map_err(|e| unplanned(&e))
}

/// What a refund would give back, and who would have to agree
#[utoipa::path(post, path = "/refunds/preview", request_body = RefundBody,
    responses((status = 200, body = PlanView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn preview(
    State(app): State<App>,
    body: Result<Json<RefundBody>, JsonRejection>,
) -> Result<Json<PlanView>, Problem> {
    let (ask, _) = read(body)?;
    Ok(Json(PlanView::from(&planned(&app, &ask).await?)))
}

/// Gives money of a payment back
///
/// Void or refund is chosen from the payment's status when it is sent. Above the limit of one person it waits for a second
/// one. The same `Idempotency-Key` is the same refund, whenever it comes again.
#[utoipa::path(post, path = "/refunds",
    params(("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = RefundBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn start(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<RefundBody>, JsonRejection>,
) -> Answered {
    let (ask, body) = read(body)?;
    let key = idempotency_key(&headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated order could not be told from a new refund")
            .hint("send an id of your own as `Idempotency-Key`")
    })?;
    let saga = refunds::id_of(&ask, &key);
    let pool = &app.store.pool;
    // Ordered before: what it is now counts, not what could be planned anew.
    if let Some(known) = item_of_key(pool, &format!("refund:{saga}")).await? {
        return settled(&app, saga, known.id).await;
    }
    let plan = planned(&app, &ask).await?;
    let stamp = schema::stamp_of(pool).await?.map(|stamp| stamp.prefix).unwrap_or_default();
    let installation = Installation::new(&stamp).map_err(|why| Problem::field("installation", why))?;
    let by = By { principal: actor.principal(), why: body.why, reason: body.reason, key };
    let (saga, item) = refunds::requested(&plan, &ask, installation, &by);
    let item = offer_item(pool, app.store.node.shard_count(), &item, &[]).await.map_err(|e| offered(&e))?;
    settled(&app, saga, item).await
}

/// A second person agrees to a refund
#[utoipa::path(post, path = "/refunds/{id}/approve", params(("id" = Uuid, Path)), request_body = AgreeBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn approve(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<AgreeBody>, JsonRejection>,
) -> Answered {
    actor.may_approve(Act::Refund).map_err(|denied| refuse(&app, &denied))?;
    answer(&app, &actor, &id, body, true).await
}

/// A second person does not agree to a refund, or who asked takes it back: nothing is booked or sent
#[utoipa::path(post, path = "/refunds/{id}/reject", params(("id" = Uuid, Path)), request_body = AgreeBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn reject(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    body: Result<Json<AgreeBody>, JsonRejection>,
) -> Answered {
    answer(&app, &actor, &id, body, false).await
}

async fn answer(
    app: &App,
    actor: &Actor,
    id: &str,
    body: Result<Json<AgreeBody>, JsonRejection>,
    agrees: bool,
) -> Answered {
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"reason\": \"why\"}`"))?;
    if body.reason.trim().is_empty() {
        return Err(Problem::field("reason", "is empty: say why; it goes on record"));
    }
    let saga = find(app, id).await?;
    let item = refunds::answered(&saga, agrees, &actor.principal(), &body.reason);
    let item = item.map_err(|why| refused(&why, saga.id))?;
    let item = offer_item(&app.store.pool, app.store.node.shard_count(), &item, &[]).await;
    settled(app, saga.id, item.map_err(|e| offered(&e))?).await
}

/// Decides what becomes of a refund that the bank did not make
#[utoipa::path(post, path = "/refunds/{id}/decide",
    params(("id" = Uuid, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = RefundDecision,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn decide(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<RefundDecision>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"choice\": \"try_again\", \"reason\": \"why\"}`")
    })?;
    let given = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    let item = refunds::decided(&saga, body.choice, &given.by, &given.reason, given.key);
    let item = item.map_err(|why| refused(&why, saga.id))?;
    let item = offer_item(&app.store.pool, app.store.node.shard_count(), &item, &[]).await;
    settled(&app, saga.id, item.map_err(|e| offered(&e))?).await
}

fn unplanned(error: &RefundError) -> Problem {
    match error {
        RefundError::Unknown(_) => {
            Problem::not_found(error.to_string()).hint("GET /api/v1/transactions lists the payments that were taken")
        }
        RefundError::Refused(_) | RefundError::Unreadable(_) => {
            Problem::new(StatusCode::CONFLICT, "refused", error.to_string())
        }
        RefundError::Amount(_) => Problem::field("amount_minor", error.to_string()),
        RefundError::Store(e) => Problem::store(e),
    }
}
