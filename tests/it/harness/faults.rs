//! What a test plays on single sagas: strikes at named calls, and a death of the node at a named moment. Every plan knows
//! whether all of it came to pass, so that a case that never did fails its test.

use super::world::offer;
use attio_billing::engine::hooks::{Hooks, Injection, Point};
use attio_billing::port::Call;
use attio_billing::store::items::NewItem;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::Effect;
use sagas::kernel::flow::{Open, Phase};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Look;
use sqlx::PgPool;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// A call of a saga: which step, what it does there, and which time it is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Act {
    pub(crate) step: String,
    pub(crate) operation: &'static str,
    /// From 0.
    pub(crate) time: usize,
}

/// Where in the life of a call the node dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Moment {
    /// The wish is written, and nothing else.
    Wanted,
    /// The mark of a searchable call is written, no byte has left.
    Marked,
    /// The bytes have left, no answer is read.
    Made,
    /// What follows from the answer is decided, not written.
    Answered,
    /// It is written, nothing followed.
    Written,
}

/// What look-ups of a call do not see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hides {
    /// Everything is seen.
    Nothing,
    /// So many looks find nothing: the vendor's index is late.
    Looks(usize),
    /// Every look finds nothing and seems to prove it, until the call may be sent again: the vendor's index is wrong.
    UntilProof,
}

/// What the saga is told while the call is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tells {
    Nothing,
    /// All that it was told before, once more.
    Again,
    /// What vendors tell in the life of such an instance, the last first.
    Backwards,
}

/// What happens to one call.
#[derive(Debug, Clone)]
pub(crate) struct Strike {
    pub(crate) act: Act,
    pub(crate) injection: Injection,
    pub(crate) hides: Hides,
    pub(crate) tells: Tells,
}

/// Where the node dies.
#[derive(Debug, Clone)]
pub(crate) enum Death {
    /// In the life of a call.
    Of(Act, Moment),
    /// When the point is passed for the n-th time, from 0.
    At(Point, usize),
}

/// What is played on one saga.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) strikes: Vec<Strike>,
    pub(crate) death: Option<Death>,
}

/// A point that a saga passed, and what it was in the life of calls: the end of one can be the beginning of the next.
#[derive(Debug, Clone)]
pub(crate) struct Passing {
    pub(crate) point: Point,
    /// Which passing of this point, from 0.
    pub(crate) time: usize,
    pub(crate) moments: Vec<(Act, Moment)>,
}

/// How far a saga came.
#[derive(Debug, Default)]
struct Watched {
    plan: Plan,
    news: Vec<NewItem>,
    /// When each call was wanted: repeated after a death, it is the same one.
    wanted: HashMap<(String, &'static str), Vec<DateTime<Utc>>>,
    made: HashSet<Act>,
    /// The call whose answer is being written.
    writing: Option<Act>,
    seen: HashSet<(Act, Moment)>,
    passings: Vec<Passing>,
    struck: HashSet<Act>,
    /// Struck, and what came of it is written: it strikes no more.
    over: HashSet<Act>,
    hidden: usize,
    told: usize,
    died_at: Option<Passing>,
}

impl Watched {
    fn act(&mut self, step: &str, effect: &Effect, wanted_at: DateTime<Utc>) -> Act {
        let times = self.wanted.entry((step.to_owned(), effect.operation())).or_default();
        let time = times.iter().position(|at| *at == wanted_at).unwrap_or_else(|| {
            times.push(wanted_at);
            times.len() - 1
        });
        Act { step: step.to_owned(), operation: effect.operation(), time }
    }

    fn strike(&self, act: &Act) -> Option<&Strike> {
        self.plan.strikes.iter().find(|strike| strike.act == *act)
    }

    fn passes(&mut self, point: Point, open: Option<&Open>) -> Passing {
        let act = open.map(|open| self.act(&open.step, &open.effect, open.requested_at));
        let is_only_wanted = open.is_some_and(|open| matches!(open.phase, Phase::Requested { .. }));
        let mut moments = Vec::new();
        match (point, act) {
            (Point::BeforeAppend, Some(act)) if self.made.contains(&act) => {
                self.writing = Some(act.clone());
                moments.push((act, Moment::Answered));
            }
            (Point::AfterAppend, act) => {
                if let Some(written) = self.writing.take() {
                    self.over.insert(written.clone());
                    moments.push((written, Moment::Written));
                }
                moments.extend(act.filter(|a| is_only_wanted && !self.made.contains(a)).map(|a| (a, Moment::Wanted)));
            }
            (Point::AfterSendingMark, Some(act)) => moments.push((act, Moment::Marked)),
            (Point::AfterCall, Some(act)) => moments.push((act, Moment::Made)),
            (Point::BeforeAppend | Point::AfterSendingMark | Point::AfterCall, _) => {}
        }
        moments.retain(|moment| self.seen.insert(moment.clone()));
        let time = self.passings.iter().filter(|passing| passing.point == point).count();
        Passing { point, time, moments }
    }

    fn dies(&self, passing: &Passing) -> bool {
        self.died_at.is_none()
            && match &self.plan.death {
                None => false,
                Some(Death::Of(act, moment)) => passing.moments.contains(&(act.clone(), *moment)),
                Some(Death::At(point, time)) => (passing.point, passing.time) == (*point, *time),
            }
    }
}

/// The plans of all sagas of a test.
#[derive(Debug, Clone)]
pub(crate) struct Faults {
    pool: PgPool,
    watched: Arc<Mutex<HashMap<SagaId, Watched>>>,
}

impl Faults {
    pub(crate) fn new(pool: &PgPool) -> Self {
        Self { pool: pool.clone(), watched: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, Watched>> {
        self.watched.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// `news`: what vendors tell in the life of this saga, in the order in which it happens.
    pub(crate) fn plan(&self, saga: SagaId, plan: Plan, news: Vec<NewItem>) {
        self.lock().insert(saga, Watched { plan, news, ..Watched::default() });
    }

    /// What of the saga's plan did not come to pass; none: all did.
    pub(crate) fn missed(&self, saga: SagaId) -> Option<String> {
        let watched = self.lock();
        let watched = &watched[&saga];
        let strikes = &watched.plan.strikes;
        if let Some(strike) = strikes.iter().find(|strike| !watched.struck.contains(&strike.act)) {
            return Some(format!("the call was never made: {strike:?}"));
        }
        if strikes.iter().any(|strike| strike.hides != Hides::Nothing) && watched.hidden == 0 {
            return Some("nobody looked".to_owned());
        }
        if strikes.iter().any(|strike| strike.tells != Tells::Nothing) && watched.told == 0 {
            return Some("nothing was told".to_owned());
        }
        let died = watched.died_at.is_some() || watched.plan.death.is_none();
        (!died).then(|| format!("the node did not die: {:?}", watched.plan.death))
    }

    /// The points that the saga passed, in order.
    pub(crate) fn passings(&self, saga: SagaId) -> Vec<Passing> {
        self.lock()[&saga].passings.clone()
    }

    /// What the saga's node died at.
    pub(crate) fn died_at(&self, saga: SagaId) -> Vec<(Act, Moment)> {
        self.lock()[&saga].died_at.as_ref().map(|passing| passing.moments.clone()).unwrap_or_default()
    }

    /// Lays messages into the saga's mailbox, while the call waits: they are there before its outcome is.
    fn tell(&self, saga: SagaId, tells: Tells, mut news: Vec<NewItem>) {
        news.reverse();
        let told = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let messages = match tells {
                    Tells::Nothing => Vec::new(),
                    Tells::Again => told_before(&self.pool, saga).await,
                    Tells::Backwards => news,
                };
                for message in &messages {
                    offer(&self.pool, message).await;
                }
                messages.len()
            })
        });
        self.lock().entry(saga).and_modify(|watched| watched.told += told);
    }
}

/// What the saga was told so far, as messages that nothing recognises as the same.
async fn told_before(pool: &PgPool, saga: SagaId) -> Vec<NewItem> {
    let told: Vec<(String, String, String, String)> =
        sqlx::query_as("select saga_kind, kind, principal, body from item where saga = $1 order by created_at, id")
            .bind(saga.0)
            .fetch_all(pool)
            .await
            .unwrap();
    let again = |(saga_kind, kind, principal, body)| NewItem {
        saga,
        saga_kind,
        kind,
        principal,
        body,
        waiting_key: None,
        idempotency_key: None,
    };
    told.into_iter().map(again).collect()
}

impl Hooks for Faults {
    fn crash(&self, point: Point, saga: SagaId, open: Option<&Open>) -> bool {
        let mut all = self.lock();
        let Some(watched) = all.get_mut(&saga) else { return false };
        let passing = watched.passes(point, open);
        let dies = watched.dies(&passing);
        if dies {
            watched.died_at = Some(passing.clone());
        }
        watched.passings.push(passing);
        dies
    }

    fn inject(&self, call: &Call) -> Option<Injection> {
        let (strike, news) = {
            let mut all = self.lock();
            let watched = all.get_mut(&call.saga)?;
            let act = watched.act(&call.step, &call.effect, call.requested_at);
            watched.made.insert(act.clone());
            if watched.over.contains(&act) {
                return None;
            }
            let strike = watched.strike(&act)?.clone();
            watched.struck.insert(act);
            (strike, watched.news.clone())
        };
        if strike.tells != Tells::Nothing {
            self.tell(call.saga, strike.tells, news);
        }
        Some(strike.injection)
    }

    fn look(&self, call: &Call) -> Option<Look> {
        let mut all = self.lock();
        let watched = all.get_mut(&call.saga)?;
        let act = watched.act(&call.step, &call.effect, call.requested_at);
        if !watched.struck.contains(&act) {
            return None;
        }
        let hides = watched.strike(&act)?.hides;
        let hidden = match hides {
            Hides::Nothing => false,
            Hides::Looks(looks) => watched.hidden < looks,
            Hides::UntilProof => call.sent_at.is_some(),
        };
        watched.hidden += usize::from(hidden);
        hidden.then_some(Look::Absent { watermark: hides == Hides::UntilProof, key_proven: false })
    }
}
