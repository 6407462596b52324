//! Links to the page for another card: asked for in Attio, or by another program, as an item for the card update that is
//! for it. Answers nobody in Attio: that is the saga's.

use super::acts::{DECLINES_BEFORE_LOCK, LOCK_MINUTES};
use crate::checkout::CONSENT_VERSION;
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::attio::Press;
use crate::engine::items::Body;
use crate::store::inbox::OfferError;
use crate::store::items::{self, NewItem, offer_item};
use crate::store::query::{self, SagaFilter};
use crate::store::{Store, StoreError};
use chrono::{DateTime, SubsecRound as _, Utc};
use sagas::kernel::effect::SubscriptionKey;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::{Command, PaymentMethodUpdate, Terms};
use serde_json::Value;
use std::sync::Arc;
use uuid::Uuid;

/// The act's title.
pub(super) const ACT: &str = "Send card link";

/// An old card is kept so many days after it was replaced.
const KEEP_DAYS: u32 = 7;
/// Card updates of one record that are looked through for the one that runs; the last started come first.
const SAGAS_AT_MOST: u16 = 20;

/// Finds out which card update hears of a request, and offers it.
pub struct Cards {
    store: Store,
    clock: Arc<dyn Clock>,
    installation: Installation,
    terms: Terms,
}

impl Cards {
    /// Requests of this installation.
    pub(super) fn new(config: &Config, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, installation: config.installation.clone(), terms: terms(config) }
    }

    /// The item of a press.
    pub(super) async fn of_press(&self, press: &Press, key: String) -> Result<NewItem, StoreError> {
        let saga = self.running_or(&press.record, press.pressed_at).await?;
        let command = self.command(&press.record, press.pressed_at, true);
        Ok(item(saga, "attio.send_card_link", format!("attio:{}", press.member), command, key))
    }

    /// Takes a request of another program: the same key is the same request. Answers with the card update that hears it
    /// and the item by which it does.
    ///
    /// # Errors
    /// The key belongs to a request about another record, or the database cannot be reached.
    pub async fn order(&self, record: &str, key: &str, principal: &str) -> Result<(SagaId, Uuid), OfferError> {
        let key = format!("api:card-link:{key}");
        if let Some(known) = self.ordered(&key, record).await? {
            return Ok(known);
        }
        // To the microsecond: what is kept with the card update is told from it again.
        let at = self.clock.now().trunc_subsecs(6);
        let saga = self.running_or(record, at).await?;
        let command = self.command(record, at, false);
        let item = item(saga, "api.send_card_link", principal.to_owned(), command, key.clone());
        match offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await {
            Ok(id) => Ok((saga, id)),
            // Ordered at the same moment: the one that came first counts.
            Err(OfferError::KeyReused) => self.ordered(&key, record).await?.ok_or(OfferError::KeyReused),
            Err(e) => Err(e),
        }
    }

    /// What was ordered under a key.
    async fn ordered(&self, key: &str, record: &str) -> Result<Option<(SagaId, Uuid)>, OfferError> {
        let Some(known) = items::item_of_key(&self.store.pool, key).await? else { return Ok(None) };
        let body = serde_json::from_str(&known.body);
        let is_same =
            matches!(body, Ok(Body::Saga { command }) if command["subscription"]["record"].as_str() == Some(record));
        if is_same { Ok(Some((known.saga, known.id))) } else { Err(OfferError::KeyReused) }
    }

    /// Asked for again before a card was switched: it is that update's, which makes a new link. Afterwards it is a new one.
    async fn running_or(&self, record: &str, at: DateTime<Utc>) -> Result<SagaId, StoreError> {
        let filter = SagaFilter {
            kind: Some(PaymentMethodUpdate::NAME.to_owned()),
            reference: Some(record.to_owned()),
            ..SagaFilter::default()
        };
        let sagas = query::sagas(&self.store.pool, &filter, None, SAGAS_AT_MOST).await?;
        let running =
            sagas.into_iter().find(|saga| saga.ended.is_none() && PaymentMethodUpdate::takes_requests(&saga.state));
        Ok(running.map_or_else(|| PaymentMethodUpdate::id(&key_of(record), at), |saga| saga.id))
    }

    fn command(&self, record: &str, requested_at: DateTime<Utc>, pressed: bool) -> Value {
        let command = Command::Requested {
            installation: self.installation.clone(),
            subscription: key_of(record),
            requested_at,
            pressed,
            terms: Box::new(self.terms.clone()),
        };
        serde_json::to_value(command).expect("a command of plain texts and numbers always serialises")
    }
}

/// The settings that a card update runs under, as other flows pass them on.
pub(super) fn link_terms(config: &Config) -> Value {
    serde_json::to_value(terms(config)).expect("settings of plain texts and numbers always serialise")
}

/// The settings that a card update runs under.
fn terms(config: &Config) -> Terms {
    Terms {
        link_days: config.offers.link_days,
        consent_version: CONSENT_VERSION.to_owned(),
        declines_before_lock: DECLINES_BEFORE_LOCK,
        lock_minutes: LOCK_MINUTES,
        keep_days: KEEP_DAYS,
    }
}

fn key_of(record: &str) -> SubscriptionKey {
    SubscriptionKey::Attio { record: record.to_owned() }
}

fn item(saga: SagaId, kind: &str, principal: String, command: Value, key: String) -> NewItem {
    NewItem {
        saga,
        saga_kind: PaymentMethodUpdate::NAME.to_owned(),
        kind: kind.to_owned(),
        principal,
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: Some(key),
    }
}
