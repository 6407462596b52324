//! Opening of the books: what customers owe, what is owed to them and where their money stands, at the one instant from which
//! this system keeps the books. One saga per installation, for ever.
//!
//! Proposed by finance as a list; agreed to by a second person where approvals are asked for. It promises: nothing is posted
//! unless every line that a vendor can show is as the vendor shows it, and the lines add up to the totals that finance gives;
//! what does not tie is named line by line; the books open once. What happened before is historic: no journal, no finding.
//! The receivable of an invoice is posted by the invoice's own stream, which goes on from there, and takes back what it has
//! booked of before. It writes nothing at a vendor and charges nobody.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `read_invoice`, `read_sale` | a line, as the vendor shows it | – |
//! | `survey_customer` | whose credit it is | – |
//! | `tell_invoice` | the invoice's stream opens with what is owed | – |

mod state;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use state::State;
pub use words::{Command, Difference, Event, Item, Kind, Proposal, Total};

use crate::kernel::effect::{Braintree, Desk, Effect, Message, Zoho};
use crate::kernel::ids::SagaId;
use crate::kernel::posting::{Dimensions, Posting, Rule};
use crate::kernel::priority::Priority;
use crate::kernel::saga::{At, End, Facts, Input, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use serde_json::json;
use state::Stage;
use turn::Turn;

/// The flow that records an invoice's money. Named, not imported: what it is told is its own command in words.
const INVOICES: &str = "invoice_payment";

/// The flow.
pub struct BooksOpening;

impl BooksOpening {
    /// The one opening of an organization's books.
    pub fn id(organization: &str) -> SagaId {
        SagaId::derived(Self::NAME, &[organization])
    }
}

impl Saga for BooksOpening {
    const NAME: &'static str = "books_opening";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str =
        "Opens the books with what is owed and held at one instant, tied to the vendors' totals";
    const PRIORITY: Priority = Priority::Background;
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 1 }, Calls { vendor: "braintree", count: 1 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("read_invoice"),
        StepSpec::read("read_sale"),
        StepSpec::read("survey_customer"),
        StepSpec::new("tell_invoice", Class::Retriable, Undo::None("a message is told once")),
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
            // No call of it rests on facts with an end, nothing of it is undone, and it asks for no park of its own.
            Input::Superseded { .. } | Input::Unwound { .. } | Input::Resumed => {}
        }
        Ok(turn.out)
    }

    fn evolve(state: &mut State, event: &Event) {
        state.apply(event);
    }

    fn pending(state: &State) -> Pending {
        work(state).unwrap_or_else(|| at_rest(state))
    }

    fn undo(_: &State, _: &str) -> Option<Effect> {
        None
    }

    fn facts(state: &State, event: &Event) -> Facts {
        match event {
            Event::BooksOpened { effective, .. } => {
                let postings = state.positions().map(|(item, customer)| Posting {
                    rule: item.kind.rule(),
                    amount: item.amount,
                    tax: None,
                    effective: *effective,
                    dimensions: Dimensions {
                        customer: customer.cloned(),
                        transaction: item.kind.is_of_sale().then(|| item.id.clone()),
                        ..Dimensions::default()
                    },
                });
                Facts { postings: postings.collect(), ..Facts::default() }
            }
            _ => Facts::default(),
        }
    }

    fn summary(state: &State) -> Summary {
        let title = state.proposal.as_ref().map(|proposal| proposal.open_at.to_rfc3339());
        Summary { state: word(state).to_owned(), title: title.unwrap_or_default(), customer: None, amount: None }
    }
}

/// The flow's own word for where it stands.
const fn word(state: &State) -> &'static str {
    match state.stage {
        Stage::New => "New",
        Stage::Comparing => "Comparing",
        Stage::Differs => "Differs",
        Stage::Approving { .. } => "Tied",
        Stage::Withdrawn => "Withdrawn",
        Stage::Opening => "Opening",
        Stage::Open => "Open",
    }
}

fn work(state: &State) -> Option<Pending> {
    let perform = |step, effect| Some(Pending::perform(step, state.calls + 1, effect));
    match state.stage {
        Stage::Comparing => {
            let item = state.next_to_compare()?;
            match item.kind {
                Kind::Receivable => {
                    perform("read_invoice", Effect::Zoho(Zoho::ReadInvoice { invoice: item.id.clone() }))
                }
                Kind::Credit => {
                    let survey = Desk::SurveyCustomer { zoho_customer: item.id.clone() };
                    perform("survey_customer", Effect::Desk(survey))
                }
                _ => {
                    let read = Braintree::ReadTransaction { transaction: item.id.clone() };
                    perform("read_sale", Effect::Braintree(read))
                }
            }
        }
        Stage::Opening => perform("tell_invoice", Effect::Desk(tell(state)?)),
        _ => None,
    }
}

/// The invoice's own stream books it from here on.
fn tell(state: &State) -> Option<Desk> {
    let (proposal, invoice) = (state.proposal.as_ref()?, state.next_to_tell()?);
    let message = Message {
        to: SagaId::of_invoice(&proposal.organization, &invoice.invoice),
        flow: INVOICES.to_owned(),
        kind: "books.opened".to_owned(),
        command: json!({
            "command": "detected", "organization": proposal.organization, "installation": proposal.installation,
            "invoice": invoice.invoice, "subscription": invoice.subscription, "source": "opening",
            "news": {"news": "opened", "with": invoice.with},
        }),
        key: format!("{}:{}", BooksOpening::NAME, invoice.invoice),
    };
    Some(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

const fn at_rest(state: &State) -> Pending {
    match state.stage {
        Stage::Approving { until } => Pending::Await { signal: "a second person's agreement", until },
        Stage::Open => Pending::Ended(End::Completed),
        Stage::Differs | Stage::New | Stage::Comparing | Stage::Opening => Pending::Ended(End::Mirrored),
        Stage::Withdrawn => Pending::Ended(End::GivenUp),
    }
}

impl Kind {
    /// The rule that posts it.
    pub const fn rule(self) -> Rule {
        match self {
            Self::Receivable => Rule::OpeningReceivable,
            Self::Credit => Rule::OpeningCredit,
            Self::Unapplied => Rule::OpeningUnapplied,
            Self::Submitted => Rule::OpeningSubmitted,
            Self::Settled => Rule::OpeningSettled,
            Self::InTransit => Rule::OpeningInTransit,
            Self::Disputed => Rule::OpeningDisputed,
            Self::RefundOwed => Rule::OpeningRefundOwed,
        }
    }

    /// Its id is that of a sale at Braintree.
    pub const fn is_of_sale(self) -> bool {
        matches!(self, Self::Unapplied | Self::Submitted | Self::Settled)
    }

    /// The vendor can be asked for it by its id; else the totals alone tie it.
    pub const fn is_compared(self) -> bool {
        self.is_of_sale() || matches!(self, Self::Receivable | Self::Credit)
    }
}
