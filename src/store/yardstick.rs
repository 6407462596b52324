//! What the engine is measured against: the same number of rows, many sagas a commit, and nothing else that a log needs.
//! No part of the schema; nothing in the service uses it.

use super::error::{StoreError, unsigned};
use super::items::{NewItem, insert};
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;
use uuid::Uuid;

/// Makes its table, empty.
///
/// # Errors
/// The database cannot be reached, or refuses it.
pub async fn prepare(pool: &PgPool) -> Result<(), StoreError> {
    let table =
        "create table if not exists bare_event (saga bigint not null, version int not null, payload text not null,
        at timestamptz not null default now(), primary key (saga, version))";
    sqlx::raw_sql(table).execute(pool).await?;
    sqlx::raw_sql("truncate bare_event").execute(pool).await?;
    Ok(())
}

/// Writes rows in one commit.
///
/// # Errors
/// The database cannot be reached, or has one of them already.
pub async fn write(pool: &PgPool, sagas: &[i64], versions: &[i32], payloads: &[&str]) -> Result<(), StoreError> {
    let insert =
        "insert into bare_event (saga, version, payload) select * from unnest($1::bigint[], $2::int[], $3::text[])";
    sqlx::query(insert).bind(sagas).bind(versions).bind(payloads).execute(pool).await?;
    Ok(())
}

/// Process id of the server's side of a connection, to see what it costs.
///
/// # Errors
/// The database cannot be reached.
pub async fn backend(pool: &PgPool) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar("select pg_backend_pid()").fetch_one(pool).await?)
}

/// Makes the table of the bare handler of webhooks, empty.
///
/// # Errors
/// The database cannot be reached, or refuses it.
pub async fn prepare_deliveries(pool: &PgPool) -> Result<(), StoreError> {
    let table = "create table if not exists bare_delivery (id uuid primary key, key text not null, body bytea not null,
        at timestamptz not null default now())";
    sqlx::raw_sql(table).execute(pool).await?;
    sqlx::raw_sql("truncate bare_delivery").execute(pool).await?;
    Ok(())
}

/// Writes one webhook in a commit of its own.
///
/// # Errors
/// The database cannot be reached.
pub async fn deliver(pool: &PgPool, id: Uuid, key: &str, body: &[u8]) -> Result<(), StoreError> {
    let insert = "insert into bare_delivery (id, key, body) values ($1, $2, $3)";
    sqlx::query(insert).bind(id).bind(key).bind(body).execute(pool).await?;
    Ok(())
}

/// Leaves orders in one commit.
///
/// # Errors
/// The database cannot be reached.
pub async fn order(pool: &PgPool, shards: u16, items: &[NewItem]) -> Result<(), StoreError> {
    insert(&mut *pool.acquire().await?, shards, None, items).await?;
    Ok(())
}

/// Sagas that have begun.
///
/// # Errors
/// The database cannot be reached.
pub async fn begun(pool: &PgPool) -> Result<u64, StoreError> {
    count(pool, "select count(*) from saga").await
}

/// Sagas that have ended.
///
/// # Errors
/// The database cannot be reached.
pub async fn finished(pool: &PgPool) -> Result<u64, StoreError> {
    count(pool, "select count(*) from saga where ended is not null").await
}

/// Whether that saga has ended.
///
/// # Errors
/// The database cannot be reached.
pub async fn has_ended(pool: &PgPool, saga: SagaId) -> Result<bool, StoreError> {
    let ended = sqlx::query_scalar("select ended is not null from saga where id = $1").bind(saga.0);
    Ok(ended.fetch_optional(pool).await?.unwrap_or(false))
}

async fn count(pool: &PgPool, query: &'static str) -> Result<u64, StoreError> {
    unsigned("a count", sqlx::query_scalar::<_, i64>(query).fetch_one(pool).await?)
}

/// Fills the log with so many events of sagas that are over, twenty each, spread over the shards: as large as real ones, made
/// by the database itself. Their chain is none.
///
/// # Errors
/// The database cannot be reached, or its log is not empty.
pub async fn fill(pool: &PgPool, shards: u16, events: u64) -> Result<(), StoreError> {
    let fill = "insert into event (shard, pos, saga, seq, id, name, payload, principal, at, prev_hash, hash, booked_at)
        select n / 20 % $1, (n / 20 / $1) * 20 + n % 20 + 1, md5((n / 20)::text)::uuid, n % 20 + 1, gen_random_uuid(),
            case when n % 3 = 0 then 'StepDone' else 'step.answered' end, repeat(md5(n::text), 8), 'engine', now(),
            sha256(n::text::bytea), sha256((n + 1)::text::bytea), now()
        from generate_series(0, $2 - 1) n";
    let events = i64::try_from(events).unwrap_or(i64::MAX);
    sqlx::query(fill).bind(i64::from(shards)).bind(events).execute(pool).await?;
    sqlx::raw_sql("analyze event").execute(pool).await?;
    // Not everybody may; then the server makes one when it likes.
    let _ = sqlx::raw_sql("checkpoint").execute(pool).await;
    Ok(())
}
