//! One call on Zoho CRM: sends it once and says what came of it. Errors of the whole request are told apart from those of
//! single records, which every kind of HTTP status may carry: those are left to whoever knows the records.

use super::super::auth::Token;
use super::super::billing::{IN_PROCESS, quota_used_up};
use super::super::line::{Answered, Asked, Judged, Line, Product, blocked, rejected, unanswered};
use super::super::wire::without_personal_data;
use crate::connectors::http::{Reply, Request};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use sagas::kernel::outcome::RejectionKind;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

const CRM: Product = Product { vendor: "zoho_crm", name: "Zoho CRM", part: "CRM", address: "API", block: IN_PROCESS };

/// Names the external-id fields by which records are meant in this request.
const EXTERNAL: HeaderName = HeaderName::from_static("x-external");

/// One call.
pub(super) struct Ask<'a> {
    pub(super) operation: &'static str,
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The value of `X-EXTERNAL`: `<Module>.<Field>`, several after commas.
    pub(super) external: &'a str,
    /// The JSON of a write; without it the call is a read, or a deletion.
    pub(super) body: Option<Vec<u8>>,
    /// What the path names goes.
    pub(super) deletes: bool,
}

impl<'a> Ask<'a> {
    /// A deletion, on which CRM's own workflows do not run.
    pub(super) const fn delete(operation: &'static str, segments: &'a [&'a str]) -> Self {
        Self { operation, segments, query: &[("wf_trigger", "false")], external: "", body: None, deletes: true }
    }

    const fn writes(&self) -> bool {
        self.body.is_some() || self.deletes
    }
}

/// The client of one organization's CRM.
pub(super) struct Api {
    line: Line,
    base: Url,
}

#[derive(Deserialize)]
struct Problem {
    code: Option<String>,
    message: Option<String>,
    data: Option<Box<RawValue>>,
}

impl Api {
    pub(super) fn new(api_url: &Url, line: Line) -> Result<Self, String> {
        let mut base = api_url.clone();
        base.path_segments_mut()
            .map_err(|()| "the Zoho API address cannot hold a path: expected e.g. https://www.zohoapis.com".to_owned())?
            .pop_if_empty()
            .extend(["crm", "v8"]);
        Ok(Self { line, base })
    }

    /// The body of an answer; empty where there is no such record.
    pub(super) async fn answer(&self, ask: &Ask<'_>, deadline: Instant) -> Answered<Vec<u8>> {
        let writes = ask.writes();
        self.line.send(writes, deadline, |token| self.request(ask, token), |reply| judge(writes, reply)).await
    }

    /// A read's answer as it came; a body is a query's, which reads too.
    pub(super) async fn reply(&self, ask: &Ask<'_>, deadline: Instant) -> Answered<Reply> {
        self.line.reply(deadline, |token| self.request(ask, token)).await
    }

    fn request(&self, ask: &Ask<'_>, token: &Token) -> Request {
        let method = match ask.body {
            Some(_) => Method::POST,
            None if ask.deletes => Method::DELETE,
            None => Method::GET,
        };
        let Ask { operation, segments, query, .. } = *ask;
        let asked = Asked { operation, method, segments, query, body: ask.body.as_deref() };
        let request = CRM.request(&self.base, &asked, token);
        if ask.external.is_empty() {
            return request;
        }
        let external = HeaderValue::from_str(ask.external).expect("names of modules and fields are plain text");
        request.header(EXTERNAL, external)
    }
}

fn judge(writes: bool, reply: Reply) -> Judged {
    let status = reply.status;
    if status == StatusCode::NO_CONTENT {
        return Judged::Body(Vec::new());
    }
    let Ok(problem) = serde_json::from_slice::<Problem>(&reply.body) else {
        return CRM.by_status(writes, &reply);
    };
    let Some(code) = problem.code else {
        // Results of records, under whatever status.
        return match problem.data {
            Some(_) => Judged::Body(reply.body),
            None if status.is_success() => Judged::Body(reply.body),
            None => CRM.by_status(writes, &reply),
        };
    };
    let message = without_personal_data(&problem.message.unwrap_or_default());
    let by_kind = |kind| Judged::Other(rejected(kind, &plain(&code), &message));
    match code.as_str() {
        "INVALID_TOKEN" | "AUTHENTICATION_FAILURE" => Judged::TokenRefused,
        "TOO_MANY_REQUESTS" => blocked(&reply, IN_PROCESS, "Zoho CRM: too many calls at once"),
        // Of a request that holds no more records than are allowed: the credits of the day.
        "LIMIT_EXCEEDED" => quota_used_up(&reply, "Zoho CRM: the day's credits are used up"),
        "INTERNAL_ERROR" => Judged::Other(unanswered(writes, "Zoho CRM: internal error".to_owned())),
        _ if status.is_server_error() => {
            Judged::Other(unanswered(writes, format!("Zoho CRM answered {status}, {}", plain(&code))))
        }
        "OAUTH_SCOPE_MISMATCH" | "NO_PERMISSION" | "INVALID_MODULE" | "INVALID_URL_PATTERN" | "API_NOT_SUPPORTED" => {
            by_kind(RejectionKind::Config)
        }
        _ if status == StatusCode::UNAUTHORIZED => Judged::TokenRefused,
        _ if status == StatusCode::TOO_MANY_REQUESTS => blocked(&reply, IN_PROCESS, "Zoho CRM: too many calls"),
        _ if status == StatusCode::FORBIDDEN => by_kind(RejectionKind::Config),
        _ if status == StatusCode::NOT_FOUND => by_kind(RejectionKind::NotFound),
        _ => by_kind(RejectionKind::Invalid),
    }
}

/// A code of the vendor's, fit for a log.
pub(super) fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).take(40).collect()
}
