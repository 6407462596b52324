//! The catalog: the order to read it now.

use super::sagas::{Answered, idempotency_key, offered, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use axum::Extension;
use axum::extract::State;
use axum::http::HeaderMap;

/// Reads Zoho's catalog now and brings Attio's records up to date
///
/// Answers with the day's sync, which takes the order at once and reads at most once in 60 s: an order that comes sooner is
/// carried out when the minute is over. The same `Idempotency-Key` is the same order.
#[utoipa::path(post, path = "/catalog/sync",
    params(("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn sync(State(app): State<App>, Extension(actor): Extension<Actor>, headers: HeaderMap) -> Answered {
    let key = idempotency_key(&headers)?;
    let ordered = app.acts.catalog().order(key.as_deref(), &actor.principal()).await;
    let (saga, item) = ordered.map_err(|e| offered(&e))?;
    settled(&app, saga, item).await
}
