//! The log: appends of many sagas written in one transaction, under the fence of their shards.
//!
//! One writer per node. It takes what came while its last flush was under way, at most one append per saga, and writes
//! it in one transaction that compares the epochs of all shards concerned. It does not decide, retry a refused append,
//! or read for others than itself, except [`events_of`].

mod head;
mod marks;
pub mod rewrite;
mod rows;
mod writer;

use super::append::{Append, AppendError, Written};
use super::error::{StoreError, unsigned};
use super::items::NewItem;
use super::shards::Node;
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::{self, Money};
use sqlx::PgPool;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// How much one flush takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Appends in one transaction.
    pub appends: usize,
    /// Bytes of payload in one transaction.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { appends: 512, bytes: 4 << 20 }
    }
}

/// The way to the writer. Clones lead to the same one; it ends when the last is dropped.
#[derive(Debug, Clone)]
pub struct Log {
    sender: mpsc::Sender<Request>,
}

/// An append on its way, and who waits for it.
#[derive(Debug)]
struct Request {
    append: Append,
    answer: oneshot::Sender<Result<Written, AppendError>>,
}

impl Log {
    /// Starts the node's writer.
    pub fn start(pool: PgPool, node: Arc<Node>, limits: Limits) -> Self {
        let (sender, receiver) = mpsc::channel(limits.appends.max(1) * 2);
        tokio::spawn(writer::Writer::new(pool, node, limits).run(receiver));
        Self { sender }
    }

    /// Writes an append, or says why not. Durable when it returns.
    ///
    /// Names, references and other short texts lose U+0000 at this door (it becomes U+FFFD). A payload must be JSON
    /// text, in which it can only stand escaped; one with the raw character is refused as [`AppendError::Poison`].
    ///
    /// # Errors
    /// See [`AppendError`]. A caller that goes away does not stop its append.
    pub async fn append(&self, mut append: Append) -> Result<Written, AppendError> {
        let saga = append.saga;
        if append.events.iter().any(|event| event.payload.contains('\0')) {
            return Err(AppendError::Poison { saga, detail: "a payload holds a raw U+0000".to_owned() });
        }
        rows::make_storable(&mut append);
        let told = append.tells.clone();
        let (answer, answered) = oneshot::channel();
        let gone = || AppendError::Unavailable("the log's writer has ended".to_owned());
        self.sender.send(Request { append, answer }).await.map_err(|_| gone())?;
        let written = answered.await.unwrap_or_else(|_| Err(gone()))?;
        told.iter().for_each(NewItem::arrived);
        Ok(written)
    }
}

/// An event as this release reads it: earlier forms are brought into today's here, and nowhere else. Whoever verifies the
/// chain reads the stored text itself ([`super::entry`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The shard.
    pub shard: u16,
    /// Position in the shard, from 1.
    pub pos: u64,
    /// The saga.
    pub saga: SagaId,
    /// Sequence in the saga, from 1.
    pub seq: u64,
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Its record as JSON text, in today's form.
    pub payload: String,
    /// A newer release wrote it in a form that this one does not know: the record is as it is stored.
    pub newer: bool,
    /// Who caused it.
    pub principal: String,
    /// Business time (UTC).
    pub at: DateTime<Utc>,
    /// The money that it speaks of.
    pub amount: Option<Money>,
    /// When it was written, by the database's clock (UTC).
    pub booked_at: DateTime<Utc>,
}

/// A row of `event`, before its numbers are checked.
#[derive(Debug)]
pub(super) struct EventRow {
    pub(super) shard: i32,
    pub(super) pos: i64,
    pub(super) saga: Uuid,
    pub(super) seq: i64,
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) payload: String,
    pub(super) principal: String,
    pub(super) at: DateTime<Utc>,
    pub(super) amount_minor: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) booked_at: DateTime<Utc>,
}

impl TryFrom<EventRow> for StoredEvent {
    type Error = StoreError;

    fn try_from(row: EventRow) -> Result<Self, StoreError> {
        let read = sagas::forms().read(&row.name, row.payload);
        Ok(Self {
            shard: unsigned("a shard", row.shard)?,
            pos: unsigned("a position", row.pos)?,
            saga: SagaId(row.saga),
            seq: unsigned("a sequence", row.seq)?,
            id: row.id,
            name: row.name,
            payload: read.text,
            newer: read.newer,
            principal: row.principal,
            at: row.at,
            amount: amount(row.amount_minor, row.currency.as_deref())?,
            booked_at: row.booked_at,
        })
    }
}

/// An amount as two columns keep it.
pub(super) fn amount(minor: Option<i64>, currency: Option<&str>) -> Result<Option<Money>, StoreError> {
    match (minor, currency) {
        (Some(minor), Some(code)) => {
            let currency = money::currency(code).map_err(|error| StoreError::Unreadable(error.to_string()))?;
            Ok(Some(Money::new(minor, currency)))
        }
        _ => Ok(None),
    }
}

/// A saga's events, in order; none where there is no such saga.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn events_of(pool: &PgPool, shard: u16, saga: SagaId) -> Result<Vec<StoredEvent>, StoreError> {
    let rows = sqlx::query_as!(
        EventRow,
        "select shard, pos, saga, seq, id, name, payload, principal, at, amount_minor, currency, booked_at
         from event where shard = $1 and saga = $2 order by seq",
        i32::from(shard),
        saga.0
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(StoredEvent::try_from).collect()
}
