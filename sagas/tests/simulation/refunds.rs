//! Give-backs: what Zoho's book shows of them (credit notes, payments that are lowered, lines of invoices), who asks for
//! them, who agrees, and what people decide where the bank refuses.

use crate::braintree::{not_found, rejected};
use crate::engine::Item;
use crate::people::{Deed, ORGANIZATION, installation, item};
use crate::tables::eur;
use crate::world::{Event, World};
use crate::zoho::Zoho;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::{Answer, AppliedTo, CreditNote, InvoiceLine, InvoiceLines, TransactionStatus, ZohoPayment};
use sagas::kernel::effect::{CreditNoteOrder, OnCredit, OnPayment};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::refund::{Approval, Choice, Command, Refund, Source, Wish};

/// A credit note in the book.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    id: String,
    customer: String,
    reference: String,
    total: i64,
    applied: Vec<(String, i64)>,
    /// Paid out: our reference, how much, when.
    paid_out: Vec<(String, i64, DateTime<Utc>)>,
    void: bool,
    at: DateTime<Utc>,
}

impl Note {
    fn left(&self) -> i64 {
        let applied: i64 = self.applied.iter().map(|(_, amount)| amount).sum();
        let paid_out: i64 = self.paid_out.iter().map(|(_, amount, _)| amount).sum();
        self.total - applied - paid_out
    }

    fn shown(&self) -> Answer {
        let left = self.left();
        let status = match (self.void, left) {
            (true, _) => "void",
            (false, 0) => "closed",
            (false, _) => "open",
        };
        Answer::CreditNote(Box::new(CreditNote {
            id: self.id.clone(),
            number: format!("CN-{}", self.id),
            customer: self.customer.clone(),
            reference: self.reference.clone(),
            status: status.to_owned(),
            total: eur(self.total),
            balance: eur(left),
            applied_to: self.applied.iter().map(|(invoice, _)| invoice.clone()).collect(),
        }))
    }
}

/// Steps that follow a void.
const VOIDED: [&str; 3] = ["void_invoice", "read_invoice", "apply_note"];

fn done(answer: Answer) -> Outcome {
    Outcome::Done { answer }
}

impl Zoho {
    /// What credit notes say was paid out under that reference.
    pub(crate) fn paid_out(&self, reference: &str) -> i64 {
        let all = self.notes.iter().filter(|note| !note.void).flat_map(|note| &note.paid_out);
        all.filter(|(of, ..)| of == reference).map(|(_, amount, _)| amount).sum()
    }

    pub(crate) fn on_credit(&mut self, call: &OnCredit, now: DateTime<Utc>) -> Outcome {
        let id = match call {
            OnCredit::Create(order) => return done(self.credits(order, now)),
            OnCredit::Read { note } | OnCredit::Refund { note, .. } | OnCredit::Void { note } => note,
        };
        let Some(note) = self.notes.iter_mut().find(|known| known.id == *id) else { return not_found() };
        match call {
            OnCredit::Refund { amount, reference, .. } => {
                if note.void || note.left() < amount.minor {
                    return rejected(RejectionKind::State, "credit_spent");
                }
                note.paid_out.push((reference.clone(), amount.minor, now));
                done(refunded(note, reference, amount.minor))
            }
            OnCredit::Void { .. } => {
                if note.left() != note.total {
                    return rejected(RejectionKind::State, "credit_spent");
                }
                note.void = true;
                done(Answer::Nothing)
            }
            OnCredit::Read { .. } | OnCredit::Create(_) => done(note.shown()),
        }
    }

    fn credits(&mut self, order: &CreditNoteOrder, now: DateTime<Utc>) -> Answer {
        let note = Note {
            id: self.id("cn"),
            customer: order.customer.clone(),
            reference: order.reference.clone(),
            // Nothing is taxed here.
            total: order.price.minor,
            applied: Vec::new(),
            paid_out: Vec::new(),
            void: false,
            at: now,
        };
        self.notes.push(note.clone());
        note.shown()
    }

    pub(crate) fn look_credit(&self, call: &OnCredit, now: DateTime<Utc>) -> Look {
        match call {
            OnCredit::Create(order) => {
                let ours = |note: &&Note| note.reference == order.reference && note.at + self.lag <= now;
                let mut hits = self.notes.iter().filter(ours);
                let Some(first) = hits.next() else { return absent() };
                found(first.shown(), hits.map(|note| note.id.clone()).collect())
            }
            OnCredit::Refund { note, reference, .. } => {
                let Some(note) = self.notes.iter().find(|known| known.id == *note) else { return absent() };
                let mut hits = note.paid_out.iter().filter(|(of, ..)| of == reference);
                let Some((_, amount, _)) = hits.next() else { return absent() };
                found(refunded(note, reference, *amount), hits.map(|(of, ..)| of.clone()).collect())
            }
            OnCredit::Void { note } if self.notes.iter().any(|known| known.id == *note && known.void) => {
                found(Answer::Nothing, Vec::new())
            }
            OnCredit::Void { .. } | OnCredit::Read { .. } => absent(),
        }
    }

    pub(crate) fn on_payment(&mut self, call: &OnPayment, now: DateTime<Utc>) -> Outcome {
        let Some(at) = self.payments.iter().position(|known| known.id == *call.payment()) else {
            return if matches!(call, OnPayment::Delete { .. }) { done(Answer::Nothing) } else { not_found() };
        };
        match call {
            OnPayment::Read { .. } => done(self.payment(at)),
            OnPayment::Amend(wanted) => {
                self.amend_payment(at, wanted.amount.minor, now);
                done(self.payment(at))
            }
            OnPayment::Delete { .. } => {
                self.delete_payment(at, now);
                done(Answer::Nothing)
            }
        }
    }

    pub(crate) fn look_payment(&self, call: &OnPayment) -> Look {
        let known = self.payments.iter().position(|known| known.id == *call.payment());
        match (call, known) {
            (OnPayment::Delete { .. }, None) => found(Answer::Nothing, Vec::new()),
            (OnPayment::Amend(wanted), Some(at)) if self.payments[at].amount == wanted.amount.minor => {
                found(self.payment(at), Vec::new())
            }
            _ => absent(),
        }
    }

    fn payment(&self, at: usize) -> Answer {
        let payment = &self.payments[at];
        let customer = self.bill_of(&payment.invoice).map(|bill| bill.customer.clone()).unwrap_or_default();
        Answer::ZohoPayment(Box::new(ZohoPayment {
            id: payment.id.clone(),
            customer,
            mode: payment.mode.to_owned(),
            amount: eur(payment.amount),
            date: payment.at.date_naive(),
            reference: payment.reference.clone(),
            invoices: vec![AppliedTo { invoice: payment.invoice.clone(), minor: payment.amount }],
        }))
    }

    pub(crate) fn lines(&self, invoice: &str, now: DateTime<Utc>) -> Outcome {
        let Some(bill) = self.bill_of(invoice) else { return not_found() };
        let lines = vec![InvoiceLine { code: "basic".to_owned(), tax: None }];
        done(Answer::InvoiceLines(Box::new(InvoiceLines { invoice: self.shown(bill, now), lines })))
    }

    /// Some of a credit note settles some of an invoice.
    pub(crate) fn apply_credit(&mut self, invoice: &str, id: &str, amount: i64, now: DateTime<Utc>) -> Outcome {
        // Sent twice it would settle twice as much: the connector reads before.
        if self.is_applied(invoice, id) {
            return done(Answer::Nothing);
        }
        let Some(note) = self.notes.iter_mut().find(|known| known.id == *id) else { return not_found() };
        if note.void || note.left() < amount {
            return rejected(RejectionKind::State, "credit_spent");
        }
        note.applied.push((invoice.to_owned(), amount));
        self.edit(invoice, now, |bill| bill.credits += amount);
        done(Answer::Nothing)
    }

    pub(crate) fn is_applied(&self, invoice: &str, id: &str) -> bool {
        let note = self.notes.iter().find(|known| known.id == id);
        note.is_some_and(|note| note.applied.iter().any(|(to, _)| to == invoice))
    }
}

fn refunded(note: &Note, reference: &str, amount: i64) -> Answer {
    Answer::CreditRefunded { refund: format!("cr-{reference}"), note: note.id.clone(), amount: eur(amount) }
}

const fn absent() -> Look {
    Look::Absent { watermark: false, key_proven: false }
}

fn found(answer: Answer, extra: Vec<String>) -> Look {
    Look::Found { outcome: Box::new(done(answer)), extra }
}

impl World {
    /// Finance gives something back now and then, and more often where this run seeks what follows from it.
    pub(crate) fn some_give_backs(&mut self) {
        let sought = self.mishaps.seeks(Refund::NAME, &[""]);
        if !sought && !self.dice.chance(100) {
            return;
        }
        for _ in 0..if sought { 12 } else { 2 } {
            let minutes = (self.healed_at - self.clock.now()).num_minutes() * 5 / 4;
            let wait = TimeDelta::minutes(self.dice.between(0, minutes));
            self.clock.after(wait, Event::Deed(Deed::GiveBack));
        }
    }

    /// Somebody of finance gives some of a payment back, or all of it.
    pub(crate) fn gives_back(&mut self) {
        let taken: Vec<_> = self.braintree.sales.iter().filter(|sale| sale.is_captured()).cloned().collect();
        let invoiced = |sale: &crate::braintree::Sale| Some((sale.clone(), self.invoice_for(sale)?));
        let taken: Vec<_> = taken.iter().filter_map(invoiced).collect();
        if taken.is_empty() {
            return;
        }
        // What was taken a moment ago is voided.
        let voids = self.mishaps.seeks(Refund::NAME, &VOIDED);
        let is_fresh =
            |(sale, _): &&(crate::braintree::Sale, String)| sale.status == TransactionStatus::SubmittedForSettlement;
        let fresh: Vec<_> = taken.iter().filter(is_fresh).cloned().collect();
        let (sale, invoice) = self.dice.of(if voids && !fresh.is_empty() { &fresh } else { &taken });
        let left = sale.amount.minor - self.braintree.refunded(&sale.id);
        // What was taken a moment ago is voided as a whole.
        let fresh = sale.status == TransactionStatus::SubmittedForSettlement;
        let part = self.dice.of(&[left, left, left / 2, 700]);
        let amount = if fresh && self.dice.chance(700) { left } else { part.min(left) };
        if amount <= 0 {
            return;
        }
        let stream = SagaId::of_invoice(ORGANIZATION, &invoice);
        let company = self.who(stream);
        self.touched.extend(company.clone());
        let second = self.dice.chance(300);
        let wish = Wish {
            key: format!("finance-{}", self.give_backs),
            installation: installation(),
            transaction: sale.id,
            invoice,
            stream,
            amount: eur(amount),
            source: if voids {
                Source::Forgive
            } else {
                self.dice.of(&[Source::Forgive, Source::Forgive, Source::Reopen, Source::Unapplied])
            },
            reason: "goodwill: asked for".to_owned(),
            by: "token:ada".to_owned(),
            approval: if second { Approval::SecondPerson } else { Approval::Alone },
        };
        self.give_backs += 1;
        let saga = wish.saga();
        self.laws.belongs.insert(saga, company.unwrap_or_default());
        let requested = item::<Refund>("operator.refund", &Command::Requested { wish: Box::new(wish) });
        self.clock.after(TimeDelta::milliseconds(5), Event::Comes(saga, Box::new(requested)));
    }

    /// A part of an invoice is paid by cheque at once, where this run seeks out what is credited beside it.
    pub(crate) fn pays_half(&mut self, bill: &str, half: i64) {
        if self.mishaps.seeks(Refund::NAME, &["apply_note", "create_note"]) && self.dice.chance(700) {
            let now = self.clock.now();
            let company = self.zoho.bill_of(bill).and_then(|bill| self.company_of(&bill.customer));
            self.touched.extend(company);
            self.zoho.pay(bill, "cheque 9", "check", half, now);
        }
    }

    /// Some of what was paid on an invoice was given back, or is being. Nobody voids or lowers it then: what that leaves of
    /// money that was forgiven, the invoice's stream does not know yet (it would call it unapplied).
    pub(crate) fn is_given_back(&self, invoice: &str) -> bool {
        let for_it = |sale: &&crate::braintree::Sale| self.invoice_for(sale).as_deref() == Some(invoice);
        let refunded = |sale: &crate::braintree::Sale| self.braintree.refunded(&sale.id) > 0;
        self.braintree.sales.iter().filter(for_it).any(refunded)
    }

    /// Second persons agree, mostly.
    pub(crate) fn agrees_to_give_backs(&mut self) {
        let waits = |slot: &crate::engine::Slot| {
            slot.live.flow_name() == Refund::NAME && slot.live.summary().state == "AwaitingApproval"
        };
        let all: Vec<_> = self.sagas.iter().filter(|(_, slot)| waits(slot)).map(|(id, _)| *id).collect();
        for saga in all {
            let (by, reason) = ("token:bob".to_owned(), "seen to".to_owned());
            let command = match self.dice.below(10) {
                0 => continue,
                1 | 2 => Command::Denied { by, reason },
                _ => Command::Approved { by, reason },
            };
            let item = item::<Refund>("operator.refund_answer", &command);
            let wait = self.millis(1, 60_000);
            self.clock.after(wait, Event::Comes(saga, Box::new(item)));
        }
    }

    /// What a person decides about a refund that the bank did not make; none: it is resumed.
    pub(crate) fn decides_on_refund(&mut self, code: ParkCode) -> Option<Item> {
        if !matches!(code, ParkCode::RefundBlocked | ParkCode::RefundFailedAfterSuccess) {
            return None;
        }
        let choice = self.dice.of(&[Choice::TryAgain, Choice::PaidOutside, Choice::Withdraw]);
        let command = Command::Decided { choice, by: "token:bob".to_owned(), reason: "seen to".to_owned() };
        Some(item::<Refund>("operator.refund_decide", &command))
    }
}
