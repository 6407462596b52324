//! Changes of customers in Attio, as items for the one stream that carries each customer's on: an edit of their record or of a
//! person at their company, a record that is gone, and what is ordered through the API. Reads no field of a person.

use super::triggers::{Trigger, unread};
use crate::connectors::Connectors;
use crate::connectors::attio::webhook::Notice;
use crate::engine::items::Body;
use crate::store::inbox::OfferError;
use crate::store::items::{NewItem, offer_item};
use crate::store::links::{self, LinkKind, links_of};
use crate::store::{Store, StoreError, profiles};
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::ids::SagaId;
use sagas::kernel::profile::{self, Values};
use sagas::kernel::saga::Saga;
use sagas::profile_change::{Command, ProfileChange};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const PEOPLE: &str = "people";
const COMPANIES: &str = "companies";

/// Why nothing is carried on.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// No record in Attio is the customer's.
    #[error("no record in Attio is linked with the customer `{0}`")]
    Unlinked(String),
    /// Nothing is held of the customer: never read, or erased.
    #[error("nothing is held of the customer `{0}`: never read from Attio, or erased")]
    NotHeld(String),
    /// The inbox.
    #[error(transparent)]
    Offer(#[from] OfferError),
}

impl From<StoreError> for ProfileError {
    fn from(error: StoreError) -> Self {
        Self::Offer(OfferError::Store(error))
    }
}

/// What is ordered of a customer through the API.
#[derive(Clone, PartialEq, Eq)]
pub enum ProfileOrder {
    /// The record in Attio is read anew, and carried on.
    CarryOn,
    /// These values are written onto the record in Attio, and carried on.
    Write(Values),
    /// All is compared, and what others changed elsewhere is put right.
    Check,
    /// Another currency is wanted.
    Currency(String),
}

/// Finds out whose records changed.
pub struct Profiles {
    store: Store,
    connectors: Arc<Connectors>,
    call_limit: Duration,
}

impl Profiles {
    pub(super) const fn new(store: Store, connectors: Arc<Connectors>, call_limit: Duration) -> Self {
        Self { store, connectors, call_limit }
    }

    /// A record that was deleted or merged; none: it is nobody's whom we know, or something else happened.
    pub(super) async fn of_gone(&self, notice: &Notice) -> Option<Trigger> {
        let merged = match notice.kind.as_str() {
            "record.deleted" => false,
            "record.merged" => true,
            _ => return None,
        };
        // It becomes a key and a part of an address: nothing but an id may get there.
        let id = |id: &Option<String>| id.clone().filter(|id| Uuid::try_parse(id).is_ok());
        let (left, gone) = (id(&notice.record), id(&notice.duplicate_record));
        let gone = if merged { gone? } else { left.clone()? };
        let (customer, client) = match self.customer_of(&gone).await {
            Ok(found) => found?,
            Err(e) => return Some(later(&e)),
        };
        let command = match left.filter(|_| merged) {
            Some(into) => {
                let into = AttioRecord { object: client.object.clone(), id: into };
                Command::Merged { customer: customer.clone(), from: client, into }
            }
            None => Command::Deleted { customer: customer.clone(), client },
        };
        Some(Trigger::Items(vec![heard(&customer, notice, &command)]))
    }

    /// An edit of a record by a person: of a customer's, or of somebody's at a company that is one.
    pub(super) async fn of_edit(&self, notice: &Notice, record: &str, people: Option<&str>) -> Trigger {
        let found = match self.customer_of(record).await {
            Ok(None) if people.is_some() && notice.object.as_deref() == people => self.customer_at(record).await,
            Ok(found) => Ok(found),
            Err(e) => return later(&e),
        };
        match found {
            Ok(Some((customer, client))) => {
                let by = notice.actor.as_deref().map_or_else(|| "attio".to_owned(), |actor| format!("attio:{actor}"));
                let command = Command::Changed { customer: customer.clone(), client, by };
                Trigger::Items(vec![heard(&customer, notice, &command)])
            }
            Ok(None) => Trigger::Ignored(
                "it concerns no act on a subscription or a person, and the record is no customer's".to_owned(),
            ),
            Err(trigger) => trigger,
        }
    }

    /// Whose record that is.
    async fn customer_of(&self, record: &str) -> Result<Option<(String, AttioRecord)>, StoreError> {
        for (kind, object) in [(LinkKind::AttioPerson, PEOPLE), (LinkKind::AttioCompany, COMPANIES)] {
            if let Some(customer) = links::find(&self.store.pool, kind, record).await? {
                return Ok(Some((customer, AttioRecord { object: object.to_owned(), id: record.to_owned() })));
            }
        }
        Ok(None)
    }

    /// The customer that a person's company is: one further read.
    async fn customer_at(&self, person: &str) -> Result<Option<(String, AttioRecord)>, Trigger> {
        match self.connectors.attio.company_of(person, self.call_limit).await {
            Ok(Some(company)) => self.customer_of(&company).await.map_err(|e| later(&e)),
            Ok(None) => Ok(None),
            Err(outcome) => Err(unread(*outcome)),
        }
    }

    /// Takes an order about a customer: the same key is the same order. Answers with the stream and the item by which it hears.
    ///
    /// # Errors
    /// No record in Attio is the customer's, the key was used for something else, or the database cannot be reached.
    pub async fn order(
        &self,
        customer: &str,
        order: ProfileOrder,
        (principal, key): (&str, &str),
    ) -> Result<(SagaId, Uuid), ProfileError> {
        let links = links_of(&self.store.pool, customer).await?;
        let linked = |wanted, object: &str| {
            let found = links.iter().find(|(kind, _)| *kind == wanted);
            found.map(|(_, id)| AttioRecord { object: object.to_owned(), id: id.clone() })
        };
        let client = linked(LinkKind::AttioCompany, COMPANIES).or_else(|| linked(LinkKind::AttioPerson, PEOPLE));
        let client = client.ok_or_else(|| ProfileError::Unlinked(customer.to_owned()))?;
        let (ours, by) = (customer.to_owned(), principal.to_owned());
        let key = format!("api:profile:{customer}:{key}");
        let (kind, command) = match order {
            ProfileOrder::Write(values) => return self.write(customer, client, &values, (principal, key)).await,
            ProfileOrder::CarryOn => ("api.profile", Command::Changed { customer: ours, client, by }),
            ProfileOrder::Check => ("api.profile_check", Command::Check { customer: ours, client, by }),
            ProfileOrder::Currency(currency) => {
                ("api.profile_currency", Command::CurrencyAsked { customer: ours, client, currency, by })
            }
        };
        let item = item(customer, kind, principal.to_owned(), key, &command);
        let id = offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await?;
        Ok((item.saga, id))
    }

    /// The order names fields alone: what they are to say is kept beside the log.
    async fn write(
        &self,
        customer: &str,
        client: AttioRecord,
        values: &Values,
        (principal, key): (&str, String),
    ) -> Result<(SagaId, Uuid), ProfileError> {
        let (ours, by, mark) = (customer.to_owned(), principal.to_owned(), key.clone());
        let fields = values.keys().copied().collect();
        let command = Command::Patched { customer: ours, client, fields, mark: mark.clone(), by };
        let item = item(customer, "api.profile_values", principal.to_owned(), key, &command);
        let kept = (customer, mark.as_str(), profile::WANTED);
        let offered =
            profiles::offer_with(&self.store.pool, self.store.node.shard_count(), &item, kept, values).await?;
        let id = offered.ok_or_else(|| ProfileError::NotHeld(customer.to_owned()))?;
        Ok((item.saga, id))
    }
}

fn heard(customer: &str, notice: &Notice, command: &Command) -> NewItem {
    let principal = notice.actor.as_deref().map_or_else(|| "attio".to_owned(), |actor| format!("attio:{actor}"));
    item(customer, &format!("attio.{}", notice.kind), principal, format!("attio:profile:{}", notice.key), command)
}

fn item(customer: &str, kind: &str, principal: String, key: String, command: &Command) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga: ProfileChange::id(customer),
        saga_kind: ProfileChange::NAME.to_owned(),
        kind: kind.to_owned(),
        principal,
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: Some(key),
    }
}

fn later(error: &StoreError) -> Trigger {
    tracing::warn!(error = %error, "whose record changed could not be read");
    Trigger::Later
}
