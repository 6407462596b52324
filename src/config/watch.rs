//! Whom to tell when something is wrong.

use super::{Environment, Faults, secret};
use chrono::TimeDelta;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Whom to tell when something is wrong.
#[derive(Debug, Clone, Default, Args)]
pub struct WatchSettings {
    /// Where alerts are posted to, as JSON; required in production
    #[arg(long, env = "ALERT_URL", hide_env_values = true)]
    pub alert_url: Option<SecretString>,
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
        let mut faults = Vec::new();
        let config = self.check(Environment::Test, &mut faults);
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
    }

    pub(super) fn check(self, environment: Environment, faults: &mut Vec<String>) -> WatchConfig {
        let hours = i64::from(self.webhook_silence_hours);
        WatchConfig {
            alert_url: address("ALERT_URL", self.alert_url, environment, faults),
            heartbeat_url: address("HEARTBEAT_URL", self.heartbeat_url, environment, faults),
            silence: (hours > 0).then(|| TimeDelta::hours(hours)),
        }
    }
}

/// An address over which nobody else can listen in; in production there must be one.
fn address(
    name: &str,
    given: Option<SecretString>,
    environment: Environment,
    faults: &mut Vec<String>,
) -> Option<SecretString> {
    let given = secret(name, given, faults);
    let production = environment == Environment::Production;
    let Some(url) = given else {
        if production {
            faults.push(format!("{name} is not set: production must be able to tell that something is wrong"));
        }
        return None;
    };
    match Url::parse(url.expose_secret()) {
        Ok(parsed) if parsed.scheme() == "https" || (parsed.scheme() == "http" && !production) => Some(url),
        // The address is a secret: the fault does not repeat it.
        Ok(_) | Err(_) => {
            faults.push(format!("{name} is no https address: expected e.g. https://alerts.example.com/hook/…"));
            None
        }
    }
}
