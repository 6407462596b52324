//! A client of the control API, for those who play with the sandbox: the demo and the tests.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::time::Duration;

/// Talks to the control API of a sandbox.
#[derive(Debug, Clone)]
pub struct Remote {
    http: reqwest::Client,
    control_url: String,
}

/// A call on the control API failed: what was asked and what came back.
#[derive(Debug, thiserror::Error)]
#[error("sandbox {what}: {why}")]
pub struct RemoteError {
    what: String,
    why: String,
}

impl Remote {
    /// A client for this control URL (`http://host:port/control`).
    pub fn new(control_url: &str) -> Self {
        // A second installation of the provider is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { http: reqwest::Client::new(), control_url: control_url.trim_end_matches('/').to_owned() }
    }

    /// What was really charged, paid and written at every vendor.
    pub async fn books(&self) -> Result<Value, RemoteError> {
        self.ask("GET /books", self.http.get(self.url("/books"))).await
    }

    /// Orders faults: one object or a list.
    pub async fn order_faults(&self, faults: &Value) -> Result<(), RemoteError> {
        self.ask("POST /faults", self.http.post(self.url("/faults")).json(faults)).await.map(drop)
    }

    /// Takes all faults back.
    pub async fn clear_faults(&self) -> Result<(), RemoteError> {
        self.ask("DELETE /faults", self.http.delete(self.url("/faults"))).await.map(drop)
    }

    /// Moves the clock by an ISO 8601 duration, e.g. `PT2M` or `P3D`.
    pub async fn advance(&self, duration: &str) -> Result<(), RemoteError> {
        self.ask("POST /clock", self.http.post(self.url("/clock")).json(&json!({"advance": duration}))).await.map(drop)
    }

    /// The sandbox's present.
    pub async fn now(&self) -> Result<DateTime<Utc>, RemoteError> {
        let answer = self.ask("GET /clock", self.http.get(self.url("/clock"))).await?;
        let now = answer["now"].as_str().and_then(|t| DateTime::parse_from_rfc3339(t).ok());
        now.map(|t| t.to_utc())
            .ok_or_else(|| RemoteError { what: "GET /clock".to_owned(), why: format!("no time in {answer}") })
    }

    /// Plays an act of a person at a vendor's console; answers the ids made.
    pub async fn staff(&self, act: &Value) -> Result<Value, RemoteError> {
        self.ask(&format!("POST /staff {}", act["act"]), self.http.post(self.url("/staff")).json(act)).await
    }

    /// Orders about webhooks.
    pub async fn webhooks(&self, order: &Value) -> Result<Value, RemoteError> {
        self.ask("POST /webhooks", self.http.post(self.url("/webhooks")).json(order)).await
    }

    /// The last requests to the vendors and their answers, oldest first.
    pub async fn exchanges(&self) -> Result<Vec<Value>, RemoteError> {
        self.exchanges_after(0).await
    }

    /// Of those the ones with a higher number.
    pub async fn exchanges_after(&self, number: u64) -> Result<Vec<Value>, RemoteError> {
        let all = self.ask("GET /exchanges", self.http.get(self.url(&format!("/exchanges?after={number}")))).await?;
        Ok(all.as_array().cloned().unwrap_or_default())
    }

    /// How to reach every vendor, with the sandbox's credentials.
    pub async fn description(&self) -> Result<Value, RemoteError> {
        self.ask("GET /description", self.http.get(self.url("/description"))).await
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.control_url)
    }

    async fn ask(&self, what: &str, request: reqwest::RequestBuilder) -> Result<Value, RemoteError> {
        let fail = |why: String| RemoteError { what: what.to_owned(), why };
        let answer =
            request.timeout(Duration::from_secs(30)).send().await.map_err(|e| fail(e.without_url().to_string()))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|e| fail(e.without_url().to_string()))?;
        if !status.is_success() {
            return Err(fail(format!("{status}: {text}")));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|e| fail(format!("{e}: {text}")))
    }
}
