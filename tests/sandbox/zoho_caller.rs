//! A caller of the simulated Zoho with an access token, as its own clients call it.

use crate::published;
use chrono::TimeDelta;
use reqwest::{Client, Method, StatusCode};
use sandbox::faults::{Fault, Kind, Vendor};
use sandbox::{World, server, zoho};
use serde_json::{Value, json};
use std::sync::{Arc, Once};
use tokio::net::TcpListener;

/// A sandbox that serves, and a caller with an access token.
pub(crate) struct Zoho {
    pub(crate) world: Arc<World>,
    pub(crate) client: Client,
    pub(crate) base: String,
    pub(crate) token: String,
}

/// An answer: its status, its text and the JSON in it.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
    pub(crate) json: Value,
}

impl Drop for Zoho {
    fn drop(&mut self) {
        published::hold_to(&self.world);
    }
}

impl Zoho {
    pub(crate) async fn start() -> Self {
        static TLS: Once = Once::new();
        TLS.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        let world = Arc::new(World::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(server::serve(listener, world.clone(), std::future::pending()));
        let mut zoho = Self { world, client: Client::new(), base, token: String::new() };
        zoho.renew_token().await;
        zoho
    }

    pub(crate) async fn tokens(&self, form: &[(&str, &str)]) -> Answer {
        let request = self.client.post(format!("{}/oauth/v2/token", self.base)).form(form);
        answer(request).await
    }

    pub(crate) async fn refresh(&self) -> Answer {
        let own = &self.world.credentials.zoho;
        self.tokens(&[
            ("grant_type", "refresh_token"),
            ("client_id", &own.client_id),
            ("client_secret", &own.client_secret),
            ("refresh_token", &own.refresh_token),
        ])
        .await
    }

    /// Takes a new access token: they live one hour.
    pub(crate) async fn renew_token(&mut self) {
        self.token = text(&self.refresh().await.json, "access_token");
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client
            .request(method, format!("{}/billing/v1{path}", self.base))
            .header("Authorization", format!("Zoho-oauthtoken {}", self.token))
            .header("X-com-zoho-subscriptions-organizationid", &self.world.credentials.zoho.organization_id)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        answer(self.request(Method::POST, path).body(body.to_owned())).await
    }

    pub(crate) async fn put(&self, path: &str, body: &str) -> Answer {
        answer(self.request(Method::PUT, path).body(body.to_owned())).await
    }

    pub(crate) fn staff(&self, act: &Value) -> Value {
        zoho::staff(&self.world, act).unwrap()
    }

    pub(crate) fn customer(&self, currency: &str) -> String {
        let act = json!({ "act": "create_customer", "display_name": "Ada", "email": "ada@example.com",
            "currency_code": currency });
        text(&self.staff(&act), "customer_id")
    }

    /// A customer, a plan of 50.00 a month and its subscription: the ids of customer, subscription and first invoice.
    pub(crate) async fn subscribed(&self) -> [String; 3] {
        self.staff(&json!({ "act": "create_plan", "plan_code": "plus", "name": "Plus", "price": 5000 }));
        let customer = self.customer("USD");
        let body = json!({ "customer_id": customer, "plan": { "plan_code": "plus" }, "auto_collect": false,
            "reference_id": "ab.sub.1" });
        let made = self.post("/subscriptions", &body.to_string()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let subscription = &made.json["subscription"];
        assert_eq!(subscription["status"], "live");
        [customer, text(subscription, "subscription_id"), text(subscription, "child_invoice_id")]
    }

    pub(crate) async fn pay(&self, customer: &str, invoice: &str, amount: &str, reference: &str) -> Answer {
        let body = format!(
            r#"{{"customer_id":"{customer}","payment_mode":"creditcard","amount":{amount},"date":"2026-11-21",
            "reference_number":"{reference}","invoices":[{{"invoice_id":"{invoice}","amount_applied":{amount}}}]}}"#
        );
        self.post("/payments", &body).await
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.world.clock.advance(by);
        zoho::tick(&self.world, self.world.clock.now());
    }

    pub(crate) fn order(&self, operation: &str, kind: Kind) {
        let operation = operation.to_owned();
        let fault = Fault { vendor: Vendor::Zoho, operation, kind, skip: 0, times: None, contains: None };
        self.world.faults.order(fault);
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, text, json }
}

pub(crate) fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no text `{field}` in {value}")).to_owned()
}

#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, code: i64) {
    assert_eq!((answer.status.as_u16(), answer.json["code"].as_i64()), (status, Some(code)), "{}", answer.text);
    assert!(answer.json["message"].is_string());
}
