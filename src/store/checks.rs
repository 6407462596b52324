//! What the standing checks read and remember. A fault is kept until it is seen mended: a check that goes over all rows
//! in time must not forget what it found a page ago. What a projection should hold is not known here.

use super::error::{StoreError, unsigned};
use super::log::{EventRow, StoredEvent};
use super::query::SagaColumns;
use super::query::SagaLine;
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;
use uuid::Uuid;

/// A standing check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Everything unfinished is due, awaits something, or is parked.
    Waits,
    /// Each saga's row is what its events say.
    Projections,
    /// Journals balance, and each belongs to an event.
    Journals,
    /// Claims belong to a saga, and reservations end.
    Claims,
    /// Every invariant of ledger and flows that a database alone can show; once a day, over everything.
    Invariants,
}

impl Check {
    /// Every check.
    pub const ALL: [Self; 5] = [Self::Waits, Self::Projections, Self::Journals, Self::Claims, Self::Invariants];

    /// The word in tables, metrics and alerts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waits => "waits",
            Self::Projections => "projections",
            Self::Journals => "journals",
            Self::Claims => "claims",
            Self::Invariants => "invariants",
        }
    }

    /// How much longer ago its last run may be than that of a check of every minute.
    pub const fn patience(self) -> Duration {
        match self {
            Self::Waits | Self::Projections | Self::Journals | Self::Claims => Duration::ZERO,
            Self::Invariants => Duration::from_hours(26),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The saga, the journal, the claim.
    pub subject: String,
    /// What is wrong with it.
    pub detail: String,
}

/// What a run of a check looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All there is: what was not found is mended.
    All,
    /// These subjects.
    These(Vec<String>),
}

/// How a check stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Which.
    pub check: Check,
    /// How long ago it last ran to its end; none: never.
    pub age: Option<Duration>,
    /// How many faults are open.
    pub faults: u64,
    /// One of them.
    pub example: Option<Fault>,
}

impl State {
    /// It ran not long ago and found nothing.
    pub fn passed(&self, within: Duration) -> bool {
        self.faults == 0 && self.age.is_some_and(|age| age <= within + self.check.patience())
    }

    /// Its last run is longer ago than it may be.
    pub fn is_late(&self, after: Duration) -> bool {
        self.age.is_some_and(|age| age > after + self.check.patience())
    }
}

/// How all checks stand.
///
/// # Errors
/// The database cannot be reached.
pub async fn states(pool: &PgPool) -> Result<Vec<State>, StoreError> {
    let runs = sqlx::query!(
        r#"select name, extract(epoch from greatest(now() - ran_at, interval '0'))::float8 as "age!" from standing_check"#
    );
    let runs = runs.fetch_all(pool).await?;
    let faults = sqlx::query!(
        r#"select name, count(*) as "count!", min(subject) as "subject!",
               (array_agg(detail order by subject))[1] as "detail!" from standing_fault group by name"#
    );
    let faults = faults.fetch_all(pool).await?;
    let state = |check: Check| {
        let run = runs.iter().find(|run| run.name == check.as_str());
        let found = faults.iter().find(|fault| fault.name == check.as_str());
        Ok(State {
            check,
            age: run.map(|run| Duration::from_secs_f64(run.age.max(0.0))),
            faults: found.map_or(Ok(0), |found| unsigned("a count", found.count))?,
            example: found.map(|found| Fault { subject: found.subject.clone(), detail: found.detail.clone() }),
        })
    };
    Check::ALL.into_iter().map(state).collect()
}

/// Where a walk goes on, and subjects that were found wrong before.
///
/// # Errors
/// The database cannot be reached.
pub async fn left_off(pool: &PgPool, check: Check) -> Result<(Option<String>, Vec<String>), StoreError> {
    let walked = sqlx::query_scalar!("select walked_to from standing_check where name = $1", check.as_str());
    let walked = walked.fetch_optional(pool).await?.flatten();
    let open = sqlx::query_scalar!(
        "select subject from standing_fault where name = $1 order by since, subject limit 100",
        check.as_str()
    );
    Ok((walked, open.fetch_all(pool).await?))
}

/// Keeps what a run found: what was looked at and is not among the faults is mended.
///
/// # Errors
/// The database cannot be reached.
pub async fn record(
    pool: &PgPool,
    check: Check,
    scope: &Scope,
    faults: &[Fault],
    walked_to: Option<&str>,
) -> Result<(), StoreError> {
    let (subjects, details): (Vec<String>, Vec<String>) =
        faults.iter().map(|fault| (fault.subject.clone(), fault.detail.clone())).unzip();
    let looked_at = match scope {
        Scope::All => None,
        Scope::These(subjects) => Some(subjects.as_slice()),
    };
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "delete from standing_fault where name = $1 and subject <> all($2) and ($3::text[] is null or subject = any($3))",
        check.as_str(),
        &subjects,
        looked_at
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into standing_fault (name, subject, detail, since)
         select $1, w.subject, w.detail, now() from unnest($2::text[], $3::text[]) as w(subject, detail)
         on conflict (name, subject) do update set detail = excluded.detail",
        check.as_str(),
        &subjects,
        &details
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into standing_check (name, ran_at, walked_to) values ($1, now(), $2)
         on conflict (name) do update set ran_at = excluded.ran_at, walked_to = excluded.walked_to",
        check.as_str(),
        walked_to
    )
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// A saga's row, its events and its claims, all of one instant.
#[derive(Debug)]
pub struct Snapshot {
    /// The row.
    pub line: SagaLine,
    /// Its events, oldest first.
    pub events: Vec<StoredEvent>,
}

/// The next sagas after that id, and those ids beside them, each with its events, all of one instant. No row is left out but by `limit`.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn sagas_after(
    pool: &PgPool,
    after: Option<Uuid>,
    beside: &[Uuid],
    limit: i64,
) -> Result<Vec<Snapshot>, StoreError> {
    let mut tx = pool.begin().await?;
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
    let snapshots = sagas_within(&mut tx, after, beside, limit, None).await?;
    tx.rollback().await?;
    Ok(snapshots)
}

/// The same within a transaction, and of the next ones only those that an event was written to `since` (UTC).
pub(super) async fn sagas_within(
    tx: &mut PgConnection,
    after: Option<Uuid>,
    beside: &[Uuid],
    limit: i64,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<Snapshot>, StoreError> {
    let rows = sqlx::query_as!(
        SagaColumns,
        r#"select shard as "shard!", id as "id!", kind as "kind!", version as "version!", seq as "seq!", status as "status!",
            state as "state!", title as "title!", customer, amount_minor, currency, due_at, waiting_for, step, parked_code,
            parked_detail, parked_since, ended, changed_at as "changed_at!", started_at as "started_at!"
         from ((select * from saga a where ($1::uuid is null or id > $1) and ($4::timestamptz is null or exists (
                    select 1 from event e where e.shard = a.shard and e.saga = a.id and e.booked_at >= $4))
                order by id limit $3)
               union select * from saga where id = any($2)) s order by id"#,
        after,
        beside,
        limit,
        since
    );
    let rows = rows.fetch_all(&mut *tx).await?;
    let (shards, ids): (Vec<i32>, Vec<Uuid>) = rows.iter().map(|row| (row.shard, row.id)).unzip();
    let events = sqlx::query_as!(
        EventRow,
        "select e.shard, e.pos, e.saga, e.seq, e.id, e.name, e.payload, e.principal, e.at, e.amount_minor, e.currency,
            e.booked_at
         from event e join unnest($1::integer[], $2::uuid[]) as w(shard, saga) on e.shard = w.shard and e.saga = w.saga
         order by e.saga, e.seq",
        &shards,
        &ids
    );
    let events = events.fetch_all(&mut *tx).await?;
    let mut events = events.into_iter().map(StoredEvent::try_from).collect::<Result<Vec<_>, _>>()?;
    let mut snapshots = Vec::with_capacity(rows.len());
    for row in rows.into_iter().rev() {
        let first = events.partition_point(|event| event.saga.0 < row.id);
        let own = events.split_off(first);
        snapshots.push(Snapshot { line: SagaLine::try_from(row)?, events: own });
    }
    snapshots.reverse();
    Ok(snapshots)
}

/// Sagas that have events and no row.
///
/// # Errors
/// The database cannot be reached.
pub async fn sagas_without_row(pool: &PgPool, shard: u16, limit: i64) -> Result<Vec<SagaId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "select e.saga from event e where e.shard = $1 and e.seq = 1
         and not exists (select 1 from saga s where s.shard = e.shard and s.id = e.saga) order by e.saga limit $2",
        i32::from(shard),
        limit
    );
    Ok(ids.fetch_all(pool).await?.into_iter().map(SagaId).collect())
}

/// Journals that do not balance, have no lines or no event: of the last minutes, of those ids, and of the next page
/// after (shard, id). Says where the page ended; none: it was the last.
///
/// # Errors
/// The database cannot be reached.
pub async fn journals(
    pool: &PgPool,
    after: Option<(i32, Uuid)>,
    beside: &[Uuid],
    limit: i64,
) -> Result<JournalPage, StoreError> {
    let (shard, id) = after.unzip();
    let looked = sqlx::query!(
        r#"select j.shard, j.id from journal j
           where $1::integer is null or (j.shard, j.id) > ($1, $2) order by j.shard, j.id limit $3"#,
        shard,
        id,
        limit
    );
    let page = looked.fetch_all(pool).await?;
    let ended = page.last().filter(|_| i64::try_from(page.len()) == Ok(limit)).map(|row| (row.shard, row.id));
    let recent = sqlx::query_scalar!(
        "select j.id from event e join journal j on j.event = e.id and j.shard = e.shard
         where e.booked_at > now() - interval '3 minutes' and e.name not like 'step.%' limit 2000"
    );
    let mut ids: Vec<Uuid> = page.into_iter().map(|row| row.id).collect();
    ids.extend(recent.fetch_all(pool).await?);
    ids.extend(beside);
    let wrong = sqlx::query!(
        r#"select j.id, bool_and(e.id is null) as "orphan!", count(l.journal) as "lines!"
           from journal j
           left join event e on e.id = j.event and e.shard = j.shard
           left join (select shard, journal, currency,
                          sum(case side when 'debit' then amount_minor else -amount_minor end) as off
                      from journal_line where journal = any($1) group by shard, journal, currency) l
               on l.shard = j.shard and l.journal = j.id
           where j.id = any($1)
           group by j.id having bool_or(e.id is null or l.off is distinct from 0) limit 100"#,
        &ids
    );
    let faults = wrong.fetch_all(pool).await?.into_iter().map(|row| {
        let detail = match (row.orphan, row.lines) {
            (true, _) => "its event is not in the log",
            (false, 0) => "it has no lines",
            (false, _) => "its debits and credits differ",
        };
        Fault { subject: row.id.to_string(), detail: detail.to_owned() }
    });
    let faults = faults.collect();
    Ok(JournalPage { looked_at: ids, faults, ended })
}

/// A page of journals.
#[derive(Debug)]
pub struct JournalPage {
    /// Which were looked at.
    pub looked_at: Vec<Uuid>,
    /// What is wrong with some.
    pub faults: Vec<Fault>,
    /// Where the next page begins; none: at the beginning.
    pub ended: Option<(i32, Uuid)>,
}

/// Claims of a saga that does not exist, and reservations that nobody confirmed or swept, all older than 20 minutes.
///
/// # Errors
/// The database cannot be reached.
pub async fn lost_claims(pool: &PgPool) -> Result<Vec<Fault>, StoreError> {
    let lost = sqlx::query!(
        r#"select c.kind, c.key, c.saga, s.id is null as "orphan!" from claim c left join saga s on s.id = c.saga
           where c.reserved_at < now() - interval '20 minutes'
           and (s.id is null or (c.state = 'reserved' and s.step is distinct from c.step)) order by c.kind, c.key limit 100"#
    );
    let fault = |kind: String, key: String, saga: Uuid, orphan: bool| Fault {
        subject: format!("{kind} {key}"),
        detail: if orphan {
            format!("held by saga {saga}, which does not exist")
        } else {
            format!("reserved by saga {saga}, which neither confirmed it nor let it go")
        },
    };
    Ok(lost.fetch_all(pool).await?.into_iter().map(|row| fault(row.kind, row.key, row.saga, row.orphan)).collect())
}

/// Which of these (kind, key) nobody has.
///
/// # Errors
/// The database cannot be reached.
pub async fn unheld(pool: &PgPool, kinds: &[String], keys: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let free = sqlx::query!(
        r#"select w.kind as "kind!", w.key as "key!" from unnest($1::text[], $2::text[]) as w(kind, key)
           where not exists (select 1 from claim c where c.kind = w.kind and c.key = w.key)"#,
        kinds,
        keys
    );
    Ok(free.fetch_all(pool).await?.into_iter().map(|row| (row.kind, row.key)).collect())
}

/// Now, by the database's clock (UTC).
///
/// # Errors
/// The database cannot be reached.
pub async fn database_now(pool: &PgPool) -> Result<DateTime<Utc>, StoreError> {
    Ok(sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(pool).await?)
}
