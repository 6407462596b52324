//! The two-phase search: ids of all matches, then pages of objects for some of these ids. Criteria are judged the same
//! way for every kind of object.

use super::call::Call;
use super::cards::{self, Card};
use super::money;
use super::reply::Reply;
use super::xml::{Fields, Xml};
use crate::faults::Sight;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone, Utc};
use serde_json::{Map, Value};

const PAGE: usize = 50;
/// A search for more than this fails, as the gateway's does.
const MOST: usize = 50_000;
const LONGEST_TEXT: usize = 255;

/// What an object has under a criterion's name.
#[derive(Debug, Clone)]
pub(super) enum Field {
    Text(Option<String>),
    /// Several, of which one is enough.
    Texts(Vec<String>),
    /// Cards, of which one is enough: what the gateway keeps of their numbers.
    Cards(Vec<CardNumber>),
    Day(Option<NaiveDate>),
    Count(Option<i64>),
    Time(Option<DateTime<Utc>>),
    /// Thousandths of the currency unit.
    Amount(Option<i64>),
    Flag(bool),
    /// The object has no such field.
    Unknown,
}

/// What is kept of a card's number.
#[derive(Debug, Clone)]
pub(super) struct CardNumber {
    first: String,
    last: String,
    unique: String,
}

impl From<&Card> for CardNumber {
    fn from(card: &Card) -> Self {
        Self { first: card.bin.clone(), last: card.last_4.clone(), unique: card.unique.clone() }
    }
}

/// Why a search was not done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    UnknownCriterion,
    Malformed,
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UnknownCriterion => Self::Forbidden,
            Refusal::Malformed => Self::Unprocessable("Search criteria are invalid.".to_owned()),
        }
    }
}

/// First phase: the ids of all matches, as far as they are seen.
pub(super) fn ids<T>(
    sight: Sight,
    found: Result<Vec<&T>, Refusal>,
    id: impl Fn(&T) -> &String,
    made: impl Fn(&T) -> DateTime<Utc>,
) -> Reply {
    let found = match found {
        Ok(found) => sight.of(found, |one| made(one)),
        Err(refusal) => return refusal.into(),
    };
    if found.len() > MOST {
        return Reply::Unprocessable("Search matches too many records.".to_owned());
    }
    let ids = found.into_iter().map(|one| Xml::Text(id(one).clone())).collect();
    Reply::Found("search-results", Xml::Node(Fields::new().count("page_size", PAGE).array("ids", "item", ids)))
}

/// Second phase: the objects.
pub(super) fn page<T>(
    root: &'static str,
    item: &'static str,
    found: Result<Vec<&T>, Refusal>,
    show: impl Fn(&T) -> Xml,
) -> Reply {
    let objects: Vec<Xml> = match found {
        Ok(found) => found.into_iter().map(show).collect(),
        Err(refusal) => return refusal.into(),
    };
    let total = objects.len();
    collection(root, item, 1, total, objects)
}

/// One page of a search without an id phase: the gateway's other style, `?page=N`.
pub(super) fn numbered_page(root: &'static str, item: &'static str, call: &Call, objects: Vec<Xml>) -> Reply {
    let number = call.query("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1).max(1);
    let total = objects.len();
    let objects = objects.into_iter().skip((number - 1).saturating_mul(PAGE)).take(PAGE).collect();
    collection(root, item, number, total, objects)
}

fn collection(root: &'static str, item: &'static str, number: usize, total: usize, objects: Vec<Xml>) -> Reply {
    let fields =
        Fields::new().count("current_page_number", number).count("page_size", PAGE).count("total_items", total);
    Reply::Found(root, Xml::Collection(objects.into_iter().fold(fields, |f, object| f.put(item, object))))
}

/// The objects that fit all criteria of the call, in the order given.
///
/// # Errors
/// [`Refusal`] for a criterion that the object kind does not have or that cannot be read.
pub(super) fn matches<'a, T>(
    call: &Call,
    objects: impl Iterator<Item = &'a T>,
    field: impl Fn(&T, &str) -> Field,
) -> Result<Vec<&'a T>, Refusal> {
    let criteria = call.search();
    let mut found = Vec::new();
    for object in objects {
        if fits(&criteria, |name| field(object, name))? {
            found.push(object);
        }
    }
    Ok(found)
}

fn fits(criteria: &Map<String, Value>, field: impl Fn(&str) -> Field) -> Result<bool, Refusal> {
    for (name, criterion) in criteria {
        let own = if name == "ids" { field("id") } else { field(name) };
        if !meets(&own, criterion)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn meets(own: &Field, criterion: &Value) -> Result<bool, Refusal> {
    match (own, criterion) {
        (Field::Unknown, _) => Err(Refusal::UnknownCriterion),
        (Field::Text(own), wanted) => texts_meet(own.as_slice(), wanted),
        (Field::Texts(own), wanted) => texts_meet(own, wanted),
        (Field::Cards(own), Value::Object(operators)) => cards_meet(own, operators),
        (Field::Time(own), Value::Object(operators)) => time_meets(*own, operators),
        (Field::Day(own), Value::Object(operators)) => {
            let bound = |wanted: &Value| wanted.as_str().and_then(read_time).map(|time| time.date_naive());
            range_meets(*own, operators, bound)
        }
        (Field::Count(own), Value::Object(operators)) => {
            range_meets(*own, operators, |wanted| plain(wanted)?.parse().ok())
        }
        (Field::Amount(own), Value::Object(operators)) => {
            range_meets(*own, operators, |wanted| money::parse_thousandths(&plain(wanted)?).ok())
        }
        (Field::Flag(own), wanted) => {
            let wanted = wanted.as_bool().or_else(|| wanted.as_str()?.parse().ok()).ok_or(Refusal::Malformed)?;
            Ok(*own == wanted)
        }
        _ => Err(Refusal::Malformed),
    }
}

/// A list of wanted values, or operators that one of the object's values must meet (`is_not`: all of them).
fn texts_meet(own: &[String], criterion: &Value) -> Result<bool, Refusal> {
    match criterion {
        Value::Array(wanted) => Ok(wanted.iter().any(|w| own.iter().any(|own| w.as_str() == Some(own)))),
        // One value where a list is usual: XML without the array attribute.
        Value::String(wanted) => Ok(own.contains(wanted)),
        Value::Object(operators) => {
            for (operator, wanted) in operators {
                let wanted = wanted.as_str().unwrap_or_default();
                if wanted.chars().count() > LONGEST_TEXT {
                    return Err(Refusal::Malformed);
                }
                let any = |meets: &dyn Fn(&str) -> bool| own.iter().any(|own| meets(own));
                let met = match operator.as_str() {
                    "is" => any(&|own| own == wanted),
                    "is_not" => !any(&|own| own == wanted),
                    "starts_with" => any(&|own| own.starts_with(wanted)),
                    "ends_with" => any(&|own| own.ends_with(wanted)),
                    "contains" => any(&|own| own.contains(wanted)),
                    _ => return Err(Refusal::Malformed),
                };
                if !met {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Err(Refusal::Malformed),
    }
}

/// By the first six and the last four digits, or by the whole number.
fn cards_meet(own: &[CardNumber], operators: &Map<String, Value>) -> Result<bool, Refusal> {
    let fits = |card: &CardNumber, operator: &str, wanted: &str| match operator {
        "is" => Ok(card.unique == cards::unique(wanted)),
        "is_not" => Ok(card.unique != cards::unique(wanted)),
        "starts_with" => Ok(card.first.starts_with(wanted)),
        "ends_with" => Ok(card.last.ends_with(wanted)),
        _ => Err(Refusal::Malformed),
    };
    for card in own {
        let mut all = true;
        for (operator, wanted) in operators {
            all &= fits(card, operator, wanted.as_str().unwrap_or_default())?;
        }
        if all {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The lower bound is inclusive; the upper one is exclusive after one minute is added to it.
fn time_meets(own: Option<DateTime<Utc>>, operators: &Map<String, Value>) -> Result<bool, Refusal> {
    for (operator, wanted) in operators {
        let bound = wanted.as_str().and_then(read_time).ok_or(Refusal::Malformed)?;
        let until = bound + TimeDelta::minutes(1);
        let met = match operator.as_str() {
            "min" => own.is_some_and(|own| own >= bound),
            "max" => own.is_some_and(|own| own < until),
            "is" => own.is_some_and(|own| own >= bound && own < until),
            _ => return Err(Refusal::Malformed),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Both bounds are inclusive.
fn range_meets<T: PartialOrd + Copy>(
    own: Option<T>,
    operators: &Map<String, Value>,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<bool, Refusal> {
    for (operator, wanted) in operators {
        let bound = read(wanted).ok_or(Refusal::Malformed)?;
        let met = own.is_some_and(|own| match operator.as_str() {
            "min" => own >= bound,
            "max" => own <= bound,
            _ => own == bound,
        });
        if !matches!(operator.as_str(), "min" | "max" | "is") {
            return Err(Refusal::Malformed);
        }
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads the forms that the official SDKs send: ISO 8601, a date and time without a zone (UTC), a bare date, and the text
/// of a JavaScript `Date`.
pub(super) fn read_time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let javascript = text.split(" (").next().unwrap_or(text);
    if let Ok(time) = DateTime::parse_from_str(javascript, "%a %b %d %Y %H:%M:%S GMT%z") {
        return Some(time.to_utc());
    }
    let plain = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%m/%d/%Y %H:%M"];
    if let Some(time) = plain.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok()) {
        return Some(Utc.from_utc_datetime(&time));
    }
    let days = ["%Y-%m-%d", "%m/%d/%Y"];
    let day = days.iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
    Some(Utc.from_utc_datetime(&day.and_hms_opt(0, 0, 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judge(own: &Field, criterion: &Value) -> Result<bool, Refusal> {
        meets(own, criterion)
    }

    #[test]
    fn times_are_met_from_the_lower_bound_to_one_minute_past_the_upper() {
        let at = read_time("2026-11-21T10:00:59Z");
        assert_eq!(judge(&Field::Time(at), &json!({"min": "2026-11-21T10:00:59Z"})), Ok(true));
        assert_eq!(judge(&Field::Time(at), &json!({"max": "2026-11-21T10:00:00Z"})), Ok(true));
        assert_eq!(judge(&Field::Time(at), &json!({"max": "2026-11-21T09:59:59Z"})), Ok(false));
        assert_eq!(judge(&Field::Time(None), &json!({"min": "2026-11-21T10:00:59Z"})), Ok(false));
    }

    #[test]
    fn all_forms_of_a_time_that_sdks_send_are_read() {
        let wanted = read_time("2026-11-21T10:00:00Z");
        for text in [
            "2026-11-21T11:00:00+01:00",
            "2026-11-21 10:00:00",
            "11/21/2026 10:00",
            "Sat Nov 21 2026 11:00:00 GMT+0100 (Central European Standard Time)",
        ] {
            assert_eq!(read_time(text), wanted, "{text}");
        }
        assert_eq!(read_time("2026-11-21"), read_time("2026-11-21T00:00:00Z"));
        assert_eq!(read_time("yesterday"), None);
    }

    #[test]
    fn texts_amounts_lists_and_flags_are_compared_by_their_own_rules() {
        let text = |t: &str| Field::Text(Some(t.to_owned()));
        assert_eq!(judge(&text("inv.1"), &json!({"starts_with": "inv", "ends_with": "1"})), Ok(true));
        assert_eq!(judge(&text("inv.1"), &json!({"is": "inv.10"})), Ok(false));
        assert_eq!(judge(&text("settled"), &json!(["settled", "settling"])), Ok(true));
        assert_eq!(judge(&Field::Amount(Some(10_500)), &json!({"min": "10.00", "max": "10.5"})), Ok(true));
        assert_eq!(judge(&Field::Flag(true), &json!("true")), Ok(true));
        assert_eq!(judge(&Field::Unknown, &json!({"is": "x"})), Err(Refusal::UnknownCriterion));
        assert_eq!(judge(&text("x"), &json!({"is": "y".repeat(256)})), Err(Refusal::Malformed));
    }
}
