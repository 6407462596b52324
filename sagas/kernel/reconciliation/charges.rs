//! R1: what we asked for and booked, against Braintree's sales. A sale that declined, failed or was rejected is nobody's
//! charge, whatever order id it carries.

use super::compare::{Entry, Side, State, compare};
use super::{About, Code, Found, Judged, Leg};
use crate::kernel::money::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A transaction as Braintree shows it: a sale, or a refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Transaction id.
    pub id: String,
    /// `order_id`; empty: it has none.
    pub order_id: String,
    /// Amount.
    pub amount: Money,
    /// Braintree's status word.
    pub status: String,
    /// It takes money, or holds it, or is about to.
    pub stands: bool,
    /// It is a hold alone.
    pub held: bool,
    /// It gives money back.
    pub is_credit: bool,
    /// Of a refund: the sale.
    pub refund_of: Option<String>,
    /// Braintree's own subscription that charged it.
    pub subscription: Option<String>,
    /// When it was made (UTC).
    pub created_at: DateTime<Utc>,
}

/// What the ledger holds of a transaction, in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booked {
    /// Transaction id.
    pub transaction: String,
    /// CAPTURE less CAPTURE_REVERSED.
    pub captured: Money,
    /// AUTH less AUTH_RELEASED.
    pub held: Money,
    /// APPLY less UNAPPLY.
    pub applied: Money,
    /// What of it is on 2100.
    pub unapplied: Money,
    /// What of it is on 1110: not settled.
    pub submitted: Money,
    /// When it was booked first (UTC).
    pub since: DateTime<Utc>,
    /// When something of it was booked last (UTC).
    pub at: DateTime<Utc>,
    /// What it concerns.
    pub about: About,
}

/// A charge that was asked for, and of which nothing is known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Under which order id.
    pub order_id: String,
    /// How much.
    pub amount: Money,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// What it concerns.
    pub about: About,
}

/// Both books.
#[derive(Debug, Clone, Default)]
pub struct Charges {
    /// Beginning of our order ids, up to its dot.
    pub prefix: String,
    /// Everything of the window that Braintree shows, refunds too.
    pub sales: Vec<Sale>,
    /// The window was read whole.
    pub complete: bool,
    /// What the ledger holds of these and of the window.
    pub booked: Vec<Booked>,
    /// Asked for, and in doubt.
    pub asked: Vec<Asked>,
    /// Braintree's own recurring billing collects for some subscription: its sales are not ours to ask for.
    pub recurring_elsewhere: bool,
}

/// Judges the leg.
pub fn judge(books: &Charges, now: DateTime<Utc>) -> Judged {
    let known: BTreeSet<&str> =
        books.booked.iter().filter(|b| stands(b) != 0).map(|b| b.transaction.as_str()).collect();
    let asked: BTreeSet<&str> = books.asked.iter().map(|asked| asked.order_id.as_str()).collect();
    let by_id: BTreeMap<&str, &Sale> = books.sales.iter().map(|sale| (sale.id.as_str(), sale)).collect();
    let ours = books.booked.iter().filter(|booked| stands(booked) != 0).map(|booked| Entry {
        key: booked.transaction.clone(),
        id: "booked".to_owned(),
        amount: Some(Money::new(stands(booked), booked.captured.currency)),
        fields: BTreeMap::new(),
        at: booked.at,
        made: booked.since,
        moving: false,
        about: booked.about.clone(),
    });
    // What was asked under an order id and booked under its transaction is one charge.
    let answered: BTreeSet<&str> =
        books.sales.iter().filter(|sale| known.contains(sale.id.as_str())).map(|sale| sale.order_id.as_str()).collect();
    let open = books.asked.iter().filter(|asked| !answered.contains(asked.order_id.as_str())).map(|asked| Entry {
        key: asked.order_id.clone(),
        id: "asked".to_owned(),
        amount: Some(asked.amount),
        fields: BTreeMap::new(),
        at: asked.at,
        made: asked.at,
        moving: false,
        about: asked.about.clone(),
    });
    let theirs = books.sales.iter().filter(|sale| !sale.is_credit).filter_map(|sale| {
        let is_known = known.contains(sale.id.as_str());
        if (!sale.stands && !is_known) || (sale.subscription.is_some() && books.recurring_elsewhere && !is_known) {
            return None;
        }
        let by_order = !is_known && asked.contains(sale.order_id.as_str());
        let amount = if sale.stands { sale.amount } else { Money::zero(sale.amount.currency) };
        Some(Entry {
            key: if by_order { sale.order_id.clone() } else { sale.id.clone() },
            id: format!("{} ({})", sale.id, sale.status),
            amount: Some(amount),
            fields: BTreeMap::new(),
            at: sale.created_at,
            made: sale.created_at,
            moving: false,
            about: About { transaction: Some(sale.id.clone()), ..About::default() },
        })
    });
    let left = Side { entries: ours.chain(open).collect(), complete: true, ..Side::default() };
    let right = Side { entries: theirs.collect(), complete: books.complete, ..Side::default() };
    let pairs = compare(left, right, now, Leg::R1.late_after());
    Judged::of(Leg::R1, books.complete, &pairs, |pair| match &pair.state {
        State::RightOnly => {
            let sale = pair.about().transaction.and_then(|id| by_id.get(id.as_str()).copied());
            let from = sale.map_or("its source is not known", |sale| source(sale, &books.prefix));
            Found::of(pair, Code::D01, format!("Braintree shows a sale that our log does not know: {from}"))
        }
        State::Currency => Found::of(pair, Code::D04, "the sale stands in another currency than we booked".to_owned()),
        State::LeftOnly => {
            Found::of(pair, Code::D02, "Braintree shows no sale for what we asked for or booked".to_owned())
        }
        _ => Found::of(pair, Code::D03, "what stands at Braintree is not what we booked".to_owned()),
    })
}

/// What our books say stands of a transaction: captured, or held.
const fn stands(booked: &Booked) -> i64 {
    booked.captured.minor.saturating_add(booked.held.minor)
}

/// Who may have made a sale that we did not ask for.
fn source(sale: &Sale, prefix: &str) -> &'static str {
    if sale.subscription.is_some() {
        "it was made by Braintree's own recurring billing"
    } else if !prefix.is_empty() && sale.order_id.starts_with(prefix) {
        "it carries an order id of ours"
    } else {
        "it was made in the console or by another program"
    }
}
