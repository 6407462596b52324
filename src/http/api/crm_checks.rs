//! Deals and tags in CRM: the order to compare a customer's records and to put them right.

use super::sagas::{Answered, idempotency_key, offered, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use crate::intake::deals::checked;
use crate::store::query;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

/// Whose records are checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckBody {
    /// Our customer id, as lists of sagas show it
    customer: String,
}

/// Reads a customer's contact and deals in Zoho CRM and writes what differs from what is known here
///
/// Others' tags stay; so do a stage that people chose and the deletion of a deal. Answers with the saga that carries it out. The
/// same `Idempotency-Key` is the same order.
#[utoipa::path(post, path = "/crm-checks", request_body = CheckBody,
    params(("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn check(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<CheckBody>, JsonRejection>,
) -> Answered {
    let Json(body) =
        body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"customer\": \"<our customer id>\"}`"))?;
    let key = idempotency_key(&headers)?;
    let order = checked(&body.customer, key.as_deref(), &actor.principal());
    if query::saga(&app.store.pool, order.saga).await?.is_none() {
        let detail = format!("nothing of a customer `{}` is kept in CRM", body.customer);
        return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_customer", detail));
    }
    let item = app.store.offer(&order).await.map_err(|e| offered(&e))?;
    settled(&app, order.saga, item).await
}
