//! Reading for people: lists of sagas, one saga with its timeline, the transaction log. Pages by cursor; never locks.

use super::append::Status;
use super::error::{StoreError, signed, unsigned};
use super::log::{EventRow, StoredEvent, amount, events_of};
use chrono::{DateTime, Utc};
use futures::stream::{BoxStream, StreamExt};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sqlx::PgPool;
use uuid::Uuid;

/// Which sagas are listed. An absent field does not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SagaFilter {
    /// An operator's status.
    pub status: Option<Status>,
    /// The flow's name.
    pub kind: Option<String>,
    /// Our customer id.
    pub customer: Option<String>,
    /// Any vendor's id or reference of ours, exactly; or the saga's own id.
    pub reference: Option<String>,
    /// Only those that are parked with this code.
    pub parked_code: Option<String>,
}

/// Where a page of sagas ended; the next one begins there. A saga that changes meanwhile may move before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SagaCursor {
    /// When the last one changed (UTC).
    pub changed_at: DateTime<Utc>,
    /// Its id.
    pub id: Uuid,
}

/// A saga's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SagaLine {
    /// Id.
    pub id: SagaId,
    /// Shard.
    pub shard: u16,
    /// The flow's name.
    pub kind: String,
    /// The definition version that it pins.
    pub version: u32,
    /// How many events it has.
    pub sequence: u64,
    /// What an operator sees first.
    pub status: Status,
    /// The flow's own state word.
    pub state: String,
    /// Short title.
    pub title: String,
    /// Our customer id.
    pub customer: Option<String>,
    /// The money concerned.
    pub amount: Option<Money>,
    /// When the engine looks again (UTC).
    pub due_at: Option<DateTime<Utc>>,
    /// What it waits for, in words.
    pub waiting_for: Option<String>,
    /// The open step.
    pub step: Option<String>,
    /// Why a person must look: code, sentence, since when (UTC).
    pub parked: Option<(String, String, DateTime<Utc>)>,
    /// How it ended.
    pub ended: Option<String>,
    /// Last change (UTC).
    pub changed_at: DateTime<Utc>,
    /// First event (UTC).
    pub started_at: DateTime<Utc>,
}

struct SagaColumns {
    shard: i32,
    id: Uuid,
    kind: String,
    version: i32,
    seq: i64,
    status: String,
    state: String,
    title: String,
    customer: Option<String>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    due_at: Option<DateTime<Utc>>,
    waiting_for: Option<String>,
    step: Option<String>,
    parked_code: Option<String>,
    parked_detail: Option<String>,
    parked_since: Option<DateTime<Utc>>,
    ended: Option<String>,
    changed_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
}

impl TryFrom<SagaColumns> for SagaLine {
    type Error = StoreError;

    fn try_from(row: SagaColumns) -> Result<Self, StoreError> {
        let status = Status::ALL.into_iter().find(|status| status.as_str() == row.status);
        Ok(Self {
            id: SagaId(row.id),
            shard: unsigned("a shard", row.shard)?,
            kind: row.kind,
            version: unsigned("a version", row.version)?,
            sequence: unsigned("a sequence", row.seq)?,
            status: status.ok_or_else(|| StoreError::Unreadable(format!("status `{}`", row.status)))?,
            state: row.state,
            title: row.title,
            customer: row.customer,
            amount: amount(row.amount_minor, row.currency.as_deref())?,
            due_at: row.due_at,
            waiting_for: row.waiting_for,
            step: row.step,
            parked: match (row.parked_code, row.parked_detail, row.parked_since) {
                (Some(code), Some(detail), Some(since)) => Some((code, detail, since)),
                _ => None,
            },
            ended: row.ended,
            changed_at: row.changed_at,
            started_at: row.started_at,
        })
    }
}

/// Sagas, last changed first.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn sagas(
    pool: &PgPool,
    filter: &SagaFilter,
    after: Option<SagaCursor>,
    limit: u16,
) -> Result<Vec<SagaLine>, StoreError> {
    let ids = match &filter.reference {
        Some(reference) => Some(sagas_by_reference(pool, reference).await?),
        None => None,
    };
    let rows = sqlx::query_as!(
        SagaColumns,
        "select shard, id, kind, version, seq, status, state, title, customer, amount_minor, currency, due_at,
            waiting_for, step, parked_code, parked_detail, parked_since, ended, changed_at, started_at
         from saga
         where ($1::text is null or status = $1) and ($2::text is null or kind = $2)
            and ($3::text is null or customer = $3) and ($4::text is null or parked_code = $4)
            and ($5::uuid[] is null or id = any($5))
            and ($6::timestamptz is null or (changed_at, id) < ($6, $7))
         order by changed_at desc, id desc limit $8",
        filter.status.map(Status::as_str),
        filter.kind,
        filter.customer,
        filter.parked_code,
        ids.as_deref(),
        after.map(|cursor| cursor.changed_at),
        after.map(|cursor| cursor.id),
        i64::from(limit)
    );
    rows.fetch_all(pool).await?.into_iter().map(SagaLine::try_from).collect()
}

/// Sagas with an event that is found by that id; and the one whose own id it is.
async fn sagas_by_reference(pool: &PgPool, reference: &str) -> Result<Vec<Uuid>, StoreError> {
    let found = sqlx::query_scalar!("select distinct saga from reference where value = $1", reference);
    let mut ids = found.fetch_all(pool).await?;
    ids.extend(Uuid::parse_str(reference));
    Ok(ids)
}

/// One saga and its events, oldest first.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn saga(pool: &PgPool, id: SagaId) -> Result<Option<(SagaLine, Vec<StoredEvent>)>, StoreError> {
    let row = sqlx::query_as!(
        SagaColumns,
        "select shard, id, kind, version, seq, status, state, title, customer, amount_minor, currency, due_at,
            waiting_for, step, parked_code, parked_detail, parked_since, ended, changed_at, started_at
         from saga where id = $1",
        id.0
    );
    let Some(row) = row.fetch_optional(pool).await? else { return Ok(None) };
    let line = SagaLine::try_from(row)?;
    let events = events_of(pool, line.shard, id).await?;
    Ok(Some((line, events)))
}

/// Sagas of these shards that are due: the scheduler's safety net, and its start after a take-over.
///
/// # Errors
/// The database cannot be reached.
pub async fn due(
    pool: &PgPool,
    shards: &[u16],
    until: DateTime<Utc>,
    limit: u16,
) -> Result<Vec<(SagaId, String, DateTime<Utc>)>, StoreError> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let rows = sqlx::query!(
        r#"select id, kind, due_at as "due_at!" from saga
           where shard = any($1) and due_at is not null and due_at <= $2 order by due_at, id limit $3"#,
        &shards,
        until,
        i64::from(limit)
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (SagaId(row.id), row.kind, row.due_at)).collect())
}

/// When the next saga of these shards is due (UTC).
///
/// # Errors
/// The database cannot be reached.
pub async fn next_due(pool: &PgPool, shards: &[u16]) -> Result<Option<DateTime<Utc>>, StoreError> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let next = sqlx::query_scalar!("select min(due_at) from saga where shard = any($1)", &shards);
    Ok(next.fetch_one(pool).await?)
}

/// How many sagas of each flow have each status.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn counts(pool: &PgPool) -> Result<Vec<(String, Status, u64)>, StoreError> {
    let rows =
        sqlx::query!(r#"select kind, status, count(*) as "n!" from saga group by kind, status order by kind, status"#);
    rows.fetch_all(pool)
        .await?
        .into_iter()
        .map(|row| {
            let status = Status::ALL.into_iter().find(|status| status.as_str() == row.status);
            let status = status.ok_or_else(|| StoreError::Unreadable(format!("status `{}`", row.status)))?;
            Ok((row.kind, status, unsigned("a count", row.n)?))
        })
        .collect()
}

/// Unfinished sagas that nothing will ever wake: neither due, nor parked, nor ended. There must be none.
///
/// # Errors
/// The database cannot be reached.
pub async fn forgotten(pool: &PgPool, limit: u16) -> Result<Vec<SagaId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "select id from saga where due_at is null and parked_code is null and ended is null limit $1",
        i64::from(limit)
    );
    Ok(ids.fetch_all(pool).await?.into_iter().map(SagaId).collect())
}

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
        let status = Status::ALL.into_iter().find(|status| status.as_str() == row.status);
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
