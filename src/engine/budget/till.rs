//! What this node has leased of one vendor's budget and not yet spent, what it holds for records, and who waits. Knows no
//! database: asks are made here, and grants are dealt out, the first to go first.

use super::turns::{Pace, Turns};
use crate::config::Limits;
use crate::store::budget::{
    Ask, Grant, SLICE_SECONDS, WINDOW_SLICES, day_of, percent_of_day, percent_of_minute, slice_of,
};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::priority::Priority;
use std::collections::{BTreeMap, HashMap};
use tokio::sync::oneshot;
use uuid::Uuid;

/// A hold that was not used by then is let go: a record has the reserve for what is past its pivot.
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
    /// Calls that are to be held: that record it afterwards, or, with a call itself, that are left of the saga's path.
    pub(super) hold: u32,
    /// How many calls the saga will want in all, for its turn.
    pub(super) calls: u32,
}

/// Calls that a saga holds.
#[derive(Debug, Clone, Copy)]
struct Hold {
    calls: u32,
    /// So many of them are for records alone.
    records: u32,
    until: DateTime<Utc>,
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
    holds: HashMap<SagaId, Hold>,
    came: u64,
    waiting: BTreeMap<(Priority, u64), (Want, oneshot::Sender<i64>)>,
    turns: Turns,
    nodes: u32,
    /// The most calls that were wanted in one piece so far, by priority.
    pieces: [u32; 5],
    /// From when such a piece fits into the minute, as of the last lease.
    fits_from: [DateTime<Utc>; 5],
    /// What the day of `slice` leaves, as of the last lease; none: it counts none, or no lease has told yet.
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
            pieces: [1; 5],
            fits_from: [DateTime::UNIX_EPOCH; 5],
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
            if day_of(slice) != day_of(self.slice) {
                self.day_left = None;
            }
            (self.slice, self.free, self.drawn) = (slice, [0; 5], [0; 5]);
            self.holds.retain(|_, hold| hold.until > now);
        }
    }

    /// The slice in which the call may be made; none: not now.
    pub(super) fn take(&mut self, want: &Want, now: DateTime<Utc>) -> Option<i64> {
        self.turn_to(now);
        if !self.is_open(now) {
            return None;
        }
        let (holder, more) = (self.holder(want), self.more(want));
        if more > self.held.saturating_sub(self.promised()) {
            return None;
        }
        if want.draw {
            // A lease may be used by whoever goes before those it was meant for; who holds a call, by whichever lease.
            let place = want.priority.place();
            let before = if holder.is_some() { 0 } else { place };
            let from = (before..5).rev().find(|from| self.free[*from] > 0)?;
            self.free[from] -= 1;
            self.drawn[place] += 1;
        }
        if let Some(saga) = holder {
            self.use_hold(saga, want.priority);
        } else if let Some(saga) = want.saga.filter(|_| want.hold > 0) {
            let until = now + HOLD_LASTS;
            let hold = self.holds.entry(saga).or_insert(Hold { calls: 0, records: 0, until });
            (hold.calls, hold.until) = (hold.calls + more, until);
            if !want.draw {
                hold.records = want.hold;
            }
        }
        Some(self.slice)
    }

    /// What a saga wants that begins: the call, and in one piece with it those that are left of its path, so that it is
    /// not put off half way and has to begin again. Who is waited for begins with what there is.
    pub(super) fn begins(&self, want: Want) -> Want {
        let percent = |limit: Option<u32>, percent: u32| limit.map_or(u32::MAX, |limit| limit * percent / 100);
        let Limits { per_minute, per_day, .. } = self.limits;
        let most =
            percent(per_minute, percent_of_minute(want.priority)).min(percent(per_day, percent_of_day(want.priority)));
        let begins = want.priority >= Priority::Batch && self.holder(&want).is_none();
        Want { hold: if begins { want.calls.min(most).saturating_sub(1) } else { want.hold }, ..want }
    }

    /// What is to be held beyond what the saga holds.
    fn more(&self, want: &Want) -> u32 {
        let has = want.saga.and_then(|saga| self.holds.get(&saga)).map_or(0, |hold| hold.calls);
        want.hold.saturating_sub(has)
    }

    /// A call that was granted in that slice was not made: another one may have it, or it goes back to all nodes.
    pub(super) fn give_back(&mut self, slice: i64, priority: Priority, now: DateTime<Utc>) {
        self.turn_to(now);
        if slice == self.slice {
            self.free[priority.place()] += 1;
            self.drawn[priority.place()] = self.drawn[priority.place()].saturating_sub(1);
        } else {
            self.returned.push((slice, 1));
        }
    }

    /// One call that was held is being made.
    fn use_hold(&mut self, saga: SagaId, priority: Priority) {
        let Some(hold) = self.holds.get_mut(&saga) else { return };
        hold.calls -= 1;
        if priority == Priority::Recording {
            hold.records = hold.records.saturating_sub(1);
        }
        if hold.calls == 0 {
            self.holds.remove(&saga);
        }
    }

    /// The saga, where it holds this call.
    fn holder(&self, want: &Want) -> Option<SagaId> {
        let saga = want.saga.filter(|_| want.draw)?;
        let hold = self.holds.get(&saga)?;
        (want.priority == Priority::Recording || hold.calls > hold.records).then_some(saga)
    }

    /// The saga's records are made, or it has ended.
    pub(super) fn let_go(&mut self, saga: SagaId) {
        self.holds.remove(&saga);
    }

    /// Somebody waits until it is granted, or gives up.
    pub(super) fn wait(&mut self, want: Want) -> (u64, oneshot::Receiver<i64>) {
        let (sender, receiver) = oneshot::channel();
        self.came += 1;
        let piece = &mut self.pieces[want.priority.place()];
        *piece = (*piece).max(u32::from(want.draw) + want.hold);
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
            fits_from: self.fits_from[want.priority.place()],
            day_is_over: self.day_is_over(want),
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
        self.waiting.retain(|_, (_, sender)| !sender.is_closed());
        let ahead: [u32; 5] = std::array::from_fn(|place| self.ahead(place));
        let (mut draws, mut holds, mut begins) = ([0; 5], [0; 5], Vec::new());
        let mut from_held = 0;
        for ((priority, _), (want, _)) in &self.waiting {
            let (holder, more) = (self.holder(want), self.more(want));
            if from_held < self.held && holder.is_some() {
                from_held += 1;
            } else if want.draw && holder.is_none() && more > 0 {
                begins.push((*priority, 1 + more));
            } else if want.draw {
                draws[priority.place()] += 1;
            } else {
                holds[priority.place()] += more;
            }
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
            begins,
            pieces: self.pieces,
            under_way,
        }
    }

    /// The ask was not answered: what was to be given back is lost until its minute is over.
    pub(super) fn granted(&mut self, grant: &Grant, now: DateTime<Utc>) {
        self.turn_to(now);
        (self.held, self.nodes, self.fits_from) = (grant.held, grant.nodes, grant.fits_from);
        // Asked before midnight and heard after it: that day is over, and nobody may be put off for it.
        self.day_left = grant.day_left.filter(|_| day_of(grant.slice) == day_of(self.slice));
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
            if sender.is_closed() {
                continue;
            }
            if let Some(slice) = self.take(&want, now) {
                if sender.send(slice).is_err() && want.draw {
                    self.give_back(slice, want.priority, now);
                }
                continue;
            }
            let place = key.0.place();
            ahead[place] += u32::from(want.draw) + self.more(&want);
            // Where there is room, whoever came after the ask has the next one.
            let next = self.fits_from[place] <= now || ahead[place] <= self.soon(key.0);
            if next && !self.is_vain(&want, now) {
                self.waiting.insert(key, (want, sender));
            }
        }
    }

    /// It cannot be served within the next slices, for all that the last lease told: it gets a turn at once.
    pub(super) fn is_vain(&self, want: &Want, now: DateTime<Utc>) -> bool {
        let (place, soon) = (want.priority.place(), now + TimeDelta::seconds(SLICE_SECONDS));
        let closed = self.closed_until.is_some_and(|until| until > soon);
        closed || (self.holder(want).is_none() && (self.fits_from[place] > soon || self.day_is_over(want)))
    }

    /// The day leaves less than is wanted.
    fn day_is_over(&self, want: &Want) -> bool {
        let wanted = (u32::from(want.draw) + self.more(want)).max(1);
        self.day_left.is_some_and(|left| left[want.priority.place()] < wanted)
    }

    /// What is leased beyond what is wanted now: as much as was drawn lately, and never what others could miss.
    fn ahead(&self, place: usize) -> u32 {
        let left = self.day_left.map_or(u32::MAX, |left| left[place] / SPARE);
        self.drawn[place].max(self.before[place]).min(self.spare()).min(left)
    }

    fn spare(&self) -> u32 {
        self.limits.per_minute.or(self.limits.per_day).map_or(0, |limit| limit / SPARE)
    }

    /// How many calls of that priority may be waited for until the next slice: the others get a turn.
    fn soon(&self, priority: Priority) -> u32 {
        let window = u32::try_from(WINDOW_SLICES).unwrap_or(1);
        let piece = self.pieces[priority.place()];
        self.limits
            .per_minute
            .map_or(u32::MAX, |limit| piece.max(1 + limit * percent_of_minute(priority) / 100 / window))
    }

    fn promised(&self) -> u32 {
        self.holds.values().map(|hold| hold.calls).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { per_minute: None, per_day: Some(10), at_once: 8 };
    const CALL: Want = Want { saga: None, priority: Priority::Batch, draw: true, hold: 0, calls: 3 };

    fn evening() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(22)
    }

    /// What the ledger answers at that moment.
    fn grant(at: DateTime<Utc>, batch: u32, day_left: u32) -> Grant {
        let draws = [0, 0, 0, batch, 0];
        Grant { slice: slice_of(at), draws, at_once: 8, nodes: 1, day_left: Some([day_left; 5]), ..Grant::default() }
    }

    #[test]
    fn nobody_is_put_off_for_a_day_that_is_over() {
        let (mut till, tomorrow) = (Till::new(LIMITS), evening() + TimeDelta::days(1));
        till.granted(&grant(evening(), 0, 0), evening());
        assert_eq!(till.turn_of(&CALL, evening()).date_naive(), tomorrow.date_naive(), "the day is used up");
        till.turn_to(tomorrow);
        assert_eq!(till.turn_of(&CALL, tomorrow).date_naive(), tomorrow.date_naive(), "nothing is known of this one");

        // Asked before midnight, answered after it.
        let (came, mut granted) = till.wait(CALL);
        till.granted(&grant(evening(), 0, 0), tomorrow);
        assert!(granted.try_recv().is_err() && till.has_waiting(), "it waits for the next lease");
        assert_eq!(till.give_up(&CALL, came, tomorrow).date_naive(), tomorrow.date_naive());
    }

    #[test]
    fn a_grant_that_is_not_used_is_for_the_next_and_goes_back_once_its_slice_is_over() {
        let (mut till, now) = (Till::new(LIMITS), evening());
        till.granted(&grant(now, 1, 7), now);
        let slice = till.take(&CALL, now).expect("one was leased");
        assert_eq!(till.take(&CALL, now), None);
        till.give_back(slice, Priority::Batch, now);
        assert_eq!(till.take(&CALL, now), Some(slice));
        let later = now + TimeDelta::seconds(SLICE_SECONDS);
        till.give_back(slice, Priority::Batch, later);
        assert_eq!(till.ask(Uuid::nil(), later, 0).returned, [(slice, 1)]);
    }

    #[test]
    fn who_comes_to_a_full_minute_gets_a_turn_at_once_when_it_has_room_again() {
        let limits = Limits { per_minute: Some(40), ..LIMITS };
        let (mut till, now) = (Till::new(limits), evening());
        assert!(!till.is_vain(&CALL, now), "nothing is known yet");
        let full = now + TimeDelta::seconds(50);
        till.granted(&Grant { fits_from: [now, now, now, full, full], ..grant(now, 0, 7) }, now);
        assert!(till.is_vain(&CALL, now) && till.turn_of(&CALL, now) == full);
        let record = Want { priority: Priority::Recording, ..CALL };
        assert!(!till.is_vain(&record, now), "there is room for it");
        assert!(!till.is_vain(&CALL, full - TimeDelta::seconds(SLICE_SECONDS)));
    }

    #[test]
    fn who_is_in_no_hurry_begins_only_when_it_can_end_and_is_not_put_off_half_way() {
        let limits = Limits { per_minute: Some(40), per_day: Some(10), at_once: 8 };
        let (mut till, now, saga) = (Till::new(limits), evening(), Some(SagaId(Uuid::from_u128(7))));
        let read = till.begins(Want { saga, ..CALL });
        assert_eq!((read.hold, till.begins(Want { calls: 99, ..CALL }).hold), (2, 7), "not more than ever fits");
        assert_eq!(
            till.begins(Want { priority: Priority::Customer, ..CALL }).hold,
            0,
            "a customer does not wait for it"
        );
        drop(till.wait(read));
        let (_, granted) = till.wait(read);
        assert_eq!(till.ask(Uuid::nil(), now, 0).begins, [(Priority::Batch, 3)]);
        till.granted(&Grant { held: 2, ..grant(now, 1, 0) }, now);
        assert_eq!(granted.blocking_recv(), Ok(slice_of(now)));

        // The day is over for others, and not for it: one call, the record's hold, the record.
        let (next, record) = (till.begins(Want { saga, ..CALL }), Want { priority: Priority::Recording, saga, ..CALL });
        assert!(next.hold == 0 && !till.is_vain(&next, now) && till.is_vain(&CALL, now));
        till.free[0] = 3;
        assert!(till.take(&next, now).is_some());
        assert!(till.take(&Want { draw: false, hold: 1, ..next }, now).is_some(), "it is held already");
        assert_eq!(till.take(&till.begins(next), now), None, "that one is for the record alone");
        assert!(till.take(&record, now).is_some() && till.holds.is_empty());
    }

    #[test]
    fn who_came_after_the_ask_waits_for_the_next_one_while_there_is_room() {
        let limits = Limits { per_minute: Some(40), ..LIMITS };
        let (mut till, now) = (Till::new(limits), evening());
        let waiting: Vec<_> = (0..9).map(|_| till.wait(CALL)).collect();
        let room = Grant { fits_from: [now; 5], ..grant(now, 1, 9) };
        till.granted(&room, now);
        assert_eq!(till.waiting.len(), 8);
        let soon = now + TimeDelta::seconds(SLICE_SECONDS);
        till.granted(&Grant { fits_from: [soon; 5], ..room }, now);
        assert_eq!(till.waiting.len(), 2, "no room now: those stay whom the next slice serves");
        drop(waiting);
    }

    #[test]
    fn who_has_gone_is_neither_asked_for_nor_served() {
        let (mut till, now) = (Till::new(LIMITS), evening());
        drop(till.wait(CALL));
        assert_eq!(till.ask(Uuid::nil(), now, 0).draws, [0; 5]);
        drop(till.wait(CALL));
        till.granted(&grant(now, 1, 7), now);
        assert_eq!(till.take(&CALL, now), Some(slice_of(now)), "it is there for the next");
    }
}
