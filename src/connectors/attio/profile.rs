//! What a client's record shows of a change of theirs: that it arrived, what did not, and in a note what others had written
//! elsewhere. What people fill in is not touched.

use super::api::{Answered, Session, rejected};
use super::notes;
use super::records::{changed, get, is_not_found, patch};
use super::wire::{Record, Value, Values};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{DisplacedNote, ProfileFace, RecordNote};
use sagas::kernel::outcome::RejectionKind;
use sagas::kernel::profile;

const SHOW: &str = "attio.show_profile";
const TITLE: &str = "Written over elsewhere";

/// Writes what differs.
pub(super) async fn write(session: &mut Session<'_>, face: &ProfileFace) -> Answered<Answer> {
    let open = open(face, &get(session, SHOW, &face.client).await?);
    if !open.is_empty() {
        patch(session, SHOW, &face.client.object, &face.client.id, &open).await?;
    }
    Ok(Answer::Nothing)
}

/// Whether nothing is left to be written. A record that is gone is written to again: that says so.
pub(super) async fn stands(session: &mut Session<'_>, face: &ProfileFace) -> Answered<Option<Answer>> {
    match get(session, SHOW, &face.client).await {
        Ok(record) => Ok(open(face, &record).is_empty().then_some(Answer::Nothing)),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

fn open(face: &ProfileFace, record: &Record) -> Values {
    let mut values = Values::from([("synced_at", Value::Time(face.as_of))]);
    values.extend(face.last_error.as_ref().map(|sentence| ("last_error", Value::text(sentence))));
    changed(record, &values)
}

/// Adds the note, unless there is one.
pub(super) async fn note(
    session: &mut Session<'_>,
    note: &DisplacedNote,
    displaced: &[(String, profile::Values)],
) -> Answered<Answer> {
    if displaced.is_empty() {
        let message = "nothing is kept of what was written over: it was noted, or the person was erased".to_owned();
        return Err(rejected(RejectionKind::NotFound, "nothing_kept", message));
    }
    let lines = displaced.iter().flat_map(|(place, values)| {
        values.iter().map(move |(field, text)| format!("{place}: {} was “{text}”", field.title()))
    });
    let lines: Vec<String> = lines.collect();
    let text = format!("Attio's values count, and were written there.\n{}", lines.join("\n"));
    notes::add(session, &as_note(note, text)).await
}

/// Whether the note is there.
pub(super) async fn is_noted(session: &mut Session<'_>, note: &DisplacedNote) -> Answered<Option<Answer>> {
    let exists = notes::exists(session, &as_note(note, String::new())).await;
    exists.map(|exists| exists.then_some(Answer::Nothing))
}

fn as_note(note: &DisplacedNote, text: String) -> RecordNote {
    RecordNote { record: note.client.clone(), title: TITLE.to_owned(), text, marker: note.mark.clone() }
}
