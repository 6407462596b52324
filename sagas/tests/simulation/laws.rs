//! What must hold after every event: the marks and their order, money at the vendors against what is owed and was accepted,
//! the ledger against the vendors' books. Judges by the books, never by what a saga believes.

use crate::live::Seen;
use crate::tables::sum_of;
use crate::world::World;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::{CollectionOwner, TransactionStatus as Status};
use sagas::kernel::books;
use sagas::kernel::effect::{Braintree, Zoho};
use sagas::kernel::flow::{Open, StepEvent};
use sagas::kernel::ids::SagaId;
use sagas::kernel::order::{self, Order};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::{End, Saga};
use sagas::plan_change::PlanChange;
use sagas::refund::Refund;
use sagas::subscription_activation::SubscriptionActivation;
use std::collections::BTreeMap;

/// An invoice that was read so long before a sale reached Braintree is still fresh: a minute, and the call's own time.
const FRESH: TimeDelta = TimeDelta::seconds(130);

#[derive(Default)]
pub(crate) struct Laws {
    /// Whose activation or rehearsal it is.
    pub(crate) belongs: BTreeMap<SagaId, String>,
    orders: BTreeMap<SagaId, Order>,
    /// Order ids that were sent, by whom.
    senders: BTreeMap<String, SagaId>,
}

/// A step's name in the table of cells.
pub(crate) fn label(open: &Open) -> String {
    if open.undo { format!("undo {}", open.step) } else { open.step.clone() }
}

/// The hold that a call submits.
pub(crate) fn submits(call: &Braintree) -> Option<String> {
    match call {
        Braintree::Submit { transaction, .. } => Some(transaction.clone()),
        _ => None,
    }
}

impl Laws {
    /// The order of marks, calls and undos.
    pub(crate) fn event(&mut self, seen: &Seen, saga: SagaId) -> Result<(), String> {
        let Some(step) = &seen.step else { return Ok(()) };
        let sent = seen.before.open.as_ref().filter(|_| matches!(step, StepEvent::Sending { .. }));
        if let Some(order_id) = sent.and_then(|open| order::order_id(&open.effect)) {
            let sender = *self.senders.entry(order_id.to_owned()).or_insert(saga);
            if sender != saga {
                return Err(format!("order id {order_id} is sent, and is one of {sender}"));
            }
        }
        self.orders.entry(saga).or_default().follow(&seen.before, step).map_err(|broken| broken.to_string())
    }
}

impl World {
    /// The invoice for which an order id charges.
    pub(crate) fn invoice_of(&self, order_id: &str) -> Option<String> {
        let mut parts = order_id.split('.').skip(1);
        match (parts.next()?, parts.next()?) {
            ("inv", invoice) => Some(invoice.to_owned()),
            ("act", saga) => {
                let reference = format!("demo1.sub.{saga}.");
                let ours =
                    |id: &String| self.zoho.subscription(id).is_some_and(|s| s.reference.starts_with(&reference));
                // What was made last counts, and of that the invoice with which it began.
                let last = self.zoho.bills.iter().rfind(|b| b.subscription.as_ref().is_some_and(ours))?;
                let first = self.zoho.bills.iter().find(|b| b.subscription == last.subscription)?;
                Some(first.id.clone())
            }
            ("chg", _) => self.invoice_of_change(order_id),
            _ => None,
        }
    }

    /// The invoice for which a sale was made.
    pub(crate) fn invoice_for(&self, sale: &crate::braintree::Sale) -> Option<String> {
        if sale.series.is_none() {
            return self.invoice_of(&sale.order_id);
        }
        // What Braintree charges by itself bears no reference of ours: the record at Zoho says what it was for.
        self.zoho.payments.iter().find(|payment| payment.reference == sale.id).map(|payment| payment.invoice.clone())
    }

    /// What of an invoice Braintree holds captured, in minor units.
    pub(crate) fn captured(&self, invoice: &str) -> i64 {
        let of_it = |s: &&crate::braintree::Sale| s.is_captured() && self.invoice_for(s).as_deref() == Some(invoice);
        self.braintree.sales.iter().filter(of_it).map(|s| s.amount.minor - self.braintree.refunded(&s.id)).sum()
    }

    /// Before money moves at Braintree: it is owed, was accepted, and is not taken a second time.
    pub(crate) fn check_sale(&mut self, saga: SagaId, call: &Braintree, now: DateTime<Utc>) {
        self.binds_change(saga, call);
        self.loses_twice(call);
        let law = self
            .not_ours(saga, call)
            .or_else(|| self.dispute_breaks(saga, call))
            .or_else(|| self.sale_breaks(saga, call, now));
        if let Some(law) = law {
            self.breaks(law);
        }
    }

    /// What another collector charges is never charged by us.
    fn not_ours(&self, saga: SagaId, call: &Braintree) -> Option<String> {
        let (Braintree::Sell { order_id, .. } | Braintree::Authorise { order_id, .. }) = call else { return None };
        if self.who(saga).is_some_and(|who| self.recurs.contains(&who)) && order_id.contains(".act.") {
            return Some(format!("{order_id} charges what Braintree was to charge by itself"));
        }
        let bill = self.zoho.bill_of(&self.invoice_of(order_id)?)?;
        let of_it = |owned: &&crate::tables::Owned| owned.zoho.is_some() && owned.zoho == bill.subscription;
        let owner = self.tables.subscriptions.values().find(of_it)?.owner?;
        let ours = owner == CollectionOwner::Orchestrator;
        (!ours).then(|| format!("{order_id} charges invoice {}, which {} collects", bill.id, owner.as_str()))
    }

    fn sale_breaks(&self, saga: SagaId, call: &Braintree, now: DateTime<Utc>) -> Option<String> {
        match call {
            Braintree::CreateSubscription(order) if order.first_charge_on.is_none() => {
                let reaches = |sale: &&crate::braintree::Sale| sale.series.as_ref() == Some(&order.subscription);
                let twice = self.braintree.sales.iter().filter(reaches).any(crate::braintree::Sale::is_captured)
                    && self.braintree.series(&order.subscription).is_none();
                let first = crate::recurring::first_charge(order);
                if twice {
                    return Some(format!("{} is begun, and was charged for before", order.subscription));
                }
                self.above_ceiling(saga, first)
            }
            Braintree::Sell { order_id, amount, .. } => {
                let twice = |s: &crate::braintree::Sale| s.order_id == *order_id && s.status.is_approved();
                if self.braintree.sales.iter().any(twice) {
                    Some(format!("order id {order_id} is charged twice"))
                } else {
                    self.too_much(saga, order_id, amount.minor, now)
                }
            }
            Braintree::Submit { transaction, amount } => {
                let hold = self.braintree.sale(transaction).filter(|s| s.status == Status::Authorized);
                let order_id = hold.map(|s| s.order_id.clone());
                order_id.and_then(|order_id| self.too_much(saga, &order_id, amount.minor, now))
            }
            Braintree::Authorise { order_id, .. }
                if order_id.contains(".chg.") && !self.accepted.contains_key(&saga) =>
            {
                Some(format!("{order_id} holds money, and nobody has agreed to it"))
            }
            Braintree::Authorise { order_id, amount, .. } => {
                // A hold that was proven absent by a search that was wrong may stand beside the next one.
                let standing = |s: &crate::braintree::Sale| {
                    s.status.is_approved()
                        && !self.braintree.was_left_out(s)
                        && s.order_id.rsplit_once('.').map(|o| o.0) == order_id.rsplit_once('.').map(|o| o.0)
                };
                if self.braintree.sales.iter().any(standing) {
                    Some(format!("{order_id} holds money while another hold of the same purchase stands"))
                } else {
                    self.above_ceiling(saga, amount.minor)
                }
            }
            Braintree::Refund { order_id, transaction, .. } => {
                let twice = self.braintree.refunds.iter().any(|refund| refund.order_id == *order_id);
                twice.then(|| format!("{transaction} is given back twice under {order_id}"))
            }
            // What was taken is voided on purpose.
            Braintree::Void { .. }
                if self.sagas.get(&saga).is_some_and(|slot| slot.live.flow_name() == Refund::NAME) =>
            {
                None
            }
            Braintree::Void { transaction } => {
                let taken = self.ledger_says_taken(transaction);
                (taken != 0).then(|| format!("{transaction} is voided by us after it was captured"))
            }
            _ => None,
        }
    }

    /// With what a bank holds of it for a dispute, what it has kept, and what it took of a payment that nobody knew.
    fn ledger_says_taken(&self, transaction: &str) -> i64 {
        let sums = &self.tables.by_transaction;
        [1110, 1120, 1130, 1900, 5210].iter().map(|account| sum_of(sums, transaction, *account)).sum()
    }

    fn above_ceiling(&self, saga: SagaId, amount: i64) -> Option<String> {
        let most = self.accepted.get(&saga)?;
        (amount > *most).then(|| format!("{amount} is held or taken, and the customer accepted {most}"))
    }

    fn too_much(&self, saga: SagaId, order_id: &str, amount: i64, now: DateTime<Utc>) -> Option<String> {
        let Some(invoice) = self.invoice_of(order_id) else {
            return Some(format!("{order_id} charges for no invoice"));
        };
        let owed = self.zoho.owed_since(&invoice, now - FRESH);
        let taken = self.captured(&invoice);
        if taken + amount > owed {
            return Some(format!("invoice {invoice}: {amount} is taken on top of {taken}, and {owed} was owed"));
        }
        self.above_ceiling(saga, amount)
    }

    /// After a call was done: a payment stands once in Zoho, unless people had their hands in it.
    pub(crate) fn check_record(&mut self, saga: SagaId, call: &Zoho) {
        let Zoho::RecordPayment { reference, .. } = call else { return };
        let times = self.zoho.payments.iter().filter(|p| p.reference == *reference).count();
        let by_hand = self.who(saga).is_some_and(|who| self.touched.contains(&who));
        if times > 1 && !by_hand {
            self.breaks(format!("{reference} is recorded {times} times in Zoho"));
        }
    }

    /// After an append of a saga.
    pub(crate) fn check_saga(&mut self, saga: SagaId) {
        let Some(slot) = self.sagas.get(&saga) else { return };
        let (flow, name) = (slot.live.flow(), slot.live.flow_name());
        let (ended, parked) = (flow.ended, flow.parked.clone());
        let law = ended.and_then(|end| self.ended_badly(saga, name, end));
        if let Some(law) = law {
            self.breaks(format!("{name} {saga}: {law}"));
        }
        if let Some(parked) = parked.filter(|p| p.since == self.clock.now() && p.code != ParkCode::Rehearsal) {
            *self.cells.entry((name.to_owned(), "parked".to_owned(), parked.code.to_string())).or_default() += 1;
            let who = self.who(saga);
            if !who.as_ref().is_some_and(|who| self.touched.contains(who)) {
                let who = who.unwrap_or_default();
                self.breaks(format!(
                    "{name} {saga} of {who} is parked without need: {} {}",
                    parked.code, parked.detail
                ));
            }
        }
    }

    fn ended_badly(&self, saga: SagaId, flow: &str, end: End) -> Option<String> {
        let booked = self.tables.by_saga.get(&saga).map(|sums| books::of_ended_saga(sums, end)).unwrap_or_default();
        if let Some(broken) = booked.into_iter().next() {
            return Some(broken.to_string());
        }
        let kind = match flow {
            SubscriptionActivation::NAME => "act",
            PlanChange::NAME => "chg",
            _ => return None,
        };
        let order = format!("demo1.{kind}.{}.", saga.0.simple());
        for sale in self.braintree.sales.iter().filter(|s| s.order_id.starts_with(&order)) {
            if sale.status == Status::Authorized {
                return Some(format!("it ended and {} is still held at Braintree", sale.id));
            }
            if end != End::Completed && sale.is_captured() {
                return Some(format!("it ended {} and {} is taken at Braintree", end.as_str(), sale.id));
            }
        }
        if flow == PlanChange::NAME {
            return self.changed_in_vain(saga, end);
        }
        let reference = format!("demo1.sub.{}.", saga.0.simple());
        let live = self
            .zoho
            .subscriptions
            .iter()
            .filter(|(s, _)| s.reference.starts_with(&reference) && s.status != "cancelled");
        let live = live.count();
        let most = usize::from(end == End::Completed);
        (live > most).then(|| format!("it ended {} with {live} live subscriptions at Zoho", end.as_str()))
    }

    /// After every event: for each transaction the ledger holds nothing, or what Braintree knows.
    pub(crate) fn check_books(&mut self) {
        let mut law = None;
        for (transaction, sums) in &self.tables.by_transaction {
            let taken = self.ledger_says_taken(transaction);
            let Some(sale) = self.braintree.sale(transaction) else {
                law = Some(format!("the ledger knows {transaction}, and Braintree does not"));
                break;
            };
            let held = sale.amount.minor - self.braintree.refunded(transaction);
            // A refund is known at Braintree before it is booked.
            let newest = self.braintree.refunds.iter().rfind(|refund| refund.transaction == *transaction);
            let booked = taken == held || newest.is_some_and(|refund| taken == held + refund.amount.minor);
            if taken != 0 && !booked {
                law = Some(format!("the ledger holds {taken} of {transaction}, Braintree {held}"));
            }
            let unapplied = sums.unapplied();
            if unapplied > taken {
                law = Some(format!("{unapplied} of {transaction} is unapplied, and {taken} was taken"));
            }
        }
        if let Some(law) = law {
            self.breaks(law);
        }
    }
}
