//! Simulated Zoho Billing: customers, subscriptions, invoices, payments. Its lists are behind; a payment that is recorded
//! twice stands twice; what was paid cannot be undone.

use crate::braintree::{NOTHING, not_found, rejected};
use crate::changes::{Prorates, Selling};
use crate::native::OpenPage;
use crate::refunds::Note;
use crate::tables::eur;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sagas::kernel::answer::{Answer, Invoice, InvoicePayment, Subscription, ZohoCustomer};
use sagas::kernel::effect::{SubscriptionOrder, Zoho as Call};
use sagas::kernel::offer::{Offer, PlanOffer, Tax, TermUnit};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use std::collections::BTreeMap;

/// An invoice in the book.
#[derive(Debug, Clone)]
pub(crate) struct Bill {
    pub(crate) id: String,
    pub(crate) customer: String,
    pub(crate) subscription: Option<String>,
    pub(crate) void: bool,
    pub(crate) total: i64,
    pub(crate) credits: i64,
    pub(crate) written_off: i64,
    raised_at: DateTime<Utc>,
    due: NaiveDate,
    /// The list shows it from then on.
    pub(crate) visible_at: DateTime<Utc>,
    /// What could be owed to us, and since when.
    owed: Vec<(DateTime<Utc>, i64)>,
}

/// A payment in the book.
#[derive(Debug, Clone)]
pub(crate) struct Payment {
    pub(crate) id: String,
    pub(crate) invoice: String,
    pub(crate) reference: String,
    pub(crate) mode: &'static str,
    pub(crate) amount: i64,
    pub(crate) at: DateTime<Utc>,
}

/// A customer in the book.
#[derive(Debug, Clone)]
struct Customer {
    id: String,
    ours: Option<String>,
    active: bool,
    at: DateTime<Utc>,
}

/// A term, where nobody says otherwise.
pub(crate) const MONTH: TimeDelta = TimeDelta::days(30);

pub(crate) struct Zoho {
    customers: Vec<Customer>,
    pub(crate) subscriptions: Vec<(Subscription, DateTime<Utc>)>,
    pub(crate) bills: Vec<Bill>,
    pub(crate) payments: Vec<Payment>,
    pub(crate) notes: Vec<Note>,
    ids: u32,
    /// Net price of every plan.
    pub(crate) price: i64,
    /// A term of what is sold now.
    pub(crate) term: TimeDelta,
    /// Pages on its own host.
    pub(crate) pages: Vec<OpenPage>,
    /// Lists are so far behind.
    pub(crate) lag: TimeDelta,
    /// A first invoice is shown so long after its subscription.
    pub(crate) invoice_lag: TimeDelta,
    /// Invoices that changed since they were last asked for.
    pub(crate) changed: Vec<String>,
    /// What subscriptions sell beside their plan.
    pub(crate) selling: BTreeMap<String, Selling>,
    /// What it makes of the next change.
    pub(crate) prorates: Prorates,
}

impl Zoho {
    pub(crate) const fn new() -> Self {
        Self {
            customers: Vec::new(),
            subscriptions: Vec::new(),
            bills: Vec::new(),
            payments: Vec::new(),
            notes: Vec::new(),
            ids: 0,
            price: 10_000,
            term: MONTH,
            pages: Vec::new(),
            lag: TimeDelta::zero(),
            invoice_lag: TimeDelta::zero(),
            changed: Vec::new(),
            selling: BTreeMap::new(),
            prorates: Prorates::AsExpected,
        }
    }

    pub(crate) fn id(&mut self, prefix: &str) -> String {
        self.ids += 1;
        format!("{prefix}{}", self.ids)
    }

    pub(crate) fn add_customer(&mut self, ours: Option<&str>, now: DateTime<Utc>) -> String {
        let id = self.id("zc");
        self.customers.push(Customer { id: id.clone(), ours: ours.map(str::to_owned), active: true, at: now });
        id
    }

    /// A customer that an undo has left behind, inactive.
    pub(crate) fn leaves_customer(&mut self, ours: &str, now: DateTime<Utc>) {
        let id = self.add_customer(Some(ours), now);
        for customer in self.customers.iter_mut().filter(|customer| customer.id == id) {
            customer.active = false;
        }
    }

    pub(crate) fn subscribe(
        &mut self,
        customer: &str,
        reference: &str,
        plan: &str,
        now: DateTime<Utc>,
    ) -> Subscription {
        let subscription = Subscription {
            id: self.id("zs"),
            customer: customer.to_owned(),
            status: "live".to_owned(),
            auto_collect: false,
            currency: "EUR".to_owned(),
            reference: reference.to_owned(),
            plan: Some(plan.to_owned()),
            product: Some(format!("family-{plan}")),
            amount: Some(eur(self.price_of(plan))),
            next_billing_on: Some((now + self.term).date_naive()),
        };
        self.subscriptions.push((subscription.clone(), now));
        subscription
    }

    pub(crate) fn bill(
        &mut self,
        customer: &str,
        subscription: Option<&str>,
        total: i64,
        due_in: TimeDelta,
        now: DateTime<Utc>,
    ) -> String {
        let id = self.id("77");
        self.bills.push(Bill {
            id: id.clone(),
            customer: customer.to_owned(),
            subscription: subscription.map(str::to_owned),
            void: false,
            total,
            credits: 0,
            written_off: 0,
            raised_at: now,
            due: (now + due_in).date_naive(),
            visible_at: now,
            owed: Vec::new(),
        });
        self.touch(&id, now);
        id
    }

    /// Our id on a customer.
    pub(crate) fn ours(&self, customer: &str) -> Option<&str> {
        self.customers.iter().find(|c| c.id == customer)?.ours.as_deref()
    }

    pub(crate) fn is_active(&self, customer: &str) -> bool {
        self.customers.iter().any(|c| c.id == customer && c.active)
    }

    pub(crate) fn bill_of(&self, id: &str) -> Option<&Bill> {
        self.bills.iter().find(|b| b.id == id)
    }

    /// Changes an invoice by hand.
    pub(crate) fn edit(&mut self, id: &str, now: DateTime<Utc>, change: impl FnOnce(&mut Bill)) {
        if let Some(bill) = self.bills.iter_mut().find(|b| b.id == id) {
            change(bill);
        }
        self.touch(id, now);
    }

    pub(crate) fn pay(
        &mut self,
        invoice: &str,
        reference: &str,
        mode: &'static str,
        amount: i64,
        now: DateTime<Utc>,
    ) -> String {
        let id = self.id("zp");
        let (invoice_id, reference) = (invoice.to_owned(), reference.to_owned());
        self.payments.push(Payment { id: id.clone(), invoice: invoice_id, reference, mode, amount, at: now });
        self.touch(invoice, now);
        id
    }

    pub(crate) fn delete_payment(&mut self, at: usize, now: DateTime<Utc>) {
        let payment = self.payments.remove(at);
        self.touch(&payment.invoice, now);
    }

    pub(crate) fn amend_payment(&mut self, at: usize, amount: i64, now: DateTime<Utc>) {
        self.payments[at].amount = amount;
        let invoice = self.payments[at].invoice.clone();
        self.touch(&invoice, now);
    }

    fn touch(&mut self, id: &str, now: DateTime<Utc>) {
        let others: i64 =
            self.payments.iter().filter(|p| p.invoice == id && p.mode != "creditcard").map(|p| p.amount).sum();
        let Some(bill) = self.bills.iter_mut().find(|b| b.id == id) else { return };
        let owed = if bill.void { 0 } else { bill.total - bill.credits - bill.written_off - others };
        bill.owed.push((now, owed));
        if !self.changed.iter().any(|c| c == id) {
            self.changed.push(id.to_owned());
        }
    }

    /// The most that could be owed to us at some time since then.
    pub(crate) fn owed_since(&self, id: &str, since: DateTime<Utc>) -> i64 {
        let Some(bill) = self.bill_of(id) else { return 0 };
        let before = bill.owed.iter().rev().find(|(at, _)| *at <= since);
        let later = bill.owed.iter().filter(|(at, _)| *at > since);
        before.into_iter().chain(later).map(|(_, owed)| *owed).max().unwrap_or_default()
    }

    pub(crate) fn balance(&self, bill: &Bill) -> i64 {
        if bill.void {
            return 0;
        }
        let paid: i64 = self.payments.iter().filter(|p| p.invoice == bill.id).map(|p| p.amount).sum();
        (bill.total - bill.credits - bill.written_off - paid).max(0)
    }

    fn read(&self, bill: &Bill, now: DateTime<Utc>) -> Answer {
        Answer::Invoice(Box::new(self.shown(bill, now)))
    }

    pub(crate) fn shown(&self, bill: &Bill, now: DateTime<Utc>) -> Invoice {
        let balance = self.balance(bill);
        let status = match (bill.void, balance) {
            (true, _) => "void",
            (false, 0) => "paid",
            (false, _) if bill.due < now.date_naive() => "overdue",
            (false, _) => "sent",
        };
        let on_it = self.payments.iter().filter(|p| p.invoice == bill.id && !bill.void);
        Invoice {
            id: bill.id.clone(),
            number: format!("INV-{}", bill.id),
            customer: bill.customer.clone(),
            subscription: bill.subscription.clone(),
            status: status.to_owned(),
            total: eur(bill.total),
            balance: eur(balance),
            tax: None,
            credits: eur(bill.credits),
            written_off: eur(bill.written_off),
            payments: on_it
                .map(|p| InvoicePayment {
                    id: p.id.clone(),
                    reference: p.reference.clone(),
                    mode: p.mode.to_owned(),
                    amount: eur(p.amount),
                })
                .collect(),
            date: bill.raised_at.date_naive(),
            due_date: bill.due,
            read_at: now,
        }
    }

    pub(crate) fn perform(&mut self, call: &Call, now: DateTime<Utc>) -> Outcome {
        let done = |answer| Outcome::Done { answer };
        match call {
            Call::ReadInvoice { invoice } => self.bill_of(invoice).map_or_else(not_found, |b| done(self.read(b, now))),
            Call::ReadSubscription { subscription } => match self.subscription(subscription) {
                Some(subscription) => done(Answer::Subscription(Box::new(subscription.clone()))),
                None => not_found(),
            },
            Call::FindSubscriptionOfInvoice { .. } => done(Answer::SubscriptionOfInvoice { subscription: None }),
            Call::RecordPayment { invoice, amount, reference, .. } => {
                let Some(bill) = self.bill_of(invoice) else { return not_found() };
                if bill.void || self.balance(bill) < amount.minor {
                    return rejected(RejectionKind::State, "24016");
                }
                let payment = self.pay(invoice, reference, "creditcard", amount.minor, now);
                done(Answer::Recorded { payment, amount: *amount })
            }
            Call::ReadOffer { plan, .. } => done(Answer::Offer(Box::new(self.offer(plan, now)))),
            Call::ReadCustomer { customer } => match self.customers.iter().find(|c| c.id == *customer) {
                Some(known) => done(customer_answer(known)),
                None => not_found(),
            },
            Call::CreateCustomer { customer, .. } => {
                let id = self.add_customer(Some(customer), now);
                done(customer_answer(self.customers.iter().find(|c| c.id == id).expect("just made")))
            }
            Call::FindRetiredCustomers { customer } => {
                let retired = |c: &&Customer| c.ours.as_ref() == Some(customer) && !c.active && c.at + self.lag <= now;
                let customers = self.customers.iter().filter(retired).map(zoho_customer).collect();
                done(Answer::ZohoCustomers { customers })
            }
            Call::DeactivateCustomer { customer } | Call::ReviveCustomer { customer } => {
                let Some(known) = self.customers.iter_mut().find(|c| c.id == *customer) else { return not_found() };
                known.active = matches!(call, Call::ReviveCustomer { .. });
                done(Answer::Nothing)
            }
            Call::ListSubscriptions { customer, reference } => {
                let fits = |(s, at): &&(Subscription, DateTime<Utc>)| {
                    s.customer == *customer
                        && reference.as_ref().is_none_or(|r| s.reference == *r)
                        && *at + self.lag <= now
                };
                let subscriptions = self.subscriptions.iter().filter(fits).map(|(s, _)| s.clone()).collect();
                done(Answer::Subscriptions { subscriptions })
            }
            Call::CreateSubscription(order) => done(self.create_subscription(order, now)),
            Call::UndoSubscription { subscription } => self.undo(subscription, now),
            Call::Subscription(call) => self.on_subscription(call, now),
            Call::Invoice(call) => self.on_invoice(call, now),
            Call::Payment(call) => self.on_payment(call, now),
            Call::Credit(call) => self.on_credit(call, now),
            Call::Page(call) => self.on_page(call, now),
            Call::ReadCatalog
            | Call::FindCustomers { .. }
            | Call::UpdateCustomer { .. }
            | Call::ReadProfile(_)
            | Call::WriteProfile(_)
            | Call::SeekCustomer { .. }
            | Call::EraseCustomer { .. }
            | Call::Estimate(_) => panic!("no flow makes this call yet: {call:?}"),
            Call::ReadFirstInvoice { subscription } => {
                let first = self.bills.iter().find(|b| b.subscription.as_ref() == Some(subscription));
                let invoice = first.filter(|b| b.visible_at <= now).map(|b| Box::new(self.shown(b, now)));
                done(Answer::FirstInvoice { invoice })
            }
        }
    }

    fn create_subscription(&mut self, order: &SubscriptionOrder, now: DateTime<Utc>) -> Answer {
        let made = self.subscribe(&order.customer, &order.reference, &order.plan, now);
        let total = self.price_of(&order.plan) * i64::from(order.quantity);
        let bill = self.bill(&order.customer, Some(&made.id), total, TimeDelta::zero(), now);
        let visible_at = now + self.invoice_lag;
        self.edit(&bill, now, |bill| bill.visible_at = visible_at);
        Answer::Subscription(Box::new(made))
    }

    fn undo(&mut self, subscription: &str, now: DateTime<Utc>) -> Outcome {
        let raised = |b: &&Bill| b.subscription.as_deref() == Some(subscription) && !b.void;
        let open: Vec<String> = self.bills.iter().filter(raised).map(|b| b.id.clone()).collect();
        if self.payments.iter().any(|p| open.contains(&p.invoice)) {
            return rejected(RejectionKind::State, "paid_invoice");
        }
        for id in open {
            self.edit(&id, now, |bill| {
                bill.void = true;
                (bill.credits, bill.written_off) = (0, 0);
            });
        }
        match self.subscriptions.iter_mut().find(|(s, _)| s.id == subscription) {
            Some((known, _)) => "cancelled".clone_into(&mut known.status),
            None => return not_found(),
        }
        Outcome::Done { answer: Answer::Nothing }
    }

    pub(crate) fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions.iter().map(|(s, _)| s).find(|s| s.id == id)
    }

    pub(crate) fn look(&self, call: &Call, now: DateTime<Utc>) -> Look {
        let absent = Look::Absent { watermark: false, key_proven: false };
        let found = |answer, extra| Look::Found { outcome: Box::new(Outcome::Done { answer }), extra };
        match call {
            Call::RecordPayment { reference, .. } => {
                let mut hits = self.payments.iter().filter(|p| p.reference == *reference && p.at + self.lag <= now);
                let Some(first) = hits.next() else { return absent };
                let answer = Answer::Recorded { payment: first.id.clone(), amount: eur(first.amount) };
                found(answer, hits.map(|p| p.id.clone()).collect())
            }
            Call::CreateCustomer { customer, since, .. } => {
                let ours =
                    |c: &&Customer| c.ours.as_ref() == Some(customer) && c.at >= *since && c.at + self.lag <= now;
                let mut hits = self.customers.iter().filter(ours);
                let Some(first) = hits.next() else { return absent };
                found(customer_answer(first), hits.map(|c| c.id.clone()).collect())
            }
            Call::CreateSubscription(order) => {
                let ours =
                    |(s, at): &&(Subscription, DateTime<Utc>)| s.reference == order.reference && *at + self.lag <= now;
                let mut hits = self.subscriptions.iter().filter(ours);
                let Some((first, _)) = hits.next() else { return absent };
                let extra = hits.map(|(s, _)| s.id.clone()).collect();
                found(Answer::Subscription(Box::new(first.clone())), extra)
            }
            Call::DeactivateCustomer { customer } | Call::ReviveCustomer { customer } => {
                let active = matches!(call, Call::ReviveCustomer { .. });
                let is_so = self.customers.iter().any(|c| c.id == *customer && c.active == active);
                if is_so { found(Answer::Nothing, Vec::new()) } else { absent }
            }
            Call::UndoSubscription { subscription } => {
                let over = self.subscription(subscription).is_some_and(|s| s.status == "cancelled");
                let open = self.bills.iter().any(|b| b.subscription.as_ref() == Some(subscription) && !b.void);
                if over && !open { found(Answer::Nothing, Vec::new()) } else { absent }
            }
            Call::Subscription(call) => self.look_subscription(call, now),
            Call::Invoice(call) => self.look_invoice(call),
            Call::Payment(call) => self.look_payment(call),
            Call::Credit(call) => self.look_credit(call, now),
            _ => absent,
        }
    }

    fn offer(&self, plan: &str, now: DateTime<Utc>) -> Offer {
        Offer {
            plan: PlanOffer {
                code: plan.to_owned(),
                name: plan.to_owned(),
                product: format!("family-{plan}"),
                active: true,
                price: eur(self.price_of(plan)),
                setup_fee: NOTHING,
                interval: 1,
                unit: TermUnit::Months,
                trial_days: 0,
                tax: Tax::Rate { ppm: 0 },
            },
            addons: Vec::new(),
            coupon: None,
            read_at: now,
        }
    }
}

fn customer_answer(customer: &Customer) -> Answer {
    Answer::ZohoCustomer(Box::new(zoho_customer(customer)))
}

fn zoho_customer(customer: &Customer) -> ZohoCustomer {
    ZohoCustomer {
        id: customer.id.clone(),
        currency: "EUR".to_owned(),
        active: customer.active,
        our_customer: customer.ours.clone(),
        unused_credit: None,
        changed_at: None,
    }
}
