//! The routes of customers' pages, the checkout and the one for another card: the page behind a link, its state, its
//! submission, its files. Takes no card number, moves no saga: the desk does that.

use super::Problem as ApiProblem;
use crate::checkout::{ASSETS, Acceptance, Desk, Instrument, Page, Problem, Stage, Submission, View, policy};
use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Form, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use sagas::kernel::effect::LinkPage;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A submission is a nonce, two short words and the device data of the fraud tools.
const BODY_LIMIT: usize = 16 * 1024;
/// A header or field of a customer is kept to this length.
const TEXT_LIMIT: usize = 512;

/// What the routes need.
#[derive(Clone)]
pub struct Checkout {
    pub desk: Arc<dyn Desk>,
    pub page: Arc<Page>,
    /// See `CLIENT_IP_HEADER`.
    pub client_ip_header: Option<String>,
}

/// `/checkout/{token}` and what it loads from us. The caller's address is known where the listener serves with
/// `ConnectInfo<SocketAddr>`.
pub fn routes<S: Clone + Send + Sync + 'static>(checkout: Checkout) -> Router<S> {
    let assets = Router::new().route("/assets/checkout/{file}", get(asset)).with_state(checkout.clone());
    behind(LinkPage::Checkout, checkout).merge(assets)
}

/// `/card/{token}`, on which a customer gives another card. It loads what the checkout loads.
pub fn card_routes<S: Clone + Send + Sync + 'static>(card: Checkout) -> Router<S> {
    behind(LinkPage::Card, card)
}

/// A page behind a link, its state, its submission.
fn behind<S: Clone + Send + Sync + 'static>(page: LinkPage, checkout: Checkout) -> Router<S> {
    let path = format!("/{}/{{token}}", page.path());
    let acts = Router::new()
        .route(&format!("{path}/client-token"), post(client_token))
        .route(&format!("{path}/authentication"), post(authentication))
        .route(&path, post(submit))
        .route_layer(from_fn(same_origin));
    Router::new()
        .route(&path, get(show))
        .route(&format!("{path}/onward"), post(accept))
        .route(&format!("{path}/state"), get(state))
        .merge(acts)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .route_layer(from_fn_with_state(checkout.clone(), guarded))
        .with_state(checkout)
}

/// What the page of who collects adds to our address when the customer comes back.
#[derive(Deserialize)]
struct Back {
    hostedpage_id: Option<String>,
}

async fn show(
    State(checkout): State<Checkout>,
    Path(token): Path<String>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Response {
    let led = match back.hostedpage_id {
        Some(_) => checkout.desk.returned(&token).await.map(|()| None),
        None => checkout.desk.onward(&token).await,
    };
    match led {
        Ok(Some(address)) => Redirect::to(address.expose_secret()).into_response(),
        // What cannot be told now, the page says.
        Ok(None) | Err(_) => page(&checkout, &token, &headers).await,
    }
}

/// The body of a form: the customer agrees, and goes on to the page of who collects.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Agreement {
    quote_hash: String,
    consent_version: String,
    /// The box that is ticked; the browser sends it only then.
    consent: Option<String>,
}

/// The customer's word, after which the browser is sent on. Who has the link has the letter: nothing else is asked, and a
/// repeated press leads to the same page.
async fn accept(
    State(checkout): State<Checkout>,
    Path(token): Path<String>,
    connection: Option<ConnectInfoOf>,
    headers: HeaderMap,
    body: Result<Form<Agreement>, FormRejection>,
) -> Response {
    let Ok(Form(Agreement { quote_hash, consent_version, consent: Some(_) })) = body else {
        return problem(Problem::Refused("the box is not ticked".to_owned())).into_response();
    };
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let acceptance = Acceptance {
        quote_hash,
        consent_version,
        ip: caller(checkout.client_ip_header.as_deref(), &headers, connection.map(|c| c.0)),
        user_agent: user_agent.map(|text| text.chars().take(TEXT_LIMIT).collect()),
    };
    match checkout.desk.accept(&token, acceptance).await {
        Ok(Some(address)) => Redirect::to(address.expose_secret()).into_response(),
        Ok(None) => Redirect::to(&format!("/{}/{token}", LinkPage::Checkout.path())).into_response(),
        Err(_) => page(&checkout, &token, &headers).await,
    }
}

/// The page as it stands.
async fn page(checkout: &Checkout, token: &str, headers: &HeaderMap) -> Response {
    let browser = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let page = &checkout.page;
    let (status, policy, html) = match checkout.desk.view(token).await {
        Ok(view) => {
            checkout.desk.opened(token).await;
            let asks = matches!(view.stage, Stage::NeedsAuthentication);
            let policy = match (asks, &view.elsewhere) {
                (true, _) => page.authentication_policy(),
                (false, Some(_)) => page.leading_away_policy(),
                (false, None) => page.policy(),
            };
            (status_of(&view.stage), policy, page.view(&view, page.locale(view.locale.as_deref(), browser)))
        }
        Err(problem) => {
            (status_of_problem(&problem), page.policy(), page.problem(&problem, page.locale(None, browser)))
        }
    };
    match html {
        Ok(html) => {
            let headers =
                [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
            (status, headers, html).into_response()
        }
        Err(e) => {
            tracing::error!(error = %e, "the checkout page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// The state alone, for a page that waits.
async fn state(State(checkout): State<Checkout>, Path(token): Path<String>) -> Result<Response, ApiProblem> {
    let view = checkout.desk.view(&token).await.map_err(problem)?;
    Ok(brief(StatusCode::OK, &view))
}

/// The body of a submission: `nonce`, or `card_on_file`; where the customer `authenticated`, a card on file comes with the
/// nonce that was made from it. It has no `Debug`: a nonce is worth money.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    quote_hash: String,
    consent_version: String,
    nonce: Option<String>,
    card_on_file: Option<String>,
    #[serde(default)]
    authenticated: bool,
    device_data: Option<String>,
}

async fn submit(
    State(checkout): State<Checkout>,
    Path(token): Path<String>,
    connection: Option<ConnectInfoOf>,
    headers: HeaderMap,
    body: Result<Json<Body>, JsonRejection>,
) -> Result<Response, ApiProblem> {
    let Json(body) = body.map_err(|e| {
        ApiProblem::new(e.status(), "unreadable_body", "the submission is no JSON of this page, or longer than 16 KiB")
    })?;
    let nonce = body.nonce.filter(|nonce| !nonce.is_empty()).map(SecretString::from);
    let instrument = match (nonce, body.card_on_file, body.authenticated) {
        (Some(nonce), None, authenticated) => Instrument::Nonce { nonce, authenticated },
        (None, Some(id), false) => Instrument::OnFile { id, authenticated: None },
        (nonce @ Some(_), Some(id), true) => Instrument::OnFile { id, authenticated: nonce },
        _ => {
            let expected = "expected is either `nonce` or `card_on_file`, or both where it is `authenticated`";
            return Err(ApiProblem::field("nonce", expected));
        }
    };
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let submission = Submission {
        quote_hash: body.quote_hash,
        consent_version: body.consent_version,
        instrument,
        device_data: body.device_data,
        ip: caller(checkout.client_ip_header.as_deref(), &headers, connection.map(|c| c.0)),
        user_agent: user_agent.map(|text| text.chars().take(TEXT_LIMIT).collect()),
    };
    let view = checkout.desk.submit(&token, submission).await.map_err(problem)?;
    let status = if matches!(view.stage, Stage::Confirming) { StatusCode::ACCEPTED } else { StatusCode::OK };
    Ok(brief(status, &view))
}

async fn client_token(State(checkout): State<Checkout>, Path(token): Path<String>) -> Result<Response, ApiProblem> {
    let value = checkout.desk.client_token(&token).await.map_err(problem)?;
    Ok(Json(json!({"client_token": value.expose_secret()})).into_response())
}

/// Which card is authenticated: one on file, or the one that is entered.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    card_on_file: Option<String>,
}

async fn authentication(
    State(checkout): State<Checkout>,
    Path(token): Path<String>,
    body: Result<Json<Which>, JsonRejection>,
) -> Result<Response, ApiProblem> {
    let Json(which) =
        body.map_err(|e| ApiProblem::new(e.status(), "unreadable_body", "expected is `{}`, or a `card_on_file`"))?;
    let begun = checkout.desk.authentication(&token, which.card_on_file.as_deref()).await.map_err(problem)?;
    let card = begun.card.map(|card| json!({"nonce": card.nonce.expose_secret(), "bin": card.bin}));
    Ok(Json(json!({"amount": begun.amount.decimal(), "email": begun.email, "card": card})).into_response())
}

async fn asset(State(checkout): State<Checkout>, Path(file): Path<String>) -> Response {
    let known = ASSETS.iter().find(|asset| asset.name == file);
    let (kind, content) = match known {
        Some(asset) => (asset.content_type, asset.content.to_owned()),
        None if file == "brand.css" => ("text/css; charset=utf-8", checkout.page.brand_css().to_owned()),
        None if file == "icon.svg" => ("image/svg+xml", checkout.page.icon().to_owned()),
        None => return ApiProblem::not_found(format!("the checkout has no file `{file}`")).into_response(),
    };
    // The page names them with their version.
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, content).into_response()
}

/// The view for programs: the word of its stage, and the quote that stands.
fn brief(status: StatusCode, view: &View) -> Response {
    (status, Json(json!({"stage": view.stage.word(), "quote_hash": view.hash()}))).into_response()
}

fn status_of(stage: &Stage) -> StatusCode {
    match stage {
        Stage::Expired | Stage::Revoked => StatusCode::GONE,
        Stage::Quoted
        | Stage::Replaced
        | Stage::Declined { .. }
        | Stage::NeedsAuthentication
        | Stage::Confirming
        | Stage::LockedUntil { .. }
        | Stage::Paid(_)
        | Stage::Started
        | Stage::Active
        | Stage::Changed(_)
        | Stage::Preparing
        | Stage::Cancelled
        | Stage::Failed => StatusCode::OK,
    }
}

fn status_of_problem(problem: &Problem) -> StatusCode {
    match problem {
        Problem::Forged => StatusCode::NOT_FOUND,
        Problem::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Problem::Held | Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn problem(problem: Problem) -> ApiProblem {
    let status = status_of_problem(&problem);
    match problem {
        Problem::Forged => ApiProblem::not_found("there is no such checkout").hint("open the link from the message"),
        Problem::Refused(why) => ApiProblem::new(status, "submission_refused", why).hint("load the page again"),
        Problem::Held => ApiProblem::new(status, "checkout_held", "the checkout is closed for a few minutes")
            .hint("come back in a few minutes; nothing was charged"),
        Problem::Unavailable => ApiProblem::new(status, "checkout_unavailable", "the checkout cannot be reached")
            .hint("ask for the state in a few seconds; do not submit again"),
    }
}

/// The connection's address, where the listener tells it.
struct ConnectInfoOf(IpAddr);

impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for ConnectInfoOf {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| Self(info.0.ip())))
    }
}

/// Who calls: by our proxy's header, where one is configured, else by the connection. Of a list the last one, which our
/// proxy wrote; what stands before it came from outside.
fn caller(header: Option<&str>, headers: &HeaderMap, connection: Option<IpAddr>) -> Option<IpAddr> {
    match header {
        Some(name) => headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next()?.trim().parse().ok(),
        None => connection,
    }
}

/// Lets only our own page post: another site's form or script would carry another origin, and no JSON.
async fn same_origin(request: Request, next: Next) -> Response {
    let headers = request.headers();
    if !is_own(headers) {
        return ApiProblem::new(StatusCode::FORBIDDEN, "foreign_origin", "the request comes from another site")
            .hint("only the checkout page itself may post here")
            .into_response();
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().unwrap_or_default().trim() != "application/json" {
        let detail = "the body must be JSON, with the content type `application/json`";
        return ApiProblem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", detail).into_response();
    }
    next.run(request).await
}

/// Browsers of today say themselves whether a request is of the same origin; older ones name the origin, which must be
/// the host that was called. Who says neither is no browser with our page.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(HeaderName::from_static("sec-fetch-site")), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            host.is_some() && host == text(header::HOST)
        }
        (None, None) => false,
    }
}

/// The headers of every answer behind a link.
async fn guarded(State(checkout): State<Checkout>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let headers = answer.headers_mut();
    for (name, value) in policy::HEADERS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(checkout.page.policy()) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_a_request_of_our_own_page_is_ours() {
        for own in [
            headers(&[("sec-fetch-site", "same-origin"), ("origin", "https://pay.acme.test")]),
            headers(&[("origin", "https://pay.acme.test"), ("host", "pay.acme.test")]),
            headers(&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")]),
        ] {
            assert!(is_own(&own), "{own:?}");
        }
        for foreign in [
            headers(&[("sec-fetch-site", "cross-site")]),
            headers(&[("sec-fetch-site", "same-site"), ("origin", "https://pay.acme.test"), ("host", "pay.acme.test")]),
            headers(&[("origin", "https://evil.test"), ("host", "pay.acme.test")]),
            headers(&[("origin", "null"), ("host", "pay.acme.test")]),
            headers(&[("host", "pay.acme.test")]),
        ] {
            assert!(!is_own(&foreign), "{foreign:?}");
        }
    }

    #[test]
    fn the_last_address_of_our_proxys_header_is_the_callers() {
        let peer: IpAddr = "10.0.0.1".parse().expect("an address");
        let given = headers(&[("x-forwarded-for", "6.6.6.6, 203.0.113.9")]);
        assert_eq!(caller(None, &given, Some(peer)), Some(peer), "an unconfigured header proves nothing");
        assert_eq!(caller(Some("x-forwarded-for"), &given, Some(peer)), "203.0.113.9".parse().ok());
        assert_eq!(caller(Some("x-real-ip"), &given, Some(peer)), None);
    }
}
