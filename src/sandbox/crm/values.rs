//! Reads values of records as their fields take them.

use super::errors::{At, Refusal};
use super::external::External;
use super::ids::Id;
use super::schema::{Field, Type};
use super::state::{State, Who};
use chrono::{DateTime, NaiveDate};
use serde_json::Value;

/// The value as it is held. Never null: clearing a field is not this function's business.
pub(super) fn read(
    state: &State,
    field: &Field,
    value: &Value,
    within: &str,
    external: &External,
) -> Result<Value, Refusal> {
    let at = At { within, key: &field.api_name };
    let wrong = || Refusal::mistyped(&at, expected(&field.kind));
    match &field.kind {
        Type::Currency if value.as_number().is_some_and(|n| n.to_string().len() <= field.length) => {}
        Type::Integer if value.as_i64().is_some_and(|n| n.to_string().len() <= field.length) => {}
        Type::Boolean if value.is_boolean() => {}
        Type::Currency | Type::Integer | Type::Boolean => return Err(wrong()),
        Type::Lookup(_) => {
            let id = value.as_object().and_then(|object| object.get("id")).ok_or_else(wrong)?;
            return external.looked_up(state, field, id, within).map(Value::from);
        }
        Type::Owner => {
            let id = value.as_object().and_then(|object| object.get("id")).and_then(Id::of).ok_or_else(wrong)?;
            let user = Who::of(id);
            let nested = format!("{within}.{}", field.api_name);
            user.ok_or_else(|| Refusal::unknown_id(At { within: &nested, key: "id" }.details()))?;
            return Ok(id.into());
        }
        kind => {
            let text = value.as_str().ok_or_else(wrong)?;
            if text.chars().count() > field.length {
                return Err(Refusal::invalid(
                    "invalid data",
                    at.with("maximum_length", field.length.to_string().into()),
                ));
            }
            if !fits(kind, text, state.settings.strict_picklists) {
                return Err(wrong());
            }
        }
    }
    Ok(value.clone())
}

/// Whether a text can be a value of this kind.
fn fits(kind: &Type, text: &str, strict: bool) -> bool {
    match kind {
        Type::Email => is_email(text),
        Type::Phone => text.chars().all(|c| c.is_ascii_digit() || "+-() .ext/".contains(c)),
        Type::Picklist(values) => !strict || values.iter().any(|value| value == text),
        Type::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok() && text.len() == 10,
        // CRM takes seconds, not fractions of them.
        Type::DateTime => DateTime::parse_from_rfc3339(text).is_ok() && !text.contains('.'),
        _ => true,
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty()
        && !text.contains(char::is_whitespace)
        && !host.contains('@')
        && host.contains('.')
        && host.split('.').all(|part| !part.is_empty())
}

/// The type that an error says was expected.
pub(super) fn expected(kind: &Type) -> &'static str {
    match kind {
        Type::Lookup(_) | Type::Owner => "jsonobject",
        Type::Currency => "double",
        other => other.word(),
    }
}
