//! Notes on a record's timeline, one per cause: Attio knows no key of ours, so a note is found again by the marker at the
//! end of its title. An existing one is left as it is.

use super::api::{Answered, Ask, Session};
use reqwest::Method;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::RecordNote;
use serde::Deserialize;
use serde_json::{Value as Json, json};

const ADD_NOTE: &str = "attio.add_note";
/// Notes per page: Attio's most.
const PAGE: usize = 50;

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    title: String,
}

/// Makes the note unless there is one.
pub(super) async fn add(session: &mut Session<'_>, note: &RecordNote) -> Answered<Answer> {
    if exists(session, note).await? {
        return Ok(Answer::Nothing);
    }
    let body = json!({ "data": {
        "parent_object": note.record.object,
        "parent_record_id": note.record.id,
        "title": format!("{} {}", note.title.trim(), note.marker),
        "format": "plaintext",
        "content": note.text,
    } });
    let _: Json = session.call(Ask::write(ADD_NOTE, Method::POST, &["notes"], body.to_string())).await?;
    Ok(Answer::Nothing)
}

/// Whether the record has the note. All pages are read: new notes come in anywhere.
pub(super) async fn exists(session: &mut Session<'_>, note: &RecordNote) -> Answered<bool> {
    let limit = PAGE.to_string();
    for page in 0.. {
        let offset = (page * PAGE).to_string();
        let query = [
            ("parent_object", note.record.object.as_str()),
            ("parent_record_id", note.record.id.as_str()),
            ("limit", &limit),
            ("offset", &offset),
        ];
        let rows: Vec<Row> = session.call(Ask::get(ADD_NOTE, &["notes"], &query)).await?;
        if rows.iter().any(|row| row.title.ends_with(&note.marker)) {
            return Ok(true);
        }
        if rows.len() < PAGE {
            break;
        }
    }
    Ok(false)
}
