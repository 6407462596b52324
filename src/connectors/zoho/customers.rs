//! Customers: reads, makes and retires one, and finds the one that we made by our id in its custom field. Shows no
//! personal data to anybody: what Zoho says about a refused customer is stripped of the person's words.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::wire::{CustomerAnswer, CustomerRows, NewCustomer, OUR_ID};
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
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(5);

/// A customer to be made.
pub(super) struct Order<'a> {
    /// Our id.
    pub(super) id: &'a str,
    pub(super) currency: Currency,
}

impl Zoho {
    pub(super) async fn read_customer(&self, customer: &str, deadline: Instant) -> Answered<Answer> {
        let answer = self.customer("zoho.read_customer", customer, deadline).await?;
        let customer = answer.customer.read().map_err(unreadable)?;
        Ok(Answer::ZohoCustomer(Box::new(customer)))
    }

    async fn customer(&self, operation: &'static str, customer: &str, deadline: Instant) -> Answered<CustomerAnswer> {
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
        let person = person.ok_or_else(|| {
            rejected(RejectionKind::Invalid, "no_person", "nothing is known of the person: read the client again")
        })?;
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

    /// Rows hold no custom fields and there is no filter by one: those made since the request, by their e-mail address or
    /// name where the person is known, are read one by one.
    pub(super) async fn find_customer(
        &self,
        order: &Order<'_>,
        person: Option<&Person>,
        since: DateTime<Utc>,
        deadline: Instant,
    ) -> Answered<Look> {
        const OPERATION: &str = "zoho.find_customer";
        let newest_first = [("filter_by", "Status.All"), ("sort_column", "created_time"), ("sort_order", "D")];
        let mut candidates = BTreeSet::new();
        let take = |page: CustomerRows| {
            let mut recent = page.customers.into_iter().filter(|row| row.since(since - CLOCKS_APART)).peekable();
            let go_on = recent.peek().is_some();
            let likely = recent.filter(|row| person.is_none_or(|person| row.may_be(person)));
            candidates.extend(likely.map(|row| row.customer_id));
            go_on
        };
        self.billing.pages(OPERATION, "customers", &newest_first, deadline, take).await?;
        let mut hits = Vec::new();
        for id in &candidates {
            match self.customer(OPERATION, id, deadline).await {
                Ok(answer) if answer.customer.our_id() == Some(order.id) => hits.push(answer.customer),
                Ok(_) => {}
                Err(outcome) if is_not_found(&outcome) => {}
                Err(outcome) => return Err(outcome),
            }
        }
        hits.sort_by(|a, b| a.age().cmp(&b.age()));
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

    /// One call; where Zoho refuses, one more: an error is also its answer about a customer that is inactive already.
    pub(super) async fn deactivate(&self, customer: &str, deadline: Instant) -> Answered<Answer> {
        const OPERATION: &str = "zoho.deactivate_customer";
        let segments = ["customers", customer, "markasinactive"];
        let refused = match self.billing.call::<IgnoredAny>(Ask::act(OPERATION, &segments, &[]), deadline).await {
            Ok(_) => return Ok(Answer::Nothing),
            Err(outcome) if is_invalid(&outcome) => outcome,
            Err(outcome) => return Err(outcome),
        };
        if self.customer(OPERATION, customer, deadline).await?.customer.is_active() {
            return Err(as_state(refused));
        }
        Ok(Answer::Nothing)
    }

    /// Whether it is inactive now.
    pub(super) async fn is_inactive(&self, customer: &str, deadline: Instant) -> Answered<bool> {
        let answer = self.customer("zoho.deactivate_customer", customer, deadline).await?;
        Ok(!answer.customer.is_active())
    }
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
fn without_person(mut outcome: Box<Outcome>, person: &Person) -> Box<Outcome> {
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
    let Person { first_name, last_name, company, email, street, city, postal_code, state, country: _, locale: _ } =
        person;
    let optional = [company, street, city, postal_code, state].into_iter().flatten();
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
