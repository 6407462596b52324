//! Who hears of a dispute: the invoice's stream, the streams that were held, the flow that ends subscriptions, people in
//! Attio. Other flows are named, not imported: what they are told is their own command in words. Telling people never holds
//! the flow up.

use super::state::{Booked, State};
use super::turn::Turn;
use super::words::{Alarm, Event};
use crate::kernel::answer::DisputeStatus;
use crate::kernel::effect::{Attio, Desk, Effect, Message, Projection, TransactionProjection};
use crate::kernel::ids::SagaId;
use crate::kernel::outcome::Outcome;
use crate::kernel::saga::Pending;
use crate::kernel::telling::Due;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The flow that keeps the stream of an invoice.
const INVOICES: &str = "invoice_payment";
/// In which of its states an invoice is held by a dispute.
const HELD: &str = "HeldByDecision";
/// The flow that ends subscriptions.
const ENDINGS: &str = "cancellation";

/// What the record in Attio shall say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face {
    status: String,
    sentence: String,
    /// Since when (UTC).
    at: DateTime<Utc>,
}

fn tell(to: SagaId, flow: &str, kind: &str, key: String, command: Value) -> Effect {
    let message = Message { to, flow: flow.to_owned(), kind: kind.to_owned(), command, key };
    Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

/// From here on nothing of the payment is given back.
pub(super) fn opened(state: &State) -> Option<Effect> {
    let (sale, saga) = (state.sale.as_ref()?, state.saga()?);
    let command = json!({"command": "payment_disputed", "transaction": sale.transaction, "saga": saga});
    Some(tell(sale.stream, INVOICES, "dispute.opened", format!("{}:disputed:{saga}", sale.stream), command))
}

/// It is decided, and so much of the payment is lost.
pub(super) fn ended(state: &State) -> Option<Effect> {
    let (sale, saga, outcome) = (state.sale.as_ref()?, state.saga()?, state.outcome.as_ref()?);
    let lost = outcome.lost.map_or(0, |lost| lost.minor);
    let command = json!({"command": "dispute_over", "transaction": sale.transaction, "saga": saga, "lost": lost});
    let key = format!("{}:dispute_over:{saga}:{lost}", sale.stream);
    Some(tell(sale.stream, INVOICES, "dispute.over", key, command))
}

/// Invoices of the customer that were held meanwhile.
pub(super) fn survey(state: &State) -> Option<Desk> {
    Some(Desk::SurveyCardUses {
        customer: state.payment.as_ref()?.customer.clone()?,
        flow: INVOICES.to_owned(),
        owing: vec![HELD.to_owned()],
        charging: Vec::new(),
        subscriptions: Vec::new(),
    })
}

/// One of them may be looked at again.
pub(super) fn released(state: &State, stream: SagaId) -> Option<Effect> {
    let command = json!({"command": "hold_released", "reason": super::books::DISPUTE});
    let key = format!("{stream}:released:{}", state.saga()?);
    Some(tell(stream, INVOICES, "dispute.released", key, command))
}

/// The subscription that was paid ends, as a person chose. What else that means for money is asked by the flow that ends it.
pub(super) fn cancelled(state: &State) -> Option<Effect> {
    let (of, saga) = (state.of.as_ref()?, state.saga()?);
    let subscription = state.payment.as_ref()?.subscription.clone()?;
    let to = SagaId::derived(ENDINGS, &[&of.organization, &subscription]);
    let command = json!({
        "command": "ordered",
        "of": {"organization": of.organization, "installation": of.installation, "subscription": subscription},
        "order": {
            "wish": "cancel_now", "choice": {"open_invoices": null, "give_back": null},
            "reason": format!("Dispute {} was lost", of.dispute), "by": format!("saga:{saga}"), "press": null,
        },
    });
    Some(tell(to, ENDINGS, "dispute.lost", format!("{to}:dispute:{saga}"), command))
}

/// What people can be told now.
pub(super) fn shown(state: &State) -> Option<Pending> {
    let saga = state.saga()?;
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => {
            Some(Pending::perform("show", n, Effect::Attio(Attio::Project(Box::new(face.write(state, version)?)))))
        }
        Due::Letter { letter, .. } => match letter {},
        Due::Task { task, n } => {
            let record = state.payment.as_ref()?.subscription_record.as_ref()?;
            Some(Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(task.note(saga, record, None))))))
        }
    })
}

impl Face {
    fn write(&self, state: &State, version: u64) -> Option<Projection> {
        let (of, payment, saga) = (state.of.as_ref()?, state.payment.as_ref()?, state.saga()?);
        Some(Projection {
            client: payment.client.clone(),
            subscription: None,
            transaction: TransactionProjection {
                external_id: format!("dp:{}", of.dispute),
                status: self.status.clone(),
                amount: state.shown.as_ref()?.disputed,
                zoho_invoice: payment.invoice.clone(),
                zoho_payment: None,
                braintree_transaction: Some(payment.transaction.clone()),
                occurred_at: self.at,
                failure_reason: self.sentence.clone(),
            },
            // What the client's billing is like, its invoices say.
            billing_summary: String::new(),
            saga: saga.to_string(),
            sync_version: version,
            as_of: self.at,
        })
    }
}

/// What people are to be told after an event.
pub(super) fn owe(state: &mut State, event: &Event) {
    match event {
        Event::DeadlineNear { alarm, deadline, .. } if *alarm != Alarm::Hour => task(state, cause(*alarm), *deadline),
        Event::DisputeSubmitted { .. } | Event::DisputeWon { .. } | Event::DisputeLost { .. } => {
            for alarm in Alarm::ALL {
                state.people.drop_task(cause(alarm));
            }
        }
        _ => {}
    }
    let at = match event {
        Event::DisputeRead { at, .. }
        | Event::PaymentDescribed { at, .. }
        | Event::DeadlineNear { at, .. }
        | Event::SubmissionOrdered { at, .. }
        | Event::AcceptanceOrdered { at, .. }
        | Event::OrderRefused { at, .. }
        | Event::DisputeWon { at, .. }
        | Event::DisputeLost { at, .. }
        | Event::DisputeDoubtful { at, .. }
        | Event::DisputeTakenUp { at }
        | Event::DisputeClosed { at } => *at,
        _ => return,
    };
    // Nobody knows where to show it.
    if state.payment.is_none() {
        return;
    }
    let Some((status, sentence)) = said(state) else { return };
    if state.people.face().is_none_or(|face| (face.status.as_str(), &face.sentence) != (status, &sentence)) {
        state.people.show(Face { status: status.to_owned(), sentence, at });
    }
}

fn task(state: &mut State, cause: &str, deadline: DateTime<Utc>) {
    let recorded = state.payment.as_ref().is_some_and(|payment| payment.subscription_record.is_some());
    let (Some(shown), Some(saga), true) = (&state.shown, state.saga(), recorded) else { return };
    let text = format!(
        "A payment of {} is disputed ({}): reply until {}. See the evidence with `attio-billing dispute show {saga}`",
        shown.disputed,
        shown.reason,
        deadline.format("%Y-%m-%d %H:%M UTC")
    );
    state.people.owe_task(cause, text);
}

const fn cause(alarm: Alarm) -> &'static str {
    match alarm {
        Alarm::Week => "reply-7d",
        Alarm::ThreeDays => "reply-3d",
        Alarm::Day => "reply-1d",
        Alarm::FourHours | Alarm::Hour => "reply-4h",
    }
}

/// The record's status, and the sentence on it.
fn said(state: &State) -> Option<(&'static str, String)> {
    let shown = state.shown.as_ref()?;
    if let Some(doubt) = &state.doubt {
        return Some(("Open", format!("An operator must look: {}", doubt.code.meaning())));
    }
    let reason = &shown.reason;
    if let Some(outcome) = &state.outcome {
        let lost = outcome.lost.map(|lost| lost.to_string());
        return Some(match (&outcome.status, lost) {
            (DisputeStatus::Won, None) => ("Void", format!("The dispute ({reason}) was won")),
            (DisputeStatus::Won, Some(lost)) => ("Refunded", format!("The dispute was won in part: {lost} is lost")),
            (DisputeStatus::Accepted, _) => ("Refunded", format!("The dispute ({reason}) was accepted")),
            (DisputeStatus::Expired, _) => ("Refunded", format!("Nobody replied to the dispute ({reason}) in time")),
            (_, _) => ("Refunded", format!("The dispute ({reason}) was lost")),
        });
    }
    let word = if state.booked == Booked::Nothing { "is asked about" } else { "is disputed" };
    let rest = match (&shown.status, &state.order, &state.refusal, state.deadline()) {
        (DisputeStatus::Open, Some(_), ..) => "a reply is on its way".to_owned(),
        (DisputeStatus::Open, None, Some(refusal), _) => format!("Braintree did not take the reply: {refusal}"),
        (DisputeStatus::Open, None, None, Some(deadline)) => {
            format!("action needed: reply until {}", deadline.format("%Y-%m-%d %H:%M UTC"))
        }
        (DisputeStatus::Open, None, None, None) => "it is decided without a reply".to_owned(),
        _ => "the bank has our evidence and decides".to_owned(),
    };
    Some(("Open", format!("The payment {word} by the customer's bank ({reason}); {rest}")))
}

impl Turn<'_> {
    pub(super) fn told_people(&mut self, step: &str, effect: &Effect, outcome: &Outcome) {
        let (people, now) = (&self.state.people, self.at.now);
        let told = match (step, effect) {
            ("show", Effect::Attio(Attio::Project(projection))) => people.shown(projection.sync_version, outcome, now),
            ("task", _) => people.task_told(outcome, now),
            _ => return,
        };
        self.push(Event::Told(told));
    }
}
