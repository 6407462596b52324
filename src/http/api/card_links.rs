//! Links to the page for another card that another program asks for, as a CRM user would by `Send card link` on the record.

use super::sagas::{Answered, idempotency_key, offered, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// For which subscription.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CardLinkBody {
    /// Record id of the object `subscriptions` in Attio
    record: String,
}

/// Sends a customer the link to the page for another card
///
/// The link goes to the customer by mail and onto the record; it is never in an answer. The same `Idempotency-Key` is the same
/// request, whenever it comes again. While a card update of the record waits for its card, that one makes a new link, and the
/// old one opens nothing any more.
#[utoipa::path(post, path = "/card-links",
    params(("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = CardLinkBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn order(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<CardLinkBody>, JsonRejection>,
) -> Answered {
    let Json(body) =
        body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"record\": \"<id in Attio>\"}`"))?;
    let key = idempotency_key(&headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated request would send a second mail")
            .hint("send an id of your own as `Idempotency-Key`")
    })?;
    if Uuid::try_parse(&body.record).is_err() {
        let expected = format!("`{}` is no record id: expected a UUID as Attio shows it", body.record);
        return Err(Problem::field("record", expected));
    }
    let (saga, item) = app.acts.cards().order(&body.record, &key, &actor.principal()).await.map_err(|e| offered(&e))?;
    settled(&app, saga, item).await
}
