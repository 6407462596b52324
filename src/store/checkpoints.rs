//! Checkpoints: one signed list of where every shard's chain stands. Publishing them is somebody else's.
//!
//! The signed text is the JSON of [`Body`], byte for byte as it was made; its hash is SHA-256 over it. `previous` chains
//! every checkpoint of this database, `published` those that a sink has, so that a sink's lines verify by themselves.
//!
//! One key signs. It gives way to another by a checkpoint that names the other one and that both have signed; from then on
//! the other one signs alone, and the first never again.

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
    /// The key that signs from the next one on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_key: Option<KeyChange>,
    /// Changes of the key that were published and that a restore lost, so that the chain of keys has no gap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost_changes: Vec<Signed>,
}

/// A change of the key that signs. Where the key that signs names itself, the one before it was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyChange {
    /// The public half of the key that signs from then on, in hexadecimal digits.
    pub key: String,
    /// Who ordered it.
    pub by: String,
    /// Why.
    pub reason: String,
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
    /// The same by the key that the text names as the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_signature: Option<String>,
}

impl Signed {
    /// Signs a checkpoint; `next`: the key that it introduces signs it, too.
    pub fn new(body: &Body, signer: &Signer, next: Option<&Signer>) -> Self {
        let text = serde_json::to_string(body).expect("a list of numbers and texts always serialises");
        Self {
            hash: hex::encode(Sha256::digest(&text)),
            public_key: signer.public().to_string(),
            signature: hex::encode(signer.sign(text.as_bytes())),
            next_signature: next.map(|next| hex::encode(next.sign(text.as_bytes()))),
            body: text,
        }
    }

    /// The key that must sign what follows. Nothing is verified.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn signs_next(&self) -> Result<PublicKey, String> {
        let body: Body = serde_json::from_str(&self.body).map_err(|e| format!("its text cannot be read: {e}"))?;
        let key = body.next_key.map_or_else(|| self.public_key.clone(), |change| change.key);
        key.parse().map_err(|e| format!("{e}"))
    }

    /// Reads it and verifies hash and signatures.
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
        self.introduces(&body, &key)?;
        Ok((body, key))
    }

    /// Whoever names another key as the next one must show that this key's holder wants it.
    fn introduces(&self, body: &Body, key: &PublicKey) -> Result<(), String> {
        let Some(change) = &body.next_key else {
            return match &self.next_signature {
                None => Ok(()),
                Some(_) => Err("it has a second signature, and names no next key".to_owned()),
            };
        };
        let next: PublicKey = change.key.parse().map_err(|e| format!("the next key that it names: {e}"))?;
        let second = self.next_signature.as_deref().map(|text| hex::decode(text).unwrap_or_default());
        match second {
            None if next == *key => Ok(()),
            Some(second) if next != *key && next.verifies(self.body.as_bytes(), &second) => Ok(()),
            None | Some(_) => {
                Err(format!("it names key {} as the next one, without a signature of that key", next.id()))
            }
        }
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
        "select c.body, c.hash, k.public_key, c.signature, c.next_signature
         from checkpoint c join checkpoint_key k on k.id = c.key order by c.number desc limit 1"
    );
    Ok(row.fetch_optional(pool).await?.map(Signed::from))
}

/// The key that signs the next checkpoint of this database; none: there was none yet, and any may begin.
///
/// # Errors
/// The database cannot be reached.
pub async fn signs_next(pool: &PgPool) -> Result<Option<PublicKey>, StoreError> {
    let unreadable = |what| StoreError::Unreadable(format!("the last checkpoint: {what}"));
    last(pool).await?.map(|last| last.signs_next().map_err(unreadable)).transpose()
}

/// Checkpoints that introduce a key, before that number, and that no sink has: whoever reads a sink needs them.
///
/// # Errors
/// The database cannot be reached.
pub async fn unpublished_changes(pool: &PgPool, before: u64) -> Result<Vec<Signed>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "select c.body, c.hash, k.public_key, c.signature, c.next_signature
         from checkpoint c join checkpoint_key k on k.id = c.key
         where c.next_signature is not null and c.published_at is null and c.number < $1 order by c.number",
        signed(before)
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(Signed::from).collect())
}

/// Checkpoints after that number, oldest first: all, or those that a sink took and those that introduce a key.
///
/// # Errors
/// The database cannot be reached.
pub async fn after(pool: &PgPool, number: u64, published: bool, limit: i64) -> Result<Vec<Kept>, StoreError> {
    let rows = sqlx::query!(
        r#"select c.number, c.published_at is not null as "published!", c.body, c.hash, k.public_key, c.signature,
                c.next_signature
         from checkpoint c join checkpoint_key k on k.id = c.key
         where c.number > $1 and (c.published_at is not null or c.next_signature is not null or not $2)
         order by c.number limit $3"#,
        signed(number),
        published,
        limit
    );
    let kept = rows.fetch_all(pool).await?.into_iter().map(|row| {
        let signed = Row {
            body: row.body,
            hash: row.hash,
            public_key: row.public_key,
            signature: row.signature,
            next_signature: row.next_signature,
        };
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
    /// Changes of the key that a restore lost, oldest first.
    pub lost_changes: Vec<Signed>,
    /// The key that is taken into use with it.
    pub new_key: Option<NewKey<'a>>,
}

/// A key that is taken into use. Where it signs itself, the one before it was lost.
#[derive(Debug, Clone, Copy)]
pub struct NewKey<'a> {
    /// It.
    pub signer: &'a Signer,
    /// Who ordered it.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Why no checkpoint was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    /// Another key is in use: what this one signs would be a break to everybody.
    #[error(
        "checkpoints are signed by key {wanted}, and CHECKPOINT_SIGNING_KEY is key {given}: restart with the key that is in \
         use, or take the other one into use with `attio-billing keys rotate checkpoint`"
    )]
    AnotherKey {
        /// Id of the key that is in use.
        wanted: String,
        /// Id of the one that would have signed.
        given: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A log that stands still has a new checkpoint that often all the same: it shows that somebody looks.
const AT_LEAST_EVERY: TimeDelta = TimeDelta::hours(1);

/// Makes the next checkpoint and keeps it; none where the last one, not long ago, says all there is to say.
/// Where two nodes make one at once, one of them makes none.
///
/// # Errors
/// Another key is in use, or the database cannot be reached.
pub async fn make(pool: &PgPool, signer: &Signer, making: Making<'_>) -> Result<Option<Signed>, NotMade> {
    let before = last(pool).await?;
    in_use(making.lost_changes.last().or(before.as_ref()), signer, making.new_key)?;
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
    if making.breaks.is_empty() && making.new_key.is_none() && opened.as_ref().is_some_and(says_all) {
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
        next_key: making.new_key.map(|new| KeyChange {
            key: new.signer.public().to_string(),
            by: new.by.to_owned(),
            reason: new.reason.to_owned(),
        }),
        lost_changes: making.lost_changes,
    };
    let next = making.new_key.map(|new| new.signer).filter(|next| next.public() != signer.public());
    let signed = Signed::new(&body, signer, next);
    Ok(keep(pool, &body, &signed, signer).await?.then_some(signed))
}

/// Whether this key may sign what follows; one that takes the place of a lost one may.
fn in_use(before: Option<&Signed>, signer: &Signer, new: Option<NewKey<'_>>) -> Result<(), NotMade> {
    let Some(before) = before else { return Ok(()) };
    let wanted = before.signs_next().map_err(|e| StoreError::Unreadable(format!("the last checkpoint: {e}")))?;
    let replaces = new.is_some_and(|new| new.signer.public() == signer.public());
    if wanted == signer.public() || replaces {
        return Ok(());
    }
    Err(NotMade::AnotherKey { wanted: wanted.id(), given: signer.public().id() })
}

/// False: another node made one of that number.
async fn keep(pool: &PgPool, body: &Body, checkpoint: &Signed, signer: &Signer) -> Result<bool, StoreError> {
    let bytes = |text: &str| hex::decode(text).map_err(|e| StoreError::Unreadable(e.to_string()));
    let next = checkpoint.signs_next().map_err(StoreError::Unreadable)?;
    let mut tx = pool.begin().await?;
    for key in [signer.public(), next] {
        sqlx::query!(
            "insert into checkpoint_key (id, public_key, first_used) values ($1, $2, now()) on conflict (id) do nothing",
            key.id(),
            key.0.as_slice()
        )
        .execute(&mut *tx)
        .await?;
    }
    let kept = sqlx::query!(
        "insert into checkpoint (number, made_at, body, hash, key, signature, next_signature)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (number) do nothing",
        signed(body.number),
        body.made_at,
        checkpoint.body,
        bytes(&checkpoint.hash)?,
        body.key,
        bytes(&checkpoint.signature)?,
        checkpoint.next_signature.as_deref().map(bytes).transpose()?
    );
    let kept = kept.execute(&mut *tx).await?.rows_affected() == 1;
    if kept {
        tx.commit().await?;
    }
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
    next_signature: Option<Vec<u8>>,
}

impl From<Row> for Signed {
    fn from(row: Row) -> Self {
        Self {
            body: row.body,
            hash: hex::encode(row.hash),
            public_key: hex::encode(row.public_key),
            signature: hex::encode(row.signature),
            next_signature: row.next_signature.map(hex::encode),
        }
    }
}
