//! The forms of events. An event that an earlier release wrote is brought into today's form when it is read, by upcasters
//! that its flow declares beside its events; what stands in the log, and its hash, stay as they are for ever.
//!
//! Form 1 is the bare record. A later form is written with its number before it, `{"v":2,"business":{…}}`: a release that
//! does not know that form cannot take it for one that it knows.

use cqrs_es::persist::{EventUpcaster, SemanticVersionEventUpcaster, SerializedEvent};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An event has another form since then.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The event's name.
    pub event: &'static str,
    /// The number of the new form, from 2.
    pub form: u32,
    /// Brings the form before it, as JSON, into this one. Total: what it does not know it leaves.
    pub upcast: fn(Value) -> Value,
}

/// The form in which an event is written today.
pub(super) fn today(changes: &[Change], event: &str) -> u32 {
    changes.iter().filter(|change| change.event == event).map(|change| change.form).max().unwrap_or(1)
}

/// The text of a record in that form, as the log keeps it.
pub(super) fn write(record: String, form: u32) -> String {
    match record.strip_prefix('{') {
        Some(rest) if form > 1 => format!("{{\"v\":{form},{rest}"),
        Some(_) | None => record,
    }
}

/// The form of a stored text, and the bare record.
fn split(text: String) -> (u32, String) {
    let numbered = text.strip_prefix("{\"v\":").and_then(|rest| rest.split_once(','));
    match numbered.and_then(|(form, rest)| Some((form.parse().ok()?, format!("{{{rest}")))) {
        Some(split) => split,
        None => (1, text),
    }
}

/// A stored event as this release reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The form in which it is stored.
    pub form: u32,
    /// A newer release wrote it: this one knows no such form, and has not touched the text.
    pub newer: bool,
    /// The bare record, in today's form.
    pub text: String,
}

/// Every form of every event that ever changed.
pub struct Forms {
    today: BTreeMap<&'static str, u32>,
    upcasters: Vec<Box<dyn EventUpcaster>>,
}

impl Forms {
    /// From the changes of all flows.
    pub fn new(mut changes: Vec<Change>) -> Self {
        changes.sort_by_key(|change| change.form);
        let today = changes.iter().map(|change| (change.event, change.form)).collect();
        let upcaster = |change: Change| -> Box<dyn EventUpcaster> {
            let upcast = Box::new(change.upcast);
            Box::new(SemanticVersionEventUpcaster::new(change.event, &change.form.to_string(), upcast))
        };
        Self { today, upcasters: changes.into_iter().map(upcaster).collect() }
    }

    /// Reads the stored text of an event of that name.
    pub fn read(&self, name: &str, text: String) -> Read {
        let today = self.today.get(name).copied().unwrap_or(1);
        if today == 1 && !text.starts_with("{\"v\":") {
            return Read { form: 1, newer: false, text };
        }
        let (form, text) = split(text);
        let text = if form < today { self.upcast(name, form, text) } else { text };
        Read { form, newer: form > today, text }
    }

    fn upcast(&self, name: &str, form: u32, text: String) -> String {
        let Ok(mut record) = serde_json::from_str::<Value>(&text) else { return text };
        let Some(business) = record.get_mut("business") else { return text };
        let (none, name) = (String::new, name.to_owned());
        let stored = SerializedEvent::new(none(), 0, none(), name, form.to_string(), business.take(), Value::Null);
        let read = self.upcasters.iter().fold(stored, |event, upcaster| {
            if upcaster.can_upcast(&event.event_type, &event.event_version) { upcaster.upcast(event) } else { event }
        });
        json!({ "business": read.payload }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms() -> Forms {
        let name = |mut event: Value| {
            let full = event["given"].take();
            event["names"] = json!([full]);
            event.as_object_mut().map(|fields| fields.remove("given"));
            event
        };
        let count = |mut event: Value| {
            event["count"] = json!(event["names"].as_array().map_or(0, Vec::len));
            event
        };
        // In any order.
        Forms::new(vec![
            Change { event: "Named", form: 3, upcast: count },
            Change { event: "Named", form: 2, upcast: name },
        ])
    }

    #[test]
    fn every_earlier_form_is_brought_into_todays() {
        let today = r#"{"business":{"count":1,"event":"named","names":["Ada"]}}"#;
        for (form, stored) in [
            (1, r#"{"business":{"event":"named","given":"Ada"}}"#),
            (2, r#"{"v":2,"business":{"event":"named","names":["Ada"]}}"#),
            (3, r#"{"v":3,"business":{"count":1,"event":"named","names":["Ada"]}}"#),
        ] {
            let read = forms().read("Named", stored.to_owned());
            assert_eq!(read, Read { form, newer: false, text: today.to_owned() });
        }
    }

    #[test]
    fn an_event_that_never_changed_is_read_as_it_stands() {
        let stored = r#"{"business":{"event":"other","given":"Ada"}}"#;
        assert_eq!(forms().read("Other", stored.to_owned()).text, stored);
    }

    #[test]
    fn a_form_of_a_newer_release_is_known_for_one() {
        let numbered = r#"{"v":4,"business":{"event":"named"}}"#.to_owned();
        for name in ["Named", "Other"] {
            let read = forms().read(name, numbered.clone());
            assert_eq!((read.form, read.newer), (4, true), "{name}");
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let record = r#"{"business":{"event":"named"}}"#;
        assert_eq!(write(record.to_owned(), 1), record);
        assert_eq!(split(write(record.to_owned(), 12)), (12, record.to_owned()));
    }
}
