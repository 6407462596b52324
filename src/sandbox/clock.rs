//! The sandbox's movable clock: real time plus an offset that only grows unless it is set.

use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Mutex;

/// Movable time shared by all simulated vendors (UTC).
#[derive(Debug, Default)]
pub struct Clock {
    offset: Mutex<TimeDelta>,
}

impl Clock {
    /// The sandbox's present.
    pub fn now(&self) -> DateTime<Utc> {
        Utc::now() + *self.offset.lock().expect("clock lock")
    }

    /// Moves the present forward.
    pub fn advance(&self, by: TimeDelta) {
        *self.offset.lock().expect("clock lock") += by;
    }

    /// Sets the present; time goes on from there.
    pub fn set(&self, to: DateTime<Utc>) {
        *self.offset.lock().expect("clock lock") = to - Utc::now();
    }

    /// Back to real time.
    pub fn reset(&self) {
        *self.offset.lock().expect("clock lock") = TimeDelta::zero();
    }
}
