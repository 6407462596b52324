//! One verb over a fixed list of sagas: durable, so that it survives a restart; sent at a steady pace by whichever node
//! has time. What became of each item follows from its inbox item: nothing is counted aside.

use super::error::{StoreError, retrying, storable, unsigned};
use super::items::{self, NewItem};
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;
use uuid::Uuid;

/// A job to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// The verb as JSON text.
    pub verb: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub asked_by: String,
    /// How many sagas a second are told.
    pub per_second: u16,
    /// It waits for a second person.
    pub waits: bool,
    /// The sagas, each with its flow and, where it is left out, why.
    pub sagas: Vec<(SagaId, String, Option<String>)>,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Id.
    pub id: Uuid,
    /// The verb as JSON text.
    pub verb: String,
    /// Why.
    pub reason: String,
    /// Who.
    pub asked_by: String,
    /// The second person, where there was one.
    pub approver: Option<String>,
    /// How many sagas a second are told.
    pub per_second: u16,
    /// `asked`, `running`, `done`, `cancelled`.
    pub state: String,
    /// When (UTC, by the database's clock).
    pub asked_at: DateTime<Utc>,
    /// How many items have each outcome: `waiting`, `sent`, `applied`, `refused`, `left_out`, `cancelled`.
    pub counts: Vec<(String, u64)>,
}

/// One item of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobItem {
    /// The saga.
    pub saga: SagaId,
    /// Its flow.
    pub saga_kind: String,
    /// `waiting`, `sent`, `applied`, `refused`, `left_out`, `cancelled`.
    pub outcome: String,
    /// Why it was refused or left out.
    pub reason: Option<String>,
}

/// Makes a job with its fixed list; durable when it returns.
///
/// # Errors
/// The database cannot be reached.
pub async fn create(pool: &PgPool, job: &NewJob) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    let sagas: Vec<Uuid> = job.sagas.iter().map(|(saga, ..)| saga.0).collect();
    let kinds: Vec<String> = job.sagas.iter().map(|(_, kind, _)| kind.clone()).collect();
    let reasons: Vec<String> = job.sagas.iter().map(|(.., why)| why.clone().unwrap_or_default()).collect();
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "insert into bulk_job (id, verb, reason, asked_by, per_second, state, asked_at)
         values ($1, $2, $3, $4, $5, $6, now())",
        id,
        storable(&job.verb),
        storable(&job.reason),
        storable(&job.asked_by),
        i32::from(job.per_second),
        if job.waits { "asked" } else { "running" }
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into bulk_item (job, place, saga, saga_kind, state, reason)
         select $1, w.place::integer, w.saga, w.kind, case when w.reason = '' then 'waiting' else 'left_out' end,
            nullif(w.reason, '')
         from unnest($2::uuid[], $3::text[], $4::text[]) with ordinality as w(saga, kind, reason, place)
         on conflict (job, saga) do nothing",
        id,
        &sagas,
        &kinds,
        &reasons
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(id)
}

/// Jobs that have something to send.
///
/// # Errors
/// The database cannot be reached.
pub async fn running(pool: &PgPool) -> Result<Vec<Uuid>, StoreError> {
    let ids = sqlx::query_scalar!(
        "select id from bulk_job j where state = 'running'
            and exists (select 1 from bulk_item i where i.job = j.id and i.state = 'waiting')
         order by asked_at, id"
    );
    Ok(ids.fetch_all(pool).await?)
}

/// Sends the next items of a job, as many as its pace allows in a second: each is marked and left for its saga in one
/// transaction, so that a restart neither loses nor doubles one. `order` makes the inbox item; a saga whose outcome is
/// unknown by now is left out. Nothing is sent where another node sent for this job less than a second ago.
///
/// # Errors
/// The database cannot be reached.
pub async fn send_next(
    pool: &PgPool,
    shards: u16,
    job: Uuid,
    order: impl Fn(&Job, SagaId, &str) -> NewItem,
) -> Result<u64, StoreError> {
    let Some(known) = find(pool, job).await? else { return Ok(0) };
    retrying(|| async {
        let mut tx = pool.begin().await?;
        // The row is locked by this update: two nodes never send for one job at once.
        let turn = sqlx::query!(
            "update bulk_job set sent_at = now() where id = $1 and state = 'running'
                and (sent_at is null or sent_at <= now() - interval '1 second')",
            job
        );
        if turn.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(0);
        }
        let next = sqlx::query!(
            r#"select i.place, i.saga, i.saga_kind,
                   coalesce(s.status = 'resolving' or s.parked_code = 'OUTCOME_UNKNOWN', false) as "unknown!"
               from bulk_item i left join saga s on s.id = i.saga
               where i.job = $1 and i.state = 'waiting' order by i.place limit $2"#,
            job,
            i64::from(known.per_second)
        )
        .fetch_all(&mut *tx)
        .await?;
        let mut orders = Vec::new();
        for row in &next {
            let item = if row.unknown {
                None
            } else {
                let order = order(&known, SagaId(row.saga), &row.saga_kind);
                let item = items::insert_one(&mut tx, shards, &order).await?;
                orders.push(order);
                item
            };
            sqlx::query!(
                "update bulk_item set state = $3, item = $4, reason = $5 where job = $1 and place = $2",
                job,
                row.place,
                if row.unknown { "left_out" } else { "sent" },
                item,
                row.unknown.then_some(LEFT_OUT)
            )
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        orders.iter().for_each(NewItem::arrived);
        Ok(next.len() as u64)
    })
    .await
}

/// Why a saga is left out.
pub const LEFT_OUT: &str = "its outcome is unknown: it is being looked up, and no bulk order touches it";

/// Items that were not sent yet never will be. False: there is no such job, or it is over.
///
/// # Errors
/// The database cannot be reached.
pub async fn cancel(pool: &PgPool, job: Uuid, by: &str) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let stopped =
        sqlx::query!("update bulk_job set state = 'cancelled' where id = $1 and state in ('asked', 'running')", job)
            .execute(&mut *tx)
            .await?
            .rows_affected();
    let reason = storable(&format!("cancelled by {by}"));
    let cut = sqlx::query!(
        "update bulk_item set state = 'cancelled', reason = $2 where job = $1 and state = 'waiting'",
        job,
        reason
    )
    .execute(&mut *tx)
    .await?
    .rows_affected();
    if stopped == 0 || cut == 0 {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// A second person agrees. False: it does not wait for one, or who asked answers.
///
/// # Errors
/// The database cannot be reached.
pub async fn approve(pool: &PgPool, job: Uuid, by: &str) -> Result<bool, StoreError> {
    let begun = sqlx::query!(
        "update bulk_job set state = 'running', approver = $2
         where id = $1 and state = 'asked' and split_part(asked_by, ':', 2) <> split_part($2, ':', 2)
            and asked_at > now() - interval '24 hours'",
        job,
        storable(by)
    );
    Ok(begun.execute(pool).await?.rows_affected() == 1)
}

/// One job with what became of its items.
///
/// # Errors
/// The database cannot be reached.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Job>, StoreError> {
    let row = sqlx::query!(
        "select verb, reason, asked_by, approver, per_second, state, asked_at from bulk_job where id = $1",
        id
    );
    let Some(row) = row.fetch_optional(pool).await? else { return Ok(None) };
    let counts = sqlx::query!(
        r#"select outcome as "outcome!", count(*) as "n!" from (
               select case when b.state = 'sent' and t.state in ('applied', 'refused') then t.state
                   when b.state = 'sent' and t.state = 'dead' then 'refused' else b.state end as outcome
               from bulk_item b left join item t on t.id = b.item where b.job = $1) as o
           group by outcome order by outcome"#,
        id
    );
    let counts: Vec<(String, u64)> = counts
        .fetch_all(pool)
        .await?
        .into_iter()
        .map(|row| Ok((row.outcome, unsigned("a count", row.n)?)))
        .collect::<Result<_, StoreError>>()?;
    let open = counts.iter().any(|(outcome, _)| matches!(outcome.as_str(), "waiting" | "sent"));
    let state = if row.state == "running" && !open { "done".to_owned() } else { row.state };
    Ok(Some(Job {
        id,
        verb: row.verb,
        reason: row.reason,
        asked_by: row.asked_by,
        approver: row.approver,
        per_second: unsigned("a pace", row.per_second)?,
        state,
        asked_at: row.asked_at,
        counts,
    }))
}

/// The items of a job, in their order.
///
/// # Errors
/// The database cannot be reached.
pub async fn items_of(pool: &PgPool, id: Uuid) -> Result<Vec<JobItem>, StoreError> {
    let rows = sqlx::query!(
        r#"select b.saga, b.saga_kind, coalesce(b.reason, t.reason) as reason,
               case when b.state = 'sent' and t.state in ('applied', 'refused') then t.state
                   when b.state = 'sent' and t.state = 'dead' then 'refused' else b.state end as "outcome!"
           from bulk_item b left join item t on t.id = b.item where b.job = $1 order by b.place"#,
        id
    );
    let rows = rows.fetch_all(pool).await?.into_iter().map(|row| JobItem {
        saga: SagaId(row.saga),
        saga_kind: row.saga_kind,
        outcome: row.outcome,
        reason: row.reason,
    });
    Ok(rows.collect())
}

/// Jobs, the youngest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn list(pool: &PgPool, limit: u16) -> Result<Vec<Job>, StoreError> {
    let ids = sqlx::query_scalar!("select id from bulk_job order by asked_at desc, id desc limit $1", i64::from(limit));
    let mut jobs = Vec::new();
    for id in ids.fetch_all(pool).await? {
        jobs.extend(find(pool, id).await?);
    }
    Ok(jobs)
}
