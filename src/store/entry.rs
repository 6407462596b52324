//! One event of the log as a verifier sees it, from the database or from an export, and the chain that it must fit into.

use super::chain::{GENESIS, Hash, Header, link};
use super::error::{StoreError, signed, unsigned};
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

/// One event with its place in the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The shard.
    pub shard: u16,
    /// Position in it, from 1.
    pub pos: u64,
    /// The saga.
    pub saga: Uuid,
    /// Sequence in the saga, from 1.
    pub seq: u64,
    /// The event's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// The exact text that was hashed.
    pub payload: String,
    /// Who caused it.
    pub principal: String,
    /// Business time (UTC).
    pub at: DateTime<Utc>,
    /// Minor units of the money that it speaks of.
    pub amount_minor: Option<i64>,
    /// Its currency.
    pub currency: Option<String>,
    /// Hash of the event before it, in hexadecimal digits.
    pub prev_hash: String,
    /// Its own, in hexadecimal digits.
    pub hash: String,
}

/// A shard's chain, as far as it was followed.
#[derive(Debug, Clone)]
pub struct Chain {
    /// The shard.
    pub shard: u16,
    /// How many the installation has.
    pub shards: u16,
    /// The last position; 0: none yet.
    pub pos: u64,
    /// The hash there.
    pub hash: Hash,
}

impl Chain {
    /// Before a shard's first event.
    pub const fn new(shard: u16, shards: u16) -> Self {
        Self { shard, shards, pos: 0, hash: GENESIS }
    }

    /// Takes the next event, or says what is wrong with it.
    pub fn follow(&mut self, entry: &Entry) -> Option<String> {
        if entry.pos != self.pos + 1 {
            return Some(format!("position {} is missing before it", self.pos + 1));
        }
        let before = hex::encode(self.hash);
        if entry.prev_hash != before {
            return Some(format!(
                "`prev_hash` is {}, and the hash of the event before it is {before}",
                entry.prev_hash
            ));
        }
        let header = Header {
            shard: self.shard,
            pos: entry.pos,
            saga: entry.saga,
            seq: entry.seq,
            id: entry.id,
            name: &entry.name,
            principal: &entry.principal,
            at: entry.at,
            amount: entry.amount_minor.zip(entry.currency.as_deref()),
        };
        let hash = link(&self.hash, &header, &entry.payload);
        if entry.hash != hex::encode(hash) {
            return Some(format!(
                "`hash` is {}, and that of its content is {}: the payload or a column was changed",
                entry.hash,
                hex::encode(hash)
            ));
        }
        if SagaId(entry.saga).shard(self.shards) != self.shard {
            return Some(format!("saga {} does not belong to this shard", entry.saga));
        }
        self.pos = entry.pos;
        self.hash = hash;
        None
    }
}

/// The next events of a shard, oldest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn page(pool: &PgPool, shard: u16, after: u64, to: u64, limit: i64) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        "select pos, saga, seq, id, name, payload, principal, at, amount_minor, currency, prev_hash, hash
         from event where shard = $1 and pos > $2 and pos <= $3 order by pos limit $4",
        i32::from(shard),
        signed(after),
        signed(to),
        limit
    );
    let rows = rows.fetch_all(pool).await?.into_iter().map(|row| {
        Ok(Entry {
            shard,
            pos: unsigned("a position", row.pos)?,
            saga: row.saga,
            seq: unsigned("a sequence", row.seq)?,
            id: row.id,
            name: row.name,
            payload: row.payload,
            principal: row.principal,
            at: row.at,
            amount_minor: row.amount_minor,
            currency: row.currency,
            prev_hash: hex::encode(row.prev_hash),
            hash: hex::encode(row.hash),
        })
    });
    rows.collect()
}
