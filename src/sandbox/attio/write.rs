//! Writing records: required and unique values, adding against replacing, histories, and both sides of a relationship.
//! All is checked before anything is written.

use super::{
    State as Workspace,
    errors::ApiError,
    events::Event,
    model::{Actor, Attribute, Cell, Datum, Object, Record},
    values,
};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How values meet those that a multiselect attribute holds. Single values are overwritten in every mode.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mode {
    /// They are put in front (`PATCH`).
    Append,
    /// They take their place (`PUT` by id).
    Replace,
    /// They take their place, but the matching attribute only gains values (`PUT` with `matching_attribute`).
    Match(Uuid),
}

/// Who writes and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hand {
    pub(super) actor: Actor,
    pub(super) now: DateTime<Utc>,
}

/// What to write: the new values of attributes, newest first.
pub(super) type Plan = Vec<(Uuid, Vec<Datum>)>;

/// One attribute of one record.
#[derive(Debug, Clone, Copy)]
struct Place {
    object: Uuid,
    record: Uuid,
    attribute: Uuid,
}

/// Creates a record.
pub(super) fn create(
    workspace: &mut Workspace,
    object: &str,
    written: &Map<String, Value>,
    hand: Hand,
) -> Result<(Uuid, Vec<Event>), ApiError> {
    let owner = workspace.object(object)?;
    let mut plan = read(workspace, owner, written)?;
    for attribute in owner.attributes.iter().filter(|a| !a.archived) {
        let given = plan.iter().any(|(id, _)| *id == attribute.id);
        if let (false, Some(default)) = (given, &attribute.default_value) {
            plan.push((attribute.id, values::parse(workspace, attribute, &json!(default))?));
        }
    }
    let has = |a: &Attribute| plan.iter().any(|(id, data)| *id == a.id && !data.is_empty());
    if let Some(lacking) = owner.attributes.iter().find(|a| a.required && !a.archived && !has(a)) {
        return Err(missing(lacking));
    }
    unique(owner, &plan, None)?;
    let (object, record) = (owner.id, Uuid::now_v7());
    plan.extend(system_values(owner, record, hand));
    if let Some(owner) = workspace.objects.iter_mut().find(|o| o.id == object) {
        owner.records.insert(record, Record { id: record, created_at: hand.now, cells: BTreeMap::new() });
    }
    let mut events = vec![Event::record("record.created", workspace.workspace, object, record, hand.actor)];
    // Its own values are part of the creation; only the other sides of relationships are updates.
    let touched = commit(workspace, object, record, plan, hand);
    let others = touched.iter().filter(|place| place.record != record);
    events.extend(others.map(|place| updated(workspace, *place, hand.actor)));
    Ok((record, events))
}

/// Changes a record.
pub(super) fn update(
    workspace: &mut Workspace,
    object: &str,
    record: &str,
    written: &Map<String, Value>,
    mode: Mode,
    hand: Hand,
) -> Result<Vec<Event>, ApiError> {
    let (owner, old) = workspace.record(object, record)?;
    let mut plan = read(workspace, owner, written)?;
    for (id, data) in &mut plan {
        let Some(attribute) = owner.attributes.iter().find(|a| a.id == *id) else { continue };
        let gains = match mode {
            Mode::Append => true,
            Mode::Replace => false,
            Mode::Match(matching) => matching == *id,
        };
        if gains && attribute.multiple && !data.is_empty() {
            let kept: Vec<Datum> = old.current(*id).map(|cell| cell.datum.clone()).collect();
            data.extend(
                kept.into_iter()
                    .filter(|kept| !data.iter().any(|new| values::same(attribute.kind, new, kept)))
                    .collect::<Vec<_>>(),
            );
        }
        if attribute.required && data.is_empty() {
            return Err(missing(attribute));
        }
    }
    unique(owner, &plan, Some(old.id))?;
    let (object, record) = (owner.id, old.id);
    let touched = commit(workspace, object, record, plan, hand);
    Ok(touched.into_iter().map(|place| updated(workspace, place, hand.actor)).collect())
}

/// Removes a record and every reference to it.
pub(super) fn delete(
    workspace: &mut Workspace,
    object: &str,
    record: &str,
    hand: Hand,
) -> Result<Vec<Event>, ApiError> {
    let (owner, old) = workspace.record(object, record)?;
    let (object, record) = (owner.id, old.id);
    for other in &mut workspace.objects {
        other.records.retain(|id, _| *id != record);
        let cells = other.records.values_mut().flat_map(|r| r.cells.values_mut()).flatten();
        for cell in cells.filter(|c| c.until.is_none() && c.datum.target() == Some(record)) {
            cell.until = Some(hand.now);
        }
    }
    Ok(vec![Event::record("record.deleted", workspace.workspace, object, record, hand.actor)])
}

/// Resolves and reads what is written, in the order of the request.
fn read(workspace: &Workspace, object: &Object, written: &Map<String, Value>) -> Result<Plan, ApiError> {
    let one = |(key, value): (&String, &Value)| {
        let attribute = object.attribute(key).filter(|a| !a.archived).ok_or_else(|| {
            ApiError::bad("value_not_found", format!("Cannot find attribute with slug/ID \"{key}\"."))
        })?;
        if !attribute.writable {
            let message = format!("Cannot write to the System attribute \"{key}\".");
            return Err(ApiError::bad("system_edit_unauthorized", message));
        }
        Ok((attribute.id, values::parse(workspace, attribute, value)?))
    };
    written.iter().map(one).collect()
}

fn missing(attribute: &Attribute) -> ApiError {
    let message = format!("Required value for attribute with ID \"{}\" was not provided.", attribute.id);
    ApiError::bad("missing_value", message)
}

fn unique(object: &Object, plan: &Plan, except: Option<Uuid>) -> Result<(), ApiError> {
    for (id, data) in plan {
        let Some(attribute) = object.attributes.iter().find(|a| a.id == *id && a.unique) else { continue };
        if let Some(holder) = data.iter().find_map(|datum| values::holder(object, attribute, datum, except)) {
            let message = format!(
                "The value provided for the unique attribute with ID \"{id}\" is already held by the record with ID \
                 \"{holder}\"."
            );
            return Err(ApiError::bad("uniqueness_conflict", message));
        }
    }
    Ok(())
}

pub(super) fn system_values(object: &Object, record: Uuid, hand: Hand) -> Plan {
    let (actor_type, actor_id) = hand.actor.parts();
    let values = [
        ("record_id", json!({ "value": record })),
        ("created_at", json!({ "value": super::model::time(hand.now) })),
        ("created_by", json!({ "referenced_actor_type": actor_type, "referenced_actor_id": actor_id })),
    ];
    let datum = |(slug, value): (&str, Value)| {
        let Value::Object(fields) = value else { return None };
        Some((object.attribute(slug)?.id, vec![Datum::Fields(fields)]))
    };
    values.into_iter().filter_map(datum).collect()
}

/// Writes a checked plan; the places that really changed, other sides included.
fn commit(workspace: &mut Workspace, object: Uuid, record: Uuid, plan: Plan, hand: Hand) -> Vec<Place> {
    let mut touched = Vec::new();
    for (attribute, data) in plan {
        let place = Place { object, record, attribute };
        let before = targets(workspace, place);
        if assign(workspace, place, &data, hand) {
            touched.push(place);
            touched.extend(mirror(workspace, place, &before, hand));
        }
    }
    touched
}

/// Closes what is no longer held and opens what is new; a same-value write changes nothing, unless the workspace is set to
/// renew.
fn assign(workspace: &mut Workspace, place: Place, data: &[Datum], hand: Hand) -> bool {
    let renews = workspace.same_value_renews;
    let Some(record) = record_mut(workspace, place.object, place.record) else { return false };
    let cells = record.cells.entry(place.attribute).or_default();
    let mut changed = false;
    for cell in cells.iter_mut().filter(|c| c.until.is_none() && (renews || !data.contains(&c.datum))) {
        cell.until = Some(hand.now);
        changed = true;
    }
    for datum in data.iter().rev() {
        if !cells.iter().any(|c| c.until.is_none() && c.datum == *datum) {
            cells.push(Cell { from: hand.now, until: None, actor: hand.actor, datum: datum.clone() });
            changed = true;
        }
    }
    changed
}

/// Brings the other side of a two-way reference in line.
fn mirror(workspace: &mut Workspace, place: Place, before: &[Uuid], hand: Hand) -> Vec<Place> {
    let Some(owner) = workspace.object_by_id(place.object) else { return Vec::new() };
    let side = owner.attributes.iter().find(|a| a.id == place.attribute).and_then(|a| a.other_side);
    let Some((object, attribute)) = side else { return Vec::new() };
    let back = values::target(&owner.slug, place.record);
    let Some(other) = workspace.object_by_id(object) else { return Vec::new() };
    let multiple = other.attributes.iter().any(|a| a.id == attribute && a.multiple);
    let forward_slug = other.slug.clone();
    let after = targets(workspace, place);
    let mut touched = Vec::new();
    for gone in before.iter().filter(|id| !after.contains(id)) {
        touched.extend(remove(workspace, Place { object, record: *gone, attribute }, &back, hand));
    }
    for come in after.iter().filter(|id| !before.contains(id)) {
        let there = Place { object, record: *come, attribute };
        // A single-value side lets go of the one it held, and that one of it.
        for displaced in targets(workspace, there).into_iter().filter(|id| !multiple && *id != place.record) {
            let forward = values::target(&forward_slug, *come);
            touched.extend(remove(workspace, Place { record: displaced, ..place }, &forward, hand));
        }
        let mut data = vec![back.clone()];
        if multiple {
            data.extend(current(workspace, there).into_iter().filter(|datum| *datum != back));
        }
        if assign(workspace, there, &data, hand) {
            touched.push(there);
        }
    }
    touched
}

fn remove(workspace: &mut Workspace, place: Place, datum: &Datum, hand: Hand) -> Option<Place> {
    let kept: Vec<Datum> = current(workspace, place).into_iter().filter(|held| held != datum).collect();
    assign(workspace, place, &kept, hand).then_some(place)
}

fn current(workspace: &Workspace, place: Place) -> Vec<Datum> {
    let record = workspace.object_by_id(place.object).and_then(|o| o.records.get(&place.record));
    record.map(|r| r.current(place.attribute).map(|c| c.datum.clone()).collect()).unwrap_or_default()
}

/// The records that a reference points to now.
fn targets(workspace: &Workspace, place: Place) -> Vec<Uuid> {
    current(workspace, place).iter().filter_map(Datum::target).collect()
}

fn record_mut(workspace: &mut Workspace, object: Uuid, record: Uuid) -> Option<&mut Record> {
    workspace.objects.iter_mut().find(|o| o.id == object)?.records.get_mut(&record)
}

fn updated(workspace: &Workspace, place: Place, actor: Actor) -> Event {
    Event::record("record.updated", workspace.workspace, place.object, place.record, actor)
        .with_id("attribute_id", place.attribute)
}
