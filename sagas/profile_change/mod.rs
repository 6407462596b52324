//! Profile change: what people change of a customer in Attio reaches Zoho Billing, Braintree and Zoho CRM.
//!
//! One stream per customer for ever. It promises: the record is read, and what it says counts, however often and in whatever
//! order it was heard that it changed; a burst is one carrying; each target is compared before it is written, and only
//! fields that changed are written, so that an echo of our own writes ends here; where somebody else wrote a field since,
//! Attio wins and the other value stands in a note; a target that refuses a value stops no other; what is written again and
//! again is stopped. It knows names of fields, never what stands in them, makes no record anywhere, and moves no money.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `write_client` | what the platform says, onto the record in Attio | – |
//! | `read_settings` | whether customers are kept in Zoho CRM | – |
//! | `read` | what Attio holds now, kept beside the log | – |
//! | `compare` | with what each target was given last, by our own tables | – |
//! | `read_…` | what a target shows | – |
//! | `find_address` | whether the new e-mail address is somebody else's | – |
//! | `write_…` | the fields that changed | – |
//! | `weigh_currency` | whether documents exist in a currency | – |
//! | `unlink`, `link` | the record that is left after a merge | – |
//! | `comply`, `note`, `show`, `task` | laws, what was written over, how it went, what a person must see to | – |

mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use state::State;
pub use words::{Command, Event, Rules};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::lifecycle::Residence;
use crate::kernel::profile;
use crate::kernel::saga::{At, Facts, Input, Mark, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::Stage;
use turn::Turn;

/// The flow.
pub struct ProfileChange;

impl ProfileChange {
    /// The one stream of a customer of ours.
    pub fn id(customer: &str) -> SagaId {
        SagaId::derived(profile::FLOW, &[customer])
    }
}

impl Saga for ProfileChange {
    const NAME: &'static str = profile::FLOW;
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Carries a change of a person or company in Attio to Zoho and Braintree";
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 4 }, Calls { vendor: "zoho_crm", count: 4 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::new("write_client", Class::Retriable, Undo::None("what the platform says last counts")),
        StepSpec::read("read_settings"),
        StepSpec::read("read"),
        StepSpec::read("compare"),
        StepSpec::tells("find_address"),
        StepSpec::tells("read_billing"),
        StepSpec::tells("write_billing"),
        StepSpec::tells("read_gateway"),
        StepSpec::tells("write_gateway"),
        StepSpec::tells("read_contact"),
        StepSpec::tells("write_contact"),
        StepSpec::tells("read_account"),
        StepSpec::tells("write_account"),
        StepSpec::read("weigh_currency"),
        StepSpec::new("unlink", Class::Retriable, Undo::None("the record is gone")),
        StepSpec::new("link", Class::Retriable, Undo::None("the record that is left is the customer's")),
        StepSpec::tells("comply"),
        StepSpec::tells("note"),
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
            Input::Superseded { .. } => turn.unreached(),
            Input::Due => turn.due(),
            Input::Resumed => turn.resumed(),
            // Nothing is ever undone.
            Input::Unwound { .. } => {}
        }
        if !turn.out.is_empty() {
            turn.go_on();
        }
        Ok(turn.out)
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
        let mut facts = Facts::default();
        let mut add = |kind, id: &str| facts.references.push((kind, id.to_owned()));
        match event {
            Event::ChangeHeard { customer, client, .. }
            | Event::PatchHeard { customer, client, .. }
            | Event::CurrencyAsked { customer, client, .. } => {
                add("customer", customer);
                add("attio_record", &client.id);
            }
            Event::RecordMerged { customer, from, into, .. } => {
                add("customer", customer);
                add("attio_record", &from.id);
                add("attio_record", &into.id);
            }
            Event::RecordGone { client, .. } => add("attio_record", &client.id),
            Event::PatchWritten { mark, .. } | Event::PatchRefused { mark, .. } => {
                facts.marks.extend(forgets(state, mark));
            }
            Event::PatchHeld { mark, fields, .. } if fields.is_empty() => facts.marks.extend(forgets(state, mark)),
            Event::CarryingEnded { laws: Some(laws), tagged: true, at } => {
                let residence = state.customer.as_ref().map(|customer| Residence {
                    customer: customer.clone(),
                    laws: laws.clone(),
                    at: *at,
                });
                facts.tells.extend(residence.map(|residence| residence.message()));
            }
            _ => {}
        }
        facts
    }

    fn summary(state: &State) -> Summary {
        Summary {
            state: word(state).to_owned(),
            title: state.client.as_ref().map(|client| format!("{} {}", client.object, client.id)).unwrap_or_default(),
            customer: state.customer.clone(),
            amount: None,
        }
    }
}

/// What the platform said is kept no longer: it stands in Attio, or is not taken there.
fn forgets(state: &State, mark: &str) -> Option<Mark> {
    Some(Mark::ForgetValues { customer: state.customer.clone()?, mark: mark.to_owned() })
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    match &state.stage {
        Stage::New => "New",
        Stage::Settling => "Heard",
        Stage::Settings | Stage::Client | Stage::Tables => "Detected",
        Stage::Targets => "Writing",
        Stage::Unlink | Stage::Link => "Relinking",
        Stage::Rests => "Written",
        Stage::Held { .. } => "Held",
        Stage::Nobody => "PersonUnknown",
    }
}
