//! One call on Attio: sends it once and says what came of it. A refusal names the attribute but never its value. Knows no
//! object of ours.

use super::Config;
use crate::connectors::http::{Failure, Http, Reply, Request};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::Instant;

/// What came of a call, or an outcome other than `Done`.
pub(super) type Answered<T> = Result<T, Box<Outcome>>;

/// Bounds of a wait after 429 (seconds); Attio usually names the next second.
const WAIT: (u32, u32) = (1, 60);

/// One call. A query is sent with POST and still only reads.
#[derive(Clone)]
pub(super) struct Ask<'a> {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) body: Option<String>,
    pub(super) reads: bool,
    /// The attributes sent: one of them is looked for in a refusal.
    pub(super) attributes: &'a [&'a str],
}

impl<'a> Ask<'a> {
    /// A GET.
    pub(super) fn get(operation: &'static str, segments: &'a [&'a str], query: &'a [(&'a str, &'a str)]) -> Self {
        Self { operation, method: Method::GET, segments, query, body: None, reads: true, attributes: &[] }
    }

    /// A query by filter.
    pub(super) fn query(operation: &'static str, segments: &'a [&'a str], body: String) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(operation, segments, &[]) }
    }

    /// A write.
    pub(super) fn write(operation: &'static str, method: Method, segments: &'a [&'a str], body: String) -> Self {
        Self { method, body: Some(body), reads: false, ..Self::get(operation, segments, &[]) }
    }

    fn unanswered(&self, detail: String) -> Box<Outcome> {
        if self.reads { not_sent(NotSent::Again, detail, None) } else { Box::new(Outcome::Unknown { detail }) }
    }
}

/// `{"data": …}`
#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

/// The body of a refusal. Its codes are an open set: some that Attio sends stand in no document.
#[derive(Deserialize)]
struct Refusal {
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    validation_errors: Vec<ValidationError>,
}

#[derive(Deserialize)]
struct ValidationError {
    #[serde(default)]
    path: Vec<serde_json::Value>,
}

/// The client of one workspace.
pub(super) struct Api {
    http: Http,
    base: Url,
    authorization: HeaderValue,
}

impl Api {
    pub(super) fn new(config: &Config, http: Http) -> Result<Self, String> {
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", config.api_key.expose_secret()))
            .map_err(|_| "the Attio API key holds characters that no header can hold: copy it again".to_owned())?;
        authorization.set_sensitive(true);
        let mut base = config.base_url.clone();
        base.path_segments_mut()
            .map_err(|()| "the Attio address cannot hold a path: expected e.g. https://api.attio.com".to_owned())?
            .pop_if_empty()
            .push("v2");
        Ok(Self { http, base, authorization })
    }

    /// Calls that share one time limit.
    pub(super) fn session(&self, time_limit: Duration) -> Session<'_> {
        Session { api: self, deadline: Instant::now() + time_limit, request_id: None }
    }
}

/// Calls of one effect: one time limit, and the vendor's id of the last one.
pub(super) struct Session<'a> {
    api: &'a Api,
    deadline: Instant,
    pub(super) request_id: Option<String>,
}

impl Session<'_> {
    /// Makes the call and reads what is under `data`.
    pub(super) async fn call<T: DeserializeOwned>(&mut self, ask: Ask<'_>) -> Answered<T> {
        self.bare::<Data<T>>(ask).await.map(|answer| answer.data)
    }

    /// Makes the call and reads the whole body.
    pub(super) async fn bare<T: DeserializeOwned>(&mut self, ask: Ask<'_>) -> Answered<T> {
        let limit = self.deadline.saturating_duration_since(Instant::now());
        if limit < Duration::from_millis(1) {
            return Err(not_sent(NotSent::Again, "no time was left to send it".to_owned(), None));
        }
        let reply = match self.api.http.send(self.api.request(&ask), limit).await {
            Ok(reply) => reply,
            Err(failure) => return Err(Box::new(if ask.reads { failure.of_read() } else { failure.of_write() })),
        };
        self.request_id = reply.request_id().map(str::to_owned);
        if reply.status.is_success() { read(&ask, &reply.body) } else { Err(judge(&ask, &reply)) }
    }
}

impl Api {
    /// A read's answer as it came.
    pub(super) async fn reply(&self, ask: &Ask<'_>, time_limit: Duration) -> Result<Reply, Failure> {
        self.http.send(self.request(ask), time_limit).await
    }

    fn request(&self, ask: &Ask<'_>) -> Request {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(ask.segments);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        let request = Request::new("attio", ask.operation, ask.method.clone(), url)
            .secret_header(AUTHORIZATION, self.authorization.clone());
        match &ask.body {
            Some(body) => request.body("application/json", body.as_bytes()),
            None => request,
        }
    }
}

fn read<T: DeserializeOwned>(ask: &Ask<'_>, body: &[u8]) -> Answered<T> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        // Only this text of the parser holds no value of the answer.
        let what = if text.starts_with("missing field") { text.as_str() } else { "no documented form" };
        let message = format!("Attio's answer to {} has {what}", ask.operation);
        if ask.reads && error.is_data() {
            rejected(RejectionKind::UnknownState, "unreadable", message)
        } else {
            ask.unanswered(message)
        }
    })
}

fn judge(ask: &Ask<'_>, reply: &Reply) -> Box<Outcome> {
    let status = reply.status;
    if status == StatusCode::TOO_MANY_REQUESTS {
        let seconds = reply.retry_after_seconds().unwrap_or(WAIT.0).clamp(WAIT.0, WAIT.1);
        return not_sent(NotSent::Quota, "Attio: too many requests".to_owned(), Some(seconds));
    }
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return ask.unanswered(format!("Attio answered {status}"));
    }
    let refusal = serde_json::from_slice::<Refusal>(&reply.body).ok();
    let code = refusal.as_ref().map_or(status.as_str(), |refusal| refusal.code.as_str());
    match (status, code) {
        // A record being merged answers 404 too: the code tells it from one that is gone.
        (_, "merge_in_progress" | "concurrent_write_conflict") => {
            not_sent(NotSent::Again, format!("Attio asks to come again: {code}"), None)
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
            let message = "Attio refuses the API key: check that it is valid and has the scopes that setup names";
            rejected(RejectionKind::Config, code, message.to_owned())
        }
        (StatusCode::NOT_FOUND, _) if refusal.is_some() => {
            rejected(RejectionKind::NotFound, code, format!("Attio knows no such thing: {}", ask.segments.join("/")))
        }
        (StatusCode::CONFLICT, _) | (_, "multiple_match_results" | "uniqueness_conflict") => {
            rejected(RejectionKind::State, code, format!("Attio holds a conflicting record: {code}"))
        }
        _ if refusal.is_none() => {
            let message = format!("Attio's host answered {status} without its API: check the address");
            rejected(RejectionKind::Config, code, message)
        }
        _ => {
            let attribute = refusal.as_ref().and_then(|refusal| attribute(refusal, ask.attributes));
            let what = attribute.map_or("the request".to_owned(), |slug| format!("attribute `{slug}`"));
            let message = format!("Attio refuses {what} ({code}): compare the workspace with `setup --check`");
            rejected(RejectionKind::Invalid, code, message)
        }
    }
}

/// The attribute that a refusal is about: by its path, or the longest one sent that its text names.
fn attribute(refusal: &Refusal, sent: &[&str]) -> Option<String> {
    let by_path = refusal.validation_errors.iter().find_map(|error| match error.path.as_slice() {
        [data, values, slug, ..] if data == "data" && values == "values" => slug.as_str(),
        _ => None,
    });
    let named = |slug: &&&str| {
        let mut words = refusal.message.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| word == **slug)
    };
    by_path.or_else(|| sent.iter().filter(named).max_by_key(|slug| slug.len()).copied()).map(str::to_owned)
}

pub(super) fn rejected(kind: RejectionKind, code: &str, message: String) -> Box<Outcome> {
    Box::new(Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message } })
}

fn not_sent(cause: NotSent, detail: String, retry_after_seconds: Option<u32>) -> Box<Outcome> {
    Box::new(Outcome::NotSent { cause, detail, retry_after_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_attribute_by_path_or_by_its_text() {
        let refusal = |json: &str| serde_json::from_str::<Refusal>(json).expect("JSON");
        let by_path = refusal(
            r#"{"code":"validation_type","message":"x","validation_errors":[{"path":["data","values","amount",0]}]}"#,
        );
        assert_eq!(attribute(&by_path, &[]).as_deref(), Some("amount"));
        let by_text = refusal(r#"{"code":"value_not_found","message":"No option on \"payment_status\" for Paidd"}"#);
        assert_eq!(attribute(&by_text, &["status", "payment_status"]).as_deref(), Some("payment_status"));
        assert_eq!(attribute(&by_text, &["amount"]), None);
    }
}
