//! Customers under ids of our choosing. "Already exists" means done, if it is the same person. It changes no customer
//! that is there, and reads nothing personal out of an answer but the e-mail address, to compare it. Finds those of an address.

use super::judge::{self, Said, Shown};
use super::xml::{Body, Node};
use super::{Braintree, NOTHING_DONE, found, request_id, unclear, wire};
use crate::port::{Call, Person, Report};
use reqwest::Method;
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};

/// The customer id is taken (the gateway's validation errors, "customer").
const ID_TAKEN: &str = "91609";

impl Braintree {
    /// Creates the customer; one that is there already is ours by its id.
    pub(super) async fn create_customer(&self, call: &Call, customer: &str) -> Report {
        let Some(person) = &call.beside.person else {
            return judge::rejected(RejectionKind::NotFound, "person_gone", "nothing is known of the customer").into();
        };
        let body = wire::customer_request(customer, person);
        let (said, request_id) = self.write(call, Method::POST, &["customers"], Some(body)).await;
        let outcome = match said {
            Said::Object(node) if is_customer(&node, customer) => Outcome::Done { answer: Answer::Nothing },
            Said::Object(_) | Said::Empty | Said::Transaction(_) | Said::Verification(_) => {
                judge::unknown("the answer is not the new customer".to_owned())
            }
            Said::Faults(faults) if faults.find(&[ID_TAKEN]).is_some() => {
                match self.find(call, &["customers", customer], "id").await {
                    Shown::Object(node) => adopted(&node, Some(person)),
                    Shown::Missing => judge::again("the customer id was taken and is not there any more".to_owned()),
                    Shown::Unread(outcome) => outcome,
                }
            }
            Said::Faults(faults) => self.refused(&faults),
            Said::Missing => judge::no_address(),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// The ids of those with the person's e-mail address, by the search, whose index may lag behind what was just made.
    pub(super) async fn find_customers(&self, call: &Call) -> Report {
        let Some(person) = &call.beside.person else {
            return judge::rejected(RejectionKind::NotFound, "person_gone", "nothing is known of the customer").into();
        };
        let body = Body::document("search", |search: &mut Body| {
            search.group("email", |criterion| criterion.text("is", person.email.trim()));
        });
        let path = ["customers", "advanced_search_ids"];
        let request = self.request(call.effect.operation(), Method::POST, &path).body("application/xml", body);
        match self.http.send(request, call.time_limit).await {
            Ok(reply) => {
                let outcome = judge::read(&reply, "search-results", |node| {
                    let customers = node.items("ids").filter_map(Node::text).map(str::to_owned).collect();
                    Ok(Answer::BraintreeCustomers { customers })
                });
                Report { outcome, request_id: request_id(&reply), person: None }
            }
            Err(failure) => failure.of_read().into(),
        }
    }

    /// Looks for the customer.
    pub(super) async fn look_customer(&self, call: &Call, customer: &str) -> Look {
        match self.find(call, &["customers", customer], "id").await {
            Shown::Object(node) => found(adopted(&node, call.beside.person.as_ref())),
            Shown::Missing => NOTHING_DONE,
            Shown::Unread(outcome) => unclear(outcome),
        }
    }
}

fn is_customer(node: &Node, id: &str) -> bool {
    node.name == "customer" && node.text_of("id") == Some(id)
}

/// The id is ours alone; a person with another e-mail address behind it is a mix-up of installations or of databases.
fn adopted(node: &Node, person: Option<&Person>) -> Outcome {
    let ours = person.map(|person| person.email.as_str()).filter(|email| !email.is_empty());
    match (node.text_of("email"), ours) {
        (Some(theirs), Some(ours)) if theirs.to_lowercase() != ours.to_lowercase() => judge::rejected(
            RejectionKind::Mismatch,
            "customer_of_another",
            "the gateway has a customer under our id with another e-mail address: compare the two before going on",
        ),
        _ => Outcome::Done { answer: Answer::Nothing },
    }
}
