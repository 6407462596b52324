//! Erasure: a person who asked for it is taken out of our tables and out of the vendors', and it is proved.
//!
//! Started by an admin; one stream per customer for ever. It promises: nothing of the person goes before somebody checked
//! who asks and, where two persons are wanted, another one has seen what goes and what stands in the way; nothing goes
//! while anything of the person's money is under way; the log is not touched and still verifies; what must stay is named
//! with its end, and goes then by itself. It ends subscriptions by telling the flow that does, and moves no money.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `survey` | what our own tables hold, owe and have under way | – |
//! | `find_in_attio`, `find_in_desk` | by what the person is found there, as long as we know it | – |
//! | `list_subscriptions` | what runs | – |
//! | `end_subscription` | tells the flow that ends it | the order stands on its own |
//! | `erase_here` (pivot) | the list outside first, then our rows | – |
//! | `erase_…` | a vendor clears a record, or deletes it | – |
//! | `read_…` | it is read back | – |
//! | `verify` | nothing is left here, and the log is what it was | – |

mod certificate;
mod places;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use certificate::{Certificate, Outcome};
pub use places::Place;
pub use state::State;
pub use words::{Command, Event, Identity, Law, Means, Of, Reason, Request, Rest};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::{Ending, Stage};
use turn::Turn;

/// The flow.
pub struct Erasure;

impl Erasure {
    /// The one stream of a customer of ours.
    pub fn id(installation: &str, customer: &str) -> SagaId {
        SagaId::derived(Self::NAME, &[installation, customer])
    }
}

impl Saga for Erasure {
    const NAME: &'static str = "erasure";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Takes a person out of our tables and the vendors', and proves it";
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 5 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("survey"),
        StepSpec::read("find_in_attio"),
        StepSpec::read("find_in_desk"),
        StepSpec::read("list_subscriptions"),
        StepSpec::new(
            "end_subscription",
            Class::Retriable,
            Undo::None("an order of its own: a subscription that has ended is started anew"),
        ),
        StepSpec::new("erase_here", Class::Pivot, Undo::None("what is erased is gone: after it there is only forward")),
        StepSpec::forward("erase_attio"),
        StepSpec::forward("erase_crm"),
        StepSpec::forward("erase_desk"),
        StepSpec::forward("erase_zoho"),
        StepSpec::forward("erase_braintree"),
        StepSpec::read("read_attio"),
        StepSpec::read("read_crm"),
        StepSpec::read("read_desk"),
        StepSpec::read("read_zoho"),
        StepSpec::read("read_braintree"),
        StepSpec::read("verify"),
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
        Facts { references: references(event), ..Facts::default() }
    }

    fn summary(state: &State) -> Summary {
        Summary {
            state: word(state).to_owned(),
            title: state.request.as_ref().map_or("", |request| request.law.name()).to_owned(),
            customer: state.of.as_ref().map(|of| of.customer.clone()),
            amount: None,
        }
    }
}

/// Ids by which the stream and the event are found. The vendors' ids of the person stay in our tables as ids: by them what
/// comes late is known and dropped, and a refund finds its sale.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    match event {
        Event::ErasureRequested { of, .. } => vec![("customer", of.customer.clone())],
        Event::PersonErasedHere { erased, .. } => {
            erased.listed_as.iter().map(|listed| ("erased_person", listed.clone())).collect()
        }
        _ => Vec::new(),
    }
}

/// The flow's own word for where it stands.
fn word(state: &State) -> &'static str {
    match &state.stage {
        Stage::New => "New",
        Stage::Looking if state.confirmed_by.is_none() => "Requested",
        Stage::Looking => "Checking",
        Stage::Asking if state.warned => "PreviewedUrgently",
        Stage::Asking => "Previewed",
        Stage::Deferred { .. } if state.warned => "WaitsUrgently",
        Stage::Deferred { .. } => "Waits",
        Stage::Ending => "Ending",
        Stage::Erasing => "Erasing",
        Stage::After if state.next_place().is_some() => "ErasedHere",
        Stage::After => "AskedVendors",
        Stage::Again { .. } => "ErasedHere",
        Stage::Resting { .. } => "RestKept",
        Stage::Held { .. } => "Held",
        Stage::Over { ending } => match ending {
            Ending::Erased => "Erased",
            Ending::Refused => "Refused",
            Ending::Withdrawn => "Withdrawn",
        },
    }
}
