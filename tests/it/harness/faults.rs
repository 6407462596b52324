//! What a test plays on single sagas: faults at named calls, and a crash at the n-th passing of a point. Every plan
//! counts how often it struck, so that a case that never came to pass fails its test.

use attio_billing::engine::hooks::{Hooks, Injection, Point};
use attio_billing::port::Call;
use sagas::kernel::ids::SagaId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// A call of a saga: which step, what it does there, and which time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Act {
    pub(crate) step: String,
    pub(crate) operation: &'static str,
    /// From 0.
    pub(crate) time: usize,
}

/// What is played on one saga.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) faults: Vec<(Act, Injection)>,
    /// The engine ends when the saga passes the point for the n-th time, from 0.
    pub(crate) crash: Option<(Point, usize)>,
}

/// How far a saga came.
#[derive(Debug, Default)]
struct Watched {
    plan: Plan,
    calls: HashMap<(String, &'static str), usize>,
    points: Vec<Point>,
    struck: usize,
    crashed: bool,
}

/// The plans of all sagas of a test.
#[derive(Debug, Default, Clone)]
pub(crate) struct Faults(Arc<Mutex<HashMap<SagaId, Watched>>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, Watched>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn plan(&self, saga: SagaId, plan: Plan) {
        self.lock().insert(saga, Watched { plan, ..Watched::default() });
    }

    /// Every fault of the saga struck, and its crash too.
    pub(crate) fn all_struck(&self, saga: SagaId) -> bool {
        let watched = self.lock();
        let watched = &watched[&saga];
        watched.struck == watched.plan.faults.len() && (watched.crashed || watched.plan.crash.is_none())
    }

    /// The points that the saga passed, in order.
    pub(crate) fn points(&self, saga: SagaId) -> Vec<Point> {
        self.lock()[&saga].points.clone()
    }
}

impl Hooks for Faults {
    fn crash(&self, point: Point, saga: SagaId) -> bool {
        let mut all = self.lock();
        let Some(watched) = all.get_mut(&saga) else { return false };
        let passed = watched.points.iter().filter(|p| **p == point).count();
        watched.points.push(point);
        let strikes = !watched.crashed && watched.plan.crash == Some((point, passed));
        watched.crashed |= strikes;
        strikes
    }

    fn inject(&self, call: &Call) -> Option<Injection> {
        let mut all = self.lock();
        let watched = all.get_mut(&call.saga)?;
        let key = (call.step.clone(), call.effect.operation());
        let times = watched.calls.entry(key).or_default();
        let act = Act { step: call.step.clone(), operation: call.effect.operation(), time: *times };
        *times += 1;
        let found = watched.plan.faults.iter().find(|(a, _)| *a == act).map(|(_, injection)| injection.clone());
        watched.struck += usize::from(found.is_some());
        found
    }
}
