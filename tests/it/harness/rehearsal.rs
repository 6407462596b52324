//! The rehearsal's fixture: the practice vendor keeps its book in our own store.

use super::Ground;
use crate::rehearsals;
use crate::store_support::Bench;
use attio_billing::clock::MovableClock;
use attio_billing::port::{Call, Perform, Report};
use attio_billing::store::items::NewItem;
use attio_billing::store::practice;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use sagas::kernel::outcome::Look;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::rehearsal::{Params, Rehearsal};
use std::sync::{Arc, Mutex};

pub(crate) const KIND: &str = Rehearsal::NAME;

/// Goes through at once.
pub(crate) const STRAIGHT: &str = "straight";
/// Waits for a go-ahead that never comes, and undoes.
pub(crate) const IN_VAIN: &str = "waits in vain";

pub(crate) struct Fixture {
    ground: Ground,
    clock: Arc<MovableClock>,
    moved: Mutex<TimeDelta>,
    /// Dropped last.
    _bench: Bench,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let bench = Bench::new().await;
        let clock: Arc<MovableClock> = Arc::default();
        let ground = Ground {
            pool: bench.pool.clone(),
            database_url: bench.url().clone(),
            vendors: Arc::new(Nobody),
            calls: None,
            clock: clock.clone(),
        };
        Self { ground, clock, moved: Mutex::default(), _bench: bench }
    }

    /// What the practice vendor's book holds of a rehearsal, as sorted words.
    pub(crate) async fn book(&self, name: &str) -> Vec<String> {
        let entries = practice::find(&self.ground.pool, &format!("practice-{name}")).await.unwrap();
        let mut kinds: Vec<_> = entries.into_iter().map(|entry| entry.kind).collect();
        kinds.sort();
        kinds
    }
}

#[async_trait::async_trait]
impl super::Fixture for Fixture {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    async fn advance(&self, by: TimeDelta) {
        let mut moved = self.moved.lock().unwrap();
        *moved += by;
        self.clock.set_offset(*moved);
    }

    fn roads(&self) -> &'static [&'static str] {
        &[STRAIGHT, IN_VAIN]
    }

    fn one_in(&self) -> usize {
        2
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let await_seconds = (road == IN_VAIN).then_some(60);
        rehearsals::start(Params { await_seconds, ..rehearsals::params(name) })
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        for line in sagas {
            let book = self.book(&line.title).await;
            match line.ended.as_deref() {
                Some("completed") => assert_eq!(book, ["note", "reservation", "take"], "{line:#?}"),
                Some(_) => assert_eq!(book, [""; 0], "{line:#?}"),
                None => assert!(book.iter().filter(|kind| *kind == "take").count() <= 1, "{book:?} {line:#?}"),
            }
        }
        // Practice money that was taken twice is nobody's: the second look shows both, and a rehearsal goes on.
        for line in twice {
            assert_eq!(self.book(&line.title).await, ["note", "reservation", "take", "take"], "{line:#?}");
        }
    }
}

/// A rehearsal calls no vendor.
struct Nobody;

#[async_trait::async_trait]
impl Perform for Nobody {
    async fn perform(&self, call: &Call) -> Report {
        panic!("a rehearsal called {}", call.effect.operation());
    }

    async fn look(&self, call: &Call) -> Look {
        panic!("a rehearsal looked {} up", call.effect.operation());
    }
}
