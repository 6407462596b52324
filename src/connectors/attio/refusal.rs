//! An act that is not carried out: the record says why, and the act is set back, as long as it is that very press which
//! stands there. Whatever else the record shows stays.

use super::NO_ACT;
use super::api::{Answered, Session};
use super::projection::SUBSCRIPTIONS;
use super::records::{get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{AttioRecord, RefusedAct};

const REFUSE: &str = "attio.refuse_act";

/// Answers on the record.
pub(super) async fn write(session: &mut Session<'_>, refused: &RefusedAct) -> Answered<Answer> {
    if is_pressed(&get(session, REFUSE, &record(refused)).await?, refused) {
        let values = Values::from([
            ("last_error", Value::text(&refused.sentence)),
            ("sync_action", Value::Option(NO_ACT.to_owned())),
        ]);
        patch(session, REFUSE, SUBSCRIPTIONS, &refused.record, &values).await?;
    }
    Ok(Answer::Nothing)
}

/// Whether the press is answered, by whomever. A record that is gone has no answer, and is written to again: that says so.
pub(super) async fn stands(session: &mut Session<'_>, refused: &RefusedAct) -> Answered<Option<Answer>> {
    match get(session, REFUSE, &record(refused)).await {
        Ok(found) => Ok((!is_pressed(&found, refused)).then_some(Answer::Nothing)),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

fn record(refused: &RefusedAct) -> AttioRecord {
    AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: refused.record.clone() }
}

/// The act stands as it was pressed: not answered, not pressed again.
fn is_pressed(record: &Record, refused: &RefusedAct) -> bool {
    record.option("sync_action") == Some(&refused.act) && record.since("sync_action") == Some(refused.pressed_at)
}
