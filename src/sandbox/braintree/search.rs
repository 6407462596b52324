//! The two-phase search: ids of all matches, then pages of objects for some of these ids. Criteria are judged the same
//! way for transactions, customers and verifications.

use super::call::Call;
use super::money;
use super::reply::Reply;
use super::xml::{Fields, Xml};
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
    Time(Option<DateTime<Utc>>),
    /// Thousandths of the currency unit.
    Amount(i64),
    Flag(bool),
    /// The object has no such field.
    Unknown,
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
            Refusal::Malformed => Self::SearchFailed("Search criteria are invalid."),
        }
    }
}

/// First phase: the ids of all matches.
pub(super) fn ids(found: Vec<String>) -> Reply {
    if found.len() > MOST {
        return Reply::SearchFailed("Search matches too many records.");
    }
    Reply::Found(
        "search-results",
        Xml::Node(Fields::new().count("page_size", PAGE).array(
            "ids",
            "item",
            found.into_iter().map(Xml::Text).collect(),
        )),
    )
}

/// Second phase: the objects.
pub(super) fn page(root: &'static str, item: &'static str, objects: Vec<Xml>) -> Reply {
    let fields =
        Fields::new().count("current_page_number", 1).count("page_size", PAGE).count("total_items", objects.len());
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
        (Field::Text(own), Value::Array(wanted)) => {
            Ok(own.as_deref().is_some_and(|own| wanted.iter().any(|w| w.as_str() == Some(own))))
        }
        (Field::Text(own), Value::Object(operators)) => text_meets(own.as_deref().unwrap_or_default(), operators),
        (Field::Time(own), Value::Object(operators)) => time_meets(*own, operators),
        (Field::Amount(own), Value::Object(operators)) => amount_meets(*own, operators),
        (Field::Flag(own), wanted) => {
            let wanted = wanted.as_bool().or_else(|| wanted.as_str()?.parse().ok()).ok_or(Refusal::Malformed)?;
            Ok(*own == wanted)
        }
        // One value where a list is usual: XML without the array attribute.
        (Field::Text(own), Value::String(wanted)) => Ok(own.as_deref() == Some(wanted)),
        _ => Err(Refusal::Malformed),
    }
}

fn text_meets(own: &str, operators: &Map<String, Value>) -> Result<bool, Refusal> {
    for (operator, wanted) in operators {
        let wanted = wanted.as_str().unwrap_or_default();
        if wanted.chars().count() > LONGEST_TEXT {
            return Err(Refusal::Malformed);
        }
        let met = match operator.as_str() {
            "is" => own == wanted,
            "is_not" => own != wanted,
            "starts_with" => own.starts_with(wanted),
            "ends_with" => own.ends_with(wanted),
            "contains" => own.contains(wanted),
            _ => return Err(Refusal::Malformed),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
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

fn amount_meets(own: i64, operators: &Map<String, Value>) -> Result<bool, Refusal> {
    for (operator, wanted) in operators {
        let text = match wanted {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(Refusal::Malformed),
        };
        let bound = money::parse_thousandths(&text).map_err(|_| Refusal::Malformed)?;
        let met = match operator.as_str() {
            "min" => own >= bound,
            "max" => own <= bound,
            "is" => own == bound,
            _ => return Err(Refusal::Malformed),
        };
        if !met {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the forms that the official SDKs send: ISO 8601, a date and time without a zone (UTC), a bare date, and the text
/// of a JavaScript `Date`.
fn read_time(text: &str) -> Option<DateTime<Utc>> {
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
        assert_eq!(judge(&Field::Amount(10_500), &json!({"min": "10.00", "max": "10.5"})), Ok(true));
        assert_eq!(judge(&Field::Flag(true), &json!("true")), Ok(true));
        assert_eq!(judge(&Field::Unknown, &json!({"is": "x"})), Err(Refusal::UnknownCriterion));
        assert_eq!(judge(&text("x"), &json!({"is": "y".repeat(256)})), Err(Refusal::Malformed));
    }
}
