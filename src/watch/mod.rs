//! Tells people that something is wrong before they ask: one message for each cause when it begins, one when it is over;
//! and a sign of life to an outside address, whose absence tells of a dead service. Mends nothing by itself.
//!
//! One node does the telling: the one that drives the first shard. What it told is in its memory alone, so that a node
//! that takes over tells once more what is still open, under the same key.

mod channel;
mod findings;

use crate::clock::Clock;
use crate::config::WatchConfig;
use crate::mail::Mailer;
use crate::store::checks::State;
use crate::store::{
    Store, StoreError, backlog, breakers, checkpoints, checks, erasing, inbox, query, reconciliation, recovery,
    settings,
};
use channel::Told;
pub use channel::{Channel, Way};
use chrono::{DateTime, Utc};
use findings::{Finding, Seen, findings};
use sagas::kernel::saga::URGENT;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Between two looks.
const EVERY: Duration = Duration::from_secs(30);
/// A sign of life is given only where all standing checks passed not longer ago.
const CHECKED_WITHIN: Duration = Duration::from_mins(2);

/// Looks, and tells.
pub struct Watch {
    store: Store,
    clock: Arc<dyn Clock>,
    channel: Channel,
    config: WatchConfig,
    /// Checkpoints are published somewhere.
    has_sink: bool,
    ears: Vec<Ear>,
    /// Shards had no owner at the last look: between two leases that is nothing to tell.
    unowned_before: bool,
}

/// One way to people, and what they know of by it.
struct Ear {
    way: Way,
    known: BTreeMap<String, (Finding, DateTime<Utc>)>,
}

/// The ways that are configured.
pub fn ways(config: &WatchConfig, mailer: Option<&Arc<Mailer>>) -> Vec<Way> {
    let post = config.alert_url.clone().map(Way::Post);
    let people = Some(config.alert_mail.clone()).filter(|people| !people.is_empty());
    let mail = people.zip(mailer).map(|(people, mailer)| Way::Mail(Arc::clone(mailer), people));
    post.into_iter().chain(mail).collect()
}

impl Watch {
    /// A watch over this installation. Without a mailer nobody is told by mail.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        config: WatchConfig,
        mailer: Option<&Arc<Mailer>>,
        has_sink: bool,
        installation: &str,
    ) -> Result<Self, String> {
        let channel = Channel::new(installation)?;
        let ears = ways(&config, mailer).into_iter().map(|way| Ear { way, known: BTreeMap::new() }).collect();
        Ok(Self { store, clock, channel, config, has_sink, ears, unowned_before: false })
    }

    /// Watches until stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        while tokio::time::timeout(EVERY, stop.cancelled()).await.is_err() {
            self.round().await;
        }
    }

    /// Looks once, tells what changed, and gives a sign of life if this node is well.
    pub async fn round(&mut self) {
        match (self.look().await, &self.config.heartbeat_url) {
            (Ok(true), Some(url)) => self.channel.beat(url).await,
            (Ok(_), _) => {}
            (Err(e), _) => tracing::warn!(error = %e, "the watch could not look; no sign of life is given"),
        }
    }

    async fn look(&mut self) -> Result<bool, StoreError> {
        let checks = checks::states(&self.store.pool).await?;
        let passed = checks.iter().all(|check| check.passed(CHECKED_WITHIN));
        let seen = self.seen(checks).await?;
        let found = findings(&seen);
        // A lease that is held was renewed by a write not long ago.
        let healthy = !self.store.node.owned().is_empty() && seen.forgotten == 0 && passed;
        if self.store.node.owned().iter().any(|(shard, _)| *shard == 0) {
            self.tell(found).await;
        } else {
            self.ears.iter_mut().for_each(|ear| ear.known.clear());
        }
        Ok(healthy)
    }

    async fn seen(&mut self, checks: Vec<State>) -> Result<Seen, StoreError> {
        let (pool, now) = (&self.store.pool, self.clock.now());
        let census = query::census(pool, now).await?;
        let (unowned, _) = backlog::unowned_shards(pool).await?;
        let breakers = breakers::all(pool).await?.into_iter();
        let seen = Seen {
            now,
            parked: census.parked,
            urgent: query::awaited(pool, URGENT).await?,
            due_since: census.due_since,
            forgotten: query::forgotten(pool, 100).await?.len(),
            unowned: if self.unowned_before { unowned } else { 0 },
            last_delivery: inbox::last_received(pool).await?,
            silence: self.config.silence,
            switched_off: settings::switched_off(pool).await?.into_keys().collect(),
            breakers: breakers.map(|open| (format!("{} {}", open.vendor, open.class), open.since)).collect(),
            held: recovery::hold(pool).await?.map(|hold| hold.cause),
            unpublished: self.unpublished().await?,
            late_erasures: erasing::late(pool).await?,
            severe: reconciliation::severe(pool).await?,
            checks,
        };
        self.unowned_before = unowned > 0;
        Ok(seen)
    }

    /// For how long no checkpoint was published, where there is a sink.
    async fn unpublished(&self) -> Result<Option<Duration>, StoreError> {
        if !self.has_sink {
            return Ok(None);
        }
        let ages = checkpoints::ages(&self.store.pool).await?;
        Ok(ages.published.or(ages.waiting))
    }

    /// Tells what is new, what grew, and what is over. What could not be told is told at the next look.
    async fn tell(&mut self, found: Vec<Finding>) {
        let now = self.clock.now();
        for Ear { way, known } in &mut self.ears {
            for finding in &found {
                let before = known.get(&finding.key);
                if before.is_some_and(|(before, _)| before == finding) {
                    continue;
                }
                let since = before.map_or(now, |(_, since)| *since);
                if self.channel.send(way, finding, Told::Open, since).await {
                    known.insert(finding.key.clone(), (finding.clone(), since));
                }
            }
            let is_over = |key: &&String| !found.iter().any(|finding| finding.key == **key);
            for key in known.keys().filter(is_over).cloned().collect::<Vec<_>>() {
                let Some((finding, since)) = known.get(&key) else { continue };
                if self.channel.send(way, finding, Told::Resolved, *since).await {
                    known.remove(&key);
                }
            }
        }
    }
}
