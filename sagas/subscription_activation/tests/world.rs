//! A small world for the flow: it answers each call from what it holds, keeps the books that the flow posts, and after
//! every append checks what must always hold.

use crate::kernel::answer::{
    Enrolment, Invoice, Method, Request, Subscription, Transaction, TransactionStatus, ZohoCustomer,
};
use crate::kernel::effect::{AttioRecord, Claim, ClaimKind, Effect, Letter, Message, SubscriptionFace, TaskNote};
use crate::kernel::flow::StepEvent;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::machine::{self, Command as Order, What, Work};
use crate::kernel::money::Money;
use crate::kernel::offer::{Offer, PlanOffer, Tax, TermUnit};
use crate::kernel::outcome::{Decline, DeclineKind, Look, NotSent, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::posting::{Side, journal};
use crate::kernel::record::{Record, Recorded};
use crate::kernel::saga::{At, BusinessEvent, Mark, Saga};
use crate::subscription_activation::{
    Act, Command, Consent, Event, Page, PageStage, Paying, Quote, SubscriptionActivation, Terms, page,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use iso_currency::Currency;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use uuid::Uuid;

/// Price of a month with 19 % tax.
pub(super) const GROSS: i64 = 11_900;

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub(super) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(super) fn input(n: u128) -> Paying {
    Paying::New { input: Uuid::from_u128(n) }
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
    }
}

pub(super) fn offer() -> Offer {
    Offer {
        plan: PlanOffer {
            code: "pro-monthly".to_owned(),
            name: "Pro".to_owned(),
            product: "prod1".to_owned(),
            active: true,
            price: eur(10_000),
            setup_fee: eur(0),
            interval: 1,
            unit: TermUnit::Months,
            trial_days: 0,
            tax: Tax::Rate { ppm: 190_000 },
        },
        addons: Vec::new(),
        coupon: None,
        read_at: instant("2026-11-02T09:00:00Z"),
    }
}

pub(super) fn request() -> Request {
    Request {
        client: Some(AttioRecord { object: "companies".to_owned(), id: "company1".to_owned() }),
        plan: Some("pro-monthly".to_owned()),
        addons: Vec::new(),
        quantity: None,
        coupon: None,
        starts_on: None,
        trial_days: None,
        owner: Some("member1".to_owned()),
        act: None,
        pressed_at: None,
        external_id: None,
        zoho_subscription: None,
        problems: Vec::new(),
    }
}

pub(super) fn method(token: &str) -> Method {
    Method {
        token: token.to_owned(),
        default: true,
        brand: "Visa".to_owned(),
        last_four: "1111".to_owned(),
        expired: false,
        card: format!("card-{token}"),
        has_live_subscription: false,
    }
}

pub(super) fn subscription(id: &str, reference: &str, status: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        customer: "zc1".to_owned(),
        status: status.to_owned(),
        auto_collect: false,
        currency: "EUR".to_owned(),
        reference: reference.to_owned(),
        plan: Some("pro-monthly".to_owned()),
        product: Some("prod1".to_owned()),
        amount: None,
        next_billing_on: None,
    }
}

pub(super) fn rejected(kind: RejectionKind, code: &str) -> Outcome {
    Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message: "refused".to_owned() } }
}

pub(super) fn declined(kind: DeclineKind, code: &str) -> Outcome {
    Outcome::Declined {
        decline: Decline {
            kind,
            code: code.to_owned(),
            text: "Declined".to_owned(),
            response_type: None,
            advice_code: None,
            transaction: Some("declined1".to_owned()),
            brand: None,
        },
    }
}

pub(super) fn unknown() -> Outcome {
    Outcome::Unknown { detail: "time-out".to_owned() }
}

pub(super) fn outage() -> Outcome {
    Outcome::NotSent { cause: NotSent::Outage, detail: "not reached".to_owned(), retry_after_seconds: None }
}

type Change = Box<dyn Fn(&mut Transaction)>;

pub(super) struct World {
    pub(super) saga: Recorded<SubscriptionActivation>,
    pub(super) now: DateTime<Utc>,
    pub(super) request: Request,
    pub(super) missing: Vec<String>,
    pub(super) enrolment: Enrolment,
    pub(super) offer: Offer,
    pub(super) zoho_customer: ZohoCustomer,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) methods: Vec<Method>,
    /// Gross total of the invoice that Zoho makes for a live subscription; absent: it makes none.
    pub(super) invoice_total: Option<i64>,
    pub(super) invoice: Option<Invoice>,
    pub(super) subscription_status: &'static str,
    /// What the next calls of an operation answer instead.
    pub(super) says: BTreeMap<&'static str, VecDeque<Outcome>>,
    /// How the next approved transaction differs.
    pub(super) odd: VecDeque<Change>,
    pub(super) looks: VecDeque<Look>,
    pub(super) card_cap: bool,
    pub(super) transactions: BTreeMap<String, Transaction>,
    pub(super) owner: bool,
    pub(super) log: Vec<Record<Event>>,
    pub(super) accounts: BTreeMap<u16, i64>,
    pub(super) rules: Vec<&'static str>,
    pub(super) claims: BTreeSet<Claim>,
    pub(super) holds: BTreeSet<String>,
    pub(super) erased: BTreeSet<Uuid>,
    pub(super) spent: Vec<String>,
    pub(super) given_back: Vec<String>,
    pub(super) references: BTreeSet<(&'static str, String)>,
    pub(super) calls: Vec<String>,
    pub(super) effects: Vec<Effect>,
    pub(super) shown: Vec<SubscriptionFace>,
    pub(super) letters: Vec<Letter>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) messages: Vec<Message>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            saga: Recorded::default(),
            now: instant("2026-11-02T09:00:00Z"),
            request: request(),
            missing: Vec::new(),
            enrolment: Enrolment { customer: "cust1".to_owned(), zoho_customer: None, braintree_customer: None },
            offer: offer(),
            zoho_customer: ZohoCustomer {
                id: "zc1".to_owned(),
                currency: "EUR".to_owned(),
                active: true,
                our_customer: Some("cust1".to_owned()),
                unused_credit: None,
            },
            subscriptions: Vec::new(),
            methods: Vec::new(),
            invoice_total: Some(GROSS),
            invoice: None,
            subscription_status: "live",
            says: BTreeMap::new(),
            odd: VecDeque::new(),
            looks: VecDeque::new(),
            card_cap: false,
            transactions: BTreeMap::new(),
            owner: false,
            log: Vec::new(),
            accounts: BTreeMap::new(),
            rules: Vec::new(),
            claims: BTreeSet::new(),
            holds: BTreeSet::new(),
            erased: BTreeSet::new(),
            spent: Vec::new(),
            given_back: Vec::new(),
            references: BTreeSet::new(),
            calls: Vec::new(),
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

    pub(super) fn quote(&self) -> Quote {
        self.saga.business.quote.clone().expect("a quote")
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
        while self.saga.flow.open.as_ref().is_some_and(|o| o.step != step) {
            assert!(self.step(), "never comes to {step}: {:?}", self.calls);
        }
        assert!(self.saga.flow.open.is_some(), "never comes to {step}: {:?}", self.calls);
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

    pub(super) fn tell(&mut self, command: Command) {
        self.deliver(command);
        self.run();
    }

    pub(super) fn deliver(&mut self, command: Command) {
        self.order(What::Deliver { item: None, kind: "test".to_owned(), principal: "test".to_owned(), command });
    }

    /// The code of the refusal of a command; empty where it is heard. Nothing follows from a refused one.
    pub(super) fn refusal(&self, command: &Command) -> String {
        let at = At::utc(self.now);
        let input = crate::kernel::saga::Input::Command(command);
        SubscriptionActivation::decide(&self.saga.business, input, &at).err().map(|r| r.code).unwrap_or_default()
    }

    pub(super) fn resume(&mut self) {
        self.order(What::Resume { principal: "ops".to_owned(), reason: "tested".to_owned() });
        self.run();
    }

    pub(super) fn pass(&mut self, time: TimeDelta) {
        let end = self.now + time;
        while let Work::Wait(at) = machine::work(&self.saga, self.now) {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.run();
        }
        self.now = end;
        self.run();
    }

    pub(super) fn run(&mut self) {
        for _ in 0..400 {
            if !self.step() {
                return self.must_agree();
            }
        }
        panic!("never comes to rest: {:?}", self.calls);
    }

    pub(super) fn step(&mut self) -> bool {
        match machine::work(&self.saga, self.now) {
            Work::Perform(open) => {
                if open.fresh_until.is_some_and(|until| until < self.now) {
                    self.order(What::Stale);
                    return true;
                }
                if open.effect.exactly_once().needs_sending_mark() {
                    let deadline = self.now + TimeDelta::seconds(60);
                    self.order(What::Sending { deadline, node: "n1".to_owned(), epoch: 1 });
                }
                self.calls.push(if open.undo { format!("undo {}", open.step) } else { open.step.clone() });
                self.effects.push(open.effect.clone());
                let outcome = self.vendor(&open.effect);
                self.order(What::Answer { attempt: open.attempt, outcome, request_id: None, latency_ms: 1 });
                true
            }
            Work::Look(open) => {
                let Some(look) = self.looks.pop_front() else { return false };
                self.order(What::Looked { attempt: open.attempt, look });
                true
            }
            Work::Due => {
                let before = self.log.len();
                self.order(What::Due);
                assert!(self.log.len() > before, "due and nothing follows: {}", self.state());
                true
            }
            Work::Wait(_) | Work::Idle => false,
        }
    }

    fn order(&mut self, what: What<Command>) {
        let order = Order { saga: Self::id(), at: At::utc(self.now), what };
        let events = machine::decide(&self.saga, &order).expect("acceptable");
        for event in events {
            self.saga.evolve(&event);
            if let Record::Business(business) = &event {
                self.take(business);
            }
            let text = serde_json::to_string(&event).expect("writes");
            let read: Record<Event> = serde_json::from_str(&text).expect("reads back");
            assert_eq!(read, event);
            self.log.push(event);
        }
        self.must_hold();
    }

    fn take(&mut self, event: &Event) {
        let facts = SubscriptionActivation::facts(&self.saga.business, event);
        let id = Self::id().event(self.log.len() as u64);
        for (group, posting) in facts.postings.iter().enumerate() {
            let Some(journal) = journal(id, group, posting) else { continue };
            self.rules.push(journal.rule.as_str());
            for line in journal.lines {
                let sign = if line.side == Side::Debit { 1 } else { -1 };
                *self.accounts.entry(line.account).or_default() += sign * line.amount.minor;
            }
        }
        self.references.extend(facts.references);
        for mark in facts.marks {
            match mark {
                Mark::Confirm(claim) => assert!(self.claims.contains(&claim), "{claim:?} was never taken"),
                Mark::Release(claim) => {
                    self.claims.remove(&claim);
                }
                Mark::Hold { reason, .. } => {
                    self.holds.insert(reason.to_owned());
                }
                Mark::LiftHold { reason, .. } => {
                    self.holds.remove(reason);
                }
                Mark::SpendCard { order_id } => self.spent.push(order_id),
                Mark::GiveBackCard { order_id } => self.given_back.push(order_id),
                Mark::EraseInput { input } => {
                    self.erased.insert(input);
                }
            }
        }
    }

    /// The log alone tells the state.
    fn must_agree(&self) {
        let mut again = Recorded::<SubscriptionActivation>::default();
        self.log.iter().for_each(|event| again.evolve(event));
        assert_eq!(again.business, self.saga.business, "folding the events gives another state");
        assert_eq!(again.flow, self.saga.flow);
    }

    /// What must hold after every append.
    fn must_hold(&self) {
        assert_eq!(self.accounts.values().sum::<i64>(), 0, "the trial balance");
        let hold = self.saga.business.hold.as_ref().map_or(0, |h| h.amount.minor);
        assert_eq!(self.balance(9100), hold, "the memo is the open hold: {}", self.state());
        if self.saga.flow.ended.is_none() {
            return;
        }
        assert_eq!(self.balance(9100), 0, "a hold is left open: {}", self.state());
        let standing = self.transactions.values().filter(|t| t.status == TransactionStatus::Authorized).count();
        assert_eq!(standing, 0, "Braintree still holds something: {}", self.state());
        let kept: Vec<_> = self.claims.iter().map(|c| c.kind).collect();
        if self.state() == "Active" {
            assert_eq!(kept, [ClaimKind::AccountPlanFamily]);
        } else {
            assert_eq!(kept, [], "claims are kept: {}", self.state());
            assert!(self.accounts.values().all(|v| *v == 0), "{:?}", self.accounts);
            assert!(!self.owner, "somebody still collects it");
        }
    }

    pub(super) fn say(&mut self, operation: &'static str, outcome: Outcome) {
        self.says.entry(operation).or_default().push_back(outcome);
    }

    pub(super) fn page(&self) -> Page {
        page(&self.saga.business, self.now)
    }

    pub(super) fn stage(&self) -> PageStage {
        self.page().stage
    }

    pub(super) fn state(&self) -> String {
        SubscriptionActivation::summary(&self.saga.business).state
    }

    pub(super) fn parked(&self) -> Option<ParkCode> {
        self.saga.flow.parked.as_ref().map(|p| p.code)
    }

    pub(super) fn balance(&self, account: u16) -> i64 {
        self.accounts.get(&account).copied().unwrap_or(0)
    }

    pub(super) fn open_accounts(&self) -> Vec<(u16, i64)> {
        self.accounts.iter().filter(|(_, v)| **v != 0).map(|(k, v)| (*k, *v)).collect()
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.log.iter().filter_map(|r| match r {
            Record::Business(event) => Some(event),
            Record::Step(_) => None,
        })
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.events().filter(|e| e.name() == name).count()
    }

    pub(super) fn heard_refused(&self) -> usize {
        let refused = |r: &&Record<Event>| matches!(r, Record::Step(StepEvent::Heard { refused: Some(_), .. }));
        self.log.iter().filter(refused).count()
    }

    pub(super) fn called(&self, step: &str) -> usize {
        self.calls.iter().filter(|c| *c == step).count()
    }

    pub(super) fn last_shown(&self) -> &SubscriptionFace {
        self.shown.last().expect("something was shown")
    }
}
