//! The engine's side of a saga's state: the open step, what was completed, what is parked; and the step events that
//! change it. A saga never writes one of these.

use super::answer::Answer;
use super::effect::{Claim, Effect};
use super::outcome::{Look, NotSent, Outcome};
use super::park::ParkCode;
use super::saga::{End, Mark};
use super::step::ExactlyOnce;
use super::verb::Verb;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the engine remembers of a saga, folded from its step events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// The definition's version at the start.
    pub version: u32,
    /// The step that is under way.
    pub open: Option<Open>,
    /// Names of completed steps that an unwinding must undo, in order of completion.
    pub completed: Vec<String>,
    /// Completed steps are being undone, for this reason.
    pub unwinding: Option<String>,
    /// The pivot was done: only forward.
    pub past_pivot: bool,
    /// Waits for a person.
    pub parked: Option<Parked>,
    /// Finished.
    pub ended: Option<End>,
    /// A person gave an order: a searchable call that it goes on with is looked up before it is sent, whatever ended the
    /// last one.
    pub cautious: bool,
    /// A person moved the end of a wait or a sleep.
    pub moved: Option<Moved>,
    /// A person gave it up: nothing is wanted any more. The claims that were let go with it.
    pub abandoned: Option<Vec<Claim>>,
    /// A searchable call that was proven absent and then dropped on stale facts: asked for again word by word, it is
    /// looked up before it is sent.
    pub dropped: Option<Effect>,
}

/// A wait or a sleep that ends at another time than the flow says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// What the flow says (UTC): another wait is not concerned.
    pub from: DateTime<Utc>,
    /// When it ends (UTC).
    pub to: DateTime<Utc>,
}

/// The step under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The step's name.
    pub step: String,
    /// Which time the step is done in this saga.
    pub n: u32,
    /// This is the undo of the step.
    pub undo: bool,
    /// What is asked for.
    pub effect: Effect,
    /// Not sent after this instant: superseded instead.
    pub fresh_until: Option<DateTime<Utc>>,
    /// When it was first wanted (UTC).
    pub requested_at: DateTime<Utc>,
    /// Which sending of the same request this is or will be, from 1.
    pub attempt: u32,
    /// Tries in a row that were provably not executed.
    pub tries: u32,
    /// Where it stands.
    pub phase: Phase,
}

/// Where the open step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Wanted. On a searchable step that alone means: not sent.
    Requested {
        /// Not before (UTC).
        not_before: Option<DateTime<Utc>>,
        /// Why it waits.
        waiting: Option<NotSent>,
        /// Looked up by our reference before it is sent.
        look_first: bool,
    },
    /// The bytes may have left.
    Sending {
        /// The mark's instant (UTC).
        sent_at: DateTime<Utc>,
        /// Before it absence is never judged (UTC).
        deadline: DateTime<Utc>,
    },
    /// Sent, no usable answer: being looked up.
    Unknown {
        /// When it was sent (UTC).
        sent_at: DateTime<Utc>,
        /// Ladder and proof count from it (UTC).
        deadline: DateTime<Utc>,
        /// Clean looks that found nothing (UTC).
        clean: Vec<DateTime<Utc>>,
        /// The next look (UTC).
        next_look: DateTime<Utc>,
    },
}

/// Waiting for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// From the closed list.
    pub code: ParkCode,
    /// What happened and what to do.
    pub detail: String,
    /// The saga asked for it in `pending`; else the engine did.
    pub by_saga: bool,
    /// Since when (UTC).
    pub since: DateTime<Utc>,
}

/// What happened to a step, or to the saga as a whole. In the log for ever: rename means a new variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum StepEvent {
    /// The saga's first event.
    Started {
        /// The definition's version.
        version: u32,
    },
    /// Something came from outside and was looked at.
    Heard {
        /// The inbox item, where it came by the inbox.
        item: Option<String>,
        /// What kind of thing: `zoho.invoice_created`, `operator.resume` …
        kind: String,
        /// Who.
        principal: String,
        /// What it did: nothing, or why it was refused.
        refused: Option<String>,
    },
    /// A step is wanted.
    Requested {
        step: String,
        n: u32,
        undo: bool,
        effect: Effect,
        fresh_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    /// A searchable call leaves now.
    Sending { step: String, attempt: u32, at: DateTime<Utc>, deadline: DateTime<Utc>, node: String, epoch: i64 },
    /// The call has an outcome that ends the step.
    Answered {
        step: String,
        attempt: u32,
        undo: bool,
        outcome: Outcome,
        /// The vendor's own id of the request.
        request_id: Option<String>,
        latency_ms: u64,
    },
    /// The call was provably not executed.
    NotSent { step: String, attempt: u32, cause: NotSent, detail: String, again_at: DateTime<Utc> },
    /// Sent, and no usable answer came back.
    OutcomeUnknown { step: String, attempt: u32, detail: String, at: DateTime<Utc>, next_look: DateTime<Utc> },
    /// A look-up did not settle it.
    Looked {
        step: String,
        attempt: u32,
        look: Look,
        at: DateTime<Utc>,
        /// Absent at the end of the ladder.
        next_look: Option<DateTime<Utc>>,
    },
    /// A look-up settled it.
    Resolved {
        step: String,
        attempt: u32,
        undo: bool,
        outcome: Outcome,
        /// Further approved hits of the same reference.
        extra: Vec<String>,
    },
    /// Proven not executed: the same request may go out again.
    ProvedAbsent { step: String, attempt: u32, resend_at: DateTime<Utc> },
    /// What was wanted rests on stale facts and was not sent; or it would only have told people, and made way for work.
    Superseded { step: String, n: u32 },
    /// Completed steps are to be undone.
    Unwinding { reason: String },
    /// All are undone.
    Unwound { reason: String },
    /// A person must look.
    Parked { code: ParkCode, detail: String, by_saga: bool, at: DateTime<Utc> },
    /// What the park waited for came by itself.
    Unparked { why: String },
    /// A person let it go on.
    Resumed {
        principal: String,
        reason: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approver: Option<String>,
        at: DateTime<Utc>,
    },
    /// A person gave another order than to resume; what follows from it stands in the events after it.
    Ordered {
        verb: Verb,
        principal: String,
        reason: String,
        /// The second person who agreed; absent: one was enough, or approvals are off.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        approver: Option<String>,
        at: DateTime<Utc>,
    },
    /// A step is taken as done, on a person's word or by what the vendor shows under the id that the person named.
    Skipped {
        step: String,
        n: u32,
        undo: bool,
        answer: Answer,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
    /// The next try or look of the open step, or the end of the wait, is at another time.
    Rescheduled {
        /// The wait's own end; absent: a step is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<DateTime<Utc>>,
        to: DateTime<Utc>,
    },
    /// Given up by a person, with nothing half done; these claims are let go.
    Abandoned { released: Vec<Claim> },
    /// It is finished.
    Ended { end: End },
    /// A later signal opened it again.
    Reopened { why: String },
}

impl StepEvent {
    /// What the tables beside the log take from it.
    pub fn marks(&self) -> Vec<Mark> {
        match self {
            Self::Abandoned { released } => released.iter().cloned().map(Mark::Release).collect(),
            _ => Vec::new(),
        }
    }

    /// The name in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Started { .. } => "step.started",
            Self::Heard { .. } => "step.heard",
            Self::Requested { .. } => "step.requested",
            Self::Sending { .. } => "step.sending",
            Self::Answered { .. } => "step.answered",
            Self::NotSent { .. } => "step.not_sent",
            Self::OutcomeUnknown { .. } => "step.outcome_unknown",
            Self::Looked { .. } => "step.looked",
            Self::Resolved { .. } => "step.resolved",
            Self::ProvedAbsent { .. } => "step.proved_absent",
            Self::Superseded { .. } => "step.superseded",
            Self::Unwinding { .. } => "step.unwinding",
            Self::Unwound { .. } => "step.unwound",
            Self::Parked { .. } => "step.parked",
            Self::Unparked { .. } => "step.unparked",
            Self::Resumed { .. } => "step.resumed",
            Self::Ordered { .. } => "step.ordered",
            Self::Skipped { .. } => "step.skipped",
            Self::Rescheduled { .. } => "step.rescheduled",
            Self::Abandoned { .. } => "step.abandoned",
            Self::Ended { .. } => "step.ended",
            Self::Reopened { .. } => "step.reopened",
        }
    }
}

impl Flow {
    /// The state after a step event. `undoes` says whether a completed step has an undo effect, `pivot` whether it is
    /// the pivot.
    pub fn evolve(&mut self, event: &StepEvent, undoes: impl Fn(&str) -> bool, pivot: impl Fn(&str) -> bool) {
        match event {
            StepEvent::Started { version } => self.version = *version,
            StepEvent::Heard { .. } => {}
            StepEvent::Requested { step, n, undo, effect, fresh_until, at } => {
                let again = self.dropped.take_if(|dropped| dropped == effect).is_some();
                let look_first = (self.cautious && effect.exactly_once().needs_sending_mark()) || again;
                self.cautious = false;
                self.open = Some(Open {
                    step: step.clone(),
                    n: *n,
                    undo: *undo,
                    effect: effect.clone(),
                    fresh_until: *fresh_until,
                    requested_at: *at,
                    attempt: 1,
                    tries: 0,
                    phase: Phase::Requested { not_before: None, waiting: None, look_first },
                });
            }
            StepEvent::Sending { at, deadline, .. } => {
                self.phase(|open| open.phase = Phase::Sending { sent_at: *at, deadline: *deadline });
            }
            StepEvent::Answered { step, undo, outcome, .. } | StepEvent::Resolved { step, undo, outcome, .. } => {
                self.close(step, *undo, matches!(outcome, Outcome::Done { .. }), undoes, pivot);
            }
            StepEvent::NotSent { cause, again_at, .. } => self.phase(|open| {
                open.tries += 1;
                let look_first = matches!(open.phase, Phase::Requested { look_first: true, .. });
                open.phase = Phase::Requested { not_before: Some(*again_at), waiting: Some(*cause), look_first };
            }),
            StepEvent::OutcomeUnknown { at, next_look, .. } => self.phase(|open| {
                let (sent_at, deadline) = match open.phase {
                    Phase::Sending { sent_at, deadline } => (sent_at, deadline),
                    Phase::Requested { .. } | Phase::Unknown { .. } => (*at, *at),
                };
                open.phase = Phase::Unknown { sent_at, deadline, clean: Vec::new(), next_look: *next_look };
            }),
            StepEvent::Looked { look, at, next_look, .. } => self.phase(|open| looked(open, look, *at, *next_look)),
            StepEvent::ProvedAbsent { resend_at, .. } => self.phase(|open| {
                open.attempt += 1;
                open.tries = 0;
                open.phase = Phase::Requested { not_before: Some(*resend_at), waiting: None, look_first: true };
            }),
            StepEvent::Superseded { .. } => {
                self.dropped = self.open.take().filter(|open| open.attempt > 1).map(|open| open.effect);
            }
            StepEvent::Unwinding { reason } => self.unwinding = Some(reason.clone()),
            StepEvent::Unwound { .. } => self.unwinding = None,
            StepEvent::Parked { code, detail, by_saga, at } => {
                self.parked = Some(Parked { code: *code, detail: detail.clone(), by_saga: *by_saga, since: *at });
            }
            StepEvent::Unparked { .. } => self.parked = None,
            StepEvent::Resumed { at, .. } => {
                let paused = self.is_paused();
                self.parked = None;
                self.cautious = true;
                if !paused {
                    self.phase(|open| resumed(open, *at));
                }
            }
            StepEvent::Ordered { .. } => self.cautious = true,
            StepEvent::Skipped { step, undo, .. } => self.close(step, *undo, true, undoes, pivot),
            StepEvent::Rescheduled { from: Some(from), to } => self.moved = Some(Moved { from: *from, to: *to }),
            StepEvent::Rescheduled { from: None, to } => self.phase(|open| reschedule(open, *to)),
            StepEvent::Abandoned { released } => {
                self.unwinding = None;
                self.abandoned = Some(released.clone());
            }
            StepEvent::Ended { end } => self.ended = Some(*end),
            StepEvent::Reopened { .. } => {
                self.ended = None;
                self.abandoned = None;
            }
        }
    }

    /// A person paused it.
    pub fn is_paused(&self) -> bool {
        self.parked.as_ref().is_some_and(|parked| parked.code == ParkCode::Paused)
    }

    /// A release could not read its history.
    pub fn is_unreadable(&self) -> bool {
        self.parked.as_ref().is_some_and(|parked| parked.code == ParkCode::HistoryUnreadable)
    }

    /// When a wait ends that the flow wants until then.
    pub fn end_of_wait(&self, until: DateTime<Utc>) -> DateTime<Utc> {
        self.moved.filter(|moved| moved.from == until).map_or(until, |moved| moved.to)
    }

    fn phase(&mut self, change: impl FnOnce(&mut Open)) {
        if let Some(open) = &mut self.open {
            change(open);
        }
    }

    fn close(
        &mut self,
        step: &str,
        undo: bool,
        done: bool,
        undoes: impl Fn(&str) -> bool,
        pivot: impl Fn(&str) -> bool,
    ) {
        self.open = None;
        if !done {
            return;
        }
        if undo {
            self.completed.retain(|s| s != step);
        } else {
            if undoes(step) && !self.completed.iter().any(|s| s == step) {
                self.completed.push(step.to_owned());
            }
            self.past_pivot |= pivot(step);
        }
    }
}

/// A look that did not settle it: a clean one counts towards the proof of absence.
fn looked(open: &mut Open, look: &Look, at: DateTime<Utc>, next: Option<DateTime<Utc>>) {
    match &mut open.phase {
        Phase::Unknown { clean, next_look, .. } => {
            if matches!(look, Look::Absent { .. }) {
                clean.push(at);
            }
            if let Some(next) = next {
                *next_look = next;
            }
        }
        Phase::Requested { not_before, look_first, .. } => match look {
            Look::Absent { .. } => *look_first = false,
            Look::Unclear { .. } | Look::Found { .. } => *not_before = next,
        },
        Phase::Sending { .. } => {}
    }
}

/// A resumed step is looked at or tried at once; one that was proven absent keeps its distance from the first send.
fn resumed(open: &mut Open, at: DateTime<Utc>) {
    if open.proven_absent_until().is_none() {
        reschedule(open, at);
    }
}

fn reschedule(open: &mut Open, to: DateTime<Utc>) {
    match &mut open.phase {
        Phase::Unknown { next_look, .. } => *next_look = to,
        Phase::Requested { not_before, .. } => *not_before = Some(to),
        Phase::Sending { .. } => {}
    }
}

impl Open {
    /// Sent once, and no usable answer is known: it may have been done.
    pub const fn is_unknown(&self) -> bool {
        matches!(self.phase, Phase::Sending { .. } | Phase::Unknown { .. })
    }

    /// It was proven not to have been done, and goes out again after this instant (UTC).
    pub fn proven_absent_until(&self) -> Option<DateTime<Utc>> {
        match self.phase {
            Phase::Requested { not_before, waiting: None, look_first: true } if self.attempt > 1 => not_before,
            Phase::Requested { .. } | Phase::Sending { .. } | Phase::Unknown { .. } => None,
        }
    }

    /// Nothing can have left for it since it was last looked up: it may be dropped.
    pub fn is_surely_not_sent(&self) -> bool {
        match (&self.phase, self.effect.exactly_once()) {
            (Phase::Requested { .. }, ExactlyOnce::Repeatable)
            | (Phase::Requested { look_first: false, .. }, ExactlyOnce::Searchable { .. }) => true,
            // Without a mark, a call under a chosen id can have left before a crash.
            (Phase::Requested { .. } | Phase::Sending { .. } | Phase::Unknown { .. }, _) => false,
        }
    }
}
