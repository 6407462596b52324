//! Evidence of consents: the address and the browser from which a customer agreed. Personal data: outside the log, under
//! an id that the event names, and erased with the customer.

use super::error::{StoreError, storable};
use sqlx::PgPool;
use uuid::Uuid;

/// Keeps evidence under a new id; of a customer who was erased the row alone.
///
/// # Errors
/// The database cannot be reached.
pub async fn keep(pool: &PgPool, customer: &str, data: &str) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    sqlx::query!(
        "insert into consent_evidence (id, customer, data, kept_at)
         select $1, $2, case when exists (select 1 from person where customer = $2 and data is null) then null
             else $3 end, now()",
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
