//! ISO 8601 durations, as far as the clock takes them: `P1Y2M3W4DT5H6M7S`, whole numbers only.

use chrono::{DateTime, Months, TimeDelta, Utc};

/// A calendar part and an exact part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    months: u32,
    rest: TimeDelta,
}

impl Period {
    /// Reads `P…`.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no ISO 8601 duration; expected one like P1D, P2W, P1M or PT90M");
        let body = text.strip_prefix('P').ok_or_else(wrong)?;
        let (date, time) = body.split_once('T').map_or((body, None), |(date, time)| (date, Some(time)));
        if body.is_empty() || time == Some("") {
            return Err(wrong());
        }
        let mut period = Self { months: 0, rest: TimeDelta::zero() };
        for (part, units) in [(date, "YMWD"), (time.unwrap_or(""), "HMS")] {
            period.add(part, units, units == "HMS").ok_or_else(wrong)?;
        }
        Ok(period)
    }

    /// Adds `3W4D`; the units must come in this order, each at most once.
    fn add(&mut self, mut part: &str, mut units: &str, of_time: bool) -> Option<()> {
        while !part.is_empty() {
            let end = part.find(|c: char| !c.is_ascii_digit())?;
            let amount: u32 = part[..end].parse().ok()?;
            let unit = part[end..].chars().next()?;
            units = units.split_once(unit)?.1;
            let days_or_less = match (unit, of_time) {
                ('Y', _) => {
                    self.months = self.months.checked_add(amount.checked_mul(12)?)?;
                    TimeDelta::zero()
                }
                ('M', false) => {
                    self.months = self.months.checked_add(amount)?;
                    TimeDelta::zero()
                }
                ('W', _) => TimeDelta::weeks(i64::from(amount)),
                ('D', _) => TimeDelta::days(i64::from(amount)),
                ('H', _) => TimeDelta::hours(i64::from(amount)),
                ('M', true) => TimeDelta::minutes(i64::from(amount)),
                _ => TimeDelta::seconds(i64::from(amount)),
            };
            self.rest = self.rest.checked_add(&days_or_less)?;
            part = &part[end + 1..];
        }
        Some(())
    }

    /// The moment this long after another; none beyond the calendar's end.
    pub(super) fn after(self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        moment.checked_add_months(Months::new(self.months))?.checked_add_signed(self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> String {
        let start = "2026-01-31T00:00:00Z".parse().expect("a moment");
        Period::parse(text).expect("a period").after(start).expect("within the calendar").to_rfc3339()
    }

    #[test]
    fn periods_are_added_calendar_part_first() {
        assert_eq!(after("P1D"), "2026-02-01T00:00:00+00:00");
        assert_eq!(after("P1M"), "2026-02-28T00:00:00+00:00");
        assert_eq!(after("P1Y2W"), "2027-02-14T00:00:00+00:00");
        assert_eq!(after("PT1H2M3S"), "2026-01-31T01:02:03+00:00");
        assert_eq!(after("P1DT90M"), "2026-02-01T01:30:00+00:00");
    }

    #[test]
    fn what_is_no_period_is_refused_with_an_example() {
        for wrong in ["", "1D", "P", "PT", "P1", "PD", "P1H", "PT1D", "P1D1D", "P-1D", "P1.5D", "P99999999999D"] {
            let refusal = Period::parse(wrong).expect_err(wrong);
            assert!(refusal.contains("P1D"), "{refusal}");
        }
    }
}
