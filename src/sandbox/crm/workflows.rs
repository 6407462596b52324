//! Zoho's own workflow rules: what an administrator has set up to happen when records are written.
//!
//! They run unless a write says by `trigger` that they shall not. What a rule does starts no other rule.

use super::call::Org;
use super::ids::Id;
use super::state::Who;
use super::watch::Operation;
use crate::faults::Vendor;
use crate::hooks::Hook;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// When a rule runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    Created,
    /// A field of this name changed.
    Changed(String),
    /// A tag of this name was put on.
    Tagged(String),
}

/// A rule and what it does.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) module: &'static str,
    pub(super) when: When,
    /// Fields that it sets, read already.
    pub(super) set: Map<String, Value>,
    /// Where it posts the record to.
    pub(super) webhook: Option<String>,
}

/// That a rule ran, for the books.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) rule: String,
    pub(super) record: Id,
    pub(super) at: DateTime<Utc>,
}

impl Org<'_> {
    /// Runs the rules that a write of this record meets.
    pub(super) fn run_rules(&mut self, id: Id, created: bool, fields: &[String], added: &[Id]) {
        let Some(module) = self.state.records.get(&id).map(|record| record.module) else { return };
        let tagged = |name: &str| {
            let names = added.iter().filter_map(|tag| self.state.tags.get(tag)).map(|tag| &tag.name);
            names.into_iter().any(|tag| tag.eq_ignore_ascii_case(name))
        };
        let meets = |when: &When| match when {
            When::Created => created,
            When::Changed(field) => !created && fields.contains(field),
            When::Tagged(name) => tagged(name),
        };
        let rules: Vec<Rule> =
            self.state.rules.iter().filter(|rule| rule.module == module && meets(&rule.when)).cloned().collect();
        for rule in rules {
            self.run_rule(id, rule);
        }
    }

    fn run_rule(&mut self, id: Id, rule: Rule) {
        self.state.runs.push(Run { rule: rule.name.clone(), record: id, at: self.now });
        if !rule.set.is_empty() {
            let mut version = self.state.records[&id].now().clone();
            let fields: Vec<String> = rule.set.keys().cloned().collect();
            version.values.extend(rule.set);
            // Rules act in the name of whoever set them up.
            let caller = std::mem::replace(&mut self.who, Who::Staff);
            self.save(id, version);
            self.who = caller;
            self.changed(Operation::Update, rule.module, id, &fields);
        }
        if let Some(url) = rule.webhook {
            let record = &self.state.records[&id];
            let shown = self.state.render(record, record.now(), None);
            let body = json!({ "rule": rule.name, "module": rule.module, "id": id.to_string(), "record": shown });
            let hook = Hook {
                vendor: Vendor::ZohoCrm,
                kind: format!("workflow.{}", rule.name),
                headers: vec![("content-type".to_owned(), "application/json;charset=UTF-8".to_owned())],
                body: body.to_string().into_bytes(),
            };
            self.world.hooks.send_to(hook, url);
        }
    }
}
