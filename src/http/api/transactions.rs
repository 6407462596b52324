//! The transaction log for finance: what happened with money, as events in the field's words.

use super::view::{self, LogView};
use crate::access::{Act, Actor, Cell};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::store::query::{self, LogFilter};
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Utc};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which lines of the log to show.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogQuery {
    /// From this date or instant on: `2026-11-01` or `2026-11-01T00:00:00Z`
    from: Option<String>,
    /// To the end of this date, or before this instant
    to: Option<String>,
    /// Our customer id
    customer: Option<String>,
    /// Any id at a vendor: invoice, transaction, payment, order id …
    reference: Option<String>,
    /// Status of the saga now: `needs_person`, `ended` …
    status: Option<String>,
    /// Event name: `PaymentCaptured` …
    event: Option<String>,
    /// Only events that speak of money
    #[serde(default)]
    money: bool,
    /// At most so many, up to 1000
    limit: Option<u16>,
    /// `next` of the page before
    cursor: Option<String>,
}

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LogPage {
    lines: Vec<LogView>,
    /// The next page's cursor; absent: there is none
    next: Option<String>,
}

/// The transaction log, the last written first
///
/// The role `support` names a `customer`.
#[utoipa::path(get, path = "/transactions", params(LogQuery), responses((status = 200, body = LogPage), (status = 422, body = Problem)))]
pub(super) async fn list(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Json<LogPage>, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let cell = actor.may(Act::ReadMoney).map_err(|denied| refuse(&app, &denied))?;
    if cell == Cell::OneCustomer && query.customer.is_none() {
        app.metrics.refused("role");
        let detail = format!("the role {} reads money of one customer at a time", actor.role);
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).hint("name one: `?customer=<our id>`"));
    }
    let limit = query.limit.unwrap_or(200).clamp(1, 1000);
    let after = query.cursor.as_deref().map(view::read_log_cursor).transpose();
    let after = after.map_err(|e| Problem::field("cursor", e))?;
    let entries = query::transactions(&app.store.pool, &filter(query)?, after, limit).await?;
    let full = entries.len() == usize::from(limit);
    let next = entries.last().filter(|_| full).map(|last| view::log_cursor(last.cursor()));
    Ok(Json(LogPage { lines: entries.into_iter().map(LogView::from).collect(), next }))
}

/// The whole selection as CSV, the first written first, streamed
#[utoipa::path(get, path = "/transactions.csv", params(LogQuery), responses((status = 200, content_type = "text/csv", body = String), (status = 422, body = Problem)))]
pub(super) async fn csv(
    State(app): State<App>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("query", e.body_text()))?;
    let entries = query::stream_transactions(app.store.pool.clone(), filter(query)?);
    // An error after the first byte cuts the answer, so that a client never takes a part for the whole.
    let chunks = view::csv(entries).map(|chunk| {
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

fn filter(query: LogQuery) -> Result<LogFilter, Problem> {
    let bound = |name: &str, text: Option<String>, upper| {
        text.map(|t| instant(&t, upper)).transpose().map_err(|e| Problem::field(name, e))
    };
    Ok(LogFilter {
        from: bound("from", query.from, false)?,
        before: bound("to", query.to, true)?,
        customer: view::word("customer", query.customer)?,
        reference: view::word("reference", query.reference)?,
        status: query.status.as_deref().map(view::status).transpose().map_err(|e| Problem::field("status", e))?,
        kind: None,
        event: view::word("event", query.event)?,
        money_only: query.money,
    })
}

/// An instant, or a date: its first moment, or the end of it as an upper bound.
///
/// # Errors
/// It is neither.
pub fn instant(text: &str, upper: bool) -> Result<DateTime<Utc>, String> {
    let read = || {
        if let Ok(t) = DateTime::parse_from_rfc3339(text) {
            return Some(t.to_utc());
        }
        let date: NaiveDate = text.parse().ok()?;
        let date = if upper { date.succ_opt()? } else { date };
        Some(date.and_time(NaiveTime::MIN).and_utc())
    };
    // Beyond four digits of a year the database's calendar may end.
    read()
        .filter(|t| (1..=9999).contains(&t.year()))
        .ok_or_else(|| format!("`{text}` is neither a date (2026-11-01) nor an instant (2026-11-01T00:00:00Z)"))
}
