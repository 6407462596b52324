//! The scripts for browsers that Braintree serves from its own hosts, simulated: a stand-in with the same calls, so that
//! the checkout's own code runs unchanged. Cards go from its frames to the client API; the page sees a nonce.

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

const SCRIPT: &str = "text/javascript; charset=utf-8";
const FILES: [(&str, &str, &str); 9] = [
    ("client.js", SCRIPT, include_str!("web/client.js")),
    ("hosted-fields.js", SCRIPT, include_str!("web/hosted-fields.js")),
    ("hosted-field.js", SCRIPT, include_str!("web/hosted-field.js")),
    ("hosted-field.html", "text/html; charset=utf-8", include_str!("web/hosted-field.html")),
    ("three-d-secure.js", SCRIPT, include_str!("web/three-d-secure.js")),
    ("issuer.js", SCRIPT, include_str!("web/issuer.js")),
    ("issuer.html", "text/html; charset=utf-8", include_str!("web/issuer.html")),
    ("issuer.css", "text/css; charset=utf-8", include_str!("web/issuer.css")),
    ("hosted-field.css", "text/css; charset=utf-8", include_str!("web/hosted-field.css")),
];
/// The frame's own: nothing from elsewhere, and the card goes nowhere but to this sandbox.
const POLICY: &str =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";

/// `GET /braintree-web/{file}`.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    let Some((_, kind, content)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // The real scripts may be loaded with subresource integrity, which asks for this.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, *content).into_response()
}
