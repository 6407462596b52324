//! What the engine is measured against: the same number of rows, many sagas a commit, and nothing else that a log needs.
//! No part of the schema; nothing in the service uses it.

use super::error::StoreError;
use sqlx::PgPool;

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
