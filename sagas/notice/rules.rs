//! What is told when: the numbers of the flow, and what follows from them for a subscription as it stands. Pure sums over
//! days; nothing is remembered or said here.

use super::state::{Facts, State};
use super::words::{Item, Notice};
use crate::kernel::answer::{CollectionOwner, Sold, SubscriptionTerms};
use crate::kernel::money::Money;
use crate::kernel::saga::At;
use chrono::{DateTime, Days, Months, NaiveDate, NaiveTime, TimeDelta, Utc};

/// Terms of so many months and more are announced before they are renewed.
const LONG_TERM: Months = Months::new(6);
/// A charge waits for a late notice no longer than so many days.
const HOLD_AT_MOST: Days = Days::new(7);
/// At that hour of a day (books zone) people are told.
const HOUR: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).expect("nine o'clock");
/// What stands still is looked at again after so many days.
const QUIET: TimeDelta = TimeDelta::days(7);

/// So many days before the charge.
pub(super) const fn days(notice: Notice) -> Days {
    Days::new(match notice {
        Notice::TrialEnds => 3,
        Notice::Renews | Notice::CardExpiresSoon => 7,
        Notice::PriceChanges | Notice::CardExpires => 30,
    })
}

/// Whether a subscription is charged by and by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// The next charge comes.
    Runs,
    /// None comes as it stands.
    Quiet,
    /// It is over.
    Ended,
}

pub(super) fn life(status: &str) -> Life {
    match status {
        "trial" | "live" | "unpaid" | "dunning" => Life::Runs,
        "cancelled" | "cancelled_from_dunning" | "expired" | "trial_expired" | "creation_failed" => Life::Ended,
        // What ends with its term or is paused; a word that we do not know promises no charge either.
        _ => Life::Quiet,
    }
}

/// What the next charge is for.
pub(super) fn next_sold(terms: &SubscriptionTerms) -> &Sold {
    terms.scheduled.as_ref().unwrap_or(&terms.sold)
}

/// Both sell the same, at whatever price.
pub(super) fn is_same(one: &Sold, other: &Sold) -> bool {
    let things = |sold: &Sold| Sold { amount: None, ..sold.clone() };
    things(one) == things(other)
}

/// What the next charge will be, where there is one.
pub(super) fn amount(terms: &SubscriptionTerms) -> Option<Money> {
    next_sold(terms).amount.filter(|amount| amount.is_positive())
}

fn is_long(terms: &SubscriptionTerms) -> bool {
    let term = terms.term_starts_on.zip(terms.term_ends_on);
    // Zoho names the last day of a term, or the first of the next one.
    term.is_some_and(|(first, last)| first + LONG_TERM <= last + Days::new(1))
}

/// What is to be told of the next charge, sooner or later.
fn wanted(facts: &Facts, charge_on: NaiveDate) -> Vec<Notice> {
    let Some(terms) = facts.terms.as_ref().filter(|terms| amount(terms).is_some()) else { return Vec::new() };
    let expires = facts.card.as_ref().is_some_and(|card| card.good_through < charge_on);
    let is_wanted = |notice: &Notice| match notice {
        Notice::PriceChanges => facts.price.is_some(),
        Notice::TrialEnds => terms.status == "trial",
        Notice::Renews => terms.status != "trial" && is_long(terms),
        Notice::CardExpires | Notice::CardExpiresSoon => expires,
    };
    Notice::ALL.into_iter().filter(is_wanted).collect()
}

/// Money is not taken by us before the customer was told. A price that falls surprises nobody.
pub(super) fn is_required(state: &State, notice: Notice) -> bool {
    match notice {
        Notice::TrialEnds | Notice::Renews => true,
        Notice::PriceChanges => state.facts.price.as_ref().is_some_and(|price| price.to.minor > price.from.minor),
        Notice::CardExpires | Notice::CardExpiresSoon => false,
    }
}

/// What should have been told of a charge whose day has come.
pub(super) fn missed(state: &State, charge_on: NaiveDate) -> Vec<Item> {
    let late = |notice| Item { notice, charge_on, late: true };
    let wanted = wanted(&state.facts, charge_on).into_iter().filter(|notice| is_required(state, *notice));
    wanted.map(late).filter(|item| !state.is_told(*item)).collect()
}

/// What is to be told now, and when to look again (UTC).
pub(super) struct Plan {
    pub(super) due: Option<Item>,
    pub(super) look_at: DateTime<Utc>,
}

pub(super) fn plan(state: &State, at: &At) -> Plan {
    let quiet = Plan { due: None, look_at: at.now + QUIET };
    let Some(terms) = &state.facts.terms else { return quiet };
    let today = at.date(at.now);
    if life(&terms.status) == Life::Quiet {
        let end = terms.term_ends_on.filter(|end| *end >= today).map(|end| morning(at, end + Days::new(1)));
        return Plan { look_at: end.unwrap_or(quiet.look_at), ..quiet };
    }
    let Some(charge_on) = terms.next_billing_on else { return quiet };
    let mut looks = vec![charge_on - Days::new(1), charge_on + Days::new(1)];
    let mut due = None;
    for notice in wanted(&state.facts, charge_on) {
        let day = charge_on - days(notice);
        let item = Item { notice, charge_on, late: today > day };
        let of_card = matches!(notice, Notice::CardExpires | Notice::CardExpiresSoon);
        // The second one says what the first one would.
        let overtaken = notice == Notice::CardExpires && today >= charge_on - days(Notice::CardExpiresSoon);
        if state.is_told(item) || overtaken || (of_card && today >= charge_on) {
            continue;
        }
        if notice == Notice::PriceChanges || morning(at, day) <= at.now {
            due = due.or(Some(item));
        } else {
            looks.push(day);
        }
    }
    let next = looks.into_iter().map(|day| morning(at, day)).filter(|look| *look > at.now).min();
    // A charge that is late at Zoho is looked for daily.
    Plan { due, look_at: next.unwrap_or_else(|| morning(at, today + Days::new(1))) }
}

/// Until when nothing may be charged, where that notice is sent today: its days, seven at most (UTC).
pub(super) fn hold_until(state: &State, item: Item, at: &At) -> Option<DateTime<Utc>> {
    let ours = state.facts.survey.as_ref().is_some_and(|s| s.owner == Some(CollectionOwner::Orchestrator));
    if !ours || !is_required(state, item.notice) {
        return None;
    }
    let today = at.date(at.now);
    let end = (today + days(item.notice)).min(item.charge_on + HOLD_AT_MOST);
    (end > item.charge_on && end > today).then(|| instant(at, end, NaiveTime::MIN))
}

fn morning(at: &At, day: NaiveDate) -> DateTime<Utc> {
    instant(at, day, HOUR)
}

fn instant(at: &At, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    (day.and_time(time) - TimeDelta::seconds(i64::from(at.books_offset))).and_utc()
}
