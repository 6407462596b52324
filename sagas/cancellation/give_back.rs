//! What goes back when a subscription has ended: how much, of which payments, as orders for the flow that gives back, which
//! asks who has to agree. What no payment of ours covers is a task for finance.

use super::state::State;
use super::words::{GiveBack, Proposal};
use crate::kernel::answer::{BookedCapture, SubscriptionTerms};
use crate::kernel::effect::Message;
use crate::kernel::give_back::{Approval, Source, Wish};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A give-back of one payment, as it is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveBackOrder {
    /// Braintree transaction id of the payment.
    pub transaction: String,
    /// Zoho invoice id for which it was made.
    pub invoice: String,
    /// How much of it goes back.
    pub amount: Money,
    /// It was charged after the end, which nobody had to choose.
    pub late: bool,
}

/// What is to go back of what was paid on an invoice, by payments that are still to be found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sought {
    pub(super) invoice: String,
    pub(super) amount: Money,
}

/// Orders that are to be given, and how many were.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct GiveBacks {
    pub(super) sought: Option<Sought>,
    pub(super) due: Vec<GiveBackOrder>,
    pub(super) given: u32,
}

impl GiveBacks {
    pub(super) const fn is_done(&self) -> bool {
        self.sought.is_none() && self.due.is_empty()
    }

    /// A proposal for which an order can be given is remembered; false: finance has to see to it.
    pub(super) fn take(&mut self, proposal: &Proposal) -> bool {
        let Some(amount) = proposal.amount else { return false };
        let invoice = proposal.invoice.clone();
        match &proposal.transaction {
            Some(transaction) => {
                let transaction = transaction.clone();
                self.due.push(GiveBackOrder { transaction, invoice, amount, late: true });
            }
            None => self.sought = Some(Sought { invoice, amount }),
        }
        true
    }

    /// The next order, for the flow that gives back.
    pub(super) fn message(&self, state: &State) -> Option<Message> {
        let (of, order) = (state.of.as_ref()?, self.due.first()?);
        let by = state.order.as_ref().filter(|_| !order.late).map_or("cancellation:2.6-e4", |order| &order.by);
        let reason = if order.late { "it was charged after the end" } else { "the subscription ended before its term" };
        let wish = Wish {
            key: format!("cancellation-{}", self.given + 1),
            installation: of.installation.clone(),
            transaction: order.transaction.clone(),
            invoice: order.invoice.clone(),
            stream: SagaId::of_invoice(&of.organization, &order.invoice),
            amount: order.amount,
            source: Source::Forgive,
            reason: reason.to_owned(),
            by: by.to_owned(),
            approval: Approval::Proposed,
        };
        Some(wish.message())
    }
}

/// How much of what was paid goes back, as it was chosen; none: it cannot be told here.
pub(super) fn amount(
    chosen: GiveBack,
    paid: Money,
    invoice: &str,
    terms: Option<&SubscriptionTerms>,
    ended_on: NaiveDate,
) -> Option<Money> {
    match chosen {
        GiveBack::Nothing | GiveBack::Credit => None,
        GiveBack::Full => Some(paid),
        GiveBack::Prorated => {
            let terms = terms?;
            // What was paid for another term says nothing about this one.
            if terms.newest_invoice.as_deref() != Some(invoice) {
                return None;
            }
            let (first, last) = (terms.term_starts_on?, terms.term_ends_on?);
            let days = (last - first).num_days() + 1;
            let unused = (last - ended_on).num_days().clamp(0, days.max(0));
            if days <= 0 {
                return None;
            }
            // Half a minor unit is the customer's.
            let minor = (i128::from(paid.minor) * i128::from(unused) * 2 + i128::from(days)) / (i128::from(days) * 2);
            Some(Money::new(i64::try_from(minor).ok()?, paid.currency))
        }
    }
}

/// Which payments cover an amount, the newest first, and what no payment of ours covers.
pub(super) fn cover(amount: Money, captures: &[BookedCapture]) -> (Vec<GiveBackOrder>, Option<Money>) {
    let (mut left, mut orders) = (amount.minor, Vec::new());
    for capture in captures.iter().rev().filter(|capture| capture.amount.currency == amount.currency) {
        let part = capture.amount.minor.min(left);
        if part <= 0 {
            continue;
        }
        left -= part;
        orders.push(GiveBackOrder {
            transaction: capture.transaction.clone(),
            invoice: capture.invoice.clone(),
            amount: Money::new(part, amount.currency),
            late: false,
        });
    }
    (orders, (left > 0).then(|| Money::new(left, amount.currency)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::samples::{day, eur, instant, terms};

    fn capture(transaction: &str, minor: i64) -> BookedCapture {
        BookedCapture {
            transaction: transaction.to_owned(),
            invoice: "76".to_owned(),
            amount: eur(minor),
            at: instant("2024-10-01T09:00:00Z"),
        }
    }

    fn october() -> SubscriptionTerms {
        SubscriptionTerms {
            newest_invoice: Some("76".to_owned()),
            term_starts_on: Some(day("2024-10-01")),
            term_ends_on: Some(day("2024-10-31")),
            ..terms("cancelled")
        }
    }

    #[test]
    fn the_days_after_the_end_go_back_and_half_a_cent_is_the_customers() {
        let back = |minor, ended| {
            amount(GiveBack::Prorated, eur(minor), "76", Some(&october()), day(ended)).map(|money| money.minor)
        };
        assert_eq!(back(3_100, "2024-10-01"), Some(3_000));
        assert_eq!(back(3_100, "2024-10-31"), Some(0));
        assert_eq!(back(3_100, "2024-12-24"), Some(0));
        // 31 days and 62 minor units: one unit for half a day would be lost by rounding down.
        assert_eq!(back(31, "2024-10-30"), Some(1));
        assert_eq!(back(100, "2024-10-15"), Some(52));
    }

    #[test]
    fn what_was_paid_for_another_term_is_not_divided() {
        let terms = october();
        assert_eq!(amount(GiveBack::Prorated, eur(100), "75", Some(&terms), day("2024-10-15")), None);
        assert_eq!(amount(GiveBack::Prorated, eur(100), "76", None, day("2024-10-15")), None);
        assert_eq!(amount(GiveBack::Full, eur(100), "75", None, day("2024-10-15")), Some(eur(100)));
        assert_eq!(amount(GiveBack::Credit, eur(100), "76", Some(&terms), day("2024-10-15")), None);
    }

    #[test]
    fn the_newest_payments_cover_first_and_the_rest_was_paid_otherwise() {
        let order = |transaction: &str, minor| GiveBackOrder {
            transaction: transaction.to_owned(),
            invoice: "76".to_owned(),
            amount: eur(minor),
            late: false,
        };
        let captures = [capture("old", 40), capture("new", 30)];
        assert_eq!(cover(eur(50), &captures), (vec![order("new", 30), order("old", 20)], None));
        assert_eq!(cover(eur(30), &captures), (vec![order("new", 30)], None));
        assert_eq!(cover(eur(90), &captures), (vec![order("new", 30), order("old", 40)], Some(eur(20))));
    }
}
