//! Hand-over: another collector for a running subscription; the old one is proved off before the new one begins.
//!
//! Started by finance over the API or the command line, for one subscription or a cohort, and agreed to by a second person;
//! or by the import. It promises: at no instant may two collectors charge; from the fence on nobody here does; the new one
//! begins with the next term; what is open in between is decided by finance, never by default. Until the old collector is
//! switched off all can be undone; after it there is only forward, and a way back is a hand-over of its own. While it waits
//! before the fence (for a card, for a renewal that is too near) nothing is held, so that renewals go on as ever.
//!
//! | step | does | undo |
//! | --- | --- | --- |
//! | `survey` | whose it is, and who collects on record | – |
//! | `claim` | no other flow changes or charges it | let go by events |
//! | `read_terms`, `survey_customer`, `read_cards`, `read_recurring` | whether the new side is ready, and nobody else collects | – |
//! | `fence` | nobody is on record as collector | the old one is, as before |
//! | `switch_off` (pivot) | Zoho's auto-collect, Braintree's subscription, or our own record | – |
//! | `read_back` | proves it; kept as evidence | – |
//! | `drain` | charges of the old collector are final | – |
//! | `list_invoices`, `void_invoice` | what is open, and what finance decided | – |
//! | `switch_on` | Braintree's subscription from the next term on, or Zoho's auto-collect | – |
//! | `record_owner` | who collects, from which term on | – |
//! | `tell_invoice` | the streams of open invoices read again | – |
//! | `show` | the record in Attio | – |

mod face;
mod state;
mod steps;
#[cfg(test)]
mod tests;
mod turn;
mod words;

pub use state::State;
pub use words::{Command, Event, Evidence, OpenInvoices};

use crate::kernel::answer::CollectionOwner;
use crate::kernel::effect::{Effect, Message};
use crate::kernel::hand_over::{self, Ended};
use crate::kernel::ids::SagaId;
use crate::kernel::recurring::{Begun, Intent};
use crate::kernel::saga::{At, Facts, Input, Mark, Pending, Refusal, Saga, Summary};
use crate::kernel::step::{Calls, Class, StepSpec, Undo};
use state::{Ending, Stage};
use turn::Turn;

/// The flow.
pub struct HandOver;

impl HandOver {
    /// The hand-over of that key: the same subscription and key give the same id for ever.
    pub fn id(organization: &str, subscription: &str, key: &str) -> SagaId {
        hand_over::saga(organization, subscription, key)
    }
}

impl Saga for HandOver {
    const NAME: &'static str = hand_over::FLOW;
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "Has another collector charge a running subscription, one after the other";
    const COSTS: &'static [Calls] = &[Calls { vendor: "zoho", count: 6 }];
    const STEPS: &'static [StepSpec] = &[
        StepSpec::read("survey"),
        StepSpec::new(
            "claim",
            Class::Compensatable,
            Undo::None("the event that ends the hand-over, or makes it wait, lets it go in its own append"),
        ),
        StepSpec::read("read_terms"),
        StepSpec::read("survey_customer"),
        StepSpec::read("read_cards"),
        StepSpec::read("read_recurring"),
        StepSpec::makes("fence"),
        StepSpec::new(
            "switch_off",
            Class::Pivot,
            Undo::None("after it there is only forward; the way back is a hand-over of its own"),
        ),
        StepSpec::read("read_back"),
        StepSpec::read("drain"),
        StepSpec::read("list_invoices"),
        StepSpec::forward("void_invoice"),
        StepSpec::forward("switch_on"),
        StepSpec::forward("record_owner"),
        StepSpec::forward("tell_invoice"),
        StepSpec::tells("show"),
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
            Input::Unwound { .. } => turn.unwound(),
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

    fn undo(state: &State, step: &str) -> Option<Effect> {
        steps::undo(state, step)
    }

    fn call_off(state: &State, reason: &str, at: &At) -> Result<Vec<Event>, Refusal> {
        let mut turn = Turn::new(state, at);
        turn.stop("operator", reason)?;
        Ok(turn.out)
    }

    fn facts(state: &State, event: &Event) -> Facts {
        let mut facts = Facts { references: references(event), ..Facts::default() };
        facts.tells.extend(mirrors(state, event));
        facts.tells.extend(asked_by(state, event));
        facts.marks.extend(mark(state, event));
        facts
    }

    fn summary(state: &State) -> Summary {
        Summary {
            state: word(state).to_owned(),
            title: state.zoho_subscription().to_owned(),
            customer: state.survey.as_ref().and_then(|survey| survey.customer.clone()),
            amount: None,
        }
    }
}

/// While it waits for something that lasts, and nothing is switched, renewals go on.
fn mark(state: &State, event: &Event) -> Option<Mark> {
    match event {
        Event::SubscriptionClaimed => Some(Mark::Confirm(state.claim())),
        Event::NewSideAwaited { .. } | Event::RenewalAwaited { .. } | Event::HandOverHeld { .. }
            if state.fenced_at.is_none() =>
        {
            Some(Mark::Release(state.claim()))
        }
        Event::HandOverRefused { .. } | Event::HandOverUndone { .. } | Event::OwnerRecorded { .. } => {
            Some(Mark::Release(state.claim()))
        }
        _ => None,
    }
}

/// Who mirrors what Braintree charges by itself begins with the new subscription there; and does not take the end of the old
/// one, which is ours, for an end of what is sold. What Zoho collects the invoices' own streams mirror.
fn mirrors(state: &State, event: &Event) -> Option<Message> {
    let old = || steps::old_recurring(state).filter(|_| state.from() == Some(CollectionOwner::BraintreeRecurring));
    match event {
        Event::OwnerFenced { at } => old().map(|old| Intent::Ends.message(&old, *at)),
        Event::HandOverUndone { at } if state.was_fenced => old().map(|old| Intent::GoesOn.message(&old, *at)),
        Event::OwnerRecorded { owner: CollectionOwner::BraintreeRecurring, .. } => {
            let (wish, survey) = (state.wish.as_ref()?, state.survey.as_ref()?);
            let begun = Begun {
                organization: wish.organization.clone(),
                installation: wish.installation.clone(),
                customer: state.customer.as_ref()?.customer.clone()?,
                subscription: survey.subscription.clone()?,
                zoho_subscription: wish.subscription.clone(),
                record: survey.attio_record.clone(),
                recurring: state.made.clone()?,
                next_charge_on: state.terms.as_ref()?.next_billing_on,
                charged: None,
                invoice: None,
            };
            Some(begun.message())
        }
        _ => None,
    }
}

/// Who asked for it hears how it ended.
fn asked_by(state: &State, event: &Event) -> Option<Message> {
    let unchanged = |why: &str| Ended::Unchanged { why: why.to_owned() };
    let ended = match event {
        Event::OwnerRecorded { owner, valid_from, .. } => Ended::HandedOver { owner: *owner, valid_from: *valid_from },
        Event::HandOverRefused { sentence, .. } => unchanged(sentence),
        Event::HandOverUndone { .. } => unchanged(&state.stopped),
        Event::ApprovalDenied { reason, .. } => unchanged(reason),
        Event::ApprovalLapsed { .. } => unchanged("no second person agreed in time"),
        _ => return None,
    };
    state.wish.as_ref()?.answer(&ended)
}

/// Ids by which the saga and the event are found.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    match event {
        Event::HandOverRequested { wish, .. } => {
            let cohort = wish.cohort.clone().map(|cohort| ("cohort", cohort));
            [("zoho_subscription", wish.subscription.clone())].into_iter().chain(cohort).collect()
        }
        Event::SubscriptionSurveyed { survey } => {
            let ours = survey.subscription.clone().map(|id| ("subscription", id));
            ours.into_iter().chain(survey.attio_record.clone().map(|id| ("attio_record", id))).collect()
        }
        Event::TermsRead { terms, .. } => vec![("zoho_customer", terms.customer.clone())],
        Event::OpenInvoiceVoided { invoice } => vec![("zoho_invoice", invoice.clone())],
        Event::NewCollectorOn { braintree_subscription: Some(id), .. } => vec![("braintree_subscription", id.clone())],
        _ => Vec::new(),
    }
}

/// The flow's own word for where it stands.
fn word(state: &State) -> &'static str {
    if state.undoing.is_some() {
        return "Undoing";
    }
    match &state.stage {
        Stage::New => "New",
        Stage::Approving { .. } => "Requested",
        Stage::Held { .. } => "Held",
        Stage::Waiting { .. } if state.awaits_renewal() => "AwaitsRenewal",
        Stage::Waiting { .. } if state.fenced_at.is_none() && state.unready_since.is_some() => "AwaitsNewSide",
        Stage::Waiting { .. } if state.fenced_at.is_none() => "Busy",
        Stage::Settling if state.asks() => "MoneyDecision",
        Stage::SwitchingOff => "Fenced",
        Stage::ReadingBack => "OldOff",
        Stage::Telling => "NewOn",
        Stage::Over { ending } => match ending {
            Ending::Denied => "Denied",
            Ending::Refused => "Refused",
            Ending::Undone => "Undone",
        },
        _ if state.closed => "Drained",
        _ if state.evidence.is_some() => "ReadBack",
        Stage::Fencing => "NewReady",
        _ => "Checking",
    }
}
