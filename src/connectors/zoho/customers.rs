//! Customers: reads, makes, retires and revives one, and finds those that are ours by our id in their custom field. Shows no
//! personal data to anybody: what Zoho says about a refused customer is stripped of the person's words.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::set::{after_write, proven, settled};
use super::wire::{CustomerAnswer, CustomerRow, CustomerRows, CustomerWire, NewCustomer, OUR_ID, UpdatedCustomer};
use super::{ABSENT, Zoho, as_state, is_invalid, is_not_found};
use crate::port::Person;
use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::{Answer, ZohoCustomer};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use tokio::time::Instant;

/// Zoho's clock may be behind ours by so much.
pub(super) const CLOCKS_APART: TimeDelta = TimeDelta::minutes(5);

/// A customer to be made.
pub(super) struct Order<'a> {
    /// Our id.
    pub(super) id: &'a str,
    pub(super) currency: Currency,
}

/// What a customer can be marked as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Active,
    Inactive,
}

impl Mark {
    const fn verb(self) -> &'static str {
        match self {
            Self::Active => "markasactive",
            Self::Inactive => "markasinactive",
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::Active => "zoho.revive_customer",
            Self::Inactive => "zoho.deactivate_customer",
        }
    }
}

/// Which customers are looked for.
struct Search<'a> {
    operation: &'static str,
    /// Zoho's filter of its list.
    filter: &'static str,
    /// Our id, in the custom field.
    id: &'a str,
    person: Option<&'a Person>,
    /// Not made before.
    since: Option<DateTime<Utc>>,
}

impl Zoho {
    pub(super) async fn read_customer(&self, customer: &str, deadline: Instant) -> Answered<Answer> {
        let answer = self.customer("zoho.read_customer", customer, deadline).await?;
        let customer = answer.customer.read().map_err(unreadable)?;
        Ok(Answer::ZohoCustomer(Box::new(customer)))
    }

    pub(super) async fn customer(
        &self,
        operation: &'static str,
        customer: &str,
        deadline: Instant,
    ) -> Answered<CustomerAnswer> {
        let segments = ["customers", customer];
        self.billing.call(Ask::read(operation, &segments), deadline).await
    }

    /// One call: the answer shows the custom field, or that Zoho did not take it.
    pub(super) async fn create_customer(
        &self,
        order: &Order<'_>,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Answer> {
        let person = person.ok_or_else(no_person)?;
        let body = NewCustomer::of(person, order.id, order.currency);
        let ask = Ask::create("zoho.create_customer", &["customers"], &body);
        let answer: CustomerAnswer =
            self.billing.call(ask, deadline).await.map_err(|outcome| without_person(outcome, person))?;
        // It was done, in whatever form it was answered: looked up instead of refused.
        let customer = answer.customer.read().map_err(|_| {
            let detail = "Zoho made the customer, but its answer could not be read".to_owned();
            Box::new(Outcome::Unknown { detail })
        })?;
        as_ordered(customer, order)
    }

    /// The one that a lost call has made: those made since the request are searched.
    pub(super) async fn find_customer(
        &self,
        order: &Order<'_>,
        person: Option<&Person>,
        since: DateTime<Utc>,
        deadline: Instant,
    ) -> Answered<Look> {
        let since = Some(since - CLOCKS_APART);
        let search = Search { operation: "zoho.find_customer", filter: "Status.All", id: order.id, person, since };
        let hits = self.search(&search, deadline).await?;
        let mut hits = hits.into_iter();
        let Some(oldest) = hits.next() else {
            return Ok(ABSENT);
        };
        let outcome = match as_ordered(oldest.read().map_err(unreadable)?, order) {
            Ok(answer) => Box::new(Outcome::Done { answer }),
            Err(outcome) => outcome,
        };
        Ok(Look::Found { outcome, extra: hits.map(|hit| hit.id().to_owned()).collect() })
    }

    /// All inactive ones with our id, however old they are.
    pub(super) async fn find_retired(&self, id: &str, person: Option<&Person>, deadline: Instant) -> Answered<Answer> {
        let operation = "zoho.find_retired_customers";
        let search = Search { operation, filter: "Status.Inactive", id, person, since: None };
        let hits = self.search(&search, deadline).await?.into_iter().filter(|hit| !hit.is_active());
        let customers = hits.map(|hit| hit.read().map_err(unreadable)).collect::<Answered<_>>()?;
        Ok(Answer::ZohoCustomers { customers })
    }

    /// All that have the person's e-mail address, oldest first. The filter by it is not in Zoho's documents of Billing: every row
    /// is compared, so that without it only more pages are read.
    pub(super) async fn find_customers(&self, person: Option<&Person>, deadline: Instant) -> Answered<Answer> {
        const OPERATION: &str = "zoho.find_customers";
        let person = person.ok_or_else(no_person)?;
        let by_email = [("filter_by", "Status.All"), ("email", person.email.trim())];
        let mut candidates = BTreeSet::new();
        let take = |page: CustomerRows| {
            let theirs = page.customers.into_iter().filter(|row| row.has_email(&person.email));
            candidates.extend(theirs.map(|row| row.customer_id));
            true
        };
        self.billing.pages(OPERATION, "customers", &by_email, deadline, take).await?;
        let mut hits = Vec::new();
        for candidate in &candidates {
            match self.customer(OPERATION, candidate, deadline).await {
                Ok(answer) => hits.push(answer.customer),
                Err(outcome) if is_not_found(&outcome) => {}
                Err(outcome) => return Err(outcome),
            }
        }
        hits.sort_by(|a, b| a.age().cmp(&b.age()));
        let customers = hits.into_iter().map(|hit| hit.read().map_err(unreadable)).collect::<Answered<_>>()?;
        Ok(Answer::ZohoCustomers { customers })
    }

    /// Rows hold no custom fields and there is no filter by one: those that may be ours, by the person's e-mail address
    /// or name where the person is known, are read one by one. Oldest first.
    async fn search(&self, search: &Search<'_>, deadline: Instant) -> Answered<Vec<CustomerWire>> {
        let Search { operation, filter, id, person, since } = *search;
        let newest_first = [("filter_by", filter), ("sort_column", "created_time"), ("sort_order", "D")];
        let mut candidates = BTreeSet::new();
        let take = |page: CustomerRows| {
            let recent = |row: &CustomerRow| since.is_none_or(|since| row.since(since));
            let mut recent = page.customers.into_iter().filter(recent).peekable();
            let go_on = recent.peek().is_some();
            let likely = recent.filter(|row| person.is_none_or(|person| row.may_be(person)));
            candidates.extend(likely.map(|row| row.customer_id));
            go_on
        };
        self.billing.pages(operation, "customers", &newest_first, deadline, take).await?;
        let mut hits = Vec::new();
        for candidate in &candidates {
            match self.customer(operation, candidate, deadline).await {
                Ok(answer) if answer.customer.our_id() == Some(id) => hits.push(answer.customer),
                Ok(_) => {}
                Err(outcome) if is_not_found(&outcome) => {}
                Err(outcome) => return Err(outcome),
            }
        }
        hits.sort_by(|a, b| a.age().cmp(&b.age()));
        Ok(hits)
    }

    /// One call; where Zoho refuses, one more: an error is also its answer about a customer that is marked so already.
    pub(super) async fn mark(&self, customer: &str, mark: Mark, deadline: Instant) -> Answered<Answer> {
        let segments = ["customers", customer, mark.verb()];
        let ask = Ask::act(mark.operation(), &segments, &[]);
        let refused = match self.billing.call::<IgnoredAny>(ask, deadline).await {
            Ok(_) => return Ok(Answer::Nothing),
            Err(outcome) if is_invalid(&outcome) => outcome,
            Err(outcome) => return Err(outcome),
        };
        if self.is_marked(customer, mark, deadline).await? { Ok(Answer::Nothing) } else { Err(as_state(refused)) }
    }

    /// One call for the write, one to read it back.
    pub(super) async fn update_customer(
        &self,
        customer: &str,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Answer> {
        const OPERATION: &str = "zoho.update_customer";
        let person = person.ok_or_else(no_person)?;
        let segments = ["customers", customer];
        let ask = Ask::put(OPERATION, &segments, &UpdatedCustomer::of(person));
        let written = self.written(ask, deadline).await.map_err(|outcome| without_person(outcome, person))?;
        let written = written.map_err(|outcome| without_person(outcome, person));
        let shown = after_write(&written, self.customer(OPERATION, customer, deadline).await)?.customer;
        proven(written, shown.shows(person), || {
            format!("Zoho accepted to change customer {customer}, but does not show it so")
        })?;
        Ok(Answer::ZohoCustomer(Box::new(shown.read().map_err(unreadable)?)))
    }

    /// Whether it shows what we hold of the person; without it, nothing can be compared.
    pub(super) async fn look_customer(
        &self,
        customer: &str,
        person: Option<&Person>,
        seen: Option<&str>,
        deadline: Instant,
    ) -> Answered<Look> {
        let person = person.ok_or_else(no_person)?;
        let shown = self.customer("zoho.find_customer_state", customer, deadline).await?.customer;
        let done = shown.shows(person);
        let shown = shown.read().map_err(unreadable)?;
        let now = shown.changed_at.clone();
        Ok(settled(done, Answer::ZohoCustomer(Box::new(shown)), seen, now.as_deref()))
    }

    /// Whether it is so now.
    pub(super) async fn is_marked(&self, customer: &str, mark: Mark, deadline: Instant) -> Answered<bool> {
        let answer = self.customer(mark.operation(), customer, deadline).await?;
        Ok(answer.customer.is_active() == (mark == Mark::Active))
    }
}

fn no_person() -> Box<Outcome> {
    rejected(RejectionKind::Invalid, "no_person", "nothing is known of the person: read the client again")
}

/// The customer, unless it lacks our id or is billed in another currency.
fn as_ordered(customer: ZohoCustomer, order: &Order<'_>) -> Answered<Answer> {
    let id = &customer.id;
    if customer.our_customer.as_deref() != Some(order.id) {
        let message = format!(
            "customer {id} was made, but Zoho did not keep our id in the custom field `{OUR_ID}`: make a text field of \
             this label for customers in Zoho, delete that customer, then start again"
        );
        return Err(rejected(RejectionKind::Mismatch, OUR_ID, &message));
    }
    if customer.currency != order.currency.code() {
        let message = format!("customer {id} is billed in {} instead of {}", customer.currency, order.currency.code());
        return Err(rejected(RejectionKind::Mismatch, "currency", &message));
    }
    Ok(Answer::ZohoCustomer(Box::new(customer)))
}

/// What Zoho said, without a word of the person's.
pub(super) fn without_person(mut outcome: Box<Outcome>, person: &Person) -> Box<Outcome> {
    if let Outcome::Rejected { rejection } = outcome.as_mut() {
        let personal = words_of(person);
        let kept = rejection
            .message
            .split_whitespace()
            .map(|word| if words(word).any(|part| personal.contains(&part)) { "…" } else { word });
        rejection.message = kept.collect::<Vec<_>>().join(" ");
    }
    outcome
}

fn words_of(person: &Person) -> BTreeSet<String> {
    let Person {
        first_name,
        last_name,
        company,
        email,
        phone,
        street,
        city,
        postal_code,
        state,
        country: _,
        locale: _,
    } = person;
    let optional = [company, phone, street, city, postal_code, state].into_iter().flatten();
    [first_name, last_name, email].into_iter().chain(optional).flat_map(|text| words(text)).collect()
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_no_word_of_the_person_even_where_it_is_written_small() {
        let person = Person {
            first_name: "Ada".to_owned(),
            last_name: "de Lovelace".to_owned(),
            email: "ada@example.org".to_owned(),
            ..Person::default()
        };
        let said = "The customer ada de-lovelace exists. Invalid value passed for currency_code";
        let outcome = without_person(rejected(RejectionKind::Invalid, "3062", said), &person);
        let Outcome::Rejected { rejection } = *outcome else { panic!("a rejection") };
        assert_eq!(rejection.message, "The customer … … exists. Invalid value passed for currency_code");
    }
}
