//! Budgets of the vendors' calls, shared by all nodes: one row a vendor, locked while a node leases a chunk. A call costs no
//! commit: a node spends what it has leased, and leases again every few seconds. Decides nothing about who goes first
//! within a node.

mod ledger;

pub use ledger::{
    Ask, Grant, Ledger, SLICE_SECONDS, WINDOW_SLICES, day_of, percent_of_day, percent_of_minute, slice_of,
};

use super::error::{StoreError, retrying};
use crate::config::Limits;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

/// Leases, gives back and tells, in one short transaction.
///
/// # Errors
/// The database cannot be reached: nothing is leased.
pub async fn lease(pool: &PgPool, vendor: &str, limits: Limits, ask: &Ask) -> Result<Grant, StoreError> {
    change(pool, vendor, |ledger, alive| ledger.lease(limits, ask, alive)).await
}

/// The vendor takes no calls before then (UTC, business time), for no node.
///
/// # Errors
/// The database cannot be reached.
pub async fn close(pool: &PgPool, vendor: &str, until: DateTime<Utc>) -> Result<(), StoreError> {
    change(pool, vendor, |ledger, _| ledger.close(until)).await
}

/// What stands, by vendor.
///
/// # Errors
/// The database cannot be reached, or holds what this release cannot read.
pub async fn standing(pool: &PgPool) -> Result<Vec<(String, Ledger)>, StoreError> {
    let rows = sqlx::query!("select vendor, ledger from vendor_budget order by vendor").fetch_all(pool).await?;
    rows.into_iter().map(|row| Ok((row.vendor, read(&row.ledger)?))).collect()
}

async fn change<T>(pool: &PgPool, vendor: &str, act: impl Fn(&mut Ledger, &[Uuid]) -> T) -> Result<T, StoreError> {
    retrying(|| async {
        let mut tx = pool.begin().await?;
        let row = sqlx::query!("select ledger from vendor_budget where vendor = $1 for update", vendor)
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else {
            // The first call ever: whoever loses the race waits for the row, and finds it at the next try.
            let empty = written(&Ledger::default());
            sqlx::query!(
                "insert into vendor_budget (vendor, ledger, changed_at) values ($1, $2, now()) on conflict do nothing",
                vendor,
                empty
            )
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            return Err(StoreError::Again("no row yet".to_owned()));
        };
        let mut ledger = read(&row.ledger)?;
        let alive = sqlx::query_scalar!("select id from node where lease_until > now()").fetch_all(&mut *tx).await?;
        let answer = act(&mut ledger, &alive);
        let after = written(&ledger);
        if after != row.ledger {
            sqlx::query!("update vendor_budget set ledger = $2, changed_at = now() where vendor = $1", vendor, after)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(answer)
    })
    .await
}

fn read(text: &str) -> Result<Ledger, StoreError> {
    serde_json::from_str(text).map_err(|e| StoreError::Unreadable(format!("a vendor's budget: {e}")))
}

fn written(ledger: &Ledger) -> String {
    serde_json::to_string(ledger).expect("maps of numbers become JSON")
}
