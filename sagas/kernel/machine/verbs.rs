//! What operators order, verb by verb. A verb never changes an attempt's amount, key or order id, and never opens a
//! closed attempt again. A refusal says what the state means and what to do next.

use super::Draft;
use crate::kernel::answer::Answer;
use crate::kernel::effect::ClaimKind;
use crate::kernel::flow::{Open, Parked, Phase, StepEvent};
use crate::kernel::outcome::{Look, Outcome};
use crate::kernel::park::ParkCode;
use crate::kernel::record::{Record, Recorded};
use crate::kernel::saga::{Answered, At, End, Input, Pending, Refusal, Saga};
use crate::kernel::step::{Class, ExactlyOnce};
use crate::kernel::verb::{Asked, Evidence, MOVED_AT_MOST, Needs, Order, Standing, Supplied, Verb};
use chrono::{DateTime, Utc};

/// What must be known before the verb is obeyed.
pub fn needs<S: Saga>(saga: &Recorded<S>, verb: &Verb, now: DateTime<Utc>) -> Needs {
    let open = saga.flow.open.as_ref();
    let look = |open: &Open| Asked::Look(Box::new(open.clone()));
    // Before a call is dropped, it is looked up unless nothing can have left.
    let dropped = || open.filter(|open| !open.is_unknown() && !open.is_surely_not_sent()).map(look);
    match verb {
        Verb::Resume
        | Verb::Retry
        | Verb::Pause
        | Verb::MoveDue { .. }
        | Verb::Skip { result: Supplied::Answer { .. }, .. } => Needs::default(),
        Verb::Skip { result: Supplied::Reference { reference }, .. } => Needs {
            call: wanted(saga, now).map(|open| Asked::Reference(Box::new(open), reference.clone())),
            standing: false,
        },
        Verb::DeclareDone { reference } => {
            let unknown = open.filter(|open| open.is_unknown());
            let call = unknown.map(|open| Asked::Reference(Box::new(open.clone()), reference.clone()));
            Needs { call, standing: false }
        }
        Verb::DeclareNotDone => {
            let asked = open.filter(|open| open.is_unknown() || open.proven_absent_until().is_some());
            Needs { call: asked.map(look), standing: false }
        }
        Verb::Compensate => Needs { call: dropped(), standing: false },
        Verb::Abandon => Needs { call: dropped(), standing: true },
    }
}

/// The step that is open, or the one that a park keeps from being asked for again.
pub fn wanted<S: Saga>(saga: &Recorded<S>, now: DateTime<Utc>) -> Option<Open> {
    let flow = &saga.flow;
    if flow.open.is_some() || flow.ended.is_some() {
        return flow.open.clone();
    }
    let (step, n, undo, effect) = match (&flow.unwinding, S::pending(&saga.business)) {
        (Some(_), _) => {
            let step = flow.completed.last()?;
            (step.clone(), 1, true, S::undo(&saga.business, step)?)
        }
        (None, Pending::Perform { step, n, effect, .. }) => (step.to_owned(), n, false, *effect),
        (None, _) => return None,
    };
    let phase = Phase::Requested { not_before: None, waiting: None, look_first: false };
    Some(Open { step, n, undo, effect, fresh_until: None, requested_at: now, attempt: 1, tries: 0, phase })
}

impl<S: Saga> Draft<S> {
    pub(super) fn obey(
        &mut self,
        item: Option<&String>,
        kind: &str,
        order: &Order,
        evidence: &Evidence,
    ) -> Result<(), Refusal> {
        let heard = |why: String| StepEvent::Heard {
            item: item.cloned(),
            kind: kind.to_owned(),
            principal: order.principal.clone(),
            refused: Some(why),
        };
        if order.reason.trim().is_empty() {
            return Err(self.refuse(&order.verb, "no_reason", "no reason is given; say why, it goes on record"));
        }
        if order.bulk && self.saga.flow.open.as_ref().is_some_and(Open::is_unknown) {
            return Err(self.refuse(&order.verb, "left_out", "its outcome is unknown; a bulk order leaves it out"));
        }
        match &order.verb {
            Verb::Resume => self.resume(order),
            Verb::Retry => self.retry(order),
            Verb::Pause => self.pause(order),
            Verb::Skip { step, result } => self.skip(order, step, result, evidence.look.as_ref()),
            Verb::DeclareDone { reference } => self.declare_done(order, reference, evidence.look.as_ref()),
            Verb::DeclareNotDone => self.declare_not_done(order, evidence.look.as_ref(), heard),
            Verb::Compensate => self.compensate(order, evidence.look.as_ref(), heard),
            Verb::Abandon => self.abandon(order, evidence, heard),
            Verb::MoveDue { to } => self.move_due(order, *to),
        }
    }

    fn refuse(&self, verb: &Verb, code: &str, why: &str) -> Refusal {
        let state = S::summary(&self.saga.business).state;
        Refusal::new(code, format!("cannot {verb} saga {}: {why} (state: {state})", self.id))
    }

    fn not_ended(&self, verb: &Verb) -> Result<(), Refusal> {
        match self.saga.flow.ended {
            Some(end) => Err(self.refuse(verb, "ended", &format!("it has ended ({}); nothing is open", end.as_str()))),
            None => Ok(()),
        }
    }

    /// The order is on record.
    fn ordered(&mut self, order: &Order) {
        self.push(StepEvent::Ordered {
            verb: order.verb.clone(),
            principal: order.principal.clone(),
            reason: order.reason.clone(),
            approver: order.approver.clone(),
            at: self.at.now,
        });
    }

    /// A park of the engine's is over. A pause stays: it is over when it is resumed.
    fn lift(&mut self, verb: &Verb) {
        if self.saga.flow.parked.as_ref().is_some_and(|p| !p.by_saga && p.code != ParkCode::Paused) {
            self.push(StepEvent::Unparked { why: format!("an operator's {verb}") });
        }
    }

    fn parked_by_saga(&self) -> Option<Parked> {
        self.saga.flow.parked.clone().filter(|parked| parked.by_saga)
    }

    /// The open call may have been done.
    fn refuse_unknown(&self, verb: &Verb, open: &Open) -> Refusal {
        let why = format!(
            "step {} was sent and its outcome is not known, so that this could do it twice; it is being looked up: wait, \
             or say what the vendor shows with declare-done or declare-not-done",
            open.step
        );
        self.refuse(verb, "outcome_unknown", &why)
    }

    fn resume(&mut self, order: &Order) -> Result<(), Refusal> {
        let Some(parked) = self.saga.flow.parked.clone() else {
            return Err(self.refuse(&order.verb, "not_parked", "it is not parked"));
        };
        self.push(StepEvent::Resumed {
            principal: order.principal.clone(),
            reason: order.reason.clone(),
            approver: order.approver.clone(),
            at: self.at.now,
        });
        if parked.by_saga && !self.ask(Input::Resumed) {
            let why = format!("{} needs a decision first: {}", parked.code, parked.detail);
            return Err(self.refuse(&order.verb, "nothing_to_resume", &why));
        }
        Ok(())
    }

    fn retry(&mut self, order: &Order) -> Result<(), Refusal> {
        let verb = &order.verb;
        self.not_ended(verb)?;
        if let Some(open) = self.saga.flow.open.as_ref().filter(|open| open.is_unknown()) {
            return Err(self.refuse_unknown(verb, open));
        }
        if self.saga.flow.is_paused() {
            return Err(self.refuse(verb, "paused", "it is paused; resume it, and it goes on where it stood"));
        }
        if let Some(parked) = &self.saga.flow.parked {
            if parked.by_saga {
                let why = format!(
                    "it waits for a person under {}; do what the page of that code says, then resume",
                    parked.code
                );
                return Err(self.refuse(verb, "parked", &why));
            }
            self.ordered(order);
            self.lift(verb);
            return Ok(());
        }
        let Some(open) = self.open().ok() else {
            return Err(self.refuse(verb, "no_open_step", "no step is open; a wait is moved with move-due"));
        };
        if open.proven_absent_until().is_some_and(|until| until > self.at.now) {
            let why = format!(
                "step {} is proven not done and goes out again a day after it was sent; declare-not-done spares the day",
                open.step
            );
            return Err(self.refuse(verb, "proven_absent", &why));
        }
        if !matches!(open.phase, Phase::Requested { not_before: Some(at), .. } if at > self.at.now) {
            let why = format!("step {} is being tried now; look again in a moment", open.step);
            return Err(self.refuse(verb, "already_due", &why));
        }
        self.ordered(order);
        self.push(StepEvent::Rescheduled { from: None, to: self.at.now });
        Ok(())
    }

    fn pause(&mut self, order: &Order) -> Result<(), Refusal> {
        let verb = &order.verb;
        self.not_ended(verb)?;
        if let Some(parked) = &self.saga.flow.parked {
            let why = format!("it is parked under {} already: nothing is sent until it is resumed", parked.code);
            return Err(self.refuse(verb, "parked", &why));
        }
        self.ordered(order);
        self.park(ParkCode::Paused, format!("{} paused it: {}", order.principal, order.reason), false);
        Ok(())
    }

    fn skip(&mut self, order: &Order, step: &str, result: &Supplied, look: Option<&Look>) -> Result<(), Refusal> {
        let verb = &order.verb;
        self.not_ended(verb)?;
        let open = match self.parked_by_saga() {
            Some(parked) => {
                let why = format!("it waits for a person under {}, not for a step", parked.code);
                return Err(self.refuse(verb, "no_open_step", &why));
            }
            None => wanted(&self.saga, self.at.now)
                .ok_or_else(|| self.refuse(verb, "no_open_step", "no step is open or wanted"))?,
        };
        self.may_skip(verb, &open, step)?;
        let (answer, reference) = match result {
            Supplied::Answer { .. } if open.effect.moves_money() => {
                let why = format!(
                    "{} moves money: it is skipped only by the id under which the vendor holds it, which is read there",
                    open.effect.operation()
                );
                return Err(self.refuse(verb, "reference_missing", &why));
            }
            Supplied::Answer { answer } => ((**answer).clone(), None),
            Supplied::Reference { reference } => {
                (self.confirmed(verb, &open, reference, look)?.0, Some(reference.clone()))
            }
        };
        self.ordered(order);
        self.lift(verb);
        if self.saga.flow.open.is_none() {
            self.request(&open.step, open.n, open.undo, open.effect.clone(), None);
        }
        self.push(StepEvent::Skipped {
            step: open.step.clone(),
            n: open.n,
            undo: open.undo,
            answer: answer.clone(),
            reference,
        });
        let outcome = Outcome::Done { answer };
        let answered = Answered { step: &open.step, effect: &open.effect, outcome: &outcome, extra: &[] };
        if !open.undo && (!self.ask(Input::Answered(answered)) || self.wants_again(&open)) {
            let why =
                format!("step {} makes nothing of that result; supply what the vendor would have answered", open.step);
            return Err(self.refuse(verb, "result_not_understood", &why));
        }
        Ok(())
    }

    fn may_skip(&self, verb: &Verb, open: &Open, step: &str) -> Result<(), Refusal> {
        if open.step != step {
            let why = format!("its step is {}, not {step}; look at it again", open.step);
            return Err(self.refuse(verb, "another_step", &why));
        }
        if open.is_unknown() {
            return Err(self.refuse_unknown(verb, open));
        }
        if Recorded::<S>::spec(step).is_some_and(|spec| spec.class == Class::Pivot) {
            let why = format!(
                "{step} is the step that decides about the money; it is made, declined or undone, never skipped"
            );
            return Err(self.refuse(verb, "pivot", &why));
        }
        if open.effect.exactly_once() == ExactlyOnce::Repeatable {
            let why = format!("{} is simply made again; what rests on it must not be made up", open.effect.operation());
            return Err(self.refuse(verb, "repeatable", &why));
        }
        Ok(())
    }

    /// What the vendor holds under that id, where it is what the call asked for.
    fn confirmed(
        &self,
        verb: &Verb,
        open: &Open,
        reference: &str,
        look: Option<&Look>,
    ) -> Result<(Answer, Vec<String>), Refusal> {
        let refuse = |code, why: String| Err(self.refuse(verb, code, &why));
        let vendor = open.effect.vendor();
        match look {
            Some(Look::Found { outcome, extra }) => match outcome.as_ref() {
                Outcome::Done { answer } => match open.effect.contradicts(reference, answer) {
                    None => Ok((answer.clone(), extra.clone())),
                    Some(how) => refuse("reference_mismatch", format!("{vendor} shows another thing there: {how}")),
                },
                other => refuse("reference_mismatch", format!("{vendor} shows that it was {}", other.word())),
            },
            Some(Look::Absent { .. }) => refuse(
                "reference_unknown",
                format!("{vendor} shows nothing of this call under {reference}; check the id"),
            ),
            Some(Look::Unclear { detail }) => {
                refuse("vendor_unclear", format!("{vendor} could not be read ({detail}); try again in a moment"))
            }
            None => refuse("not_read", format!("{vendor} was not read; try again")),
        }
    }

    fn declare_done(&mut self, order: &Order, reference: &str, look: Option<&Look>) -> Result<(), Refusal> {
        let verb = &order.verb;
        self.not_ended(verb)?;
        let Some(open) = self.open().ok().filter(Open::is_unknown) else {
            return Err(self.refuse(
                verb,
                "not_unknown",
                "no call of it has an unknown outcome; there is nothing to declare",
            ));
        };
        let (answer, extra) = self.confirmed(verb, &open, reference, look)?;
        self.ordered(order);
        self.lift(verb);
        self.resolved(&open, &Outcome::Done { answer }, &extra);
        Ok(())
    }

    fn resolved(&mut self, open: &Open, outcome: &Outcome, extra: &[String]) {
        self.push(StepEvent::Resolved {
            step: open.step.clone(),
            attempt: open.attempt,
            undo: open.undo,
            outcome: outcome.clone(),
            extra: extra.to_vec(),
        });
        self.concluded(open, outcome, extra);
    }

    /// The look before an order found that the call was made: the order is refused, what was found is kept.
    fn found_instead(&mut self, verb: &Verb, open: &Open, look: &Look, heard: impl Fn(String) -> StepEvent) {
        let Look::Found { outcome, extra } = look else { return };
        let why = format!(
            "{} shows that step {} was {}; the saga goes on from there",
            open.effect.vendor(),
            open.step,
            outcome.word()
        );
        let refusal = self.refuse(verb, "found", &why);
        self.push(heard(refusal.message));
        self.lift(verb);
        self.resolved(open, outcome, extra);
    }

    fn declare_not_done(
        &mut self,
        order: &Order,
        look: Option<&Look>,
        heard: impl Fn(String) -> StepEvent,
    ) -> Result<(), Refusal> {
        let verb = &order.verb;
        self.not_ended(verb)?;
        let Some(open) = self.open().ok().filter(|o| o.is_unknown() || o.proven_absent_until().is_some()) else {
            return Err(self.refuse(
                verb,
                "not_unknown",
                "no call of it has an unknown outcome; there is nothing to declare",
            ));
        };
        let Some(look) = look else {
            return Err(self.refuse(verb, "not_read", "the vendor was not asked; try again"));
        };
        if matches!(open.phase, Phase::Sending { .. }) {
            self.unknown(&open, "the sender ended before an answer came", self.at.now);
        }
        let open = self.open()?;
        let refusal = |draft: &Self, why: &str| draft.refuse(verb, "absence_not_proven", why).message;
        match look {
            Look::Found { .. } => self.found_instead(verb, &open, look, heard),
            Look::Unclear { detail } => {
                let why = format!("{} cannot say now: {detail}", open.effect.vendor());
                self.push(heard(refusal(self, &why)));
                self.unsettled(&open, look);
            }
            Look::Absent { watermark, key_proven } => {
                if let Some(lacks) = self.lacks(&open, *watermark || *key_proven) {
                    let why = format!("that it was not done is not proven; missing: {lacks}");
                    self.push(heard(refusal(self, &why)));
                    self.unsettled(&open, look);
                    return Ok(());
                }
                self.ordered(order);
                self.lift(verb);
                self.spared(&open, look);
            }
        }
        Ok(())
    }

    /// Proven absent: it goes out again at once, after one more look; only the day's distance is spared.
    fn spared(&mut self, open: &Open, look: &Look) {
        let now = self.at.now;
        match open.effect.exactly_once() {
            _ if !open.is_unknown() => self.push(StepEvent::Rescheduled { from: None, to: now }),
            ExactlyOnce::Searchable { resend, .. } => self.proved_by(open, look, now, resend),
            ExactlyOnce::Repeatable | ExactlyOnce::ChosenId { .. } | ExactlyOnce::Set { .. } => self.proved(open, now),
        }
    }

    /// The open call may be dropped: `Ok(false)` where it was found to be made, and that is on record instead.
    fn may_drop(
        &mut self,
        verb: &Verb,
        look: Option<&Look>,
        heard: impl Fn(String) -> StepEvent,
    ) -> Result<bool, Refusal> {
        let Some(open) = self.saga.flow.open.clone() else { return Ok(true) };
        if open.is_unknown() {
            return Err(self.refuse_unknown(verb, &open));
        }
        if open.is_surely_not_sent() {
            return Ok(true);
        }
        match look {
            Some(Look::Absent { .. }) => Ok(true),
            Some(look @ Look::Found { .. }) => {
                self.found_instead(verb, &open, look, heard);
                Ok(false)
            }
            Some(Look::Unclear { detail }) => {
                let why =
                    format!("whether step {} was made cannot be read now ({detail}); try again in a moment", open.step);
                Err(self.refuse(verb, "vendor_unclear", &why))
            }
            None => Err(self.refuse(verb, "not_read", "the vendor was not asked; try again")),
        }
    }

    fn drop_open(&mut self) {
        if let Some(open) = self.saga.flow.open.clone() {
            self.push(StepEvent::Superseded { step: open.step, n: open.n });
        }
    }

    fn compensate(
        &mut self,
        order: &Order,
        look: Option<&Look>,
        heard: impl Fn(String) -> StepEvent,
    ) -> Result<(), Refusal> {
        let verb = &order.verb;
        self.not_ended(verb)?;
        if self.saga.flow.past_pivot {
            let why =
                "the money was taken: from there it only goes forward, and money is given back by a refund of its own";
            return Err(self.refuse(verb, "past_pivot", why));
        }
        if self.saga.flow.unwinding.is_some() {
            let why =
                "it is being undone already; where an undo is stuck, clear its cause and resume, or skip that undo";
            return Err(self.refuse(verb, "unwinding", why));
        }
        if !self.may_drop(verb, look, heard)? {
            return Ok(());
        }
        let called_off = S::call_off(&self.saga.business, &order.reason, &self.at)
            .map_err(|refusal| self.refuse(verb, &refusal.code, &refusal.message))?;
        self.ordered(order);
        if self.parked_by_saga().is_none() && self.saga.flow.parked.is_some() {
            self.push(StepEvent::Unparked { why: format!("an operator's {verb}") });
        }
        self.drop_open();
        for event in called_off {
            self.record(Record::Business(event));
        }
        Ok(())
    }

    fn abandon(
        &mut self,
        order: &Order,
        evidence: &Evidence,
        heard: impl Fn(String) -> StepEvent,
    ) -> Result<(), Refusal> {
        let verb = &order.verb;
        self.not_ended(verb)?;
        let Some(standing) = &evidence.standing else {
            return Err(self.refuse(verb, "not_read", "our own books were not read; try again"));
        };
        let undone = &self.saga.flow.completed;
        if !self.saga.flow.past_pivot && !undone.is_empty() {
            let why =
                format!("{} would stay half done; compensate it, or skip the undo that is stuck", undone.join(", "));
            return Err(self.refuse(verb, "half_done", &why));
        }
        if let Some(why) = holds_money(standing) {
            return Err(self.refuse(verb, "money_open", &why));
        }
        if !self.may_drop(verb, evidence.look.as_ref(), heard)? {
            return Ok(());
        }
        self.ordered(order);
        if self.saga.flow.parked.is_some() {
            self.push(StepEvent::Unparked { why: format!("an operator's {verb}") });
        }
        self.drop_open();
        // The claim on a press stays: a press once used starts nothing again.
        let let_go = standing.claims.iter().filter(|claim| claim.kind != ClaimKind::AttioTrigger);
        self.push(StepEvent::Abandoned { released: let_go.cloned().collect() });
        self.push(StepEvent::Ended { end: End::GivenUp });
        Ok(())
    }

    fn move_due(&mut self, order: &Order, to: DateTime<Utc>) -> Result<(), Refusal> {
        let (verb, now) = (&order.verb, self.at.now);
        self.not_ended(verb)?;
        if let Some(parked) = &self.saga.flow.parked {
            let why = format!("it is parked under {}: nothing is due until it is resumed", parked.code);
            return Err(self.refuse(verb, "parked", &why));
        }
        if to > now + MOVED_AT_MOST {
            let why = format!("{to} is more than {} days from now; move it again then", MOVED_AT_MOST.num_days());
            return Err(self.refuse(verb, "too_far", &why));
        }
        // Nothing is due in the past.
        let to = to.max(now);
        let from = match &self.saga.flow.open {
            Some(open) => {
                self.may_move(verb, open, to)?;
                None
            }
            None => Some(self.wait(verb, to)?),
        };
        self.ordered(order);
        self.push(StepEvent::Rescheduled { from, to });
        Ok(())
    }

    fn may_move(&self, verb: &Verb, open: &Open, to: DateTime<Utc>) -> Result<(), Refusal> {
        let refuse = |code, why: &str| Err(self.refuse(verb, code, why));
        match open.phase {
            Phase::Sending { deadline, .. } => {
                refuse("sending", &format!("step {} is under way until {deadline} and is looked up then", open.step))
            }
            Phase::Unknown { deadline, .. } if to < deadline => {
                refuse("too_early", &format!("a look before {deadline}, the deadline of the send, would show nothing"))
            }
            Phase::Requested { .. } if open.proven_absent_until().is_some_and(|until| to < until) => {
                let why =
                    "it is proven not done and goes out again a day after it was sent; declare-not-done spares the day";
                refuse("proven_absent", why)
            }
            Phase::Unknown { .. } | Phase::Requested { .. } => Ok(()),
        }
    }

    /// The end of the wait that the flow is in, where the flow has an answer to its coming at that time.
    fn wait(&self, verb: &Verb, to: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
        let (Pending::Await { until, .. } | Pending::Sleep { until, .. }) = S::pending(&self.saga.business) else {
            return Err(self.refuse(verb, "not_waiting", "it waits for no time"));
        };
        let then = At { now: to, ..self.at };
        if S::decide(&self.saga.business, Input::Due, &then).is_ok_and(|events| !events.is_empty()) {
            return Ok(until);
        }
        let why = format!("it has nothing to do before {until}; it can be moved to a later time alone");
        Err(self.refuse(verb, "too_early", &why))
    }
}

/// Why a saga with that standing is not given up.
fn holds_money(standing: &Standing) -> Option<String> {
    if let Some(open) = standing.open_money.first() {
        let at = open.transaction.as_ref().map_or_else(String::new, |id| format!(" of transaction {id}"));
        let (amount, account) = (open.amount, open.account);
        return Some(format!(
            "{amount}{at} on account {account} belongs nowhere yet; record it, give it back or release it first"
        ));
    }
    let fences = |kind| matches!(kind, ClaimKind::ZohoInvoice | ClaimKind::BraintreeTransaction);
    let claim = standing.claims.iter().find(|claim| fences(claim.kind))?;
    Some(format!(
        "it holds {:?} {}, which keeps money from being moved twice; let the step that holds it end first",
        claim.kind, claim.key
    ))
}
