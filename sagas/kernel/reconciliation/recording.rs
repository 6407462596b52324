//! R2: Braintree's sales against the payments that Zoho shows. The one key is the bare transaction id as the payment's
//! reference; what only looks alike is nobody's pair.

use super::charges::{Booked, Sale};
use super::compare::{Entry, Pair, Side, State, compare};
use super::{About, Act, Code, Found, Judged, Leg};
use crate::kernel::money::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An invoice of Zoho's with its payments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detailed {
    /// Zoho invoice id.
    pub id: String,
    /// Zoho's status text.
    pub status: String,
    /// Gross total.
    pub total: Money,
    /// Still owed.
    pub balance: Money,
    /// Sum of tax; absent where Zoho does not say.
    pub tax: Option<Money>,
    /// Payments applied to it.
    pub payments: Vec<Recorded>,
}

/// A payment that is applied to an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Zoho payment id.
    pub id: String,
    /// Its reference; ours is a bare transaction id.
    pub reference: String,
    /// What of it is applied there.
    pub amount: Money,
}

/// Both books.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// Beginning of our order ids, up to its dot.
    pub prefix: String,
    /// Everything of the window that Braintree shows.
    pub sales: Vec<Sale>,
    /// The window was read whole.
    pub complete: bool,
    /// What the ledger holds of these, and of the references below.
    pub booked: Vec<Booked>,
    /// The invoices that were read.
    pub invoices: Vec<Detailed>,
    /// When they were read (UTC).
    pub read_at: DateTime<Utc>,
}

/// The invoice that a sale was made for: as the ledger says, else as its order id does.
pub fn invoice_of<'a>(sale: &'a Sale, booked: Option<&'a Booked>, prefix: &str) -> Option<&'a str> {
    let said = booked.and_then(|booked| booked.about.invoice.as_deref());
    said.or_else(|| {
        let rest = sale.order_id.strip_prefix(prefix)?.strip_prefix("inv.")?;
        rest.split_once('.').map(|(invoice, _)| invoice)
    })
}

/// What the judge needs at hand.
struct Known<'a> {
    booked: BTreeMap<&'a str, &'a Booked>,
    invoices: BTreeMap<&'a str, &'a Detailed>,
    sales: BTreeMap<&'a str, &'a Sale>,
    /// The invoice of each sale that stands and is captured.
    charged: BTreeMap<&'a str, &'a str>,
}

/// Judges the leg.
pub fn judge(books: &Recording, now: DateTime<Utc>) -> Judged {
    let booked: BTreeMap<&str, &Booked> = books.booked.iter().map(|b| (b.transaction.as_str(), b)).collect();
    let sales: BTreeMap<&str, &Sale> = books.sales.iter().map(|sale| (sale.id.as_str(), sale)).collect();
    let live = |sale: &&Sale| sale.stands && !sale.held && !sale.is_credit;
    let charged = books.sales.iter().filter(live).filter_map(|sale| {
        let of = booked.get(sale.id.as_str()).copied();
        Some((sale.id.as_str(), invoice_of(sale, of, &books.prefix)?))
    });
    let invoices = books.invoices.iter().map(|invoice| (invoice.id.as_str(), invoice)).collect();
    let known = Known { charged: charged.collect(), booked, invoices, sales };

    let mut unread = BTreeSet::new();
    let mut left = Vec::new();
    for (id, invoice) in &known.charged {
        let Some(sale) = known.sales.get(id) else { continue };
        if !known.invoices.contains_key(invoice) {
            unread.insert((*id).to_owned());
        }
        left.push(known.taken(sale, invoice));
    }
    let mut right = Vec::new();
    for (invoice, payment) in books.invoices.iter().flat_map(|i| i.payments.iter().map(move |p| (i, p))) {
        let reference = payment.reference.as_str();
        let is_braintrees = known.charged.contains_key(reference)
            || known.sales.get(reference).is_some_and(|sale| !sale.is_credit)
            || known.booked.contains_key(reference);
        if is_braintrees {
            right.push(known.recorded(invoice, payment, books.read_at));
        }
    }
    // A remainder that our books explain is no difference.
    for (id, invoice) in &known.charged {
        let has_record = right.iter().any(|entry| entry.key == *id);
        let rest = known.booked.get(id).map(|booked| booked.unapplied).filter(|rest| rest.minor > 0);
        if let (true, Some(rest)) = (has_record, rest) {
            let about = About { invoice: Some((*invoice).to_owned()), ..About::default() };
            right.push(Entry {
                key: (*id).to_owned(),
                id: "unapplied in our books".to_owned(),
                amount: Some(rest),
                fields: BTreeMap::new(),
                at: books.read_at - Leg::R2.late_after(),
                made: books.read_at,
                moving: false,
                about,
            });
        }
    }
    let left = Side { entries: left, complete: books.complete, ..Side::default() };
    let right = Side { entries: right, complete: true, unread };
    let pairs = compare(left, right, now, Leg::R2.late_after());
    Judged::of(Leg::R2, books.complete, &pairs, |pair| known.finding(pair))
}

impl Known<'_> {
    /// A sale: what of it is still there for its invoice. What was given back since is no one's payment.
    fn taken(&self, sale: &Sale, invoice: &str) -> Entry {
        let booked = self.booked.get(sale.id.as_str());
        let amount = booked.filter(|booked| booked.captured.minor > 0).map_or(sale.amount, |booked| {
            let gone = booked.captured.minor - booked.applied.minor - booked.unapplied.minor;
            Money::new(sale.amount.minor.saturating_sub(gone.max(0)), sale.amount.currency)
        });
        let about = About {
            invoice: Some(invoice.to_owned()),
            transaction: Some(sale.id.clone()),
            ..booked.map(|booked| booked.about.clone()).unwrap_or_default()
        };
        Entry {
            key: sale.id.clone(),
            id: format!("{} ({})", sale.id, sale.status),
            amount: Some(amount),
            fields: BTreeMap::from([("invoice", invoice.to_owned())]),
            at: booked.map_or(sale.created_at, |booked| booked.at),
            made: sale.created_at,
            moving: false,
            about,
        }
    }

    fn recorded(&self, invoice: &Detailed, payment: &Recorded, read_at: DateTime<Utc>) -> Entry {
        let booked = self.booked.get(payment.reference.as_str());
        let about = About {
            invoice: Some(invoice.id.clone()),
            transaction: Some(payment.reference.clone()),
            ..booked.map(|booked| booked.about.clone()).unwrap_or_default()
        };
        Entry {
            key: payment.reference.clone(),
            id: format!("payment {}", payment.id),
            amount: Some(payment.amount),
            fields: BTreeMap::from([("invoice", invoice.id.clone())]),
            // When it was recorded no one says: nothing that is read is young.
            at: booked.map_or(read_at - Leg::R2.late_after(), |booked| booked.at),
            made: booked.map_or(read_at, |booked| booked.since),
            moving: false,
            about,
        }
    }

    fn finding(&self, pair: &Pair) -> Found {
        let about = pair.about();
        let look = about.invoice.clone().map(|invoice| Act::LookAgain { invoice });
        match &pair.state {
            State::LeftOnly => self.not_recorded(pair, look),
            State::Over => {
                Found::of(pair, Code::D05, "less is recorded in Zoho than was charged".to_owned()).then(look)
            }
            State::RightOnly => {
                let status = self.sales.get(pair.key.as_str()).map(|sale| sale.status.as_str());
                let status = status.unwrap_or("in none of the sales that were read");
                let detail = format!("Zoho shows a payment of a transaction that took nothing: it is {status}");
                Found::of(pair, Code::D06, detail).then(look)
            }
            State::Under if pair.right.len() > 1 => {
                Found::of(pair, Code::D09, "several payments in Zoho carry this transaction's id".to_owned())
            }
            State::Data(_) => {
                Found::of(pair, Code::D10, "the payment is on another invoice than was charged".to_owned())
            }
            _ => Found::of(pair, Code::D06, "more is recorded in Zoho than was charged".to_owned()).then(look),
        }
    }

    /// Charged and not recorded: because another payment already covers the invoice, or because nobody has recorded it.
    fn not_recorded(&self, pair: &Pair, look: Option<Act>) -> Found {
        let about = pair.about();
        let invoice = about.invoice.as_deref().and_then(|id| self.invoices.get(id).copied());
        let others = self.charged.iter().filter(|(id, of)| **id != pair.key && Some(**of) == about.invoice.as_deref());
        let covered = |invoice: &Detailed| invoice.balance.minor == 0;
        let by_us = others.clone().any(|(id, _)| {
            invoice.is_some_and(|invoice| invoice.payments.iter().any(|payment| payment.reference == **id))
        });
        let by_others = invoice.is_some_and(|invoice| {
            invoice.payments.iter().any(|payment| !self.charged.contains_key(payment.reference.as_str()))
        });
        match invoice {
            Some(invoice) if covered(invoice) && by_us => {
                Found::of(pair, Code::D07, "another sale of ours has paid the invoice".to_owned())
            }
            Some(invoice) if covered(invoice) && by_others => {
                Found::of(pair, Code::D08, "the invoice was paid by other means as well".to_owned())
            }
            _ => Found::of(pair, Code::D05, "no payment in Zoho carries this transaction's id".to_owned()).then(look),
        }
    }
}
