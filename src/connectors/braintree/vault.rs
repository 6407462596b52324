//! Vaulting a card under a token of our choosing. "Already exists" means done. It never sees a card number: a nonce
//! stands for it, and is used once.

use super::judge::{self, Said, Shown};
use super::xml::Node;
use super::{Braintree, NOTHING_DONE, found, input_gone, unclear, wire};
use crate::port::{Call, Report};
use reqwest::Method;
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};

/// The token is taken.
const TOKEN_TAKEN: &str = "91719";

/// The nonce was used: by an earlier sending, or by a verification that failed and left no card.
const NONCE_USED: [&str; 2] = ["93107", "91731"];

impl Braintree {
    /// Vaults the card of the nonce once a verification passed.
    pub(super) async fn vault(&self, call: &Call, customer: &str, token: &str) -> Report {
        let Some(nonce) = &call.beside.input else { return input_gone().into() };
        let body = wire::vault_request(customer, nonce, token);
        let (said, request_id) = self.write(call, Method::POST, &["payment_methods"], Some(body)).await;
        let outcome = match said {
            Said::Object(node) => vaulted(&node, call, customer).unwrap_or_else(judge::unknown),
            Said::Empty | Said::Transaction(_) => judge::unknown("the answer is no card".to_owned()),
            Said::Verification(node) => judge::verification(&node),
            Said::Faults(faults) => {
                let used = faults.find(&NONCE_USED);
                if used.is_none() && faults.find(&[TOKEN_TAKEN]).is_none() {
                    self.refused(&faults)
                } else {
                    match self.find(call, &path(token), "token").await {
                        Shown::Object(node) => vaulted(&node, call, customer).unwrap_or_else(judge::unknown),
                        Shown::Missing => match used {
                            Some(code) => faults.rejected(RejectionKind::Invalid, code),
                            None => judge::again("the token was taken and is not there any more".to_owned()),
                        },
                        Shown::Unread(outcome) => outcome,
                    }
                }
            }
            Said::Missing => judge::no_address(),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks for the card.
    pub(super) async fn look_method(&self, call: &Call, customer: &str, token: &str) -> Look {
        match self.find(call, &path(token), "token").await {
            Shown::Object(node) => match vaulted(&node, call, customer) {
                Ok(outcome) => found(outcome),
                Err(detail) => Look::Unclear { detail },
            },
            Shown::Missing => NOTHING_DONE,
            Shown::Unread(outcome) => unclear(outcome),
        }
    }
}

/// Where a payment method of any kind is found.
pub(super) const fn path(token: &str) -> [&str; 3] {
    ["payment_methods", "any", token]
}

/// The card, if it is one and that customer's.
fn vaulted(node: &Node, call: &Call, customer: &str) -> Result<Outcome, String> {
    if node.name != "credit-card" {
        return Err("the answer is no card".to_owned());
    }
    if node.text_of("customer-id").is_some_and(|owner| owner != customer) {
        let message = "the gateway has our token for a card of another customer";
        return Ok(judge::rejected(RejectionKind::Mismatch, "card_of_another", message));
    }
    let method = wire::method(node, call.now).map_err(|error| format!("the card cannot be used: {error}"))?;
    Ok(Outcome::Done { answer: Answer::Vaulted(Box::new(method)) })
}
