//! What is wanted now, and how it is undone. Computed from the state.

use super::face;
use super::state::{Ending, Stage, State, Wait};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::effect::{
    Attio, Braintree, Desk, Effect, Message, OnInvoice, OnSubscription, RecurringOrder, SubscriptionKey, Zoho,
};
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::{DateTime, Utc};
use serde_json::json;

/// The flow that records an invoice's money. Named, not imported: what it is told is its own command in words.
const INVOICES: &str = "invoice_payment";

pub(super) fn pending(state: &State) -> Pending {
    if let Some(reason) = &state.undoing {
        return Pending::Unwind { reason: reason.clone() };
    }
    work(state).or_else(|| Some(told(state)?.giving_way_to(&at_rest(state)))).unwrap_or_else(|| at_rest(state))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.calls + 1, effect)
}

/// The next call, where one is wanted.
fn work(state: &State) -> Option<Pending> {
    let perform = |step, effect| Some(perform(state, step, effect));
    let subscription = || state.zoho_subscription().to_owned();
    match &state.stage {
        Stage::Surveying => perform("survey", survey(state)),
        Stage::Claiming => perform("claim", Effect::Desk(Desk::Claim { claims: vec![state.claim()] })),
        Stage::Reading => perform("read_terms", read_terms(state)),
        Stage::Customer => {
            let zoho_customer = state.terms.as_ref()?.customer.clone();
            perform("survey_customer", Effect::Desk(Desk::SurveyCustomer { zoho_customer }))
        }
        Stage::Carding => {
            let customer = state.customer.as_ref()?.braintree_customer.clone()?;
            perform("read_cards", Effect::Braintree(Braintree::ReadCustomer { customer }))
        }
        Stage::Recurring => perform("read_recurring", read_recurring(state.recurring_id()?)),
        Stage::Fencing => perform("fence", owner(state, state.from(), None)?),
        Stage::SwitchingOff => perform("switch_off", switch_off(state)?),
        Stage::ReadingBack => perform("read_back", read_back(state)?),
        Stage::Draining => perform("drain", drain(state)?),
        Stage::Listing => {
            let list = OnSubscription::ListInvoices { subscription: subscription() };
            perform("list_invoices", Effect::Zoho(Zoho::Subscription(list)))
        }
        Stage::Settling => {
            let invoice = state.to_void()?.id.clone();
            perform("void_invoice", Effect::Zoho(Zoho::Invoice(OnInvoice::Void { invoice })))
        }
        Stage::SwitchingOn => perform("switch_on", switch_on(state)?),
        Stage::Recording => perform("record_owner", owner(state, None, Some(state.to()))?),
        Stage::Telling => perform("tell_invoice", tell_invoice(state, state.to_tell()?)?),
        Stage::New
        | Stage::Approving { .. }
        | Stage::Judging
        | Stage::Waiting { .. }
        | Stage::Held { .. }
        | Stage::Over { .. } => None,
    }
}

fn survey(state: &State) -> Effect {
    let by = SubscriptionKey::Zoho { subscription: state.zoho_subscription().to_owned() };
    Effect::Desk(Desk::SurveySubscription { by })
}

fn read_terms(state: &State) -> Effect {
    let subscription = state.zoho_subscription().to_owned();
    Effect::Zoho(Zoho::Subscription(OnSubscription::ReadTerms { subscription }))
}

const fn read_recurring(subscription: String) -> Effect {
    Effect::Braintree(Braintree::ReadSubscription { subscription })
}

fn owner(state: &State, from: Option<CollectionOwner>, to: Option<CollectionOwner>) -> Option<Effect> {
    let valid_from = to.and_then(|_| state.valid_from());
    let subscription = state.subscription()?.clone();
    Some(Effect::Desk(Desk::SetOwner { subscription, from, owner: to, valid_from }))
}

fn collect(state: &State, by_zoho: bool) -> Effect {
    let seen = state.terms.as_ref().and_then(|terms| terms.changed_at.clone());
    let subscription = state.zoho_subscription().to_owned();
    Effect::Zoho(Zoho::Subscription(OnSubscription::Collect { subscription, by_zoho, seen }))
}

/// Our own schedule is the record of who collects: without one nothing begins.
fn switch_off(state: &State) -> Option<Effect> {
    Some(match state.from() {
        Some(CollectionOwner::ZohoNative) => collect(state, false),
        Some(CollectionOwner::BraintreeRecurring) => {
            let subscription = state.recurring.as_ref()?.id.clone();
            Effect::Braintree(Braintree::CancelSubscription { subscription })
        }
        Some(CollectionOwner::Orchestrator) | None => owner(state, None, None)?,
    })
}

fn read_back(state: &State) -> Option<Effect> {
    Some(match state.from() {
        Some(CollectionOwner::ZohoNative) => read_terms(state),
        Some(CollectionOwner::BraintreeRecurring) => read_recurring(old_recurring(state)?),
        Some(CollectionOwner::Orchestrator) | None => survey(state),
    })
}

/// Braintree's subscription that collected until now; of one that had ended before: the first id.
pub(super) fn old_recurring(state: &State) -> Option<String> {
    let first = || match state.foreign_recurring() {
        Some(foreign) => Some(foreign.clone()),
        None => Some(crate::kernel::ids::recurring(state.subscription()?, 1)),
    };
    state.recurring.as_ref().map(|shown| shown.id.clone()).or_else(first)
}

fn drain(state: &State) -> Option<Effect> {
    Some(match state.from() {
        Some(CollectionOwner::BraintreeRecurring) => read_recurring(old_recurring(state)?),
        _ => Effect::Desk(Desk::SurveyEnding {
            subscription: state.subscription()?.clone(),
            zoho_subscription: state.zoho_subscription().to_owned(),
            invoices: Vec::new(),
        }),
    })
}

fn switch_on(state: &State) -> Option<Effect> {
    let (wish, terms) = (state.wish.as_ref()?, state.terms.as_ref()?);
    Some(match state.to() {
        CollectionOwner::ZohoNative => collect(state, true),
        CollectionOwner::BraintreeRecurring => {
            let sold = terms.scheduled.as_ref().unwrap_or(&terms.sold);
            Effect::Braintree(Braintree::CreateSubscription(Box::new(RecurringOrder {
                subscription: state.free_id.clone()?,
                customer: state.customer.as_ref()?.braintree_customer.clone()?,
                token: state.token.clone()?,
                plan: wish.braintree_plan.clone()?,
                price: sold.amount?,
                first_charge_on: terms.next_billing_on,
                first_term: None,
            })))
        }
        CollectionOwner::Orchestrator => return None,
    })
}

/// The invoice's own stream reads it again: who collects is another by now.
fn tell_invoice(state: &State, invoice: &str) -> Option<Effect> {
    let (wish, saga) = (state.wish.as_ref()?, state.saga()?);
    let message = Message {
        to: SagaId::of_invoice(&wish.organization, invoice),
        flow: INVOICES.to_owned(),
        kind: "hand_over.changed".to_owned(),
        command: json!({
            "command": "detected", "organization": wish.organization, "installation": wish.installation,
            "invoice": invoice, "subscription": wish.subscription, "source": "hand_over", "news": {"news": "changed"},
        }),
        key: format!("{saga}:changed:{invoice}"),
    };
    Some(Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() }))
}

/// What undoes a completed step.
pub(super) fn undo(state: &State, step: &str) -> Option<Effect> {
    if step != "fence" {
        return None;
    }
    let survey = state.survey.as_ref()?;
    Some(Effect::Desk(Desk::SetOwner {
        subscription: survey.subscription.clone()?,
        from: None,
        owner: survey.owner,
        valid_from: survey.owner_from,
    }))
}

/// What people are told, once nobody waits for the next call.
fn told(state: &State) -> Option<Pending> {
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            let show = Attio::ShowOwner(Box::new(face.write(version)));
            Some(Pending::perform("show", n, Effect::Attio(show)))
        }
        Due::Letter { letter, .. } => match letter {},
        // It gives nobody a task.
        Due::Task { .. } => None,
    })
}

fn at_rest(state: &State) -> Pending {
    let sooner = |until: DateTime<Utc>| state.people.next_try().map_or(until, |at| at.min(until));
    match &state.stage {
        Stage::Approving { until } => Pending::Await { signal: "a second person's agreement", until: *until },
        Stage::Waiting { why, until } => Pending::Sleep { why: waiting(*why), until: sooner(*until) },
        Stage::Held { code, detail } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Settling => Pending::Park { code: ParkCode::MoneyDecision, detail: face::question(state) },
        Stage::Telling => over(state, End::Completed),
        Stage::Over { ending } => over(
            state,
            match ending {
                Ending::Denied | Ending::Refused => End::GivenUp,
                Ending::Undone => End::Compensated,
            },
        ),
        Stage::New => Pending::Ended(End::GivenUp),
        // Each of these wants a call; met in no history of this release.
        _ => Pending::Sleep { why: "the next decision", until: DateTime::UNIX_EPOCH },
    }
}

fn over(state: &State, end: End) -> Pending {
    match state.people.next_try() {
        Some(until) => Pending::Sleep { why: "Attio to take what it refused", until },
        None => Pending::Ended(end),
    }
}

const fn waiting(why: Wait) -> &'static str {
    match why {
        Wait::Busy => "other work on the subscription is finished first",
        Wait::NewSide => "the new collector to have a card",
        Wait::Renewal => "the old collector makes this renewal",
        Wait::Drain => "charges of the old collector to be final",
    }
}
