//! Zoho CRM v8, simulated: records with their tags, searches and queries, metadata, notifications, workflows.
//!
//! Every record of a write has its own result. What Zoho's documents leave open is a switch in `settings`. Access tokens
//! are those of the simulated Zoho Accounts.

mod books;
mod call;
mod conditions;
mod coql;
mod coql_parse;
mod errors;
mod external;
mod ids;
mod limits;
mod metadata;
mod pages;
mod record_calls;
mod record_tags;
mod records;
mod related;
mod schema;
mod search;
mod settings;
mod staff;
mod state;
mod tags;
mod values;
mod watch;
mod workflows;

use super::World;
use super::faults::Vendor;
use super::transport::op;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use call::{Route, serve};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use books::books;
pub(crate) use errors::refusal;
pub use staff::staff;
pub use state::State;

/// The tables of routes of all resources.
const RESOURCES: &[&[Route]] = &[
    metadata::ROUTES,
    tags::ROUTES,
    watch::ROUTES,
    coql::ROUTES,
    search::ROUTES,
    record_tags::ROUTES,
    related::ROUTES,
    record_calls::ROUTES,
];

/// The vendor's HTTP surface.
pub fn router() -> Router<Arc<World>> {
    let methods = MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::PATCH);
    let unknown = on(methods.or(MethodFilter::DELETE), async || errors::Refusal::no_such_url().into_response());
    let router = Router::new().route("/crm/{*rest}", op(Vendor::ZohoCrm, "unknown", unknown));
    // All methods of a path at once, so that the others are refused in CRM's own words.
    let mut paths: BTreeMap<&str, MethodRouter<Arc<World>>> = BTreeMap::new();
    for route in RESOURCES.iter().flat_map(|table| table.iter()) {
        let handler = op(Vendor::ZohoCrm, route.operation, on(route.method, serve(route.operation, route.handler)));
        let path = paths.remove(route.path).unwrap_or_default();
        paths.insert(route.path, path.merge(handler));
    }
    paths.into_iter().fold(router, |router, (path, methods)| {
        let methods = methods.fallback(async || errors::Refusal::wrong_method().into_response());
        router.route(&format!("/crm/v8{path}"), methods)
    })
}

/// Called after the clock moved: channels whose time is over end.
pub fn tick(world: &World, now: DateTime<Utc>) {
    world.crm.lock().expect("crm lock").end_channels(now);
}
