//! Records over HTTP.

use super::{
    State as Workspace,
    errors::{Answer, ApiError, Params, data, envelope, text},
    events, merge,
    merge::Survivor,
    model,
    model::{Actor, Object, Record},
    values,
    write::{self, Hand, Mode},
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

/// A record as it is read.
pub(super) fn render(workspace: &Workspace, object: &Object, record: &Record) -> Value {
    let values = object.attributes.iter().filter(|a| !a.archived).map(|attribute| {
        let held = record.current(attribute.id).map(|cell| values::render(workspace, object.id, attribute, cell));
        (attribute.slug.clone(), Value::Array(held.collect()))
    });
    json!({
        "id": { "workspace_id": workspace.workspace, "object_id": object.id, "record_id": record.id },
        "created_at": model::time(record.created_at),
        "web_url": format!("https://app.attio.com/sandbox/{}/{}/overview", object.slug, record.id),
        "values": values.collect::<Map<_, _>>(),
    })
}

fn written(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    match data(body)?.remove("values") {
        Some(Value::Object(values)) => Ok(values),
        _ => Err(ApiError::shape(&["data", "values"], "Required")),
    }
}

/// Writes of the API are the key's.
pub(super) fn hand(world: &World, workspace: &Workspace) -> Hand {
    Hand { actor: Actor::Token(workspace.token), now: world.clock.now() }
}

fn shown(workspace: &Workspace, object: &str, record: &str) -> Answer {
    let (object, record) = workspace.record(object, record)?;
    Ok(envelope(render(workspace, object, record)))
}

/// `POST /v2/objects/{object}/records`
pub(super) async fn create(State(world): State<Arc<World>>, Path(object): Path<String>, body: Bytes) -> Answer {
    let values = written(&body)?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let hand = hand(&world, &workspace);
    let (record, news) = write::create(&mut workspace, &object, &values, hand)?;
    events::emit(&world, &workspace, &news);
    shown(&workspace, &object, &record.to_string())
}

/// The query of an upsert.
#[derive(Debug, Deserialize)]
pub(super) struct Matching {
    matching_attribute: Option<String>,
}

/// `PUT /v2/objects/{object}/records`: creates the record, or updates the one that holds the matching value.
pub(super) async fn upsert(
    State(world): State<Arc<World>>,
    Path(object): Path<String>,
    Params(matching): Params<Matching>,
    body: Bytes,
) -> Answer {
    let values = written(&body)?;
    let key = matching.matching_attribute.ok_or_else(|| ApiError::shape(&["matching_attribute"], "Required"))?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let hand = hand(&world, &workspace);
    let owner = workspace.object(&object)?;
    let attribute = owner.attribute(&key).filter(|a| !a.archived).ok_or_else(|| {
        let message = format!("No attribute was found for matching_attribute slug/ID \"{key}\".");
        ApiError::bad("value_not_found", message)
    })?;
    if !attribute.unique {
        let message = format!("The matching attribute \"{key}\" is not unique.");
        return Err(ApiError::bad("matching_attribute_definition_not_unique", message));
    }
    let id = attribute.id;
    let given = values.get(&attribute.slug).or_else(|| values.get(&id.to_string()));
    let data = given.map(|v| values::parse(&workspace, attribute, v)).transpose()?.unwrap_or_default();
    if data.is_empty() {
        let message = format!("Required value for attribute with ID \"{id}\" was not provided.");
        return Err(ApiError::bad("missing_value", message));
    }
    let mut found: Vec<_> = data.iter().filter_map(|datum| values::holder(owner, attribute, datum, None)).collect();
    found.dedup();
    let (record, news) = match found[..] {
        [] => write::create(&mut workspace, &object, &values, hand)?,
        [record] => {
            let news = write::update(&mut workspace, &object, &record.to_string(), &values, Mode::Match(id), hand)?;
            (record, news)
        }
        _ => {
            let message = "The matching values are held by more than one record.";
            return Err(ApiError::bad("multiple_match_results", message));
        }
    };
    events::emit(&world, &workspace, &news);
    shown(&workspace, &object, &record.to_string())
}

fn change(world: &World, object: &str, record: &str, body: &[u8], mode: Mode) -> Answer {
    let values = written(body)?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let hand = hand(world, &workspace);
    let news = write::update(&mut workspace, object, record, &values, mode, hand)?;
    events::emit(world, &workspace, &news);
    shown(&workspace, object, record)
}

/// `PATCH /v2/objects/{object}/records/{record_id}`
pub(super) async fn append(
    State(world): State<Arc<World>>,
    Path((object, record)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    change(&world, &object, &record, &body, Mode::Append)
}

/// `PUT /v2/objects/{object}/records/{record_id}`
pub(super) async fn replace(
    State(world): State<Arc<World>>,
    Path((object, record)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    change(&world, &object, &record, &body, Mode::Replace)
}

/// `GET /v2/objects/{object}/records/{record_id}`
pub(super) async fn get(State(world): State<Arc<World>>, Path((object, record)): Path<(String, String)>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    shown(&workspace, &object, &record)
}

/// `DELETE /v2/objects/{object}/records/{record_id}`
pub(super) async fn delete(State(world): State<Arc<World>>, Path((object, record)): Path<(String, String)>) -> Answer {
    let mut workspace = world.attio.lock().expect("attio lock");
    let hand = hand(&world, &workspace);
    let news = write::delete(&mut workspace, &object, &record, hand)?;
    events::emit(&world, &workspace, &news);
    Ok(Json(json!({})))
}

/// `POST /v2/objects/{object}/records/merge`: the id of the record that both became.
pub(super) async fn merge(State(world): State<Arc<World>>, Path(object): Path<String>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let (primary, secondary) = (text(&data, "primary_record_id")?, text(&data, "secondary_record_id")?);
    let mut workspace = world.attio.lock().expect("attio lock");
    let hand = hand(&world, &workspace);
    let (record, news) = merge::merge(&mut workspace, &object, &primary, &secondary, Survivor::New, hand)?;
    events::emit(&world, &workspace, &news);
    Ok(envelope(json!({ "new_record_id": record })))
}

/// The query of a history.
#[derive(Debug, Deserialize)]
pub(super) struct Historic {
    #[serde(default, rename = "show_historic")]
    closed_too: bool,
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// `GET …/records/{record_id}/attributes/{attribute}/values`: oldest first.
pub(super) async fn history(
    State(world): State<Arc<World>>,
    Path((object, record, attribute)): Path<(String, String, String)>,
    Params(query): Params<Historic>,
) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let (object, record) = workspace.record(&object, &record)?;
    let attribute = object.attribute(&attribute).ok_or_else(|| ApiError::no_attribute(&attribute))?;
    let cells = record.cells.get(&attribute.id).into_iter().flatten();
    let page = cells
        .filter(|cell| query.closed_too || cell.until.is_none())
        .skip(query.offset)
        .take(query.limit.unwrap_or(usize::MAX));
    Ok(envelope(page.map(|cell| values::render(&workspace, object.id, attribute, cell)).collect::<Vec<_>>()))
}
