//! The page that says what this sandbox can be asked to do, and to do wrong. It orders nothing itself.

use super::World;
use super::acts;
use super::faults::{KINDS, Vendor};
use super::transport;
use minijinja::{Environment, context, value::Serde};
use serde_json::{Value, json};
use std::sync::LazyLock;

static PAGES: LazyLock<Environment<'_>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    pages.add_template("page.html", include_str!("page.html")).expect("a test renders it");
    pages
});

/// The page; `api` is the paths of the control API's own description.
pub(super) fn render(world: &World, api: &Value) -> String {
    let calls: Vec<_> = api
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(path, methods)| methods.as_object().into_iter().flatten().map(move |call| (path, call)))
        .map(
            |(path, (method, call))| json!({"method": method.to_uppercase(), "path": path, "summary": call["summary"]}),
        )
        .collect();
    let kinds: Vec<_> =
        KINDS.iter().map(|kind| json!({"name": kind.name, "field": kind.field, "about": kind.about})).collect();
    let vendors: Vec<_> = Vendor::ALL
        .into_iter()
        .map(|vendor| json!({"name": vendor, "operations": transport::operations(vendor), "acts": acts(vendor)}))
        .collect();
    let now = world.clock.now().format("%A, %-d %B %Y, %H:%M:%S UTC").to_string();
    let faults = world.faults.list().len();
    let values = context! { calls => Serde(calls), kinds => Serde(kinds), vendors => Serde(vendors), now, faults };
    let page = PAGES.get_template("page.html").and_then(|page| page.render(values));
    page.unwrap_or_else(|error| format!("the page cannot be shown: {error}"))
}

fn acts(vendor: Vendor) -> Vec<Value> {
    acts::of(vendor)
        .iter()
        .map(|act| json!({"name": act.name, "fields": act.fields.trim_start_matches("; ")}))
        .collect()
}
