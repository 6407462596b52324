//! The practice vendor's book. Behaves like a vendor: a reservation and a note have an id of the caller's choosing, a
//! take is found only by its reference, and taken twice it is there twice.

use super::error::{StoreError, storable};
use super::log::amount;
use chrono::{DateTime, Utc};
use sagas::kernel::money::Money;
use sqlx::PgPool;
use uuid::Uuid;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The practice vendor's own id of it.
    pub id: Uuid,
    /// `reservation`, `take` or `note`.
    pub kind: String,
    /// The caller's id or reference.
    pub reference: String,
    /// Of a take.
    pub amount: Option<Money>,
    /// When (UTC).
    pub at: DateTime<Utc>,
}

/// Reserves under a chosen id. False: it was there already.
///
/// # Errors
/// The database cannot be reached.
pub async fn reserve(pool: &PgPool, id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    put(pool, "reservation", id, at).await
}

/// Notes under a chosen id. False: it was there already.
///
/// # Errors
/// The database cannot be reached.
pub async fn note(pool: &PgPool, id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    put(pool, "note", id, at).await
}

async fn put(pool: &PgPool, kind: &str, reference: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let put = sqlx::query!(
        "insert into practice_book (id, kind, reference, at) values ($1, $2, $3, $4)
         on conflict (kind, reference) where kind <> 'take' do nothing",
        Uuid::now_v7(),
        kind,
        storable(reference),
        at
    );
    Ok(put.execute(pool).await?.rows_affected() == 1)
}

/// Strikes a reservation. False: there was none.
///
/// # Errors
/// The database cannot be reached.
pub async fn unreserve(pool: &PgPool, id: &str) -> Result<bool, StoreError> {
    let struck = sqlx::query!("delete from practice_book where kind = 'reservation' and reference = $1", storable(id));
    Ok(struck.execute(pool).await?.rows_affected() == 1)
}

/// Takes practice money; each call takes.
///
/// # Errors
/// The database cannot be reached.
pub async fn take(pool: &PgPool, reference: &str, amount: Money, at: DateTime<Utc>) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into practice_book (id, kind, reference, amount_minor, currency, at)
         values ($1, 'take', $2, $3, $4, $5)",
        id,
        storable(reference),
        amount.minor,
        amount.currency.code(),
        at
    )
    .execute(pool)
    .await?;
    Ok(id)
}

/// All entries under a reference, oldest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn find(pool: &PgPool, reference: &str) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        "select id, kind, reference, amount_minor, currency, at from practice_book where reference = $1 order by id",
        storable(reference)
    );
    rows.fetch_all(pool)
        .await?
        .into_iter()
        .map(|row| {
            let amount = amount(row.amount_minor, row.currency.as_deref())?;
            Ok(Entry { id: row.id, kind: row.kind, reference: row.reference, amount, at: row.at })
        })
        .collect()
}
