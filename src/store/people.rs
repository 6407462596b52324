//! Personal data of our customers, outside the log, so that it can be erased. Events name the customer's id only.

use super::error::{StoreError, storable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;

/// Keeps what we hold of a customer, instead of what was held before. False: the customer was erased, and nothing is kept.
///
/// # Errors
/// It cannot be written as JSON, or the database cannot be reached.
pub async fn put<T: Serialize + Sync>(pool: &PgPool, customer: &str, person: &T) -> Result<bool, StoreError> {
    let data = serde_json::to_string(person)
        .map_err(|_| StoreError::Refused("personal data that is not expressible in JSON".to_owned()))?;
    let kept = sqlx::query!(
        "insert into person (customer, data, changed_at) values ($1, $2, now())
         on conflict (customer) do update set data = $2, changed_at = now() where person.data is not null",
        customer,
        storable(&data)
    );
    Ok(kept.execute(pool).await?.rows_affected() == 1)
}

/// What we hold of a customer; none: never held, or erased.
///
/// # Errors
/// It cannot be read as `T`, or the database cannot be reached.
pub async fn get<T: DeserializeOwned>(pool: &PgPool, customer: &str) -> Result<Option<T>, StoreError> {
    let data = sqlx::query_scalar!("select data from person where customer = $1", customer).fetch_optional(pool);
    let read = |data: String| {
        serde_json::from_str(&data).map_err(|_| StoreError::Unreadable(format!("the person of customer {customer}")))
    };
    data.await?.flatten().map(read).transpose()
}

/// Customers of whom something is held: data, or evidence of a consent.
///
/// # Errors
/// The database cannot be reached.
pub async fn held(pool: &PgPool) -> Result<Vec<String>, StoreError> {
    let held = sqlx::query_scalar!(
        r#"select customer as "customer!" from person where data is not null
           union select customer from consent_evidence where data is not null"#
    );
    Ok(held.fetch_all(pool).await?)
}
