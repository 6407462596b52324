//! The organisation's limits: credits of a rolling 24 hours, and calls at the same time. Counts; refuses what is above.

use super::errors::Refusal;
use super::settings::Settings;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;
use std::sync::Arc;

/// What was called so far.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// When credits of the last 24 hours were spent, and how many.
    spent: VecDeque<(DateTime<Utc>, u64)>,
    /// Each call in process holds a clone: its strong count less this one is how many there are.
    in_process: Arc<()>,
    heavy: Arc<()>,
}

/// The right to make one call, held while it is in process.
#[derive(Debug)]
pub(super) struct Ticket {
    _in_process: Arc<()>,
    _heavy: Option<Arc<()>>,
}

impl Limits {
    /// Counts one call in at its price, or, while limits hold, refuses it.
    pub(super) fn enter(
        &mut self,
        settings: &Settings,
        now: DateTime<Utc>,
        price: u64,
        heavy: bool,
        hold: bool,
    ) -> Result<Ticket, Refusal> {
        self.spent.retain(|(at, _)| *at <= now && now - *at < TimeDelta::days(1));
        let at_once = |held: &Arc<()>| Arc::strong_count(held) - 1;
        if hold
            && (at_once(&self.in_process) >= settings.calls_at_once
                || (heavy && at_once(&self.heavy) >= settings.heavy_calls_at_once))
        {
            return Err(Refusal::too_many_at_once());
        }
        if hold && self.used() + price > settings.credits {
            return Err(Refusal::no_credits(settings.credits));
        }
        self.spent.push_back((now, price));
        Ok(Ticket { _in_process: Arc::clone(&self.in_process), _heavy: heavy.then(|| Arc::clone(&self.heavy)) })
    }

    /// Credits spent in the last 24 hours.
    pub(super) fn used(&self) -> u64 {
        self.spent.iter().map(|(_, credits)| credits).sum()
    }
}
