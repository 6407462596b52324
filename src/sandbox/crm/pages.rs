//! Pages of records: by number up to two thousand records, beyond by token.

use super::call::{Call, Reply};
use super::errors::Refusal;
use super::ids::Id;
use super::state::{Record, State, Version, time};
use axum::http::StatusCode;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// Records of a page, at most and by default.
const PER_PAGE: usize = 200;
/// Records that can be reached by page number.
const BY_NUMBER: usize = 2000;
/// A page token is good so long.
const TOKEN_HOURS: i64 = 24;

/// Which page, of what order.
#[derive(Debug)]
pub(super) struct Page {
    number: usize,
    size: usize,
    by: String,
    ascending: bool,
}

impl Page {
    /// Reads it from the query.
    pub(super) fn of(call: &Call<'_>) -> Result<Self, Refusal> {
        let size = call.number("per_page", PER_PAGE)?.min(PER_PAGE);
        if let Some(token) = call.query("page_token") {
            return Self::of_token(token, call.org.now).ok_or_else(|| Refusal::invalid_param("page_token"));
        }
        let number = call.number("page", 1)?;
        if number.saturating_mul(size) > BY_NUMBER {
            let message = "You have reached the limit of records that can be fetched by page. Use page_token instead.";
            let details = json!({ "page": number, "per_page": size, "limit": BY_NUMBER });
            let code = "DISCRETE_PAGINATION_LIMIT_EXCEEDED";
            return Err(Refusal::new(StatusCode::BAD_REQUEST, code, message, details));
        }
        let by = call.query("sort_by").unwrap_or("id");
        if !["id", "Created_Time", "Modified_Time"].contains(&by) {
            return Err(Refusal::invalid_param("sort_by"));
        }
        let ascending = match call.query("sort_order") {
            None | Some("desc") => false,
            Some("asc") => true,
            Some(_) => return Err(Refusal::invalid_param("sort_order")),
        };
        Ok(Self { number, size, by: by.to_owned(), ascending })
    }

    fn of_token(token: &str, now: DateTime<Utc>) -> Option<Self> {
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let [number, size, by, ascending, expires] = text.split('|').collect::<Vec<_>>()[..] else { return None };
        let expires = DateTime::from_timestamp(expires.parse().ok()?, 0)?;
        let page = Self {
            number: number.parse().ok()?,
            size: size.parse().ok()?,
            by: by.to_owned(),
            ascending: ascending.parse().ok()?,
        };
        (expires > now).then_some(page)
    }

    fn token(&self, number: usize, expires: DateTime<Utc>) -> Value {
        let text = format!("{number}|{}|{}|{}|{}", self.size, self.by, self.ascending, expires.timestamp());
        BASE64_URL_SAFE_NO_PAD.encode(text).into()
    }

    /// Brings records into the page's order.
    pub(super) fn sort<'s>(&self, state: &'s State, ids: &mut [Id], version: impl Fn(&'s Record) -> &'s Version) {
        ids.sort_by_key(|id| {
            let record = &state.records[id];
            let at = match self.by.as_str() {
                "Created_Time" => record.created,
                "Modified_Time" => version(record).at,
                _ => DateTime::UNIX_EPOCH,
            };
            (at, *id)
        });
        if !self.ascending {
            ids.reverse();
        }
    }
}

/// The page of rows, and what is said about it; nothing at all where there are none.
pub(super) fn answer<T>(page: &Page, now: DateTime<Utc>, all: &[T], row: impl Fn(&T) -> Value) -> Reply {
    let skipped = (page.number - 1).saturating_mul(page.size);
    let rows: Vec<Value> = all.iter().skip(skipped).take(page.size).map(row).collect();
    if rows.is_empty() {
        return Reply::nothing();
    }
    let more = all.len() > skipped + rows.len();
    let expires = now + TimeDelta::hours(TOKEN_HOURS);
    let turn = |exists: bool, number: usize| if exists { page.token(number, expires) } else { Value::Null };
    let info = json!({
        "per_page": page.size,
        "count": rows.len(),
        "page": page.number,
        "sort_by": page.by,
        "sort_order": if page.ascending { "asc" } else { "desc" },
        "more_records": more,
        "next_page_token": turn(more, page.number + 1),
        "previous_page_token": turn(page.number > 1, page.number.saturating_sub(1)),
        "page_token_expiry": if more || page.number > 1 { time(expires) } else { Value::Null },
    });
    Reply::ok(json!({ "data": rows, "info": info }))
}
