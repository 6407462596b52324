//! A small world for the flow: it answers each call from what it holds, keeps the books that the flow posts, and after
//! every append checks what must always hold.

use crate::invoice_payment::{Choice, Command, InvoicePayment, News};
use crate::kernel::answer::{
    Answer, Client, Invoice, InvoicePayment as Payment, Method, Subscription, Survey, Transaction, TransactionStatus,
};
use crate::kernel::effect::{Attio, Braintree, Claim, ClaimKind, Desk, Effect, Message, Projection, Zoho};
use crate::kernel::flow::{Open, StepEvent};
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::machine::{self, Work};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome, RejectionKind};
use crate::kernel::record::Record;
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples;
pub(super) use crate::kernel::tests::samples::{day, decline, eur, instant, method, rejected};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::collections::{BTreeMap, VecDeque};

pub(super) const TOTAL: i64 = 10_000;

/// How the next sale goes.
#[allow(clippy::large_enum_variant, reason = "a script of a few lines")]
pub(super) enum Sale {
    ApprovesOnly(i64),
    Approves(Box<dyn Fn(&mut Transaction)>),
    Says(Outcome),
}

pub(super) struct World {
    bench: Bench<InvoicePayment>,
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
    pub(super) records: VecDeque<Outcome>,
    pub(super) claim_answers: VecDeque<Outcome>,
    pub(super) projection_answers: VecDeque<Outcome>,
    pub(super) card_cap_until: Option<DateTime<Utc>>,
    pub(super) statuses: BTreeMap<String, TransactionStatus>,
    pub(super) transactions: BTreeMap<String, Transaction>,
    pub(super) calls: Vec<&'static str>,
    pub(super) sold: Vec<(String, i64, bool)>,
    pub(super) shown: Vec<Projection>,
    /// What other flows were told.
    pub(super) told: Vec<Message>,
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

stands_on_its_bench!(World, InvoicePayment);

impl Played for World {
    type Flow = InvoicePayment;

    fn answer(&mut self, open: &Open) -> Outcome {
        self.calls.push(open.effect.operation());
        self.vendor(&open.effect)
    }

    fn must_hold(&self) {
        assert!(self.balance(2100) <= 0, "unapplied cash has the wrong sign: {:?}", self.accounts);
        assert!(self.erased.is_empty(), "this flow has no inputs");
        let resting = matches!(machine::work(&self.saga, self.now), Work::Wait(_) | Work::Idle);
        if resting && self.saga.flow.open.is_none() && self.saga.flow.parked.as_ref().is_none_or(|p| p.by_saga) {
            let claim = Claim { kind: ClaimKind::ZohoInvoice, key: "77".to_owned() };
            let unapplied = self.balance(2100) != 0;
            assert!(unapplied || !self.claims.contains(&claim), "a claim is held for nothing: {}", self.state());
            assert_eq!(unapplied, self.holds.contains("captured_not_recorded"), "{}", self.state());
        }
    }

    /// Our receivable is what Zoho's balance was when it was read.
    fn must_agree(&self) {
        let Some(read) = self.saga.business.facts.invoice.as_ref() else { return };
        let paid: i64 = read.payments.iter().map(|p| p.amount.minor).sum();
        let explained = read.total.minor - read.credits.minor - read.written_off.minor - paid == read.balance.minor;
        // A difference that a person left as it is stays one.
        let booked = explained && self.state() != "Left" && !matches!(read.status.as_str(), "draft" | "pending");
        if booked && self.saga.flow.parked.is_none() && self.saga.flow.open.is_none() {
            assert_eq!(self.balance(1200), read.balance.minor, "receivable and balance: {}", self.state());
        }
    }
}

impl World {
    pub(super) fn new() -> Self {
        let now = instant("2026-11-02T09:00:00Z");
        Self {
            bench: Bench::new(SagaId::of_invoice("60012", "77"), now),
            read_takes: TimeDelta::zero(),
            invoice: Invoice { tax: Some(eur(1_597)), ..samples::invoice(TOTAL, now) },
            invoice_exists: true,
            found: None,
            survey: samples::survey(),
            subscription: samples::subscription("zs1", "demo1.sub.abc.1", "live"),
            client: samples::client(),
            methods: vec![method("m1")],
            sales: VecDeque::new(),
            records: VecDeque::new(),
            claim_answers: VecDeque::new(),
            projection_answers: VecDeque::new(),
            card_cap_until: None,
            statuses: BTreeMap::new(),
            transactions: BTreeMap::new(),
            calls: Vec::new(),
            sold: Vec::new(),
            shown: Vec::new(),
            told: Vec::new(),
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
        self.tell(Command::MethodChanged { consent: true, customer_present: false, reply_to: None });
    }

    fn vendor(&mut self, effect: &Effect) -> Outcome {
        let read_takes = self.read_takes;
        self.now += read_takes;
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
            Effect::Desk(Desk::Claim { claims } | Desk::ClaimUnfenced { claims, .. }) => {
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
            Effect::Desk(Desk::Tell { message, .. }) => {
                self.told.push((**message).clone());
                Answer::Nothing
            }
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
            Effect::Braintree(Braintree::Sell { order_id, amount, customer, token, recurring, details: _ }) => {
                self.sold.push((order_id.clone(), amount.minor, *recurring));
                let sold = self.transaction(order_id, *amount, customer, token);
                return self.sell(sold);
            }
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
            customer: Some(customer.to_owned()),
            token: Some(token.to_owned()),
            ..samples::transaction(&format!("tx{}", self.sold.len()), order_id, amount, self.now)
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

    /// An activation captured the whole invoice, and booked it.
    pub(super) fn adopt(&mut self, transaction: &str) {
        let captured = samples::transaction(transaction, "demo1.act.abc.1", eur(TOTAL), self.now);
        self.transactions.insert(transaction.to_owned(), captured);
        *self.accounts.entry(1110).or_default() += TOTAL;
        *self.accounts.entry(2100).or_default() -= TOTAL;
        self.holds.insert("captured_not_recorded".to_owned());
        self.tell(Command::AdoptCapture {
            organization: "60012".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            invoice: "77".to_owned(),
            subscription: "zs1".to_owned(),
            transaction: transaction.to_owned(),
            order_id: "demo1.act.abc.1".to_owned(),
            amount: eur(TOTAL),
            captured_at: self.now,
            effective: self.now.date_naive(),
            reply_to: SagaId::derived("activation", &["abc"]),
        });
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
    samples::not_sent(NotSent::Outage)
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
        self.run_until(step);
    }
}
