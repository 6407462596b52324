//! The ticket of a subscription's customer, on its record, and the answer to the act that asked for it. Whatever else the
//! record shows stays.

use super::NO_ACT;
use super::api::{Answered, Session};
use super::projection::SUBSCRIPTIONS;
use super::records::{changed, get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, TicketFace};

const SHOW: &str = "attio.show_ticket";

/// Writes what differs.
pub(super) async fn write(session: &mut Session<'_>, face: &TicketFace) -> Answered<Answer> {
    let open = open(face, &get(session, SHOW, &record(face)).await?);
    if !open.is_empty() {
        patch(session, SHOW, SUBSCRIPTIONS, &face.record, &open).await?;
    }
    Ok(Answer::Nothing)
}

/// Whether nothing is left to be written. A record that is gone is written to again: that says so.
pub(super) async fn stands(session: &mut Session<'_>, face: &TicketFace) -> Answered<Option<Answer>> {
    match get(session, SHOW, &record(face)).await {
        Ok(record) => Ok(open(face, &record).is_empty().then_some(Answer::Nothing)),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

fn record(face: &TicketFace) -> AttioRecord {
    AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: face.record.clone() }
}

/// What is left to be written. The act is set back where that very press stands.
fn open(face: &TicketFace, record: &Record) -> Values {
    let mut values = Values::new();
    if let Some(ticket) = &face.ticket {
        values
            .extend([("desk_ticket_id", Value::text(&ticket.id)), ("desk_ticket_number", Value::text(&ticket.number))]);
    }
    values.extend(face.last_error.as_ref().map(|sentence| ("last_error", Value::text(sentence))));
    let mut open = changed(record, &values);
    let stands = face.answers.as_ref().is_some_and(|act| {
        record.option("sync_action") == Some(&act.act) && record.since("sync_action") == Some(act.pressed_at)
    });
    if stands {
        open.insert("sync_action", Value::Option(NO_ACT.to_owned()));
    }
    open
}
