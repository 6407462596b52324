//! Settings that the flows ask for: consent of a customer, who collects a subscription, kill switches. Set by people;
//! who and when is kept.

use super::approvals::{self, Second};
use super::error::{StoreError, storable};
use crate::access::{Act, Actor, Denied};
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::answer::CollectionOwner;
use serde::Serialize;
use sqlx::PgPool;
use std::collections::BTreeMap;

fn owner(word: &str) -> Result<CollectionOwner, StoreError> {
    let known = CollectionOwner::ALL.into_iter().find(|owner| owner.as_str() == word);
    known.ok_or_else(|| StoreError::Unreadable(format!("collection owner `{word}`")))
}

/// Records whether a customer consents to one-off charges.
///
/// # Errors
/// The database cannot be reached.
pub async fn set_one_off_consent(pool: &PgPool, customer: &str, consent: bool, by: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into customer_settings (customer, one_off_consent, changed_by, changed_at) values ($1, $2, $3, now())
         on conflict (customer) do update set one_off_consent = $2, changed_by = $3, changed_at = now()",
        customer,
        consent,
        by
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether a customer consents to one-off charges; no record is no consent.
///
/// # Errors
/// The database cannot be reached.
pub async fn one_off_consent(pool: &PgPool, customer: &str) -> Result<bool, StoreError> {
    let consent = sqlx::query_scalar!("select one_off_consent from customer_settings where customer = $1", customer);
    Ok(consent.fetch_optional(pool).await?.unwrap_or(false))
}

/// Sets who collects a subscription's money; `None`: nobody, it is only mirrored.
///
/// # Errors
/// The database cannot be reached.
pub async fn set_collection_owner(
    pool: &PgPool,
    subscription: &str,
    owner: Option<CollectionOwner>,
    by: &str,
) -> Result<(), StoreError> {
    match owner {
        Some(owner) => {
            sqlx::query!(
                "insert into collection_owner (subscription, owner, changed_by, changed_at) values ($1, $2, $3, now())
                 on conflict (subscription) do update
                    set owner = $2, valid_from = null, changed_by = $3, changed_at = now()",
                subscription,
                owner.as_str(),
                by
            )
            .execute(pool)
            .await?;
        }
        None => {
            sqlx::query!("delete from collection_owner where subscription = $1", subscription).execute(pool).await?;
        }
    }
    Ok(())
}

/// Who collects a subscription's money; none: nobody.
///
/// # Errors
/// The database cannot be reached.
pub async fn collection_owner(pool: &PgPool, subscription: &str) -> Result<Option<CollectionOwner>, StoreError> {
    let stored = sqlx::query_scalar!("select owner from collection_owner where subscription = $1", subscription);
    stored.fetch_optional(pool).await?.as_deref().map(owner).transpose()
}

/// Who is on record as collector of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerRecord {
    /// Who.
    pub owner: CollectionOwner,
    /// It collects no invoice of an earlier day (books zone); absent: whatever is open.
    pub valid_from: Option<NaiveDate>,
}

/// Who is on record as collector of a subscription, and from when on; none: nobody.
///
/// # Errors
/// The database cannot be reached.
pub async fn owner_record(pool: &PgPool, subscription: &str) -> Result<Option<OwnerRecord>, StoreError> {
    let stored = sqlx::query!("select owner, valid_from from collection_owner where subscription = $1", subscription);
    let Some(row) = stored.fetch_optional(pool).await? else { return Ok(None) };
    Ok(Some(OwnerRecord { owner: owner(&row.owner)?, valid_from: row.valid_from }))
}

/// Changes who is on record as collector of a subscription, if it is `from` now, or the wanted one already; false where it is
/// another one.
///
/// # Errors
/// The database cannot be reached.
pub async fn change_owner(
    pool: &PgPool,
    subscription: &str,
    from: Option<CollectionOwner>,
    to: Option<OwnerRecord>,
    by: &str,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let stored =
        sqlx::query_scalar!("select owner from collection_owner where subscription = $1 for update", subscription);
    let known = stored.fetch_optional(&mut *tx).await?.as_deref().map(owner).transpose()?;
    if known != from && known != to.map(|to| to.owner) {
        return Ok(false);
    }
    let done = match (known, to) {
        (None, None) => true,
        (Some(_), None) => {
            sqlx::query!("delete from collection_owner where subscription = $1", subscription)
                .execute(&mut *tx)
                .await?;
            true
        }
        // Where nobody was on record, somebody else may be at the same instant.
        (None, Some(to)) => {
            let inserted = sqlx::query!(
                "insert into collection_owner (subscription, owner, valid_from, changed_by, changed_at)
                 values ($1, $2, $3, $4, now()) on conflict (subscription) do nothing",
                subscription,
                to.owner.as_str(),
                to.valid_from,
                by
            );
            inserted.execute(&mut *tx).await?.rows_affected() == 1
        }
        (Some(_), Some(to)) => {
            sqlx::query!(
                "update collection_owner set owner = $2, valid_from = $3, changed_by = $4, changed_at = now()
                 where subscription = $1",
                subscription,
                to.owner.as_str(),
                to.valid_from,
                by
            )
            .execute(&mut *tx)
            .await?;
            true
        }
    };
    tx.commit().await?;
    Ok(done)
}

/// Switches an operation (`braintree.sell`) off or on. Who had asked that it go on again is forgotten.
///
/// # Errors
/// The database cannot be reached.
pub async fn set_switch(pool: &PgPool, operation: &str, off: bool, by: &str, reason: &str) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    approvals::forget(&mut tx, &on(operation)).await?;
    sqlx::query!(
        "insert into switch (operation, off, reason, changed_by, changed_at) values ($1, $2, $3, $4, now())
         on conflict (operation) do update set off = $2, reason = $3, changed_by = $4, changed_at = now()",
        operation,
        off,
        storable(reason),
        storable(by)
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// What two people must want.
fn on(operation: &str) -> String {
    format!("switch {operation} on")
}

/// What came of asking that an operation be switched on again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// It is on.
    On,
    /// It stays off until another person asks too, within a day.
    Asked {
        /// Who asked first.
        by: String,
    },
    /// This one may not ask for it, or not be the second person.
    Denied(Denied),
}

/// Asks that an operation be switched on again: done by a second person, within a day.
///
/// # Errors
/// The database cannot be reached.
pub async fn release_switch(
    pool: &PgPool,
    operation: &str,
    actor: &Actor,
    reason: &str,
) -> Result<Release, StoreError> {
    let mut tx = pool.begin().await?;
    let switch = sqlx::query_scalar!("select operation from switch where operation = $1 and off for update", operation);
    if switch.fetch_optional(&mut *tx).await?.is_none() {
        return Ok(Release::On);
    }
    let first = match approvals::second(&mut tx, &on(operation), Act::SwitchOn, actor).await? {
        Second::Agreed { first } => first,
        Second::Asked { by } => {
            tx.commit().await?;
            return Ok(Release::Asked { by });
        }
        Second::Denied(denied) => return Ok(Release::Denied(denied)),
    };
    sqlx::query!(
        "update switch set off = false, reason = $2, changed_by = $3, changed_at = now() where operation = $1",
        operation,
        storable(reason),
        storable(&format!("{first}, {}", actor.principal()))
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(Release::On)
}

/// Operations that are switched off, and why.
///
/// # Errors
/// The database cannot be reached.
pub async fn switched_off(pool: &PgPool) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = sqlx::query!("select operation, reason from switch where off order by operation").fetch_all(pool);
    Ok(rows.await?.into_iter().map(|row| (row.operation, row.reason)).collect())
}

/// Who asked that an operation be switched on again, and waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReleaseAsked {
    /// Who.
    pub by: String,
    /// When (UTC); a day later it counts no more.
    pub at: DateTime<Utc>,
}

/// Operations of which somebody asked that they go on again, and nobody agreed yet.
///
/// # Errors
/// The database cannot be reached.
pub async fn releases_asked(pool: &PgPool) -> Result<BTreeMap<String, ReleaseAsked>, StoreError> {
    let asked = approvals::asked(pool, "switch ").await?.into_iter();
    Ok(asked
        .filter_map(|asked| {
            let operation = asked.what.strip_prefix("switch ")?.strip_suffix(" on")?.to_owned();
            Some((operation, ReleaseAsked { by: asked.by, at: asked.at }))
        })
        .collect())
}

/// Whether one operation is switched off.
///
/// # Errors
/// The database cannot be reached.
pub async fn is_switched_off(pool: &PgPool, operation: &str) -> Result<bool, StoreError> {
    let off = sqlx::query_scalar!("select off from switch where operation = $1", operation);
    Ok(off.fetch_optional(pool).await?.unwrap_or(false))
}
