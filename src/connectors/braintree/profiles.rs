//! What a customer in the vault shows of whom it is, and the fields of it that are brought up to date: those that are sent
//! replace, others stay. Its cards are not touched.

use super::judge::{self, Said, Shown};
use super::xml::Node;
use super::{Braintree, NOTHING_DONE, found, is_path_id, unclear, wire};
use crate::port::{Call, Person, Report};
use reqwest::Method;
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sagas::kernel::profile::{self, Comparison, Correction};

impl Braintree {
    /// One call: what the customer shows.
    pub(super) async fn read_profile(&self, call: &Call, comparison: &Comparison) -> Report {
        let person = match self.find(call, &["customers", &comparison.of.key], "id").await {
            Shown::Object(node) => Some(person(&node)),
            Shown::Missing => None,
            Shown::Unread(outcome) => return outcome.into(),
        };
        let shown = profile::Shown { found: person.is_some(), ..profile::Shown::default() };
        let outcome = Outcome::Done { answer: Answer::ProfileShown(Box::new(shown)) };
        Report { outcome, request_id: None, person }
    }

    /// One call: these fields alone.
    pub(super) async fn write_profile(&self, call: &Call, correction: &Correction) -> Report {
        let Some(person) = &call.beside.person else { return person_gone().into() };
        let customer = correction.to.key.as_str();
        if !is_path_id(customer) {
            return judge::not_found("customer").into();
        }
        let body = wire::customer_fields(person, &correction.fields);
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

    /// Whether it shows these fields as we hold them.
    pub(super) async fn look_profile(&self, call: &Call, correction: &Correction) -> Look {
        let Some(held) = &call.beside.person else { return found(person_gone()) };
        match self.find(call, &["customers", &correction.to.key], "id").await {
            Shown::Object(node) => {
                let mut fields = wire::fields(held, &correction.fields).into_iter();
                let is = |(name, text): (&str, String)| {
                    node.text_of(&name.replace('_', "-")).unwrap_or_default() == text.trim()
                };
                if fields.all(is) { found(Outcome::Done { answer: Answer::Nothing }) } else { NOTHING_DONE }
            }
            Shown::Missing => found(judge::not_found("customer")),
            Shown::Unread(outcome) => unclear(outcome),
        }
    }
}

fn person(node: &Node) -> Person {
    let text = |name: &str| node.text_of(name).map(str::to_owned).filter(|text| !text.is_empty());
    Person {
        first_name: text("first-name").unwrap_or_default(),
        last_name: text("last-name").unwrap_or_default(),
        company: text("company"),
        email: text("email").unwrap_or_default(),
        phone: text("phone"),
        ..Person::default()
    }
}

fn person_gone() -> Outcome {
    judge::rejected(RejectionKind::NotFound, "person_gone", "nothing is known of the customer")
}
