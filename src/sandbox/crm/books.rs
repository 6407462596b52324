//! Ground truth: what the simulated CRM holds, for tests.

use super::state::{Record, State, time};
use crate::World;
use serde_json::{Map, Value, json};

/// Records by module with the names of their tags, what was deleted, rules that ran, and the credits of 24 hours.
pub fn books(world: &World) -> Value {
    let state = world.crm.lock().expect("crm lock");
    let mut books = Map::new();
    for module in &state.modules {
        let records: Vec<Value> = state.of_module(module.api_name).map(|record| told(&state, record)).collect();
        books.insert(module.api_name.to_lowercase(), records.into());
    }
    let deleted = state.deleted.iter().map(|gone| {
        let mut told = told(&state, &gone.record);
        told["module"] = gone.record.module.into();
        told
    });
    books.insert("deleted".to_owned(), deleted.collect());
    let runs = state
        .runs
        .iter()
        .map(|run| json!({ "rule": run.rule, "record_id": run.record.to_string(), "at": time(run.at) }));
    books.insert("workflow_runs".to_owned(), runs.collect());
    books.insert("channels".to_owned(), state.channels.keys().cloned().collect());
    books.insert("credits_used".to_owned(), state.limits.used().into());
    Value::Object(books)
}

fn told(state: &State, record: &Record) -> Value {
    let version = record.now();
    let mut told = version.values.clone();
    told.insert("id".to_owned(), record.id.into());
    let tags = version.tags.iter().filter_map(|tag| state.tags.get(tag)).map(|tag| Value::from(tag.name.as_str()));
    told.insert("tags".to_owned(), tags.collect());
    told.insert("converted".to_owned(), record.converted.into());
    told.insert("modified_by".to_owned(), version.by.name().into());
    Value::Object(told)
}
