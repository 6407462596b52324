//! People who sign up: their record is found by the e-mail address, which is theirs alone in Attio, or made; and it says how
//! far they have come. What a record holds already is never written over, and a record that is found is not changed.

use super::NO_ACT;
use super::api::{Answered, Session, rejected};
use super::records::{changed, get, is_not_found, patch, query, upsert_by};
use super::wire::{Record, Value, Values};
use crate::port::Person;
use sagas::kernel::accounts::company_domain;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, ClientStanding};
use sagas::kernel::outcome::RejectionKind;
use sagas::kernel::tags::LeadSource;
use serde_json::json;

const MAKE: &str = "attio.make_person";
const SHOW: &str = "attio.show_client";
const PEOPLE: &str = "people";
const COMPANIES: &str = "companies";
/// No trial and no end of one stands over it.
const ACTIVE: &str = "Active";

/// Finds the person, or makes the record and their company's, where the address is one at a company's domain.
pub(super) async fn make(
    session: &mut Session<'_>,
    person: Option<&Person>,
    lead_source: Option<&LeadSource>,
) -> Answered<Answer> {
    if let Some(found) = found(session, person).await? {
        return Ok(found);
    }
    let person = person.ok_or_else(no_person)?;
    let mut values = Values::from([
        ("email_addresses", Value::Text(address(person))),
        ("name", Value::Name { first: person.first_name.clone(), last: person.last_name.clone() }),
    ]);
    if let Some(country) = &person.country {
        values.insert("country", Value::text(country));
    }
    if let Some(source) = lead_source {
        values.insert("lead_source", Value::Text(source.clone().into()));
    }
    if let (Some(name), Some(domain)) = (&person.company, company_domain(&person.email)) {
        let company = company(session, name, &domain).await?;
        values.insert("company", Value::Record(company));
    }
    let id = upsert_by(session, MAKE, PEOPLE, "email_addresses", &values).await?;
    Ok(answer(id))
}

/// The person's record, if there is one.
pub(super) async fn found(session: &mut Session<'_>, person: Option<&Person>) -> Answered<Option<Answer>> {
    let address = address(person.ok_or_else(no_person)?);
    let order = json!({ "filter": { "email_addresses": { "email_address": { "$eq": address } } }, "limit": 1 });
    let found = query(session, MAKE, PEOPLE, &order).await?;
    Ok(found.first().map(|record| answer(record.id().to_owned())))
}

/// The company of a domain: one that is there keeps its name.
async fn company(session: &mut Session<'_>, name: &str, domain: &str) -> Answered<AttioRecord> {
    let order = json!({ "filter": { "domains": { "domain": { "$eq": domain } } }, "limit": 1 });
    let found = query(session, MAKE, COMPANIES, &order).await?;
    let id = if let Some(record) = found.first() {
        record.id().to_owned()
    } else {
        let values = Values::from([("domains", Value::Text(domain.to_owned())), ("name", Value::text(name))]);
        upsert_by(session, MAKE, COMPANIES, "domains", &values).await?
    };
    Ok(AttioRecord { object: COMPANIES.to_owned(), id })
}

fn address(person: &Person) -> String {
    person.email.trim().to_lowercase()
}

fn answer(id: String) -> Answer {
    Answer::PersonFound { record: AttioRecord { object: PEOPLE.to_owned(), id } }
}

fn no_person() -> Box<sagas::kernel::outcome::Outcome> {
    let message = "nothing is known of the person: what signed up was erased".to_owned();
    rejected(RejectionKind::Invalid, "no_person", message)
}

/// Writes what differs: the person's record, then the company's.
pub(super) async fn show(session: &mut Session<'_>, standing: &ClientStanding) -> Answered<Answer> {
    let record = &standing.record;
    let open = open(standing, &get(session, SHOW, record).await?);
    if !open.is_empty() {
        patch(session, SHOW, &record.object, &record.id, &open).await?;
    }
    if let Some((company, account)) = &standing.account {
        let open = changed(&get(session, SHOW, company).await?, &of_company(account));
        if !open.is_empty() {
            patch(session, SHOW, &company.object, &company.id, &open).await?;
        }
    }
    Ok(Answer::Nothing)
}

/// The answer as if the write had been answered, if nothing is left to be written.
pub(super) async fn stands(session: &mut Session<'_>, standing: &ClientStanding) -> Answered<Option<Answer>> {
    let of_company = standing.account.as_ref().map(|(company, account)| (company, of_company(account)));
    match get(session, SHOW, &standing.record).await {
        Ok(record) if open(standing, &record).is_empty() => {}
        Ok(_) => return Ok(None),
        Err(outcome) if is_not_found(&outcome) => return Ok(None),
        Err(outcome) => return Err(outcome),
    }
    if let Some((company, values)) = of_company {
        match get(session, SHOW, company).await {
            Ok(record) if changed(&record, &values).is_empty() => {}
            Ok(_) => return Ok(None),
            Err(outcome) if is_not_found(&outcome) => return Ok(None),
            Err(outcome) => return Err(outcome),
        }
    }
    Ok(Some(Answer::Nothing))
}

fn of_company(account: &str) -> Values {
    Values::from([("zoho_account_id", Value::text(account))])
}

/// What is left to be written. The act has a time of its own.
fn open(standing: &ClientStanding, record: &Record) -> Values {
    let mut open = changed(record, &values(standing, record));
    if !open.is_empty() {
        open.insert("synced_at", Value::Time(standing.as_of));
    }
    let stands = standing.answers.as_ref().is_some_and(|act| {
        record.option("sync_action") == Some(&act.act) && record.since("sync_action") == Some(act.pressed_at)
    });
    if stands {
        open.insert("sync_action", Value::Option(NO_ACT.to_owned()));
    }
    open
}

fn values(standing: &ClientStanding, record: &Record) -> Values {
    let mut values = Values::from([("last_error", Value::text(&standing.last_error))]);
    if let Some(lifecycle) = standing.lifecycle.as_ref().filter(|_| record.option("lifecycle") != Some(ACTIVE)) {
        values.insert("lifecycle", Value::Option(lifecycle.clone()));
    }
    if let Some(day) = standing.trial_ends_on {
        values.insert("trial_ends_on", Value::Day(day));
    }
    if let Some(contact) = &standing.zoho_contact {
        values.insert("zoho_contact_id", Value::text(contact));
    }
    values
}
