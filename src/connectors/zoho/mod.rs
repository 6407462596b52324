//! Zoho Billing: reads what is sold and what was billed, makes customers and subscriptions, takes them back, records
//! payments that were taken elsewhere, and finds what it made again by our reference. Never charges or refunds, and
//! decides nothing about an invoice's state.

mod auth;
mod billing;
mod catalog;
mod customers;
mod poll;
mod subscriptions;
mod undo;
pub mod webhook;
mod wire;

pub use poll::{EventRef, OpenInvoice, Page};

use crate::clock::Clock;
use crate::connectors::http::Http;
use crate::port::{Call, Report};
use billing::{Answered, Ask, Billing, rejected, unreadable};
use catalog::Prices;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use customers::Mark;
use iso_currency::Currency;
use reqwest::Url;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;
use wire::Recorded;

/// How a recorded payment shows in Zoho. `autotransaction` is Zoho's own gateways' and is never used.
const PAYMENT_MODE: &str = "creditcard";

/// A clean look that found nothing; more than that Zoho cannot show.
const ABSENT: Look = Look::Absent { watermark: false, key_proven: false };

/// Where and as whom to call. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// Zoho Accounts of the data centre, e.g. `https://accounts.zoho.eu`.
    pub accounts_url: Url,
    /// The API host of the same data centre, e.g. `https://www.zohoapis.eu`.
    pub api_url: Url,
    /// The organization id: digits.
    pub organization_id: String,
    /// The self client's id.
    pub client_id: String,
    /// The self client's secret.
    pub client_secret: SecretString,
    /// The refresh token; not shared with another environment, for they would use up each other's access tokens.
    pub refresh_token: SecretString,
    /// The organization's own currency, in which its catalog is priced.
    pub currency: Currency,
    /// Parts per million by Zoho's tax id.
    pub tax_rates: BTreeMap<String, u32>,
}

/// The connector of one organization.
pub struct Zoho {
    billing: Billing,
    prices: Prices,
    clock: Arc<dyn Clock>,
}

/// What a payment is recorded with.
struct Payment<'a> {
    customer: &'a str,
    invoice: &'a str,
    amount: Money,
    reference: &'a str,
    date: NaiveDate,
}

impl Zoho {
    /// Sets it up; nothing is sent.
    ///
    /// # Errors
    /// The organization id is not all digits, or the API address cannot hold a path; the text says what was expected.
    pub fn new(config: &Config, http: Http, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let prices = Prices { currency: config.currency, tax_rates: config.tax_rates.clone() };
        Ok(Self { billing: Billing::new(config, http, Arc::clone(&clock))?, prices, clock })
    }

    /// Makes the call once.
    pub async fn perform(&self, call: &Call, effect: &effect::Zoho) -> Report {
        let deadline = Instant::now() + call.time_limit;
        let answered = match effect {
            effect::Zoho::ReadInvoice { invoice } => self.read_invoice(invoice, deadline).await,
            effect::Zoho::ReadSubscription { subscription } => self.read_subscription(subscription, deadline).await,
            effect::Zoho::FindSubscriptionOfInvoice { invoice, customer } => {
                self.find_subscription(invoice, customer, deadline).await
            }
            effect::Zoho::RecordPayment { customer, invoice, amount, reference, date, since: _ } => {
                let payment = Payment { customer, invoice, amount: *amount, reference, date: *date };
                self.record(&payment, call, deadline).await
            }
            effect::Zoho::ReadOffer { plan, addons, coupon } => {
                self.read_offer(plan, addons, coupon.as_deref(), deadline).await
            }
            effect::Zoho::ReadCustomer { customer } => self.read_customer(customer, deadline).await,
            effect::Zoho::CreateCustomer { customer, currency, since: _ } => {
                let order = customers::Order { id: customer, currency: *currency };
                self.create_customer(&order, call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::FindRetiredCustomers { customer } => {
                self.find_retired(customer, call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::ReviveCustomer { customer } => self.mark(customer, Mark::Active, deadline).await,
            effect::Zoho::DeactivateCustomer { customer } => self.mark(customer, Mark::Inactive, deadline).await,
            effect::Zoho::ListSubscriptions { customer, reference } => {
                self.list_subscriptions(customer, reference.as_deref(), deadline).await
            }
            effect::Zoho::CreateSubscription(order) => self.create_subscription(order, deadline).await,
            effect::Zoho::UndoSubscription { subscription } => self.undo_subscription(subscription, deadline).await,
            effect::Zoho::ReadFirstInvoice { subscription } => self.read_first_invoice(subscription, deadline).await,
        };
        match answered {
            Ok(answer) => Outcome::Done { answer }.into(),
            Err(outcome) => (*outcome).into(),
        }
    }

    /// Looks up by our reference whether a write was done. A read has nothing to look up: it is read again.
    pub async fn look(&self, call: &Call, effect: &effect::Zoho) -> Look {
        let deadline = Instant::now() + call.time_limit;
        let found = match effect {
            effect::Zoho::ReadInvoice { .. }
            | effect::Zoho::ReadSubscription { .. }
            | effect::Zoho::FindSubscriptionOfInvoice { .. }
            | effect::Zoho::ReadOffer { .. }
            | effect::Zoho::ReadCustomer { .. }
            | effect::Zoho::FindRetiredCustomers { .. }
            | effect::Zoho::ListSubscriptions { .. }
            | effect::Zoho::ReadFirstInvoice { .. } => return ABSENT,
            effect::Zoho::RecordPayment { customer, invoice, amount, reference, date, since } => {
                let payment = Payment { customer, invoice, amount: *amount, reference, date: *date };
                self.find_payments(&payment, *since, deadline).await.map(|hits| adopt(hits, &payment))
            }
            effect::Zoho::CreateCustomer { customer, currency, since } => {
                let order = customers::Order { id: customer, currency: *currency };
                self.find_customer(&order, call.beside.person.as_ref(), *since, deadline).await
            }
            effect::Zoho::ReviveCustomer { customer } => {
                self.is_marked(customer, Mark::Active, deadline).await.map(reached)
            }
            effect::Zoho::DeactivateCustomer { customer } => {
                self.is_marked(customer, Mark::Inactive, deadline).await.map(reached)
            }
            effect::Zoho::CreateSubscription(order) => self.find_subscription_made(order, deadline).await,
            effect::Zoho::UndoSubscription { subscription } => {
                self.is_undone(subscription, deadline).await.map(reached)
            }
        };
        found.unwrap_or_else(|outcome| Look::Unclear { detail: sentence(*outcome) })
    }

    async fn read_invoice(&self, invoice: &str, deadline: Instant) -> Answered<Answer> {
        let answer = self.invoice("zoho.read_invoice", invoice, deadline).await?;
        let invoice = answer.invoice.read(self.clock.now()).map_err(unreadable)?;
        Ok(Answer::Invoice(Box::new(invoice)))
    }

    async fn invoice(
        &self,
        operation: &'static str,
        invoice: &str,
        deadline: Instant,
    ) -> Answered<wire::InvoiceAnswer> {
        let segments = ["invoices", invoice];
        self.billing.call(Ask::read(operation, &segments), deadline).await
    }

    /// The invoice itself was read before and names no subscription: so each subscription of the customer is asked for
    /// its invoices. Cancelled ones must be seen too, and Zoho's default filter is not published.
    async fn find_subscription(&self, invoice: &str, customer: &str, deadline: Instant) -> Answered<Answer> {
        const OPERATION: &str = "zoho.find_subscription_of_invoice";
        let mut subscriptions = Vec::new();
        let of_customer = [("customer_id", customer), ("filter_by", "SubscriptionStatus.All")];
        let take = |page: wire::SubscriptionRows| {
            let rows = page.subscriptions.into_iter();
            let theirs = rows.filter(|row| row.customer_id.as_deref().is_none_or(|id| id == customer));
            subscriptions.extend(theirs.map(|row| row.subscription_id));
            true
        };
        self.billing.pages(OPERATION, "subscriptions", &of_customer, deadline, take).await?;
        for subscription in subscriptions {
            let mut found = false;
            let of_subscription = [("subscription_id", subscription.as_str()), ("filter_by", "Status.All")];
            let take = |page: wire::InvoiceRows| {
                found = found || page.invoices.iter().any(|row| row.invoice_id == invoice);
                !found
            };
            self.billing.pages(OPERATION, "invoices", &of_subscription, deadline, take).await?;
            if found {
                return Ok(Answer::SubscriptionOfInvoice { subscription: Some(subscription) });
            }
        }
        Ok(Answer::SubscriptionOfInvoice { subscription: None })
    }

    async fn record(&self, payment: &Payment<'_>, call: &Call, deadline: Instant) -> Answered<Answer> {
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
    async fn find_payments(
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
        // Document dates are days of some zone, and ours is the day of the capture, which can be before the request.
        let first_day = payment.date.min((since - TimeDelta::days(1)).date_naive());
        let of_customer = [("filter_by", "TransactionType.PAYMENT"), ("customer_id", payment.customer)];
        let mut candidates = Vec::new();
        let take = |page: wire::TransactionRows| {
            let rows = page.transactions.into_iter().filter(|row| row.since(first_day));
            candidates.extend(rows.map(|row| row.transaction_id).filter(|id| !known_others.contains(id)));
            true
        };
        self.billing.pages(OPERATION, "transactions", &of_customer, deadline, take).await?;
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
}

impl std::fmt::Debug for Zoho {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zoho").finish_non_exhaustive()
    }
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
fn adopt(hits: Vec<Recorded>, asked: &Payment<'_>) -> Look {
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

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}

/// Zoho understood the request and refuses it, as it also does where the wanted state is reached already.
fn is_invalid(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::Invalid)
}

/// A refusal, once a read has shown that the object's state is the reason.
fn as_state(mut outcome: Box<Outcome>) -> Box<Outcome> {
    if let Outcome::Rejected { rejection } = outcome.as_mut() {
        rejection.kind = RejectionKind::State;
    }
    outcome
}

/// The look of a write that sets a state.
fn reached(done: bool) -> Look {
    if done {
        Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() }
    } else {
        ABSENT
    }
}

/// Why a look-up could not say.
fn sentence(outcome: Outcome) -> String {
    match outcome {
        Outcome::Rejected { rejection } => format!("{} (code {})", rejection.message, rejection.code),
        Outcome::NotSent { detail, .. } | Outcome::Unknown { detail } => detail,
        Outcome::Done { .. } | Outcome::Declined { .. } => "the look-up had an outcome of another kind".to_owned(),
    }
}

#[cfg(test)]
fn test_config(peer: &crate::connectors::peer::Peer) -> Config {
    Config {
        accounts_url: peer.url("/"),
        api_url: peer.url("/"),
        organization_id: "10234695".to_owned(),
        client_id: "id".to_owned(),
        client_secret: "s&s".into(),
        refresh_token: "1000.r.t".into(),
        currency: Currency::EUR,
        tax_rates: BTreeMap::from([("903000000065300".to_owned(), 190_000)]),
    }
}

#[cfg(test)]
mod tests;
