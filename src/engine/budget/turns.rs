//! When the turn of a call will be that cannot be made now: one after the other at the pace that the limits allow. Pure.

use crate::config::Limits;
use crate::store::budget::{SLICE_SECONDS, WINDOW_SLICES, percent_of_day, percent_of_minute};
use chrono::{DateTime, Days, TimeDelta, Utc};
use sagas::kernel::priority::Priority;

/// A minute's calls take so long: what the slices cost is in it.
const WINDOW: i64 = WINDOW_SLICES * SLICE_SECONDS;

/// Calls a minute where only the day is counted: else all would come at midnight, read, and leave nothing for records.
const UNCOUNTED_MINUTE: u32 = 80;

/// Calls a minute that turns are given for.
fn per_minute(limits: Limits, priority: Priority) -> Option<u32> {
    let counted = limits.per_minute.or(limits.per_day.map(|_| UNCOUNTED_MINUTE))?;
    Some((counted * percent_of_minute(priority) / 100).max(1))
}

/// The turns that one node has given at one vendor.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    next: [Option<DateTime<Utc>>; 5],
}

/// What a pace follows from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) limits: Limits,
    /// Nodes that share the limits.
    pub(super) nodes: u32,
    /// When the minute next has room for the priority (UTC).
    pub(super) fits_from: DateTime<Utc>,
    /// The day leaves too little.
    pub(super) day_is_over: bool,
    /// No call before then (UTC).
    pub(super) closed_until: Option<DateTime<Utc>>,
}

impl Turns {
    /// The next turn of that priority, for a saga that will want so many calls.
    pub(super) fn next(&mut self, priority: Priority, calls: u32, pace: Pace, now: DateTime<Utc>) -> DateTime<Utc> {
        let place = priority.place();
        let mut at = now + TimeDelta::seconds(SLICE_SECONDS);
        at = at.max(pace.fits_from).max(pace.closed_until.unwrap_or(at));
        if pace.day_is_over {
            at = at.max(next_day(now));
        }
        at = at.max(self.next[place].unwrap_or(at));
        self.next[place] = Some(at + pace.of(priority) * i32::try_from(calls.max(1)).unwrap_or(i32::MAX));
        at
    }
}

impl Pace {
    /// Between two calls of this node.
    fn of(self, priority: Priority) -> TimeDelta {
        let nodes = i64::from(self.nodes.max(1));
        per_minute(self.limits, priority)
            .map_or(TimeDelta::zero(), |calls| TimeDelta::milliseconds(WINDOW * 1_000 * nodes / i64::from(calls)))
    }
}

/// When the vendor's day ends (UTC).
pub(crate) fn next_day(now: DateTime<Utc>) -> DateTime<Utc> {
    let tomorrow = now.date_naive().checked_add_days(Days::new(1)).unwrap_or(now.date_naive());
    tomorrow.and_time(chrono::NaiveTime::MIN).and_utc()
}

/// When a backlog of calls will be made, where nothing else comes in between.
pub(crate) fn end_of_backlog(
    calls: u64,
    limits: Limits,
    priority: Priority,
    day_left: Option<u32>,
    from: DateTime<Utc>,
) -> DateTime<Utc> {
    let per_minute = per_minute(limits, priority).map(u64::from);
    let per_day = limits.per_day.map(|limit| u64::from(limit * percent_of_day(priority) / 100).max(1));
    let (mut at, mut left) = (from, calls);
    let mut today = day_left.map(u64::from);
    loop {
        let until = next_day(at);
        let windows = u64::try_from(((until - at).num_seconds() / WINDOW).max(1)).unwrap_or(1);
        let most = [today, per_minute.map(|n| n * windows)].into_iter().flatten().min().unwrap_or(left);
        if left <= most {
            let seconds = per_minute.map_or(0, |n| (left * WINDOW.unsigned_abs()).div_ceil(n));
            return at + TimeDelta::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1_000));
        }
        left -= most;
        (at, today) = (until, per_day);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { per_minute: Some(80), per_day: Some(1_000), at_once: 8 };

    fn noon() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(12)
    }

    #[test]
    fn turns_follow_each_other_at_the_pace_of_the_minute_and_wait_for_the_day() {
        let mut turns = Turns::default();
        let pace = Pace { limits: LIMITS, nodes: 1, fits_from: noon(), day_is_over: false, closed_until: None };
        let first = turns.next(Priority::Batch, 3, pace, noon());
        assert_eq!(first, noon() + TimeDelta::seconds(3));
        assert_eq!(
            turns.next(Priority::Batch, 3, pace, noon()),
            first + TimeDelta::milliseconds(3_300),
            "60 calls a window"
        );
        assert_eq!(turns.next(Priority::Customer, 1, pace, noon()), first, "another line");
        let closed = Pace { closed_until: Some(noon() + TimeDelta::hours(1)), ..pace };
        assert_eq!(turns.next(Priority::Customer, 1, closed, noon()), noon() + TimeDelta::hours(1));
        let full = Pace { fits_from: noon() + TimeDelta::seconds(50), ..pace };
        assert_eq!(
            turns.next(Priority::Webhook, 1, full, noon()),
            noon() + TimeDelta::seconds(50),
            "the minute is full"
        );
        let spent = Pace { day_is_over: true, ..pace };
        assert_eq!(turns.next(Priority::Batch, 3, spent, noon()), next_day(noon()));
    }

    #[test]
    fn where_only_a_day_is_counted_turns_and_forecast_follow_a_pace_all_the_same() {
        let limits = Limits { per_minute: None, ..LIMITS };
        let pace = Pace { limits, nodes: 1, fits_from: noon(), day_is_over: true, closed_until: None };
        let mut turns = Turns::default();
        let all: Vec<_> = (0..40).map(|_| turns.next(Priority::Batch, 3, pace, noon())).collect();
        assert!(all.is_sorted_by(|one, next| one < next), "{all:?}");
        let end = end_of_backlog(120, limits, Priority::Batch, Some(0), noon());
        assert!(all[0] == next_day(noon()) && all[39] <= end, "{all:?}, forecast {end}");
    }

    #[test]
    fn a_backlog_ends_by_the_minute_or_by_as_many_days_as_it_needs() {
        let end = |calls, left| end_of_backlog(calls, LIMITS, Priority::Batch, Some(left), noon());
        assert_eq!(end(0, 800), noon());
        assert_eq!(end(120, 800), noon() + TimeDelta::seconds(132));
        let midnight = next_day(noon());
        assert_eq!(end(110, 50), midnight + TimeDelta::seconds(66));
        assert_eq!(end(50 + 800 + 60, 50), midnight + TimeDelta::days(1) + TimeDelta::seconds(66));
        let unlimited = Limits { per_minute: None, per_day: None, at_once: 8 };
        assert_eq!(end_of_backlog(1_000, unlimited, Priority::Batch, None, noon()), noon());
    }
}
