//! Verifies the whole log against itself: the chain of each shard, gap-free positions and sequences, each saga's row
//! against its stream, journals that balance and belong to an event. Reads only, page by page.

use super::chain::Hash;
use super::checkpoints::{self, DeclaredBreak, Signed};
use super::entry::{self, Chain};
use super::error::{StoreError, unsigned};
use super::signature::PublicKey;
use super::witness::{Succession, Witness};
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
    /// Checkpoints that were verified with it.
    pub checkpoints: u64,
    /// Events after the last published checkpoint: so far nobody outside could prove a change of them.
    pub unpublished: u64,
    /// Ids of the keys that signed the checkpoints.
    pub keys: Vec<String>,
    /// Which key gave way to which.
    pub successions: Vec<Succession>,
    /// What restores lost and declared.
    pub declared: Vec<DeclaredBreak>,
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
    /// The shard; none where it concerns checkpoints or an export as a whole.
    pub shard: Option<u16>,
    /// The position; none where it concerns no one event.
    pub pos: Option<u64>,
    /// What differs.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.shard, self.pos) {
            (Some(shard), Some(pos)) => write!(f, "shard {shard}, position {pos}: {}", self.what),
            (Some(shard), None) => write!(f, "shard {shard}: {}", self.what),
            (None, _) => f.write_str(&self.what),
        }
    }
}

impl Break {
    /// At an event.
    pub fn at(shard: u16, pos: u64, what: impl Into<String>) -> Self {
        Self { shard: Some(shard), pos: Some(pos), what: what.into() }
    }

    /// In a shard, at no one event.
    fn within(shard: u16, what: String) -> Self {
        Self { shard: Some(shard), pos: None, what }
    }

    /// In no one shard.
    pub const fn general(what: String) -> Self {
        Self { shard: None, pos: None, what }
    }
}

impl Report {
    /// Nothing read yet.
    pub const fn new() -> Self {
        Self {
            events: 0,
            heads: Vec::new(),
            first_break: None,
            checkpoints: 0,
            unpublished: 0,
            keys: Vec::new(),
            successions: Vec::new(),
            declared: Vec::new(),
        }
    }

    /// What the checkpoints said.
    pub fn heard(&mut self, witness: &Witness) {
        self.checkpoints = witness.checkpoints;
        self.keys = witness.keys.iter().cloned().collect();
        self.successions.clone_from(&witness.successions);
        self.declared.clone_from(&witness.declared);
        self.unpublished = self.heads.iter().map(|head| witness.unpublished(head.shard, head.pos)).sum();
    }
}

impl Default for Report {
    fn default() -> Self {
        Self::new()
    }
}

/// Verifies everything against the checkpoints of this database. Appends may go on meanwhile: what comes after the start
/// of a shard's reading is left out.
///
/// # Errors
/// The database cannot be reached. A broken log is no error but a report.
pub async fn verify(pool: &PgPool, progress: impl FnMut(Progress)) -> Result<Report, StoreError> {
    verify_trusting(pool, &[], &[], progress).await
}

/// Verifies everything; only these keys and those that they introduce are believed, where any are given, and what a sink has
/// is held against it, too.
///
/// # Errors
/// The database cannot be reached. A broken log is no error but a report.
pub async fn verify_trusting(
    pool: &PgPool,
    trusted: &[PublicKey],
    published: &[Signed],
    mut progress: impl FnMut(Progress),
) -> Result<Report, StoreError> {
    let mut report = Report::new();
    let mut witness = Witness::trusting(trusted);
    if let Some(what) = listen(pool, &mut witness).await? {
        report.first_break = Some(Break::general(what));
        return Ok(report);
    }
    let mut sink = Witness::trusting(trusted);
    let wrong = published.iter().find_map(|line| sink.hear(line, true, false).err());
    if let Some(what) = wrong.or_else(|| sink.unbelieved().filter(|_| !published.is_empty())) {
        report.first_break = Some(Break::general(format!("in the published lines, {what}")));
        return Ok(report);
    }
    let shards = sqlx::query_scalar!("select shard from shard order by shard").fetch_all(pool).await?;
    let count: u16 = unsigned("the number of shards", shards.len())?;
    for shard in shards {
        let shard = unsigned("a shard", shard)?;
        let mut chain = Chain::new(shard, count);
        let mut broken = follow(pool, &mut chain, [&witness, &sink], &mut report.events, &mut progress).await?;
        report.heads.push(ShardHead { shard, pos: chain.pos, hash: chain.hash });
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
    report.heard(&witness);
    Ok(report)
}

/// Hears all checkpoints of the database; what is wrong with the first wrong one.
async fn listen(pool: &PgPool, witness: &mut Witness) -> Result<Option<String>, StoreError> {
    let mut number = 0;
    loop {
        let page = checkpoints::after(pool, number, false, 500).await?;
        let Some(last) = page.last() else { return Ok(witness.unbelieved()) };
        number = last.number;
        for kept in &page {
            if let Err(what) = witness.hear(&kept.signed, kept.published, true) {
                return Ok(Some(what));
            }
        }
    }
}

/// Follows one shard's chain to where it ends now.
async fn follow(
    pool: &PgPool,
    chain: &mut Chain,
    witnesses: [&Witness; 2],
    events: &mut u64,
    progress: &mut impl FnMut(Progress),
) -> Result<Option<Break>, StoreError> {
    let shard = chain.shard;
    let end =
        sqlx::query_scalar!(r#"select coalesce(max(pos), 0) as "end!" from event where shard = $1"#, i32::from(shard));
    let end: u64 = unsigned("a position", end.fetch_one(pool).await?)?;
    while chain.pos < end {
        let page = entry::page(pool, shard, chain.pos, end, PAGE).await?;
        for entry in &page {
            let signed = || witnesses.iter().find_map(|witness| witness.contradicts(shard, entry.pos, &entry.hash));
            if let Some(what) = chain.follow(entry).or_else(signed) {
                return Ok(Some(Break::at(shard, entry.pos, what)));
            }
            *events += 1;
        }
        if page.is_empty() {
            return Ok(Some(Break::at(shard, chain.pos + 1, "events were deleted while they were read")));
        }
        progress(Progress { shard, events: *events });
    }
    let beyond = witnesses.iter().find_map(|witness| witness.beyond(shard, end));
    Ok(beyond.map(|(pos, what)| Break::at(shard, pos, what)))
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
    Ok(broken.map(|b| {
        let row = b.row.map_or_else(|| "nothing".to_owned(), |seq| seq.to_string());
        let what = format!(
            "saga {} has {} events, the last with sequence {}, and its row says {row}",
            b.saga, b.events, b.most
        );
        Break::within(shard, what)
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
        return Ok(Some(Break::within(shard, what)));
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
            Ok(Break::at(shard, unsigned("a position", row.pos)?, what))
        })
        .transpose()
}
