//! Attio: finds clients, reads what CRM users ask for, and writes the customer-facing state of billing. Never deletes a
//! record and never writes an attribute that a CRM user fills, but for an act that is answered.

mod action;
mod acts;
mod api;
mod card_page;
mod client_order;
mod drift;
mod ending;
mod erasing;
mod face;
pub mod findings;
mod model;
mod newcomers;
mod notes;
mod offerings;
mod owner;
mod person;
mod plan;
mod profile;
mod projection;
mod records;
mod refusal;
mod request;
pub mod setup;
mod subscribe;
mod tasks;
mod ticket;
pub mod webhook;
mod wire;

pub use acts::{ActIds, Press, Standing};
pub use model::{NO_ACT, PRESSABLE};
pub use setup::SetupError;
pub use subscribe::Webhook;

use crate::connectors::http::Http;
use crate::port::{Call, Report};
use api::{Answered, Api, Session};
use card_page::ShownCard;
use face::Shown;
use iso_currency::Currency;
use offerings::OFFERINGS;
use projection::{Mark, SUBSCRIPTIONS, TRANSACTIONS};
use records::{changed, get, is_not_found, patch, query, replace, upsert};
use reqwest::Url;
use sagas::kernel::answer::{Answer, Client};
use sagas::kernel::effect::{self, AttioRecord, Projection};
use sagas::kernel::outcome::{Look, Outcome};
use secrecy::SecretString;
use serde_json::json;
use tokio::sync::OnceCell;
use wire::{Record, Value, Values};

const FIND_CLIENT: &str = "attio.find_client";
const PROJECT: &str = "attio.project";
const SET_COMPLIANCE: &str = "attio.set_compliance";

/// Where and as whom to call. Its `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// `https://api.attio.com`, or the sandbox.
    pub base_url: Url,
    /// The workspace's API key.
    pub api_key: SecretString,
    /// The currency of the workspace's amount attributes: Attio fixes it per attribute, not per record.
    pub currency: Currency,
    /// The workspace member who gets the tasks that name nobody.
    pub task_owner: Option<String>,
}

/// The connector of one workspace.
pub struct Attio {
    api: Api,
    currency: Currency,
    task_owner: Option<String>,
    act_ids: OnceCell<ActIds>,
    trial_act_ids: OnceCell<ActIds>,
    catalog_id: OnceCell<String>,
}

impl Attio {
    /// Sets it up; nothing is sent.
    ///
    /// # Errors
    /// The key or the address cannot be used; the text says what was expected.
    pub fn new(config: &Config, http: Http) -> Result<Self, String> {
        let (api, task_owner) = (Api::new(config, http)?, config.task_owner.clone());
        Ok(Self {
            api,
            currency: config.currency,
            task_owner,
            act_ids: OnceCell::new(),
            trial_act_ids: OnceCell::new(),
            catalog_id: OnceCell::new(),
        })
    }

    /// Makes the call: each of its requests once.
    pub async fn perform(&self, call: &Call, effect: &effect::Attio) -> Report {
        let mut session = self.api.session(call.time_limit);
        let mut person = None;
        let answered = match effect {
            effect::Attio::FindClient { zoho_customer, record } => {
                find_client(&mut session, zoho_customer, record.as_ref()).await
            }
            effect::Attio::Project(projection) => self.project(&mut session, projection).await,
            effect::Attio::ReadRequest { record } => request::read(&mut session, record).await,
            effect::Attio::ReadPerson { client, customer: _ } => {
                person::read(&mut session, client).await.map(|(answer, read)| {
                    person = Some(read);
                    answer
                })
            }
            effect::Attio::ReadClient { client, customer } => {
                person::read_client(&mut session, client, customer).await.map(|(answer, read)| {
                    person = Some(read);
                    answer
                })
            }
            effect::Attio::MakePerson { customer: _, lead_source } => {
                newcomers::make(&mut session, call.beside.person.as_ref(), lead_source.as_ref()).await
            }
            effect::Attio::FindPerson { customer: _ } => {
                let found = newcomers::found(&mut session, call.beside.person.as_ref()).await;
                found.map(|found| found.unwrap_or(Answer::Nothing))
            }
            effect::Attio::ShowClient(standing) => newcomers::show(&mut session, standing).await,
            effect::Attio::ShowSubscription(face) => match Shown::new(face, call.beside.link.as_ref(), self.currency) {
                Ok(shown) => shown.write(&mut session).await,
                Err(outcome) => Err(outcome),
            },
            effect::Attio::ShowCardPage(face) => match ShownCard::new(face, call.beside.link.as_ref()) {
                Ok(shown) => shown.write(&mut session).await,
                Err(outcome) => Err(outcome),
            },
            effect::Attio::AddTask(note) => {
                tasks::add(&mut session, SUBSCRIPTIONS, note, self.task_owner.as_ref()).await
            }
            effect::Attio::AddCatalogTask(note) => {
                tasks::add(&mut session, OFFERINGS, note, self.task_owner.as_ref()).await
            }
            effect::Attio::ReadCatalog => {
                let shown = offerings::all(&mut session, self.currency).await;
                shown.map(|shown| Answer::ShownCatalog(Box::new(shown)))
            }
            effect::Attio::ShowOffering(face) => offerings::show(&mut session, face, self.currency).await,
            effect::Attio::AnswerCatalogAct(press) => offerings::answer(&mut session, press).await,
            effect::Attio::ShowEnding(face) => ending::write(&mut session, face).await,
            effect::Attio::ShowOwner(face) => owner::write(&mut session, face).await,
            effect::Attio::ShowPlan(face) => plan::write(&mut session, face, self.currency).await,
            effect::Attio::RefuseAct(refusal) => refusal::write(&mut session, refusal).await,
            effect::Attio::AskAction(action) => action::write(&mut session, action).await,
            effect::Attio::ShowTicket(face) => ticket::write(&mut session, face).await,
            effect::Attio::AddNote(note) => notes::add(&mut session, note).await,
            effect::Attio::WriteProfile(order) => {
                client_order::write(&mut session, order, &call.beside.displaced).await
            }
            effect::Attio::ShowProfile(face) => profile::write(&mut session, face).await,
            effect::Attio::NoteDisplaced(note) => profile::note(&mut session, note, &call.beside.displaced).await,
            effect::Attio::AddRecordTask { object, task } => {
                tasks::add(&mut session, object, task, self.task_owner.as_ref()).await
            }
            effect::Attio::SeekPerson { client } => erasing::seek(&mut session, client).await,
            effect::Attio::ErasePerson { person } => erasing::erase(&mut session, person).await,
            effect::Attio::SetCompliance { client, laws } => {
                let values = compliance(laws);
                replace(&mut session, SET_COMPLIANCE, client, &values).await.map(|()| Answer::Nothing)
            }
        };
        let outcome = answered.map_or_else(|outcome| *outcome, |answer| Outcome::Done { answer });
        Report { outcome, request_id: session.request_id, person }
    }

    /// Reads back whether a write stands. A read has nothing to look up: it is read again.
    pub async fn look(&self, call: &Call, effect: &effect::Attio) -> Look {
        let absent = Look::Absent { watermark: false, key_proven: false };
        let mut session = self.api.session(call.time_limit);
        let stands = match effect {
            effect::Attio::FindClient { .. }
            | effect::Attio::ReadRequest { .. }
            | effect::Attio::ReadPerson { .. }
            | effect::Attio::SeekPerson { .. }
            | effect::Attio::ReadClient { .. }
            | effect::Attio::FindPerson { .. }
            | effect::Attio::ReadCatalog => return absent,
            effect::Attio::ErasePerson { person } => erasing::stands(&mut session, person).await,
            effect::Attio::MakePerson { .. } => newcomers::found(&mut session, call.beside.person.as_ref()).await,
            effect::Attio::ShowClient(standing) => newcomers::stands(&mut session, standing).await,
            effect::Attio::ShowOffering(face) => offerings::stands(&mut session, face, self.currency).await,
            effect::Attio::AnswerCatalogAct(press) => offerings::is_answered(&mut session, press).await,
            effect::Attio::Project(projection) => self.stands(&mut session, projection).await,
            effect::Attio::ShowSubscription(face) => match Shown::new(face, call.beside.link.as_ref(), self.currency) {
                Ok(shown) => shown.stands(&mut session).await,
                Err(outcome) => Err(outcome),
            },
            effect::Attio::ShowCardPage(face) => match ShownCard::new(face, call.beside.link.as_ref()) {
                Ok(shown) => shown.stands(&mut session).await,
                Err(outcome) => Err(outcome),
            },
            effect::Attio::ShowEnding(face) => ending::stands(&mut session, face).await,
            effect::Attio::ShowOwner(face) => owner::stands(&mut session, face).await,
            effect::Attio::ShowPlan(face) => plan::stands(&mut session, face, self.currency).await,
            effect::Attio::RefuseAct(refusal) => refusal::stands(&mut session, refusal).await,
            effect::Attio::AskAction(action) => action::stands(&mut session, action).await,
            effect::Attio::ShowTicket(face) => ticket::stands(&mut session, face).await,
            effect::Attio::AddNote(note) => {
                notes::exists(&mut session, note).await.map(|exists| exists.then_some(Answer::Nothing))
            }
            effect::Attio::WriteProfile(order) => {
                client_order::stands(&mut session, order, &call.beside.displaced).await
            }
            effect::Attio::ShowProfile(face) => profile::stands(&mut session, face).await,
            effect::Attio::NoteDisplaced(note) => profile::is_noted(&mut session, note).await,
            effect::Attio::AddRecordTask { object, task } => {
                let exists = tasks::exists(&mut session, object, task).await;
                exists.map(|exists| exists.then_some(Answer::Nothing))
            }
            effect::Attio::SetCompliance { client, laws } => match get(&mut session, SET_COMPLIANCE, client).await {
                Ok(record) => Ok(changed(&record, &compliance(laws)).is_empty().then_some(Answer::Nothing)),
                Err(outcome) => Err(outcome),
            },
            effect::Attio::AddTask(note) => {
                let exists = tasks::exists(&mut session, SUBSCRIPTIONS, note).await;
                exists.map(|exists| exists.then_some(Answer::Nothing))
            }
            effect::Attio::AddCatalogTask(note) => {
                let exists = tasks::exists(&mut session, OFFERINGS, note).await;
                exists.map(|exists| exists.then_some(Answer::Nothing))
            }
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
                    let values = projection::on_record(&record, values);
                    update(session, SUBSCRIPTIONS, &record, &values, projection).await?
                } else {
                    let made_by_us = values.into_iter().chain(projection::customer(projection)).collect();
                    upsert(session, PROJECT, SUBSCRIPTIONS, &made_by_us).await?
                })
            }
            None => None,
        };
        let values = projection::of_transaction(projection, subscription_record.as_deref(), self.currency);
        let transaction_record = match find_transaction(session, projection).await? {
            Some(record) => update(session, TRANSACTIONS, &record, &values, projection).await?,
            None => upsert(session, PROJECT, TRANSACTIONS, &values).await?,
        };
        if let Some(client) = &projection.client {
            let record = get(session, PROJECT, client).await?;
            update(session, &client.object, &record, &projection::of_client(projection), projection).await?;
        }
        Ok(Answer::Projected { transaction_record: Some(transaction_record), subscription_record })
    }

    /// The answer as if the write had been answered, if every record shows the projection or something newer.
    async fn stands(&self, session: &mut Session<'_>, projection: &Projection) -> Answered<Option<Answer>> {
        let shows = |record: &Record, values: &Values| {
            Mark::from(projection).is_older_than(record) || changed(record, values).is_empty()
        };
        let subscription_record = match &projection.subscription {
            Some(subscription) => match find_subscription(session, subscription).await? {
                Some(record) => {
                    let values = projection::on_record(&record, projection::of_subscription(projection, subscription));
                    if !shows(&record, &values) {
                        return Ok(None);
                    }
                    Some(record.id().to_owned())
                }
                None => return Ok(None),
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
        match query(session, FIND_CLIENT, object, &json!({ "filter": filter, "limit": 10 })).await?.as_slice() {
            [] => {}
            [record] => return Ok(client(object, record)),
            [..] => return Ok(no_client(true)),
        }
    }
    Ok(no_client(false))
}

/// The attribute alone: what else the write named, it would replace too.
fn compliance(laws: &[String]) -> Values {
    Values::from([("compliance", Value::Options(laws.to_vec()))])
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

/// The record that we hold linked if there still is one; else the one with our reference; else one that a CRM user made for the same Zoho subscription, which an upsert by our
/// reference would double.
async fn find_subscription(
    session: &mut Session<'_>,
    subscription: &effect::SubscriptionProjection,
) -> Answered<Option<Record>> {
    if let Some(id) = &subscription.record {
        let linked = AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: id.clone() };
        match get(session, PROJECT, &linked).await {
            Ok(record) => return Ok(Some(record)),
            Err(outcome) if is_not_found(&outcome) => {}
            Err(outcome) => return Err(outcome),
        }
    }
    let filter = json!({ "$or": [
        { "external_id": { "$eq": subscription.external_id } },
        { "zoho_subscription_id": { "$eq": subscription.zoho_subscription } },
    ] });
    let mut records = query(session, PROJECT, SUBSCRIPTIONS, &json!({ "filter": filter, "limit": 10 })).await?;
    let ours = |record: &Record| record.text("external_id").as_deref() == Some(subscription.external_id.as_str());
    let unclaimed = |record: &Record| record.text("external_id").is_none();
    let position = records.iter().position(ours).or_else(|| records.iter().position(unclaimed));
    Ok(position.map(|at| records.swap_remove(at)))
}

async fn find_transaction(session: &mut Session<'_>, projection: &Projection) -> Answered<Option<Record>> {
    let filter = json!({ "external_id": { "$eq": projection.transaction.external_id } });
    Ok(query(session, PROJECT, TRANSACTIONS, &json!({ "filter": filter, "limit": 10 })).await?.pop())
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
    if Mark::from(projection).is_older_than(record) || changed.is_empty() {
        return Ok(record.id().to_owned());
    }
    patch(session, PROJECT, object, record.id(), &changed).await
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
