//! What is wanted now. Computed from the state.

use super::state::{Ending, Look, Stage, State};
use crate::kernel::effect::{Attio, Desk, Effect, Helpdesk, Message, Zoho};
use crate::kernel::ids::SagaId;
use crate::kernel::saga::{End, Pending};
use chrono::{DateTime, Utc};
use serde_json::json;

/// The flow that ends subscriptions. Named, not imported: what it is told is its own command in words.
const CANCELLATIONS: &str = "cancellation";

pub(super) fn pending(state: &State) -> Pending {
    work(state).unwrap_or_else(|| at_rest(state))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.calls + 1, effect)
}

/// The next call, where one is wanted.
fn work(state: &State) -> Option<Pending> {
    let customer = || state.of.as_ref().map(|of| of.customer.clone());
    match &state.stage {
        Stage::Looking => look(state, state.next_look()?),
        Stage::Ending => {
            let message = Box::new(end_message(state, state.next_end()?)?);
            let tell = Desk::Tell { message, claims: Vec::new() };
            Some(perform(state, "end_subscription", Effect::Desk(tell)))
        }
        Stage::Erasing => {
            let by = state.confirmed_by.clone().or_else(|| Some(state.request.as_ref()?.by.clone()))?;
            let erase = Desk::ErasePerson { customer: customer()?, by };
            Some(perform(state, "erase_here", Effect::Desk(erase)))
        }
        Stage::After => {
            let mark = state.mark();
            if let Some(next) = state.next_place() {
                return Some(perform(state, next.place.steps().0, next.place.erase(&mark)));
            }
            if let Some(next) = state.next_unread() {
                return Some(perform(state, next.place.steps().1, next.place.seek(&mark)));
            }
            Some(perform(state, "verify", Effect::Desk(Desk::VerifyErased { customer: customer()? })))
        }
        Stage::New
        | Stage::Asking
        | Stage::Deferred { .. }
        | Stage::Again { .. }
        | Stage::Resting { .. }
        | Stage::Held { .. }
        | Stage::Over { .. } => None,
    }
}

fn look(state: &State, look: Look) -> Option<Pending> {
    let (of, survey) = (state.of.as_ref()?, state.survey.as_ref());
    let customer = of.customer.clone();
    let (step, effect) = match look {
        Look::Tables => ("survey", Effect::Desk(Desk::SurveyPerson { customer })),
        Look::Attio => {
            let client = survey?.attio_client.clone()?;
            ("find_in_attio", Effect::Attio(Attio::SeekPerson { client }))
        }
        Look::Desk => ("find_in_desk", Effect::Helpdesk(Helpdesk::FindContact { customer })),
        Look::Subscriptions => {
            let customer = survey?.zoho_customer.clone()?;
            ("list_subscriptions", Effect::Zoho(Zoho::ListSubscriptions { customer, reference: None }))
        }
    };
    Some(perform(state, step, effect))
}

/// The subscription ends at once; what happens with its money is asked of a person there, by the rules of that flow.
fn end_message(state: &State, subscription: &str) -> Option<Message> {
    let (of, saga, request) = (state.of.as_ref()?, state.saga()?, state.request.as_ref()?);
    let times = state.ends.iter().find(|end| end.subscription == subscription).map_or(0, |end| end.times);
    let by = state.confirmed_by.as_ref().unwrap_or(&request.by);
    Some(Message {
        to: SagaId::derived(CANCELLATIONS, &[&of.organization, subscription]),
        flow: CANCELLATIONS.to_owned(),
        kind: "erasure.end".to_owned(),
        command: json!({
            "command": "ordered",
            "of": {"organization": of.organization, "installation": of.installation, "subscription": subscription},
            "order": {
                "wish": "cancel_now",
                "choice": {"open_invoices": null, "give_back": null},
                "reason": "The customer is to be erased",
                "by": by,
                "press": null,
            },
        }),
        key: format!("{saga}:end:{subscription}:{}:{}", state.calls, times + 1),
    })
}

fn at_rest(state: &State) -> Pending {
    let sooner = |until: DateTime<Utc>| state.warn_at.map_or(until, |at| at.min(until));
    let sleep = |why, until| Pending::Sleep { why, until: sooner(until) };
    match &state.stage {
        Stage::Asking => {
            // A warning is always ahead until it is certified.
            let until = state.warn_at.unwrap_or_default();
            Pending::Await { signal: "a person to look at the preview and confirm", until }
        }
        Stage::Deferred { until } => sleep("what is under way for the person ends first", *until),
        Stage::Again { until } => sleep("a vendor to show what it was told", *until),
        Stage::Resting { until } => Pending::Sleep { why: "what a vendor must keep", until: *until },
        Stage::Held { code, detail } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Over { ending } => Pending::Ended(match ending {
            Ending::Erased => End::Completed,
            Ending::Refused | Ending::Withdrawn => End::GivenUp,
        }),
        Stage::New => Pending::Ended(End::GivenUp),
        // Each of these wants a call; met in no history of this release.
        Stage::Looking | Stage::Ending | Stage::Erasing | Stage::After => {
            Pending::Sleep { why: "the next decision", until: DateTime::UNIX_EPOCH }
        }
    }
}
