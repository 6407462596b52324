//! The database that a command works on: the given one, or the embedded one.

use super::Exit;
use crate::store;
use crate::store::embedded::{self, Embedded};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

/// Which database.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DatabaseArgs {
    /// Postgres URL; unset: the private Postgres in the data folder, started where it does not run
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub(super) database_url: Option<SecretString>,
}

/// A database and, where it is the embedded one, the server behind it.
pub(super) struct Database {
    pub(super) url: SecretString,
    /// Keeps the embedded server running.
    pub(super) server: Option<Embedded>,
}

impl Database {
    /// The given database, or the embedded one.
    pub(super) async fn open(url: Option<SecretString>) -> Result<Self, Exit> {
        if let Some(url) = url {
            return Ok(Self { url, server: None });
        }
        let server = embedded::start(embedded::Options::default())
            .await
            .context("no DATABASE_URL is set, and the private Postgres cannot be started")?;
        Ok(Self { url: server.url().clone(), server: Some(server) })
    }

    /// A pool for looking and for leaving items; owns no shard.
    pub(super) async fn visit(&self) -> Result<PgPool, Exit> {
        Ok(store::open::visit(self.url.expose_secret()).await?)
    }
}
