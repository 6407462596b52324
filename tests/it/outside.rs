//! A service on stage as a stranger and an operator reach it: over HTTP, with the vendors' own signatures.

use crate::postgres::{TestDatabase, database};
use attio_billing::access::{Addresses, Holder, Role};
use attio_billing::demo::{Stage, StageOptions};
use attio_billing::store::tokens::{self, NewToken};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use sqlx::PgPool;
use std::time::Duration;

pub(crate) struct Outside {
    /// Boxed: it is large, and moves into what awaits its end.
    pub(crate) stage: Box<Stage>,
    pub(crate) http: reqwest::Client,
    pub(crate) token: String,
    /// What `demo --json` prints.
    pub(crate) shown: Value,
    database: TestDatabase,
}

/// What came in from one vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counts {
    pub(crate) received: u64,
    pub(crate) processed: u64,
    pub(crate) duplicate: u64,
    pub(crate) dead: u64,
    pub(crate) rejected: u64,
}

impl Outside {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut StageOptions)) -> Self {
        let database = database().await;
        let mut options = StageOptions::new(database.url().clone());
        change(&mut options);
        let stage = Box::new(Stage::start(&options).await.unwrap());
        let shown = stage.describe();
        let token = shown["admin_token"].as_str().unwrap().to_owned();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { stage, http, token, shown, database }
    }

    pub(crate) async fn end(self) {
        drop(self.end_but_database().await);
    }

    pub(crate) async fn end_but_database(self) -> TestDatabase {
        Box::pin(self.stage.end()).await;
        self.database
    }

    pub(crate) fn database_url(&self) -> &str {
        self.database.url().expose_secret()
    }

    pub(crate) async fn another_pool(&self) -> PgPool {
        self.database.pool().await
    }

    pub(crate) fn public(&self, path: &str) -> String {
        format!("http://{}{path}", self.stage.service().public)
    }

    pub(crate) fn private(&self, path: &str) -> String {
        format!("http://{}{path}", self.stage.service().private)
    }

    /// A call of the private API, with the token.
    pub(crate) fn api(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.private(&format!("/api/v1{path}"))).bearer_auth(&self.token)
    }

    /// A token for somebody of that role, as an admin would have given it.
    pub(crate) async fn token_of(&self, name: &str, holder: Holder, role: Role) -> String {
        let new = NewToken {
            name: name.to_owned(),
            holder,
            role,
            addresses: Addresses::default(),
            days: 30,
            reason: "tested".to_owned(),
            by: "shell:test".to_owned(),
        };
        let (_, secret) = tokens::create(self.stage.pool(), &new, false).await.unwrap();
        secret.expose_secret().to_owned()
    }

    /// A request to the private API with another token.
    pub(crate) fn api_as(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.private(&format!("/api/v1{path}"))).bearer_auth(token)
    }

    /// The answer of a read that must succeed.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let answer = self.api(Method::GET, path).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn counts(&self, vendor: &str) -> Counts {
        let summary: Value = self.get("/inbox/summary").await;
        serde_json::from_value(summary[vendor].clone()).unwrap()
    }

    /// The latest delivery of a vendor, once it was looked at: its state and the reason.
    pub(crate) async fn fate(&self, vendor: &str) -> (String, String) {
        let mut found = (String::new(), String::new());
        let told = self.stage.until("the delivery to be looked at", async || {
            let list: Value = self.get(&format!("/inbox/deliveries?vendor={vendor}&limit=1")).await;
            let last = &list["deliveries"][0];
            let text = |field: &str| last[field].as_str().unwrap_or_default().to_owned();
            found = (text("state"), text("reason"));
            Ok(!["", "received", "routed"].contains(&found.0.as_str()))
        });
        told.await.unwrap();
        found
    }

    fn secret(&self, name: &str) -> &str {
        self.shown["webhooks"][name].as_str().unwrap()
    }

    /// Zoho's: pairs of the query sorted, then the raw JSON body.
    pub(crate) fn zoho_signature(&self, query: &str, body: &[u8]) -> String {
        let json = body.trim_ascii_start().first().is_some_and(|b| matches!(b, b'{' | b'['));
        let form = if json { &[][..] } else { body };
        let mut pairs: Vec<_> =
            url::form_urlencoded::parse(query.as_bytes()).chain(url::form_urlencoded::parse(form)).collect();
        pairs.sort();
        let mut signed: Vec<u8> = pairs.iter().flat_map(|(k, v)| [k.as_bytes(), v.as_bytes()].concat()).collect();
        signed.extend_from_slice(if json { body } else { &[] });
        let mac = Hmac::<Sha256>::new_from_slice(self.secret("zoho_secret").as_bytes()).unwrap();
        hex::encode(mac.chain_update(signed).finalize().into_bytes())
    }

    pub(crate) async fn zoho(&self, body: impl Into<Vec<u8>>) -> Response {
        let body = body.into();
        let signature = self.zoho_signature("", &body);
        let request = self.http.post(self.public("/webhooks/zoho")).header("x-zoho-webhook-signature", signature);
        request.body(body).send().await.unwrap()
    }

    pub(crate) async fn attio(&self, key: &str, body: impl Into<Vec<u8>>) -> Response {
        let body = body.into();
        let mac = Hmac::<Sha256>::new_from_slice(self.secret("attio_secret").as_bytes()).unwrap();
        let signature = hex::encode(mac.chain_update(&body).finalize().into_bytes());
        let request = self.http.post(self.public("/webhooks/attio")).header("attio-signature", signature);
        request.header("idempotency-key", key).body(body).send().await.unwrap()
    }

    /// A form of Braintree around that payload, signed.
    pub(crate) fn braintree_form(&self, payload: &str) -> String {
        let key = Sha1::digest(self.secret("braintree_private_key"));
        let mac = Hmac::<Sha1>::new_from_slice(&key).unwrap();
        let signature = hex::encode(mac.chain_update(payload).finalize().into_bytes());
        let public = self.secret("braintree_public_key");
        let form = [("bt_signature", format!("{public}|{signature}")), ("bt_payload", payload.to_owned())];
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
    }

    pub(crate) async fn braintree(&self, xml: &[u8]) -> Response {
        let form = self.braintree_form(&format!("{}\n", STANDARD.encode(xml)));
        let request = self.http.post(self.public("/webhooks/braintree"));
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap()
    }
}

/// The problem document that an answer of that status must be.
pub(crate) async fn problem(answer: Response, status: StatusCode) -> Value {
    let kind = answer.headers().get("content-type").cloned();
    let (is, url) = (answer.status(), answer.url().clone());
    let text = answer.text().await.unwrap();
    assert_eq!(is, status, "{url}: {text}");
    assert_eq!(kind.unwrap(), "application/problem+json", "{url}");
    let told: Value = serde_json::from_str(&text).unwrap();
    for field in ["type", "title", "detail", "code"] {
        assert!(told[field].is_string(), "{field} is missing at {url}: {told}");
    }
    told
}
