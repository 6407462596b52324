//! Checkpoints: one signed list of where every shard's chain stands. Publishing them is somebody else's.
//!
//! The signed text is the JSON of [`Body`], byte for byte as it was made; its hash is SHA-256 over it. `previous` chains
//! every checkpoint of this database, `published` those that a sink has, so that a sink's lines verify by themselves.

use super::chain::{GENESIS, Hash};
use super::error::{StoreError, signed, unsigned};
use super::signature::{PublicKey, Signer};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::time::Duration;

/// What the text begins with.
pub const FORM: &str = "attio-billing/checkpoint/1";

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// [`FORM`].
    pub form: String,
    /// Prefix of the installation.
    pub installation: String,
    /// From 1, rising by one; after a restore it goes on behind the last published one.
    pub number: u64,
    /// By the database's clock (UTC).
    pub made_at: DateTime<Utc>,
    /// Id of the key that signs.
    pub key: String,
    /// Hash of the checkpoint before it in this database.
    pub previous: Option<String>,
    /// Hash of the last one that a sink took.
    pub published: Option<String>,
    /// Every shard.
    pub heads: Vec<Head>,
    /// What a restore lost, declared once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaks: Vec<DeclaredBreak>,
}

/// Where a shard's chain stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The shard.
    pub shard: u16,
    /// Its last position; 0: empty.
    pub pos: u64,
    /// The hash there, in hexadecimal digits.
    pub hash: String,
    /// The shard's epoch.
    pub epoch: i64,
}

/// A part of a shard's chain that was published and is lost: positions after `restored` up to `published`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredBreak {
    /// The shard.
    pub shard: u16,
    /// Where the restored chain ended.
    pub restored: u64,
    /// The hash there.
    pub restored_hash: String,
    /// Where the last published checkpoint saw it.
    pub published: u64,
    /// The hash there.
    pub published_hash: String,
    /// Number of that checkpoint.
    pub checkpoint: u64,
    /// The database that it goes on in.
    pub identity: String,
    /// Who declared it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A checkpoint as it is published: one JSON object on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The exact text that is signed: the JSON of [`Body`].
    pub body: String,
    /// SHA-256 of the text, in hexadecimal digits.
    pub hash: String,
    /// The key, in hexadecimal digits.
    pub public_key: String,
    /// Ed25519 over the text, in hexadecimal digits.
    pub signature: String,
}

impl Signed {
    /// Signs a checkpoint.
    pub fn new(body: &Body, signer: &Signer) -> Self {
        let text = serde_json::to_string(body).expect("a list of numbers and texts always serialises");
        Self {
            hash: hex::encode(Sha256::digest(&text)),
            public_key: signer.public().to_string(),
            signature: hex::encode(signer.sign(text.as_bytes())),
            body: text,
        }
    }

    /// Reads it and verifies hash and signature.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn open(&self) -> Result<(Body, PublicKey), String> {
        let hash = hex::encode(Sha256::digest(&self.body));
        if hash != self.hash {
            return Err(format!("its hash is {hash}, and {} was expected: its text was changed", self.hash));
        }
        let key: PublicKey = self.public_key.parse().map_err(|e| format!("{e}"))?;
        let signature = hex::decode(&self.signature).unwrap_or_default();
        if !key.verifies(self.body.as_bytes(), &signature) {
            return Err(format!("its signature is not one of key {}", key.id()));
        }
        let body: Body = serde_json::from_str(&self.body).map_err(|e| format!("its text cannot be read: {e}"))?;
        if body.form != FORM {
            return Err(format!("its form is `{}`, expected `{FORM}`", body.form));
        }
        if body.key != key.id() {
            return Err(format!("it names key {}, and key {} signed it", body.key, key.id()));
        }
        Ok((body, key))
    }
}

/// Where every shard's chain stands now.
///
/// # Errors
/// The database cannot be reached.
pub async fn heads(pool: &PgPool) -> Result<Vec<Head>, StoreError> {
    let rows = sqlx::query!(
        r#"select s.shard, s.epoch, e.pos as "pos?", e.hash as "hash?" from shard s
           left join lateral (select pos, hash from event where shard = s.shard order by pos desc limit 1) e on true
           order by s.shard"#
    );
    let head = |shard, epoch, pos: Option<i64>, hash: Option<Vec<u8>>| {
        Ok(Head {
            shard: unsigned("a shard", shard)?,
            pos: unsigned("a position", pos.unwrap_or(0))?,
            hash: hash.map_or_else(|| hex::encode(GENESIS), hex::encode),
            epoch,
        })
    };
    rows.fetch_all(pool).await?.into_iter().map(|row| head(row.shard, row.epoch, row.pos, row.hash)).collect()
}

/// The last checkpoint; none where there is none.
///
/// # Errors
/// The database cannot be reached.
pub async fn last(pool: &PgPool) -> Result<Option<Signed>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "select c.body, c.hash, k.public_key, c.signature from checkpoint c join checkpoint_key k on k.id = c.key
         order by c.number desc limit 1"
    );
    Ok(row.fetch_optional(pool).await?.map(Signed::from))
}

/// Checkpoints after that number, oldest first: all, or those that a sink took.
///
/// # Errors
/// The database cannot be reached.
pub async fn after(pool: &PgPool, number: u64, published: bool, limit: i64) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query!(
        r#"select c.number, c.published_at is not null as "published!", c.body, c.hash, k.public_key, c.signature from checkpoint c join checkpoint_key k on k.id = c.key
         where c.number > $1 and (c.published_at is not null or not $2) order by c.number limit $3"#,
        signed(number),
        published,
        limit
    );
    let kept = rows.fetch_all(pool).await?.into_iter().map(|row| {
        let signed = Row { body: row.body, hash: row.hash, public_key: row.public_key, signature: row.signature };
        Ok(Kept { number: unsigned("a number", row.number)?, published: row.published, signed: signed.into() })
    });
    kept.collect()
}

/// A checkpoint as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub number: u64,
    /// A sink has taken it.
    pub published: bool,
    /// It.
    pub signed: Signed,
}

/// Hash of the last one that a sink took.
async fn last_published(pool: &PgPool) -> Result<Option<Hash>, StoreError> {
    let hash =
        sqlx::query_scalar!("select hash from checkpoint where published_at is not null order by number desc limit 1");
    let hash = hash.fetch_optional(pool).await?;
    hash.map(|hash| hash.try_into().map_err(|_| StoreError::Unreadable("a checkpoint's hash".to_owned()))).transpose()
}

/// What a new checkpoint is made with beside what the database holds.
#[derive(Debug, Clone, Default)]
pub struct Making<'a> {
    /// Prefix of the installation.
    pub installation: &'a str,
    /// What a restore lost, to be declared with it.
    pub breaks: Vec<DeclaredBreak>,
    /// What a sink is known to have: numbers go on behind it.
    pub beyond: Option<(u64, String)>,
}

/// A log that stands still has a new checkpoint that often all the same: it shows that somebody looks.
const AT_LEAST_EVERY: TimeDelta = TimeDelta::hours(1);

/// Makes the next checkpoint and keeps it; none where the last one, not long ago, says all there is to say.
/// Where two nodes make one at once, one of them makes none.
///
/// # Errors
/// The database cannot be reached.
pub async fn make(pool: &PgPool, signer: &Signer, making: Making<'_>) -> Result<Option<Signed>, StoreError> {
    let before = last(pool).await?;
    let opened: Option<Body> = match &before {
        Some(signed) => {
            let body = serde_json::from_str(&signed.body);
            Some(body.map_err(|e| StoreError::Unreadable(format!("the last checkpoint: {e}")))?)
        }
        None => None,
    };
    let heads = heads(pool).await?;
    let made_at = super::checks::database_now(pool).await?;
    let says_all = |body: &Body| {
        body.heads == heads && body.key == signer.public().id() && made_at - body.made_at < AT_LEAST_EVERY
    };
    if making.breaks.is_empty() && opened.as_ref().is_some_and(says_all) {
        return Ok(None);
    }
    let published = match &making.beyond {
        Some((_, hash)) => Some(hash.clone()),
        None => last_published(pool).await?.map(hex::encode),
    };
    let number = opened.as_ref().map_or(0, |body| body.number).max(making.beyond.as_ref().map_or(0, |(n, _)| *n)) + 1;
    let body = Body {
        form: FORM.to_owned(),
        installation: making.installation.to_owned(),
        number,
        made_at,
        key: signer.public().id(),
        previous: before.map(|signed| signed.hash),
        published,
        heads,
        breaks: making.breaks,
    };
    let signed = Signed::new(&body, signer);
    keep(pool, &body, &signed, signer).await.map(|kept| kept.then_some(signed))
}

/// False: another node made one of that number.
async fn keep(pool: &PgPool, body: &Body, checkpoint: &Signed, signer: &Signer) -> Result<bool, StoreError> {
    let bytes = |text: &str| hex::decode(text).map_err(|e| StoreError::Unreadable(e.to_string()));
    let public = signer.public();
    let mut tx = pool.begin().await?;
    sqlx::query!(
        "insert into checkpoint_key (id, public_key, first_used) values ($1, $2, now()) on conflict (id) do nothing",
        body.key,
        public.0.as_slice()
    )
    .execute(&mut *tx)
    .await?;
    let kept = sqlx::query!(
        "insert into checkpoint (number, made_at, body, hash, key, signature) values ($1, $2, $3, $4, $5, $6)
         on conflict (number) do nothing",
        signed(body.number),
        body.made_at,
        checkpoint.body,
        bytes(&checkpoint.hash)?,
        body.key,
        bytes(&checkpoint.signature)?
    );
    let kept = kept.execute(&mut *tx).await?.rows_affected() == 1;
    tx.commit().await?;
    Ok(kept)
}

/// A sink has taken it.
///
/// # Errors
/// The database cannot be reached.
pub async fn mark_published(pool: &PgPool, checkpoint: &Signed) -> Result<(), StoreError> {
    let hash = hex::decode(&checkpoint.hash).unwrap_or_default();
    sqlx::query!("update checkpoint set published_at = now() where hash = $1 and published_at is null", hash)
        .execute(pool)
        .await?;
    Ok(())
}

/// How old the last made and the last published checkpoint are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ages {
    /// Of the last one; none: there is none.
    pub made: Option<Duration>,
    /// Since a sink took the last one; none: no sink has one.
    pub published: Option<Duration>,
    /// Since the oldest that no sink has; none: sinks have all.
    pub waiting: Option<Duration>,
}

/// How old the checkpoints are.
///
/// # Errors
/// The database cannot be reached.
pub async fn ages(pool: &PgPool) -> Result<Ages, StoreError> {
    let row = sqlx::query!(
        r#"select (select (1000 * extract(epoch from now() - made_at))::bigint from checkpoint order by number desc limit 1) as made,
               (select (1000 * extract(epoch from now() - published_at))::bigint from checkpoint
                where published_at is not null order by number desc limit 1) as published,
               (select (1000 * extract(epoch from now() - made_at))::bigint from checkpoint where number >
                    coalesce((select max(number) from checkpoint where published_at is not null), 0)
                order by number limit 1) as waiting"#
    );
    let row = row.fetch_one(pool).await?;
    let span = |millis: Option<i64>| millis.map(|millis| Duration::from_millis(millis.max(0).unsigned_abs()));
    Ok(Ages { made: span(row.made), published: span(row.published), waiting: span(row.waiting) })
}

/// Public keys that checkpoints of this database were signed with.
///
/// # Errors
/// The database cannot be reached.
pub async fn keys(pool: &PgPool) -> Result<Vec<(PublicKey, DateTime<Utc>)>, StoreError> {
    let rows = sqlx::query!("select public_key, first_used from checkpoint_key order by first_used, id");
    let key = |bytes: Vec<u8>| bytes.try_into().map_err(|_| StoreError::Unreadable("a public key".to_owned()));
    rows.fetch_all(pool).await?.into_iter().map(|row| Ok((PublicKey(key(row.public_key)?), row.first_used))).collect()
}

struct Row {
    body: String,
    hash: Vec<u8>,
    public_key: Vec<u8>,
    signature: Vec<u8>,
}

impl From<Row> for Signed {
    fn from(row: Row) -> Self {
        Self {
            body: row.body,
            hash: hex::encode(row.hash),
            public_key: hex::encode(row.public_key),
            signature: hex::encode(row.signature),
        }
    }
}
