//! One database with engines on it, driven by hand: start instances, let the engine come to rest, move the clock to the
//! next due time, take a dead node's place.

use super::Fixture;
use super::faults::{Faults, Plan};
use attio_billing::engine::items::Body;
use attio_billing::engine::registry::Registry;
use attio_billing::engine::{self, Engine};
use attio_billing::store::Store;
use attio_billing::store::append::Status;
use attio_billing::store::backlog::{await_item, backlog};
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::log::StoredEvent;
use attio_billing::store::query::{self, SagaLine};
use attio_billing::store::schema::{SHARDS, stamp_of};
use attio_billing::store::shards::Lease;
use chrono::TimeDelta;
use sagas::kernel::ids::SagaId;
use sagas::kernel::park::ParkCode;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// More due times than any case has: beyond it something loops.
const ROUNDS: usize = 400;
/// For each saga, where there are many of them.
const ROUNDS_EACH: usize = 20;

/// A node of the harness's own.
pub(crate) struct Node {
    pub(crate) store: Store,
    pub(crate) engine: Arc<Engine>,
}

/// How a node renews: often where two share the shards, hardly ever where one is to notice nothing.
pub(crate) const OFTEN: Duration = Duration::from_millis(200);
pub(crate) const SELDOM: Duration = Duration::from_secs(20);

/// Starts a node on the fixture's database.
pub(crate) async fn node(
    fixture: &dyn Fixture,
    name: &str,
    hooks: Arc<dyn engine::hooks::Hooks>,
    renewal: Duration,
) -> Node {
    node_of(Registry::all().unwrap(), fixture, name, hooks, renewal).await
}

/// Starts a node of a release that has these definitions.
pub(crate) async fn node_of(
    registry: Registry,
    fixture: &dyn Fixture,
    name: &str,
    hooks: Arc<dyn engine::hooks::Hooks>,
    renewal: Duration,
) -> Node {
    let ground = fixture.ground();
    let stamp = stamp_of(&ground.pool).await.unwrap().unwrap();
    let lease = Lease { length: Duration::from_mins(2), renewal, margin: Duration::from_secs(1) };
    let store = Store::open(ground.database_url.expose_secret(), &stamp, name, lease).await.unwrap();
    let settings = engine::Settings {
        node: name.to_owned(),
        call_limit: Duration::from_secs(10),
        poll: Duration::from_millis(20),
        renewal,
        mailer: fixture.mailer(),
        ..engine::Settings::new(fixture.keys())
    };
    let (vendors, clock) = (ground.vendors.clone(), ground.clock.clone());
    let engine = Engine::with_registry(registry, store.clone(), vendors, clock, hooks, settings);
    Node { store, engine: Arc::new(engine) }
}

/// Polls until it holds.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_mins(2), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited two minutes in vain: {what}");
}

/// Waits until nothing is left to do now, at any of the nodes: however slow the machine is, as long as something moves.
pub(crate) async fn rests(fixture: &dyn Fixture, engines: &[&Engine]) {
    let (begun, mut moved) = (Instant::now(), Instant::now());
    let mut written = 0;
    while !at_rest(fixture, engines).await {
        if moved.elapsed() > Duration::from_secs(1) {
            let now: i64 = sqlx::query_scalar("select count(*) from event").fetch_one(fixture.pool()).await.unwrap();
            if now != written {
                (written, moved) = (now, Instant::now());
            }
        }
        let patient = moved.elapsed() < Duration::from_mins(1) && begun.elapsed() < Duration::from_mins(10);
        assert!(patient, "waited in vain that the engine comes to rest: {}", standing(fixture, engines).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// What is left to do, for whoever reads that a test failed.
async fn standing(fixture: &dyn Fixture, engines: &[&Engine]) -> String {
    let now = fixture.ground().clock.now();
    let busy: Vec<usize> = engines.iter().map(|engine| engine.busy()).collect();
    let left = backlog(fixture.pool(), now).await.unwrap();
    let due: Vec<(uuid::Uuid, String, String, i64)> =
        sqlx::query_as("select id, kind, state, seq from saga where due_at <= $1 limit 10")
            .bind(now)
            .fetch_all(fixture.pool())
            .await
            .unwrap();
    format!("{busy:?} sagas are at work, {left:?}, due at {now}: {due:#?}")
}

/// Nothing is left to do now, at any of the nodes.
async fn at_rest(fixture: &dyn Fixture, engines: &[&Engine]) -> bool {
    let idle = || engines.iter().all(|engine| engine.busy() == 0);
    // Work that was taken up between the two looks either still shows in the backlog or is under way.
    idle() && backlog(fixture.pool(), fixture.ground().clock.now()).await.unwrap().is_empty() && idle()
}

/// Offers an item and answers its id.
pub(crate) async fn offer(pool: &PgPool, item: &NewItem) -> uuid::Uuid {
    offer_item(pool, SHARDS, item, &[]).await.unwrap()
}

pub(crate) async fn line(pool: &PgPool, saga: SagaId) -> SagaLine {
    history(pool, saga).await.0
}

pub(crate) async fn history(pool: &PgPool, saga: SagaId) -> (SagaLine, Vec<StoredEvent>) {
    query::saga(pool, saga).await.unwrap().unwrap_or_else(|| panic!("saga {saga} never began"))
}

/// A saga that waits for nothing any more but, perhaps, a person.
pub(crate) fn finished(line: &SagaLine) -> bool {
    match line.status {
        Status::Ended | Status::NeedsPerson => true,
        Status::Running | Status::Waiting | Status::WaitingVendor | Status::Resolving | Status::Unwinding => false,
    }
}

/// A fixture with one node at a time, which is replaced when it dies.
pub(crate) struct World<'a> {
    pub(crate) fixture: &'a dyn Fixture,
    pub(crate) faults: Faults,
    /// Sagas of which a call that must be made once was made twice, behind the engine's back.
    pub(crate) twice: HashSet<SagaId>,
    node: Option<Node>,
    incarnation: u32,
    /// Parks whose cause was cleared.
    cleared: HashSet<(SagaId, u64)>,
}

impl<'a> World<'a> {
    pub(crate) async fn new(fixture: &'a dyn Fixture) -> Self {
        let mut world = Self {
            fixture,
            faults: Faults::new(fixture.pool()),
            twice: HashSet::new(),
            node: None,
            incarnation: 0,
            cleared: HashSet::new(),
        };
        world.begin_node().await;
        world
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.fixture.pool()
    }

    async fn begin_node(&mut self) {
        self.incarnation += 1;
        let name = format!("node-{}", self.incarnation);
        self.node = Some(node(self.fixture, &name, Arc::new(self.faults.clone()), SELDOM).await);
    }

    fn engine(&self) -> &Engine {
        &self.node.as_ref().expect("a node is at work").engine
    }

    /// Starts one instance with a plan.
    pub(crate) async fn start(&self, road: &'static str, name: &str, plan: Plan) -> SagaId {
        let item = self.prepare(road, name, plan).await;
        self.tell(&item).await;
        item.saga
    }

    /// Lets a message arrive.
    pub(crate) async fn tell(&self, item: &NewItem) {
        offer(self.pool(), item).await;
        self.engine().wake();
    }

    /// Makes what one instance needs, and tells nobody.
    pub(crate) async fn prepare(&self, road: &'static str, name: &str, plan: Plan) -> NewItem {
        let item = self.fixture.start_of(road, name).await;
        self.faults.plan(item.saga, plan, self.fixture.news(&item));
        item
    }

    /// What polls for lost messages does so once; false: nothing does for this flow.
    pub(crate) async fn poll(&self) -> bool {
        let node = self.node.as_ref().expect("a node is at work");
        self.fixture.poll(&node.store, &node.engine).await
    }

    /// Resumes a parked saga, as an operator would.
    pub(crate) async fn resume(&mut self, saga: SagaId) {
        let item = NewItem {
            saga,
            saga_kind: self.fixture.kind().to_owned(),
            kind: "operator.resume".to_owned(),
            principal: "operator:test".to_owned(),
            body: Body::Resume { reason: "the cause is cleared".to_owned() }.text(),
            waiting_key: None,
            idempotency_key: None,
        };
        let id = offer(self.pool(), &item).await;
        self.rest().await;
        let item = await_item(self.pool(), id, Duration::ZERO).await.unwrap();
        assert_eq!(item.reason, None, "the resume of {saga} was refused");
    }

    /// Lets everything that can be done now be done. A node that dies on the way is replaced at once: its row is taken
    /// away, as when its lease has run out.
    pub(crate) async fn rest(&mut self) {
        loop {
            let (fixture, engine) = (self.fixture, self.engine());
            let engines = [engine];
            let crashed = tokio::select! {
                () = engine.crashed() => true,
                () = rests(fixture, &engines) => false,
            };
            if !crashed {
                return;
            }
            self.take_over().await;
        }
    }

    async fn take_over(&mut self) {
        self.node = None;
        sqlx::query("delete from node").execute(self.pool()).await.unwrap();
        self.begin_node().await;
    }

    /// Lets everything be done that can be, then moves the clock to the next due time. False: all of these are finished.
    pub(crate) async fn step(&mut self, sagas: &[SagaId]) -> bool {
        self.rest().await;
        if !self.any_open(sagas).await {
            return false;
        }
        let all: Vec<u16> = (0..SHARDS).collect();
        let due = query::next_due(self.pool(), &all).await.unwrap().expect("an open saga is due some time");
        let wait = due - self.fixture.ground().clock.now();
        // A little further, so that what is due at about the same time comes in the same round.
        self.fixture.advance((wait + wait / 20).max(TimeDelta::zero()) + TimeDelta::seconds(2)).await;
        true
    }

    /// Moves the clock from due time to due time until every one of these sagas is finished.
    pub(crate) async fn finish(&mut self, sagas: &[SagaId]) {
        // Sagas that began at times of their own are due at times of their own.
        let rounds = ROUNDS.max(ROUNDS_EACH * sagas.len());
        for _ in 0..rounds {
            if !self.step(sagas).await {
                return;
            }
        }
        for saga in sagas {
            let line = line(self.pool(), *saga).await;
            assert!(finished(&line), "{rounds} due times later this still goes on: {line:#?}");
        }
    }

    /// Whether one of them is not finished. What a park asks for is done at once; the resume comes later.
    async fn any_open(&mut self, sagas: &[SagaId]) -> bool {
        let ids: Vec<uuid::Uuid> = sagas.iter().map(|saga| saga.0).collect();
        let lines: Vec<(uuid::Uuid, i64, String)> =
            sqlx::query_as("select id, seq, status from saga where id = any($1)")
                .bind(&ids)
                .fetch_all(self.pool())
                .await
                .unwrap();
        assert_eq!(lines.len(), sagas.len(), "a saga never began");
        let mut open = false;
        for (id, sequence, status) in lines {
            match Status::parse(&status).expect("a status of the list") {
                Status::Ended => {}
                Status::NeedsPerson => self.clear(SagaId(id), u64::try_from(sequence).unwrap()).await,
                Status::Running | Status::Waiting | Status::WaitingVendor | Status::Resolving | Status::Unwinding => {
                    open = true;
                }
            }
        }
        open
    }

    async fn clear(&mut self, saga: SagaId, sequence: u64) {
        if !self.cleared.insert((saga, sequence)) {
            return;
        }
        let line = line(self.pool(), saga).await;
        if let Some((code, ..)) = &line.parked {
            let code = ParkCode::ALL.into_iter().find(|c| c.as_str() == code).expect("a code of the list");
            self.fixture.clear(code, &line).await;
        }
    }

    pub(crate) async fn end(mut self) {
        if let Some(node) = self.node.take() {
            node.engine.stop(Duration::from_secs(20)).await;
        }
    }
}
