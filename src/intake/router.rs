//! From stored deliveries to items: what a delivery is about, and which saga must hear of it.

use super::triggers::{Trigger, of_braintree, of_zoho};
use super::{Intake, Vendor};
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::{Connectors, attio, zoho};
use crate::engine::Engine;
use crate::store::inbox::{self, Delivery, Routed};
use crate::store::{Store, StoreError};
use sagas::kernel::ids::Installation;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Turns deliveries into items, one by one, in the order of their arrival. Order is never trusted.
pub struct Router {
    pub(super) store: Store,
    pub(super) connectors: Arc<Connectors>,
    pub(super) organization: String,
    pub(super) installation: Installation,
    pub(super) call_limit: Duration,
    pub(super) clock: Arc<dyn Clock>,
    intake: Arc<Intake>,
    engine: Arc<Engine>,
}

const BATCH: u16 = 200;
const POLL: Duration = Duration::from_secs(1);

impl Router {
    /// A router for this installation.
    pub fn new(
        config: &Config,
        store: Store,
        intake: Arc<Intake>,
        engine: Arc<Engine>,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            clock,
            store,
            connectors,
            organization: config.vendors.zoho.organization_id.clone(),
            installation: config.installation.clone(),
            call_limit: config.call_limit,
            intake,
            engine,
        }
    }

    /// Routes until stopped: at each ring, and at every poll, which also takes what another node left.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            match self.route_all().await {
                Ok(0) => {}
                Ok(_) => self.engine.wake(),
                Err(e) => tracing::warn!(error = %e, "deliveries could not be routed; they wait"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.intake.something_came() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn route_all(&self) -> Result<usize, StoreError> {
        let mut routed = 0;
        loop {
            let deliveries = inbox::next_unrouted(&self.store.pool, BATCH).await?;
            let full = deliveries.len() >= usize::from(BATCH);
            let mut later = 0;
            for delivery in deliveries {
                match self.means(&delivery).await {
                    Some(meaning) => {
                        inbox::route(&self.store.pool, self.store.node.shard_count(), delivery.id, &meaning).await?;
                        routed += 1;
                    }
                    None => later += 1,
                }
            }
            if !full || later > 0 {
                return Ok(routed);
            }
        }
    }

    /// What the delivery leads to; `None`: cannot be told now, ask again.
    async fn means(&self, delivery: &Delivery) -> Option<Routed> {
        let trigger = match delivery.vendor.as_str() {
            v if v == Vendor::Zoho.as_str() => match zoho::webhook::parse(&query(delivery), &delivery.body) {
                Ok(notice) => of_zoho(self, &notice),
                Err(e) => Trigger::Dead(e.to_string()),
            },
            v if v == Vendor::Braintree.as_str() => match self.intake.braintree(&delivery.body) {
                Ok(notification) => of_braintree(self, &notification).await,
                Err(e) => Trigger::Dead(e.to_string()),
            },
            v if v == Vendor::Attio.as_str() => match attio::webhook::parse(&delivery.key, &delivery.body) {
                Ok(_) => Trigger::Ignored("no flow of this release awaits Attio's events".to_owned()),
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

/// The raw query of the address that the delivery came to.
fn query(delivery: &Delivery) -> String {
    let kept: serde_json::Value = serde_json::from_str(&delivery.headers).unwrap_or_default();
    kept["query"].as_str().unwrap_or_default().to_owned()
}
