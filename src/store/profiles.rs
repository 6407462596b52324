//! What records elsewhere were given last of a customer, and what others had written there: personal, so that it is erased
//! with the person. Nothing is kept of anybody of whom no data are held.

use super::error::{StoreError, storable};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgPool;

/// How many people are compared of those in whose data an address stands.
const ADDRESSES: i64 = 20;

/// Adds to what a target was given last. False: nothing is held of the customer, and nothing is kept.
///
/// # Errors
/// It cannot be written as JSON, or the database cannot be reached.
pub async fn given<T: Serialize + Sync>(
    pool: &PgPool,
    customer: &str,
    target: &str,
    values: &T,
) -> Result<bool, StoreError> {
    let kept = sqlx::query!(
        "with held as (select customer from person where customer = $1 and data is not null for share)
         insert into profile_copy (customer, target, data, changed_at)
         select customer, $2, $3, now() from held
         on conflict (customer, target) do update
         set data = (profile_copy.data::jsonb || excluded.data::jsonb)::text, changed_at = now()",
        customer,
        target,
        json(values)?
    );
    Ok(kept.execute(pool).await?.rows_affected() == 1)
}

/// What each target was given last, by its name.
///
/// # Errors
/// It cannot be read as `T`, or the database cannot be reached.
pub async fn copies<T: DeserializeOwned>(pool: &PgPool, customer: &str) -> Result<Vec<(String, T)>, StoreError> {
    let rows = sqlx::query!("select target, data from profile_copy where customer = $1 order by target", customer);
    rows.fetch_all(pool).await?.into_iter().map(|row| Ok((row.target, read(customer, &row.data)?))).collect()
}

/// Keeps what others had written, instead of what was kept under that mark of that target before.
///
/// # Errors
/// It cannot be written as JSON, or the database cannot be reached.
pub async fn displace<T: Serialize + Sync>(
    pool: &PgPool,
    customer: &str,
    mark: &str,
    target: &str,
    values: &T,
) -> Result<(), StoreError> {
    let kept = sqlx::query!(
        "with held as (select customer from person where customer = $1 and data is not null for share)
         insert into profile_displaced (customer, mark, target, data, changed_at)
         select customer, $2, $3, $4, now() from held
         on conflict (customer, mark, target) do update
         set data = (profile_displaced.data::jsonb || excluded.data::jsonb)::text, changed_at = now()",
        customer,
        mark,
        target,
        json(values)?
    );
    kept.execute(pool).await?;
    Ok(())
}

/// What others had written, by the target's name.
///
/// # Errors
/// It cannot be read as `T`, or the database cannot be reached.
pub async fn displaced<T: DeserializeOwned>(
    pool: &PgPool,
    customer: &str,
    mark: &str,
) -> Result<Vec<(String, T)>, StoreError> {
    let rows = sqlx::query!(
        "select target, data from profile_displaced where customer = $1 and mark = $2 order by target",
        customer,
        mark
    );
    rows.fetch_all(pool).await?.into_iter().map(|row| Ok((row.target, read(customer, &row.data)?))).collect()
}

/// It stands in a note: nothing of it need be kept here.
///
/// # Errors
/// The database cannot be reached.
pub async fn noted(pool: &PgPool, customer: &str, mark: &str) -> Result<(), StoreError> {
    let gone = sqlx::query!("delete from profile_displaced where customer = $1 and mark = $2", customer, mark);
    gone.execute(pool).await?;
    Ok(())
}

/// Other customers in whose data that text stands, in whatever case, with their data.
///
/// # Errors
/// They cannot be read as `T`, or the database cannot be reached.
pub async fn others_with<T: DeserializeOwned>(
    pool: &PgPool,
    customer: &str,
    text: &str,
) -> Result<Vec<(String, T)>, StoreError> {
    let rows = sqlx::query!(
        r#"select customer, data as "data!" from person
           where customer <> $1 and data is not null and position(lower($2) in lower(data)) > 0
           order by customer limit $3"#,
        customer,
        text,
        ADDRESSES
    );
    let rows = rows.fetch_all(pool).await?.into_iter();
    rows.map(|row| Ok((row.customer.clone(), read(&row.customer, &row.data)?))).collect()
}

/// In which currency our ledger has anything of a customer.
///
/// # Errors
/// The database cannot be reached.
pub async fn billed_in(pool: &PgPool, customer: &str) -> Result<Option<String>, StoreError> {
    let currency = sqlx::query_scalar!(
        "select l.currency from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
         where j.customer = $1 order by l.currency limit 1",
        customer
    );
    Ok(currency.fetch_optional(pool).await?)
}

fn json<T: Serialize>(values: &T) -> Result<String, StoreError> {
    let refused = |_| StoreError::Refused("personal data that is not expressible in JSON".to_owned());
    serde_json::to_string(values).map_err(refused).map(|text| storable(&text))
}

fn read<T: DeserializeOwned>(customer: &str, data: &str) -> Result<T, StoreError> {
    serde_json::from_str(data).map_err(|_| StoreError::Unreadable(format!("what is kept of customer {customer}")))
}
