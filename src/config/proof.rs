//! With what checkpoints of the log are signed, and where they are published.

use super::{Checking, Environment, Faults, secret};
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;
use url::Url;

/// With what checkpoints of the log are signed, and where they are published.
#[derive(Debug, Clone, Default, Args)]
pub struct ProofSettings {
    /// Seed of the Ed25519 key that signs checkpoints of the log, 64 hexadecimal digits; unset: made from the secret key, but
    /// for production, which must say it
    #[arg(long, env = "CHECKPOINT_SIGNING_KEY", hide_env_values = true)]
    pub checkpoint_signing_key: Option<SecretString>,
    /// Seed of the key that comes after it, while it is taken into use; `keys rotate checkpoint` does that
    #[arg(long, env = "CHECKPOINT_NEXT_KEY", hide_env_values = true)]
    pub checkpoint_next_key: Option<SecretString>,
    /// Where checkpoints are published: a folder, or an https address that takes them by POST; outside the database's host.
    /// Required in production
    #[arg(long, env = "CHECKPOINT_SINK", hide_env_values = true)]
    pub checkpoint_sink: Option<SecretString>,
}

/// The checked settings.
#[derive(Debug, Clone, Default)]
pub struct ProofConfig {
    /// Seed of the signing key, in hexadecimal digits; none: made from the secret key.
    pub signing_key: Option<SecretString>,
    /// Seed of the one that comes after it; none: no change is under way.
    pub next_key: Option<SecretString>,
    /// Where checkpoints go; none: nowhere.
    pub sink: Option<SinkConfig>,
}

/// Where checkpoints are published.
#[derive(Debug, Clone)]
pub enum SinkConfig {
    /// A file in this folder, to which lines are only ever added.
    Folder(PathBuf),
    /// An address that may hold a secret.
    Address(SecretString),
}

impl ProofSettings {
    /// Checks them alone, for commands that need nothing else.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check_alone(self) -> Result<ProofConfig, Faults> {
        let mut faults = Checking::default();
        let config = self.check(Environment::Test, &mut faults);
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults.found)) }
    }

    pub(super) fn check(self, environment: Environment, faults: &mut Checking) -> ProofConfig {
        let production = environment == Environment::Production;
        let signing_key = secret("CHECKPOINT_SIGNING_KEY", self.checkpoint_signing_key, faults);
        let next_key = secret("CHECKPOINT_NEXT_KEY", self.checkpoint_next_key, faults);
        match &next_key {
            Some(key) if !is_seed(key) => faults.push(
                "CHECKPOINT_NEXT_KEY is not 64 hexadecimal digits: make one with `openssl rand -hex 32`".to_owned(),
            ),
            Some(next) if signing_key.as_ref().is_some_and(|key| key.expose_secret() == next.expose_secret()) => {
                faults.push("CHECKPOINT_NEXT_KEY is the same as CHECKPOINT_SIGNING_KEY: unset it".to_owned());
            }
            None | Some(_) => {}
        }
        match &signing_key {
            Some(key) if is_seed(key) => {}
            Some(_) => faults.push(
                "CHECKPOINT_SIGNING_KEY is not 64 hexadecimal digits: make one with `openssl rand -hex 32`".to_owned(),
            ),
            None if production => faults.push(
                "CHECKPOINT_SIGNING_KEY is not set: production signs its log; make one with `openssl rand -hex 32`"
                    .to_owned(),
            ),
            None => {}
        }
        let sink = secret("CHECKPOINT_SINK", self.checkpoint_sink, faults);
        if sink.is_none() && production {
            faults.push(
                "CHECKPOINT_SINK is not set: production publishes its checkpoints outside the database's host"
                    .to_owned(),
            );
        }
        ProofConfig { signing_key, next_key, sink: sink.and_then(|sink| read_sink(sink, production, faults)) }
    }
}

fn is_seed(key: &SecretString) -> bool {
    hex::decode(key.expose_secret()).is_ok_and(|seed| seed.len() == 32)
}

fn read_sink(sink: SecretString, production: bool, faults: &mut Vec<String>) -> Option<SinkConfig> {
    let text = sink.expose_secret();
    if !text.contains("://") {
        return Some(SinkConfig::Folder(PathBuf::from(text)));
    }
    match Url::parse(text) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && !production) => {
            Some(SinkConfig::Address(sink))
        }
        // The address may hold a secret: the fault does not repeat it.
        Ok(_) | Err(_) => {
            faults.push(
                "CHECKPOINT_SINK is neither a folder nor an https address: expected e.g. /mnt/proof or https://proof.example.com/…"
                    .to_owned(),
            );
            None
        }
    }
}
