//! A small world for the flow: it answers each call from what it holds, and after every append checks what must always hold.

use crate::kernel::answer::{
    Answer, CardUses, CollectionOwner, CustomerSurvey, HostedPage, Method, MethodInUse, Owing, Recurring,
    RecurringStatus, Subscription, SubscriptionSurvey,
};
use crate::kernel::effect::{
    Attio, Braintree, CardFace, Desk, Effect, Letter, Mail, Message, OnPage, PageOrder, RecurringChange,
    SubscriptionKey, TaskNote, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::outcome::{DeclineKind, Outcome, RejectionKind};
use crate::kernel::saga::{At, Input, Saga};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples;
pub(super) use crate::kernel::tests::samples::{eur, instant, method, rejected, unknown};
use crate::payment_method_update::{Command, Consent, Page, PageStage, PaymentMethodUpdate, Terms, Tried, page};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(super) const VERSION: &str = "2026-11";

pub(super) fn declined(kind: DeclineKind, code: &str) -> Outcome {
    Outcome::Declined { decline: samples::decline(kind, code) }
}

pub(super) fn invoice(n: u32) -> SagaId {
    SagaId::derived("invoice", &[&n.to_string()])
}

pub(super) fn input(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(super) struct World {
    bench: Bench<PaymentMethodUpdate>,
    pub(super) survey: SubscriptionSurvey,
    pub(super) subscription: Subscription,
    pub(super) customer: CustomerSurvey,
    pub(super) methods: Vec<Method>,
    /// The number of the card that the customer gives.
    pub(super) number: String,
    pub(super) owing: Vec<Owing>,
    pub(super) charging: Option<SagaId>,
    /// What Braintree charges by itself, and to which card.
    pub(super) recurring: BTreeMap<String, (String, RecurringStatus)>,
    pub(super) shown: Vec<CardFace>,
    pub(super) letters: Vec<Letter>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) messages: Vec<Message>,
    /// Pages of Zoho's, with the status of each.
    pub(super) pages: Vec<HostedPage>,
}

stands_on_its_bench!(World, PaymentMethodUpdate);

impl Played for World {
    type Flow = PaymentMethodUpdate;

    fn answer(&mut self, open: &Open) -> Outcome {
        self.vendor(&open.effect)
    }

    fn must_hold(&self) {
        assert!(self.accounts.is_empty(), "a card update moves no money");
        if self.saga.flow.ended.is_some() {
            assert!(self.claims.is_empty(), "claims are kept: {}", self.state());
        }
        let default = self.methods.iter().filter(|m| m.default).count();
        assert!(default <= 1);
        // What Braintree charges by itself charges a card that is there.
        for (id, (token, status)) in &self.recurring {
            let there = self.methods.iter().any(|m| m.token == *token);
            assert!(there || status.is_over(), "{id} charges {token}, which is gone");
        }
    }
}

impl World {
    fn new() -> Self {
        Self {
            bench: Bench::new(Self::id(), Self::began()),
            survey: SubscriptionSurvey {
                subscription: Some("sub1".to_owned()),
                zoho_subscription: Some("zs1".to_owned()),
                attio_record: Some("record1".to_owned()),
                owner: Some(CollectionOwner::Orchestrator),
                owner_from: None,
                claimed_by: None,
                customer: None,
            },
            subscription: Subscription {
                amount: Some(eur(10_000)),
                ..samples::subscription("zs1", "demo1.sub.x.1", "live")
            },
            customer: CustomerSurvey {
                customer: Some("cust1".to_owned()),
                braintree_customer: Some("c-cust1".to_owned()),
                attio_client: Some(samples::company()),
            },
            methods: vec![method("m-old")],
            number: "card-new".to_owned(),
            owing: Vec::new(),
            charging: None,
            recurring: BTreeMap::new(),
            shown: Vec::new(),
            letters: Vec::new(),
            tasks: Vec::new(),
            messages: Vec::new(),
            pages: Vec::new(),
        }
    }

    fn began() -> DateTime<Utc> {
        instant("2026-11-02T09:00:00Z")
    }

    fn key() -> SubscriptionKey {
        SubscriptionKey::Attio { record: "record1".to_owned() }
    }

    pub(super) fn id() -> SagaId {
        PaymentMethodUpdate::id(&Self::key(), Self::began())
    }

    /// A world in which the act was just pressed and all that follows at once was done.
    pub(super) fn pressed(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world.press();
        world
    }

    /// A world in which the customer has just given a card.
    pub(super) fn submitted(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::pressed(change);
        world.submit(1);
        world
    }

    pub(super) fn request(&self, pressed: bool) -> Command {
        Command::Requested {
            installation: Installation::new("demo1").expect("valid"),
            subscription: Self::key(),
            requested_at: self.now,
            pressed,
            terms: Box::new(Terms {
                link_days: 7,
                consent_version: VERSION.to_owned(),
                declines_before_lock: 5,
                lock_minutes: 60,
                keep_days: 7,
            }),
        }
    }

    pub(super) fn press(&mut self) {
        let command = self.request(true);
        self.tell(command);
    }

    pub(super) fn submission(&self, n: u128) -> Command {
        Command::Submitted {
            link: self.page().link,
            offer_hash: self.page().offer.map(|offer| offer.hash).unwrap_or_default(),
            consent: Consent { version: VERSION.to_owned(), at: self.now, evidence: None },
            input: input(n),
            authenticated: false,
        }
    }

    pub(super) fn submit(&mut self, n: u128) {
        let command = self.submission(n);
        self.tell(command);
    }

    /// Submits without letting anything follow.
    pub(super) fn submit_until(&mut self, step: &str) {
        self.deliver(self.submission(1));
        self.run_until(step);
    }

    pub(super) fn cancel(&mut self) {
        self.tell(Command::CancelOrdered { reason: "the customer keeps the old card".to_owned() });
    }

    pub(super) fn tried(&mut self, n: u32, outcome: Tried) {
        self.tell(Command::InvoiceTried { invoice: invoice(n), outcome });
    }

    /// That many open invoices of 50 euros.
    pub(super) fn owes(&mut self, invoices: u32) {
        self.owing =
            (1..=invoices).map(|n| Owing { saga: invoice(n), number: format!("INV-{n}"), owed: eur(5_000) }).collect();
    }

    /// Braintree charges the old card for that subscription by itself.
    pub(super) fn recurs(&mut self, id: &str) {
        self.recurring.insert(id.to_owned(), ("m-old".to_owned(), RecurringStatus::Active));
    }

    /// The code of the refusal of a command; empty where it is heard. Nothing follows from a refused one.
    pub(super) fn refusal(&self, command: &Command) -> String {
        let at = At::utc(self.now);
        PaymentMethodUpdate::decide(&self.saga.business, Input::Command(command), &at)
            .err()
            .map(|r| r.code)
            .unwrap_or_default()
    }

    pub(super) fn page(&self) -> Page {
        page(&self.saga.business, self.now)
    }

    pub(super) fn stage(&self) -> PageStage {
        self.page().stage
    }

    pub(super) fn default_card(&self) -> Option<&str> {
        self.methods.iter().find(|m| m.default).map(|m| m.token.as_str())
    }

    pub(super) fn has_card(&self, token: &str) -> bool {
        self.methods.iter().any(|m| m.token == token)
    }

    /// The token of the card that was given.
    pub(super) fn new_card(&self) -> String {
        self.saga.business.card.as_ref().expect("a vaulted card").token.clone()
    }

    pub(super) fn last_shown(&self) -> &CardFace {
        self.shown.last().expect("something was shown")
    }

    fn vendor(&mut self, effect: &Effect) -> Outcome {
        let answer = match effect {
            Effect::Desk(call) => self.desk(call),
            Effect::Attio(call) => self.attio(call),
            Effect::Mail(Mail::Send(letter)) => {
                self.letters.push((**letter).clone());
                Answer::Nothing
            }
            Effect::Braintree(call) => return self.braintree(call),
            Effect::Zoho(Zoho::ReadSubscription { .. }) => Answer::Subscription(Box::new(self.subscription.clone())),
            Effect::Zoho(Zoho::Page(call)) => return self.page_call(call),
            Effect::Zoho(_) | Effect::Crm(_) | Effect::Helpdesk(_) | Effect::Practice(_) => {
                panic!("no call of this flow")
            }
        };
        Outcome::Done { answer }
    }

    fn page_call(&mut self, call: &OnPage) -> Outcome {
        let shown = match call {
            OnPage::Create(order) => {
                let PageOrder::UpdateCard { subscription, back_to } = &**order else { panic!("another page") };
                assert_eq!((subscription.as_str(), back_to.saga), ("zs1", Self::id()));
                self.pages.push(HostedPage {
                    id: format!("2-{}", self.pages.len() + 1),
                    status: "fresh".to_owned(),
                    expires_at: Some(self.now + TimeDelta::hours(1)),
                    subscription: None,
                    invoice: None,
                });
                self.pages.last()
            }
            OnPage::Read { page } => self.pages.iter().find(|shown| shown.id == *page),
        };
        let answer = Answer::HostedPage(Box::new(shown.expect("a page").clone()));
        Outcome::Done { answer }
    }

    /// Zoho's own gateway collects, and the customer has clicked.
    pub(super) fn at_zoho() -> Self {
        let mut world = Self::pressed(|w| {
            w.survey.owner = Some(CollectionOwner::ZohoNative);
            w.customer.braintree_customer = None;
        });
        world.click();
        world
    }

    pub(super) fn click(&mut self) {
        self.tell(Command::PageAsked { link: self.page().link });
    }

    pub(super) fn comes_back(&mut self) {
        self.tell(Command::Returned { link: self.page().link });
    }

    fn desk(&mut self, call: &Desk) -> Answer {
        match call {
            Desk::SurveySubscription { .. } => Answer::SubscriptionSurvey(Box::new(self.survey.clone())),
            Desk::SurveyCustomer { .. } => Answer::CustomerSurvey(Box::new(self.customer.clone())),
            Desk::SurveyCardUses { subscriptions, .. } => Answer::CardUses(Box::new(CardUses {
                owing: self.owing.clone(),
                charging: self.charging,
                zoho_subscriptions: subscriptions.iter().map(|ours| format!("zs-{ours}")).collect(),
            })),
            Desk::Claim { claims } => {
                self.claims.extend(claims.iter().cloned());
                Answer::Nothing
            }
            Desk::Tell { message, claims } => {
                assert!(claims.is_empty());
                self.messages.push((**message).clone());
                Answer::Nothing
            }
            other => panic!("no call of this flow: {other:?}"),
        }
    }

    fn attio(&mut self, call: &Attio) -> Answer {
        match call {
            Attio::ReadPerson { .. } => Answer::PersonRead { missing: Vec::new(), country: Some("DE".to_owned()) },
            Attio::ShowCardPage(face) => {
                assert!(self.shown.last().is_none_or(|f| f.version < face.version));
                self.shown.push((**face).clone());
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Attio::AddTask(task) => {
                self.tasks.push((**task).clone());
                Answer::Nothing
            }
            other => panic!("no call of this flow: {other:?}"),
        }
    }

    fn braintree(&mut self, call: &Braintree) -> Outcome {
        let answer = match call {
            Braintree::ReadCustomer { .. } => Answer::Methods { methods: self.methods.clone() },
            Braintree::Vault { token, .. } => {
                let first = self.methods.is_empty();
                let card =
                    Method { default: first, card: self.number.clone(), last_four: "4242".to_owned(), ..method(token) };
                self.methods.push(card.clone());
                Answer::Vaulted(Box::new(card))
            }
            Braintree::ReadMethod { token } => match self.methods.iter().find(|m| m.token == *token) {
                Some(method) => Answer::MethodInUse(Box::new(MethodInUse {
                    method: method.clone(),
                    customer: "c-cust1".to_owned(),
                    subscriptions: self.charged_to(token),
                })),
                None => return rejected(RejectionKind::NotFound, "not_found"),
            },
            Braintree::UpdateSubscription { subscription, change: RecurringChange::Method { token } } => {
                let known = self.recurring.get_mut(subscription).expect("a subscription");
                known.0.clone_from(token);
                self.shown_recurring(subscription)
            }
            Braintree::ReadSubscription { subscription } => self.shown_recurring(subscription),
            Braintree::SetDefaultMethod { token, .. } => {
                for method in &mut self.methods {
                    method.default = method.token == *token;
                }
                Answer::Nothing
            }
            Braintree::DeleteMethod { token } => {
                if !self.charged_to(token).is_empty() {
                    return rejected(RejectionKind::State, "in_use");
                }
                self.methods.retain(|m| m.token != *token);
                Answer::Nothing
            }
            other => panic!("no call of this flow: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn charged_to(&self, token: &str) -> Vec<String> {
        let live = self.recurring.iter().filter(|(_, (charged, status))| charged == token && !status.is_over());
        live.map(|(id, _)| id.clone()).collect()
    }

    fn shown_recurring(&self, id: &str) -> Answer {
        let (token, status) = self.recurring.get(id).expect("a subscription").clone();
        Answer::Recurring(Box::new(Recurring {
            id: id.to_owned(),
            status,
            plan: "pro".to_owned(),
            token,
            price: eur(5_000),
            balance: None,
            current_cycle: None,
            ends_after: None,
            next_charge_on: None,
            paid_through: None,
            failures: 0,
            transactions: Vec::new(),
        }))
    }
}
