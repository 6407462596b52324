//! Cancellation: ends a subscription at once or with its term, or takes such an ending back; adopts what staff do in Zoho.
//!
//! Started by an act in Attio, by the API, or by Zoho's message; one stream per Zoho subscription for ever. It promises:
//! from the fence on no charge of the subscription begins; what was being charged is finished first, or watched to its end;
//! what is still owed and what was paid for unused time is settled as a person chose, and nothing is chosen by default. It
//! gives no money back itself: it orders that of the flow that does, which asks who has to agree. It ends no subscription
//! that nobody is on record for.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `survey` | whose it is, and who collects | – |
//! | `claim` | the fence: an invoice's stream charges nothing while it stands | let go by events |
//! | `read_terms` | Zoho's state, on which the act rests | – |
//! | `survey_charges` | charges that are under way, and who keeps the customer's product | – |
//! | `read_recurring`, `end_recurring` (pivot, too) | where Braintree collects: ended there first | – |
//! | `cancel` (pivot) | at once, or at the end of the term | – |
//! | `reactivate` | takes an ending back that has not come | – |
//! | `keep_recurring` | where Braintree collects: it goes on there | – |
//! | `list_invoices` | what is owed, what was paid | – |
//! | `void_invoice`, `write_off_invoice` | what was chosen for what is owed | – |
//! | `tell_invoice` | the invoice's own stream collects it, or reads it again | – |
//! | `find_payments`, `order_give_back` | what goes back, by the flow that gives back | the order stands on its own |
//! | `release_product` | the customer may buy it again | – |
//! | `show`, `task` | the record in Attio; finance, on what should go back | – |

mod face;
mod give_back;
mod lifecycle;
mod recurring;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use give_back::GiveBackOrder;
pub use state::State;
pub use words::{Choice, Command, Event, GiveBack, News, Of, OpenInvoices, Order, Press, Proposal, RecurringEnd, Wish};

use crate::kernel::effect::Effect;
use crate::kernel::ids::SagaId;
use crate::kernel::saga::{At, Facts, Input, Mark, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::{Ending, Stage};
use turn::Turn;

/// The flow.
pub struct Cancellation;

impl Cancellation {
    /// The one stream of a Zoho subscription.
    pub fn id(organization: &str, subscription: &str) -> SagaId {
        SagaId::derived(Self::NAME, &[organization, subscription])
    }
}

impl Saga for Cancellation {
    const NAME: &'static str = "cancellation";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str =
        "Ends a subscription at once or with its term, and settles its money as a person chose";
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 6 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("survey"),
        StepSpec::new(
            "claim",
            Class::Compensatable,
            Undo::None("the event that ends the order lets it go in its own append"),
        ),
        StepSpec::read("read_terms"),
        StepSpec::read("survey_charges"),
        StepSpec::read("read_recurring"),
        StepSpec::new("end_recurring", Class::Pivot, Undo::None("what has ended at Braintree is ended for good")),
        StepSpec::new(
            "cancel",
            Class::Pivot,
            Undo::None("after it there is only forward; a reactivation is an order of its own"),
        ),
        StepSpec::forward("reactivate"),
        StepSpec::forward("keep_recurring"),
        StepSpec::read("list_invoices"),
        StepSpec::forward("void_invoice"),
        StepSpec::forward("write_off_invoice"),
        StepSpec::forward("tell_invoice"),
        StepSpec::read("find_payments"),
        StepSpec::forward("order_give_back"),
        StepSpec::forward("release_product"),
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

    fn facts(state: &State, event: &Event) -> Facts {
        let mut facts = Facts { references: references(event), ..Facts::default() };
        facts.tells.extend(lifecycle::tells(state, event));
        facts.tells.extend(recurring::tells(state, event));
        match event {
            Event::SubscriptionFenced { .. } => facts.marks.push(Mark::Confirm(state.fence())),
            Event::OrderRefused { .. }
            | Event::EndingMirrored { .. }
            | Event::CancellationScheduled { .. }
            | Event::SubscriptionReactivated { .. }
            | Event::SubscriptionEnded { .. } => facts.marks.push(Mark::Release(state.fence())),
            Event::GiveBackProposed { proposal, .. } => facts.amount = Some(proposal.amount.unwrap_or(proposal.paid)),
            Event::GiveBackOrdered { order } => facts.amount = Some(order.amount),
            _ => {}
        }
        facts
    }

    fn summary(state: &State) -> Summary {
        Summary {
            state: word(state).to_owned(),
            title: state.zoho_subscription().to_owned(),
            customer: None,
            amount: None,
        }
    }
}

/// Ids by which the stream and the event are found.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    match event {
        Event::CancellationOrdered { of, order, .. } | Event::ReactivationOrdered { of, order, .. } => {
            let record = order.press.as_ref().map(|press| ("attio_record", press.record.clone()));
            [("zoho_subscription", of.subscription.clone())].into_iter().chain(record).collect()
        }
        Event::EndingNoticed { of, .. } => vec![("zoho_subscription", of.subscription.clone())],
        Event::SubscriptionSurveyed { survey } => {
            let ours = survey.subscription.clone().map(|id| ("subscription", id));
            ours.into_iter().chain(survey.attio_record.clone().map(|id| ("attio_record", id))).collect()
        }
        Event::TermsRead { terms, .. } => vec![("zoho_customer", terms.customer.clone())],
        Event::OpenInvoiceVoided { invoice } | Event::OpenInvoiceWrittenOff { invoice } => {
            vec![("zoho_invoice", invoice.clone())]
        }
        Event::GiveBackProposed { proposal, .. } => {
            let transaction = proposal.transaction.clone().map(|id| ("braintree_transaction", id));
            [("zoho_invoice", proposal.invoice.clone())].into_iter().chain(transaction).collect()
        }
        Event::GiveBackOrdered { order } => {
            vec![("zoho_invoice", order.invoice.clone()), ("braintree_transaction", order.transaction.clone())]
        }
        _ => Vec::new(),
    }
}

/// The flow's own word for where it stands.
fn word(state: &State) -> &'static str {
    match &state.stage {
        Stage::New => "New",
        Stage::Surveying | Stage::Fencing => "Requested",
        Stage::Busy { .. } => "Busy",
        Stage::Reading => "Fenced",
        Stage::Draining | Stage::DrainWait { .. } => "Draining",
        Stage::AtBraintree { .. } => "AtBraintree",
        Stage::Cancelling => "Cancelling",
        Stage::Reactivating => "Reactivating",
        Stage::Scheduled { .. } => "Scheduled",
        Stage::Listing => "ZohoCancelled",
        Stage::Settling if state.asks() => "MoneyDecision",
        Stage::Settling => "Settling",
        Stage::LateWait { .. } | Stage::Watching => "LateCharges",
        Stage::Held { .. } => "Held",
        Stage::Over { ending } => match ending {
            Ending::Ended => "Closed",
            Ending::GoesOn => "GoesOn",
            Ending::Refused => "Refused",
            Ending::Mirrored => "Mirrored",
        },
    }
}
