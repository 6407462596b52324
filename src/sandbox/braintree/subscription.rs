//! A subscription and its calendar: what a cycle costs, when the next one begins. Charges nobody: that is `billing`'s.

use super::transaction::Recurring;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use serde_json::Value;

/// The gateway's subscription states, with capital letters and a space on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Its first billing date is to come.
    Pending,
    Active,
    PastDue,
    /// All its cycles are over.
    Expired,
    Canceled,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::PastDue => "Past Due",
            Self::Expired => "Expired",
            Self::Canceled => "Canceled",
        }
    }

    /// Whether nothing more will happen to it.
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::Expired | Self::Canceled => true,
            Self::Pending | Self::Active | Self::PastDue => false,
        }
    }
}

/// Who caused a change (`subscription-source`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Api,
    ControlPanel,
    /// The gateway's own billing.
    Recurring,
}

impl Source {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::ControlPanel => "control_panel",
            Self::Recurring => "recurring",
        }
    }
}

/// The unit of a trial's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Month,
}

impl Unit {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    pub(super) fn read(text: &str) -> Option<Self> {
        [Self::Day, Self::Month].into_iter().find(|unit| unit.name() == text)
    }
}

/// A free time before the first bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trial {
    pub(super) duration: u32,
    pub(super) unit: Unit,
}

impl Trial {
    /// The day after its last one.
    pub(super) fn end(self, start: NaiveDate) -> NaiveDate {
        match self.unit {
            Unit::Day => start + Days::new(self.duration.into()),
            Unit::Month => start + Months::new(self.duration),
        }
    }
}

/// An add-on or discount as it stands on one subscription.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    /// Minor units for one.
    pub(super) amount: i64,
    pub(super) quantity: i64,
    /// For so many cycles; none: for ever.
    pub(super) cycles: Option<u32>,
    /// How many cycles it was billed in.
    pub(super) cycle: u32,
}

impl Line {
    /// Minor units in the next cycle.
    fn worth(&self) -> i64 {
        if self.cycles.is_some_and(|cycles| self.cycle >= cycles) { 0 } else { self.amount * self.quantity }
    }
}

/// One line of the status history.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    pub(super) status: Status,
    pub(super) source: Source,
    /// Minor units.
    pub(super) balance: i64,
    /// Minor units.
    pub(super) price: i64,
    pub(super) plan_id: String,
}

/// A subscription. Days are those of UTC.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) plan_id: String,
    pub(super) token: String,
    /// Its id.
    pub(super) merchant_account: String,
    pub(super) currency: String,
    /// Minor units of one cycle, without add-ons and discounts.
    pub(super) price: i64,
    /// Minor units owed; below zero: a credit for the next bills.
    pub(super) balance: i64,
    /// 1 to 28, or 31 for the last day of the month.
    pub(super) billing_day: u32,
    /// Months of one cycle.
    pub(super) frequency: u32,
    pub(super) trial: Option<Trial>,
    pub(super) first_billing_date: NaiveDate,
    pub(super) next_billing_date: NaiveDate,
    /// First and last day of the running cycle.
    pub(super) period: Option<(NaiveDate, NaiveDate)>,
    pub(super) paid_through: Option<NaiveDate>,
    /// How many cycles have begun.
    pub(super) cycle: u32,
    /// How many there are; none: it never expires.
    pub(super) cycles: Option<u32>,
    pub(super) failure_count: u32,
    pub(super) past_due_since: Option<NaiveDate>,
    /// How often the gateway tried the unpaid bill again.
    pub(super) tries: u32,
    /// When the gateway tries an unpaid bill again.
    pub(super) retry_at: Option<DateTime<Utc>>,
    pub(super) add_ons: Vec<Line>,
    pub(super) discounts: Vec<Line>,
    /// As sent.
    pub(super) descriptor: Option<Value>,
    /// Oldest first.
    pub(super) transactions: Vec<String>,
    /// Oldest first.
    pub(super) history: Vec<Event>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Subscription {
    /// Minor units of one cycle with add-ons and discounts, never below zero.
    pub(super) fn per_cycle(&self) -> i64 {
        let sum = |lines: &[Line]| lines.iter().map(Line::worth).sum::<i64>();
        (self.price + sum(&self.add_ons) - sum(&self.discounts)).max(0)
    }

    /// Minor units of the next bill.
    pub(super) fn next_bill(&self) -> i64 {
        (self.per_cycle() + self.balance).max(0)
    }

    /// Whether the free time is not over.
    pub(super) fn in_trial(&self) -> bool {
        self.trial.is_some() && self.cycle == 0
    }

    /// Whether the running cycle is the last one.
    pub(super) fn in_last_cycle(&self) -> bool {
        self.cycles.is_some_and(|cycles| self.cycle >= cycles)
    }

    /// Whole days since it is past due.
    pub(super) fn days_past_due(&self, now: DateTime<Utc>) -> Option<i64> {
        self.past_due_since.map(|since| (now.date_naive() - since).num_days())
    }

    /// Enters the next cycle.
    pub(super) fn turn(&mut self) {
        let start = self.next_billing_date;
        self.next_billing_date = on_billing_day(start + Months::new(self.frequency), self.billing_day);
        self.period = Some((start, self.next_billing_date - Days::new(1)));
        self.cycle += 1;
    }

    /// Counts a bill on every add-on and discount.
    pub(super) fn count_lines(&mut self) {
        self.add_ons.iter_mut().chain(&mut self.discounts).for_each(|line| line.cycle += 1);
    }

    /// Moves to a state, with its line in the history.
    pub(super) fn becomes(&mut self, status: Status, source: Source, at: DateTime<Utc>) {
        self.status = status;
        self.updated_at = at;
        self.history.push(Event {
            at,
            status,
            source,
            balance: self.balance,
            price: self.price,
            plan_id: self.plan_id.clone(),
        });
    }

    /// What its transactions say of it.
    pub(super) fn mark(&self) -> Recurring {
        Recurring {
            subscription_id: self.id.clone(),
            plan_id: self.plan_id.clone(),
            period: self.period,
            add_ons: self.add_ons.clone(),
            discounts: self.discounts.clone(),
        }
    }
}

/// The billing day in the month of `month`: 31, or a day that the month does not have, is its last one.
pub(super) fn on_billing_day(month: NaiveDate, day: u32) -> NaiveDate {
    let first = month - Days::new(u64::from(month.day0()));
    let last = first + Months::new(1) - Days::new(1);
    first.with_day(day).unwrap_or(last)
}

/// The billing day of subscriptions that begin on this day: a day that not every month has is the last one.
pub(super) fn billing_day_of(start: NaiveDate) -> u32 {
    if start.day() > 28 { 31 } else { start.day() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_day_of_a_month_stays_the_last_day() {
        assert_eq!(billing_day_of(day("2027-01-30")), 31);
        assert_eq!(on_billing_day(day("2027-02-28"), 31), day("2027-02-28"));
        assert_eq!(on_billing_day(day("2027-03-28"), 31), day("2027-03-31"));
        assert_eq!(on_billing_day(day("2027-03-28"), 15), day("2027-03-15"));
    }

    #[test]
    fn a_trial_ends_days_or_months_later() {
        assert_eq!(Trial { duration: 14, unit: Unit::Day }.end(day("2027-01-20")), day("2027-02-03"));
        assert_eq!(Trial { duration: 1, unit: Unit::Month }.end(day("2027-01-31")), day("2027-02-28"));
    }
}
