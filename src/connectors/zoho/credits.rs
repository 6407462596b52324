//! Credit notes: makes one, says that it was paid out, voids it, and finds what it made again. No list of Zoho's shows our
//! reference: candidates are read one by one. Gives no money back; that is said of what was given back elsewhere.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::payments::first_day;
use super::set::{after_write, proven};
use super::wire::{CreditAnswer, CreditWire, NewCredit, NewCreditRefund, RefundAnswer, TransactionRows, id_age};
use super::{ABSENT, Zoho, is_not_found, reached};
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::answer::{Answer, CreditNote};
use sagas::kernel::effect::{CreditNoteOrder, OnCredit};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

const VOID: &str = "void";

/// A credit note that was paid out.
struct PaidOut<'a> {
    note: &'a str,
    amount: Money,
    reference: &'a str,
}

impl Zoho {
    pub(super) async fn on_credit(&self, call: &OnCredit, deadline: Instant) -> Answered<Answer> {
        match call {
            OnCredit::Create(order) => self.create_credit(order, deadline).await,
            OnCredit::Read { note } => {
                let note = self.credit(call.operation(), note, deadline).await?;
                Ok(Answer::CreditNote(Box::new(note.read().map_err(unreadable)?)))
            }
            OnCredit::Refund { note, amount, reference, since: _ } => {
                self.pay_out(&PaidOut { note, amount: *amount, reference }, deadline).await
            }
            OnCredit::Void { note } => self.void_credit(note, deadline).await,
        }
    }

    pub(super) async fn look_credit(&self, call: &OnCredit, deadline: Instant) -> Answered<Look> {
        match call {
            OnCredit::Read { .. } => Ok(ABSENT),
            OnCredit::Create(order) => self.find_credit(order, deadline).await,
            OnCredit::Refund { note, amount, reference, since } => {
                self.find_paid_out(&PaidOut { note, amount: *amount, reference }, *since, deadline).await
            }
            OnCredit::Void { note } => {
                let note = self.credit("zoho.find_credit_note", note, deadline).await?.read().map_err(unreadable)?;
                Ok(reached(note.status == VOID))
            }
        }
    }

    async fn credit(&self, operation: &'static str, note: &str, deadline: Instant) -> Answered<CreditWire> {
        let segments = ["creditnotes", note];
        let answer: CreditAnswer = self.billing.call(Ask::read(operation, &segments), deadline).await?;
        Ok(answer.credit_note)
    }

    /// One call. What it comes to is the flow's to compare: another total than what was given back is a fact to act on.
    async fn create_credit(&self, order: &CreditNoteOrder, deadline: Instant) -> Answered<Answer> {
        let ask = Ask::create("zoho.create_credit_note", &["creditnotes"], &NewCredit::of(order));
        let answer: CreditAnswer = self.billing.call(ask, deadline).await?;
        // It was done, in whatever form it was answered: looked up instead of refused.
        let note = answer.credit_note.read().map_err(|_| made_but_unreadable("credit note"))?;
        as_ordered(note, order)
    }

    /// Credit notes of the customer since the intent, each read. Oldest first.
    async fn find_credit(&self, order: &CreditNoteOrder, deadline: Instant) -> Answered<Look> {
        const OPERATION: &str = "zoho.find_credit_note";
        let first = first_day(order.date, order.since);
        let candidates = self.transactions(OPERATION, "TransactionType.CREDIT", &order.customer, first, None, deadline);
        let mut hits = Vec::new();
        for id in candidates.await? {
            let Some(answer) = self.candidate::<CreditAnswer>(OPERATION, &["creditnotes", &id], deadline).await? else {
                continue;
            };
            // One that was voided because it came to another sum stands for nothing any more.
            if answer.credit_note.refers_to(&order.reference) && !answer.credit_note.is_void() {
                hits.push(answer.credit_note);
            }
        }
        hits.sort_by(|a, b| a.age().cmp(&b.age()));
        let mut hits = hits.into_iter();
        let Some(oldest) = hits.next() else { return Ok(ABSENT) };
        let outcome = match as_ordered(oldest.read().map_err(unreadable)?, order) {
            Ok(answer) => Box::new(Outcome::Done { answer }),
            Err(outcome) => outcome,
        };
        let extra = hits.map(|hit| hit.read().map(|note| note.id).map_err(unreadable)).collect::<Answered<_>>()?;
        Ok(Look::Found { outcome, extra })
    }

    /// One call.
    async fn pay_out(&self, wanted: &PaidOut<'_>, deadline: Instant) -> Answered<Answer> {
        let segments = ["creditnotes", wanted.note, "refunds"];
        let body = NewCreditRefund { amount: wanted.amount, description: wanted.reference };
        let ask = Ask::create("zoho.refund_credit_note", &segments, &body);
        let RefundAnswer { refund } = self.billing.call(ask, deadline).await?;
        if refund.has_failed() {
            let message = "Zoho keeps the refund of the credit note with status `failure`";
            return Err(rejected(RejectionKind::State, "refund_failure", message));
        }
        let amount = refund.amount(wanted.amount.currency).map_err(|_| made_but_unreadable("refund"))?;
        Ok(Answer::CreditRefunded { refund: refund.refund_id, note: wanted.note.to_owned(), amount })
    }

    /// The note tells first: while all of it is left, nothing was paid out. Then the customer's refunds of that amount.
    async fn find_paid_out(&self, wanted: &PaidOut<'_>, since: DateTime<Utc>, deadline: Instant) -> Answered<Look> {
        const OPERATION: &str = "zoho.find_credit_refund";
        let note = self.credit(OPERATION, wanted.note, deadline).await?.read().map_err(unreadable)?;
        if note.status != VOID && note.balance == note.total {
            return Ok(ABSENT);
        }
        let first = first_day(since.date_naive(), since);
        let of_amount = Some(wanted.amount);
        let candidates =
            self.transactions(OPERATION, "TransactionType.REFUND", &note.customer, first, of_amount, deadline).await?;
        let mut hits = Vec::new();
        for id in candidates {
            let segments = ["creditnotes", "refunds", &id];
            let Some(answer) = self.candidate::<RefundAnswer>(OPERATION, &segments, deadline).await? else { continue };
            let refund = answer.refund;
            let amount = refund.amount(wanted.amount.currency).map_err(unreadable)?;
            if !refund.has_failed() && amount == wanted.amount && refund.may_be(wanted.note, wanted.reference) {
                hits.push(refund.refund_id);
            }
        }
        hits.sort_by(|a, b| id_age(a).cmp(&id_age(b)));
        let mut hits = hits.into_iter();
        match hits.next() {
            Some(refund) => {
                let answer = Answer::CreditRefunded { refund, note: note.id, amount: wanted.amount };
                Ok(Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: hits.collect() })
            }
            None if note.status == VOID || !note.applied_to.is_empty() => Ok(spent(&note)),
            // Something was taken off it, and its refund is not shown yet.
            None if note.balance.minor + wanted.amount.minor <= note.total.minor => Ok(Look::Unclear {
                detail: format!("credit note {} has {} left, and no refund of it is shown", note.id, note.balance),
            }),
            None => Ok(ABSENT),
        }
    }

    /// One call for the write, one to read it back.
    async fn void_credit(&self, note: &str, deadline: Instant) -> Answered<Answer> {
        const OPERATION: &str = "zoho.void_credit_note";
        let written = self.written(Ask::act(OPERATION, &["creditnotes", note, VOID], &[]), deadline).await?;
        let shown = after_write(&written, self.credit(OPERATION, note, deadline).await)?.read().map_err(unreadable)?;
        proven(written, shown.status == VOID, || {
            format!("Zoho accepted to void credit note {note}, but shows it as `{}`", shown.status)
        })?;
        Ok(Answer::CreditNote(Box::new(shown)))
    }

    /// Ids of a customer's documents of one kind since that day, of that amount where one is given. Each once: a row that
    /// moves between pages is shown twice.
    pub(super) async fn transactions(
        &self,
        operation: &'static str,
        kind: &str,
        customer: &str,
        first: NaiveDate,
        amount: Option<Money>,
        deadline: Instant,
    ) -> Answered<Vec<String>> {
        let of_customer = [("filter_by", kind), ("customer_id", customer)];
        let mut ids = Vec::new();
        let take = |page: TransactionRows| {
            let rows = page.transactions.into_iter().filter(|row| row.since(first));
            let rows = rows.filter(|row| amount.is_none_or(|amount| row.amounts_to(amount)));
            for row in rows {
                if !ids.contains(&row.transaction_id) {
                    ids.push(row.transaction_id);
                }
            }
            true
        };
        self.billing.pages(operation, "transactions", &of_customer, deadline, take).await?;
        Ok(ids)
    }

    /// One that a list named; none, if it was deleted since.
    async fn candidate<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        segments: &[&str],
        deadline: Instant,
    ) -> Answered<Option<T>> {
        match self.billing.call(Ask::read(operation, segments), deadline).await {
            Ok(answer) => Ok(Some(answer)),
            Err(outcome) if is_not_found(&outcome) => Ok(None),
            Err(outcome) => Err(outcome),
        }
    }
}

fn made_but_unreadable(what: &str) -> Box<Outcome> {
    Box::new(Outcome::Unknown { detail: format!("Zoho made the {what}, but its answer could not be read") })
}

/// The note, unless it is another customer's, of another reference or in another currency.
fn as_ordered(note: CreditNote, order: &CreditNoteOrder) -> Answered<Answer> {
    let mismatch = |code, what: &str| {
        let message = format!("credit note {} {what}", note.id);
        Err(rejected(RejectionKind::Mismatch, code, &message))
    };
    if note.customer != order.customer {
        return mismatch("customer", &format!("is of another customer than {}", order.customer));
    }
    if note.reference.trim() != order.reference {
        return mismatch("reference", &format!("does not carry the reference {}", order.reference));
    }
    if note.total.currency != order.total.currency {
        return mismatch("currency", &format!("is over {} instead of {}", note.total, order.total));
    }
    Ok(Answer::CreditNote(Box::new(note)))
}

/// Somebody else has used it: paid out as well, it would be given twice.
fn spent(note: &CreditNote) -> Look {
    let message = format!(
        "credit note {} ({}) is `{}` and applied to invoices [{}]: it was not paid out, and no longer can be",
        note.id,
        note.number,
        note.status,
        note.applied_to.join(", ")
    );
    Look::Found { outcome: rejected(RejectionKind::State, "credit_spent", &message), extra: Vec::new() }
}
