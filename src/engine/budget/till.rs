//! What this node has leased of one vendor's budget and not yet spent, what it holds for records, and who waits. Knows no
//! database: asks are made here, and grants are dealt out, the first to go first.

use super::turns::{Pace, Turns};
use crate::config::Limits;
use crate::store::budget::{Ask, Grant, SLICE_SECONDS, WINDOW_SLICES, percent_of_minute, slice_of};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::priority::Priority;
use std::collections::{BTreeMap, HashMap};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A hold whose record was not made by then is let go: the record has the reserve for what is past its pivot.
const HOLD_LASTS: TimeDelta = TimeDelta::minutes(15);

/// One call in so many of a minute is leased or held beyond what is wanted now.
const SPARE: u32 = 40;

/// What is wanted of a vendor for one call of a saga.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want {
    pub(super) saga: Option<SagaId>,
    pub(super) priority: Priority,
    /// The call itself.
    pub(super) draw: bool,
    /// Calls that record it afterwards.
    pub(super) hold: u32,
    /// How many calls the saga will want in all, for its turn.
    pub(super) calls: u32,
}

/// This node's part of one vendor's budget.
#[derive(Debug)]
pub(super) struct Till {
    pub(super) limits: Limits,
    slice: i64,
    /// Leased for the slice, by the priority that it was leased for.
    free: [u32; 5],
    /// Drawn in the slice, and in the one before, by priority: so many will be wanted again.
    drawn: [u32; 5],
    before: [u32; 5],
    returned: Vec<(i64, u32)>,
    /// What the ledger says we hold; at least the sum of `holds`.
    held: u32,
    holds: HashMap<SagaId, (u32, DateTime<Utc>)>,
    came: u64,
    waiting: BTreeMap<(Priority, u64), (Want, oneshot::Sender<i64>)>,
    turns: Turns,
    nodes: u32,
    day_left: Option<[u32; 5]>,
    closed_until: Option<DateTime<Utc>>,
}

impl Till {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slice: 0,
            free: [0; 5],
            drawn: [0; 5],
            before: [0; 5],
            returned: Vec::new(),
            held: 0,
            holds: HashMap::new(),
            came: 0,
            waiting: BTreeMap::new(),
            turns: Turns::default(),
            nodes: 1,
            day_left: None,
            closed_until: None,
        }
    }

    /// What is over is over: leases of an earlier slice are given back, old holds are let go.
    pub(super) fn turn_to(&mut self, now: DateTime<Utc>) {
        let slice = slice_of(now);
        if slice != self.slice {
            let unspent = self.free.iter().sum();
            if unspent > 0 {
                self.returned.push((self.slice, unspent));
            }
            self.before = if slice == self.slice + 1 { self.drawn } else { [0; 5] };
            (self.slice, self.free, self.drawn) = (slice, [0; 5], [0; 5]);
            self.holds.retain(|_, (_, until)| *until > now);
        }
    }

    /// The slice in which the call may be made; none: not now.
    pub(super) fn take(&mut self, want: &Want, now: DateTime<Utc>) -> Option<i64> {
        self.turn_to(now);
        if !self.is_open(now) {
            return None;
        }
        let holds = want.saga.and_then(|saga| self.holds.get(&saga)).map_or(0, |(calls, _)| *calls);
        let more = want.hold.saturating_sub(holds);
        if more > self.held.saturating_sub(self.promised()) {
            return None;
        }
        if want.draw {
            // A lease may be used by whoever goes before those it was meant for.
            let place = want.priority.place();
            let from = (place..5).rev().find(|from| self.free[*from] > 0)?;
            self.free[from] -= 1;
            self.drawn[place] += 1;
            self.use_hold(want);
        }
        if let Some(saga) = want.saga.filter(|_| more > 0) {
            self.holds.insert(saga, (want.hold, now + HOLD_LASTS));
        }
        Some(self.slice)
    }

    /// What was held for the record is not needed any more: the record is being made.
    fn use_hold(&mut self, want: &Want) {
        let Some(saga) = self.holder(want) else { return };
        if let Some((calls, _)) = self.holds.get_mut(&saga) {
            *calls -= 1;
            if *calls == 0 {
                self.holds.remove(&saga);
            }
        }
    }

    /// The saga, where this call is the record that it holds one for.
    fn holder(&self, want: &Want) -> Option<SagaId> {
        want.saga.filter(|saga| want.draw && want.priority == Priority::Recording && self.holds.contains_key(saga))
    }

    /// The saga's records are made, or it has ended.
    pub(super) fn let_go(&mut self, saga: SagaId) {
        self.holds.remove(&saga);
    }

    /// Somebody waits until it is granted, or gives up.
    pub(super) fn wait(&mut self, want: Want) -> (u64, oneshot::Receiver<i64>) {
        let (sender, receiver) = oneshot::channel();
        self.came += 1;
        self.waiting.insert((want.priority, self.came), (want, sender));
        (self.came, receiver)
    }

    /// Gave up: when its turn will be.
    pub(super) fn give_up(&mut self, want: &Want, came: u64, now: DateTime<Utc>) -> DateTime<Utc> {
        self.waiting.remove(&(want.priority, came));
        self.turn_of(want, now)
    }

    pub(super) fn turn_of(&mut self, want: &Want, now: DateTime<Utc>) -> DateTime<Utc> {
        let pace = Pace {
            limits: self.limits,
            nodes: self.nodes,
            day_left: self.day_left,
            closed_until: self.closed_until.filter(|until| *until > now),
        };
        self.turns.next(want.priority, want.calls, pace, now)
    }

    /// The vendor said that it takes no calls before then.
    pub(super) fn close(&mut self, until: DateTime<Utc>) {
        self.closed_until = Some(self.closed_until.map_or(until, |before| before.max(until)));
    }

    /// The vendor takes calls, as far as it said.
    pub(super) fn is_open(&self, now: DateTime<Utc>) -> bool {
        self.closed_until.is_none_or(|until| until <= now)
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What to ask for: what is waited for, and as much as was drawn in this slice so far.
    pub(super) fn ask(&mut self, node: Uuid, now: DateTime<Utc>, under_way: u32) -> Ask {
        self.turn_to(now);
        let ahead: [u32; 5] = std::array::from_fn(|place| self.ahead(place));
        let (mut draws, mut holds) = ([0; 5], [0; 5]);
        let mut from_held = 0;
        for ((priority, _), (want, _)) in &self.waiting {
            let has = want.saga.and_then(|saga| self.holds.get(&saga)).map_or(0, |(calls, _)| *calls);
            if from_held < self.held && self.holder(want).is_some() {
                from_held += 1;
            } else if want.draw {
                draws[priority.place()] += 1;
            }
            holds[priority.place()] += want.hold.saturating_sub(has);
        }
        for (draw, ahead) in draws.iter_mut().zip(ahead) {
            if *draw > 0 {
                *draw += ahead;
            }
        }
        // What nobody holds any more goes back, but for a few: so that the next hold costs no lease.
        self.held = self.held.min(self.promised() + self.spare().max(holds.iter().sum()));
        for hold in &mut holds {
            let spare = self.held.saturating_sub(self.promised()).min(*hold);
            *hold -= spare;
        }
        Ask {
            node,
            now,
            returned: std::mem::take(&mut self.returned),
            held: self.held,
            from_held,
            draws,
            holds,
            under_way,
        }
    }

    /// The ask was not answered: what was to be given back is lost until its minute is over.
    pub(super) fn granted(&mut self, grant: &Grant, now: DateTime<Utc>) {
        self.turn_to(now);
        (self.held, self.nodes, self.day_left) = (grant.held, grant.nodes, grant.day_left);
        if let Some(until) = grant.closed_until {
            self.close(until);
        }
        let got = grant.from_held + grant.draws.iter().sum::<u32>();
        if grant.slice == self.slice {
            self.free[0] += grant.from_held;
            for (free, more) in self.free.iter_mut().zip(grant.draws) {
                *free += more;
            }
        } else if got > 0 {
            self.returned.push((grant.slice, got));
        }
        self.deal(now);
    }

    /// Serves who waits: who holds a call, then the first to go first. Who could not be served within the next slices is
    /// told so at once.
    fn deal(&mut self, now: DateTime<Utc>) {
        let (holders, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(_, (want, _))| self.holder(want).is_some());
        let mut ahead = [0_u32; 5];
        for (key, (want, sender)) in holders.into_iter().chain(others) {
            if let Some(slice) = self.take(&want, now) {
                sender.send(slice).ok();
                continue;
            }
            let place = key.0.place();
            ahead[place] += 1;
            let closed = self.closed_until.is_some_and(|until| until > now + TimeDelta::seconds(SLICE_SECONDS));
            let spent = self.day_left.is_some_and(|left| left[place] == 0) && self.holder(&want).is_none();
            if ahead[place] <= self.soon(key.0) && !closed && !spent {
                self.waiting.insert(key, (want, sender));
            }
        }
    }

    /// What is leased beyond what is wanted now: as much as was drawn lately, and never what others could miss.
    fn ahead(&self, place: usize) -> u32 {
        let left = self.day_left.map_or(u32::MAX, |left| left[place] / SPARE);
        self.drawn[place].max(self.before[place]).min(self.spare()).min(left)
    }

    fn spare(&self) -> u32 {
        self.limits.per_minute.map_or(0, |limit| limit / SPARE)
    }

    /// How many of that priority may wait for the next slice: the others get a turn.
    fn soon(&self, priority: Priority) -> u32 {
        let window = u32::try_from(WINDOW_SLICES).unwrap_or(1);
        self.limits.per_minute.map_or(u32::MAX, |limit| 1 + limit * percent_of_minute(priority) / 100 / window)
    }

    fn promised(&self) -> u32 {
        self.holds.values().map(|(calls, _)| calls).sum()
    }
}
