//! The vendors' webhooks: verify the raw bytes, store, answer. What a delivery means is found out later.

use super::{App, Problem};
use crate::intake::{Refused, Vendor};
use crate::metrics::Delivered;
use crate::store::inbox::Stored;
use crate::trace;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tracing::Instrument;
use uuid::Uuid;

type Body = Result<Bytes, BytesRejection>;

pub(super) async fn attio(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    receive(&app, Vendor::Attio, query, &headers, body).await
}

pub(super) async fn zoho(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    receive(&app, Vendor::Zoho, query, &headers, body).await
}

pub(super) async fn braintree(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    receive(&app, Vendor::Braintree, query, &headers, body).await
}

#[derive(Deserialize)]
pub(super) struct Challenge {
    bt_challenge: String,
}

/// Braintree proves that the address is ours before it sends anything.
pub(super) async fn braintree_challenge(
    State(app): State<App>,
    challenge: Result<Query<Challenge>, QueryRejection>,
) -> Result<String, Problem> {
    let Ok(Query(challenge)) = challenge else {
        return Err(Problem::field(
            "bt_challenge",
            "expected as a query parameter, as Braintree's verification sends it",
        ));
    };
    app.intake.braintree_challenge(&challenge.bt_challenge).map_err(|why| Problem::field("bt_challenge", why))
}

async fn receive(
    app: &App,
    vendor: Vendor,
    query: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let span = trace::webhook(vendor.as_str());
    taken(app, vendor, query, headers, body).instrument(span).await
}

async fn taken(
    app: &App,
    vendor: Vendor,
    query: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let body = match body {
        Ok(body) => body,
        Err(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            app.intake.rejected(vendor).await;
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "a webhook body is at most 1 MiB",
            ));
        }
        Err(e) => return Err(Problem::new(e.status(), "unreadable_body", e.body_text())),
    };
    match app.intake.receive(vendor, headers, query.as_deref().unwrap_or_default(), &body).await {
        Ok(stored) => {
            match stored {
                Stored::New(id) => said(app, vendor, Delivered::Stored, Some(id)),
                Stored::Duplicate => said(app, vendor, Delivered::Duplicate, None),
            }
            Ok(StatusCode::OK)
        }
        Err(Refused::Signature(why)) => {
            said(app, vendor, Delivered::Rejected, None);
            Err(Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", format!("the delivery was refused: {why}"))
                .hint("the secret of the webhook at the vendor and the one configured here must be the same"))
        }
        Err(Refused::Store(e)) => {
            said(app, vendor, Delivered::NotStored, None);
            Err(Problem::store(&e))
        }
    }
}

/// To those who count, and to those who trace.
fn said(app: &App, vendor: Vendor, delivered: Delivered, id: Option<Uuid>) {
    app.metrics.delivered(vendor.as_str(), delivered);
    trace::delivered(delivered.word(), id);
}
