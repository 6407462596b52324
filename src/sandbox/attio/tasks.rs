//! Tasks. Their content never changes once written.

use super::{
    State as Workspace,
    errors::{Answer, ApiError, Params, data, envelope, moment, optional_switch, switch, text, time_or_null},
    events::{self, Event},
    model::{Actor, Task, time},
    records::hand,
};
use crate::World;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Characters of a task's content (Attio's OpenAPI document).
const CONTENT_LIMIT: usize = 2000;
/// Tasks per page where no limit is given.
const PAGE: usize = 500;

fn render(workspace: &Workspace, task: &Task) -> Value {
    let linked = task.linked.iter().map(|(object, record)| {
        json!({
            "target_object": workspace.object_by_id(*object).map(|o| &o.slug),
            "target_object_id": object,
            "target_record_id": record,
        })
    });
    let assignees = task
        .assignees
        .iter()
        .map(|id| json!({ "referenced_actor_type": "workspace-member", "referenced_actor_id": id }));
    json!({
        "id": { "workspace_id": workspace.workspace, "task_id": task.id },
        "content_plaintext": task.content,
        "deadline_at": time_or_null(task.deadline_at),
        "is_completed": task.completed_at.is_some(),
        "completed_at": time_or_null(task.completed_at),
        "linked_records": linked.collect::<Vec<_>>(),
        "assignees": assignees.collect::<Vec<_>>(),
        "created_by_actor": task.actor.json(),
        "created_at": time(task.created_at),
    })
}

fn event(workspace: &Workspace, kind: &str, task: Uuid, actor: Actor) -> Event {
    Event::new(kind, workspace.workspace, actor).with_id("task_id", task)
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("Could not find Task with ID \"{id}\"."))
}

fn list_of<'a>(data: &'a Map<String, Value>, field: &str) -> Result<&'a Vec<Value>, ApiError> {
    data.get(field).and_then(Value::as_array).ok_or_else(|| ApiError::shape(&["data", field], "Required"))
}

fn linked(workspace: &Workspace, data: &Map<String, Value>) -> Result<Vec<(Uuid, Uuid)>, ApiError> {
    let one = |link: &Value| {
        let part =
            |key: &str| link[key].as_str().ok_or_else(|| ApiError::shape(&["data", "linked_records", key], "Required"));
        let (object, record) = workspace.record(part("target_object")?, part("target_record_id")?)?;
        Ok((object.id, record.id))
    };
    list_of(data, "linked_records")?.iter().map(one).collect()
}

fn assignees(workspace: &Workspace, data: &Map<String, Value>) -> Result<Vec<Uuid>, ApiError> {
    let one = |assignee: &Value| {
        let key = assignee["workspace_member_email_address"].as_str().or(assignee["referenced_actor_id"].as_str());
        let key = key.ok_or_else(|| ApiError::shape(&["data", "assignees"], "Expected a workspace member"))?;
        let member = workspace.member(key).map(|m| m.id);
        member.ok_or_else(|| ApiError::bad("validation_type", format!("Workspace member \"{key}\" not found.")))
    };
    list_of(data, "assignees")?.iter().map(one).collect()
}

/// `POST /v2/tasks`: all six keys are required.
pub(super) async fn create(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let content = text(&data, "content")?;
    if content.chars().count() > CONTENT_LIMIT {
        return Err(ApiError::shape(&["data", "content"], "String must contain at most 2000 character(s)"));
    }
    if text(&data, "format")? != "plaintext" {
        return Err(ApiError::shape(&["data", "format"], "Expected plaintext"));
    }
    if !data.contains_key("deadline_at") {
        return Err(ApiError::shape(&["data", "deadline_at"], "Required"));
    }
    let mut workspace = world.attio.lock().expect("attio lock");
    let hand = hand(&world, &workspace);
    let task = Task {
        id: Uuid::new_v4(),
        content,
        deadline_at: moment(&data, "deadline_at")?,
        completed_at: switch(&data, "is_completed")?.then_some(hand.now),
        linked: linked(&workspace, &data)?,
        assignees: assignees(&workspace, &data)?,
        actor: hand.actor,
        created_at: hand.now,
    };
    let answer = envelope(render(&workspace, &task));
    events::emit(&world, &workspace, &[event(&workspace, "task.created", task.id, hand.actor)]);
    workspace.tasks.push(task);
    Ok(answer)
}

/// Which tasks.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    linked_object: Option<String>,
    linked_record_id: Option<Uuid>,
    assignee: Option<String>,
    is_completed: Option<bool>,
    sort: Option<String>,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// `GET /v2/tasks`: oldest first unless `sort` says otherwise.
pub(super) async fn list(State(world): State<Arc<World>>, Params(wanted): Params<Wanted>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    if wanted.linked_object.is_some() != wanted.linked_record_id.is_some() {
        return Err(ApiError::shape(&["linked_record_id"], "linked_object and linked_record_id go together"));
    }
    let link = match (&wanted.linked_object, wanted.linked_record_id) {
        (Some(object), Some(record)) => Some((workspace.object(object)?.id, record)),
        _ => None,
    };
    let assignee = wanted.assignee.as_deref().map(|key| workspace.member(key).map(|m| m.id));
    let fits = |task: &&Task| {
        link.is_none_or(|link| task.linked.contains(&link))
            && assignee.is_none_or(|member| member.is_some_and(|m| task.assignees.contains(&m)))
            && wanted.is_completed.is_none_or(|done| task.completed_at.is_some() == done)
    };
    let mut found: Vec<&Task> = workspace.tasks.iter().filter(fits).collect();
    match wanted.sort.as_deref() {
        None | Some("created_at:asc") => {}
        Some("created_at:desc") => found.reverse(),
        Some("completed_at:asc") => found.sort_by_key(|task| task.completed_at),
        Some("completed_at:desc") => found.sort_by_key(|task| std::cmp::Reverse(task.completed_at)),
        Some(_) => return Err(ApiError::shape(&["sort"], "Expected created_at or completed_at, with :asc or :desc")),
    }
    let page = found.into_iter().skip(wanted.offset).take(wanted.limit.unwrap_or(PAGE));
    Ok(envelope(page.map(|task| render(&workspace, task)).collect::<Vec<_>>()))
}

/// `GET /v2/tasks/{task_id}`
pub(super) async fn get(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let task = workspace.tasks.iter().find(|t| t.id.to_string() == id).ok_or_else(|| missing(&id))?;
    Ok(envelope(render(&workspace, task)))
}

/// `PATCH /v2/tasks/{task_id}`: deadline, completion, links and assignees.
pub(super) async fn update(State(world): State<Arc<World>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let at = workspace.tasks.iter().position(|t| t.id.to_string() == id).ok_or_else(|| missing(&id))?;
    let mut task = workspace.tasks[at].clone();
    task.completed_at = match optional_switch(&data, "is_completed")? {
        Some(true) => task.completed_at.or(Some(world.clock.now())),
        Some(false) => None,
        None => task.completed_at,
    };
    if data.contains_key("deadline_at") {
        task.deadline_at = moment(&data, "deadline_at")?;
    }
    if data.contains_key("linked_records") {
        task.linked = linked(&workspace, &data)?;
    }
    if data.contains_key("assignees") {
        task.assignees = assignees(&workspace, &data)?;
    }
    let answer = envelope(render(&workspace, &task));
    let actor = hand(&world, &workspace).actor;
    events::emit(&world, &workspace, &[event(&workspace, "task.updated", task.id, actor)]);
    workspace.tasks[at] = task;
    Ok(answer)
}

/// `DELETE /v2/tasks/{task_id}`
pub(super) async fn delete(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    let mut workspace = world.attio.lock().expect("attio lock");
    let at = workspace.tasks.iter().position(|t| t.id.to_string() == id).ok_or_else(|| missing(&id))?;
    let task = workspace.tasks.remove(at);
    let actor = hand(&world, &workspace).actor;
    events::emit(&world, &workspace, &[event(&workspace, "task.deleted", task.id, actor)]);
    Ok(Json(json!({})))
}
