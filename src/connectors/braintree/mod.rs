//! Braintree, the card gateway: reads of customers and transactions, sales of vaulted cards, and the look-up of a sale
//! whose answer was lost. Requests and answers are XML. It never repeats a write, and never sees a card number.

mod judge;
mod search;
pub mod webhook;
mod wire;
mod xml;

use super::http::{Failure, Http, Reply, Request};
use crate::port::{Call, Report};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iso_currency::Currency;
use judge::SaleAnswer;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, NotSent, Outcome, Rejection, RejectionKind};
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
                    Ok(Answer::Transaction(Box::new(wire::transaction(node)?)))
                })
                .await
            }
            effect::Braintree::Sell { order_id, customer: _, token, amount, recurring } => {
                self.sell(call, order_id, token, *amount, *recurring).await
            }
        }
    }

    /// Looks a sale up by its order id. Reads leave nothing to look up: they may simply be made again.
    pub async fn look(&self, call: &Call, effect: &effect::Braintree) -> Look {
        match effect {
            effect::Braintree::Sell { order_id, amount, .. } => {
                let look = search::sale(self, call, order_id, amount.currency);
                tokio::time::timeout(call.time_limit, look).await.unwrap_or_else(|_| Look::Unclear {
                    detail: format!("the searches took longer than {:?}", call.time_limit),
                })
            }
            effect::Braintree::ReadCustomer { .. } | effect::Braintree::ReadTransaction { .. } => {
                Look::Absent { watermark: true, key_proven: false }
            }
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
            webhook::Subject::Check | webhook::Subject::Disbursement { .. } | webhook::Subject::Other(_) => {
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
            Ok(reply) => report(judge::read(&reply, root, extract), &reply),
            Err(failure) => failure.of_read().into(),
        }
    }

    async fn sell(&self, call: &Call, order_id: &str, token: &str, amount: Money, recurring: bool) -> Report {
        let Some(merchant_account) = self.merchant_account(amount.currency) else {
            return no_merchant_account(amount.currency).into();
        };
        // The same in every sending of one order id; a new attempt has a new order id.
        let key = format!("{order_id}.k1");
        let key = self.keys_are_sent().then_some(key.as_str());
        let body = wire::sale(&wire::Sale { amount, order_id, token, merchant_account, recurring, key });
        let request =
            self.request(call.effect.operation(), Method::POST, &["transactions"]).body("application/xml", body);
        match self.http.send(request, call.time_limit).await {
            Ok(reply) => match judge::sale(&reply) {
                SaleAnswer::Outcome(outcome) => report(outcome, &reply),
                SaleAnswer::KeyNotAllowed => {
                    tracing::warn!("this merchant has no at-most-once keys: sales go out without them from now on");
                    self.keys_refused.store(true, Ordering::Relaxed);
                    let detail = "the merchant has no at-most-once keys: to be sent again without one".to_owned();
                    report(Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds: None }, &reply)
                }
            },
            Err(failure) => failure.of_write().into(),
        }
    }

    /// One phase of a search; anything but a readable answer is a sentence for a person.
    async fn search(&self, call: &Call, phase: &str, body: String) -> Result<Node, String> {
        let request =
            self.request("braintree.search", Method::POST, &["transactions", phase]).body("application/xml", body);
        let reply = self.http.send(request, call.time_limit).await.map_err(|failure: Failure| failure.to_string())?;
        match reply.status.as_u16() {
            200 | 201 => {
                Node::parse(&reply.body).map_err(|error| format!("the search's answer cannot be read: {error}"))
            }
            422 => Err("the gateway could not finish the search (HTTP 422)".to_owned()),
            status => Err(format!("the gateway answered the search with HTTP {status}")),
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

    fn keys_are_sent(&self) -> bool {
        self.config.keys != AtMostOnceKeys::Off && !self.keys_refused.load(Ordering::Relaxed)
    }

    fn keys_are_proven(&self) -> bool {
        self.config.keys == AtMostOnceKeys::On && !self.keys_refused.load(Ordering::Relaxed)
    }
}

fn report(outcome: Outcome, reply: &Reply) -> Report {
    let request_id = reply.request_id().or_else(|| reply.header("paypal-debug-id")).map(str::to_owned);
    Report { outcome, request_id }
}

/// The vendor's SDKs treat any other id as not found; it never gets into a path.
fn is_path_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn no_merchant_account(currency: Currency) -> Outcome {
    Outcome::Rejected {
        rejection: Rejection {
            kind: RejectionKind::Invalid,
            code: "no_merchant_account".to_owned(),
            message: format!("no merchant account is configured for {}: add one, or do not charge it", currency.code()),
        },
    }
}

#[cfg(test)]
mod tests;
