//! What a checkout page's browser talks to the gateway with: a client token for the card fields, and a nonce of a card on
//! file, for 3-D Secure. Both are secrets of one visit: they are handed on and neither kept nor logged.

use super::judge::{self, Refusal, Said};
use super::xml::{Body, Node};
use super::{Braintree, Reply, Request, is_path_id};
use iso_currency::Currency;
use reqwest::Method;
use sagas::kernel::outcome::Outcome;
use secrecy::SecretString;
use std::time::Duration;

/// The version that the gateway's browser libraries take: base64 of JSON.
const VERSION: u32 = 2;

/// A nonce of a card on file, for one use.
#[derive(Debug)]
pub struct CardNonce {
    /// The nonce itself.
    pub nonce: SecretString,
    /// The first digits of the card's number, which name its bank; 3-D Secure asks for them.
    pub bin: Option<String>,
}

impl Braintree {
    /// A client token for a page, good for up to 24 hours, for payments in that currency: 3-D Secure counts only for the
    /// merchant account that the token was made for.
    ///
    /// # Errors
    /// A sentence for a person: the gateway refused, or gave no usable answer. Nothing was changed.
    pub async fn client_token(&self, currency: Currency, time_limit: Duration) -> Result<SecretString, String> {
        let account = self.merchant_account(currency);
        let account = account.ok_or_else(|| format!("no merchant account is configured for {}", currency.code()))?;
        let body = Body::document("client_token", |token| {
            token.number("version", VERSION);
            token.text("merchant_account_id", account);
        });
        let request =
            self.request("braintree.client_token", Method::POST, &["client_token"]).body("application/xml", body);
        let value = |node: &Node| node.text_of("value").filter(|_| node.name == "client-token").map(SecretString::from);
        self.ask(request, time_limit, value).await.map_err(|why| format!("the gateway gave no client token: {why}"))
    }

    /// A nonce that stands for a vaulted card: used once, good for some hours.
    ///
    /// # Errors
    /// A sentence for a person: the gateway refused, or gave no usable answer. Nothing was charged.
    pub async fn card_nonce(&self, token: &str, time_limit: Duration) -> Result<CardNonce, String> {
        if !is_path_id(token) {
            return Err("the card's token is none of the gateway's".to_owned());
        }
        let path = ["payment_methods", token, "nonces"];
        let request = self.request("braintree.card_nonce", Method::POST, &path);
        let made = |node: &Node| {
            let nonce = node.text_of("nonce").filter(|_| node.name == "payment-method-nonce")?;
            let bin = node.child("details").and_then(|details| details.text_of("bin")).map(str::to_owned);
            Some(CardNonce { nonce: SecretString::from(nonce), bin })
        };
        self.ask(request, time_limit, made).await.map_err(|why| format!("the gateway gave no nonce of the card: {why}"))
    }

    async fn ask<T>(
        &self,
        request: Request,
        time_limit: Duration,
        extract: impl FnOnce(&Node) -> Option<T>,
    ) -> Result<T, String> {
        let reply = self.http.send(request, time_limit).await.map_err(|failure| failure.to_string())?;
        given(&reply, extract)
    }
}

fn given<T>(reply: &Reply, extract: impl FnOnce(&Node) -> Option<T>) -> Result<T, String> {
    let none = || "the answer has none".to_owned();
    let outcome = match judge::write(reply) {
        Said::Object(node) => return extract(&node).ok_or_else(none),
        Said::Empty | Said::Transaction(_) | Said::Verification(_) => return Err(none()),
        Said::Faults(faults) => match faults.refusal() {
            Refusal::Outcome(outcome) => outcome,
            Refusal::KeyNotAllowed => return Err("it speaks of a key that was not sent".to_owned()),
        },
        Said::Missing => judge::no_address(),
        Said::Outcome(outcome) => outcome,
    };
    Err(match outcome {
        Outcome::Rejected { rejection } => format!("{} ({})", rejection.message, rejection.code),
        Outcome::Unknown { detail } | Outcome::NotSent { detail, .. } => detail,
        Outcome::Done { .. } | Outcome::Declined { .. } => none(),
    })
}
