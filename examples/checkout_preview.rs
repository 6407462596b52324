//! The checkout page with scripted views, beside a simulated Braintree: to look at every state, and for the browser
//! tests of the page itself. No saga, no database, no money.
//!
//! `cargo run --example checkout_preview` prints one JSON line with the addresses. `/checkout/demo-NAME` shows a view of
//! that name, `/checkout/demo-NAME.x` one of its own; `/recorded/TOKEN` says what was submitted there.

#[path = "../tests/it/checkout_views.rs"]
mod views;

use async_trait::async_trait;
use attio_billing::checkout::{
    Advice, Authentication, CardNonce, Desk, Instrument, Page, Problem, Stage, Submission, View,
};
use attio_billing::config::{Script, Scripts};
use attio_billing::http::checkout::{Checkout, routes};
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use sandbox::{World, server};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// How often a page may ask before its payment is confirmed.
const ASKS: usize = 4;

/// Answers from the script: a submission leads to "confirming", then to "paid"; for `declines` to a decline.
struct Scripted {
    world: Arc<World>,
    client: reqwest::Client,
    links: Mutex<HashMap<String, Link>>,
}

#[derive(Default)]
struct Link {
    submitted: Vec<Value>,
    asked: usize,
}

/// `demo-quoted.1` is of the script `quoted`.
fn script(token: &str) -> Option<&str> {
    Some(token.strip_prefix("demo-")?.split('.').next().unwrap_or_default())
}

impl Scripted {
    fn stage(&self, token: &str, name: &str) -> Option<Stage> {
        let mut links = self.links.lock().expect("no holder panics");
        let link = links.get_mut(token).filter(|link| !link.submitted.is_empty())?;
        link.asked += 1;
        Some(match name {
            "declines" => Stage::Declined { advice: Advice::AnotherCard },
            "trial" | "free" => Stage::Started,
            _ if link.asked > ASKS => views::paid(),
            _ => Stage::Confirming,
        })
    }
}

#[async_trait]
impl Desk for Scripted {
    async fn view(&self, token: &str) -> Result<View, Problem> {
        let name = script(token).ok_or(Problem::Forged)?;
        if name == "unavailable" {
            return Err(Problem::Unavailable);
        }
        let view = views::named(name).ok_or(Problem::Forged)?;
        let stage = self.stage(token, name).unwrap_or_else(|| view.stage.clone());
        Ok(View { stage, ..view })
    }

    async fn opened(&self, _token: &str) {}

    async fn submit(&self, token: &str, submission: Submission) -> Result<View, Problem> {
        let (nonce, card) = match &submission.instrument {
            Instrument::Nonce { nonce, authenticated } => (Some((nonce, *authenticated)), None),
            Instrument::OnFile { id, authenticated } => (authenticated.as_ref().map(|nonce| (nonce, true)), Some(id)),
        };
        let seen = json!({
            "quote_hash": submission.quote_hash,
            "consent_version": submission.consent_version,
            "nonce": nonce.map(|(nonce, _)| nonce.expose_secret()),
            "authenticated": nonce.is_some_and(|(_, authenticated)| authenticated),
            "card_on_file": card,
            "ip": submission.ip,
            "user_agent": submission.user_agent,
        });
        self.links.lock().expect("no holder panics").entry(token.to_owned()).or_default().submitted.push(seen);
        self.view(token).await
    }

    async fn authentication(&self, token: &str, card_on_file: Option<&str>) -> Result<Authentication, Problem> {
        let quote = self.view(token).await?.quote.ok_or(Problem::Unavailable)?;
        let card = card_on_file
            .map(|_| CardNonce { nonce: SecretString::from("fake-valid-nonce"), bin: Some("411111".to_owned()) });
        Ok(Authentication { amount: quote.ceiling, email: Some("billing@example.org".to_owned()), card })
    }

    async fn client_token(&self, token: &str) -> Result<SecretString, Problem> {
        if script(token).is_none() {
            return Err(Problem::Forged);
        }
        let own = &self.world.credentials.braintree;
        let url = format!("{}/merchants/{}/client_token", self.world.base_url(), own.merchant_id);
        let request = self.client.post(url).basic_auth(&own.public_key, Some(&own.private_key));
        let answer = request.json(&json!({"client_token": {"version": 2}})).send().await;
        let text = answer.map_err(|_| Problem::Unavailable)?.text().await.map_err(|_| Problem::Unavailable)?;
        let value = text.split_once("<value>").and_then(|(_, rest)| rest.split_once("</value>"));
        value.map(|(value, _)| SecretString::from(value)).ok_or(Problem::Unavailable)
    }
}

async fn recorded(State(desk): State<Arc<Scripted>>, Path(token): Path<String>) -> Json<Value> {
    let links = desk.links.lock().expect("no holder panics");
    Json(links.get(&token).map_or_else(|| json!([]), |link| Value::from(link.submitted.clone())))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let world = Arc::new(World::default());
    let vendor = TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", vendor.local_addr()?);
    world.reached_at(base.clone());
    tokio::spawn(server::serve(vendor, Arc::clone(&world), std::future::pending()));

    let file = |name: &str| -> anyhow::Result<Script> {
        Ok(Script { url: format!("{base}/braintree-web/{name}.js").parse()?, integrity: None })
    };
    let scripts = Scripts {
        files: vec![file("client")?, file("hosted-fields")?],
        authentication: file("three-d-secure")?,
        real: false,
    };
    let page = Page::new(views::brand(), &scripts).map_err(anyhow::Error::msg)?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let desk = Arc::new(Scripted { world, client, links: Mutex::default() });
    let checkout = Checkout { desk: Arc::clone(&desk) as _, page: Arc::new(page), client_ip_header: None };
    let app = Router::new().route("/recorded/{token}", get(recorded)).with_state(desk).merge(routes(checkout));

    let address: SocketAddr = std::env::var("PREVIEW_LISTEN").as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let listener = TcpListener::bind(address).await?;
    let page_url = format!("http://{}", listener.local_addr()?);
    println!("{}", json!({"page_url": page_url, "braintree_url": base, "views": views::NAMES}));
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
