//! Desk ticket: brings what people must see to where customers are helped.
//!
//! One stream per cause: what colleagues ask about a subscription, or the end of dunning of an invoice. It promises: one
//! open ticket for a cause, and a comment on it where the same is asked again; one contact for a customer, the linked one
//! before any other; texts without personal data, and of cards the last four digits at most. Whoever asks waits for
//! nothing: while Zoho Desk is down the ticket waits here alone. It never moves money and never writes to a customer.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_settings` | whether there is a Zoho Desk at all | – |
//! | `read_request`, `enrol`, `read_person` | whom it is about | – |
//! | `find_contact`, `make_contact`, `link_contact` | the customer's contact there | – |
//! | `unlink_contact` | a link to a contact that is gone there | – |
//! | `open` | the ticket | – |
//! | `read_ticket`, `comment` | the same was asked before | – |
//! | `show`, `task` | the ticket's id on the record, and what a person must see to | – |

mod state;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod turn;
mod words;

pub use crate::kernel::ticket::{About, Ask, Cause};
pub use state::State;
pub use words::{Command, Event, Rules};

use crate::kernel::effect::Effect;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use crate::kernel::ticket;
use state::Stage;
use turn::Turn;

/// The title of the act on a subscription's record.
pub const OPEN_TICKET: &str = "Open ticket";

/// The flow.
pub struct DeskTicket;

const STAYS: Undo = Undo::None("what people were told stays told");

impl Saga for DeskTicket {
    const NAME: &'static str = ticket::FLOW;
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Opens a ticket in Zoho Desk for what people must see to, one for each cause";
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho_desk", count: 3 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_settings"),
        StepSpec::read("read_request"),
        StepSpec::new("enrol", Class::Retriable, STAYS),
        StepSpec::read("read_person"),
        StepSpec::read("find_contact"),
        StepSpec::new("make_contact", Class::Retriable, STAYS),
        StepSpec::new("link_contact", Class::Retriable, STAYS),
        StepSpec::new("unlink_contact", Class::Retriable, Undo::None("another contact is linked instead")),
        StepSpec::read("read_ticket"),
        StepSpec::new("open", Class::Retriable, STAYS),
        StepSpec::new("comment", Class::Retriable, STAYS),
        StepSpec::tells("show"),
        StepSpec::tells("task"),
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(Command::Asked { ask }) => turn.asked(ask)?,
            Input::Answered(answered) => turn.answered(&answered),
            Input::Superseded { .. } => turn.unreachable(),
            Input::Due => turn.due(),
            // Nothing is ever undone, and it parks nothing itself.
            Input::Unwound { .. } | Input::Resumed => {}
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

    fn facts(_: &State, event: &Event) -> Facts {
        let (mut references, mut amount) = (Vec::new(), None);
        let mut add = |kind, id: &str| references.push((kind, id.to_owned()));
        match event {
            Event::TicketAsked { ask, .. } => {
                if let Some(record) = &ask.about.record {
                    add("attio_record", record);
                }
                if let Cause::Exhausted { invoice, owed, .. } = &ask.cause {
                    add("zoho_invoice", invoice);
                    amount = Some(*owed);
                }
            }
            Event::CustomerEnrolled { customer, .. } => add("customer", customer),
            Event::ContactLinked { contact } => add("desk_contact", contact),
            Event::TicketOpened { ticket, .. } => add("desk_ticket", ticket),
            _ => {}
        }
        Facts { references, amount, ..Facts::default() }
    }

    fn summary(state: &State) -> Summary {
        let title = state.ticket.as_ref().map(|ticket| format!("#{}", ticket.number));
        Summary {
            state: word(state).to_owned(),
            title: title
                .unwrap_or_else(|| state.asks.first().map(|asked| text::subject(&asked.ask)).unwrap_or_default()),
            customer: state.customer.clone(),
            amount: None,
        }
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    match &state.stage {
        Stage::New => "New",
        Stage::Settings | Stage::Request | Stage::Enrol | Stage::Person => "Asked",
        Stage::Find | Stage::Make | Stage::Link | Stage::Unlink => "Contact",
        Stage::Check | Stage::Open | Stage::Comment => "Ticket",
        Stage::Linked => "Linked",
        Stage::Off => "NoHelpdesk",
        Stage::Refused => "Refused",
    }
}
