//! What is booked of a transaction in a payout: from where its money stands in our ledger to where the gateway shows it.
//! Knows no state and no step.

use crate::kernel::ids::Installation;
use crate::kernel::payout::{Fate, PaidOut, Payout, Position};
use crate::kernel::posting::Rule;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A transaction of a payout, weighed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Braintree transaction id.
    pub transaction: String,
    /// Under which transaction the ledger holds it: a refund under its sale.
    pub booked_under: String,
    /// What it adds to the payout, in minor units of its currency; below zero: a refund.
    pub minor: i64,
    /// How it stands now.
    pub stands: Stands,
    /// The rules that are posted, in order.
    pub rules: Vec<Rule>,
    /// Our customer id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Zoho subscription id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// Zoho invoice id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
}

/// How a transaction of a payout stands in our books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// Not booked: our books do not show it as settled yet.
    Awaited,
    /// Not booked: it was paid out in another currency than the account's.
    Foreign,
    /// Paid out.
    Paid,
    /// Held back.
    Held,
    /// Sent back by the bank.
    Returned,
}

impl Stands {
    const fn of(fate: Fate) -> Self {
        match fate {
            Fate::Paid => Self::Paid,
            Fate::Held => Self::Held,
            Fate::Returned => Self::Returned,
        }
    }

    /// The gateway or we still have something to do about it.
    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Awaited | Self::Held | Self::Returned)
    }
}

/// What a payout's transactions are weighed with.
pub(super) struct Scales<'a> {
    pub(super) payout: &'a Payout,
    pub(super) installation: &'a Installation,
    /// How each stood when it was weighed last.
    pub(super) before: &'a dyn Fn(&str) -> Option<Stands>,
    pub(super) positions: BTreeMap<String, Position>,
}

impl Scales<'_> {
    /// Weighs one. What it takes from the ledger is gone for the next one.
    pub(super) fn weigh(&mut self, item: &PaidOut) -> Entry {
        let minor = item.signed();
        let sale = item.refund_of.as_ref().filter(|sale| self.is_ours(sale, ""));
        let booked_under = sale.unwrap_or(&item.transaction).clone();
        let of = self.positions.get(&booked_under).cloned().unwrap_or_default();
        let entry = Entry {
            transaction: item.transaction.clone(),
            booked_under,
            minor,
            stands: Stands::of(item.fate),
            rules: Vec::new(),
            customer: of.customer.clone(),
            subscription: of.subscription.clone(),
            invoice: of.invoice.clone(),
        };
        let account = self.payout.currency;
        if item.amount.currency != account || item.paid.currency != account {
            return Entry { stands: Stands::Foreign, ..entry };
        }
        let own = self.positions.get(&item.transaction).cloned().unwrap_or_default();
        let rules = moves(item.fate, minor, &own)
            .or_else(|| sale.and_then(|_| self.refunded(item, &entry.booked_under)))
            .or_else(|| self.orphaned(item, &own));
        match rules {
            Some(rules) => {
                let is_own = !rules.contains(&Rule::RefundDisbursed) && !rules.contains(&Rule::RefundReturned);
                let booked_under = if is_own { item.transaction.clone() } else { entry.booked_under };
                Entry { booked_under, rules, ..entry }
            }
            None => Entry { stands: Stands::Awaited, ..entry },
        }
    }

    /// A refund of a sale of ours: the ledger holds it under the sale, together with the others of that sale.
    fn refunded(&mut self, item: &PaidOut, sale: &str) -> Option<Vec<Rule>> {
        let was_paid = (self.before)(&item.transaction) == Some(Stands::Paid);
        match (item.fate, was_paid) {
            (Fate::Paid, false) => {
                let position = self.positions.get_mut(sale)?;
                let rest = position.refunds - item.amount.minor;
                (rest >= 0).then(|| {
                    position.refunds = rest;
                    vec![Rule::RefundDisbursed]
                })
            }
            (Fate::Held | Fate::Returned, true) => Some(vec![Rule::RefundReturned]),
            (Fate::Paid, true) | (Fate::Held | Fate::Returned, false) => Some(Vec::new()),
        }
    }

    /// What no flow of ours speaks of, and no order id of ours names, is nobody's here: it comes from suspense.
    fn orphaned(&self, item: &PaidOut, own: &Position) -> Option<Vec<Rule>> {
        if self.is_ours(&item.transaction, &item.order_id)
            || item.refund_of.as_ref().is_some_and(|s| self.is_ours(s, ""))
        {
            return None;
        }
        let known = Position { settled: item.signed(), ..own.clone() };
        let rules = moves(item.fate, item.signed(), &known)?;
        // Nothing of it moved: suspense need not know of it.
        if rules.is_empty() {
            return Some(rules);
        }
        Some(std::iter::once(Rule::OrphanIn).chain(rules).collect())
    }

    fn is_ours(&self, transaction: &str, order_id: &str) -> bool {
        let prefix = self.installation.as_str();
        let is_named = order_id.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
        is_named || self.positions.get(transaction).is_some_and(|position| position.is_known)
    }
}

/// From where its money stands to where the gateway shows it; `None`: it stands nowhere from where that could be.
fn moves(fate: Fate, minor: i64, at: &Position) -> Option<Vec<Rule>> {
    use Rule::{Disburse, DisbursementReturned, FundsHeld, FundsReleased};
    let (settled, held, paid) = (at.settled == minor, at.held == minor, at.in_transit == minor);
    Some(match fate {
        Fate::Paid if paid => vec![],
        Fate::Paid if held => vec![FundsReleased, Disburse],
        Fate::Paid if settled => vec![Disburse],
        Fate::Held if held => vec![],
        Fate::Held if settled => vec![FundsHeld],
        Fate::Held if paid => vec![DisbursementReturned, FundsHeld],
        Fate::Returned if paid => vec![DisbursementReturned],
        Fate::Returned if held => vec![FundsReleased],
        Fate::Returned if settled => vec![],
        Fate::Paid | Fate::Held | Fate::Returned => return None,
    })
}
