//! The private API's guard: a bearer token, compared in constant time.

use super::{App, Problem};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Lets a request pass that carries the token.
pub(super) async fn bearer(State(app): State<App>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .unwrap_or_default();
    // Digests have one length, so the comparison tells nothing about the token's.
    let fits = Sha256::digest(given).ct_eq(&Sha256::digest(app.admin_token.expose_secret())).into();
    if fits {
        return next.run(request).await;
    }
    let mut answer = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "this route needs a valid bearer token")
        .hint("send `Authorization: Bearer <ADMIN_TOKEN>`")
        .into_response();
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    answer
}
