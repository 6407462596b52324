//! One call on Zoho Desk: sends it once and says what came of it. An error is known by its `errorCode`, which a good HTTP
//! status may carry too. Desk refuses a parameter that it does not know: none is sent that is not needed.

use super::super::auth::Token;
use super::super::billing::{IN_PROCESS, MINUTE_BLOCK};
use super::super::line::{Answered, Asked, Judged, Line, Product, blocked, rejected, unanswered};
use super::DeskConfig;
use super::wire::Rows;
use crate::connectors::http::{Reply, Request};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use sagas::kernel::outcome::RejectionKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

const DESK: Product =
    Product { vendor: "zoho_desk", name: "Zoho Desk", part: "Desk", address: "Desk", block: MINUTE_BLOCK };
const ORGANIZATION: HeaderName = HeaderName::from_static("orgid");

/// One call.
pub(super) struct Ask<'a> {
    operation: &'static str,
    segments: &'a [&'a str],
    query: &'a [(&'a str, &'a str)],
    method: Method,
    body: Option<Vec<u8>>,
}

impl<'a> Ask<'a> {
    pub(super) const fn read(
        operation: &'static str,
        segments: &'a [&'a str],
        query: &'a [(&'a str, &'a str)],
    ) -> Self {
        Self { operation, segments, query, method: Method::GET, body: None }
    }

    pub(super) fn create(operation: &'static str, segments: &'a [&'a str], resource: &impl Serialize) -> Self {
        Self::write(operation, Method::POST, segments, resource)
    }

    pub(super) fn patch(operation: &'static str, segments: &'a [&'a str], resource: &impl Serialize) -> Self {
        Self::write(operation, Method::PATCH, segments, resource)
    }

    fn write(operation: &'static str, method: Method, segments: &'a [&'a str], resource: &impl Serialize) -> Self {
        let body = serde_json::to_vec(resource).expect("texts always make JSON");
        Self { operation, segments, query: &[], method, body: Some(body) }
    }
}

/// The client of one organization's Desk.
pub(super) struct Api {
    line: Line,
    base: Url,
    organization: HeaderValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    error_code: String,
    #[serde(default)]
    errors: Vec<FieldProblem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldProblem {
    #[serde(default)]
    field_name: String,
    #[serde(default)]
    error_type: String,
}

impl Api {
    pub(super) fn new(config: &DeskConfig, line: Line) -> Result<Self, String> {
        let id = &config.organization_id;
        let digits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
        let organization = HeaderValue::from_str(id).ok().filter(|_| digits).ok_or_else(|| {
            format!(
                "`{id}` is no Zoho Desk organization id: expected digits, as shown in Desk under Developer Space, API"
            )
        })?;
        let mut base = config.url.clone();
        base.path_segments_mut()
            .map_err(|()| "the Zoho Desk address cannot hold a path: expected e.g. https://desk.zoho.com".to_owned())?
            .pop_if_empty()
            .extend(["api", "v1"]);
        Ok(Self { line, base, organization })
    }

    /// Makes the call and reads the answer.
    pub(super) async fn call<T: DeserializeOwned>(&self, ask: Ask<'_>, deadline: Instant) -> Answered<T> {
        let body = self.answer(&ask, deadline).await?;
        read(&ask, &body)
    }

    /// Reads a list; none where Desk has nothing to show.
    pub(super) async fn rows<T: DeserializeOwned>(&self, ask: Ask<'_>, deadline: Instant) -> Answered<Rows<T>> {
        let body = self.answer(&ask, deadline).await?;
        if body.is_empty() { Ok(Rows::none()) } else { read(&ask, &body) }
    }

    async fn answer(&self, ask: &Ask<'_>, deadline: Instant) -> Answered<Vec<u8>> {
        let writes = ask.body.is_some();
        self.line.send(writes, deadline, |token| self.request(ask, token), |reply| judge(writes, reply)).await
    }

    /// Desk's own id of the organisation: digits.
    pub(super) fn organization(&self) -> &str {
        self.organization.to_str().unwrap_or_default()
    }

    /// A read's answer as it came.
    pub(super) async fn reply(&self, segments: &[&str], query: &[(&str, &str)], deadline: Instant) -> Answered<Reply> {
        let ask = Ask::read("zoho_desk.drift", segments, query);
        self.line.reply(deadline, |token| self.request(&ask, token)).await
    }

    fn request(&self, ask: &Ask<'_>, token: &Token) -> Request {
        let Ask { operation, segments, query, .. } = *ask;
        let asked = Asked { operation, method: ask.method.clone(), segments, query, body: ask.body.as_deref() };
        DESK.request(&self.base, &asked, token).header(ORGANIZATION, self.organization.clone())
    }
}

fn read<T: DeserializeOwned>(ask: &Ask<'_>, body: &[u8]) -> Answered<T> {
    serde_json::from_slice(body).map_err(|_| {
        let message = format!("Zoho Desk's answer to {} lacks the documented fields", ask.operation);
        // What was written was written; what was read would be no other the next time.
        if ask.body.is_some() {
            unanswered(true, message)
        } else {
            rejected(RejectionKind::UnknownState, "unreadable", &message)
        }
    })
}

fn judge(writes: bool, reply: Reply) -> Judged {
    let status = reply.status;
    if status == StatusCode::NO_CONTENT {
        return Judged::Body(Vec::new());
    }
    let Ok(problem) = serde_json::from_slice::<Problem>(&reply.body) else {
        // Without an error code a good status is what was asked for.
        return if status.is_success() { Judged::Body(reply.body) } else { DESK.by_status(writes, &reply) };
    };
    let code: String = problem.error_code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect();
    let fields: Vec<_> = problem.errors.iter().map(|of| format!("{} is {}", of.field_name, of.error_type)).collect();
    let message = format!("Zoho Desk refuses it: {code} [{}]", fields.join(", "));
    let by_kind = |kind| Judged::Other(rejected(kind, &code, &message));
    match code.as_str() {
        "UNAUTHORIZED" | "INVALID_OAUTH" => Judged::TokenRefused,
        "THRESHOLD_EXCEEDED" => blocked(&reply, MINUTE_BLOCK, "Zoho Desk: too many calls in a time"),
        "TOO_MANY_REQUESTS" => blocked(&reply, IN_PROCESS, "Zoho Desk: too many calls at once"),
        _ if status.is_server_error() => {
            Judged::Other(unanswered(writes, format!("Zoho Desk answered {status}, {code}")))
        }
        "INTERNAL_SERVER_ERROR" => Judged::Other(unanswered(writes, "Zoho Desk: internal error".to_owned())),
        "SCOPE_MISMATCH" | "OAUTH_ORG_MISMATCH" | "FORBIDDEN" | "LICENSE_ACCESS_LIMITED" | "METHOD_NOT_ALLOWED" => {
            by_kind(RejectionKind::Config)
        }
        _ if status == StatusCode::UNAUTHORIZED => Judged::TokenRefused,
        _ if status == StatusCode::TOO_MANY_REQUESTS => blocked(&reply, MINUTE_BLOCK, "Zoho Desk: too many calls"),
        _ if status == StatusCode::FORBIDDEN => by_kind(RejectionKind::Config),
        _ if status == StatusCode::NOT_FOUND => by_kind(RejectionKind::NotFound),
        _ => by_kind(RejectionKind::Invalid),
    }
}
