//! What is wanted now. Computed from the state. People are told first: nobody waits for Zoho Desk to see that they were heard.

use super::DeskTicket;
use super::state::{Asked, Face, Stage, State};
use super::text;
use crate::kernel::effect::{Attio, Desk, Effect, Helpdesk, IdKind, IdLink, TicketFace, TicketOrder, TicketShown};
use crate::kernel::saga::{End, Pending, Saga};
use crate::kernel::telling::Due;
use chrono::{DateTime, TimeDelta, Utc};

/// A colleague hears that Zoho Desk takes nothing after so long.
const PATIENCE: TimeDelta = TimeDelta::hours(72);

pub(super) fn pending(state: &State) -> Pending {
    told(state).or_else(|| work(state)).unwrap_or_else(|| at_rest(state))
}

/// What the record and colleagues are told.
fn told(state: &State) -> Option<Pending> {
    let (record, saga) = (state.record.as_ref()?, state.saga?);
    state.people.due().find_map(|due| match due {
        Due::Record { face, version, n } => Some(Pending::perform(
            "show",
            n,
            Effect::Attio(Attio::ShowTicket(Box::new(shown(state, record, face, version)))),
        )),
        Due::Task { task, n } => {
            let note = task.note(saga, record, None);
            Some(Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(note)))))
        }
        Due::Letter { .. } => None,
    })
}

fn shown(state: &State, record: &str, face: &Face, version: u64) -> TicketFace {
    TicketFace {
        record: record.to_owned(),
        answers: face.answers.clone(),
        ticket: state.ticket.as_ref().map(|t| TicketShown { id: t.id.clone(), number: t.number.clone() }),
        last_error: face.last_error.clone(),
        version,
    }
}

/// The next call.
fn work(state: &State) -> Option<Pending> {
    let asked = state.asks.first()?;
    let customer = || state.customer.clone();
    let link = || {
        let (ours, theirs) = (customer()?, state.contact.clone()?);
        Some(vec![IdLink { kind: IdKind::DeskContact, ours, theirs }])
    };
    let (step, effect) = match state.stage {
        Stage::Settings => ("read_settings", Effect::Desk(Desk::ReadSettings { of: DeskTicket::NAME.to_owned() })),
        Stage::Request => ("read_request", Effect::Attio(Attio::ReadRequest { record: state.record.clone()? })),
        Stage::Enrol => ("enrol", Effect::Desk(Desk::Enrol { client: state.client.clone()? })),
        Stage::Person => {
            let (client, customer) = (state.client.clone()?, customer()?);
            ("read_person", Effect::Attio(Attio::ReadPerson { client, customer }))
        }
        Stage::Find => ("find_contact", Effect::Helpdesk(Helpdesk::FindContact { customer: customer()? })),
        Stage::Make => ("make_contact", Effect::Helpdesk(Helpdesk::CreateContact { customer: customer()? })),
        Stage::Link => ("link_contact", Effect::Desk(Desk::Link { links: link()? })),
        Stage::Unlink => ("unlink_contact", Effect::Desk(Desk::Unlink { links: link()? })),
        Stage::Check => {
            ("read_ticket", Effect::Helpdesk(Helpdesk::ReadTicket { ticket: state.ticket.as_ref()?.id.clone() }))
        }
        Stage::Open => ("open", Effect::Helpdesk(Helpdesk::OpenTicket(Box::new(order(state, asked)?)))),
        Stage::Comment => ("comment", Effect::Helpdesk(comment(state, asked)?)),
        Stage::New | Stage::Linked | Stage::Off | Stage::Refused => return None,
    };
    let patience = matches!(effect, Effect::Helpdesk(_)) && !state.down;
    Some(Pending::perform(step, state.calls + 1, effect).fresh(patience.then(|| patient_until(asked))))
}

fn patient_until(asked: &Asked) -> DateTime<Utc> {
    asked.at + PATIENCE
}

fn order(state: &State, asked: &Asked) -> Option<TicketOrder> {
    let saga = state.saga?;
    // One reference for each ticket of the cause: an older one that was closed is none of this one's.
    let reference = match state.opened {
        0 => saga.to_string(),
        before => format!("{saga}.{}", before + 1),
    };
    Some(TicketOrder {
        saga: reference,
        contact: state.contact.clone()?,
        subject: text::subject(&asked.ask),
        text: text::text(&asked.ask, saga),
        urgent: false,
        since: asked.at,
    })
}

fn comment(state: &State, asked: &Asked) -> Option<Helpdesk> {
    let saga = state.saga?;
    Some(Helpdesk::Comment {
        ticket: state.ticket.as_ref()?.id.clone(),
        text: text::text(&asked.ask, saga),
        marker: format!("{}.{}", saga.0.simple(), state.keys.len() - state.asks.len() + 1),
    })
}

fn at_rest(state: &State) -> Pending {
    if state.record.is_some()
        && let Some(until) = state.people.next_try()
    {
        return Pending::Sleep { why: "Attio refuses what it is told for now", until };
    }
    Pending::Ended(match state.stage {
        Stage::Off => End::Mirrored,
        Stage::Linked => End::Completed,
        _ => End::GivenUp,
    })
}
