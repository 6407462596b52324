//! What the platform says of a client, written onto their record: a person's name, address and number on the person's, of a
//! company on its contact's; the company's name, the address and the country on the client's own. What is not named stays.

use super::api::{Answered, Session, rejected};
use super::person::{code, contact, name, read};
use super::records::{changed, get, patch, replace};
use super::wire::{Place, ReadValue, Record, Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, ClientOrder};
use sagas::kernel::outcome::RejectionKind;
use sagas::kernel::profile::{self, Field, WANTED};

const WRITE: &str = "attio.write_profile";
const PEOPLE: &str = "people";
const COMPANIES: &str = "companies";

type Beside<'a> = &'a [(String, profile::Values)];

/// One call to read, for a company one more to find its contact; one for each record on which something differs.
pub(super) async fn write(session: &mut Session<'_>, order: &ClientOrder, beside: Beside<'_>) -> Answered<Answer> {
    let wanted = &wanted(order, beside).ok_or_else(|| {
        // It is kept until the log says that it was written: it was told twice, or the person was erased.
        let message = "nothing is kept of what was to be written: it was written, or the person was erased".to_owned();
        rejected(RejectionKind::NotFound, "nothing_kept", message)
    })?;
    let is_company = order.client.object == COMPANIES;
    if !is_company && wanted.contains_key(&Field::Company) {
        let message = "a person's company is a record of its own in Attio: change it there".to_owned();
        return Err(rejected(RejectionKind::Invalid, "no_company", message));
    }
    let client = get(session, WRITE, &order.client).await?;
    let found = if is_company { contact(session, WRITE, &client).await? } else { None };
    let human = if is_company { found.as_ref() } else { Some(&client) };
    let of_person = human.map(|human| changed(human, &on_person(human, wanted))).unwrap_or_default();
    if human.is_none() && wanted.keys().any(|field| is_personal(*field)) {
        let message = "the company has nobody in its Team whose name or address could be changed".to_owned();
        return Err(rejected(RejectionKind::Invalid, "no_contact", message));
    }
    let of_client = changed(&client, &on_client(&client, wanted)?);
    if let Some(human) = human.filter(|_| !of_person.is_empty()) {
        let record = AttioRecord { object: PEOPLE.to_owned(), id: human.id().to_owned() };
        replace(session, WRITE, &record, &of_person).await?;
    }
    if !of_client.is_empty() {
        patch(session, WRITE, &order.client.object, &order.client.id, &of_client).await?;
    }
    Ok(Answer::Nothing)
}

/// Whether the records show what is wanted. Where that is not at hand, it is written again: that says why.
pub(super) async fn stands(
    session: &mut Session<'_>,
    order: &ClientOrder,
    beside: Beside<'_>,
) -> Answered<Option<Answer>> {
    let Some(wanted) = wanted(order, beside) else { return Ok(None) };
    let (_, shown) = read(session, &order.client).await?;
    let shown = shown.values();
    let stands = wanted.keys().all(|field| profile::same(*field, &wanted, &shown));
    Ok(stands.then_some(Answer::Nothing))
}

fn wanted(order: &ClientOrder, beside: Beside<'_>) -> Option<profile::Values> {
    let (_, kept) = beside.iter().find(|(word, _)| word == WANTED)?;
    let named = kept.iter().filter(|(field, _)| order.fields.contains(*field));
    Some(named.map(|(field, text)| (*field, text.clone())).collect())
}

const fn is_personal(field: Field) -> bool {
    matches!(field, Field::FirstName | Field::LastName | Field::Email | Field::Phone)
}

fn on_person(person: &Record, wanted: &profile::Values) -> Values {
    let mut values = Values::new();
    if wanted.contains_key(&Field::FirstName) || wanted.contains_key(&Field::LastName) {
        let (first, last) = name(person);
        let part = |field, shown| wanted.get(&field).cloned().unwrap_or(shown);
        values.insert("name", Value::Name { first: part(Field::FirstName, first), last: part(Field::LastName, last) });
    }
    for (field, slug) in [(Field::Email, "email_addresses"), (Field::Phone, "phone_numbers")] {
        if let Some(first) = wanted.get(&field) {
            // In place of the first that they have: what they have besides stays.
            let others = person.contacts(slug).skip(1).filter(|other| !other.eq_ignore_ascii_case(first));
            let all = [first.as_str()].into_iter().chain(others).map(str::to_owned).collect();
            values.insert(slug, Value::Contacts(all));
        }
    }
    values
}

fn on_client(record: &Record, wanted: &profile::Values) -> Answered<Values> {
    let mut values = Values::new();
    values.extend(wanted.get(&Field::Company).map(|company| ("name", Value::text(company))));
    values.extend(wanted.get(&Field::Country).map(|country| ("country", Value::text(country))));
    let place = [Field::Street, Field::City, Field::PostalCode, Field::State, Field::Country];
    if place.iter().any(|field| wanted.contains_key(field)) {
        let shown = record.first("primary_location");
        let part =
            |field, of: fn(&ReadValue) -> &Option<String>| wanted.get(&field).or_else(|| of(shown?).as_ref()).cloned();
        // Another street has no second line of the old one.
        let line = |of: fn(&ReadValue) -> &Option<String>| {
            shown.filter(|_| !wanted.contains_key(&Field::Street)).and_then(|shown| of(shown).clone())
        };
        // Attio's document lists no address without a country, and without one nobody can say how it is taxed.
        let typed = || record.text("country").as_deref().and_then(code);
        let country = part(Field::Country, |place| &place.country_code).or_else(typed).ok_or_else(|| {
            let message =
                "the record names no country, and an address without one cannot be taxed: say the country, too";
            rejected(RejectionKind::Invalid, "country_needed", message.to_owned())
        })?;
        let place = Place {
            lines: [
                part(Field::Street, |place| &place.line_1),
                line(|place| &place.line_2),
                line(|place| &place.line_3),
                line(|place| &place.line_4),
            ],
            locality: part(Field::City, |place| &place.locality),
            region: part(Field::State, |place| &place.region),
            postcode: part(Field::PostalCode, |place| &place.postcode),
            country_code: Some(country),
        };
        values.insert("primary_location", Value::Place(Box::new(place)));
    }
    Ok(values)
}
