//! Sign-up: from a new user of the platform, or a press in Attio, to a customer in Zoho CRM whose trial runs until its end.
//!
//! One saga per user of the platform, or per person's record; the same sign-up told again is the same saga. It promises: one
//! account for a company's domain and one contact for a customer, found by our own ids, never merged by an address; one trial
//! of one product at a time; a trial that ends with its day or becomes a subscription, whichever way people are told of it.
//! What Zoho CRM and Attio show follows, and holds nobody up: the trial runs while they are down. It makes nothing in Zoho
//! Billing and charges nothing: who wants to pay starts an activation, which takes the product over.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `find_person`, `enrol`, `read_client` | the person in Attio, linked with our customer, and what the tags follow from | – |
//! | `claim` | the customer's product: nobody tries what they have | let go by events |
//! | `find_account`, `account`, `contact`, `link` | account, then contact, by our ids; their ids in our table | – |
//! | `read_tags`, `tag` | our tags, with others' kept | – |
//! | `show`, `comply`, `note` | the person's record says how far they have come | – |
//! | `look` | what has become of a sale of the product | – |
//! | `unlink` | the platform's user, once the trial is over | – |

mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use state::State;
pub use words::{Command, Concern, Event, Origin, Terms, Unsorted};

use crate::kernel::effect::{AttioRecord, Effect};
use crate::kernel::ids::SagaId;
use crate::kernel::saga::{At, Facts, Input, Mark, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::{Ending, Stage};
use turn::Turn;

/// The title of the act on a person's record.
pub const START_TRIAL: &str = "Start trial";

/// The flow.
pub struct SignUp;

impl SignUp {
    /// The sign-up of a user of the platform: the same user gives the same id for ever.
    pub fn of_user(user: &str) -> SagaId {
        SagaId::derived(Self::NAME, &["platform", user])
    }

    /// The sign-up that was pressed on a person's record.
    pub fn of_record(record: &AttioRecord) -> SagaId {
        SagaId::derived(Self::NAME, &["attio", &record.object, &record.id])
    }

    fn id_of(origin: &Origin) -> SagaId {
        match origin {
            Origin::Platform { user, .. } => Self::of_user(user),
            Origin::Press { record, .. } => Self::of_record(record),
        }
    }
}

const STAYS: Undo = Undo::None("a customer stays one, whatever becomes of the trial");

impl Saga for SignUp {
    const NAME: &'static str = "sign_up";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Makes a customer in Zoho CRM of who signs up, and keeps their trial until it ends";
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho_crm", count: 6 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::new("find_person", Class::Retriable, STAYS),
        StepSpec::new("enrol", Class::Retriable, STAYS),
        StepSpec::read("read_client"),
        StepSpec::new(
            "claim",
            Class::Retriable,
            Undo::None("the event that ends the trial lets it go in its own append"),
        ),
        StepSpec::tells("find_account"),
        StepSpec::tells("account"),
        StepSpec::tells("contact"),
        StepSpec::new("link", Class::Retriable, STAYS),
        StepSpec::tells("read_tags"),
        StepSpec::tells("tag"),
        StepSpec::tells("show"),
        StepSpec::tells("comply"),
        StepSpec::tells("note"),
        StepSpec::read("look"),
        StepSpec::new("unlink", Class::Retriable, Undo::None("the user is linked again where a trial is granted")),
    ];

    type State = State;
    type Command = Command;
    type Event = Event;

    fn decide(state: &State, input: Input<'_, Command>, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        match input {
            Input::Command(command) => turn.told(command)?,
            Input::Answered(answered) => turn.answered(&answered),
            // A call that waited until something fell due.
            Input::Due | Input::Superseded { .. } => turn.due(),
            Input::Resumed => turn.resumed(),
            // Nothing is ever undone.
            Input::Unwound { .. } => {}
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
        let mut facts = Facts::default();
        let mut add = |kind, value: &str| facts.references.push((kind, value.to_owned()));
        match event {
            Event::SignedUp { origin: Origin::Platform { user, customer, .. }, .. } => {
                add("platform_user", user);
                add("customer", customer);
            }
            Event::SignedUp { origin: Origin::Press { record, .. }, .. } | Event::PersonFound { record } => {
                add("attio_record", &record.id);
            }
            Event::CustomerEnrolled { customer } => add("customer", customer),
            Event::InCrm { contact, account, .. } => {
                add("zoho_contact", contact);
                add("zoho_account", account);
            }
            Event::TrialStarted { claim, .. } | Event::ProductTakenBack { claim } => {
                facts.marks.push(Mark::Confirm(claim.clone()));
            }
            Event::TrialExpired { released: Some(claim), .. } => facts.marks.push(Mark::Release(claim.clone())),
            _ => {}
        }
        facts
    }

    fn summary(state: &State) -> Summary {
        let title = state.user().map(str::to_owned);
        let record = || state.client.as_ref().map(|client| client.id.clone());
        Summary {
            state: word(state).to_owned(),
            title: title.or_else(record).unwrap_or_default(),
            customer: state.customer.clone(),
            amount: None,
        }
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    match &state.stage {
        Stage::New => "New",
        Stage::Joining => "Joining",
        Stage::Trial if state.sale.is_some() => "Converting",
        Stage::Trial => "Trial",
        Stage::Over { ending } => match ending {
            Ending::Converted => "Converted",
            Ending::Expired => "Expired",
            Ending::Refused => "Refused",
        },
    }
}
