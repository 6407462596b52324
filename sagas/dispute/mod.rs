//! Dispute: follows one dispute of a card payment at Braintree from the day on which the bank takes the money to the day
//! on which it is decided, and replies to it as a person ordered.
//!
//! Started by Braintree's message or by the daily search; one stream per dispute for ever. It promises: what the bank took
//! stands in the books as held until it is decided, and nowhere afterwards; while it is open nothing of the payment is
//! given back and nothing else of the customer is charged; people hear of the deadline in time. It never replies by
//! itself: evidence is handed in, and a dispute is given up, by a person's order alone.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_dispute` | the dispute as it stands | – |
//! | `tell_stream` | the invoice's stream: no give-back; it says what is known of the payment | told in the end |
//! | `claim` | no give-back of the payment begins | let go with the outcome |
//! | `upload_document`, `add_evidence` | what a person hands in | unused it has no effect |
//! | `reply` (pivot) | the evidence goes to the bank, or the dispute is given up | – |
//! | `tell_outcome` | the invoice's stream | – |
//! | `find_held`, `tell_held` | the customer's invoices that were held are looked at again | – |
//! | `cancel_subscription` | where a person chose so: its own flow ends it | – |
//! | `show`, `task` | the record in Attio; whoever owns the subscription's record | – |

mod answers;
mod books;
mod pack;
mod state;
mod tell;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use pack::{Text, pack};
pub use state::State;
pub use words::{Alarm, Command, Doubt, Event, Fate, Of, Payment, Piece, Sale};

use crate::kernel::effect::{Braintree, Claim, ClaimKind, Desk, Effect, EvidencePiece};
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::{Booked, Claimed, Ordered, Stream};
use turn::Turn;

/// The flow.
pub struct Dispute;

impl Dispute {
    /// The one stream of a dispute.
    pub fn id(dispute: &str) -> SagaId {
        SagaId::derived(Self::NAME, &[dispute])
    }
}

const fn step(name: &'static str, class: Class, undo: &'static str) -> StepSpec {
    StepSpec::new(name, class, Undo::None(undo))
}

const UNUSED: &str = "evidence that is not handed in has no effect";
const ONCE: &str = "a message is told once";

impl Saga for Dispute {
    const NAME: &'static str = "dispute";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Follows a dispute of a card payment and replies to it as a person ordered";
    const COSTS: &'static [Calls] = &[Calls { vendor: "attio", count: 2 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_dispute"),
        step("tell_stream", Class::Compensatable, "`tell_outcome` says in the end that it is over"),
        step("claim", Class::Compensatable, "the event that says how it ended lets it go in its own append"),
        step("upload_document", Class::Compensatable, UNUSED),
        step("add_evidence", Class::Compensatable, UNUSED),
        step("reply", Class::Pivot, "what was handed in or given up cannot be taken back"),
        step("tell_outcome", Class::Retriable, ONCE),
        StepSpec::read("find_held"),
        step("tell_held", Class::Retriable, ONCE),
        step("cancel_subscription", Class::Retriable, ONCE),
        StepSpec::tells("show"),
        StepSpec::tells("task"),
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(command) => turn.commanded(command)?,
            Input::Answered(answered) => turn.answered(&answered),
            Input::Superseded { step } => turn.superseded(step),
            Input::Due => turn.due(),
            Input::Resumed => turn.taken_up(),
            // No step of it is ever undone.
            Input::Unwound { .. } => {}
        }
        Ok(turn.conclude())
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        wanted(state)
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(state: &State, event: &Event) -> Facts {
        books::facts(state, event)
    }

    fn summary(state: &State) -> Summary {
        let number = state.payment.as_ref().map(|payment| payment.number.clone());
        Summary {
            state: word(state).to_owned(),
            title: number.or_else(|| state.of.as_ref().map(|of| of.dispute.clone())).unwrap_or_default(),
            customer: state.payment.as_ref().and_then(|payment| payment.customer.clone()),
            amount: state.shown.as_ref().map(|shown| shown.disputed),
        }
    }
}

fn claim_of(transaction: &str) -> Claim {
    Claim { kind: ClaimKind::BraintreeTransaction, key: transaction.to_owned() }
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.round + 1, effect)
}

fn wanted(state: &State) -> Pending {
    if state.of.is_none() || state.missing {
        return Pending::Ended(End::Mirrored);
    }
    let next = if state.outcome.is_none() { open(state) } else { over(state) };
    next.or_else(|| tell::shown(state)).or_else(|| parked(state)).unwrap_or_else(|| at_rest(state))
}

/// What comes first, whatever it is.
fn first(state: &State) -> Option<Pending> {
    let of = state.of.as_ref()?;
    if state.reading {
        let dispute = of.dispute.clone();
        return Some(perform(state, "read_dispute", Effect::Braintree(Braintree::ReadDispute { dispute })));
    }
    if state.stream == Stream::Untold && state.shown.is_some() {
        return Some(perform(state, "tell_stream", tell::opened(state)?));
    }
    None
}

fn open(state: &State) -> Option<Pending> {
    if let Some(wanted) = first(state) {
        return Some(wanted);
    }
    if let (Claimed::Free, Some(sale), true) = (&state.claim, &state.sale, state.shown.is_some()) {
        let claims = vec![claim_of(&sale.transaction)];
        return Some(perform(state, "claim", Effect::Desk(Desk::Claim { claims })));
    }
    if state.doubt.is_some() {
        return None;
    }
    let (order, dispute) = (state.order.as_ref()?, state.of.as_ref()?.dispute.clone());
    let (step, call) = match &order.what {
        Ordered::Submit { pieces, uploaded } => match (pieces.first(), uploaded) {
            (Some(Piece::Document { input, form, .. }), None) => {
                ("upload_document", Braintree::UploadDocument { dispute, input: *input, form: *form })
            }
            (Some(piece), uploaded) => {
                let piece = evidence(piece, uploaded.as_ref());
                ("add_evidence", Braintree::AddEvidence { dispute, piece, besides: state.evidence() })
            }
            (None, _) => ("reply", Braintree::FinalizeDispute { dispute }),
        },
        Ordered::Accept => ("reply", Braintree::AcceptDispute { dispute }),
    };
    Some(perform(state, step, Effect::Braintree(call)).fresh(Some(order.until)))
}

fn evidence(piece: &Piece, uploaded: Option<&String>) -> EvidencePiece {
    match piece {
        Piece::Text { input, category } => {
            EvidencePiece::Text { input: *input, category: category.clone(), sequence: None }
        }
        Piece::Document { category, .. } => {
            EvidencePiece::File { document: uploaded.cloned().unwrap_or_default(), category: category.clone() }
        }
    }
}

fn over(state: &State) -> Option<Pending> {
    if let Some(wanted) = first(state) {
        return Some(wanted);
    }
    if state.stream == Stream::Heard && !state.told_over {
        return Some(perform(state, "tell_outcome", tell::ended(state)?));
    }
    if !state.closed {
        return None;
    }
    if !state.found {
        return Some(perform(state, "find_held", Effect::Desk(tell::survey(state)?)));
    }
    if let Some(stream) = state.untold.first() {
        return Some(perform(state, "tell_held", tell::released(state, *stream)?));
    }
    (state.fate == Some(Fate::Cancel) && !state.cancelled)
        .then(|| tell::cancelled(state))
        .flatten()
        .map(|effect| perform(state, "cancel_subscription", effect))
}

/// What a person must look at, once it is shown.
fn parked(state: &State) -> Option<Pending> {
    if let Some(Doubt { code, detail }) = state.doubt.clone() {
        return Some(Pending::Park { code, detail });
    }
    let detail = state.question()?;
    Some(Pending::Park { code: ParkCode::MoneyDecision, detail })
}

fn at_rest(state: &State) -> Pending {
    match (state.next_due(), &state.outcome) {
        (Some(until), None) => Pending::Await { signal: state.signal(), until },
        (Some(until), Some(_)) => Pending::Sleep { why: "people to be told", until },
        (None, _) => Pending::Ended(End::Completed),
    }
}

/// The flow's own word for where it stands.
fn word(state: &State) -> &'static str {
    use crate::kernel::answer::DisputeStatus as S;
    if state.doubt.is_some() {
        return "Held";
    }
    let Some(shown) = &state.shown else {
        return if state.missing { "NotFound" } else { "Noticed" };
    };
    if let Some(outcome) = &state.outcome {
        return match outcome.status {
            S::Won => "Won",
            S::Accepted => "Accepted",
            S::AutoAccepted => "AutoAccepted",
            S::Expired => "Expired",
            S::Lost | S::Open | S::UnderReview | S::Disputed | S::Other(_) => "Lost",
        };
    }
    match (&state.order, &shown.status) {
        (Some(order), _) => match order.what {
            Ordered::Submit { .. } => "Submitting",
            Ordered::Accept => "Accepting",
        },
        (None, S::Open) if matches!(state.booked, Booked::Suspense { .. }) => "Orphan",
        (None, S::Open) if state.alarm.is_some() => "DeadlineNear",
        (None, S::Open) if state.payment.is_some() => "EvidenceReady",
        (None, S::Open) => "Assigned",
        (None, _) => "Submitted",
    }
}
