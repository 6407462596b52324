//! A small world for the flow: it answers each call from what it holds, keeps the books that the flow posts, and after
//! every append checks what must always hold.

use crate::kernel::answer::{
    CollectionOwner, Enrolment, Invoice, Method, Request, Subscription, Transaction, TransactionStatus, ZohoCustomer,
};
use crate::kernel::effect::{ClaimKind, Effect, Letter, Message, RecurringOrder, SubscriptionFace, TaskNote};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::offer::Offer;
use crate::kernel::outcome::{DeclineKind, NotSent, Outcome};
use crate::kernel::saga::{At, Input, Saga};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples;
pub(super) use crate::kernel::tests::samples::{day, eur, instant, method, rejected, request, subscription, unknown};
use crate::subscription_activation::{
    Act, Command, Consent, Page, PageStage, Paying, Quote, SubscriptionActivation, Terms, page,
};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// Price of a month with 19 % tax.
pub(super) const GROSS: i64 = 11_900;

pub(super) fn input(n: u128) -> Paying {
    Paying::New { input: Uuid::from_u128(n), authenticated: false }
}

/// A card on file.
pub(super) fn stored(token: &str) -> Paying {
    Paying::Stored { token: token.to_owned(), authenticated: None }
}

pub(super) fn terms() -> Terms {
    Terms {
        highest_tax_ppm: 270_000,
        link_days: 7,
        reminder_day: 3,
        consent_version: "2026-11".to_owned(),
        declines_before_lock: 5,
        lock_minutes: 60,
        hold_hours: 24,
        currencies: vec!["EUR".to_owned()],
        deal_at_link: false,
        collected_by: CollectionOwner::Orchestrator,
    }
}

pub(super) fn offer() -> Offer {
    samples::offer(instant("2026-11-02T09:00:00Z"))
}

pub(super) fn declined(kind: DeclineKind, code: &str) -> Outcome {
    Outcome::Declined { decline: samples::decline(kind, code) }
}

pub(super) fn outage() -> Outcome {
    samples::not_sent(NotSent::Outage)
}

type Change = Box<dyn Fn(&mut Transaction)>;

pub(super) struct World {
    bench: Bench<SubscriptionActivation>,
    /// Who collects what is sold, by the settings of the press.
    pub(super) collected_by: CollectionOwner,
    pub(super) request: Request,
    pub(super) missing: Vec<String>,
    pub(super) enrolment: Enrolment,
    pub(super) offer: Offer,
    pub(super) zoho_customer: ZohoCustomer,
    pub(super) retired: Vec<ZohoCustomer>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) methods: Vec<Method>,
    /// Gross total of the invoice that Zoho makes for a live subscription; absent: it makes none.
    pub(super) invoice_total: Option<i64>,
    pub(super) invoice: Option<Invoice>,
    pub(super) subscription_status: &'static str,
    /// How the next approved transaction differs.
    pub(super) odd: VecDeque<Change>,
    pub(super) card_cap: bool,
    pub(super) transactions: BTreeMap<String, Transaction>,
    /// Braintree's search does not show any transaction yet.
    pub(super) unseen: bool,
    pub(super) owner: bool,
    /// Subscriptions at Braintree.
    pub(super) recurring: Vec<RecurringOrder>,
    pub(super) effects: Vec<Effect>,
    pub(super) shown: Vec<SubscriptionFace>,
    pub(super) letters: Vec<Letter>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) messages: Vec<Message>,
}

stands_on_its_bench!(World, SubscriptionActivation);

impl Played for World {
    type Flow = SubscriptionActivation;

    fn answer(&mut self, open: &Open) -> Outcome {
        self.effects.push(open.effect.clone());
        self.vendor(&open.effect)
    }

    fn must_hold(&self) {
        let late: i64 = self.saga.business.late.iter().map(|h| h.amount.minor).sum();
        let hold = self.saga.business.hold.as_ref().map_or(0, |h| h.amount.minor) + late;
        assert_eq!(self.balance(9100), hold, "the memo is what is held: {}", self.state());
        if self.saga.flow.ended.is_none() {
            return;
        }
        assert_eq!(self.balance(9100), 0, "a hold is left open: {}", self.state());
        let standing = self.transactions.values().filter(|t| t.status == TransactionStatus::Authorized).count();
        assert_eq!(standing, 0, "Braintree still holds something: {}", self.state());
        let kept: Vec<_> = self.claims.iter().map(|c| c.kind).collect();
        if self.state() == "Active" {
            let is_sold = self.count("ProductReleased") == 0;
            let wanted = is_sold.then_some(ClaimKind::AccountPlanFamily);
            assert_eq!(kept, wanted.into_iter().collect::<Vec<_>>(), "a product is kept while its subscription runs");
        } else {
            assert_eq!(kept, [], "claims are kept: {}", self.state());
            assert!(self.accounts.values().all(|v| *v == 0), "{:?}", self.accounts);
            assert!(!self.owner, "somebody still collects it");
        }
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            bench: Bench::new(Self::id(), instant("2026-11-02T09:00:00Z")),
            collected_by: CollectionOwner::Orchestrator,
            request: request(),
            missing: Vec::new(),
            enrolment: samples::enrolment(),
            offer: offer(),
            zoho_customer: samples::zoho_customer(),
            retired: Vec::new(),
            subscriptions: Vec::new(),
            methods: Vec::new(),
            invoice_total: Some(GROSS),
            invoice: None,
            subscription_status: "live",
            odd: VecDeque::new(),
            card_cap: false,
            transactions: BTreeMap::new(),
            unseen: false,
            owner: false,
            recurring: Vec::new(),
            effects: Vec::new(),
            shown: Vec::new(),
            letters: Vec::new(),
            tasks: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// The customer is known everywhere and has a card on file.
    pub(super) fn linked(&mut self) {
        self.enrolment.zoho_customer = Some("zc1".to_owned());
        self.enrolment.braintree_customer = Some("c-cust1".to_owned());
        self.methods.push(method("m-old"));
    }

    /// A world in which an act was just pressed and all that follows at once was done.
    pub(super) fn pressed(act: Act, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world.press(act);
        world
    }

    /// A world in which the link is out.
    pub(super) fn started(change: impl FnOnce(&mut Self)) -> Self {
        Self::pressed(Act::Start, change)
    }

    /// A world in which the customer has just sent a new card.
    pub(super) fn submitted(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::started(change);
        world.submit(input(1));
        world
    }

    pub(super) fn id() -> SagaId {
        SubscriptionActivation::id("sub-record1", instant("2026-11-02T09:00:00Z"))
    }

    pub(super) fn press(&mut self, act: Act) {
        self.request.act = Some(act.title().to_owned());
        self.request.pressed_at = Some(self.now);
        let mut command = Self::press_of(act, self.now);
        if let Command::Pressed { terms, .. } = &mut command {
            terms.collected_by = self.collected_by;
        }
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

    pub(super) fn quote(&self) -> Quote {
        self.saga.business.sale.quote.clone().expect("a quote")
    }

    pub(super) fn submission(&self, with: Paying) -> Command {
        Command::Submitted {
            link: self.page().link,
            quote_hash: self.quote().hash,
            consent: Consent { version: "2026-11".to_owned(), at: self.now, evidence: None },
            with,
        }
    }

    pub(super) fn submit(&mut self, with: Paying) {
        let command = self.submission(with);
        self.tell(command);
    }

    /// Submits without letting anything follow.
    pub(super) fn submit_until(&mut self, step: &str) {
        self.deliver(self.submission(input(1)));
        self.run_until(step);
    }

    pub(super) fn cancel(&mut self) {
        self.tell(Command::CancelOrdered { reason: "the customer changed their mind".to_owned() });
    }

    /// The invoice's stream records what was handed over.
    pub(super) fn record(&mut self) {
        let first = self.invoice.clone().expect("an invoice");
        self.tell(Command::InvoiceRecorded {
            invoice: first.id,
            number: first.number,
            payment: "zp1".to_owned(),
            next_billing_on: Some(day("2026-12-02")),
        });
    }

    /// The code of the refusal of a command; empty where it is heard. Nothing follows from a refused one.
    pub(super) fn refusal(&self, command: &Command) -> String {
        let at = At::utc(self.now);
        SubscriptionActivation::decide(&self.saga.business, Input::Command(command), &at)
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

    pub(super) fn last_shown(&self) -> &SubscriptionFace {
        self.shown.last().expect("something was shown")
    }
}
