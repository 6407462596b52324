//! Tickets in Zoho Desk that colleagues ask for, as a CRM user would by `Open ticket` on the record.

use super::sagas::{Answered, offered, order, settled};
use crate::access::Actor;
use crate::http::{App, Problem};
use crate::intake::tickets::ordered;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// About which subscription.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TicketBody {
    /// Record id of the object `subscriptions` in Attio
    record: String,
    /// What the ticket says; of long numbers the last four digits
    reason: String,
}

/// Opens a ticket in Zoho Desk for the customer of a subscription
///
/// While a ticket that was asked for about the same record is open, it is a comment on that one. The ticket's id comes onto the
/// record. The same `Idempotency-Key` is the same order.
#[utoipa::path(post, path = "/tickets",
    params(("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = TicketBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn open(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<TicketBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"record\": \"<id in Attio>\", \"reason\": \"why\"}`")
    })?;
    if Uuid::try_parse(&body.record).is_err() {
        let expected = format!("`{}` is no record id: expected a UUID as Attio shows it", body.record);
        return Err(Problem::field("record", expected));
    }
    if !app.acts.has_helpdesk() {
        let problem = Problem::new(StatusCode::CONFLICT, "no_helpdesk", "Zoho Desk is not connected here");
        return Err(problem.hint("set ZOHO_DESK_URL and what goes with it, or write to the customer"));
    }
    let by = order(&headers, body.reason, &actor)?;
    let item = ordered(&body.record, by);
    let id = app.store.offer(&item).await.map_err(|e| offered(&e))?;
    settled(&app, item.saga, id).await
}
