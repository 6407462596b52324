//! Records of Attio as they are read, and values as they are written: always arrays, titles for options and statuses, an
//! empty array for nothing. Amounts are JSON number text, never floats. What is read can be personal data and what is
//! written a secret, so neither shows in `Debug`.

use chrono::{DateTime, NaiveDate, SecondsFormat, SubsecRound as _, Utc};
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::money::Money;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// The type of an actor who is a person of the workspace; others are API tokens, apps and the system.
const MEMBER: &str = "workspace-member";

/// One record, read tolerantly: attributes that are not ours are left unread.
#[derive(Deserialize)]
pub(super) struct Record {
    id: RecordId,
    #[serde(default)]
    values: BTreeMap<String, Vec<ReadValue>>,
}

#[derive(Deserialize)]
struct RecordId {
    record_id: String,
}

/// One value; which field is there depends on the attribute's type.
#[derive(Deserialize)]
pub(super) struct ReadValue {
    active_from: Option<String>,
    created_by_actor: Option<Actor>,
    value: Option<Box<RawValue>>,
    currency_value: Option<Box<RawValue>>,
    option: Option<Titled>,
    status: Option<Titled>,
    target_record_id: Option<String>,
    referenced_actor_type: Option<String>,
    referenced_actor_id: Option<String>,
    pub(super) email_address: Option<String>,
    pub(super) domain: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) original_phone_number: Option<String>,
    pub(super) first_name: Option<String>,
    pub(super) last_name: Option<String>,
    pub(super) full_name: Option<String>,
    pub(super) line_1: Option<String>,
    pub(super) line_2: Option<String>,
    pub(super) line_3: Option<String>,
    pub(super) line_4: Option<String>,
    pub(super) locality: Option<String>,
    pub(super) region: Option<String>,
    pub(super) postcode: Option<String>,
    pub(super) country_code: Option<String>,
}

#[derive(Deserialize)]
struct Titled {
    title: String,
}

#[derive(Deserialize)]
struct Actor {
    r#type: Option<String>,
    id: Option<String>,
}

impl ReadValue {
    /// A number's digits, or a text without its quotes.
    fn text(&self) -> Option<String> {
        let raw = self.value.as_ref().or(self.currency_value.as_ref())?.get();
        if raw.starts_with('"') { serde_json::from_str(raw).ok() } else { Some(raw.to_owned()) }
    }
}

impl Record {
    pub(super) fn id(&self) -> &str {
        &self.id.record_id
    }

    /// A single text; empty counts as none.
    pub(super) fn text(&self, slug: &str) -> Option<String> {
        self.first(slug).and_then(ReadValue::text).filter(|text| !text.is_empty())
    }

    /// A timestamp (UTC).
    pub(super) fn time(&self, slug: &str) -> Option<DateTime<Utc>> {
        let text = self.text(slug)?;
        DateTime::parse_from_rfc3339(&text).ok().map(|t| t.to_utc())
    }

    /// A whole number.
    pub(super) fn number(&self, slug: &str) -> Option<u64> {
        let text = self.text(slug)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        whole.parse().ok().filter(|_| fraction.bytes().all(|b| b == b'0'))
    }

    /// A day.
    pub(super) fn day(&self, slug: &str) -> Option<NaiveDate> {
        self.text(slug)?.parse().ok()
    }

    /// The title of a select's option.
    pub(super) fn option(&self, slug: &str) -> Option<&str> {
        Some(self.first(slug)?.option.as_ref()?.title.as_str())
    }

    /// The title of a status.
    pub(super) fn status(&self, slug: &str) -> Option<&str> {
        Some(self.first(slug)?.status.as_ref()?.title.as_str())
    }

    /// The titles of a select's options, where it holds several.
    fn options(&self, slug: &str) -> impl Iterator<Item = &str> {
        self.values.get(slug).into_iter().flatten().filter_map(|value| Some(value.option.as_ref()?.title.as_str()))
    }

    /// When the present value was set, to Attio's full precision (UTC): it tells one press of an act from the next.
    pub(super) fn since(&self, slug: &str) -> Option<DateTime<Utc>> {
        let text = self.first(slug)?.active_from.as_ref()?;
        DateTime::parse_from_rfc3339(text).ok().map(|t| t.to_utc())
    }

    /// The workspace member who set the present value; none: a program did.
    pub(super) fn set_by(&self, slug: &str) -> Option<&str> {
        let actor = self.first(slug)?.created_by_actor.as_ref()?;
        actor.id.as_deref().filter(|_| actor.r#type.as_deref() == Some(MEMBER))
    }

    /// The workspace member to whom an actor reference leads.
    pub(super) fn member(&self, slug: &str) -> Option<&str> {
        let value = self.first(slug)?;
        value.referenced_actor_id.as_deref().filter(|_| value.referenced_actor_type.as_deref() == Some(MEMBER))
    }

    /// Ids of the records to which a reference leads, as Attio orders them.
    pub(super) fn targets(&self, slug: &str) -> impl Iterator<Item = &str> {
        self.values.get(slug).into_iter().flatten().filter_map(|value| value.target_record_id.as_deref())
    }

    /// Whether the attribute has a value.
    pub(super) fn is_set(&self, slug: &str) -> bool {
        self.first(slug).is_some()
    }

    /// E-mail addresses or numbers, as Attio orders them.
    pub(super) fn contacts(&self, slug: &str) -> impl Iterator<Item = &str> {
        self.values.get(slug).into_iter().flatten().filter_map(|value| {
            let number = value.phone_number.as_deref().or(value.original_phone_number.as_deref());
            value.email_address.as_deref().or(number)
        })
    }

    /// The first value of an attribute.
    pub(super) fn first(&self, slug: &str) -> Option<&ReadValue> {
        self.values.get(slug)?.first()
    }

    /// Whether the attribute has that value now.
    pub(super) fn has(&self, slug: &str, value: &Value) -> bool {
        let read = self.first(slug);
        match value {
            Value::Nothing => read.is_none_or(|v| v.text().is_some_and(|text| text.is_empty())),
            Value::Text(text) => self.text(slug).as_deref() == Some(text.as_str()),
            Value::Secret(text) => self.text(slug).as_deref() == Some(text.expose_secret()),
            Value::Options(titles) => {
                let read: BTreeSet<&str> = self.options(slug).collect();
                read == titles.iter().map(String::as_str).collect()
            }
            Value::Option(title) => self.option(slug) == Some(title.as_str()),
            Value::Status(title) => read.and_then(|v| v.status.as_ref()).is_some_and(|s| s.title == *title),
            Value::Amount(money) => {
                self.text(slug).is_some_and(|text| Money::parse(&text, money.currency) == Ok(*money))
            }
            Value::Number(number) => self.number(slug) == Some(*number),
            Value::Flag(flag) => {
                let written = if *flag { "true" } else { "false" };
                read.and_then(|v| v.value.as_ref()).is_some_and(|raw| raw.get() == written)
            }
            Value::Day(day) => self.day(slug) == Some(*day),
            Value::Time(time) => self.time(slug).is_some_and(|read| read.trunc_subsecs(3) == time.trunc_subsecs(3)),
            Value::Name { first, last } => read.is_some_and(|v| {
                v.first_name.as_deref().unwrap_or_default() == first
                    && v.last_name.as_deref().unwrap_or_default() == last
            }),
            Value::Record(record) => read.and_then(|v| v.target_record_id.as_ref()) == Some(&record.id),
            Value::Contacts(wanted) => self.contacts(slug).eq(wanted.iter().map(String::as_str)),
            Value::Place(place) => read.is_some_and(|v| {
                [
                    (&v.line_1, &place.lines[0]),
                    (&v.line_2, &place.lines[1]),
                    (&v.line_3, &place.lines[2]),
                    (&v.line_4, &place.lines[3]),
                    (&v.locality, &place.locality),
                    (&v.region, &place.region),
                    (&v.postcode, &place.postcode),
                    (&v.country_code, &place.country_code),
                ]
                .into_iter()
                .all(|(shown, wanted)| shown == wanted)
            }),
        }
    }
}

/// A value to be written.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Clears the attribute.
    Nothing,
    Text(String),
    /// A text that is shown nowhere else.
    Secret(SecretString),
    /// A select's option, by title.
    Option(String),
    /// The options of a select that holds several, by title.
    Options(Vec<String>),
    /// A status, by title.
    Status(String),
    /// In the currency of the attribute.
    Amount(Money),
    Number(u64),
    /// A checkbox.
    Flag(bool),
    Day(NaiveDate),
    /// Written to the millisecond.
    Time(DateTime<Utc>),
    /// A reference to a record.
    Record(AttioRecord),
    /// E-mail addresses or numbers, the one that counts first.
    Contacts(Vec<String>),
    /// Where somebody is.
    Place(Box<Place>),
    /// What a person is called.
    Name {
        first: String,
        last: String,
    },
}

/// An address, of which Attio takes all parts or none; what is not named is empty. The point on the map is Attio's to find.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) lines: [Option<String>; 4],
    pub(super) locality: Option<String>,
    pub(super) region: Option<String>,
    pub(super) postcode: Option<String>,
    pub(super) country_code: Option<String>,
}

impl Value {
    /// A text; empty clears.
    pub(super) fn text(text: &str) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(text.to_owned()) }
    }

    /// A text, if there is one.
    pub(super) fn maybe(text: Option<&String>) -> Self {
        text.map_or(Self::Nothing, |text| Self::text(text))
    }
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => json!([]).serialize(serializer),
            Self::Text(text) => [text].serialize(serializer),
            Self::Secret(text) => [text.expose_secret()].serialize(serializer),
            Self::Options(titles) => titles.serialize(serializer),
            Self::Option(title) => json!([{ "option": title }]).serialize(serializer),
            Self::Status(title) => json!([{ "status": title }]).serialize(serializer),
            Self::Amount(money) => {
                let number = RawValue::from_string(money.decimal()).map_err(serde::ser::Error::custom)?;
                [number].serialize(serializer)
            }
            Self::Number(number) => [number].serialize(serializer),
            Self::Flag(flag) => [flag].serialize(serializer),
            Self::Day(day) => [day].serialize(serializer),
            Self::Time(time) => [time.to_rfc3339_opts(SecondsFormat::Millis, true)].serialize(serializer),
            Self::Name { first, last } => {
                let full = format!("{first} {last}");
                json!([{ "first_name": first, "last_name": last, "full_name": full.trim() }]).serialize(serializer)
            }
            Self::Contacts(all) => all.serialize(serializer),
            Self::Place(place) => {
                let [line_1, line_2, line_3, line_4] = &place.lines;
                let nothing: Option<&str> = None;
                json!([{ "line_1": line_1, "line_2": line_2, "line_3": line_3, "line_4": line_4,
                    "locality": place.locality, "region": place.region, "postcode": place.postcode,
                    "country_code": place.country_code, "latitude": nothing, "longitude": nothing }])
                .serialize(serializer)
            }
            Self::Record(record) => {
                json!([{ "target_object": record.object, "target_record_id": record.id }]).serialize(serializer)
            }
        }
    }
}

/// Attributes with their values.
pub(super) type Values = BTreeMap<&'static str, Value>;

/// `{"data":{"values":…}}`
pub(super) fn body(values: &Values) -> String {
    #[derive(Serialize)]
    struct Body<'a> {
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        values: &'a Values,
    }
    serde_json::to_string(&Body { data: Data { values } }).expect("texts, times and numbers always make JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency;

    fn record(values: &str) -> Record {
        serde_json::from_str(&format!(r#"{{"id":{{"record_id":"r1"}},"values":{values}}}"#)).expect("a record")
    }

    fn written(value: &Value) -> String {
        serde_json::to_string(value).expect("JSON")
    }

    #[test]
    fn values_are_written_as_arrays_of_titles_ids_and_exact_numbers() {
        let time = DateTime::parse_from_rfc3339("2026-11-21T10:00:00.123456Z").expect("a time").to_utc();
        let company = AttioRecord { object: "companies".to_owned(), id: "c1".to_owned() };
        assert_eq!(written(&Value::text("")), "[]");
        assert_eq!(written(&Value::text("a\"b")), r#"["a\"b"]"#);
        assert_eq!(written(&Value::Option("Active".to_owned())), r#"[{"option":"Active"}]"#);
        assert_eq!(written(&Value::Status("Paid".to_owned())), r#"[{"status":"Paid"}]"#);
        assert_eq!(written(&Value::Number(7)), "[7]");
        assert_eq!(written(&Value::Flag(true)), "[true]");
        assert_eq!(written(&Value::Time(time)), r#"["2026-11-21T10:00:00.123Z"]"#);
        assert_eq!(written(&Value::Record(company)), r#"[{"target_object":"companies","target_record_id":"c1"}]"#);
    }

    #[test]
    fn amounts_of_no_two_and_three_decimals_are_exact_both_ways() {
        for (minor, currency, text) in [
            (500, Currency::JPY, "[500]"),
            (4_910, Currency::EUR, "[49.10]"),
            (1, Currency::KWD, "[0.001]"),
            (9_007_199_254_740_993, Currency::EUR, "[90071992547409.93]"),
        ] {
            let money = Money::new(minor, currency);
            assert_eq!(written(&Value::Amount(money)), text);
            let read = |field: &str| record(&format!(r#"{{"amount":[{{"{field}":{}}}]}}"#, &text[1..text.len() - 1]));
            assert!(read("currency_value").has("amount", &Value::Amount(money)));
            assert!(read("value").has("amount", &Value::Amount(money)));
            assert!(!read("value").has("amount", &Value::Amount(Money::new(minor + 1, currency))));
        }
    }

    #[test]
    fn what_was_written_is_recognised_when_read_back() {
        let read = record(
            r#"{"a":[{"active_from":"x","value":"text"}],"b":[{"option":{"id":{},"title":"Active"}}],
                "c":[{"status":{"title":"Paid"}}],"d":[{"value":3.0}],
                "e":[{"value":"2026-11-21T10:00:00.123000000Z"}],
                "f":[{"target_object":"companies","target_record_id":"c1"}],"g":[],"h":[{"value":""}],"i":[{"value":true}]}"#,
        );
        let time = DateTime::parse_from_rfc3339("2026-11-21T10:00:00.123456Z").expect("a time").to_utc();
        let company = AttioRecord { object: "companies".to_owned(), id: "c1".to_owned() };
        for (slug, value) in [
            ("a", Value::text("text")),
            ("b", Value::Option("Active".to_owned())),
            ("c", Value::Status("Paid".to_owned())),
            ("d", Value::Number(3)),
            ("e", Value::Time(time)),
            ("f", Value::Record(company)),
            ("g", Value::Nothing),
            ("h", Value::Nothing),
            ("i", Value::Flag(true)),
            ("absent", Value::Nothing),
        ] {
            assert!(read.has(slug, &value), "{slug}");
        }
        for (slug, value) in [
            ("a", Value::Nothing),
            ("a", Value::text("other")),
            ("b", Value::Option("active".to_owned())),
            ("c", Value::Option("Paid".to_owned())),
            ("d", Value::Number(4)),
            ("i", Value::Flag(false)),
            ("absent", Value::Flag(true)),
            ("c", Value::Nothing),
        ] {
            assert!(!read.has(slug, &value), "{slug} {value:?}");
        }
    }
}
