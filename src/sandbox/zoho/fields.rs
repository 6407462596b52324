//! Bodies of requests, read field by field from their own text, so that a refusal names the field and no amount goes
//! through a float. Numbers may come as text: Zoho takes both.

use super::errors::Refusal;
use super::ids::Id;
use super::money::Currency;
use super::reply::Object;
use chrono::NaiveDate;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use std::collections::HashMap;

/// One JSON object of a request.
#[derive(Debug, Default)]
pub(super) struct Fields(HashMap<String, Box<RawValue>>);

impl Fields {
    /// Reads a body; an empty one has no fields.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map(Self).map_err(|_| Refusal::invalid("JSONString"))
    }

    /// Reads a body that is a list of objects.
    pub(super) fn read_list(body: &[u8]) -> Result<Vec<Self>, Refusal> {
        let list: Vec<HashMap<String, Box<RawValue>>> =
            serde_json::from_slice(body).map_err(|_| Refusal::invalid("JSONString"))?;
        Ok(list.into_iter().map(Self).collect())
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|raw| raw.get()).filter(|raw| *raw != "null")
    }

    fn typed<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Refusal> {
        self.raw(name).map(|raw| serde_json::from_str(raw).map_err(|_| Refusal::invalid(name))).transpose()
    }

    /// Text; a number is taken as its digits.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        match raw.as_bytes().first() {
            Some(b'"') => self.typed(name),
            Some(b'{' | b'[') => Err(Refusal::invalid(name)),
            _ => Ok(Some(raw.to_owned())),
        }
    }

    /// Text that must be there and not be empty.
    pub(super) fn needed(&self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.filter(|text| !text.trim().is_empty()).ok_or_else(|| Refusal::missing(name))
    }

    /// An id; empty text is none.
    pub(super) fn id(&self, name: &str) -> Result<Option<Id>, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.map(|text| Id::read(&text).ok_or_else(|| Refusal::invalid(name))).transpose()
    }

    /// An id that must be there.
    pub(super) fn needed_id(&self, name: &str) -> Result<Id, Refusal> {
        self.id(name)?.ok_or_else(|| Refusal::missing(name))
    }

    /// An amount in minor units, zero or more.
    pub(super) fn amount(&self, name: &str, currency: Currency) -> Result<Option<i64>, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        let read = |text: String| currency.parse(&text).filter(|minor| *minor >= 0);
        text.map(|text| read(text).ok_or_else(|| Refusal::invalid(name))).transpose()
    }

    /// An amount in minor units above zero, that must be there.
    pub(super) fn needed_amount(&self, name: &str, currency: Currency) -> Result<i64, Refusal> {
        match self.amount(name, currency)? {
            Some(0) => Err(Refusal::invalid(name)),
            Some(minor) => Ok(minor),
            None => Err(Refusal::missing(name)),
        }
    }

    /// A whole number.
    pub(super) fn whole(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| Refusal::invalid(name))).transpose()
    }

    /// A quantity: one or more, one if absent.
    pub(super) fn quantity(&self) -> Result<i64, Refusal> {
        match self.whole("quantity")? {
            None => Ok(1),
            Some(quantity @ 1..=1_000_000) => Ok(quantity),
            Some(_) => Err(Refusal::invalid("quantity")),
        }
    }

    /// Yes or no.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.text(name)?.as_deref() {
            None | Some("") => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::invalid(name)),
        }
    }

    /// A day, `yyyy-mm-dd`.
    pub(super) fn date(&self, name: &str) -> Result<Option<NaiveDate>, Refusal> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.map(|text| text.parse().map_err(|_| Refusal::invalid(name))).transpose()
    }

    /// The same fields, with a value under this name.
    pub(super) fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let text = to_raw_value(&value).expect("plain data is JSON");
        self.0.insert(name.to_owned(), text);
        self
    }

    /// A nested object.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, Refusal> {
        Ok(self.typed(name)?.map(Self))
    }

    /// A list of objects; absent is none.
    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<Self>>, Refusal> {
        let list: Option<Vec<HashMap<String, Box<RawValue>>>> = self.typed(name)?;
        Ok(list.map(|list| list.into_iter().map(Self).collect()))
    }

    /// A list of text.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        self.typed(name)
    }

    /// Any value without amounts, such as an address.
    pub(super) fn value(&self, name: &str) -> Result<Option<Value>, Refusal> {
        self.typed(name)
    }
}

/// Custom fields by label, in the order in which they were first set.
#[derive(Debug, Clone, Default)]
pub(super) struct CustomFields(Vec<(String, String)>);

impl CustomFields {
    /// Reads `custom_fields` of a request; those not named keep their values.
    pub(super) fn update(&mut self, from: &Fields) -> Result<(), Refusal> {
        for field in from.list("custom_fields")?.unwrap_or_default() {
            let label = field.needed("label")?;
            let value = field.text("value")?.unwrap_or_default();
            match self.0.iter_mut().find(|(known, _)| *known == label) {
                Some((_, old)) => *old = value,
                None => self.0.push((label, value)),
            }
        }
        Ok(())
    }

    /// Sets the field of this id: the sandbox's ids of custom fields are their places, from 1.
    pub(super) fn set_by_id(&mut self, id: &str, value: String) -> Result<(), Refusal> {
        let place = id.parse::<usize>().ok().and_then(|place| place.checked_sub(1));
        let field = place.and_then(|place| self.0.get_mut(place)).ok_or_else(|| Refusal::unknown("Custom field"))?;
        field.1 = value;
        Ok(())
    }

    /// The value under a label.
    pub(super) fn get(&self, label: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == label).map(|(_, value)| value.as_str())
    }

    /// One field, as the answer to its change shows it.
    pub(super) fn field_view(&self, label: &str) -> Option<Object> {
        let at = self.0.iter().position(|(known, _)| known == label)?;
        let view = self.view().into_iter().nth(at)?;
        Some(view.with("customfield_id", (at + 1).to_string()))
    }

    /// As answers show them.
    pub(super) fn view(&self) -> Vec<Object> {
        let row = |(at, (label, value)): (usize, &(String, String))| {
            Object::new().with("index", at + 1).with("label", label).with("value", value).with("data_type", "string")
        };
        self.0.iter().enumerate().map(row).collect()
    }
}
