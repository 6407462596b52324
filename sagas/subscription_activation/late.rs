//! Holds that show up late. A hold whose outcome nobody could tell is given up once a search proves that it was not made;
//! yet a search can be wrong, and then the customer's money would be held for nothing. So its order id is looked for as
//! long as any unknown outcome is, a week, and a hold that shows up is booked and released. It is never used: the
//! customer was told that nothing was charged.

use super::events::Event;
use super::state::{Errand, State, Watch};
use super::turn::Turn;
use super::words::Paying;
use crate::kernel::answer::{Answer, Transaction};
use crate::kernel::effect::{Braintree, Effect};
use crate::kernel::outcome::Outcome;
use crate::kernel::retry;

impl Turn<'_> {
    /// It is proven that nothing was held: the customer is asked again, and the order id is watched.
    pub(super) fn abandoned(&mut self) {
        let now = self.at.now;
        self.push(Event::AuthorisationAbandoned { at: now });
        let (Some(submission), Some(next_look)) = (&self.state.submission, retry::next_look(now, now)) else { return };
        let order_id = submission.order_id.clone();
        let vaults = matches!(submission.with, Paying::New { .. }).then(|| submission.token.clone());
        self.push(Event::LateHoldWatched { order_id, vaults, at: now, next_look });
    }

    pub(super) fn looked_for_late(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Braintree(Braintree::FindTransactions { order_id }) = effect else { return };
        let Outcome::Done { answer: Answer::Transactions { transactions } } = outcome else { return };
        let Some(watch) = self.state.watches.iter().find(|w| w.order_id == *order_id).cloned() else { return };
        let ours = |t: &&Transaction| t.order_id == *order_id && (t.status.is_approved() || t.status.is_reversed());
        let hits: Vec<_> = transactions.iter().filter(ours).collect();
        if hits.is_empty() {
            let next_look = retry::next_look(watch.since, self.at.now);
            return self.push(Event::LateHoldUnseen { order_id: order_id.clone(), next_look });
        }
        for hit in hits {
            let hold = self.held(hit, watch.vaults.as_deref().unwrap_or_default());
            self.push(Event::LateHoldFound { hold: Box::new(hold) });
        }
    }

    /// A late hold does not stand any more: the ledger's memo follows. False where it is none.
    pub(super) fn late_hold_gone(&mut self, transaction: &str) -> bool {
        let Some(hold) = self.state.late.iter().find(|h| h.transaction == transaction).cloned() else { return false };
        self.push(Event::LateHoldReleased {
            transaction: hold.transaction,
            amount: hold.amount,
            effective: self.at.date(self.at.now),
        });
        true
    }
}

impl State {
    pub(super) fn apply_late(&mut self, event: &Event) {
        match event {
            Event::LateHoldWatched { order_id, vaults, at, next_look } => self.watches.push(Watch {
                order_id: order_id.clone(),
                vaults: vaults.clone(),
                since: *at,
                next_look: *next_look,
                due: false,
            }),
            Event::LateHoldLookDue { order_id } => {
                self.watches.iter_mut().filter(|w| w.order_id == *order_id).for_each(|w| w.due = true);
            }
            Event::LateHoldUnseen { order_id, next_look } => {
                self.counts.late_looks += 1;
                match next_look {
                    Some(next) => {
                        let looked = self.watches.iter_mut().filter(|w| w.order_id == *order_id);
                        looked.for_each(|w| (w.next_look, w.due) = (*next, false));
                    }
                    None => self.watches.retain(|w| w.order_id != *order_id),
                }
            }
            Event::LateHoldFound { hold } => {
                self.counts.late_looks += 1;
                // Voided or expired before: the same again changes nothing, and the answer says that nothing is held.
                self.errands.push(Errand::Void { transaction: hold.transaction.clone() });
                let watch = self.watches.iter().position(|w| w.order_id == hold.order_id);
                let vaults = watch.and_then(|at| self.watches.remove(at).vaults);
                // The vault may have given it the token of a card that is in use.
                if let Some(token) = vaults.filter(|token| *token == hold.token && !self.uses(token)) {
                    self.errands.push(Errand::ForgetCard { token });
                }
                self.late.push((**hold).clone());
            }
            Event::LateHoldReleased { transaction, .. } => {
                self.errand_done(&Errand::Void { transaction: transaction.clone() });
                self.late.retain(|h| h.transaction != *transaction);
            }
            _ => {}
        }
    }

    fn uses(&self, token: &str) -> bool {
        self.made.card.as_deref() == Some(token) || self.hold.as_ref().is_some_and(|h| h.token == token)
    }
}
