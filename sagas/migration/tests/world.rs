//! A small world for the flow: one customer of the old system as Zoho, Braintree, Attio and our own tables show them.

use crate::kernel::answer::{
    Answer, BilledInvoice, BookedCapture, Client, CollectionOwner, CustomerSurvey, EndingSurvey, Invoice,
    InvoicePayment, Method, MethodInUse, Subscription, SubscriptionSurvey, Transaction, TransactionStatus,
    ZohoCustomer,
};
use crate::kernel::effect::{
    Attio, AttioRecord, Braintree, Claim, ClaimKind, Desk, Effect, IdKind, IdLink, OnSubscription, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::hand_over::{Approval, Ended, Wish};
use crate::kernel::ids::Installation;
use crate::kernel::outcome::{DeclineKind, Outcome, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, day, decline, eur, instant, rejected};
use crate::migration::{Command, CutOver, Event, FailedCharges, Found, Migration, OldSubscription};

pub(super) const OLD: &str = "old-17";
pub(super) const OURS: &str = "derived1";

pub(super) struct World {
    bench: Bench<Migration>,
    pub(super) old: OldSubscription,
    /// At Zoho, by the customer's e-mail address or id.
    pub(super) customers: Vec<ZohoCustomer>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) invoices: Vec<Invoice>,
    /// At Braintree; none: the customer is not there.
    pub(super) methods: Option<Vec<Method>>,
    /// By the e-mail address.
    pub(super) payers: Vec<String>,
    /// What Braintree charges the cards for by itself.
    pub(super) recurring: Vec<String>,
    pub(super) client: Client,
    pub(super) person: Option<AttioRecord>,
    pub(super) ours: SubscriptionSurvey,
    pub(super) our_customer: CustomerSurvey,
    pub(super) links: Vec<IdLink>,
    pub(super) owner: Option<CollectionOwner>,
    pub(super) counted: Vec<String>,
    /// What our books hold as captured.
    pub(super) captures: Vec<BookedCapture>,
    /// Invoices that are being charged.
    pub(super) charging: Vec<String>,
    /// How charges stand at Braintree.
    pub(super) charge: TransactionStatus,
}

stands_on_its_bench!(World, Migration);

/// A line with ids alone.
pub(super) fn line() -> OldSubscription {
    OldSubscription {
        id: OLD.to_owned(),
        customer: OURS.to_owned(),
        has_email: false,
        zoho_customer: Some("zc1".to_owned()),
        zoho_subscription: Some("zs1".to_owned()),
        braintree_customer: Some("bt1".to_owned()),
        token: None,
        braintree_subscription: None,
        others: Vec::new(),
        client: None,
        attio_subscription: Some("rec1".to_owned()),
        plan: Some("pro-monthly".to_owned()),
        paid_until: None,
        failed: FailedCharges::Times { times: 0 },
    }
}

/// The same line, by e-mail alone.
pub(super) fn by_email() -> OldSubscription {
    OldSubscription {
        has_email: true,
        zoho_customer: None,
        zoho_subscription: None,
        braintree_customer: None,
        ..line()
    }
}

impl World {
    pub(super) fn new() -> Self {
        let customer = ZohoCustomer { our_customer: None, ..samples::zoho_customer() };
        let mut subscription = samples::subscription("zs1", "", "live");
        subscription.next_billing_on = Some(day("2026-12-01"));
        subscription.amount = Some(eur(10_000));
        Self {
            bench: Bench::new(Migration::id(OLD), instant("2026-11-02T09:00:00Z")),
            old: line(),
            customers: vec![customer],
            subscriptions: vec![subscription],
            invoices: Vec::new(),
            methods: Some(vec![samples::method("tok1")]),
            payers: vec!["bt1".to_owned()],
            recurring: Vec::new(),
            client: Client { record: Some(samples::company()), braintree_customer: None, ..samples::client() },
            person: None,
            ours: SubscriptionSurvey::default(),
            our_customer: CustomerSurvey::default(),
            links: Vec::new(),
            owner: None,
            counted: Vec::new(),
            captures: Vec::new(),
            charging: Vec::new(),
            charge: TransactionStatus::Settled,
        }
    }

    pub(super) fn checked(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world.check();
        world
    }

    pub(super) fn linked(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::checked(change);
        world.link();
        world
    }

    pub(super) fn check(&mut self) {
        let command = Command::Check {
            job: "list1".to_owned(),
            old: Box::new(self.old.clone()),
            installation: Installation::new("demo1").expect("valid"),
        };
        self.tell(command);
    }

    pub(super) fn link(&mut self) {
        self.tell(Command::Link { by: "token:ada".to_owned() });
    }

    pub(super) fn unlink(&mut self) {
        self.tell(Command::Unlink { reason: "not yet".to_owned(), by: "token:ada".to_owned() });
    }

    pub(super) fn shadow(&mut self, on: bool) {
        self.tell(Command::Shadow { on, by: "token:ada".to_owned() });
    }

    pub(super) fn found(&self) -> &Found {
        let found = self.events().filter_map(|event| match event {
            Event::LineMatched { found, .. } => Some(&**found),
            _ => None,
        });
        found.last().expect("it is matched")
    }

    /// The words of the newest conflicts.
    pub(super) fn conflicts(&self) -> Vec<&str> {
        let newest = self.events().filter_map(|event| match event {
            Event::ConflictsFound { conflicts, .. } => Some(conflicts.iter().map(|c| c.code.as_str()).collect()),
            Event::LinkRefused { conflict, .. } => Some(vec![conflict.code.as_str()]),
            _ => None,
        });
        newest.last().unwrap_or_default()
    }

    pub(super) fn product() -> Claim {
        Claim { kind: ClaimKind::AccountPlanFamily, key: format!("{OURS}/prod1") }
    }

    /// Zoho raises an invoice that is due at once.
    pub(super) fn raise(&mut self, id: &str, total: i64) {
        let raised = samples::invoice(total, self.now);
        self.invoices.push(Invoice { id: id.to_owned(), number: format!("INV-{id}"), ..raised });
    }

    /// The old way takes money for it.
    pub(super) fn old_way_takes(&mut self, id: &str, minor: i64) {
        let invoice = self.invoices.iter_mut().find(|invoice| invoice.id == id).expect("raised");
        let payment = InvoicePayment {
            id: format!("pay-{id}"),
            reference: "old".to_owned(),
            mode: "autotransaction".to_owned(),
            amount: eur(minor),
        };
        invoice.payments.push(payment);
        invoice.balance = eur(0);
        invoice.status = "paid".to_owned();
    }

    fn on_zoho(&self, call: &Zoho) -> Outcome {
        let gone = || rejected(RejectionKind::NotFound, "1002");
        let answer = match call {
            Zoho::FindCustomers { .. } => Answer::ZohoCustomers { customers: self.customers.clone() },
            Zoho::ReadCustomer { customer } => match self.customers.iter().find(|known| known.id == *customer) {
                Some(found) => Answer::ZohoCustomer(Box::new(found.clone())),
                None => return gone(),
            },
            Zoho::ListSubscriptions { .. } => Answer::Subscriptions { subscriptions: self.subscriptions.clone() },
            Zoho::ReadSubscription { subscription } => {
                match self.subscriptions.iter().find(|known| known.id == *subscription) {
                    // As the connector reads it: not what is sold.
                    Some(found) => Answer::Subscription(Box::new(Subscription {
                        plan: None,
                        product: None,
                        amount: None,
                        next_billing_on: None,
                        ..found.clone()
                    })),
                    None => return gone(),
                }
            }
            Zoho::ReadInvoice { invoice } => match self.invoices.iter().find(|known| known.id == *invoice) {
                Some(found) => Answer::Invoice(Box::new(found.clone())),
                None => return gone(),
            },
            Zoho::Subscription(OnSubscription::ListInvoices { .. }) => {
                let row = |invoice: &Invoice| BilledInvoice {
                    id: invoice.id.clone(),
                    number: invoice.number.clone(),
                    status: invoice.status.clone(),
                    total: invoice.total,
                    balance: invoice.balance,
                };
                Answer::BilledInvoices { invoices: self.invoices.iter().map(row).collect() }
            }
            other => panic!("no call of this flow: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn on_desk(&mut self, call: &Desk) -> Outcome {
        match call {
            Desk::SurveySubscription { .. } => {
                let linked = self.links.iter().find(|link| link.kind == IdKind::ZohoSubscription);
                let linked = linked.map(|link| link.ours.clone());
                let survey = SubscriptionSurvey {
                    subscription: self.ours.subscription.clone().or(linked),
                    owner: self.owner,
                    ..self.ours.clone()
                };
                return Outcome::Done { answer: Answer::SubscriptionSurvey(Box::new(survey)) };
            }
            Desk::SurveyCustomer { .. } => {
                return Outcome::Done { answer: Answer::CustomerSurvey(Box::new(self.our_customer.clone())) };
            }
            Desk::Claim { claims } => self.claims.extend(claims.iter().cloned()),
            Desk::Link { links } => self.links.extend(links.iter().cloned()),
            Desk::Unlink { links } => self.links.retain(|link| !links.contains(link)),
            Desk::CountOldCharges { order_ids, .. } => self.counted.extend(order_ids.iter().cloned()),
            Desk::SetOwner { from, owner, .. } => {
                assert_ne!(*owner, Some(CollectionOwner::Orchestrator), "it never lets us collect");
                if self.owner != *from && self.owner != *owner {
                    return rejected(RejectionKind::State, "other_owner");
                }
                self.owner = *owner;
            }
            Desk::SurveyEnding { invoices, .. } => {
                let captures = self.captures.iter().filter(|capture| invoices.contains(&capture.invoice));
                let survey = EndingSurvey {
                    charging: self.charging.clone(),
                    captures: captures.cloned().collect(),
                    product: None,
                };
                return Outcome::Done { answer: Answer::EndingSurvey(Box::new(survey)) };
            }
            other => panic!("no call of this flow: {other:?}"),
        }
        Outcome::Done { answer: Answer::Nothing }
    }

    fn on_braintree(&self, call: &Braintree) -> Outcome {
        let answer = match call {
            Braintree::FindCustomers { .. } => Answer::BraintreeCustomers { customers: self.payers.clone() },
            Braintree::ReadCustomer { .. } => match &self.methods {
                Some(methods) => Answer::Methods { methods: methods.clone() },
                None => return rejected(RejectionKind::NotFound, "404"),
            },
            Braintree::ReadMethod { token } => Answer::MethodInUse(Box::new(MethodInUse {
                method: samples::method(token),
                customer: "bt1".to_owned(),
                subscriptions: self.recurring.clone(),
            })),
            Braintree::ReadTransaction { transaction } => Answer::Transaction(Box::new(Transaction {
                status: self.charge.clone(),
                ..samples::transaction(transaction, "demo1.inv.7.1", eur(10_000), self.now)
            })),
            other => panic!("no call of this flow: {other:?}"),
        };
        Outcome::Done { answer }
    }

    /// Linked and shadowed, and finance agreed to what the shadow says.
    pub(super) fn approved(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::linked(change);
        world.shadow(true);
        world.tell(Command::Approve { reason: "seen".to_owned(), by: "token:fay".to_owned() });
        world
    }

    pub(super) fn order(to: CollectionOwner) -> CutOver {
        CutOver {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            to,
            from_period: None,
            consent: None,
            statement: Some("statement of 3 October, signed by finance".to_owned()),
            braintree_plan: Some("monthly-eur".to_owned()),
            open_invoices: None,
            cohort: Some("c1".to_owned()),
            reason: "first cohort".to_owned(),
            by: "token:fay".to_owned(),
            approval: Approval::Alone,
        }
    }

    pub(super) fn cut_over(&mut self, to: CollectionOwner) {
        self.tell(Command::CutOver { order: Box::new(Self::order(to)) });
    }

    pub(super) fn take_back(&mut self) {
        self.tell(Command::TakeBack { order: Box::new(Self::order(CollectionOwner::Orchestrator)) });
    }

    /// The hand-over that was asked for last.
    pub(super) fn asked(&self) -> Wish {
        let told = self.tells.last().expect("it was asked for");
        assert_eq!(told.flow, "hand_over");
        serde_json::from_value(told.command["wish"].clone()).expect("a wish")
    }

    /// The hand-over ends with that owner on record.
    pub(super) fn handed_over(&mut self, owner: CollectionOwner) {
        self.owner = Some(owner);
        self.answered(&Ended::HandedOver { owner, valid_from: None });
    }

    /// As the hand-over tells it, word for word.
    pub(super) fn answered(&mut self, ended: &Ended) {
        let told = self.asked().answer(ended).expect("it asked to be told");
        self.tell(serde_json::from_value(told.command).expect("a command of this flow"));
    }

    /// We charge an invoice of a new term, and record it.
    pub(super) fn we_take(&mut self, id: &str, transaction: &str) {
        self.raise(id, 10_000);
        self.old_way_takes(id, 10_000);
        let invoice = self.invoices.iter_mut().find(|invoice| invoice.id == id).expect("raised");
        for payment in &mut invoice.payments {
            (payment.mode, payment.reference) = ("creditcard".to_owned(), transaction.to_owned());
        }
        self.captures.push(BookedCapture {
            transaction: transaction.to_owned(),
            invoice: id.to_owned(),
            amount: eur(10_000),
            at: self.now,
        });
    }
}

pub(super) fn busy() -> Outcome {
    Outcome::Declined { decline: decline(DeclineKind::Busy, "claimed") }
}

impl Played for World {
    type Flow = Migration;

    fn answer(&mut self, open: &Open) -> Outcome {
        let answer = match &open.effect {
            Effect::Zoho(call) => return self.on_zoho(call),
            Effect::Desk(call) => return self.on_desk(call),
            Effect::Braintree(call) => return self.on_braintree(call),
            Effect::Attio(Attio::FindClient { .. }) => Answer::Client(Box::new(self.client.clone())),
            Effect::Attio(Attio::FindPerson { .. }) => match self.person.clone() {
                Some(record) => Answer::PersonFound { record },
                None => Answer::Nothing,
            },
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        assert!(self.accounts.is_empty(), "it posts nothing");
        assert!(self.tells.iter().all(|told| told.flow == "hand_over"), "it tells nobody else");
        if self.owner.is_some() {
            assert!(self.claims.contains(&Self::product()), "what is collected keeps its product");
        }
    }

    fn must_agree(&self) {
        let held = [ClaimKind::ZohoCustomer, ClaimKind::ZohoSubscription];
        let keeps = self.claims.iter().any(|claim| held.contains(&claim.kind));
        assert!(!keeps, "at rest it keeps nobody away from customer and subscription");
    }
}
