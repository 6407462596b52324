//! Cards on file: read with what charges them, made the default, verified again; and the names of a customer. It sets
//! states and reads them back; it charges nothing and deletes nothing.

use super::judge::{self, Said, Shown};
use super::vault::path;
use super::wire::{self, is_live, plain};
use super::xml::{Body, Node};
use super::{Braintree, NOTHING_DONE, found, unclear};
use crate::port::{Call, Person, Report};
use chrono::SubsecRound as _;
use reqwest::Method;
use sagas::kernel::answer::{Answer, MethodInUse};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};

impl Braintree {
    /// Reads the card.
    pub(super) async fn read_method(&self, call: &Call, token: &str) -> Report {
        match self.find(call, &path(token), "token").await {
            Shown::Object(node) => in_use(&node, call),
            Shown::Missing => judge::not_found("payment method"),
            Shown::Unread(outcome) => outcome,
        }
        .into()
    }

    /// Makes the card the customer's default.
    pub(super) async fn set_default(&self, call: &Call, customer: &str, token: &str) -> Report {
        if !super::is_path_id(customer) {
            return judge::not_found("customer").into();
        }
        let body = Body::document("customer", |body| body.text("default_payment_method_token", token));
        let (said, request_id) = self.write(call, Method::PUT, &["customers", customer], Some(body)).await;
        let outcome = match said {
            Said::Object(node) if is_default_of(&node, token) => Outcome::Done { answer: Answer::Nothing },
            Said::Object(_) | Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer does not show the card as the default".to_owned())
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::not_found("customer"),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks whether the card is the default.
    pub(super) async fn look_default(&self, call: &Call, customer: &str, token: &str) -> Look {
        match self.find(call, &path(token), "token").await {
            Shown::Object(node) if node.text_of("customer-id").is_some_and(|owner| owner != customer) => {
                let message = "the card is vaulted for another customer";
                found(judge::rejected(RejectionKind::Mismatch, "card_of_another", message))
            }
            Shown::Object(node) if node.flag("default") => found(Outcome::Done { answer: Answer::Nothing }),
            Shown::Object(_) => NOTHING_DONE,
            Shown::Missing => found(judge::not_found("payment method")),
            Shown::Unread(outcome) => unclear(outcome),
        }
    }

    /// Has the bank asked whether the card is good.
    pub(super) async fn verify(&self, call: &Call, token: &str) -> Report {
        if !super::is_path_id(token) {
            return judge::not_found("payment method").into();
        }
        let body = Body::document("payment_method", |body| {
            body.group("options", |options| options.flag("verify_card", true));
        });
        let (said, request_id) = self.write(call, Method::PUT, &path(token), Some(body)).await;
        let outcome = match said {
            Said::Object(node) if node.text_of("token") == Some(token) => vaulted(&node, call),
            Said::Object(_) | Said::Empty | Said::Transaction(_) => {
                judge::unknown("the answer is not the card".to_owned())
            }
            Said::Verification(node) => judge::verification(&node),
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::not_found("payment method"),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks for a verification of the card since it was asked for.
    pub(super) async fn look_verified(&self, call: &Call, token: &str) -> Look {
        let node = match self.find(call, &path(token), "token").await {
            Shown::Object(node) => node,
            Shown::Missing => return found(judge::not_found("payment method")),
            Shown::Unread(outcome) => return unclear(outcome),
        };
        // The gateway's times have whole seconds.
        let since = call.requested_at.trunc_subsecs(0);
        let made = |verification: &&Node| verification.time("created-at").is_ok_and(|at| at >= since);
        let newest = node.items("verifications").filter(made).max_by_key(|one| one.time("created-at").ok());
        match newest.and_then(|one| Some((one, one.text_of("status")?))) {
            None => NOTHING_DONE,
            Some((_, "verified")) => found(vaulted(&node, call)),
            Some((one, "processor_declined" | "gateway_rejected" | "failed")) => found(judge::verification(one)),
            Some((_, status)) => Look::Unclear { detail: format!("the verification is {}", plain(status)) },
        }
    }

    /// Writes the customer's names and e-mail as we hold them.
    pub(super) async fn update_customer(&self, call: &Call, customer: &str) -> Report {
        let Some(person) = &call.beside.person else { return person_gone().into() };
        if !super::is_path_id(customer) {
            return judge::not_found("customer").into();
        }
        let body = wire::customer_change(person);
        let (said, request_id) = self.write(call, Method::PUT, &["customers", customer], Some(body)).await;
        let outcome = match said {
            Said::Object(node) if node.name == "customer" => Outcome::Done { answer: Answer::Nothing },
            Said::Object(_) | Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer is not the customer".to_owned())
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::not_found("customer"),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// Looks whether the customer has the names and e-mail that we hold.
    pub(super) async fn look_updated(&self, call: &Call, customer: &str) -> Look {
        let Some(person) = &call.beside.person else { return found(person_gone()) };
        match self.find(call, &["customers", customer], "id").await {
            Shown::Object(node) if shows(&node, person) => found(Outcome::Done { answer: Answer::Nothing }),
            Shown::Object(_) => NOTHING_DONE,
            Shown::Missing => found(judge::not_found("customer")),
            Shown::Unread(outcome) => unclear(outcome),
        }
    }
}

/// The customer has these names and this address.
pub(super) fn shows(customer: &Node, person: &Person) -> bool {
    let mut fields = wire::named(person).into_iter();
    fields.all(|(name, text)| customer.text_of(&name.replace('_', "-")).unwrap_or_default() == text.trim())
}

fn is_default_of(customer: &Node, token: &str) -> bool {
    let mut cards = customer.items("credit-cards");
    customer.name == "customer" && cards.any(|card| card.text_of("token") == Some(token) && card.flag("default"))
}

fn in_use(node: &Node, call: &Call) -> Outcome {
    if node.name != "credit-card" {
        let message = format!("the payment method is no card but a {}", plain(&node.name));
        return judge::rejected(RejectionKind::Invalid, "no_card", &message);
    }
    let read = || {
        let ids = node.items("subscriptions").filter(|subscription| is_live(subscription));
        Ok::<_, super::xml::Unreadable>(MethodInUse {
            method: wire::method(node, call.now)?,
            customer: node.required("customer-id")?.to_owned(),
            subscriptions: ids.filter_map(|one| one.text_of("id")).map(str::to_owned).collect(),
        })
    };
    match read() {
        Ok(method) => Outcome::Done { answer: Answer::MethodInUse(Box::new(method)) },
        Err(error) => judge::again(format!("the card cannot be read: {error}")),
    }
}

fn vaulted(node: &Node, call: &Call) -> Outcome {
    match wire::method(node, call.now) {
        Ok(method) => Outcome::Done { answer: Answer::Vaulted(Box::new(method)) },
        Err(error) => judge::unknown(format!("the card cannot be used: {error}")),
    }
}

fn person_gone() -> Outcome {
    judge::rejected(RejectionKind::NotFound, "person_gone", "nothing is known of the customer")
}
