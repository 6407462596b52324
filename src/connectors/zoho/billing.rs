//! One call on Zoho Billing: sends it once, reads the body's `code` before the HTTP status (errors arrive inside HTTP 200
//! too) and says what came of it. It knows no resource.

use super::Config;
use super::auth::{Granted, Token};
pub(super) use super::line::{Answered, rejected};
use super::line::{Asked, Judged, Line, Product, blocked, unanswered};
use super::wire::{Envelope, Paging, Unreadable, without_personal_data};
use crate::connectors::http::{Reply, Request};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use sagas::kernel::outcome::{Outcome, RejectionKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

const BILLING: Product = Product { vendor: "zoho", name: "Zoho", part: "API", address: "API", block: MINUTE_BLOCK };
const ORGANIZATION: HeaderName = HeaderName::from_static("x-com-zoho-subscriptions-organizationid");

/// Rows per page: Zoho's default and maximum.
pub(super) const PER_PAGE: &str = "200";

/// After a block for too many calls in a minute (code 44): at least and at most, in seconds.
pub(super) const MINUTE_BLOCK: (u32, u32) = (60, 600);
/// After too many calls at once (code 1070).
pub(super) const IN_PROCESS: (u32, u32) = (5, 600);
/// Zoho publishes no hour at which a daily quota opens again; without its header we ask hourly.
const DAILY_BLOCK: u32 = 3600;

/// One call.
pub(super) struct Ask<'a> {
    pub(super) operation: &'static str,
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    method: Method,
    /// The JSON of a write; none where the path says it all.
    body: Option<Vec<u8>>,
    /// A document is asked for instead of JSON.
    document: bool,
}

impl<'a> Ask<'a> {
    fn new(operation: &'static str, method: Method, segments: &'a [&'a str]) -> Self {
        Self { operation, segments, query: &[], method, body: None, document: false }
    }

    /// A read of one resource.
    pub(super) fn read(operation: &'static str, segments: &'a [&'a str]) -> Self {
        Self::new(operation, Method::GET, segments)
    }

    /// A read of one resource as a PDF document.
    pub(super) fn document(operation: &'static str, segments: &'a [&'a str]) -> Self {
        Self { query: &[("accept", "pdf")], document: true, ..Self::new(operation, Method::GET, segments) }
    }

    /// A read of one page of a list.
    pub(super) fn list(operation: &'static str, segments: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..Self::new(operation, Method::GET, segments) }
    }

    /// A write that makes a resource.
    pub(super) fn create(operation: &'static str, segments: &'a [&'a str], resource: &impl Serialize) -> Self {
        Self { body: Some(json(resource)), ..Self::new(operation, Method::POST, segments) }
    }

    /// A write that makes a resource what is said.
    pub(super) fn put(operation: &'static str, segments: &'a [&'a str], resource: &impl Serialize) -> Self {
        Self { body: Some(json(resource)), ..Self::new(operation, Method::PUT, segments) }
    }

    /// A write without a body.
    pub(super) fn act(operation: &'static str, segments: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { query, ..Self::new(operation, Method::POST, segments) }
    }

    /// A deletion.
    pub(super) fn delete(operation: &'static str, segments: &'a [&'a str]) -> Self {
        Self::new(operation, Method::DELETE, segments)
    }

    fn is_write(&self) -> bool {
        self.method != Method::GET
    }

    fn unanswered(&self, detail: String) -> Box<Outcome> {
        unanswered(self.is_write(), detail)
    }
}

fn json(resource: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(resource).expect("texts, dates and numbers always make JSON")
}

/// The client of one organization.
pub(super) struct Billing {
    line: Line,
    base: Url,
    organization: HeaderValue,
}

impl Billing {
    pub(super) fn new(config: &Config, line: Line) -> Result<Self, String> {
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
        Ok(Self { line, base, organization })
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
            let (paging, rows) = self.page(Ask::list(operation, &[resource], &query), deadline).await?;
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

    /// The body of an answer with code 0, or a document.
    pub(super) async fn answer(&self, ask: &Ask<'_>, deadline: Instant) -> Answered<Vec<u8>> {
        self.line.send(ask.is_write(), deadline, |token| self.request(ask, token), |reply| judge(ask, reply)).await
    }

    /// A read's answer as it came.
    pub(super) async fn reply(&self, segments: &[&str], query: &[(&str, &str)], deadline: Instant) -> Answered<Reply> {
        let ask = Ask::list("zoho.drift", segments, query);
        self.line.reply(deadline, |token| self.request(&ask, token)).await
    }

    /// The API host that is configured.
    pub(super) fn host(&self) -> Option<&str> {
        self.base.host_str()
    }

    /// What the access token was granted with.
    pub(super) async fn granted(&self, deadline: Instant) -> Answered<Option<Granted>> {
        self.line.granted(deadline).await
    }

    fn request(&self, ask: &Ask<'_>, token: &Token) -> Request {
        let Ask { operation, segments, query, .. } = *ask;
        let asked = Asked { operation, method: ask.method.clone(), segments, query, body: ask.body.as_deref() };
        BILLING.request(&self.base, &asked, token).header(ORGANIZATION, self.organization.clone())
    }
}

/// The body's code first, then the status.
fn judge(ask: &Ask<'_>, reply: Reply) -> Judged {
    let status = reply.status;
    if ask.document && status.is_success() && reply.body.starts_with(b"%PDF") {
        return Judged::Body(reply.body);
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope>(&reply.body) else {
        return BILLING.by_status(ask.is_write(), &reply);
    };
    let Some(code) = envelope.code() else {
        return BILLING.by_status(ask.is_write(), &reply);
    };
    if code == 0 && status.is_success() {
        return Judged::Body(reply.body);
    }
    let message = without_personal_data(&envelope.message.unwrap_or_default());
    let by_kind = |kind| Judged::Other(rejected(kind, &code.to_string(), &message));
    match code {
        44 => blocked(&reply, MINUTE_BLOCK, "Zoho: too many calls in this minute (code 44)"),
        1070 => blocked(&reply, IN_PROCESS, "Zoho: too many calls at once (code 1070)"),
        45 => quota_used_up(&reply, "Zoho: the organization's daily quota is used up (code 45)"),
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

/// Not executed, and not before the day's quota opens again.
pub(super) fn quota_used_up(reply: &Reply, detail: &str) -> Judged {
    let told = reply.retry_after_seconds().is_some() || reply.header("x-rate-limit-reset").is_some();
    blocked(reply, if told { (60, 86_400) } else { (DAILY_BLOCK, DAILY_BLOCK) }, detail)
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
