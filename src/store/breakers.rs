//! Open circuit breakers, shared by all nodes. A row is an open one; no row is a closed one. When one opens, and when it is
//! probed, is decided by whoever makes the calls.

use super::error::{StoreError, storable};
use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// A vendor does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBreaker {
    /// Whose.
    pub vendor: String,
    /// `reads` or `writes`.
    pub class: String,
    /// Since when (UTC).
    pub since: DateTime<Utc>,
    /// When the next call finds out whether the vendor is back (UTC).
    pub probe_at: DateTime<Utc>,
    /// Calls that found out that it is not.
    pub probes: u32,
    /// What was seen.
    pub reason: String,
}

/// All open ones.
///
/// # Errors
/// The database cannot be reached.
pub async fn all(pool: &PgPool) -> Result<Vec<OpenBreaker>, StoreError> {
    let rows =
        sqlx::query!("select vendor, class, since, probe_at, probes, reason from breaker order by vendor, class");
    let rows = rows.fetch_all(pool).await?.into_iter();
    Ok(rows
        .map(|row| OpenBreaker {
            vendor: row.vendor,
            class: row.class,
            since: row.since,
            probe_at: row.probe_at,
            probes: row.probes.unsigned_abs(),
            reason: row.reason,
        })
        .collect())
}

/// Opens one; an open one stays as it is.
///
/// # Errors
/// The database cannot be reached.
pub async fn open(
    pool: &PgPool,
    vendor: &str,
    class: &str,
    now: DateTime<Utc>,
    probe_at: DateTime<Utc>,
    reason: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into breaker (vendor, class, since, probe_at, probes, reason) values ($1, $2, $3, $4, 0, $5)
         on conflict (vendor, class) do nothing",
        vendor,
        class,
        now,
        probe_at,
        storable(reason)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes the probe that is due; the next one is due then. False: another node took it, or it is not due.
///
/// # Errors
/// The database cannot be reached.
pub async fn take_probe(
    pool: &PgPool,
    vendor: &str,
    class: &str,
    now: DateTime<Utc>,
    next: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let taken = sqlx::query!(
        "update breaker set probe_at = $4, probes = probes + 1 where vendor = $1 and class = $2 and probe_at <= $3",
        vendor,
        class,
        now,
        next
    );
    Ok(taken.execute(pool).await?.rows_affected() == 1)
}

/// The vendor is back.
///
/// # Errors
/// The database cannot be reached.
pub async fn close(pool: &PgPool, vendor: &str, class: &str) -> Result<(), StoreError> {
    sqlx::query!("delete from breaker where vendor = $1 and class = $2", vendor, class).execute(pool).await?;
    Ok(())
}
