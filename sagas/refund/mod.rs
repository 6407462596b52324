//! Refund: gives money of one card payment back, whole or in part, by a void or a refund, and brings Zoho after it.
//!
//! Started by finance, or by another flow that has to give something back (`kernel::give_back`). It promises: money is given back
//! once; never more than was taken; nothing is booked or sent before a second person has agreed where one is needed; what
//! is owed to the customer stands in the books from the approval on, until the bank has it or a person decided otherwise.
//! Whether it is a void or a refund is chosen from the sale's status as it is when it is sent. It never charges.
//! A refund that others made (`outside.rs`) is booked as it is found, and finance says what it was for.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `claim` | one give-back of the transaction at a time | let go in the append that ends it |
//! | `ask_stream` | the invoice's stream lets the money go | told in the end how it went |
//! | `read_found` | a refund that others made: whether it stands, and is none of ours | – |
//! | `read_lines` | the invoice's lines: what a credit note is made of | – |
//! | `read_transaction` | the sale as it stands: void or refund | – |
//! | `give_back` (pivot) | the void, or the refund | – |
//! | `read_payment`, `lower_payment`, `delete_payment` | the payment in Zoho says what is left of it | – |
//! | `create_note`, `pay_out_note`, `void_note`, `apply_note` | the credit note of what is forgiven | – |
//! | `read_invoice`, `void_invoice` | after a void: the invoice that nobody has to pay | – |
//! | `tell_stream` | how it ended | – |
//! | `project`, `letter` | Attio and the customer are told | – |
//! | `look_refund` | until it is settled | – |

mod answers;
mod books;
mod outside;
mod state;
mod tell;
#[cfg(test)]
mod tests;
mod turn;
mod words;
mod zoho;

pub use crate::kernel::give_back::{Approval, Source, Wish};
pub use state::State;
pub use words::{Choice, Command, Credit, Event, LetterKind, Terms, Wait};

use crate::kernel::effect::{Braintree, Claim, ClaimKind, Desk, Effect, OnInvoice, Zoho};
use crate::kernel::give_back;
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use crate::kernel::telling::Due;
use chrono::{DateTime, Utc};
use state::{Ending, Means, Outcome, Stage};
use turn::Turn;

/// The flow.
pub struct Refund;

/// What follows a give-back in Zoho and Attio.
const FOLLOWS: &[Calls] = &[Calls { vendor: "zoho", count: 2 }, Calls { vendor: "attio", count: 1 }];

impl Refund {
    /// The give-back of that key: the same payment and key give the same id for ever.
    pub fn id(transaction: &str, key: &str) -> SagaId {
        give_back::saga(transaction, key)
    }
}

impl Saga for Refund {
    const NAME: &'static str = give_back::FLOW;
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Gives money of one card payment back and brings Zoho after it";
    const PRIORITY: Priority = Priority::Webhook;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 3 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::new(
            "claim",
            Class::Compensatable,
            Undo::None("the event that ends the give-back lets it go in its own append"),
        ),
        StepSpec::read("read_found"),
        StepSpec::read("weigh"),
        StepSpec::new(
            "ask_stream",
            Class::Compensatable,
            Undo::None("`tell_stream` says in the end that nothing was given back"),
        ),
        StepSpec::read("read_lines"),
        StepSpec::read("read_transaction"),
        StepSpec::new("give_back", Class::Pivot, Undo::None("after it there is only forward")).recorded_by(FOLLOWS),
        StepSpec::forward("delete_payment"),
        StepSpec::read("read_payment"),
        StepSpec::forward("lower_payment"),
        StepSpec::read("read_invoice"),
        StepSpec::forward("void_invoice"),
        StepSpec::forward("create_note"),
        StepSpec::forward("void_note"),
        StepSpec::forward("pay_out_note"),
        StepSpec::forward("apply_note"),
        StepSpec::forward("tell_stream"),
        StepSpec::tells("project"),
        StepSpec::tells("letter"),
        StepSpec::read("look_refund"),
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(command) => turn.commanded(command)?,
            Input::Answered(answered) => turn.answered(&answered),
            // Its time has come; a telling gives way to it.
            Input::Due | Input::Superseded { .. } => turn.due(),
            Input::Resumed => turn.taken_up(),
            // No step is ever undone.
            Input::Unwound { .. } => {}
        }
        Ok(turn.out)
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        wanted(state).unwrap_or(Pending::Ended(End::GivenUp))
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(state: &State, event: &Event) -> Facts {
        books::facts(state, event)
    }

    fn summary(state: &State) -> Summary {
        let number = state.terms.as_ref().map(|terms| terms.number.clone());
        let wish = state.wish.as_ref();
        Summary {
            state: word(state).to_owned(),
            title: number.or_else(|| wish.map(|wish| wish.transaction.clone())).unwrap_or_default(),
            customer: state.terms.as_ref().and_then(|terms| terms.customer.clone()),
            amount: wish.map(|wish| wish.amount),
        }
    }
}

/// The claim of one give-back at a time.
pub(super) fn claim_of(wish: &Wish) -> Claim {
    Claim { kind: ClaimKind::BraintreeTransaction, key: wish.transaction.clone() }
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.round + 1, effect)
}

fn wanted(state: &State) -> Option<Pending> {
    let wish = state.wish.as_ref()?;
    let perform = |step, effect| Some(perform(state, step, effect));
    match &state.stage {
        Stage::New => None,
        Stage::Claiming => perform("claim", Effect::Desk(Desk::Claim { claims: vec![claim_of(wish)] })),
        Stage::Verifying => perform("read_found", read(&state.outside.as_ref()?.refund)),
        Stage::Weighing => perform("weigh", Effect::Desk(Desk::WeighGiveBack { amount: wish.amount })),
        Stage::Approving { until } => Some(Pending::Await { signal: "a second person's agreement", until: *until }),
        Stage::Asking => perform("ask_stream", tell::ask(state, wish)),
        Stage::Awaiting { until } => Some(Pending::Await { signal: "the invoice's stream", until: *until }),
        Stage::Reading => {
            let invoice = wish.invoice.clone();
            perform("read_lines", Effect::Zoho(Zoho::Invoice(OnInvoice::ReadLines { invoice })))
        }
        Stage::Choosing => perform("read_transaction", read(&wish.transaction)),
        Stage::Sending => {
            let transaction = wish.transaction.clone();
            let call = match state.means.as_ref()? {
                Means::Void => Braintree::Void { transaction },
                Means::Refund { order_id } => {
                    Braintree::Refund { order_id: order_id.clone(), transaction, amount: wish.amount }
                }
            };
            perform("give_back", Effect::Braintree(call))
        }
        Stage::Waiting { wait, until } => Some(Pending::Sleep { why: waiting(*wait), until: *until }),
        Stage::Accepted => {
            if let Some((step, effect)) = zoho::next(state) {
                return perform(step, effect);
            }
            Some(rests(state, End::Completed))
        }
        Stage::Held { code, detail, .. } => {
            shown(state).or_else(|| Some(Pending::Park { code: *code, detail: detail.clone() }))
        }
        Stage::Over { .. } => Some(rests(state, End::GivenUp)),
    }
}

fn read(transaction: &str) -> Effect {
    Effect::Braintree(Braintree::ReadTransaction { transaction: transaction.to_owned() })
}

const fn waiting(wait: Wait) -> &'static str {
    match wait {
        Wait::Busy => "another give-back of this transaction to end",
        Wait::Cooling => "an hour in which it may turn out not to be needed",
        Wait::Settlement => "the sale to be settled",
        Wait::Batch => "Braintree to take it",
    }
}

/// The invoice's stream first, then people.
fn telling(state: &State) -> Option<Pending> {
    if state.asked && !state.told {
        return Some(perform(state, "tell_stream", tell::ended(state)?));
    }
    shown(state)
}

/// What people have not been told yet and can be told now.
fn shown(state: &State) -> Option<Pending> {
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => Some(Pending::perform("project", n, tell::face(state, face, version)?)),
        // Why it was given back is not known yet.
        Due::Letter { .. } if state.is_unexplained() => None,
        Due::Letter { letter: LetterKind::Refund, n } => Some(Pending::perform("letter", n, tell::letter(state)?)),
        // It gives nobody a task.
        Due::Task { .. } => None,
    })
}

/// People are told, as far as nothing else is due.
fn rests(state: &State, end: End) -> Pending {
    let beside = settling(state, end);
    if matches!(beside, Pending::Perform { .. }) && state.told {
        return beside;
    }
    telling(state).map_or_else(|| beside.clone(), |telling| telling.giving_way_to(&beside))
}

/// Given back, and everybody knows: until it is settled, and until what could not be told is told.
fn settling(state: &State, end: End) -> Pending {
    let untold = state.people.next_try();
    if let Some(Outcome::Sent { refund, .. }) = &state.outcome {
        if state.looking {
            return perform(state, "look_refund", read(refund));
        }
        if let Some(look) = state.next_look {
            return asleep("settlement of the refund", look, untold);
        }
    }
    match untold {
        Some(until) => Pending::Sleep { why: "people to be told", until },
        None => Pending::Ended(end),
    }
}

fn asleep(why: &'static str, until: DateTime<Utc>, sooner: Option<DateTime<Utc>>) -> Pending {
    Pending::Sleep { why, until: sooner.map_or(until, |at| at.min(until)) }
}

/// The flow's own word for where it stands.
fn word(state: &State) -> &'static str {
    use crate::kernel::park::ParkCode as P;
    match &state.stage {
        Stage::New => "Nothing",
        Stage::Claiming
        | Stage::Verifying
        | Stage::Weighing
        | Stage::Asking
        | Stage::Awaiting { .. }
        | Stage::Reading => "Requested",
        Stage::Approving { .. } => "AwaitingApproval",
        Stage::Choosing => "Approved",
        Stage::Sending => "Sending",
        Stage::Waiting { wait: Wait::Busy, .. } => "Deferred",
        Stage::Waiting { wait: Wait::Cooling, .. } => "Cooling",
        Stage::Waiting { .. } => "WaitSettle",
        Stage::Accepted => match (&state.outcome, zoho::next(state).is_some()) {
            (_, true) => "Accepted",
            (Some(Outcome::Voided { .. }), false) => "Voided",
            (Some(Outcome::Sent { settled: true, .. }), false) => "Settled",
            (Some(Outcome::Sent { settled: false, .. }), false) => "AwaitSettlement",
            (Some(Outcome::Outside { .. }) | None, false) => "PaidOutside",
        },
        Stage::Held { code, .. } => match code {
            P::RefundBlocked => "Blocked",
            P::RefundFailedAfterSuccess => "Failed",
            P::RecordBlocked | P::CreditSpent => "RecordBlocked",
            P::GiveBackStuck => "Stuck",
            _ => "Held",
        },
        Stage::Over { ending } => match ending {
            Ending::Refused => "Refused",
            Ending::Denied => "Denied",
            Ending::Moot => "Moot",
            Ending::Withdrawn => "Withdrawn",
        },
    }
}
