//! The streams that tell customers what will be charged: begun by a sweep over the subscriptions that are ours, and woken by what
//! Zoho says of one. Reads our own tables alone; when what is told is the stream's.

use super::cards;
use super::triggers::is_zoho_id;
use crate::clock::Clock;
use crate::config::{Config, NoticesSender};
use crate::engine::Engine;
use crate::engine::items::Body;
use crate::store::inbox::OfferError;
use crate::store::items::{NewItem, offer_item};
use crate::store::links::untold_subscriptions;
use crate::store::{Store, StoreError, saga_store};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::notice::{Command, Notices, Of, Sender, Terms};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Time between two sweeps: a trial that is told of three days before its end is not found too late.
const EVERY: TimeDelta = TimeDelta::hours(1);
/// How often it is asked whether a sweep is due, at most.
const TICK: Duration = Duration::from_secs(30);
/// Subscriptions that are told at once.
const AT_ONCE: u16 = 500;

/// Sees to it that every subscription of ours has its stream, under the settings of now.
pub struct NoticeSweep {
    store: Store,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    organization: String,
    installation: Installation,
    terms: Terms,
}

impl NoticeSweep {
    /// Of this installation's organization.
    pub fn new(config: &Config, store: Store, engine: Arc<Engine>, clock: Arc<dyn Clock>) -> Self {
        let sender = match config.notices_sender {
            NoticesSender::Orchestrator => Sender::Orchestrator,
            NoticesSender::Zoho => Sender::Zoho,
        };
        Self {
            store,
            engine,
            clock,
            organization: config.vendors.zoho.organization_id.clone(),
            installation: config.installation.clone(),
            terms: Terms { sender, card_link: cards::link_terms(config) },
        }
    }

    /// Sweeps until stopped, whenever it is due by business time.
    pub async fn run(self, looks_every: Duration, stop: CancellationToken) {
        let mut swept_at: Option<DateTime<Utc>> = None;
        loop {
            let now = self.clock.now();
            if swept_at.is_none_or(|at| now - at >= EVERY) {
                match stop.run_until_cancelled(self.sweep()).await {
                    None => return,
                    Some(Ok(())) => swept_at = Some(now),
                    Some(Err(e)) => tracing::warn!(error = %e, "the sweep of notices was not finished; it is repeated"),
                }
            }
            if tokio::time::timeout(looks_every.min(TICK), stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Tells every subscription's stream of the settings of now, each once: the first time it begins.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn sweep(&self) -> Result<(), OfferError> {
        let prefix = self.prefix();
        loop {
            let untold = untold_subscriptions(&self.store.pool, &prefix, AT_ONCE).await?;
            for subscription in &untold {
                let item = self.item(subscription, format!("{prefix}{subscription}"));
                offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await?;
            }
            if !untold.is_empty() {
                self.engine.wake();
            }
            if untold.len() < usize::from(AT_ONCE) {
                return Ok(());
            }
        }
    }

    /// Other settings are other news.
    fn prefix(&self) -> String {
        let settings = serde_json::to_vec(&self.terms).expect("settings of plain texts and numbers always serialise");
        format!("notice:{}:", hex::encode(&Sha256::digest(settings)[..6]))
    }

    fn item(&self, subscription: &str, key: String) -> NewItem {
        let of = Of {
            organization: self.organization.clone(),
            installation: self.installation.clone(),
            subscription: subscription.to_owned(),
        };
        let saga = Notices::id(&self.organization, subscription);
        let command = Command::Watch { of, terms: Box::new(self.terms.clone()) };
        NewItem { idempotency_key: Some(key), ..item(saga, "notice.watch".to_owned(), "sweep", &command) }
    }
}

/// The item by which the stream of a subscription hears that Zoho says something of it; none where there is no stream, or
/// nothing is said of a subscription.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn noticed(
    store: &Store,
    organization: &str,
    kind: &str,
    subscription: Option<&str>,
) -> Result<Option<NewItem>, StoreError> {
    let named = subscription.filter(|id| kind.starts_with("subscription_") && is_zoho_id(id));
    let Some(subscription) = named else { return Ok(None) };
    let saga = Notices::id(organization, subscription);
    let shard = saga.shard(store.node.shard_count());
    if saga_store::kind(&store.pool, shard, saga).await?.is_none() {
        return Ok(None);
    }
    let source = format!("zoho.{kind}");
    Ok(Some(item(saga, source.clone(), "zoho", &Command::Changed { source })))
}

fn item(saga: SagaId, kind: String, principal: &str, command: &Command) -> NewItem {
    let command: Value = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga,
        saga_kind: Notices::NAME.to_owned(),
        kind,
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}
