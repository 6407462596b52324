//! A database of its own for every test, on one server: the one `DATABASE_URL` names, else a private one whose folder
//! is kept between runs, so that only the very first run pays for making the cluster.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use attio_billing::store::embedded::{Durability, Embedded, Options, start};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::OnceCell;
use url::Url;

/// Databases carry the second of their birth, so that those of killed runs can be told from those in use.
const PREFIX: &str = "test_";
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// The server of this test process. Never dropped: the private one notices the end of the process by itself.
struct TestServer {
    url: SecretString,
    _private: Option<Embedded>,
}

static SERVER: OnceCell<TestServer> = OnceCell::const_new();

/// An empty database that is dropped with this value.
#[derive(Debug)]
pub(crate) struct TestDatabase {
    name: String,
    url: SecretString,
    server: SecretString,
}

/// Makes an empty database for one test.
pub(crate) async fn database() -> TestDatabase {
    let server = SERVER.get_or_init(server).await.url.clone();
    let name = format!("{PREFIX}{}_{}", now().as_secs(), hex::encode(rand::random::<[u8; 6]>()));
    execute(&server, format!("create database {name}")).await.expect("a test database can be made");
    let mut url = Url::parse(server.expose_secret()).expect("the server's URL is one");
    url.set_path(&name);
    TestDatabase { name, url: SecretString::from(url.to_string()), server }
}

impl TestDatabase {
    pub(crate) fn url(&self) -> &SecretString {
        &self.url
    }

    /// A small pool on it.
    pub(crate) async fn pool(&self) -> PgPool {
        let options = PgPoolOptions::new().max_connections(5);
        options.connect(self.url.expose_secret()).await.expect("the test database answers")
    }
}

impl Drop for TestDatabase {
    /// On a thread and runtime of its own: the test's runtime may be single-threaded, and is blocked by this very drop.
    fn drop(&mut self) {
        let (server, statement) = (self.server.clone(), format!("drop database if exists {} with (force)", self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(execute(&server, statement)).map_err(std::io::Error::other)
        });
        if let Ok(Err(error)) = dropping.join() {
            eprintln!("the test database {} is left behind: {error}", self.name);
        }
    }
}

async fn server() -> TestServer {
    let given = std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty());
    let server = if let Some(url) = given {
        TestServer { url: SecretString::from(url), _private: None }
    } else {
        let uid = rustix::process::geteuid().as_raw();
        let folder = std::env::temp_dir().join(format!("attio-billing-tests-{uid}"));
        let options = Options { folder: Some(folder), durability: Durability::Relaxed, ..Options::default() };
        let private = start(options).await.map_err(anyhow::Error::from);
        let private = private.unwrap_or_else(|error| panic!("no Postgres for the tests: {error:#}"));
        TestServer { url: private.url().clone(), _private: Some(private) }
    };
    drop_left_behind(&server.url).await.expect("old test databases can be dropped");
    server
}

async fn drop_left_behind(server: &SecretString) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server.expose_secret()).await?;
    let names: Vec<String> = sqlx::query_scalar("select datname from pg_database").fetch_all(&mut connection).await?;
    for name in names {
        let born = name.strip_prefix(PREFIX).and_then(|rest| rest.split('_').next()?.parse().ok());
        if born.is_some_and(|born| Duration::from_secs(born) + LEFT_BEHIND < now()) {
            let statement = format!("drop database if exists {name} with (force)");
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
        }
    }
    connection.close().await
}

async fn execute(server: &SecretString, statement: String) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(server.expose_secret()).await?;
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await?;
    connection.close().await
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970")
}

#[tokio::test]
async fn every_test_has_a_database_of_its_own_that_is_dropped_with_it() {
    let (one, other) = (database().await, database().await);
    assert_ne!(one.url().expose_secret(), other.url().expose_secret());
    let pool = one.pool().await;
    sqlx::query("create table note (text text)").execute(&pool).await.unwrap();
    let exists = "select exists (select 1 from pg_tables where tablename = 'note')";
    assert!(sqlx::query_scalar::<_, bool>(exists).fetch_one(&pool).await.unwrap());
    assert!(!sqlx::query_scalar::<_, bool>(exists).fetch_one(&other.pool().await).await.unwrap());

    // Dropped although a pool still holds connections to it.
    let url = one.url().clone();
    drop(one);
    let refused = PgConnection::connect(url.expose_secret()).await.expect_err("the database is gone");
    let code = refused.as_database_error().and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("3D000"), "{refused}");
}
