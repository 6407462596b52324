//! The customer-facing state of a subscription that is being made, on the record that a CRM user made for it, and on the
//! client's. Names no attribute that people fill but the act, which it sets back once it is answered.
//!
//! What the state leaves out is cleared (price, dates, link, sentences), but for ids and the collector: absent means that
//! there is none yet, and one that the record shows is another's.

use super::NO_ACT;
use super::api::{Answered, Session, rejected};
use super::projection::{Mark, SUBSCRIPTIONS, amount};
use super::records::{changed, get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, ClientFace, SubscriptionFace};
use sagas::kernel::outcome::RejectionKind;
use secrecy::SecretString;

const SHOW: &str = "attio.show_subscription";

/// What is shown, with the address that its link has and the currency of the workspace's amounts.
pub(super) struct Shown<'a> {
    face: &'a SubscriptionFace,
    link: Option<SecretString>,
    currency: Currency,
}

impl<'a> Shown<'a> {
    /// Refuses a face that names a link where its address is not at hand: the record would lose it.
    pub(super) fn new(face: &'a SubscriptionFace, link: Option<&SecretString>, currency: Currency) -> Answered<Self> {
        let link = face.checkout.link.and(link).cloned();
        if face.checkout.link.is_some() && link.is_none() {
            let message = "the address of the checkout page is not beside the call".to_owned();
            return Err(rejected(RejectionKind::Invalid, "no_link", message));
        }
        Ok(Self { face, link, currency })
    }

    /// Writes what differs: the subscription's record first, then the client's.
    pub(super) async fn write(&self, session: &mut Session<'_>) -> Answered<Answer> {
        let open = self.open(&get(session, SHOW, &self.record()).await?);
        if !open.is_empty() {
            patch(session, SHOW, SUBSCRIPTIONS, &self.face.record, &open).await?;
        }
        if let Some(client) = &self.face.client {
            let open = self.open_of_client(&get(session, SHOW, &client.record).await?, client);
            if !open.is_empty() {
                patch(session, SHOW, &client.record.object, &client.record.id, &open).await?;
            }
        }
        Ok(self.answer())
    }

    /// The answer as if the write had been answered, if nothing is left to be written.
    pub(super) async fn stands(&self, session: &mut Session<'_>) -> Answered<Option<Answer>> {
        match get(session, SHOW, &self.record()).await {
            Ok(record) if self.open(&record).is_empty() => {}
            Ok(_) => return Ok(None),
            Err(outcome) if is_not_found(&outcome) => return Ok(None),
            Err(outcome) => return Err(outcome),
        }
        if let Some(client) = &self.face.client {
            match get(session, SHOW, &client.record).await {
                Ok(record) if self.open_of_client(&record, client).is_empty() => {}
                Ok(_) => return Ok(None),
                Err(outcome) if is_not_found(&outcome) => return Ok(None),
                Err(outcome) => return Err(outcome),
            }
        }
        Ok(Some(self.answer()))
    }

    fn record(&self) -> AttioRecord {
        AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: self.face.record.clone() }
    }

    fn answer(&self) -> Answer {
        Answer::Projected { transaction_record: None, subscription_record: Some(self.face.record.clone()) }
    }

    /// What is left to be written on the subscription's record: nothing over a newer state. The act has a time of its own.
    fn open(&self, record: &Record) -> Values {
        let is_older = Mark::from(self.face).is_older_than(record);
        let mut open = if is_older { Values::new() } else { changed(record, &self.values()) };
        if self.face.answers_act && is_answered(record, self.face.as_of) {
            open.insert("sync_action", Value::Option(NO_ACT.to_owned()));
        }
        open
    }

    fn values(&self) -> Values {
        let face = self.face;
        if face.refusal_only {
            return Values::from([("last_error", Value::text(&face.last_error))]);
        }
        let day = face.next_billing_on.map_or(Value::Nothing, Value::Day);
        let mut values = Values::from([
            ("subscription_status", Value::Status(face.subscription_status.clone())),
            ("payment_status", Value::Status(face.payment_status.clone())),
            ("quote_text", Value::text(&face.quote_text)),
            ("quote_expires_at", time(face.quote_expires_at)),
            ("checkout_status", Value::Option(face.checkout.status.clone())),
            ("checkout_url", self.link.clone().map_or(Value::Nothing, Value::Secret)),
            ("checkout_expires_at", time(face.checkout.expires_at)),
            ("amount", face.amount.map_or(Value::Nothing, |money| amount(money, self.currency))),
            ("amount_text", face.amount.map_or(Value::Nothing, |money| Value::Text(money.to_string()))),
            ("next_billing_at", day),
            ("last_error", Value::text(&face.last_error)),
            ("action_needed", Value::text(&face.action_needed)),
        ]);
        values.extend(known("external_id", face.external_id.as_ref()));
        values.extend(known("zoho_subscription_id", face.zoho_subscription.as_ref()));
        values.extend(known("braintree_customer_id", face.braintree_customer.as_ref()));
        values.extend(face.collection_owner.clone().map(|owner| ("collection_owner", Value::Option(owner))));
        values.extend(Mark::from(face).values());
        values
    }

    /// What is left to be written on the client's record. Ids are facts without a time; its summary is one of a moment, and
    /// the client's records know no saga, so that the moment alone decides.
    fn open_of_client(&self, record: &Record, client: &ClientFace) -> Values {
        let ids = known("zoho_customer_id", client.zoho_customer.as_ref())
            .into_iter()
            .chain(known("braintree_customer_id", client.braintree_customer.as_ref()));
        let mut values: Values = ids.collect();
        if let Some(summary) = client.billing_summary.as_ref().filter(|_| !Mark::from(self.face).is_older_than(record))
        {
            values.insert("billing_summary", Value::Option(summary.clone()));
        }
        let mut open = changed(record, &values);
        if open.contains_key("billing_summary") {
            open.insert("synced_at", Value::Time(self.face.as_of));
        }
        open
    }
}

/// An act stands there that was pressed before the shown state became true. A later press is another saga's, or is still to
/// be answered: it stays.
pub(super) fn is_answered(record: &Record, as_of: DateTime<Utc>) -> bool {
    record.option("sync_action").is_some_and(|act| act != NO_ACT)
        && record.since("sync_action").is_some_and(|pressed_at| pressed_at <= as_of)
}

fn known(slug: &'static str, id: Option<&String>) -> Option<(&'static str, Value)> {
    Some((slug, Value::text(id.filter(|id| !id.is_empty())?)))
}

pub(super) fn time(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Nothing, Value::Time)
}
