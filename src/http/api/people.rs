//! Changes of customers, as the platform and operators order them: the record in Attio is carried on, or all is compared.

use super::sagas::{Answered, idempotency_key, offered, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use crate::intake::{ProfileError, ProfileOrder};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;

/// What changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonBody {
    /// ISO 4217 code; refused where documents exist in another one
    currency: Option<String>,
}

/// Carries what Attio holds of a customer on to Zoho and Braintree
///
/// The record is read anew: names, addresses and numbers are changed there. Where a currency is named, the record says why it
/// stays. The same `Idempotency-Key` is the same order.
#[utoipa::path(patch, path = "/people/{id}",
    params(("id" = String, Path, description = "Our customer id, as lists of sagas show it"),
        ("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = PersonBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn change(
    State(app): State<App>,
    Path(customer): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<PersonBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{}`"))?;
    let is_code = |code: &String| code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if body.currency.as_ref().is_some_and(|code| !is_code(code)) {
        return Err(Problem::field("currency", "expected the three letters of ISO 4217, as in `EUR`"));
    }
    let order = body.currency.map_or(ProfileOrder::CarryOn, ProfileOrder::Currency);
    ordered(&app, &customer, order, &actor, &headers).await
}

/// Compares what Zoho and Braintree show of a customer with Attio and puts right what others changed there
///
/// What is written over stands in a note on the record in Attio. The same `Idempotency-Key` is the same order.
#[utoipa::path(post, path = "/people/{id}/checks",
    params(("id" = String, Path, description = "Our customer id, as lists of sagas show it"),
        ("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn check(
    State(app): State<App>,
    Path(customer): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
) -> Answered {
    ordered(&app, &customer, ProfileOrder::Check, &actor, &headers).await
}

async fn ordered(app: &App, customer: &str, order: ProfileOrder, actor: &Actor, headers: &HeaderMap) -> Answered {
    let key = idempotency_key(headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated order could not be told from a new one")
            .hint("send an id of your own as `Idempotency-Key`")
    })?;
    let offered = app.acts.profiles().order(customer, order, (&actor.principal(), &key)).await;
    let (saga, item) = offered.map_err(refused)?;
    settled(app, saga, item).await
}

fn refused(error: ProfileError) -> Problem {
    match error {
        ProfileError::Unlinked(_) => Problem::new(StatusCode::NOT_FOUND, "unknown_customer", error.to_string())
            .hint("GET /api/v1/sagas shows our customer ids; `attio-billing link` links one with its record"),
        ProfileError::Offer(error) => offered(&error),
    }
}
