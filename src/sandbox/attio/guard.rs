//! Who may call, how often, and the headers that every answer of Attio bears.

use super::errors::ApiError;
use crate::{World, faults::Vendor};
use axum::{
    Extension,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Per second, across the API (Attio's rate limit guide).
const READS: u32 = 100;
const WRITES: u32 = 25;

/// The token of `Authorization`: a bearer token, or the user name of basic authentication with an empty password.
pub(super) fn bearer(headers: &HeaderMap) -> Option<String> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let pair = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(rest.trim()).ok())??;
    String::from_utf8(pair).ok()?.strip_suffix(':').map(str::to_owned)
}

/// Lets a call through that has the key and is within the limits.
pub(super) async fn guard(Extension(world): Extension<Arc<World>>, request: Request, next: Next) -> Response {
    let known = bearer(request.headers()).as_deref() == Some(world.credentials.attio.api_key.as_str());
    let mut answer = if !known && request.uri().path() != "/v2/self" {
        ApiError::unauthorized().answer(world.clock.now())
    } else if world.limits_hold(Vendor::Attio) && over_limit(&world, &request) {
        ApiError::rate_limited().answer(world.clock.now())
    } else {
        next.run(request).await
    };
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        answer.headers_mut().insert("x-attio-execution-id", id);
    }
    answer
}

/// Counts the call in real time: the limits protect a server, whatever time its workspace believes in.
fn over_limit(world: &World, request: &Request) -> bool {
    let window = &mut world.attio.lock().expect("attio lock").window;
    if window.since.elapsed() >= Duration::from_secs(1) {
        (window.since, window.reads, window.writes) = (Instant::now(), 0, 0);
    }
    let reads = request.method() == Method::GET || request.uri().path().ends_with("/query");
    let (count, limit) = if reads { (&mut window.reads, READS) } else { (&mut window.writes, WRITES) };
    *count += 1;
    *count > limit
}
