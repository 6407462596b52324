//! The private API's door: who comes, by the token; and whether the role may enter by that route at all. Knows no token's
//! text for longer than the look-up takes, and lets in by no route that stands not in the table.

use super::{App, Problem};
use crate::access::{self, Actor, Denied, Route};
use crate::store::tokens::{Turned, authenticate};
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret, SecretString};
use std::net::{IpAddr, SocketAddr};
use tracing::Span;

/// Where the API is nested.
const BASE: &str = "/api/v1";

/// Lets a request pass whose token's role may enter; the handler finds the [`Actor`] among the request's extensions.
pub(super) async fn door(State(app): State<App>, mut request: Request, next: Next) -> Response {
    // The connection's own address: a header could be anybody's.
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let actor = match who(&app, bearer(&request), from).await {
        Ok(actor) => actor,
        Err(answer) => return answer,
    };
    Span::current().record("by", actor.name.as_str());
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    let path = path.strip_prefix(BASE).unwrap_or(&path);
    // What answers GET answers HEAD.
    let method = if request.method() == "HEAD" { "GET" } else { request.method().as_str() };
    match access::route(method, path) {
        Some(route) => match actor.may_enter(route) {
            Ok(()) => {
                request.extensions_mut().insert(actor);
                next.run(request).await
            }
            Err(denied) => refuse(&app, &denied).into_response(),
        },
        None => not_in_the_table(method, path),
    }
}

/// The token that a request carries.
fn bearer(request: &Request) -> Option<SecretString> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| SecretString::from(token.trim()))
}

async fn who(app: &App, text: Option<SecretString>, from: Option<IpAddr>) -> Result<Actor, Response> {
    let turned = |reason: &'static str, problem: Problem| {
        app.metrics.refused(reason);
        tracing::info!(reason, "a request was not let in");
        let mut answer = problem.into_response();
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        answer
    };
    let Some(text) = text else {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "this route needs a bearer token")
            .hint("send `Authorization: Bearer <token>`; an admin makes one with `attio-billing token create`");
        return Err(turned("missing", problem));
    };
    authenticate(&app.store.pool, text.expose_secret(), from).await.map_err(|why| match &why {
        Turned::Store(e) => Problem::store(e).into_response(),
        known => turned(known.word(), unauthorized(known)),
    })
}

fn unauthorized(why: &Turned) -> Problem {
    let (status, code, hint) = match why {
        Turned::Revoked => (StatusCode::UNAUTHORIZED, "token_revoked", "ask an admin for a new one"),
        Turned::Expired => (StatusCode::UNAUTHORIZED, "token_expired", "ask an admin for a new one"),
        Turned::Waiting => {
            (StatusCode::UNAUTHORIZED, "token_waiting", "another admin runs `attio-billing token approve <its id>`")
        }
        Turned::Address => {
            (StatusCode::FORBIDDEN, "wrong_address", "use it from an address of its list, or ask an admin for another")
        }
        Turned::Malformed | Turned::Unknown | Turned::Store(_) => {
            let hint = "send `Authorization: Bearer <token>`, whole, as it was shown when it was made";
            (StatusCode::UNAUTHORIZED, "unauthorized", hint)
        }
    };
    Problem::new(status, code, why.to_string()).hint(hint)
}

/// The role may not.
pub(super) fn refuse(app: &App, denied: &Denied) -> Problem {
    app.metrics.refused("role");
    tracing::info!(reason = "role", "a request was not let in");
    Problem::new(StatusCode::FORBIDDEN, "forbidden", denied.to_string()).hint(denied.hint())
}

/// A method that the path does not have; or a route that nobody put into the table, which nobody may use.
fn not_in_the_table(method: &str, path: &str) -> Response {
    let of = |route: &&Route| route.path == path;
    let methods: Vec<_> = access::ROUTES.iter().filter(of).map(|route| route.method).collect();
    let detail = format!("{method} is not possible at {BASE}{path}");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
        .hint("the answer's `Allow` header names what is");
    let mut answer = problem.into_response();
    if let Ok(allow) = HeaderValue::from_str(&methods.join(",")) {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}
