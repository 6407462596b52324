//! Whom to tell when something is wrong.

use super::{Checking, Environment, Faults, secret};
use chrono::TimeDelta;
use clap::Args;
use lettre::message::{Mailbox, Mailboxes};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Whom to tell when something is wrong.
#[derive(Debug, Clone, Default, Args)]
pub struct WatchSettings {
    /// Where alerts are posted to, as JSON; production must name this or ALERT_MAIL
    #[arg(long, env = "ALERT_URL", hide_env_values = true)]
    pub alert_url: Option<SecretString>,
    /// Whom alerts are mailed to: addresses, separated by commas
    #[arg(long, env = "ALERT_MAIL")]
    pub alert_mail: Option<String>,
    /// Fetched each half minute while all is well: an outside service that misses it tells you; required in production
    #[arg(long, env = "HEARTBEAT_URL", hide_env_values = true)]
    pub heartbeat_url: Option<SecretString>,
    /// A vendor whose webhook is silent for so many hours is told; 0: never
    #[arg(long, env = "WEBHOOK_SILENCE_HOURS", default_value = "24")]
    pub webhook_silence_hours: u16,
}

/// The checked settings. The addresses hold secrets.
#[derive(Debug, Clone, Default)]
pub struct WatchConfig {
    /// Where alerts are posted to.
    pub alert_url: Option<SecretString>,
    /// Who gets them by mail; empty: nobody.
    pub alert_mail: Vec<Mailbox>,
    /// What is fetched while all is well.
    pub heartbeat_url: Option<SecretString>,
    /// A vendor that is silent for longer is told.
    pub silence: Option<TimeDelta>,
}

impl WatchSettings {
    /// Checks the addresses alone, for commands that need nothing else.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check_alone(self) -> Result<WatchConfig, Faults> {
        let mut faults = Checking::default();
        let config = self.check(Environment::Test, &mut faults);
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults.found)) }
    }

    pub(super) fn check(self, environment: Environment, faults: &mut Checking) -> WatchConfig {
        let hours = i64::from(self.webhook_silence_hours);
        let alert_mail = people(self.alert_mail.as_deref(), faults);
        let alert_url = address("ALERT_URL", self.alert_url, environment, faults);
        let heartbeat_url = address("HEARTBEAT_URL", self.heartbeat_url, environment, faults);
        if environment == Environment::Production {
            if alert_url.is_none() && alert_mail.is_empty() {
                faults.push(format!("ALERT_URL and ALERT_MAIL are {UNSET}"));
            }
            if heartbeat_url.is_none() {
                faults.push(format!("HEARTBEAT_URL is {UNSET}"));
            }
        }
        WatchConfig { alert_url, alert_mail, heartbeat_url, silence: (hours > 0).then(|| TimeDelta::hours(hours)) }
    }
}

const UNSET: &str = "not set: production must be able to tell that something is wrong";

fn people(given: Option<&str>, faults: &mut Vec<String>) -> Vec<Mailbox> {
    let given = given.map(str::trim).filter(|given| !given.is_empty());
    match given.map(str::parse::<Mailboxes>) {
        None => Vec::new(),
        Some(Ok(people)) => people.into_iter().collect(),
        Some(Err(_)) => {
            faults.push("ALERT_MAIL: expected e-mail addresses, separated by commas, e.g. ops@example.com".to_owned());
            Vec::new()
        }
    }
}

/// An address over which nobody else can listen in.
fn address(
    name: &str,
    given: Option<SecretString>,
    environment: Environment,
    faults: &mut Checking,
) -> Option<SecretString> {
    let url = secret(name, given, faults)?;
    let production = environment == Environment::Production;
    match Url::parse(url.expose_secret()) {
        Ok(parsed) if parsed.scheme() == "https" || (parsed.scheme() == "http" && !production) => Some(url),
        // The address is a secret: the fault does not repeat it.
        Ok(_) | Err(_) => {
            faults.push(format!("{name} is no https address: expected e.g. https://alerts.example.com/hook/…"));
            None
        }
    }
}
