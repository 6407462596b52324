//! R7: our subscriptions against Zoho's: that each is there, once, and that nobody else collects.

use super::compare::{Entry, Side, State, compare};
use super::{About, Code, Found, Judged, Leg};
use crate::kernel::answer::CollectionOwner;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A subscription as Zoho's list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Zoho subscription id.
    pub id: String,
    /// Zoho's status text.
    pub status: String,
    /// Zoho would charge by itself; none: the row does not say.
    pub auto_collect: Option<bool>,
    /// Our reference on it; empty: none.
    pub reference: String,
    /// Day of the next invoice (books zone).
    pub next_billing_on: Option<NaiveDate>,
}

/// A subscription of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Our subscription id.
    pub subscription: String,
    /// Zoho subscription id.
    pub zoho: String,
    /// Who collects; none: nobody, it is mirrored.
    pub owner: Option<CollectionOwner>,
}

/// Both books.
#[derive(Debug, Clone, Default)]
pub struct Subscriptions {
    /// Ours.
    pub linked: Vec<Linked>,
    /// Theirs.
    pub shown: Vec<Shown>,
    /// The list was read whole.
    pub complete: bool,
    /// When (UTC).
    pub read_at: DateTime<Utc>,
}

/// A bill date may lie back for so long before it is told.
const LATE_BILL: TimeDelta = TimeDelta::days(2);

fn is_live(status: &str) -> bool {
    !matches!(status, "cancelled" | "expired" | "trial_expired" | "cancelled_from_dunning" | "cancelled_this_month")
}

/// Judges the leg. `today`: in the books zone.
pub fn judge(books: &Subscriptions, now: DateTime<Utc>, today: NaiveDate) -> Judged {
    let ours: BTreeSet<&str> = books.linked.iter().map(|linked| linked.zoho.as_str()).collect();
    let entry = |key: &str, id: String, at: DateTime<Utc>| Entry {
        key: key.to_owned(),
        id,
        amount: None,
        fields: BTreeMap::new(),
        at,
        made: at,
        moving: false,
        about: About { subscription: Some(key.to_owned()), ..About::default() },
    };
    // Nothing here follows something else: who collects is so or not.
    let old = books.read_at - Leg::R7.late_after();
    let left = books.linked.iter().map(|linked| {
        let owner = linked.owner.map_or("nobody", owner_word);
        let mut entry = entry(&linked.zoho, format!("{} collected by {owner}", linked.subscription), old);
        if let Some(owner) = linked.owner {
            let by_zoho = if owner == CollectionOwner::ZohoNative { "on" } else { "off" };
            entry.fields.insert("automatic collection", by_zoho.to_owned());
        }
        entry
    });
    // What is none of ours is nobody's difference: another product's subscription, or one that is being sold now.
    let right = books.shown.iter().filter(|shown| ours.contains(shown.id.as_str())).map(|shown| {
        let mut entry = entry(&shown.id, format!("Zoho ({})", shown.status), old);
        if let Some(on) = shown.auto_collect.filter(|_| is_live(&shown.status)) {
            entry.fields.insert("automatic collection", if on { "on" } else { "off" }.to_owned());
        }
        entry
    });
    let left = Side { entries: left.collect(), complete: true, ..Side::default() };
    let right = Side { entries: right.collect(), complete: books.complete, ..Side::default() };
    let pairs = compare(left, right, now, Leg::R7.late_after());
    let mut judged = Judged::of(Leg::R7, books.complete, &pairs, |pair| match &pair.state {
        State::Data(_) if pair.right.iter().any(|entry| entry.fields.values().any(|value| value == "on")) => {
            Found::of(pair, Code::D30, "Zoho collects by itself what another is to collect".to_owned())
        }
        State::Data(_) => Found::of(pair, Code::D29, "Zoho is to collect by itself, and does not".to_owned()),
        _ => Found::of(pair, Code::D29, "the linked subscription is not in Zoho's list".to_owned()),
    });
    judged.found.extend(twins(books));
    judged.found.extend(books.shown.iter().filter(|shown| ours.contains(shown.id.as_str())).filter_map(|shown| {
        let due = shown.next_billing_on.filter(|due| is_live(&shown.status) && *due + LATE_BILL < today)?;
        let left = format!("to be billed on {due}");
        let detail = "its bill date has passed, and Zoho has raised nothing".to_owned();
        Some(plain(Code::D31, &shown.id, Some(&shown.id), left, format!("today is {today}"), detail, now))
    }));
    judged
}

fn twins(books: &Subscriptions) -> Vec<Found> {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for shown in books.shown.iter().filter(|shown| is_live(&shown.status) && !shown.reference.is_empty()) {
        by.entry(shown.reference.as_str()).or_default().push(shown.id.as_str());
    }
    let twins = by.into_iter().filter(|(_, ids)| ids.len() > 1);
    let found = twins.map(|(reference, ids)| {
        let (left, right) = (format!("one order {reference}"), ids.join(", "));
        let detail = format!("{} live subscriptions carry the reference {reference}", ids.len());
        plain(Code::D43, reference, ids.first().copied(), left, right, detail, books.read_at)
    });
    found.collect()
}

fn plain(
    code: Code,
    key: &str,
    subscription: Option<&str>,
    left: String,
    right: String,
    detail: String,
    dated: DateTime<Utc>,
) -> Found {
    Found {
        code,
        key: key.to_owned(),
        severity: code.severity(),
        about: About { subscription: subscription.map(str::to_owned), ..About::default() },
        left,
        right,
        at_risk: None,
        difference: Vec::new(),
        detail,
        dated,
        act: None,
    }
}

const fn owner_word(owner: CollectionOwner) -> &'static str {
    match owner {
        CollectionOwner::Orchestrator => "us",
        CollectionOwner::BraintreeRecurring => "Braintree",
        CollectionOwner::ZohoNative => "Zoho",
    }
}
