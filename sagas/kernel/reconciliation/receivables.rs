//! R3: Zoho's invoices against our receivables (1200). Drafts are no receivables; a void invoice owes nothing.

use super::compare::{Entry, Pair, Side, State, compare};
use super::{About, Act, Code, Found, Judged, Leg};
use crate::kernel::money::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An invoice as Zoho's list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Zoho invoice id.
    pub id: String,
    /// Zoho customer id.
    pub customer: Option<String>,
    /// Zoho's status text.
    pub status: String,
    /// Gross total; absent where the row does not say it.
    pub total: Option<Money>,
    /// Still owed; absent where the row does not say it.
    pub balance: Option<Money>,
    /// Sum of tax, where the invoice itself was read and says it.
    pub tax: Option<Money>,
    /// When it was made (UTC), where the row says it.
    pub made_at: Option<DateTime<Utc>>,
    /// When it was changed last (UTC).
    pub changed_at: Option<DateTime<Utc>>,
}

/// What our ledger says of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Zoho invoice id.
    pub invoice: String,
    /// INVOICE_ISSUED less what took it back.
    pub total: Money,
    /// Its books began with the opening position: total and tax of before are in nobody's journals.
    #[serde(default)]
    pub opened: bool,
    /// What stands on 1200.
    pub balance: Money,
    /// What stands on 2200; none: no tax was booked.
    pub tax: Option<Money>,
    /// Its flow is at work on it now.
    pub busy: bool,
    /// When something of it was booked last (UTC).
    pub at: DateTime<Utc>,
    /// What it concerns.
    pub about: About,
}

/// Both books.
#[derive(Debug, Clone, Default)]
pub struct Receivables {
    /// The list.
    pub shown: Vec<Shown>,
    /// It was read whole.
    pub complete: bool,
    /// Ours: of all invoices that are shown, and all that are open.
    pub owed: Vec<Owed>,
    /// Invoices that our flows try to collect, and the flow's word for it.
    pub dunned: BTreeMap<String, String>,
    /// When the list was read (UTC).
    pub read_at: DateTime<Utc>,
    /// Who finds an invoice that was made before in Zoho alone has found nothing (UTC): the books were not open.
    pub opened: Option<DateTime<Utc>>,
}

/// Zoho has not finished the invoice.
fn is_unfinished(status: &str) -> bool {
    matches!(status, "draft" | "pending" | "pending_approval" | "approved" | "rejected")
}

/// Judges the leg.
pub fn judge(books: &Receivables, now: DateTime<Utc>) -> Judged {
    let mut unread = BTreeSet::new();
    let mut theirs = Vec::new();
    let unfinished: BTreeSet<&str> =
        books.shown.iter().filter(|shown| is_unfinished(&shown.status)).map(|shown| shown.id.as_str()).collect();
    let ours: BTreeMap<&str, &Owed> = books.owed.iter().map(|owed| (owed.invoice.as_str(), owed)).collect();
    for shown in books.shown.iter().filter(|shown| !unfinished.contains(shown.id.as_str())) {
        let (Some(total), Some(balance)) = (shown.total, shown.balance) else {
            unread.insert(shown.id.clone());
            continue;
        };
        let is_void = shown.status == "void";
        let zero = Money::zero(total.currency);
        let (total, balance) = if is_void { (zero, zero) } else { (total, balance) };
        // What owes nothing and never did is in nobody's books; nor is what is older than they are.
        let is_historic = books.opened.zip(shown.made_at).is_some_and(|(opened, made)| made < opened);
        if !ours.contains_key(shown.id.as_str()) && ((total.minor == 0 && balance.minor == 0) || is_historic) {
            continue;
        }
        let mut fields = BTreeMap::from([("total", total.to_string())]);
        fields.extend(shown.tax.filter(|_| !is_void).map(|tax| ("tax", tax.to_string())));
        theirs.push(Entry {
            key: shown.id.clone(),
            id: format!("Zoho ({})", shown.status),
            amount: Some(balance),
            fields,
            at: shown.changed_at.unwrap_or(books.read_at - Leg::R3.late_after()),
            made: shown.made_at.or(shown.changed_at).unwrap_or(books.read_at),
            moving: false,
            about: About { invoice: Some(shown.id.clone()), ..About::default() },
        });
    }
    let owed = books.owed.iter().filter(|owed| !unfinished.contains(owed.invoice.as_str()));
    let owed = owed.filter(|owed| owed.balance.minor != 0 || owed.total.minor != 0 || has(&theirs, &owed.invoice));
    let entries = owed.map(|owed| {
        let mut fields = BTreeMap::new();
        if !owed.opened {
            fields.insert("total", owed.total.to_string());
            fields.extend(owed.tax.filter(|_| owed.total.minor != 0).map(|tax| ("tax", tax.to_string())));
        }
        Entry {
            key: owed.invoice.clone(),
            id: "ledger".to_owned(),
            amount: Some(owed.balance),
            fields,
            at: owed.at,
            made: owed.at,
            moving: owed.busy,
            about: owed.about.clone(),
        }
    });
    let right = Side { entries: entries.collect(), complete: true, ..Side::default() };
    let left = Side { entries: theirs, complete: books.complete, unread };
    let pairs = compare(left, right, now, Leg::R3.late_after());
    let mut judged = Judged::of(Leg::R3, books.complete, &pairs, finding);
    judged.found.extend(books.shown.iter().filter_map(|shown| dunned(books, shown, &ours, now)));
    judged
}

/// Paid at Zoho for longer than our flow may take to see it, and collected all the same.
fn dunned(books: &Receivables, shown: &Shown, ours: &BTreeMap<&str, &Owed>, now: DateTime<Utc>) -> Option<Found> {
    let state = books.dunned.get(&shown.id)?;
    let total = shown.total.filter(|total| total.is_positive())?;
    let is_paid = shown.status == "paid" && shown.balance.is_some_and(|balance| balance.minor == 0);
    let changed = shown.changed_at.filter(|at| is_paid && *at + Leg::R1.late_after() < now)?;
    let about = ours.get(shown.id.as_str()).map(|owed| owed.about.clone()).unwrap_or_default();
    Some(Found {
        code: Code::D28,
        key: shown.id.clone(),
        severity: Code::D28.severity(),
        about: About { invoice: Some(shown.id.clone()), ..about },
        left: format!("Zoho ({})", shown.status),
        right: format!("our flow ({state})"),
        at_risk: Some(total),
        difference: Vec::new(),
        detail: "Zoho shows it as paid, and it is still being collected".to_owned(),
        dated: changed,
        act: Some(Act::LookAgain { invoice: shown.id.clone() }),
    })
}

fn has(entries: &[Entry], key: &str) -> bool {
    entries.iter().any(|entry| entry.key == key)
}

fn finding(pair: &Pair) -> Found {
    let look = Some(Act::LookAgain { invoice: pair.key.clone() });
    match &pair.state {
        State::LeftOnly => Found::of(pair, Code::D12, "our ledger does not know the invoice".to_owned()).then(look),
        State::RightOnly => {
            Found::of(pair, Code::D13, "Zoho's list does not contain the invoice".to_owned()).then(look)
        }
        State::Data(fields) if fields.as_slice() == ["tax"] => {
            Found::of(pair, Code::D14, "the tax is not the same".to_owned())
        }
        State::Data(fields) => {
            Found::of(pair, Code::D11, format!("the {} is not the same", fields.join(" and the "))).then(look)
        }
        _ => Found::of(pair, Code::D11, "the balance is not the same".to_owned()).then(look),
    }
}
