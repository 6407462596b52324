//! Verifies the whole log against itself: the chain of each shard, gap-free positions and sequences, each saga's row
//! against its stream, journals that balance and belong to an event. Reads only, page by page.

use super::chain::{GENESIS, Hash, Header, link};
use super::error::{StoreError, signed, unsigned};
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;
use std::fmt;

const PAGE: i64 = 2_000;

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Events read.
    pub events: u64,
    /// The end of each shard's chain, as far as it was read: what a checkpoint publishes.
    pub heads: Vec<ShardHead>,
    /// The first thing that is wrong; none: the log is whole.
    pub first_break: Option<Break>,
}

/// The end of a shard's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardHead {
    /// The shard.
    pub shard: u16,
    /// Its last position; 0: empty.
    pub pos: u64,
    /// The hash there.
    pub hash: Hash,
}

/// How far a verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The shard that is read.
    pub shard: u16,
    /// Events read so far, in all shards.
    pub events: u64,
}

/// Where the log is broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// The shard.
    pub shard: u16,
    /// The position; none where it concerns no one event.
    pub pos: Option<u64>,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pos {
            Some(pos) => write!(f, "shard {}, position {pos}: {}", self.shard, self.what),
            None => write!(f, "shard {}: {}", self.shard, self.what),
        }
    }
}

/// Verifies everything. Appends may go on meanwhile: what comes after the start of a shard's reading is left out.
///
/// # Errors
/// The database cannot be reached. A broken log is no error but a report.
pub async fn verify(pool: &PgPool, mut progress: impl FnMut(Progress)) -> Result<Report, StoreError> {
    let shards = sqlx::query_scalar!("select shard from shard order by shard").fetch_all(pool).await?;
    let count: u16 = unsigned("the number of shards", shards.len())?;
    let mut report = Report { events: 0, heads: Vec::with_capacity(shards.len()), first_break: None };
    for shard in shards {
        let shard = unsigned("a shard", shard)?;
        let mut reader = Reader { shard, shards: count, head: ShardHead { shard, pos: 0, hash: GENESIS } };
        let mut broken = reader.read(pool, &mut report.events, &mut progress).await?;
        report.heads.push(reader.head);
        if broken.is_none() {
            broken = streams(pool, shard).await?;
        }
        if broken.is_none() {
            broken = journals(pool, shard).await?;
        }
        if broken.is_some() {
            report.first_break = broken;
            break;
        }
    }
    Ok(report)
}

/// One shard's chain, as far as it was followed.
struct Reader {
    shard: u16,
    shards: u16,
    head: ShardHead,
}

struct Row {
    pos: i64,
    saga: uuid::Uuid,
    seq: i64,
    id: uuid::Uuid,
    name: String,
    payload: String,
    principal: String,
    at: chrono::DateTime<chrono::Utc>,
    amount_minor: Option<i64>,
    currency: Option<String>,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl Reader {
    async fn read(
        &mut self,
        pool: &PgPool,
        events: &mut u64,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Option<Break>, StoreError> {
        let end = sqlx::query_scalar!(
            r#"select coalesce(max(pos), 0) as "end!" from event where shard = $1"#,
            i32::from(self.shard)
        )
        .fetch_one(pool)
        .await?;
        let end: u64 = unsigned("a position", end)?;
        while self.head.pos < end {
            let page = sqlx::query_as!(
                Row,
                "select pos, saga, seq, id, name, payload, principal, at, amount_minor, currency, prev_hash, hash
                 from event where shard = $1 and pos > $2 and pos <= $3 order by pos limit $4",
                i32::from(self.shard),
                signed(self.head.pos),
                signed(end),
                PAGE
            )
            .fetch_all(pool)
            .await?;
            for row in &page {
                if let Some(what) = self.follow(row)? {
                    let pos = Some(unsigned("a position", row.pos)?);
                    return Ok(Some(Break { shard: self.shard, pos, what }));
                }
                *events += 1;
            }
            if page.is_empty() {
                let what = "events were deleted while they were read".to_owned();
                return Ok(Some(Break { shard: self.shard, pos: Some(self.head.pos + 1), what }));
            }
            progress(Progress { shard: self.shard, events: *events });
        }
        Ok(None)
    }

    /// Checks one event against the chain so far; what is wrong, if anything.
    fn follow(&mut self, row: &Row) -> Result<Option<String>, StoreError> {
        let (pos, seq) = (unsigned("a position", row.pos)?, unsigned("a sequence", row.seq)?);
        if pos != self.head.pos + 1 {
            return Ok(Some(format!("position {} is missing before it", self.head.pos + 1)));
        }
        if row.prev_hash != self.head.hash {
            return Ok(Some("`prev_hash` is not the hash of the event before it".to_owned()));
        }
        let header = Header {
            shard: self.shard,
            pos,
            saga: row.saga,
            seq,
            id: row.id,
            name: &row.name,
            principal: &row.principal,
            at: row.at,
            amount: row.amount_minor.zip(row.currency.as_deref()),
        };
        let hash = link(&self.head.hash, &header, &row.payload);
        if row.hash != hash {
            return Ok(Some("`hash` is not that of its content: the payload or a column was changed".to_owned()));
        }
        if SagaId(row.saga).shard(self.shards) != self.shard {
            return Ok(Some(format!("saga {} does not belong to this shard", row.saga)));
        }
        self.head.pos = pos;
        self.head.hash = hash;
        Ok(None)
    }
}

/// Sequences without gaps from 1, and as long as the saga's row says. Finds what was cut off at the end, too.
async fn streams(pool: &PgPool, shard: u16) -> Result<Option<Break>, StoreError> {
    let broken = sqlx::query!(
        r#"select coalesce(s.id, e.saga) as "saga!", s.seq as "row?", coalesce(e.n, 0) as "events!", coalesce(e.most, 0) as "most!"
           from (select id, seq from saga where shard = $1) s
           full join (select saga, count(*) as n, max(seq) as most from event where shard = $1 group by saga) e
               on e.saga = s.id
           where s.seq is distinct from coalesce(e.n, 0) or coalesce(e.n, 0) <> coalesce(e.most, 0) limit 1"#,
        i32::from(shard)
    )
    .fetch_optional(pool)
    .await?;
    Ok(broken.map(|b| Break {
        shard,
        pos: None,
        what: format!(
            "saga {} has {} events, the last with sequence {}, and its row says {}",
            b.saga,
            b.events,
            b.most,
            b.row.map_or_else(|| "nothing".to_owned(), |seq| seq.to_string())
        ),
    }))
}

/// Each journal belongs to an event of the shard and balances in each currency.
async fn journals(pool: &PgPool, shard: u16) -> Result<Option<Break>, StoreError> {
    let orphan = sqlx::query!(
        "select j.id, j.event from journal j where j.shard = $1
         and not exists (select 1 from event e where e.id = j.event and e.shard = j.shard) limit 1",
        i32::from(shard)
    );
    if let Some(orphan) = orphan.fetch_optional(pool).await? {
        let what = format!("journal {} belongs to event {}, which is not there", orphan.id, orphan.event);
        return Ok(Some(Break { shard, pos: None, what }));
    }
    let unbalanced = sqlx::query!(
        r#"select j.id as "id!", e.pos as "pos!" from journal j
           join event e on e.id = j.event and e.shard = j.shard
           left join journal_line l on l.shard = j.shard and l.journal = j.id
           where j.shard = $1 group by j.id, e.pos, l.currency
           having coalesce(sum(case l.side when 'debit' then l.amount_minor else -l.amount_minor end), 1) <> 0
           limit 1"#,
        i32::from(shard)
    );
    let unbalanced = unbalanced.fetch_optional(pool).await?;
    unbalanced
        .map(|row| {
            let what = format!("journal {} of this event does not balance", row.id);
            Ok(Break { shard, pos: Some(unsigned("a position", row.pos)?), what })
        })
        .transpose()
}
