//! How it is told: JSON by POST, readable as it is by what shows `text`, and by machines by `key` and `state`.

use super::findings::{Finding, Severity};
use chrono::{DateTime, Utc};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::time::Duration;

/// Who listens is given so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells on behalf of one installation.
pub struct Channel {
    http: reqwest::Client,
    installation: String,
}

impl Channel {
    /// A channel of this installation. Nothing is sent.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(installation: &str) -> Result<Self, String> {
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
        let http = http.map_err(|e| format!("the HTTP client of the alerts cannot be made: {e}"))?;
        Ok(Self { http, installation: installation.to_owned() })
    }

    /// Sends one message that says that nothing is wrong.
    ///
    /// # Errors
    /// It was not taken; the text says why.
    pub async fn try_out(&self, url: &SecretString, now: DateTime<Utc>) -> Result<(), String> {
        let finding = Finding {
            key: "test".to_owned(),
            severity: Severity::Note,
            text: "a test of the alerts: nothing is wrong".to_owned(),
            count: 0,
            page: "docs/ALERTS.md".to_owned(),
        };
        self.post(url, &finding, "resolved", now).await
    }

    /// Sends it; false where it was not taken.
    pub(super) async fn send(&self, url: &SecretString, finding: &Finding, state: &str, since: DateTime<Utc>) -> bool {
        match self.post(url, finding, state, since).await {
            Ok(()) => true,
            Err(why) => {
                tracing::error!(key = finding.key, why, "an alert was not taken; it is sent again");
                false
            }
        }
    }

    async fn post(
        &self,
        url: &SecretString,
        finding: &Finding,
        state: &str,
        since: DateTime<Utc>,
    ) -> Result<(), String> {
        let mark = if state == "resolved" { "over: " } else { "" };
        let body = json!({
            "text": format!("[{}] {mark}{}", self.installation, finding.text),
            "key": format!("attio-billing:{}:{}", self.installation, finding.key),
            "state": state,
            "severity": finding.severity,
            "count": finding.count,
            "since": since.to_rfc3339(),
            "page": finding.page,
        });
        self.answered(self.http.post(url.expose_secret()).json(&body)).await
    }

    /// A sign of life.
    pub(super) async fn beat(&self, url: &SecretString) {
        if let Err(why) = self.answered(self.http.get(url.expose_secret())).await {
            tracing::warn!(why, "the sign of life was not taken");
        }
    }

    /// The address is a secret: no error names it.
    async fn answered(&self, request: reqwest::RequestBuilder) -> Result<(), String> {
        let answer = request.send().await.map_err(|e| e.without_url().to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("the answer was {}", answer.status())) }
    }
}
