//! Zoho CRM's refusals, of whole calls and of single records: code, message, `details` and `status` alike.

use crate::faults::Said;
use crate::zoho;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Something was refused: a call with its HTTP status, or one record of a call, whose status then does not count.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: String,
    message: String,
    details: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: &str, details: Value) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), details }
    }

    fn bad(code: &str, message: &str, details: Value) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message, details)
    }

    /// A value that does not fit what `details` says.
    pub(super) fn invalid(message: &str, details: Value) -> Self {
        Self::bad("INVALID_DATA", message, details)
    }

    /// The value at `at` is not of the expected type.
    pub(super) fn mistyped(at: &At<'_>, expected: &str) -> Self {
        Self::invalid("invalid data", at.with("expected_data_type", expected.into()))
    }

    /// An id that is none, or not one of this module.
    pub(super) fn unknown_id(details: Value) -> Self {
        Self::invalid("the id given seems to be invalid", details)
    }

    /// A field of the body or of a record is required.
    pub(super) fn missing(at: &At<'_>) -> Self {
        Self::bad("MANDATORY_NOT_FOUND", "required field not found", at.details())
    }

    /// A parameter of the query is required.
    pub(super) fn missing_param(name: &str) -> Self {
        Self::bad(
            "REQUIRED_PARAM_MISSING",
            "One of the expected parameter is missing",
            json!({ "param": name, "param_name": name }),
        )
    }

    /// A parameter of the query has a wrong value.
    pub(super) fn invalid_param(name: &str) -> Self {
        Self::invalid("Please check whether the input values are correct", json!({ "param_name": name }))
    }

    /// More than `limit` of what is at `at`.
    pub(super) fn too_many(at: &At<'_>, limit: usize) -> Self {
        Self::bad("LIMIT_EXCEEDED", "Record count exceeded", at.with("limit", limit.into()))
    }

    pub(super) fn unknown_module() -> Self {
        Self::bad("INVALID_MODULE", "The module name given seems to be invalid", json!({}))
    }

    /// A query that cannot be read, or names what is not there.
    pub(super) fn query(message: &str, details: Value) -> Self {
        Self::bad("INVALID_QUERY", message, details)
    }

    pub(super) fn no_such_url() -> Self {
        let message = "Please check if the URL trying to access is a correct one";
        Self::new(StatusCode::NOT_FOUND, "INVALID_URL_PATTERN", message, json!({}))
    }

    pub(super) fn wrong_method() -> Self {
        Self::bad("INVALID_REQUEST_METHOD", "The http request method type is not a valid one", json!({}))
    }

    /// There is no access token.
    pub(super) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "AUTHENTICATION_FAILURE", "Authentication failed", json!({}))
    }

    /// The access token is unknown, expired or of another data centre.
    pub(super) fn bad_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_TOKEN", "invalid oauth token", json!({}))
    }

    /// Too many calls at the same time.
    pub(super) fn too_many_at_once() -> Self {
        let message = "Too many requests are being processed at the same time. Please try again after some time.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", message, json!({}))
    }

    /// The credits of 24 hours are used up.
    pub(super) fn no_credits(limit: u64) -> Self {
        let message = "You have reached the limit of API credits for 24 hours";
        Self::bad("LIMIT_EXCEEDED", message, json!({ "limit": limit }))
    }

    fn internal(status: StatusCode) -> Self {
        Self::new(status, "INTERNAL_ERROR", "Internal server error occurred.", json!({}))
    }

    /// The refusal that a code on order stands for.
    fn of_code(code: &str) -> Self {
        match code {
            "INVALID_TOKEN" => Self::bad_token(),
            "AUTHENTICATION_FAILURE" => Self::no_token(),
            "OAUTH_SCOPE_MISMATCH" => {
                Self::new(StatusCode::UNAUTHORIZED, code, "invalid oauth scope to access this URL", json!({}))
            }
            "NO_PERMISSION" => {
                Self::new(StatusCode::FORBIDDEN, code, "permission denied", json!({ "permissions": [] }))
            }
            "INVALID_MODULE" => Self::unknown_module(),
            "INVALID_URL_PATTERN" => Self::no_such_url(),
            "TOO_MANY_REQUESTS" => Self::too_many_at_once(),
            "LIMIT_EXCEEDED" => Self::no_credits(super::settings::CREDITS),
            "INTERNAL_ERROR" => Self::internal(StatusCode::INTERNAL_SERVER_ERROR),
            other => Self::bad(other, "The request could not be processed.", json!({})),
        }
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::bad_token(),
            StatusCode::FORBIDDEN => Self::of_code("NO_PERMISSION"),
            StatusCode::NOT_FOUND => Self::no_such_url(),
            StatusCode::TOO_MANY_REQUESTS => Self::too_many_at_once(),
            StatusCode::BAD_REQUEST => Self::invalid("invalid data", json!({})),
            other => Self::internal(other),
        }
    }

    /// The refusal as the API writes it.
    pub(super) fn body(&self) -> Value {
        json!({ "code": self.code, "details": self.details, "message": self.message, "status": "error" })
    }

    /// For people who played an act.
    pub(super) fn said(&self) -> String {
        format!("Zoho CRM refuses ({}): {} {}", self.code, self.message, self.details)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        zoho::json(self.status, self.body().to_string())
    }
}

/// Where in a request something is: the key and its JSON path.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    /// The path of what holds the key: `$`, or `$.data[3]`.
    pub(super) within: &'a str,
    pub(super) key: &'a str,
}

impl At<'_> {
    pub(super) fn details(&self) -> Value {
        json!({ "api_name": self.key, "json_path": format!("{}.{}", self.within, self.key) })
    }

    /// The details with one more.
    pub(super) fn with(&self, name: &str, value: Value) -> Value {
        let mut details = self.details();
        details[name] = value;
        details
    }
}

/// Zoho CRM's own words for a refusal on order.
pub(crate) fn refusal(said: Said<'_>) -> Response {
    match said {
        Said::RateLimit => Refusal::too_many_at_once().into_response(),
        Said::DailyQuota => Refusal::no_credits(super::settings::CREDITS).into_response(),
        Said::Code(code) => Refusal::of_code(code).into_response(),
        Said::Status(status) => of_status(status),
    }
}

/// Gateway errors come from a proxy as HTML, all else is CRM's JSON.
fn of_status(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    zoho::gateway_page(status).unwrap_or_else(|| Refusal::of_status(status).into_response())
}
