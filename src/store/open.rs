//! The store as one value: a pool, this node among the owners, and the log's writer.

use super::error::StoreError;
use super::inbox::{Deliveries, OfferError};
use super::items::{NewItem, Offers, taken_before};
use super::log::{Limits, Log};
use super::recovery::{self, Identity, Watchman};
use super::schema::{self, SchemaError, Stamp, StampError};
use super::shards::{Lease, Node};
use super::together::Together;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection, PgPool};
use std::sync::Arc;
use uuid::Uuid;

/// What a node works with.
#[derive(Debug, Clone)]
pub struct Store {
    /// For reads, and for writes that are no append.
    pub pool: PgPool,
    /// This process among the owners of the log.
    pub node: Arc<Node>,
    /// The way to the log's writer.
    pub log: Log,
    /// The way to the writer of deliveries.
    pub deliveries: Together<Deliveries>,
    pub(super) offers: Together<Offers>,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is none.
    #[error("DATABASE_URL is no Postgres URL, expected postgres://user:password@host:port/database")]
    Url,
    /// This release and the database's schema do not fit.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database belongs to another installation.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// The database cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Connections of a serving node.
const CONNECTIONS: u32 = 24;
/// Connections of a command that only looks, or leaves an item.
const FEW_CONNECTIONS: u32 = 3;

/// A pool for a command that owns no shard.
///
/// # Errors
/// The database cannot be reached, or has another schema.
pub async fn visit(url: &str) -> Result<PgPool, OpenError> {
    let pool = schema::connect(options(url)?, FEW_CONNECTIONS).await?;
    schema::check_schema(&pool).await?;
    Ok(pool)
}

/// Which database is reached there.
///
/// # Errors
/// It cannot be reached.
pub async fn database_identity(url: &SecretString) -> Result<Identity, OpenError> {
    let options = options(url.expose_secret())?;
    let mut connection = PgConnection::connect_with(&options).await.map_err(StoreError::from)?;
    let identity = recovery::identity(&mut connection).await?;
    // It has served its purpose whether it closes in form or not.
    let _ = connection.close().await;
    Ok(identity)
}

/// Brings the database at that URL to this release's schema.
///
/// # Errors
/// It is newer, differs, or cannot be reached.
pub async fn migrate_url(url: &str) -> Result<(), OpenError> {
    let pool = schema::connect(options(url)?, 1).await?;
    schema::migrate(&pool).await?;
    pool.close().await;
    Ok(())
}

impl Store {
    /// Opens the store as a node. It owns nothing before its first heartbeat.
    ///
    /// # Errors
    /// The database cannot be reached, has another schema, or belongs to another installation.
    pub async fn open(url: &str, stamp: &Stamp, node: &str, lease: Lease) -> Result<Self, OpenError> {
        let watchman = Arc::new(Watchman::default());
        let pool = schema::connect_watched(options(url)?, CONNECTIONS, Arc::clone(&watchman)).await?;
        schema::check_schema(&pool).await?;
        schema::stamp(&pool, stamp).await?;
        let writer = schema::connect_writer(options(url)?, Arc::clone(&watchman)).await?;
        let heartbeat = schema::connect_heartbeat(options(url)?, Arc::clone(&watchman)).await?;
        let node = Arc::new(Node::join(heartbeat, node, lease).await?.watched_by(watchman));
        let log = Log::start(writer, Arc::clone(&node), Limits::default());
        let deliveries = Together::start(pool.clone(), Deliveries);
        let offers = Together::start(pool.clone(), Offers { shards: node.shard_count() });
        Ok(Self { pool, node, log, deliveries, offers })
    }

    /// Connections of the pool that are in use, and how many it may have.
    pub fn connections(&self) -> (u32, u32) {
        let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        (self.pool.size().saturating_sub(idle), CONNECTIONS)
    }

    /// Takes a command from outside; durable when it returns. Those that come at the same moment share a commit. The same
    /// idempotency key gives the same item.
    ///
    /// # Errors
    /// The key was used for something else, or the database cannot be reached.
    pub async fn offer(&self, item: &NewItem) -> Result<Uuid, OfferError> {
        match self.offers.write(item.clone()).await? {
            Some(id) => {
                item.arrived();
                Ok(id)
            }
            None => taken_before(&self.pool, item).await,
        }
    }
}

fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    url.parse().map_err(|_| OpenError::Url)
}
