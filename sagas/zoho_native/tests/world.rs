//! A small world for the flow: Attio, Zoho with its pages, and our own tables.

use crate::kernel::answer::{
    Answer, CollectionOwner, Enrolment, HostedPage, Request, Subscription, SubscriptionSurvey, SubscriptionTerms,
    ZohoCustomer,
};
use crate::kernel::effect::{
    Attio, ClaimKind, Desk, Effect, Letter, Mail, Message, OnPage, OnSubscription, PageOrder, SubscriptionFace,
    TaskNote, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::offer::Offer;
use crate::kernel::outcome::Outcome;
use crate::kernel::saga::{At, Input, Saga};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples;
pub(super) use crate::kernel::tests::samples::{day, eur, instant, rejected, request, unknown};
use crate::zoho_native::{Act, Command, Consent, Page, PageStage, Terms, ZohoNative, page};
use chrono::{DateTime, TimeDelta, Utc};

/// Price of a month with 19 % tax.
pub(super) const GROSS: i64 = 11_900;

pub(super) fn terms() -> Terms {
    Terms {
        highest_tax_ppm: 270_000,
        link_days: 7,
        reminder_day: 3,
        consent_version: "2026-11".to_owned(),
        deal_at_link: false,
    }
}

pub(super) struct World {
    bench: Bench<ZohoNative>,
    pub(super) request: Request,
    pub(super) missing: Vec<String>,
    pub(super) enrolment: Enrolment,
    pub(super) offer: Offer,
    pub(super) zoho_customer: ZohoCustomer,
    pub(super) retired: Vec<ZohoCustomer>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) pages: Vec<(PageOrder, HostedPage)>,
    pub(super) terms: SubscriptionTerms,
    pub(super) owner: Option<CollectionOwner>,
    pub(super) fenced: bool,
    pub(super) effects: Vec<Effect>,
    pub(super) shown: Vec<SubscriptionFace>,
    pub(super) letters: Vec<Letter>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) messages: Vec<Message>,
}

stands_on_its_bench!(World, ZohoNative);

impl Played for World {
    type Flow = ZohoNative;

    fn answer(&mut self, open: &Open) -> Outcome {
        self.effects.push(open.effect.clone());
        let answer = match &open.effect {
            Effect::Desk(call) => self.desk(call),
            Effect::Attio(call) => self.attio(call),
            Effect::Zoho(call) => self.zoho(call),
            Effect::Mail(Mail::Send(letter)) => {
                self.letters.push((**letter).clone());
                Answer::Nothing
            }
            other => panic!("no call of this flow: {}", other.operation()),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        assert!(self.accounts.is_empty(), "it moves no money");
        let kept: Vec<_> = self.claims.iter().map(|claim| claim.kind).collect();
        match self.state().as_str() {
            "Active" | "PastDue" | "Ending" | "NoCollector" | "HandedOver" => {
                let sold = self.count("ProductReleased") == 0 && self.sells();
                let wanted: Vec<_> = sold.then_some(ClaimKind::AccountPlanFamily).into_iter().collect();
                assert_eq!(kept, wanted, "the product is kept while its subscription runs, and nothing else is");
            }
            _ if self.saga.flow.ended.is_some() => assert_eq!(kept, [], "claims are kept: {}", self.state()),
            _ => {}
        }
        let open = self.pages.iter().filter(|(_, page)| matches!(page.status.as_str(), "fresh" | "read" | "failed"));
        assert!(open.filter(|(_, page)| page.expires_at > Some(self.now)).count() <= 1, "two pages are open at a time");
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            bench: Bench::new(Self::id(), instant("2026-11-02T09:00:00Z")),
            request: request(),
            missing: Vec::new(),
            enrolment: samples::enrolment(),
            offer: samples::offer(instant("2026-11-02T09:00:00Z")),
            zoho_customer: samples::zoho_customer(),
            retired: Vec::new(),
            subscriptions: Vec::new(),
            pages: Vec::new(),
            terms: SubscriptionTerms {
                auto_collect: true,
                newest_invoice: Some("771".to_owned()),
                next_billing_on: Some(day("2026-12-02")),
                ..samples::terms("live")
            },
            owner: None,
            fenced: false,
            effects: Vec::new(),
            shown: Vec::new(),
            letters: Vec::new(),
            tasks: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// Not bought without the product's claim: what came to light after the end.
    fn sells(&self) -> bool {
        self.count("StartClosed") == 0
    }

    pub(super) fn id() -> SagaId {
        ZohoNative::id("sub-record1", instant("2026-11-02T09:00:00Z"))
    }

    /// A world in which an act was just pressed and all that follows at once was done.
    pub(super) fn pressed(act: Act, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world.press(act);
        world
    }

    /// A world in which the link is out.
    pub(super) fn started() -> Self {
        Self::pressed(Act::Start, |_| {})
    }

    /// A world in which Zoho's page is open.
    pub(super) fn opened() -> Self {
        let mut world = Self::started();
        world.ask();
        world
    }

    /// A world in which the subscription is bought and linked.
    pub(super) fn bought() -> Self {
        let mut world = Self::opened();
        world.buy();
        world.come_back();
        world
    }

    pub(super) fn press(&mut self, act: Act) {
        self.request.act = Some(act.title().to_owned());
        self.request.pressed_at = Some(self.now);
        let command = Self::press_of(act, self.now);
        self.tell(command);
    }

    pub(super) fn press_of(act: Act, pressed_at: DateTime<Utc>) -> Command {
        Command::Pressed {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            record: "sub-record1".to_owned(),
            act,
            pressed_at,
            terms: Box::new(terms()),
            ordered: false,
        }
    }

    pub(super) fn asking(&self) -> Command {
        Command::PageAsked {
            link: self.page().link,
            quote_hash: self.saga.business.sale.quote.as_ref().map(|quote| quote.hash.clone()).unwrap_or_default(),
            consent: Consent { version: "2026-11".to_owned(), at: self.now, evidence: None },
        }
    }

    /// The customer accepts and clicks.
    pub(super) fn ask(&mut self) {
        let command = self.asking();
        self.tell(command);
    }

    /// The customer comes back from Zoho's page.
    pub(super) fn come_back(&mut self) {
        let link = self.page().link;
        self.tell(Command::Returned { link });
    }

    pub(super) fn notice(&mut self, kind: &str, subscription: &str) {
        self.tell(Command::Noticed { kind: kind.to_owned(), subscription: subscription.to_owned() });
    }

    pub(super) fn cancel(&mut self) {
        self.tell(Command::CancelOrdered { reason: "the customer changed their mind".to_owned() });
    }

    /// The customer buys on the newest page.
    pub(super) fn buy(&mut self) -> String {
        let at = self.pages.len() - 1;
        self.buy_on(at)
    }

    pub(super) fn buy_on(&mut self, at: usize) -> String {
        let id = format!("zs{}", self.subscriptions.len() + 1);
        let (order, shown) = &mut self.pages[at];
        let PageOrder::NewSubscription { reference, .. } = order else { panic!("another page") };
        let sold = Subscription { auto_collect: true, ..samples::subscription(&id, reference, &self.terms.status) };
        shown.status = "success".to_owned();
        shown.subscription = Some(id.clone());
        self.subscriptions.push(sold);
        id
    }

    /// The code of the refusal of a command; empty where it is heard. Nothing follows from a refused one.
    pub(super) fn refusal(&self, command: &Command) -> String {
        let at = At::utc(self.now);
        let decided = ZohoNative::decide(&self.saga.business, Input::Command(command), &at);
        decided.err().map(|r| r.code).unwrap_or_default()
    }

    pub(super) fn page(&self) -> Page {
        page(&self.saga.business, self.now)
    }

    pub(super) fn stage(&self) -> PageStage {
        self.page().stage
    }

    pub(super) fn last_shown(&self) -> &SubscriptionFace {
        self.shown.last().expect("something was shown")
    }

    fn desk(&mut self, call: &Desk) -> Answer {
        match call {
            Desk::Enrol { .. } => return Answer::Enrolled(Box::new(self.enrolment.clone())),
            Desk::Claim { claims } | Desk::TakeOver { claims, .. } => self.claims.extend(claims.iter().cloned()),
            Desk::LinkCustomer { zoho_customer, .. } => self.enrolment.zoho_customer.clone_from(zoho_customer),
            Desk::AdoptSubscription { owner, .. } => self.owner = Some(*owner),
            Desk::SurveySubscription { .. } => {
                return Answer::SubscriptionSurvey(Box::new(SubscriptionSurvey {
                    subscription: Some("sub1".to_owned()),
                    zoho_subscription: Some("zs1".to_owned()),
                    attio_record: Some("sub-record1".to_owned()),
                    owner: self.owner,
                    owner_from: None,
                    claimed_by: self.fenced.then(|| SagaId::derived("other", &["1"])),
                    customer: Some("cust1".to_owned()),
                }));
            }
            Desk::Tell { message, .. } => self.messages.push((**message).clone()),
            other => panic!("no call of this flow: {other:?}"),
        }
        Answer::Nothing
    }

    fn attio(&mut self, call: &Attio) -> Answer {
        match call {
            Attio::ReadRequest { .. } => Answer::Request(Box::new(self.request.clone())),
            Attio::ReadPerson { .. } => Answer::PersonRead { missing: self.missing.clone(), country: None },
            Attio::ShowSubscription(face) => {
                assert!(self.shown.last().is_none_or(|f| f.sync_version < face.sync_version));
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

    fn zoho(&mut self, call: &Zoho) -> Answer {
        match call {
            Zoho::ReadOffer { .. } => {
                self.offer.read_at = self.now;
                Answer::Offer(Box::new(self.offer.clone()))
            }
            Zoho::ReadCustomer { .. } | Zoho::CreateCustomer { .. } => {
                Answer::ZohoCustomer(Box::new(self.zoho_customer.clone()))
            }
            Zoho::FindRetiredCustomers { .. } => Answer::ZohoCustomers { customers: self.retired.clone() },
            Zoho::ReviveCustomer { customer } => {
                self.retired.retain(|c| c.id != *customer);
                Answer::Nothing
            }
            Zoho::ListSubscriptions { reference, .. } => {
                let ours = |s: &&Subscription| reference.as_ref().is_none_or(|r| s.reference == *r);
                Answer::Subscriptions { subscriptions: self.subscriptions.iter().filter(ours).cloned().collect() }
            }
            Zoho::Page(OnPage::Create(order)) => {
                // A newer page for the same thing ends the older one.
                for (_, page) in self.pages.iter_mut().filter(|(_, page)| page.status != "success") {
                    "force_cancelled".clone_into(&mut page.status);
                }
                let page = HostedPage {
                    id: format!("2-{}", self.pages.len() + 1),
                    status: "fresh".to_owned(),
                    expires_at: Some(self.now + TimeDelta::hours(1)),
                    subscription: None,
                    invoice: None,
                };
                self.pages.push(((**order).clone(), page.clone()));
                Answer::HostedPage(Box::new(page))
            }
            Zoho::Page(OnPage::Read { page }) => {
                let known = self.pages.iter().find(|(_, known)| known.id == *page).expect("a page");
                Answer::HostedPage(Box::new(known.1.clone()))
            }
            Zoho::Subscription(OnSubscription::ReadTerms { .. }) => Answer::Terms(Box::new(self.terms.clone())),
            other => panic!("no call of this flow: {other:?}"),
        }
    }
}
