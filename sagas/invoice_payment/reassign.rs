//! Money that was given back as forgiven, of an invoice that is void, gone or lowered since: it was taken from what is applied
//! and the invoice bears it no more, so it was taken from the customer's unapplied money. Taken off without that, the ledger
//! would owe the customer a second time what went back already. Decides how much; `books.rs` says when.

use super::give_back::GiveBack;
use super::state::{Capture, State};
use super::words::Event;
use crate::kernel::money::Money;
use crate::kernel::posting::Rule;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A forgiven part as it stands in the books: reversed as a whole, and what is kept of it posted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgiven {
    /// Of what is applied; a credit note stands against it.
    pub amount: Money,
    /// The tax within it.
    pub tax: Option<Money>,
}

/// Takes `minor` of the application off: what is held of it first, then what was given back as forgiven, the newest first.
pub(super) fn take_off(capture: &Capture, minor: i64, effective: NaiveDate) -> Vec<Event> {
    let transaction = &capture.transaction;
    let money = |minor| Money::new(minor, capture.applied.currency);
    let held = minor.min(capture.applied.minor - capture.forgiven()).max(0);
    let mut rest = minor - held;
    let mut out = Vec::new();
    for give_back in capture.give_backs.iter().rev().filter(|g| g.forgiven.is_positive()) {
        let moved = give_back.forgiven.minor.min(rest);
        if moved <= 0 {
            break;
        }
        rest -= moved;
        let kept = give_back.forgiven.minor - moved;
        let tax = give_back.tax.map(|tax| money(tax.minor * kept / give_back.forgiven.minor));
        out.push(Event::GiveBackReassigned {
            transaction: transaction.clone(),
            saga: give_back.saga,
            before: Forgiven { amount: give_back.forgiven, tax: give_back.tax },
            kept: Forgiven { amount: money(kept), tax },
            unapplied_before: money(give_back.reopened.minor + give_back.unapplied.minor),
            effective,
        });
    }
    if held > 0 {
        out.push(Event::ApplicationUndone { transaction: transaction.clone(), amount: money(held), effective });
    }
    out
}

/// The journals of a reassignment, in their order: rule, amount, tax.
pub(super) fn journals(before: Forgiven, kept: Forgiven, unapplied_before: Money) -> Vec<(Rule, Money, Option<Money>)> {
    let moved = Money::new(before.amount.minor - kept.amount.minor, before.amount.currency);
    let unapplied = Money::new(unapplied_before.minor + moved.minor, moved.currency);
    let all = [
        (Rule::RefundFromUnappliedReversed, unapplied_before, None),
        (Rule::RefundFromCreditReversed, before.amount, None),
        (Rule::CreditNoteReversed, before.amount, before.tax),
        (Rule::CreditNote, kept.amount, kept.tax),
        (Rule::RefundFromCredit, kept.amount, None),
        (Rule::Unapply, moved, None),
        (Rule::RefundFromUnapplied, unapplied, None),
    ];
    all.into_iter().filter(|(_, amount, _)| amount.minor != 0).collect()
}

impl State {
    pub(super) fn apply_reassigned(&mut self, event: &Event) {
        let Event::GiveBackReassigned { transaction, saga, before, kept, .. } = event else { return };
        let moved = before.amount.minor - kept.amount.minor;
        let Some(capture) = self.capture_mut(transaction) else { return };
        capture.applied.minor -= moved;
        if let Some(give_back) = capture.give_backs.iter_mut().find(|g| g.saga == *saga) {
            give_back.reassign(moved, kept.tax);
        }
        let told = self.capture(transaction).and_then(|c| c.give_backs.iter().find(|g| g.saga == *saga)).cloned();
        if let Some(GiveBack { forgiven, reopened, tax, .. }) = told {
            self.give_backs.reassigned(*saga, forgiven, reopened, tax);
        }
    }
}
