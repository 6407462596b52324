//! R9: Braintree's refunds against those that our log knows. One that others made of a sale in our books is opened as
//! a refund of its own. Whether Zoho shows them is the refund flow's to record.

use super::charges::{Booked, Sale};
use super::compare::{Entry, Side, compare};
use super::{About, Act, Code, Found, Judged, Leg};
use crate::kernel::money::Money;
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, BTreeSet};

/// Both books.
#[derive(Debug, Clone, Default)]
pub struct Refunds {
    /// How order ids of our own refunds begin.
    pub prefix: String,
    /// Everything of the window that Braintree shows.
    pub sales: Vec<Sale>,
    /// The window was read whole.
    pub complete: bool,
    /// Ids of refunds that stand somewhere in our log.
    pub known: BTreeSet<String>,
    /// What the ledger holds of the sales that were refunded.
    pub booked: Vec<Booked>,
}

/// Judges the leg.
pub fn judge(books: &Refunds, now: DateTime<Utc>) -> Judged {
    let booked: BTreeMap<&str, &Booked> = books.booked.iter().map(|b| (b.transaction.as_str(), b)).collect();
    let sales: BTreeMap<&str, &Sale> = books.sales.iter().map(|sale| (sale.id.as_str(), sale)).collect();
    let refunds: Vec<&Sale> = books.sales.iter().filter(|sale| sale.is_credit && sale.stands).collect();
    let entry = |sale: &Sale, id: String| {
        let of = sale.refund_of.clone().unwrap_or_default();
        let about = booked.get(of.as_str()).map(|booked| booked.about.clone()).unwrap_or_default();
        Entry {
            key: sale.id.clone(),
            id,
            amount: Some(sale.amount),
            fields: BTreeMap::new(),
            at: sale.created_at,
            made: sale.created_at,
            moving: false,
            about: About { transaction: Some(of).filter(|of| !of.is_empty()), ..about },
        }
    };
    let left = refunds.iter().map(|sale| entry(sale, format!("refund {} ({})", sale.id, sale.status))).collect();
    let right = refunds.iter().filter(|sale| books.known.contains(&sale.id));
    let right = right.map(|sale| entry(sale, "in our log".to_owned())).collect();
    let left = Side { entries: left, complete: books.complete, ..Side::default() };
    let right = Side { entries: right, complete: true, ..Side::default() };
    let pairs = compare(left, right, now, Leg::R9.late_after());
    let mut judged = Judged::of(Leg::R9, books.complete, &pairs, |pair| {
        let refund = sales.get(pair.key.as_str()).copied();
        if refund.is_some_and(|refund| !books.prefix.is_empty() && refund.order_id.starts_with(&books.prefix)) {
            let detail = "a refund that was asked for here stands at Braintree, and its saga has not heard of it";
            return Found::of(pair, Code::D21, detail.to_owned());
        }
        let act = refund.and_then(|refund| {
            let of = booked.get(refund.refund_of.as_deref()?).filter(|of| of.captured.minor > 0)?;
            Some(Act::BookRefund {
                refund: refund.id.clone(),
                transaction: of.transaction.clone(),
                invoice: of.about.invoice.clone()?,
                amount: refund.amount,
            })
        });
        Found::of(pair, Code::D21, "Braintree shows a refund that our log does not know".to_owned()).then(act)
    });
    judged.found.extend(too_much(&refunds, &sales, &booked));
    judged
}

/// Sales of which more was given back than was taken.
fn too_much(refunds: &[&Sale], sales: &BTreeMap<&str, &Sale>, booked: &BTreeMap<&str, &Booked>) -> Vec<Found> {
    let mut by: BTreeMap<&str, (i64, &Sale)> = BTreeMap::new();
    for refund in refunds {
        if let Some(of) = refund.refund_of.as_deref() {
            let sum = by.entry(of).or_insert((0, refund));
            sum.0 = sum.0.saturating_add(refund.amount.minor);
        }
    }
    let taken = |of: &str| {
        let sale = sales.get(of).map(|sale| sale.amount);
        sale.or_else(|| booked.get(of).map(|booked| booked.captured))
    };
    let found = by.into_iter().filter_map(|(of, (minor, refund))| {
        let taken = taken(of).filter(|taken| taken.currency == refund.amount.currency && minor > taken.minor)?;
        let given = Money::new(minor, taken.currency);
        let about = booked.get(of).map(|booked| booked.about.clone()).unwrap_or_default();
        Some(Found {
            code: Code::D24,
            key: of.to_owned(),
            severity: Code::D24.severity(),
            about: About { transaction: Some(of.to_owned()), ..about },
            left: format!("refunds of {given}"),
            right: format!("a sale of {taken}"),
            at_risk: Some(Money::new(minor - taken.minor, taken.currency)),
            difference: Vec::new(),
            detail: "more was given back than was taken".to_owned(),
            dated: refund.created_at,
            act: None,
        })
    });
    found.collect()
}
