//! Zoho's refusals: HTTP status, numeric code and message.
//!
//! Zoho publishes few codes for Billing. Those of its sister product Books, which shares the platform, fill the gaps:
//! a client must not branch on them.

use super::host;
use super::reply::{Object, json};
use crate::faults::Said;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// A call that was refused; nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: i64,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: i64, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn bad(code: i64, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// `resource` is its English name: `Invoice`.
    pub(super) fn unknown(resource: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, 1002, format!("{resource} does not exist."))
    }

    /// A field has a value that Zoho does not take.
    pub(super) fn invalid(field: &str) -> Self {
        Self::bad(2, format!("Invalid value passed for {field}"))
    }

    /// A required field is missing.
    pub(super) fn missing(field: &str) -> Self {
        Self::bad(4, format!("Invalid value passed for {field}"))
    }

    /// The display name is taken, in an organisation that forbids duplicates.
    pub(super) fn name_taken(name: &str) -> Self {
        Self::bad(3062, format!("The customer \"{name}\" already exists. Please specify a different name."))
    }

    /// A custom field that forbids duplicates has this value on another record.
    pub(super) fn duplicate_field(label: &str) -> Self {
        Self::bad(120, format!("The value given for {label} already exists. Please specify a different value."))
    }

    /// More was applied than is owed, or than there is to apply.
    pub(super) fn above_balance() -> Self {
        Self::bad(24016, "The amount entered is more than the balance due for the selected invoices.")
    }

    /// An invoice or credit note is in the wrong state.
    pub(super) fn wrong_state(sentence: impl Into<String>) -> Self {
        Self::bad(1040, sentence)
    }

    /// A subscription is in the wrong state.
    pub(super) fn wrong_subscription_state() -> Self {
        Self::bad(9001, "Subscription is not in a state that allows this action.")
    }

    /// `code` is that of a coupon, `why` as in "has expired".
    pub(super) fn coupon(code: &str, why: &str) -> Self {
        Self::bad(9003, format!("The coupon \"{code}\" {why}."))
    }

    /// `kind` is `plan` or `addon`, `why` as in "is inactive".
    pub(super) fn not_for_sale(kind: &str, code: &str, why: &str) -> Self {
        Self::bad(9004, format!("The {kind} \"{code}\" {why}."))
    }

    /// The gateway did not take a card, or declined a charge, for this reason.
    pub(super) fn declined(why: &str) -> Self {
        Self::bad(9005, why)
    }

    /// Another quote has this number.
    pub(super) fn quote_number_taken() -> Self {
        Self::bad(1001, "The quote number already exists.")
    }

    /// The customer closed a hosted page, used it, or came too late.
    pub(super) fn page_is_over() -> Self {
        Self::bad(9006, "The hosted page can no longer be used.")
    }

    /// Only payments of a gateway of Zoho can be refunded through it.
    pub(super) fn not_refundable() -> Self {
        Self::bad(9002, "Refund is allowed only for payments made through an online payment gateway.")
    }

    /// `thing` as in "The customer": it has transactions.
    pub(super) fn has_transactions(thing: &str) -> Self {
        Self::bad(1003, format!("{thing} cannot be deleted as it is associated with transactions."))
    }

    /// The customer has an active subscription.
    pub(super) fn has_subscription() -> Self {
        Self::bad(1005, "The customer cannot be marked as inactive as there are active subscriptions.")
    }

    /// The access token is unknown, expired or revoked.
    pub(super) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 57, "You are not authorized to perform this operation")
    }

    /// There is no access token.
    pub(super) fn no_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, 14, "Invalid value passed for authtoken.")
    }

    /// No such path.
    pub(super) fn no_such_url() -> Self {
        Self::new(StatusCode::NOT_FOUND, 5, "Invalid URL Passed")
    }

    /// The per-minute limit.
    pub(super) fn too_many_calls(limit: u32) -> Self {
        let message = format!(
            "For security reasons you have been blocked for some time as you have exceeded the maximum number of \
             requests per minute ({limit}) that can be made from one organization."
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, PER_MINUTE, message)
    }

    /// The daily quota.
    pub(super) fn quota_used_up(limit: u32) -> Self {
        let message =
            format!("The API call for this organization has exceeded the maximum call rate limit of {limit}.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, 45, message)
    }

    /// Too many calls at the same time.
    pub(super) fn too_many_at_once() -> Self {
        let message =
            "You have reached the maximum number of in process requests allowed. Kindly try again after some time.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, 1070, message)
    }

    fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, 1000, "internal error")
    }

    /// The refusal that Zoho's code stands for.
    fn of_code(code: i64) -> Self {
        match code {
            5 => Self::no_such_url(),
            14 => Self::no_token(),
            PER_MINUTE => Self::too_many_calls(DEFAULT_PER_MINUTE),
            45 => Self::quota_used_up(DEFAULT_PER_DAY),
            57 => Self::unauthorized(),
            1000 => Self { status: StatusCode::BAD_REQUEST, ..Self::internal() },
            1002 => Self::unknown("Resource"),
            1070 => Self::too_many_at_once(),
            9001 => Self::wrong_subscription_state(),
            9002 => Self::not_refundable(),
            24016 => Self::above_balance(),
            other => Self::bad(other, "The request could not be processed."),
        }
    }

    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::unauthorized(),
            StatusCode::NOT_FOUND => Self::no_such_url(),
            StatusCode::TOO_MANY_REQUESTS => Self::too_many_calls(DEFAULT_PER_MINUTE),
            StatusCode::BAD_REQUEST => Self::invalid("JSONString"),
            other => Self { status: other, ..Self::internal() },
        }
    }
}

/// The code of the per-minute limit.
const PER_MINUTE: i64 = 44;
/// Calls a minute that a paid organisation may make.
pub(super) const DEFAULT_PER_MINUTE: u32 = 100;
/// Calls a day of the largest plans.
pub(super) const DEFAULT_PER_DAY: u32 = 10_000;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &Object::new().with("code", self.code).with("message", &self.message));
        if self.code == PER_MINUTE {
            response.headers_mut().insert("x-rate-limit-remaining", HeaderValue::from(0));
        }
        response
    }
}

/// The error of Zoho Accounts, which says it under HTTP 200.
pub(super) fn accounts_error(error: &str) -> Response {
    json(StatusCode::OK, &Object::new().with("error", error))
}

/// Zoho Accounts' answer to too many refreshes: another form and another status.
pub(super) fn accounts_throttle() -> Response {
    let body = Object::new()
        .with("error_description", "You have made too many requests continuously. Please try again after some time.")
        .with("error", "Access Denied")
        .with("status", "failure");
    json(StatusCode::BAD_REQUEST, &body)
}

/// Zoho's own words for a refusal on order: Billing's, or those of Accounts for a code that is no number.
pub(crate) fn refusal(said: Said<'_>) -> Response {
    match said {
        Said::RateLimit => Refusal::too_many_calls(DEFAULT_PER_MINUTE).into_response(),
        Said::DailyQuota => Refusal::quota_used_up(DEFAULT_PER_DAY).into_response(),
        Said::Code(code) => match code.parse() {
            Ok(number) => Refusal::of_code(number).into_response(),
            Err(_) if code == "Access Denied" => accounts_throttle(),
            Err(_) => accounts_error(code),
        },
        Said::Status(status) => of_status(status),
    }
}

/// Gateway errors come from a proxy as HTML, all else is Billing's JSON.
fn of_status(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    host::gateway_page(status).unwrap_or_else(|| Refusal::of_status(status).into_response())
}
