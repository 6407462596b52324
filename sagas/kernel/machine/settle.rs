//! What follows by itself: asks the saga what it wants and records it, until that is a call, a wait, a park or an end.

use super::Draft;
use crate::kernel::effect::Effect;
use crate::kernel::flow::{Open, Phase, StepEvent};
use crate::kernel::park::ParkCode;
use crate::kernel::record::Recorded;
use crate::kernel::saga::{Input, Pending, Saga};
use crate::kernel::step::Class;
use chrono::{DateTime, Utc};

impl<S: Saga> Draft<S> {
    /// Asks the saga what it wants and records it, until that is a call, a wait, a park or an end.
    pub(super) fn settle(&mut self) {
        // An unwinding takes two rounds a step; no flow has more steps than this bound allows for.
        for _ in 0..64 {
            let flow = &self.saga.flow;
            if flow.abandoned.is_some() {
                return;
            }
            let pending = S::pending(&self.saga.business);
            if flow.ended.is_some() && !matches!(pending, Pending::Ended(_)) {
                self.push(StepEvent::Reopened { why: "a later signal gives it work".to_owned() });
                continue;
            }
            if let Some(parked) = &flow.parked {
                let still = matches!(&pending, Pending::Park { code, .. } if *code == parked.code);
                if !parked.by_saga || still {
                    return;
                }
                self.push(StepEvent::Unparked { why: "what it waited for has come".to_owned() });
                continue;
            }
            if let Some(open) = &flow.open {
                if !steps_aside::<S>(open, &pending) {
                    return;
                }
                self.push(StepEvent::Superseded { step: open.step.clone(), n: open.n });
                continue;
            }
            if let Some(reason) = flow.unwinding.clone() {
                if !self.undo_next(&reason) {
                    return;
                }
                continue;
            }
            if !self.want(pending) {
                return;
            }
        }
    }

    /// Records what the saga wants; true where that changes what it wants next.
    fn want(&mut self, pending: Pending) -> bool {
        match pending {
            Pending::Perform { step, n, effect, fresh_until } => {
                // A telling gives way to a wait, whose end a person may have moved.
                let moved = fresh_until.filter(|_| tells::<S>(step)).map(|until| self.saga.flow.end_of_wait(until));
                self.request(step, n, false, *effect, moved.or(fresh_until));
                false
            }
            Pending::Await { .. } | Pending::Sleep { .. } => false,
            Pending::Park { code, detail } => {
                self.park(code, detail, true);
                false
            }
            Pending::Unwind { reason } => {
                if self.saga.flow.past_pivot {
                    let detail = format!("the flow wants to undo after its pivot, which is never allowed: {reason}");
                    self.park(ParkCode::CompensationStuck, detail, false);
                    return false;
                }
                self.push(StepEvent::Unwinding { reason });
                true
            }
            Pending::Ended(end) => {
                if self.saga.flow.ended.is_none() {
                    self.push(StepEvent::Ended { end });
                }
                false
            }
        }
    }

    /// Requests the undo of the step completed last; with none left, tells the saga. False: wait for an answer.
    fn undo_next(&mut self, reason: &str) -> bool {
        let Some(step) = self.saga.flow.completed.last().cloned() else {
            self.push(StepEvent::Unwound { reason: reason.to_owned() });
            self.ask(Input::Unwound { reason });
            return true;
        };
        if let Some(effect) = S::undo(&self.saga.business, &step) {
            self.request(&step, 1, true, effect, None);
        } else {
            let detail = format!("step {step} was done and the flow names no undo for it");
            self.park(ParkCode::CompensationStuck, detail, false);
        }
        false
    }

    pub(super) fn request(
        &mut self,
        step: &str,
        n: u32,
        undo: bool,
        effect: Effect,
        fresh_until: Option<DateTime<Utc>>,
    ) {
        debug_assert!(Recorded::<S>::spec(step).is_some(), "step {step} is not declared");
        self.push(StepEvent::Requested { step: step.to_owned(), n, undo, effect, fresh_until, at: self.at.now });
    }
}

/// A projection that waits to be tried or looked at again steps aside for work that has come: to tell people never keeps
/// a flow waiting. What it would have shown is asserted anew, or something newer is.
fn steps_aside<S: Saga>(open: &Open, pending: &Pending) -> bool {
    let waits = match open.phase {
        Phase::Requested { waiting, .. } => waiting.is_some(),
        Phase::Unknown { .. } => true,
        Phase::Sending { .. } => false,
    };
    let work = match pending {
        Pending::Perform { step, .. } => !tells::<S>(step),
        Pending::Unwind { .. } => true,
        Pending::Await { .. } | Pending::Sleep { .. } | Pending::Park { .. } | Pending::Ended(_) => false,
    };
    waits && work && tells::<S>(&open.step)
}

/// The step only shows people something, or mails it.
pub(super) fn tells<S: Saga>(step: &str) -> bool {
    Recorded::<S>::spec(step).is_some_and(|s| s.class == Class::Projection)
}
