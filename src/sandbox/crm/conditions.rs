//! Conditions on records, as searches and queries share them: columns, operators, and what they mean for each kind of
//! field. Numbers are compared digit by digit, not as floats.

use super::ids::Id;
use super::schema::Type;
use super::state::{Record, State, Version};
use chrono::DateTime;
use serde_json::Value;
use std::cmp::Ordering;

/// Digits behind the point that comparisons heed.
const DIGITS: usize = 9;

/// A column: a field of the module, or of a record that look-ups lead to.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// As the caller wrote it.
    pub(super) name: String,
    path: Vec<String>,
    pub(super) kind: Type,
}

impl Column {
    /// Reads `Email`, `id` or `Account_Name.Billing_Account_Id`; nothing if there is no such field.
    pub(super) fn of(state: &State, module: &str, name: &str) -> Option<Self> {
        let path: Vec<String> = name.split('.').map(str::to_owned).collect();
        let (last, lookups) = path.split_last()?;
        let mut module = state.module(module)?;
        for lookup in lookups {
            let Type::Lookup(Some(target)) = module.field(lookup)?.kind else { return None };
            module = state.module(target)?;
        }
        let kind = if last == "id" { Type::Text } else { module.field(last)?.kind.clone() };
        Some(Self { name: name.to_owned(), path, kind })
    }

    /// What a record holds there.
    pub(super) fn held(&self, state: &State, record: &Record, version: &Version) -> Value {
        let Some((last, lookups)) = self.path.split_last() else { return Value::Null };
        let (mut record, mut version) = (record, version);
        for lookup in lookups {
            let next = Id::of(&state.value(record, version, lookup)).and_then(|id| state.records.get(&id));
            let Some(next) = next else { return Value::Null };
            (record, version) = (next, next.now());
        }
        state.value(record, version, last)
    }

    /// What the API shows there: look-ups with their record's name.
    pub(super) fn shown(&self, state: &State, record: &Record, version: &Version) -> Value {
        let own = match &self.path[..] {
            [name] => state.known_module(record.module).field(name),
            _ => None,
        };
        own.map_or_else(|| self.held(state, record, version), |field| state.shown(record, version, field))
    }
}

/// What is asked of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    Between,
    NotBetween,
    StartsWith,
    /// With `%` for any text.
    Like,
    NotLike,
    Empty,
    NotEmpty,
}

/// A condition, or several of them.
#[derive(Debug, Clone)]
pub(super) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    One { column: Column, test: Test, operands: Vec<String> },
}

impl Condition {
    /// Whether the record, in this version, passes.
    pub(super) fn holds(&self, state: &State, record: &Record, version: &Version) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(state, record, version)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(state, record, version)),
            Self::One { column, test, operands } => {
                passes(state, &column.held(state, record, version), &column.kind, *test, operands)
            }
        }
    }
}

fn passes(state: &State, held: &Value, kind: &Type, test: Test, operands: &[String]) -> bool {
    let texts = texts(state, held, kind);
    let order = |operand: &String| texts.iter().filter_map(|text| compare(kind, text, operand)).collect::<Vec<_>>();
    let any = |operand: &String, wanted: fn(Ordering) -> bool| order(operand).into_iter().any(wanted);
    let Some(first) = operands.first() else {
        let empty = texts.iter().all(String::is_empty);
        return empty == (test == Test::Empty);
    };
    let equal = |operand: &String| any(operand, Ordering::is_eq);
    let between = || operands.len() == 2 && any(first, Ordering::is_ge) && any(&operands[1], Ordering::is_le);
    match test {
        Test::Equal => equal(first),
        Test::NotEqual => !equal(first),
        Test::Less => any(first, Ordering::is_lt),
        Test::LessEqual => any(first, Ordering::is_le),
        Test::Greater => any(first, Ordering::is_gt),
        Test::GreaterEqual => any(first, Ordering::is_ge),
        Test::In => operands.iter().any(equal),
        Test::NotIn => !operands.iter().any(equal),
        Test::Between => between(),
        Test::NotBetween => !between(),
        Test::StartsWith => texts.iter().any(|text| text.to_lowercase().starts_with(&first.to_lowercase())),
        Test::Like => texts.iter().any(|text| like(&text.to_lowercase(), &first.to_lowercase())),
        Test::NotLike => !texts.iter().any(|text| like(&text.to_lowercase(), &first.to_lowercase())),
        Test::Empty | Test::NotEmpty => false,
    }
}

/// The texts by which a value is found: a look-up's id and name, the names of tags, else the value's own.
fn texts(state: &State, held: &Value, kind: &Type) -> Vec<String> {
    let plain = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    match (held, kind) {
        (Value::Array(tags), _) => tags.iter().filter_map(|tag| plain(&tag["name"])).collect(),
        (Value::Object(user), _) => [&user["id"], &user["name"]].into_iter().filter_map(plain).collect(),
        (id, Type::Lookup(_)) => {
            let record = Id::of(id).and_then(|id| state.records.get(&id));
            let name = record.map(|record| state.display_name(record));
            plain(id).into_iter().chain(name.as_ref().and_then(plain)).collect()
        }
        (value, _) => plain(value).into_iter().collect(),
    }
}

/// How the held text compares with an operand; nothing where one of them is no value of the kind.
fn compare(kind: &Type, held: &str, operand: &str) -> Option<Ordering> {
    match kind {
        Type::Currency | Type::Integer => Some(decimal(held)?.cmp(&decimal(operand)?)),
        Type::DateTime => {
            let read = |text| DateTime::parse_from_rfc3339(text).ok();
            Some(read(held)?.cmp(&read(operand)?))
        }
        _ => Some(held.to_lowercase().cmp(&operand.to_lowercase())),
    }
}

/// A decimal text as an integer of 10⁻⁹; nothing if it is none.
pub(super) fn decimal(text: &str) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || fraction.len() > DIGITS || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let number: i128 = format!("{whole}{fraction:0<DIGITS$}").parse().ok()?;
    Some(if negative { -number } else { number })
}

/// Whether `pattern`, in which `%` stands for any text, covers the whole text.
fn like(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Whether a text can be an operand for this kind.
pub(super) fn is_operand(kind: &Type, text: &str) -> bool {
    match kind {
        Type::Currency | Type::Integer => decimal(text).is_some(),
        Type::DateTime => DateTime::parse_from_rfc3339(text).is_ok(),
        Type::Date => chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok(),
        Type::Boolean => ["true", "false"].contains(&text),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{decimal, like};

    #[test]
    fn a_pattern_covers_the_whole_text() {
        for (text, pattern, fits) in [
            ("acme corp", "acme%", true),
            ("acme corp", "%corp", true),
            ("acme corp", "%me%co%", true),
            ("acme corp", "acme", false),
            ("acme corp", "corp%", false),
            ("acme", "acme", true),
        ] {
            assert_eq!(like(text, pattern), fits, "{text} like {pattern}");
        }
    }

    #[test]
    fn decimals_compare_by_value_not_by_spelling() {
        assert_eq!(decimal("600"), decimal("600.00"));
        assert!(decimal("-1.5") < decimal("0.25"));
        assert_eq!((decimal("1e3"), decimal(""), decimal("1.2.3")), (None, None, None));
    }
}
