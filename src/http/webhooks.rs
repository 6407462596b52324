//! The vendors' webhooks: verify the raw bytes, store, answer. What a delivery means is found out later.

use super::Problem;
use crate::intake::{Intake, Refused, Vendor};
use crate::metrics::{Delivered, Metrics};
use crate::store::inbox::Stored;
use crate::trace;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde::Deserialize;
use std::sync::Arc;
use tracing::Instrument;
use uuid::Uuid;

type Body = Result<Bytes, BytesRejection>;

/// A webhook body is at most this long.
const LIMIT: usize = 1024 * 1024;

/// What the webhooks need.
#[derive(Clone)]
struct Desk {
    intake: Arc<Intake>,
    metrics: Metrics,
}

/// Their routes.
pub(super) fn routes<S>(intake: Arc<Intake>, metrics: Metrics) -> Router<S> {
    Router::new()
        .route("/webhooks/attio", post(attio))
        .route("/webhooks/zoho", post(zoho))
        .route("/webhooks/braintree", post(braintree).get(braintree_challenge))
        .layer(DefaultBodyLimit::max(LIMIT))
        .with_state(Desk { intake, metrics })
}

async fn attio(
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    receive(&desk, Vendor::Attio, query, &headers, body).await
}

async fn zoho(
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    receive(&desk, Vendor::Zoho, query, &headers, body).await
}

async fn braintree(
    State(desk): State<Desk>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    receive(&desk, Vendor::Braintree, query, &headers, body).await
}

#[derive(Deserialize)]
struct Challenge {
    bt_challenge: String,
}

/// Braintree proves that the address is ours before it sends anything.
async fn braintree_challenge(
    State(desk): State<Desk>,
    challenge: Result<Query<Challenge>, QueryRejection>,
) -> Result<String, Problem> {
    let Ok(Query(challenge)) = challenge else {
        return Err(Problem::field(
            "bt_challenge",
            "expected as a query parameter, as Braintree's verification sends it",
        ));
    };
    desk.intake.braintree_challenge(&challenge.bt_challenge).map_err(|why| Problem::field("bt_challenge", why))
}

async fn receive(
    desk: &Desk,
    vendor: Vendor,
    query: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let span = trace::webhook(vendor.as_str());
    taken(desk, vendor, query, headers, body).instrument(span).await
}

async fn taken(
    desk: &Desk,
    vendor: Vendor,
    query: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<StatusCode, Problem> {
    let body = match body {
        Ok(body) => body,
        Err(e) if e.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            desk.intake.rejected(vendor).await;
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "a webhook body is at most 1 MiB",
            ));
        }
        Err(e) => return Err(Problem::new(e.status(), "unreadable_body", e.body_text())),
    };
    match desk.intake.receive(vendor, headers, query.as_deref().unwrap_or_default(), &body).await {
        Ok(stored) => {
            match stored {
                Stored::New(id) => said(desk, vendor, Delivered::Stored, Some(id)),
                Stored::Duplicate => said(desk, vendor, Delivered::Duplicate, None),
            }
            Ok(StatusCode::OK)
        }
        Err(Refused::Signature(why)) => {
            said(desk, vendor, Delivered::Rejected, None);
            Err(Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", format!("the delivery was refused: {why}"))
                .hint("the secret of the webhook at the vendor and the one configured here must be the same"))
        }
        Err(Refused::Store(e)) => {
            said(desk, vendor, Delivered::NotStored, None);
            Err(Problem::store(&e))
        }
    }
}

/// To those who count, and to those who trace.
fn said(desk: &Desk, vendor: Vendor, delivered: Delivered, id: Option<Uuid>) {
    desk.metrics.delivered(vendor.as_str(), delivered);
    trace::delivered(delivered.word(), id);
}
