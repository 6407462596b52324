//! Writing records: one at a time, each with its own result, as CRM judges them.

use super::call::Org;
use super::errors::{At, Refusal};
use super::external::External;
use super::ids::Id;
use super::schema::{Field, PIPELINE, STAGES, Unique};
use super::state::{Deleted, Record, Version, Who, same, time};
use super::values;
use super::watch::Operation;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// Versions of a record that are kept: more than any look-up goes back.
const VERSIONS: usize = 64;

/// How a call wants its records written.
#[derive(Debug, Default)]
pub(super) struct Manner {
    pub(super) external: External,
    /// Whether Zoho's own workflows run on what is written.
    pub(super) workflows: bool,
    /// A record changed since then is not updated.
    pub(super) unmodified_since: Option<DateTime<Utc>>,
}

/// A record that was written.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) id: Id,
    pub(super) updated: bool,
    /// The field by which an upsert found the record.
    pub(super) duplicate_field: Option<String>,
}

/// What a record's JSON says, read.
struct Draft {
    /// Null clears.
    values: Map<String, Value>,
    owner: Option<Who>,
    tags: Vec<Id>,
}

impl Org<'_> {
    /// Makes a record of what the JSON says.
    pub(super) fn insert(
        &mut self,
        module: &'static str,
        data: &Value,
        within: &str,
        manner: &Manner,
    ) -> Result<Done, Refusal> {
        let draft = self.draft(module, data, within, manner)?;
        self.check_mandatory(module, &draft.values, within, true)?;
        check_stage(module, &draft.values, None, within)?;
        self.check_unique(module, &draft.values, None, within)?;
        let id = self.state.next_id();
        let mut values = draft.values.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>();
        if module == "Deals" {
            values.entry("Pipeline").or_insert_with(|| PIPELINE.into());
        }
        let fields: Vec<String> = values.keys().cloned().collect();
        let tags = draft.tags;
        let owner = draft.owner.unwrap_or(self.who);
        let version = Version { at: self.now, by: self.who, values, tags: tags.clone(), owner };
        let record = Record {
            id,
            module,
            created: self.now,
            created_by: self.who,
            versions: vec![version],
            locked: false,
            in_blueprint: false,
            converted: false,
        };
        self.state.records.insert(id, record);
        self.changed(Operation::Insert, module, id, &fields);
        if manner.workflows {
            self.run_rules(id, true, &fields, &tags);
        }
        Ok(Done { id, updated: false, duplicate_field: None })
    }

    /// Changes a record as the JSON says.
    pub(super) fn update(&mut self, id: Id, data: &Value, within: &str, manner: &Manner) -> Result<Done, Refusal> {
        let record = self.state.records.get(&id).ok_or_else(|| Refusal::unknown_id(json!({ "id": id.to_string() })))?;
        let module = record.module;
        if record.converted {
            return Err(refused("ID_ALREADY_CONVERTED", "id already converted", id));
        }
        if record.locked {
            return Err(refused("RECORD_LOCKED", "no permission to perform an action on this record", id));
        }
        if manner.unmodified_since.is_some_and(|since| whole_second(record.now().at) > since) {
            let details = json!({ "id": id.to_string(), "Modified_Time": time(record.now().at) });
            let message = "The record was modified after the time given";
            return Err(Refusal::new(StatusCode::PRECONDITION_FAILED, "PRECONDITION_FAILED", message, details));
        }
        let draft = self.draft(module, data, within, manner)?;
        let record = self.state.records[&id].clone();
        let stage = draft.values.get("Stage");
        if record.in_blueprint && stage.is_some_and(|stage| record.now().values.get("Stage") != Some(stage)) {
            let details = At { within, key: "Stage" }.details();
            return Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "RECORD_IN_BLUEPRINT",
                "The record is in blue print",
                details,
            ));
        }
        self.check_mandatory(module, &draft.values, within, false)?;
        check_stage(module, &draft.values, Some(&record), within)?;
        self.check_unique(module, &draft.values, Some(id), within)?;
        let mut version = record.now().clone();
        let mut fields = Vec::new();
        for (name, value) in draft.values {
            if version.values.get(&name).unwrap_or(&Value::Null) != &value {
                fields.push(name.clone());
            }
            if value.is_null() { drop(version.values.remove(&name)) } else { drop(version.values.insert(name, value)) }
        }
        if let Some(owner) = draft.owner {
            version.owner = owner;
        }
        let added: Vec<Id> = draft.tags.into_iter().filter(|tag| !version.tags.contains(tag)).collect();
        version.tags.extend(&added);
        self.save(id, version);
        self.changed(Operation::Update, module, id, &fields);
        if manner.workflows {
            self.run_rules(id, false, &fields, &added);
        }
        Ok(Done { id, updated: true, duplicate_field: None })
    }

    /// Updates the record that has the same value in one of the fields, in their order; else inserts.
    pub(super) fn upsert(
        &mut self,
        module: &'static str,
        data: &Value,
        check: &[String],
        within: &str,
        manner: &Manner,
    ) -> Result<Done, Refusal> {
        if let Some(id) = data.get("id").filter(|id| !id.is_null()) {
            let id = manner.external.record(self.state, module, id)?;
            return self.update(id, data, within, manner);
        }
        let found = check.iter().find_map(|name| {
            let field = self.state.known_module(module).field(name)?;
            let value = data.get(name).filter(|value| !value.is_null())?;
            let holder = self.state.holder(module, field, value)?;
            Some((name.clone(), holder.id))
        });
        match found {
            None => self.insert(module, data, within, manner),
            Some((field, id)) => {
                let done = self.update(id, data, within, manner)?;
                Ok(Done { duplicate_field: Some(field), ..done })
            }
        }
    }

    /// Takes a record away, into the recycle bin.
    pub(super) fn delete(&mut self, id: Id) -> Result<(), Refusal> {
        let record = self.state.records.get(&id).ok_or_else(|| Refusal::unknown_id(json!({ "id": id.to_string() })))?;
        if record.locked {
            return Err(refused("RECORD_LOCKED", "no permission to perform an action on this record", id));
        }
        let module = record.module;
        self.changed(Operation::Delete, module, id, &[]);
        if let Some(record) = self.state.records.remove(&id) {
            self.state.roles.retain(|role| role.deal != id && role.contact != id);
            self.state.deleted.push(Deleted { record, at: self.now, by: self.who });
        }
        Ok(())
    }

    /// Makes `version` the record's present.
    pub(super) fn save(&mut self, id: Id, version: Version) {
        let (at, by) = (self.now, self.who);
        if let Some(record) = self.state.records.get_mut(&id) {
            record.versions.push(Version { at, by, ..version });
            if record.versions.len() > VERSIONS {
                record.versions.remove(0);
            }
        }
    }

    fn draft(&mut self, module: &'static str, data: &Value, within: &str, manner: &Manner) -> Result<Draft, Refusal> {
        let mut draft = Draft { values: Map::new(), owner: None, tags: Vec::new() };
        let mut tags = None;
        for (name, value) in data.as_object().into_iter().flatten() {
            // `id` addresses a record, names with a dollar are CRM's own.
            if name == "id" || name.starts_with('$') {
                continue;
            }
            let at = At { within, key: name };
            let Some(field) = self.state.known_module(module).field(name) else {
                return Err(Refusal::invalid("invalid data", at.details()));
            };
            if name == "Tag" {
                tags = Some(value);
            } else if field.read_only {
                // What CRM computes is passed over, so that what was read can be written back.
            } else if name == "Owner" {
                let id = values::read(self.state, field, value, within, &manner.external)?;
                draft.owner = Id::of(&id).and_then(Who::of);
            } else {
                let cleared = value.is_null() || value.as_str() == Some("");
                let value = if cleared {
                    Value::Null
                } else {
                    values::read(self.state, field, value, within, &manner.external)?
                };
                draft.values.insert(name.clone(), value);
            }
        }
        if let Some(wanted) = tags.filter(|tags| !tags.is_null()) {
            let list = wanted.as_array();
            let list = list.ok_or_else(|| Refusal::mistyped(&At { within, key: "Tag" }, "jsonarray"))?;
            draft.tags = self.wanted_tags(module, list, within, "Tag")?;
        }
        Ok(draft)
    }

    /// A new record has all required fields; an update clears none.
    fn check_mandatory(
        &self,
        module: &str,
        values: &Map<String, Value>,
        within: &str,
        new: bool,
    ) -> Result<(), Refusal> {
        let fields = self.state.known_module(module).fields.iter();
        let missing = fields.filter(|field| field.mandatory && !defaulted(field)).find(|field| {
            let value = values.get(&field.api_name);
            value.map_or(new, Value::is_null)
        });
        missing.map_or(Ok(()), |field| Err(Refusal::missing(&At { within, key: &field.api_name })))
    }

    /// No other record holds a value that must be unique.
    fn check_unique(
        &self,
        module: &str,
        values: &Map<String, Value>,
        own: Option<Id>,
        within: &str,
    ) -> Result<(), Refusal> {
        for field in self.state.known_module(module).fields.iter().filter(|field| field.unique != Unique::No) {
            let Some(value) = values.get(&field.api_name).filter(|value| !value.is_null()) else { continue };
            let taken = self
                .state
                .of_module(module)
                .find(|other| Some(other.id) != own && same(field, other.now().values.get(&field.api_name), value));
            if let Some(other) = taken {
                return Err(self.duplicate(field, other, within));
            }
        }
        Ok(())
    }

    fn duplicate(&self, field: &Field, other: &Record, within: &str) -> Refusal {
        let module = self.state.known_module(other.module);
        let message = match field.unique {
            Unique::External => "The external field contains duplicate data.",
            Unique::Yes | Unique::No => "duplicate data",
        };
        let duplicate = json!({
            "id": other.id.to_string(),
            "Owner": other.now().owner.minified(),
            "module": { "api_name": module.api_name, "id": module.id.to_string() },
        });
        let details = At { within, key: &field.api_name }.with("duplicate_record", duplicate);
        Refusal::new(StatusCode::BAD_REQUEST, "DUPLICATE_DATA", message, details)
    }
}

/// A deal's stage is one of its pipeline's.
fn check_stage(
    module: &str,
    values: &Map<String, Value>,
    existing: Option<&Record>,
    within: &str,
) -> Result<(), Refusal> {
    let held = |name: &str| values.get(name).or_else(|| existing.and_then(|record| record.now().values.get(name)));
    let mismatch = |message: &str, key: &str, mapped: &str| {
        let details = At { within, key }.with("mapped_field", mapped.into());
        Err(Refusal::new(StatusCode::BAD_REQUEST, "MAPPING_MISMATCH", message, details))
    };
    if module != "Deals" {
        return Ok(());
    }
    if held("Pipeline").and_then(Value::as_str).is_some_and(|pipeline| pipeline != PIPELINE) {
        return mismatch("Layout doesn't contain the Pipeline", "Pipeline", "Layout");
    }
    let stage = held("Stage").and_then(Value::as_str);
    if stage.is_some_and(|stage| STAGES.iter().all(|(name, _, _)| *name != stage)) {
        return mismatch("Pipeline doesn't contain the Stage", "Stage", "Pipeline");
    }
    Ok(())
}

/// A deal without a pipeline is in the standard one.
fn defaulted(field: &Field) -> bool {
    field.api_name == "Pipeline"
}

/// CRM tells times without fractions: what a caller read a moment ago is not a change since.
fn whole_second(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}

fn refused(code: &str, message: &str, id: Id) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message, json!({ "id": id.to_string() }))
}

impl Org<'_> {
    /// The result of one record's writing, as the API tells it.
    pub(super) fn told(&self, outcome: &Result<Done, Refusal>, upsert: bool, external: &External) -> Value {
        let done = match outcome {
            Ok(done) => done,
            Err(refusal) => return refusal.body(),
        };
        let record = &self.state.records[&done.id];
        let version = record.now();
        let mut details = json!({
            "id": record.id.to_string(),
            "Created_Time": time(record.created),
            "Modified_Time": time(version.at),
            "Created_By": record.created_by.minified(),
            "Modified_By": version.by.minified(),
            "$approval_state": "approved",
        });
        if let Some(field) = &external.own {
            details[field] = self.state.value(record, version, field);
        }
        let message = if done.updated { "record updated" } else { "record added" };
        let mut told = json!({ "code": "SUCCESS", "details": details, "message": message, "status": "success" });
        if upsert {
            told["action"] = if done.updated { "update" } else { "insert" }.into();
            if let Some(field) = &done.duplicate_field {
                told["duplicate_field"] = field.as_str().into();
            }
        }
        told
    }
}
