//! Look-ups that do not tell the present truth, on order: what is asked shows nothing, an old state, or rows twice.
//!
//! A list that lags only for new objects is [`super::call::Call::horizon`]'s.

use super::State;
use super::limits::Limits;
use crate::World;
use crate::faults::{Kind, Vendor};
use chrono::{DateTime, TimeDelta, Utc};

/// What a read shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The present state.
    True,
    /// Nothing at all.
    Nothing,
    /// The rows of a list twice.
    Doubled,
    /// The state of so many seconds ago.
    Old(i64),
}

/// What is on order for this read.
pub(super) fn ordered(world: &World, operation: &str, target: &str) -> Lookup {
    let wanted = |kind: &Kind| matches!(kind, Kind::Empty | Kind::Doubled | Kind::Stale { .. });
    match world.faults.strike(Vendor::Zoho, operation, target, wanted) {
        Some(Kind::Empty) => Lookup::Nothing,
        Some(Kind::Doubled) => Lookup::Doubled,
        Some(Kind::Stale { seconds }) => Lookup::Old(seconds),
        _ => Lookup::True,
    }
}

impl State {
    /// Keeps the state as it is before a change, for as long as reads of an old state are on order.
    pub(super) fn remember(&mut self, world: &World, now: DateTime<Utc>) {
        let mut past = std::mem::take(&mut self.past);
        if world.faults.is_ordered(Vendor::Zoho, |kind| matches!(kind, Kind::Stale { .. })) {
            past.push((now, self.copy()));
        } else {
            past.clear();
        }
        self.past = past;
    }

    /// The state that a read is shown, if it is not the present one.
    pub(super) fn shown_to(&self, lookup: Lookup, now: DateTime<Utc>) -> Option<Self> {
        match lookup {
            Lookup::True | Lookup::Doubled => None,
            Lookup::Nothing => Some(Self { settings: self.settings.clone(), ..Self::default() }),
            Lookup::Old(seconds) => {
                let then = now - TimeDelta::seconds(seconds);
                self.past.iter().find(|(changed, _)| *changed > then).map(|(_, before)| before.copy())
            }
        }
    }

    /// A copy of all but the counts of calls, which copies would disturb.
    fn copy(&self) -> Self {
        Self { limits: Limits::default(), ..self.clone() }
    }
}
