//! Evidence of consents: the address and the browser from which a customer agreed. Personal data: outside the log, under
//! an id that the event names, and erased with the customer.

use super::error::{StoreError, storable};
use sqlx::PgPool;
use uuid::Uuid;

/// Keeps evidence under a new id.
///
/// # Errors
/// The database cannot be reached.
pub async fn keep(pool: &PgPool, customer: &str, data: &str) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into consent_evidence (id, customer, data, kept_at) values ($1, $2, $3, now())",
        id,
        storable(customer),
        storable(data)
    )
    .execute(pool)
    .await?;
    Ok(id)
}

/// What was kept; none: erased, or never kept.
///
/// # Errors
/// The database cannot be reached.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<String>, StoreError> {
    let data = sqlx::query_scalar!("select data from consent_evidence where id = $1", id);
    Ok(data.fetch_optional(pool).await?.flatten())
}

/// Erases what is kept of a customer; the rows stay as the record of it.
///
/// # Errors
/// The database cannot be reached.
pub async fn erase(pool: &PgPool, customer: &str) -> Result<u64, StoreError> {
    let erased =
        sqlx::query!("update consent_evidence set data = null where customer = $1 and data is not null", customer);
    Ok(erased.execute(pool).await?.rows_affected())
}
