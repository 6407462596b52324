//! One authorised exchange with a host of Zoho's: sends a request once with the shared token; where the token is refused,
//! asks for one other and sends once more, for a refused request was not executed. Knows no product: what an answer means
//! is the product's to judge.

use super::auth::{Granted, Token, Tokens};
use crate::connectors::http::{Http, Reply, Request};
use reqwest::header::AUTHORIZATION;
use reqwest::{Method, StatusCode, Url};
use sagas::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What came of a call, or an outcome other than `Done`.
pub(super) type Answered<T> = Result<T, Box<Outcome>>;

/// What one exchange showed.
pub(super) enum Judged {
    Body(Vec<u8>),
    TokenRefused,
    Other(Box<Outcome>),
}

/// One of Zoho's products, as requests and texts name it.
pub(super) struct Product {
    /// For budgets, traces and metrics.
    pub(super) vendor: &'static str,
    /// For people.
    pub(super) name: &'static str,
    /// What its host may lack, and the setting that names the host.
    pub(super) part: &'static str,
    pub(super) address: &'static str,
    /// How long to wait after HTTP 429, in seconds: at least and at most.
    pub(super) block: (u32, u32),
}

impl Product {
    /// A request to this product below its address.
    pub(super) fn request(&self, base: &Url, asked: &Asked<'_>, token: &Token) -> Request {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(asked.segments);
        }
        if !asked.query.is_empty() {
            url.query_pairs_mut().extend_pairs(asked.query);
        }
        let request = Request::new(self.vendor, asked.operation, asked.method.clone(), url)
            .secret_header(AUTHORIZATION, token.header.clone());
        match asked.body {
            Some(body) => request.body("application/json", body.to_vec()),
            None => request,
        }
    }

    /// An answer without a code: a proxy's page, a cut-off body, a redirect to a login page.
    pub(super) fn by_status(&self, writes: bool, reply: &Reply) -> Judged {
        let (name, status) = (self.name, reply.status);
        if status == StatusCode::UNAUTHORIZED {
            return Judged::TokenRefused;
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return blocked(reply, self.block, &format!("{name}: too many calls (HTTP 429)"));
        }
        if status == StatusCode::FORBIDDEN || status.is_redirection() {
            let (part, address) = (self.part, self.address);
            let message =
                format!("Zoho's host answers without its {part}: check the {address} address and the data centre");
            return Judged::Other(rejected(RejectionKind::Config, status.as_str(), &message));
        }
        Judged::Other(unanswered(writes, format!("{name} answered {status} without a usable body")))
    }
}

/// What is asked of a product.
pub(super) struct Asked<'a> {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    pub(super) segments: &'a [&'a str],
    pub(super) query: &'a [(&'a str, &'a str)],
    /// The JSON of a write.
    pub(super) body: Option<&'a [u8]>,
}

/// Where requests leave.
#[derive(Clone)]
pub(super) struct Line {
    http: Http,
    tokens: Arc<Tokens>,
}

impl Line {
    pub(super) fn new(http: Http, tokens: Arc<Tokens>) -> Self {
        Self { http, tokens }
    }

    /// The body of a good answer. `writes`: what is unanswered may have been done.
    pub(super) async fn send(
        &self,
        writes: bool,
        deadline: Instant,
        request: impl Fn(&Token) -> Request,
        judge: impl Fn(Reply) -> Judged,
    ) -> Answered<Vec<u8>> {
        let token = self.tokens.get(deadline).await?;
        let mut judged = self.exchange(writes, deadline, request(&token), &judge).await;
        if matches!(judged, Judged::TokenRefused) {
            let other = self.tokens.other_than(Some(token.generation), deadline).await?;
            judged = self.exchange(writes, deadline, request(&other), &judge).await;
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

    /// What came back of a read, whatever it says: for who holds the answer itself against what we assume.
    pub(super) async fn reply(&self, deadline: Instant, request: impl Fn(&Token) -> Request) -> Answered<Reply> {
        let token = self.tokens.get(deadline).await?;
        let limit = deadline.saturating_duration_since(Instant::now());
        self.http.send(request(&token), limit).await.map_err(|failure| Box::new(failure.of_read()))
    }

    /// What the access token was granted with: asks for one, if there is none.
    pub(super) async fn granted(&self, deadline: Instant) -> Answered<Option<Granted>> {
        self.tokens.get(deadline).await?;
        Ok(self.tokens.granted().await)
    }

    async fn exchange(
        &self,
        writes: bool,
        deadline: Instant,
        request: Request,
        judge: &impl Fn(Reply) -> Judged,
    ) -> Judged {
        let limit = deadline.saturating_duration_since(Instant::now());
        if limit < Duration::from_millis(1) {
            return Judged::Other(again("no time was left to send it".to_owned()));
        }
        match self.http.send(request, limit).await {
            Ok(reply) => judge(reply),
            Err(failure) if writes => Judged::Other(Box::new(failure.of_write())),
            Err(failure) => Judged::Other(Box::new(failure.of_read())),
        }
    }
}

/// No usable answer: a read is repeated, a write's outcome is unknown.
pub(super) fn unanswered(writes: bool, detail: String) -> Box<Outcome> {
    if writes { Box::new(Outcome::Unknown { detail }) } else { again(detail) }
}

fn again(detail: String) -> Box<Outcome> {
    Box::new(Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds: None })
}

/// Not executed; not before the vendor's own word within these limits (seconds), nor before the lower one.
pub(super) fn blocked(reply: &Reply, (least, most): (u32, u32), detail: &str) -> Judged {
    let reset = reply.header("x-rate-limit-reset").and_then(|text| text.trim().parse::<u32>().ok());
    let seconds = reply.retry_after_seconds().or(reset).unwrap_or(least).clamp(least, most);
    Judged::Other(Box::new(Outcome::NotSent {
        cause: NotSent::Quota,
        detail: detail.to_owned(),
        retry_after_seconds: Some(seconds),
    }))
}

pub(super) fn rejected(kind: RejectionKind, code: &str, message: &str) -> Box<Outcome> {
    Box::new(Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message: message.to_owned() } })
}
