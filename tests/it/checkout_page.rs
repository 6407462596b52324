//! The checkout page over HTTP, without a browser: states, headers, who may post. `tests/browser` has the rest.

use crate::checkout_views as views;
use async_trait::async_trait;
use attio_billing::checkout::{
    Authentication, CardNonce, Desk, Instrument, Locale, Page, Problem, Stage, Submission, View,
};
use attio_billing::config::{Script, Scripts};
use attio_billing::http::checkout::{Checkout, routes};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use sandbox::{World, server};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tower::ServiceExt;

/// Shows the view that its token names; keeps what was submitted.
#[derive(Default)]
struct Scripted {
    submitted: Mutex<Vec<Submission>>,
}

#[async_trait]
impl Desk for Scripted {
    async fn view(&self, token: &str) -> Result<View, Problem> {
        match token {
            "held" => Err(Problem::Held),
            "unavailable" => Err(Problem::Unavailable),
            name => views::named(name).ok_or(Problem::Forged),
        }
    }

    async fn opened(&self, _token: &str) {}

    async fn submit(&self, token: &str, submission: Submission) -> Result<View, Problem> {
        if submission.consent_version != "2026-01" {
            return Err(Problem::Refused("the consent is of another version than the page's".to_owned()));
        }
        let view = self.view(token).await?;
        self.submitted.lock().unwrap().push(submission);
        Ok(View { stage: Stage::Confirming, ..view })
    }

    async fn client_token(&self, token: &str) -> Result<SecretString, Problem> {
        self.view(token).await.map(|_| SecretString::from("a client token"))
    }

    async fn authentication(&self, token: &str, card_on_file: Option<&str>) -> Result<Authentication, Problem> {
        let view = self.view(token).await?;
        let Some(quote) = view.quote.filter(|_| matches!(view.stage, Stage::NeedsAuthentication)) else {
            return Err(Problem::Refused("no bank wants anything on this page now".to_owned()));
        };
        let nonce =
            |id| CardNonce { nonce: SecretString::from(format!("nonce of {id}")), bin: Some("411111".to_owned()) };
        Ok(Authentication {
            amount: quote.ceiling,
            email: Some("ada@example.org".to_owned()),
            card: card_on_file.map(nonce),
        })
    }
}

struct House {
    desk: Arc<Scripted>,
    routes: Router,
}

fn page() -> Page {
    page_with("http://127.0.0.1:4000/braintree-web", false)
}

fn page_with(folder: &str, real: bool) -> Page {
    let script = |name: &str| Script { url: format!("{folder}/{name}.js").parse().unwrap(), integrity: None };
    let scripts = Scripts { files: vec![script("client")], authentication: script("three-d-secure"), real };
    Page::new(views::brand(), &scripts).unwrap()
}

impl House {
    fn new() -> Self {
        Self::with(page())
    }

    fn with(page: Page) -> Self {
        let desk = Arc::new(Scripted::default());
        let checkout = Checkout { desk: desk.clone(), page: Arc::new(page), client_ip_header: None };
        Self { desk, routes: routes(checkout) }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.routes.clone().oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        read(self.send(Request::get(path).body(Body::empty()).unwrap()).await).await
    }

    /// A post as the page's own script sends it.
    async fn post(&self, path: &str, body: &Value) -> (StatusCode, String) {
        read(self.send(own_post(path).body(Body::from(body.to_string())).unwrap()).await).await
    }
}

fn own_post(path: &str) -> axum::http::request::Builder {
    Request::post(path).header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/json")
}

async fn read(answer: Response<Body>) -> (StatusCode, String) {
    let (parts, body) = answer.into_parts();
    (parts.status, String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap())
}

fn submission() -> Value {
    json!({"quote_hash": "9f2c4be1a0", "consent_version": "2026-01", "nonce": "tokencc_x"})
}

#[tokio::test]
async fn every_state_has_a_page_in_every_language() {
    let page = page();
    for name in views::NAMES {
        let view = views::named(name).unwrap();
        for locale in Locale::ALL {
            let html = page.view(&view, locale).unwrap();
            assert!(html.contains(&format!("<html lang=\"{}\">", locale.tag())), "{name}");
            assert!(html.contains(&format!("data-stage=\"{}\"", view.stage.word())), "{name}");
            assert!(html.contains("billing@northwind.example"), "{name}: a way to reach a person");
            assert!(!html.contains("style=\"") && !html.contains("onclick") && !html.contains("<script>"), "{name}");
            let gap = html.find('{').map(|at| &html[at..(at + 40).min(html.len())]);
            assert_eq!(gap, None, "{name} {locale:?}: a gap was not filled");
        }
    }
    for problem in [Problem::Forged, Problem::Unavailable, Problem::Refused("why".to_owned())] {
        for locale in Locale::ALL {
            assert!(page.problem(&problem, locale).unwrap().contains("billing@northwind.example"));
        }
    }
}

#[tokio::test]
async fn the_page_for_another_card_says_what_is_on_file_and_owed_before_any_card_field() {
    let house = House::new();
    let (status, html) = house.get("/checkout/card-owed").await;
    assert_eq!(status, StatusCode::OK);
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("`{text}` is not on the page"));
    let card = at("id=\"card-number\"");
    for text in ["Visa •••• 4242", "€128.50", "charged to the new card as soon as it is confirmed", "id=\"consent\""]
    {
        assert!(at(text) < card, "{text}");
    }
    at("Use this card and pay €128.50");
    at("data-quote-hash=\"3c1d5a77e0\"");
    let (_, html) = house.get("/checkout/card").await;
    assert!(html.contains("Nothing is charged now") && !html.contains("id=\"owed\""), "{html}");
    let (_, html) = house.get("/checkout/card-changed").await;
    assert!(html.contains("•••• 4444") && html.contains("•••• 4242") && !html.contains("card-number"), "{html}");
}

#[tokio::test]
async fn the_price_today_and_at_renewal_stands_before_any_card_field() {
    let (status, html) = House::new().get("/checkout/quoted").await;
    assert_eq!(status, StatusCode::OK);
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("`{text}` is not on the page"));
    let card = at("id=\"card-number\"");
    for text in ["€583.10", "€93.10", "€642.60", "21 December 2026", "id=\"consent\""] {
        assert!(at(text) < card, "{text} stands behind the card fields");
    }
    assert!(at("Pay €583.10") > card);
}

#[tokio::test]
async fn a_name_with_markup_stays_a_name() {
    let evil = "<script>alert(1)</script>\" onload=\"";
    let mut view = views::named("quoted").unwrap();
    view.customer = evil.to_owned();
    let quote = view.quote.as_mut().unwrap();
    quote.hash = evil.to_owned();
    quote.lines[0].text = evil.to_owned();
    let html = page().view(&view, Locale::En).unwrap();
    assert!(!html.contains("<script>") && !html.contains("\" onload"), "{html}");
}

#[tokio::test]
async fn links_that_lead_nowhere_say_so_with_their_status() {
    let house = House::new();
    for (token, status, says) in [
        ("expired", StatusCode::GONE, "This link has expired"),
        ("revoked", StatusCode::GONE, "no longer valid"),
        ("no-such-link", StatusCode::NOT_FOUND, "This link does not work"),
        ("held", StatusCode::SERVICE_UNAVAILABLE, "back in a few minutes"),
        ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "cannot show this page"),
    ] {
        let (got, html) = house.get(&format!("/checkout/{token}")).await;
        assert_eq!(got, status, "{token}");
        assert!(html.contains(says) && html.contains("billing@northwind.example"), "{token}: {html}");
        assert!(!html.contains("id=\"pay\""), "{token} asks for a card");
    }
}

#[tokio::test]
async fn every_answer_behind_a_link_carries_the_strict_headers() {
    let house = House::new();
    for path in ["/checkout/quoted", "/checkout/no-such-link", "/checkout/quoted/state"] {
        let answer = house.send(Request::get(path).body(Body::empty()).unwrap()).await;
        let text = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let policy = text("content-security-policy").unwrap();
        for part in ["default-src 'none'", "script-src 'self' http://127.0.0.1:4000;", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(text("referrer-policy").as_deref(), Some("no-referrer"));
        assert_eq!(text("cache-control").as_deref(), Some("no-store"));
        assert_eq!(text("x-content-type-options").as_deref(), Some("nosniff"));
    }
}

#[tokio::test]
async fn the_customers_language_wins_over_the_browsers() {
    let house = House::new();
    let german = |path: &'static str| Request::get(path).header(header::ACCEPT_LANGUAGE, "fr, de;q=0.8, en;q=0.5");
    let (_, html) = read(house.send(german("/checkout/quoted").body(Body::empty()).unwrap()).await).await;
    assert!(html.contains("Heute fällig") && html.contains("583,10\u{a0}€"), "the browser's");
    let english = Request::get("/checkout/german").header(header::ACCEPT_LANGUAGE, "en");
    let (_, html) = read(house.send(english.body(Body::empty()).unwrap()).await).await;
    assert!(html.contains("<html lang=\"de\">"), "the customer's");
}

#[tokio::test]
async fn a_submission_reaches_the_desk_and_is_confirming() {
    let house = House::new();
    let (status, text) = house.post("/checkout/quoted", &submission()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(said, json!({"stage": "confirming", "quote_hash": "9f2c4be1a0"}));
    let submitted = house.desk.submitted.lock().unwrap();
    let Instrument::Nonce { nonce, authenticated: false } = &submitted[0].instrument else { panic!("no nonce") };
    assert_eq!(nonce.expose_secret(), "tokencc_x");
    assert!(!format!("{:?}", submitted[0]).contains("tokencc_x"), "a nonce is not for logs");
}

#[tokio::test]
async fn only_where_a_bank_wants_3_d_secure_its_script_is_loaded_and_its_frame_let_in() {
    let house = House::with(page_with("https://js.braintreegateway.com/web/3.144.0/js", true));
    for (name, wanted) in [("authentication", true), ("quoted", false), ("declined", false), ("paid", false)] {
        let answer = house.send(Request::get(format!("/checkout/{name}")).body(Body::empty()).unwrap()).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert_eq!(policy.contains(" https:;"), wanted, "{name}: {policy}");
        let (_, html) = read(answer).await;
        assert_eq!(html.contains("three-d-secure.js"), wanted, "{name}");
        assert_eq!(html.contains("data-authenticate="), wanted, "{name}");
        assert!(!html.contains("ada@example.org"), "{name}: the address stands on no page");
    }
    let (_, html) = house.get("/checkout/authentication").await;
    assert!(html.contains("Your bank wants you to confirm this payment"), "{html}");
}

#[tokio::test]
async fn what_3_d_secure_is_begun_with_is_given_where_a_bank_wants_it_and_nowhere_else() {
    let house = House::new();
    let (status, text) = house.post("/checkout/authentication/authentication", &json!({})).await;
    let given: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (status, given),
        (StatusCode::OK, json!({"amount": "583.10", "email": "ada@example.org", "card": null}))
    );
    let on_file = json!({"card_on_file": "pm-1"});
    let (_, text) = house.post("/checkout/authentication/authentication", &on_file).await;
    let given: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(given["card"], json!({"nonce": "nonce of pm-1", "bin": "411111"}));
    for name in ["quoted", "paid", "locked"] {
        let (status, text) = house.post(&format!("/checkout/{name}/authentication"), &on_file).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {text}");
    }
    let foreign = Request::post("/checkout/authentication/authentication")
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/json");
    assert_eq!(house.send(foreign.body(Body::from("{}")).unwrap()).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_authenticated_card_on_file_comes_with_the_nonce_that_was_made_from_it() {
    let house = House::new();
    let mut body = submission();
    body["authenticated"] = json!(true);
    assert_eq!(house.post("/checkout/authentication", &body).await.0, StatusCode::ACCEPTED);
    body["card_on_file"] = json!("pm-1");
    assert_eq!(house.post("/checkout/authentication", &body).await.0, StatusCode::ACCEPTED);
    body["nonce"] = Value::Null;
    assert_eq!(house.post("/checkout/authentication", &body).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let submitted = house.desk.submitted.lock().unwrap();
    assert!(matches!(submitted[0].instrument, Instrument::Nonce { authenticated: true, .. }));
    let Instrument::OnFile { id, authenticated: Some(nonce) } = &submitted[1].instrument else { panic!("no nonce") };
    assert_eq!((id.as_str(), nonce.expose_secret()), ("pm-1", "tokencc_x"));
    assert!(!format!("{submitted:?}").contains("tokencc_x"), "a nonce is not for logs");
}

#[tokio::test]
async fn what_another_site_posts_is_refused() {
    let house = House::new();
    let body = || Body::from(submission().to_string());
    let foreign = Request::post("/checkout/quoted")
        .header("sec-fetch-site", "cross-site")
        .header(header::CONTENT_TYPE, "application/json");
    assert_eq!(house.send(foreign.body(body()).unwrap()).await.status(), StatusCode::FORBIDDEN);
    let form = Request::post("/checkout/quoted")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "text/plain");
    assert_eq!(house.send(form.body(body()).unwrap()).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let silent = Request::post("/checkout/quoted/client-token").header(header::CONTENT_TYPE, "application/json");
    assert_eq!(house.send(silent.body(Body::from("{}")).unwrap()).await.status(), StatusCode::FORBIDDEN);
    assert!(house.desk.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_bad_submission_says_what_is_wrong_and_reaches_nobody() {
    let house = House::new();
    let with = |key: &str, value: Value| {
        let mut body = submission();
        body[key] = value;
        body
    };
    let number = json!("4111111111111111");
    for (body, status, says) in [
        (with("card_on_file", json!("pm-1")), StatusCode::UNPROCESSABLE_ENTITY, "either"),
        (with("nonce", json!("")), StatusCode::UNPROCESSABLE_ENTITY, "either"),
        (with("number", number), StatusCode::UNPROCESSABLE_ENTITY, "no JSON of this page"),
        (with("consent_version", json!("2020-01")), StatusCode::UNPROCESSABLE_ENTITY, "another version"),
        (with("device_data", json!("x".repeat(16 * 1024))), StatusCode::PAYLOAD_TOO_LARGE, "16 KiB"),
    ] {
        let (got, text) = house.post("/checkout/quoted", &body).await;
        assert_eq!(got, status, "{text}");
        assert!(text.contains(says), "{text}");
        assert!(!text.contains("4111"), "an answer repeats what was sent: {text}");
    }
    assert_eq!(house.post("/checkout/no-such-link", &submission()).await.0, StatusCode::NOT_FOUND);
    assert!(house.desk.submitted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_pages_own_files_are_served_and_kept() {
    let house = House::new();
    let (_, html) = house.get("/checkout/quoted").await;
    let files: Vec<_> = html.split('"').filter(|part| part.starts_with("/assets/checkout/")).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        let answer = house.send(Request::get(file).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"), "{file}");
    }
    for nothing in ["/assets/checkout/secret.txt", "/favicon.ico"] {
        assert_eq!(house.get(nothing).await.0, StatusCode::NOT_FOUND, "{nothing}");
    }
}

#[tokio::test]
async fn the_sandbox_serves_the_stand_ins_of_braintrees_scripts() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/braintree-web", listener.local_addr().unwrap());
    tokio::spawn(server::serve(listener, Arc::new(World::default()), std::future::pending()));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for (file, kind) in
        [("client.js", "text/javascript"), ("hosted-fields.js", "text/javascript"), ("hosted-field.html", "text/html")]
    {
        let answer = client.get(format!("{base}/{file}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{file}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(kind), "{file}");
        assert!(answer.headers().contains_key("content-security-policy"), "{file}");
    }
    assert_eq!(client.get(format!("{base}/mod.rs")).send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
