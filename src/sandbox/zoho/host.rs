//! What Zoho's hosts have in common, whatever product they serve: how a token is given, and how JSON and a gateway's errors look.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

/// The access token of a request, under either of the schemes that Zoho takes.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let known = ["zoho-oauthtoken", "bearer"].contains(&scheme.to_ascii_lowercase().as_str());
    known.then(|| token.trim())
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], text).into_response()
}

/// The page of the proxy before a host, for the statuses that come from there.
pub(crate) fn gateway_page(status: StatusCode) -> Option<Response> {
    if !matches!(status.as_u16(), 502..=504) {
        return None;
    }
    let reason = status.canonical_reason().unwrap_or("Error");
    let page = format!("<html><head><title>{status}</title></head><body><h1>{reason}</h1></body></html>");
    Some((status, [(header::SERVER, "ZGS")], Html(page)).into_response())
}
