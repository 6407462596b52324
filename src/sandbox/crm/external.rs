//! The header `X-EXTERNAL`: which ids of a call are values of external-id fields instead.

use super::call::Call;
use super::errors::{At, Refusal};
use super::ids::Id;
use super::schema::{Field, Type, Unique};
use super::state::State;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a call's header names.
#[derive(Debug, Clone, Default)]
pub(super) struct External {
    /// The field whose value stands for the record's id.
    pub(super) own: Option<String>,
    /// By look-up: the field of the record there whose value stands for its id.
    lookups: BTreeMap<String, String>,
}

impl External {
    /// Reads the header: `Contacts.Platform_User_Id`, or `Deals.Contact_Name.Platform_User_Id`, or several of them.
    pub(super) fn of(call: &Call<'_>, module: &str) -> Result<Self, Refusal> {
        let mut external = Self::default();
        for entry in call.header("x-external").into_iter().flat_map(|text| text.split(',')) {
            let parts: Vec<&str> = entry.trim().split('.').collect();
            let (target, place) = match parts[..] {
                [named, field] if named == module => (module, (field, None)),
                [named, lookup, field] if named == module => {
                    let kind = call.org.state.known_module(module).field(lookup).map(|field| &field.kind);
                    let Some(Type::Lookup(Some(target))) = kind else { return Err(wrong(entry)) };
                    (*target, (field, Some(lookup)))
                }
                _ => return Err(wrong(entry)),
            };
            let field = call.org.state.module(target).and_then(|module| module.field(place.0));
            if field.is_none_or(|field| field.unique != Unique::External) {
                return Err(wrong(entry));
            }
            match place {
                (field, None) => external.own = Some(field.to_owned()),
                (field, Some(lookup)) => drop(external.lookups.insert(lookup.to_owned(), field.to_owned())),
            }
        }
        Ok(external)
    }

    /// The record that a text in a path or an `id` of a body means.
    pub(super) fn record(&self, state: &State, module: &str, text: &Value) -> Result<Id, Refusal> {
        match &self.own {
            None => {
                let found = Id::of(text).filter(|id| state.record(module, *id).is_some());
                found.ok_or_else(|| Refusal::unknown_id(json!({ "id": text })))
            }
            Some(name) => by_value(state, module, name, text).ok_or_else(|| unknown(name)),
        }
    }

    /// The record that a look-up's `id` means.
    pub(super) fn looked_up(&self, state: &State, field: &Field, id: &Value, within: &str) -> Result<Id, Refusal> {
        let target = if let Type::Lookup(target) = field.kind { target } else { None };
        let known = |id: &Id| match target {
            Some(module) => state.record(module, *id).is_some(),
            None => state.records.contains_key(id),
        };
        match (self.lookups.get(&field.api_name), target) {
            (Some(name), Some(module)) => by_value(state, module, name, id).ok_or_else(|| {
                let details = At { within, key: &field.api_name }.details();
                Refusal::invalid("The external ID of the lookup field or the Price Book is incorrect", details)
            }),
            _ => Id::of(id).filter(known).ok_or_else(|| {
                let within = format!("{within}.{}", field.api_name);
                Refusal::unknown_id(At { within: &within, key: "id" }.details())
            }),
        }
    }
}

/// No record has this value in the external field.
pub(super) fn unknown(field: &str) -> Refusal {
    Refusal::invalid("The value of the external field is invalid.", json!({ "api_name": field }))
}

fn by_value(state: &State, module: &str, field: &str, value: &Value) -> Option<Id> {
    let field = state.known_module(module).field(field)?;
    state.holder(module, field, value).map(|record| record.id)
}

fn wrong(entry: &str) -> Refusal {
    let details =
        json!({ "param_name": "X-EXTERNAL", "reason": format!("`{}` names no external field", entry.trim()) });
    Refusal::invalid("Please check whether the input values are correct", details)
}
