//! A client's personal data, and what of it is missing for a customer at Zoho and Braintree. It goes into the report,
//! never into the answer, which is logged.

use super::api::{Answered, Session};
use super::records::{get, is_not_found, query};
use super::wire::{ReadValue, Record};
use crate::port::Person;
use sagas::kernel::accounts::{account_id, company_domain};
use sagas::kernel::answer::{Answer, ClientRead};
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::tags::LeadSource;
use serde_json::json;
use std::time::Duration;

const READ_PERSON: &str = "attio.read_person";
const READ_CLIENT: &str = "attio.read_client";

/// So many of a company's people are looked through for an e-mail address.
const TEAM_AT_MOST: usize = 20;

/// Reads the client. A company has no e-mail address of its own in Attio: its contact is the person of its team that Attio
/// has known longest among those with an address, read by one further call.
pub(super) async fn read(session: &mut Session<'_>, client: &AttioRecord) -> Answered<(Answer, Person)> {
    let record = get(session, READ_PERSON, client).await?;
    let (missing, country, person) = read_record(session, client, &record).await?;
    Ok((Answer::PersonRead { missing, country }, person))
}

/// Reads a person who signs up, and their company by one further call.
pub(super) async fn read_client(
    session: &mut Session<'_>,
    client: &AttioRecord,
    customer: &str,
) -> Answered<(Answer, Person)> {
    let record = get(session, READ_CLIENT, client).await?;
    let (missing, country, person) = read_record(session, client, &record).await?;
    let of = |id: &str| AttioRecord { object: "companies".to_owned(), id: id.to_owned() };
    let company = record.targets("company").next().map(of);
    let (mut name, mut domain) = (None, company_domain(&person.email));
    if let Some(company) = &company {
        let read = get(session, READ_CLIENT, company).await?;
        name = read.text("name");
        domain = read.first("domains").and_then(|value| value.domain.clone()).or(domain);
    }
    let read = ClientRead {
        missing,
        country,
        lead_source: record.text("lead_source").as_deref().and_then(LeadSource::typed),
        account: account_id(domain.as_deref(), customer),
        company,
    };
    Ok((Answer::ClientRead(Box::new(read)), Person { company: person.company.or(name), ..person }))
}

async fn read_record(
    session: &mut Session<'_>,
    client: &AttioRecord,
    record: &Record,
) -> Answered<(Vec<String>, Option<String>, Person)> {
    let is_company = client.object == "companies";
    let contact = if is_company { contact(session, READ_PERSON, record).await? } else { None };
    let company = if is_company { record.text("name") } else { None };
    let human = if is_company { contact.as_ref() } else { Some(record) };

    let mut missing = Vec::new();
    let email = human.and_then(email);
    if email.is_none() {
        let title = if is_company { "E-mail (of a person in the company's Team)" } else { "E-mail" };
        missing.push(title.to_owned());
    }
    let (first_name, last_name) = human.map(name).unwrap_or_default();
    let is_named = if is_company { company.is_some() } else { !(first_name.is_empty() && last_name.is_empty()) };
    if !is_named {
        missing.push("Name".to_owned());
    }
    // What people type beside the address decides where the customer is taxed; it is used only where it is a code.
    let typed = record.text("country");
    let country = typed.as_deref().and_then(code);
    if typed.is_some() && country.is_none() {
        missing.push("Billing country (two letters, as in DE)".to_owned());
    }
    let place = record.first("primary_location");
    let part = |of: fn(&ReadValue) -> &Option<String>| of(place?).as_deref().and_then(filled);
    let country = country.or_else(|| part(|value| &value.country_code).as_deref().and_then(code));
    let person = Person {
        first_name,
        last_name,
        company,
        email: email.unwrap_or_default(),
        phone: human.and_then(phone),
        street: part(|value| &value.line_1),
        city: part(|value| &value.locality),
        postal_code: part(|value| &value.postcode),
        state: part(|value| &value.region),
        country: country.clone(),
        // Attio holds no language.
        locale: None,
    };
    Ok((missing, country, person))
}

impl super::Attio {
    /// The record of the company at which a person is; none: at none, or there is no such person.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn company_of(&self, person: &str, time_limit: Duration) -> Result<Option<String>, Box<Outcome>> {
        let asked = AttioRecord { object: "people".to_owned(), id: person.to_owned() };
        match get(&mut self.api.session(time_limit), READ_PERSON, &asked).await {
            Ok(record) => Ok(record.targets("company").next().map(str::to_owned)),
            Err(outcome) if is_not_found(&outcome) => Ok(None),
            Err(outcome) => Err(outcome),
        }
    }
}

/// The person of a company's team whom we bill.
pub(super) async fn contact(
    session: &mut Session<'_>,
    operation: &'static str,
    company: &Record,
) -> Answered<Option<Record>> {
    let team: Vec<&str> = company.targets("team").take(TEAM_AT_MOST).collect();
    if team.is_empty() {
        return Ok(None);
    }
    let order = json!({
        "filter": { "record_id": { "$in": &team } },
        "sorts": [{ "attribute": "created_at", "direction": "asc" }],
        "limit": team.len(),
    });
    let mut people = query(session, operation, "people", &order).await?;
    let with_address = people.iter().position(|person| email(person).is_some());
    Ok(with_address.or((!people.is_empty()).then_some(0)).map(|at| people.swap_remove(at)))
}

fn email(record: &Record) -> Option<String> {
    record.first("email_addresses")?.email_address.as_deref().and_then(filled)
}

/// As people read it, with the country's prefix where Attio knows it.
fn phone(record: &Record) -> Option<String> {
    let number = record.first("phone_numbers")?;
    number.phone_number.as_deref().or(number.original_phone_number.as_deref()).and_then(filled)
}

/// First and last name; a name that Attio could not take apart stands as the last one.
pub(super) fn name(record: &Record) -> (String, String) {
    let Some(name) = record.first("name") else { return Default::default() };
    let part = |part: &Option<String>| part.as_deref().and_then(filled).unwrap_or_default();
    match (part(&name.first_name), part(&name.last_name)) {
        (first, last) if first.is_empty() && last.is_empty() => (first, part(&name.full_name)),
        both => both,
    }
}

/// An ISO 3166 code of two letters.
pub(super) fn code(text: &str) -> Option<String> {
    let text = text.trim();
    (text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
}

fn filled(text: &str) -> Option<String> {
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}
