//! A small world for the flow: it answers each call from what it holds, keeps the books that the flow posts, and after
//! every append checks what must always hold.

use crate::invoice_payment::{Choice, Command, Event, InvoicePayment, News};
use crate::kernel::answer::{
    Answer, Client, CollectionOwner, Invoice, InvoicePayment as Payment, Method, Subscription, Survey, Transaction,
    TransactionStatus,
};
use crate::kernel::effect::{Attio, AttioRecord, Braintree, Claim, ClaimKind, Desk, Effect, Projection, Zoho};
use crate::kernel::flow::StepEvent;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::machine::{self, Command as Order, What, Work};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Decline, DeclineKind, Look, NotSent, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::posting::{Side, journal};
use crate::kernel::record::{Record, Recorded};
use crate::kernel::saga::{At, BusinessEvent, Mark, Saga};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use iso_currency::Currency;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) const TOTAL: i64 = 10_000;

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

pub(super) fn instant(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

/// How the next sale goes.
pub(super) enum Sale {
    ApprovesOnly(i64),
    Approves(Box<dyn Fn(&mut Transaction)>),
    Says(Outcome),
}

pub(super) struct World {
    pub(super) saga: Recorded<InvoicePayment>,
    pub(super) now: DateTime<Utc>,
    /// Each read takes so long.
    pub(super) read_takes: TimeDelta,
    pub(super) invoice: Invoice,
    pub(super) invoice_exists: bool,
    pub(super) found: Option<String>,
    pub(super) survey: Survey,
    pub(super) subscription: Subscription,
    pub(super) client: Client,
    pub(super) methods: Vec<Method>,
    pub(super) sales: VecDeque<Sale>,
    pub(super) looks: VecDeque<Look>,
    pub(super) records: VecDeque<Outcome>,
    pub(super) claim_answers: VecDeque<Outcome>,
    pub(super) projection_answers: VecDeque<Outcome>,
    pub(super) card_cap_until: Option<DateTime<Utc>>,
    pub(super) statuses: BTreeMap<String, TransactionStatus>,
    pub(super) transactions: BTreeMap<String, Transaction>,
    pub(super) log: Vec<Record<Event>>,
    pub(super) accounts: BTreeMap<u16, i64>,
    pub(super) holds: BTreeSet<String>,
    pub(super) claims: BTreeSet<Claim>,
    pub(super) spent: Vec<String>,
    pub(super) given_back: Vec<String>,
    pub(super) calls: Vec<&'static str>,
    pub(super) sold: Vec<(String, i64, bool)>,
    pub(super) shown: Vec<Projection>,
    pub(super) rules: Vec<&'static str>,
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

pub(super) fn rejected(kind: RejectionKind, code: &str) -> Outcome {
    Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message: "refused".to_owned() } }
}

pub(super) fn decline(kind: DeclineKind, code: &str) -> Decline {
    Decline {
        kind,
        code: code.to_owned(),
        text: "Declined".to_owned(),
        response_type: None,
        advice_code: None,
        transaction: Some("declined1".to_owned()),
        brand: None,
    }
}

pub(super) fn soft(code: &str) -> Decline {
    Decline { response_type: Some("soft_declined".to_owned()), ..decline(DeclineKind::Processor, code) }
}

pub(super) fn hard(code: &str) -> Decline {
    Decline { response_type: Some("hard_declined".to_owned()), ..decline(DeclineKind::Processor, code) }
}

/// The invoice is seen, with these news of it.
pub(super) fn seen(news: News) -> Command {
    Command::Detected {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        invoice: "77".to_owned(),
        subscription: None,
        source: "webhook".to_owned(),
        news,
    }
}

pub(super) fn says(decline: Decline) -> Sale {
    Sale::Says(Outcome::Declined { decline })
}

impl World {
    pub(super) fn new() -> Self {
        let now = instant("2026-11-02T09:00:00Z");
        Self {
            saga: Recorded::default(),
            now,
            read_takes: TimeDelta::zero(),
            invoice: Invoice {
                id: "77".to_owned(),
                number: "INV-77".to_owned(),
                customer: "zc1".to_owned(),
                subscription: Some("zs1".to_owned()),
                status: "sent".to_owned(),
                total: eur(TOTAL),
                balance: eur(TOTAL),
                tax: Some(eur(1_597)),
                credits: eur(0),
                written_off: eur(0),
                payments: Vec::new(),
                date: day("2026-11-02"),
                due_date: day("2026-11-02"),
                read_at: now,
            },
            invoice_exists: true,
            found: None,
            survey: Survey {
                customer: Some("cust1".to_owned()),
                ambiguous: false,
                braintree_customer: Some("c-cust1".to_owned()),
                attio_client: Some(AttioRecord { object: "companies".to_owned(), id: "rec1".to_owned() }),
                subscription: Some("sub1".to_owned()),
                attio_subscription: None,
                owner: Some(CollectionOwner::Orchestrator),
                one_off_consent: false,
                claimed_elsewhere: Vec::new(),
                holds: Vec::new(),
                applied: None,
                unapplied: None,
                sale_switched_off: false,
            },
            subscription: Subscription {
                id: "zs1".to_owned(),
                customer: "zc1".to_owned(),
                status: "live".to_owned(),
                auto_collect: false,
                currency: "EUR".to_owned(),
                reference: "demo1.sub.abc.1".to_owned(),
                plan: None,
                product: None,
                amount: None,
                next_billing_on: None,
            },
            client: Client {
                record: Some(AttioRecord { object: "companies".to_owned(), id: "rec1".to_owned() }),
                ambiguous: false,
                braintree_customer: Some("c-cust1".to_owned()),
                zoho_customer: Some("zc1".to_owned()),
            },
            methods: vec![method("m1")],
            sales: VecDeque::new(),
            looks: VecDeque::new(),
            records: VecDeque::new(),
            claim_answers: VecDeque::new(),
            projection_answers: VecDeque::new(),
            card_cap_until: None,
            statuses: BTreeMap::new(),
            transactions: BTreeMap::new(),
            log: Vec::new(),
            accounts: BTreeMap::new(),
            holds: BTreeSet::new(),
            claims: BTreeSet::new(),
            spent: Vec::new(),
            given_back: Vec::new(),
            calls: Vec::new(),
            sold: Vec::new(),
            shown: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// A world in which the invoice was just detected and all that follows at once was done.
    pub(super) fn begun(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        world.detect();
        world
    }

    pub(super) fn detect(&mut self) {
        self.tell(seen(News::Raised));
    }

    pub(super) fn tell(&mut self, command: Command) {
        self.deliver(command);
        self.run();
    }

    /// Tells without letting anything follow.
    pub(super) fn deliver(&mut self, command: Command) {
        self.order(What::Deliver { item: None, kind: "test".to_owned(), principal: "test".to_owned(), command });
    }

    pub(super) fn changed(&mut self) {
        self.tell(seen(News::Changed));
    }

    pub(super) fn choose(&mut self, choice: Choice) {
        self.tell(Command::Decide { choice, reason: "tested".to_owned() });
    }

    pub(super) fn charge_now(&mut self) {
        self.tell(Command::ChargeNow { reason: "tested".to_owned() });
    }

    pub(super) fn method_changed(&mut self) {
        self.tell(Command::MethodChanged { consent: true, customer_present: false });
    }

    pub(super) fn resume(&mut self) {
        self.order(What::Resume { principal: "ops".to_owned(), reason: "tested".to_owned() });
        self.run();
    }

    /// Time passes, and all that falls due is done when it is due.
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

    /// One call, look or due time; false where nothing is to be done now.
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
                self.calls.push(open.effect.operation());
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
        let saga = SagaId::of_invoice("60012", "77");
        let order = Order { saga, at: At::utc(self.now), what };
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
        let facts = InvoicePayment::facts(&self.saga.business, event);
        let id = SagaId::of_invoice("60012", "77").event(self.log.len() as u64);
        for (group, posting) in facts.postings.iter().enumerate() {
            let Some(journal) = journal(id, group, posting) else { continue };
            self.rules.push(journal.rule.as_str());
            for line in journal.lines {
                let sign = if line.side == Side::Debit { 1 } else { -1 };
                *self.accounts.entry(line.account).or_default() += sign * line.amount.minor;
            }
        }
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
                Mark::EraseInput { input } => panic!("this flow has no inputs: {input}"),
            }
        }
    }

    /// At rest: the log alone tells the state, and our receivable is what Zoho's balance was when it was read.
    fn must_agree(&self) {
        let mut again = Recorded::<InvoicePayment>::default();
        self.log.iter().for_each(|event| again.evolve(event));
        assert_eq!(again.business, self.saga.business, "folding the events gives another state");
        assert_eq!(again.flow, self.saga.flow);
        let Some(read) = self.saga.business.facts.invoice.as_ref() else { return };
        let paid: i64 = read.payments.iter().map(|p| p.amount.minor).sum();
        let explained = read.total.minor - read.credits.minor - read.written_off.minor - paid == read.balance.minor;
        // A difference that a person left as it is stays one.
        let booked = explained && self.state() != "Left" && !matches!(read.status.as_str(), "draft" | "pending");
        if booked && self.saga.flow.parked.is_none() && self.saga.flow.open.is_none() {
            assert_eq!(self.balance(1200), read.balance.minor, "receivable and balance: {}", self.state());
        }
    }

    /// What must hold after every append.
    fn must_hold(&self) {
        assert_eq!(self.accounts.values().sum::<i64>(), 0, "the trial balance");
        assert!(self.balance(2100) <= 0, "unapplied cash has the wrong sign: {:?}", self.accounts);
        let resting = matches!(machine::work(&self.saga, self.now), Work::Wait(_) | Work::Idle);
        if resting && self.saga.flow.open.is_none() && self.saga.flow.parked.as_ref().is_none_or(|p| p.by_saga) {
            let claim = Claim { kind: ClaimKind::ZohoInvoice, key: "77".to_owned() };
            let unapplied = self.balance(2100) != 0;
            assert!(unapplied || !self.claims.contains(&claim), "a claim is held for nothing: {}", self.state());
            assert_eq!(unapplied, self.holds.contains("captured_not_recorded"), "{}", self.state());
        }
    }

    fn vendor(&mut self, effect: &Effect) -> Outcome {
        self.now += self.read_takes;
        let answer = match effect {
            Effect::Zoho(Zoho::ReadInvoice { .. }) if !self.invoice_exists => {
                return rejected(RejectionKind::NotFound, "1002");
            }
            Effect::Zoho(Zoho::ReadInvoice { .. }) => {
                self.invoice.read_at = self.now;
                Answer::Invoice(Box::new(self.invoice.clone()))
            }
            Effect::Zoho(Zoho::ReadSubscription { .. }) => Answer::Subscription(Box::new(self.subscription.clone())),
            Effect::Zoho(Zoho::FindSubscriptionOfInvoice { .. }) => {
                Answer::SubscriptionOfInvoice { subscription: self.found.clone() }
            }
            Effect::Zoho(Zoho::RecordPayment { amount, reference, .. }) => {
                return self.record(*amount, reference);
            }
            Effect::Desk(Desk::SurveyInvoice { .. }) => Answer::Survey(Box::new(self.surveyed())),
            Effect::Desk(Desk::Claim { claims }) => {
                if let Some(outcome) = self.claim_answers.pop_front() {
                    return outcome;
                }
                self.claims.extend(claims.iter().cloned());
                Answer::Nothing
            }
            Effect::Desk(Desk::CountCard { .. }) => match self.card_cap_until.take() {
                Some(until) => Answer::CardCapUntil { until },
                None => Answer::Nothing,
            },
            Effect::Attio(Attio::FindClient { .. }) => Answer::Client(Box::new(self.client.clone())),
            Effect::Attio(Attio::Project(projection)) => {
                if let Some(outcome) = self.projection_answers.pop_front() {
                    return outcome;
                }
                self.shown.push((**projection).clone());
                Answer::Projected { transaction_record: Some("t1".to_owned()), subscription_record: None }
            }
            Effect::Braintree(Braintree::ReadCustomer { .. }) => Answer::Methods { methods: self.methods.clone() },
            Effect::Braintree(Braintree::ReadTransaction { transaction }) => {
                let Some(known) = self.transactions.get(transaction) else {
                    return rejected(RejectionKind::NotFound, "404");
                };
                let status = self.statuses.get(transaction).cloned().unwrap_or_else(|| known.status.clone());
                Answer::Transaction(Box::new(Transaction { status, ..known.clone() }))
            }
            Effect::Braintree(Braintree::Sell { order_id, amount, customer, token, recurring }) => {
                self.sold.push((order_id.clone(), amount.minor, *recurring));
                let sold = self.transaction(order_id, *amount, customer, token);
                return self.sell(sold);
            }
            Effect::Desk(Desk::Release { .. }) => Answer::Nothing,
            other => panic!("{} is no call of this flow", other.operation()),
        };
        Outcome::Done { answer }
    }

    fn surveyed(&self) -> Survey {
        let applied: i64 = self.saga.business.captures.iter().map(|c| c.applied.minor).sum();
        let mut holds = self.survey.holds.clone();
        holds.extend(self.holds.iter().cloned());
        Survey {
            holds,
            applied: Some(self.survey.applied.unwrap_or(eur(applied))),
            unapplied: Some(self.survey.unapplied.unwrap_or(eur(-self.balance(2100)))),
            ..self.survey.clone()
        }
    }

    pub(super) fn transaction(&self, order_id: &str, amount: Money, customer: &str, token: &str) -> Transaction {
        Transaction {
            id: format!("tx{}", self.sold.len()),
            status: TransactionStatus::SubmittedForSettlement,
            amount,
            order_id: order_id.to_owned(),
            customer: Some(customer.to_owned()),
            token: Some(token.to_owned()),
            created_at: self.now,
            merchant_account: "eur".to_owned(),
            held: None,
            hold_expires_at: None,
            card: None,
        }
    }

    fn sell(&mut self, mut sold: Transaction) -> Outcome {
        match self.sales.pop_front() {
            Some(Sale::Says(outcome)) => return outcome,
            Some(Sale::ApprovesOnly(minor)) => sold.amount.minor = minor,
            Some(Sale::Approves(change)) => change(&mut sold),
            None => {}
        }
        self.transactions.insert(sold.id.clone(), sold.clone());
        Outcome::Done { answer: Answer::Transaction(Box::new(sold)) }
    }

    fn record(&mut self, amount: Money, reference: &str) -> Outcome {
        if let Some(outcome) = self.records.pop_front() {
            return outcome;
        }
        let id = format!("ours{}", self.calls.len());
        self.pay(&id, reference, "creditcard", amount.minor);
        Outcome::Done { answer: Answer::Recorded { payment: id, amount } }
    }

    /// Somebody pays on the invoice at Zoho.
    pub(super) fn pay(&mut self, id: &str, reference: &str, mode: &str, minor: i64) {
        self.invoice.balance.minor -= minor;
        "partially_paid".clone_into(&mut self.invoice.status);
        if self.invoice.balance.minor == 0 {
            "paid".clone_into(&mut self.invoice.status);
        }
        self.invoice.payments.push(Payment {
            id: id.to_owned(),
            reference: reference.to_owned(),
            mode: mode.to_owned(),
            amount: eur(minor),
        });
    }

    /// Our payment in Zoho of a transaction.
    pub(super) fn payment_of(&self, transaction: &str) -> String {
        let payment = self.invoice.payments.iter().find(|p| p.reference == transaction);
        payment.expect("it is recorded").id.clone()
    }

    /// Staff delete all payments at Zoho.
    pub(super) fn delete_payments(&mut self) {
        self.invoice.payments.clear();
        self.invoice.balance = self.invoice.total;
        "overdue".clone_into(&mut self.invoice.status);
    }

    /// Staff void the invoice at Zoho.
    pub(super) fn void(&mut self) {
        self.invoice.payments.clear();
        self.invoice.balance = eur(0);
        "void".clone_into(&mut self.invoice.status);
    }

    pub(super) fn settle(&mut self, transaction: &str, status: TransactionStatus) {
        self.statuses.insert(transaction.to_owned(), status);
        self.pass(TimeDelta::hours(3));
    }

    pub(super) fn state(&self) -> String {
        InvoicePayment::summary(&self.saga.business).state
    }

    pub(super) fn parked(&self) -> Option<ParkCode> {
        self.saga.flow.parked.as_ref().map(|p| p.code)
    }

    pub(super) fn balance(&self, account: u16) -> i64 {
        self.accounts.get(&account).copied().unwrap_or(0)
    }

    /// Every account that is not zero.
    pub(super) fn open_accounts(&self) -> Vec<(u16, i64)> {
        self.accounts.iter().filter(|(_, v)| **v != 0).map(|(k, v)| (*k, *v)).collect()
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.events().filter(|e| e.name() == name).count()
    }

    pub(super) fn events(&self) -> impl Iterator<Item = &Event> {
        self.log.iter().filter_map(|r| match r {
            Record::Business(event) => Some(event),
            Record::Step(_) => None,
        })
    }

    pub(super) fn wakes_at(&self) -> Option<DateTime<Utc>> {
        machine::due(&self.saga, self.now)
    }

    /// The date of the next attempt that the flow waits for.
    pub(super) fn wakes_on(&self) -> Option<NaiveDate> {
        self.wakes_at().map(|at| at.date_naive())
    }

    pub(super) fn last_shown(&self) -> &Projection {
        self.shown.last().expect("something was shown")
    }

    pub(super) fn sales_made(&self) -> usize {
        self.sold.len()
    }
}

pub(super) fn outage() -> Outcome {
    Outcome::NotSent { cause: NotSent::Outage, detail: "not reached".to_owned(), retry_after_seconds: None }
}

pub(super) fn quota() -> Outcome {
    Outcome::NotSent {
        cause: NotSent::Quota,
        detail: "no Zoho calls left to record it".to_owned(),
        retry_after_seconds: Some(60),
    }
}

impl World {
    pub(super) fn charge_now_is_refused(&mut self) {
        let before = self.log.len();
        self.charge_now();
        let heard =
            self.log[before..].iter().any(|r| matches!(r, Record::Step(StepEvent::Heard { refused: Some(_), .. })));
        assert!(heard, "refused while a charge is open");
    }

    /// Detects and goes on until a step is open.
    pub(super) fn detect_until(&mut self, step: &str) {
        self.deliver(seen(News::Raised));
        while self.saga.flow.open.as_ref().is_some_and(|o| o.step != step) {
            assert!(self.step());
        }
    }
}
