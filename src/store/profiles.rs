//! What records elsewhere were given last of a customer, what others had written there, and what the platform says of them until
//! it stands in Attio: personal, so that it is erased with the person. Nothing is kept of anybody of whom no data are held.

use super::error::{StoreError, retrying, storable};
use super::inbox::OfferError;
use super::items::{NewItem, insert_one, taken_before};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

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

/// Keeps what others had written, beside what was kept under that mark of that target before; nothing, where nothing is held of
/// the customer.
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
    keep(&mut *pool.acquire().await?, (customer, mark, target), values).await?;
    Ok(())
}

/// False: nothing is held of the customer, and nothing is kept.
async fn keep<T: Serialize + Sync>(
    tx: &mut PgConnection,
    (customer, mark, target): (&str, &str, &str),
    values: &T,
) -> Result<bool, StoreError> {
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
    Ok(kept.execute(tx).await?.rows_affected() == 1)
}

/// Offers an item that speaks of values of a customer, and keeps those beside the log under the mark: both or neither, so that
/// an order that comes twice leaves nothing behind. `None`: nothing is held of the customer, and nothing is offered.
///
/// # Errors
/// The item's key was used for something else, or the database cannot be reached.
pub async fn offer_with<T: Serialize + Sync>(
    pool: &PgPool,
    shards: u16,
    item: &NewItem,
    (customer, mark, name): (&str, &str, &str),
    values: &T,
) -> Result<Option<Uuid>, OfferError> {
    retrying(|| async {
        let mut tx = pool.begin().await?;
        let Some(id) = insert_one(&mut tx, shards, item).await? else {
            tx.rollback().await?;
            return taken_before(pool, item).await.map(Some);
        };
        if !keep(&mut tx, (customer, mark, name), values).await? {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.commit().await?;
        item.arrived();
        Ok(Some(id))
    })
    .await
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

/// What was kept of a customer under that mark stands in Attio, or is not wanted there any more: none of it is kept.
///
/// # Errors
/// The database cannot be reached.
pub async fn forget(tx: &mut PgConnection, customer: &str, mark: &str) -> Result<(), StoreError> {
    let gone = sqlx::query!("delete from profile_displaced where customer = $1 and mark = $2", customer, mark);
    gone.execute(tx).await?;
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
