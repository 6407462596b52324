//! The service over HTTP: a public listener (webhooks, liveness) and a private one (API, readiness).
//!
//! A handler never calls a vendor: it verifies, stores and answers, or reads what is stored. The one exception is the
//! client token of the card fields, which is made fresh for each page and cannot be kept.

pub mod api;
mod auth;
mod cancel;
pub mod checkout;
mod health;
mod metrics;
mod problem;
mod traced;
mod webhooks;

use crate::clock::Clock;
use crate::engine::Engine;
use crate::intake::{Acts, Intake};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::secrets::Secrets;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
pub use cancel::CancelPage;
pub use checkout::Checkout;
pub use problem::Problem;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::trace::TraceLayer;

/// What the handlers need.
#[derive(Clone)]
pub struct App {
    /// Everything stored.
    pub store: Store,
    /// To be woken when something came.
    pub engine: Arc<Engine>,
    /// Takes orders of activations.
    pub acts: Arc<Acts>,
    /// Counts deliveries, and knows what the engine counted.
    pub metrics: Metrics,
    /// Business time.
    pub clock: Arc<dyn Clock>,
    /// Seals what people hand in.
    pub secrets: Secrets,
}

/// Nothing inside a request takes longer.
const REQUEST_LIMIT: Duration = Duration::from_secs(15);

/// The public routes.
pub fn public(app: App, intake: Arc<Intake>, desk: Checkout, card: Checkout, cancel: CancelPage) -> Router {
    let routes = Router::new()
        .route("/healthz", get(health::live))
        .merge(webhooks::routes(intake, app.metrics.clone()))
        .merge(checkout::routes(desk))
        .merge(checkout::card_routes(card))
        .merge(cancel::routes(cancel));
    around(routes).with_state(app)
}

/// Nothing but the webhooks, as the public listener serves them.
pub fn webhooks(intake: Arc<Intake>, metrics: Metrics) -> Router {
    around(webhooks::routes(intake, metrics)).with_state(())
}

/// The private routes.
pub fn private(app: App) -> Router {
    let api = api::router().layer(from_fn(traced::traced)).layer(from_fn_with_state(app.clone(), auth::door));
    let routes = Router::new()
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .nest("/api/v1", api);
    around(routes).with_state(app)
}

/// What every route gets: an id, a trace, a limit, an answer for what does not exist.
fn around<S: Clone + Send + Sync + 'static>(routes: Router<S>) -> Router<S> {
    let id = HeaderName::from_static("x-request-id");
    routes
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            tracing::error!("a request made the service panic");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the service failed on this request")
                .hint("the cause is in the service's log under this answer's x-request-id")
                .into_response()
        }))
        .layer(from_fn(in_time))
        .layer(TraceLayer::new_for_http().make_span_with(|request: &axum::http::Request<_>| {
            // The path only: a query may name a customer.
            let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
            tracing::info_span!("http.request", method = %request.method(), path = shown(request.uri().path()), id,
                by = tracing::field::Empty)
        }))
        .layer(PropagateRequestIdLayer::new(id.clone()))
        .layer(SetRequestIdLayer::new(id, MakeRequestUuid))
}

/// A path as a log may show it: the token of a link opens the page.
fn shown(path: &str) -> &str {
    match path {
        _ if path.starts_with("/checkout/") => "/checkout/…",
        _ if path.starts_with("/card/") => "/card/…",
        _ => path,
    }
}

async fn no_such_route(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
        .hint("the private listener lists what there is at /api/v1/openapi.json")
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not possible at {}", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        .hint("the answer's `Allow` header names what is")
}

/// Ends a request that takes too long, e.g. one whose body does not come.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        let seconds = REQUEST_LIMIT.as_secs();
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "timed_out", format!("the request was not done within {seconds} s"))
            .hint("try again; a webhook that was stored meanwhile has one effect")
            .into_response()
    })
}
