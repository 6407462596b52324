//! The sandbox's one listener: all vendors and the control API behind it.

use super::{World, attio, braintree, control, crm, deliver, desk, mailbox, zoho};
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, header},
    middleware::map_response_with_state,
    response::Response,
};
use std::{io, sync::Arc};
use tokio::net::TcpListener;

/// Serves until `shutdown` completes, then lets running calls end.
///
/// # Errors
/// When the listener's address cannot be read.
pub async fn serve(
    listener: TcpListener,
    world: Arc<World>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    world.reached_at(format!("http://{}", listener.local_addr()?));
    let closing = world.closing.clone();
    tokio::spawn(deliver::run(world.clone()));
    axum::serve(listener, router(world))
        .with_graceful_shutdown(async move {
            shutdown.await;
            closing.cancel();
        })
        .await
}

/// All routes. Bodies are limited where an operation reads them.
fn router(world: Arc<World>) -> Router {
    Router::new()
        .merge(attio::router())
        .merge(zoho::router())
        .merge(crm::router())
        .merge(desk::router())
        .merge(braintree::router())
        .merge(control::router())
        .merge(mailbox::router())
        .layer(map_response_with_state(world.clone(), date))
        .layer(DefaultBodyLimit::disable())
        .layer(Extension(world.clone()))
        .with_state(world)
}

/// The vendors' clocks are the sandbox's, so their `Date` is too.
async fn date(State(world): State<Arc<World>>, mut answer: Response) -> Response {
    let now = world.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(now) = HeaderValue::from_str(&now) {
        answer.headers_mut().insert(header::DATE, now);
    }
    answer
}

/// How to reach every vendor in this sandbox and with which credentials: sandbox values, made to be shown.
pub fn description(base: &str, world: &World) -> serde_json::Value {
    let own = &world.credentials;
    serde_json::json!({
        "braintree": {
            "base_url": base,
            "merchant_id": own.braintree.merchant_id,
            "public_key": own.braintree.public_key,
            "private_key": own.braintree.private_key,
        },
        "zoho": {
            "accounts_url": base,
            "api_url": base,
            "desk_url": base,
            "organization_id": own.zoho.organization_id,
            "desk_organization_id": own.zoho.desk_organization_id,
            "desk_department_id": crate::desk::DEPARTMENT,
            "client_id": own.zoho.client_id,
            "client_secret": own.zoho.client_secret,
            "refresh_token": own.zoho.refresh_token,
            "webhook_secret": own.zoho.webhook_secret,
        },
        "attio": { "base_url": base, "api_key": own.attio.api_key },
        "mail": mailbox::description(base, world),
        "control_url": format!("{base}/control"),
    })
}
