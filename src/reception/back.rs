//! What the desks of all pages share: the token of a link, the saga behind it, the customer's word on its way into that
//! saga's inbox. Knows no flow.

use crate::checkout::Problem;
use crate::clock::Clock;
use crate::connectors::Connectors;
use crate::engine::Engine;
use crate::engine::items::Body;
use crate::keys::Keys;
use crate::port::Person;
use crate::store::inbox::OfferError;
use crate::store::items::{NewItem, offer_item};
use crate::store::saga_store::{self, LoadError, Loaded};
use crate::store::secrets::Sealed;
use crate::store::{Store, evidence, people, recovery, secrets};
use sagas::kernel::effect::CheckoutLink;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a submission waits for its outcome; then the page says that it is being confirmed.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// What stands behind every desk.
pub(super) struct Back {
    pub(super) store: Store,
    pub(super) engine: Arc<Engine>,
    pub(super) connectors: Arc<Connectors>,
    pub(super) keys: Keys,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) call_limit: Duration,
}

impl Back {
    /// The link of a token, and the saga behind it, which must be one of that flow.
    pub(super) async fn behind<S: Saga>(&self, token: &str) -> Result<(CheckoutLink, Loaded<S>), Problem> {
        let link = self.keys.read(token).map_err(|_| Problem::Forged)?;
        if recovery::care(&self.store.pool).await.map_err(|e| unavailable(&e))?.held {
            return Err(Problem::Held);
        }
        let shard = link.saga.shard(self.store.node.shard_count());
        // A link opens its own page alone.
        let kind = saga_store::kind(&self.store.pool, shard, link.saga).await.map_err(|e| unavailable(&e))?;
        if kind.is_some_and(|kind| kind != S::NAME) {
            return Err(Problem::Forged);
        }
        let loaded = saga_store::load::<S>(&self.store.pool, shard, link.saga).await.map_err(|e| match e {
            LoadError::Store(e) => unavailable(&e),
            unreadable @ LoadError::Unreadable(_) => unavailable(&unreadable),
        })?;
        Ok((link, loaded))
    }

    /// The flow of the saga behind a token; none where there is no such saga.
    pub(super) async fn flow(&self, token: &str) -> Result<Option<String>, Problem> {
        let link = self.keys.read(token).map_err(|_| Problem::Forged)?;
        let shard = link.saga.shard(self.store.node.shard_count());
        saga_store::kind(&self.store.pool, shard, link.saga).await.map_err(|e| unavailable(&e))
    }

    pub(super) async fn person(&self, customer: Option<&str>) -> Result<Option<Person>, Problem> {
        let Some(customer) = customer else { return Ok(None) };
        people::get::<Person>(&self.store.pool, customer).await.map_err(|e| unavailable(&e))
    }

    /// Puts a command into the saga's inbox.
    pub(super) async fn offer<S: Saga>(
        &self,
        saga: SagaId,
        kind: &str,
        command: &S::Command,
        key: String,
        inputs: &[Sealed],
    ) -> Result<uuid::Uuid, Problem> {
        let command = serde_json::to_value(command).map_err(|e| unavailable(&e))?;
        let item = NewItem {
            saga,
            saga_kind: S::NAME.to_owned(),
            kind: kind.to_owned(),
            principal: "customer".to_owned(),
            body: Body::Saga { command }.text(),
            waiting_key: None,
            idempotency_key: Some(key),
        };
        let offered = offer_item(&self.store.pool, self.store.node.shard_count(), &item, inputs).await;
        let id = offered.map_err(|e| match e {
            OfferError::Store(e) => unavailable(&e),
            OfferError::KeyReused => Problem::Refused("it was sent before, for something else".to_owned()),
        })?;
        self.engine.wake();
        Ok(id)
    }

    /// The address and the browser from which the customer agreed, kept apart.
    pub(super) async fn evidence(
        &self,
        customer: Option<&str>,
        (ip, user_agent): (Option<IpAddr>, Option<&str>),
    ) -> Result<Option<uuid::Uuid>, Problem> {
        let Some(customer) = customer else { return Ok(None) };
        let data = json!({"ip": ip, "user_agent": user_agent}).to_string();
        evidence::keep(&self.store.pool, customer, &data).await.map(Some).map_err(|e| unavailable(&e))
    }

    /// True once the saga has more events than that; false when the patience ends.
    pub(super) async fn moves_on(&self, saga: SagaId, sequence: u64, deadline: Instant) -> Result<bool, Problem> {
        let shard = saga.shard(self.store.node.shard_count());
        while Instant::now() < deadline {
            tokio::time::sleep(LOOK).await;
            let now = saga_store::sequence(&self.store.pool, shard, saga).await.map_err(|e| unavailable(&e))?;
            if now != sequence {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Nobody will ever open these.
    pub(super) async fn erase(&self, inputs: &[Sealed]) -> Result<(), Problem> {
        for input in inputs {
            secrets::erase(&self.store.pool, input.id).await.map_err(|e| unavailable(&e))?;
        }
        Ok(())
    }
}

pub(super) fn unavailable(error: &dyn std::fmt::Display) -> Problem {
    tracing::warn!(%error, "a page of a customer could not be answered");
    Problem::Unavailable
}

/// What stands for a secret where it is compared only.
pub(super) fn digest(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..16])
}
