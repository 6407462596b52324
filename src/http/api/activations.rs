//! Activations that another program orders, as a CRM user would by pressing `Start` on the record.

use super::sagas::{Answered, idempotency_key, offered, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use sagas::subscription_activation::Act;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ActivationAct {
    /// Show the price on the record; no link yet
    Quote,
    /// Send the customer the page on which to pay
    Start,
}

/// An activation of what a subscription record in Attio asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ActivationBody {
    /// Record id of the object `subscriptions` in Attio
    record: String,
    act: ActivationAct,
}

/// Starts the activation of a subscription
///
/// The same `Idempotency-Key` is the same activation, whenever it comes again. While an activation of the record runs,
/// that one is told, and answered with: nothing is quoted, held or charged twice.
#[utoipa::path(post, path = "/activations",
    params(("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = ActivationBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn order(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<ActivationBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"record\": \"<id in Attio>\", \"act\": \"start\"}`")
    })?;
    let key = idempotency_key(&headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated order could not be told from a new one")
            .hint("send your own id of the sign-up as `Idempotency-Key`")
    })?;
    if Uuid::try_parse(&body.record).is_err() {
        let expected = format!("`{}` is no record id: expected a UUID as Attio shows it", body.record);
        return Err(Problem::field("record", expected));
    }
    let act = match body.act {
        ActivationAct::Quote => Act::Quote,
        ActivationAct::Start => Act::Start,
    };
    let principal = actor.principal();
    let (saga, item) = app.acts.order(&body.record, act, &key, &principal).await.map_err(|e| offered(&e))?;
    settled(&app, saga, item).await
}
