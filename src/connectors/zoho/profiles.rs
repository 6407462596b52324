//! What a customer in Zoho Billing shows of whom it is, and the fields of it that are brought up to date. Zoho demands name and
//! e-mail in every change, and takes an address in whole: what does not change goes along as Zoho shows it.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::customers::without_person;
use super::set::settled;
use super::wire::{CustomerAnswer, correction};
use super::{Zoho, is_not_found};
use crate::port::Person;
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sagas::kernel::profile::{Comparison, Correction, Shown};
use tokio::time::Instant;

const READ: &str = "zoho.read_profile";
const WRITE: &str = "zoho.write_profile";

impl Zoho {
    /// One call: what the customer shows.
    pub(super) async fn read_profile(
        &self,
        comparison: &Comparison,
        deadline: Instant,
    ) -> Answered<(Answer, Option<Person>)> {
        let found = match self.customer(READ, &comparison.of.key, deadline).await {
            Ok(answer) => Some(answer.customer),
            Err(outcome) if is_not_found(&outcome) => None,
            Err(outcome) => return Err(outcome),
        };
        let person = found.as_ref().map(super::wire::CustomerWire::person);
        let seen = found.map(|found| found.read().map_err(unreadable)).transpose()?.and_then(|read| read.changed_at);
        Ok((Answer::ProfileShown(Box::new(Shown { found: person.is_some(), seen, ..Shown::default() })), person))
    }

    /// One call to read what goes along, and the write, whose answer shows what became of it.
    pub(super) async fn write_profile(
        &self,
        wanted: &Correction,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Answer> {
        let person = person.ok_or_else(no_person)?;
        let segments = ["customers", wanted.to.key.as_str()];
        let shown = self.customer(WRITE, &wanted.to.key, deadline).await?.customer;
        if let (Some(seen), Some(now)) = (wanted.seen.as_deref(), shown.changed_at())
            && seen != now
        {
            let message = format!("it was changed at Zoho at {now}, and our act rests on what it was at {seen}");
            return Err(rejected(RejectionKind::Changed, "changed_meanwhile", &message));
        }
        let body = correction(&shown, person, &wanted.fields);
        let ask = Ask::put(WRITE, &segments, &body);
        let answer: CustomerAnswer =
            self.billing.call(ask, deadline).await.map_err(|outcome| without_person(outcome, person))?;
        if !answer.customer.shows_fields(person, &wanted.fields) {
            let detail = format!("Zoho accepted to change customer {}, but does not show it so", wanted.to.key);
            return Err(Box::new(Outcome::Unknown { detail }));
        }
        Ok(Answer::Nothing)
    }

    /// Whether it shows these fields as we hold them.
    pub(super) async fn look_profile(
        &self,
        wanted: &Correction,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Look> {
        let person = person.ok_or_else(no_person)?;
        let shown = self.customer("zoho.find_profile", &wanted.to.key, deadline).await?.customer;
        let done = shown.shows_fields(person, &wanted.fields);
        Ok(settled(done, Answer::Nothing, wanted.seen.as_deref(), shown.changed_at()))
    }
}

fn no_person() -> Box<Outcome> {
    rejected(RejectionKind::Invalid, "no_person", "nothing is known of the person: read the client again")
}
