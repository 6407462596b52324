//! Payments that were taken elsewhere: records them, finds a record again by its reference, changes or deletes it. Takes and
//! gives back no money.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::wire::{self, AmendedPayment, PaymentAnswer, Recorded};
use super::{ABSENT, Zoho, as_state, is_invalid, is_not_found, reached};
use crate::port::Call;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sagas::kernel::answer::{Answer, ZohoPayment};
use sagas::kernel::effect::OnPayment;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde::de::IgnoredAny;
use tokio::time::Instant;

/// How a recorded payment shows in Zoho. `autotransaction` is Zoho's own gateways' and is never used.
const PAYMENT_MODE: &str = "creditcard";

/// What a payment is recorded with.
pub(super) struct Payment<'a> {
    pub(super) customer: &'a str,
    pub(super) invoice: &'a str,
    pub(super) amount: Money,
    pub(super) reference: &'a str,
    pub(super) date: NaiveDate,
}

impl Zoho {
    pub(super) async fn record(&self, payment: &Payment<'_>, call: &Call, deadline: Instant) -> Answered<Answer> {
        let body = wire::NewPayment {
            customer_id: payment.customer,
            payment_mode: PAYMENT_MODE,
            amount: payment.amount,
            date: payment.date,
            reference_number: payment.reference,
            description: format!("Braintree transaction {}, saga {}", payment.reference, call.saga.0.simple()),
            invoices: [wire::Applied { invoice_id: payment.invoice, amount_applied: payment.amount }],
        };
        let ask = Ask::create("zoho.record_payment", &["payments"], &body);
        let answer: wire::PaymentAnswer = self.billing.call(ask, deadline).await?;
        let recorded = answer.payment;
        if recorded.has_failed() {
            return Err(rejected(
                RejectionKind::State,
                "payment_failure",
                "Zoho keeps the payment with status `failure`",
            ));
        }
        // It was done, in whatever form it was answered: looked up instead of refused.
        let recorded = recorded.just_recorded(payment.invoice, payment.amount.currency).map_err(|_| {
            let detail = "Zoho recorded the payment, but its answer could not be read".to_owned();
            Box::new(Outcome::Unknown { detail })
        })?;
        as_asked(recorded, payment)
    }

    /// Payments that carry the reference, oldest first. One on the invoice is enough; if it shows none (void, changed,
    /// deleted), every payment of the customer since the request is read, for the rows of a list carry no reference.
    pub(super) async fn find_payments(
        &self,
        payment: &Payment<'_>,
        since: DateTime<Utc>,
        deadline: Instant,
    ) -> Answered<Vec<Recorded>> {
        let (mut hits, others) = match self.invoice("zoho.find_payment", payment.invoice, deadline).await {
            Ok(answer) => answer.invoice.payments_by_reference(payment.reference).map_err(unreadable)?,
            Err(outcome) if is_not_found(&outcome) => (Vec::new(), Vec::new()),
            Err(outcome) => return Err(outcome),
        };
        if hits.is_empty() {
            hits = self.find_among_all(payment, &others, since, deadline).await?;
        }
        hits.sort_by(|a, b| a.age().cmp(&b.age()));
        Ok(hits)
    }

    async fn find_among_all(
        &self,
        payment: &Payment<'_>,
        known_others: &[String],
        since: DateTime<Utc>,
        deadline: Instant,
    ) -> Answered<Vec<Recorded>> {
        const OPERATION: &str = "zoho.find_payment";
        let first = first_day(payment.date, since);
        let all =
            self.transactions(OPERATION, "TransactionType.PAYMENT", payment.customer, first, None, deadline).await?;
        let candidates = all.into_iter().filter(|id| !known_others.contains(id));
        let mut hits = Vec::new();
        for id in candidates {
            let segments = ["payments", id.as_str()];
            let answer: wire::PaymentAnswer = match self.billing.call(Ask::read(OPERATION, &segments), deadline).await {
                Ok(answer) => answer,
                Err(outcome) if is_not_found(&outcome) => continue,
                Err(outcome) => return Err(outcome),
            };
            if answer.payment.refers_to(payment.reference) && !answer.payment.has_failed() {
                hits.push(answer.payment.recorded(payment.invoice, payment.amount.currency).map_err(unreadable)?);
            }
        }
        Ok(hits)
    }

    pub(super) async fn on_payment(&self, call: &OnPayment, deadline: Instant) -> Answered<Answer> {
        match call {
            OnPayment::Read { payment } => {
                let payment = self.payment(call.operation(), payment, deadline).await?.payment;
                Ok(Answer::ZohoPayment(Box::new(payment.read_whole().map_err(unreadable)?)))
            }
            OnPayment::Amend(wanted) => self.amend_payment(wanted, deadline).await,
            OnPayment::Delete { payment } => self.delete_payment(payment, deadline).await,
        }
    }

    /// Deleted, or what was asked for.
    pub(super) async fn look_payment(&self, call: &OnPayment, deadline: Instant) -> Answered<Look> {
        let shown = match self.payment("zoho.find_payment", call.payment(), deadline).await {
            Ok(answer) => Some(answer.payment.read_whole().map_err(unreadable)?),
            Err(outcome) if is_not_found(&outcome) => None,
            Err(outcome) => return Err(outcome),
        };
        Ok(match (call, shown) {
            (OnPayment::Delete { .. }, shown) => reached(shown.is_none()),
            (OnPayment::Amend(wanted), Some(shown)) if same(wanted, &shown) => {
                let answer = Answer::ZohoPayment(Box::new(shown));
                Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() }
            }
            (OnPayment::Amend(_) | OnPayment::Read { .. }, _) => ABSENT,
        })
    }

    async fn payment(&self, operation: &'static str, payment: &str, deadline: Instant) -> Answered<PaymentAnswer> {
        let segments = ["payments", payment];
        self.billing.call(Ask::read(operation, &segments), deadline).await
    }

    /// One call to read, one to write: Zoho wants the whole of it, and what we do not change it keeps.
    async fn amend_payment(&self, wanted: &ZohoPayment, deadline: Instant) -> Answered<Answer> {
        const OPERATION: &str = "zoho.amend_payment";
        let before = self.payment(OPERATION, &wanted.id, deadline).await?.payment;
        let description = before.description().to_owned();
        let before = before.read_whole().map_err(unreadable)?;
        if before.customer != wanted.customer || before.amount.currency != wanted.amount.currency {
            let message = format!("payment {} is of another customer, or in another currency", wanted.id);
            return Err(rejected(RejectionKind::Mismatch, "customer", &message));
        }
        if same(wanted, &before) {
            return Ok(Answer::ZohoPayment(Box::new(before)));
        }
        let segments = ["payments", wanted.id.as_str()];
        let ask = Ask::put(OPERATION, &segments, &AmendedPayment::of(wanted, &description));
        let answer: PaymentAnswer = self.billing.call(ask, deadline).await?;
        let shown = answer.payment.read_whole().map_err(|_| {
            let detail = "Zoho changed the payment, but its answer could not be read".to_owned();
            Box::new(Outcome::Unknown { detail })
        })?;
        if !same(wanted, &shown) {
            let message = format!("Zoho accepted to change payment {}, but shows it otherwise", wanted.id);
            return Err(rejected(RejectionKind::Mismatch, "not_as_asked", &message));
        }
        Ok(Answer::ZohoPayment(Box::new(shown)))
    }

    /// One call; where Zoho refuses, one more: what is deleted already is done.
    async fn delete_payment(&self, payment: &str, deadline: Instant) -> Answered<Answer> {
        const OPERATION: &str = "zoho.delete_payment";
        let segments = ["payments", payment];
        match self.billing.call::<IgnoredAny>(Ask::delete(OPERATION, &segments), deadline).await {
            Ok(_) => Ok(Answer::Nothing),
            Err(outcome) if is_not_found(&outcome) => Ok(Answer::Nothing),
            Err(refused) if is_invalid(&refused) => match self.payment(OPERATION, payment, deadline).await {
                Ok(_) => Err(as_state(refused)),
                Err(outcome) if is_not_found(&outcome) => Ok(Answer::Nothing),
                Err(outcome) => Err(outcome),
            },
            Err(outcome) => Err(outcome),
        }
    }
}

/// From which day on a document can be ours: dates are days of some zone, and ours is the day of the capture, which can be
/// before the request.
pub(super) fn first_day(date: NaiveDate, since: DateTime<Utc>) -> NaiveDate {
    date.min((since - TimeDelta::days(1)).date_naive())
}

/// The same payment, in whatever order its invoices are told.
fn same(wanted: &ZohoPayment, shown: &ZohoPayment) -> bool {
    let sorted = |payment: &ZohoPayment| {
        let mut payment = payment.clone();
        payment.invoices.sort();
        payment
    };
    sorted(wanted) == sorted(shown)
}

/// A recorded payment, unless it is another customer's or in another currency. Its amount is the flow's to compare: less
/// than asked is a fact to book, not an error.
fn as_asked(recorded: Recorded, asked: &Payment<'_>) -> Answered<Answer> {
    let id = &recorded.payment;
    if recorded.customer != asked.customer {
        let message = format!("payment {id} is recorded for another customer than {}", asked.customer);
        return Err(rejected(RejectionKind::Mismatch, "customer", &message));
    }
    if recorded.amount.currency != asked.amount.currency {
        let message = format!("payment {id} is recorded as {} instead of {}", recorded.amount, asked.amount);
        return Err(rejected(RejectionKind::Mismatch, "currency", &message));
    }
    Ok(Answer::Recorded { payment: recorded.payment, amount: recorded.amount })
}

/// The oldest payment is the recording; each further one was recorded twice.
pub(super) fn adopt(hits: Vec<Recorded>, asked: &Payment<'_>) -> Look {
    let mut hits = hits.into_iter();
    let Some(oldest) = hits.next() else {
        return ABSENT;
    };
    let outcome = match as_asked(oldest, asked) {
        Ok(answer) => Box::new(Outcome::Done { answer }),
        Err(outcome) => outcome,
    };
    Look::Found { outcome, extra: hits.map(|hit| hit.payment).collect() }
}
