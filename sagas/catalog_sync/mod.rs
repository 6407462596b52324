//! Catalog sync: Attio's `service_plans` show what Zoho sells.
//!
//! One instance a day and organization; it is read whenever somebody asks: the day itself, a poll that saw a difference, a
//! press of `Sync catalog now`, an order, an edit in Attio. It promises: what Zoho sells stands in Attio, and what people
//! edit there is written back, with a note, but not for ever against somebody who insists; what two full reads do not list
//! is retired, never deleted; a read that did not come to its end changes nothing; who was quoted a price that has changed
//! is quoted anew before paying. It never changes anything at Zoho, and never a price of a running subscription.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `answer` | sets the act back on the record where it was pressed | – |
//! | `read_zoho` | reads plans, add-ons and coupons, each list to its end | – |
//! | `read_attio` | reads what Attio holds now | – |
//! | `show` | writes one record | – |
//! | `note` | says on an edited record that it was written back | – |
//! | `task` | asks a person about a record | – |
//! | `tell` | tells open activations what costs something else now | – |

mod compare;
mod state;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use compare::{Comparison, Difference, Missing, compare, version};
pub use state::State;
pub use words::{Asked, Because, Command, Contested, Event, Planned};

use crate::kernel::effect::{Attio, AttioRecord, Desk, Effect, OfferingFace, RecordNote, TaskNote, Zoho};
use crate::kernel::ids::SagaId;
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, StepSpec};
use chrono::NaiveDate;
use serde_json::json;
use state::{Stage, Todo};
use turn::Turn;

/// The flow.
pub struct CatalogSync;

impl CatalogSync {
    /// The sync of one day (UTC).
    pub fn id(organization: &str, day: NaiveDate) -> SagaId {
        SagaId::derived(Self::NAME, &[organization, &day.to_string()])
    }
}

impl Saga for CatalogSync {
    const NAME: &'static str = "catalog_sync";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Shows in Attio what Zoho sells, and writes back what is edited there";
    const STEPS: &'static [StepSpec] = &[
        StepSpec::tells("answer"),
        StepSpec::read("read_zoho"),
        StepSpec::read("read_attio"),
        StepSpec::tells("show"),
        StepSpec::tells("note"),
        StepSpec::tells("task"),
        StepSpec::tells("tell"),
    ];
    const PRIORITY: Priority = Priority::Background;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 3 }, Calls { vendor: "attio", count: 1 }];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(Command::Asked { organization, day, by, key }) => turn.asked(organization, *day, by, key),
            Input::Answered(answered) => turn.answered(answered.step, answered.outcome),
            Input::Due => turn.due(),
            Input::Superseded { .. } | Input::Unwound { .. } | Input::Resumed => {}
        }
        Ok(turn.out)
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        if let Some(until) = state.put_off.until {
            return Pending::Sleep { why: "Attio refuses what it is told for now", until };
        }
        let perform = |step, effect| Pending::Perform {
            step,
            n: state.concluded + 1,
            effect: Box::new(effect),
            fresh_until: None,
        };
        if let Some(press) = state.presses.first() {
            return perform("answer", Effect::Attio(Attio::AnswerCatalogAct(press.clone())));
        }
        match &state.stage {
            Stage::Reading => perform("read_zoho", Effect::Zoho(Zoho::ReadCatalog)),
            Stage::Comparing => perform("read_attio", Effect::Attio(Attio::ReadCatalog)),
            Stage::Working => match state.todo.front() {
                Some(todo) => perform(todo.step(), effect(state, todo)),
                // The turn that does the last thing ends the run.
                None => Pending::Ended(crate::kernel::saga::End::Completed),
            },
            Stage::Resting { until } => Pending::Sleep { why: "the catalog is read again then", until: *until },
            Stage::Over { end } => Pending::Ended(*end),
        }
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(_: &State, event: &Event) -> Facts {
        let record = |id: &String| ("attio_record", id.clone());
        let references = match event {
            Event::SyncAsked { by: Asked::Pressed { press }, .. } => vec![record(&press.record)],
            Event::SyncAsked { by: Asked::Edited { record: id }, .. } => vec![record(id)],
            Event::OfferingShown { external_id, record: id } => {
                let mut references = vec![("service_plan", external_id.clone())];
                references.extend(id.iter().map(record));
                references
            }
            _ => Vec::new(),
        };
        Facts { references, ..Facts::default() }
    }

    fn summary(state: &State) -> Summary {
        let title = state.of.as_ref().map_or_else(String::new, |(_, day)| day.to_string());
        Summary { state: state.word().to_owned(), title, ..Summary::default() }
    }
}

/// What one thing to do is.
fn effect(state: &State, todo: &Todo) -> Effect {
    let marker = |what: &str| {
        let saga = state.saga().map(|saga| saga.0.simple().to_string()).unwrap_or_default();
        format!("[{saga}.{}.{what}]", state.reads)
    };
    match todo {
        Todo::Show(planned) => {
            let difference = &planned.difference;
            Effect::Attio(Attio::ShowOffering(Box::new(OfferingFace {
                record: difference.record.clone(),
                offering: difference.offering.clone(),
                attributes: difference.attributes.clone(),
                as_of: state.read_at,
            })))
        }
        Todo::Note { record, attributes } => Effect::Attio(Attio::AddNote(Box::new(RecordNote {
            record: AttioRecord { object: "service_plans".to_owned(), id: record.clone() },
            title: "Written back as Zoho has it".to_owned(),
            text: format!(
                "Edited here: {}. The catalog is kept in Zoho Billing and shown here: change it there.",
                attributes.join(", ")
            ),
            marker: marker("note"),
        }))),
        Todo::Task { record, text } => Effect::Attio(Attio::AddCatalogTask(Box::new(TaskNote {
            record: record.clone(),
            assignee: None,
            text: text.clone(),
            marker: marker("task"),
        }))),
        Todo::Tell { offerings } => Effect::Desk(Desk::TellAll {
            flow: "subscription_activation".to_owned(),
            kind: "catalog.repriced".to_owned(),
            command: json!({ "command": "repriced", "offerings": offerings, "at": state.read_at }),
            key: marker("repriced"),
        }),
    }
}
