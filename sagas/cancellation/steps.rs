//! What is wanted now. Computed from the state.

use super::face;
use super::recurring;
use super::state::{Ending, Stage, State};
use super::words::{OpenInvoices, Wish};
use crate::kernel::effect::{Attio, Desk, Effect, Message, OnInvoice, OnSubscription, SubscriptionKey, Zoho};
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The flow that records an invoice's money. Named, not imported: what it is told is its own command in words.
const INVOICES: &str = "invoice_payment";
/// The flow that keeps a customer's product to itself once it has sold it.
const ACTIVATIONS: &str = "subscription_activation";

pub(super) fn pending(state: &State) -> Pending {
    work(state).or_else(|| Some(told(state)?.giving_way_to(&at_rest(state)))).unwrap_or_else(|| at_rest(state))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.calls + 1, effect)
}

/// The next call, where one is wanted.
fn work(state: &State) -> Option<Pending> {
    let subscription = || state.zoho_subscription().to_owned();
    let seen = || state.terms.as_ref().and_then(|terms| terms.changed_at.clone());
    let zoho = |step, call| Some(perform(state, step, Effect::Zoho(Zoho::Subscription(call))));
    match &state.stage {
        Stage::Surveying => {
            let by = SubscriptionKey::Zoho { subscription: subscription() };
            Some(perform(state, "survey", Effect::Desk(Desk::SurveySubscription { by })))
        }
        Stage::Fencing => Some(perform(state, "claim", Effect::Desk(Desk::Claim { claims: vec![state.fence()] }))),
        Stage::Reading => zoho("read_terms", OnSubscription::ReadTerms { subscription: subscription() }),
        Stage::Draining => survey_charges(state, "survey_charges", Vec::new()),
        Stage::Watching => survey_charges(state, "survey_charges", state.charging.clone()),
        Stage::AtBraintree { end } => recurring::work(state, *end),
        Stage::Cancelling => {
            let at_end = state.wish == Some(Wish::CancelAtEnd);
            zoho("cancel", OnSubscription::Cancel { subscription: subscription(), at_end, seen: seen() })
        }
        Stage::Reactivating => {
            zoho("reactivate", OnSubscription::Reactivate { subscription: subscription(), seen: seen() })
        }
        Stage::Listing => zoho("list_invoices", OnSubscription::ListInvoices { subscription: subscription() }),
        Stage::Settling if !state.asks() => settle(state).or_else(|| give_back(state)).or_else(|| release(state)),
        Stage::New
        | Stage::Busy { .. }
        | Stage::DrainWait { .. }
        | Stage::Scheduled { .. }
        | Stage::Settling
        | Stage::LateWait { .. }
        | Stage::Held { .. }
        | Stage::Over { .. } => None,
    }
}

fn survey_charges(state: &State, step: &'static str, invoices: Vec<String>) -> Option<Pending> {
    let survey = Desk::SurveyEnding {
        subscription: state.survey.as_ref()?.subscription.clone()?,
        zoho_subscription: state.zoho_subscription().to_owned(),
        invoices,
    };
    Some(perform(state, step, Effect::Desk(survey)))
}

/// One open invoice after the other: first at Zoho, then its own stream is told.
fn settle(state: &State) -> Option<Pending> {
    let (invoice, act) = state.next_invoice()?;
    let invoice = invoice.to_owned();
    let zoho = |step, call| Some(perform(state, step, Effect::Zoho(Zoho::Invoice(call))));
    match act {
        Some(OpenInvoices::Void) => zoho("void_invoice", OnInvoice::Void { invoice }),
        Some(OpenInvoices::WriteOff) => {
            let reason = "The subscription has ended".to_owned();
            zoho("write_off_invoice", OnInvoice::WriteOff { invoice, reason })
        }
        Some(OpenInvoices::Collect) | None => {
            let message = invoice_message(state, &invoice)?;
            Some(perform(state, "tell_invoice", tell(message)))
        }
    }
}

fn tell(message: Message) -> Effect {
    Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

/// The invoice's own stream collects it, or reads it again.
fn invoice_message(state: &State, invoice: &str) -> Option<Message> {
    let (of, saga) = (state.of.as_ref()?, state.saga()?);
    let mut command = json!({
        "organization": of.organization, "installation": of.installation, "invoice": invoice,
        "subscription": of.subscription,
    });
    let collected = !state.settled.iter().any(|settled| settled == invoice);
    let (kind, more) = if collected {
        ("cancellation.collect", json!({"command": "collect_ended", "reason": state.reason}))
    } else {
        ("cancellation.settled", json!({"command": "detected", "source": "cancellation", "news": {"news": "changed"}}))
    };
    if let (Value::Object(command), Value::Object(more)) = (&mut command, more) {
        command.extend(more);
    }
    Some(Message {
        to: SagaId::of_invoice(&of.organization, invoice),
        flow: INVOICES.to_owned(),
        kind: kind.to_owned(),
        command,
        key: format!("{saga}:{kind}:{invoice}"),
    })
}

/// What goes back: first by which payments it was paid, then one order after the other.
fn give_back(state: &State) -> Option<Pending> {
    if let Some(sought) = &state.give_backs.sought {
        return survey_charges(state, "find_payments", vec![sought.invoice.clone()]);
    }
    Some(perform(state, "order_give_back", tell(state.give_backs.message(state)?)))
}

/// Who sold the product lets it go.
fn release(state: &State) -> Option<Pending> {
    let (product, saga) = (state.product.as_ref()?, state.saga()?);
    let message = Message {
        to: product.saga,
        flow: product.flow.clone().unwrap_or_else(|| ACTIVATIONS.to_owned()),
        kind: "cancellation.ended".to_owned(),
        command: json!({"command": "subscription_ended", "product": product.key}),
        key: format!("{saga}:ended"),
    };
    Some(perform(state, "release_product", tell(message)))
}

/// What people are told, once nobody waits for the next call.
fn told(state: &State) -> Option<Pending> {
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            let show = Attio::ShowEnding(Box::new(face.write(version, state)));
            Some(Pending::perform("show", n, Effect::Attio(show)))
        }
        Due::Letter { letter, .. } => match letter {},
        Due::Task { task, n } => {
            let note = task.note(state.saga()?, state.record.as_ref()?, None);
            Some(Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(note)))))
        }
    })
}

fn at_rest(state: &State) -> Pending {
    let sooner = |until: DateTime<Utc>| state.people.next_try().map_or(until, |at| at.min(until));
    let sleep = |why, until| Pending::Sleep { why, until: sooner(until) };
    match &state.stage {
        Stage::Busy { until } => sleep("other work on the subscription is finished first", *until),
        Stage::DrainWait { until } => sleep("charges that are under way are finished first", *until),
        Stage::LateWait { until } => sleep("charges that were open when it ended", *until),
        Stage::Scheduled { until } => Pending::Await { signal: "the end of the term", until: sooner(*until) },
        Stage::Held { code, detail } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Settling => Pending::Park { code: ParkCode::MoneyDecision, detail: face::question(state) },
        Stage::Over { ending } => match state.people.next_try() {
            Some(until) => Pending::Sleep { why: "Attio to take what it refused", until },
            None => Pending::Ended(end(*ending)),
        },
        Stage::New => Pending::Ended(End::GivenUp),
        // Each of these wants a call; met in no history of this release.
        Stage::Surveying
        | Stage::Fencing
        | Stage::Reading
        | Stage::AtBraintree { .. }
        | Stage::Draining
        | Stage::Cancelling
        | Stage::Reactivating
        | Stage::Listing
        | Stage::Watching => Pending::Sleep { why: "the next decision", until: DateTime::UNIX_EPOCH },
    }
}

const fn end(ending: Ending) -> End {
    match ending {
        Ending::Ended | Ending::GoesOn => End::Completed,
        Ending::Refused => End::GivenUp,
        Ending::Mirrored => End::Mirrored,
    }
}
