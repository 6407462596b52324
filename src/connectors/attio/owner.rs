//! What a subscription's record says of who collects it, and of what its hand-over waits for. Whatever else the record shows
//! stays.

use super::api::{Answered, Session};
use super::projection::{Mark, SUBSCRIPTIONS};
use super::records::{changed, get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, OwnerFace};

const SHOW: &str = "attio.show_owner";

/// Writes what differs.
pub(super) async fn write(session: &mut Session<'_>, face: &OwnerFace) -> Answered<Answer> {
    let open = open(face, &get(session, SHOW, &record(face)).await?);
    if !open.is_empty() {
        patch(session, SHOW, SUBSCRIPTIONS, &face.record, &open).await?;
    }
    Ok(answer(face))
}

/// The answer as if the write had been answered, if nothing is left to be written. A record that is gone is written to
/// again: that says so.
pub(super) async fn stands(session: &mut Session<'_>, face: &OwnerFace) -> Answered<Option<Answer>> {
    match get(session, SHOW, &record(face)).await {
        Ok(record) => Ok(open(face, &record).is_empty().then(|| answer(face))),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

fn record(face: &OwnerFace) -> AttioRecord {
    AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: face.record.clone() }
}

fn answer(face: &OwnerFace) -> Answer {
    Answer::Projected { transaction_record: None, subscription_record: Some(face.record.clone()) }
}

/// What is left to be written: nothing over a newer state.
fn open(face: &OwnerFace, record: &Record) -> Values {
    if Mark::from(face).is_older_than(record) { Values::new() } else { changed(record, &values(face)) }
}

fn values(face: &OwnerFace) -> Values {
    let mut values = Values::from([("action_needed", Value::text(&face.action_needed))]);
    values.extend(face.collection_owner.clone().map(|owner| ("collection_owner", Value::Option(owner))));
    values.extend(Mark::from(face).values());
    values
}
