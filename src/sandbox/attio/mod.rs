//! Attio, simulated: one workspace with its REST API v2 and webhooks.
//!
//! It holds objects, attributes, choices, records with their histories, notes, tasks and webhooks. It has no lists,
//! comments, meetings, record search or OAuth, and does not enrich companies.

mod attributes;
mod choices;
mod errors;
mod events;
mod guard;
mod merge;
mod model;
mod notes;
mod objects;
mod query;
mod records;
mod staff;
mod state;
mod tasks;
mod values;
mod webhooks;
mod write;

pub use state::State;

use super::{
    World,
    faults::{Said, Vendor},
    transport,
};
use axum::{
    Router,
    middleware::from_fn,
    response::Response,
    routing::{MethodRouter, delete, get, patch, post, put},
};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::sync::Arc;

/// The vendor's HTTP surface.
pub fn router() -> Router<Arc<World>> {
    let object = "/v2/objects/{object}";
    let attribute = format!("{object}/attributes/{{attribute}}");
    let record = format!("{object}/records/{{record_id}}");
    Router::new()
        .route("/v2/self", op("self.get", get(objects::identify)))
        .route("/v2/workspace_members", op("member.list", get(objects::members)))
        .route("/v2/workspace_members/{workspace_member_id}", op("member.get", get(objects::member)))
        .route("/v2/objects", op("object.list", get(objects::list)).merge(op("object.create", post(objects::create))))
        .route(object, op("object.get", get(objects::get)).merge(op("object.update", patch(objects::update))))
        .route(
            &format!("{object}/attributes"),
            op("attribute.list", get(attributes::list)).merge(op("attribute.create", post(attributes::create))),
        )
        .route(
            &attribute,
            op("attribute.get", get(attributes::get)).merge(op("attribute.update", patch(attributes::update))),
        )
        .route(
            &format!("{attribute}/options"),
            op("option.list", get(choices::options)).merge(op("option.create", post(choices::create_option))),
        )
        .route(&format!("{attribute}/options/{{option}}"), op("option.update", patch(choices::update_option)))
        .route(
            &format!("{attribute}/statuses"),
            op("status.list", get(choices::statuses)).merge(op("status.create", post(choices::create_status))),
        )
        .route(&format!("{attribute}/statuses/{{status}}"), op("status.update", patch(choices::update_status)))
        .route(
            &format!("{object}/records"),
            op("record.create", post(records::create)).merge(op("record.upsert", put(records::upsert))),
        )
        .route(&format!("{object}/records/query"), op("record.query", post(query::query)))
        .route(&format!("{object}/records/merge"), op("record.merge", post(records::merge)))
        .route(
            &record,
            op("record.get", get(records::get))
                .merge(op("record.update", patch(records::append)))
                .merge(op("record.replace", put(records::replace)))
                .merge(op("record.delete", delete(records::delete))),
        )
        .route(&format!("{record}/attributes/{{attribute}}/values"), op("record.history", get(records::history)))
        .merge(beside_records())
}

/// Notes, tasks and webhooks.
fn beside_records() -> Router<Arc<World>> {
    Router::new()
        .route("/v2/notes", op("note.list", get(notes::list)).merge(op("note.create", post(notes::create))))
        .route(
            "/v2/notes/{note_id}",
            op("note.get", get(notes::get))
                .merge(op("note.update", patch(notes::update)))
                .merge(op("note.delete", delete(notes::delete))),
        )
        .route("/v2/tasks", op("task.list", get(tasks::list)).merge(op("task.create", post(tasks::create))))
        .route(
            "/v2/tasks/{task_id}",
            op("task.get", get(tasks::get))
                .merge(op("task.update", patch(tasks::update)))
                .merge(op("task.delete", delete(tasks::delete))),
        )
        .route(
            "/v2/webhooks",
            op("webhook.list", get(webhooks::list)).merge(op("webhook.create", post(webhooks::create))),
        )
        .route(
            "/v2/webhooks/{webhook_id}",
            op("webhook.get", get(webhooks::get))
                .merge(op("webhook.update", patch(webhooks::update)))
                .merge(op("webhook.delete", delete(webhooks::delete))),
        )
}

/// Faults and counting go first, then the key and the limits.
fn op(name: &'static str, routes: MethodRouter<Arc<World>>) -> MethodRouter<Arc<World>> {
    transport::op(Vendor::Attio, name, routes.route_layer(from_fn(guard::guard)))
}

/// Ground truth: what was really done, in plain JSON for `GET /control/books`.
pub fn books(world: &World) -> Value {
    staff::books(&world.attio.lock().expect("attio lock"))
}

/// An act of a CRM user or an admin in Attio's own pages (`POST /control/staff`); `staff.rs` lists them.
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub fn staff(world: &World, act: &Value) -> Result<Value, String> {
    staff::play(world, act)
}

/// Called after the clock moved; nothing in a workspace falls due.
pub fn tick(_world: &World, _now: DateTime<Utc>) {}

/// Attio's own answer to a refusal on order.
pub(super) fn refusal(said: Said<'_>, now: DateTime<Utc>) -> Option<Response> {
    errors::refusal(said, now)
}

/// A webhook delivery succeeded, or was given up for good.
pub(super) fn delivery_ended(world: &World, body: &[u8], delivered: bool) {
    webhooks::delivery_ended(world, body, delivered);
}
