//! Notices before money: a customer is told in time what will be charged, when, and how to stop it.
//!
//! One stream per Zoho subscription, begun by a sweep of what is ours; it sleeps until something is to be told, and reads
//! the subscription anew before it tells it: the date that counts is Zoho's. It promises: each notice goes out once for
//! each charge; one that is required and comes late holds the charge back until it was read, seven days at most; what
//! cannot be delivered is a person's task. It charges nothing, ends nothing and takes no card: the pages that its letters
//! lead to hand the customer's word to the flows that do.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `survey`, `read_terms` | whose it is, and what Zoho will charge when | – |
//! | `list_invoices` | whether a charge that came without notice was taken | – |
//! | `survey_customer`, `read_card`, `read_person` | whom to tell, and how long the card is good | – |
//! | `letter` | the notice | – |
//! | `ask_card` | the flow that takes another card writes the letter with its link | – |
//! | `tell_ending` | the flow that ends subscriptions is told what the customer wants | – |
//! | `show`, `task` | the CRM team is told what could not be delivered | – |

mod page;
mod rules;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use page::{Page, PageStage, page};
pub use state::State;
pub use words::{Command, Event, Item, Notice, Of, Sender, Terms};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, Facts, Input, Mark, Pending, Refusal, Saga, Summary, held_subscription};
use crate::kernel::step::{Calls, StepSpec};
use state::Stage;
use turn::Turn;
use words::Rest;

/// Why collection is held back.
const MISSED: &str = "notice_missed";

/// The flow.
pub struct Notices;

impl Notices {
    /// The one stream of a Zoho subscription.
    pub fn id(organization: &str, subscription: &str) -> SagaId {
        SagaId::derived(Self::NAME, &[organization, subscription])
    }
}

impl Saga for Notices {
    const NAME: &'static str = "notice";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Tells a customer in time what will be charged, and how to stop it";
    const PRIORITY: Priority = Priority::Background;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 2 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("survey"),
        StepSpec::read("read_terms"),
        StepSpec::read("list_invoices"),
        StepSpec::read("survey_customer"),
        StepSpec::read("read_card"),
        StepSpec::read("read_person"),
        StepSpec::tells("letter"),
        StepSpec::tells("ask_card"),
        StepSpec::tells("tell_ending"),
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
            // Nothing of it is ever undone, and it parks nothing itself.
            Input::Unwound { .. } | Input::Resumed => {}
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
        let held = || held_subscription(state.of.as_ref().map_or("", |of| &of.subscription));
        let mark = match event {
            Event::NoticeDue { hold_until: Some(_), .. } | Event::NoticeSent { hold_until: Some(_), .. } => {
                Some(Mark::Hold { invoice: held(), reason: MISSED })
            }
            Event::HoldEnded { .. } | Event::NoticesRested { .. } => {
                Some(Mark::LiftHold { invoice: held(), reason: MISSED })
            }
            _ => None,
        };
        let references = match event {
            Event::NoticesBegun { of, .. } => vec![("zoho_subscription", of.subscription.clone())],
            Event::SubscriptionSurveyed { survey } => {
                let ours = survey.subscription.clone().map(|id| ("subscription", id));
                ours.into_iter().chain(survey.attio_record.clone().map(|id| ("attio_record", id))).collect()
            }
            Event::TermsRead { terms, .. } => vec![("zoho_customer", terms.customer.clone())],
            _ => Vec::new(),
        };
        let amount = match event {
            Event::NoticeSent { amount, .. } => *amount,
            Event::PriceChangeSeen { to, .. } => Some(*to),
            _ => None,
        };
        Facts { marks: mark.into_iter().collect(), references, amount, ..Facts::default() }
    }

    fn summary(state: &State) -> Summary {
        Summary {
            state: word(state).to_owned(),
            title: state.of.as_ref().map(|of| of.subscription.clone()).unwrap_or_default(),
            customer: state.facts.customer.clone(),
            amount: state.facts.terms.as_ref().and_then(rules::amount),
        }
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    match state.stage {
        Stage::New => "New",
        Stage::Person { .. } | Stage::Letter { .. } => "Telling",
        Stage::Resting { .. } if state.hold_until.is_some() => "HeldBack",
        Stage::Resting { .. } => "Watching",
        Stage::Over { why: Rest::NotOurs } => "Mirrored",
        Stage::Over { why: Rest::ZohoTells } => "ZohoTells",
        Stage::Over { why: Rest::Ended } => "Ended",
        _ => "Looking",
    }
}
