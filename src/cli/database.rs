//! The database that a command works on: the given one, or the embedded one.

use super::Exit;
use crate::store;
use crate::store::embedded::{self, Embedded};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};
use std::time::Duration;

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
        // An empty variable is how a compose file says "unset".
        if let Some(url) = url.filter(|url| !url.expose_secret().is_empty()) {
            reach(&url).await?;
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

/// Connects once: a pool would hide why it cannot behind its own time-out.
async fn reach(url: &SecretString) -> Result<(), Exit> {
    let is_postgres = ["postgres://", "postgresql://"].iter().any(|scheme| url.expose_secret().starts_with(scheme));
    let options = url.expose_secret().parse::<PgConnectOptions>().ok().filter(|_| is_postgres).ok_or_else(|| {
        Exit::usage("DATABASE_URL is no Postgres URL, expected postgres://user:password@host:port/database")
    })?;
    let place = format!("{}:{}", options.get_host(), options.get_port());
    let why = match tokio::time::timeout(Duration::from_secs(10), PgConnection::connect_with(&options)).await {
        Ok(Ok(connection)) => {
            // It has served its purpose whether it closes in form or not.
            let _ = connection.close().await;
            return Ok(());
        }
        Ok(Err(e)) => e.to_string(),
        Err(_) => "no answer within 10 s".to_owned(),
    };
    Err(Exit::failure(anyhow::anyhow!("the database at {place} (DATABASE_URL) cannot be reached: {why}"))
        .hint("start that server or correct DATABASE_URL; unset it to use a private Postgres"))
}
