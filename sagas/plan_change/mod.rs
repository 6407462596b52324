//! Plan change: from the question what it would cost, through the customer's acceptance, to the change in Zoho and the payment
//! of what it costs now; or at the end of the term, without a payment. Adopts what staff change in Zoho.
//!
//! Started by `Change plan` or `Quote` on a running subscription, by the API, or by Zoho's message; one saga per order, and
//! one stream per subscription for what others change. It promises: nothing changes before it was accepted, on a
//! preview that still holds; nothing is charged above what was accepted; where the card says no, nothing has changed.
//! Once Zoho has changed the plan it is never changed back: a revert would be prorated again. It prorates nothing itself: its
//! preview is an estimate under a ceiling, and Zoho's invoice is what is charged.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `survey`, `read_request`, `read_terms`, `survey_customer`, `read_offer` | what a preview rests on | – |
//! | `claim` | keeps all others off the subscription, then off the new invoice | let go by events |
//! | `list_invoices` | nothing of it is owed | – |
//! | `read_cards`, `count_card` | the card, and its count in the network's windows | spent or given back by events |
//! | `authorise` | holds the ceiling | voided |
//! | `change` | what is sold from now on, or from the next term on | none: it would be prorated again |
//! | `read_terms` again, `read_invoice` | what the change really costs | – |
//! | `find_late_hold` | a hold that was given up as never made may show up for a week: it is booked and released | – |
//! | `release_hold` | nothing is captured, or not from this hold | – |
//! | `capture` (pivot) | takes what is owed, at most what was accepted | – |
//! | `hand_over` | the invoice's stream takes the capture over | – |
//! | `tell_invoice` | the invoice's stream collects it like any other | – |
//! | `show`, `letter`, `task` | Attio, the customer, the record's owner are told | – |

mod answers;
mod books;
mod events;
mod evolve;
mod face;
mod pay;
mod preview;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod view;
mod words;

pub use events::Event;
pub use preview::Preview;
pub use state::State;
pub use view::{View, view};
pub use words::{
    After, Ask, Basis, Capture, Command, Consent, Demand, Effective, Hold, LetterKind, Nothing, Of, Press, Terms,
    Wanted,
};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, MONEY_RECORDED, StepSpec, Undo};
use state::{Ending, Stage};
use turn::Turn;

/// The flow.
pub struct PlanChange;

impl PlanChange {
    /// The saga of one order: the same key of the same subscription gives the same id for ever.
    pub fn id(organization: &str, subscription: &str, key: &str) -> SagaId {
        SagaId::derived(Self::NAME, &[organization, subscription, key])
    }

    /// A press on the record is this one's to answer, where that is its state: it is asked, or carried out. What waits for the
    /// end of the term stands beside a new one.
    pub fn takes_presses(state: &str) -> bool {
        !matches!(state, "Scheduled" | "OverCeiling" | "Noticed" | "Adopted" | "Mirrored")
    }

    /// The one stream that adopts what others change of a subscription.
    pub fn adoption(organization: &str, subscription: &str) -> SagaId {
        SagaId::derived("plan_adoption", &[organization, subscription])
    }
}

const CORRECTS: Undo = Undo::None("is a correction itself");

impl Saga for PlanChange {
    const NAME: &'static str = "plan_change";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str =
        "Changes what a running subscription sells, once the customer has accepted what it costs";
    const PRIORITY: Priority = Priority::Customer;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 11 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("survey"),
        StepSpec::read("read_request"),
        StepSpec::read("read_terms"),
        StepSpec::read("survey_customer"),
        StepSpec::read("read_offer"),
        StepSpec::new(
            "claim",
            Class::Compensatable,
            Undo::None("the event that ends the change lets it go in its own append"),
        ),
        StepSpec::read("list_invoices"),
        StepSpec::read("read_cards"),
        StepSpec::new(
            "count_card",
            Class::Compensatable,
            Undo::None("an event spends it or gives it back in its own append"),
        ),
        StepSpec::makes("authorise").recorded_by(MONEY_RECORDED),
        StepSpec::new(
            "change",
            Class::Compensatable,
            Undo::None("a revert would be prorated again and leave credit: people decide what becomes of it"),
        ),
        StepSpec::read("read_invoice"),
        StepSpec::read("find_late_hold"),
        StepSpec::new("release_hold", Class::Compensatable, CORRECTS),
        StepSpec::new(
            "capture",
            Class::Pivot,
            Undo::None("after it there is only forward; a give-back is a flow of its own"),
        )
        .recorded_by(MONEY_RECORDED),
        StepSpec::forward("hand_over"),
        StepSpec::forward("tell_invoice"),
        StepSpec::tells("show"),
        StepSpec::tells("letter"),
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
            Input::Superseded { step } => turn.superseded(step),
            Input::Due => turn.due(),
            Input::Unwound { .. } => turn.unwound(),
            Input::Resumed => turn.resumed(),
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

    fn undo(state: &State, step: &str) -> Option<Effect> {
        steps::undo(state, step)
    }

    fn call_off(state: &State, reason: &str, at: &At) -> Result<Vec<Event>, Refusal> {
        Self::decide(state, Input::Command(&Command::CancelOrdered { reason: reason.to_owned() }), at)
    }

    fn facts(state: &State, event: &Event) -> Facts {
        books::facts(state, event)
    }

    fn summary(state: &State) -> Summary {
        let due = state.preview.as_ref().map(|preview| preview.due_now);
        Summary {
            state: word(state).to_owned(),
            title: state.subscription().to_owned(),
            customer: state.our_customer().map(str::to_owned),
            amount: state.capture.as_ref().map(|capture| capture.amount).or(due),
        }
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    if state.undoing.is_some() {
        return "Undoing";
    }
    match &state.stage {
        Stage::New => "New",
        Stage::Surveying | Stage::Reading if state.adopting => "Noticed",
        Stage::Surveying | Stage::Asking | Stage::Reading | Stage::Paying | Stage::Offering | Stage::Pricing => {
            "Requested"
        }
        Stage::Previewed { .. } => "Previewed",
        Stage::Counting if state.changed => "InvoiceClaimed",
        Stage::Fencing | Stage::Checking | Stage::Listing | Stage::Carding | Stage::Counting | Stage::Holding => {
            "Accepted"
        }
        Stage::Changing | Stage::Rechecking if state.hold.is_some() => "Authorised",
        Stage::Changing | Stage::Rechecking => "Changing",
        Stage::Looking | Stage::Claiming => "ZohoUpdated",
        Stage::Weighing | Stage::Capturing => "InvoiceClaimed",
        Stage::HandingOver => "Captured",
        Stage::AwaitingRecord { .. } => "Recording",
        Stage::Demanding { .. } | Stage::Settling => "OverCeiling",
        Stage::Telling => "LeftToCollection",
        Stage::Scheduled { .. } | Stage::Effecting => "Scheduled",
        Stage::Held { .. } => "Held",
        Stage::Finishing => "Finishing",
        Stage::Over { ending, .. } => match ending {
            Ending::Changed => "Changed",
            Ending::Withdrawn => "Withdrawn",
            Ending::Dropped => "Dropped",
            Ending::Adopted => "Adopted",
            Ending::Mirrored => "Mirrored",
            Ending::Refused => "Refused",
            Ending::Lapsed => "Lapsed",
            Ending::Failed => "Failed",
            Ending::Cancelled => "Cancelled",
        },
    }
}
