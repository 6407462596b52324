//! Braintree, the card gateway: customers, their vaulted cards, holds and sales, and the look-up of what was done where an
//! answer was lost. Requests and answers are XML. It never repeats a write, and never sees a card number.

pub mod books;
mod browser;
mod customers;
mod details;
mod disputes;
mod drift;
mod erasing;
mod holds;
mod judge;
mod methods;
mod profiles;
mod recurring;
mod refunds;
mod search;
mod uses;
mod vault;
pub mod webhook;
mod wire;
mod xml;

use super::http::{Failure, Http, Reply, Request};
use crate::port::{Call, Report};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use details::Details;
use disputes::Act;
use iso_currency::Currency;
use judge::{Faults, Refusal, Said, Shown};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use sagas::kernel::answer::{Answer, Transaction};
use sagas::kernel::effect::{self, SaleDetails};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{INPUT_GONE, Look, NotSent, Outcome, RejectionKind};
use search::Wanted;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use xml::Node;

/// The version of the gateway's API that requests and answers are written for, as the vendor's SDKs send it.
const API_VERSION: HeaderValue = HeaderValue::from_static("6");

/// How to reach one merchant at the gateway.
#[derive(Debug, Clone)]
pub struct Config {
    /// The gateway's root, e.g. `https://api.sandbox.braintreegateway.com`.
    pub base_url: Url,
    /// Merchant id.
    pub merchant_id: String,
    /// Public API key.
    pub public_key: SecretString,
    /// Private API key.
    pub private_key: SecretString,
    /// The merchant account of each currency that may be charged: at Braintree the account sets the currency.
    pub merchant_accounts: HashMap<Currency, String>,
    /// Whether sales carry an at-most-once key.
    pub keys: AtMostOnceKeys,
}

/// The gateway's at-most-once keys (`api_request_key`): not every merchant has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtMostOnceKeys {
    /// Proven to work for this merchant: sent, and trusted when a sale is sent again.
    On,
    /// Sent until the gateway says that this merchant has none; never trusted.
    Learned,
    /// Never sent.
    Off,
}

/// The connector.
#[derive(Debug)]
pub struct Braintree {
    config: Config,
    http: Http,
    authorization: HeaderValue,
    /// The gateway said that this merchant has no at-most-once keys.
    keys_refused: AtomicBool,
}

impl Braintree {
    /// Sets the connector up; nothing is called.
    pub fn new(config: Config, http: Http) -> Self {
        let pair = format!("{}:{}", config.public_key.expose_secret(), config.private_key.expose_secret());
        let mut authorization = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .expect("base64 has only characters that a header may have");
        authorization.set_sensitive(true);
        Self { config, http, authorization, keys_refused: AtomicBool::new(false) }
    }

    /// Makes the call once.
    pub async fn perform(&self, call: &Call, effect: &effect::Braintree) -> Report {
        match effect {
            effect::Braintree::ReadCustomer { customer } => {
                self.read(call, "customers", customer, "customer", |node| {
                    Ok(Answer::Methods { methods: wire::methods(node, call.now)? })
                })
                .await
            }
            effect::Braintree::ReadTransaction { transaction } => {
                self.read(call, "transactions", transaction, "transaction", |node| {
                    Ok(Answer::Transaction(Box::new(wire::transaction_or_hold(node)?)))
                })
                .await
            }
            effect::Braintree::FindTransactions { order_id } => {
                in_time(call, self.find_transactions(call, order_id)).await
            }
            effect::Braintree::Sell { order_id, customer: _, token, amount, recurring, details } => {
                self.sell(call, order_id, token, *amount, *recurring, details.as_deref()).await
            }
            effect::Braintree::Authorise { order_id, customer, with, amount, presence } => {
                self.authorise(call, order_id, customer, with, *amount, *presence).await
            }
            effect::Braintree::FindCustomers { .. } => self.find_customers(call).await,
            effect::Braintree::CreateCustomer { customer, .. } => {
                in_time(call, self.create_customer(call, customer)).await
            }
            effect::Braintree::Vault { customer, token, input: _ } => {
                in_time(call, self.vault(call, customer, token)).await
            }
            effect::Braintree::Submit { transaction, amount } => {
                in_time(call, self.submit(call, transaction, *amount)).await
            }
            effect::Braintree::Void { transaction } => in_time(call, self.void(call, transaction)).await,
            effect::Braintree::DeleteCustomer { customer } => {
                in_time(call, self.delete(call, &uses::Kept::Customer(customer))).await
            }
            effect::Braintree::DeleteMethod { token } => {
                in_time(call, self.delete(call, &uses::Kept::Method(token))).await
            }
            effect::Braintree::Refund { order_id, transaction, amount } => {
                in_time(call, self.refund(call, order_id, transaction, *amount)).await
            }
            effect::Braintree::ReadMethod { token } => self.read_method(call, token).await,
            effect::Braintree::SetDefaultMethod { customer, token } => self.set_default(call, customer, token).await,
            effect::Braintree::VerifyMethod { token } => self.verify(call, token).await,
            effect::Braintree::UpdateCustomer { customer, .. } => self.update_customer(call, customer).await,
            effect::Braintree::ReadProfile(comparison) => self.read_profile(call, comparison).await,
            effect::Braintree::WriteProfile(correction) => self.write_profile(call, correction).await,
            effect::Braintree::SeekCustomer { customer, mark } => self.seek_customer(call, customer, mark).await,
            effect::Braintree::EraseCustomer { customer, mark } => {
                in_time(call, self.erase_customer(call, customer, mark)).await
            }
            effect::Braintree::CreateSubscription(order) => in_time(call, self.subscribe(call, order)).await,
            effect::Braintree::ReadSubscription { subscription } => {
                self.read(call, "subscriptions", subscription, "subscription", |node| {
                    Ok(Answer::Recurring(Box::new(self.recurring(node)?)))
                })
                .await
            }
            effect::Braintree::UpdateSubscription { subscription, change } => {
                self.change_subscription(call, subscription, change).await
            }
            effect::Braintree::CancelSubscription { subscription } => {
                in_time(call, self.cancel_subscription(call, subscription)).await
            }
            effect::Braintree::ReadDispute { dispute } => {
                self.read(call, "disputes", dispute, "dispute", |node| {
                    Ok(Answer::Dispute(Box::new(disputes::dispute(node)?)))
                })
                .await
            }
            effect::Braintree::UploadDocument { form, .. } => self.upload(call, *form).await,
            effect::Braintree::AcceptDispute { dispute } => {
                in_time(call, self.act_on_dispute(call, dispute, &Act::Accept)).await
            }
            effect::Braintree::FinalizeDispute { dispute } => {
                in_time(call, self.act_on_dispute(call, dispute, &Act::Finalize)).await
            }
            effect::Braintree::AddEvidence { dispute, piece, besides } => {
                in_time(call, self.act_on_dispute(call, dispute, &Act::Add { piece, besides })).await
            }
            effect::Braintree::RemoveEvidence { dispute, evidence } => {
                in_time(call, self.act_on_dispute(call, dispute, &Act::Remove { evidence })).await
            }
            effect::Braintree::ReadPayoutList { merchant_account, day } => {
                in_time(call, self.payout_list(call, merchant_account, *day)).await
            }
            effect::Braintree::ReadPayout { merchant_account, day, transactions } => {
                in_time(call, self.payout(call, merchant_account, *day, transactions)).await
            }
        }
    }

    /// Looks the call up: a sale or a hold by its order id, all else by the id that we chose or named.
    pub async fn look(&self, call: &Call, effect: &effect::Braintree) -> Look {
        tokio::time::timeout(call.time_limit, self.look_up(call, effect))
            .await
            .unwrap_or_else(|_| Look::Unclear { detail: format!("the look-up took longer than {:?}", call.time_limit) })
    }

    async fn look_up(&self, call: &Call, effect: &effect::Braintree) -> Look {
        match effect {
            effect::Braintree::Sell { order_id, amount, .. } => {
                let wanted = Wanted { order_id, currency: amount.currency, reader: wire::transaction };
                search::sale(self, call, wanted).await
            }
            effect::Braintree::Authorise { order_id, amount, .. } => {
                let wanted = Wanted { order_id, currency: amount.currency, reader: wire::hold };
                search::sale(self, call, wanted).await
            }
            // Reads leave nothing to look up: they may simply be made again.
            effect::Braintree::ReadCustomer { .. }
            | effect::Braintree::ReadTransaction { .. }
            | effect::Braintree::FindTransactions { .. }
            | effect::Braintree::FindCustomers { .. }
            | effect::Braintree::ReadMethod { .. }
            | effect::Braintree::SeekCustomer { .. }
            | effect::Braintree::ReadProfile(_)
            | effect::Braintree::ReadSubscription { .. }
            | effect::Braintree::ReadDispute { .. }
            | effect::Braintree::ReadPayoutList { .. }
            | effect::Braintree::ReadPayout { .. }
            // And so does a document that nothing names yet.
            | effect::Braintree::UploadDocument { .. } => NOTHING_DONE,
            effect::Braintree::CreateCustomer { customer, .. } => self.look_customer(call, customer).await,
            effect::Braintree::Vault { customer, token, input: _ } => self.look_method(call, customer, token).await,
            effect::Braintree::Submit { transaction, amount } => {
                self.look_command(call, transaction, |node| holds::submitted(node, *amount)).await
            }
            effect::Braintree::Void { transaction } => self.look_command(call, transaction, holds::voided).await,
            effect::Braintree::DeleteCustomer { customer } => {
                self.look_deleted(call, &uses::Kept::Customer(customer)).await
            }
            effect::Braintree::DeleteMethod { token } => self.look_deleted(call, &uses::Kept::Method(token)).await,
            effect::Braintree::Refund { order_id, transaction, amount } => {
                self.look_refund(call, order_id, transaction, amount.currency).await
            }
            effect::Braintree::SetDefaultMethod { customer, token } => self.look_default(call, customer, token).await,
            effect::Braintree::VerifyMethod { token } => self.look_verified(call, token).await,
            effect::Braintree::UpdateCustomer { customer, .. } => self.look_updated(call, customer).await,
            effect::Braintree::WriteProfile(correction) => self.look_profile(call, correction).await,
            effect::Braintree::EraseCustomer { customer, mark } => self.look_erased(call, customer, mark).await,
            effect::Braintree::CreateSubscription(order) => self.look_subscribed(call, order).await,
            effect::Braintree::UpdateSubscription { subscription, change } => {
                self.look_subscription(call, subscription, |shown| recurring::shows(shown, change)).await
            }
            effect::Braintree::CancelSubscription { subscription } => {
                self.look_subscription(call, subscription, |shown| shown.status.is_over()).await
            }
            effect::Braintree::AcceptDispute { dispute } => self.look_dispute(call, dispute, &Act::Accept).await,
            effect::Braintree::FinalizeDispute { dispute } => self.look_dispute(call, dispute, &Act::Finalize).await,
            effect::Braintree::AddEvidence { dispute, piece, besides } => {
                self.look_dispute(call, dispute, &Act::Add { piece, besides }).await
            }
            effect::Braintree::RemoveEvidence { dispute, evidence } => {
                self.look_dispute(call, dispute, &Act::Remove { evidence }).await
            }
        }
    }

    /// Reads a sale or a hold by the gateway's own id: as the outcome of this call, where it carries its order id. All
    /// else has an id that we chose or named, and is looked up by that.
    pub async fn confirm(&self, call: &Call, effect: &effect::Braintree, id: &str) -> Look {
        let (order_id, currency, reader): (_, _, wire::Reader) = match effect {
            effect::Braintree::Sell { order_id, amount, .. } => (order_id, amount.currency, wire::transaction),
            effect::Braintree::Authorise { order_id, amount, .. } => (order_id, amount.currency, wire::hold),
            effect::Braintree::Refund { order_id, transaction, .. } => {
                return self.confirm_refund(call, order_id, transaction, id).await;
            }
            _ => return self.look(call, effect).await,
        };
        match self.find(call, &["transactions", id], "id").await {
            Shown::Object(node) => search::of_order(&node, Wanted { order_id, currency, reader }, call.requested_at),
            Shown::Missing => NOTHING_DONE,
            Shown::Unread(outcome) => unclear(outcome),
        }
    }

    /// Whether the gateway knows the object that a notification is about; `None`: it cannot be told now.
    pub async fn knows(&self, subject: &webhook::Subject, time_limit: Duration) -> Option<bool> {
        let path: Vec<&str> = match subject {
            webhook::Subject::Transaction { id, .. } => vec!["transactions", id],
            webhook::Subject::Subscription { id, .. } => vec!["subscriptions", id],
            webhook::Subject::Dispute { id, .. } => vec!["disputes", id],
            webhook::Subject::PaymentMethod { token } => vec!["payment_methods", "any", token],
            // No call reads these.
            webhook::Subject::Check
            | webhook::Subject::Disbursement { .. }
            | webhook::Subject::AccountUpdates { .. }
            | webhook::Subject::Other(_) => {
                return Some(true);
            }
        };
        if !path.last().is_some_and(|id| is_path_id(id)) {
            return Some(false);
        }
        let request = self.request("braintree.find_subject", Method::GET, &path);
        match self.http.send(request, time_limit).await.ok()?.status.as_u16() {
            200 => Some(true),
            404 => Some(false),
            _ => None,
        }
    }

    async fn read(
        &self,
        call: &Call,
        collection: &str,
        id: &str,
        root: &str,
        extract: impl FnOnce(&Node) -> Result<Answer, wire::Unusable>,
    ) -> Report {
        if !is_path_id(id) {
            return judge::not_found(root).into();
        }
        let request = self.request(call.effect.operation(), Method::GET, &[collection, id]);
        match self.http.send(request, call.time_limit).await {
            Ok(reply) => {
                let outcome = judge::read(&reply, root, extract);
                Report { outcome, request_id: request_id(&reply), person: None }
            }
            Err(failure) => failure.of_read().into(),
        }
    }

    async fn sell(
        &self,
        call: &Call,
        order_id: &str,
        token: &str,
        amount: Money,
        recurring: bool,
        details: Option<&SaleDetails>,
    ) -> Report {
        let Some(merchant_account) = self.merchant_account(amount.currency) else {
            return no_merchant_account(amount.currency).into();
        };
        // The same in every sending of one order id; a new attempt has a new order id.
        let key = format!("{order_id}.k1");
        let key = self.keys_are_sent().then_some(key.as_str());
        let details = details.map(|details| Details::of(details, amount.currency));
        if let Some(unsaid) = details.as_ref().and_then(Details::unsaid) {
            tracing::info!(order_id, unsaid, "the sale goes out without some of the invoice's details");
        }
        let body = wire::sale(&wire::Sale { amount, order_id, token, merchant_account, recurring, key, details });
        let (said, request_id) = self.write(call, Method::POST, &["transactions"], Some(body)).await;
        let outcome = judge::sale(said, wire::transaction).unwrap_or_else(|faults| self.refused(&faults));
        Report { outcome, request_id, person: None }
    }

    /// Sends a write once; gives what was said and the gateway's own id of the request.
    async fn write(&self, call: &Call, method: Method, path: &[&str], body: Option<String>) -> (Said, Option<String>) {
        let request = self.request(call.effect.operation(), method, path);
        let request = match body {
            Some(body) => request.body("application/xml", body),
            None => request,
        };
        match self.http.send(request, call.time_limit).await {
            Ok(reply) => (judge::write(&reply), request_id(&reply)),
            Err(failure) => (Said::Outcome(failure.of_write()), None),
        }
    }

    /// What error codes mean that the call at hand gives no meaning of its own.
    fn refused(&self, faults: &Faults) -> Outcome {
        match faults.refusal() {
            Refusal::Outcome(outcome) => outcome,
            Refusal::KeyNotAllowed => {
                tracing::warn!("this merchant has no at-most-once keys: requests go out without them from now on");
                self.keys_refused.store(true, Ordering::Relaxed);
                judge::again("the merchant has no at-most-once keys: to be sent again without one".to_owned())
            }
        }
    }

    /// Finds an object by its id, the last part of its path.
    async fn find(&self, call: &Call, path: &[&str], id_field: &str) -> Shown {
        let Some(id) = path.last().copied().filter(|id| is_path_id(id)) else { return Shown::Missing };
        let request = self.request(call.effect.operation(), Method::GET, path);
        match self.http.send(request, call.time_limit).await {
            Ok(reply) => match judge::shown(&reply) {
                Shown::Object(node) if node.text_of(id_field) != Some(id) => {
                    Shown::Unread(judge::again("the answer shows another object than was asked for".to_owned()))
                }
                shown => shown,
            },
            Err(failure) => Shown::Unread(failure.of_read()),
        }
    }

    async fn find_transactions(&self, call: &Call, order_id: &str) -> Report {
        match search::all(self, call, order_id).await {
            Ok(transactions) => Outcome::Done { answer: Answer::Transactions { transactions } }.into(),
            Err(detail) => Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds: None }.into(),
        }
    }

    /// Everything of ours that was created within the span, by the beginning of its order id. A read; for the sweep after a
    /// restore.
    ///
    /// # Errors
    /// The gateway did not answer in full; the text says why.
    pub async fn created(
        &self,
        beginning: &str,
        span: (DateTime<Utc>, DateTime<Utc>),
        time_limit: Duration,
    ) -> Result<Vec<Transaction>, String> {
        search::created(self, beginning, span, time_limit).await
    }

    /// One phase of a search.
    async fn search(&self, limit: Duration, phase: &str, body: String) -> Result<Node, search::Trouble> {
        let other = search::Trouble::Other;
        let request =
            self.request("braintree.search", Method::POST, &["transactions", phase]).body("application/xml", body);
        let reply = self.http.send(request, limit).await.map_err(|failure: Failure| other(failure.to_string()))?;
        match reply.status.as_u16() {
            200 | 201 => {
                Node::parse(&reply.body).map_err(|error| other(format!("the search's answer cannot be read: {error}")))
            }
            422 => Err(search::Trouble::Unfinished),
            status => Err(other(format!("the gateway answered the search with HTTP {status}"))),
        }
    }

    fn request(&self, operation: &'static str, method: Method, path: &[&str]) -> Request {
        let mut url = self.config.base_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["merchants", &self.config.merchant_id]).extend(path);
        }
        Request::new("braintree", operation, method, url)
            .secret_header(AUTHORIZATION, self.authorization.clone())
            .header(ACCEPT, HeaderValue::from_static("application/xml"))
            .header(HeaderName::from_static("x-apiversion"), API_VERSION)
    }

    fn merchant_account(&self, currency: Currency) -> Option<&str> {
        self.config.merchant_accounts.get(&currency).map(String::as_str)
    }

    /// The currency of a merchant account of ours.
    pub fn currency_of(&self, account: &str) -> Option<Currency> {
        self.config.merchant_accounts.iter().find(|(_, ours)| *ours == account).map(|(currency, _)| *currency)
    }

    fn keys_are_sent(&self) -> bool {
        self.config.keys != AtMostOnceKeys::Off && !self.keys_refused.load(Ordering::Relaxed)
    }

    fn keys_are_proven(&self) -> bool {
        self.config.keys == AtMostOnceKeys::On && !self.keys_refused.load(Ordering::Relaxed)
    }
}

/// Nothing was done, and nothing needs a proof: the call may go out.
const NOTHING_DONE: Look = Look::Absent { watermark: true, key_proven: false };

/// Holds a call of several exchanges to its time limit.
async fn in_time(call: &Call, report: impl Future<Output = Report>) -> Report {
    tokio::time::timeout(call.time_limit, report)
        .await
        .unwrap_or_else(|_| judge::unknown(format!("no answer within {:?}", call.time_limit)).into())
}

/// A look-up whose read said so.
fn found(outcome: Outcome) -> Look {
    Look::Found { outcome: Box::new(outcome), extra: Vec::new() }
}

/// A look-up whose read showed nothing.
fn unclear(outcome: Outcome) -> Look {
    let detail = match outcome {
        Outcome::NotSent { detail, .. } | Outcome::Unknown { detail } => detail,
        Outcome::Rejected { rejection } => rejection.message,
        Outcome::Done { .. } | Outcome::Declined { .. } => "the gateway's answer is no object".to_owned(),
    };
    Look::Unclear { detail }
}

fn request_id(reply: &Reply) -> Option<String> {
    reply.request_id().map(str::to_owned)
}

/// The vendor's SDKs treat any other id as not found; it never gets into a path.
fn is_path_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn no_merchant_account(currency: Currency) -> Outcome {
    let message = format!("no merchant account is configured for {}: add one, or do not charge it", currency.code());
    judge::rejected(RejectionKind::Invalid, "no_merchant_account", &message)
}

/// The engine lays the input beside the call, or makes no call.
fn input_gone() -> Outcome {
    judge::rejected(RejectionKind::NotFound, INPUT_GONE, "the nonce of this call is gone: ask for the card again")
}

#[cfg(test)]
mod tests;
