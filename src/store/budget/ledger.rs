//! The arithmetic of a vendor's budget. Pure.
//!
//! Time is cut into slices of three seconds. A chunk is leased for one slice and worth nothing after it, so what a crashed
//! node had not spent is lost for a minute and never over-spent. A minute touches 21 slices at most; one more is for calls
//! that leave at the end of a slice and arrive after it. As long as no 22 slices in a row hold more than the limit, no minute
//! does, wherever it begins.
//!
//! Beside what was leased stands what is *held*: calls that will record what is being done now. What was leased and what is
//! held together never exceed a limit, so a held call can always be made at once.

use crate::config::Limits;
use chrono::{DateTime, Utc};
use sagas::kernel::priority::Priority;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Length of a slice.
pub const SLICE_SECONDS: i64 = 3;
/// Slices in a row that together stay within the limit of a minute.
pub const WINDOW_SLICES: i64 = 60 / SLICE_SECONDS + 2;
/// How far the nodes' clocks may differ, in slices.
const SKEW: i64 = WINDOW_SLICES;

/// How much of a minute calls of this priority may use up, in percent: what is above is left for those before them.
pub const fn percent_of_minute(priority: Priority) -> u32 {
    match priority {
        Priority::Recording => 100,
        Priority::Customer => 95,
        Priority::Webhook => 85,
        Priority::Batch => 75,
        Priority::Background => 50,
    }
}

/// How much of a day: the last 15 % belong to sagas past their pivot.
pub const fn percent_of_day(priority: Priority) -> u32 {
    match priority {
        Priority::Recording => 100,
        Priority::Customer | Priority::Webhook => 85,
        Priority::Batch => 80,
        Priority::Background => 60,
    }
}

/// The slice of an instant.
pub fn slice_of(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(SLICE_SECONDS)
}

/// When a slice begins (UTC).
fn beginning_of(slice: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(slice * SLICE_SECONDS, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// What a node wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Who asks.
    pub node: Uuid,
    /// Business time (UTC).
    pub now: DateTime<Utc>,
    /// Leased for slices that are over, and provably not spent.
    pub returned: Vec<(i64, u32)>,
    /// Calls that it holds now. Never more than it was granted.
    pub held: u32,
    /// Held calls that are to be made now.
    pub from_held: u32,
    /// Calls to be made in this slice, by priority.
    pub draws: [u32; 5],
    /// Further calls to be held, by priority.
    pub holds: [u32; 5],
    /// Calls that are wanted in one piece, by their priority: the first to be made in this slice, the others to be held. All
    /// or none of a piece is granted.
    pub begins: Vec<(Priority, u32)>,
    /// How many calls the largest piece has, by priority.
    pub pieces: [u32; 5],
    /// Calls that it has under way.
    pub under_way: u32,
}

/// What it gets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    /// For this slice alone.
    pub slice: i64,
    /// Held calls that may be made now.
    pub from_held: u32,
    /// Calls that may be made now, by priority.
    pub draws: [u32; 5],
    /// Calls that this node holds now, in all.
    pub held: u32,
    /// How many calls this node may have under way at once.
    pub at_once: u32,
    /// Nodes that share the budget.
    pub nodes: u32,
    /// From when a further piece fits into the minute, by priority, where nothing else comes in between (UTC).
    pub fits_from: [DateTime<Utc>; 5],
    /// What the day leaves, by priority; none: it counts none.
    pub day_left: Option<[u32; 5]>,
    /// No call before then (UTC), as the vendor said.
    pub closed_until: Option<DateTime<Utc>>,
}

/// What was leased, held and said of a vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// As of the last lease, for those who only look.
    limits: Limits,
    /// Calls leased, by slice.
    slices: BTreeMap<i64, u32>,
    /// The day that `today` counts: days since 1970 (UTC).
    day: i64,
    /// Calls leased on it.
    today: u32,
    nodes: BTreeMap<Uuid, Share>,
    closed_until: Option<DateTime<Utc>>,
}

/// A node's part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Share {
    held: u32,
    at_once: u32,
}

impl Ledger {
    /// Leases what can be leased, the earlier priority first. What a node held that is not alive is free.
    pub fn lease(&mut self, limits: Limits, ask: &Ask, alive: &[Uuid]) -> Grant {
        let slice = slice_of(ask.now);
        self.limits = limits;
        self.turn_to(slice, ask, alive);
        let held = self.own(ask.node).held.min(ask.held);
        self.hold(ask.node, held);
        let mut grant = Grant {
            slice,
            nodes: u32::try_from(self.nodes.len()).unwrap_or(u32::MAX),
            at_once: self.share_at_once(limits.at_once, ask),
            closed_until: self.closed_until.filter(|until| *until > ask.now),
            ..Grant::default()
        };
        if grant.closed_until.is_none() {
            // What was held was counted already: it only changes sides.
            let fits = self.room(limits, Priority::Recording, slice).saturating_add(held);
            grant.from_held = ask.from_held.min(held).min(fits);
            self.hold(ask.node, held - grant.from_held);
            self.spend(slice, grant.from_held);
            for priority in Priority::ALL {
                let place = priority.place();
                grant.draws[place] = ask.draws[place].min(self.room(limits, priority, slice));
                self.spend(slice, grant.draws[place]);
                let more = ask.holds[place].min(self.room(limits, priority, slice));
                self.hold(ask.node, self.own(ask.node).held + more);
                for (_, calls) in ask.begins.iter().filter(|(of, _)| *of == priority) {
                    if *calls > 0 && *calls <= self.room(limits, priority, slice) {
                        grant.draws[place] += 1;
                        self.spend(slice, 1);
                        self.hold(ask.node, self.own(ask.node).held + calls - 1);
                    }
                }
            }
        }
        grant.held = self.own(ask.node).held;
        let piece = |priority: Priority| ask.pieces[priority.place()];
        grant.fits_from = Priority::ALL.map(|priority| self.fits_from(priority, piece(priority), ask.now));
        grant.day_left = self.day_left(limits);
        grant
    }

    /// No call before then.
    pub fn close(&mut self, until: DateTime<Utc>) {
        self.closed_until = Some(self.closed_until.map_or(until, |before| before.max(until)));
    }

    /// Calls leased in the minute before, calls leased on this day, calls held.
    pub fn used(&self, now: DateTime<Utc>) -> (u32, u32, u32) {
        let slice = slice_of(now);
        let minute = self.slices.range(slice - WINDOW_SLICES + 1..=slice).map(|(_, used)| used).sum();
        (minute, if day_of(slice) > self.day { 0 } else { self.today }, self.held())
    }

    /// From when so many calls of that priority fit into the minute, where nothing else comes in between (UTC).
    pub fn fits_from(&self, priority: Priority, calls: u32, now: DateTime<Utc>) -> DateTime<Utc> {
        let Some(limit) = self.limits.per_minute else { return now };
        let slice = slice_of(now);
        let fits = |later: &i64| self.room_of_minute(limit, priority, *later) >= calls.max(1);
        match (slice..slice + WINDOW_SLICES).find(fits) {
            Some(first) if first == slice => now,
            Some(later) => beginning_of(later),
            // As much is held as there is: a minute on, some of it will be spent or let go.
            None => beginning_of(slice + WINDOW_SLICES),
        }
    }

    /// What the vendor takes, as of the last lease.
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// No call before then (UTC), if so.
    pub fn closed_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.closed_until.filter(|until| *until > now)
    }

    fn turn_to(&mut self, slice: i64, ask: &Ask, alive: &[Uuid]) {
        if day_of(slice) > self.day {
            self.day = day_of(slice);
            self.today = 0;
        }
        for (of, unspent) in &ask.returned {
            if let Some(used) = self.slices.get_mut(of) {
                *used = used.saturating_sub(*unspent);
                if day_of(*of) == self.day {
                    self.today = self.today.saturating_sub(*unspent);
                }
            }
        }
        let last = self.slices.last_key_value().map_or(slice, |(last, _)| *last).max(slice);
        self.slices.retain(|of, used| *of > last - WINDOW_SLICES - SKEW && *used > 0);
        self.nodes.retain(|node, _| *node == ask.node || alive.contains(node));
        self.nodes.entry(ask.node).or_default();
    }

    fn hold(&mut self, node: Uuid, held: u32) {
        self.nodes.entry(node).or_default().held = held;
    }

    /// An equal part for each node. Who has more keeps what is under way; who has less gets what is free. Where there are
    /// more nodes than places, each has one all the same: none may stand still.
    fn share_at_once(&mut self, all: u32, ask: &Ask) -> u32 {
        let nodes = u32::try_from(self.nodes.len().max(1)).unwrap_or(u32::MAX);
        let place = u32::try_from(self.nodes.keys().take_while(|node| **node != ask.node).count()).unwrap_or(u32::MAX);
        if nodes > all {
            return 1;
        }
        let fair = all / nodes + u32::from(place < all % nodes);
        let others: u32 = self.nodes.iter().filter(|(node, _)| **node != ask.node).map(|(_, s)| s.at_once).sum();
        let part = fair.min(all.saturating_sub(others)).max(ask.under_way.min(self.own(ask.node).at_once));
        self.nodes.entry(ask.node).or_default().at_once = part;
        part
    }

    fn own(&self, node: Uuid) -> Share {
        self.nodes.get(&node).copied().unwrap_or_default()
    }

    fn spend(&mut self, slice: i64, calls: u32) {
        if calls > 0 {
            *self.slices.entry(slice).or_default() += calls;
            self.today += calls;
        }
    }

    fn held(&self) -> u32 {
        self.nodes.values().map(|share| share.held).sum()
    }

    /// The most calls of any minute that has this slice in it.
    fn fullest(&self, slice: i64) -> u32 {
        let window = |from: i64| self.slices.range(from..from + WINDOW_SLICES).map(|(_, used)| used).sum();
        (slice - WINDOW_SLICES + 1..=slice).map(window).max().unwrap_or(0)
    }

    /// How many calls of that priority still fit.
    fn room(&self, limits: Limits, priority: Priority, slice: i64) -> u32 {
        let minute = limits.per_minute.map_or(u32::MAX, |limit| self.room_of_minute(limit, priority, slice));
        let day = limits.per_day.map_or(u32::MAX, |limit| {
            let most = part(limit, percent_of_day(priority));
            most.saturating_sub(self.today.saturating_add(self.held()))
        });
        minute.min(day)
    }

    /// How many of them still fit into every minute that has this slice in it.
    fn room_of_minute(&self, limit: u32, priority: Priority, slice: i64) -> u32 {
        let most = part(limit, percent_of_minute(priority));
        most.saturating_sub(self.fullest(slice).saturating_add(self.held()))
    }

    fn day_left(&self, limits: Limits) -> Option<[u32; 5]> {
        let limit = limits.per_day?;
        let used = self.today.saturating_add(self.held());
        Some(Priority::ALL.map(|priority| part(limit, percent_of_day(priority)).saturating_sub(used)))
    }
}

/// At least one: a limit of few calls must not shut a priority out for ever.
fn part(limit: u32, percent: u32) -> u32 {
    let part = u64::from(limit) * u64::from(percent) / 100;
    u32::try_from(part).unwrap_or(u32::MAX).max(limit.min(1))
}

/// The day of a slice: days since 1970 (UTC).
pub const fn day_of(slice: i64) -> i64 {
    slice.div_euclid(86_400 / SLICE_SECONDS)
}

#[cfg(test)]
mod tests;
