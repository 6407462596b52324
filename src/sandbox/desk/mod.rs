//! Zoho Desk v1, simulated: contacts, tickets and the comments on them.
//!
//! No call here is repeat-safe: a repeated POST makes a second ticket. Searches lag behind what was written. Access tokens
//! are those of the simulated Zoho Accounts; the organisation's id is Desk's own.

mod books;
mod call;
mod contacts;
mod errors;
mod fields;
mod staff;
mod state;
mod tickets;

use super::World;
use super::faults::Vendor;
use super::transport::op;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, MethodRouter, on};
use call::{Route, serve};
use std::collections::BTreeMap;
use std::sync::Arc;

pub use books::books;
pub(crate) use contacts::DEPARTMENT;
pub(crate) use errors::refusal;
pub use staff::staff;
pub use state::State;

/// The tables of routes of all resources.
const RESOURCES: &[&[Route]] = &[contacts::ROUTES, tickets::ROUTES];

/// The vendor's HTTP surface.
pub fn router() -> Router<Arc<World>> {
    let methods = MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::PATCH);
    let unknown = on(methods.or(MethodFilter::DELETE), async || errors::Refusal::not_found().into_response());
    let router = Router::new().route("/api/v1/{*rest}", op(Vendor::ZohoDesk, "unknown", unknown));
    // All methods of a path at once, so that the others are refused in Desk's own words.
    let mut paths: BTreeMap<&str, MethodRouter<Arc<World>>> = BTreeMap::new();
    for route in RESOURCES.iter().flat_map(|table| table.iter()) {
        let handler = op(Vendor::ZohoDesk, route.operation, on(route.method, serve(route)));
        let path = paths.remove(route.path).unwrap_or_default();
        paths.insert(route.path, path.merge(handler));
    }
    paths.into_iter().fold(router, |router, (path, methods)| {
        let methods = methods.fallback(async || errors::Refusal::wrong_method().into_response());
        router.route(&format!("/api/v1{path}"), methods)
    })
}
