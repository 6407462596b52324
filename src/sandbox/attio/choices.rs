//! Select options and statuses: two resources of the same make, named differently.

use super::{
    State as Workspace,
    attributes::Shown,
    errors::{Answer, ApiError, Params, data, envelope, optional_switch, optional_text, text},
    model::{Attribute, Choice, Type},
};
use crate::World;
use axum::{
    body::Bytes,
    extract::{Path, State},
};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// An option or a status as it is read.
pub(super) fn render(workspace: &Workspace, object: Uuid, attribute: &Attribute, choice: &Choice) -> Value {
    let mut id = workspace.attribute_id(object, attribute.id);
    if attribute.kind == Type::Status {
        id["status_id"] = json!(choice.id);
        json!({
            "id": id,
            "title": choice.title,
            "is_archived": choice.archived,
            "celebration_enabled": choice.celebration,
            "target_time_in_status": choice.target_time,
        })
    } else {
        id["option_id"] = json!(choice.id);
        json!({ "id": id, "title": choice.title, "is_archived": choice.archived })
    }
}

fn of_kind(attribute: &Attribute, kind: Type) -> Result<(), ApiError> {
    if attribute.kind == kind {
        return Ok(());
    }
    let name = if kind == Type::Status { "status" } else { "select" };
    Err(ApiError::bad("validation_type", format!("This attribute is not a {name} attribute.")))
}

fn taken(kind: Type, title: &str) -> ApiError {
    let name = if kind == Type::Status { "status" } else { "select option" };
    ApiError::conflict("slug_conflict", format!("There is already another {name} with the title \"{title}\"."))
}

/// Titles of archived ones count as taken.
fn free(attribute: &Attribute, title: &str, except: Option<Uuid>) -> Result<(), ApiError> {
    let other = attribute.choices.iter().any(|c| c.title == title && Some(c.id) != except);
    if other { Err(taken(attribute.kind, title)) } else { Ok(()) }
}

/// What only statuses have.
fn read_status(choice: &mut Choice, data: &Map<String, Value>) -> Result<(), ApiError> {
    choice.celebration = optional_switch(data, "celebration_enabled")?.unwrap_or(choice.celebration);
    match data.get("target_time_in_status") {
        None => {}
        Some(Value::Null) => choice.target_time = None,
        Some(_) => choice.target_time = optional_text(data, "target_time_in_status")?,
    }
    Ok(())
}

fn list(world: &World, kind: Type, object: &str, attribute: &str, shown: &Shown) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let (object, attribute) = workspace.attribute(object, attribute)?;
    of_kind(attribute, kind)?;
    let seen = attribute.choices.iter().filter(|c| shown.show_archived || !c.archived);
    Ok(envelope(seen.map(|c| render(&workspace, object.id, attribute, c)).collect::<Vec<_>>()))
}

fn create(world: &World, kind: Type, object: &str, attribute: &str, body: &[u8]) -> Answer {
    let data = data(body)?;
    let mut choice = Choice::new(&text(&data, "title")?);
    let mut workspace = world.attio.lock().expect("attio lock");
    let found = workspace.attribute_mut(object, attribute)?;
    of_kind(found, kind)?;
    free(found, &choice.title, None)?;
    if kind == Type::Status {
        read_status(&mut choice, &data)?;
    }
    found.choices.push(choice.clone());
    let (object, attribute) = workspace.attribute(object, attribute)?;
    Ok(envelope(render(&workspace, object.id, attribute, &choice)))
}

fn update(world: &World, kind: Type, object: &str, attribute: &str, key: &str, body: &[u8]) -> Answer {
    let data = data(body)?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let found = workspace.attribute_mut(object, attribute)?;
    of_kind(found, kind)?;
    let name = if kind == Type::Status { "status" } else { "select" };
    let mut choice = found.choice(key).cloned().ok_or_else(|| {
        let part = if kind == Type::Status { "status option" } else { "select option" };
        ApiError::bad("value_not_found", format!("Cannot find {name} attribute with {part} title \"{key}\"."))
    })?;
    choice.title = optional_text(&data, "title")?.unwrap_or(choice.title);
    choice.archived = optional_switch(&data, "is_archived")?.unwrap_or(choice.archived);
    if kind == Type::Status {
        read_status(&mut choice, &data)?;
    }
    free(found, &choice.title, Some(choice.id))?;
    if let Some(old) = found.choices.iter_mut().find(|c| c.id == choice.id) {
        *old = choice.clone();
    }
    let (object, attribute) = workspace.attribute(object, attribute)?;
    Ok(envelope(render(&workspace, object.id, attribute, &choice)))
}

type Attributes = Path<(String, String)>;
type Choices = Path<(String, String, String)>;

/// `GET …/options`
pub(super) async fn options(
    State(world): State<Arc<World>>,
    Path((object, attribute)): Attributes,
    Params(shown): Params<Shown>,
) -> Answer {
    list(&world, Type::Select, &object, &attribute, &shown)
}

/// `POST …/options`
pub(super) async fn create_option(
    State(world): State<Arc<World>>,
    Path((object, attribute)): Attributes,
    body: Bytes,
) -> Answer {
    create(&world, Type::Select, &object, &attribute, &body)
}

/// `PATCH …/options/{option}`, by id or title.
pub(super) async fn update_option(
    State(world): State<Arc<World>>,
    Path((object, attribute, option)): Choices,
    body: Bytes,
) -> Answer {
    update(&world, Type::Select, &object, &attribute, &option, &body)
}

/// `GET …/statuses`
pub(super) async fn statuses(
    State(world): State<Arc<World>>,
    Path((object, attribute)): Attributes,
    Params(shown): Params<Shown>,
) -> Answer {
    list(&world, Type::Status, &object, &attribute, &shown)
}

/// `POST …/statuses`
pub(super) async fn create_status(
    State(world): State<Arc<World>>,
    Path((object, attribute)): Attributes,
    body: Bytes,
) -> Answer {
    create(&world, Type::Status, &object, &attribute, &body)
}

/// `PATCH …/statuses/{status}`, by id or title.
pub(super) async fn update_status(
    State(world): State<Arc<World>>,
    Path((object, attribute, status)): Choices,
    body: Bytes,
) -> Answer {
    update(&world, Type::Status, &object, &attribute, &status, &body)
}
