//! The transaction log for finance: what happened with money, as events in the field's words.

use crate::http::{App, Problem};
use crate::store::query::{TransactionFilter, TransactionPage};
use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use futures::StreamExt;
use serde::Deserialize;
use utoipa::IntoParams;

/// Which lines of the log to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// From this date or instant on: `2026-11-01` or `2026-11-01T00:00:00Z`
    from: Option<String>,
    /// Before this date's end, or this instant
    to: Option<String>,
    /// Our customer id
    customer: Option<String>,
    /// Any id at a vendor: invoice, transaction, payment, order id …
    reference: Option<String>,
    /// Status of the saga now: `needs_person`, `ended` …
    status: Option<String>,
    /// Event name: `PaymentCaptured` …
    event: Option<String>,
    /// At most so many, up to 1000
    limit: Option<u32>,
    /// `next` of the page before
    cursor: Option<String>,
}

/// The transaction log, oldest first
#[utoipa::path(get, path = "/transactions", params(LogQuery), responses((status = 200, body = TransactionPage), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Json<TransactionPage>, Problem> {
    let filter = filter(query)?;
    Ok(Json(app.store.query.transactions(&filter).await?))
}

/// The whole selection as CSV, streamed
#[utoipa::path(get, path = "/transactions.csv", params(LogQuery), responses((status = 200, content_type = "text/csv", body = String), (status = 422, body = Problem)))]
pub(super) async fn csv(
    State(app): State<App>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let filter = filter(query)?;
    // An error after the first byte cuts the answer, so that a client never takes a part for the whole.
    let chunks = crate::store::query::transactions_csv(app.store.query.clone(), filter).map(|chunk| {
        chunk.inspect_err(|e| tracing::error!(error = %e, "an export of the transaction log was cut off"))
    });
    Ok((
        [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"transactions.csv\""),
        ],
        Body::from_stream(chunks),
    )
        .into_response())
}

fn filter(query: Result<Query<LogQuery>, QueryRejection>) -> Result<TransactionFilter, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    Ok(TransactionFilter {
        from: query.from.as_deref().map(|t| instant(t, false)).transpose().map_err(|e| Problem::field("from", e))?,
        to: query.to.as_deref().map(|t| instant(t, true)).transpose().map_err(|e| Problem::field("to", e))?,
        customer: query.customer,
        reference: query.reference,
        status: query.status.as_deref().map(str::parse).transpose().map_err(|e| Problem::field("status", e))?,
        event: query.event,
        limit: i64::from(query.limit.unwrap_or(200).clamp(1, 1000)),
        cursor: query.cursor.as_deref().map(str::parse).transpose().map_err(|e| Problem::field("cursor", e))?,
    })
}

/// An instant, or a date: its first moment, or its last as an upper bound.
pub(crate) fn instant(text: &str, upper: bool) -> Result<DateTime<Utc>, String> {
    if let Ok(t) = DateTime::parse_from_rfc3339(text) {
        return Ok(t.to_utc());
    }
    let date: NaiveDate = text
        .parse()
        .map_err(|_| format!("`{text}` is neither a date (2026-11-01) nor an instant (2026-11-01T00:00:00Z)"))?;
    let date = if upper { date.succ_opt().unwrap_or(date) } else { date };
    Ok(date.and_time(NaiveTime::MIN).and_utc())
}
