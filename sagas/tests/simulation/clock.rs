//! The simulated clock: events in the order of their time, and a seeded choice among those of one instant.

use crate::dice::Dice;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;

/// What is going to happen.
pub(crate) struct Clock<E> {
    now: DateTime<Utc>,
    waiting: BTreeMap<(DateTime<Utc>, u64, u64), E>,
    dice: Dice,
    scheduled: u64,
}

impl<E> Clock<E> {
    pub(crate) fn new(now: DateTime<Utc>, dice: Dice) -> Self {
        Self { now, waiting: BTreeMap::new(), dice, scheduled: 0 }
    }

    pub(crate) const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub(crate) fn at(&mut self, time: DateTime<Utc>, event: E) {
        self.scheduled += 1;
        self.waiting.insert((time.max(self.now), self.dice.next(), self.scheduled), event);
    }

    pub(crate) fn after(&mut self, wait: TimeDelta, event: E) {
        self.at(self.now + wait, event);
    }

    /// The next event up to that instant; the clock stands at its time.
    pub(crate) fn next(&mut self, until: DateTime<Utc>) -> Option<E> {
        let entry = self.waiting.first_entry().filter(|e| e.key().0 <= until)?;
        self.now = entry.key().0;
        Some(entry.remove())
    }
}

/// Real time, for the report alone.
#[expect(clippy::disallowed_types, reason = "how fast it is played is measured, nothing depends on it")]
pub(crate) fn stopwatch() -> std::time::Instant {
    std::time::Instant::now()
}
