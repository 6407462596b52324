//! What a CRM user or an admin does in Attio's own pages, and the books.

use super::{
    State as Workspace,
    errors::ApiError,
    events::{self, Event},
    merge::{self, Survivor},
    model::{Actor, Object, Record},
    records, values,
    write::{self, Hand, Mode},
};
use crate::World;
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    CreateRecord,
    SetValue,
    SetValues,
    Press,
    MergeRecords,
    DeleteRecord,
    SetObjectLimit,
    SetSameValueWrites,
}

/// Plays an act of a workspace member; `member` (id or e-mail address) says who, else the first one.
///
/// - `{"act": "create_record", "object", "values"}`
/// - `{"act": "set_value", "object", "record_id", "attribute", "value"}`: one value, a list of them, or null to clear
/// - `{"act": "set_values", "object", "record_id", "values"}`
/// - `{"act": "press", "record_id", "action"}`: sets `sync_action`; `object` where it is not `subscriptions`
/// - `{"act": "merge_records", "object", "primary_record_id", "secondary_record_id"}`: into a new record, or with
///   `"survivor": "primary"` into that one
/// - `{"act": "delete_record", "object", "record_id"}`
/// - `{"act": "set_object_limit", "limit"}`: how many objects the plan allows, people and companies included; null: any
/// - `{"act": "set_same_value_writes", "renew"}`: whether writing the value that is held makes a new one, with an event
///
/// Values are resolved as the API does, and take the place of those held.
pub(super) fn play(world: &World, act: &Value) -> Result<Value, String> {
    let kind = Act::deserialize(&act["act"]).map_err(|e| format!("`act`: {e}"))?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let member = match act.get("member") {
        Some(key) => key.as_str().and_then(|key| workspace.member(key)),
        None => workspace.members.first(),
    };
    let member = member.ok_or("`member`: expected the id or e-mail address of a workspace member")?.id;
    let hand = Hand { actor: Actor::Member(member), now: world.clock.now() };
    let (record, news) = carry_out(&mut workspace, kind, act, hand)?;
    events::emit(world, &workspace, &news);
    let Some((object, record)) = record else { return Ok(json!({})) };
    let (object, record) = workspace.record(&object, &record).map_err(|e| e.to_string())?;
    Ok(records::render(&workspace, object, record))
}

/// Object and id of the record to show, if one is left, and what webhooks tell.
type Done = (Option<(String, String)>, Vec<Event>);

fn carry_out(workspace: &mut Workspace, kind: Act, act: &Value, hand: Hand) -> Result<Done, String> {
    let text = |field: &str| act[field].as_str().ok_or_else(|| format!("`{field}`: expected a text"));
    let values = || act["values"].as_object().ok_or("`values`: expected an object of attribute slugs".to_owned());
    let refused = |error: ApiError| error.to_string();
    let set = |workspace: &mut Workspace, object: &str, values: &Map<String, Value>| {
        let record = text("record_id")?;
        let news = write::update(workspace, object, record, values, Mode::Replace, hand).map_err(refused)?;
        Ok((Some((object.to_owned(), record.to_owned())), news))
    };
    let one = |attribute: &str, value: Value| Map::from_iter([(attribute.to_owned(), value)]);
    match kind {
        Act::CreateRecord => {
            let object = text("object")?;
            let (record, news) = write::create(workspace, object, values()?, hand).map_err(refused)?;
            Ok((Some((object.to_owned(), record.to_string())), news))
        }
        Act::SetValues => set(workspace, text("object")?, values()?),
        Act::SetValue => {
            let value = match act.get("value").ok_or("`value`: expected a value, a list of values, or null")? {
                Value::Null => json!([]),
                Value::Array(list) => json!(list),
                value => json!([value]),
            };
            set(workspace, text("object")?, &one(text("attribute")?, value))
        }
        Act::Press => {
            let object = act["object"].as_str().unwrap_or("subscriptions");
            set(workspace, object, &one("sync_action", json!([text("action")?])))
        }
        Act::MergeRecords => {
            let survivor = match act["survivor"].as_str() {
                None | Some("new") => Survivor::New,
                Some("primary") => Survivor::Primary,
                Some(_) => return Err("`survivor`: expected new or primary".to_owned()),
            };
            let (object, primary, secondary) =
                (text("object")?, text("primary_record_id")?, text("secondary_record_id")?);
            let (record, news) =
                merge::merge(workspace, object, primary, secondary, survivor, hand).map_err(refused)?;
            Ok((Some((object.to_owned(), record.to_string())), news))
        }
        Act::DeleteRecord => {
            let news = write::delete(workspace, text("object")?, text("record_id")?, hand).map_err(refused)?;
            Ok((None, news))
        }
        Act::SetObjectLimit => {
            let limit = act.get("limit").filter(|n| n.is_null() || n.is_u64());
            let limit = limit.ok_or("`limit`: expected a number from 0, or null")?;
            workspace.object_limit = limit.as_u64().and_then(|n| usize::try_from(n).ok());
            Ok((None, Vec::new()))
        }
        Act::SetSameValueWrites => {
            workspace.same_value_renews = act["renew"].as_bool().ok_or("`renew`: expected true or false")?;
            Ok((None, Vec::new()))
        }
    }
}

/// Records by object, newest last, with their current values in plain form; notes, tasks and webhooks.
pub(super) fn books(workspace: &Workspace) -> Value {
    let objects = workspace.objects.iter().map(|object| {
        let records = object.records.values().map(|record| line(object, record)).collect();
        (object.slug.clone(), Value::Array(records))
    });
    let notes = workspace.notes.iter().map(|note| {
        json!({ "note_id": note.id, "parent_record_id": note.record, "title": note.title, "content": note.content })
    });
    let tasks = workspace.tasks.iter().map(|task| {
        let linked: Vec<_> = task.linked.iter().map(|(_, record)| record).collect();
        json!({
            "task_id": task.id, "content": task.content, "is_completed": task.completed_at.is_some(), "linked_record_ids": linked,
            "assignees": task.assignees,
        })
    });
    let webhooks = workspace
        .webhooks
        .iter()
        .map(|w| json!({ "webhook_id": w.id, "target_url": w.target_url, "status": w.status }));
    json!({
        "records": objects.collect::<Map<_, _>>(),
        "notes": notes.collect::<Vec<_>>(),
        "tasks": tasks.collect::<Vec<_>>(),
        "webhooks": webhooks.collect::<Vec<_>>(),
        "members": workspace.members.iter().map(|m| json!({ "id": m.id, "email": m.email })).collect::<Vec<_>>(),
    })
}

/// One record: a single value stands by itself, several as a list; attributes without a value are left out.
fn line(object: &Object, record: &Record) -> Value {
    let held = object.attributes.iter().filter_map(|attribute| {
        let mut values = record.current(attribute.id).map(|cell| values::plain(attribute, &cell.datum));
        let first = values.next()?;
        let value = if attribute.multiple { std::iter::once(first).chain(values).collect() } else { first };
        Some((attribute.slug.clone(), value))
    });
    json!({ "record_id": record.id, "values": held.collect::<Map<_, _>>() })
}
