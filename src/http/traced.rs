//! A span for each request to the private API that was let in. A caller that traces, too, names its own span, and finds
//! ours under it.

use crate::trace;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

/// Handles the request in its span.
pub(super) async fn traced(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let caller = request.headers().get("traceparent").and_then(|value| value.to_str().ok());
    let span = trace::request(request.method().as_str(), &route, caller);
    let answer = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", answer.status().as_u16());
    answer
}
