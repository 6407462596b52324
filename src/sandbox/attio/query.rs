//! `POST /v2/objects/{object}/records/query`: filters, sorts and pages.

use super::{
    State as Workspace,
    errors::{Answer, ApiError, envelope, object as body_object},
    model::{Attribute, Datum, Object, Record, Type, time},
    records, values,
};
use crate::{
    World,
    faults::{Kind, Vendor},
};
use axum::{
    body::Bytes,
    extract::{Path, State},
};
use chrono::{DateTime, TimeDelta};
use serde_json::{Map, Value};
use std::{cmp::Ordering, sync::Arc};
use uuid::Uuid;

/// Records per page where no limit is given.
const PAGE: usize = 500;
const OPERATORS: [&str; 10] =
    ["$eq", "$in", "$not_empty", "$contains", "$starts_with", "$ends_with", "$lt", "$lte", "$gte", "$gt"];

type Found<T> = Result<T, ApiError>;

/// Answers a page of the records that pass the filter.
pub(super) async fn query(State(world): State<Arc<World>>, Path(key): Path<String>, body: Bytes) -> Answer {
    let order = body_object(&body)?;
    let number = |field: &str| match order.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(n) => whole(n).map(Some).ok_or_else(|| ApiError::shape(&[field], "Expected a number from 0")),
    };
    let (limit, offset) = (number("limit")?.unwrap_or(PAGE), number("offset")?.unwrap_or(0));
    let workspace = world.attio.lock().expect("attio lock");
    let object = workspace.object(&key)?;
    let text = String::from_utf8_lossy(&body);
    let late = world.faults.strike(Vendor::Attio, "record.query", &text, |k| matches!(k, Kind::LateIndex { .. }));
    let seen_until = match late {
        Some(Kind::LateIndex { seconds }) => Some(world.clock.now() - TimeDelta::seconds(seconds)),
        _ => None,
    };
    let mut found = Vec::new();
    // An empty object still refuses a wrong filter.
    let empty = Record { id: Uuid::nil(), created_at: DateTime::UNIX_EPOCH, cells: std::collections::BTreeMap::new() };
    let filter = order.get("filter").filter(|f| !f.is_null());
    for record in [&empty].into_iter().chain(object.records.values()) {
        let passes = filter.map_or(Ok(true), |f| passes(&workspace, object, record, f))?;
        let indexed = seen_until.is_none_or(|until| record.created_at <= until);
        if passes && indexed && record.id != empty.id {
            found.push(record);
        }
    }
    sort(&workspace, object, &mut found, order.get("sorts"))?;
    let page = found.into_iter().skip(offset).take(limit);
    Ok(envelope(page.map(|record| records::render(&workspace, object, record)).collect::<Vec<_>>()))
}

/// A JSON number has no form of its own for what is whole: clients write `5` and `5.0`.
fn whole(number: &Value) -> Option<usize> {
    let text = number.as_number()?.to_string();
    let (digits, fraction) = text.split_once('.').unwrap_or((&text, ""));
    digits.parse().ok().filter(|_| fraction.bytes().all(|digit| digit == b'0'))
}

fn wrong(code: &str, message: impl Into<String>) -> ApiError {
    ApiError::bad(code, message)
}

/// All conditions of one filter object.
fn passes(workspace: &Workspace, object: &Object, record: &Record, filter: &Value) -> Found<bool> {
    let conditions = filter.as_object().ok_or_else(|| wrong("filter_error", "Error in filter."))?;
    if let Some(path) = conditions.get("path") {
        return along(workspace, object, record, path, conditions.get("constraints").unwrap_or(&Value::Null));
    }
    let mut all = true;
    for (key, condition) in conditions {
        all &= match key.as_str() {
            "$and" | "$or" => {
                let parts = condition.as_array().ok_or_else(|| wrong("filter_error", "Error in filter."))?;
                // Every part is read, so that a wrong one is refused whatever the others say.
                let parts = parts.iter().map(|p| passes(workspace, object, record, p)).collect::<Found<Vec<_>>>()?;
                if key == "$and" { parts.iter().all(|p| *p) } else { parts.iter().any(|p| *p) }
            }
            "$not" if condition.get("$or").is_some() || condition.get("$and").is_some() => {
                return Err(wrong("filter_error", "$not takes a single condition."));
            }
            "$not" => !passes(workspace, object, record, condition)?,
            slug => {
                let attribute = attribute(object, slug)?;
                let held: Vec<&Datum> = record.current(attribute.id).map(|cell| &cell.datum).collect();
                constraint(attribute, &held, condition)?
            }
        };
    }
    Ok(all)
}

fn attribute<'a>(object: &'a Object, key: &str) -> Found<&'a Attribute> {
    object.attribute(key).ok_or_else(|| {
        let message = format!("Unknown attribute slug \"{key}\" on object \"{}\".", object.slug);
        wrong("unknown_filter_attribute_slug", message)
    })
}

/// `[["subscriptions", "plan"], ["service_plans", "code"]]`: follows references from record to record.
fn along(workspace: &Workspace, object: &Object, record: &Record, path: &Value, constraints: &Value) -> Found<bool> {
    let error = || wrong("filter_error", "Error in filter: a path is a list of [object, attribute] pairs.");
    let steps = path.as_array().filter(|steps| !steps.is_empty()).ok_or_else(error)?;
    let mut at: Vec<&Record> = vec![record];
    let mut here = object;
    for (n, step) in steps.iter().enumerate() {
        let [Some(object_key), Some(slug)] = [step[0].as_str(), step[1].as_str()] else { return Err(error()) };
        let there = workspace.object(object_key).map_err(|_| error())?;
        if n == 0 && there.id != here.id {
            return Err(error());
        }
        here = there;
        let attribute = attribute(here, slug)?;
        let held = at.iter().flat_map(|r| r.current(attribute.id)).map(|cell| &cell.datum);
        let Some(next) = steps.get(n + 1) else { return constraint(attribute, &held.collect::<Vec<_>>(), constraints) };
        let next = workspace.object(next[0].as_str().unwrap_or_default()).map_err(|_| error())?;
        let targets: Vec<Uuid> = held.filter_map(Datum::target).collect();
        at = targets.iter().filter_map(|id| next.records.get(id)).collect();
    }
    Ok(false)
}

/// A shorthand value, operators, or properties with either; true if one held value satisfies all of it.
fn constraint(attribute: &Attribute, held: &[&Datum], condition: &Value) -> Found<bool> {
    let Some(parts) = condition.as_object() else { return operator(attribute, None, held, "$eq", condition) };
    let mut all = true;
    for (key, value) in parts {
        all &= if key.starts_with('$') {
            operator(attribute, None, held, key, value)?
        } else {
            property(attribute, key)?;
            match value.as_object() {
                Some(operators) => {
                    let each = operators.iter().map(|(op, v)| operator(attribute, Some(key), held, op, v));
                    each.collect::<Found<Vec<_>>>()?.iter().all(|holds| *holds)
                }
                None => operator(attribute, Some(key), held, "$eq", value)?,
            }
        };
    }
    Ok(all)
}

/// The properties that a type can be filtered by.
fn property(attribute: &Attribute, key: &str) -> Found<()> {
    let known: &[&str] = match attribute.kind {
        Type::Status | Type::Select => &["title"],
        Type::Currency => &["currency_value", "currency_code"],
        Type::RecordReference => &["target_object", "target_record_id"],
        Type::ActorReference => &["referenced_actor_type", "referenced_actor_id"],
        Type::Location => &["locality", "region", "postcode", "country_code", "line_1", "line_2", "line_3", "line_4"],
        Type::Domain => &["domain", "root_domain"],
        Type::EmailAddress => {
            &["original_email_address", "email_address", "email_domain", "email_root_domain", "email_local_specifier"]
        }
        Type::PhoneNumber => &["phone_number", "country_code"],
        Type::PersonalName => &["first_name", "last_name", "full_name"],
        Type::Text | Type::Number | Type::Checkbox | Type::Date | Type::Timestamp | Type::Rating => &["value"],
    };
    if known.contains(&key) {
        return Ok(());
    }
    let message = format!("Invalid filter field \"{key}\" for attribute \"{}\".", attribute.slug);
    Err(wrong("invalid_filter_field", message))
}

fn operator(attribute: &Attribute, property: Option<&str>, held: &[&Datum], op: &str, wanted: &Value) -> Found<bool> {
    let choice = matches!(attribute.kind, Type::Status | Type::Select);
    // `$in` is refused for choices: seen at the real API, which wants `$or` of `$eq` there.
    if !OPERATORS.contains(&op) || (choice && op == "$in") {
        let message = format!("Invalid operator \"{op}\" for attribute \"{}\".", attribute.slug);
        return Err(wrong("invalid_filter_operator", message));
    }
    if op == "$not_empty" {
        return Ok(held.is_empty() != wanted.as_bool().unwrap_or(true));
    }
    if attribute.kind == Type::Location && property.is_none() {
        return Err(wrong("invalid_filter_field", "A location is filtered by one of its fields."));
    }
    if choice && op == "$eq" && wanted.as_str().is_none_or(|key| attribute.choice(key).is_none()) {
        let message = format!("Unknown value {wanted} for attribute \"{}\".", attribute.slug);
        return Err(wrong("value_not_found", message));
    }
    Ok(held.iter().any(|datum| holds(attribute, property, datum, op, wanted)))
}

fn holds(attribute: &Attribute, property: Option<&str>, datum: &Datum, op: &str, wanted: &Value) -> bool {
    if let (Datum::Choice(id), "$eq") = (datum, op) {
        return wanted.as_str().and_then(|key| attribute.choice(key)).is_some_and(|c| c.id == *id);
    }
    let value = match property.and_then(|key| datum.field(key)) {
        Some(field) => field.clone(),
        None => values::plain(attribute, datum),
    };
    let lower = |v: &Value| v.as_str().unwrap_or_default().to_lowercase();
    let ordering = compare(attribute.kind, &value, wanted);
    match op {
        "$eq" => ordering == Some(Ordering::Equal),
        "$in" => wanted
            .as_array()
            .is_some_and(|any| any.iter().any(|w| compare(attribute.kind, &value, w) == Some(Ordering::Equal))),
        "$contains" => lower(&value).contains(&lower(wanted)),
        "$starts_with" => lower(&value).starts_with(&lower(wanted)),
        "$ends_with" => lower(&value).ends_with(&lower(wanted)),
        "$lt" => ordering == Some(Ordering::Less),
        "$lte" => matches!(ordering, Some(Ordering::Less | Ordering::Equal)),
        "$gt" => ordering == Some(Ordering::Greater),
        _ => matches!(ordering, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// None where the two cannot be compared.
fn compare(kind: Type, value: &Value, wanted: &Value) -> Option<Ordering> {
    // A reference may be named as it is written: `{"target_object": …, "target_record_id": …}`.
    let wanted = wanted.get("target_record_id").unwrap_or(wanted);
    match (value, wanted) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::String(a), Value::String(b)) => match kind {
            Type::Timestamp => {
                let moment = DateTime::parse_from_rfc3339(b).map(|t| time(t.to_utc()));
                Some(a.as_str().cmp(moment.as_deref().unwrap_or(b)))
            }
            Type::EmailAddress | Type::Domain => Some(a.to_lowercase().cmp(&b.to_lowercase())),
            _ => Some(a.cmp(b)),
        },
        _ => None,
    }
}

/// By each sort in turn; records without a value come last, and equals stay in order of creation.
fn sort(workspace: &Workspace, object: &Object, found: &mut [&Record], sorts: Option<&Value>) -> Found<()> {
    let error = || wrong("filter_error", "Error in sorts: each names an attribute and a direction.");
    let sorts = match sorts {
        None | Some(Value::Null) => return Ok(()),
        Some(sorts) => sorts.as_array().ok_or_else(error)?,
    };
    let mut keys: Vec<(&Attribute, Option<&str>, bool)> = Vec::new();
    for one in sorts.iter().filter_map(Value::as_object) {
        let slug = sort_slug(workspace, object, one).ok_or_else(error)?;
        let down = match one.get("direction").and_then(Value::as_str) {
            Some("asc") => false,
            Some("desc") => true,
            _ => return Err(error()),
        };
        keys.push((attribute(object, slug)?, one.get("field").and_then(Value::as_str), down));
    }
    let value = |record: &Record, attribute: &Attribute, field: Option<&str>| {
        let datum = &record.current(attribute.id).next()?.datum;
        Some(field.and_then(|f| datum.field(f)).cloned().unwrap_or_else(|| values::plain(attribute, datum)))
    };
    found.sort_by(|a, b| {
        keys.iter().fold(Ordering::Equal, |so_far, (attribute, field, down)| {
            so_far.then_with(|| match (value(a, attribute, *field), value(b, attribute, *field)) {
                (Some(a), Some(b)) => {
                    let ordering = compare(attribute.kind, &a, &b).unwrap_or(Ordering::Equal);
                    if *down { ordering.reverse() } else { ordering }
                }
                (a, b) => b.is_some().cmp(&a.is_some()),
            })
        })
    });
    Ok(())
}

/// The attribute of `attribute`, or of a `path` of one step on the object itself.
fn sort_slug<'a>(workspace: &Workspace, object: &Object, sort: &'a Map<String, Value>) -> Option<&'a str> {
    if let Some(slug) = sort.get("attribute") {
        return slug.as_str();
    }
    let [step] = sort.get("path")?.as_array()?.as_slice() else { return None };
    let owner = workspace.object(step[0].as_str()?).ok()?;
    (owner.id == object.id).then(|| step[1].as_str())?
}
