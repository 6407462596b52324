//! Attio's error answers, and the reading of request bodies that leads to them.

use super::model::time;
use crate::faults::Said;
use axum::{
    Json,
    extract::{FromRequestParts, Query},
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What a handler answers.
pub(super) type Answer = Result<Json<Value>, ApiError>;

/// An error in Attio's form, its fields in Attio's order.
#[derive(Debug, Serialize)]
pub(super) struct ApiError {
    #[serde(rename = "status_code")]
    status: u16,
    #[serde(rename = "type")]
    class: &'static str,
    code: String,
    message: String,
    /// Accompanies failures of the body's shape only.
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_errors: Option<Value>,
}

impl ApiError {
    pub(super) fn new(status: u16, class: &'static str, code: &str, message: impl Into<String>) -> Self {
        Self { status, class, code: code.to_owned(), message: message.into(), validation_errors: None }
    }

    /// 400 with one of Attio's codes.
    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, "invalid_request_error", code, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "invalid_request_error", "not_found", message)
    }

    /// 409 with one of Attio's codes.
    pub(super) fn conflict(code: &str, message: impl Into<String>) -> Self {
        Self::new(409, "invalid_request_error", code, message)
    }

    pub(super) fn no_object(key: &str) -> Self {
        Self::not_found(format!("Object with slug/ID \"{key}\" not found."))
    }

    pub(super) fn no_attribute(key: &str) -> Self {
        Self::not_found(format!("Attribute with slug/ID \"{key}\" not found."))
    }

    pub(super) fn no_record(key: &str) -> Self {
        Self::not_found(format!("Record with ID \"{key}\" not found."))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(401, "auth_error", "unauthorized", "Authentication required. Please provide a valid access token.")
    }

    pub(super) fn rate_limited() -> Self {
        Self::new(
            429,
            "rate_limit_error",
            "rate_limit_exceeded",
            "Rate limit exceeded. Please respect the Retry-After header and try again.",
        )
    }

    /// The body has the wrong shape at `path`.
    pub(super) fn shape(path: &[&str], message: &str) -> Self {
        let mut error = Self::bad("validation_type", "Body payload validation error.");
        error.validation_errors = Some(json!([{ "code": "invalid_type", "path": path, "message": message }]));
        error
    }

    /// The answer; `now` dates the moment from which a refused call may be repeated.
    pub(super) fn answer(&self, now: DateTime<Utc>) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut answer = (status, Json(self)).into_response();
        if status == StatusCode::TOO_MANY_REQUESTS {
            let next = (now + TimeDelta::seconds(1)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
            if let Ok(next) = HeaderValue::from_str(&next) {
                answer.headers_mut().insert(header::RETRY_AFTER, next);
            }
        }
        answer
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match &self.validation_errors {
            Some(errors) => write!(f, " {errors}"),
            None => Ok(()),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.answer(Utc::now())
    }
}

/// A refusal on order; none for what Attio does not have (a daily quota).
pub(super) fn refusal(said: Said<'_>, now: DateTime<Utc>) -> Option<Response> {
    let error = match said {
        Said::RateLimit | Said::Status(429) => ApiError::rate_limited(),
        Said::Status(401) => ApiError::unauthorized(),
        Said::Status(403) => coded("unauthorized"),
        Said::Status(404) => coded("not_found"),
        Said::Status(409) => coded("concurrent_write_conflict"),
        Said::Status(status @ 400..=499) => {
            ApiError::new(status, "invalid_request_error", "validation_type", "The request was refused.")
        }
        Said::Status(status @ 500..=599) => {
            ApiError::new(status, "api_error", "internal_server_error", "An unexpected error occurred.")
        }
        Said::Code(code) => coded(code),
        Said::Status(_) | Said::DailyQuota => return None,
    };
    Some(error.answer(now))
}

/// An error by its code alone, with the status and type that Attio pairs with it.
fn coded(code: &str) -> ApiError {
    let message = format!("The request was refused: {code}.");
    match code {
        "unauthorized" | "billing_error" => ApiError::new(403, "auth_error", code, message),
        "not_found" => ApiError::not_found(message),
        "slug_conflict" | "concurrent_write_conflict" => ApiError::conflict(code, message),
        "rate_limit_exceeded" => ApiError::rate_limited(),
        _ => ApiError::bad(code, message),
    }
}

/// The object under `data` of a request body.
pub(super) fn data(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match object(body)?.remove("data") {
        Some(Value::Object(data)) => Ok(data),
        _ => Err(ApiError::shape(&["data"], "Required")),
    }
}

/// A request body that is an object; an empty one where nothing was sent.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body).map_err(|_| ApiError::bad("validation_type", "The request body is not a JSON object."))
}

/// A required text under `data`.
pub(super) fn text(data: &Map<String, Value>, field: &str) -> Result<String, ApiError> {
    let text = data.get(field).and_then(Value::as_str).ok_or_else(|| ApiError::shape(&["data", field], "Required"))?;
    Ok(text.to_owned())
}

/// A text under `data` that may be absent.
pub(super) fn optional_text(data: &Map<String, Value>, field: &str) -> Result<Option<String>, ApiError> {
    data.get(field).map(|_| text(data, field)).transpose()
}

/// A required switch under `data`.
pub(super) fn switch(data: &Map<String, Value>, field: &str) -> Result<bool, ApiError> {
    data.get(field).and_then(Value::as_bool).ok_or_else(|| ApiError::shape(&["data", field], "Expected boolean"))
}

/// A switch under `data` that may be absent.
pub(super) fn optional_switch(data: &Map<String, Value>, field: &str) -> Result<Option<bool>, ApiError> {
    data.get(field).map(|_| switch(data, field)).transpose()
}

/// An RFC 3339 time under `data`, null or absent included.
pub(super) fn moment(data: &Map<String, Value>, field: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
    match data.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(
            value
                .as_str()
                .and_then(|t| DateTime::parse_from_rfc3339(t).ok())
                .ok_or_else(|| ApiError::shape(&["data", field], "Expected an ISO 8601 time"))?
                .to_utc(),
        )),
    }
}

/// A required UUID under `data`.
pub(super) fn uuid(data: &Map<String, Value>, field: &str) -> Result<Uuid, ApiError> {
    text(data, field)?.parse().map_err(|_| ApiError::shape(&["data", field], "Invalid uuid"))
}

/// `{"data": …}`.
pub(super) fn envelope(data: impl Into<Value>) -> Json<Value> {
    Json(json!({ "data": data.into() }))
}

/// A query string; what does not fit is refused in Attio's form.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => Err(ApiError::bad("validation_type", rejection.body_text())),
        }
    }
}

/// A time, or null.
pub(super) fn time_or_null(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| Value::String(time(at)))
}
