//! Reads fields of a body as Desk takes them.

use super::errors::Refusal;
use super::state::State;
use serde_json::{Map, Value};

/// A body's fields.
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// Refuses a field that the operation does not know.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let unknown = self.0.keys().find(|name| !known.contains(&name.as_str()));
        unknown.map_or(Ok(()), |name| Err(Refusal::field(&format!("/{name}"), "invalid")))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text of at most `length` characters; null and an empty one are none.
    pub(super) fn text(&self, name: &str, length: usize) -> Result<Option<&'a str>, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= length => Ok(Some(text)),
            Some(_) => Err(Refusal::field(&format!("/{name}"), "invalid")),
        }
    }

    /// The same, required.
    pub(super) fn required(&self, name: &str, length: usize) -> Result<&'a str, Refusal> {
        self.text(name, length)?.ok_or_else(|| Refusal::field(&format!("/{name}"), "missing"))
    }

    pub(super) fn email(&self) -> Result<Option<&'a str>, Refusal> {
        let email = self.text("email", 255)?;
        let sound = |text: &str| {
            text.split_once('@').is_some_and(|(name, host)| {
                !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace) && !host.contains('@')
            })
        };
        match email {
            Some(text) if !sound(text) => Err(Refusal::field("/email", "invalid")),
            other => Ok(other),
        }
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(default),
            Some(value) => value.as_bool().ok_or_else(|| Refusal::field(&format!("/{name}"), "invalid")),
        }
    }

    /// Custom fields: `cf`, each one known to the administrator, each a text or null.
    pub(super) fn custom(&self, state: &State) -> Result<Map<String, Value>, Refusal> {
        let given = match self.0.get("cf") {
            None | Some(Value::Null) => return Ok(Map::new()),
            Some(Value::Object(given)) => given,
            Some(_) => return Err(Refusal::field("/cf", "invalid")),
        };
        for (name, value) in given {
            if !state.custom_fields.contains(name) || !(value.is_string() || value.is_null()) {
                return Err(Refusal::field(&format!("/cf/{name}"), "invalid"));
            }
        }
        Ok(given.clone())
    }
}

/// All custom fields, those without a value as null.
pub(super) fn shown_custom(state: &State, held: &Map<String, Value>) -> Value {
    let one = |name: &String| (name.clone(), held.get(name).cloned().unwrap_or(Value::Null));
    Value::Object(state.custom_fields.iter().map(one).collect())
}
