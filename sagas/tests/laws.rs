//! The laws that every saga of the list keeps, whatever comes: random walks over outcomes, commands and time, and the
//! histories that earlier releases recorded.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use iso_currency::Currency;
use proptest::prelude::*;
use sagas::invoice_payment::{self, Choice, InvoicePayment};
use sagas::kernel::answer::{
    Answer, Client, CollectionOwner, Invoice, InvoicePayment as Payment, Method, Subscription, Survey, Transaction,
    TransactionStatus,
};
use sagas::kernel::effect::{Braintree, Desk, Effect, PracticeScript, Zoho};
use sagas::kernel::flow::{Phase, StepEvent};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::machine::{self, Command, What, Work};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Decline, DeclineKind, Look, NotSent, Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::posting::{Rule, Side, journal};
use sagas::kernel::record::{Record, Recorded};
use sagas::kernel::saga::{At, BusinessEvent, Pending, Saga};
use sagas::kernel::step::{Class, ExactlyOnce};
use sagas::rehearsal::{self, Rehearsal};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A stream of choices: the walk's only source of variety. It knows what a consistent world would answer, and mostly
/// answers so: a walk in which nothing ever fits would never get to the money.
struct Dice {
    seed: u64,
    /// Recorded at Zoho by us.
    payments: Vec<Payment>,
    /// Applied in our ledger.
    applied: i64,
    /// Captured and applied to nothing.
    unapplied: i64,
}

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % sides
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.roll(all.len() as u64)).expect("small");
        all[at].clone()
    }

    /// Mostly not.
    fn rarely(&mut self) -> bool {
        self.roll(24) == 0
    }

    fn money(&mut self) -> Money {
        Money::new(self.of(&[0, 1, 2_500, 5_000, 10_000, 10_000, 10_000, 12_000]), Currency::EUR)
    }
}

/// What a saga can be told in a walk; the first one starts it.
trait Told: Saga {
    fn start() -> Self::Command;
    fn command(dice: &mut Dice, now: DateTime<Utc>) -> Self::Command;
}

impl Told for Rehearsal {
    fn start() -> rehearsal::Command {
        let scripts = rehearsal::Scripts { take: PracticeScript::LostUnanswered, ..rehearsal::Scripts::default() };
        let params = rehearsal::Params {
            name: "walk".to_owned(),
            amount: Money::new(100, Currency::EUR),
            scripts,
            park: false,
            await_seconds: Some(60),
        };
        rehearsal::Command::Start { params }
    }

    fn command(_: &mut Dice, _: DateTime<Utc>) -> rehearsal::Command {
        rehearsal::Command::GoAhead
    }
}

impl Told for InvoicePayment {
    fn start() -> invoice_payment::Command {
        invoice_payment::Command::Detected {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            invoice: "77".to_owned(),
            subscription: None,
            source: "walk".to_owned(),
            news: invoice_payment::News::Changed,
        }
    }

    fn command(dice: &mut Dice, now: DateTime<Utc>) -> invoice_payment::Command {
        use invoice_payment::Command as C;
        let reason = "walk".to_owned();
        match dice.roll(9) {
            0 => C::MethodChanged { consent: dice.rarely(), customer_present: dice.rarely() },
            1 => C::HoldReleased { reason },
            2 => C::ChargeNow { reason },
            3 => C::Pause { until: now + TimeDelta::days(2), reason },
            4 => C::StopCollecting { reason },
            5 => C::Decide { choice: dice.of(&[Choice::ChargeAgain, Choice::RecordAgain, Choice::Leave]), reason },
            _ => Self::start(),
        }
    }
}

/// Any outcome that a call of this kind can have.
fn outcome(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Outcome {
    let sides = if effect.exactly_once() == ExactlyOnce::Repeatable { 80 } else { 16 };
    match dice.roll(sides) {
        0 => Outcome::Unknown { detail: "time-out".to_owned() },
        1 => Outcome::NotSent {
            cause: dice.of(&[NotSent::Outage, NotSent::Quota, NotSent::Again]),
            detail: "not sent".to_owned(),
            retry_after_seconds: None,
        },
        2 => rejected(dice),
        3 | 4 => declined(dice),
        _ => Outcome::Done { answer: answer(effect, dice, now) },
    }
}

fn rejected(dice: &mut Dice) -> Outcome {
    use RejectionKind as K;
    let kind = dice.of(&[K::Config, K::NotFound, K::Invalid, K::State, K::Mismatch, K::UnknownState, K::OrderIdReused]);
    let code = dice.of(&["91518", "24016", "1"]).to_owned();
    Outcome::Rejected { rejection: Rejection { kind, code, message: "no".to_owned() } }
}

fn declined(dice: &mut Dice) -> Outcome {
    let decline = Decline {
        kind: dice.of(&[DeclineKind::Processor, DeclineKind::Processor, DeclineKind::Gateway, DeclineKind::Network]),
        code: dice.of(&["2001", "2046", "2099", "2017", "2043", "9999", "duplicate", "fraud"]).to_owned(),
        text: "no".to_owned(),
        response_type: dice.of(&[None, Some("soft_declined".to_owned()), Some("hard_declined".to_owned())]),
        advice_code: dice.of(&[None, None, Some("26".to_owned()), Some("40".to_owned())]),
        transaction: None,
        brand: None,
    };
    Outcome::Declined { decline }
}

fn answer(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Answer {
    match effect {
        Effect::Zoho(Zoho::ReadInvoice { .. }) => Answer::Invoice(Box::new(invoice(dice, now))),
        Effect::Zoho(Zoho::ReadSubscription { .. }) => Answer::Subscription(Box::new(Subscription {
            id: "zs1".to_owned(),
            customer: "zc1".to_owned(),
            status: if dice.rarely() { dice.of(&["paused", "cancelled", "dunning", "new"]) } else { "live" }.to_owned(),
            auto_collect: dice.rarely(),
            currency: "EUR".to_owned(),
            reference: dice.of(&["demo1.sub.x.1", "other"]).to_owned(),
        })),
        Effect::Zoho(Zoho::FindSubscriptionOfInvoice { .. }) => {
            Answer::SubscriptionOfInvoice { subscription: dice.of(&[None, Some("zs1".to_owned())]) }
        }
        Effect::Zoho(Zoho::RecordPayment { amount, reference, .. }) => {
            let amount = if dice.rarely() { dice.money() } else { *amount };
            let payment = format!("zp{}", dice.roll(1_000_000));
            let mode = "creditcard".to_owned();
            dice.payments.push(Payment { id: payment.clone(), reference: reference.clone(), mode, amount });
            Answer::Recorded { payment, amount }
        }
        Effect::Desk(Desk::SurveyInvoice { .. }) => Answer::Survey(Box::new(survey(dice))),
        Effect::Desk(Desk::CountCard { .. }) if dice.rarely() => {
            Answer::CardCapUntil { until: now + TimeDelta::hours(5) }
        }
        Effect::Braintree(Braintree::ReadCustomer { .. }) => Answer::Methods { methods: vec![card(dice)] },
        Effect::Braintree(Braintree::Sell { order_id, amount, .. }) => {
            let amount = if dice.rarely() { dice.money() } else { *amount };
            Answer::Transaction(Box::new(transaction(&format!("t-{order_id}"), order_id, amount, dice, now)))
        }
        Effect::Braintree(Braintree::ReadTransaction { transaction: id }) => {
            Answer::Transaction(Box::new(transaction(id, "o", Money::new(10_000, Currency::EUR), dice, now)))
        }
        Effect::Attio(sagas::kernel::effect::Attio::FindClient { .. }) => Answer::Client(Box::new(Client {
            record: None,
            ambiguous: dice.rarely(),
            braintree_customer: None,
            zoho_customer: Some("zc1".to_owned()),
        })),
        Effect::Attio(_) => Answer::Projected { transaction_record: None, subscription_record: None },
        Effect::Desk(_) | Effect::Practice(_) => Answer::Nothing,
    }
}

fn invoice(dice: &mut Dice, now: DateTime<Utc>) -> Invoice {
    let paid: i64 = dice.payments.iter().map(|p| p.amount.minor).sum();
    let honest = Invoice {
        id: "77".to_owned(),
        number: "INV-77".to_owned(),
        customer: "zc1".to_owned(),
        subscription: Some("zs1".to_owned()),
        status: if paid >= 10_000 { "paid" } else { "sent" }.to_owned(),
        total: Money::new(10_000, Currency::EUR),
        balance: Money::new(10_000 - paid, Currency::EUR),
        tax: None,
        credits: Money::zero(Currency::EUR),
        written_off: Money::zero(Currency::EUR),
        payments: dice.payments.clone(),
        date: NaiveDate::default(),
        due_date: now.date_naive(),
        read_at: now,
    };
    if dice.roll(5) == 0 { odd(honest, dice) } else { honest }
}

/// What staff, customers and vendors do to an invoice, and what should never be.
fn odd(honest: Invoice, dice: &mut Dice) -> Invoice {
    let mut invoice = honest;
    match dice.roll(9) {
        0 => dice.of(&["overdue", "paid", "void", "draft", "new"]).clone_into(&mut invoice.status),
        1 => invoice.balance = dice.money(),
        2 => (invoice.total, invoice.balance) = (dice.money(), dice.money()),
        3 => invoice.credits = dice.money(),
        4 => invoice.written_off = dice.money(),
        5 => invoice.subscription = None,
        6 => invoice.payments.clear(),
        7 => invoice.due_date += TimeDelta::days(2),
        _ => {
            let mode = dice.of(&["check", "banktransfer", "autotransaction"]).to_owned();
            let amount = dice.money();
            invoice.payments.push(Payment { id: "other".to_owned(), reference: "cheque".to_owned(), mode, amount });
            invoice.balance.minor -= amount.minor;
        }
    }
    invoice
}

fn survey(dice: &mut Dice) -> Survey {
    let odd_owner = dice.of(&[Some(CollectionOwner::ZohoNative), None]);
    let eur = |minor| Some(Money::new(minor, Currency::EUR));
    Survey {
        customer: Some("cust1".to_owned()),
        ambiguous: dice.rarely(),
        braintree_customer: Some("c-cust1".to_owned()),
        attio_client: None,
        subscription: Some("sub1".to_owned()),
        owner: if dice.rarely() { odd_owner } else { Some(CollectionOwner::Orchestrator) },
        one_off_consent: dice.rarely(),
        claimed_elsewhere: Vec::new(),
        holds: if dice.rarely() { vec!["dispute".to_owned()] } else { Vec::new() },
        applied: if dice.rarely() { eur(10_000) } else { eur(dice.applied) },
        unapplied: eur(dice.unapplied),
        sale_switched_off: dice.rarely(),
    }
}

fn card(dice: &mut Dice) -> Method {
    Method {
        token: "m1".to_owned(),
        default: true,
        brand: "Visa".to_owned(),
        last_four: "1111".to_owned(),
        expired: dice.rarely(),
        card: format!("card{}", dice.roll(4)),
        has_live_subscription: dice.rarely(),
    }
}

fn transaction(id: &str, order_id: &str, amount: Money, dice: &mut Dice, now: DateTime<Utc>) -> Transaction {
    use TransactionStatus as T;
    let odd = dice.of(&[T::Voided, T::SettlementDeclined, T::Failed]);
    let usual = dice.of(&[T::SubmittedForSettlement, T::Settling, T::Settled]);
    Transaction {
        id: id.to_owned(),
        status: if dice.roll(12) == 0 { odd } else { usual },
        amount,
        order_id: order_id.to_owned(),
        customer: None,
        token: None,
        created_at: now,
        merchant_account: "eur".to_owned(),
    }
}

/// A saga on a walk.
struct Walk<S: Told> {
    id: SagaId,
    saga: Recorded<S>,
    log: Vec<Record<S::Event>>,
    dice: Dice,
    now: DateTime<Utc>,
    orders: BTreeSet<String>,
    charge_open: bool,
}

impl<S: Told> Walk<S> {
    fn new(seed: u64) -> Self {
        Self {
            id: SagaId::derived("walk", &[S::NAME]),
            saga: Recorded::default(),
            log: Vec::new(),
            dice: Dice { seed, payments: Vec::new(), applied: 0, unapplied: 0 },
            now: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
            orders: BTreeSet::new(),
            charge_open: false,
        }
    }

    fn deliver(&mut self, command: S::Command) {
        self.order(What::Deliver { item: None, kind: "walk".to_owned(), principal: "law".to_owned(), command });
    }

    fn order(&mut self, what: What<S::Command>) {
        let command = Command { saga: self.id, at: At::utc(self.now), what };
        // A refusal is an answer too; it must leave no trace.
        let Ok(events) = machine::decide(&self.saga, &command) else { return };
        for event in events {
            self.watch(&event);
            self.saga.evolve(&event);
            if let Record::Business(business) = &event {
                self.book(business);
            }
            let text = serde_json::to_string(&event).expect("an event can be written");
            let read: Record<S::Event> = serde_json::from_str(&text).expect("and read back");
            assert_eq!(read, event);
            self.log.push(event);
        }
        self.settled();
    }

    /// What the engine wants of the saga is one thing, and never something undone after the pivot.
    fn watch(&mut self, event: &Record<S::Event>) {
        let Record::Step(step) = event else { return };
        let is_pivot = |name: &str| Recorded::<S>::spec(name).is_some_and(|s| s.class == Class::Pivot);
        match step {
            StepEvent::Requested { step, undo, .. } => {
                assert!(self.saga.flow.open.is_none(), "{step} is wanted while another step is open");
                assert!(!(*undo && self.saga.flow.past_pivot), "{step} is undone after the pivot");
            }
            StepEvent::Sending { step, .. } => {
                if let Some(order_id) = self.order_of_open_sale() {
                    let new = self.orders.insert(order_id.clone());
                    assert!(new, "{order_id} is sent twice without a look");
                }
                if is_pivot(step) {
                    assert!(!self.charge_open, "a second charge while the first has no outcome");
                    self.charge_open = true;
                }
            }
            StepEvent::Answered { step, outcome, .. } | StepEvent::Resolved { step, outcome, .. } => {
                if matches!(outcome, Outcome::Rejected { .. }) {
                    self.may_be_sent_again();
                }
                self.charge_open &= !is_pivot(step);
            }
            StepEvent::NotSent { step, .. } => {
                self.may_be_sent_again();
                self.charge_open &= !is_pivot(step);
            }
            // A clean look while it waits to be sent again; those on the way to a proof are no leave to send.
            StepEvent::Looked { look: Look::Absent { .. }, .. }
                if self.saga.flow.open.as_ref().is_some_and(|o| matches!(o.phase, Phase::Requested { .. })) =>
            {
                self.may_be_sent_again();
            }
            StepEvent::ProvedAbsent { step, .. } => self.charge_open &= !is_pivot(step),
            _ => {}
        }
    }

    /// Braintree did nothing under the order id of the open sale.
    fn may_be_sent_again(&mut self) {
        if let Some(order_id) = self.order_of_open_sale() {
            self.orders.remove(&order_id);
        }
    }

    fn order_of_open_sale(&self) -> Option<String> {
        match &self.saga.flow.open.as_ref()?.effect {
            Effect::Braintree(Braintree::Sell { order_id, .. }) => Some(order_id.clone()),
            _ => None,
        }
    }

    /// Every journal balances, and unapplied cash never has the wrong sign.
    fn book(&mut self, event: &S::Event) {
        let facts = S::facts(&self.saga.business, event);
        for (group, posting) in facts.postings.iter().enumerate() {
            let Some(journal) = journal(self.id.event(self.log.len() as u64), group, posting) else { continue };
            let mut sum = 0;
            for line in &journal.lines {
                let signed = if line.side == Side::Debit { line.amount.minor } else { -line.amount.minor };
                sum += signed;
                if line.account == 2100 {
                    self.dice.unapplied -= signed;
                }
            }
            match journal.rule {
                Rule::Apply => self.dice.applied += posting.amount.minor,
                Rule::Unapply => self.dice.applied -= posting.amount.minor,
                _ => {}
            }
            assert_eq!(sum, 0, "{} does not balance", journal.rule.as_str());
        }
        assert!(self.dice.unapplied >= 0, "unapplied cash below zero after {}", event.name());
    }

    /// After each decision: ended, parked, a step open, or waiting until a time.
    fn settled(&self) {
        let flow = &self.saga.flow;
        if flow.ended.is_some() || flow.parked.is_some() || flow.open.is_some() || self.log.is_empty() {
            return;
        }
        let pending = S::pending(&self.saga.business);
        assert!(matches!(pending, Pending::Await { .. } | Pending::Sleep { .. }), "waits for nothing: {pending:?}");
    }

    fn step(&mut self) {
        match self.dice.roll(24) {
            0 => {
                let command = S::command(&mut self.dice, self.now);
                return self.deliver(command);
            }
            1 => return self.order(What::Resume { principal: "law".to_owned(), reason: "walk".to_owned() }),
            2 if self.dice.rarely() => {
                return self.order(What::Park { code: ParkCode::HeldByDecision, detail: "by hand".to_owned() });
            }
            _ => {}
        }
        match machine::work(&self.saga, self.now) {
            Work::Perform(open) => {
                let stale = open.fresh_until.is_some_and(|until| until < self.now);
                if stale {
                    return self.order(What::Stale);
                }
                if open.effect.exactly_once().needs_sending_mark() {
                    let deadline = self.now + TimeDelta::seconds(60);
                    self.order(What::Sending { deadline, node: "n".to_owned(), epoch: 1 });
                    if self.dice.rarely() {
                        // The sender dies.
                        self.now = deadline;
                        return;
                    }
                }
                self.now += TimeDelta::seconds(1);
                let outcome = outcome(&open.effect, &mut self.dice, self.now);
                self.order(What::Answer { attempt: open.attempt, outcome, request_id: None, latency_ms: 1 });
            }
            Work::Look(open) => {
                self.now += TimeDelta::seconds(40);
                let look = self.look(&open.effect);
                self.order(What::Looked { attempt: open.attempt, look });
            }
            Work::Due => {
                let before = self.log.len();
                self.order(What::Due);
                assert!(self.log.len() > before, "due and nothing follows");
            }
            Work::Wait(until) => self.now = until,
            Work::Idle => {
                self.now += TimeDelta::hours(1);
                let command = S::command(&mut self.dice, self.now);
                self.deliver(command);
            }
        }
    }

    fn look(&mut self, effect: &Effect) -> Look {
        match self.dice.roll(3) {
            0 => Look::Absent { watermark: self.dice.roll(2) == 0, key_proven: false },
            1 => Look::Unclear { detail: "cannot say".to_owned() },
            _ => match outcome(effect, &mut self.dice, self.now) {
                found @ (Outcome::Done { .. } | Outcome::Declined { .. } | Outcome::Rejected { .. }) => {
                    let extra = if self.dice.rarely() { vec!["t-extra".to_owned()] } else { Vec::new() };
                    Look::Found { outcome: Box::new(found), extra }
                }
                Outcome::NotSent { detail, .. } | Outcome::Unknown { detail } => Look::Unclear { detail },
            },
        }
    }

    /// The log alone tells where the saga stands.
    fn folds(&self) {
        let mut again = Recorded::<S>::default();
        self.log.iter().for_each(|event| again.evolve(event));
        assert_eq!(again.business, self.saga.business);
        assert_eq!(again.flow, self.saga.flow);
    }
}

fn walk<S: Told>(seed: u64, steps: usize) {
    let mut walk = Walk::<S>::new(seed);
    walk.deliver(S::start());
    for _ in 0..steps {
        walk.step();
    }
    walk.folds();
}

/// Reads and folds a recorded history; its name ends with the state that it leads to.
#[expect(clippy::disallowed_methods, reason = "a test, and the histories are files")]
fn replay<S: Saga>() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/histories").join(S::NAME);
    let Ok(entries) = std::fs::read_dir(&folder) else { return };
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a history");
        let mut saga = Recorded::<S>::default();
        for line in text.lines() {
            let event: Record<S::Event> = serde_json::from_str(line).unwrap_or_else(|e| panic!("{name}: {e}: {line}"));
            let written = serde_json::to_value(&event).expect("writes");
            let stored: serde_json::Value = serde_json::from_str(line).expect("json");
            assert_eq!(written, stored, "{name}: an old event is written differently now");
            saga.evolve(&event);
        }
        let (_, expected) = name.rsplit_once("__").expect("`scenario__State`");
        assert_eq!(S::summary(&saga.business).state, expected, "{name}");
        let waits = saga.flow.open.as_ref().is_some_and(|o| matches!(o.phase, Phase::Unknown { .. }));
        let at_rest = saga.flow.parked.is_some() || (saga.flow.open.is_none() && saga.flow.unwinding.is_none());
        assert!(waits || at_rest, "{name} ends in the middle of a step");
    }
}

macro_rules! laws {
    ($($saga:ty,)*) => {
        #[test]
        fn every_declaration_keeps_the_laws_of_steps() {
            $(machine::check_declaration::<$saga>().expect("a lawful declaration");)*
        }

        #[test]
        fn every_recorded_history_is_read_and_leads_to_the_same_state() {
            $(replay::<$saga>();)*
        }

        proptest! {
            #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
            #[test]
            fn whatever_comes_every_saga_keeps_its_invariants(seed: u64, steps in 1..120_usize) {
                $(walk::<$saga>(seed, steps);)*
            }
        }
    };
}

sagas::for_each_saga!(laws);
