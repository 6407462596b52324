//! How a subscription is ended, as items for its one stream: from an act in Attio, from the API, from what Zoho says, and
//! from people who choose what happens with the money. Decides nothing: whether a subscription may be ended is the stream's.

use super::acts::Acts;
use super::operator::Order as By;
use super::triggers::is_zoho_id;
use super::unserved;
use crate::connectors::attio::Press as Pressed;
use crate::engine::items::Body;
use crate::store::inbox::OfferError;
use crate::store::items::{Item, NewItem, item_of_key};
use crate::store::links::{LinkKind, find, links_of};
use crate::store::query::SagaLine;
use crate::store::{Store, StoreError};
use sagas::cancellation::{Cancellation, Choice, Command, News, Of, Order, Press, Wish};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::subscription_activation::{self as activation, SubscriptionActivation};
use sagas::zoho_native::ZohoNative;
use uuid::Uuid;

/// By what a subscription is named in an order.
#[derive(Debug, Clone)]
pub enum Named {
    /// Its record in Attio.
    Record(String),
    /// Its subscription at Zoho.
    Zoho(String),
}

/// What another program or an operator orders of a subscription.
#[derive(Debug, Clone)]
pub struct EndingOrder {
    /// Which subscription.
    pub named: Named,
    /// What shall become of it.
    pub wish: Wish,
    /// What happens with the money, as far as it is chosen.
    pub choice: Choice,
    /// Who, why, and the key under which it has one effect.
    pub by: By,
}

/// Why an order reached nobody.
#[derive(Debug, thiserror::Error)]
pub enum EndingError {
    /// No subscription of ours is named so.
    #[error("no subscription of ours is linked to {0}")]
    Unknown(String),
    /// The inbox did not take it.
    #[error(transparent)]
    Offer(#[from] OfferError),
}

impl From<StoreError> for EndingError {
    fn from(error: StoreError) -> Self {
        Self::Offer(error.into())
    }
}

/// The wish that an act's title stands for.
pub(super) fn wish(title: &str) -> Option<Wish> {
    Wish::ALL.into_iter().find(|wish| wish.title() == title)
}

/// The Zoho subscription of a record, where it is linked.
pub(super) async fn subscription_of(store: &Store, record: &str) -> Result<Option<String>, StoreError> {
    let pool = &store.pool;
    let Some(ours) = find(pool, LinkKind::AttioSubscription, record).await? else { return Ok(None) };
    let links = links_of(pool, &ours).await?;
    Ok(links.into_iter().find(|(kind, _)| *kind == LinkKind::ZohoSubscription).map(|(_, theirs)| theirs))
}

impl Acts {
    /// The item of a press that ends a subscription, or takes that back; an answer where there is none on the record.
    pub(super) async fn ending(&self, press: &Pressed, wish: Wish, key: String) -> Result<NewItem, StoreError> {
        let Some(subscription) = subscription_of(&self.store, &press.record).await? else {
            return Ok(unserved::item(press, key));
        };
        let principal = format!("attio:{}", press.member);
        let order = Order {
            wish,
            choice: Choice::default(),
            reason: String::new(),
            by: principal.clone(),
            press: Some(Press { record: press.record.clone(), pressed_at: press.pressed_at }),
        };
        Ok(NewItem {
            principal,
            idempotency_key: Some(key),
            ..self.ordered_ending(subscription, format!("attio.{}", wish.as_str()), order)
        })
    }

    fn ordered_ending(&self, subscription: String, kind: String, order: Order) -> NewItem {
        let of = self.of(subscription);
        let saga = Cancellation::id(&of.organization, &of.subscription);
        item(saga, kind, &order.by.clone(), &Command::Ordered { of, order: Box::new(order) })
    }

    fn of(&self, subscription: String) -> Of {
        of(&self.organization, &self.installation, subscription)
    }

    /// Takes an order: the same key is the same order. While an activation of the record runs, it is that one's: before its
    /// pivot all is undone. Answers with the saga that hears it and the item by which it does.
    ///
    /// # Errors
    /// No subscription of ours is named so, the key belongs to another order, or the database cannot be reached.
    pub async fn order_ending(&self, order: EndingOrder) -> Result<(SagaId, Uuid), EndingError> {
        let EndingOrder { named, wish, choice, by } = order;
        let kind = format!("api.{}", wish.as_str());
        let running = match &named {
            Named::Record(record) if wish == Wish::CancelNow => self.running(record).await?,
            Named::Record(_) | Named::Zoho(_) => None,
        };
        let native = match &named {
            Named::Record(record) if wish == Wish::CancelNow => self.native(record, running).await?,
            Named::Record(_) | Named::Zoho(_) => None,
        };
        let key = by.key.map(|key| format!("api:cancellation:{key}"));
        let mut item = if let Some(saga) = native {
            Self::native_called_off(saga, &kind, &by.by, by.reason)
        } else if let Some(saga) = running {
            let command = activation::Command::CancelOrdered { reason: by.reason };
            let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
            NewItem { saga_kind: SubscriptionActivation::NAME.to_owned(), ..plain(saga, kind, &by.by, command) }
        } else {
            let subscription = match &named {
                Named::Record(record) => subscription_of(&self.store, record).await?,
                Named::Zoho(subscription) => Some(subscription.clone()),
            };
            let Some(subscription) = subscription else {
                // What an activation was told, which is over by now, is the same order still.
                if let Some(known) = self.known_order(key.as_deref(), &kind).await? {
                    return Ok(known);
                }
                let (Named::Record(name) | Named::Zoho(name)) = named;
                return Err(EndingError::Unknown(name));
            };
            self.ordered_ending(subscription, kind, Order { wish, choice, reason: by.reason, by: by.by, press: None })
        };
        item.idempotency_key = key;
        let saga = item.saga;
        match self.store.offer(&item).await {
            Ok(id) => Ok((saga, id)),
            // Begun while the activation ran, and asked again after it: where it was heard first, it stays.
            Err(error @ OfferError::KeyReused) if item.saga_kind == Cancellation::NAME => {
                let known = self.known_order(item.idempotency_key.as_deref(), &item.kind).await?;
                known.filter(|(heard, _)| *heard != saga).ok_or(EndingError::Offer(error))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An order that an activation heard under that key, as long as it ran.
    async fn known_order(&self, key: Option<&str>, kind: &str) -> Result<Option<(SagaId, Uuid)>, StoreError> {
        let Some(key) = key else { return Ok(None) };
        let known = item_of_key(&self.store.pool, key).await?;
        let starts = [SubscriptionActivation::NAME, ZohoNative::NAME];
        let is_same = |known: &Item| known.kind == kind && starts.contains(&known.saga_kind.as_str());
        Ok(known.filter(is_same).map(|known| (known.saga, known.id)))
    }
}

fn of(organization: &str, installation: &Installation, subscription: String) -> Of {
    Of { organization: organization.to_owned(), installation: installation.clone(), subscription }
}

/// What Zoho's event says of a subscription's end; none: nothing.
fn news(kind: &str) -> Option<News> {
    match kind {
        "subscription_cancelled" | "subscription_expired" => Some(News::Ended),
        "subscription_cancellation_scheduled" => Some(News::Scheduled),
        "subscription_reactivated" => Some(News::GoesOn),
        _ => None,
    }
}

/// The item by which a subscription of ours hears what Zoho says of its end; none where it says nothing of that, or the
/// subscription is none of ours.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn noticed(
    store: &Store,
    organization: &str,
    installation: &Installation,
    kind: &str,
    subscription: Option<&str>,
) -> Result<Option<NewItem>, StoreError> {
    let Some((news, subscription)) = news(kind).zip(subscription.filter(|id| is_zoho_id(id))) else { return Ok(None) };
    if find(&store.pool, LinkKind::ZohoSubscription, subscription).await?.is_none() {
        return Ok(None);
    }
    let of = of(organization, installation, subscription.to_owned());
    let saga = Cancellation::id(&of.organization, &of.subscription);
    Ok(Some(item(saga, format!("zoho.{kind}"), "zoho", &Command::Noticed { of, news })))
}

/// A person chooses what happens with the money of a subscription that was cancelled.
///
/// # Errors
/// The saga is of another flow.
pub fn choose(saga: &SagaLine, choice: Choice, by: By) -> Result<NewItem, String> {
    if saga.kind != Cancellation::NAME {
        return Err(format!(
            "cannot choose for saga {}: it is a {}, and only a {} asks for a choice (state: {})",
            saga.id,
            saga.kind,
            Cancellation::NAME,
            saga.state
        ));
    }
    let command = Command::Chosen { choice, reason: by.reason, by: by.by.clone() };
    let chosen = item(saga.id, "operator.choose".to_owned(), &by.by, &command);
    Ok(NewItem { idempotency_key: by.key.map(|key| format!("operator:{}:{key}", saga.id)), ..chosen })
}

fn item(saga: SagaId, kind: String, principal: &str, command: &Command) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    plain(saga, kind, principal, command)
}

fn plain(saga: SagaId, kind: String, principal: &str, command: serde_json::Value) -> NewItem {
    NewItem {
        saga,
        saga_kind: Cancellation::NAME.to_owned(),
        kind,
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_and_events_that_end_a_subscription_are_known_by_their_names() {
        assert_eq!(wish("Cancel at term end"), Some(Wish::CancelAtEnd));
        assert_eq!(wish("Change plan"), None);
        assert_eq!(news("subscription_cancelled"), Some(News::Ended));
        assert_eq!(news("subscription_renewed"), None);
    }
}
