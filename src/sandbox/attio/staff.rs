//! What a CRM user does in Attio's own pages, and the books.

use super::{
    State as Workspace, events,
    model::{Actor, Object, Record},
    records, values,
    write::{self, Hand, Mode},
};
use crate::sandbox::World;
use serde_json::{Map, Value, json};

/// Plays an act of a workspace member.
///
/// `{"act": "create_record", "object", "values"}`, `{"act": "set_values", "object", "record_id", "values"}` (values take
/// the place of those held) and `{"act": "delete_record", "object", "record_id"}`; `member` (id or e-mail address) says
/// who, else the first one.
pub(super) fn play(world: &World, act: &Value) -> Result<Value, String> {
    let text = |field: &str| act[field].as_str().ok_or_else(|| format!("`{field}`: expected a text"));
    let mut workspace = world.attio.lock().expect("attio lock");
    let member = match act.get("member") {
        Some(key) => key.as_str().and_then(|key| workspace.member(key)),
        None => workspace.members.first(),
    };
    let member = member.ok_or("`member`: expected the id or e-mail address of a workspace member")?.id;
    let hand = Hand { actor: Actor::Member(member), now: world.clock.now() };
    let values = || act["values"].as_object().ok_or("`values`: expected an object of attribute slugs".to_owned());
    let object = || text("object");
    let (record, news) = match act["act"].as_str() {
        Some("create_record") => {
            let (record, news) =
                write::create(&mut workspace, object()?, values()?, hand).map_err(|e| e.to_string())?;
            (Some(record.to_string()), news)
        }
        Some("set_values") => {
            let record = text("record_id")?;
            let news = write::update(&mut workspace, object()?, record, values()?, Mode::Replace, hand)
                .map_err(|e| e.to_string())?;
            (Some(record.to_owned()), news)
        }
        Some("delete_record") => {
            (None, write::delete(&mut workspace, object()?, text("record_id")?, hand).map_err(|e| e.to_string())?)
        }
        _ => return Err("`act`: expected create_record, set_values or delete_record".to_owned()),
    };
    events::emit(world, &workspace, &news);
    let Some(record) = record else { return Ok(json!({})) };
    let (object, record) = workspace.record(object()?, &record).map_err(|e| e.to_string())?;
    Ok(records::render(&workspace, object, record))
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
            "task_id": task.id, "content": task.content, "is_completed": task.completed, "linked_record_ids": linked,
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
