//! The engine's life: start, loops, stop. What happens to one saga is in `drive`.

use super::budget::{Budgets, uncounted};
use super::drive::{Driver, Stop};
use super::effects::Effects;
use super::forecast::{VendorForecast, forecast};
use super::hooks::Hooks;
use super::mailbox::Mailboxes;
use super::registry::{Live, Registry};
use super::scheduler::Scheduler;
use super::unreadable::{self, Left};
use crate::clock::{Clock, RealClock};
use crate::config::AutoRefunds;
use crate::keys::Keys;
use crate::mail::Mailer;
use crate::metrics::Metrics;
use crate::port::{ErasureList, Perform};
use crate::store::Store;
use crate::store::items::{self, Item, Ready};
use crate::store::saga_store::Unreadable;
use crate::store::{StoreError, claims, inbox, log, query, secrets};
use crate::trace;
use chrono::{DateTime, Offset, TimeDelta, TimeZone, Utc};
use futures::FutureExt;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::At;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// How the engine works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// This node's name.
    pub node: String,
    /// The books zone.
    pub books_zone: chrono_tz::Tz,
    /// A vendor call ends after this long; its outcome is then unknown.
    pub call_limit: Duration,
    /// The safety net under wake-ups.
    pub poll: Duration,
    /// Renewal of this node's lease.
    pub renewal: Duration,
    /// Grants calls; absent: one of its own, for vendors that count none.
    pub budgets: Option<Arc<Budgets>>,
    /// Opens inputs and makes the addresses of pages.
    pub keys: Keys,
    /// Sends letters; absent: every letter is refused.
    pub mailer: Option<Arc<Mailer>>,
    /// Who was erased is listed there first; absent: nowhere.
    pub erasures: Option<Arc<dyn ErasureList>>,
    /// Counts calls and look-ups.
    pub metrics: Metrics,
    /// Words of the operators' verbs that need a second person.
    pub two_persons: BTreeSet<String>,
    /// What a rule may give back without anybody's word.
    pub auto_refunds: AutoRefunds,
    /// What is set for flows, by their names, each in the flow's own form.
    pub flows: BTreeMap<String, Value>,
}

impl Settings {
    /// The usual ones.
    pub fn new(keys: Keys) -> Self {
        Self {
            node: "node".to_owned(),
            books_zone: chrono_tz::UTC,
            call_limit: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            renewal: Duration::from_secs(15),
            budgets: None,
            keys,
            mailer: None,
            erasures: None,
            metrics: Metrics::default(),
            two_persons: BTreeSet::new(),
            auto_refunds: AutoRefunds::default(),
            flows: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// When absence may be judged, counted from the send: twice the time that our client waits.
    pub(super) fn judge_after(&self) -> TimeDelta {
        TimeDelta::from_std(self.call_limit * 2).unwrap_or(TimeDelta::seconds(60))
    }

    /// Business time with the books zone's offset then.
    pub(super) fn at(&self, now: DateTime<Utc>) -> At {
        let offset = self.books_zone.offset_from_utc_datetime(&now.naive_utc()).fix();
        At { now, books_offset: offset.local_minus_utc() }
    }
}

/// A running engine.
pub struct Engine {
    inner: Arc<Inner>,
}

/// What all tasks of the engine share.
pub(super) struct Inner {
    pub(super) registry: Registry,
    pub(super) store: Store,
    pub(super) effects: Effects,
    pub(super) budgets: Arc<Budgets>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hooks: Arc<dyn Hooks>,
    pub(super) settings: Settings,
    pub(super) mailboxes: Mailboxes,
    scheduler: Mutex<Scheduler>,
    cache: Mutex<HashMap<SagaId, Box<dyn Live>>>,
    left: Left,
    /// Shards that are being handed over: nothing new starts in them.
    leaving: Mutex<Vec<u16>>,
    pub(super) wake: Arc<Notify>,
    stop: CancellationToken,
    crashed: AtomicBool,
    tasks: TaskTracker,
}

/// Sagas kept in memory between two wake-ups. Beyond it they are folded from the log again.
const CACHED_SAGAS: usize = 20_000;
/// Items and due sagas taken up in one poll.
const POLL_LIMIT: u16 = 1_000;
/// Between two looks at the inbox.
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);
/// Between two pages of what is due.
const BETWEEN_PAGES: Duration = Duration::from_millis(50);
/// Sagas that are driven at once because their time has come; what came for a saga is taken up whatever this says.
const AT_WORK: usize = 4_000;
/// With so many alarms set nothing more is read of what is due.
const ALARMS: usize = 20_000;
/// Alarms beyond the horizon are kept while there are no more than this.
const FAR_ALARMS: usize = 10_000;
/// A reservation without its step is an orphan after this long.
const ORPHANED_AFTER: TimeDelta = TimeDelta::minutes(10);
/// An item waits this long for the link that it needs; then a person must look.
const WAITS_FOR_LINK: TimeDelta = TimeDelta::days(7);
/// Raw bodies of deliveries that are done are personal data: kept this long.
const BODIES_KEPT: TimeDelta = TimeDelta::days(30);
/// What is due is read this far ahead; what is due later is found by a later poll.
const HORIZON: TimeDelta = TimeDelta::seconds(60);

impl Engine {
    /// Starts the engine on a store whose node has joined, with all sagas of the product.
    ///
    /// # Errors
    /// A saga's declaration breaks a law, or calls may take longer than the lease allows: they would never be sent.
    pub fn start(
        store: Store,
        vendors: Arc<dyn Perform>,
        clock: Arc<dyn Clock>,
        hooks: Arc<dyn Hooks>,
        settings: Settings,
    ) -> Result<Self, String> {
        let (lease, call) = (store.node.lease(), settings.call_limit);
        if call > lease.longest_call() {
            return Err(format!(
                "a call may take {call:?} (CALL_SECONDS), and a lease of {:?} (LEASE_SECONDS) that is renewed every {:?} allows \
                 {:?}: calls would wait for ever; lower the one or raise the other",
                lease.length,
                lease.renewal,
                lease.longest_call()
            ));
        }
        Ok(Self::with_registry(Registry::all()?, store, vendors, clock, hooks, settings))
    }

    /// Starts the engine with these sagas.
    pub fn with_registry(
        registry: Registry,
        store: Store,
        vendors: Arc<dyn Perform>,
        clock: Arc<dyn Clock>,
        hooks: Arc<dyn Hooks>,
        settings: Settings,
    ) -> Self {
        let wake = Arc::new(Notify::new());
        let budgets = settings.budgets.clone();
        let budgets = budgets.unwrap_or_else(|| Budgets::new(store.clone(), Arc::clone(&clock), &uncounted()));
        let inner = Arc::new(Inner {
            registry,
            effects: Effects::new(&store, vendors, &settings, Arc::clone(&wake)),
            budgets,
            store,
            clock,
            hooks,
            settings,
            mailboxes: Mailboxes::default(),
            scheduler: Mutex::default(),
            cache: Mutex::default(),
            left: Left::default(),
            leaving: Mutex::default(),
            wake,
            stop: CancellationToken::new(),
            crashed: AtomicBool::new(false),
            tasks: TaskTracker::new(),
        });
        inner.tasks.spawn(Arc::clone(&inner).renew());
        inner.tasks.spawn(Arc::clone(&inner).listen());
        inner.tasks.spawn(Arc::clone(&inner).watch_due());
        inner.tasks.spawn(Arc::clone(&inner).ring());
        inner.tasks.spawn(Arc::clone(&inner).keep_house());
        inner.tasks.spawn(Arc::clone(&inner).send_bulk());
        inner.tasks.spawn(Arc::clone(&inner.budgets).run(inner.stop.clone()));
        Self { inner }
    }

    /// Something came: look at once instead of at the next poll.
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// Business time, in the books zone.
    pub fn at(&self) -> At {
        self.inner.settings.at(self.inner.clock.now())
    }

    /// The kinds of sagas.
    pub fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    /// When the backlog at each vendor ends.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn forecast(&self) -> Result<Vec<VendorForecast>, StoreError> {
        forecast(&self.inner.store.pool, &self.inner.registry, self.inner.clock.now()).await
    }

    /// Sagas being driven at this moment.
    pub fn busy(&self) -> usize {
        self.inner.mailboxes.len()
    }

    /// Sagas of this node's shards that it cannot read and leaves alone.
    pub fn left_alone(&self) -> usize {
        self.inner.left.len()
    }

    /// Waits until a test's hook has stopped the engine dead.
    pub async fn crashed(&self) {
        self.inner.stop.cancelled().await;
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// No new work; calls in flight end, or are cut after `patience` and looked up by the next owner. Then the shards
    /// are handed over.
    pub async fn stop(&self, patience: Duration) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(patience, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!(
                sagas = self.busy(),
                "stopped with calls in flight; their outcome is looked up by the next owner"
            );
            return;
        }
        if let Err(e) = self.inner.store.node.leave().await {
            tracing::warn!(error = %e, "shards were not handed over; they move when this node's lease expires");
        }
    }
}

impl Inner {
    pub(super) fn stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    pub(super) fn crashed(&self) -> bool {
        self.crashed.load(Ordering::SeqCst)
    }

    pub(super) fn crash(&self) {
        self.crashed.store(true, Ordering::SeqCst);
        self.stop.cancel();
    }

    /// A call sent now ends before the lease does.
    pub(super) fn may_send(&self, saga: SagaId) -> bool {
        !self.stopping() && self.store.node.may_send(self.store.node.shard_of(saga), self.settings.call_limit)
    }

    pub(super) fn epoch(&self, saga: SagaId) -> i64 {
        self.store.node.grant(self.store.node.shard_of(saga)).map_or(0, |grant| grant.epoch)
    }

    fn scheduler(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<SagaId, Box<dyn Live>>> {
        self.cache.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Renews the lease, takes free shards, forgets lost ones.
    async fn renew(self: Arc<Self>) {
        loop {
            match self.store.node.beat().await {
                Ok(change) => {
                    if !change.lost.is_empty() {
                        self.forget(|saga| change.lost.contains(&self.store.node.shard_of(saga)));
                    }
                    if !change.gained.is_empty() {
                        self.wake.notify_one();
                        self.read_again().await;
                    }
                    if !change.surplus.is_empty() {
                        self.give_back(change.surplus).await;
                    }
                }
                Err(e) => tracing::warn!(error = %e, "the lease could not be renewed"),
            }
            if self.pause(self.settings.renewal).await {
                return;
            }
        }
    }

    /// Lets calls in flight in those shards end, then hands them over to whoever has less.
    async fn give_back(&self, shards: Vec<u16>) {
        let in_them = |saga: SagaId| shards.contains(&self.store.node.shard_of(saga));
        self.leaving().clone_from(&shards);
        while self.mailboxes.any(in_them) {
            if self.pause(Duration::from_millis(50)).await {
                break;
            }
        }
        self.forget(in_them);
        if let Err(e) = self.store.node.hand_over(&shards).await {
            tracing::warn!(error = %e, "surplus shards were not handed over");
        }
        self.leaving().clear();
    }

    /// What is known of sagas that are another's from now on.
    fn forget(&self, fits: impl Fn(SagaId) -> bool) {
        self.cache().retain(|saga, _| !fits(*saga));
        self.left.forget(fits);
    }

    /// Takes up what another release could not read and parked: this one may be able to.
    async fn read_again(self: &Arc<Self>) {
        match query::unreadable(&self.store.pool, &self.shards()).await {
            Ok(parked) => parked.iter().for_each(|(saga, kind)| self.poke(*saga, kind, None, false)),
            Err(e) => tracing::warn!(error = %e, "sagas whose history could not be read were not looked at again"),
        }
    }

    fn leaving(&self) -> MutexGuard<'_, Vec<u16>> {
        self.leaving.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes up what came: at a wake-up, and at every poll.
    async fn listen(self: Arc<Self>) {
        loop {
            if let Err(e) = self.take_items().await {
                tracing::warn!(error = %e, "the inbox could not be read");
            }
            // What comes meanwhile is read together.
            if self.pause(BETWEEN_LOOKS).await {
                return;
            }
            tokio::select! {
                () = self.wake.notified() => {}
                stopped = self.pause(self.settings.poll) => if stopped { return },
            }
        }
    }

    fn shards(&self) -> Vec<u16> {
        self.store.node.owned().into_iter().map(|(shard, _)| shard).collect()
    }

    async fn take_items(self: &Arc<Self>) -> Result<(), StoreError> {
        let mut known = self.mailboxes.items();
        known.extend(self.left.items());
        for Ready { item, first } in items::items_ready(&self.store.pool, &self.shards(), &known, POLL_LIMIT).await? {
            let (saga, kind) = (item.saga, item.saga_kind.clone());
            self.poke(saga, &kind, Some(item), first);
        }
        Ok(())
    }

    /// Sets alarms for what this node did not set itself: a start, new shards. The others were set when the saga was left.
    async fn watch_due(self: Arc<Self>) {
        loop {
            let more = self.take_due().await.unwrap_or_else(|e| {
                tracing::warn!(error = %e, "what is due could not be read");
                false
            });
            let wait = if more { BETWEEN_PAGES } else { self.settings.poll };
            if self.pause(wait).await {
                return;
            }
        }
    }

    /// True: there was more than one page of it.
    async fn take_due(self: &Arc<Self>) -> Result<bool, StoreError> {
        // No timer has an effect during a hold: what is due waits in the database until it is released.
        let until = self.clock.now() + HORIZON;
        let mut known = self.known(until);
        if known.len() >= ALARMS || self.effects.care().await?.held {
            return Ok(false);
        }
        known.extend(self.left.sagas());
        let due = query::due(&self.store.pool, &self.shards(), until, &known, POLL_LIMIT).await?;
        if due.iter().any(|(.., at)| *at <= self.clock.now()) {
            // Nobody was there when it fell due: what came in time is heard before its time is over.
            self.take_items().await?;
        }
        let more = due.len() == usize::from(POLL_LIMIT);
        for (saga, kind, at) in due {
            self.scheduler().set_unless_set(saga, &kind, at);
        }
        Ok(more)
    }

    /// Sagas that have an alarm until then, or are driven now and get one when they are left.
    fn known(&self, until: DateTime<Utc>) -> Vec<SagaId> {
        let mut known = self.mailboxes.sagas();
        known.extend(self.scheduler().sagas(until));
        known
    }

    /// Sets the alarm of a saga that is left. Where there are many, what is far costs no memory: a later look at what is
    /// due finds it.
    fn alarm(&self, saga: SagaId, kind: &str, next: Option<DateTime<Utc>>) {
        let mut scheduler = self.scheduler();
        let few = scheduler.len() < FAR_ALARMS;
        match next.filter(|at| few || *at <= self.clock.now() + HORIZON) {
            Some(at) => scheduler.set(saga, kind, at),
            None => scheduler.unset(saga),
        }
    }

    /// Rings alarms, for no more sagas than can be at work at once.
    async fn ring(self: Arc<Self>) {
        loop {
            let room = AT_WORK.saturating_sub(self.mailboxes.len());
            let due = self.scheduler().take_due(self.clock.now(), room);
            for (saga, kind) in due {
                self.poke(saga, &kind, None, false);
            }
            if self.pause(Duration::from_millis(25)).await {
                return;
            }
        }
    }

    /// Sweeps what nobody will come back for.
    async fn keep_house(self: Arc<Self>) {
        while !self.pause(Duration::from_mins(1)).await {
            self.read_again().await;
            if let Err(e) = self.sweep().await {
                tracing::warn!(error = %e, "the sweep of orphaned claims and single-use inputs failed");
            }
        }
    }

    /// These limits count from what the database stamped: real time, whatever business time is.
    async fn sweep(&self) -> Result<(), StoreError> {
        let now = RealClock.now();
        let pool = &self.store.pool;
        claims::sweep(pool, now - ORPHANED_AFTER).await?;
        secrets::sweep(pool).await?;
        items::sweep_waiting(pool, now - WAITS_FOR_LINK).await?;
        inbox::erase_bodies(pool, now - BODIES_KEPT).await?;
        Ok(())
    }

    /// True: the engine is stopping.
    pub(super) async fn pause(&self, wait: Duration) -> bool {
        tokio::time::timeout(wait, self.stop.cancelled()).await.is_ok()
    }

    /// Puts an item into a saga's mailbox, or merely wakes it, and sees to it that somebody drives it.
    fn poke(self: &Arc<Self>, saga: SagaId, kind: &str, item: Option<Item>, first: bool) {
        let leaving = self.leaving().contains(&self.store.node.shard_of(saga));
        let kept_out = self.stopping() || leaving || self.left.keeps(saga, item.as_ref());
        if kept_out || !self.mailboxes.put(saga, item) {
            return;
        }
        let (inner, kind) = (Arc::clone(self), kind.to_owned());
        let turn = trace::turn(saga, &kind, &self.settings.node);
        let driving = async move {
            let driven = AssertUnwindSafe(Arc::clone(&inner).drive(saga, &kind, first)).catch_unwind().await;
            if driven.is_err() {
                tracing::error!(%saga, kind, "driving the saga panicked; it is tried again in a minute");
                inner.mailboxes.abandon(saga);
                inner.scheduler().set(saga, &kind, inner.clock.now() + TimeDelta::seconds(60));
            }
        };
        self.tasks.spawn(driving.instrument(turn));
    }

    async fn drive(self: Arc<Self>, saga: SagaId, kind: &str, first: bool) {
        let Some(live) = self.take(saga, kind, first).await else {
            self.mailboxes.abandon(saga);
            return;
        };
        if live.sequence() == 0 {
            trace::begun(saga, kind);
        }
        let mut driver = Driver { engine: Arc::clone(&self), saga, live };
        loop {
            match driver.run().await {
                Ok(next) => {
                    if self.mailboxes.close(saga) {
                        self.alarm(saga, kind, next);
                        self.keep(saga, driver.live);
                        return;
                    }
                }
                Err(stop) => {
                    if let Stop::Reload(why) | Stop::Poison(why) = &stop {
                        tracing::warn!(%saga, kind, why, "the saga is taken up again from the log");
                        self.scheduler().set(saga, kind, self.clock.now() + TimeDelta::seconds(1));
                    }
                    self.mailboxes.abandon(saga);
                    return;
                }
            }
        }
    }

    /// The saga from memory or from the log; `None` where it cannot be had now. `first`: it had no history when its item
    /// was read. Should it have one by now, its first append is refused, and it is taken up again from the log.
    async fn take(&self, saga: SagaId, kind: &str, first: bool) -> Option<Box<dyn Live>> {
        if let Some(live) = self.cache().remove(&saga) {
            return Some(live);
        }
        let shard = self.store.node.shard_of(saga);
        let history = if first { Ok(Vec::new()) } else { log::events_of(&self.store.pool, shard, saga).await };
        let history = match history {
            Ok(history) => history,
            Err(e) => {
                tracing::warn!(%saga, kind, error = %e, "the saga's history cannot be read now");
                return None;
            }
        };
        let loaded = self.registry.pinned(kind, &history).and_then(|kind| kind.load(saga, &history));
        match loaded {
            Ok(live) => return Some(live),
            Err(Unreadable::Newer(why)) => {
                tracing::warn!(%saga, kind, why, "the saga is left to a node of the release that wrote it");
                self.left.leave(saga);
            }
            Err(Unreadable::Broken(why)) => {
                tracing::error!(%saga, kind, why, "the saga's history cannot be understood; it is parked");
                if unreadable::park(&self.store, saga, &why, self.clock.now()).await {
                    self.left.leave(saga);
                }
            }
        }
        None
    }

    fn keep(&self, saga: SagaId, live: Box<dyn Live>) {
        let mut cache = self.cache();
        if cache.len() >= CACHED_SAGAS {
            cache.clear();
        }
        // An ended saga is rarely heard of again.
        if live.flow().ended.is_none() {
            cache.insert(saga, live);
        }
    }
}
