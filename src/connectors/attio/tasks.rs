//! Tasks for workspace members, one per cause: a task is found again by its marker, for Attio knows no key of ours. A
//! task's content cannot be changed later, so an existing one is left as it is.

use super::api::{Answered, Ask, Session};
use reqwest::Method;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::TaskNote;
use serde::Deserialize;
use serde_json::{Value as Json, json};

const ADD_TASK: &str = "attio.add_task";
/// Characters that the content may have (Attio's OpenAPI document).
const CONTENT_AT_MOST: usize = 2_000;
/// Tasks per page: Attio's most.
const PAGE: usize = 500;

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    content_plaintext: String,
}

/// Makes the task on a record of that object unless there is one. It is `fallback`'s where it names nobody.
pub(super) async fn add(
    session: &mut Session<'_>,
    object: &str,
    note: &TaskNote,
    fallback: Option<&String>,
) -> Answered<Answer> {
    if exists(session, object, note).await? {
        return Ok(Answer::Nothing);
    }
    let body = json!({ "data": {
        "content": content(note),
        "format": "plaintext",
        "deadline_at": null,
        "is_completed": false,
        "linked_records": [{ "target_object": object, "target_record_id": note.record }],
        "assignees": assignees(note.assignee.as_ref().or(fallback)),
    } });
    let _: Json = session.call(Ask::write(ADD_TASK, Method::POST, &["tasks"], body.to_string())).await?;
    Ok(Answer::Nothing)
}

/// Whether the record has the task, open or done.
pub(super) async fn exists(session: &mut Session<'_>, object: &str, note: &TaskNote) -> Answered<bool> {
    let limit = PAGE.to_string();
    for page in 0.. {
        let offset = (page * PAGE).to_string();
        let query = [
            ("linked_object", object),
            ("linked_record_id", note.record.as_str()),
            ("sort", "created_at:desc"),
            ("limit", &limit),
            ("offset", &offset),
        ];
        let rows: Vec<Row> = session.call(Ask::get(ADD_TASK, &["tasks"], &query)).await?;
        if rows.iter().any(|row| row.content_plaintext.lines().next_back() == Some(note.marker.as_str())) {
            return Ok(true);
        }
        if rows.len() < PAGE {
            break;
        }
    }
    Ok(false)
}

fn assignees(member: Option<&String>) -> Json {
    member.iter().map(|id| json!({ "referenced_actor_type": "workspace-member", "referenced_actor_id": id })).collect()
}

/// The text, cut where it is too long, and the marker on the last line, whole.
fn content(note: &TaskNote) -> String {
    let room = CONTENT_AT_MOST.saturating_sub(note.marker.chars().count() + 1);
    let text = note.text.trim_end();
    let cut = match text.char_indices().nth(room) {
        None => text.to_owned(),
        Some(_) => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    };
    format!("{cut}\n{}", note.marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_and_its_marker_never_is() {
        let note =
            |text: String| TaskNote { record: "r".to_owned(), assignee: None, text, marker: "[0190-abc]".to_owned() };
        assert_eq!(content(&note("Call them.\n".to_owned())), "Call them.\n[0190-abc]");
        for length in [1_988, 1_989, 1_990, 5_000] {
            let content = content(&note("ä".repeat(length)));
            assert_eq!(content.chars().count(), 2_000.min(length + 11), "{length}");
            assert_eq!(content.contains('…'), length > 1_989, "{length}");
            assert!(content.ends_with("\n[0190-abc]"));
        }
    }
}
