//! Attributes: what may be set up on an object, and what Attio refuses there.

use super::{
    State as Workspace,
    errors::{Answer, ApiError, Params, data, envelope, optional_switch, optional_text, switch, text},
    model::{Attribute, Object, Type, time},
};
use crate::World;
use axum::{
    body::Bytes,
    extract::{Path, State},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Paging and whether archived ones are shown.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    pub(super) show_archived: bool,
    pub(super) limit: Option<usize>,
    #[serde(default)]
    pub(super) offset: usize,
}

fn render(workspace: &Workspace, object: &Object, attribute: &Attribute) -> Value {
    let relationship = attribute.other_side.and_then(|(other, id)| {
        let object = workspace.object_by_id(other)?;
        let side = object.attribute(&id.to_string())?;
        Some(json!({
            "id": workspace.attribute_id(other, id),
            "object_slug": object.slug,
            "title": side.title,
            "api_slug": side.slug,
            "is_multiselect": side.multiple,
        }))
    });
    json!({
        "id": workspace.attribute_id(object.id, attribute.id),
        "title": attribute.title,
        "description": attribute.description,
        "api_slug": attribute.slug,
        "type": attribute.kind,
        "is_system_attribute": attribute.system,
        "is_writable": attribute.writable,
        "is_required": attribute.required,
        "is_unique": attribute.unique,
        "is_multiselect": attribute.multiple,
        "is_default_value_enabled": attribute.default_value.is_some(),
        "is_archived": attribute.archived,
        "default_value": attribute.default_value.as_ref().map(|d| json!({ "type": "static", "template": d })),
        "relationship": relationship,
        "created_at": time(attribute.created_at),
        "config": {
            "currency": { "default_currency_code": attribute.currency, "display_type": attribute.display_type },
            "record_reference": { "allowed_object_ids": attribute.allowed },
        },
    })
}

/// `GET /v2/objects/{object}/attributes`
pub(super) async fn list(
    State(world): State<Arc<World>>,
    Path(object): Path<String>,
    Params(shown): Params<Shown>,
) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let object = workspace.object(&object)?;
    let seen = object.attributes.iter().filter(|a| shown.show_archived || !a.archived);
    let page = seen.skip(shown.offset).take(shown.limit.unwrap_or(usize::MAX));
    Ok(envelope(page.map(|a| render(&workspace, object, a)).collect::<Vec<_>>()))
}

/// `GET /v2/objects/{object}/attributes/{attribute}`
pub(super) async fn get(State(world): State<Arc<World>>, Path((object, attribute)): Path<(String, String)>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let (object, attribute) = workspace.attribute(&object, &attribute)?;
    Ok(envelope(render(&workspace, object, attribute)))
}

/// `POST /v2/objects/{object}/attributes`
pub(super) async fn create(State(world): State<Arc<World>>, Path(key): Path<String>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let now = world.clock.now();
    let mut workspace = world.attio.lock().expect("attio lock");
    let object = workspace.object(&key)?;
    let mut attribute = read(object, &data, now)?;
    if object.attributes.iter().any(|a| a.slug == attribute.slug) {
        let message =
            "An attribute with the same API slug already exists on this object. Please choose a different API slug.";
        return Err(ApiError::conflict("slug_conflict", message));
    }
    configure(&workspace, &mut attribute, data.get("config").unwrap_or(&Value::Null))?;
    let object = object.id;
    let other = data.get("relationship").and_then(Value::as_object);
    if let Some(other) = other {
        let (side, side_attribute) = entangled(&workspace, object, &mut attribute, other, now)?;
        workspace.object_mut(&side.to_string())?.attributes.push(side_attribute);
    }
    let id = attribute.id;
    workspace.object_mut(&key)?.attributes.push(attribute);
    let (object, attribute) = workspace.attribute(&key, &id.to_string())?;
    Ok(envelope(render(&workspace, object, attribute)))
}

/// Reads a new attribute; all eight keys are required, `description` may be null.
fn read(object: &Object, data: &Map<String, Value>, now: DateTime<Utc>) -> Result<Attribute, ApiError> {
    let kind = data
        .get("type")
        .and_then(|t| Type::deserialize(t).ok())
        .filter(|t| *t != Type::PersonalName)
        .ok_or_else(|| ApiError::shape(&["data", "type"], "Invalid enum value"))?;
    if !data.get("description").is_some_and(|d| d.is_string() || d.is_null()) {
        return Err(ApiError::shape(&["data", "description"], "Required"));
    }
    if !data.get("config").is_some_and(Value::is_object) {
        return Err(ApiError::shape(&["data", "config"], "Required"));
    }
    let attribute = Attribute {
        description: data["description"].as_str().map(str::to_owned),
        required: switch(data, "is_required")?,
        unique: switch(data, "is_unique")?,
        multiple: switch(data, "is_multiselect")?,
        default_value: default_value(data)?,
        ..Attribute::new(&text(data, "api_slug")?, &text(data, "title")?, kind, now)
    };
    check(object, &attribute)?;
    Ok(attribute)
}

/// What cannot be, whoever asks.
fn check(object: &Object, attribute: &Attribute) -> Result<(), ApiError> {
    let refuse = |message: &str| Err(ApiError::bad("validation_type", message));
    if attribute.unique && object.is_standard() {
        return refuse("Custom attributes on this object cannot be unique.");
    }
    if attribute.unique && !attribute.kind.may_be_unique() {
        return refuse("Attributes of this type cannot be unique.");
    }
    if attribute.multiple && !attribute.kind.may_be_multiple() {
        return refuse("Attributes of this type cannot be multiselect.");
    }
    if attribute.kind == Type::Status && object.is_standard() {
        return refuse("Status attributes are not supported on this object.");
    }
    Ok(())
}

/// Only fixed values: a template that depends on the reader or the day is refused rather than ignored.
fn default_value(data: &Map<String, Value>) -> Result<Option<Vec<Value>>, ApiError> {
    let default = match data.get("default_value") {
        None | Some(Value::Null) => return Ok(None),
        Some(default) => default,
    };
    let fixed = (default["type"] == "static").then(|| default["template"].as_array().cloned()).flatten();
    fixed.map(Some).ok_or_else(|| {
        ApiError::shape(&["data", "default_value"], "Only static default values exist in this simulation")
    })
}

fn configure(workspace: &Workspace, attribute: &mut Attribute, config: &Value) -> Result<(), ApiError> {
    if attribute.kind == Type::Currency {
        let currency = &config["currency"];
        attribute.currency = Some(currency["default_currency_code"].as_str().unwrap_or("USD").to_owned());
        attribute.display_type = Some(currency["display_type"].as_str().unwrap_or("symbol").to_owned());
    }
    if let Some(allowed) = config["record_reference"]["allowed_objects"].as_array() {
        let ids = allowed.iter().map(|key| {
            let key = key.as_str().unwrap_or_default();
            workspace
                .object(key)
                .map(|o| o.id)
                .map_err(|_| ApiError::bad("value_not_found", format!("Object with slug/ID \"{key}\" not found.")))
        });
        attribute.allowed = Some(ids.collect::<Result<_, _>>()?);
    }
    Ok(())
}

/// The other side of a two-way reference.
fn entangled(
    workspace: &Workspace,
    object: Uuid,
    attribute: &mut Attribute,
    other: &Map<String, Value>,
    now: DateTime<Utc>,
) -> Result<(Uuid, Attribute), ApiError> {
    if attribute.kind != Type::RecordReference {
        return Err(ApiError::bad("validation_type", "Only record reference attributes can have a relationship."));
    }
    let side = workspace.object(&text(other, "object")?)?;
    let slug = text(other, "api_slug")?;
    if side.attribute(&slug).is_some() {
        let message =
            "An attribute with the same API slug already exists on this object. Please choose a different API slug.";
        return Err(ApiError::conflict("slug_conflict", message));
    }
    let mut back = Attribute::new(&slug, &text(other, "title")?, Type::RecordReference, now);
    back.multiple = switch(other, "is_multiselect")?;
    back.allowed = Some(vec![object]);
    back.other_side = Some((object, attribute.id));
    attribute.other_side = Some((side.id, back.id));
    attribute.allowed = Some(vec![side.id]);
    Ok((side.id, back))
}

/// `PATCH /v2/objects/{object}/attributes/{attribute}`: type and multiselect never change.
pub(super) async fn update(
    State(world): State<Arc<World>>,
    Path((object, attribute)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let data = data(&body)?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let (owner, old) = workspace.attribute(&object, &attribute)?;
    if old.system {
        return Err(ApiError::bad("system_edit_unauthorized", "Cannot update a System attribute."));
    }
    let mut new = old.clone();
    new.title = optional_text(&data, "title")?.unwrap_or(new.title);
    new.slug = optional_text(&data, "api_slug")?.unwrap_or(new.slug);
    new.required = optional_switch(&data, "is_required")?.unwrap_or(new.required);
    new.unique = optional_switch(&data, "is_unique")?.unwrap_or(new.unique);
    new.archived = optional_switch(&data, "is_archived")?.unwrap_or(new.archived);
    if let Some(description) = data.get("description") {
        new.description = description.as_str().map(str::to_owned);
    }
    if data.contains_key("default_value") {
        new.default_value = default_value(&data)?;
    }
    check(owner, &new)?;
    if owner.attributes.iter().any(|a| a.id != new.id && a.slug == new.slug) {
        let message =
            "An attribute with the same API slug already exists on this object. Please choose a different API slug.";
        return Err(ApiError::conflict("slug_conflict", message));
    }
    if let Some(config) = data.get("config") {
        configure(&workspace, &mut new, config)?;
    }
    let id = new.id.to_string();
    *workspace.attribute_mut(&object, &attribute)? = new;
    let (object, attribute) = workspace.attribute(&object, &id)?;
    Ok(envelope(render(&workspace, object, attribute)))
}
