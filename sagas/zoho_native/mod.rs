//! A subscription that Zoho's own gateway collects: from a press in Attio through a quote and Zoho's hosted page to a
//! subscription that is mirrored until it ends.
//!
//! Started by an act on a subscription record; one saga per press. It promises: the customer sees and accepts the price before
//! Zoho's page opens; one page is open at a time, however often the link is clicked; what was bought is found by our
//! reference and goes on our record, also where nobody came back from the page; what Zoho then shows of it (a failed charge,
//! its end, a collection that was turned off) is shown in Attio and CRM. It takes no money, holds none and gives none back: Zoho does,
//! and the invoice's own stream mirrors what Zoho shows. Letters about money are Zoho's.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_request` … `list_subscriptions` | what is asked for, who asks, what Zoho sells, what the customer has | – |
//! | `claim` | the press, the customer's product, then the customer and the subscription at Zoho | let go by events |
//! | `take_over` | the customer's product, from their trial of it | – |
//! | `find_zoho_customer` … `link_zoho_customer` | the customer at Zoho | stays: the next start uses it |
//! | `create_page` | Zoho's page, once the customer has accepted | ends by itself within an hour |
//! | `read_page`, `find_purchase` | what came of it, by our reference | – |
//! | `adopt` (pivot) | the subscription is on our record, Zoho's to collect | – |
//! | `survey`, `read_terms` | how it stands, at each term's turn and whenever Zoho says that something happened | – |
//! | `tell_invoice`, `tell_end` | the streams of its invoices and of its end | – |
//! | `show`, `letter`, `task` | Attio, the customer, the record's owner are told | – |
//!
//! A page cannot be closed by us. Who calls a start off, or lets its link expire, while a page is open waits until nothing can be
//! bought on it any more; what was bought until then is sold.

mod answers;
mod books;
mod events;
mod evolve;
mod face;
mod letters;
mod lifecycle;
mod opening;
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
pub use page::{Page, PageStage, page};
pub use state::State;
pub use words::{Act, After, Command, Consent, LetterKind, Terms};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::selling::{CLAIM, ENROL, TAKE_OVER};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use chrono::{DateTime, SecondsFormat, Utc};
use state::{Ending, Life, Stage};
use turn::Turn;

/// The flow.
pub struct ZohoNative;

impl ZohoNative {
    /// The start of one press: the same press gives the same id for ever.
    pub fn id(record: &str, pressed_at: DateTime<Utc>) -> SagaId {
        SagaId::derived(Self::NAME, &[record, &pressed_at.to_rfc3339_opts(SecondsFormat::Nanos, true)])
    }

    /// Whether a further press in that state is the start's: once it is sold, a press is about the subscription.
    pub fn takes_presses(state: &str) -> bool {
        !matches!(state, "Active" | "PastDue" | "Ending" | "NoCollector")
    }
}

const STAYS: Undo = Undo::None("a customer at Zoho stays, linked with ours: the next start uses it");

impl Saga for ZohoNative {
    const NAME: &'static str = "zoho_native";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str =
        "Sells a subscription on Zoho's own page, which Zoho's gateway collects, and mirrors it until it ends";
    const PRIORITY: Priority = Priority::Customer;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 9 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_request"),
        ENROL,
        StepSpec::read("read_person"),
        CLAIM,
        TAKE_OVER,
        StepSpec::read("read_offer"),
        StepSpec::read("read_customer"),
        StepSpec::read("list_subscriptions"),
        StepSpec::read("find_zoho_customer"),
        StepSpec::new("revive_zoho_customer", Class::Compensatable, STAYS),
        StepSpec::new("zoho_customer", Class::Compensatable, STAYS),
        StepSpec::new("link_zoho_customer", Class::Compensatable, STAYS),
        StepSpec::new("create_page", Class::Compensatable, Undo::None("a page ends by itself within an hour")),
        StepSpec::read("read_page"),
        StepSpec::read("find_purchase"),
        StepSpec::new(
            "adopt",
            Class::Pivot,
            Undo::None("what was bought is sold: its end is a cancellation, a flow of its own"),
        ),
        StepSpec::read("survey"),
        StepSpec::read("read_terms"),
        StepSpec::forward("tell_invoice"),
        StepSpec::forward("tell_end"),
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

    fn call_off(state: &State, reason: &str, at: &At) -> Result<Vec<Event>, Refusal> {
        Self::decide(state, Input::Command(&Command::CancelOrdered { reason: reason.to_owned() }), at)
    }

    fn facts(state: &State, event: &Event) -> Facts {
        books::facts(state, event)
    }

    fn summary(state: &State) -> Summary {
        let renewal = state.sale.quote.as_ref().map(|q| if state.is_linked() { q.renewal } else { q.due_today });
        Summary {
            state: word(state).to_owned(),
            title: state.sale.title(),
            customer: state.sale.customer().map(str::to_owned),
            amount: renewal,
        }
    }
}

/// The flow's own word for where it stands.
fn word(state: &State) -> &'static str {
    if state.closing.is_some() && !matches!(state.stage, Stage::Over { .. }) {
        return "Closing";
    }
    match &state.stage {
        Stage::New => "New",
        Stage::Preparing => "Preparing",
        Stage::Quoted => "Quoted",
        Stage::LinkOut => "PageSent",
        Stage::Opening => "OpeningPage",
        Stage::PageOut => "AtZoho",
        Stage::Confirming | Stage::Linking => "Linking",
        Stage::Running => match state.status().map(Life::of) {
            Some(Life::PastDue) => "PastDue",
            Some(Life::Ending) => "Ending",
            _ => "Active",
        },
        Stage::Held { then: After::Mirror, .. } => "NoCollector",
        Stage::Held { .. } => "Held",
        Stage::Over { ending, .. } => match ending {
            Ending::Ended => "Ended",
            Ending::HandedOver => "HandedOver",
            Ending::Refused => "Refused",
            Ending::Expired => "Expired",
            Ending::Cancelled => "Cancelled",
            Ending::Outdated => "Outdated",
        },
    }
}
