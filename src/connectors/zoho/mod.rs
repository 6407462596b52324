//! Zoho Billing: reads what is sold and what was billed, makes customers and subscriptions, changes and ends them, records
//! what was paid and given back elsewhere, and finds what it made again by our reference. Never charges or refunds by
//! itself, and decides nothing about an invoice's state.

mod auth;
mod billing;
mod catalog;
mod credits;
mod crm;
mod customers;
mod desk;
mod drift;
mod erasing;
mod estimates;
pub mod grant;
mod invoices;
mod line;
mod lists;
mod pages;
mod payments;
mod poll;
mod profiles;
mod set;
mod sold;
mod subscriptions;
mod terms;
mod undo;
pub mod webhook;
mod wire;

pub use crm::{Record, Upserted};
pub use desk::DeskConfig;
pub use lists::{Asked, ListedAddon, ListedCoupon, ListedCustomer, ListedInvoice, ListedSubscription, Order, Product};
pub use poll::{EventRef, OpenInvoice, Page};

use crate::clock::Clock;
use crate::connectors::http::Http;
use crate::port::{Call, Report, TokenStore};
use auth::Tokens;
use billing::{Answered, Ask, Billing, rejected, unreadable};
use catalog::Prices;
use crm::Crm;
use customers::Mark;
use desk::Desk;
use iso_currency::Currency;
use line::Line;
use payments::{Payment, adopt};
use reqwest::Url;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

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
    /// Zoho Desk, where it is used.
    pub desk: Option<DeskConfig>,
}

/// The connector of one organization.
pub struct Zoho {
    billing: Billing,
    crm: Crm,
    desk: Option<Desk>,
    prices: Prices,
    organization: String,
    clock: Arc<dyn Clock>,
}

impl Zoho {
    /// Sets it up over where the access token is kept; nothing is sent.
    ///
    /// # Errors
    /// The organization id is not all digits, or the API address cannot hold a path; the text says what was expected.
    pub fn new(
        config: &Config,
        http: Http,
        clock: Arc<dyn Clock>,
        tokens: Arc<dyn TokenStore>,
    ) -> Result<Self, String> {
        let prices = Prices { currency: config.currency, tax_rates: config.tax_rates.clone() };
        let tokens = Arc::new(Tokens::new(config, http.clone(), Arc::clone(&clock), tokens));
        let line = Line::new(http, tokens);
        Ok(Self {
            billing: Billing::new(config, line.clone())?,
            crm: Crm::new(&config.api_url, line.clone())?,
            desk: config.desk.as_ref().map(|desk| Desk::new(desk, line)).transpose()?,
            prices,
            organization: config.organization_id.clone(),
            clock,
        })
    }

    /// Makes a call on CRM once.
    pub async fn perform_crm(&self, call: &Call, effect: &effect::Crm) -> Report {
        self.crm.perform(call, effect).await
    }

    /// Looks up by our id whether a write in CRM was done.
    pub async fn look_crm(&self, call: &Call, effect: &effect::Crm) -> Look {
        self.crm.look(call, effect).await
    }

    /// Brings many records of one module of CRM up to date, a hundred a call; what came of each, in their order.
    /// `workflows`: CRM's own run.
    ///
    /// # Errors
    /// Any outcome but `Done`, of a whole call.
    pub async fn upsert_in_crm(
        &self,
        records: &[Record],
        workflows: bool,
        time_limit: Duration,
    ) -> Result<Vec<Upserted>, Box<Outcome>> {
        self.crm.upsert_batch("zoho_crm.upsert_batch", records, workflows, Instant::now() + time_limit).await
    }

    /// Makes a call on Desk once.
    pub async fn perform_desk(&self, call: &Call, effect: &effect::Helpdesk) -> Report {
        match &self.desk {
            Some(desk) => desk.perform(call, effect).await,
            None => (*no_desk()).into(),
        }
    }

    /// Looks up whether a write in Desk was done.
    pub async fn look_desk(&self, call: &Call, effect: &effect::Helpdesk) -> Look {
        match &self.desk {
            Some(desk) => desk.look(call, effect).await,
            None => Look::Unclear { detail: sentence(*no_desk()) },
        }
    }

    /// Makes the call once.
    pub async fn perform(&self, call: &Call, effect: &effect::Zoho) -> Report {
        let deadline = Instant::now() + call.time_limit;
        let mut read = None;
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
            effect::Zoho::ReadCatalog => self.catalog(deadline).await.map(|catalog| Answer::Catalog(Box::new(catalog))),
            effect::Zoho::ReadCustomer { customer } => self.read_customer(customer, deadline).await,
            effect::Zoho::CreateCustomer { customer, currency, since: _ } => {
                let order = customers::Order { id: customer, currency: *currency };
                self.create_customer(&order, call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::FindRetiredCustomers { customer } => {
                self.find_retired(customer, call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::FindCustomers { customer: _ } => {
                self.find_customers(call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::ReviveCustomer { customer } => self.mark(customer, Mark::Active, deadline).await,
            effect::Zoho::DeactivateCustomer { customer } => self.mark(customer, Mark::Inactive, deadline).await,
            effect::Zoho::ListSubscriptions { customer, reference } => {
                self.list_subscriptions(customer, reference.as_deref(), deadline).await
            }
            effect::Zoho::CreateSubscription(order) => self.create_subscription(order, deadline).await,
            effect::Zoho::UndoSubscription { subscription } => self.undo_subscription(subscription, deadline).await,
            effect::Zoho::ReadFirstInvoice { subscription } => self.read_first_invoice(subscription, deadline).await,
            effect::Zoho::UpdateCustomer { customer, .. } => {
                self.update_customer(customer, call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::ReadProfile(comparison) => {
                self.read_profile(comparison, deadline).await.map(|(answer, person)| {
                    read = person;
                    answer
                })
            }
            effect::Zoho::WriteProfile(correction) => {
                self.write_profile(correction, call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::SeekCustomer { customer, mark } => self.seek_customer(customer, mark, deadline).await,
            effect::Zoho::EraseCustomer { customer, mark } => self.erase_customer(customer, mark, deadline).await,
            effect::Zoho::Subscription(on) => self.on_subscription(on, deadline).await,
            effect::Zoho::Credit(on) => self.on_credit(on, deadline).await,
            effect::Zoho::Payment(on) => self.on_payment(on, deadline).await,
            effect::Zoho::Invoice(on) => self.on_invoice(on, deadline).await,
            effect::Zoho::Estimate(on) => self.on_estimate(on, deadline).await,
            effect::Zoho::Page(on) => self.on_page(on, call.beside.link.as_ref(), deadline).await,
        };
        match answered {
            Ok(answer) => Report { person: read, ..Outcome::Done { answer }.into() },
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
            | effect::Zoho::ReadCatalog
            | effect::Zoho::ReadCustomer { .. }
            | effect::Zoho::FindRetiredCustomers { .. }
            | effect::Zoho::FindCustomers { .. }
            | effect::Zoho::ListSubscriptions { .. }
            | effect::Zoho::SeekCustomer { .. }
            | effect::Zoho::ReadProfile(_)
            | effect::Zoho::ReadFirstInvoice { .. }
            // A hosted page expires by itself, and only the newest is shown.
            | effect::Zoho::Page(_) => return ABSENT,
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
            effect::Zoho::UpdateCustomer { customer, seen, .. } => {
                self.look_customer(customer, call.beside.person.as_ref(), seen.as_deref(), deadline).await
            }
            effect::Zoho::WriteProfile(correction) => {
                self.look_profile(correction, call.beside.person.as_ref(), deadline).await
            }
            effect::Zoho::EraseCustomer { customer, mark } => self.look_erased(customer, mark, deadline).await,
            effect::Zoho::Subscription(on) => self.look_subscription(on, deadline).await,
            effect::Zoho::Credit(on) => self.look_credit(on, deadline).await,
            effect::Zoho::Payment(on) => self.look_payment(on, deadline).await,
            effect::Zoho::Invoice(on) => self.look_invoice(on, deadline).await,
            effect::Zoho::Estimate(on) => self.look_estimate(on, deadline).await,
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
}

impl std::fmt::Debug for Zoho {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Zoho").finish_non_exhaustive()
    }
}

fn no_desk() -> Box<Outcome> {
    let message =
        "Zoho Desk is not configured: set ZOHO_DESK_URL, ZOHO_DESK_ORGANIZATION_ID and ZOHO_DESK_DEPARTMENT_ID";
    rejected(RejectionKind::Config, "no_desk", message)
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
        desk: Some(DeskConfig {
            url: peer.url("/"),
            organization_id: "60000688226".to_owned(),
            department_id: "1892000000006907".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
