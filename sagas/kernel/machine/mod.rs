//! The machine that drives every saga: commands of the engine to events. Attempts, retries, unknown outcomes, the order
//! of compensation, parks and what operators order are here, once. Pure.

mod settle;
mod verbs;

pub use super::command::{Command, What};
use super::flow::{Open, Phase, StepEvent};
use super::ids::SagaId;
use super::outcome::{Look, NotSent, Outcome, RejectionKind};
use super::park::ParkCode;
use super::record::{Record, Recorded};
use super::retry;
use super::saga::{Answered, At, BusinessEvent, Input, Pending, Refusal, Saga};
use super::step::{Absence, Class, ExactlyOnce, Resend};
use chrono::{DateTime, TimeDelta, Utc};
use settle::tells;
pub use verbs::{needs, wanted};

/// What the engine should do now for a saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Send the open call.
    Perform(Box<Open>),
    /// Look the open call up by our reference.
    Look(Box<Open>),
    /// Tell the saga that its time has come.
    Due,
    /// Nothing before this instant (UTC).
    Wait(DateTime<Utc>),
    /// Nothing until somebody comes: parked or ended.
    Idle,
}

/// What should be done now.
pub fn work<S: Saga>(saga: &Recorded<S>, now: DateTime<Utc>) -> Work {
    let flow = &saga.flow;
    if flow.parked.is_some() {
        // A pause keeps waits and calls back, and finds out what became of a call that left.
        let looked_up = flow.open.as_ref().filter(|open| flow.is_paused() && open.is_unknown());
        return looked_up.map_or(Work::Idle, |open| work_on(open, now));
    }
    let Some(open) = &flow.open else {
        return match S::pending(&saga.business) {
            _ if flow.ended.is_some() => Work::Idle,
            Pending::Await { until, .. } | Pending::Sleep { until, .. } if flow.end_of_wait(until) > now => {
                Work::Wait(flow.end_of_wait(until))
            }
            // Its time has come. The other wants are settled in every append, and met here only where a history was
            // written by another release: `Due` settles them too.
            Pending::Await { .. }
            | Pending::Sleep { .. }
            | Pending::Perform { .. }
            | Pending::Park { .. }
            | Pending::Unwind { .. }
            | Pending::Ended(_) => Work::Due,
        };
    };
    work_on(open, now)
}

fn work_on(open: &Open, now: DateTime<Utc>) -> Work {
    match &open.phase {
        Phase::Requested { not_before: Some(t), .. } if *t > now => Work::Wait(*t),
        Phase::Requested { look_first: true, .. } => Work::Look(Box::new(open.clone())),
        Phase::Requested { .. } => Work::Perform(Box::new(open.clone())),
        // Without an outcome after its deadline the sender is gone.
        Phase::Sending { deadline: until, .. } | Phase::Unknown { next_look: until, .. } if *until > now => {
            Work::Wait(*until)
        }
        Phase::Sending { .. } | Phase::Unknown { .. } => Work::Look(Box::new(open.clone())),
    }
}

/// When the saga needs the engine next (UTC); `None` when it is parked or ended.
pub fn due<S: Saga>(saga: &Recorded<S>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    match work(saga, now) {
        Work::Perform(_) | Work::Look(_) | Work::Due => Some(now),
        Work::Wait(until) => Some(until),
        Work::Idle => None,
    }
}

/// The events that follow from a command.
///
/// # Errors
/// The command is not acceptable now. Refusals of a delivered command are events instead: they are on record.
pub fn decide<S: Saga>(saga: &Recorded<S>, command: &Command<S::Command>) -> Result<Vec<Record<S::Event>>, Refusal> {
    let mut draft = Draft { saga: saga.clone(), id: command.saga, at: command.at, out: Vec::new() };
    match &command.what {
        What::Deliver { item, kind, principal, command } => draft.deliver(item.as_ref(), kind, principal, command),
        What::Sending { deadline, node, epoch } => draft.sending(*deadline, node, *epoch)?,
        What::Answer { attempt, outcome, request_id, latency_ms } => {
            draft.answer(*attempt, outcome, request_id.clone(), *latency_ms)?;
        }
        What::Looked { attempt, look } => draft.looked(*attempt, look)?,
        What::Stale => draft.stale()?,
        What::Due => {
            if draft.saga.flow.open.is_none() && draft.saga.flow.parked.is_none() {
                draft.ask(Input::Due);
            }
        }
        What::Verb { item, kind, order, evidence } => draft.obey(item.as_ref(), kind, order, evidence)?,
        What::Refused { item, kind, principal, reason } => draft.push(StepEvent::Heard {
            item: item.clone(),
            kind: kind.clone(),
            principal: principal.clone(),
            refused: Some(reason.clone()),
        }),
        What::Readable => draft.readable(),
        What::Park { code, detail } => draft.park(*code, detail.clone(), false),
    }
    draft.settle();
    Ok(draft.out)
}

/// Events so far, and the state after them.
struct Draft<S: Saga> {
    saga: Recorded<S>,
    id: SagaId,
    at: At,
    out: Vec<Record<S::Event>>,
}

impl<S: Saga> Draft<S> {
    fn push(&mut self, event: StepEvent) {
        self.record(Record::Step(event));
    }

    fn record(&mut self, event: Record<S::Event>) {
        self.saga.evolve(&event);
        self.out.push(event);
    }

    fn open(&self) -> Result<Open, Refusal> {
        self.saga.flow.open.clone().ok_or_else(|| Refusal::new("no_open_step", "no step is open"))
    }

    /// Asks the saga; false where nothing followed or it refused.
    fn ask(&mut self, input: Input<'_, S::Command>) -> bool {
        match S::decide(&self.saga.business, input, &self.at) {
            Ok(events) => {
                let any = !events.is_empty();
                for event in events {
                    self.record(Record::Business(event));
                }
                any
            }
            Err(_) => false,
        }
    }

    fn deliver(&mut self, item: Option<&String>, kind: &str, principal: &str, command: &S::Command) {
        if self.saga.flow.version == 0 {
            self.push(StepEvent::Started { version: S::VERSION });
        }
        let decided = match &self.saga.flow.abandoned {
            Some(released) if !released.is_empty() => Err(Refusal::new(
                "abandoned",
                "this saga was abandoned by a person and let go what it held: nothing follows here; begin anew",
            )),
            Some(_) | None => S::decide(&self.saga.business, Input::Command(command), &self.at),
        };
        let refused = decided.as_ref().err().map(|r| r.message.clone());
        self.push(StepEvent::Heard {
            item: item.cloned(),
            kind: kind.to_owned(),
            principal: principal.to_owned(),
            refused,
        });
        for event in decided.unwrap_or_default() {
            if self.saga.flow.abandoned.is_some() {
                self.push(StepEvent::Reopened { why: "a later signal gives it work".to_owned() });
            }
            self.record(Record::Business(event));
        }
    }

    fn sending(&mut self, deadline: DateTime<Utc>, node: &str, epoch: i64) -> Result<(), Refusal> {
        let open = self.open()?;
        if !matches!(open.phase, Phase::Requested { look_first: false, .. }) || self.saga.flow.parked.is_some() {
            return Err(Refusal::new("not_sendable", format!("step {} may not be sent now", open.step)));
        }
        self.push(StepEvent::Sending {
            step: open.step,
            attempt: open.attempt,
            at: self.at.now,
            deadline,
            node: node.to_owned(),
            epoch,
        });
        Ok(())
    }

    fn answer(
        &mut self,
        attempt: u32,
        outcome: &Outcome,
        request_id: Option<String>,
        latency_ms: u64,
    ) -> Result<(), Refusal> {
        let open = self.open()?;
        if open.attempt != attempt {
            return Err(Refusal::new("stale_answer", format!("step {} is at another attempt", open.step)));
        }
        match outcome {
            Outcome::Done { .. } | Outcome::Declined { .. } | Outcome::Rejected { .. } => {
                self.push(StepEvent::Answered {
                    step: open.step.clone(),
                    attempt,
                    undo: open.undo,
                    outcome: outcome.clone(),
                    request_id,
                    latency_ms,
                });
                self.concluded(&open, outcome, &[]);
            }
            Outcome::NotSent { cause, detail, retry_after_seconds } => {
                self.not_sent(&open, *cause, detail, *retry_after_seconds);
            }
            Outcome::Unknown { detail } => match open.effect.exactly_once() {
                ExactlyOnce::Repeatable => self.not_sent(&open, NotSent::Again, detail, None),
                ExactlyOnce::ChosenId { .. } | ExactlyOnce::Set { .. } => {
                    let next_look = self.at.now + TimeDelta::seconds(5);
                    self.unknown(&open, detail, next_look);
                }
                ExactlyOnce::Searchable { .. } => {
                    let deadline = match open.phase {
                        Phase::Sending { deadline, .. } | Phase::Unknown { deadline, .. } => deadline,
                        Phase::Requested { .. } => self.at.now,
                    };
                    self.unknown(&open, detail, deadline.max(self.at.now));
                }
            },
        }
        Ok(())
    }

    fn not_sent(&mut self, open: &Open, cause: NotSent, detail: &str, asked: Option<u32>) {
        let again_at = self.at.now + retry::back_off(cause, open.tries, asked, self.id);
        self.push(StepEvent::NotSent {
            step: open.step.clone(),
            attempt: open.attempt,
            cause,
            detail: detail.to_owned(),
            again_at,
        });
    }

    fn unknown(&mut self, open: &Open, detail: &str, next_look: DateTime<Utc>) {
        self.push(StepEvent::OutcomeUnknown {
            step: open.step.clone(),
            attempt: open.attempt,
            detail: detail.to_owned(),
            at: self.at.now,
            next_look,
        });
    }

    /// The open step has an outcome that ends it: the saga branches, or the saga is parked.
    fn concluded(&mut self, open: &Open, outcome: &Outcome, extra: &[String]) {
        if open.undo {
            if !matches!(outcome, Outcome::Done { .. }) {
                let detail = format!("undoing {} was refused: {}", open.step, reason(outcome));
                self.park(ParkCode::CompensationStuck, detail, false);
            }
            return;
        }
        if let Outcome::Rejected { rejection } = outcome
            && rejection.kind == RejectionKind::Config
            // What only tells people never holds the flow up: the flow puts it off.
            && !tells::<S>(&open.step)
        {
            let detail = format!("{} at step {}: {}", open.effect.operation(), open.step, reason(outcome));
            self.park(ParkCode::VendorConfig, detail, false);
            return;
        }
        let answered = Answered { step: &open.step, effect: &open.effect, outcome, extra };
        self.ask(Input::Answered(answered));
        // Asking for the very same thing again would be a hot loop: the flow names no branch for this outcome.
        if self.wants_again(open) {
            let detail = format!("{} at step {}: {}", open.effect.operation(), open.step, reason(outcome));
            self.park(park_code(outcome), detail, false);
        }
    }

    fn wants_again(&self, open: &Open) -> bool {
        matches!(
            S::pending(&self.saga.business),
            Pending::Perform { step, n, .. } if step == open.step && n == open.n
        )
    }

    fn looked(&mut self, attempt: u32, look: &Look) -> Result<(), Refusal> {
        let open = self.open()?;
        if open.attempt != attempt {
            return Err(Refusal::new("stale_look", format!("step {} is at another attempt", open.step)));
        }
        if matches!(open.phase, Phase::Sending { .. }) {
            // The sender is gone without an answer: that is an unknown outcome, and this look is its first.
            self.unknown(&open, "the sender ended before an answer came", self.at.now);
        }
        let open = self.open()?;
        match look {
            Look::Found { outcome, extra } => {
                self.push(StepEvent::Resolved {
                    step: open.step.clone(),
                    attempt,
                    undo: open.undo,
                    outcome: (**outcome).clone(),
                    extra: extra.clone(),
                });
                self.concluded(&open, outcome, extra);
            }
            Look::Absent { watermark, key_proven } => self.absent(&open, look, *watermark, *key_proven),
            Look::Unclear { .. } => self.unsettled(&open, look),
        }
        Ok(())
    }

    /// A clean look that found nothing: proof, or one look on the way to it.
    fn absent(&mut self, open: &Open, look: &Look, watermark: bool, key_proven: bool) {
        let Phase::Unknown { sent_at, .. } = &open.phase else {
            // Looked up before a repeated send: nothing there, so it may go out.
            return self.note_look(open, look, None);
        };
        match open.effect.exactly_once() {
            ExactlyOnce::Repeatable | ExactlyOnce::ChosenId { .. } | ExactlyOnce::Set { .. } => {
                self.proved(open, self.at.now);
            }
            ExactlyOnce::Searchable { absence, resend, .. } => {
                if self.lacks(open, watermark || key_proven).is_some() {
                    return self.unsettled(open, look);
                }
                let resend_at = match absence {
                    Absence::Watermark if !key_proven => self.at.now.max(*sent_at + retry::RESEND_AFTER),
                    Absence::Watermark | Absence::TwoLooks => self.at.now,
                };
                self.proved_by(open, look, resend_at, resend);
            }
        }
    }

    /// What a clean look of now still lacks to prove that a searchable call was not executed; `None`: it is proven.
    fn lacks(&self, open: &Open, passed: bool) -> Option<String> {
        let now = self.at.now;
        let Phase::Unknown { sent_at, deadline, clean, .. } = &open.phase else { return None };
        let ExactlyOnce::Searchable { absence, .. } = open.effect.exactly_once() else { return None };
        let apart = |first: &&DateTime<Utc>| now - **first >= retry::LOOKS_APART;
        let mut lacks = Vec::new();
        match absence {
            // A look before the send has settled proves nothing, and must not spoil the later ones.
            Absence::TwoLooks => {
                if !clean.iter().filter(apart).any(|first| *first - *sent_at >= retry::LOOK_SETTLES) {
                    lacks.push("a clean look 60 s or more after the send, and this one 30 s or more after it");
                }
            }
            Absence::Watermark => {
                if !clean.iter().any(|first| apart(&first)) {
                    lacks.push("another clean look 30 s or more before this one");
                }
                if now - *deadline < retry::LOOK_SETTLES {
                    lacks.push("60 s after the deadline of the send");
                }
                if !passed {
                    lacks.push(
                        "a younger transaction of the same merchant account in the vendor's index (any will do: an \
                         authorisation that is voided in the console makes one)",
                    );
                }
            }
        }
        (!lacks.is_empty()).then(|| lacks.join("; "))
    }

    fn proved_by(&mut self, open: &Open, look: &Look, resend_at: DateTime<Utc>, resend: Resend) {
        self.note_look(open, look, None);
        self.proved(open, resend_at);
        if resend == Resend::Never {
            self.superseded(open);
        }
    }

    fn proved(&mut self, open: &Open, resend_at: DateTime<Utc>) {
        self.push(StepEvent::ProvedAbsent { step: open.step.clone(), attempt: open.attempt, resend_at });
    }

    fn note_look(&mut self, open: &Open, look: &Look, next_look: Option<DateTime<Utc>>) {
        self.push(StepEvent::Looked {
            step: open.step.clone(),
            attempt: open.attempt,
            look: look.clone(),
            at: self.at.now,
            next_look,
        });
    }

    /// The look did not settle it: the next rung of the ladder, or a person.
    fn unsettled(&mut self, open: &Open, look: &Look) {
        let next = match (&open.phase, open.effect.exactly_once()) {
            (Phase::Unknown { deadline, .. }, ExactlyOnce::Searchable { .. }) => {
                // A look that merely cannot be made does not climb the ladder to its end any faster.
                retry::next_look(*deadline, self.at.now)
            }
            _ => Some(self.at.now + retry::back_off(NotSent::Again, open.tries + 3, None, self.id)),
        };
        self.note_look(open, look, next);
        if next.is_none() {
            let detail = format!(
                "{} at step {} was sent and no look-up found or disproved it in 7 days; look it up at the vendor, then resume",
                open.effect.operation(),
                open.step
            );
            self.park(ParkCode::OutcomeUnknown, detail, false);
        }
    }

    fn stale(&mut self) -> Result<(), Refusal> {
        let open = self.open()?;
        // After a proof of absence and the clean look before the next send nothing was done: it may be dropped as well.
        if !matches!(open.phase, Phase::Requested { look_first: false, .. }) {
            return Err(Refusal::new("was_sent", format!("step {} was sent and cannot be superseded", open.step)));
        }
        self.superseded(&open);
        Ok(())
    }

    /// The step is closed without having been done.
    fn superseded(&mut self, open: &Open) {
        self.push(StepEvent::Superseded { step: open.step.clone(), n: open.n });
        self.ask(Input::Superseded { step: &open.step });
    }

    /// Nobody need look at it any more: another release could not read what this one can.
    fn readable(&mut self) {
        if self.saga.flow.is_unreadable() {
            self.push(StepEvent::Unparked { why: "this release can read its history".to_owned() });
        }
    }

    fn park(&mut self, code: ParkCode, detail: String, by_saga: bool) {
        // A pause makes way for what a person must look at: neither sends anything.
        if self.saga.flow.parked.is_none() || self.saga.flow.is_paused() {
            self.push(StepEvent::Parked { code, detail, by_saga, at: self.at.now });
        }
    }
}

/// The park code for an outcome for which the flow names no branch.
fn park_code(outcome: &Outcome) -> ParkCode {
    let rejection = match outcome {
        Outcome::Rejected { rejection } => rejection,
        // An answer that the flow has no branch for is a state it does not know.
        Outcome::Done { .. } => return ParkCode::UnknownVendorState,
        Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {
            return ParkCode::VendorRejected;
        }
    };
    match rejection.kind {
        RejectionKind::Config => ParkCode::VendorConfig,
        RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State => ParkCode::VendorRejected,
        RejectionKind::Mismatch => ParkCode::AnswerMismatch,
        RejectionKind::UnknownState => ParkCode::UnknownVendorState,
        RejectionKind::UnparsableAmount => ParkCode::UnparsableAmount,
        RejectionKind::KeyMisuse => ParkCode::KeyMisuse,
        RejectionKind::OrderIdReused => ParkCode::OrderIdReused,
        RejectionKind::Changed => ParkCode::ChangedMeanwhile,
    }
}

/// An outcome in words.
fn reason(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done { .. } => "done, and the flow wants the same again".to_owned(),
        Outcome::Declined { decline } => format!("declined, {} {}", decline.code, decline.text),
        Outcome::Rejected { rejection } => format!("refused, {} {}", rejection.code, rejection.message),
        Outcome::NotSent { detail, .. } | Outcome::Unknown { detail } => detail.clone(),
    }
}

/// The laws that a saga's declaration must keep: one pivot at most (others that a road takes in its place, or that finish it,
/// stand directly behind it), nothing compensatable after it, every effect undone
/// or excused, and no gap in the forms of an event.
///
/// # Errors
/// The first law broken, in a sentence.
pub fn check_declaration<S: Saga>() -> Result<(), String> {
    let mut pivot = None;
    for (at, step) in S::STEPS.iter().enumerate() {
        if S::STEPS.iter().take(at).any(|s| s.name == step.name) {
            return Err(format!("{}: step {} is declared twice", S::NAME, step.name));
        }
        match (step.class, pivot) {
            (Class::Pivot, Some(_))
                if at.checked_sub(1).and_then(|b| S::STEPS.get(b)).is_some_and(|s| s.class == Class::Pivot) => {}
            (Class::Pivot, Some(first)) => {
                return Err(format!("{}: {} and {first} are both pivots", S::NAME, step.name));
            }
            (Class::Compensatable, Some(first)) => {
                return Err(format!("{}: {} is compensatable after the pivot {first}", S::NAME, step.name));
            }
            (Class::Pivot, None) => pivot = Some(step.name),
            (Class::Read | Class::Compensatable | Class::Retriable | Class::Projection, _) => {}
        }
    }
    for change in S::Event::CHANGES {
        let earlier = S::Event::CHANGES.iter().filter(|c| c.event == change.event && c.form < change.form).count();
        let gapless = usize::try_from(change.form).is_ok_and(|form| form == earlier + 2);
        if !S::Event::NAMES.iter().any(|names| names.contains(&change.event)) || !gapless {
            return Err(format!(
                "{}: no event {} comes to form {} from the one before",
                S::NAME,
                change.event,
                change.form
            ));
        }
    }
    Ok(())
}
