//! How many sagas stand where, for metrics: those that have ended are not counted, so that the answer stays quick.

use crate::store::append::Status;
use crate::store::error::{StoreError, unsigned};
use chrono::{DateTime, Utc};
use sagas::kernel::priority::Priority;
use sqlx::PgPool;

/// Sagas that have not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// By flow and status.
    pub sagas: Vec<(String, Status, u64)>,
    /// By park code.
    pub parked: Vec<(String, u64)>,
    /// Since when the saga that is due longest has been due (UTC).
    pub due_since: Option<DateTime<Utc>>,
}

/// The count at that instant (UTC).
///
/// # Errors
/// The database cannot be reached.
pub async fn census(pool: &PgPool, now: DateTime<Utc>) -> Result<Census, StoreError> {
    let rows = sqlx::query!(
        r#"select kind, status, parked_code, count(*) as "count!",
               min(greatest(due_at, changed_at)) filter (where due_at <= $1) as due_since
           from saga where ended is null group by kind, status, parked_code order by kind, status, parked_code"#,
        now
    );
    let mut census = Census::default();
    for row in rows.fetch_all(pool).await? {
        let status = Status::parse(&row.status)
            .ok_or_else(|| StoreError::Unreadable(format!("saga status `{}`", row.status)))?;
        let count = unsigned("a count", row.count)?;
        match census.sagas.last_mut() {
            Some((kind, last, sum)) if *kind == row.kind && *last == status => *sum += count,
            _ => census.sagas.push((row.kind, status, count)),
        }
        if let Some(code) = row.parked_code {
            match census.parked.iter_mut().find(|(known, _)| *known == code) {
                Some((_, sum)) => *sum += count,
                None => census.parked.push((code, count)),
            }
        }
        census.due_since = [census.due_since, row.due_since].into_iter().flatten().min();
    }
    Ok(census)
}

/// Sagas of one kind that wait for a vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// For whom.
    pub vendor: String,
    /// Whose turn it is.
    pub priority: Priority,
    /// The flow's name.
    pub kind: String,
    /// How many.
    pub sagas: u64,
}

/// Who waits for a vendor to take calls.
///
/// # Errors
/// The database cannot be reached.
pub async fn waiting_for_vendors(pool: &PgPool) -> Result<Vec<Waiting>, StoreError> {
    let rows = sqlx::query!(
        r#"select waiting_for as "vendor!", priority, kind, count(*) as "count!" from saga
           where status = 'waiting_vendor' and waiting_for is not null
           group by waiting_for, priority, kind order by waiting_for, priority, kind"#
    );
    let read = |word: Option<String>| {
        // A release before this one wrote none.
        let known = Priority::ALL.into_iter().find(|priority| Some(priority.word()) == word.as_deref());
        known.unwrap_or(Priority::Batch)
    };
    rows.fetch_all(pool)
        .await?
        .into_iter()
        .map(|row| {
            Ok(Waiting {
                vendor: row.vendor,
                priority: read(row.priority),
                kind: row.kind,
                sagas: unsigned("a count", row.count)?,
            })
        })
        .collect()
}

/// What sagas await whose people must hear of it at once, and how many do: waits whose words begin so.
///
/// # Errors
/// The database cannot be reached.
pub async fn awaited(pool: &PgPool, beginning: &str) -> Result<Vec<(String, u64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select waiting_for as "awaited!", count(*) as "count!" from saga
           where ended is null and status = 'waiting' and starts_with(waiting_for, $1)
           group by waiting_for order by waiting_for"#,
        beginning
    );
    rows.fetch_all(pool).await?.into_iter().map(|row| Ok((row.awaited, unsigned("a count", row.count)?))).collect()
}
