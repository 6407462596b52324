//! Driving one saga: apply what came, do what it wants, write what follows, until it waits.

use super::budget::Admission;
use super::hooks::{Injection, Point};
use super::items::{Body, Told};
use super::registry::Live;
use super::run::Inner;
use crate::port::{Beside, Call, Errand, Report, Ticket, on_errand};
use crate::store::append::{Append, AppendError};
use crate::store::items::{self, Item};
use crate::store::recovery::Care;
use crate::trace;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::flow::{Open, Phase};
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::{What, Work};
use sagas::kernel::outcome::{Look, NotSent, Outcome};
use sagas::kernel::park::ParkCode;
use sagas::kernel::step::ExactlyOnce;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::Instrument;
use uuid::Uuid;

/// Why driving ended early. The database holds what is true; the next poll takes the saga up again.
#[derive(Debug)]
pub(super) enum Stop {
    /// A test stopped the engine here.
    Crash,
    /// This node does not own the saga any more, or is stopping.
    NotOurs,
    /// The database refuses this content; the saga is parked.
    Poison(String),
    /// The database cannot be reached, or the saga in memory is not what is stored.
    Reload(String),
}

/// What a look before the send showed.
enum Searched {
    /// Nothing: it may be sent.
    Absent,
    /// It was done, and the saga knows by now.
    Settled,
    /// It cannot be said now.
    NotNow,
}

/// A call may not leave.
#[allow(clippy::large_enum_variant, reason = "it lives for one match")]
enum Barred {
    /// Before then; that is not worth an event.
    Until(DateTime<Utc>),
    /// This is its outcome.
    Refused(Outcome),
}

/// A saga that must not act now asks again after this long.
const HELD: TimeDelta = TimeDelta::seconds(15);

/// One saga being driven.
pub(super) struct Driver {
    pub(super) engine: Arc<Inner>,
    pub(super) saga: SagaId,
    pub(super) live: Box<dyn Live>,
}

impl Driver {
    /// Drives until the saga waits; answers when it wants the engine next.
    pub(super) async fn run(&mut self) -> Result<Option<DateTime<Utc>>, Stop> {
        let next = Box::pin(self.go_on()).await?;
        self.rest();
        Ok(next)
    }

    async fn go_on(&mut self) -> Result<Option<DateTime<Utc>>, Stop> {
        if self.live.flow().is_unreadable() {
            // It was read: another release could not.
            self.tell(What::Readable, "engine", Vec::new()).await?;
        }
        loop {
            if self.engine.stopping() {
                return Err(Stop::NotOurs);
            }
            if let Some(item) = self.engine.mailboxes.next(self.saga) {
                let span = trace::apply(&item.kind);
                self.apply(item).instrument(span).await?;
                continue;
            }
            let now = self.engine.clock.now();
            match self.live.work(now) {
                Work::Perform(open) => {
                    let span = trace::step(&open.step, open.attempt);
                    if let Some(later) = self.perform(*open).instrument(span).await? {
                        return Ok(Some(later));
                    }
                }
                Work::Look(open) => self.look(*open).await?,
                Work::Due if self.is_held().await => return Ok(Some(now + HELD)),
                Work::Due => {
                    let before = self.live.sequence();
                    self.tell(What::Due, "engine", Vec::new()).await?;
                    if self.live.sequence() == before {
                        // The flow makes nothing of its due time: look again later instead of spinning.
                        return Ok(Some(now + chrono::TimeDelta::seconds(60)));
                    }
                }
                Work::Wait(until) => return Ok(Some(until)),
                Work::Idle => return Ok(None),
            }
        }
    }

    /// Calls that are held for a saga are for others while it waits; those that record or resolve stay.
    fn rest(&self) {
        let flow = self.live.flow();
        let stay = |open: &Open| flow.past_pivot || matches!(open.phase, Phase::Sending { .. } | Phase::Unknown { .. });
        if flow.ended.is_some() || !flow.open.as_ref().is_some_and(stay) {
            self.engine.budgets.let_go(self.saga);
        }
    }

    /// Applies one inbox item: in the same append as what follows from it.
    async fn apply(&mut self, item: Item) -> Result<(), Stop> {
        let body: Result<Body, _> = serde_json::from_str(&item.body);
        let what = match body.map(|body| body.told(&item)) {
            Ok(Told::Flow(what)) => what,
            Ok(Told::Operator(order, if_sequence)) => {
                self.ordered(&item, order, if_sequence).await.unwrap_or_else(|why| refused(&item, why))
            }
            Err(e) => refused(&item, format!("this item cannot be read: {e}")),
        };
        match self.decide(what, &item.principal, vec![item.id]).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(refusal)) => self.tell(refused(&item, refusal), &item.principal, vec![item.id]).await,
            Err(Stop::Poison(detail)) => {
                // The mark rode in the refused append: without this the item would come back for ever.
                items::bury(&self.engine.store.pool, item.id, &detail)
                    .await
                    .map_err(|e| Stop::Reload(e.to_string()))?;
                Err(Stop::Poison(detail))
            }
            Err(stop) => Err(stop),
        }
    }

    /// Makes the open call. `Some`: it cannot be made before then, and that is not worth an event.
    async fn perform(&mut self, open: Open) -> Result<Option<DateTime<Utc>>, Stop> {
        let engine = Arc::clone(&self.engine);
        let now = engine.clock.now();
        if open.fresh_until.is_some_and(|t| t < now) {
            self.tell(What::Stale, "engine", Vec::new()).await?;
            return Ok(None);
        }
        if let Some(barred) = self.barred(&open).await? {
            return self.hold_back(&open, barred).await;
        }
        if self.care(&open).await?.search_first && open.effect.exactly_once().needs_sending_mark() {
            match self.searched(&open).await? {
                Searched::Absent => {}
                Searched::Settled => return Ok(None),
                Searched::NotNow => return Ok(Some(now + HELD)),
            }
        }
        let admitted = match engine.budgets.admit(self.admission(&open)).await {
            Ok(admitted) => admitted,
            Err(denied) => return self.answered(&open, denied.into(), None, 0).await.map(|()| None),
        };
        // The wait for it may have been long.
        if let Some(barred) = self.barred(&open).await? {
            return self.hold_back(&open, barred).await;
        }
        let beside = match engine.effects.beside(&open.effect).await {
            Ok(beside) => beside,
            Err(outcome) => return self.answered(&open, outcome, None, 0).await.map(|()| None),
        };
        let mut sent_at = None;
        if open.effect.exactly_once().needs_sending_mark() {
            let now = engine.clock.now();
            if open.fresh_until.is_some_and(|t| t < now) {
                // The wait for a slot outlived the facts.
                return Ok(None);
            }
            let what = What::Sending {
                deadline: now + engine.settings.judge_after(),
                node: engine.settings.node.clone(),
                epoch: engine.epoch(self.saga),
            };
            self.tell(what, "engine", Vec::new()).await?;
            sent_at = Some(now);
            self.crash(Point::AfterSendingMark)?;
            if !engine.may_send(self.saga) {
                // Writing the mark took so long that the call could outlive the lease: it is provably not sent.
                let outcome = not_sent(NotSent::Node, "the lease of this node could have ended during the call");
                return self.answered(&open, outcome, None, 0).await.map(|()| None);
            }
        }
        let call = self.call(&open, sent_at, beside);
        let began = Instant::now();
        let limit = engine.settings.call_limit + Duration::from_secs(2);
        let errand = self.errand(&open, admitted.ticket.clone());
        let span = trace::call(open.effect.vendor(), open.effect.operation());
        let made = on_errand(errand, Box::pin(self.made(&call).instrument(span)));
        let (outcome, request_id) = match tokio::time::timeout(limit, made).await {
            Ok(report) => (report.outcome, report.request_id),
            Err(_) => (Outcome::Unknown { detail: "no answer within the time limit".to_owned() }, None),
        };
        self.crash(Point::AfterCall)?;
        let took = began.elapsed();
        engine.settings.metrics.called(&open.effect, &outcome, took);
        let latency = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.learn(&open, &outcome).await;
        self.answered(&open, outcome, request_id, latency).await?;
        Ok(None)
    }

    /// Why the call may not leave now, if so.
    async fn barred(&self, open: &Open) -> Result<Option<Barred>, Stop> {
        let engine = &self.engine;
        let now = engine.clock.now();
        if !engine.may_send(self.saga) {
            return Ok(Some(Barred::Until(now + TimeDelta::seconds(1))));
        }
        if self.care(open).await?.held {
            return Ok(Some(Barred::Until(now + HELD)));
        }
        Ok(engine.effects.refuse_now(&open.effect).await.map(Barred::Refused))
    }

    async fn hold_back(&mut self, open: &Open, barred: Barred) -> Result<Option<DateTime<Utc>>, Stop> {
        match barred {
            Barred::Until(at) => Ok(Some(at)),
            Barred::Refused(outcome) => self.answered(open, outcome, None, 0).await.map(|()| None),
        }
    }

    /// How the call is to be made after a restore: what only reads is made as always.
    async fn care(&self, open: &Open) -> Result<Care, Stop> {
        if reads(open) {
            return Ok(Care::default());
        }
        self.engine.effects.care().await.map_err(|e| Stop::Reload(e.to_string()))
    }

    /// After a restore a call that the log does not know may have been made: it is looked up before it is sent.
    async fn searched(&mut self, open: &Open) -> Result<Searched, Stop> {
        let look = self.read(open, None).await;
        self.engine.settings.metrics.looked(&open.effect, &look);
        match look {
            Look::Absent { .. } => Ok(Searched::Absent),
            Look::Unclear { .. } => Ok(Searched::NotNow),
            Look::Found { .. } => {
                self.tell(What::Looked { attempt: open.attempt, look }, "recovery", Vec::new()).await?;
                Ok(Searched::Settled)
            }
        }
    }

    /// No timer has an effect while a restore is not dealt with; where that cannot be read, neither.
    async fn is_held(&self) -> bool {
        match self.engine.effects.care().await {
            Ok(care) => care.held,
            Err(_) => true,
        }
    }

    /// Makes the call, or what a test wants instead.
    async fn made(&self, call: &Call) -> Report {
        let report = self.made_or_injected(call).await;
        trace::answered(&report.outcome, report.request_id.as_deref());
        report
    }

    async fn made_or_injected(&self, call: &Call) -> Report {
        let effects = &self.engine.effects;
        match self.engine.hooks.inject(call) {
            None => effects.perform(call).await,
            Some(Injection::Instead(outcome)) => outcome.into(),
            Some(Injection::Heard(outcome)) => {
                effects.perform(call).await;
                outcome.into()
            }
            Some(Injection::Twice(heard)) => {
                effects.perform(call).await;
                let second = effects.perform(call).await;
                heard.map_or(second, Report::from)
            }
        }
    }

    async fn answered(
        &mut self,
        open: &Open,
        outcome: Outcome,
        request_id: Option<String>,
        latency_ms: u64,
    ) -> Result<(), Stop> {
        trace::answered(&outcome, request_id.as_deref());
        let what = What::Answer { attempt: open.attempt, outcome, request_id, latency_ms };
        self.tell(what, open.effect.vendor(), Vec::new()).await
    }

    /// Looks the open call up.
    async fn look(&mut self, open: Open) -> Result<(), Stop> {
        let look = self.read(&open, None).await;
        self.engine.settings.metrics.looked(&open.effect, &look);
        self.tell(What::Looked { attempt: open.attempt, look }, "engine", Vec::new()).await
    }

    /// Asks the vendor: by its own id, or by our reference.
    pub(super) async fn read(&self, open: &Open, id: Option<&str>) -> Look {
        let sent_at = match open.phase {
            Phase::Sending { sent_at, .. } | Phase::Unknown { sent_at, .. } => Some(sent_at),
            Phase::Requested { .. } => None,
        };
        let engine = Arc::clone(&self.engine);
        let errand = self.look_errand(open);
        let _place = engine.budgets.place(open.effect.vendor(), errand.priority).await;
        let call = self.call(open, sent_at, engine.effects.beside_look(&open.effect).await);
        if let Some(shown) = engine.hooks.look(&call) {
            return shown;
        }
        let asked = async {
            match id {
                Some(id) => engine.effects.confirm(&call, id).await,
                None => engine.effects.look(&call).await,
            }
        };
        let span = trace::look(&open.step, open.attempt, open.effect.vendor(), open.effect.operation());
        let asked = async {
            let look = asked.await;
            trace::seen(&look);
            look
        };
        on_errand(errand, asked.instrument(span)).await
    }

    /// What the call wants before it may leave.
    fn admission(&self, open: &Open) -> Admission {
        Admission { saga: self.saga, vendor: open.effect.vendor(), terms: self.live.terms(open), reads: reads(open) }
    }

    /// On whose behalf the requests of the call leave.
    fn errand(&self, open: &Open, ticket: Ticket) -> Errand {
        let priority = self.live.terms(open).priority;
        Errand { saga: Some(self.saga), priority, reads: reads(open), ticket, passed: true }
    }

    /// As above for a look-up: it reads, whatever is looked up.
    fn look_errand(&self, open: &Open) -> Errand {
        Errand { reads: true, passed: false, ..self.errand(open, Ticket::none()) }
    }

    /// What an outcome says about the vendor's budget.
    async fn learn(&self, open: &Open, outcome: &Outcome) {
        let budgets = &self.engine.budgets;
        if let Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(seconds), .. } = outcome {
            budgets.close(open.effect.vendor(), *seconds).await;
        }
        // What was held for the record is kept where money moved, or may have.
        if !matches!(outcome, Outcome::Done { .. } | Outcome::Unknown { .. }) && !self.live.flow().past_pivot {
            budgets.let_go(self.saga);
        }
    }

    pub(super) fn call(&self, open: &Open, sent_at: Option<DateTime<Utc>>, beside: Beside) -> Call {
        Call {
            saga: self.saga,
            step: open.step.clone(),
            attempt: open.attempt,
            effect: open.effect.clone(),
            requested_at: open.requested_at,
            sent_at,
            now: self.engine.clock.now(),
            time_limit: self.engine.settings.call_limit,
            beside,
        }
    }

    /// Decides and writes; a refusal of the engine's own command means that memory and log differ.
    async fn tell(&mut self, what: What<Value>, principal: &str, items: Vec<Uuid>) -> Result<(), Stop> {
        self.decide(what, principal, items).await?.map_err(Stop::Reload)
    }

    /// Decides and writes. The inner error is the saga's refusal.
    async fn decide(
        &mut self,
        what: What<Value>,
        principal: &str,
        items: Vec<Uuid>,
    ) -> Result<Result<(), String>, Stop> {
        let at = self.engine.settings.at(self.engine.clock.now());
        let append = match self.live.decide(what, at, principal, items).await {
            Ok(append) => append,
            Err(refusal) => return Ok(Err(refusal.message)),
        };
        self.crash(Point::BeforeAppend)?;
        match self.write(append).await {
            Ok(()) => {}
            Err(AppendError::Poison { detail, .. }) => {
                tracing::error!(saga = %self.saga, detail, "an append was refused by the database; the saga is parked");
                self.park_poisoned(detail.clone()).await;
                return Err(Stop::Poison(detail));
            }
            Err(AppendError::Fenced { .. }) => return Err(Stop::NotOurs),
            // Another append applied the item: what was decided for it here is thrown away.
            Err(e @ (AppendError::Conflict { .. } | AppendError::Unavailable(_) | AppendError::ItemClosed { .. })) => {
                return Err(Stop::Reload(e.to_string()));
            }
        }
        self.live.written();
        self.crash(Point::AfterAppend)?;
        Ok(Ok(()))
    }

    /// Writes, through short outages of the database: what a vendor answered is not thrown away lightly. After an
    /// outage the log itself says whether the append had been written.
    async fn write(&self, append: Append) -> Result<(), AppendError> {
        let mut wait = Duration::from_millis(100);
        loop {
            let span = trace::append(append.events.len());
            match self.engine.store.log.append(append.clone()).instrument(span).await {
                Ok(_) => {
                    if !append.tells.is_empty() {
                        self.engine.wake.notify_one();
                    }
                    return Ok(());
                }
                Err(AppendError::Unavailable(why)) if self.engine.may_send(self.saga) => {
                    tracing::warn!(saga = %self.saga, why, "the database cannot be reached; trying again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(Duration::from_secs(2));
                }
                Err(AppendError::Conflict { actual, expected, .. })
                    if wait > Duration::from_millis(100) && actual == expected + append.events.len() as u64 =>
                {
                    // The try that ended without an answer had been written: nobody else writes to this stream.
                    return Ok(());
                }
                Err(e) => return Err(e),
            }
        }
    }

    async fn park_poisoned(&mut self, detail: String) {
        let at = self.engine.settings.at(self.engine.clock.now());
        let what = What::Park { code: ParkCode::PoisonAppend, detail };
        if let Ok(append) = self.live.decide(what, at, "engine", Vec::new()).await
            && self.write(append).await.is_ok()
        {
            self.live.written();
        }
    }

    fn crash(&self, point: Point) -> Result<(), Stop> {
        if self.engine.hooks.crash(point, self.saga, self.live.flow().open.as_ref()) {
            self.engine.crash();
        }
        if self.engine.crashed() { Err(Stop::Crash) } else { Ok(()) }
    }
}

fn reads(open: &Open) -> bool {
    open.effect.exactly_once() == ExactlyOnce::Repeatable
}

fn refused(item: &Item, reason: String) -> What<Value> {
    What::Refused {
        item: Some(item.id.to_string()),
        kind: item.kind.clone(),
        principal: item.principal.clone(),
        reason,
    }
}

/// A call that this node may not make now.
pub(super) fn not_sent(cause: NotSent, detail: impl Into<String>) -> Outcome {
    Outcome::NotSent { cause, detail: detail.into(), retry_after_seconds: None }
}
