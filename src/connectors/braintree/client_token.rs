//! The token with which a checkout page's card fields talk to the gateway by themselves. It is a secret of one visit: it
//! is handed on and neither kept nor logged.

use super::judge::{self, Refusal, Said};
use super::xml::Body;
use super::{Braintree, Reply};
use reqwest::Method;
use sagas::kernel::outcome::Outcome;
use secrecy::SecretString;
use std::time::Duration;

/// The version that the gateway's browser libraries take: base64 of JSON.
const VERSION: u32 = 2;

impl Braintree {
    /// A client token for a page, good for up to 24 hours; with a customer, for that customer's cards.
    ///
    /// # Errors
    /// A sentence for a person: the gateway refused, or gave no usable answer. Nothing was changed.
    pub async fn client_token(&self, customer: Option<&str>, time_limit: Duration) -> Result<SecretString, String> {
        let body = Body::document("client_token", |token| {
            token.number("version", VERSION);
            if let Some(customer) = customer {
                token.text("customer_id", customer);
            }
        });
        let request =
            self.request("braintree.client_token", Method::POST, &["client_token"]).body("application/xml", body);
        let reply = self.http.send(request, time_limit).await.map_err(|failure| failure.to_string())?;
        token(&reply).map_err(|why| format!("the gateway gave no client token: {why}"))
    }
}

fn token(reply: &Reply) -> Result<SecretString, String> {
    let outcome = match judge::write(reply) {
        Said::Object(node) => {
            let value = node.text_of("value").filter(|_| node.name == "client-token");
            return value.map(SecretString::from).ok_or_else(|| "the answer has none".to_owned());
        }
        Said::Empty | Said::Transaction(_) | Said::Verification(_) => return Err("the answer has none".to_owned()),
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
        Outcome::Done { .. } | Outcome::Declined { .. } => "the answer has none".to_owned(),
    })
}
