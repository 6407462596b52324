//! Subscription activation: from a press in Attio through a quote and a checkout page to an active, paid subscription.
//!
//! Started by an act on a subscription record; one saga per press. It promises: the customer sees the price before any
//! card field and is never charged more than was accepted; one hold and one capture, or all that was made is undone;
//! no step needs the browser after the submission. It never gives back what was captured: from the capture on the
//! invoice's own stream records it, and this saga awaits that.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_request` … `read_cards` | what is asked for, who asks, what Zoho sells, what the customer has | – |
//! | `claim` | the press, the customer's product, then the customer, Zoho's subscription and invoice | let go by events |
//! | `take_over` | the customer's product, from their trial of it | – |
//! | `enrol` … `read_cards` again | what others made for the customer meanwhile, read under the claim | – |
//! | `create_braintree_customer`, `link_customer` | the customer in the vault | deleted, unlinked |
//! | `read_method`, `count_card` | the card, and its count in the network's windows | spent or given back by events |
//! | `authorise` | holds the ceiling | voided |
//! | `vault` | nothing due today: the card alone | deleted |
//! | `find_zoho_customer` | one that an earlier undo retired | – |
//! | `revive_zoho_customer` or `zoho_customer`, `link_zoho_customer` | the customer at Zoho | inactive, unlinked |
//! | `subscribe`, `confirm_subscription`, `adopt` | the subscription, exactly one, ours to collect | cancelled, disowned |
//! | `first_invoice`, `read_invoice` | what is really owed | – |
//! | `find_late_hold` | a hold that was given up as never made may show up for a week: it is booked and released | – |
//! | `find_other_cards`, `find_other_subscriptions` | whether others use what an undo would remove | – |
//! | `release_hold`, `forget_card`, `undo_twin` | corrections before the pivot | – |
//! | `capture` (pivot) | takes what is owed | – |
//! | `begin_recurring` (pivot instead) | where Braintree collects by itself: its subscription, and the first charge with it | – |
//! | `hand_over` | the invoice's stream takes the capture over | – |
//! | `show`, `letter`, `task` | Attio, the customer, the record's owner are told | – |
//!
//! A bank that wants the customer to authenticate is answered on the page: with 3-D Secure the same card or another one is
//! sent once more. Whether the customer did is never taken from the page: the gateway is told to refuse the hold where it
//! was not done, and says itself whether the bank answers for it.

mod answers;
mod books;
mod capture;
mod collector;
mod customer;
mod events;
mod evolve;
mod face;
mod late;
mod letters;
mod lifecycle;
mod page;
mod pay;
mod pricer;
mod state;
mod steps;
mod tell;
#[cfg(test)]
mod tests;
mod told;
mod turn;
mod words;

pub use events::Event;
pub use page::{CardOnFile, Page, PageStage, page};
pub use state::State;
pub use words::{Act, Advice, After, Capture, Command, Consent, Hold, LetterKind, Nothing, Paying, Terms, Then};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
pub use crate::kernel::quote::{Quote, QuoteLine};
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::selling::{CLAIM, ENROL, TAKE_OVER};
use crate::kernel::step::{Calls, Class, MONEY_RECORDED, StepSpec, Undo};
use chrono::{DateTime, SecondsFormat, Utc};
use state::{Ending, Stage};
use turn::Turn;

/// The flow.
pub struct SubscriptionActivation;

impl SubscriptionActivation {
    /// The activation of one press: the same press gives the same id for ever.
    pub fn id(record: &str, pressed_at: DateTime<Utc>) -> SagaId {
        SagaId::derived(Self::NAME, &[record, &pressed_at.to_rfc3339_opts(SecondsFormat::Nanos, true)])
    }
}

const CORRECTS: Undo = Undo::None("is a correction itself");

impl Saga for SubscriptionActivation {
    const NAME: &'static str = "subscription_activation";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str =
        "Takes a subscription from a press in Attio through a checkout page to active and paid";
    const PRIORITY: Priority = Priority::Customer;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 10 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_request"),
        ENROL,
        StepSpec::read("read_person"),
        CLAIM,
        TAKE_OVER,
        StepSpec::read("read_offer"),
        StepSpec::read("read_customer"),
        StepSpec::read("list_subscriptions"),
        StepSpec::read("read_cards"),
        StepSpec::makes("create_braintree_customer"),
        StepSpec::makes("link_customer"),
        StepSpec::read("read_method"),
        StepSpec::new(
            "count_card",
            Class::Compensatable,
            Undo::None("an event spends it or gives it back in its own append"),
        ),
        StepSpec::makes("authorise").recorded_by(MONEY_RECORDED),
        StepSpec::makes("vault"),
        StepSpec::read("find_zoho_customer"),
        StepSpec::makes("revive_zoho_customer"),
        StepSpec::makes("zoho_customer"),
        StepSpec::makes("link_zoho_customer"),
        StepSpec::makes("subscribe"),
        StepSpec::read("confirm_subscription"),
        StepSpec::makes("adopt"),
        StepSpec::read("first_invoice"),
        StepSpec::read("read_invoice"),
        StepSpec::read("find_late_hold"),
        StepSpec::read("find_other_cards"),
        StepSpec::read("find_other_subscriptions"),
        StepSpec::new("release_hold", Class::Compensatable, CORRECTS),
        StepSpec::new("forget_card", Class::Compensatable, CORRECTS),
        StepSpec::new("undo_twin", Class::Compensatable, CORRECTS),
        StepSpec::new(
            "capture",
            Class::Pivot,
            Undo::None("after it there is only forward; a give-back is a flow of its own"),
        )
        .recorded_by(MONEY_RECORDED),
        StepSpec::new(
            "begin_recurring",
            Class::Pivot,
            Undo::None("after it there is only forward; a cancellation is a flow of its own"),
        )
        .recorded_by(MONEY_RECORDED),
        StepSpec::forward("hand_over"),
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
        let owed = state.sale.quote.as_ref().map(|q| q.due_today);
        Summary {
            state: word(state).to_owned(),
            title: state.sale.title(),
            customer: state.sale.customer().map(str::to_owned),
            amount: state.capture.as_ref().map(|c| c.amount).or(owed),
        }
    }
}

const fn end(state: &State, ending: Ending) -> End {
    match ending {
        Ending::Active => End::Completed,
        Ending::Outdated => End::Mirrored,
        Ending::Failed | Ending::Cancelled => End::Compensated,
        Ending::Expired if state.submissions > 0 => End::Compensated,
        Ending::Expired | Ending::Refused => End::GivenUp,
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
        Stage::Quoted => "Quoted",
        Stage::LinkOut if matches!(state.advice, Some(Advice::NeedsAuthentication)) => "NeedsAuthentication",
        Stage::LinkOut => "LinkSent",
        Stage::Paying => paying(state),
        Stage::HandingOver => "Captured",
        Stage::AwaitingRecord { .. } => "Recording",
        Stage::Held { .. } => "Held",
        Stage::Over { ending, .. } => match ending {
            Ending::Active => "Active",
            Ending::Refused => "Refused",
            Ending::Expired => "Expired",
            Ending::Cancelled => "Cancelled",
            Ending::Failed => "Failed",
            Ending::Outdated => "Outdated",
        },
    }
}

const fn paying(state: &State) -> &'static str {
    if state.invoice.bound {
        "InvoiceClaimed"
    } else if state.made.subscription.is_some() {
        "ZohoSubscribed"
    } else if state.hold.is_some() {
        "Authorised"
    } else {
        "Submitted"
    }
}
