//! Attio: finds a client by its Zoho customer id and writes the customer-facing state of billing. Never deletes a record
//! and never writes an attribute that a CRM user fills.

mod api;
pub mod findings;
mod model;
mod projection;
pub mod setup;
mod subscribe;
pub mod webhook;
mod wire;

pub use setup::SetupError;
pub use subscribe::Webhook;

use crate::connectors::http::Http;
use crate::port::{Call, Report};
use api::{Answered, Api, Ask, Session};
use iso_currency::Currency;
use projection::{SUBSCRIPTIONS, TRANSACTIONS, is_newer};
use reqwest::{Method, Url};
use sagas::kernel::answer::{Answer, Client};
use sagas::kernel::effect::{self, AttioRecord, Projection};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use wire::{Record, Values};

const FIND_CLIENT: &str = "attio.find_client";
const PROJECT: &str = "attio.project";

/// Where and as whom to call. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// `https://api.attio.com`, or the sandbox.
    pub base_url: Url,
    /// The workspace's API key.
    pub api_key: SecretString,
    /// The currency of the workspace's amount attributes: Attio fixes it per attribute, not per record.
    pub currency: Currency,
}

/// The connector of one workspace.
pub struct Attio {
    api: Api,
    currency: Currency,
}

impl Attio {
    /// Sets it up; nothing is sent.
    ///
    /// # Errors
    /// The key or the address cannot be used; the text says what was expected.
    pub fn new(config: &Config, http: Http) -> Result<Self, String> {
        Ok(Self { api: Api::new(config, http)?, currency: config.currency })
    }

    /// Makes the call: each of its requests once.
    pub async fn perform(&self, call: &Call, effect: &effect::Attio) -> Report {
        let mut session = self.api.session(call.time_limit);
        let answered = match effect {
            effect::Attio::FindClient { zoho_customer, record } => {
                find_client(&mut session, zoho_customer, record.as_ref()).await
            }
            effect::Attio::Project(projection) => self.project(&mut session, projection).await,
        };
        let outcome = answered.map_or_else(|outcome| *outcome, |answer| Outcome::Done { answer });
        Report { outcome, request_id: session.request_id }
    }

    /// Reads back whether the projection stands. A read has nothing to look up: it is read again.
    pub async fn look(&self, call: &Call, effect: &effect::Attio) -> Look {
        let absent = Look::Absent { watermark: false, key_proven: false };
        let mut session = self.api.session(call.time_limit);
        let stands = match effect {
            effect::Attio::FindClient { .. } => return absent,
            effect::Attio::Project(projection) => self.stands(&mut session, projection).await,
        };
        match stands {
            Ok(Some(answer)) => Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() },
            Ok(None) => absent,
            Err(outcome) => Look::Unclear { detail: sentence(*outcome) },
        }
    }

    /// Subscription first, for the transaction refers to it; the client's summary last. Each is set to a state, so a
    /// break in between is mended by the same call again.
    async fn project(&self, session: &mut Session<'_>, projection: &Projection) -> Answered<Answer> {
        let subscription_record = match &projection.subscription {
            Some(subscription) => {
                let found = find_subscription(session, subscription).await?;
                let values = projection::of_subscription(projection, subscription);
                Some(if let Some(record) = found {
                    update(session, SUBSCRIPTIONS, &record, &values, projection).await?
                } else {
                    let made_by_us = values.into_iter().chain(projection::customer(projection)).collect();
                    upsert(session, SUBSCRIPTIONS, &made_by_us).await?
                })
            }
            None => None,
        };
        let values = projection::of_transaction(projection, subscription_record.as_deref(), self.currency);
        let transaction_record = match find_transaction(session, projection).await? {
            Some(record) => update(session, TRANSACTIONS, &record, &values, projection).await?,
            None => upsert(session, TRANSACTIONS, &values).await?,
        };
        if let Some(client) = &projection.client {
            let record = get(session, PROJECT, client).await?;
            update(session, &client.object, &record, &projection::of_client(projection), projection).await?;
        }
        Ok(Answer::Projected { transaction_record: Some(transaction_record), subscription_record })
    }

    /// The answer as if the write had been answered, if every record shows the projection or something newer.
    async fn stands(&self, session: &mut Session<'_>, projection: &Projection) -> Answered<Option<Answer>> {
        let shows =
            |record: &Record, values: &Values| is_newer(record, projection) || changed(record, values).is_empty();
        let subscription_record = match &projection.subscription {
            Some(subscription) => match find_subscription(session, subscription).await? {
                Some(record) if shows(&record, &projection::of_subscription(projection, subscription)) => {
                    Some(record.id().to_owned())
                }
                Some(_) | None => return Ok(None),
            },
            None => None,
        };
        let values = projection::of_transaction(projection, subscription_record.as_deref(), self.currency);
        let Some(transaction) = find_transaction(session, projection).await?.filter(|r| shows(r, &values)) else {
            return Ok(None);
        };
        if let Some(client) = &projection.client {
            match get(session, PROJECT, client).await {
                Ok(record) if shows(&record, &projection::of_client(projection)) => {}
                Ok(_) => return Ok(None),
                Err(outcome) if is_not_found(&outcome) => return Ok(None),
                Err(outcome) => return Err(outcome),
            }
        }
        let transaction_record = Some(transaction.id().to_owned());
        Ok(Some(Answer::Projected { transaction_record, subscription_record }))
    }
}

impl std::fmt::Debug for Attio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attio").finish_non_exhaustive()
    }
}

/// The linked record if there still is one, else by Zoho customer id: companies first, then people. The id is not unique
/// in Attio, for custom attributes of these objects cannot be: several hits are for a person to settle.
async fn find_client(session: &mut Session<'_>, zoho_customer: &str, linked: Option<&AttioRecord>) -> Answered<Answer> {
    if let Some(linked) = linked {
        match get(session, FIND_CLIENT, linked).await {
            Ok(record) => return Ok(client(&linked.object, &record)),
            Err(outcome) if is_not_found(&outcome) => {}
            Err(outcome) => return Err(outcome),
        }
    }
    for object in ["companies", "people"] {
        let filter = json!({ "zoho_customer_id": { "$eq": zoho_customer } });
        match query(session, FIND_CLIENT, object, &filter).await?.as_slice() {
            [] => {}
            [record] => return Ok(client(object, record)),
            [..] => return Ok(no_client(true)),
        }
    }
    Ok(no_client(false))
}

fn client(object: &str, record: &Record) -> Answer {
    Answer::Client(Box::new(Client {
        record: Some(AttioRecord { object: object.to_owned(), id: record.id().to_owned() }),
        ambiguous: false,
        braintree_customer: record.text("braintree_customer_id"),
        zoho_customer: record.text("zoho_customer_id"),
    }))
}

fn no_client(ambiguous: bool) -> Answer {
    Answer::Client(Box::new(Client { record: None, ambiguous, braintree_customer: None, zoho_customer: None }))
}

/// The record with our reference; else one that a CRM user made for the same Zoho subscription, which an upsert by our
/// reference would double.
async fn find_subscription(
    session: &mut Session<'_>,
    subscription: &effect::SubscriptionProjection,
) -> Answered<Option<Record>> {
    let filter = json!({ "$or": [
        { "external_id": { "$eq": subscription.external_id } },
        { "zoho_subscription_id": { "$eq": subscription.zoho_subscription } },
    ] });
    let mut records = query(session, PROJECT, SUBSCRIPTIONS, &filter).await?;
    let ours = |record: &Record| record.text("external_id").as_deref() == Some(subscription.external_id.as_str());
    let unclaimed = |record: &Record| record.text("external_id").is_none();
    let position = records.iter().position(ours).or_else(|| records.iter().position(unclaimed));
    Ok(position.map(|at| records.swap_remove(at)))
}

async fn find_transaction(session: &mut Session<'_>, projection: &Projection) -> Answered<Option<Record>> {
    let filter = json!({ "external_id": { "$eq": projection.transaction.external_id } });
    Ok(query(session, PROJECT, TRANSACTIONS, &filter).await?.pop())
}

async fn get(session: &mut Session<'_>, operation: &'static str, record: &AttioRecord) -> Answered<Record> {
    let segments = ["objects", record.object.as_str(), "records", record.id.as_str()];
    session.call(Ask::get(operation, &segments, &[])).await
}

async fn query(
    session: &mut Session<'_>,
    operation: &'static str,
    object: &str,
    filter: &Json,
) -> Answered<Vec<Record>> {
    let body = json!({ "filter": filter, "limit": 10 }).to_string();
    session.call(Ask::query(operation, &["objects", object, "records", "query"], body)).await
}

/// Writes what differs, and nothing over something newer. The record's id.
async fn update(
    session: &mut Session<'_>,
    object: &str,
    record: &Record,
    values: &Values,
    projection: &Projection,
) -> Answered<String> {
    let changed = changed(record, values);
    if is_newer(record, projection) || changed.is_empty() {
        return Ok(record.id().to_owned());
    }
    let segments = ["objects", object, "records", record.id()];
    write(session, Method::PATCH, &segments, &[], &changed).await
}

/// Makes the record, or sets it if somebody made it meanwhile. The record's id.
async fn upsert(session: &mut Session<'_>, object: &str, values: &Values) -> Answered<String> {
    let segments = ["objects", object, "records"];
    write(session, Method::PUT, &segments, &[("matching_attribute", "external_id")], values).await
}

async fn write(
    session: &mut Session<'_>,
    method: Method,
    segments: &[&str],
    query: &[(&str, &str)],
    values: &Values,
) -> Answered<String> {
    let attributes: Vec<&str> = values.keys().copied().collect();
    let ask = Ask { query, attributes: &attributes, ..Ask::write(PROJECT, method, segments, wire::body(values)) };
    let record: Record = session.call(ask).await?;
    Ok(record.id().to_owned())
}

fn changed(record: &Record, values: &Values) -> Values {
    values.iter().filter(|(slug, value)| !record.has(slug, value)).map(|(slug, value)| (*slug, value.clone())).collect()
}

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}

/// Why something could not be said or done, for a person.
fn sentence(outcome: Outcome) -> String {
    match outcome {
        Outcome::Rejected { rejection } => rejection.message,
        Outcome::NotSent { detail, .. } | Outcome::Unknown { detail } => detail,
        Outcome::Done { .. } | Outcome::Declined { .. } => "an outcome of another kind".to_owned(),
    }
}

#[cfg(test)]
mod tests;
