//! One call on Zoho Billing: sends it once, reads the body's `code` before the HTTP status (errors arrive inside HTTP 200
//! too) and says what came of it. After a refused token it asks for one other token and sends once more: a refused call
//! was not executed. It knows no resource.

use super::Config;
use super::auth::{Token, Tokens};
use super::wire::{Envelope, Paging, Unreadable, without_personal_data};
use crate::clock::Clock;
use crate::connectors::http::{Http, Reply, Request};
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What came of a call, or an outcome other than `Done`.
pub(super) type Answered<T> = Result<T, Box<Outcome>>;

const ORGANIZATION: HeaderName = HeaderName::from_static("x-com-zoho-subscriptions-organizationid");

/// Rows per page: Zoho's default and maximum.
pub(super) const PER_PAGE: &str = "200";

/// After a block for too many calls in a minute (code 44).
const MINUTE_BLOCK: u32 = 60;
/// After too many calls at once (code 1070).
const IN_PROCESS: u32 = 5;
/// Zoho publishes no hour at which the daily quota (code 45) opens again; without its header we ask hourly.
const DAILY_BLOCK: u32 = 3600;

/// One call.
pub(super) struct Ask<'a> {
    pub(super) operation: &'static str,
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The JSON of a write, empty where the path says it all; without it the call is a read.
    pub(super) body: Option<Vec<u8>>,
}

impl<'a> Ask<'a> {
    /// A read of one resource.
    pub(super) fn read(operation: &'static str, segments: &'a [&'a str]) -> Self {
        Self { operation, segments, query: &[], body: None }
    }

    /// A write that makes a resource.
    pub(super) fn create(operation: &'static str, segments: &'a [&'a str], resource: &impl Serialize) -> Self {
        let body = serde_json::to_vec(resource).expect("texts, dates and numbers always make JSON");
        Self { operation, segments, query: &[], body: Some(body) }
    }

    /// A write without a body.
    pub(super) fn act(operation: &'static str, segments: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { operation, segments, query, body: Some(Vec::new()) }
    }

    fn is_write(&self) -> bool {
        self.body.is_some()
    }

    /// No usable answer: a read is repeated, a write's outcome is unknown.
    fn unanswered(&self, detail: String) -> Box<Outcome> {
        Box::new(if self.is_write() {
            Outcome::Unknown { detail }
        } else {
            Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds: None }
        })
    }
}

/// What one exchange showed.
enum Judged {
    Body(Vec<u8>),
    TokenRefused,
    Other(Box<Outcome>),
}

/// The client of one organization.
pub(super) struct Billing {
    http: Http,
    tokens: Tokens,
    base: Url,
    organization: HeaderValue,
}

impl Billing {
    pub(super) fn new(config: &Config, http: Http, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let id = &config.organization_id;
        let digits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
        let organization = HeaderValue::from_str(id).ok().filter(|_| digits).ok_or_else(|| {
            format!("`{id}` is no Zoho organization id: expected digits, as shown on Zoho's organization page")
        })?;
        let mut base = config.api_url.clone();
        base.path_segments_mut()
            .map_err(|()| "the Zoho API address cannot hold a path: expected e.g. https://www.zohoapis.com".to_owned())?
            .pop_if_empty()
            .extend(["billing", "v1"]);
        Ok(Self { tokens: Tokens::new(config, http.clone(), clock), http, base, organization })
    }

    /// Makes the call and reads the answer's resource.
    pub(super) async fn call<T: DeserializeOwned>(&self, ask: Ask<'_>, deadline: Instant) -> Answered<T> {
        let body = self.answer(&ask, deadline).await?;
        read(&ask, &body)
    }

    /// Reads every page of a list; `take` keeps what it wants of a page and says whether to go on.
    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        resource: &str,
        filters: &[(&str, &str)],
        deadline: Instant,
        mut take: impl FnMut(T) -> bool,
    ) -> Answered<()> {
        for page in 1_u32.. {
            let page = page.to_string();
            let query = [filters, &[("page", page.as_str()), ("per_page", PER_PAGE)]].concat();
            let ask = Ask { operation, segments: &[resource], query: &query, body: None };
            let (paging, rows) = self.page(ask, deadline).await?;
            if !take(rows) || !paging.has_more() {
                break;
            }
        }
        Ok(())
    }

    /// Reads one page of a list.
    pub(super) async fn page<T: DeserializeOwned>(&self, ask: Ask<'_>, deadline: Instant) -> Answered<(Paging, T)> {
        let body = self.answer(&ask, deadline).await?;
        Ok((read(&ask, &body)?, read(&ask, &body)?))
    }

    /// The body of an answer with code 0.
    async fn answer(&self, ask: &Ask<'_>, deadline: Instant) -> Answered<Vec<u8>> {
        let token = self.tokens.get(deadline).await?;
        let mut judged = self.exchange(ask, &token, deadline).await;
        if matches!(judged, Judged::TokenRefused) {
            let other = self.tokens.other_than(Some(token.generation), deadline).await?;
            judged = self.exchange(ask, &other, deadline).await;
        }
        match judged {
            Judged::Body(body) => Ok(body),
            Judged::Other(outcome) => Err(outcome),
            Judged::TokenRefused => Err(rejected(
                RejectionKind::Config,
                "57",
                "Zoho refuses a fresh access token: check the scopes of the refresh token, the organization id and the \
                 user's rights",
            )),
        }
    }

    async fn exchange(&self, ask: &Ask<'_>, token: &Token, deadline: Instant) -> Judged {
        let limit = deadline.saturating_duration_since(Instant::now());
        if limit < Duration::from_millis(1) {
            let detail = "no time was left to send it".to_owned();
            return Judged::Other(Box::new(Outcome::NotSent {
                cause: NotSent::Again,
                detail,
                retry_after_seconds: None,
            }));
        }
        match self.http.send(self.request(ask, token), limit).await {
            Ok(reply) => judge(ask, reply),
            Err(failure) if ask.is_write() => Judged::Other(Box::new(failure.of_write())),
            Err(failure) => Judged::Other(Box::new(failure.of_read())),
        }
    }

    fn request(&self, ask: &Ask<'_>, token: &Token) -> Request {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(ask.segments);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let method = if ask.is_write() { Method::POST } else { Method::GET };
        let request = Request::new("zoho", ask.operation, method, url)
            .secret_header(AUTHORIZATION, token.header.clone())
            .header(ORGANIZATION, self.organization.clone());
        match &ask.body {
            Some(body) if !body.is_empty() => request.body("application/json", body.clone()),
            Some(_) | None => request,
        }
    }
}

/// The body's code first, then the status.
fn judge(ask: &Ask<'_>, reply: Reply) -> Judged {
    let status = reply.status;
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&reply.body) else {
        return by_status(ask, &reply);
    };
    let Some(code) = envelope.code() else {
        return by_status(ask, &reply);
    };
    if code == 0 && status.is_success() {
        return Judged::Body(reply.body);
    }
    let message = without_personal_data(&envelope.message.unwrap_or_default());
    let by_kind = |kind| Judged::Other(rejected(kind, &code.to_string(), &message));
    match code {
        44 => blocked(&reply, MINUTE_BLOCK, "Zoho: too many calls in this minute (code 44)"),
        1070 => blocked(&reply, IN_PROCESS, "Zoho: too many calls at once (code 1070)"),
        45 => blocked(&reply, DAILY_BLOCK, "Zoho: the organization's daily quota is used up (code 45)"),
        14 | 57 => Judged::TokenRefused,
        0 => Judged::Other(ask.unanswered(format!("Zoho answered {status} with code 0"))),
        // "Internal error" on the modules called here; with items and other modules it means something else.
        1000 => Judged::Other(ask.unanswered("Zoho: internal error (code 1000)".to_owned())),
        _ if status.is_server_error() => Judged::Other(ask.unanswered(format!("Zoho answered {status}, code {code}"))),
        _ if status == StatusCode::UNAUTHORIZED => Judged::TokenRefused,
        5 => by_kind(RejectionKind::Config),
        1002 => by_kind(RejectionKind::NotFound),
        _ if status == StatusCode::NOT_FOUND => by_kind(RejectionKind::NotFound),
        _ if status == StatusCode::FORBIDDEN => by_kind(RejectionKind::Config),
        _ => by_kind(RejectionKind::Invalid),
    }
}

/// An answer without a code: a proxy's page, a cut-off body, a redirect to a login page.
fn by_status(ask: &Ask<'_>, reply: &Reply) -> Judged {
    let status = reply.status;
    if status == StatusCode::UNAUTHORIZED {
        return Judged::TokenRefused;
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return blocked(reply, MINUTE_BLOCK, "Zoho: too many calls (HTTP 429)");
    }
    if status == StatusCode::FORBIDDEN || status.is_redirection() {
        let message = "Zoho's host answers without its API: check the API address and the data centre";
        return Judged::Other(rejected(RejectionKind::Config, status.as_str(), message));
    }
    Judged::Other(ask.unanswered(format!("Zoho answered {status} without a usable body")))
}

/// Not executed; not before the vendor's own word, nor before what its kind of block needs.
fn blocked(reply: &Reply, at_least: u32, detail: &str) -> Judged {
    let reset = reply.header("x-rate-limit-reset").and_then(|text| text.trim().parse::<u32>().ok());
    let seconds = reply.retry_after_seconds().or(reset);
    let seconds = match at_least {
        DAILY_BLOCK => seconds.unwrap_or(DAILY_BLOCK).clamp(MINUTE_BLOCK, 86_400),
        _ => seconds.unwrap_or(0).clamp(at_least, 600),
    };
    Judged::Other(Box::new(Outcome::NotSent {
        cause: NotSent::Quota,
        detail: detail.to_owned(),
        retry_after_seconds: Some(seconds),
    }))
}

/// A success answer of another form than documented: repeating a read would not change it; a write was done, and is
/// looked up.
fn read<T: DeserializeOwned>(ask: &Ask<'_>, body: &[u8]) -> Answered<T> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        // Only this text of the parser holds no value of the answer.
        let what = if text.starts_with("missing field") { text.as_str() } else { "a field of another type" };
        let message = format!("Zoho's answer to {} has {what}: expected the documented fields", ask.operation);
        if ask.is_write() {
            Box::new(Outcome::Unknown { detail: message })
        } else {
            rejected(RejectionKind::UnknownState, "unreadable", &message)
        }
    })
}

/// The outcome of an answer whose values make no sense.
pub(super) fn unreadable(problem: Unreadable) -> Box<Outcome> {
    match problem {
        Unreadable::Amount(message) => rejected(RejectionKind::UnparsableAmount, "unparsable_amount", &message),
        Unreadable::Field(field) => {
            let message = format!("Zoho's answer has no usable {field}: expected the documented form");
            rejected(RejectionKind::UnknownState, "unreadable", &message)
        }
    }
}

pub(super) fn rejected(kind: RejectionKind, code: &str, message: &str) -> Box<Outcome> {
    Box::new(Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message: message.to_owned() } })
}
