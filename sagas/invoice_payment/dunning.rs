//! What a declined charge means: the first rule that fits decides, later rules may only make the date later. Pure; the
//! numbers are in `schedule.rs`. Refuses to look at money: whether there is anything to charge is `check.rs`'s.
//!
//! Processor code 2016 (duplicate at the processor) needs no search of its own: every charge of this invoice has an
//! outcome before the next one is made, so no success of ours can hide behind it; the next try waits a day.

use super::schedule as data;
use super::words::Attempt;
use crate::kernel::cards::is_mastercard;
use crate::kernel::outcome::{Decline, DeclineKind};
use crate::kernel::saga::At;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, TimeDelta, Utc, Weekday};
use serde::{Deserialize, Serialize};

/// What the flow remembers of failed attempts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Dunning {
    /// Scheduled attempts that failed.
    pub failed: u32,
    /// Attempts of any kind that failed.
    pub declines: u32,
    /// Day 0 of the schedule.
    pub anchor: Option<NaiveDate>,
    /// When the first one failed (UTC).
    pub first_failed_at: Option<DateTime<Utc>>,
    /// No scheduled attempt before (UTC).
    pub not_before: Option<DateTime<Utc>>,
    /// The next attempt is this further try after a network failure.
    pub network_retry: u32,
    /// Cards that are not to be charged.
    pub bars: Vec<Bar>,
    /// Something only the customer can do.
    pub asked: Option<Asked>,
    /// All attempts were used.
    pub exhausted: bool,
    /// The customer stopped all billing: charged again only after a new consent.
    pub revoked: bool,
    /// A prepaid or single-use card was given its one more attempt.
    pub last_offered: bool,
    /// A decline in no list was treated as soft, once.
    pub doubted: bool,
    /// The customer changed the card since the first failure.
    pub method_changed: bool,
}

/// What only the customer can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// Authenticate; else: give another card.
    pub authentication: bool,
    /// Given up then (UTC).
    pub until: DateTime<Utc>,
}

/// A card that is not to be charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// Braintree's unique number identifier.
    pub card: String,
    /// For how long.
    pub lasting: Lasting,
}

/// For how long a card is barred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "lasting", rename_all = "snake_case")]
pub enum Lasting {
    /// For ever.
    Ever,
    /// Until the customer renews or authenticates it.
    UntilChanged,
    /// Until an instant (UTC).
    Until {
        /// Then.
        until: DateTime<Utc>,
    },
}

/// What a decline led to, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// Number of the rule in the dunning table.
    pub rule: String,
    /// What comes next.
    pub next: Next,
    /// Day 0 of the schedule.
    pub anchor: NaiveDate,
    /// The card must rest.
    pub bar: Option<Bar>,
}

/// What comes after a decline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum Next {
    /// A scheduled attempt.
    Attempt {
        /// Not before (UTC).
        at: DateTime<Utc>,
    },
    /// A further try after a network failure.
    NetworkRetry {
        /// Which, from 1.
        retry: u32,
        /// When (UTC).
        at: DateTime<Utc>,
    },
    /// Another card is needed.
    Method {
        /// Given up then (UTC).
        until: DateTime<Utc>,
        /// The customer stopped the billing: a new consent is needed too.
        revoked: bool,
    },
    /// The customer must authenticate.
    Authentication {
        /// Given up then (UTC).
        until: DateTime<Utc>,
    },
    /// No attempt is left.
    Exhausted,
    /// A person must find out what happened.
    Person,
}

/// What the first fitting rule says.
enum Says {
    /// By the schedule.
    Schedule,
    /// By the schedule, and not before.
    NotBefore(TimeDelta),
    /// A further try after a network failure.
    Network,
    /// Another card.
    Method(Lasting),
    /// Another card and a new consent.
    Revoked,
    /// Authentication.
    Authentication,
    /// A person.
    Person,
}

/// The ruling on a declined charge.
pub(super) fn rule(decline: &Decline, dunning: &Dunning, attempt: &Attempt, due: NaiveDate, at: &At) -> Ruling {
    let case = Case { decline, dunning, attempt, now: at.now };
    let (number, says) = case.first();
    let bar = |lasting| Some(Bar { card: attempt.method.card.clone(), lasting });
    let plan = Plan::after(dunning, attempt, due, at);
    let (next, bar) = match says {
        Says::Schedule => (plan.next(case.later(TimeDelta::zero()), case.on_payday(), at), None),
        Says::NotBefore(wait) => (plan.next(case.later(wait), case.on_payday(), at), None),
        Says::Network => (plan.network(attempt, at), None),
        Says::Method(lasting) => (Next::Method { until: plan.last_day(at), revoked: false }, bar(lasting)),
        Says::Revoked => (Next::Method { until: plan.last_day(at), revoked: true }, bar(Lasting::Ever)),
        Says::Authentication => {
            let until = at.now + TimeDelta::days(i64::from(data::AUTHENTICATION_DAYS));
            (Next::Authentication { until }, bar(Lasting::UntilChanged))
        }
        Says::Person => (Next::Person, None),
    };
    Ruling { rule: number.to_owned(), next, anchor: plan.anchor, bar }
}

/// When a new card is waited for to no avail: the last day of the schedule.
pub(super) fn last_day(dunning: &Dunning, due: NaiveDate, at: &At) -> DateTime<Utc> {
    Plan { anchor: dunning.anchor.unwrap_or_else(|| due.max(at.date(at.now))), failed: dunning.failed, gap: false }
        .last_day(at)
}

/// The morning of a date in the books zone.
pub(super) fn morning(date: NaiveDate, at: &At) -> DateTime<Utc> {
    let midnight = date.and_time(chrono::NaiveTime::MIN).and_utc();
    midnight + TimeDelta::hours(i64::from(data::MORNING_HOUR)) - TimeDelta::seconds(i64::from(at.books_offset))
}

struct Case<'a> {
    decline: &'a Decline,
    dunning: &'a Dunning,
    attempt: &'a Attempt,
    now: DateTime<Utc>,
}

impl Case<'_> {
    fn code(&self) -> &str {
        &self.decline.code
    }

    fn advice(&self) -> &str {
        self.decline.advice_code.as_deref().unwrap_or("")
    }

    fn is_mastercard(&self) -> bool {
        is_mastercard(self.decline.brand.as_deref().unwrap_or(&self.attempt.method.brand))
    }

    /// The rules, in their order.
    fn first(&self) -> (&'static str, Says) {
        let (code, advice) = (self.code(), self.advice());
        if self.decline.kind == DeclineKind::Gateway {
            return ("2.3-e1", self.gateway());
        }
        if self.decline.kind == DeclineKind::Network || code == "3000" {
            return ("2.3-e2", Says::Network);
        }
        if code == "2099" {
            return ("2.3-e3", Says::Authentication);
        }
        if code == "2016" {
            return ("2.3-e4", Says::NotBefore(TimeDelta::hours(data::PROCESSOR_DUPLICATE_HOURS)));
        }
        if matches!(code, "2017" | "2018") || advice == "21" {
            return ("2.3-e5", Says::Revoked);
        }
        if self.never_again() {
            return ("2.3-e6", Says::Method(Lasting::Ever));
        }
        let kind = self.decline.response_type.as_deref();
        if kind == Some("hard_declined") {
            return ("2.3-e7", Says::Method(Lasting::UntilChanged));
        }
        if advice == "01" {
            return ("2.3-e8", Says::Method(Lasting::UntilChanged));
        }
        if self.advised_wait().is_some() {
            return ("2.3-e9", Says::Schedule);
        }
        if advice == "02" {
            return ("2.3-e10", Says::Schedule);
        }
        if matches!(advice, "40" | "41") {
            let says = if self.dunning.last_offered { Says::Method(Lasting::UntilChanged) } else { Says::Schedule };
            return ("2.3-e11", says);
        }
        if self.on_payday() {
            return ("2.3-e12", Says::Schedule);
        }
        if kind == Some("soft_declined") {
            return ("2.3-e13", Says::Schedule);
        }
        ("2.3-e14", self.by_list())
    }

    fn gateway(&self) -> Says {
        match self.code() {
            // Something like this charge succeeded: nobody may guess what.
            "duplicate" => Says::Person,
            "three_d_secure" => Says::Authentication,
            "excessive_retry" => Says::Method(Lasting::Until { until: self.now + data::EXCESSIVE_RETRY }),
            _ => Says::Method(Lasting::UntilChanged),
        }
    }

    fn never_again(&self) -> bool {
        let code = self.code();
        self.advice() == "03"
            || data::NEVER_AGAIN.contains(&code)
            || (self.attempt.recurring && data::NEVER_AGAIN_RECURRING.contains(&code))
            || (self.is_mastercard() && data::NEVER_AGAIN_MASTERCARD.contains(&code))
    }

    fn by_list(&self) -> Says {
        match self.code().parse::<u16>().map(class_of) {
            Ok(Some(false)) => Says::Method(Lasting::UntilChanged),
            Ok(None) | Err(_) if self.dunning.doubted => Says::Method(Lasting::UntilChanged),
            Ok(Some(true) | None) | Err(_) => Says::Schedule,
        }
    }

    fn advised_wait(&self) -> Option<TimeDelta> {
        data::ADVICE_WAITS.iter().find(|(code, _)| *code == self.advice()).map(|(_, wait)| *wait)
    }

    fn on_payday(&self) -> bool {
        data::FUNDS.contains(&self.code())
    }

    /// The longest wait that any rule asks for.
    fn later(&self, wait: TimeDelta) -> TimeDelta {
        let advised = self.advised_wait().unwrap_or(TimeDelta::zero());
        let later = if self.advice() == "02" { data::ADVICE_LATER } else { TimeDelta::zero() };
        wait.max(advised).max(later)
    }
}

/// Soft, hard, or in no list. Only for answers without a type.
pub(super) fn class_of(code: u16) -> Option<bool> {
    let within = |(low, high): &(u16, u16)| (*low..=*high).contains(&code);
    if data::SOFT.iter().any(within) {
        Some(true)
    } else if within(&data::HARD) {
        Some(false)
    } else {
        None
    }
}

/// Whether a code is in neither list and carries no type.
pub(super) fn is_doubtful(decline: &Decline) -> bool {
    decline.response_type.is_none() && decline.code.parse::<u16>().map_or(true, |code| class_of(code).is_none())
}

/// The schedule as it stands after this failure.
struct Plan {
    anchor: NaiveDate,
    failed: u32,
    /// The failed attempt was a scheduled one: the gaps of the schedule are kept when it came late.
    gap: bool,
}

impl Plan {
    fn after(dunning: &Dunning, attempt: &Attempt, due: NaiveDate, at: &At) -> Self {
        let counts = attempt.scheduled && attempt.network_retry == 0;
        Self {
            anchor: dunning.anchor.unwrap_or_else(|| due.max(at.date(at.now))),
            failed: dunning.failed + u32::from(counts),
            gap: counts,
        }
    }

    fn next(&self, wait: TimeDelta, payday: bool, at: &At) -> Next {
        let index = self.failed as usize;
        let Some(day) = data::ATTEMPT_DAYS.get(index) else { return Next::Exhausted };
        let before = index.checked_sub(1).and_then(|i| data::ATTEMPT_DAYS.get(i));
        let gap = match before {
            Some(before) if self.gap => day - before,
            Some(_) | None => 1,
        };
        let mut date = plus(self.anchor, *day).max(plus(at.date(at.now), gap));
        let earliest = at.date(at.now + wait);
        date = date.max(earliest);
        if payday {
            date = to_payday(date);
        }
        Next::Attempt { at: morning(date, at).max(at.now + wait) }
    }

    fn network(&self, attempt: &Attempt, at: &At) -> Next {
        match data::NETWORK_RETRY_MINUTES.get(attempt.network_retry as usize) {
            Some(minutes) => Next::NetworkRetry {
                retry: attempt.network_retry + 1,
                at: at.now + TimeDelta::minutes(i64::from(*minutes)),
            },
            None => self.next(TimeDelta::zero(), false, at),
        }
    }

    fn last_day(&self, at: &At) -> DateTime<Utc> {
        let last = data::ATTEMPT_DAYS.last().copied().unwrap_or(0);
        morning(plus(self.anchor, last), at).max(at.now)
    }
}

fn plus(date: NaiveDate, days: u32) -> NaiveDate {
    date.checked_add_days(Days::new(u64::from(days))).unwrap_or(date)
}

/// The first day, at most two days later, on which money comes in; else the day itself.
fn to_payday(date: NaiveDate) -> NaiveDate {
    (0..=data::PAYDAY_SHIFT_DAYS)
        .filter_map(|k| date.checked_add_days(Days::new(k)))
        .find(|date| is_payday(*date))
        .unwrap_or(date)
}

fn is_payday(date: NaiveDate) -> bool {
    data::PAYDAYS.contains(&date.day()) || last_business_day(date) == Some(date)
}

fn last_business_day(date: NaiveDate) -> Option<NaiveDate> {
    let next_month = date.with_day(1)?.checked_add_months(Months::new(1))?;
    next_month.iter_days().rev().skip(1).find(|d| !matches!(d.weekday(), Weekday::Sat | Weekday::Sun))
}
