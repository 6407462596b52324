//! Zoho's dates and timestamps, and the arithmetic of billing terms. The simulated organisation lives in UTC.

use super::errors::Refusal;
use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, Utc};

/// A timestamp in Zoho's form: the offset has no colon.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%z").to_string()
}

/// The first moment of a day.
pub(super) fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// `day` plus so many days (`days` may be negative).
pub(super) fn plus_days(day: NaiveDate, days: i64) -> NaiveDate {
    let distance = Days::new(days.unsigned_abs());
    let moved = if days < 0 { day.checked_sub_days(distance) } else { day.checked_add_days(distance) };
    moved.unwrap_or(day)
}

/// The length of a billing term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) interval: u32,
    pub(super) unit: Unit,
}

/// The unit of a plan's interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Days,
    Weeks,
    Months,
    Years,
}

impl Unit {
    /// Reads Zoho's word.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "days" => Some(Self::Days),
            "weeks" => Some(Self::Weeks),
            "months" => Some(Self::Months),
            "years" => Some(Self::Years),
            _ => None,
        }
    }

    /// Zoho's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::Weeks => "weeks",
            Self::Months => "months",
            Self::Years => "years",
        }
    }
}

impl Term {
    /// Reads `interval` and `interval_unit` (months, if absent) of a plan.
    pub(super) fn read(interval: i64, unit: Option<&str>) -> Result<Self, Refusal> {
        let interval = u32::try_from(interval).ok().filter(|n| (1..=1000).contains(n));
        let unit = unit.map_or(Some(Unit::Months), Unit::read);
        Ok(Self {
            interval: interval.ok_or_else(|| Refusal::invalid("interval"))?,
            unit: unit.ok_or_else(|| Refusal::invalid("interval_unit"))?,
        })
    }

    /// The day on which term number `count` (from 0) begins, counted from the anchor, so that the 31st comes back after
    /// a short month.
    pub(super) fn start(self, anchor: NaiveDate, count: u32) -> NaiveDate {
        let steps = self.interval.saturating_mul(count);
        let moved = match self.unit {
            Unit::Days => anchor.checked_add_days(Days::new(steps.into())),
            Unit::Weeks => anchor.checked_add_days(Days::new(u64::from(steps) * 7)),
            Unit::Months => anchor.checked_add_months(Months::new(steps)),
            Unit::Years => anchor.checked_add_months(Months::new(steps.saturating_mul(12))),
        };
        moved.unwrap_or(NaiveDate::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_that_began_on_the_31st_comes_back_to_it() {
        let monthly = Term { interval: 1, unit: Unit::Months };
        let anchor = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
        let starts: Vec<_> = (0..3).map(|n| monthly.start(anchor, n).to_string()).collect();
        assert_eq!(starts, ["2026-01-31", "2026-02-28", "2026-03-31"]);
    }
}
