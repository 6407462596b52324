//! What the database's server says of itself, as far as it lets us read it. Reads only.

use super::error::StoreError;
use crate::clock::{Clock, RealClock};
use chrono::TimeDelta;
use sqlx::PgPool;

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// e.g. 150004.
    pub version: i32,
    /// The connection is encrypted; none: not readable.
    pub tls: Option<bool>,
    /// What the database takes on disk, in bytes; none: not readable.
    pub bytes: Option<i64>,
    /// It is a standby: nothing can be written.
    pub standby: bool,
}

/// The server's clock (UTC), read between the two instants of ours that frame it best: how far ours is ahead.
///
/// # Errors
/// The database cannot be reached.
pub async fn clock_ahead(pool: &PgPool) -> Result<TimeDelta, StoreError> {
    let before = RealClock.now();
    let theirs = sqlx::query_scalar!(r#"select clock_timestamp() as "now!""#).fetch_one(pool).await?;
    let after = RealClock.now();
    Ok(before + (after - before) / 2 - theirs)
}

/// Asks the server.
///
/// # Errors
/// The database cannot be reached.
pub async fn server(pool: &PgPool) -> Result<Server, StoreError> {
    let row = sqlx::query!(
        r#"select current_setting('server_version_num')::integer as "version!", pg_is_in_recovery() as "standby!""#
    );
    let row = row.fetch_one(pool).await?;
    let tls = sqlx::query_scalar!("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    let bytes = sqlx::query_scalar!(r#"select pg_database_size(current_database()) as "bytes!""#);
    Ok(Server {
        version: row.version,
        tls: tls.fetch_optional(pool).await.ok().flatten().flatten(),
        bytes: bytes.fetch_one(pool).await.ok(),
        standby: row.standby,
    })
}
