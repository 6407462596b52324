//! Lists of sagas, one saga with its timeline, and what the scheduler and the invariant check ask of them.

use crate::store::append::Status;
use crate::store::error::{StoreError, unsigned};
use crate::store::log::{StoredEvent, amount, events_of};
use chrono::{DateTime, Utc};
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
    /// When the last one started (UTC).
    pub started_at: DateTime<Utc>,
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

/// A row of `saga`, before its numbers are checked.
#[derive(Debug)]
pub(in crate::store) struct SagaColumns {
    pub(in crate::store) shard: i32,
    pub(in crate::store) id: Uuid,
    pub(in crate::store) kind: String,
    pub(in crate::store) version: i32,
    pub(in crate::store) seq: i64,
    pub(in crate::store) status: String,
    pub(in crate::store) state: String,
    pub(in crate::store) title: String,
    pub(in crate::store) customer: Option<String>,
    pub(in crate::store) amount_minor: Option<i64>,
    pub(in crate::store) currency: Option<String>,
    pub(in crate::store) due_at: Option<DateTime<Utc>>,
    pub(in crate::store) waiting_for: Option<String>,
    pub(in crate::store) step: Option<String>,
    pub(in crate::store) parked_code: Option<String>,
    pub(in crate::store) parked_detail: Option<String>,
    pub(in crate::store) parked_since: Option<DateTime<Utc>>,
    pub(in crate::store) ended: Option<String>,
    pub(in crate::store) changed_at: DateTime<Utc>,
    pub(in crate::store) started_at: DateTime<Utc>,
}

impl TryFrom<SagaColumns> for SagaLine {
    type Error = StoreError;

    fn try_from(row: SagaColumns) -> Result<Self, StoreError> {
        let status = Status::parse(&row.status);
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
            due_at: row.due_at.map(|due| due.max(row.changed_at)),
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

/// Sagas, last started first: a page that is read while sagas change misses none.
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
            and ($6::timestamptz is null or (started_at, id) < ($6, $7))
         order by started_at desc, id desc limit $8",
        filter.status.map(Status::as_str),
        filter.kind,
        filter.customer,
        filter.parked_code,
        ids.as_deref(),
        after.map(|cursor| cursor.started_at),
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

/// Sagas of a flow that have not ended, by id; the page after that one.
///
/// # Errors
/// The database cannot be reached.
pub async fn under_way(
    pool: &PgPool,
    kind: &str,
    after: Option<SagaId>,
    limit: u16,
) -> Result<Vec<SagaId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "select id from saga where kind = $1 and ended is null and ($2::uuid is null or id > $2) order by id limit $3",
        kind,
        after.map(|saga| saga.0),
        i64::from(limit)
    );
    Ok(ids.fetch_all(pool).await?.into_iter().map(SagaId).collect())
}

/// Sagas of these shards that are due: the scheduler's safety net, and its start after a take-over.
///
/// # Errors
/// The database cannot be reached.
pub async fn due(
    pool: &PgPool,
    shards: &[u16],
    until: DateTime<Utc>,
    except: &[SagaId],
    limit: u16,
) -> Result<Vec<(SagaId, String, DateTime<Utc>)>, StoreError> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let except: Vec<Uuid> = except.iter().map(|saga| saga.0).collect();
    let rows = sqlx::query!(
        r#"select id, kind, due_at as "due_at!" from saga
           where shard = any($1) and due_at is not null and due_at <= $2 and not id = any($3)
           order by due_at, id limit $4"#,
        &shards,
        until,
        &except,
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
    let next = sqlx::query_scalar!(
        "select min(greatest(due_at, changed_at)) from saga
         where shard = any($1) and due_at is not null",
        &shards
    );
    Ok(next.fetch_one(pool).await?)
}

/// Sagas of these shards that are parked because a release could not read their history, with their flows.
///
/// # Errors
/// The database cannot be reached.
pub async fn unreadable(pool: &PgPool, shards: &[u16]) -> Result<Vec<(SagaId, String)>, StoreError> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let rows = sqlx::query!(
        "select id, kind from saga
         where status = 'needs_person' and parked_code = 'HISTORY_UNREADABLE' and shard = any($1)",
        &shards
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (SagaId(row.id), row.kind)).collect())
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
