//! All that the simulated CRM holds, and the plain ways to find things in it.

use super::ids::Id;
use super::limits::Limits;
use super::schema::{self, Field, Module, Unique};
use super::settings::Settings;
use super::tags::Tag;
use super::watch::Channel;
use super::workflows::{Rule, Run};
use crate::faults::Sight;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Someone who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// The user in whose name the API is called.
    Integration,
    /// A person at CRM's own pages.
    Staff,
}

impl Who {
    pub(super) const ALL: [Self; 2] = [Self::Integration, Self::Staff];

    pub(super) fn id(self) -> Id {
        match self {
            Self::Integration => Id::nth(1),
            Self::Staff => Id::nth(2),
        }
    }

    pub(super) fn of(id: Id) -> Option<Self> {
        Self::ALL.into_iter().find(|who| who.id() == id)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Integration => "Billing Integration",
            Self::Staff => "Sandbox Staff",
        }
    }

    pub(super) fn email(self) -> &'static str {
        match self {
            Self::Integration => "billing@sandbox.example",
            Self::Staff => "staff@sandbox.example",
        }
    }

    /// As records and results name a user.
    pub(super) fn minified(self) -> Value {
        json!({ "name": self.name(), "id": self.id().to_string() })
    }
}

/// A record as it was from one moment on.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) at: DateTime<Utc>,
    pub(super) by: Who,
    /// By field; a look-up is the id of its record, as text.
    pub(super) values: Map<String, Value>,
    pub(super) tags: Vec<Id>,
    pub(super) owner: Who,
}

/// A record: what it was and is.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: Id,
    pub(super) module: &'static str,
    pub(super) created: DateTime<Utc>,
    pub(super) created_by: Who,
    /// Oldest first, never empty: a late index shows an older one.
    pub(super) versions: Vec<Version>,
    /// Held by an approval, a merge or a person: it cannot be changed.
    pub(super) locked: bool,
    /// In a blueprint: its stage changes by the blueprint alone.
    pub(super) in_blueprint: bool,
    /// A lead that became a contact.
    pub(super) converted: bool,
}

impl Record {
    pub(super) fn now(&self) -> &Version {
        self.versions.last().expect("a record has a version from its creation on")
    }

    /// As it was known at `horizon`; nothing if it was not there.
    pub(super) fn at(&self, horizon: DateTime<Utc>) -> Option<&Version> {
        self.versions.iter().rev().find(|version| version.at <= horizon)
    }

    /// As a look-up sees it; nothing if it does not.
    pub(super) fn seen(&self, by: Sight) -> Option<&Version> {
        self.at(by.horizon).filter(|_| !by.empty)
    }
}

/// A record that was deleted.
#[derive(Debug, Clone)]
pub(super) struct Deleted {
    pub(super) record: Record,
    pub(super) at: DateTime<Utc>,
    pub(super) by: Who,
}

/// The contact's part in a deal.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) deal: Id,
    pub(super) contact: Id,
    pub(super) name: Option<String>,
}

/// The organisation.
#[derive(Debug)]
pub struct State {
    pub(super) settings: Settings,
    pub(super) limits: Limits,
    pub(super) modules: Vec<Module>,
    pub(super) records: BTreeMap<Id, Record>,
    pub(super) deleted: Vec<Deleted>,
    pub(super) tags: BTreeMap<Id, Tag>,
    pub(super) roles: Vec<Role>,
    /// By channel id.
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) rules: Vec<Rule>,
    pub(super) runs: Vec<Run>,
    ids: u64,
}

impl Default for State {
    fn default() -> Self {
        // The users have the first ids.
        let mut ids = 100;
        let modules = schema::modules(|| {
            ids += 1;
            Id::nth(ids)
        });
        Self {
            settings: Settings::default(),
            limits: Limits::default(),
            modules,
            records: BTreeMap::new(),
            deleted: Vec::new(),
            tags: BTreeMap::new(),
            roles: Vec::new(),
            channels: BTreeMap::new(),
            rules: Vec::new(),
            runs: Vec::new(),
            ids,
        }
    }
}

impl State {
    pub(super) fn next_id(&mut self) -> Id {
        self.ids += 1;
        Id::nth(self.ids)
    }

    pub(super) fn module(&self, api_name: &str) -> Option<&Module> {
        self.modules.iter().find(|module| module.api_name == api_name)
    }

    /// A module that records name: it is there.
    pub(super) fn known_module(&self, api_name: &str) -> &Module {
        self.module(api_name).expect("records are of the modules that there are")
    }

    /// A record of this module.
    pub(super) fn record(&self, module: &str, id: Id) -> Option<&Record> {
        self.records.get(&id).filter(|record| record.module == module)
    }

    /// The records of a module, oldest first.
    pub(super) fn of_module<'a>(&'a self, module: &str) -> impl DoubleEndedIterator<Item = &'a Record> + use<'a> {
        let module = self.module(module).map(|module| module.api_name);
        self.records.values().filter(move |record| Some(record.module) == module)
    }

    /// The oldest record of the module whose field has this value, letters compared as the field's kind does.
    pub(super) fn holder(&self, module: &str, field: &Field, value: &Value) -> Option<&Record> {
        self.of_module(module).find(|record| same(field, record.now().values.get(&field.api_name), value))
    }

    /// The name under which others show a record.
    pub(super) fn display_name(&self, record: &Record) -> Value {
        let module = self.known_module(record.module);
        self.value(record, record.now(), module.display)
    }

    /// What a version holds in one field, computed ones included.
    pub(super) fn value(&self, record: &Record, version: &Version, field: &str) -> Value {
        match field {
            "id" => record.id.into(),
            "Full_Name" => {
                let part = |name| version.values.get(name).and_then(Value::as_str);
                let parts: Vec<&str> = [part("First_Name"), part("Last_Name")].into_iter().flatten().collect();
                parts.join(" ").into()
            }
            "Created_Time" => time(record.created),
            "Modified_Time" => time(version.at),
            "Created_By" => record.created_by.minified(),
            "Modified_By" => version.by.minified(),
            "Owner" => owner(version.owner),
            "Converted__s" => record.converted.into(),
            "Tag" => version.tags.iter().filter_map(|id| self.tags.get(id)).map(Tag::minified).collect(),
            name => version.values.get(name).cloned().unwrap_or(Value::Null),
        }
    }

    /// What the API shows of a field: look-ups with their record's name.
    pub(super) fn shown(&self, record: &Record, version: &Version, field: &Field) -> Value {
        let value = self.value(record, version, &field.api_name);
        match &field.kind {
            schema::Type::Lookup(_) => self.shown_lookup(&field.api_name, &value),
            _ => value,
        }
    }

    fn shown_lookup(&self, field: &str, id: &Value) -> Value {
        let Some(found) = Id::of(id).and_then(|id| self.records.get(&id)) else { return Value::Null };
        let mut shown = json!({ "name": self.display_name(found), "id": found.id.to_string() });
        if field == "Parent_Id" {
            let module = self.known_module(found.module);
            shown["module"] = json!({ "api_name": module.api_name, "id": module.id.to_string() });
        }
        shown
    }

    /// A record as the API shows it: all fields, or those asked for. Ids are always there.
    pub(super) fn render(&self, record: &Record, version: &Version, fields: Option<&[&str]>) -> Value {
        let module = self.known_module(record.module);
        let mut shown = Map::new();
        shown.insert("id".to_owned(), record.id.into());
        for field in &module.fields {
            if fields.is_none_or(|names| names.contains(&field.api_name.as_str())) {
                shown.insert(field.api_name.clone(), self.shown(record, version, field));
            }
        }
        if fields.is_none() {
            shown.insert("$approval_state".to_owned(), "approved".into());
            shown.insert("$locked_for_me".to_owned(), record.locked.into());
        }
        Value::Object(shown)
    }

    /// A true copy of a record with an id of its own, as two writes at the same time leave it.
    pub(super) fn twin(&mut self, id: Id) -> Option<Id> {
        let record = self.records.get(&id)?.clone();
        let id = self.next_id();
        self.records.insert(id, Record { id, ..record });
        Some(id)
    }
}

/// Whether two values are one to a field that forbids duplicates: external ids letter by letter, all else whatever its case.
pub(super) fn same(field: &Field, held: Option<&Value>, value: &Value) -> bool {
    match (held, field.unique) {
        (Some(Value::String(a)), Unique::No | Unique::Yes) => value.as_str().is_some_and(|b| a.eq_ignore_ascii_case(b)),
        (Some(held), _) => held == value,
        (None, _) => false,
    }
}

/// A moment as CRM writes it: with an offset, without fractions.
pub(super) fn time(at: DateTime<Utc>) -> Value {
    Value::String(at.to_rfc3339_opts(SecondsFormat::Secs, false))
}

fn owner(who: Who) -> Value {
    json!({ "name": who.name(), "id": who.id().to_string(), "email": who.email() })
}
