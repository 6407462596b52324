//! Circuit breakers: a vendor that failed so often in a row gets no calls but a probe now and then, until one is answered.
//! Reads and writes have each their own. Which are open is shared by all nodes; failures are counted by each.

use crate::port::{Denied, Health};
use crate::store::StoreError;
use crate::store::breakers;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::outcome::NotSent;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

/// Failures in a row that open a breaker.
const FAILURES: u32 = 5;
/// From opening to the first probe.
const FIRST_PROBE: TimeDelta = TimeDelta::seconds(30);
/// Between two probes at most.
const SELDOM: TimeDelta = TimeDelta::minutes(5);

type Key = (&'static str, &'static str);

/// This node's view of all breakers.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: HashMap<Key, u32>,
    /// When the next probe is due, and how many there were.
    open: HashMap<Key, (DateTime<Utc>, u32)>,
}

const fn class(reads: bool) -> &'static str {
    if reads { "reads" } else { "writes" }
}

/// From one probe to the next.
fn pause(probes: u32) -> TimeDelta {
    (FIRST_PROBE * 2_i32.pow(probes.min(10))).min(SELDOM)
}

impl Breakers {
    /// Looks which are open, at whichever node.
    pub(super) async fn refresh(&self, pool: &PgPool, vendors: &[&'static str]) -> Result<(), StoreError> {
        let mut open = HashMap::new();
        for breaker in breakers::all(pool).await? {
            let vendor = vendors.iter().find(|vendor| **vendor == breaker.vendor);
            let class = ["reads", "writes"].into_iter().find(|class| *class == breaker.class);
            if let (Some(vendor), Some(class)) = (vendor, class) {
                open.insert((*vendor, class), (breaker.probe_at, breaker.probes));
            }
        }
        let mut state = self.state();
        let state = &mut *state;
        // What another node found to be back begins anew.
        state.failures.retain(|key, _| open.contains_key(key) || !state.open.contains_key(key));
        state.open = open;
        Ok(())
    }

    /// Whether a call may leave: the breaker is closed, or the call is its probe.
    ///
    /// # Errors
    /// It is open: when the next probe is due.
    pub(super) async fn pass(
        &self,
        pool: &PgPool,
        vendor: &'static str,
        reads: bool,
        now: DateTime<Utc>,
    ) -> Result<(), Denied> {
        let key = (vendor, class(reads));
        let Some((probe_at, probes)) = self.state().open.get(&key).copied() else { return Ok(()) };
        if probe_at > now {
            return Err(denied(key, probe_at, now));
        }
        let next = now + pause(probes + 1);
        let taken = breakers::take_probe(pool, vendor, key.1, now, next).await;
        // Another node probes, or has closed it: the next refresh tells.
        self.state().open.entry(key).and_modify(|open| *open = (next, probes + 1));
        match taken {
            Ok(true) => Ok(()),
            Ok(false) => Err(denied(key, now + TimeDelta::seconds(2), now)),
            Err(e) => {
                tracing::warn!(vendor, error = %e, "a probe could not be taken");
                Err(denied(key, next, now))
            }
        }
    }

    /// A request ended: counts, opens, closes.
    pub(super) async fn ended(
        &self,
        pool: &PgPool,
        vendor: &'static str,
        reads: bool,
        health: Health,
        now: DateTime<Utc>,
    ) {
        let key = (vendor, class(reads));
        let done = match (health, self.count(key, health, now)) {
            (_, false) => return,
            (Health::Answers, true) => {
                tracing::info!(vendor, class = key.1, "the vendor is back: its circuit breaker is closed");
                breakers::close(pool, vendor, key.1).await
            }
            (Health::Fails, true) => {
                tracing::warn!(vendor, class = key.1, "the vendor fails: its circuit breaker is open");
                let reason = format!("{FAILURES} calls in a row failed or had no answer");
                breakers::open(pool, vendor, key.1, now, now + FIRST_PROBE, &reason).await
            }
        };
        if let Err(e) = done {
            tracing::warn!(vendor, error = %e, "the other nodes could not be told of a circuit breaker");
        }
    }

    /// True: the breaker changes.
    fn count(&self, key: Key, health: Health, now: DateTime<Utc>) -> bool {
        let mut state = self.state();
        match health {
            Health::Answers => {
                state.failures.remove(&key);
                state.open.remove(&key).is_some()
            }
            Health::Fails => {
                let failures = state.failures.entry(key).or_default();
                *failures += 1;
                let opens = *failures >= FAILURES && !state.open.contains_key(&key);
                if opens {
                    state.open.insert(key, (now + FIRST_PROBE, 0));
                }
                opens
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn denied((vendor, class): Key, probe_at: DateTime<Utc>, now: DateTime<Utc>) -> Denied {
    let seconds = (probe_at - now).num_milliseconds().max(0).unsigned_abs().div_ceil(1_000);
    let at = probe_at.format("%Y-%m-%d %H:%M:%S UTC");
    Denied {
        cause: NotSent::Outage,
        detail: format!("{vendor} does not answer ({class}): the next probe is due at {at}"),
        retry_after_seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_in_a_row_open_it_and_one_answer_closes_it() {
        let (breakers, now, key) = (Breakers::default(), DateTime::UNIX_EPOCH, ("zoho", "writes"));
        for _ in 0..4 {
            assert!(!breakers.count(key, Health::Fails, now));
        }
        assert!(!breakers.count(key, Health::Answers, now), "it was not open");
        for _ in 0..4 {
            assert!(!breakers.count(key, Health::Fails, now));
        }
        assert!(!breakers.count(("zoho", "reads"), Health::Fails, now), "reads are counted apart");
        assert!(breakers.count(key, Health::Fails, now));
        assert!(!breakers.count(key, Health::Fails, now), "it is open already");
        assert!(breakers.count(key, Health::Answers, now));
    }

    #[test]
    fn probes_come_ever_more_seldom_up_to_five_minutes() {
        let pauses: Vec<_> = (0..7).map(|probes| pause(probes).num_seconds()).collect();
        assert_eq!(pauses, [30, 60, 120, 240, 300, 300, 300]);
    }
}
