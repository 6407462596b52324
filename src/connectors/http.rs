//! One HTTP client for all vendors: sends a request once, within a time and a size limit, and says of a failure whether
//! the request can have reached the vendor. It never retries, follows no redirect, reads no body, and logs neither
//! headers nor bodies.

use super::template::Template;
use crate::port::{Denied, Health, Meter};
use crate::{tls, trace};
use chrono::{DateTime, TimeDelta};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url, redirect, retry};
use sagas::kernel::outcome::{NotSent, Outcome};
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::{Instrument as _, field};

/// How long a connection with TLS may take; beyond it nothing was sent.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// What a request has at least after it waited to be granted.
const SHORTEST: Duration = Duration::from_millis(100);

/// An idle connection is given up before the servers we know close theirs: a write on a half-closed connection would
/// have an unknown outcome.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// The largest body that is read (bytes, after decompression).
const BODY_LIMIT: usize = 8 * 1024 * 1024;

/// Under which names vendors give their ids of a request: Attio, then Zoho and Braintree, then Braintree's other one.
const REQUEST_IDS: [&str; 3] = ["x-attio-execution-id", "x-request-id", "paypal-debug-id"];

/// The client. Cheap to clone; connections are shared among clones.
#[derive(Clone)]
pub struct Http {
    /// For vendors: honours the environment's proxy settings.
    outside: reqwest::Client,
    /// For this machine (the sandbox): never through a proxy.
    loopback: reqwest::Client,
    body_limit: usize,
    meter: Option<Arc<dyn Meter>>,
}

/// One request. Its `Debug` shows neither headers nor body.
pub struct Request {
    vendor: &'static str,
    operation: &'static str,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    counted: bool,
}

/// What came back: any status, the whole body. Its `Debug` does not show the body.
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// The whole body, decompressed.
    pub body: Vec<u8>,
}

/// No usable reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The connection failed before a byte of the request left: provably not executed.
    NotSent(String),
    /// Our own meter did not let it leave: provably not executed.
    Denied(Denied),
    /// The request may have been executed: time-out, reset, cut-off or oversized body.
    Unknown(String),
}

impl Http {
    /// Sets the client up with the system's trust roots.
    ///
    /// # Errors
    /// The TLS roots of this machine cannot be loaded.
    pub fn new() -> Result<Self, reqwest::Error> {
        tls::choose();
        let builder = || {
            reqwest::Client::builder()
                // Said outright, so that features which other crates switch on in reqwest change nothing here. HTTP/1.1:
                // a broken connection concerns one call.
                .tls_backend_rustls()
                .http1_only()
                .user_agent(concat!("attio-billing/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .connect_timeout(CONNECT_LIMIT)
                .pool_idle_timeout(IDLE_LIMIT)
        };
        Ok(Self {
            outside: builder().build()?,
            loopback: builder().no_proxy().build()?,
            body_limit: BODY_LIMIT,
            meter: None,
        })
    }

    /// Asks a meter before each request leaves.
    #[must_use]
    pub fn metered(mut self, meter: Arc<dyn Meter>) -> Self {
        self.meter = Some(meter);
        self
    }

    /// Sends the request once and reads the whole reply within the time limit. A reply of any status is `Ok`.
    ///
    /// # Errors
    /// No usable reply came; the failure says whether the request can have been executed.
    pub async fn send(&self, request: Request, time_limit: Duration) -> Result<Reply, Failure> {
        let traced =
            trace::exchange(request.vendor, request.operation, request.method.as_str(), &Template(&request.url));
        let span = tracing::info_span!(
            "vendor_call",
            vendor = request.vendor,
            operation = request.operation,
            status = field::Empty,
            request_id = field::Empty,
            latency_ms = field::Empty,
        );
        async {
            let started = Instant::now();
            let result = self.exchange_if_granted(request, time_limit).instrument(traced.clone()).await;
            let span = tracing::Span::current();
            span.record("latency_ms", u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
            match &result {
                Ok(reply) => {
                    span.record("status", reply.status.as_u16());
                    span.record("request_id", reply.request_id());
                    traced.record("http.response.status_code", reply.status.as_u16());
                    traced.record("request_id", reply.request_id());
                    tracing::debug!("answered");
                }
                Err(failure) => {
                    traced.record("failure", failure.word()).record("otel.status_code", "ERROR");
                    tracing::warn!(%failure, "no usable answer");
                }
            }
            result
        }
        .instrument(span)
        .await
    }

    async fn exchange_if_granted(&self, request: Request, time_limit: Duration) -> Result<Reply, Failure> {
        let Some(meter) = self.meter.as_ref().filter(|_| request.counted) else {
            return self.exchange_in_time(request, time_limit).await;
        };
        let (vendor, asked) = (request.vendor, Instant::now());
        // Whoever waits has sent nothing and is told so; half of the time is left for an answer.
        meter.grant(vendor, time_limit / 2).await.map_err(Failure::Denied)?;
        let left = time_limit.saturating_sub(asked.elapsed()).max(SHORTEST);
        let result = self.exchange_in_time(request, left).await;
        let fails = result.as_ref().map_or(true, |reply| reply.status.is_server_error());
        meter.ended(vendor, if fails { Health::Fails } else { Health::Answers }).await;
        result
    }

    async fn exchange_in_time(&self, request: Request, time_limit: Duration) -> Result<Reply, Failure> {
        tokio::time::timeout(time_limit, self.exchange(request))
            .await
            .unwrap_or_else(|_| Err(Failure::Unknown(format!("no answer within {time_limit:?}"))))
    }

    async fn exchange(&self, request: Request) -> Result<Reply, Failure> {
        let client = if is_loopback(&request.url) { &self.loopback } else { &self.outside };
        let mut builder = client.request(request.method, request.url).headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        let mut response = builder.send().await.map_err(classify)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > self.body_limit {
                return Err(Failure::Unknown(format!("the answer is larger than {} bytes", self.body_limit)));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, headers, body })
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}

impl Request {
    /// A request without body. `vendor` and `operation` name it in traces.
    pub fn new(vendor: &'static str, operation: &'static str, method: Method, url: Url) -> Self {
        Self { vendor, operation, method, url, headers: HeaderMap::new(), body: None, counted: true }
    }

    /// A request to a host that counts no calls.
    #[must_use]
    pub fn uncounted(mut self) -> Self {
        self.counted = false;
        self
    }

    /// Adds a pair to the address's query.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Adds a header that nothing ever shows, `Authorization` above all.
    #[must_use]
    pub fn secret_header(self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.header(name, value)
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn body(mut self, content_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.body = Some(bytes.into());
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("vendor", &self.vendor)
            .field("operation", &self.operation)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

impl Reply {
    /// A header as text, if it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The vendor's own id of the request, for its support.
    pub fn request_id(&self) -> Option<&str> {
        REQUEST_IDS.iter().find_map(|name| self.header(name))
    }

    /// `Retry-After` in seconds, as a number or until an instant. The instant is counted from the answer's own `Date`, for
    /// the vendor's clock and ours may differ; one that is past is now.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        let text = self.header("retry-after")?.trim();
        text.parse().ok().or_else(|| {
            let instant = |text: &str| DateTime::parse_from_rfc2822(text.trim()).ok();
            let wait: TimeDelta = instant(text)? - instant(self.header("date")?)?;
            u32::try_from(wait.num_seconds().max(0)).ok()
        })
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("status", &self.status).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

impl Failure {
    /// One word for traces: what it says may quote the vendor.
    const fn word(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "not_sent",
            Self::Denied(_) => "denied",
            Self::Unknown(_) => "unknown",
        }
    }

    /// The outcome of a write that failed so.
    pub fn of_write(self) -> Outcome {
        match self {
            Self::NotSent(detail) => Outcome::NotSent { cause: NotSent::Outage, detail, retry_after_seconds: None },
            Self::Denied(denied) => denied.into(),
            Self::Unknown(detail) => Outcome::Unknown { detail },
        }
    }

    /// The outcome of a read that failed so: it is simply repeated.
    pub fn of_read(self) -> Outcome {
        let (cause, detail) = match self {
            Self::NotSent(detail) => (NotSent::Outage, detail),
            Self::Denied(denied) => return denied.into(),
            Self::Unknown(detail) => (NotSent::Again, detail),
        };
        Outcome::NotSent { cause, detail, retry_after_seconds: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(detail) => write!(f, "not sent: {detail}"),
            Self::Denied(denied) => write!(f, "not sent: {}", denied.detail),
            Self::Unknown(detail) => write!(f, "outcome unknown: {detail}"),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Only a failed connection (name, refusal, TLS, its own time limit) and a request that could not be built prove that
/// nothing left. The URL is taken off the text: a query may hold personal data.
fn classify(error: reqwest::Error) -> Failure {
    let not_sent = error.is_connect() || error.is_builder();
    let error = error.without_url();
    let mut detail = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        detail = format!("{detail}: {cause}");
        source = cause.source();
    }
    if not_sent { Failure::NotSent(detail) } else { Failure::Unknown(detail) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::peer::{Peer, Play};
    use reqwest::header::AUTHORIZATION;

    const LIMIT: Duration = Duration::from_secs(5);

    fn get(peer: &Peer) -> Request {
        Request::new("test", "test.get", Method::GET, peer.url("/thing"))
    }

    #[tokio::test]
    async fn a_reply_of_any_status_is_handed_over_whole() {
        let peer = Peer::start([Play::reply(418, "text/plain", "short and stout")]).await;
        let reply = Http::new().expect("client").send(get(&peer), LIMIT).await.expect("a reply");
        assert_eq!((reply.status.as_u16(), reply.body.as_slice()), (418, b"short and stout".as_slice()));
        assert_eq!(reply.request_id(), Some("req-1"));
        let seen = peer.seen();
        assert!(seen[0].starts_with("GET /thing HTTP/1.1\r\n"), "{seen:?}");
        assert!(seen[0].contains(concat!("user-agent: attio-billing/", env!("CARGO_PKG_VERSION"))), "{seen:?}");
    }

    #[tokio::test]
    async fn a_refused_connection_was_provably_not_sent() {
        let url = Url::parse(&format!("http://127.0.0.1:{}/", Peer::closed_port().await)).expect("url");
        let request = Request::new("test", "test.get", Method::GET, url);
        let failure = Http::new().expect("client").send(request, LIMIT).await.expect_err("nobody listens");
        assert!(matches!(failure, Failure::NotSent(_)), "{failure}");
    }

    #[tokio::test]
    async fn a_host_that_speaks_no_tls_was_provably_not_sent_to() {
        let peer = Peer::start([Play::reply(200, "text/plain", "plain")]).await;
        let mut url = peer.url("/thing");
        url.set_scheme("https").expect("scheme");
        let request = Request::new("test", "test.get", Method::GET, url);
        let failure = Http::new().expect("client").send(request, LIMIT).await.expect_err("no TLS there");
        assert!(matches!(failure, Failure::NotSent(_)), "{failure}");
    }

    #[tokio::test]
    async fn silence_resets_and_cut_bodies_leave_the_outcome_unknown_and_are_sent_once() {
        for play in [Play::Silence, Play::Reset, Play::cut(200, "half of"), Play::cut(201, "")] {
            let peer = Peer::start([play.clone(), Play::reply(200, "text/plain", "never asked for")]).await;
            let failure = Http::new()
                .expect("client")
                .send(get(&peer), Duration::from_millis(300))
                .await
                .expect_err("no whole reply");
            assert!(matches!(failure, Failure::Unknown(_)), "{play:?}: {failure}");
            assert_eq!(peer.seen().len(), 1, "{play:?} was sent again");
        }
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_not_read_on() {
        let peer = Peer::start([Play::reply(200, "text/plain", "123456789")]).await;
        let http = Http { body_limit: 8, ..Http::new().expect("client") };
        let failure = http.send(get(&peer), LIMIT).await.expect_err("too large");
        assert_eq!(failure, Failure::Unknown("the answer is larger than 8 bytes".to_owned()));
    }

    /// `hello hello hello`, compressed.
    const GZIP: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201, 201, 87, 200, 64, 144, 0, 128, 136, 249, 229, 17, 0, 0, 0,
    ];

    fn gzipped(status: u16, bytes: &[u8]) -> Play {
        let head = format!(
            "HTTP/1.1 {status} Test\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            bytes.len()
        );
        Play::Bytes([head.as_bytes(), bytes].concat())
    }

    #[tokio::test]
    async fn compressed_bodies_are_read_and_limited_by_their_real_size() {
        let peer =
            Peer::start([gzipped(200, GZIP), gzipped(200, GZIP), gzipped(200, &GZIP[..14]), gzipped(404, b"")]).await;
        let http = Http::new().expect("client");
        assert_eq!(http.send(get(&peer), LIMIT).await.expect("a reply").body, b"hello hello hello");
        let small = Http { body_limit: 16, ..http.clone() };
        assert!(matches!(small.send(get(&peer), LIMIT).await, Err(Failure::Unknown(_))), "larger than the limit");
        assert!(matches!(http.send(get(&peer), LIMIT).await, Err(Failure::Unknown(_))), "cut off");
        let empty = http.send(get(&peer), LIMIT).await.expect("an empty body is a body");
        assert_eq!((empty.status.as_u16(), empty.body.len()), (404, 0));
    }

    #[tokio::test]
    async fn a_redirect_is_handed_over_and_not_followed() {
        let peer = Peer::start([Play::redirect("/elsewhere"), Play::reply(200, "text/plain", "elsewhere")]).await;
        let reply = Http::new().expect("client").send(get(&peer), LIMIT).await.expect("a reply");
        assert_eq!(reply.status.as_u16(), 302);
        assert_eq!(peer.seen().len(), 1);
    }

    #[test]
    fn a_wait_is_read_as_seconds_or_as_a_date_of_the_vendors_clock() {
        let wait = |after: &str, now: Option<&str>| {
            let mut headers = HeaderMap::from_iter([("retry-after", after)].map(pair));
            headers.extend(now.map(|now| pair(("date", now))));
            Reply { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Vec::new() }.retry_after_seconds()
        };
        let date = "Sat, 21 Nov 2026 10:00:05 GMT";
        assert_eq!(wait("7", None), Some(7));
        // Years off from our clock, and still four seconds.
        assert_eq!(wait(date, Some("Sat, 21 Nov 2026 10:00:01 GMT")), Some(4));
        assert_eq!(wait(date, Some("Sat, 21 Nov 2026 11:00:00 GMT")), Some(0), "already past");
        assert_eq!(wait(date, None), None);
        assert_eq!(wait("soon", None), None);
    }

    fn pair((name, value): (&'static str, &str)) -> (HeaderName, HeaderValue) {
        (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
    }

    #[test]
    fn nothing_secret_shows_in_debug_output() {
        let url = Url::parse("https://vendor.test/x?email=a%40example.org").expect("url");
        let request = Request::new("test", "test.get", Method::GET, url)
            .secret_header(AUTHORIZATION, HeaderValue::from_static("Basic c2VjcmV0"))
            .body("text/plain", "private");
        let shown = format!("{request:?}");
        assert!(!shown.contains("c2VjcmV0") && !shown.contains("private") && !shown.contains("example"), "{shown}");
    }

    #[test]
    fn a_failed_read_is_repeated_and_a_failed_write_is_not() {
        let unknown = Failure::Unknown("reset".to_owned());
        assert_eq!(unknown.clone().of_write().word(), "unknown");
        assert_eq!(unknown.of_read().word(), "not_sent");
        assert_eq!(Failure::NotSent("refused".to_owned()).of_write().word(), "not_sent");
    }
}
