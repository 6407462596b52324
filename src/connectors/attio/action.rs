//! What somebody must do about a subscription, on its record. Whatever else the record shows stays.

use super::api::{Answered, Session};
use super::projection::SUBSCRIPTIONS;
use super::records::{get, is_not_found, patch};
use super::wire::{Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{ActionNeeded, AttioRecord};

const ASK: &str = "attio.ask_action";
const ATTRIBUTE: &str = "action_needed";

/// Writes the sentence, or clears it.
pub(super) async fn write(session: &mut Session<'_>, action: &ActionNeeded) -> Answered<Answer> {
    let values = Values::from([(ATTRIBUTE, Value::text(&action.sentence))]);
    patch(session, ASK, SUBSCRIPTIONS, &action.record, &values).await?;
    Ok(Answer::Nothing)
}

/// Whether the sentence stands there. A record that is gone shows none, and is written to again: that says so.
pub(super) async fn stands(session: &mut Session<'_>, action: &ActionNeeded) -> Answered<Option<Answer>> {
    let record = AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: action.record.clone() };
    match get(session, ASK, &record).await {
        Ok(found) => Ok((found.text(ATTRIBUTE).unwrap_or_default() == action.sentence).then_some(Answer::Nothing)),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}
