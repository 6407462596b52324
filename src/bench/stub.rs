//! The vendor of the measurement: answers every call at once, and refuses those that shall be refused. Runs in a process of
//! its own, so that its processor time is not ours.

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

/// Serves until the process ends.
///
/// # Errors
/// The listener fails.
pub async fn serve(listener: TcpListener) -> std::io::Result<()> {
    axum::serve(listener, Router::new().route("/{kind}/{step}/{saga}", post(answer))).await
}

async fn answer(Path((kind, _, _)): Path<(String, String, String)>) -> StatusCode {
    if kind == "f" { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}
