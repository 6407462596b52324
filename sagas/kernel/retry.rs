//! When to try again and when to look again: pure tables.

use super::ids::SagaId;
use super::outcome::NotSent;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Back-off before the next try of a call that was provably not executed: doubles with each try up to a cap, spread by
/// a jitter that is the same in every replay.
pub fn back_off(cause: NotSent, tries: u32, asked_seconds: Option<u32>, saga: SagaId) -> TimeDelta {
    if let (NotSent::Turn, Some(seconds)) = (cause, asked_seconds) {
        // Turns are given one after the other: nothing is to be spread.
        return TimeDelta::seconds(i64::from(seconds));
    }
    let (base, cap) = match cause {
        NotSent::Outage => (1_000, 300_000),
        NotSent::Quota => (60_000, 900_000),
        NotSent::Turn => (3_000, 60_000),
        NotSent::Switch => (15_000, 60_000),
        NotSent::Again => (1_000, 60_000),
        NotSent::Node => (200, 2_000),
    };
    let doubled = base * 2_i64.pow(tries.min(12));
    let wait = doubled.min(cap).max(i64::from(asked_seconds.unwrap_or(0)) * 1_000);
    // ±12.5 % so that many sagas stopped by one outage do not return in one instant.
    let spread = i64::from(saga.shard(251)) + i64::from(tries) * 17;
    let jitter = wait / 4 * (spread % 101) / 100 - wait / 8;
    TimeDelta::milliseconds(wait + if asked_seconds.is_some() { jitter.abs() } else { jitter })
}

/// The resolver's ladder: when an unknown outcome is looked up next, or `None` when it is a person's turn. Times count
/// from the deadline of the send: 0, 2, 10, 30, 60 min, then every 6 h for 2 d, then daily to day 7.
pub fn next_look(deadline: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if now < deadline {
        return Some(deadline);
    }
    let minutes = [2, 10, 30, 60];
    let six_hours = (1..=8).map(|k| 60 + k * 360);
    let days = (3..=7).map(|d| d * 1_440);
    minutes.into_iter().chain(six_hours).chain(days).map(|m| deadline + TimeDelta::minutes(m)).find(|rung| *rung > now)
}

/// What people are to be told and a vendor refuses: put off and tried for ever, ever more seldom, in the way of nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutOff {
    /// Refusals in a row.
    pub refusals: u32,
    /// Not tried before (UTC).
    pub until: Option<DateTime<Utc>>,
}

impl PutOff {
    /// When it is tried again after one more refusal: in 1 minute, in 2, 4 … up to 6 hours.
    pub fn again_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let doubled = TimeDelta::minutes(1_i64 << self.refusals.min(16));
        now + doubled.min(TimeDelta::hours(6))
    }

    /// It was refused once more.
    pub fn refused(&mut self, again_at: DateTime<Utc>) {
        self.refusals += 1;
        self.until = Some(again_at);
    }
}

/// How long after the send the same request may go out again once absence is proven and nobody is present, where the
/// account's at-most-once keys are not proven.
pub const RESEND_AFTER: TimeDelta = TimeDelta::hours(24);

/// Two clean looks lie at least this far apart.
pub const LOOKS_APART: TimeDelta = TimeDelta::seconds(30);

/// A look proves nothing before so long after the send (two looks) or after the deadline (watermark).
pub const LOOK_SETTLES: TimeDelta = TimeDelta::seconds(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ladder_ends_after_seven_days() {
        let deadline = DateTime::UNIX_EPOCH;
        let mut now = deadline - TimeDelta::seconds(1);
        let mut rungs = Vec::new();
        while let Some(next) = next_look(deadline, now) {
            rungs.push((next - deadline).num_minutes());
            now = next;
        }
        assert_eq!(rungs[..5], [0, 2, 10, 30, 60]);
        assert_eq!(*rungs.last().expect("rungs"), 7 * 1_440);
        assert_eq!(rungs.len(), 5 + 8 + 5);
    }

    #[test]
    fn what_is_refused_is_put_off_for_ever_longer_up_to_six_hours() {
        let (mut put_off, now) = (PutOff::default(), DateTime::UNIX_EPOCH);
        let mut waits = Vec::new();
        for _ in 0..12 {
            let again_at = put_off.again_at(now);
            waits.push((again_at - now).num_minutes());
            put_off.refused(again_at);
        }
        assert_eq!(waits[..10], [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]);
        assert_eq!(waits[11], 360);
    }

    #[test]
    fn back_off_grows_and_keeps_what_the_vendor_asked() {
        let saga = SagaId::derived("test", &["x"]);
        let waits: Vec<_> = (0..12).map(|k| back_off(NotSent::Outage, k, None, saga).num_milliseconds()).collect();
        assert!(waits[0] < 1_200 && waits[11] > 200_000, "{waits:?}");
        assert!(back_off(NotSent::Quota, 0, Some(120), saga) >= TimeDelta::seconds(120));
        assert_eq!(back_off(NotSent::Turn, 9, Some(7), saga), TimeDelta::seconds(7), "a turn is kept to the second");
    }
}
