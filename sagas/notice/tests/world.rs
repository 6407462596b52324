//! A small world for the flow: our tables, one subscription at Zoho, one card at Braintree, one mail server.

use crate::kernel::answer::{
    Answer, BilledInvoice, CollectionOwner, CustomerSurvey, Method, SubscriptionSurvey, SubscriptionTerms,
};
use crate::kernel::effect::{
    ActionNeeded, Attio, Braintree, Desk, Effect, Letter, LetterFacts, Mail, Message, TaskNote,
};
use crate::kernel::effect::{OnSubscription, Zoho};
use crate::kernel::flow::Open;
use crate::kernel::ids::Installation;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, day, eur, instant, rejected};
use crate::notice::{Command, Notices, Of, Sender, Terms};
use chrono::{DateTime, Utc};
use serde_json::json;

pub(super) struct World {
    bench: Bench<Notices>,
    pub(super) survey: SubscriptionSurvey,
    pub(super) terms: SubscriptionTerms,
    pub(super) invoices: Vec<BilledInvoice>,
    pub(super) card: Method,
    pub(super) letters: Vec<(DateTime<Utc>, Letter)>,
    pub(super) told: Vec<Message>,
    pub(super) asked: Vec<ActionNeeded>,
    pub(super) tasks: Vec<TaskNote>,
}

stands_on_its_bench!(World, Notices);

pub(super) fn of() -> Of {
    Of {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        subscription: "zs1".to_owned(),
    }
}

pub(super) fn settings(sender: Sender) -> Terms {
    let card_link = json!({
        "link_days": 14, "consent_version": "1", "declines_before_lock": 5, "lock_minutes": 60, "keep_days": 7,
    });
    Terms { sender, card_link }
}

impl World {
    /// A monthly plan of 100 euros that is charged on the first of November, a month from now, with a card that is good for
    /// years.
    pub(super) fn new() -> Self {
        Self {
            bench: Bench::new(Notices::id("60012", "zs1"), instant("2024-10-01T12:00:00Z")),
            survey: SubscriptionSurvey {
                customer: None,
                subscription: Some("sub1".to_owned()),
                zoho_subscription: Some("zs1".to_owned()),
                attio_record: Some("as1".to_owned()),
                owner: Some(CollectionOwner::Orchestrator),
                owner_from: None,
                claimed_by: None,
            },
            terms: samples::terms("live"),
            invoices: Vec::new(),
            card: Method { good_through: Some(day("2029-12-31")), ..samples::method("m1") },
            letters: Vec::new(),
            told: Vec::new(),
            asked: Vec::new(),
            tasks: Vec::new(),
        }
    }

    /// The same, for a year that ends with October.
    pub(super) fn yearly() -> Self {
        let mut world = Self::new();
        world.terms.term_starts_on = Some(day("2023-11-01"));
        world
    }

    /// A trial that ends with October.
    pub(super) fn trial() -> Self {
        let mut world = Self::new();
        "trial".clone_into(&mut world.terms.status);
        world
    }

    pub(super) fn watch(&mut self) {
        self.watch_with(Sender::Orchestrator);
    }

    pub(super) fn watch_with(&mut self, sender: Sender) {
        self.tell(Command::Watch { of: of(), terms: Box::new(settings(sender)) });
    }

    /// Zoho says that something happened.
    pub(super) fn changed(&mut self) {
        self.tell(Command::Changed { source: "zoho.subscription_renewed".to_owned() });
    }

    /// Time stands still for the service until that instant: nothing is done meanwhile.
    pub(super) fn down_until(&mut self, text: &str) {
        self.now = instant(text);
    }

    pub(super) fn pass_until(&mut self, text: &str) {
        let time = instant(text) - self.now;
        self.pass(time);
    }

    /// The charge of the first of November was due: Zoho is at the next month, with an invoice over so much, of which that is
    /// still owed.
    pub(super) fn renewed(&mut self, total: i64, balance: i64) {
        self.terms.term_starts_on = Some(day("2024-11-01"));
        self.terms.term_ends_on = Some(day("2024-11-30"));
        self.terms.next_billing_on = Some(day("2024-12-01"));
        self.terms.newest_invoice = Some("78".to_owned());
        "live".clone_into(&mut self.terms.status);
        self.invoices = vec![BilledInvoice {
            id: "78".to_owned(),
            number: "INV-78".to_owned(),
            status: if balance == 0 { "paid" } else { "sent" }.to_owned(),
            total: eur(total),
            balance: eur(balance),
        }];
    }

    /// The days on which letters went out, with what they say.
    pub(super) fn sent(&self) -> Vec<(String, &LetterFacts)> {
        self.letters.iter().map(|(at, letter)| (at.date_naive().to_string(), &letter.about)).collect()
    }

    pub(super) fn days(&self) -> Vec<String> {
        self.sent().into_iter().map(|(day, _)| day).collect()
    }

    fn mail(&mut self, letter: &Letter) -> Outcome {
        let at = self.now;
        self.letters.push((at, letter.clone()));
        Outcome::Done { answer: Answer::Nothing }
    }

    fn attio(&mut self, call: &Attio) -> Outcome {
        match call {
            Attio::ReadPerson { .. } => {}
            Attio::AskAction(action) => self.asked.push((**action).clone()),
            Attio::AddTask(task) => self.tasks.push((**task).clone()),
            other => panic!("no such call: {other:?}"),
        }
        Outcome::Done { answer: Answer::Nothing }
    }

    fn zoho(&self, call: &OnSubscription) -> Outcome {
        let answer = match call {
            OnSubscription::ReadTerms { .. } if self.terms.status == "gone" => {
                return rejected(RejectionKind::NotFound, "1002");
            }
            OnSubscription::ReadTerms { .. } => Answer::Terms(Box::new(self.terms.clone())),
            OnSubscription::ListInvoices { .. } => Answer::BilledInvoices { invoices: self.invoices.clone() },
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::SurveySubscription { .. } => Answer::SubscriptionSurvey(Box::new(self.survey.clone())),
            Desk::SurveyCustomer { .. } => Answer::CustomerSurvey(Box::new(CustomerSurvey {
                customer: Some("cust1".to_owned()),
                braintree_customer: Some("c-cust1".to_owned()),
                attio_client: Some(samples::company()),
            })),
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
    type Flow = Notices;

    fn answer(&mut self, open: &Open) -> Outcome {
        match &open.effect {
            Effect::Desk(call) => self.desk(call),
            Effect::Zoho(Zoho::Subscription(call)) => self.zoho(call),
            Effect::Braintree(Braintree::ReadCustomer { .. }) => {
                Outcome::Done { answer: Answer::Methods { methods: vec![self.card.clone()] } }
            }
            Effect::Attio(call) => self.attio(call),
            Effect::Mail(Mail::Send(letter)) => self.mail(letter),
            other => panic!("no such call: {other:?}"),
        }
    }

    fn must_hold(&self) {
        assert!(self.accounts.is_empty(), "it moves no money");
        assert!(self.saga.flow.ended.is_none() || self.holds.is_empty(), "what has ended holds collection back");
        let mut references: Vec<_> = self.letters.iter().map(|(_, letter)| &letter.reference).collect();
        references.sort();
        references.dedup();
        assert_eq!(references.len(), self.letters.len(), "a notice went out twice");
    }
}
