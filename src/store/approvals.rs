//! Requests for a second person: durable, answered once, by somebody else than who asked. What is ordered of a saga is
//! approved while the saga stands as it stood; what concerns no saga is agreed to by the same command. And which verbs need
//! a second person.

use super::error::{StoreError, retrying, storable, unsigned};
use super::items::{self, NewItem};
use crate::access::{Act, Actor, Denied, same_person};
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A verb that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// The saga.
    pub saga: SagaId,
    /// Its flow.
    pub saga_kind: String,
    /// How many events the saga had when it was asked: another number, and the request is void.
    pub sequence: u64,
    /// The verb as JSON text.
    pub verb: String,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub asked_by: String,
}

/// A request as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Id.
    pub id: Uuid,
    /// What is asked.
    pub asked: NewRequest,
    /// When (UTC, by the database's clock).
    pub asked_at: DateTime<Utc>,
    /// `open`, `approved`, `rejected`, `expired`.
    pub state: String,
    /// Who answered.
    pub decided_by: Option<String>,
    /// What the second person said.
    pub answer: Option<String>,
    /// The inbox item of an approved one.
    pub item: Option<Uuid>,
}

struct Row {
    id: Uuid,
    saga: Uuid,
    saga_kind: String,
    seq: i64,
    verb: String,
    reason: String,
    asked_by: String,
    asked_at: DateTime<Utc>,
    state: String,
    decided_by: Option<String>,
    answer: Option<String>,
    item: Option<Uuid>,
}

impl TryFrom<Row> for Request {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            asked: NewRequest {
                saga: SagaId(row.saga),
                saga_kind: row.saga_kind,
                sequence: unsigned("a sequence", row.seq)?,
                verb: row.verb,
                reason: row.reason,
                asked_by: row.asked_by,
            },
            asked_at: row.asked_at,
            state: row.state,
            decided_by: row.decided_by,
            answer: row.answer,
            item: row.item,
        })
    }
}

/// Why a request was not answered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AnswerError {
    /// There is none of that id.
    #[error("there is no request {0}")]
    Unknown(Uuid),
    /// It is not open any more.
    #[error("request {id} is {state}: nothing follows from a further answer")]
    Closed {
        /// Which.
        id: Uuid,
        /// What it is.
        state: String,
    },
    /// Who asked cannot approve.
    #[error("{who} asked for it and cannot approve it: another person must look")]
    SamePerson {
        /// Who.
        who: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AnswerError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Makes a request; durable when it returns. The same saga, verb and asker, still open, is the same request.
///
/// # Errors
/// The database cannot be reached.
pub async fn ask(pool: &PgPool, request: &NewRequest) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    let seq = i64::try_from(request.sequence).unwrap_or(i64::MAX);
    let before = sqlx::query_scalar!(
        "select id from approval where saga = $1 and seq = $2 and verb = $3 and asked_by = $4 and state = 'open'
            and asked_at > now() - interval '24 hours'",
        request.saga.0,
        seq,
        storable(&request.verb),
        storable(&request.asked_by)
    );
    if let Some(before) = before.fetch_optional(pool).await? {
        return Ok(before);
    }
    sqlx::query!(
        "insert into approval (id, saga, saga_kind, seq, verb, reason, asked_by, asked_at, state)
         values ($1, $2, $3, $4, $5, $6, $7, now(), 'open')",
        id,
        request.saga.0,
        request.saga_kind,
        seq,
        storable(&request.verb),
        storable(&request.reason),
        storable(&request.asked_by)
    )
    .execute(pool)
    .await?;
    Ok(id)
}

/// Requests, the youngest first; `open` leaves out what was answered or has expired.
///
/// # Errors
/// The database cannot be reached.
pub async fn list(pool: &PgPool, open: bool, limit: u16) -> Result<Vec<Request>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, saga, saga_kind, seq, verb, reason, asked_by, asked_at, state as "state!", decided_by, answer, item
           from (select a.id, a.saga, a.saga_kind, a.seq, a.verb, a.reason, a.asked_by, a.asked_at, a.decided_by,
                   a.answer, a.item,
                   case when a.state = 'open' and (a.asked_at <= now() - interval '24 hours'
                       or not exists (select 1 from saga s where s.id = a.saga and s.seq = a.seq))
                       then 'expired' else a.state end as state
               from approval a) as standing
           where not $1 or state = 'open' order by asked_at desc, id desc limit $2"#,
        open,
        i64::from(limit)
    );
    rows.fetch_all(pool).await?.into_iter().map(Request::try_from).collect()
}

/// One request, as it stands now.
///
/// # Errors
/// The database cannot be reached.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Option<Request>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, saga, saga_kind, seq, verb, reason, asked_by, asked_at,
               case when state = 'open' and (asked_at <= now() - interval '24 hours'
                   or not exists (select 1 from saga s where s.id = approval.saga and s.seq = approval.seq))
                   then 'expired' else state end as "state!",
               decided_by, answer, item
           from approval where id = $1"#,
        id
    );
    row.fetch_optional(pool).await?.map(Request::try_from).transpose()
}

/// A second person agrees, whose name is another than the asker's, whichever way each came: the request is closed and its order is left for the saga, both or neither.
///
/// # Errors
/// It is not open any more, who asked answers it, or the database cannot be reached.
pub async fn approve(
    pool: &PgPool,
    shards: u16,
    id: Uuid,
    by: &str,
    answer: Option<&str>,
    item: &NewItem,
) -> Result<Uuid, AnswerError> {
    let done = retrying(|| async {
        let mut tx = pool.begin().await?;
        let closed = sqlx::query!(
            "update approval set state = 'approved', decided_by = $2, answer = $3, decided_at = now()
             where id = $1 and state = 'open' and asked_at > now() - interval '24 hours'
                and split_part(asked_by, ':', 2) <> split_part($2, ':', 2)
                and exists (select 1 from saga s where s.id = approval.saga and s.seq = approval.seq)",
            id,
            storable(by),
            answer.map(storable)
        );
        if closed.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(None);
        }
        let Some(left) = items::insert_one(&mut tx, shards, item).await? else { return Ok(None) };
        sqlx::query!("update approval set item = $2 where id = $1", id, left).execute(&mut *tx).await?;
        tx.commit().await?;
        item.arrived();
        Ok::<_, StoreError>(Some(left))
    });
    match done.await? {
        Some(item) => Ok(item),
        None => Err(why_not(pool, id, by).await?),
    }
}

/// A second person, or who asked, says no.
///
/// # Errors
/// It is not open any more, or the database cannot be reached.
pub async fn reject(pool: &PgPool, id: Uuid, by: &str, answer: &str) -> Result<(), AnswerError> {
    let closed = sqlx::query!(
        "update approval set state = 'rejected', decided_by = $2, answer = $3, decided_at = now()
         where id = $1 and state = 'open'",
        id,
        storable(by),
        storable(answer)
    );
    if closed.execute(pool).await?.rows_affected() == 1 { Ok(()) } else { Err(why_not(pool, id, "").await?) }
}

async fn why_not(pool: &PgPool, id: Uuid, by: &str) -> Result<AnswerError, StoreError> {
    Ok(match find(pool, id).await? {
        None => AnswerError::Unknown(id),
        Some(request) if request.state == "open" && same_person(&request.asked.asked_by, by) => {
            AnswerError::SamePerson { who: by.to_owned() }
        }
        Some(request) => AnswerError::Closed { id, state: request.state },
    })
}

/// What came of asking for something that two people must want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Second {
    /// Another person had asked for it, and this one agrees.
    Agreed {
        /// Who asked.
        first: String,
    },
    /// It waits for another person.
    Asked {
        /// Who asked.
        by: String,
    },
    /// This one may neither ask for it nor agree to it.
    Denied(Denied),
}

/// Asks for what two people must want, or agrees to what another asked for within a day: both give the same command. `what`
/// says exactly what follows, in words that both ask for.
///
/// # Errors
/// The database cannot be reached.
pub async fn second(tx: &mut PgConnection, what: &str, act: Act, actor: &Actor) -> Result<Second, StoreError> {
    let (what, by) = (storable(what), storable(&actor.principal()));
    let first = sqlx::query_scalar!(
        "select asked_by from asked where what = $1 and asked_at > now() - interval '1 day' for update",
        what
    );
    match first.fetch_optional(&mut *tx).await? {
        Some(first) if same_person(&first, &by) => Ok(Second::Asked { by: first }),
        Some(first) => {
            if let Err(denied) = actor.may_approve(act) {
                return Ok(Second::Denied(denied));
            }
            forget(tx, &what).await?;
            Ok(Second::Agreed { first })
        }
        None => {
            if let Err(denied) = actor.may(act) {
                return Ok(Second::Denied(denied));
            }
            sqlx::query!(
                "insert into asked (what, asked_by, asked_at) values ($1, $2, now())
                 on conflict (what) do update set asked_by = $2, asked_at = now()",
                what,
                by
            )
            .execute(&mut *tx)
            .await?;
            Ok(Second::Asked { by })
        }
    }
}

/// What one person asked for and another one has not agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What, in the words of whoever asks.
    pub what: String,
    /// Who.
    pub by: String,
    /// When (UTC).
    pub at: DateTime<Utc>,
}

/// What begins so, is asked for, and still counts.
///
/// # Errors
/// The database cannot be reached.
pub async fn asked(pool: &PgPool, beginning: &str) -> Result<Vec<Asked>, StoreError> {
    let asked = sqlx::query_as!(
        Asked,
        r#"select what, asked_by as "by", asked_at as "at" from asked
           where starts_with(what, $1) and asked_at > now() - interval '1 day' order by what"#,
        beginning
    );
    Ok(asked.fetch_all(pool).await?)
}

/// What was asked for is not wanted any more.
///
/// # Errors
/// The database cannot be reached.
pub async fn forget(tx: &mut PgConnection, what: &str) -> Result<(), StoreError> {
    sqlx::query!("delete from asked where what = $1", storable(what)).execute(tx).await?;
    Ok(())
}

/// Says which verbs need a second person from now on: the service does, when it starts.
///
/// # Errors
/// The database cannot be reached.
pub async fn set_policy(pool: &PgPool, verbs: &BTreeSet<String>) -> Result<(), StoreError> {
    let verbs = verbs.iter().map(String::as_str).collect::<Vec<_>>().join(",");
    sqlx::query!(
        "insert into approval_policy (one, verbs, changed_at) values (true, $1, now())
         on conflict (one) do update set verbs = $1, changed_at = now()",
        verbs
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Which verbs need a second person; none where no service has said so.
///
/// # Errors
/// The database cannot be reached.
pub async fn policy(pool: &PgPool) -> Result<BTreeSet<String>, StoreError> {
    let verbs = sqlx::query_scalar!("select verbs from approval_policy").fetch_optional(pool).await?;
    let verbs = verbs.unwrap_or_default();
    Ok(verbs.split(',').filter(|verb| !verb.is_empty()).map(str::to_owned).collect())
}
