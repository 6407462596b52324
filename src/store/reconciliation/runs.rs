//! Runs: asked for, gone on with step by step by whichever node has the turn, stopped, resumed, ended with a report that
//! never changes.

use super::findings::{Changes, Scope, Seen, record};
use crate::store::error::{StoreError, retrying, storable, unsigned};
use chrono::{DateTime, NaiveDate, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::{PgExecutor, PgPool};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It goes on, now or once a vendor takes calls again.
    Running,
    /// A person stopped it; it can go on where it is.
    Stopped,
    /// It has its report.
    Done,
    /// It could not be gone on with.
    Failed,
}

impl RunState {
    /// The word in the table and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        let all = [Self::Running, Self::Stopped, Self::Done, Self::Failed];
        let state = all.into_iter().find(|state| state.as_str() == word);
        state.ok_or_else(|| StoreError::Unreadable(format!("a run's state `{word}`")))
    }
}

/// A run to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// `nightly`, `hourly`, `on_demand`, `continuous`.
    pub kind: &'static str,
    /// One run at most has it.
    pub slot: Option<String>,
    /// Words of the legs, separated by commas.
    pub legs: String,
    /// The window (UTC).
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// Who.
    pub by: String,
    /// When, by business time (UTC).
    pub at: DateTime<Utc>,
    /// What it is to look at, as JSON; empty: all.
    pub work: String,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Id.
    pub id: Uuid,
    /// `nightly`, `hourly`, `on_demand`, `continuous`.
    pub kind: String,
    /// Words of the legs, separated by commas.
    pub legs: String,
    /// The window (UTC).
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// Who asked for it.
    pub asked_by: String,
    /// When, by business time (UTC).
    pub asked_at: DateTime<Utc>,
    /// How it stands.
    pub state: RunState,
    /// Steps that are done.
    pub step: u32,
    /// Of so many that are known of.
    pub steps: u32,
    /// What it does, for people.
    pub doing: String,
    /// The plan and what was used, as JSON.
    pub work: String,
    /// It goes on then (UTC).
    pub resume_at: Option<DateTime<Utc>>,
    /// Everything was read; none: it has not ended.
    pub complete: Option<bool>,
    /// The report as JSON text.
    pub report: Option<String>,
    /// SHA-256 of it.
    pub hash: Option<Vec<u8>>,
    /// When something of it changed (UTC).
    pub changed_at: DateTime<Utc>,
}

struct Row {
    id: Uuid,
    kind: String,
    legs: String,
    from_at: DateTime<Utc>,
    to_at: DateTime<Utc>,
    asked_by: String,
    asked_at: DateTime<Utc>,
    state: String,
    step: i32,
    steps: i32,
    doing: String,
    work: String,
    resume_at: Option<DateTime<Utc>>,
    complete: Option<bool>,
    report: Option<String>,
    hash: Option<Vec<u8>>,
    changed_at: DateTime<Utc>,
}

impl TryFrom<Row> for Run {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            kind: row.kind,
            legs: row.legs,
            from: row.from_at,
            to: row.to_at,
            asked_by: row.asked_by,
            asked_at: row.asked_at,
            state: RunState::parse(&row.state)?,
            step: unsigned("a step", row.step)?,
            steps: unsigned("a count of steps", row.steps)?,
            doing: row.doing,
            work: row.work,
            resume_at: row.resume_at,
            complete: row.complete,
            report: row.report,
            hash: row.hash,
            changed_at: row.changed_at,
        })
    }
}

/// Makes a run; none: its slot is taken.
///
/// # Errors
/// The database cannot be reached.
pub async fn create(on: impl PgExecutor<'_>, run: &NewRun) -> Result<Option<Uuid>, StoreError> {
    let id = Uuid::now_v7();
    let made = sqlx::query!(
        "insert into reconciliation_run (id, kind, slot, legs, from_at, to_at, asked_by, asked_at, state, step, steps,
             doing, work, changed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'running', 0, 0, 'waits for its turn', $9, $8)
         on conflict (slot) do nothing",
        id,
        run.kind,
        run.slot,
        run.legs,
        run.from,
        run.to,
        storable(&run.by),
        run.at,
        storable(&run.work)
    );
    Ok((made.execute(on).await?.rows_affected() == 1).then_some(id))
}

/// The run that has its turn: the oldest that is running and may go on.
///
/// # Errors
/// The database cannot be reached.
pub async fn due(pool: &PgPool, now: DateTime<Utc>) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select id, kind, legs, from_at, to_at, asked_by, asked_at, state, step, steps, doing, work, resume_at, complete,
             report, hash, changed_at
         from reconciliation_run where state = 'running' and (resume_at is null or resume_at <= $1)
         order by asked_at, id limit 1",
        now
    );
    row.fetch_optional(pool).await?.map(Run::try_from).transpose()
}

/// One run.
///
/// # Errors
/// The database cannot be reached.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select id, kind, legs, from_at, to_at, asked_by, asked_at, state, step, steps, doing, work, resume_at, complete,
             report, hash, changed_at
         from reconciliation_run where id = $1",
        id
    );
    row.fetch_optional(pool).await?.map(Run::try_from).transpose()
}

/// The last runs, the youngest first; of those that go on all day, the last few.
///
/// # Errors
/// The database cannot be reached.
pub async fn list(pool: &PgPool, limit: u16) -> Result<Vec<Run>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select id, kind, legs, from_at, to_at, asked_by, asked_at, state, step, steps, doing, work, resume_at, complete,
             null::text as report, hash, changed_at
         from reconciliation_run
         where kind <> 'continuous' or id in (
             select id from reconciliation_run where kind = 'continuous' order by asked_at desc, id desc limit 5)
         order by asked_at desc, id desc limit $1",
        i64::from(limit)
    );
    rows.fetch_all(pool).await?.into_iter().map(Run::try_from).collect()
}

/// The last run that has a report, but for those that go on all day.
///
/// # Errors
/// The database cannot be reached.
pub async fn latest(pool: &PgPool) -> Result<Option<Run>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select id, kind, legs, from_at, to_at, asked_by, asked_at, state, step, steps, doing, work, resume_at, complete,
             report, hash, changed_at
         from reconciliation_run where report is not null and kind <> 'continuous' order by changed_at desc, id desc limit 1"
    );
    row.fetch_optional(pool).await?.map(Run::try_from).transpose()
}

/// When the last run began that read everything; where there was none, the first run at all.
///
/// # Errors
/// The database cannot be reached.
pub async fn last_complete(pool: &PgPool) -> Result<Option<DateTime<Utc>>, StoreError> {
    let at = sqlx::query_scalar!(
        "select coalesce(max(asked_at) filter (where complete), min(asked_at)) from reconciliation_run
         where kind <> 'continuous'"
    );
    Ok(at.fetch_one(pool).await?)
}

/// What a step came to.
#[derive(Debug, Clone, Default)]
pub struct Stepped {
    /// What it read: source, key, content.
    pub read: Vec<Read>,
    /// Steps that are known of now.
    pub steps: u32,
    /// The step is done; else it is tried again.
    pub done: bool,
    /// What comes next, for people.
    pub doing: String,
    /// Plan and use from now on, as JSON.
    pub work: String,
    /// Not before then (UTC).
    pub resume_at: Option<DateTime<Utc>>,
    /// Calls that it made, by vendor.
    pub calls: BTreeMap<&'static str, u32>,
}

/// Something that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Where.
    pub source: &'static str,
    /// Its id there.
    pub key: String,
    /// What, as JSON.
    pub content: String,
}

/// Keeps what a step came to. False: the run is not running any more, or another node went on with it: nothing is kept but
/// the calls that were made.
///
/// # Errors
/// The database cannot be reached.
pub async fn steps_done(
    pool: &PgPool,
    run: Uuid,
    step: u32,
    stepped: &Stepped,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let at = i32::try_from(step).unwrap_or(i32::MAX);
    retrying(|| async {
        let mut tx = pool.begin().await?;
        for (vendor, calls) in &stepped.calls {
            sqlx::query!(
                "insert into reconciliation_call (day, vendor, calls) values ($1, $2, $3)
                 on conflict (day, vendor) do update set calls = reconciliation_call.calls + $3",
                now.date_naive(),
                vendor,
                i64::from(*calls)
            )
            .execute(&mut *tx)
            .await?;
        }
        let kept = sqlx::query!(
            "update reconciliation_run set step = $3, steps = $4, doing = $5, work = $6, resume_at = $7, changed_at = $8
             where id = $1 and step = $2 and state = 'running'",
            run,
            at,
            at + i32::from(stepped.done),
            i32::try_from(stepped.steps).unwrap_or(i32::MAX),
            storable(&stepped.doing),
            stepped.work,
            stepped.resume_at,
            now
        );
        let kept = kept.execute(&mut *tx).await?.rows_affected() == 1;
        if kept && !stepped.read.is_empty() {
            let sources: Vec<String> = stepped.read.iter().map(|read| read.source.to_owned()).collect();
            let keys: Vec<String> = stepped.read.iter().map(|read| storable(&read.key)).collect();
            let contents: Vec<String> = stepped.read.iter().map(|read| storable(&read.content)).collect();
            // A list that moves while it is read shows a thing twice: what it said last counts.
            sqlx::query!(
                "insert into reconciliation_read (run, source, key, content)
                 select distinct on (w.source, w.key) $1, w.source, w.key, w.content
                 from unnest($2::text[], $3::text[], $4::text[]) with ordinality as w(source, key, content, place)
                 order by w.source, w.key, w.place desc
                 on conflict (run, source, key) do update set content = excluded.content",
                run,
                &sources,
                &keys,
                &contents
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(kept)
    })
    .await
}

/// What a run has read of a source.
///
/// # Errors
/// The database cannot be reached.
pub async fn reads(pool: &PgPool, run: Uuid, source: &str) -> Result<Vec<String>, StoreError> {
    let contents = sqlx::query_scalar!(
        "select content from reconciliation_read where run = $1 and source = $2 order by key",
        run,
        source
    );
    Ok(contents.fetch_all(pool).await?)
}

/// Stops a run, or lets a stopped one go on. False: it is not so that it could be.
///
/// # Errors
/// The database cannot be reached.
pub async fn stop_or_resume(pool: &PgPool, id: Uuid, stop: bool, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let (from, to) = if stop { ("running", "stopped") } else { ("stopped", "running") };
    let done = sqlx::query!(
        "update reconciliation_run set state = $3, changed_at = $4 where id = $1 and state = $2",
        id,
        from,
        to,
        now
    );
    Ok(done.execute(pool).await?.rows_affected() == 1)
}

/// A run that cannot be gone on with keeps why.
///
/// # Errors
/// The database cannot be reached.
pub async fn fail(pool: &PgPool, id: Uuid, why: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "update reconciliation_run set state = 'failed', doing = $2, changed_at = $3 where id = $1 and state = 'running'",
        id,
        storable(why),
        now
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Ends a run: its findings and its report in one transaction. `report` makes the text of what the findings became. None: the
/// run is not running any more, or another node ended it, and nothing is kept.
///
/// # Errors
/// The database cannot be reached.
pub async fn finish(
    pool: &PgPool,
    run: (Uuid, u32),
    seen: &[Seen],
    scopes: &[Scope],
    complete: bool,
    now: DateTime<Utc>,
    report: impl Fn(&Changes) -> String,
) -> Result<Option<Changes>, StoreError> {
    let (id, step) = (run.0, i32::try_from(run.1).unwrap_or(i32::MAX));
    retrying(|| async {
        let mut tx = pool.begin().await?;
        // The row is locked first: two nodes never end one run.
        let ours = sqlx::query_scalar!(
            "select id from reconciliation_run where id = $1 and step = $2 and state = 'running' for update",
            id,
            step
        );
        if ours.fetch_optional(&mut *tx).await?.is_none() {
            return Ok(None);
        }
        let changes = record(&mut tx, id, seen, scopes, now).await?;
        let text = storable(&report(&changes));
        let hash = Sha256::digest(text.as_bytes()).to_vec();
        sqlx::query!(
            "update reconciliation_run set state = 'done', step = step + 1, doing = 'done', complete = $2, report = $3,
                 hash = $4, changed_at = $5, resume_at = null where id = $1",
            id,
            complete,
            text,
            hash,
            now
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!("delete from reconciliation_read where run = $1", id).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Some(changes))
    })
    .await
}

/// Calls that all runs made of a vendor on a day (UTC).
///
/// # Errors
/// The database cannot be reached.
pub async fn used_today(pool: &PgPool, day: NaiveDate, vendor: &str) -> Result<u32, StoreError> {
    let calls =
        sqlx::query_scalar!("select calls from reconciliation_call where day = $1 and vendor = $2", day, vendor);
    unsigned("a count of calls", calls.fetch_optional(pool).await?.unwrap_or(0))
}

/// Invoices as they were read last: (id, what its row said of its change, content).
///
/// # Errors
/// The database cannot be reached.
pub async fn invoice_content(pool: &PgPool, invoices: &[String]) -> Result<Vec<(String, String, String)>, StoreError> {
    let rows = sqlx::query!(
        "select invoice, changed_at, content from reconciliation_invoice where invoice = any($1) order by invoice",
        invoices
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (row.invoice, row.changed_at, row.content)).collect())
}

/// Keeps invoices as they were read: (id, what its row said of its change, content).
///
/// # Errors
/// The database cannot be reached.
pub async fn keep_invoices(
    pool: &PgPool,
    invoices: &[(String, String, String)],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    for (invoice, changed_at, content) in invoices {
        sqlx::query!(
            "insert into reconciliation_invoice (invoice, changed_at, content, read_at) values ($1, $2, $3, $4)
             on conflict (invoice) do update set changed_at = $2, content = $3, read_at = $4",
            storable(invoice),
            storable(changed_at),
            storable(content),
            now
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}
