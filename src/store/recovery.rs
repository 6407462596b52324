//! The recovery hold: kept in the database, so that all nodes obey it at once. Notices that the database behind the
//! address is another one than it was, or that it has lost what was published. Sweeps nothing and calls nobody.

use super::checkpoints::{Body, DeclaredBreak, Head, Signed, heads};
use super::error::{StoreError, signed, unsigned};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, PgPool};
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// So long after a release every searchable call is looked up before it is sent.
const SEARCH: TimeDelta = TimeDelta::days(7);
/// Epochs of a restored log rise by so much above any that was seen.
const EPOCH_JUMP: i64 = 1_000;

/// Which database it is. What may not be read is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Of the cluster; made with it and kept by its physical copies.
    pub system: Option<String>,
    /// Rises with each promotion and each restore to a point in time.
    pub timeline: Option<i64>,
    /// Of the database within the cluster; another one after a restore from a dump.
    pub database: i64,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = self.system.as_deref().unwrap_or("not readable");
        let timeline = self.timeline.map_or_else(|| "not readable".to_owned(), |timeline| timeline.to_string());
        write!(f, "system {system}, timeline {timeline}, database {}", self.database)
    }
}

impl Identity {
    /// How it differs from another one; what cannot be read on both sides does not count.
    fn differs(&self, other: &Self) -> bool {
        let system = self.system.as_ref().zip(other.system.as_ref()).is_some_and(|(one, other)| one != other);
        let timeline = self.timeline.zip(other.timeline).is_some_and(|(one, other)| one != other);
        system || timeline || self.database != other.database
    }
}

/// Asks the server; what it does not let us read is none.
///
/// # Errors
/// The database cannot be reached.
pub async fn identity(connection: &mut PgConnection) -> Result<Identity, StoreError> {
    let system = sqlx::query_scalar!(r#"select system_identifier::text as "system!" from pg_control_system()"#);
    let system = system.fetch_one(&mut *connection).await.ok();
    let timeline = sqlx::query_scalar!(r#"select timeline_id::bigint as "timeline!" from pg_control_checkpoint()"#);
    let timeline = timeline.fetch_one(&mut *connection).await.ok();
    let database =
        sqlx::query_scalar!(r#"select oid::bigint as "oid!" from pg_database where datname = current_database()"#);
    Ok(Identity { system, timeline, database: database.fetch_one(&mut *connection).await? })
}

/// Remembers which database a pool's first connection reached, and notices when a later one reaches another.
#[derive(Debug, Default)]
pub struct Watchman {
    first: OnceLock<Identity>,
    moved: AtomicBool,
}

impl Watchman {
    /// A new connection.
    pub(super) fn sees(&self, identity: &Identity) {
        let first = self.first.get_or_init(|| identity.clone());
        if first.differs(identity) && !self.moved.swap(true, Ordering::SeqCst) {
            tracing::error!(was = %first, is = %identity, "the database behind the address is another one: nothing is sent");
        }
    }

    /// Since its start the node has reached another database than its first one: what it remembers is worth nothing.
    pub fn moved(&self) -> bool {
        self.moved.load(Ordering::SeqCst)
    }
}

/// A hold that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which restore or failover, from 1.
    pub number: u64,
    /// Since when (UTC).
    pub began_at: DateTime<Utc>,
    /// Why.
    pub cause: String,
    /// Where the chains stood then.
    pub restored: Vec<Head>,
    /// The last published checkpoint that was known then.
    pub published: Option<Signed>,
    /// What was declared; none: nothing yet.
    pub declared: Option<Declaration>,
    /// The checkpoint that declares it; none: not signed yet.
    pub signed: Option<u64>,
    /// Business time of the last event that was restored (UTC).
    pub restored_at: Option<DateTime<Utc>>,
    /// What the sweep of the vendors showed; none: not swept yet.
    pub swept: Option<Swept>,
    /// To how many customers the erasures of the list outside were applied again; none: not yet.
    pub erased: Option<u64>,
}

/// What a sweep showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Sales of ours that were looked at.
    pub found: u64,
    /// Of them those that the log did not know, and that were told to their sagas.
    pub adopted: u64,
    /// Those that nobody could be told of: a person must look.
    pub unexplained: u64,
}

/// What a person declared lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declaration {
    /// By shard; none: nothing that was published is lost.
    pub breaks: Vec<DeclaredBreak>,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The hold that stands, if one does.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn hold(pool: &PgPool) -> Result<Option<Hold>, StoreError> {
    let row = sqlx::query!(
        "select number, began_at, cause, restored, restored_at, published, breaks, signed, swept_at, found, adopted, unexplained,
            erased_at, erased
         from recovery where released_at is null"
    );
    let Some(row) = row.fetch_optional(pool).await? else { return Ok(None) };
    let unreadable = |e: serde_json::Error| StoreError::Unreadable(format!("the recovery: {e}"));
    Ok(Some(Hold {
        number: unsigned("a number", row.number)?,
        began_at: row.began_at,
        cause: row.cause,
        restored: serde_json::from_str(&row.restored).map_err(unreadable)?,
        published: row.published.map(|text| serde_json::from_str(&text)).transpose().map_err(unreadable)?,
        declared: row.breaks.map(|text| serde_json::from_str(&text)).transpose().map_err(unreadable)?,
        signed: row.signed.map(|number| unsigned("a number", number)).transpose()?,
        restored_at: row.restored_at,
        swept: match row.swept_at {
            None => None,
            Some(_) => Some(Swept {
                found: unsigned("a count", row.found)?,
                adopted: unsigned("a count", row.adopted)?,
                unexplained: unsigned("a count", row.unexplained)?,
            }),
        },
        erased: row.erased_at.map(|_| unsigned("a count", row.erased)).transpose()?,
    }))
}

/// How calls are to be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Care {
    /// No write at a vendor, no mail, no timer.
    pub held: bool,
    /// Searchable calls are looked up before they are sent.
    pub search_first: bool,
}

/// How calls are to be made now.
///
/// # Errors
/// The database cannot be reached.
pub async fn care(pool: &PgPool) -> Result<Care, StoreError> {
    let row = sqlx::query!(
        r#"select coalesce(bool_or(released_at is null), false) as "held!",
               coalesce(bool_or(search_until > now()), false) as "search!" from recovery"#
    );
    let row = row.fetch_one(pool).await?;
    Ok(Care { held: row.held, search_first: row.search })
}

/// Compares the database with what it was: enters the hold where it is another one, or has lost what was published.
/// Says why, where it has just been entered.
///
/// # Errors
/// The database cannot be reached.
pub async fn look(pool: &PgPool, published: Option<&Signed>) -> Result<Option<String>, StoreError> {
    let mut connection = pool.acquire().await?;
    let is = identity(&mut connection).await?;
    drop(connection);
    let was = sqlx::query!("select system_identifier, timeline, database_oid from database_identity");
    let was = was.fetch_optional(pool).await?;
    let was =
        was.map(|row| Identity { system: row.system_identifier, timeline: row.timeline, database: row.database_oid });
    let cause = match &was {
        None => {
            know(pool, &is).await?;
            lost(pool, published).await?
        }
        Some(was) if was.differs(&is) => Some(format!("the log was written in {was}, and this is {is}")),
        Some(_) => lost(pool, published).await?,
    };
    match cause {
        Some(cause) if enter(pool, &cause, published).await? => Ok(Some(cause)),
        Some(_) | None => Ok(None),
    }
}

/// From now on the log is written here.
async fn know(pool: &PgPool, identity: &Identity) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into database_identity (one, system_identifier, timeline, database_oid, seen_at)
         values (true, $1, $2, $3, now())
         on conflict (one) do update set system_identifier = excluded.system_identifier,
            timeline = excluded.timeline, database_oid = excluded.database_oid, seen_at = excluded.seen_at",
        identity.system,
        identity.timeline,
        identity.database
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// What of the last published checkpoint is not in this database.
async fn lost(pool: &PgPool, published: Option<&Signed>) -> Result<Option<String>, StoreError> {
    let Some(body) = published.and_then(|signed| serde_json::from_str::<Body>(&signed.body).ok()) else {
        return Ok(None);
    };
    let (shards, positions): (Vec<i32>, Vec<i64>) =
        body.heads.iter().filter(|head| head.pos > 0).map(|head| (i32::from(head.shard), signed(head.pos))).unzip();
    let rows = sqlx::query!(
        r#"select w.shard as "shard!", w.pos as "pos!", e.hash as "hash?"
           from unnest($1::integer[], $2::bigint[]) as w(shard, pos)
           left join event e on e.shard = w.shard and e.pos = w.pos order by w.shard"#,
        &shards,
        &positions
    );
    let known = |shard: i32| body.heads.iter().find(|head| i32::from(head.shard) == shard);
    for row in rows.fetch_all(pool).await? {
        let there = row.hash.as_ref().map(hex::encode);
        if known(row.shard).is_some_and(|head| Some(&head.hash) != there.as_ref()) {
            return Ok(Some(format!(
                "checkpoint {} was published with shard {} at position {}, which this database does not have",
                body.number, row.shard, row.pos
            )));
        }
    }
    Ok(None)
}

/// Enters the hold; false: it stands already.
///
/// # Errors
/// The database cannot be reached.
pub async fn enter(pool: &PgPool, cause: &str, published: Option<&Signed>) -> Result<bool, StoreError> {
    let restored = serde_json::to_string(&heads(pool).await?).expect("texts and numbers always serialise");
    let published = published.map(|signed| serde_json::to_string(signed).expect("texts always serialise"));
    let entered = sqlx::query!(
        "insert into recovery (number, began_at, cause, restored, published, restored_at)
         select coalesce(max(number), 0) + 1, now(), $1, $2, $3,
            (select at from event where name not like 'step.%' order by booked_at desc, shard, pos limit 1) from recovery
         on conflict do nothing",
        cause,
        restored,
        published
    );
    Ok(entered.execute(pool).await?.rows_affected() == 1)
}

/// Why nothing was declared or released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotNow {
    /// There is no hold.
    #[error("nothing is on hold: there is nothing to recover")]
    NoHold,
    /// The break was not signed and published yet.
    #[error("what was lost is not declared, signed and published yet: run `recover` first, with a service running")]
    NotDeclared,
    /// The vendors were not swept yet.
    #[error("Braintree was not swept to its end yet: the running service does that; see `recover`")]
    NotSwept,
    /// The sweep found what it could not explain.
    #[error(
        "the sweep found {0} sale(s) that it could not explain: the service's log names them; clear them up, or release with differences"
    )]
    Unexplained(u64),
    /// Who was erased since may be here again.
    #[error("erasures of before were not applied again: `recover erasures` does that; or release with differences")]
    NotErased,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person declares what the restore lost; the service signs and publishes it. Epochs jump above any that was ever
/// used, so that no append of before can be taken for one of now. Repeated, it changes nothing.
///
/// # Errors
/// There is no hold, or the database cannot be reached.
pub async fn declare(pool: &PgPool, by: &str, reason: &str) -> Result<Hold, NotNow> {
    let hold = hold(pool).await?.ok_or(NotNow::NoHold)?;
    if hold.declared.is_some() {
        return Ok(hold);
    }
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let identity = identity(&mut connection).await?;
    drop(connection);
    let published = hold.published.as_ref().and_then(|signed| serde_json::from_str::<Body>(&signed.body).ok());
    let breaks = published.iter().flat_map(|body| body.heads.iter().map(move |head| (body.number, head)));
    let breaks: Vec<DeclaredBreak> = breaks
        .filter_map(|(checkpoint, was)| {
            let is = hold.restored.iter().find(|head| head.shard == was.shard)?;
            // A head beyond the published one lost nothing that anybody could miss.
            (is.pos < was.pos).then(|| DeclaredBreak {
                shard: was.shard,
                restored: is.pos,
                restored_hash: is.hash.clone(),
                published: was.pos,
                published_hash: was.hash.clone(),
                checkpoint,
                identity: identity.to_string(),
                by: by.to_owned(),
                reason: reason.to_owned(),
            })
        })
        .collect();
    let used = published.iter().flat_map(|body| &body.heads).map(|head| head.epoch).max().unwrap_or(0);
    let declaration = Declaration { breaks, by: by.to_owned(), reason: reason.to_owned() };
    let text = serde_json::to_string(&declaration).expect("texts and numbers always serialise");
    let mut tx = pool.begin().await.map_err(StoreError::from)?;
    sqlx::query!("update recovery set breaks = $2 where number = $1 and breaks is null", signed(hold.number), text)
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
    sqlx::query!("select shard from shard order by shard for update")
        .fetch_all(&mut *tx)
        .await
        .map_err(StoreError::from)?;
    sqlx::query!("update shard set node = null, epoch = greatest(epoch, $1) + $2", used, EPOCH_JUMP)
        .execute(&mut *tx)
        .await
        .map_err(StoreError::from)?;
    tx.commit().await.map_err(StoreError::from)?;
    Ok(Hold { declared: Some(declaration), ..hold })
}

/// The declaration stands in this checkpoint, which was published.
///
/// # Errors
/// The database cannot be reached.
pub async fn signed_with(pool: &PgPool, hold: u64, checkpoint: u64) -> Result<(), StoreError> {
    sqlx::query!("update recovery set signed = $2 where number = $1", signed(hold), signed(checkpoint))
        .execute(pool)
        .await?;
    Ok(())
}

/// The vendors were swept.
///
/// # Errors
/// The database cannot be reached.
pub async fn swept(pool: &PgPool, hold: u64, swept: Swept) -> Result<(), StoreError> {
    sqlx::query!(
        "update recovery set swept_at = now(), found = $2, adopted = $3, unexplained = $4 where number = $1",
        signed(hold),
        signed(swept.found),
        signed(swept.adopted),
        signed(swept.unexplained)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Which of these transactions no event of ours names.
///
/// # Errors
/// The database cannot be reached.
pub async fn unknown(pool: &PgPool, transactions: &[String]) -> Result<Vec<String>, StoreError> {
    let unknown = sqlx::query_scalar!(
        r#"select w.id as "id!" from unnest($1::text[]) as w(id)
           where not exists (select 1 from reference r where r.kind = 'braintree_transaction' and r.value = w.id)"#,
        transactions
    );
    Ok(unknown.fetch_all(pool).await?)
}

/// The hold, where it can be released now.
///
/// # Errors
/// There is none, what was lost is not signed and published yet, or, unless `with_differences`, something is not explained
/// or not done; or the database cannot be reached.
pub async fn releasable(pool: &PgPool, with_differences: bool) -> Result<Hold, NotNow> {
    let hold = hold(pool).await?.ok_or(NotNow::NoHold)?;
    if hold.signed.is_none() {
        return Err(NotNow::NotDeclared);
    }
    match hold.swept {
        _ if with_differences => {}
        None => return Err(NotNow::NotSwept),
        Some(swept) if swept.unexplained > 0 => return Err(NotNow::Unexplained(swept.unexplained)),
        Some(_) if hold.erased.is_none() => return Err(NotNow::NotErased),
        Some(_) => {}
    }
    Ok(hold)
}

/// The erasures of the list outside were applied again, to so many customers.
///
/// # Errors
/// The database cannot be reached.
pub async fn erased(pool: &PgPool, hold: u64, customers: u64) -> Result<(), StoreError> {
    sqlx::query!(
        "update recovery set erased_at = now(), erased = $2 where number = $1",
        signed(hold),
        signed(customers)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Releases the hold: writes go out again, each searchable one looked up before it is sent for seven days.
///
/// # Errors
/// It cannot be released now: see [`releasable`].
pub async fn release(pool: &PgPool, by: &str, reason: &str, with_differences: bool) -> Result<Hold, NotNow> {
    let hold = releasable(pool, with_differences).await?;
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let identity = identity(&mut connection).await?;
    drop(connection);
    know(pool, &identity).await?;
    sqlx::query!(
        "update recovery set released_at = now(), released_by = $2, reason = $3,
            search_until = now() + $4::bigint * interval '1 second' where number = $1",
        signed(hold.number),
        by,
        reason,
        SEARCH.num_seconds()
    )
    .execute(pool)
    .await
    .map_err(StoreError::from)?;
    Ok(hold)
}
