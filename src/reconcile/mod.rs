//! Compares the books: on schedule and on demand, in steps that are kept, so that a run can be stopped, resumed and taken over
//! by another node. Reads at the vendors within its share of their day, lets the kernel judge, keeps what was found. Writes
//! nothing at a vendor, and moves no money: what it may do by itself is to let a flow look again.

mod judge;
mod order;
mod read;
mod report;
mod work;

pub use order::{Asked, Refused, on_demand};
pub use report::Report;

use crate::clock::Clock;
use crate::config::{Config, Limits, ReconcileConfig};
use crate::connectors::Connectors;
use crate::engine::Engine;
use crate::store::reconciliation::{self, Run, Stepped};
use crate::store::{Store, StoreError};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::ids::Installation;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use work::{Step, Trouble, Work};

/// Whether there is something to do is looked up that often.
const LOOK: Duration = Duration::from_millis(500);
/// A step that fails is tried so often; then what it would have read is named as not read.
const TRIES: u32 = 5;
/// Between two tries where the vendor says no time.
const AGAIN: TimeDelta = TimeDelta::seconds(30);

/// Goes on with runs, on the node that drives the first shard.
pub struct Reconciler {
    store: Store,
    engine: Arc<Engine>,
    connectors: Arc<Connectors>,
    clock: Arc<dyn Clock>,
    organization: String,
    installation: Installation,
    zone: chrono_tz::Tz,
    call_limit: Duration,
    config: ReconcileConfig,
    budgets: BTreeMap<&'static str, Limits>,
    /// When it was last looked for what happened since (business time).
    looked: Mutex<DateTime<Utc>>,
}

impl Reconciler {
    /// A reconciler for this installation.
    pub fn new(
        config: &Config,
        store: Store,
        engine: Arc<Engine>,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            engine,
            connectors,
            clock,
            organization: config.vendors.zoho.organization_id.clone(),
            installation: config.installation.clone(),
            zone: config.books_zone,
            call_limit: config.call_limit,
            config: config.reconcile.clone(),
            budgets: config.budgets.clone(),
            looked: Mutex::new(DateTime::UNIX_EPOCH),
        }
    }

    /// Until stopped.
    pub async fn run(self, stop: CancellationToken) {
        while tokio::time::timeout(LOOK, stop.cancelled()).await.is_err() {
            while self.is_ours() {
                let went_on = tokio::select! {
                    went_on = self.go_on() => went_on,
                    () = stop.cancelled() => return,
                };
                match went_on {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(e) => {
                        tracing::warn!(error = %e, "the comparison of the books stands still; it is tried again");
                        break;
                    }
                }
            }
        }
    }

    fn is_ours(&self) -> bool {
        !self.store.node.is_lost() && self.store.node.owned().iter().any(|(shard, _)| *shard == 0)
    }

    /// One step of the run whose turn it is. False: there is nothing to do.
    async fn go_on(&self) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.schedule(now).await?;
        let Some(run) = reconciliation::due(&self.store.pool, now).await? else { return Ok(false) };
        match self.turn(&run, now).await {
            // It would be so again: the run keeps why, and the next one has its turn.
            Err(e @ (StoreError::Refused(_) | StoreError::Unreadable(_))) => {
                tracing::error!(run = %run.id, error = %e, "a comparison of the books cannot be gone on with");
                reconciliation::fail(&self.store.pool, run.id, &e.to_string(), now).await?;
            }
            ended => ended?,
        }
        Ok(true)
    }

    async fn turn(&self, run: &Run, now: DateTime<Utc>) -> Result<(), StoreError> {
        let mut work = match Work::of(run) {
            Ok(Some(work)) => work,
            Ok(None) => return self.plan(run, now).await,
            Err(why) => return Err(StoreError::Unreadable(why)),
        };
        match work.todo.pop_front() {
            None | Some(Step::Judge) => self.judge(run, &work).await,
            Some(step) => self.step(run, work, step).await,
        }
    }

    /// Makes the runs whose time has come: one a slot, whichever node is first.
    async fn schedule(&self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(at) = self.config.at else { return Ok(()) };
        for run in order::scheduled(now, at, self.zone) {
            if let Some(id) = reconciliation::create(&self.store.pool, &run).await? {
                tracing::info!(run = %id, kind = run.kind, "the books are compared");
            }
        }
        if self.is_time_to_look(now) {
            order::continuous(&self.store.pool, now).await?;
        }
        Ok(())
    }

    /// Once a minute it is looked for what happened.
    fn is_time_to_look(&self, now: DateTime<Utc>) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = now - *looked >= order::CONTINUOUS;
        if is_time {
            *looked = now;
        }
        is_time
    }

    /// The first step: which calls are to be made.
    async fn plan(&self, run: &Run, now: DateTime<Utc>) -> Result<(), StoreError> {
        let planned = Work::planned(run, self.config.books_open_at, self.shares(&run.kind, now).await?);
        let work = planned.map_err(StoreError::Unreadable)?;
        let stepped = Stepped {
            steps: work.steps(run.step + 1),
            done: true,
            doing: work.doing(),
            work: work.text(),
            ..Stepped::default()
        };
        reconciliation::steps_done(&self.store.pool, run.id, run.step, &stepped, now).await?;
        Ok(())
    }

    /// What runs may still use of each vendor's day; none: it counts none.
    async fn shares(&self, kind: &str, now: DateTime<Utc>) -> Result<BTreeMap<String, Option<u32>>, StoreError> {
        let mut shares = BTreeMap::new();
        for vendor in ["braintree", "zoho"] {
            let of_day = self.budgets.get(vendor).and_then(|limits| limits.per_day);
            // What goes on all day leaves half of it to the night, and to people.
            let percent = if kind == "continuous" { 200 } else { 100 };
            let share = of_day.map(|of_day| (of_day * self.config.share_percent / percent).max(1));
            let used = reconciliation::used_today(&self.store.pool, now.date_naive(), vendor).await?;
            shares.insert(vendor.to_owned(), share.map(|share| share.saturating_sub(used)));
        }
        Ok(shares)
    }

    /// Makes a step's calls, or says why they were not made.
    async fn step(&self, run: &Run, mut work: Work, step: Step) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut stepped = Stepped { done: true, ..Stepped::default() };
        // A new day has a new share.
        work.left = self.shares(&run.kind, now).await?;
        let (vendor, cost) = step.cost();
        if vendor.is_some_and(|vendor| work.left.get(vendor).is_some_and(|left| left.is_some_and(|left| left < cost))) {
            work.give_up(&step, "the share of the day that comparisons may use is used up");
        } else {
            let mut calls = cost;
            match self.read(run, &mut work, &step).await {
                Ok(read) => {
                    work.tries = 0;
                    work.seen(&step, now);
                    stepped.read = read;
                }
                Err(Trouble::Store(e)) => return Err(e),
                Err(Trouble::Vendor { why, again_after, sent }) => {
                    calls = if sent { cost } else { 0 };
                    work.tries += 1;
                    if work.tries > TRIES {
                        work.tries = 0;
                        work.give_up(&step, &why);
                    } else {
                        work.todo.push_front(step);
                        stepped.done = false;
                        stepped.resume_at = Some(now + again_after.unwrap_or(AGAIN));
                    }
                }
            }
            if let Some(vendor) = vendor {
                stepped.calls.insert(vendor, calls);
                *work.used.entry(vendor.to_owned()).or_default() += calls;
            }
        }
        stepped.steps = work.steps(run.step + u32::from(stepped.done));
        stepped.doing = work.doing();
        stepped.work = work.text();
        reconciliation::steps_done(&self.store.pool, run.id, run.step, &stepped, now).await?;
        Ok(())
    }
}
