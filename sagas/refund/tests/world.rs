//! A small world for the flow: a sale that was captured and recorded, an invoice, its stream that answers, and the books of
//! all of them.

use crate::kernel::answer::{
    Answer, AppliedTo, CardSeen, CreditNote, InvoiceLine, InvoiceLines, Refund as Made, Transaction, TransactionStatus,
    ZohoPayment,
};
use crate::kernel::effect::{
    Attio, Braintree, CreditNoteOrder, Desk, Effect, Letter, Mail, OnCredit, OnInvoice, OnPayment, Projection, Zoho,
};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::outcome::{Decline, DeclineKind, Outcome, Rejection, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples;
pub(super) use crate::kernel::tests::samples::{day, decline, eur, instant, not_sent, rejected, unknown};
use crate::refund::{Approval, Choice, Command, Refund, Source, Terms, Wish};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;

/// What the sale took: the invoice's total, 15.97 of it tax.
pub(super) const TOTAL: i64 = 10_000;

pub(super) struct World {
    bench: Bench<Refund>,
    pub(super) wish: Wish,
    pub(super) sale: TransactionStatus,
    pub(super) refund: Option<Made>,
    /// What the next calls of `give_back`, and of Zoho's writes, say instead.
    pub(super) braintree: VecDeque<Outcome>,
    pub(super) zoho: VecDeque<Outcome>,
    /// What the next refund of a note says instead.
    pub(super) pay_out: VecDeque<Outcome>,
    pub(super) project: VecDeque<Outcome>,
    pub(super) busy: Option<Outcome>,
    pub(super) lines: Vec<InvoiceLine>,
    pub(super) balance_after_delete: i64,
    /// What a rule may give back alone.
    pub(super) rule_may: i64,
    /// The stream's answer, unless it says nothing.
    pub(super) answers: Option<Command>,
    /// An answer that a test keeps back.
    pub(super) later: Option<Command>,
    /// What the next look at the refund says instead.
    pub(super) found: Option<Outcome>,
    pub(super) payment: Option<ZohoPayment>,
    pub(super) note: Option<CreditNote>,
    /// Every credit note comes to so much more than it should.
    pub(super) note_off: i64,
    pub(super) calls: Vec<&'static str>,
    pub(super) told: Vec<String>,
    pub(super) shown: Vec<Projection>,
    pub(super) letters: Vec<Letter>,
    pub(super) notes: Vec<CreditNoteOrder>,
}

stands_on_its_bench!(World, Refund);

impl Played for World {
    type Flow = Refund;

    fn answer(&mut self, open: &Open) -> Outcome {
        self.calls.push(open.effect.operation());
        self.vendor(&open.effect)
    }

    fn must_hold(&self) {
        for (account, name) in [(2100, "unapplied cash"), (2110, "customer credit"), (2120, "refunds payable")] {
            assert!(self.balance(account) <= 0, "{name} has the wrong sign: {:?}", self.accounts);
        }
        if self.saga.flow.ended.is_some() {
            assert!(self.claims.is_empty(), "it ended and holds {:?}", self.claims);
        }
    }
}

pub(super) fn refused(code: &str) -> Outcome {
    rejected(RejectionKind::State, code)
}

pub(super) fn hard(code: &str) -> Outcome {
    Outcome::Declined { decline: Decline { text: "Do Not Honor".to_owned(), ..decline(DeclineKind::Processor, code) } }
}

impl World {
    /// Captured and recorded; the stream lets all of `minor` go.
    pub(super) fn new(source: Source, minor: i64) -> Self {
        Self::of_applied(source, minor, TOTAL)
    }

    /// Of which so much is applied.
    pub(super) fn of_applied(source: Source, minor: i64, applied: i64) -> Self {
        let now = instant("2026-11-02T09:00:00Z");
        let id = Refund::id("tx1", "k1");
        let mut bench = Bench::new(id, now);
        let mut post = |account: u16, minor: i64| *bench.accounts.entry(account).or_default() += minor;
        for (account, amount) in [(4000, -8_403), (2200, -1_597), (1200, TOTAL - applied), (1110, TOTAL)] {
            post(account, amount);
        }
        post(2100, applied - TOTAL);
        let wish = Wish {
            key: "k1".to_owned(),
            installation: Installation::new("demo1").expect("valid"),
            transaction: "tx1".to_owned(),
            invoice: "77".to_owned(),
            stream: SagaId::of_invoice("60012", "77"),
            amount: eur(minor),
            source,
            reason: "requested_by_customer".to_owned(),
            by: "token:ada".to_owned(),
            approval: Approval::Alone,
        };
        let of_applied = if source == Source::Unapplied { 0 } else { minor.min(applied) };
        let reopened = if source == Source::Reopen { of_applied } else { 0 };
        let terms = Terms {
            invoice: "77".to_owned(),
            number: "INV-77".to_owned(),
            customer: Some("cust1".to_owned()),
            client: Some(samples::company()),
            subscription: Some("zs1".to_owned()),
            subscription_record: None,
            payment: (applied > 0).then(|| "zp1".to_owned()),
            captured: eur(TOTAL),
            captured_on: day("2026-11-01"),
            applied: eur(applied - reopened),
            forgiven: eur(of_applied - reopened),
            reopened: eur(reopened),
            unapplied: eur(minor - of_applied),
        };
        Self {
            bench,
            wish,
            sale: TransactionStatus::Settled,
            refund: None,
            braintree: VecDeque::new(),
            zoho: VecDeque::new(),
            pay_out: VecDeque::new(),
            project: VecDeque::new(),
            busy: None,
            lines: vec![InvoiceLine { code: "pro-monthly".to_owned(), tax: Some("tax19".to_owned()) }],
            balance_after_delete: TOTAL,
            rule_may: 0,
            answers: Some(Command::Admitted { terms: Box::new(terms) }),
            later: None,
            found: None,
            payment: (applied > 0).then(|| payment(applied)),
            note: None,
            note_off: 0,
            calls: Vec::new(),
            told: Vec::new(),
            shown: Vec::new(),
            letters: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Asked for, and all that follows at once was done.
    pub(super) fn begun(source: Source, minor: i64, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new(source, minor);
        change(&mut world);
        world.request();
        world
    }

    pub(super) fn request(&mut self) {
        let wish = Box::new(self.wish.clone());
        self.tell(Command::Requested { wish });
        self.hear();
    }

    /// The stream's answer comes.
    pub(super) fn hear(&mut self) {
        if self.told.iter().any(|word| word == "give_back_asked")
            && let Some(answer) = self.answers.take()
        {
            self.tell(answer);
        }
    }

    pub(super) fn approve(&mut self, by: &str) {
        self.tell(Command::Approved { by: by.to_owned(), reason: "seen".to_owned() });
        self.hear();
    }

    pub(super) fn decide(&mut self, choice: Choice) {
        self.tell(Command::Decided { choice, by: "token:ada".to_owned(), reason: "tested".to_owned() });
    }

    pub(super) fn made(&self, id: &str, order_id: &str, minor: i64, status: TransactionStatus) -> Made {
        Made {
            id: id.to_owned(),
            transaction: "tx1".to_owned(),
            order_id: order_id.to_owned(),
            amount: eur(minor),
            status,
            created_at: self.now,
            soft_decline: None,
        }
    }

    pub(super) fn order_id(n: u32) -> String {
        Installation::new("demo1").expect("valid").refund_order(Refund::id("tx1", "k1"), n)
    }

    /// The refund is in that state when it is looked up.
    pub(super) fn is_now(&mut self, status: TransactionStatus) {
        self.refund.as_mut().expect("one was sent").status = status;
    }

    fn sale_now(&self) -> Transaction {
        Transaction {
            status: self.sale.clone(),
            card: Some(CardSeen { brand: "Visa".to_owned(), last_four: "1111".to_owned(), number: None }),
            ..samples::transaction("tx1", "demo1.inv.77.1", eur(TOTAL), self.now)
        }
    }

    fn vendor(&mut self, effect: &Effect) -> Outcome {
        let answer = match effect {
            Effect::Desk(Desk::Claim { claims }) => {
                if let Some(busy) = self.busy.take() {
                    return busy;
                }
                self.claims.extend(claims.iter().cloned());
                Answer::Nothing
            }
            Effect::Desk(Desk::WeighGiveBack { amount }) => Answer::Weighed { alone: amount.minor <= self.rule_may },
            Effect::Desk(Desk::Tell { message, .. }) => {
                let word = message.command["command"].as_str().expect("a command");
                let word =
                    if word == "give_back_ended" { &message.command["ending"] } else { &message.command["command"] };
                self.told.push(word.as_str().expect("a word").to_owned());
                Answer::Nothing
            }
            Effect::Braintree(Braintree::ReadTransaction { transaction }) if transaction == "tx1" => {
                Answer::Transaction(Box::new(self.sale_now()))
            }
            Effect::Braintree(Braintree::ReadTransaction { .. }) => {
                if let Some(outcome) = self.found.take() {
                    return outcome;
                }
                let made = self.refund.clone().expect("one was sent");
                let shown = samples::transaction(&made.id, &made.order_id, made.amount, made.created_at);
                Answer::Transaction(Box::new(Transaction { status: made.status, ..shown }))
            }
            Effect::Braintree(Braintree::Void { .. }) => {
                if let Some(outcome) = self.braintree.pop_front() {
                    return outcome;
                }
                self.sale = TransactionStatus::Voided;
                Answer::Transaction(Box::new(self.sale_now()))
            }
            Effect::Braintree(Braintree::Refund { order_id, amount, .. }) => {
                if let Some(outcome) = self.braintree.pop_front() {
                    return outcome;
                }
                let id = order_id.rsplit('.').next().unwrap_or_default();
                let made =
                    self.made(&format!("rf{id}"), order_id, amount.minor, TransactionStatus::SubmittedForSettlement);
                self.refund = Some(made.clone());
                Answer::Refund(Box::new(made))
            }
            Effect::Zoho(call) => return self.zoho(call),
            Effect::Attio(Attio::Project(projection)) => {
                if let Some(outcome) = self.project.pop_front() {
                    return outcome;
                }
                self.shown.push((**projection).clone());
                Answer::Projected { transaction_record: Some("t1".to_owned()), subscription_record: None }
            }
            Effect::Mail(Mail::Send(letter)) => {
                self.letters.push((**letter).clone());
                Answer::Nothing
            }
            other => panic!("{} is no call of this flow", other.operation()),
        };
        Outcome::Done { answer }
    }

    fn zoho(&mut self, call: &Zoho) -> Outcome {
        let reads = matches!(
            call,
            Zoho::ReadInvoice { .. }
                | Zoho::Invoice(OnInvoice::ReadLines { .. })
                | Zoho::Payment(OnPayment::Read { .. })
        );
        if let Some(outcome) = if reads { None } else { self.zoho.pop_front() } {
            return outcome;
        }
        let now = self.now;
        let answer = match call {
            Zoho::Invoice(OnInvoice::ReadLines { .. }) => {
                let mut invoice = samples::invoice(TOTAL, now);
                invoice.tax = Some(eur(1_597));
                Answer::InvoiceLines(Box::new(InvoiceLines { invoice, lines: self.lines.clone() }))
            }
            Zoho::ReadInvoice { .. } => {
                let mut invoice = samples::invoice(TOTAL, now);
                invoice.balance = eur(self.balance_after_delete);
                Answer::Invoice(Box::new(invoice))
            }
            Zoho::Invoice(_) => {
                let mut invoice = samples::invoice(TOTAL, now);
                "void".clone_into(&mut invoice.status);
                Answer::Invoice(Box::new(invoice))
            }
            Zoho::Payment(OnPayment::Read { .. }) => match &self.payment {
                Some(payment) => Answer::ZohoPayment(Box::new(payment.clone())),
                None => return rejected(RejectionKind::NotFound, "1002"),
            },
            Zoho::Payment(OnPayment::Amend(wanted)) => {
                self.payment = Some((**wanted).clone());
                Answer::ZohoPayment(wanted.clone())
            }
            Zoho::Payment(OnPayment::Delete { .. }) => {
                self.payment = None;
                Answer::Nothing
            }
            Zoho::Credit(OnCredit::Create(order)) => {
                self.notes.push((**order).clone());
                let note = CreditNote {
                    id: format!("cn{}", self.notes.len()),
                    number: "CN-1".to_owned(),
                    customer: order.customer.clone(),
                    reference: order.reference.clone(),
                    status: "open".to_owned(),
                    total: eur(order.total.minor + self.note_off),
                    balance: eur(order.total.minor + self.note_off),
                    applied_to: Vec::new(),
                };
                self.note = Some(note.clone());
                Answer::CreditNote(Box::new(note))
            }
            Zoho::Credit(OnCredit::Refund { note, amount, .. }) => {
                if let Some(outcome) = self.pay_out.pop_front() {
                    return outcome;
                }
                Answer::CreditRefunded { refund: "zr1".to_owned(), note: note.clone(), amount: *amount }
            }
            Zoho::Credit(OnCredit::Void { .. }) => {
                let mut note = self.note.clone().expect("one was made");
                "void".clone_into(&mut note.status);
                Answer::CreditNote(Box::new(note))
            }
            other => panic!("{other:?} is no call of this flow"),
        };
        Outcome::Done { answer }
    }
}

fn payment(minor: i64) -> ZohoPayment {
    ZohoPayment {
        id: "zp1".to_owned(),
        customer: "zc1".to_owned(),
        mode: "creditcard".to_owned(),
        amount: eur(minor),
        date: day("2026-11-01"),
        reference: "tx1".to_owned(),
        invoices: vec![AppliedTo { invoice: "77".to_owned(), minor }],
    }
}

pub(super) fn spent() -> Outcome {
    let rejection = Rejection {
        kind: RejectionKind::State,
        code: "credit_spent".to_owned(),
        message: "credit note cn1 is closed".to_owned(),
    };
    Outcome::Rejected { rejection }
}

/// When every world begins.
pub(super) fn began() -> DateTime<Utc> {
    instant("2026-11-02T09:00:00Z")
}
