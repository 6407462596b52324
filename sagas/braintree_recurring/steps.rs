//! What is wanted now. Computed from the state.

use super::state::{Asked, Stage, Standing, State};
use super::words::Ending;
use crate::kernel::card_request::CardRequest;
use crate::kernel::effect::{
    Attio, Braintree, CardCause, Desk, Effect, FailedCharge, Message, OnSubscription, RecurringChange, SubscriptionKey,
    Zoho,
};
use crate::kernel::ids::SagaId;
use crate::kernel::recurring;
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::TimeDelta;
use serde_json::json;

/// The flows that record an invoice's money, end subscriptions, and take another card. Named, not imported: what they are
/// told is their own command in words.
const RECORDS: &str = "invoice_payment";
const ENDS: &str = "cancellation";
const TAKES_CARDS: &str = "payment_method_update";

pub(super) fn pending(state: &State) -> Pending {
    work(state).or_else(|| Some(told(state)?.giving_way_to(&at_rest(state)))).unwrap_or_else(|| at_rest(state))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.calls + 1, effect)
}

fn tell(message: Message) -> Effect {
    Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

/// The next call of a look: what is missing first, then what follows from it.
pub(super) fn work(state: &State) -> Option<Pending> {
    if state.stage != Stage::Looking {
        return None;
    }
    let subscription = state.zoho_subscription().map(str::to_owned);
    if state.look.surveyed.is_none()
        && let Some(subscription) = subscription.clone()
    {
        let by = SubscriptionKey::Zoho { subscription };
        return Some(perform(state, "survey", Effect::Desk(Desk::SurveySubscription { by })));
    }
    if !state.look.read {
        let read = Braintree::ReadSubscription { subscription: state.recurring.clone()? };
        return Some(perform(state, "read_recurring", Effect::Braintree(read)));
    }
    let subscription = subscription?;
    if state.look.open.is_none() && wants_invoices(state) {
        let list = OnSubscription::ListInvoices { subscription };
        return Some(perform(state, "list_invoices", Effect::Zoho(Zoho::Subscription(list))));
    }
    let next = state.charges.iter().find(|standing| standing.invoice.is_some() && !standing.handed);
    if let Some(message) = next.and_then(|standing| hand_over(state, standing)) {
        return Some(perform(state, "hand_over", tell(message)));
    }
    // The flow that takes cards writes on the same record: what it follows from is shown before it.
    let asks = state.past_due.as_ref().is_some_and(|past_due| !past_due.asked);
    let shown_first = if asks { told(state) } else { None };
    shown_first.or_else(|| ask_card(state)).or_else(|| price(state)).or_else(|| end(state))
}

/// Each list costs a call of Zoho's daily quota.
fn wants_invoices(state: &State) -> bool {
    let owes = state.past_due.as_ref().is_some_and(|past_due| past_due.invoice.is_none());
    state.unmatched().is_some() || owes || state.look.check
}

/// The invoice's stream records the charge.
fn hand_over(state: &State, standing: &Standing) -> Option<Message> {
    let begun = state.begun.as_ref()?;
    let (charge, invoice) = (&standing.charge, standing.invoice.as_ref()?);
    Some(Message {
        to: SagaId::of_invoice(&begun.organization, invoice),
        flow: RECORDS.to_owned(),
        kind: "recurring.captured".to_owned(),
        command: json!({
            "command": "adopt_capture",
            "organization": begun.organization,
            "installation": begun.installation,
            "invoice": invoice,
            "subscription": begun.zoho_subscription,
            "transaction": charge.transaction,
            "order_id": begun.installation.recurring_order(&charge.transaction),
            "amount": charge.amount,
            "captured_at": charge.made_at,
            "effective": charge.effective,
            "reply_to": state.saga()?,
        }),
        key: format!("captured/{}", charge.transaction),
    })
}

/// Of a charge that failed the customer is told once, with a link for another card.
fn ask_card(state: &State) -> Option<Pending> {
    let past_due = state.past_due.as_ref().filter(|past_due| !past_due.asked)?;
    let (_, number, owed) = past_due.invoice.as_ref()?;
    let terms = state.card_link.as_ref()?;
    let card = match &state.look.card {
        Asked::NotYet => {
            let read = Braintree::ReadMethod { token: state.shown.as_ref()?.token.clone() };
            return Some(perform(state, "read_card", Effect::Braintree(read)));
        }
        Asked::Nothing => None,
        Asked::Answer(card) => Some(card.clone()),
    };
    let begun = state.begun.as_ref()?;
    let due = FailedCharge { amount: *owed, invoice_number: number.clone(), card };
    let request = CardRequest {
        flow: TAKES_CARDS,
        installation: &begun.installation,
        subscription: &begun.zoho_subscription,
        // Two letters of one instant are two requests.
        requested_at: past_due.since + TimeDelta::microseconds(i64::from(state.card_requests)),
        terms,
        cause: &CardCause::NewCard { due },
        key: format!("{}/{}/card/{}", recurring::FLOW, begun.recurring, state.card_requests + 1),
    };
    Some(perform(state, "ask_card", tell(request.message())))
}

/// A charge differed from its invoice: the next ones take what Zoho asks for.
fn price(state: &State) -> Option<Pending> {
    let shown = state.shown.as_ref().filter(|shown| state.price_differs && !shown.status.is_over())?;
    let price = match state.look.price {
        Asked::NotYet => {
            let read = Zoho::ReadSubscription { subscription: state.zoho_subscription()?.to_owned() };
            return Some(perform(state, "read_price", Effect::Zoho(read)));
        }
        Asked::Answer(price) if price.is_positive() => price,
        Asked::Answer(_) | Asked::Nothing => return None,
    };
    let change = RecurringChange::Plan { plan: shown.plan.clone(), price };
    let update = Braintree::UpdateSubscription { subscription: state.recurring.clone()?, change };
    Some(perform(state, "correct_price", Effect::Braintree(update)))
}

/// Braintree has ended what nobody here wanted to end.
pub(super) fn ends_unasked(state: &State) -> bool {
    let is_over = state.shown.as_ref().is_some_and(|shown| shown.status.is_over());
    is_over && !state.ending_intended && !state.end_ordered && super::turn::is_ours(state)
}

fn end(state: &State) -> Option<Pending> {
    if !ends_unasked(state) {
        return None;
    }
    let begun = state.begun.as_ref()?;
    let message = Message {
        to: SagaId::derived(ENDS, &[&begun.organization, &begun.zoho_subscription]),
        flow: ENDS.to_owned(),
        kind: "recurring.ended".to_owned(),
        command: json!({
            "command": "ordered",
            "of": {
                "organization": begun.organization,
                "installation": begun.installation,
                "subscription": begun.zoho_subscription,
            },
            "order": {
                "wish": "cancel_now",
                "choice": {"open_invoices": null, "give_back": null},
                "reason": "Braintree has ended the subscription",
                "by": "braintree",
                "press": null,
            },
        }),
        key: format!("{}/{}/ended", recurring::FLOW, begun.recurring),
    };
    Some(perform(state, "order_end", tell(message)))
}

/// What people are told, once nobody waits for the next call.
fn told(state: &State) -> Option<Pending> {
    let record = state.begun.as_ref()?.record.as_ref()?;
    let saga = state.saga()?;
    state
        .people
        .due()
        .map(|due| match due {
            Due::Record { face, version, n } => {
                Pending::perform("show", n, Effect::Attio(Attio::ShowEnding(Box::new(face.write(version)))))
            }
            Due::Letter { letter, .. } => match letter {},
            Due::Task { task, n } => {
                Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(task.note(saga, record, None)))))
            }
        })
        .next()
}

fn at_rest(state: &State) -> Pending {
    let tried_again =
        if state.begun.as_ref().is_some_and(|begun| begun.record.is_some()) { state.people.next_try() } else { None };
    match &state.stage {
        Stage::New => Pending::Ended(End::GivenUp),
        // Each look wants a call, or was concluded; met in no history of this release.
        Stage::Looking => Pending::Sleep { why: "the next decision", until: chrono::DateTime::UNIX_EPOCH },
        Stage::Resting { until } => {
            let until = tried_again.map_or(*until, |at| at.min(*until));
            Pending::Sleep { why: "the next look at Braintree", until }
        }
        Stage::Held { code, detail } => Pending::Park { code: *code, detail: detail.clone() },
        Stage::Over { ending } => match tried_again {
            Some(until) => Pending::Sleep { why: "Attio to take what it refused", until },
            None => Pending::Ended(match ending {
                Ending::Ended => End::Completed,
                Ending::NotOurs => End::Mirrored,
            }),
        },
    }
}
