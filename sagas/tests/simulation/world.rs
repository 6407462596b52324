//! The world of one run: the clock, our engine and tables, the vendors, the people. Sets the scene, and passes each event
//! to whom it concerns.

use crate::braintree::{Braintree, Plastic};
use crate::catalog::Shelf;
use crate::changes::Changes;
use crate::clock::Clock;
use crate::crm::Crm;
use crate::deals::Deals;
use crate::dice::Dice;
use crate::disputes::Bank;
use crate::engine::{Flight, Item, Node, Slot};
use crate::laws::Laws;
use crate::mishaps::Mishaps;
use crate::people::Deed;
use crate::tables::{Customer, Owned, Tables};
use crate::trial::Newcomers;
use crate::zoho::Zoho;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::braintree_recurring::BraintreeRecurring;
use sagas::cancellation::Cancellation;
use sagas::dispute::Dispute;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::PaymentMethodUpdate;
use sagas::plan_change::PlanChange;
use sagas::refund::Refund;
use sagas::rehearsal::Rehearsal;
use sagas::subscription_activation::SubscriptionActivation;
use sagas::zoho_native::ZohoNative;
use std::collections::{BTreeMap, BTreeSet};

/// What happens.
#[derive(Debug)]
pub(crate) enum Event {
    /// A node takes a saga up.
    Drive(SagaId),
    /// A call's bytes leave.
    Leaves(u64),
    /// A call reaches the vendor.
    Reaches(u64),
    /// An answer, or the end of our patience.
    Answers(u64),
    /// A message is stored for a saga.
    Comes(SagaId, Box<Item>),
    /// A dead node's sagas go to others.
    TakeOver { node: usize, life: u32 },
    /// A dead node starts again.
    Starts(usize),
    /// A transaction settles, or does not.
    Settles { transaction: String, fails: bool },
    /// Reservations that nobody needs are swept.
    Sweep,
    /// Somebody does something.
    Deed(Deed),
}

/// When every run begins (UTC); a Monday.
pub(crate) fn began() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_003) + TimeDelta::hours(6)
}

/// What is reached only where Braintree collects by itself: flow, and how its steps begin.
const COLLECTED_THERE: [(&str, &[&str]); 4] = [
    (BraintreeRecurring::NAME, &[""]),
    (Cancellation::NAME, &["read_recurring", "end_recurring", "keep_recurring"]),
    (SubscriptionActivation::NAME, &["begin_recurring", "vault", "undo vault"]),
    (PaymentMethodUpdate::NAME, &["move", "confirm_move", "ask_card"]),
];

pub(crate) struct World {
    pub(crate) clock: Clock<Event>,
    pub(crate) dice: Dice,
    pub(crate) mishaps: Mishaps,
    pub(crate) sagas: BTreeMap<SagaId, Slot>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) flights: BTreeMap<u64, Flight>,
    pub(crate) calls: u64,
    pub(crate) tables: Tables,
    pub(crate) braintree: Braintree,
    pub(crate) zoho: Zoho,
    pub(crate) crm: Crm,
    pub(crate) deals: Deals,
    pub(crate) shelf: Shelf,
    pub(crate) newcomers: Newcomers,
    pub(crate) changes: Changes,
    pub(crate) bank: Bank,
    pub(crate) laws: Laws,
    /// From then on nothing goes wrong any more (UTC).
    pub(crate) healed_at: DateTime<Utc>,
    /// Vendors that are down: from, until.
    pub(crate) outages: Vec<(&'static str, DateTime<Utc>, DateTime<Utc>)>,
    /// Whose books were edited by hand, or whose call was refused: a park of theirs is no surprise.
    pub(crate) touched: BTreeSet<String>,
    /// The activation that runs on a record, or ran last.
    pub(crate) running: BTreeMap<String, SagaId>,
    /// The card update that was asked for last, by record.
    pub(crate) cards_asked: BTreeMap<String, SagaId>,
    /// How far customers agreed to be charged, by activation.
    pub(crate) accepted: BTreeMap<SagaId, i64>,
    /// Companies for which Braintree collects by itself, and those for which Zoho does.
    pub(crate) recurs: BTreeSet<String>,
    pub(crate) native: BTreeSet<String>,
    /// Give-backs that finance has asked for.
    pub(crate) give_backs: u32,
    /// Cells reached: flow, step, what happened.
    pub(crate) cells: BTreeMap<(String, String, String), u32>,
    pub(crate) trace: Trace,
    /// The law that broke.
    pub(crate) broken: Option<String>,
}

/// What happened, as a number and, where wanted, in words.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) hash: u64,
    pub(crate) events: u64,
    /// Kept only when a run is told.
    pub(crate) lines: Option<Vec<String>>,
}

impl Trace {
    pub(crate) fn note(&mut self, text: &str) {
        // FNV-1a: the same on every machine.
        for byte in text.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.events += 1;
    }

    pub(crate) fn say(&mut self, now: DateTime<Utc>, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{} {}", now.format("%m-%d %H:%M:%S%.3f"), line()));
        }
    }
}

impl World {
    pub(crate) fn new(seed: u64, only: Option<BTreeSet<u32>>) -> Self {
        let mut dice = Dice::new(seed, 1);
        let healed_at = began() + TimeDelta::hours(dice.between(24, 144));
        let mut world = Self {
            clock: Clock::new(began(), Dice::new(seed, 3)),
            mishaps: Mishaps::new(seed, only, healed_at),
            sagas: BTreeMap::new(),
            nodes: (0..dice.between(1, 3)).map(|_| Node::default()).collect(),
            flights: BTreeMap::new(),
            calls: 0,
            tables: Tables::default(),
            braintree: Braintree::default(),
            zoho: Zoho::new(),
            crm: Crm::default(),
            deals: Deals::default(),
            shelf: Shelf::new(seed),
            newcomers: Newcomers::default(),
            changes: Changes::new(seed),
            bank: Bank::new(seed),
            laws: Laws::default(),
            healed_at,
            outages: Vec::new(),
            touched: BTreeSet::new(),
            running: BTreeMap::new(),
            cards_asked: BTreeMap::new(),
            accepted: BTreeMap::new(),
            recurs: BTreeSet::new(),
            native: BTreeSet::new(),
            give_backs: 0,
            cells: BTreeMap::new(),
            trace: Trace::default(),
            broken: None,
            dice,
        };
        world.set_the_scene();
        world.rough_weather();
        world.some_catalog(healed_at);
        world.some_try(seed);
        world.some_give_backs();
        world.some_plan_changes();
        world.some_disputes();
        world
    }

    fn hours(&mut self, low: i64, high: i64) -> TimeDelta {
        TimeDelta::minutes(self.dice.between(low * 60, high * 60))
    }

    /// Some time before all is healed.
    fn some_time(&mut self) -> DateTime<Utc> {
        let minutes = (self.healed_at - began()).num_minutes();
        began() + TimeDelta::minutes(self.dice.between(0, minutes / 2))
    }

    fn set_the_scene(&mut self) {
        self.zoho.lag = TimeDelta::seconds(self.dice.between(0, 25));
        self.zoho.invoice_lag = TimeDelta::seconds(self.dice.between(0, 30));
        self.braintree.lag = TimeDelta::seconds(self.dice.between(0, 300));
        for n in 0..self.dice.between(1, 3) {
            let company = format!("company{n}");
            let sells = self.mishaps.seeks(SubscriptionActivation::NAME, &[""]);
            let keeps = self.mishaps.seeks(PaymentMethodUpdate::NAME, &[""]);
            let recurs = COLLECTED_THERE.iter().any(|(flow, steps)| self.mishaps.seeks(flow, steps));
            let native = self.mishaps.seeks(ZohoNative::NAME, &[""]);
            let keeps_on =
                [Refund::NAME, PlanChange::NAME, Dispute::NAME].iter().any(|flow| self.mishaps.seeks(flow, &[""]));
            match n {
                0 if recurs || self.dice.chance(60) => {
                    self.recurs.insert(company.clone());
                    self.early_customer(&company);
                }
                0 if native || self.dice.chance(60) => {
                    self.native.insert(company.clone());
                    self.native_customer(&company);
                }
                0 if sells => self.new_customer(&company),
                0 if keeps || keeps_on => self.old_customer(&company),
                _ => self.some_customer(&company),
            }
        }
        let stranger = self.mishaps.seeks(BraintreeRecurring::NAME, &["read_recurring"]);
        if self.dice.chance(if stranger { 600 } else { 30 }) {
            let at = self.some_time();
            self.clock.at(at, Event::Deed(Deed::Stranger));
        }
        if self.mishaps.seeks(Rehearsal::NAME, &[""]) || self.dice.chance(200) {
            let at = self.some_time();
            self.clock.at(at, Event::Deed(Deed::Rehearse));
        }
        let ends = self.mishaps.seeks(Cancellation::NAME, &[""]);
        if ends || self.dice.chance(200) {
            let at = self.some_time();
            self.clock.at(at, Event::Deed(Deed::EndSubscription));
            if ends {
                for _ in 0..3 {
                    let at = self.some_time();
                    self.clock.at(at, Event::Deed(Deed::EndSubscription));
                }
            }
            let later = self.healed_at + self.hours(1, 48);
            self.clock.at(later, Event::Deed(Deed::EndSubscription));
        }
        for hour in 0..12 {
            self.clock.at(began() + TimeDelta::hours(hour * 24), Event::Sweep);
        }
        self.clock.at(self.healed_at + TimeDelta::days(1), Event::Deed(Deed::Operator));
        let first = self.hours(6, 24);
        self.clock.after(first, Event::Deed(Deed::Operator));
    }

    fn some_customer(&mut self, company: &str) {
        if self.dice.chance(600) { self.old_customer(company) } else { self.new_customer(company) }
    }

    /// A card, and how its bank feels about it.
    pub(crate) fn plastic(&mut self, name: &str) -> String {
        let now = self.clock.now();
        let broke_until = self.dice.chance(250).then(|| now + self.hours(0, 240));
        let stolen = self.dice.chance(60);
        let sought = self.mishaps.seeks(SubscriptionActivation::NAME, &["release_hold", "forget_card"]);
        let poor = self.dice.chance(if sought { 600 } else { 20 });
        self.braintree.plastic.insert(name.to_owned(), Plastic { broke_until, stolen, poor });
        name.to_owned()
    }

    /// A customer with a subscription of ours and a card in the vault.
    fn old_customer(&mut self, company: &str) {
        let (ours, braintree, now) = (format!("of-{company}"), format!("c-of-{company}"), self.clock.now());
        let card = self.plastic(&format!("card-{company}"));
        self.braintree.vault(&braintree, &format!("m-{company}"), &card);
        let zoho = self.zoho.add_customer(Some(&ours), now);
        let reference = format!("demo1.sub.{company}.1");
        let subscription = self.zoho.subscribe(&zoho, &reference, "basic", now).id;
        let owner = if self.dice.chance(100) { CollectionOwner::ZohoNative } else { CollectionOwner::Orchestrator };
        let record = format!("{company}-basic");
        self.crm.ask(&record, company, "basic");
        let owned = Owned {
            zoho: Some(subscription.clone()),
            attio: Some(record.clone()),
            owner: Some(owner),
            owner_from: None,
        };
        self.tables.subscriptions.insert(format!("sub-{company}"), owned);
        let customer = Customer {
            company: company.to_owned(),
            zoho: Some(zoho.clone()),
            braintree: Some(braintree),
            one_off_consent: self.dice.chance(500),
        };
        self.tables.customers.insert(ours, customer);
        for _ in 0..self.dice.between(1, 3) {
            let at = self.some_time();
            let of = self.dice.chance(800).then(|| subscription.clone());
            self.clock.at(at, Event::Deed(Deed::Raise { customer: zoho.clone(), subscription: of }));
        }
        if self.dice.chance(300) {
            self.presses(company, "pro");
        }
        if self.mishaps.seeks(PaymentMethodUpdate::NAME, &[""]) || self.dice.chance(300) {
            for _ in 0..self.dice.between(1, 2) {
                let at = self.some_time();
                self.clock.at(at, Event::Deed(Deed::PressCard { record: record.clone() }));
            }
        }
    }

    /// A company that buys for the first time, often two products at once.
    fn new_customer(&mut self, company: &str) {
        self.presses(company, "pro");
        let sought = self.mishaps.seeks(SubscriptionActivation::NAME, &["find_other"]);
        if self.dice.chance(if sought { 900 } else { 300 }) {
            self.presses(company, "team");
        }
    }

    /// A company that buys early enough for a term to be renewed while things go wrong.
    fn early_customer(&mut self, company: &str) {
        let record = format!("{company}-pro");
        self.crm.ask(&record, company, "pro");
        for at in [0, 0, 1] {
            let at = began() + self.hours(at, 6 + at * 18);
            self.clock.at(at, Event::Deed(Deed::Press { record: record.clone() }));
        }
        if self.mishaps.seeks(PaymentMethodUpdate::NAME, &[""]) || self.dice.chance(300) {
            let at = began() + self.hours(20, 40);
            self.clock.at(at, Event::Deed(Deed::PressCard { record }));
        }
    }

    /// Who buys on Zoho's page; of some an earlier try has left an inactive customer at Zoho.
    fn native_customer(&mut self, company: &str) {
        let left = self.mishaps.seeks(ZohoNative::NAME, &["revive"]);
        if self.dice.chance(if left { 900 } else { 200 }) {
            self.zoho.leaves_customer(&format!("of-{company}"), began());
        }
        self.early_customer(company);
    }

    fn presses(&mut self, company: &str, plan: &str) {
        let record = format!("{company}-{plan}");
        self.crm.ask(&record, company, plan);
        for _ in 0..self.dice.between(1, 2) {
            let at = self.some_time();
            self.clock.at(at, Event::Deed(Deed::Press { record: record.clone() }));
        }
    }

    fn rough_weather(&mut self) {
        let weather = self.mishaps.weather;
        if weather.outages {
            for vendor in ["braintree", "zoho", "attio", "mail"] {
                if self.mishaps.dice().chance(400) {
                    let from = self.some_time();
                    let until = (from + self.hours(1, 30)).min(self.healed_at);
                    self.outages.push((vendor, from, until));
                }
            }
            if self.dice.chance(300) {
                let at = self.some_time();
                self.braintree.stuck = Some(((at + self.hours(1, 12)).min(self.healed_at), at));
            }
            if self.dice.chance(300) {
                self.tables.switched_off_until = Some(self.some_time());
            }
        }
        if weather.staff {
            for _ in 0..self.dice.between(1, 6) {
                let minutes = (self.healed_at - began()).num_minutes();
                let at = began() + TimeDelta::minutes(self.dice.between(0, minutes));
                self.clock.at(at, Event::Deed(Deed::Staff));
            }
        }
        if weather.calls > 0 || weather.staff {
            let at = self.some_time();
            self.clock.at(at, Event::Deed(Deed::CallOff));
        }
    }

    /// All that happens up to that instant, until a law breaks.
    pub(crate) fn run(&mut self, until: DateTime<Utc>) {
        while self.broken.is_none()
            && let Some(event) = self.clock.next(until)
        {
            self.happen(event);
            self.check_books();
            // Invoices look every hour whether the fence of an ending that waits for people is gone.
            if self.trace.events > 150_000 {
                self.breaks("it goes on and on: more than 150000 events".to_owned());
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Drive(saga) => self.drive(saga),
            Event::Leaves(call) => self.leaves(call),
            Event::Reaches(call) => self.reaches(call),
            Event::Answers(call) => self.answers(call),
            Event::Comes(saga, item) => self.comes(saga, *item),
            Event::TakeOver { node, life } => self.take_over(node, life),
            Event::Starts(node) => self.starts(node),
            Event::Settles { transaction, fails } => self.braintree.settle(&transaction, fails),
            Event::Sweep => {
                let sagas = &self.sagas;
                let open = |saga| sagas.get(&saga)?.live.flow().open.as_ref().map(|o| o.step.clone());
                self.tables.sweep(self.clock.now(), open);
            }
            Event::Deed(deed) => self.deed(deed),
        }
        self.spread_news();
    }

    pub(crate) fn breaks(&mut self, law: String) {
        self.broken.get_or_insert(law);
    }
}
