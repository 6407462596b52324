//! A small world for the flow: our record of who collects, one subscription at Zoho with its invoices and at Braintree, a
//! vault, one record in Attio.

use crate::hand_over::{Command, HandOver, OpenInvoices};
use crate::kernel::answer::{
    Answer, BilledInvoice, CollectionOwner, CustomerSurvey, EndingSurvey, Method, Recurring, RecurringStatus,
    SubscriptionSurvey, SubscriptionTerms,
};
use crate::kernel::effect::{
    Attio, Braintree, Desk, Effect, Message, OnInvoice, OnSubscription, OwnerFace, RecurringOrder, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::hand_over::{Approval, Wish};
use crate::kernel::ids::Installation;
use crate::kernel::outcome::{DeclineKind, Outcome, RejectionKind};
use crate::kernel::saga::{At, Input, Saga as _};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, day, decline, eur, instant, method, rejected};
use chrono::NaiveDate;
use std::collections::BTreeMap;

pub(super) use CollectionOwner::{BraintreeRecurring, Orchestrator, ZohoNative};

pub(super) struct World {
    bench: Bench<HandOver>,
    pub(super) wish: Wish,
    /// Who collects on record, and from when on.
    pub(super) owner: Option<CollectionOwner>,
    pub(super) owner_from: Option<NaiveDate>,
    pub(super) terms: SubscriptionTerms,
    pub(super) linked: bool,
    pub(super) methods: Vec<Method>,
    pub(super) recurring: BTreeMap<String, Recurring>,
    pub(super) invoices: Vec<BilledInvoice>,
    pub(super) charging: Vec<String>,
    /// Another saga holds the subscription.
    pub(super) busy: bool,
    /// A switch that is answered with done has no effect, so often.
    pub(super) deaf: u32,
    pub(super) orders: Vec<RecurringOrder>,
    pub(super) shown: Vec<OwnerFace>,
    pub(super) told: Vec<Message>,
}

stands_on_its_bench!(World, HandOver);

pub(super) fn billed(id: &str, balance: i64) -> BilledInvoice {
    let status = if balance == 0 { "paid" } else { "overdue" }.to_owned();
    BilledInvoice { id: id.to_owned(), number: format!("INV-{id}"), status, total: eur(10_000), balance: eur(balance) }
}

pub(super) fn running(id: &str) -> Recurring {
    Recurring {
        id: id.to_owned(),
        status: RecurringStatus::Active,
        plan: "monthly-eur".to_owned(),
        token: "m-1".to_owned(),
        price: eur(10_000),
        balance: None,
        current_cycle: Some(3),
        ends_after: None,
        next_charge_on: Some(day("2024-11-01")),
        paid_through: Some(day("2024-10-31")),
        failures: 0,
        transactions: Vec::new(),
    }
}

impl World {
    /// A subscription that renews on the first of November and owes nothing.
    pub(super) fn of(from: Option<CollectionOwner>, to: CollectionOwner) -> Self {
        let wish = Wish {
            key: "k".to_owned(),
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            subscription: "zs1".to_owned(),
            from,
            to,
            from_period: None,
            consent: Some("terms-2".to_owned()),
            proof: from.is_none().then(|| "statement of 3 October, signed by finance".to_owned()),
            braintree_plan: Some("monthly-eur".to_owned()),
            recurring: None,
            open_invoices: None,
            cohort: Some("c1".to_owned()),
            reason: "one clock".to_owned(),
            by: "token:ada".to_owned(),
            approval: Approval::SecondPerson,
            reply_to: None,
        };
        let mut terms = samples::terms("live");
        terms.auto_collect = from == Some(ZohoNative);
        terms.has_card = from == Some(ZohoNative) || to == ZohoNative;
        let at_braintree = (from == Some(BraintreeRecurring)).then(|| ("s-sub1".to_owned(), running("s-sub1")));
        Self {
            bench: Bench::new(wish.saga(), instant("2024-10-04T09:00:00Z")),
            wish,
            owner: from,
            owner_from: None,
            terms,
            linked: true,
            methods: vec![method("m-1")],
            recurring: at_braintree.into_iter().collect(),
            invoices: vec![billed("77", 0)],
            charging: Vec::new(),
            busy: false,
            deaf: 0,
            orders: Vec::new(),
            shown: Vec::new(),
            told: Vec::new(),
        }
    }

    pub(super) fn ask(&mut self) {
        let wish = Box::new(self.wish.clone());
        self.tell(Command::Requested { wish });
    }

    pub(super) fn approve(&mut self) {
        self.tell(Command::Approved { by: "token:bob".to_owned(), reason: "seen".to_owned() });
    }

    /// Asked for, and agreed to.
    pub(super) fn begin(&mut self) {
        self.ask();
        self.approve();
    }

    pub(super) fn stop(&mut self) {
        self.tell(Command::Stopped { by: "token:ada".to_owned(), reason: "not now".to_owned() });
    }

    pub(super) fn decide(&mut self, choice: OpenInvoices) {
        self.tell(Command::Decided { choice, by: "token:ada".to_owned(), reason: "asked the customer".to_owned() });
    }

    pub(super) fn redirect(&mut self) {
        self.tell(Command::Redirected { by: "token:ada".to_owned(), reason: "Braintree refuses".to_owned() });
    }

    /// The code of the refusal of a command; empty where it is heard. Nothing follows from a refused one.
    pub(super) fn refusal(&self, command: &Command) -> String {
        let decided = HandOver::decide(&self.saga.business, Input::Command(command), &At::utc(self.now));
        decided.err().map(|refusal| refusal.code).unwrap_or_default()
    }

    pub(super) fn is_claimed(&self) -> bool {
        !self.claims.is_empty()
    }

    /// Those who could charge now.
    pub(super) fn collectors(&self) -> Vec<CollectionOwner> {
        let ours = (self.owner == Some(Orchestrator)).then_some(Orchestrator);
        let live = self.recurring.values().any(|shown| !shown.status.is_over());
        let braintree = live.then_some(BraintreeRecurring);
        let zoho = self.terms.auto_collect.then_some(ZohoNative);
        [ours, braintree, zoho].into_iter().flatten().collect()
    }

    fn desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::SurveySubscription { .. } => Answer::SubscriptionSurvey(Box::new(SubscriptionSurvey {
                subscription: self.linked.then(|| "sub1".to_owned()),
                zoho_subscription: Some("zs1".to_owned()),
                attio_record: Some("as1".to_owned()),
                owner: self.owner,
                owner_from: self.owner_from,
                claimed_by: None,
                customer: Some("cust1".to_owned()),
            })),
            Desk::Claim { .. } if self.busy => {
                return Outcome::Declined { decline: decline(DeclineKind::Busy, "claimed") };
            }
            Desk::Claim { claims } => {
                self.claims.extend(claims.iter().cloned());
                Answer::Nothing
            }
            Desk::SurveyCustomer { .. } => Answer::CustomerSurvey(Box::new(CustomerSurvey {
                customer: Some("cust1".to_owned()),
                braintree_customer: (!self.methods.is_empty()).then(|| "c-cust1".to_owned()),
                attio_client: None,
            })),
            Desk::SurveyEnding { .. } => Answer::EndingSurvey(Box::new(EndingSurvey {
                charging: self.charging.clone(),
                ..EndingSurvey::default()
            })),
            Desk::SetOwner { from, owner, valid_from, .. } => {
                if self.owner != *from && self.owner != *owner {
                    return rejected(RejectionKind::State, "other_owner");
                }
                (self.owner, self.owner_from) = (*owner, *valid_from);
                Answer::Nothing
            }
            Desk::Tell { message, .. } => {
                self.told.push((**message).clone());
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn braintree(&mut self, call: &Braintree) -> Outcome {
        let shown = |shown: Option<&Recurring>| match shown {
            Some(shown) => Outcome::Done { answer: Answer::Recurring(Box::new(shown.clone())) },
            None => rejected(RejectionKind::NotFound, "not_found"),
        };
        match call {
            Braintree::ReadCustomer { .. } => {
                Outcome::Done { answer: Answer::Methods { methods: self.methods.clone() } }
            }
            Braintree::ReadSubscription { subscription } => shown(self.recurring.get(subscription)),
            Braintree::CancelSubscription { subscription } => {
                let known = self.recurring.get_mut(subscription).expect("a subscription");
                if self.deaf == 0 {
                    known.status = RecurringStatus::Canceled;
                }
                self.deaf = self.deaf.saturating_sub(1);
                Outcome::Done { answer: Answer::Nothing }
            }
            Braintree::CreateSubscription(order) => {
                let made = Recurring { status: RecurringStatus::Pending, ..running(&order.subscription) };
                assert!(self.recurring.insert(made.id.clone(), made.clone()).is_none(), "the id was used before");
                self.orders.push((**order).clone());
                shown(Some(&made))
            }
            other => panic!("no such call: {other:?}"),
        }
    }

    fn zoho(&mut self, call: &Zoho) -> Outcome {
        match call {
            Zoho::Subscription(OnSubscription::ListInvoices { .. }) => {
                return Outcome::Done { answer: Answer::BilledInvoices { invoices: self.invoices.clone() } };
            }
            Zoho::Subscription(OnSubscription::Collect { by_zoho, .. }) => {
                if self.deaf == 0 {
                    self.terms.auto_collect = *by_zoho;
                }
                self.deaf = self.deaf.saturating_sub(1);
            }
            Zoho::Subscription(OnSubscription::ReadTerms { .. }) => {}
            Zoho::Invoice(OnInvoice::Void { invoice }) => {
                let known = self.invoices.iter_mut().find(|known| known.id == *invoice).expect("it is listed");
                "void".clone_into(&mut known.status);
                return Outcome::Done { answer: Answer::Nothing };
            }
            other => panic!("no such call: {other:?}"),
        }
        Outcome::Done { answer: Answer::Terms(Box::new(self.terms.clone())) }
    }
}

impl Played for World {
    type Flow = HandOver;

    fn answer(&mut self, open: &Open) -> Outcome {
        match &open.effect {
            Effect::Desk(call) => self.desk(call),
            Effect::Braintree(call) => self.braintree(call),
            Effect::Zoho(call) => self.zoho(call),
            Effect::Attio(Attio::ShowOwner(face)) => {
                self.shown.push((**face).clone());
                Outcome::Done { answer: Answer::Nothing }
            }
            other => panic!("no such call: {other:?}"),
        }
    }

    fn must_hold(&self) {
        let ended = self.saga.flow.ended.is_some();
        assert!(!ended || !self.is_claimed(), "what has ended holds the subscription");
        assert!(self.accounts.is_empty(), "it posts nothing: an invoice's stream does");
        let collectors = self.collectors();
        assert!(collectors.len() <= 1, "two can charge: {collectors:?} in {}", self.state());
    }
}
