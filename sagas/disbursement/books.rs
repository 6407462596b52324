//! What a payout writes into the ledger and beside the log: always gross, each transaction by itself; and one sum for what
//! nothing explains.

use super::state::State;
use super::words::Event;
use crate::kernel::money::Money;
use crate::kernel::payout::Payout;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::saga::Facts;

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let Some(payout) = &state.payout else { return Facts::default() };
    let amount = match event {
        Event::NoticeHeard { notice, .. } => notice.amount,
        Event::PayoutReckoned { items, paid, .. } => Some(paid.unwrap_or(*items)),
        _ => None,
    };
    Facts { postings: postings(payout, event), references: references(payout, event), amount, ..Facts::default() }
}

pub(super) fn postings(payout: &Payout, event: &Event) -> Vec<Posting> {
    match event {
        Event::ItemsBooked { entries, effective, .. } => entries
            .iter()
            .flat_map(|entry| {
                entry.rules.iter().map(|rule| Posting {
                    rule: *rule,
                    amount: Money::new(entry.minor, payout.currency),
                    tax: None,
                    effective: *effective,
                    dimensions: Dimensions {
                        customer: entry.customer.clone(),
                        subscription: entry.subscription.clone(),
                        invoice: entry.invoice.clone(),
                        transaction: Some(entry.booked_under.clone()),
                        ..Dimensions::default()
                    },
                })
            })
            .collect(),
        Event::PayoutReckoned { unexplained, effective, .. } if unexplained.minor != 0 => vec![Posting {
            rule: Rule::FeeUnexplained,
            amount: *unexplained,
            tax: None,
            effective: *effective,
            dimensions: Dimensions::default(),
        }],
        _ => Vec::new(),
    }
}

/// By which a payout is found: the account, the notice, and each transaction under a word of its own. A payout has thousands,
/// and does not belong together with each of them.
fn references(payout: &Payout, event: &Event) -> Vec<(&'static str, String)> {
    match event {
        Event::PayoutOpened { .. } => vec![("merchant_account", payout.account.clone())],
        Event::NoticeHeard { notice, .. } => {
            vec![("disbursement", notice.id.clone()), (ANNOUNCED, payout.account.clone())]
        }
        Event::ItemsBooked { entries, .. } => {
            let booked = entries.iter().filter(|entry| !entry.rules.is_empty());
            booked.map(|entry| ("disbursed_transaction", entry.transaction.clone())).collect()
        }
        _ => Vec::new(),
    }
}

/// The kind of reference by which an account is found that gets notices.
pub(super) const ANNOUNCED: &str = "announced_account";
