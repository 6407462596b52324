//! What a subscription's record says of its end: status, last day, reason, and the answer to the act that asked for it.
//! Whatever else the record shows stays.

use super::NO_ACT;
use super::api::{Answered, Session};
use super::projection::{Mark, SUBSCRIPTIONS};
use super::records::{changed, get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, EndingFace};

const SHOW: &str = "attio.show_ending";

/// Writes what differs.
pub(super) async fn write(session: &mut Session<'_>, face: &EndingFace) -> Answered<Answer> {
    let open = open(face, &get(session, SHOW, &record(face)).await?);
    if !open.is_empty() {
        patch(session, SHOW, SUBSCRIPTIONS, &face.record, &open).await?;
    }
    Ok(answer(face))
}

/// The answer as if the write had been answered, if nothing is left to be written. A record that is gone is written to
/// again: that says so.
pub(super) async fn stands(session: &mut Session<'_>, face: &EndingFace) -> Answered<Option<Answer>> {
    match get(session, SHOW, &record(face)).await {
        Ok(record) => Ok(open(face, &record).is_empty().then(|| answer(face))),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

fn record(face: &EndingFace) -> AttioRecord {
    AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: face.record.clone() }
}

fn answer(face: &EndingFace) -> Answer {
    Answer::Projected { transaction_record: None, subscription_record: Some(face.record.clone()) }
}

/// What is left to be written: nothing over a newer state. The act has a time of its own.
fn open(face: &EndingFace, record: &Record) -> Values {
    let is_older = Mark::from(face).is_older_than(record);
    let mut open = if is_older { Values::new() } else { changed(record, &values(face)) };
    let stands = face.answers.as_ref().is_some_and(|act| {
        record.option("sync_action") == Some(&act.act) && record.since("sync_action") == Some(act.pressed_at)
    });
    if stands {
        open.insert("sync_action", Value::Option(NO_ACT.to_owned()));
    }
    open
}

fn values(face: &EndingFace) -> Values {
    let mut values = Values::from([
        ("last_error", Value::text(&face.last_error)),
        ("action_needed", Value::text(&face.action_needed)),
    ]);
    if let Some(standing) = &face.standing {
        let day = |day: Option<_>| day.map_or(Value::Nothing, Value::Day);
        values.extend([
            ("subscription_status", Value::Status(standing.subscription_status.clone())),
            ("ends_on", day(standing.ends_on)),
            ("ending_reason", Value::text(&standing.reason)),
            ("next_billing_at", day(standing.next_billing_on)),
        ]);
    }
    values.extend(Mark::from(face).values());
    values
}
