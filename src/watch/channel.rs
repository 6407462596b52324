//! How it is told: JSON by POST, readable as it is by what shows `text`, and by machines by `key` and `state`; or a mail, all
//! of one cause in one thread.

use super::findings::{Finding, Severity};
use crate::mail::{Mailer, MessageId, Note};
use crate::tls;
use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use reqwest::redirect::Policy;
use sagas::kernel::outcome::Outcome;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Who listens is given so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// One way to people.
pub enum Way {
    /// JSON is posted there; the address is a secret.
    Post(SecretString),
    /// A mail to each of them.
    Mail(Arc<Mailer>, Vec<Mailbox>),
}

/// What is told about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Open,
    Resolved,
}

impl Told {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Open => "",
            Self::Resolved => "over: ",
        }
    }
}

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
        tls::choose();
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
        let http = http.map_err(|e| format!("the HTTP client of the alerts cannot be made: {e}"))?;
        Ok(Self { http, installation: installation.to_owned() })
    }

    /// Sends one message that says that nothing is wrong.
    ///
    /// # Errors
    /// It was not taken; the text says why.
    pub async fn try_out(&self, way: &Way, now: DateTime<Utc>) -> Result<(), String> {
        let finding = Finding {
            key: "test".to_owned(),
            severity: Severity::Note,
            text: "a test of the alerts: nothing is wrong".to_owned(),
            count: 0,
            page: "docs/ALERTS.md".to_owned(),
        };
        self.told(way, &finding, Told::Resolved, now).await
    }

    /// Tells it; false where it was not taken.
    pub(super) async fn send(&self, way: &Way, finding: &Finding, told: Told, since: DateTime<Utc>) -> bool {
        match self.told(way, finding, told, since).await {
            Ok(()) => true,
            Err(why) => {
                tracing::error!(key = finding.key, why, "an alert was not taken; it is sent again");
                false
            }
        }
    }

    async fn told(&self, way: &Way, finding: &Finding, told: Told, since: DateTime<Utc>) -> Result<(), String> {
        match way {
            Way::Post(url) => self.post(url, finding, told, since).await,
            Way::Mail(mailer, to) => self.mail(mailer, to, finding, told, since).await,
        }
    }

    fn key(&self, finding: &Finding) -> String {
        format!("attio-billing:{}:{}", self.installation, finding.key)
    }

    async fn post(
        &self,
        url: &SecretString,
        finding: &Finding,
        told: Told,
        since: DateTime<Utc>,
    ) -> Result<(), String> {
        let body = json!({
            "text": format!("[{}] {}{}", self.installation, told.mark(), finding.text),
            "key": self.key(finding),
            "state": told.as_str(),
            "severity": finding.severity,
            "count": finding.count,
            "since": since.to_rfc3339(),
            "page": finding.page,
        });
        self.answered(self.http.post(url.expose_secret()).json(&body)).await
    }

    async fn mail(
        &self,
        mailer: &Mailer,
        to: &[Mailbox],
        finding: &Finding,
        told: Told,
        since: DateTime<Utc>,
    ) -> Result<(), String> {
        let plain: String =
            self.key(finding).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let id = |left: String| MessageId::new(&format!("{left}@{}", mailer.domain()));
        let note = Note {
            message_id: id(format!("alert.{}", Uuid::now_v7().simple()))?,
            thread: id(format!("{plain}.{}", since.timestamp()))?,
            subject: format!("[{}] {}{}", self.installation, told.mark(), finding.key),
            text: format!(
                "{}{}\n\nSince: {} UTC\nRead on: {}\n",
                told.mark(),
                finding.text,
                since.format("%Y-%m-%d %H:%M:%S"),
                finding.page
            ),
        };
        match mailer.tell(to, &note).await.outcome {
            Outcome::Done { .. } => Ok(()),
            // Told twice is better than not told.
            Outcome::NotSent { detail, .. } | Outcome::Unknown { detail } => Err(detail),
            Outcome::Rejected { rejection } => Err(format!("{}: {}", rejection.code, rejection.message)),
            Outcome::Declined { decline } => Err(decline.text),
        }
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
