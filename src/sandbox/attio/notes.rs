//! Notes on records.

use super::{
    State as Workspace,
    errors::{Answer, ApiError, Params, data, envelope, moment, optional_text, text, uuid},
    events::{self, Event},
    model::{Note, time},
    records::hand,
};
use crate::World;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// A page's size where none is asked for, and the largest (Attio's reference).
const PAGE: usize = 10;
const PAGE_LIMIT: usize = 50;

fn render(workspace: &Workspace, note: &Note) -> Value {
    json!({
        "id": { "workspace_id": workspace.workspace, "note_id": note.id },
        "parent_object": workspace.object_by_id(note.object).map(|o| &o.slug),
        "parent_record_id": note.record,
        "title": note.title,
        "meeting_id": null,
        "content_plaintext": note.content,
        "content_markdown": note.content,
        "tags": [],
        "created_by_actor": note.actor.json(),
        "created_at": time(note.created_at),
    })
}

fn event(workspace: &Workspace, kind: &str, note: &Note, actor: super::model::Actor) -> Event {
    Event::new(kind, workspace.workspace, actor).with_id("note_id", note.id).with_parent(note.object, note.record)
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("Note with ID \"{id}\" was not found."))
}

/// `POST /v2/notes`
pub(super) async fn create(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let data = data(&body)?;
    if !matches!(text(&data, "format")?.as_str(), "plaintext" | "markdown") {
        return Err(ApiError::shape(&["data", "format"], "Expected plaintext or markdown"));
    }
    let parent = uuid(&data, "parent_record_id")?.to_string();
    let (title, content) = (text(&data, "title")?, text(&data, "content")?);
    let created_at = moment(&data, "created_at")?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let (object, record) = workspace.record(&text(&data, "parent_object")?, &parent)?;
    let hand = hand(&world, &workspace);
    let note = Note {
        id: Uuid::new_v4(),
        object: object.id,
        record: record.id,
        title,
        content,
        actor: hand.actor,
        created_at: created_at.unwrap_or(hand.now),
    };
    let answer = envelope(render(&workspace, &note));
    events::emit(&world, &workspace, &[event(&workspace, "note.created", &note, hand.actor)]);
    workspace.notes.push(note);
    Ok(answer)
}

/// Which notes.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    parent_object: Option<String>,
    parent_record_id: Option<Uuid>,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// `GET /v2/notes`
pub(super) async fn list(State(world): State<Arc<World>>, Params(wanted): Params<Wanted>) -> Answer {
    let limit = wanted.limit.unwrap_or(PAGE);
    if limit > PAGE_LIMIT {
        return Err(ApiError::shape(&["limit"], "Number must be less than or equal to 50"));
    }
    let workspace = world.attio.lock().expect("attio lock");
    let object = wanted.parent_object.as_deref().map(|key| workspace.object(key).map(|o| o.id)).transpose()?;
    let fits = |note: &&Note| {
        object.is_none_or(|o| note.object == o) && wanted.parent_record_id.is_none_or(|r| note.record == r)
    };
    let page = workspace.notes.iter().filter(fits).skip(wanted.offset).take(limit);
    Ok(envelope(page.map(|note| render(&workspace, note)).collect::<Vec<_>>()))
}

/// `GET /v2/notes/{note_id}`
pub(super) async fn get(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let note = workspace.notes.iter().find(|n| n.id.to_string() == id).ok_or_else(|| missing(&id))?;
    Ok(envelope(render(&workspace, note)))
}

/// `PATCH /v2/notes/{note_id}`: title, content, or both. Content comes with its format.
pub(super) async fn update(State(world): State<Arc<World>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let (title, content) = (optional_text(&data, "title")?, optional_text(&data, "content")?);
    if content.is_some() && !matches!(text(&data, "format")?.as_str(), "plaintext" | "markdown") {
        return Err(ApiError::shape(&["data", "format"], "Expected plaintext or markdown"));
    }
    let mut workspace = world.attio.lock().expect("attio lock");
    let at = workspace.notes.iter().position(|n| n.id.to_string() == id).ok_or_else(|| missing(&id))?;
    let mut note = workspace.notes[at].clone();
    let actor = hand(&world, &workspace).actor;
    let mut news = Vec::new();
    if let Some(title) = title {
        note.title = title;
        news.push(event(&workspace, "note.updated", &note, actor));
    }
    if let Some(content) = content {
        note.content = content;
        news.push(event(&workspace, "note-content.updated", &note, actor));
    }
    if news.is_empty() {
        return Err(ApiError::shape(&["data"], "Expected title or content"));
    }
    let answer = envelope(render(&workspace, &note));
    workspace.notes[at] = note;
    events::emit(&world, &workspace, &news);
    Ok(answer)
}

/// `DELETE /v2/notes/{note_id}`
pub(super) async fn delete(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    let mut workspace = world.attio.lock().expect("attio lock");
    let at = workspace.notes.iter().position(|n| n.id.to_string() == id).ok_or_else(|| missing(&id))?;
    let note = workspace.notes.remove(at);
    let actor = hand(&world, &workspace).actor;
    events::emit(&world, &workspace, &[event(&workspace, "note.deleted", &note, actor)]);
    Ok(Json(json!({})))
}
