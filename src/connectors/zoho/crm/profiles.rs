//! What a contact or an account shows of a customer, and the fields of it that are brought up to date under our own id. A
//! record that is not there is not made.

use super::super::ABSENT;
use super::super::line::Answered;
use super::{Crm, Record, Upserted, done, no_person, no_result};
use crate::port::Person;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::CrmModule;
use sagas::kernel::outcome::{Look, Outcome};
use sagas::kernel::profile::{Comparison, Copy, Correction, Shown, Target};
use tokio::time::Instant;

const READ: &str = "zoho_crm.read_profile";
const WRITE: &str = "zoho_crm.write_profile";
const CONTACT: [&str; 9] = [
    "First_Name",
    "Last_Name",
    "Email",
    "Phone",
    "Mailing_Street",
    "Mailing_City",
    "Mailing_State",
    "Mailing_Zip",
    "Mailing_Country",
];
const ACCOUNT: [&str; 1] = ["Account_Name"];

fn module(of: &Copy) -> CrmModule {
    if of.target == Target::Account { CrmModule::Accounts } else { CrmModule::Contacts }
}

impl Crm {
    /// One call: what the record shows.
    pub(super) async fn read_profile(
        &self,
        comparison: &Comparison,
        deadline: Instant,
    ) -> Answered<(Answer, Option<Person>)> {
        let of = &comparison.of;
        let (module, names) = match module(of) {
            CrmModule::Accounts => (CrmModule::Accounts, ACCOUNT.as_slice()),
            module => (module, CONTACT.as_slice()),
        };
        let found = self.record(READ, module, &of.key, names, deadline).await?;
        let shown = Shown { found: found.is_some(), ..Shown::default() };
        let person = found.map(|found| {
            let text = |name: &str| found.text(name);
            Person {
                first_name: text("First_Name").unwrap_or_default(),
                last_name: text("Last_Name").unwrap_or_default(),
                company: text("Account_Name").filter(|_| module == CrmModule::Accounts),
                email: text("Email").unwrap_or_default(),
                phone: text("Phone"),
                street: text("Mailing_Street"),
                city: text("Mailing_City"),
                postal_code: text("Mailing_Zip"),
                state: text("Mailing_State"),
                country: text("Mailing_Country"),
                locale: None,
            }
        });
        Ok((Answer::ProfileShown(Box::new(shown)), person))
    }

    /// One call: these fields alone.
    pub(super) async fn write_profile(
        &self,
        correction: &Correction,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Answer> {
        let record = record(correction, person.ok_or_else(no_person)?);
        match self.upsert_batch(WRITE, std::slice::from_ref(&record), false, deadline).await?.pop() {
            Some(Upserted::Done { id }) => Ok(done(id)),
            Some(Upserted::Not(outcome)) => Err(outcome),
            None => Err(no_result()),
        }
    }

    /// Whether it shows these fields as we hold them.
    pub(super) async fn look_profile(
        &self,
        correction: &Correction,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Look> {
        let to = &correction.to;
        let record = record(correction, person.ok_or_else(no_person)?);
        let found = self.record(WRITE, module(to), &to.key, &record.names(), deadline).await?;
        Ok(match found.filter(|found| record.is_shown(found)) {
            Some(found) => {
                Look::Found { outcome: Box::new(Outcome::Done { answer: done(found.id) }), extra: Vec::new() }
            }
            None => ABSENT,
        })
    }
}

fn record(correction: &Correction, person: &Person) -> Record {
    let to = &correction.to;
    Record::of_fields(module(to), &to.key, person, &correction.fields)
}
