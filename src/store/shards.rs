//! Which node owns which shard: one heartbeat row per node, one row per shard that changes only on take-over and
//! hand-over. Does not write the log; what it grants is compared again inside every append.
//!
//! A node lives as long as its row. A row whose lease has run out by the database's clock is deleted by whoever sees it
//! first; its id never comes back, so a node that was only asleep finds its row gone and knows that it owns nothing.

use super::error::{StoreError, retrying, unsigned};
use super::recovery::Watchman;
use crate::clock::since_boot;
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use uuid::Uuid;

/// How long ownership lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// From the sending of a renewal; longer than a vendor call, a renewal and the margin together.
    pub length: Duration,
    /// How often `beat` is to be called.
    pub renewal: Duration,
    /// What a call must leave of the lease.
    pub margin: Duration,
}

impl Default for Lease {
    fn default() -> Self {
        Self { length: Duration::from_mins(1), renewal: Duration::from_secs(15), margin: Duration::from_secs(5) }
    }
}

impl Lease {
    /// The longest call that may leave at any moment between two renewals.
    pub const fn longest_call(&self) -> Duration {
        self.length.saturating_sub(self.renewal).saturating_sub(self.margin)
    }
}

/// What an append must show: this node, at this epoch of the shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The node's present id.
    pub node: Uuid,
    /// The shard's epoch.
    pub epoch: i64,
}

/// What changed since the last heartbeat. A shard that was taken again meanwhile is both lost and gained: stop, then
/// load.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beat {
    /// Shards that are ours now, with their epochs: load what is due in them.
    pub gained: Vec<(u16, i64)>,
    /// Shards that are another's or nobody's: stop what runs in them.
    pub lost: Vec<u16>,
    /// More than our share: let calls in flight end, then `hand_over`.
    pub surplus: Vec<u16>,
}

/// This process among the owners of the log.
#[derive(Debug)]
pub struct Node {
    pool: PgPool,
    name: String,
    lease: Lease,
    shards: u16,
    held: RwLock<Held>,
    watchman: Arc<Watchman>,
}

/// What this node holds, and until when on its own clock.
#[derive(Debug)]
struct Held {
    id: Uuid,
    deadline: Duration,
    shards: BTreeMap<u16, i64>,
    /// As of the last `beat` that returned: what is told next is the difference, whatever failed in between.
    told: BTreeMap<u16, i64>,
}

/// A shard as the database shows it.
struct ShardRow {
    shard: u16,
    node: Option<Uuid>,
    epoch: i64,
    alive: bool,
}

impl Node {
    /// Joins with a new id. Owns nothing before the first `beat`.
    ///
    /// # Errors
    /// The database cannot be reached, or has no stamp yet.
    pub async fn join(pool: PgPool, name: &str, lease: Lease) -> Result<Self, StoreError> {
        let stamp = super::schema::stamp_of(&pool).await?;
        let shards = stamp.ok_or_else(|| StoreError::Unreadable("the database has no stamp yet".to_owned()))?.shards;
        let held = RwLock::new(Held {
            id: Uuid::now_v7(),
            deadline: Duration::ZERO,
            shards: BTreeMap::new(),
            told: BTreeMap::new(),
        });
        let watchman = Arc::default();
        let node = Self { pool, name: name.to_owned(), lease, shards, held, watchman };
        node.register().await?;
        Ok(node)
    }

    /// Owns nothing any more once the watchman has seen another database: what this node remembers of the log is then of
    /// another one. A restarted process begins anew.
    #[must_use]
    pub fn watched_by(self, watchman: Arc<Watchman>) -> Self {
        Self { watchman, ..self }
    }

    /// The database behind the address is another one than at the start: this process must end and begin anew.
    pub fn is_lost(&self) -> bool {
        self.watchman.moved()
    }

    /// How many shards the installation has.
    pub const fn shard_count(&self) -> u16 {
        self.shards
    }

    /// The saga's shard.
    pub fn shard_of(&self, saga: SagaId) -> u16 {
        saga.shard(self.shards)
    }

    /// The present id among the nodes: another one after a lease that ran out.
    pub fn id(&self) -> Uuid {
        self.read().id
    }

    /// The name for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The lease that it joined with.
    pub const fn lease(&self) -> Lease {
        self.lease
    }

    /// What we own now, with the epochs; nothing once the lease has run out on our clock.
    pub fn owned(&self) -> Vec<(u16, i64)> {
        let held = self.read();
        if self.is_lost() || since_boot() >= held.deadline {
            return Vec::new();
        }
        held.shards.iter().map(|(shard, epoch)| (*shard, *epoch)).collect()
    }

    /// What an append to the shard must show; `None` where it is not ours.
    pub fn grant(&self, shard: u16) -> Option<Grant> {
        let held = self.read();
        let epoch = *held.shards.get(&shard)?;
        (!self.is_lost() && since_boot() < held.deadline).then_some(Grant { node: held.id, epoch })
    }

    /// A call of at most that length may leave: our lease outlives it by the margin.
    pub fn may_send(&self, shard: u16, time_limit: Duration) -> bool {
        let held = self.read();
        !self.is_lost()
            && held.shards.contains_key(&shard)
            && since_boot() + time_limit + self.lease.margin <= held.deadline
    }

    /// Renews the lease, buries the dead, takes what is free up to our share.
    ///
    /// # Errors
    /// The database cannot be reached: what we hold ends with the lease.
    pub async fn beat(&self) -> Result<Beat, StoreError> {
        if self.is_lost() {
            // Its lease runs out, and whoever begins anew takes the shards.
            self.write().shards.clear();
            return Ok(self.tell(usize::from(self.shards)));
        }
        if !self.renew().await? {
            self.register().await?;
        }
        let live = retrying(|| self.bury()).await?;
        let rows = self.rows().await?;
        self.drop_moved(&rows);
        let share = usize::from(self.shards).div_ceil(live.max(1));
        let mine = self.read().shards.len();
        if mine < share {
            let free = rows.into_iter().filter(|row| row.node.is_none() || !row.alive).take(share - mine);
            self.take(free.map(|row| (row.shard, row.epoch)).collect()).await?;
        }
        Ok(self.tell(share))
    }

    /// What changed since the last time.
    fn tell(&self, share: usize) -> Beat {
        let mut held = self.write();
        let is_in = |these: &BTreeMap<u16, i64>, shard, epoch| these.get(shard) == Some(epoch);
        let gained = held.shards.iter().filter(|(shard, epoch)| !is_in(&held.told, shard, epoch));
        let lost = held.told.iter().filter(|(shard, epoch)| !is_in(&held.shards, shard, epoch));
        let beat = Beat {
            gained: gained.map(|(shard, epoch)| (*shard, *epoch)).collect(),
            lost: lost.map(|(shard, _)| *shard).collect(),
            surplus: held.shards.keys().rev().take(held.shards.len().saturating_sub(share)).copied().collect(),
        };
        held.told = held.shards.clone();
        beat
    }

    /// Gives shards back at once, for whoever wants them. Calls in flight in them must have ended.
    ///
    /// # Errors
    /// The database cannot be reached: then nobody has them before our lease has run out.
    pub async fn hand_over(&self, shards: &[u16]) -> Result<(), StoreError> {
        let id = {
            let mut held = self.write();
            held.shards.retain(|shard, _| !shards.contains(shard));
            held.told.retain(|shard, _| !shards.contains(shard));
            held.id
        };
        let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
        retrying(|| async {
            let mut tx = self.pool.begin().await?;
            let mine = sqlx::query_scalar!(
                "select shard from shard where shard = any($1) and node = $2 order by shard for update",
                &shards,
                id
            )
            .fetch_all(&mut *tx)
            .await?;
            sqlx::query!("update shard set node = null where shard = any($1)", &mine).execute(&mut *tx).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Leaves for good: everything is handed over, so that a successor need not wait for our lease.
    ///
    /// # Errors
    /// The database cannot be reached: our lease runs out by itself.
    pub async fn leave(&self) -> Result<(), StoreError> {
        let all: Vec<u16> = self.read().shards.keys().copied().collect();
        self.hand_over(&all).await?;
        let id = self.read().id;
        sqlx::query!("delete from node where id = $1", id).execute(&self.pool).await?;
        Ok(())
    }

    /// Forgets shards that an append found to be another's.
    pub(super) fn forget(&self, shard: u16, grant: Grant) {
        let mut held = self.write();
        if held.id == grant.node && held.shards.get(&shard) == Some(&grant.epoch) {
            held.shards.remove(&shard);
        }
    }

    /// A new row under a new id; what was held under the old one is not ours any more.
    async fn register(&self) -> Result<(), StoreError> {
        self.write().shards.clear();
        let (sent, id) = (since_boot(), Uuid::now_v7());
        sqlx::query!(
            "insert into node (id, name, joined_at, lease_until)
             values ($1, $2, now(), now() + make_interval(secs => $3))",
            id,
            self.name,
            self.lease.length.as_secs_f64()
        )
        .execute(&self.pool)
        .await?;
        let mut held = self.write();
        held.id = id;
        held.deadline = sent + self.lease.length;
        Ok(())
    }

    /// False: our row is gone, and with it all that we held.
    async fn renew(&self) -> Result<bool, StoreError> {
        let (sent, id) = (since_boot(), self.read().id);
        let renewed = sqlx::query!(
            "update node set lease_until = now() + make_interval(secs => $2) where id = $1",
            id,
            self.lease.length.as_secs_f64()
        )
        .execute(&self.pool)
        .await?
        .rows_affected();
        if renewed == 0 {
            return Ok(false);
        }
        self.write().deadline = sent + self.lease.length;
        Ok(true)
    }

    /// Deletes nodes whose lease has run out; says how many live.
    async fn bury(&self) -> Result<usize, StoreError> {
        sqlx::query!("delete from node where lease_until < now()").execute(&self.pool).await?;
        let live = sqlx::query_scalar!(r#"select count(*) as "live!" from node"#).fetch_one(&self.pool).await?;
        unsigned("the number of nodes", live)
    }

    async fn rows(&self) -> Result<Vec<ShardRow>, StoreError> {
        let rows = sqlx::query!(
            r#"select s.shard, s.node, s.epoch, n.id is not null as "alive!"
               from shard s left join node n on n.id = s.node order by s.shard"#
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                let shard = unsigned("a shard", row.shard)?;
                Ok(ShardRow { shard, node: row.node, epoch: row.epoch, alive: row.alive })
            })
            .collect()
    }

    /// Forgets what another has by now.
    fn drop_moved(&self, rows: &[ShardRow]) {
        let mut held = self.write();
        let id = held.id;
        held.shards.retain(|shard, epoch| {
            rows.iter().any(|row| row.shard == *shard && row.node == Some(id) && row.epoch == *epoch)
        });
    }

    /// Takes shards that were seen free, at the epochs seen. First what nobody holds; then, one by one, what a flush
    /// holds, which ends soon. Where it does not, its process is stopped: it must not stop us too.
    async fn take(&self, mut wanted: Vec<(u16, i64)>) -> Result<(), StoreError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let taken = retrying(|| self.take_now(&wanted, false)).await?;
        wanted.retain(|(shard, _)| !taken.iter().any(|(s, _)| s == shard));
        self.gain(taken);
        for one in wanted {
            match self.take_now(&[one], true).await {
                Ok(taken) => self.gain(taken),
                Err(StoreError::Again(_)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn gain(&self, taken: Vec<(u16, i64)>) {
        self.write().shards.extend(taken);
    }

    async fn take_now(&self, wanted: &[(u16, i64)], wait: bool) -> Result<Vec<(u16, i64)>, StoreError> {
        let id = self.read().id;
        let (shards, epochs): (Vec<i32>, Vec<i64>) = wanted.iter().map(|(s, e)| (i32::from(*s), *e)).unzip();
        let mut tx = self.pool.begin().await?;
        // Our row stays until we have committed: nobody can bury us meanwhile.
        let alive = sqlx::query_scalar!("select id from node where id = $1 for update", id).fetch_optional(&mut *tx);
        if alive.await?.is_none() {
            return Ok(Vec::new());
        }
        let free = if wait {
            sqlx::query!("set local lock_timeout = '500ms'").execute(&mut *tx).await?;
            let free = sqlx::query_scalar!(
                "select s.shard from shard s
                 join unnest($1::integer[], $2::bigint[]) as w(shard, epoch) on s.shard = w.shard and s.epoch = w.epoch
                 order by s.shard for update of s",
                &shards,
                &epochs
            );
            free.fetch_all(&mut *tx).await?
        } else {
            let free = sqlx::query_scalar!(
                "select s.shard from shard s
                 join unnest($1::integer[], $2::bigint[]) as w(shard, epoch) on s.shard = w.shard and s.epoch = w.epoch
                 order by s.shard for update of s skip locked",
                &shards,
                &epochs
            );
            free.fetch_all(&mut *tx).await?
        };
        let taken = sqlx::query!(
            "update shard set node = $1, epoch = epoch + 1 where shard = any($2) returning shard, epoch",
            id,
            &free
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        taken.into_iter().map(|row| Ok((unsigned("a shard", row.shard)?, row.epoch))).collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().expect("no holder of this lock panics")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().expect("no holder of this lock panics")
    }
}
