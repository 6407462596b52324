//! What a subscription's record says of what it sells and of a change of that: the price of the change, what is sold by now,
//! and the answer to the act that asked. What users ask for, and whatever else the record shows, stays.

use super::NO_ACT;
use super::api::{Answered, Session};
use super::projection::{Mark, SUBSCRIPTIONS, amount};
use super::records::{changed, get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use iso_currency::Currency;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, PlanFace};

const SHOW: &str = "attio.show_plan";

/// Writes what differs.
pub(super) async fn write(session: &mut Session<'_>, face: &PlanFace, currency: Currency) -> Answered<Answer> {
    let open = open(face, &get(session, SHOW, &record(face)).await?, currency);
    if !open.is_empty() {
        patch(session, SHOW, SUBSCRIPTIONS, &face.record, &open).await?;
    }
    Ok(answer(face))
}

/// The answer as if the write had been answered, if nothing is left to be written. A record that is gone is written to
/// again: that says so.
pub(super) async fn stands(session: &mut Session<'_>, face: &PlanFace, currency: Currency) -> Answered<Option<Answer>> {
    match get(session, SHOW, &record(face)).await {
        Ok(record) => Ok(open(face, &record, currency).is_empty().then(|| answer(face))),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

fn record(face: &PlanFace) -> AttioRecord {
    AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: face.record.clone() }
}

fn answer(face: &PlanFace) -> Answer {
    Answer::Projected { transaction_record: None, subscription_record: Some(face.record.clone()) }
}

/// What is left to be written: nothing over a newer state. The act has a time of its own.
fn open(face: &PlanFace, record: &Record, currency: Currency) -> Values {
    let is_older = Mark::from(face).is_older_than(record);
    let mut open = if is_older { Values::new() } else { changed(record, &values(face, currency)) };
    let stands = face.answers.as_ref().is_some_and(|act| {
        record.option("sync_action") == Some(&act.act) && record.since("sync_action") == Some(act.pressed_at)
    });
    if stands {
        open.insert("sync_action", Value::Option(NO_ACT.to_owned()));
    }
    open
}

fn values(face: &PlanFace, currency: Currency) -> Values {
    let mut values = Values::from([
        ("quote_text", Value::text(&face.quote_text)),
        ("quote_expires_at", face.quote_expires_at.map_or(Value::Nothing, Value::Time)),
        ("last_error", Value::text(&face.last_error)),
        ("action_needed", Value::text(&face.action_needed)),
    ]);
    if let Some(sold) = &face.sold {
        values.insert("next_billing_at", sold.next_billing_on.map_or(Value::Nothing, Value::Day));
        if let Some(money) = sold.amount {
            values.extend([("amount", amount(money, currency)), ("amount_text", Value::Text(money.to_string()))]);
        }
    }
    values.extend(Mark::from(face).values());
    values
}
