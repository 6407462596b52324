//! From stored deliveries to items: what a delivery is about, and which saga must hear of it.

use super::acts::Acts;
use super::cards;
use super::triggers::{Trigger, of_braintree, of_zoho};
use super::{Intake, Vendor};
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::{Connectors, attio, zoho};
use crate::engine::Engine;
use crate::store::erasing;
use crate::store::inbox::{self, Delivery, Routed};
use crate::store::{Store, StoreError};
use crate::trace;
use futures::FutureExt;
use sagas::kernel::ids::Installation;
use serde_json::Value;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};
use uuid::Uuid;

/// Turns deliveries into items, one by one, in the order of their arrival. Order is never trusted. No delivery can stop
/// those behind it: what cannot be told now is put off, what can never be told is dead, with the reason.
pub struct Router {
    pub(super) store: Store,
    pub(super) connectors: Arc<Connectors>,
    pub(super) organization: String,
    pub(super) installation: Installation,
    pub(super) call_limit: Duration,
    /// The settings of the page to which letters of dunning lead.
    pub(super) card_link: Value,
    pub(super) clock: Arc<dyn Clock>,
    acts: Arc<Acts>,
    intake: Arc<Intake>,
    engine: Arc<Engine>,
}

const BATCH: u16 = 200;
const POLL: Duration = Duration::from_secs(1);
/// When a delivery that could not be told is looked at again.
const PUT_OFF: Duration = Duration::from_secs(2);
/// What Braintree and Attio deliver is fetched, which may take long while they are slow: they hold nobody else up.
const LANES: [&[Vendor]; 3] = [&[Vendor::Zoho], &[Vendor::Attio], &[Vendor::Braintree]];

/// Deliveries that could not be told, and when to look again.
type PutOff = HashMap<Uuid, Instant>;

impl Router {
    /// A router for this installation.
    pub fn new(
        config: &Config,
        store: Store,
        intake: Arc<Intake>,
        engine: Arc<Engine>,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
        acts: Arc<Acts>,
    ) -> Self {
        Self {
            acts,
            clock,
            store,
            connectors,
            organization: config.vendors.zoho.organization_id.clone(),
            installation: config.installation.clone(),
            call_limit: config.call_limit,
            card_link: cards::link_terms(config),
            intake,
            engine,
        }
    }

    /// Routes until stopped: whenever something came, and at every poll, which also takes what another node left.
    pub async fn run(self, stop: CancellationToken) {
        let lanes = LANES.map(|vendors| self.lane(vendors, &stop));
        futures::future::join_all(lanes).await;
    }

    async fn lane(&self, vendors: &[Vendor], stop: &CancellationToken) {
        let vendors: Vec<String> = vendors.iter().map(|v| v.as_str().to_owned()).collect();
        let mut came = self.intake.came();
        let mut put_off = PutOff::new();
        loop {
            // What is cut off here was not written, and is routed by whoever comes next.
            match stop.run_until_cancelled(self.route_all(&vendors, &mut put_off)).await {
                None => return,
                Some(Ok(0)) => {}
                Some(Ok(_)) => self.engine.wake(),
                Some(Err(e)) => tracing::warn!(error = %e, "deliveries could not be routed; they wait"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                _ = came.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn route_all(&self, vendors: &[String], put_off: &mut PutOff) -> Result<usize, StoreError> {
        let mut routed = 0;
        put_off.retain(|_, until| *until > Instant::now());
        loop {
            let except: Vec<Uuid> = put_off.keys().copied().collect();
            let deliveries = inbox::next_unrouted(&self.store.pool, vendors, &except, BATCH).await?;
            if deliveries.is_empty() {
                return Ok(routed);
            }
            for delivery in deliveries {
                let cause = kept(&delivery, "traceparent");
                let span = trace::route(&delivery.vendor, delivery.id, cause.as_deref());
                if self.route(&delivery).instrument(span).await? {
                    routed += 1;
                } else {
                    put_off.insert(delivery.id, Instant::now() + PUT_OFF);
                }
            }
        }
    }

    /// False: it cannot be told now.
    async fn route(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let meaning = self.understood(delivery).await;
        let (result, items) = match &meaning {
            Some(Routed::Items(items)) => ("routed", items.len()),
            Some(Routed::Ignored(_)) => ("ignored", 0),
            Some(Routed::Dead(_)) => ("dead", 0),
            None => ("put_off", 0),
        };
        Span::current().record("result", result).record("items", items);
        let Some(meaning) = meaning else { return Ok(false) };
        let erased = erasing::is_of_erased(&self.store.pool, &delivery.body).await?;
        self.record(delivery.id, &if erased { without_person(meaning) } else { meaning }).await?;
        if erased {
            inbox::erase_body(&self.store.pool, delivery.id).await?;
        }
        Ok(true)
    }

    /// Writes what the delivery leads to; what the database will not hold is dead.
    async fn record(&self, delivery: Uuid, meaning: &Routed) -> Result<(), StoreError> {
        let (pool, shards) = (&self.store.pool, self.store.node.shard_count());
        match inbox::route(pool, shards, delivery, meaning).await {
            Err(StoreError::Refused(why)) => {
                tracing::error!(%delivery, why, "what a delivery leads to cannot be stored; it is dead");
                let dead = Routed::Dead(format!("what it leads to cannot be stored: {why}"));
                inbox::route(pool, shards, delivery, &dead).await.map(drop)
            }
            done => done.map(drop),
        }
    }

    /// Like [`Self::means`]; a fault of ours in reading one delivery kills that one, not the router.
    async fn understood(&self, delivery: &Delivery) -> Option<Routed> {
        AssertUnwindSafe(self.means(delivery)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(delivery = %delivery.id, vendor = delivery.vendor, "reading a delivery panicked; it is dead");
            Some(Routed::Dead("this release fails on reading it; the service's log says where".to_owned()))
        })
    }

    /// What the delivery leads to; `None`: cannot be told now, ask again.
    async fn means(&self, delivery: &Delivery) -> Option<Routed> {
        let trigger = match delivery.vendor.as_str() {
            v if v == Vendor::Zoho.as_str() => {
                match zoho::webhook::parse(&kept(delivery, "query").unwrap_or_default(), &delivery.body) {
                    Ok(notice) => of_zoho(self, &notice).await,
                    Err(e) => Trigger::Dead(e.to_string()),
                }
            }
            v if v == Vendor::Braintree.as_str() => match self.intake.braintree(&delivery.body) {
                Ok(notification) => of_braintree(self, &notification).await,
                Err(e) => Trigger::Dead(e.to_string()),
            },
            v if v == Vendor::Attio.as_str() => match attio::webhook::parse(&delivery.key, &delivery.body) {
                Ok(notices) => self.acts.of_delivery(&notices).await,
                Err(e) => Trigger::Dead(e.to_string()),
            },
            other => Trigger::Dead(format!("`{other}` is no vendor of this release")),
        };
        Some(match trigger {
            Trigger::Items(items) => Routed::Items(items),
            Trigger::Ignored(why) => Routed::Ignored(why),
            Trigger::Dead(why) => Routed::Dead(why),
            Trigger::Later => return None,
        })
    }
}

/// Of somebody who was erased: money goes on by its ids; all else is dropped, under a reason by which it is counted.
fn without_person(meaning: Routed) -> Routed {
    match meaning {
        Routed::Items(items) if !items.is_empty() => Routed::Items(items),
        Routed::Items(_) | Routed::Ignored(_) | Routed::Dead(_) => Routed::Ignored(inbox::OF_ERASED.to_owned()),
    }
}

/// What was kept beside the delivery's body: the raw `query` of the address that it came to, and the `traceparent` of its
/// receipt.
fn kept(delivery: &Delivery, what: &str) -> Option<String> {
    let kept: serde_json::Value = serde_json::from_str(&delivery.headers).ok()?;
    kept[what].as_str().map(str::to_owned)
}
