//! Tags on records: added, removed, or the whole set written, on one record or many.

use super::call::{Answer, Call, Reply, Route, route};
use super::errors::{At, Refusal};
use super::external::External;
use super::ids::Id;
use super::tags::neither;
use super::watch::Operation;
use axum::http::StatusCode;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

/// Tags of a record.
const PER_RECORD: usize = 10;
/// Records of one call.
const RECORDS: usize = 500;

pub(super) const ROUTES: &[Route] = &[
    route("record.add_tags", MethodFilter::POST, "/{module}/{id}/actions/add_tags", add_to_one),
    route("record.remove_tags", MethodFilter::POST, "/{module}/{id}/actions/remove_tags", remove_from_one),
    route("records.add_tags", MethodFilter::POST, "/{module}/actions/add_tags", add_to_many),
    route("records.remove_tags", MethodFilter::POST, "/{module}/actions/remove_tags", remove_from_many),
];

/// What is done with a record's tags.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Add,
    Remove,
}

fn add_to_one(call: &mut Call<'_>) -> Answer {
    one(call, Act::Add)
}

fn remove_from_one(call: &mut Call<'_>) -> Answer {
    one(call, Act::Remove)
}

fn add_to_many(call: &mut Call<'_>) -> Answer {
    many(call, Act::Add)
}

fn remove_from_many(call: &mut Call<'_>) -> Answer {
    many(call, Act::Remove)
}

fn one(call: &mut Call<'_>, act: Act) -> Answer {
    let id = Value::from(call.param("id"));
    write(call, act, &[id])
}

fn many(call: &mut Call<'_>, act: Act) -> Answer {
    let at = At { within: "$", key: "ids" };
    let ids = match (call.object()?.remove("ids"), call.query("ids")) {
        (Some(Value::Array(ids)), _) => ids,
        (None, Some(text)) => text.split(',').map(|id| id.trim().into()).collect(),
        (None | Some(Value::Null), None) => return Err(Refusal::missing(&at)),
        (Some(_), _) => return Err(Refusal::mistyped(&at, "jsonarray")),
    };
    if ids.len() > RECORDS {
        return Err(Refusal::too_many(&at, RECORDS));
    }
    write(call, act, &ids)
}

fn write(call: &mut Call<'_>, act: Act, ids: &[Value]) -> Answer {
    let module = call.module()?;
    let external = External::of(call, module)?;
    let (list, body) = call.objects("tags", 100)?;
    let in_body = body.get("over_write").and_then(Value::as_bool);
    let over_write = act == Act::Add && (in_body == Some(true) || call.query("over_write") == Some("true"));
    let tags = match act {
        Act::Add => call.org.wanted_tags(module, &list, "$", "tags")?,
        Act::Remove => known_tags(call, module, &list)?,
    };
    if tags.len() > PER_RECORD {
        let details = At { within: "$", key: "tags" }.with("maximum_length", PER_RECORD.into());
        return Err(Refusal::invalid("invalid data", details));
    }
    let mut told = Vec::with_capacity(ids.len());
    let (mut written, mut locked) = (0_usize, 0_usize);
    for id in ids {
        let outcome = external.record(call.org.state, module, id).and_then(|id| {
            locked += usize::from(call.org.state.records[&id].locked);
            tag(call, id, act, over_write, &tags)
        });
        written += usize::from(outcome.is_ok());
        told.push(outcome.unwrap_or_else(|refusal| refusal.body()));
    }
    let status = match written {
        0 => StatusCode::BAD_REQUEST,
        _ if written < told.len() => StatusCode::MULTI_STATUS,
        _ => StatusCode::OK,
    };
    let body = json!({
        "data": told,
        "wf_scheduler": false,
        "success_count": written.to_string(),
        "locked_count": locked.to_string(),
    });
    Ok(Reply { status, body: Some(body) })
}

/// The tags to remove that there are; one that nobody knows is on no record.
fn known_tags(call: &Call<'_>, module: &'static str, list: &[Value]) -> Result<Vec<Id>, Refusal> {
    let mut known = Vec::new();
    for (at, one) in list.iter().enumerate() {
        let path = format!("$.tags[{at}]");
        match (one.get("id").filter(|id| !id.is_null()), one.get("name").and_then(Value::as_str)) {
            (Some(id), _) => known.push(call.org.tag_of(module, id, &path)?),
            (None, Some(name)) => known.extend(call.org.tag_named(module, name).map(|tag| tag.id)),
            (None, None) => return Err(neither(&path)),
        }
    }
    Ok(known)
}

/// Writes one record's tags, and answers its result.
fn tag(call: &mut Call<'_>, id: Id, act: Act, over_write: bool, tags: &[Id]) -> Result<Value, Refusal> {
    let record = &call.org.state.records[&id];
    if record.locked {
        let details = json!({ "id": id.to_string() });
        let message = "no permission to perform an action on this record";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "RECORD_LOCKED", message, details));
    }
    let module = record.module;
    let mut version = record.now().clone();
    let before = version.tags.clone();
    match act {
        Act::Add if over_write => version.tags = tags.to_vec(),
        Act::Add => version.tags.extend(tags.iter().filter(|tag| !before.contains(tag))),
        Act::Remove => version.tags.retain(|tag| !tags.contains(tag)),
    }
    if version.tags.len() > PER_RECORD {
        let details = At { within: "$", key: "tags" }.with("maximum_length", PER_RECORD.into());
        return Err(Refusal::invalid("invalid data", details));
    }
    let added: Vec<Id> = version.tags.iter().copied().filter(|tag| !before.contains(tag)).collect();
    if version.tags != before {
        call.org.save(id, version);
        call.org.changed(Operation::Update, module, id, &["Tag".to_owned()]);
        // The call has no `trigger`: workflows always run.
        call.org.run_rules(id, false, &["Tag".to_owned()], &added);
    }
    let state = &call.org.state;
    let held = state.records[&id].now().tags.iter().filter_map(|tag| state.tags.get(tag));
    let shown: Vec<Value> = held.map(super::tags::Tag::minified).collect();
    let details = json!({ "id": id.to_string(), "tags": shown });
    Ok(json!({ "code": "SUCCESS", "details": details, "message": "tags updated successfully", "status": "success" }))
}
