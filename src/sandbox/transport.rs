//! Every call passes here: it is counted under its operation's name, and the transport faults on order are played.
//!
//! It knows HTTP only. What a refusal looks like is the vendor's business (each vendor's `refusal`), and so are faults
//! that change what is done rather than what the caller learns of it (declines, a late index).

use super::{
    World, attio, braintree, crm, desk,
    exchanges::{Answered, Exchange},
    faults::{Kind, Said, Vendor},
    zoho,
};
use axum::{
    Extension,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use chrono::{DateTime, Utc};
use futures::{FutureExt, StreamExt, stream};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The largest request that is read.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
/// How long a connection is held when the caller does not give up by itself.
const HOLD: Duration = Duration::from_mins(2);

/// All operations that some router was built with. Names are part of the program, not of a world, hence global.
static OPERATIONS: Mutex<BTreeSet<(Vendor, &str)>> = Mutex::new(BTreeSet::new());

/// Names an operation: its calls are counted, and faults can be ordered for it.
pub fn op(vendor: Vendor, name: &'static str, routes: MethodRouter<Arc<World>>) -> MethodRouter<Arc<World>> {
    self::name(vendor, name);
    routes.route_layer(from_fn(move |Extension(world): Extension<Arc<World>>, request: Request, next: Next| {
        play(world, vendor, name, request, next)
    }))
}

/// Names an operation that does not come over HTTP: whoever carries it out counts it and plays its faults.
pub(super) fn name(vendor: Vendor, name: &'static str) {
    OPERATIONS.lock().expect("operations lock").insert((vendor, name));
}

/// The operations of a vendor, sorted.
pub fn operations(vendor: Vendor) -> Vec<&'static str> {
    let all = OPERATIONS.lock().expect("operations lock");
    all.iter().filter(|(of, _)| *of == vendor).map(|(_, name)| *name).collect()
}

/// How often each operation was called, faults included.
#[derive(Debug, Default)]
pub struct Calls {
    counts: Mutex<BTreeMap<Vendor, BTreeMap<&'static str, u64>>>,
}

impl Calls {
    pub(super) fn count(&self, vendor: Vendor, operation: &'static str) {
        *self.counts.lock().expect("calls lock").entry(vendor).or_default().entry(operation).or_default() += 1;
    }

    /// The counts so far.
    pub fn list(&self) -> BTreeMap<Vendor, BTreeMap<&'static str, u64>> {
        self.counts.lock().expect("calls lock").clone()
    }

    /// Starts again from zero.
    pub fn clear(&self) {
        self.counts.lock().expect("calls lock").clear();
    }
}

async fn play(world: Arc<World>, vendor: Vendor, operation: &'static str, request: Request, next: Next) -> Response {
    world.calls.count(vendor, operation);
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let text = format!("{}\n{}", parts.uri, String::from_utf8_lossy(&body));
    let latency = world.faults.strike(vendor, operation, &text, |kind| matches!(kind, Kind::Latency { .. }));
    let fault = world.faults.strike(vendor, operation, &text, Kind::is_transport);
    let number = world.exchanges.keep(Exchange {
        number: 0,
        at: world.clock.now(),
        vendor,
        operation,
        method: parts.method.clone(),
        target: parts.uri.to_string(),
        request: body.clone(),
        fault: fault.clone(),
        answer: None,
    });
    let request = |parts, body| Request::from_parts(parts, Body::from(body));
    if fault == Some(Kind::Twice) {
        next.clone().run(request(parts.clone(), body.clone())).await;
    }
    let call = kept(&world, number, next.run(request(parts, body)));
    let answer = answer(&world, vendor, fault, call).await;
    if let Some(Kind::Latency { ms }) = latency {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    answer
}

/// Runs the call and keeps its answer, before any fault spoils it.
async fn kept(world: &World, number: u64, call: impl Future<Output = Response> + Send) -> Response {
    let (parts, body) = call.await.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return hang_up() };
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let answer = Answered { status: parts.status, content_type: content_type.to_owned(), body: body.clone() };
    world.exchanges.answered(number, answer);
    Response::from_parts(parts, Body::from(body))
}

/// Runs the call, or not, and spoils its answer as the fault says.
async fn answer(
    world: &World,
    vendor: Vendor,
    fault: Option<Kind>,
    call: impl Future<Output = Response> + Send,
) -> Response {
    let now = world.clock.now();
    match fault {
        Some(Kind::TimeoutBefore) => hold(world).await,
        Some(Kind::TimeoutAfter) => {
            call.await;
            hold(world).await
        }
        Some(Kind::ResetBefore) => hang_up(),
        Some(Kind::ResetAfter) => {
            call.await;
            hang_up()
        }
        Some(Kind::CutAfter) => cut(call.await).await,
        Some(Kind::Alter { replace }) => alter(call.await, &replace).await,
        Some(Kind::StatusAfter { status }) => {
            call.await;
            refusal(vendor, Said::Status(status), now)
        }
        // What was done twice has run once by now; what is left concerns what is done, and its handler asks for it.
        other => match other.as_ref().and_then(Kind::said) {
            Some(said) => refusal(vendor, said, now),
            None => call.await,
        },
    }
}

/// The vendor's own words for a refusal; a vendor that has none answers the bare status.
fn refusal(vendor: Vendor, said: Said<'_>, now: DateTime<Utc>) -> Response {
    let own = match vendor {
        Vendor::Attio => attio::refusal(said, now),
        Vendor::Zoho => Some(zoho::refusal(said)),
        Vendor::ZohoCrm => Some(crm::refusal(said)),
        Vendor::ZohoDesk => Some(desk::refusal(said)),
        Vendor::Braintree => braintree::refusal(said),
        // Speaks SMTP, and plays its faults itself.
        Vendor::Mail => None,
    };
    own.unwrap_or_else(|| {
        let status = match said {
            Said::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Said::RateLimit | Said::DailyQuota => StatusCode::TOO_MANY_REQUESTS,
            Said::Code(_) => StatusCode::BAD_REQUEST,
        };
        status.into_response()
    })
}

/// Says nothing until the caller leaves (then this future is dropped), the sandbox ends, or [`HOLD`] is over.
async fn hold(world: &World) -> Response {
    tokio::select! {
        () = tokio::time::sleep(HOLD) => {}
        () = world.closing.cancelled() => {}
    }
    hang_up()
}

/// Closes the connection without a byte: a body that fails at once makes hyper drop the connection before the buffered
/// head is flushed.
fn hang_up() -> Response {
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(broken()) })))
}

/// The answer with other words in it. One that is no text stays as it is.
async fn alter(answer: Response, replace: &BTreeMap<String, String>) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else { return hang_up() };
    let Ok(mut text) = String::from_utf8(whole.to_vec()) else { return Response::from_parts(parts, Body::from(whole)) };
    for (from, to) in replace {
        text = text.replace(from, to);
    }
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(text))
}

/// Sends the head, with its true length, and half of the body, then closes the connection.
async fn cut(answer: Response) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else { return hang_up() };
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    // The pause lets hyper flush the first half; without it the failure would swallow the head as well.
    let failure = tokio::time::sleep(Duration::from_millis(20)).map(|()| Err(broken()));
    Response::from_parts(parts, Body::from_stream(stream::iter([Ok(half)]).chain(stream::once(failure))))
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "fault on order: the connection is closed")
}
