//! Pairs two sides by key. Several things under one key are one pair: their amounts are added. An exact key with unequal
//! values is a mismatch, never a missing pair; a side that was not read whole misses nothing.

use super::About;
use crate::kernel::money::Money;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One thing in one book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// By what it is paired.
    pub key: String,
    /// Its id in its book.
    pub id: String,
    /// How much; none: it is not about an amount.
    pub amount: Option<Money>,
    /// What else must agree, where both sides say it.
    pub fields: BTreeMap<&'static str, String>,
    /// Since when it is so (UTC).
    pub at: DateTime<Utc>,
    /// When it was made (UTC): by this it lies in a window, or does not.
    pub made: DateTime<Utc>,
    /// Something is known to be under way that will change it.
    pub moving: bool,
    /// What it concerns.
    pub about: About,
}

/// One book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// What is in it.
    pub entries: Vec<Entry>,
    /// All of it was read.
    pub complete: bool,
    /// Keys of which it was not read what is there.
    pub unread: BTreeSet<String>,
}

/// How a pair stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Both say the same.
    Matched,
    /// They differ, and one is still within the time in which it follows.
    InProgress,
    /// One side has nothing, and was not read whole.
    NotRead,
    /// The right side has nothing.
    LeftOnly,
    /// The left side has nothing.
    RightOnly,
    /// Two currencies.
    Currency,
    /// Left is more.
    Over,
    /// Left is less.
    Under,
    /// These fields differ.
    Data(Vec<&'static str>),
}

/// What stands under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: String,
    /// On the left.
    pub left: Vec<Entry>,
    /// On the right.
    pub right: Vec<Entry>,
    /// How it stands.
    pub state: State,
}

/// Counts and sums of one currency. `left - right` is what is found, in progress and not read together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// ISO 4217.
    pub currency: String,
    /// Things and minor units on the left.
    pub left: (u64, i64),
    /// Things and minor units on the right.
    pub right: (u64, i64),
    /// Pairs that agree, and their sum.
    pub matched: (u64, i64),
    /// Left less right of all pairs that are found, in minor units.
    pub found: i64,
    /// Left less right of those in progress.
    pub in_progress: i64,
    /// Left less right of those that could not be judged.
    pub not_read: i64,
}

/// Pairs both sides. What differs is in progress for so long after the younger of both changed.
pub fn compare(left: Side, right: Side, now: DateTime<Utc>, late_after: TimeDelta) -> Vec<Pair> {
    let mut pairs: BTreeMap<String, (Vec<Entry>, Vec<Entry>)> = BTreeMap::new();
    for entry in left.entries {
        pairs.entry(entry.key.clone()).or_default().0.push(entry);
    }
    for entry in right.entries {
        pairs.entry(entry.key.clone()).or_default().1.push(entry);
    }
    let missing = |side_complete: bool, unread: &BTreeSet<String>, key: &str| side_complete && !unread.contains(key);
    let judge = |(key, (of_left, of_right)): (String, (Vec<Entry>, Vec<Entry>))| {
        let state = match state(&of_left, &of_right) {
            State::Matched => State::Matched,
            State::LeftOnly if !missing(right.complete, &right.unread, &key) => State::NotRead,
            State::RightOnly if !missing(left.complete, &left.unread, &key) => State::NotRead,
            differs => {
                let all = || of_left.iter().chain(&of_right);
                let young = all().any(|entry| entry.at + late_after > now);
                if young || all().any(|entry| entry.moving) { State::InProgress } else { differs }
            }
        };
        Pair { key, left: of_left, right: of_right, state }
    };
    pairs.into_iter().map(judge).collect()
}

fn state(left: &[Entry], right: &[Entry]) -> State {
    match (left.is_empty(), right.is_empty()) {
        (_, true) => return State::LeftOnly,
        (true, false) => return State::RightOnly,
        (false, false) => {}
    }
    let (sums, theirs) = (sums(left), sums(right));
    if !sums.keys().eq(theirs.keys()) {
        return State::Currency;
    }
    for (currency, sum) in &sums {
        let other = theirs.get(currency).copied().unwrap_or_default();
        match sum.cmp(&other) {
            std::cmp::Ordering::Greater => return State::Over,
            std::cmp::Ordering::Less => return State::Under,
            std::cmp::Ordering::Equal => {}
        }
    }
    let mut fields = BTreeSet::new();
    for (one, other) in left.iter().flat_map(|one| right.iter().map(move |other| (one, other))) {
        for (name, value) in &one.fields {
            if other.fields.get(name).is_some_and(|theirs| theirs != value) {
                fields.insert(*name);
            }
        }
    }
    if fields.is_empty() { State::Matched } else { State::Data(fields.into_iter().collect()) }
}

/// Sums by currency code.
fn sums(entries: &[Entry]) -> BTreeMap<&'static str, i64> {
    let mut sums = BTreeMap::new();
    for amount in entries.iter().filter_map(|entry| entry.amount) {
        let sum: &mut i64 = sums.entry(amount.currency.code()).or_default();
        *sum = sum.saturating_add(amount.minor);
    }
    sums
}

/// What one side of a pair says, for people.
pub(super) fn said(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "nothing".to_owned();
    }
    let one = |entry: &Entry| {
        let amount = entry.amount.map(|amount| amount.to_string());
        let fields = entry.fields.iter().map(|(name, value)| format!("{name} {value}"));
        let told: Vec<String> = std::iter::once(entry.id.clone()).chain(amount).chain(fields).collect();
        told.join(", ")
    };
    entries.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl Pair {
    /// Left less right, by currency; what is zero is left out.
    pub fn difference(&self) -> Vec<Money> {
        let mut by = BTreeMap::new();
        let signed = self.left.iter().map(|entry| (entry, 1)).chain(self.right.iter().map(|entry| (entry, -1)));
        for (amount, sign) in signed.filter_map(|(entry, sign)| Some((entry.amount?, sign))) {
            let sum = by.entry(amount.currency.code()).or_insert(Money::zero(amount.currency));
            sum.minor = sum.minor.saturating_add(amount.minor.saturating_mul(sign));
        }
        by.into_values().filter(|sum| sum.minor != 0).collect()
    }

    /// The largest difference, or the larger side where both are equal; never negative.
    pub fn at_risk(&self) -> Option<Money> {
        let absolute = |amount: Money| Money::new(amount.minor.saturating_abs(), amount.currency);
        let of_difference = self.difference().into_iter().map(absolute).max_by_key(|amount| amount.minor);
        let all = self.left.iter().chain(&self.right).filter_map(|entry| entry.amount);
        of_difference.or_else(|| all.map(absolute).max_by_key(|amount| amount.minor))
    }

    /// What it concerns, as far as either side says it.
    pub fn about(&self) -> About {
        let all = self.left.iter().chain(&self.right);
        all.fold(About::default(), |about, entry| about.or(&entry.about))
    }

    /// When the first of it was made.
    pub fn dated(&self) -> DateTime<Utc> {
        let all = self.left.iter().chain(&self.right);
        all.map(|entry| entry.made).min().unwrap_or_default()
    }
}

/// Totals by currency.
pub fn totals(pairs: &[Pair]) -> Vec<Total> {
    let mut by: BTreeMap<&'static str, Total> = BTreeMap::new();
    let mut of = |code: &'static str, change: &mut dyn FnMut(&mut Total)| {
        change(by.entry(code).or_insert_with(|| Total {
            currency: code.to_owned(),
            left: (0, 0),
            right: (0, 0),
            matched: (0, 0),
            found: 0,
            in_progress: 0,
            not_read: 0,
        }));
    };
    for pair in pairs {
        for amount in pair.left.iter().filter_map(|entry| entry.amount) {
            of(amount.currency.code(), &mut |total| add(&mut total.left, amount.minor));
        }
        for amount in pair.right.iter().filter_map(|entry| entry.amount) {
            of(amount.currency.code(), &mut |total| add(&mut total.right, amount.minor));
        }
        if pair.state == State::Matched {
            for (code, sum) in sums(&pair.left) {
                of(code, &mut |total| add(&mut total.matched, sum));
            }
        }
        for difference in pair.difference() {
            of(difference.currency.code(), &mut |total| {
                let part = match pair.state {
                    State::InProgress => &mut total.in_progress,
                    State::NotRead => &mut total.not_read,
                    _ => &mut total.found,
                };
                *part = part.saturating_add(difference.minor);
            });
        }
    }
    by.into_values().collect()
}

fn add(to: &mut (u64, i64), minor: i64) {
    *to = (to.0 + 1, to.1.saturating_add(minor));
}
