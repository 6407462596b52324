//! Braintree's own recurring billing, mirrored: each charge that Braintree makes is booked, matched with Zoho's invoice of
//! the period, and recorded there by the invoice's own stream.
//!
//! One stream per subscription at Braintree, begun by who starts it there; it looks whenever Braintree says something, and
//! daily, should every message be lost. It promises: each charge is booked once, from the first look that shows it; what
//! finds no invoice in a day, and an invoice that finds no charge in a day, is a person's. It never charges, never repeats
//! a charge that failed, gives no money back, and ends nothing: the flow that ends subscriptions is told.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `survey` | whether Braintree is who collects | – |
//! | `read_recurring` | the subscription with its newest charges | – |
//! | `list_invoices` | what owes at Zoho | – |
//! | `hand_over` | the invoice's stream records the charge | – |
//! | `read_card`, `ask_card` | a charge failed: the flow that takes cards writes to the customer | – |
//! | `read_price`, `correct_price` | a charge differed from its invoice: the next one takes what Zoho asks for | – |
//! | `order_end` | Braintree has ended it by itself: the flow that ends subscriptions sees to Zoho | – |
//! | `show`, `task` | Attio | – |

mod books;
mod face;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use state::State;
pub use words::{Begun, Charge, Command, Ending, Event, Intent, Shown};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::recurring;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::Stage;
use turn::Turn;

/// The flow.
pub struct BraintreeRecurring;

impl BraintreeRecurring {
    /// The one stream of a subscription at Braintree.
    pub fn id(recurring: &str) -> SagaId {
        recurring::stream(recurring)
    }
}

const TOLD_ONCE: Undo = Undo::None("a message is told once");

impl Saga for BraintreeRecurring {
    const NAME: &'static str = recurring::FLOW;
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Mirrors what Braintree charges by itself, and has it recorded in Zoho";
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 2 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("survey"),
        StepSpec::read("read_recurring"),
        StepSpec::read("list_invoices"),
        StepSpec::new("hand_over", Class::Retriable, TOLD_ONCE),
        StepSpec::read("read_card"),
        StepSpec::tells("ask_card"),
        StepSpec::read("read_price"),
        StepSpec::new("correct_price", Class::Retriable, Undo::None("the price is Zoho's, whatever becomes of this")),
        StepSpec::new("order_end", Class::Retriable, TOLD_ONCE),
        StepSpec::tells("show"),
        StepSpec::tells("task"),
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(command) => turn.told(command)?,
            Input::Answered(answered) => turn.answered(&answered),
            // Its time has come; a telling gives way to it.
            Input::Due | Input::Superseded { .. } => turn.due(),
            Input::Resumed => turn.resumed(),
            // Nothing of it is ever undone.
            Input::Unwound { .. } => {}
        }
        if turn.out.is_empty() {
            return Ok(Vec::new());
        }
        Ok(turn.conclude())
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        steps::pending(state)
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(state: &State, event: &Event) -> Facts {
        books::facts(state, event)
    }

    fn summary(state: &State) -> Summary {
        Summary {
            state: word(state).to_owned(),
            title: state.recurring.clone().unwrap_or_default(),
            customer: state.begun.as_ref().map(|begun| begun.customer.clone()),
            amount: state.shown.as_ref().map(|shown| shown.price),
        }
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    match &state.stage {
        Stage::New => "New",
        Stage::Looking => "Looking",
        Stage::Resting { .. } if state.begun.is_none() => "Unknown",
        Stage::Resting { .. } if state.past_due.is_some() => "PastDue",
        Stage::Resting { .. } if !state.charges.is_empty() => "Recording",
        Stage::Resting { .. } => "Watching",
        Stage::Held { .. } => "Held",
        Stage::Over { ending: Ending::Ended } => "Ended",
        Stage::Over { ending: Ending::NotOurs } => "NotOurs",
    }
}
