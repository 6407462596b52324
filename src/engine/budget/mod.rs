//! The vendors' limits within this node: grants each request before it leaves, in the order of who goes first, out of chunks
//! that are leased in the database, so that all nodes together stay within them. Holds the calls that will record what is
//! being done. Knows no flow; a vendor is a word with limits.

mod breakers;
mod lanes;
mod till;
mod turns;

pub(crate) use turns::{end_of_backlog, next_day};

use super::registry::Terms;
use crate::clock::Clock;
use crate::config::Limits;
use crate::port::{self, Denied, Errand, Health, Meter, Ticket};
use crate::store::Store;
use crate::store::budget::{self, slice_of};
use async_trait::async_trait;
use breakers::Breakers;
use chrono::{DateTime, TimeDelta, Utc};
use lanes::{Lanes, Place};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::NotSent;
use sagas::kernel::priority::Priority;
use sagas::kernel::step::Calls;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use till::{Till, Want};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Who cannot be served within so long gets a turn instead.
const PATIENCE: Duration = Duration::from_secs(4);
/// Between two leases while somebody waits.
const SOON: Duration = Duration::from_millis(300);
/// Between two signs of life towards the other nodes.
const SIGN_OF_LIFE: Duration = Duration::from_secs(3);
/// Between two looks at what the other nodes found out.
const BREAKERS_SEEN: Duration = Duration::from_secs(1);

/// The limits of every vendor that has some.
pub type AllLimits = BTreeMap<&'static str, Limits>;

/// The usual ones where calls are counted by nobody: tests, and shows whose vendors are simulated.
pub fn uncounted() -> AllLimits {
    let only = |at_once| Limits { per_minute: None, per_day: None, at_once };
    BTreeMap::from([
        ("zoho", only(9)),
        ("zoho_crm", only(4)),
        ("zoho_desk", only(3)),
        ("braintree", only(16)),
        ("attio", only(16)),
        ("mail", only(4)),
    ])
}

/// A saga's call may be made. Where it was not, its grant goes back when this is dropped.
pub(super) struct Admitted {
    pub(super) ticket: Ticket,
    priority: Priority,
    place: Option<Place>,
    of: Option<Arc<Vendor>>,
    clock: Arc<dyn Clock>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let (Some(vendor), Some(slice)) = (&self.of, self.ticket.take_back()) {
            vendor.till().give_back(slice, self.priority, self.clock.now());
        }
    }
}

/// What a call wants before it may leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admission {
    pub(super) saga: SagaId,
    pub(super) vendor: &'static str,
    pub(super) terms: Terms,
    /// Nothing is changed at the vendor.
    pub(super) reads: bool,
}

/// The budgets of this node.
pub struct Budgets {
    store: Store,
    clock: Arc<dyn Clock>,
    vendors: BTreeMap<&'static str, Arc<Vendor>>,
    breakers: Breakers,
}

impl std::fmt::Debug for Budgets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Budgets").finish_non_exhaustive()
    }
}

struct Vendor {
    name: &'static str,
    counts: bool,
    till: Mutex<Till>,
    lanes: Arc<Lanes>,
    wanted: Notify,
}

impl Vendor {
    fn till(&self) -> MutexGuard<'_, Till> {
        self.till.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Budgets {
    /// Budgets over this database. Nothing is leased yet.
    pub fn new(store: Store, clock: Arc<dyn Clock>, limits: &AllLimits) -> Arc<Self> {
        let vendor = |(name, limits): (&&'static str, &Limits)| {
            let vendor = Vendor {
                name,
                counts: limits.counts(),
                till: Mutex::new(Till::new(*limits)),
                // Before the first lease nothing is known of other nodes.
                lanes: Lanes::new(0),
                wanted: Notify::new(),
            };
            (*name, Arc::new(vendor))
        };
        Arc::new(Self { store, clock, vendors: limits.iter().map(vendor).collect(), breakers: Breakers::default() })
    }

    /// Leases until stopped.
    pub(super) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let each = self.vendors.values().map(|vendor| async {
            loop {
                self.lease(vendor).await;
                let wait = if vendor.till().has_waiting() { SOON } else { SIGN_OF_LIFE };
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = vendor.wanted.notified() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        });
        futures::future::join(futures::future::join_all(each), self.look_at_breakers(&stop)).await;
    }

    async fn look_at_breakers(&self, stop: &CancellationToken) {
        let vendors: Vec<_> = self.vendors.keys().copied().collect();
        while tokio::time::timeout(BREAKERS_SEEN, stop.cancelled()).await.is_err() {
            if let Err(e) = self.breakers.refresh(&self.store.pool, &vendors).await {
                tracing::warn!(error = %e, "the circuit breakers cannot be read");
            }
        }
    }

    /// One lease: gives back, asks, deals out.
    async fn lease(&self, vendor: &Vendor) {
        let now = self.clock.now();
        let (limits, ask) = {
            let mut till = vendor.till();
            (till.limits, till.ask(self.store.node.id(), now, vendor.lanes.taken()))
        };
        match budget::lease(&self.store.pool, vendor.name, limits, &ask).await {
            Ok(grant) => {
                vendor.lanes.resize(grant.at_once);
                vendor.till().granted(&grant, self.clock.now());
            }
            Err(e) => tracing::warn!(vendor = vendor.name, error = %e, "no calls could be leased; it is tried again"),
        }
    }

    /// Waits until the call may be made: a request is granted, what records it is held, and a place is free.
    ///
    /// # Errors
    /// Not soon: when its turn is.
    pub(super) async fn admit(&self, admission: Admission) -> Result<Admitted, Denied> {
        let Admission { saga, vendor, terms: Terms { priority, records, costs }, reads } = admission;
        let count = |of: &[Calls], vendor: &str| of.iter().find(|c| c.vendor == vendor).map_or(0, |c| c.count);
        if self.vendors.contains_key(vendor) {
            self.breakers.pass(&self.store.pool, vendor, reads, self.clock.now()).await?;
        }
        let mut place = None;
        loop {
            for record in records {
                let (hold, calls) = (record.count, count(costs, record.vendor));
                let want = Want { saga: Some(saga), priority, draw: false, hold, calls };
                if let Err(denied) = self.want(record.vendor, want, PATIENCE).await {
                    self.let_go(saga);
                    return Err(denied);
                }
            }
            let calls = if priority == Priority::Recording { 1 } else { count(costs, vendor) };
            let want = Want { saga: Some(saga), priority, draw: true, hold: 0, calls };
            let want = self.vendors.get(vendor).map_or(want, |vendor| vendor.till().begins(want));
            let ticket = match self.want(vendor, want, PATIENCE).await {
                Ok(slice) => slice.map_or_else(Ticket::none, Ticket::of),
                Err(denied) => {
                    if !records.is_empty() {
                        self.let_go(saga);
                    }
                    return Err(denied);
                }
            };
            let of = self.vendors.get(vendor).cloned();
            let mut admitted = Admitted { ticket, priority, place: place.take(), of, clock: Arc::clone(&self.clock) };
            if let Some(of) = admitted.of.clone() {
                if admitted.place.is_none() {
                    admitted.place = Some(of.lanes.enter(priority).await);
                }
                // The wait for a place may have outlived the grant.
                if of.counts && !admitted.ticket.holds_in(slice_of(self.clock.now())) {
                    place = admitted.place.take();
                    continue;
                }
            }
            return Ok(admitted);
        }
    }

    /// Waits for a place alone: for looks, whose requests are granted one by one.
    pub(super) async fn place(&self, vendor: &str, priority: Priority) -> Option<Place> {
        let vendor = self.vendors.get(vendor)?;
        Some(vendor.lanes.enter(priority).await)
    }

    /// The calls that were held for the saga are made, or will not be.
    pub(super) fn let_go(&self, saga: SagaId) {
        for vendor in self.vendors.values().filter(|vendor| vendor.counts) {
            vendor.till().let_go(saga);
        }
    }

    /// The vendor's own word: no call for so long, from any node.
    pub(super) async fn close(&self, vendor: &str, seconds: u32) {
        let Some(vendor) = self.vendors.get(vendor) else { return };
        let until = self.clock.now() + TimeDelta::seconds(i64::from(seconds));
        vendor.till().close(until);
        if let Err(e) = budget::close(&self.store.pool, vendor.name, until).await {
            tracing::warn!(vendor = vendor.name, error = %e, "the other nodes could not be told that the vendor takes no calls");
        }
    }

    /// The slice of a grant; none where calls are not counted.
    async fn want(&self, vendor: &str, want: Want, patience: Duration) -> Result<Option<i64>, Denied> {
        let Some(vendor) = self.vendors.get(vendor) else { return Ok(None) };
        let (came, mut granted) = {
            let (mut till, now) = (vendor.till(), self.clock.now());
            if !vendor.counts {
                return till
                    .is_open(now)
                    .then_some(None)
                    .ok_or_else(|| denied(vendor.name, till.turn_of(&want, now), now));
            }
            if let Some(slice) = till.take(&want, now) {
                return Ok(Some(slice));
            }
            if till.is_vain(&want, now) {
                return Err(denied(vendor.name, till.turn_of(&want, now), now));
            }
            till.wait(want)
        };
        vendor.wanted.notify_one();
        if let Ok(Ok(slice)) = tokio::time::timeout(patience, &mut granted).await {
            return Ok(Some(slice));
        }
        let (mut till, now) = (vendor.till(), self.clock.now());
        // It may have been granted at the very moment of giving up.
        granted.try_recv().map(Some).map_err(|_| denied(vendor.name, till.give_up(&want, came, now), now))
    }
}

fn denied(vendor: &str, turn: DateTime<Utc>, now: DateTime<Utc>) -> Denied {
    let seconds = (turn - now).num_milliseconds().max(0).unsigned_abs().div_ceil(1_000);
    Denied {
        cause: NotSent::Turn,
        detail: format!("our budget of {vendor}'s calls: its turn is at {}", turn.format("%Y-%m-%d %H:%M:%S UTC")),
        retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
    }
}

#[async_trait]
impl Meter for Budgets {
    async fn grant(&self, vendor: &'static str, patience: Duration) -> Result<(), Denied> {
        let Errand { saga, priority, ticket, passed, reads } = port::errand();
        if !passed {
            self.breakers.pass(&self.store.pool, vendor, reads, self.clock.now()).await?;
        }
        if ticket.use_in(slice_of(self.clock.now())) {
            return Ok(());
        }
        let want = Want { saga, priority, draw: true, hold: 0, calls: 1 };
        self.want(vendor, want, patience.min(PATIENCE)).await.map(drop)
    }

    async fn ended(&self, vendor: &'static str, health: Health) {
        let reads = port::errand().reads;
        self.breakers.ended(&self.store.pool, vendor, reads, health, self.clock.now()).await;
    }
}
