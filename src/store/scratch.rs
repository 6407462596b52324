//! A database that is made, copied, set back and dropped: for tests, and for the rehearsal of a recovery. Never the real one.

use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use url::Url;

/// Why something was not done with it.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// The URL is none.
    #[error("it is no Postgres URL, expected postgres://user:password@host:port/database")]
    Url,
    /// The server does not take it, or cannot be reached.
    #[error(transparent)]
    Server(#[from] sqlx::Error),
}

/// A database that may be copied and set back. It is reached through another one on the same server.
#[derive(Debug, Clone)]
pub struct Scratch {
    url: SecretString,
    name: String,
    server: SecretString,
}

impl Scratch {
    /// That database, which exists; the server's own `postgres` is the other one.
    ///
    /// # Errors
    /// The URL is none.
    pub fn of(url: &SecretString) -> Result<Self, ScratchError> {
        let mut server: Url = url.expose_secret().parse().map_err(|_| ScratchError::Url)?;
        let name = server.path().trim_start_matches('/').to_owned();
        server.set_path("/postgres");
        Ok(Self { url: url.clone(), name, server: SecretString::from(server.to_string()) })
    }

    /// Makes a database of that name on the server that is reached there.
    ///
    /// # Errors
    /// It cannot be made.
    pub async fn create(server: &SecretString, name: &str) -> Result<Self, ScratchError> {
        let mut url: Url = server.expose_secret().parse().map_err(|_| ScratchError::Url)?;
        url.set_path(name);
        let scratch = Self { url: SecretString::from(url.to_string()), name: name.to_owned(), server: server.clone() };
        scratch.on_server(&[format!("create database {name}")]).await?;
        Ok(scratch)
    }

    /// Its URL.
    pub const fn url(&self) -> &SecretString {
        &self.url
    }

    /// Keeps it as it is now.
    ///
    /// # Errors
    /// The server does not take it.
    pub async fn back_up(&self) -> Result<(), ScratchError> {
        let name = &self.name;
        self.on_server(&[self.alone(), format!("create database {name}_b template {name}")]).await
    }

    /// Sets it back to what was kept.
    ///
    /// # Errors
    /// The server does not take it.
    pub async fn restore(&self) -> Result<(), ScratchError> {
        let name = &self.name;
        self.on_server(&[
            self.alone(),
            format!("drop database {name} with (force)"),
            format!("alter database {name}_b rename to {name}"),
        ])
        .await
    }

    /// Removes it, and what was kept of it.
    ///
    /// # Errors
    /// The server does not take it.
    pub async fn drop(self) -> Result<(), ScratchError> {
        let name = &self.name;
        self.on_server(&[
            format!("drop database if exists {name}_b with (force)"),
            format!("drop database if exists {name} with (force)"),
        ])
        .await
    }

    fn alone(&self) -> String {
        format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{}'", self.name)
    }

    async fn on_server(&self, statements: &[String]) -> Result<(), ScratchError> {
        let mut connection = PgConnection::connect(self.server.expose_secret()).await?;
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await?;
        }
        Ok(connection.close().await?)
    }
}
