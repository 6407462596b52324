//! How many sagas stand where, for metrics: those that have ended are not counted, so that the answer stays quick.

use crate::store::append::Status;
use crate::store::error::{StoreError, unsigned};
use chrono::{DateTime, Utc};
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
