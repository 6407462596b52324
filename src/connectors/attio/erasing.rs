//! A person's record: finds it behind a client, clears what says who somebody is, and reads that back. Never deletes a record,
//! and touches no company.

use super::api::{Answered, Session};
use super::person::contact;
use super::records::{changed, get, is_not_found, replace};
use super::wire::{Record, Value, Values};
use sagas::kernel::answer::{Answer, Trace};
use sagas::kernel::effect::AttioRecord;

const SEEK: &str = "attio.seek_person";
const ERASE: &str = "attio.erase_person";

/// What says who somebody is: Attio's own attributes of `people`, and ours. Attio fills others (its strengths of contacts,
/// the last mail) from mailboxes that it reads: they go with the addresses.
const PERSONAL: [&str; 13] = [
    "name",
    "email_addresses",
    "phone_numbers",
    "primary_location",
    "description",
    "job_title",
    "linkedin",
    "twitter",
    "facebook",
    "instagram",
    "angellist",
    "company",
    "country",
];

/// The person behind a client; none: nobody is there.
pub(super) async fn seek(session: &mut Session<'_>, client: &AttioRecord) -> Answered<Answer> {
    let found = match get(session, SEEK, client).await {
        Ok(record) if client.object == "companies" => contact(session, SEEK, &record).await?,
        Ok(record) => Some(record),
        Err(outcome) if is_not_found(&outcome) => None,
        Err(outcome) => return Err(outcome),
    };
    let trace = found.map_or_else(Trace::gone, |record| Trace {
        personal: !personal(&record).is_empty(),
        ..Trace::neutral(record.id())
    });
    Ok(Answer::Trace(Box::new(trace)))
}

/// Clears the record; one that is gone is done.
pub(super) async fn erase(session: &mut Session<'_>, person: &str) -> Answered<Answer> {
    let client = record_of(person);
    let record = match get(session, ERASE, &client).await {
        Ok(record) => record,
        Err(outcome) if is_not_found(&outcome) => return Ok(Answer::Trace(Box::new(Trace::gone()))),
        Err(outcome) => return Err(outcome),
    };
    // What is empty is left alone: a workspace need not have every attribute.
    let values = personal(&record);
    if !values.is_empty() {
        replace(session, ERASE, &client, &values).await?;
    }
    Ok(Answer::Trace(Box::new(Trace::neutral(person))))
}

/// The answer as if the write had been answered, if the record is gone or names nobody.
pub(super) async fn stands(session: &mut Session<'_>, person: &str) -> Answered<Option<Answer>> {
    let trace = match get(session, ERASE, &record_of(person)).await {
        Ok(record) if personal(&record).is_empty() => Trace::neutral(person),
        Ok(_) => return Ok(None),
        Err(outcome) if is_not_found(&outcome) => Trace::gone(),
        Err(outcome) => return Err(outcome),
    };
    Ok(Some(Answer::Trace(Box::new(trace))))
}

/// What is to be cleared.
fn personal(record: &Record) -> Values {
    changed(record, &PERSONAL.into_iter().map(|slug| (slug, Value::Nothing)).collect())
}

fn record_of(person: &str) -> AttioRecord {
    AttioRecord { object: "people".to_owned(), id: person.to_owned() }
}
