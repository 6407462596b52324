//! Payment method update: from a request for a link to another card that is charged from then on.
//!
//! Started by an act on a subscription record or by another program; one saga per request. It promises: the customer sees
//! which card is on file and what is charged to the new one at once; the old card is charged until the new one is verified
//! and everything that Braintree charges by itself was moved and read back; nothing is switched while a charge of the old
//! card is under way. It charges nothing itself: open invoices are told, oldest first, one at a time, and each decides by
//! its own tests. It never deletes a card that anything uses. A card at Zoho's own gateway is given on Zoho's page, and stays
//! with Zoho.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `survey_subscription` … `survey_uses` | whose card, who collects, what is on file, what is owed | – |
//! | `claim` | the press; what moves | let go by events |
//! | `create_page`, `read_page` | where Zoho collects: a page of Zoho's, and what came of it | over within the hour |
//! | `vault` | the new card, verified | deleted |
//! | `read_old_card`, `move_subscription`, `confirm_move` | what Braintree charges to the old card by itself | moved back |
//! | `switch_default` (pivot) | the new card is charged from now on | – |
//! | `retry_invoice` | an open invoice's stream is told, and answers | – |
//! | `check_old_card`, `retire_old_card` | the old card goes after a week, where nothing uses it | – |
//! | `show`, `letter`, `task` | Attio, the customer, the CRM team are told | – |

mod answers;
mod books;
mod events;
mod evolve;
mod face;
mod letters;
mod native;
mod page;
mod state;
mod steps;
mod tell;
#[cfg(test)]
mod tests;
mod told;
mod turn;
mod words;

pub use events::Event;
pub use page::{Offer, Page, PageStage, page};
pub use state::State;
pub use words::{Advice, Command, Consent, LetterKind, Terms, Tried};

use crate::kernel::card_request::CardRequest;
use crate::kernel::effect::{Effect, SubscriptionKey};
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use chrono::{DateTime, Utc};
use state::{Ending, Stage};
use turn::Turn;

/// The flow.
pub struct PaymentMethodUpdate;

impl PaymentMethodUpdate {
    /// The update of one request: the same request gives the same id for ever.
    pub fn id(subscription: &SubscriptionKey, requested_at: DateTime<Utc>) -> SagaId {
        let (system, key) = match subscription {
            SubscriptionKey::Attio { record } => ("attio", record),
            SubscriptionKey::Zoho { subscription } => ("zoho", subscription),
        };
        CardRequest::saga(Self::NAME, system, key, requested_at)
    }

    /// Whether a further request in that state is the running update's: afterwards it is the next one's.
    pub fn takes_requests(state: &str) -> bool {
        !matches!(
            state,
            "Undoing" | "RetryingInvoices" | "KeepingOldCard" | "Changed" | "Refused" | "Expired" | "Cancelled"
        )
    }
}

impl Saga for PaymentMethodUpdate {
    const NAME: &'static str = "payment_method_update";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Takes another card from a customer and charges it from then on";
    const PRIORITY: Priority = Priority::Customer;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 1 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("survey_subscription"),
        StepSpec::new(
            "claim",
            Class::Compensatable,
            Undo::None("the event that ends what it fences lets it go in its own append"),
        ),
        StepSpec::read("read_subscription"),
        StepSpec::read("survey_customer"),
        StepSpec::read("read_person"),
        StepSpec::read("read_cards"),
        StepSpec::read("survey_uses"),
        StepSpec::new(
            "create_page",
            Class::Compensatable,
            Undo::None("a page that nobody uses is over within the hour"),
        ),
        StepSpec::read("read_page"),
        StepSpec::makes("vault"),
        StepSpec::read("read_old_card"),
        StepSpec::new(
            "move_subscription",
            Class::Compensatable,
            Undo::None("`move_back` undoes it before anything else is undone"),
        ),
        StepSpec::read("confirm_move"),
        StepSpec::new("move_back", Class::Compensatable, Undo::None("is a correction itself")),
        StepSpec::new(
            "switch_default",
            Class::Pivot,
            Undo::None("after it there is only forward; another card is another update"),
        ),
        StepSpec::forward("retry_invoice"),
        StepSpec::read("check_old_card"),
        StepSpec::forward("retire_old_card"),
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
        let card = state.card.as_ref().or_else(|| state.on_file());
        Summary {
            state: word(state).to_owned(),
            title: card.map(|card| format!("{} •••• {}", card.brand, card.last_four)).unwrap_or_default(),
            customer: state.customer().map(str::to_owned),
            amount: state.switched.as_ref().map_or_else(|| state.owed(), |switched| switched.owed),
        }
    }
}

const fn end(ending: Ending) -> End {
    match ending {
        Ending::Changed => End::Completed,
        Ending::Cancelled => End::Compensated,
        Ending::Refused | Ending::Expired => End::GivenUp,
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    if state.undoing.is_some() {
        return "Undoing";
    }
    match &state.stage {
        Stage::New => "New",
        Stage::Preparing => "Preparing",
        Stage::LinkOut if matches!(state.advice, Some(Advice::NeedsAuthentication)) => "NeedsAuthentication",
        Stage::LinkOut => "LinkSent",
        Stage::Updating => updating(state),
        Stage::Held { .. } => "Held",
        Stage::Retrying => "RetryingInvoices",
        Stage::Retiring { .. } => "KeepingOldCard",
        Stage::Over { ending, .. } => match ending {
            Ending::Changed => "Changed",
            Ending::Refused => "Refused",
            Ending::Expired => "Expired",
            Ending::Cancelled => "Cancelled",
        },
    }
}

const fn updating(state: &State) -> &'static str {
    if state.card.is_none() {
        "Submitted"
    } else if state.sleep_until.is_some() {
        "WaitingForCharge"
    } else {
        "Vaulted"
    }
}
