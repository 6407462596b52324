//! What Zoho Desk writes and what we write to it. What holds personal data has no `Debug`.

use super::instant;
use crate::port::Person;
use chrono::{DateTime, Utc};
use sagas::kernel::answer::{Answer, Ticket};
use sagas::kernel::effect::TicketOrder;
use serde::{Deserialize, Serialize};

/// A list; where there is nothing Desk answers without a body.
#[derive(Deserialize)]
pub(super) struct Rows<T> {
    pub(super) data: Vec<T>,
}

impl<T> Rows<T> {
    pub(super) const fn none() -> Self {
        Self { data: Vec::new() }
    }
}

#[derive(Deserialize)]
pub(super) struct ContactWire {
    pub(super) id: String,
    email: Option<String>,
    #[serde(rename = "firstName")]
    first_name: Option<String>,
    #[serde(rename = "lastName")]
    last_name: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    description: Option<String>,
}

impl ContactWire {
    /// It says nobody's name, number or address.
    pub(super) fn is(&self, nobody: &Person) -> bool {
        let empty = |shown: &Option<String>| shown.as_deref().is_none_or(|text| text.trim().is_empty());
        self.last_name.as_deref() == Some(nobody.last_name.as_str())
            && self.has(&nobody.email)
            && [&self.first_name, &self.phone, &self.mobile, &self.description].into_iter().all(empty)
    }

    pub(super) fn has(&self, email: &str) -> bool {
        self.email.as_deref().is_some_and(|shown| shown.trim().eq_ignore_ascii_case(email))
    }
}

#[derive(Clone, Deserialize)]
pub(super) struct TicketWire {
    pub(super) id: String,
    #[serde(rename = "ticketNumber")]
    number: Option<String>,
    pub(super) status: String,
    #[serde(rename = "createdTime")]
    created: Option<String>,
    cf: Option<CustomFields>,
}

#[derive(Clone, Deserialize)]
struct CustomFields {
    cf_saga_id: Option<String>,
}

impl TicketWire {
    /// The saga in our custom field.
    pub(super) fn saga(&self) -> Option<&str> {
        self.cf.as_ref()?.cf_saga_id.as_deref()
    }

    /// Opened at that instant or later; one without a readable time is not left out.
    pub(super) fn since(&self, earliest: DateTime<Utc>) -> bool {
        instant(self.created.as_deref()).is_none_or(|made| made >= earliest)
    }

    /// Sorts the oldest first.
    pub(super) fn age(&self) -> (usize, &str) {
        (self.id.len(), &self.id)
    }

    pub(super) fn answer(self) -> Answer {
        let number = self.number.unwrap_or_default();
        Answer::Ticket(Box::new(Ticket { id: self.id, number, status: self.status }))
    }
}

#[derive(Deserialize)]
pub(super) struct CommentWire {
    pub(super) id: String,
    #[serde(default)]
    content: String,
}

impl CommentWire {
    pub(super) fn says(&self, words: &str) -> bool {
        self.content.contains(words)
    }
}

/// Body of `POST /contacts`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewContact<'a> {
    last_name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    first_name: &'a str,
    email: &'a str,
}

impl<'a> NewContact<'a> {
    pub(super) fn of(person: &'a Person) -> Self {
        // Desk takes no contact without a last name.
        let (first_name, last_name) = match person.last_name.trim() {
            "" => ("", person.display_name()),
            last => (person.first_name.as_str(), last.to_owned()),
        };
        Self { last_name, first_name, email: person.email.trim() }
    }
}

/// Body of `PATCH /contacts/{id}` for a person who is erased.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ErasedContact<'a> {
    last_name: &'a str,
    first_name: &'a str,
    email: &'a str,
    phone: &'a str,
    mobile: &'a str,
    description: &'a str,
}

impl<'a> ErasedContact<'a> {
    pub(super) fn of(nobody: &'a Person) -> Self {
        let (last_name, email) = (nobody.last_name.as_str(), nobody.email.as_str());
        Self { last_name, first_name: "", email, phone: "", mobile: "", description: "" }
    }
}

/// Body of `POST /tickets`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewTicket<'a> {
    subject: &'a str,
    department_id: &'a str,
    contact_id: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'static str>,
    cf: NewFields<'a>,
}

#[derive(Serialize)]
struct NewFields<'a> {
    cf_saga_id: &'a str,
}

impl<'a> NewTicket<'a> {
    pub(super) fn of(order: &'a TicketOrder, department: &'a str) -> Self {
        Self {
            subject: &order.subject,
            department_id: department,
            contact_id: &order.contact,
            description: &order.text,
            priority: order.urgent.then_some("High"),
            cf: NewFields { cf_saga_id: &order.saga },
        }
    }
}
