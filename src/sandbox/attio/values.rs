//! Attribute values: reading what is written, type by type, and writing what is read.

use super::{
    State as Workspace, choices,
    errors::ApiError,
    model::{Attribute, Cell, Datum, Object, Record, Type, time},
};
use chrono::{DateTime, NaiveDate};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// The keys of a location; all are required, nulls included.
const LOCATION: [&str; 10] =
    ["line_1", "line_2", "line_3", "line_4", "locality", "region", "postcode", "country_code", "latitude", "longitude"];

/// Countries by how their numbers begin, of those that are played here; the longer prefix first.
const CALLING_CODES: [(&str, &str); 24] = [
    ("+351", "PT"),
    ("+352", "LU"),
    ("+353", "IE"),
    ("+358", "FI"),
    ("+420", "CZ"),
    ("+30", "GR"),
    ("+31", "NL"),
    ("+32", "BE"),
    ("+33", "FR"),
    ("+34", "ES"),
    ("+36", "HU"),
    ("+39", "IT"),
    ("+41", "CH"),
    ("+43", "AT"),
    ("+44", "GB"),
    ("+45", "DK"),
    ("+46", "SE"),
    ("+47", "NO"),
    ("+48", "PL"),
    ("+49", "DE"),
    ("+61", "AU"),
    ("+81", "JP"),
    ("+91", "IN"),
    ("+1", "US"),
];

/// The country of a number that begins with its prefix, as Attio tells it by itself.
fn country_of(number: &str) -> Option<&'static str> {
    CALLING_CODES.iter().find(|(prefix, _)| number.starts_with(prefix)).map(|(_, country)| *country)
}

/// Reads the values written to one attribute, newest first as they stand in the request. An empty list or an empty text
/// clears; a bare scalar is taken for a single-value attribute only.
pub(super) fn parse(workspace: &Workspace, attribute: &Attribute, written: &Value) -> Result<Vec<Datum>, ApiError> {
    let wrong = |message: &str| ApiError::shape(&["data", "values", &attribute.slug], message);
    let list = match written {
        Value::Array(list) => list.clone(),
        Value::Null => return Err(wrong("Expected array, received null")),
        _ if attribute.multiple => return Err(wrong("Expected array")),
        scalar => vec![scalar.clone()],
    };
    let mut data: Vec<Datum> = Vec::with_capacity(list.len());
    for value in list.iter().filter(|v| v.as_str() != Some("")) {
        let datum =
            parse_one(workspace, attribute, value).ok_or_else(|| wrong("Invalid value for this attribute"))??;
        if !data.contains(&datum) {
            data.push(datum);
        }
    }
    if data.len() > 1 && !attribute.multiple {
        let message = format!("Attribute with slug \"{}\" accepts a single value.", attribute.slug);
        return Err(ApiError::bad("multiple_values_for_single_value_attribute", message));
    }
    Ok(data)
}

/// None: the value's shape does not fit the type.
fn parse_one(workspace: &Workspace, attribute: &Attribute, value: &Value) -> Option<Result<Datum, ApiError>> {
    let plain = value.get("value").unwrap_or(value);
    let fields = match attribute.kind {
        Type::Text => json!({ "value": plain.as_str()? }),
        Type::Number | Type::Rating => json!({ "value": plain.as_number()? }),
        Type::Checkbox => json!({ "value": plain.as_bool()? }),
        Type::Currency => {
            let amount = value.get("currency_value").unwrap_or(plain).as_number()?;
            if amount.to_string().split_once('.').is_some_and(|(_, decimals)| decimals.len() > 4) {
                return None;
            }
            json!({ "currency_value": amount, "currency_code": attribute.currency })
        }
        Type::Date => {
            let day = plain.as_str()?;
            json!({ "value": day.get(..10)?.parse::<NaiveDate>().ok()?.to_string() })
        }
        Type::Timestamp => {
            json!({ "value": time(DateTime::parse_from_rfc3339(plain.as_str()?).ok()?.to_utc()) })
        }
        Type::Status | Type::Select => return choice(attribute, value),
        Type::RecordReference => return reference(workspace, attribute, value),
        Type::ActorReference => return actor(workspace, value),
        Type::Location => {
            let given = value.as_object()?;
            let parts = LOCATION.iter().map(|key| given.get(*key).map(|v| ((*key).to_owned(), v.clone())));
            Value::Object(parts.collect::<Option<Map<_, _>>>()?)
        }
        Type::Domain => domain(value.get("domain").unwrap_or(value).as_str()?)?,
        Type::EmailAddress => email(value.get("email_address").unwrap_or(value).as_str()?)?,
        Type::PhoneNumber => {
            let number = value.get("original_phone_number").unwrap_or(value).as_str()?;
            let digits: String = number.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
            json!({
                "original_phone_number": number,
                "country_code": value.get("country_code").cloned().unwrap_or_else(|| country_of(&digits).into()),
                "phone_number": digits,
            })
        }
        Type::PersonalName => {
            let part = |key: &str| value.get(key).and_then(Value::as_str);
            json!({
                "first_name": part("first_name")?,
                "last_name": part("last_name")?,
                "full_name": part("full_name")?,
            })
        }
    };
    let Value::Object(fields) = fields else { return None };
    Some(Ok(Datum::Fields(fields)))
}

/// By exact title or id, bare or under `status` or `option`; never made on the fly.
fn choice(attribute: &Attribute, value: &Value) -> Option<Result<Datum, ApiError>> {
    let (key, kind) =
        if attribute.kind == Type::Status { ("status", "status option") } else { ("option", "select option") };
    let title = value.get(key).unwrap_or(value).as_str()?;
    let name = if attribute.kind == Type::Status { "status" } else { "select" };
    Some(attribute.choice(title).filter(|c| !c.archived).map(|c| Datum::Choice(c.id)).ok_or_else(|| {
        ApiError::bad("value_not_found", format!("Cannot find {name} attribute with {kind} title \"{title}\"."))
    }))
}

/// By record id, or by a value of a unique attribute of the target; never creates the target.
fn reference(workspace: &Workspace, attribute: &Attribute, value: &Value) -> Option<Result<Datum, ApiError>> {
    let given = value.as_object()?;
    let key = given.get("target_object")?.as_str()?;
    let Ok(object) = workspace.object(key) else {
        return Some(Err(missing(format!("Object with slug/ID \"{key}\" not found."))));
    };
    if attribute.allowed.as_ref().is_some_and(|allowed| !allowed.contains(&object.id)) {
        return Some(Err(missing(format!("Records of object \"{key}\" cannot be referenced by this attribute."))));
    }
    let record = if let Some(id) = given.get("target_record_id") {
        let id: Uuid = id.as_str()?.parse().ok()?;
        object.records.contains_key(&id).then_some(id)
    } else {
        let (slug, wanted) = given.iter().find(|(key, _)| *key != "target_object")?;
        let unique = object.attribute(slug).filter(|a| a.unique)?;
        let wanted = parse_one(workspace, unique, wanted.as_array()?.first()?)?.ok()?;
        holder(object, unique, &wanted, None)
    };
    Some(
        record
            .map(|id| target(&object.slug, id))
            .ok_or_else(|| missing("Could not find the referenced record.".to_owned())),
    )
}

fn missing(message: String) -> ApiError {
    ApiError::bad("value_not_found", message)
}

/// A reference's value.
pub(super) fn target(object: &str, record: Uuid) -> Datum {
    Datum::Fields(Map::from_iter([
        ("target_object".to_owned(), json!(object)),
        ("target_record_id".to_owned(), json!(record)),
    ]))
}

/// A workspace member by id or e-mail address.
fn actor(workspace: &Workspace, value: &Value) -> Option<Result<Datum, ApiError>> {
    let key = match value.get("workspace_member_email_address") {
        Some(email) => email.as_str()?,
        None if value.get("referenced_actor_type")? == "workspace-member" => {
            value.get("referenced_actor_id")?.as_str()?
        }
        None => return None,
    };
    let member = workspace.member(key).map(|m| person(m.id));
    Some(member.ok_or_else(|| missing(format!("Workspace member \"{key}\" not found."))))
}

/// A reference to a workspace member.
pub(super) fn person(member: Uuid) -> Datum {
    Datum::Fields(Map::from_iter([
        ("referenced_actor_type".to_owned(), json!("workspace-member")),
        ("referenced_actor_id".to_owned(), json!(member)),
    ]))
}

fn domain(written: &str) -> Option<Value> {
    let host = written.trim().trim_start_matches("https://").trim_start_matches("http://").to_lowercase();
    let host = host.split('/').next()?.trim_start_matches("www.").to_owned();
    let labels: Vec<&str> = host.split('.').collect();
    if labels.len() < 2 || labels.iter().any(|label| label.is_empty() || label.contains(' ')) {
        return None;
    }
    Some(json!({ "domain": host, "root_domain": root(&labels) }))
}

fn email(written: &str) -> Option<Value> {
    let address = written.trim().to_lowercase();
    let (local, host) = address.split_once('@')?;
    let labels: Vec<&str> = host.split('.').collect();
    if local.is_empty() || labels.len() < 2 || labels.iter().any(|l| l.is_empty()) || address.contains(' ') {
        return None;
    }
    Some(json!({
        "original_email_address": written,
        "email_address": address,
        "email_domain": host,
        "email_root_domain": root(&labels),
        "email_local_specifier": local,
    }))
}

/// The last two labels; enough for the names that a sandbox sees.
fn root(labels: &[&str]) -> String {
    labels[labels.len().saturating_sub(2)..].join(".")
}

/// Whether two values of a unique attribute are the same.
pub(super) fn same(kind: Type, one: &Datum, other: &Datum) -> bool {
    let key = match kind {
        Type::EmailAddress => "email_address",
        Type::Domain => "domain",
        Type::PhoneNumber => "phone_number",
        _ => return one == other,
    };
    one.field(key) == other.field(key)
}

/// The record that holds a value of a unique attribute.
pub(super) fn holder(object: &Object, attribute: &Attribute, datum: &Datum, except: Option<Uuid>) -> Option<Uuid> {
    let holds = |record: &&Record| {
        Some(record.id) != except && record.current(attribute.id).any(|cell| same(attribute.kind, &cell.datum, datum))
    };
    object.records.values().find(holds).map(|record| record.id)
}

/// One value as it is read.
pub(super) fn render(workspace: &Workspace, object: Uuid, attribute: &Attribute, cell: &Cell) -> Value {
    let mut value = Map::from_iter([
        ("active_from".to_owned(), json!(time(cell.from))),
        ("active_until".to_owned(), cell.until.map_or(Value::Null, |t| json!(time(t)))),
        ("created_by_actor".to_owned(), cell.actor.json()),
    ]);
    match &cell.datum {
        Datum::Fields(fields) => value.extend(fields.clone()),
        Datum::Choice(id) => {
            let key = if attribute.kind == Type::Status { "status" } else { "option" };
            let chosen = attribute.choices.iter().find(|c| c.id == *id);
            value.insert(
                key.to_owned(),
                chosen.map_or(Value::Null, |c| choices::render(workspace, object, attribute, c)),
            );
        }
    }
    value.insert("attribute_type".to_owned(), json!(attribute.kind));
    Value::Object(value)
}

/// A value in plain form, for the books and for filters without a property: a title, a text, a number, a record id.
pub(super) fn plain(attribute: &Attribute, datum: &Datum) -> Value {
    match datum {
        Datum::Choice(id) => {
            attribute.choices.iter().find(|c| c.id == *id).map_or(Value::Null, |c| Value::String(c.title.clone()))
        }
        Datum::Fields(fields) => match main_field(attribute.kind) {
            Some(key) => fields.get(key).cloned().unwrap_or_default(),
            None => Value::Object(fields.clone()),
        },
    }
}

/// The field that a type is compared by where none is named; none: there is no such field.
pub(super) fn main_field(kind: Type) -> Option<&'static str> {
    match kind {
        Type::Text | Type::Number | Type::Checkbox | Type::Date | Type::Timestamp | Type::Rating => Some("value"),
        Type::Currency => Some("currency_value"),
        Type::RecordReference => Some("target_record_id"),
        Type::ActorReference => Some("referenced_actor_id"),
        Type::Domain => Some("domain"),
        Type::EmailAddress => Some("email_address"),
        Type::PhoneNumber => Some("phone_number"),
        Type::PersonalName => Some("full_name"),
        Type::Status | Type::Select | Type::Location => None,
    }
}
