//! The node's one writer: batches, the fence, and what to do when the database says no.

use super::head::{Head, load_streams};
use super::rows::Rows;
use super::{Limits, Request};
use crate::store::append::{AppendError, Written};
use crate::store::chain::Hash;
use crate::store::error::{StoreError, pause, signed, unsigned};
use crate::store::items;
use crate::store::shards::{Grant, Node};
use sqlx::{PgConnection, PgPool};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// How often an unreachable database is asked again for one batch.
const TRIES: u32 = 20;
const OUTAGE_PAUSE: Duration = Duration::from_millis(250);

pub(super) struct Writer {
    pool: PgPool,
    node: Arc<Node>,
    limits: Limits,
    heads: HashMap<u16, Head>,
    /// Came, and did not fit into the last batch.
    waiting: VecDeque<Request>,
}

/// Why a flush wrote nothing, or may have.
enum Failure {
    /// These appends, by their place in the batch.
    Refused(Vec<(usize, AppendError)>),
    /// The database.
    Store(StoreError),
    /// The connection was lost at the commit: written, if this is there.
    Ambiguous(Trace),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What shows whether a transaction was committed.
struct Trace {
    shards: Vec<i32>,
    event: Option<(u16, u64, Hash)>,
    item: Option<Uuid>,
}

impl Writer {
    pub(super) fn new(pool: PgPool, node: Arc<Node>, limits: Limits) -> Self {
        Self { pool, node, limits, heads: HashMap::new(), waiting: VecDeque::new() }
    }

    /// Until the last sender is gone.
    pub(super) async fn run(mut self, mut receiver: mpsc::Receiver<Request>) {
        while let Some(batch) = self.next_batch(&mut receiver).await {
            let mut stack = vec![batch];
            while let Some(batch) = stack.pop() {
                if let Some((first, second)) = self.write(batch).await {
                    stack.push(second);
                    stack.push(first);
                }
            }
        }
    }

    /// What came meanwhile, within the limits, at most one append per saga, in the order of coming.
    async fn next_batch(&mut self, receiver: &mut mpsc::Receiver<Request>) -> Option<Vec<Request>> {
        if self.waiting.is_empty() {
            self.waiting.push_back(receiver.recv().await?);
        }
        while self.waiting.len() < self.limits.appends * 2 {
            let Ok(request) = receiver.try_recv() else { break };
            self.waiting.push_back(request);
        }
        let (mut batch, mut left, mut seen, mut bytes) = (Vec::new(), VecDeque::new(), HashSet::new(), 0);
        for request in self.waiting.drain(..) {
            let size: usize = request.append.events.iter().map(|event| event.payload.len()).sum();
            let full = batch.len() >= self.limits.appends || (!batch.is_empty() && bytes + size > self.limits.bytes);
            if !seen.insert(request.append.saga) || full {
                left.push_back(request);
            } else {
                bytes += size;
                batch.push(request);
            }
        }
        self.waiting = left;
        Some(batch)
    }

    /// Writes a batch and answers. Where the database refuses its content, two halves come back: bisected until the
    /// culprit is alone.
    async fn write(&mut self, mut batch: Vec<Request>) -> Option<(Vec<Request>, Vec<Request>)> {
        let mut tries = 1;
        loop {
            let grants = self.admit(&mut batch);
            if batch.is_empty() {
                return None;
            }
            let outcome = match self.flush(&batch, &grants).await {
                Err(Failure::Ambiguous(trace)) => self.resolve(&trace).await,
                outcome => outcome,
            };
            match outcome {
                Ok(()) => {
                    for request in batch {
                        let sequence = request.append.expected + request.append.events.len() as u64;
                        answer(request, Ok(Written { sequence }));
                    }
                    return None;
                }
                Err(Failure::Refused(refused)) => batch = dismiss(batch, refused),
                Err(Failure::Store(StoreError::Refused(detail) | StoreError::Unreadable(detail))) => {
                    self.heads.clear();
                    if batch.len() > 1 {
                        let second = batch.split_off(batch.len() / 2);
                        return Some((batch, second));
                    }
                    let request = batch.pop()?;
                    let saga = request.append.saga;
                    tracing::error!(%saga, detail, "the database refuses an append");
                    answer(request, Err(AppendError::Poison { saga, detail }));
                    return None;
                }
                Err(Failure::Store(StoreError::Again(_))) if tries < TRIES => {
                    self.heads.clear();
                    tokio::time::sleep(pause(tries)).await;
                    tries += 1;
                }
                Err(Failure::Store(StoreError::Unavailable(_))) if tries < TRIES => {
                    self.heads.clear();
                    tokio::time::sleep(OUTAGE_PAUSE).await;
                    tries += 1;
                }
                Err(Failure::Store(error)) => return self.give_up(batch, &error.to_string()),
                Err(Failure::Ambiguous(_)) => {
                    return self.give_up(batch, "the connection was lost at the commit");
                }
            }
        }
    }

    fn give_up(&mut self, batch: Vec<Request>, why: &str) -> Option<(Vec<Request>, Vec<Request>)> {
        self.heads.clear();
        for request in batch {
            answer(request, Err(AppendError::Unavailable(why.to_owned())));
        }
        None
    }

    /// Sends away what is in shards that we do not hold; the grants of the others.
    fn admit(&mut self, batch: &mut Vec<Request>) -> BTreeMap<u16, Grant> {
        let mut grants = BTreeMap::new();
        for request in std::mem::take(batch) {
            let shard = self.node.shard_of(request.append.saga);
            match self.node.grant(shard) {
                Some(grant) => {
                    grants.entry(shard).or_insert(grant);
                    batch.push(request);
                }
                None => answer(request, Err(AppendError::Fenced { shard })),
            }
        }
        grants
    }

    /// One transaction. Nothing in memory changes unless it is committed.
    async fn flush(&mut self, batch: &[Request], grants: &BTreeMap<u16, Grant>) -> Result<(), Failure> {
        let mut tx = self.pool.begin().await?;
        let kept = lock(&mut tx, grants).await?;
        let mut refused = self.fenced(batch, grants, &kept);
        if refused.is_empty() {
            self.load(&mut tx, batch, grants).await?;
            refused = self.conflicts(batch);
        }
        if !refused.is_empty() {
            // Nothing is written yet: what is refused here costs the others one more round.
            tx.rollback().await.ok();
            return Err(Failure::Refused(refused));
        }
        let (mut rows, ends) = self.chain(batch);
        let tells = std::mem::take(&mut rows.tells);
        let refused = rows.insert(&mut tx).await?;
        if !refused.is_empty() {
            tx.rollback().await.ok();
            return Err(Failure::Refused(refused));
        }
        if !tells.is_empty() {
            items::insert(&mut tx, self.node.shard_count(), None, &tells).await?;
        }
        match tx.commit().await.map_err(StoreError::from) {
            Ok(()) => {
                self.heads.extend(ends);
                Ok(())
            }
            Err(StoreError::Unavailable(_)) => Err(Failure::Ambiguous(self.trace(batch, ends))),
            Err(error) => Err(Failure::Store(error)),
        }
    }

    /// Appends in shards whose epoch has moved.
    fn fenced(
        &mut self,
        batch: &[Request],
        grants: &BTreeMap<u16, Grant>,
        kept: &HashSet<u16>,
    ) -> Vec<(usize, AppendError)> {
        for (shard, grant) in grants.iter().filter(|(shard, _)| !kept.contains(shard)) {
            self.heads.remove(shard);
            self.node.forget(*shard, *grant);
        }
        let shards = batch.iter().map(|request| self.node.shard_of(request.append.saga)).enumerate();
        shards
            .filter(|(_, shard)| !kept.contains(shard))
            .map(|(index, shard)| (index, AppendError::Fenced { shard }))
            .collect()
    }

    /// Reads what memory lacks, under the shards' locks.
    async fn load(
        &mut self,
        tx: &mut PgConnection,
        batch: &[Request],
        grants: &BTreeMap<u16, Grant>,
    ) -> Result<(), StoreError> {
        for (shard, grant) in grants {
            if self.heads.get(shard).is_none_or(|head| head.grant != *grant) {
                let head = Head::load(tx, *shard, *grant).await?;
                self.heads.insert(*shard, head);
            }
        }
        let wanted: Vec<_> = batch.iter().map(|r| (self.node.shard_of(r.append.saga), r.append.saga)).collect();
        load_streams(tx, &mut self.heads, &wanted).await
    }

    /// Appends that expect another length of their stream.
    fn conflicts(&self, batch: &[Request]) -> Vec<(usize, AppendError)> {
        let mut conflicts = Vec::new();
        for (index, Request { append, .. }) in batch.iter().enumerate() {
            let head = self.heads.get(&self.node.shard_of(append.saga));
            let actual = head.and_then(|head| head.streams.get(&append.saga)).copied().unwrap_or(0);
            if actual != append.expected {
                let (saga, expected) = (append.saga, append.expected);
                conflicts.push((index, AppendError::Conflict { saga, expected, actual }));
            }
        }
        conflicts
    }

    /// The rows, and the heads as they are once these are committed.
    fn chain(&mut self, batch: &[Request]) -> (Rows, HashMap<u16, Head>) {
        let (mut rows, mut ends) = (Rows::default(), HashMap::new());
        for (index, Request { append, .. }) in batch.iter().enumerate() {
            let shard = self.node.shard_of(append.saga);
            if let Some(head) = self.heads.remove(&shard) {
                // Taken out: unless the flush is committed, the next one reads it anew.
                ends.insert(shard, head);
            }
            if let Some(head) = ends.get_mut(&shard) {
                rows.push(index, append, shard, head);
            }
        }
        (rows, ends)
    }

    fn trace(&self, batch: &[Request], ends: HashMap<u16, Head>) -> Trace {
        let written = batch.iter().find(|request| !request.append.events.is_empty());
        let event = written.and_then(|request| {
            let shard = self.node.shard_of(request.append.saga);
            ends.get(&shard).map(|head| (shard, head.pos, head.hash))
        });
        let item = batch.iter().flat_map(|request| &request.append.items).map(|mark| mark.item).next();
        Trace { shards: ends.into_keys().map(i32::from).collect(), event, item }
    }

    /// Finds out whether a commit whose answer was lost was made.
    async fn resolve(&mut self, trace: &Trace) -> Result<(), Failure> {
        self.heads.clear();
        for _ in 0..TRIES {
            match self.was_committed(trace).await {
                Ok(true) => return Ok(()),
                Ok(false) => return Err(Failure::Store(StoreError::Again("08007".to_owned()))),
                Err(error) => tracing::warn!(%error, "whether an append was written is not known yet"),
            }
            tokio::time::sleep(OUTAGE_PAUSE).await;
        }
        Err(Failure::Ambiguous(Trace { shards: Vec::new(), event: None, item: None }))
    }

    /// Waits, by the shards' locks, until the transaction has ended one way or the other.
    async fn was_committed(&self, trace: &Trace) -> Result<bool, StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!("select shard from shard where shard = any($1) order by shard for update", &trace.shards)
            .fetch_all(&mut *tx)
            .await?;
        let committed = if let Some((shard, pos, hash)) = trace.event {
            let stored = sqlx::query_scalar!(
                "select hash from event where shard = $1 and pos = $2",
                i32::from(shard),
                signed(pos)
            );
            stored.fetch_optional(&mut *tx).await?.is_some_and(|stored| stored == hash)
        } else if let Some(item) = trace.item {
            let open = sqlx::query_scalar!("select id from item where id = $1 and state = 'ready'", item);
            open.fetch_optional(&mut *tx).await?.is_none()
        } else {
            // Only rows that are the same when written twice.
            false
        };
        tx.rollback().await.ok();
        Ok(committed)
    }
}

/// Locks the shards' rows in key order and says which are still ours: the fence.
async fn lock(tx: &mut PgConnection, grants: &BTreeMap<u16, Grant>) -> Result<HashSet<u16>, StoreError> {
    let (mut shards, mut nodes, mut epochs) = (Vec::new(), Vec::new(), Vec::new());
    for (shard, grant) in grants {
        shards.push(i32::from(*shard));
        nodes.push(grant.node);
        epochs.push(grant.epoch);
    }
    let kept = sqlx::query_scalar!(
        "select s.shard from shard s
         join unnest($1::integer[], $2::uuid[], $3::bigint[]) as w(shard, node, epoch)
            on s.shard = w.shard and s.node = w.node and s.epoch = w.epoch
         order by s.shard for share of s",
        &shards,
        &nodes,
        &epochs
    )
    .fetch_all(tx)
    .await?;
    kept.into_iter().map(|shard| unsigned("a shard", shard)).collect()
}

/// Answers the refused and keeps the rest, in order.
fn dismiss(batch: Vec<Request>, refused: Vec<(usize, AppendError)>) -> Vec<Request> {
    let mut refused: HashMap<usize, AppendError> = refused.into_iter().collect();
    let mut kept = Vec::with_capacity(batch.len());
    for (index, request) in batch.into_iter().enumerate() {
        match refused.remove(&index) {
            Some(error) => answer(request, Err(error)),
            None => kept.push(request),
        }
    }
    kept
}

/// The one who asked may be gone; the append is made all the same.
fn answer(request: Request, result: Result<Written, AppendError>) {
    let _ = request.answer.send(result);
}
