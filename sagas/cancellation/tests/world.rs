//! A small world for the flow: our tables, one subscription at Zoho with its invoices, one record in Attio.

use crate::cancellation::{Cancellation, Choice, Command, GiveBack, News, Of, OpenInvoices, Order, Press, Wish};
use crate::kernel::answer::{
    Answer, BilledInvoice, BookedCapture, CollectionOwner, EndingSurvey, KeptProduct, Recurring, RecurringStatus,
    SubscriptionSurvey, SubscriptionTerms,
};
use crate::kernel::effect::{
    Attio, Braintree, Desk, Effect, EndingFace, Message, OnInvoice, OnSubscription, RecurringChange, TaskNote, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::outcome::{DeclineKind, Outcome, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, day, decline, eur, instant, rejected};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;

pub(super) struct World {
    bench: Bench<Cancellation>,
    pub(super) survey: SubscriptionSurvey,
    pub(super) terms: SubscriptionTerms,
    pub(super) invoices: Vec<BilledInvoice>,
    pub(super) charging: Vec<String>,
    pub(super) captures: Vec<BookedCapture>,
    pub(super) product: Option<KeptProduct>,
    /// As it stands at Braintree, where Braintree collects.
    pub(super) recurring: Recurring,
    /// Another saga holds the subscription.
    pub(super) busy: bool,
    /// What the next cancellations, reactivations, voids and writes to Attio say before they are done.
    pub(super) zoho_says: VecDeque<Outcome>,
    pub(super) attio_says: VecDeque<Outcome>,
    pub(super) calls: Vec<&'static str>,
    pub(super) shown: Vec<EndingFace>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) told: Vec<Message>,
}

stands_on_its_bench!(World, Cancellation);

pub(super) fn billed(id: &str, total: i64, balance: i64) -> BilledInvoice {
    BilledInvoice {
        id: id.to_owned(),
        number: format!("INV-{id}"),
        status: if balance == 0 { "paid" } else { "overdue" }.to_owned(),
        total: eur(total),
        balance: eur(balance),
    }
}

pub(super) fn of() -> Of {
    Of {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        subscription: "zs1".to_owned(),
    }
}

pub(super) fn choice(open_invoices: Option<OpenInvoices>, give_back: Option<GiveBack>) -> Choice {
    Choice { open_invoices, give_back }
}

pub(super) const KEPT_KEY: &str = "cust1/prod1";

pub(super) fn seller() -> SagaId {
    SagaId::derived("test", &["activation"])
}

impl World {
    /// A subscription that runs until the end of the month and owes nothing.
    pub(super) fn new() -> Self {
        let now = instant("2024-10-04T09:00:00Z");
        Self {
            bench: Bench::new(Cancellation::id("60012", "zs1"), now),
            survey: SubscriptionSurvey {
                subscription: Some("sub1".to_owned()),
                zoho_subscription: Some("zs1".to_owned()),
                attio_record: Some("as1".to_owned()),
                owner: Some(CollectionOwner::Orchestrator),
                owner_from: None,
                claimed_by: None,
                customer: Some("cust1".to_owned()),
            },
            terms: samples::terms("live"),
            invoices: Vec::new(),
            charging: Vec::new(),
            captures: Vec::new(),
            product: Some(KeptProduct { saga: seller(), key: KEPT_KEY.to_owned(), flow: None }),
            recurring: Recurring {
                id: "s-sub1".to_owned(),
                status: RecurringStatus::Active,
                plan: "billing-eur-1m".to_owned(),
                token: "m1".to_owned(),
                price: eur(10_000),
                balance: None,
                current_cycle: Some(3),
                ends_after: None,
                next_charge_on: None,
                paid_through: None,
                failures: 0,
                transactions: Vec::new(),
            },
            busy: false,
            zoho_says: VecDeque::new(),
            attio_says: VecDeque::new(),
            calls: Vec::new(),
            shown: Vec::new(),
            tasks: Vec::new(),
            told: Vec::new(),
        }
    }

    /// A CRM user presses an act.
    pub(super) fn press(&mut self, wish: Wish) {
        let pressed_at = self.now;
        self.press_at(wish, pressed_at);
    }

    pub(super) fn press_at(&mut self, wish: Wish, pressed_at: DateTime<Utc>) {
        let press = Some(Press { record: "as1".to_owned(), pressed_at });
        let order =
            Order { wish, choice: Choice::default(), reason: String::new(), by: "attio:member1".to_owned(), press };
        self.tell(Command::Ordered { of: of(), order: Box::new(order) });
    }

    /// It is ordered by the API, with a choice.
    pub(super) fn order(&mut self, wish: Wish, choice: Choice) {
        let order = Order { wish, choice, reason: "moved away".to_owned(), by: "token:ada".to_owned(), press: None };
        self.tell(Command::Ordered { of: of(), order: Box::new(order) });
    }

    pub(super) fn choose(&mut self, by: &str, choice: Choice) {
        self.tell(Command::Chosen { choice, reason: "asked the customer".to_owned(), by: by.to_owned() });
    }

    pub(super) fn notice(&mut self, news: News) {
        self.tell(Command::Noticed { of: of(), news });
    }

    /// How often a call was made.
    pub(super) fn made(&self, call: &str) -> usize {
        self.calls.iter().filter(|made| **made == call).count()
    }

    pub(super) fn is_fenced(&self) -> bool {
        !self.claims.is_empty()
    }

    /// What the record shows now.
    pub(super) fn face(&self) -> &EndingFace {
        self.shown.last().expect("something is shown")
    }

    pub(super) fn status(&self) -> &str {
        &self.face().standing.as_ref().expect("it is known where it stands").subscription_status
    }

    fn subscription(&mut self, call: &OnSubscription) -> Outcome {
        let writes = !matches!(call, OnSubscription::ReadTerms { .. } | OnSubscription::ListInvoices { .. });
        if writes && let Some(said) = self.zoho_says.pop_front() {
            return said;
        }
        match call {
            OnSubscription::ListInvoices { .. } => {
                return Outcome::Done { answer: Answer::BilledInvoices { invoices: self.invoices.clone() } };
            }
            OnSubscription::Cancel { at_end: false, .. } => "cancelled".clone_into(&mut self.terms.status),
            OnSubscription::Cancel { at_end: true, .. } => "non_renewing".clone_into(&mut self.terms.status),
            OnSubscription::Reactivate { .. } => "live".clone_into(&mut self.terms.status),
            OnSubscription::ReadTerms { .. } => {}
            other => panic!("no such call: {other:?}"),
        }
        if self.terms.status == "gone" {
            return rejected(RejectionKind::NotFound, "1002");
        }
        Outcome::Done { answer: Answer::Terms(Box::new(self.terms.clone())) }
    }

    fn invoice(&mut self, call: &OnInvoice) -> Outcome {
        if let Some(said) = self.zoho_says.pop_front() {
            return said;
        }
        let known = self.invoices.iter_mut().find(|i| i.id == *call.invoice()).expect("an invoice that is listed");
        match call {
            OnInvoice::Void { .. } => "void".clone_into(&mut known.status),
            OnInvoice::WriteOff { .. } => known.balance = eur(0),
            other => panic!("no such call: {other:?}"),
        }
        Outcome::Done { answer: Answer::Nothing }
    }

    /// The subscription is collected by Braintree, which is in its third cycle.
    pub(super) fn collected_by_braintree(&mut self) {
        self.survey.owner = Some(CollectionOwner::BraintreeRecurring);
    }

    fn braintree(&mut self, call: &Braintree) -> Outcome {
        match call {
            Braintree::ReadSubscription { .. } => {}
            Braintree::CancelSubscription { .. } => self.recurring.status = RecurringStatus::Canceled,
            Braintree::UpdateSubscription { change: RecurringChange::EndAfter { cycles }, .. } => {
                self.recurring.ends_after = Some(*cycles);
            }
            Braintree::UpdateSubscription { change: RecurringChange::NeverEnds, .. } => {
                self.recurring.ends_after = None;
            }
            other => panic!("no such call: {other:?}"),
        }
        Outcome::Done { answer: Answer::Recurring(Box::new(self.recurring.clone())) }
    }

    fn attio(&mut self, call: &Attio) -> Outcome {
        if let Some(said) = self.attio_says.pop_front() {
            return said;
        }
        match call {
            Attio::ShowEnding(face) => self.shown.push((**face).clone()),
            Attio::AddTask(task) => self.tasks.push((**task).clone()),
            other => panic!("no such call: {other:?}"),
        }
        Outcome::Done { answer: Answer::Nothing }
    }

    fn desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::SurveySubscription { .. } => Answer::SubscriptionSurvey(Box::new(self.survey.clone())),
            Desk::SurveyEnding { invoices, .. } => Answer::EndingSurvey(Box::new(EndingSurvey {
                charging: self.charging.clone(),
                captures: self.captures.iter().filter(|c| invoices.contains(&c.invoice)).cloned().collect(),
                product: self.product.clone(),
            })),
            Desk::Claim { .. } if self.busy => {
                return Outcome::Declined { decline: decline(DeclineKind::Busy, "claimed") };
            }
            Desk::Claim { claims } => {
                self.claims.extend(claims.iter().cloned());
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
}

impl Played for World {
    type Flow = Cancellation;

    fn answer(&mut self, open: &Open) -> Outcome {
        self.calls.push(open.effect.operation());
        match &open.effect {
            Effect::Desk(call) => self.desk(call),
            Effect::Zoho(Zoho::Subscription(call)) => self.subscription(call),
            Effect::Zoho(Zoho::Invoice(call)) => self.invoice(call),
            Effect::Attio(call) => self.attio(call),
            Effect::Braintree(call) => self.braintree(call),
            other => panic!("no such call: {other:?}"),
        }
    }

    fn must_hold(&self) {
        let ended = self.saga.flow.ended.is_some();
        assert!(!ended || self.claims.is_empty(), "what has ended holds the fence");
        assert!(self.accounts.is_empty(), "it posts nothing: an invoice's stream does");
    }
}

/// The last day of the term, in the morning.
pub(super) fn morning_after_the_term() -> DateTime<Utc> {
    (day("2024-11-01")).and_hms_opt(6, 0, 0).expect("a time").and_utc()
}
