//! Deal and tags: Zoho CRM shows of every customer what became of the sale.
//!
//! Told by the flows in which something becomes of a subscription; one stream per customer for ever, the one writer of the
//! customer's deals and of our tags on the contact. It promises: what CRM shows follows from one table; others' tags stay;
//! a deal that people deleted is not made again, and a stage that people chose is left; what CRM refuses is asked of a
//! person once and forced by nobody. It holds no flow up, knows no price of its own, and never moves money.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_settings` | names of stages, tiers of plans, whose workflows run | – |
//! | `read_trial` | what Zoho made of a trial whose end has come | – |
//! | `read_contact` | whether CRM has the customer | – |
//! | `account`, `contact` | makes the customer there, under our ids | – |
//! | `read_deal` | whether people moved or deleted it | – |
//! | `deal` | makes it, or brings it up to date | – |
//! | `tags` | our tags; others' stay | – |
//! | `task` | asks a person about what CRM refuses | – |

mod rules;
mod state;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use rules::{Rules, Stages, TierRule, Workflows};
pub use state::State;
pub use table::DealFace;
pub use words::{Command, Event};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::lifecycle;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, StepSpec};
use state::Stage;
use turn::Turn;

/// The flow.
pub struct CrmLifecycle;

impl CrmLifecycle {
    /// The one stream of a customer of ours.
    pub fn id(customer: &str) -> SagaId {
        lifecycle::stream(customer)
    }
}

impl Saga for CrmLifecycle {
    const NAME: &'static str = lifecycle::FLOW;
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Keeps a customer's deals and tags in Zoho CRM as the subscriptions stand";
    const PRIORITY: Priority = Priority::Background;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho_crm", count: 6 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_settings"),
        StepSpec::read("read_trial"),
        StepSpec::read("read_contact"),
        StepSpec::tells("account"),
        StepSpec::tells("contact"),
        StepSpec::read("read_deal"),
        StepSpec::tells("deal"),
        StepSpec::tells("tags"),
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
            Input::Due => turn.due(),
            Input::Resumed => turn.resumed(),
            // No call of it rests on facts with an end, and nothing of it is ever undone.
            Input::Superseded { .. } | Input::Unwound { .. } => {}
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

    fn facts(_: &State, event: &Event) -> Facts {
        let amount = match event {
            Event::DealWritten { face, .. } => Some(face.amount),
            _ => None,
        };
        Facts { references: references(event), amount, ..Facts::default() }
    }

    fn summary(state: &State) -> Summary {
        let names = state.subscriptions.values().filter_map(|of| of.sale.as_ref()).map(|sale| sale.name.as_str());
        Summary {
            state: word(state).to_owned(),
            title: names.collect::<Vec<_>>().join(", "),
            customer: state.customer.clone(),
            amount: None,
        }
    }
}

/// Ids by which the stream and the event are found.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    let with = |kind, id: &Option<String>| id.iter().map(|id| (kind, id.clone())).collect();
    match event {
        Event::NewsHeard { told, .. } => {
            let ids = [("customer", told.customer.clone()), ("subscription", told.subscription.clone())];
            ids.into_iter().chain(told.record.clone().map(|record| ("attio_record", record))).collect()
        }
        Event::ResidenceHeard { residence } => vec![("customer", residence.customer.clone())],
        Event::ContactRead { contact } | Event::ContactWritten { contact } => with("crm_contact", contact),
        Event::AccountWritten { account } => with("crm_account", account),
        Event::DealRead { deal, .. } | Event::DealWritten { deal, .. } => with("crm_deal", deal),
        _ => Vec::new(),
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    match &state.stage {
        Stage::New => "New",
        Stage::Settings | Stage::Contact => "Reading",
        Stage::TrialOver { .. } => "TrialOver",
        Stage::Account | Stage::NewContact | Stage::Records => "Writing",
        Stage::Held { .. } => "IdentitySplit",
        Stage::Rests => "Kept",
        Stage::Off => "SwitchedOff",
        Stage::Nobody => "PersonUnknown",
    }
}
