//! Zoho Desk's refusals: HTTP status, `errorCode`, message, and which field was wrong.

use crate::faults::Said;
use crate::zoho;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A call that was refused; nothing was done.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
    errors: Vec<Value>,
}

impl Refusal {
    fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned(), errors: Vec::new() }
    }

    /// `field` as a path, `/contactId`; `sort` is missing, invalid or duplicate.
    pub(super) fn field(field: &str, sort: &str) -> Self {
        let message = "The data is invalid due to validation restrictions";
        let error = json!({ "fieldName": field, "errorType": sort, "errorMessage": "" });
        Self { errors: vec![error], ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_DATA", message) }
    }

    pub(super) fn unprocessable(message: &str) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", message)
    }

    /// Desk takes no parameter that it does not know.
    pub(super) fn extra_parameter(name: &str) -> Self {
        Self::unprocessable(&format!("Extra query parameter '{name}' is present in the input."))
    }

    /// A parameter or header has a wrong value.
    pub(super) fn parameter(name: &str) -> Self {
        Self::unprocessable(&format!("The value passed for the '{name}' parameter is invalid."))
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "URL_NOT_FOUND", "The URL given is wrong.")
    }

    pub(super) fn wrong_method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "The HTTP method is not supported.")
    }

    pub(super) fn wrong_content_type() -> Self {
        let message = "The content type of the request is not supported: application/json is expected.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message)
    }

    pub(super) fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", "The size of the request is too large.")
    }

    /// There is no access token.
    pub(super) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "You are not authenticated to perform this operation.")
    }

    /// The access token is unknown or expired.
    pub(super) fn bad_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "INVALID_OAUTH", "The OAuth Token you provided is invalid.")
    }

    /// Too many calls in a time.
    pub(super) fn threshold() -> Self {
        let message = "You have exceeded the limit of API calls. Please try again later.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, THRESHOLD, message)
    }

    /// Too many calls at the same time.
    pub(super) fn too_many_at_once() -> Self {
        let message = "Too many requests are being processed at the same time.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", message)
    }

    fn internal(status: StatusCode) -> Self {
        Self::new(status, "INTERNAL_SERVER_ERROR", "An internal server error occurred. Please try again.")
    }

    /// The refusal that a code on order stands for.
    fn of_code(code: &str) -> Self {
        match code {
            "UNAUTHORIZED" => Self::no_token(),
            "INVALID_OAUTH" => Self::bad_token(),
            "SCOPE_MISMATCH" | "OAUTH_ORG_MISMATCH" | "FORBIDDEN" | "LICENSE_ACCESS_LIMITED" => {
                Self::new(StatusCode::FORBIDDEN, code, "You do not have the permission to perform this operation.")
            }
            "URL_NOT_FOUND" => Self::not_found(),
            "METHOD_NOT_ALLOWED" => Self::wrong_method(),
            THRESHOLD => Self::threshold(),
            "TOO_MANY_REQUESTS" => Self::too_many_at_once(),
            "INTERNAL_SERVER_ERROR" => Self::internal(StatusCode::INTERNAL_SERVER_ERROR),
            other => Self::new(StatusCode::UNPROCESSABLE_ENTITY, other, "The request could not be processed."),
        }
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::bad_token(),
            StatusCode::FORBIDDEN => Self::of_code("FORBIDDEN"),
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::wrong_method(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::wrong_content_type(),
            StatusCode::TOO_MANY_REQUESTS => Self::threshold(),
            StatusCode::UNPROCESSABLE_ENTITY => Self::unprocessable("The request could not be processed."),
            other => Self::internal(other),
        }
    }

    /// For people who played an act.
    pub(super) fn said(&self) -> String {
        let fields: Vec<String> = self.errors.iter().map(Value::to_string).collect();
        format!("Zoho Desk refuses ({}): {} {}", self.code, self.message, fields.join(", "))
    }
}

const THRESHOLD: &str = "THRESHOLD_EXCEEDED";
/// Seconds after which a caller who was too fast may come again.
const RETRY_AFTER: u16 = 60;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut body = json!({ "errorCode": self.code, "message": self.message });
        if !self.errors.is_empty() {
            body["errors"] = self.errors.into();
        }
        let mut response = zoho::json(self.status, body.to_string());
        if self.code == THRESHOLD {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        response
    }
}

/// Zoho Desk's own words for a refusal on order.
pub(crate) fn refusal(said: Said<'_>) -> Response {
    match said {
        Said::RateLimit | Said::DailyQuota => Refusal::threshold().into_response(),
        Said::Code(code) => Refusal::of_code(code).into_response(),
        Said::Status(status) => of_status(status),
    }
}

/// Gateway errors come from a proxy as HTML, all else is Desk's JSON.
fn of_status(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    zoho::gateway_page(status).unwrap_or_else(|| Refusal::of_status(status).into_response())
}
