//! A small world for the flow: our tables, one subscription at Zoho with its invoices, the same one at Braintree, one
//! record in Attio.

use crate::braintree_recurring::{Begun, BraintreeRecurring, Command, Intent};
use crate::kernel::answer::{
    Answer, BilledInvoice, CollectionOwner, MethodInUse, Recurring, RecurringStatus, SubscriptionSurvey, Transaction,
    TransactionStatus,
};
use crate::kernel::effect::{
    Attio, Braintree, Desk, Effect, EndingFace, Message, OnSubscription, RecurringChange, TaskNote, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::ids::Installation;
use crate::kernel::outcome::Outcome;
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
pub(super) use crate::kernel::tests::samples::{self, day, eur, instant, rejected};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// Price of a month.
pub(super) const PRICE: i64 = 4_900;
pub(super) const RECURRING: &str = "s-sub1";

pub(super) struct World {
    bench: Bench<BraintreeRecurring>,
    pub(super) survey: SubscriptionSurvey,
    pub(super) shown: Recurring,
    pub(super) invoices: Vec<BilledInvoice>,
    /// What Zoho asks for a term.
    pub(super) price: Option<i64>,
    pub(super) faces: Vec<EndingFace>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) told: Vec<Message>,
}

stands_on_its_bench!(World, BraintreeRecurring);

pub(super) fn card_link() -> Value {
    json!({"link_days": 14, "consent_version": "1", "declines_before_lock": 5, "lock_minutes": 60, "keep_days": 7})
}

pub(super) fn begun() -> Begun {
    Begun {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        customer: "cust1".to_owned(),
        subscription: "sub1".to_owned(),
        zoho_subscription: "zs1".to_owned(),
        record: Some("as1".to_owned()),
        recurring: RECURRING.to_owned(),
        next_charge_on: Some(day("2026-12-02")),
        charged: Some("tx1".to_owned()),
        invoice: Some("771".to_owned()),
    }
}

pub(super) fn billed(id: &str, balance: i64) -> BilledInvoice {
    BilledInvoice {
        id: id.to_owned(),
        number: format!("INV-{id}"),
        status: if balance == 0 { "paid" } else { "sent" }.to_owned(),
        total: eur(PRICE),
        balance: eur(balance),
    }
}

impl World {
    /// Begun on the second of November with a first charge that somebody else records.
    pub(super) fn new() -> Self {
        let mut world = Self {
            bench: Bench::new(BraintreeRecurring::id(RECURRING), instant("2026-11-02T09:00:00Z")),
            survey: SubscriptionSurvey {
                subscription: Some("sub1".to_owned()),
                zoho_subscription: Some("zs1".to_owned()),
                attio_record: Some("as1".to_owned()),
                owner: Some(CollectionOwner::BraintreeRecurring),
                owner_from: None,
                claimed_by: None,
                customer: Some("cust1".to_owned()),
            },
            shown: Recurring {
                id: RECURRING.to_owned(),
                status: RecurringStatus::Active,
                plan: "billing-eur-1m".to_owned(),
                token: "m1".to_owned(),
                price: eur(PRICE),
                balance: Some(eur(0)),
                current_cycle: Some(1),
                ends_after: None,
                next_charge_on: Some(day("2026-12-02")),
                paid_through: None,
                failures: 0,
                transactions: Vec::new(),
            },
            invoices: vec![billed("771", 0)],
            price: Some(PRICE),
            faces: Vec::new(),
            tasks: Vec::new(),
            told: Vec::new(),
        };
        world.charge("tx1", PRICE, TransactionStatus::Settled);
        world
    }

    pub(super) fn begun() -> Self {
        let mut world = Self::new();
        world.tell(Command::Begun { begun: Box::new(begun()) });
        world
    }

    /// Braintree makes a charge, or tries to.
    pub(super) fn charge(&mut self, id: &str, minor: i64, status: TransactionStatus) {
        let made = Transaction {
            status,
            customer: Some("c-cust1".to_owned()),
            token: Some("m1".to_owned()),
            ..samples::transaction(id, "", eur(minor), self.bench.now)
        };
        self.shown.transactions.insert(0, made);
    }

    pub(super) fn becomes(&mut self, id: &str, status: TransactionStatus) {
        let known = self.shown.transactions.iter_mut().find(|t| t.id == id).expect("a transaction");
        known.status = status;
    }

    /// The second of December: Zoho raises an invoice over so much, and Braintree charges so much.
    pub(super) fn renews(&mut self, invoice: Option<i64>, charge: Option<i64>) {
        let until = instant("2026-12-02T06:00:00Z") - self.now;
        self.pass(until);
        if let Some(minor) = invoice {
            self.invoices.push(billed("772", minor));
        }
        self.shown.next_charge_on = Some(day("2027-01-02"));
        if let Some(minor) = charge {
            self.charge("tx2", minor, TransactionStatus::SubmittedForSettlement);
        }
    }

    /// The charge of December is declined.
    pub(super) fn past_due(&mut self) {
        self.renews(Some(PRICE), None);
        self.charge("tx2", PRICE, TransactionStatus::ProcessorDeclined);
        self.shown.status = RecurringStatus::PastDue;
        self.shown.balance = Some(eur(PRICE));
        self.hear("subscription_went_past_due");
    }

    pub(super) fn hear(&mut self, kind: &str) {
        self.tell(Command::Heard {
            recurring: RECURRING.to_owned(),
            source: format!("braintree.{kind}"),
            card_link: Some(card_link()),
        });
    }

    pub(super) fn intend(&mut self, intent: Intent) {
        self.tell(Command::Intended { intent });
    }

    /// The invoice's stream has recorded it.
    pub(super) fn record(&mut self, invoice: &str) {
        if let Some(known) = self.invoices.iter_mut().find(|i| i.id == invoice) {
            *known = billed(invoice, 0);
        }
        let answer = json!({
            "command": "invoice_recorded", "invoice": invoice, "number": format!("INV-{invoice}"), "payment": "zp1",
            "next_billing_on": null,
        });
        self.tell(serde_json::from_value(answer).expect("understood"));
    }

    /// What flows of that name were told, in order.
    pub(super) fn told_to(&self, flow: &str) -> Vec<&Value> {
        self.told.iter().filter(|message| message.flow == flow).map(|message| &message.command).collect()
    }

    pub(super) fn days(&mut self, days: i64) {
        self.pass(TimeDelta::days(days));
    }

    fn zoho(&mut self, call: &Zoho) -> Answer {
        match call {
            Zoho::Subscription(OnSubscription::ListInvoices { .. }) => {
                Answer::BilledInvoices { invoices: self.invoices.clone() }
            }
            Zoho::ReadSubscription { .. } => {
                let mut shown = samples::subscription("zs1", "demo1.sub.x.1", "live");
                shown.amount = self.price.map(eur);
                Answer::Subscription(Box::new(shown))
            }
            other => panic!("no such call: {other:?}"),
        }
    }

    fn braintree(&mut self, call: &Braintree) -> Answer {
        match call {
            Braintree::ReadSubscription { subscription } => {
                assert_eq!(*subscription, self.shown.id);
                Answer::Recurring(Box::new(self.shown.clone()))
            }
            Braintree::ReadMethod { token } => Answer::MethodInUse(Box::new(MethodInUse {
                method: samples::method(token),
                customer: "c-cust1".to_owned(),
                subscriptions: vec![self.shown.id.clone()],
            })),
            Braintree::UpdateSubscription { change: RecurringChange::Plan { plan, price }, .. } => {
                assert_eq!(*plan, self.shown.plan);
                self.shown.price = *price;
                Answer::Recurring(Box::new(self.shown.clone()))
            }
            other => panic!("no such call: {other:?}"),
        }
    }
}

impl Played for World {
    type Flow = BraintreeRecurring;

    fn answer(&mut self, open: &Open) -> Outcome {
        let answer = match &open.effect {
            Effect::Desk(Desk::SurveySubscription { .. }) => Answer::SubscriptionSurvey(Box::new(self.survey.clone())),
            Effect::Desk(Desk::Tell { message, claims }) => {
                assert!(claims.is_empty(), "it holds no claim");
                self.told.push((**message).clone());
                Answer::Nothing
            }
            Effect::Zoho(call) => self.zoho(call),
            Effect::Braintree(call) => self.braintree(call),
            Effect::Attio(Attio::ShowEnding(face)) => {
                self.faces.push((**face).clone());
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Effect::Attio(Attio::AddTask(task)) => {
                self.tasks.push((**task).clone());
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        let booked: i64 = self.balance(1110);
        assert_eq!(booked, -self.balance(2100), "what is taken is held, and applied elsewhere");
        let charged =
            |id: &str| self.told_to("invoice_payment").iter().filter(|told| told["transaction"] == id).count();
        for transaction in &self.shown.transactions {
            assert!(charged(&transaction.id) <= 1, "{} is handed over twice", transaction.id);
        }
        assert_eq!(charged("tx1"), 0, "who started it records its first charge");
    }
}
