//! What the verification of the invariants reads: one snapshot of the database, and statements over it whose rows are
//! handed on one by one, however many there are. Writes nothing, and judges nothing that is not plain in the rows: what
//! sums may be is the kernel's.

mod ledger;
mod log;

use super::error::{StoreError, unsigned};
use chrono::{DateTime, Utc};
use futures::{Stream, TryStreamExt};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

pub use ledger::{Kept, KeptLine, Posted, Subject};
pub use log::Charge;

/// The database as it was at one instant: what is appended meanwhile is not seen.
pub struct Snapshot {
    pub(super) tx: Transaction<'static, Postgres>,
    /// Only what was booked from then on, and what it belongs to (UTC); none: everything.
    pub(super) since: Option<DateTime<Utc>>,
}

/// What a snapshot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// When it was taken, by the database's clock (UTC).
    pub at: DateTime<Utc>,
    /// Events.
    pub events: u64,
    /// Journals.
    pub journals: u64,
}

/// Something that is plainly wrong, with the ids by which a person finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What.
    pub what: String,
    /// What it is about, where that has no column of its own: `hold INV-7 …`.
    pub subject: Option<String>,
    /// The saga.
    pub saga: Option<Uuid>,
    /// The event.
    pub event: Option<Uuid>,
    /// The journal.
    pub journal: Option<Uuid>,
}

/// Who is handed what is wrong.
pub type Take<'a> = &'a mut (dyn FnMut(Wrong) + Send);

impl Snapshot {
    /// Takes a snapshot: repeatable, and read-only.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn take(pool: &PgPool, since: Option<DateTime<Utc>>) -> Result<Self, StoreError> {
        let mut tx = pool.begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
        Ok(Self { tx, since })
    }

    /// What it holds.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn extent(&mut self) -> Result<Extent, StoreError> {
        let row = sqlx::query!(
            r#"select now() as "at!", (select count(*) from event) as "events!", (select count(*) from journal) as "journals!""#
        );
        let row = row.fetch_one(&mut *self.tx).await?;
        Ok(Extent {
            at: row.at,
            events: unsigned("a count", row.events)?,
            journals: unsigned("a count", row.journals)?,
        })
    }

    /// Lets it go.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn end(self) -> Result<(), StoreError> {
        Ok(self.tx.rollback().await?)
    }
}

/// Hands row by row on: none is kept.
async fn hand_on<T>(
    mut rows: impl Stream<Item = Result<T, sqlx::Error>> + Unpin,
    mut take: impl FnMut(T),
) -> Result<(), StoreError> {
    while let Some(row) = rows.try_next().await? {
        take(row);
    }
    Ok(())
}
