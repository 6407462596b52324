//! The engine under measurement, whole: inbox, chain, claims, shards, production append. Only the vendors are the stub.

use super::caller::Caller;
use super::flow::{self, Measured, Start};
use super::{Plan, Work};
use crate::clock::RealClock;
use crate::config::Limits;
use crate::engine::hooks::{Hooks, NoHooks, Point};
use crate::engine::items::Body;
use crate::engine::registry::Registry;
use crate::engine::{Budgets, Engine, Settings, uncounted};
use crate::keys::Keys;
use crate::store::Store;
use crate::store::items::NewItem;
use sagas::kernel::flow::Open;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// The stub answers at once; no call may outlive the lease.
const CALL_LIMIT: Duration = Duration::from_secs(5);
/// How long a stop waits for calls in flight.
const PATIENCE: Duration = Duration::from_secs(10);

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
        let ends = Arc::new(Ends::default());
        let (store, engine) = engine(&plan.database_url, plan.stub(), ends.clone(), None).await?;
        Ok(Self { store, engine, ends, work: plan.work })
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.store.pool
    }

    pub(super) async fn stop(&self) {
        self.engine.stop(PATIENCE).await;
    }

    /// One saga, from its order to its last commit.
    pub(super) async fn one(&self, number: u64) -> bool {
        let (searchable, refused) = (self.work == Work::Searchable, self.work == Work::Undone);
        let start = Start { number, searchable, refused, due: None };
        let saga = SagaId::derived("measured", &[&uuid::Uuid::new_v4().to_string()]);
        let ended = self.ends.expect(saga, flow::appends(searchable, refused));
        let Ok(command) = serde_json::to_value(start) else { return false };
        let item = NewItem {
            saga,
            saga_kind: Measured::<false>::NAME.to_owned(),
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

/// A store and an engine on it that knows the measured flows; `zoho` limits the searchable calls.
pub(super) async fn engine(
    url: &SecretString,
    stub: Option<&str>,
    hooks: Arc<dyn Hooks>,
    zoho: Option<Limits>,
) -> anyhow::Result<(Store, Engine)> {
    let store = Store::open(url.expose_secret(), &super::stamp(), "bench", super::lease()).await?;
    let registry = Registry::all()
        .and_then(Registry::with::<Measured>)
        .and_then(Registry::with::<Measured<true>>)
        .map_err(anyhow::Error::msg)?;
    let keys = Keys::new(&"nothing is sealed in a measurement".into(), "http://127.0.0.1");
    let clock = Arc::new(RealClock);
    // As many calls at once as there are sagas: the engine is measured, not a vendor's limit.
    let mut limits = uncounted();
    for limits in limits.values_mut() {
        limits.at_once = 1_024;
    }
    limits.extend(zoho.map(|zoho| ("zoho", zoho)));
    let budgets = Budgets::new(store.clone(), clock.clone(), &limits);
    let vendors = Arc::new(Caller::new(stub)?.metered(budgets.clone()));
    let settings = Settings {
        node: "bench".to_owned(),
        budgets: Some(budgets),
        renewal: super::lease().renewal,
        call_limit: CALL_LIMIT,
        ..Settings::new(keys)
    };
    let engine = Engine::with_registry(registry, store.clone(), vendors, clock, hooks, settings);
    Ok((store, engine))
}

/// Works off what is there until it is told to end.
///
/// # Errors
/// The database cannot be used.
pub(super) async fn work(url: &SecretString, stub: &str, ready: impl FnOnce()) -> anyhow::Result<()> {
    let mut end = signal(SignalKind::terminate())?;
    let (store, engine) = engine(url, Some(stub), Arc::new(NoHooks), None).await?;
    ready();
    end.recv().await;
    engine.stop(PATIENCE).await;
    store.pool.close().await;
    Ok(())
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
