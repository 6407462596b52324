//! Business time, and the only caller of the real clock outside the sandbox.
//!
//! Three times are kept apart: business time (this trait: dunning, renewals, deadlines), database time (leases), and a
//! monotonic clock that runs through suspend (deadlines of calls and leases on this machine).

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Mutex;
use std::time::Duration;

/// Business time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// Now (UTC), in whole microseconds as the database keeps them.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct RealClock;

impl Clock for RealClock {
    fn now(&self) -> DateTime<Utc> {
        whole_micros(Utc::now())
    }
}

/// The machine's clock plus an offset that can be moved: in sandbox mode the service follows the sandbox's clock.
#[derive(Debug, Default)]
pub struct MovableClock {
    offset: Mutex<TimeDelta>,
}

impl MovableClock {
    /// Sets how far business time is ahead of the machine's clock.
    pub fn set_offset(&self, offset: TimeDelta) {
        *self.offset.lock().expect("no holder of this lock panics") = offset;
    }
}

impl Clock for MovableClock {
    fn now(&self) -> DateTime<Utc> {
        whole_micros(Utc::now() + *self.offset.lock().expect("no holder of this lock panics"))
    }
}

/// What a timestamptz keeps; so that a time compares equal after a round trip.
fn whole_micros(t: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(t.timestamp_micros()).unwrap_or(t)
}

/// Time since boot, suspend included: what leases and call deadlines on this machine are measured with.
pub fn since_boot() -> Duration {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(t.tv_sec).unwrap_or(0), u32::try_from(t.tv_nsec).unwrap_or(0))
}
