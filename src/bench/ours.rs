//! The engine under measurement, whole: inbox, chain, claims, shards, production append. Only the vendors are the stub.

use super::caller::Caller;
use super::flow::{self, Measured, Start};
use super::{Plan, Work};
use crate::clock::RealClock;
use crate::engine::hooks::{Hooks, Point};
use crate::engine::items::Body;
use crate::engine::registry::Registry;
use crate::engine::{Budgets, Engine, Settings, uncounted};
use crate::keys::Keys;
use crate::store::Store;
use crate::store::items::NewItem;
use crate::store::schema::{SHARDS, Stamp};
use crate::store::shards::Lease;
use sagas::kernel::flow::Open;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

pub(super) struct Ours {
    store: Store,
    engine: Engine,
    ends: Arc<Ends>,
    work: Work,
}

/// Who waits for a saga's last append, and how many are left.
#[derive(Default)]
struct Ends(Mutex<HashMap<SagaId, (u32, oneshot::Sender<()>)>>);

impl Ours {
    pub(super) async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let stamp = Stamp {
            environment: "bench".to_owned(),
            prefix: "bench1".to_owned(),
            braintree_merchant: "bench".to_owned(),
            zoho_organisation: "1".to_owned(),
            attio_workspace: "bench".to_owned(),
            shards: SHARDS,
        };
        let store = Store::open(plan.database_url.expose_secret(), &stamp, "bench", Lease::default()).await?;
        let ends = Arc::new(Ends::default());
        let registry = Registry::all().and_then(Registry::with::<Measured>).map_err(anyhow::Error::msg)?;
        let keys = Keys::new(&"nothing is sealed in a measurement".into(), "http://127.0.0.1");
        let vendors = Arc::new(Caller::new(plan)?);
        let clock = Arc::new(RealClock);
        // As many calls at once as there are sagas: the engine is measured, not a vendor's limit.
        let mut limits = uncounted();
        for limits in limits.values_mut() {
            limits.at_once = 1_024;
        }
        let budgets = Some(Budgets::new(store.clone(), clock.clone(), &limits));
        let settings = Settings { node: "bench".to_owned(), budgets, ..Settings::new(keys) };
        let engine = Engine::with_registry(registry, store.clone(), vendors, clock, ends.clone(), settings);
        Ok(Self { store, engine, ends, work: plan.work })
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.store.pool
    }

    pub(super) async fn stop(&self) {
        self.engine.stop(Duration::from_secs(10)).await;
    }

    /// One saga, from its order to its last commit.
    pub(super) async fn one(&self, number: u64) -> bool {
        let start = Start { number, searchable: self.work == Work::Searchable, refused: self.work == Work::Undone };
        let saga = SagaId::derived("measured", &[&uuid::Uuid::new_v4().to_string()]);
        let ended = self.ends.expect(saga, flow::appends(start.searchable, start.refused));
        let Ok(command) = serde_json::to_value(start) else { return false };
        let item = NewItem {
            saga,
            saga_kind: Measured::NAME.to_owned(),
            kind: "measured".to_owned(),
            principal: "bench".to_owned(),
            body: Body::Saga { command }.text(),
            waiting_key: None,
            idempotency_key: None,
        };
        if self.store.offer(&item).await.is_err() {
            return false;
        }
        self.engine.wake();
        tokio::time::timeout(Duration::from_secs(30), ended).await.is_ok_and(|heard| heard.is_ok())
    }
}

impl Ends {
    fn map(&self) -> MutexGuard<'_, HashMap<SagaId, (u32, oneshot::Sender<()>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self, saga: SagaId, appends: u32) -> oneshot::Receiver<()> {
        let (ended, heard) = oneshot::channel();
        self.map().insert(saga, (appends, ended));
        heard
    }
}

impl Hooks for Ends {
    /// Never ends the engine: an append that is durable is what is counted.
    fn crash(&self, point: Point, saga: SagaId, _: Option<&Open>) -> bool {
        if point == Point::AfterAppend {
            let mut map = self.map();
            let left = map.get_mut(&saga).map(|(left, _)| {
                *left -= 1;
                *left
            });
            if left == Some(0)
                && let Some((_, ended)) = map.remove(&saga)
            {
                // Nobody waits any more where the measurement ended.
                let _ = ended.send(());
            }
        }
        false
    }
}
