//! The organisation's limits: calls a minute, calls a day, calls at the same time. Counts; refuses what is above.

use super::errors::Refusal;
use super::settings::Settings;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::VecDeque;
use std::sync::Arc;

/// What was called so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Limits {
    /// When the calls of the last minute came.
    minute: VecDeque<DateTime<Utc>>,
    day: NaiveDate,
    /// Calls on that day.
    today: u32,
    /// Each call in process holds a clone: its strong count less this one is how many there are.
    in_process: Arc<()>,
}

/// The right to make one call, held while it is in process.
#[derive(Debug)]
pub(super) struct Ticket {
    _in_process: Arc<()>,
    limit: u32,
    remaining: u32,
    reset: i64,
}

impl Limits {
    /// Counts one call in, or, while limits hold, refuses it.
    pub(super) fn enter(&mut self, settings: &Settings, now: DateTime<Utc>, hold: bool) -> Result<Ticket, Refusal> {
        if self.day != now.date_naive() {
            self.day = now.date_naive();
            self.today = 0;
        }
        let minute = TimeDelta::minutes(1);
        self.minute.retain(|at| *at <= now && now - *at < minute);
        let used = u32::try_from(self.minute.len()).unwrap_or(u32::MAX);
        if hold && used >= settings.calls_per_minute {
            return Err(Refusal::too_many_calls(settings.calls_per_minute));
        }
        if hold && self.today >= settings.calls_per_day {
            let refusal = Refusal::quota_used_up(settings.calls_per_day);
            let status = if settings.quota_under_200 { StatusCode::OK } else { refusal.status };
            return Err(Refusal { status, ..refusal });
        }
        let at_once = u32::try_from(Arc::strong_count(&self.in_process) - 1).unwrap_or(u32::MAX);
        if hold && at_once >= settings.calls_at_once {
            return Err(Refusal::too_many_at_once());
        }
        self.today += 1;
        self.minute.push_back(now);
        let oldest = self.minute.front().copied().unwrap_or(now);
        Ok(Ticket {
            _in_process: Arc::clone(&self.in_process),
            limit: settings.calls_per_minute,
            remaining: settings.calls_per_minute.saturating_sub(used + 1),
            reset: (minute - (now - oldest)).num_seconds(),
        })
    }

    /// Calls of the present day.
    pub(super) fn today(&self) -> u32 {
        self.today
    }
}

impl Ticket {
    /// Tells the caller how much is left.
    pub(super) fn tell(&self, headers: &mut HeaderMap) {
        headers.insert("x-rate-limit-limit", self.limit.into());
        headers.insert("x-rate-limit-remaining", self.remaining.into());
        headers.insert("x-rate-limit-reset", HeaderValue::from(self.reset));
    }
}
