//! Raw deliveries of the vendors' webhooks: stored once, counted when they come again, routed into items once. Does not
//! verify or understand them. A delivery's state follows from its items.

use super::error::{Retry, StoreError, retrying, storable, unsigned};
use super::items::{NewItem, insert};
use super::together::Batch;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// Whether a delivery is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Stored now, under this id.
    New(Uuid),
    /// Was stored before; it was counted.
    Duplicate,
}

/// A delivery that is to be routed. Its body is personal data: not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Our id of it.
    pub id: Uuid,
    /// `attio`, `zoho`, `braintree`.
    pub vendor: String,
    /// The vendor's name for it: the same in every redelivery.
    pub key: String,
    /// When it came (UTC).
    pub received_at: DateTime<Utc>,
    /// The headers that were kept, as JSON text.
    pub headers: String,
    /// The exact bytes.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("id", &self.id)
            .field("vendor", &self.vendor)
            .field("key", &self.key)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What a router makes of a delivery.
#[derive(Debug, Clone)]
pub enum Routed {
    /// One item per target. None is the same as ignored.
    Items(Vec<NewItem>),
    /// It does not concern us, for this reason.
    Ignored(String),
    /// It cannot be understood, for this reason: a person must look.
    Dead(String),
}

/// Deliveries of one vendor, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Stored.
    pub received: u64,
    /// Of those: all items applied or refused, or ignored.
    pub processed: u64,
    /// Of those: not understood, or with an item that found no target.
    pub dead: u64,
    /// Came again; not stored.
    pub duplicate: u64,
    /// Not genuine; not stored.
    pub rejected: u64,
}

/// A delivery that came. Its body is personal data: there is no `Debug` of it.
pub struct NewDelivery {
    /// `attio`, `zoho`, `braintree`.
    pub vendor: &'static str,
    /// The vendor's name for it: the same in every redelivery.
    pub key: String,
    /// The headers worth keeping, as JSON text.
    pub headers: String,
    /// The exact bytes.
    pub body: Vec<u8>,
    /// When it came (UTC).
    pub received_at: DateTime<Utc>,
}

/// Deliveries that are stored together. Where the database cannot be reached, answer the vendor with an error, so that it
/// comes again.
#[derive(Debug)]
pub struct Deliveries;

#[async_trait]
impl Batch for Deliveries {
    type New = NewDelivery;
    type Written = Stored;

    fn bytes(new: &NewDelivery) -> usize {
        new.body.len() + new.headers.len() + new.key.len()
    }

    async fn write(&self, pool: &PgPool, new: &[NewDelivery]) -> Result<Vec<Stored>, StoreError> {
        let ids: Vec<Uuid> = new.iter().map(|_| Uuid::now_v7()).collect();
        let vendors: Vec<String> = new.iter().map(|delivery| delivery.vendor.to_owned()).collect();
        let keys: Vec<String> = new.iter().map(|delivery| storable(&delivery.key)).collect();
        let headers: Vec<String> = new.iter().map(|delivery| storable(&delivery.headers)).collect();
        let bodies: Vec<&[u8]> = new.iter().map(|delivery| delivery.body.as_slice()).collect();
        let received: Vec<DateTime<Utc>> = new.iter().map(|delivery| delivery.received_at).collect();
        // In one order on all nodes: two of them never wait for each other.
        let stored = sqlx::query_scalar!(
            r#"with delivery as (
                select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::bytea[])
                    as d(id, vendor, key, received_at, headers, body)
             ), stored as (
                insert into inbox (id, vendor, delivery_key, received_at, headers, body, state)
                select id, vendor, key, received_at, headers, body, 'received' from delivery order by vendor, key, id
                on conflict (vendor, delivery_key) do nothing returning id
             ), counted as (
                insert into inbox_counter (vendor, what, n)
                select vendor, 'duplicate', count(*) from delivery where id not in (select id from stored)
                group by vendor order by vendor
                on conflict (vendor, what) do update set n = inbox_counter.n + excluded.n
             )
             select id as "id!" from stored"#,
            &ids,
            &vendors,
            &keys,
            &received,
            &headers,
            &bodies as &[&[u8]]
        );
        let stored: HashSet<Uuid> = stored.fetch_all(pool).await?.into_iter().collect();
        let fate = |id| if stored.contains(&id) { Stored::New(id) } else { Stored::Duplicate };
        Ok(ids.into_iter().map(fate).collect())
    }
}

/// Counts a delivery that was not genuine.
///
/// # Errors
/// The database cannot be reached.
pub async fn count_rejected(pool: &PgPool, vendor: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into inbox_counter (vendor, what, n) values ($1, 'rejected', 1)
         on conflict (vendor, what) do update set n = inbox_counter.n + excluded.n",
        vendor
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Deliveries of these vendors that no router has looked at, oldest first, but for those in `except` (put off).
///
/// # Errors
/// The database cannot be reached.
pub async fn next_unrouted(
    pool: &PgPool,
    vendors: &[String],
    except: &[Uuid],
    limit: u16,
) -> Result<Vec<Delivery>, StoreError> {
    let rows = sqlx::query_as!(
        Delivery,
        "select id, vendor, delivery_key as key, received_at, headers, body from inbox
         where state = 'received' and vendor = any($1) and not id = any($2) order by received_at, id limit $3",
        vendors,
        except,
        i64::from(limit)
    );
    Ok(rows.fetch_all(pool).await?)
}

/// Records what a router made of a delivery, with its items. False: somebody else routed it before; nothing was written.
///
/// # Errors
/// The database cannot be reached, or refuses an item.
pub async fn route(pool: &PgPool, shards: u16, delivery: Uuid, routed: &Routed) -> Result<bool, StoreError> {
    let (state, reason, items): (_, _, &[NewItem]) = match routed {
        Routed::Items(items) if items.is_empty() => ("ignored", Some("it has no target"), &[]),
        Routed::Items(items) => ("routed", None, items),
        Routed::Ignored(reason) => ("ignored", Some(reason.as_str()), &[]),
        Routed::Dead(reason) => ("dead", Some(reason.as_str()), &[]),
    };
    retrying(|| async {
        let mut tx = pool.begin().await?;
        let ours = sqlx::query!(
            "update inbox set state = $2, reason = $3 where id = $1 and state = 'received'",
            delivery,
            state,
            reason.map(storable)
        )
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if ours == 0 {
            return Ok(false);
        }
        let written = insert(&mut tx, shards, Some(delivery), items).await?;
        tx.commit().await?;
        items.iter().zip(written).filter(|(_, id)| id.is_some()).for_each(|(item, _)| item.arrived());
        Ok(true)
    })
    .await
}

/// Puts a dead or ignored delivery back before the routers, e.g. after a release that understands it. False: it is in
/// another state.
///
/// # Errors
/// The database cannot be reached.
pub async fn route_again(pool: &PgPool, delivery: Uuid) -> Result<bool, StoreError> {
    let again = sqlx::query!(
        "update inbox set state = 'received', reason = null where id = $1 and state in ('dead', 'ignored')",
        delivery
    );
    Ok(again.execute(pool).await?.rows_affected() == 1)
}

/// Erases the bodies of deliveries that are done and came before that instant; says how many.
///
/// # Errors
/// The database cannot be reached.
pub async fn erase_bodies(pool: &PgPool, received_before: DateTime<Utc>) -> Result<u64, StoreError> {
    let erased = sqlx::query!(
        "update inbox set body = '', headers = '{}' where received_at < $1 and body <> ''
         and id in (select id from inbox_status where received_at < $1 and state in ('processed', 'ignored'))",
        received_before
    );
    Ok(erased.execute(pool).await?.rows_affected())
}

/// Why a delivery about somebody who was erased is ignored: by this word it is counted.
pub const OF_ERASED: &str = "it is about somebody who was erased";

/// Erases the body of one delivery that was routed.
///
/// # Errors
/// The database cannot be reached.
pub async fn erase_body(pool: &PgPool, delivery: Uuid) -> Result<(), StoreError> {
    sqlx::query!("update inbox set body = '', headers = '{}' where id = $1 and state <> 'received'", delivery)
        .execute(pool)
        .await?;
    Ok(())
}

/// What became of one delivery. Never its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// Our id of it.
    pub id: Uuid,
    /// `attio`, `zoho`, `braintree`.
    pub vendor: String,
    /// When it came (UTC).
    pub received_at: DateTime<Utc>,
    /// `received`, `routed`, `processed`, `ignored`, `dead`.
    pub state: String,
    /// Why it was ignored or is dead, or why a saga refused it.
    pub reason: Option<String>,
}

/// What became of the deliveries that were stored last, the latest first. An absent filter does not filter.
///
/// # Errors
/// The database cannot be reached.
pub async fn fates(
    pool: &PgPool,
    vendor: Option<&str>,
    state: Option<&str>,
    limit: u16,
) -> Result<Vec<Fate>, StoreError> {
    // Ids are made in the order of time.
    let rows = sqlx::query_as!(
        Fate,
        r#"select i.id as "id!", i.vendor as "vendor!", i.received_at as "received_at!", i.state as "state!",
               coalesce(i.reason, (select string_agg(distinct t.reason, '; ') from item t where t.delivery = i.id))
                   as reason
           from inbox_status i
           where ($1::text is null or i.vendor = $1) and ($2::text is null or i.state = $2)
           order by i.id desc limit $3"#,
        vendor,
        state,
        i64::from(limit)
    );
    Ok(rows.fetch_all(pool).await?)
}

/// What came, per vendor.
///
/// # Errors
/// The database cannot be reached.
pub async fn summary(pool: &PgPool) -> Result<BTreeMap<String, Counts>, StoreError> {
    let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
    let stored = sqlx::query!(
        r#"select vendor as "vendor!", state as "state!", count(*) as "n!" from inbox_status group by vendor, state"#
    )
    .fetch_all(pool)
    .await?;
    for row in stored {
        let n: u64 = unsigned("a count", row.n)?;
        let of = counts.entry(row.vendor).or_default();
        of.received += n;
        match row.state.as_str() {
            "processed" | "ignored" => of.processed += n,
            "dead" => of.dead += n,
            _ => {}
        }
    }
    for row in sqlx::query!("select vendor, what, n from inbox_counter").fetch_all(pool).await? {
        let n = unsigned("a count", row.n)?;
        let of = counts.entry(row.vendor).or_default();
        if row.what == "duplicate" {
            of.duplicate = n;
        } else {
            of.rejected = n;
        }
    }
    Ok(counts)
}

/// When each vendor last delivered something (UTC, business time); one that never did is not there.
///
/// # Errors
/// The database cannot be reached.
pub async fn last_received(pool: &PgPool) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!(r#"select vendor, max(received_at) as "last!" from inbox group by vendor order by vendor"#);
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (row.vendor, row.last)).collect())
}

/// Why a command from outside was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// The idempotency key was used before, for something else.
    #[error("the idempotency key was used before for another request: use a new one for a new request")]
    KeyReused,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for OfferError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Retry for OfferError {
    fn again(&self) -> bool {
        matches!(self, Self::Store(error) if error.again())
    }
}
