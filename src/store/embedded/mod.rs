//! The private Postgres that runs when no `DATABASE_URL` is given: for trying the program out, and for its tests.
//!
//! It runs the server binaries found on the machine (or fetched once) in a data folder, on a free port of the loopback
//! address, guarded by a generated password. The server lives as long as a process that uses it: the starter and all
//! that joined hold the writing end of a pipe, and when the last of them is gone, in whatever way, it shuts down.
//!
//! Refuses to be a production database: no backups, no replicas, no access from other machines. Refuses to run as root:
//! started by root, the server runs as an unprivileged user.

mod binaries;
#[cfg(feature = "fetch-postgres")]
mod fetch;
mod folder;
mod process;
mod server;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection};
use tokio::time::Instant;

use folder::Folder;
use server::Server;

/// The one role of the private server, and the name of the database that [`Embedded::url`] names.
const ROLE: &str = "attio_billing";

/// How the private server is run. The default finds everything by itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The data folder; without it the variable `ATTIO_BILLING_DATA`, else the user's data folder (as root
    /// `/var/lib/attio-billing`), else one under the temp folder. The server keeps to a folder `postgres` in it.
    pub folder: Option<PathBuf>,
    /// The folder of `postgres` and `initdb`; without it the variable `ATTIO_BILLING_POSTGRES_BIN`, else they are looked
    /// for on the machine.
    pub binaries: Option<PathBuf>,
    /// What a power cut may cost.
    pub durability: Durability,
}

/// What a power cut may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed.
    #[default]
    Full,
    /// The whole cluster: for tests, which are faster when nothing waits for the disk. A killed server loses nothing.
    Relaxed,
}

/// Why there is no private server.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// Neither on the machine nor from the network.
    #[error(
        "no Postgres server found: looked in {looked}; {fetch}\n\
         hint: set DATABASE_URL to a Postgres 14 or newer; or install a server (Debian: `apt install postgresql`, macOS: \
         `brew install postgresql`) or allow the download from github.com, and start again"
    )]
    NoServer {
        /// The places searched.
        looked: String,
        /// Why none was fetched.
        fetch: String,
    },
    /// A cluster can only be opened by the major version that made it.
    #[error(
        "the cluster in {folder} was made by Postgres {cluster}, but the server in {binaries} is Postgres {server}\n\
         hint: install Postgres {cluster} (or name its binaries in {variable}), or move the folder away to begin with an \
         empty database", variable = binaries::BINARIES_VARIABLE
    )]
    Version {
        /// The server's folder.
        folder: PathBuf,
        /// The major version that made the cluster.
        cluster: u32,
        /// Where the server was found.
        binaries: PathBuf,
        /// The server's major version.
        server: u32,
    },
    /// The folder cannot be used as it is.
    #[error("cannot use the folder {folder}: {problem}\nhint: {variable} names another data folder",
        variable = folder::DATA_VARIABLE)]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The cluster could not be made.
    #[error("initdb could not make a cluster in {folder}: {said}")]
    Initdb {
        /// The server's folder.
        folder: PathBuf,
        /// What initdb said.
        said: String,
    },
    /// The server did not come up, or did not go down.
    #[error("the private Postgres in {folder} {problem}\nhint: its log is in {folder}/log and {folder}/start.log")]
    Server {
        /// The server's folder.
        folder: PathBuf,
        /// What happened.
        problem: String,
    },
    /// The operating system refused something.
    #[error("cannot {act}")]
    Io {
        /// What was tried, and on what.
        act: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The server answered with an error.
    #[error("the private Postgres refused")]
    Database(#[from] sqlx::Error),
}

/// Gives an operating-system error the act and the place that it belongs to.
fn doing(act: &str, place: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let act = format!("{act} {}", place.display());
    move |source| EmbeddedError::Io { act, source }
}

/// A deadline that is waited for in short ticks.
#[derive(Debug, Clone, Copy)]
struct Patience(Instant);

impl Patience {
    const TICK: Duration = Duration::from_millis(20);

    fn of(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// Waits a tick; false when the deadline has passed.
    async fn tick(self) -> bool {
        tokio::time::sleep(Self::TICK).await;
        !self.is_over()
    }
}

/// A private server in use. Dropping it lets go of the server, which stops when its last user has let go.
#[derive(Debug)]
pub struct Embedded {
    url: SecretString,
    server: Server,
}

/// Starts the private server, or joins the one that runs in the folder already.
pub async fn start(options: Options) -> Result<Embedded, EmbeddedError> {
    let folder = Folder::open(options.folder.as_deref())?;
    let lock = folder.lock().await?;
    let server = if let Some(server) = Server::join(&folder).await? {
        tracing::info!(folder = %folder.root().display(), port = server.port(), "joined the running database");
        server
    } else {
        let wanted = folder.cluster_major()?;
        let binaries = binaries::find(options.binaries.as_deref(), &folder, wanted).await?;
        if wanted.is_none() {
            folder.make_cluster(&binaries, options.durability).await?;
        }
        tracing::info!(folder = %folder.root().display(), major = binaries.major, "starting the database");
        let server = Server::launch(&folder, &binaries, options.durability).await?;
        tracing::info!(port = server.port(), "the database answers");
        server
    };
    let login = Login { port: server.port(), password: folder.password()? };
    let mut maintenance = login.connect("postgres").await?;
    create_if_missing(&mut maintenance, ROLE).await?;
    maintenance.close().await?;
    drop(lock);
    Ok(Embedded { url: login.url(ROLE), server })
}

impl Embedded {
    /// Where the server answers, with role, password and the name of a database that exists.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// Makes a database of this name if there is none, and returns its URL.
    pub async fn create_database(&self, name: &str) -> Result<SecretString, EmbeddedError> {
        let login = Login { port: self.server.port(), password: self.server.folder().password()? };
        let mut maintenance = login.connect("postgres").await?;
        create_if_missing(&mut maintenance, name).await?;
        maintenance.close().await?;
        Ok(login.url(name))
    }

    /// Removes a database that was made for a while, whoever is still connected to it.
    pub async fn drop_database(&self, name: &str) -> Result<(), EmbeddedError> {
        let login = Login { port: self.server.port(), password: self.server.folder().password()? };
        let mut maintenance = login.connect("postgres").await?;
        let statement = format!("drop database if exists {} with (force)", quoted(name));
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut maintenance).await?;
        maintenance.close().await?;
        Ok(())
    }

    /// Lets go of the server. The starter waits until it has shut down, unless another process still uses it.
    pub async fn stop(self) -> Result<(), EmbeddedError> {
        self.server.stop().await
    }
}

/// How to reach the server of a folder.
#[derive(Debug, Clone)]
struct Login {
    port: u16,
    password: SecretString,
}

impl Login {
    async fn connect(&self, database: &str) -> sqlx::Result<PgConnection> {
        let options = PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username(ROLE)
            .password(self.password.expose_secret())
            .ssl_mode(PgSslMode::Disable)
            .database(database);
        PgConnection::connect_with(&options).await
    }

    /// The password is hexadecimal, so that nothing in it needs escaping.
    fn url(&self, database: &str) -> SecretString {
        let password = self.password.expose_secret();
        SecretString::from(format!("postgres://{ROLE}:{password}@127.0.0.1:{}/{database}?sslmode=disable", self.port))
    }
}

/// As a name in a statement.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn create_if_missing(maintenance: &mut PgConnection, name: &str) -> sqlx::Result<()> {
    let known = sqlx::query_scalar::<_, i32>("select 1 from pg_database where datname = $1");
    if known.bind(name).fetch_optional(&mut *maintenance).await?.is_none() {
        let statement = format!("create database {}", quoted(name));
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(maintenance).await?;
    }
    Ok(())
}
