//! The fields that the connectors read of an answer, as a table that an answer is held against. Shows names, types and
//! words of status, never another value.

use super::{State, Survey, plain};
use chrono::{DateTime, NaiveDate};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One field that is read.
#[derive(Clone, Copy)]
pub(crate) struct Field {
    /// From a row inward, names between dots.
    path: &'static str,
    form: Form,
    /// The vendor may leave it out, or empty.
    optional: bool,
}

#[derive(Clone, Copy)]
enum Form {
    Text,
    /// A decimal number, quoted or not.
    Number,
    Flag,
    Time,
    Day,
    List,
    /// A text for which the connectors have a meaning.
    Word(fn(&str) -> bool),
}

pub(crate) const fn text(path: &'static str) -> Field {
    Field { path, form: Form::Text, optional: false }
}

pub(crate) const fn number(path: &'static str) -> Field {
    Field { path, form: Form::Number, optional: false }
}

pub(crate) const fn flag(path: &'static str) -> Field {
    Field { path, form: Form::Flag, optional: false }
}

pub(crate) const fn time(path: &'static str) -> Field {
    Field { path, form: Form::Time, optional: false }
}

pub(crate) const fn day(path: &'static str) -> Field {
    Field { path, form: Form::Day, optional: false }
}

pub(crate) const fn list(path: &'static str) -> Field {
    Field { path, form: Form::List, optional: false }
}

pub(crate) const fn word(path: &'static str, known: fn(&str) -> bool) -> Field {
    Field { path, form: Form::Word(known), optional: false }
}

impl Field {
    /// The vendor may leave it out, or empty.
    pub(crate) const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

/// Rows of an answer, whatever it is written in.
pub(crate) trait Rows {
    /// How many.
    fn count(&self) -> usize;

    /// A field of a row as JSON; `None` where it is missing. What has no type in the vendor's form is text.
    fn field(&self, row: usize, path: &str) -> Option<Value>;
}

impl Rows for [Value] {
    fn count(&self) -> usize {
        self.len()
    }

    fn field(&self, row: usize, path: &str) -> Option<Value> {
        let mut at = self.get(row)?;
        for name in path.split('.') {
            at = at.get(name)?;
        }
        Some(at.clone())
    }
}

/// What is wrong with a field in so many rows.
type Faults = BTreeMap<(&'static str, String), usize>;

impl Survey<'_> {
    /// Holds rows against the fields that are read of them.
    pub(crate) fn shape(&mut self, check: &str, rows: &(impl Rows + ?Sized), fields: &[Field]) {
        let count = rows.count();
        if count == 0 {
            return self.empty(check);
        }
        let mut faults = Faults::new();
        for (row, field) in (0..count).flat_map(|row| fields.iter().map(move |field| (row, field))) {
            if let Err(fault) = field.judge(rows.field(row, field.path)) {
                *faults.entry((field.path, fault)).or_default() += 1;
            }
        }
        if faults.is_empty() {
            return self.add(State::Same, check, format!("{count} rows, {} fields as assumed", fields.len()), "");
        }
        let faults = faults.into_iter().map(|((path, fault), times)| format!("`{path}` {fault} ({times} of {count})"));
        let cure = "compare the vendor's documentation; the connector takes such an answer for unusable or unknown";
        self.add(State::Differs, check, faults.collect::<Vec<_>>().join("; "), cure);
    }

    /// The words of a field that the rows hold.
    pub(crate) fn words(rows: &(impl Rows + ?Sized), path: &str) -> BTreeSet<String> {
        let words = (0..rows.count()).filter_map(|row| rows.field(row, path));
        words.filter_map(|value| Some(plain(Some(value.as_str()?)))).collect()
    }
}

impl Field {
    fn judge(self, value: Option<Value>) -> Result<(), String> {
        let Some(value) = value.filter(|value| !value.is_null() && value.as_str() != Some("")) else {
            return if self.optional { Ok(()) } else { Err("is missing".to_owned()) };
        };
        let words = value.as_str();
        let (fits, expected) = match self.form {
            Form::Text => (words.is_some(), "a text"),
            Form::Number => (value.is_number() || words.is_some_and(is_decimal), "a number"),
            Form::Flag => (value.is_boolean() || words.is_some_and(|w| w == "true" || w == "false"), "true or false"),
            Form::Time => (words.is_some_and(is_time), "an instant"),
            Form::Day => (words.and_then(|w| w.get(..10)).is_some_and(|w| w.parse::<NaiveDate>().is_ok()), "a day"),
            Form::List => (value.is_array(), "a list"),
            Form::Word(known) => match words {
                Some(word) if known(word) => (true, ""),
                Some(word) => return Err(format!("has the unknown word `{}`", plain(Some(word)))),
                None => (false, "a word"),
            },
        };
        if fits { Ok(()) } else { Err(format!("is {}: expected {expected}", kind(&value))) }
    }
}

fn is_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') && digits.matches('.').count() <= 1
}

/// RFC 3339, or with an offset without its colon, as Zoho Billing writes it.
fn is_time(text: &str) -> bool {
    DateTime::parse_from_rfc3339(text).is_ok() || DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z").is_ok()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::super::System;
    use super::*;
    use serde_json::json;

    const FIELDS: &[Field] = &[
        text("id"),
        number("total"),
        word("status", |word| matches!(word, "sent" | "paid")),
        time("made"),
        text("note").optional(),
        list("lines"),
        flag("person.is_known"),
        day("due"),
    ];

    fn row() -> Value {
        json!({"id": "1", "total": 4.5, "status": "paid", "made": "2026-11-21T10:00:00+0100", "lines": [],
            "person": {"is_known": true}, "due": "2026-12-01"})
    }

    fn found(rows: &[Value]) -> (State, String) {
        let mut survey = Survey::new(System::Attio, &|_, _| {});
        survey.shape("rows", rows, FIELDS);
        let finding = survey.done().findings.remove(0);
        (finding.state, finding.found)
    }

    #[test]
    fn rows_as_assumed_are_told_from_none_at_all() {
        let quoted = json!({"id": "2", "total": "4.50", "status": "sent", "made": "2026-11-21T10:00:00.000Z",
            "note": "x", "lines": [1], "person": {"is_known": "false"}, "due": "2026-12-01T00:00:00Z"});
        assert_eq!(found(&[row(), quoted]), (State::Same, "2 rows, 8 fields as assumed".to_owned()));
        assert_eq!(found(&[]).0, State::Empty);
    }

    #[test]
    fn what_differs_is_named_with_its_type_and_no_value_of_it() {
        for (path, value, said) in [
            ("id", json!(17), "`id` is a number: expected a text (1 of 2)"),
            ("id", json!(null), "`id` is missing (1 of 2)"),
            ("total", json!("Ada Lovelace"), "`total` is a text: expected a number (1 of 2)"),
            ("total", json!("1.2.3"), "`total` is a text: expected a number (1 of 2)"),
            ("status", json!("frozen"), "`status` has the unknown word `frozen` (1 of 2)"),
            ("status", json!("ada@example.org"), "`status` has the unknown word `(not shown)` (1 of 2)"),
            ("made", json!("yesterday"), "`made` is a text: expected an instant (1 of 2)"),
            ("lines", json!({}), "`lines` is an object: expected a list (1 of 2)"),
            ("person", json!({}), "`person.is_known` is missing (1 of 2)"),
            ("due", json!("soon"), "`due` is a text: expected a day (1 of 2)"),
        ] {
            let mut other = row();
            other[path] = value;
            assert_eq!(found(&[row(), other]), (State::Differs, said.to_owned()));
        }
    }
}
