//! When the catalog was last looked at, one row an organization: whose turn it is to poll, and how old what people see is.
//! Holds no prices: they are Zoho's.

use super::error::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

/// The last look at a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogRead {
    /// Zoho organization id.
    pub organization: String,
    /// When the last whole read began (business time, UTC); none: never.
    pub read_at: Option<DateTime<Utc>>,
    /// Of what it saw.
    pub version: Option<String>,
    /// How many plans, add-ons and coupons it saw.
    pub offerings: Option<i32>,
    /// How many records of Attio said something else.
    pub differences: Option<i32>,
}

/// So old a catalog is too old to quote from: people are told.
const STALE: TimeDelta = TimeDelta::hours(24);

impl CatalogRead {
    /// Nobody has read it whole for a day.
    pub fn is_stale(&self, now: DateTime<Utc>) -> bool {
        self.read_at.is_none_or(|read_at| now - read_at > STALE)
    }
}

/// Takes the turn to poll, if the last one was taken before that instant: of several nodes one gets it.
///
/// # Errors
/// The database cannot be reached.
pub async fn take_turn(
    pool: &PgPool,
    organization: &str,
    now: DateTime<Utc>,
    before: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let taken = sqlx::query!(
        "insert into catalog_read (organization, asked_at) values ($1, $2)
         on conflict (organization) do update set asked_at = $2 where catalog_read.asked_at <= $3",
        organization,
        now,
        before
    );
    Ok(taken.execute(pool).await?.rows_affected() > 0)
}

/// A read came to its end.
///
/// # Errors
/// The database cannot be reached.
pub async fn was_read(
    pool: &PgPool,
    organization: &str,
    read_at: DateTime<Utc>,
    version: &str,
    (offerings, differences): (usize, usize),
) -> Result<(), StoreError> {
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "update catalog_read set read_at = $2, version = $3, offerings = $4, differences = $5 where organization = $1",
        organization,
        read_at,
        version,
        count(offerings),
        count(differences)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The last look at each catalog.
///
/// # Errors
/// The database cannot be reached.
pub async fn reads(pool: &PgPool) -> Result<Vec<CatalogRead>, StoreError> {
    let rows = sqlx::query_as!(
        CatalogRead,
        "select organization, read_at, version, offerings, differences from catalog_read order by organization"
    );
    Ok(rows.fetch_all(pool).await?)
}
