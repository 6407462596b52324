//! The transaction log: business events with who, when, how much and every id by which they are found.

use crate::store::append::Status;
use crate::store::error::{StoreError, signed};
use crate::store::log::{EventRow, StoredEvent};
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, StreamExt};
use sqlx::PgPool;
use uuid::Uuid;

/// Which entries of the transaction log are shown: business events, never step events. An absent field does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Business time from (UTC).
    pub from: Option<DateTime<Utc>>,
    /// Business time before (UTC).
    pub before: Option<DateTime<Utc>>,
    /// Our customer id.
    pub customer: Option<String>,
    /// Any vendor's id or reference of ours, exactly; or the saga's own id.
    pub reference: Option<String>,
    /// The present status of the saga.
    pub status: Option<Status>,
    /// The flow's name.
    pub kind: Option<String>,
    /// The event's name.
    pub event: Option<String>,
    /// Only events that speak of money.
    pub money_only: bool,
}

/// An entry's place: the order in which entries were written never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogCursor {
    /// When it was written (UTC).
    pub booked_at: DateTime<Utc>,
    /// Its shard.
    pub shard: u16,
    /// Its position there.
    pub pos: u64,
}

/// One entry of the transaction log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// The event.
    pub event: StoredEvent,
    /// The saga's flow.
    pub kind: String,
    /// The saga's title.
    pub title: String,
    /// The saga's present status.
    pub status: Status,
    /// Our customer id.
    pub customer: Option<String>,
    /// Ids by which the event is found: (kind, value).
    pub references: Vec<(String, String)>,
}

impl LogEntry {
    /// Its place.
    pub const fn cursor(&self) -> LogCursor {
        LogCursor { booked_at: self.event.booked_at, shard: self.event.shard, pos: self.event.pos }
    }
}

/// Which way the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Last written first, for people.
    Newest,
    /// First written first, for exports.
    Oldest,
}

/// The transaction log, last written first.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn transactions(
    pool: &PgPool,
    filter: &LogFilter,
    after: Option<LogCursor>,
    limit: u16,
) -> Result<Vec<LogEntry>, StoreError> {
    page(pool, filter, after, limit, Way::Newest).await
}

/// The whole transaction log, first written first, page by page as it is consumed.
pub fn stream_transactions(pool: PgPool, filter: LogFilter) -> BoxStream<'static, Result<LogEntry, StoreError>> {
    const PAGE: u16 = 1_000;
    let start = Some((pool, filter, None::<LogCursor>));
    futures::stream::unfold(start, |state| async {
        let (pool, filter, after) = state?;
        match page(&pool, &filter, after, PAGE, Way::Oldest).await {
            Err(error) => Some((vec![Err(error)], None)),
            Ok(entries) => {
                let last = entries.last().map(LogEntry::cursor);
                let next = (entries.len() == usize::from(PAGE)).then_some((pool, filter, last));
                Some((entries.into_iter().map(Ok).collect(), next))
            }
        }
    })
    .map(futures::stream::iter)
    .flatten()
    .boxed()
}

struct EntryColumns {
    shard: i32,
    pos: i64,
    saga: Uuid,
    seq: i64,
    id: Uuid,
    name: String,
    payload: String,
    principal: String,
    at: DateTime<Utc>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    booked_at: DateTime<Utc>,
    kind: String,
    title: String,
    status: String,
    customer: Option<String>,
    kinds: Vec<String>,
    values: Vec<String>,
}

impl TryFrom<EntryColumns> for LogEntry {
    type Error = StoreError;

    fn try_from(row: EntryColumns) -> Result<Self, StoreError> {
        let status = Status::parse(&row.status);
        Ok(Self {
            kind: row.kind,
            title: row.title,
            status: status.ok_or_else(|| StoreError::Unreadable(format!("status `{}`", row.status)))?,
            customer: row.customer,
            references: row.kinds.into_iter().zip(row.values).collect(),
            event: StoredEvent::try_from(EventRow {
                shard: row.shard,
                pos: row.pos,
                saga: row.saga,
                seq: row.seq,
                id: row.id,
                name: row.name,
                payload: row.payload,
                principal: row.principal,
                at: row.at,
                amount_minor: row.amount_minor,
                currency: row.currency,
                booked_at: row.booked_at,
            })?,
        })
    }
}

/// The statement of one page; of two ways only order and comparison differ, and each is served by the same index.
macro_rules! entries {
    ($order:literal, $beyond:literal, $filter:expr, $ids:expr, $after:expr, $limit:expr) => {
        sqlx::query_as!(
            EntryColumns,
            r#"select e.shard, e.pos, e.saga, e.seq, e.id, e.name, e.payload, e.principal, e.at, e.amount_minor,
                   e.currency, e.booked_at, s.kind, s.title, s.status, s.customer,
                   array(select r.kind from reference r where r.event = e.id order by r.kind, r.value) as "kinds!",
                   array(select r.value from reference r where r.event = e.id order by r.kind, r.value) as "values!"
               from event e join saga s on s.shard = e.shard and s.id = e.saga
               where e.name not like 'step.%'
                   and ($1::timestamptz is null or e.at >= $1) and ($2::timestamptz is null or e.at < $2)
                   and ($3::text is null or s.customer = $3) and ($4::text is null or s.status = $4)
                   and ($5::text is null or s.kind = $5) and ($6::text is null or e.name = $6)
                   and ($7::uuid[] is null or e.id = any($7))
                   and (not $8::boolean or e.amount_minor is not null)
                   and ($9::timestamptz is null or (e.booked_at, e.shard, e.pos) "#
                + $beyond
                + r#" ($9, $10::integer, $11::bigint))
               order by e.booked_at "#
                + $order
                + ", e.shard "
                + $order
                + ", e.pos "
                + $order
                + " limit $12",
            $filter.from,
            $filter.before,
            $filter.customer,
            $filter.status.map(Status::as_str),
            $filter.kind,
            $filter.event,
            $ids,
            $filter.money_only,
            $after.map(|cursor: LogCursor| cursor.booked_at),
            $after.map(|cursor: LogCursor| i32::from(cursor.shard)),
            $after.map(|cursor: LogCursor| signed(cursor.pos)),
            i64::from($limit)
        )
    };
}

async fn page(
    pool: &PgPool,
    filter: &LogFilter,
    after: Option<LogCursor>,
    limit: u16,
    way: Way,
) -> Result<Vec<LogEntry>, StoreError> {
    let ids = match &filter.reference {
        Some(reference) => Some(events_by_reference(pool, reference).await?),
        None => None,
    };
    let rows = match way {
        Way::Newest => entries!("desc", "<", filter, ids.as_deref(), after, limit).fetch_all(pool).await?,
        Way::Oldest => entries!("asc", ">", filter, ids.as_deref(), after, limit).fetch_all(pool).await?,
    };
    rows.into_iter().map(LogEntry::try_from).collect()
}

/// Events that are found by that id; all events of the saga whose own id it is.
async fn events_by_reference(pool: &PgPool, reference: &str) -> Result<Vec<Uuid>, StoreError> {
    let found = sqlx::query_scalar!("select distinct event from reference where value = $1", reference);
    let mut ids = found.fetch_all(pool).await?;
    if let Ok(id) = Uuid::parse_str(reference) {
        let of_saga = sqlx::query_scalar!(
            "select e.id from saga s join event e on e.shard = s.shard and e.saga = s.id where s.id = $1",
            id
        );
        ids.extend(of_saga.fetch_all(pool).await?);
    }
    Ok(ids)
}
