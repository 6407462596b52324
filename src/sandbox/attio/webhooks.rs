//! Webhooks: their subscriptions, and what repeated failure does to them.

use super::{
    State as Workspace,
    errors::{Answer, ApiError, Params, data, envelope, optional_text, text},
    model::{Webhook, time},
};
use crate::{World, credentials::random};
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use url::{Host, Url};
use uuid::Uuid;

/// Event types that can be subscribed to (Attio's OpenAPI document).
const EVENT_TYPES: [&str; 27] = [
    "call-recording.created",
    "comment.created",
    "comment.resolved",
    "comment.unresolved",
    "comment.deleted",
    "list.created",
    "list.updated",
    "list.deleted",
    "list-attribute.created",
    "list-attribute.updated",
    "list-entry.created",
    "list-entry.updated",
    "list-entry.deleted",
    "object-attribute.created",
    "object-attribute.updated",
    "note.created",
    "note-content.updated",
    "note.updated",
    "note.deleted",
    "record.created",
    "record.merged",
    "record.updated",
    "record.deleted",
    "task.created",
    "task.updated",
    "task.deleted",
    "workspace-member.created",
];

/// The secret is shown at creation and never again.
fn render(workspace: &Workspace, webhook: &Webhook) -> Value {
    json!({
        "target_url": webhook.target_url,
        "subscriptions": webhook.subscriptions,
        "id": { "workspace_id": workspace.workspace, "webhook_id": webhook.id },
        "status": webhook.status,
        "created_at": time(webhook.created_at),
    })
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("Webhook with ID \"{id}\" was not found."))
}

/// Attio takes https only. The one liberty of this simulation: plain http to this very machine, for development.
fn check_url(url: &str) -> Result<(), ApiError> {
    let parsed = Url::parse(url).ok();
    let local = parsed.as_ref().is_some_and(|u| match u.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    });
    match parsed.as_ref().map(Url::scheme) {
        Some("https") => Ok(()),
        Some("http") if local => Ok(()),
        _ => Err(ApiError::shape(&["data", "target_url"], "URL must match ^https://")),
    }
}

fn subscriptions(data: &Map<String, Value>) -> Result<Value, ApiError> {
    let wrong = |message: &str| ApiError::shape(&["data", "subscriptions"], message);
    let list = data.get("subscriptions").and_then(Value::as_array).ok_or_else(|| wrong("Required"))?;
    for one in list {
        if !one["event_type"].as_str().is_some_and(|kind| EVENT_TYPES.contains(&kind)) {
            return Err(wrong("Invalid enum value for event_type"));
        }
        // The key is required; null asks for all.
        let filter = one.get("filter").ok_or_else(|| wrong("filter is required"))?;
        let conditions = match (filter.get("$and"), filter.get("$or")) {
            (None, None) if filter.is_null() => continue,
            (Some(conditions), None) | (None, Some(conditions)) => conditions.as_array(),
            _ => None,
        };
        let sound = |c: &Value| {
            c["field"].is_string()
                && c["value"].is_string()
                && matches!(c["operator"].as_str(), Some("equals" | "not_equals"))
        };
        if !conditions.is_some_and(|all| all.iter().all(sound)) {
            return Err(wrong("Invalid filter"));
        }
    }
    Ok(Value::Array(list.clone()))
}

/// No two webhooks with the same URL and a subscription in common.
fn free(workspace: &Workspace, url: &str, wanted: &Value, except: Option<Uuid>) -> Result<(), ApiError> {
    let wanted = wanted.as_array().into_iter().flatten().collect::<Vec<_>>();
    let common = |w: &Webhook| w.subscriptions.as_array().into_iter().flatten().any(|s| wanted.contains(&s));
    if workspace.webhooks.iter().any(|w| Some(w.id) != except && w.target_url == url && common(w)) {
        let message = "A webhook with the same target URL, event type and filter already exists.";
        return Err(ApiError::conflict("uniqueness_conflict", message));
    }
    Ok(())
}

/// `POST /v2/webhooks`
pub(super) async fn create(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let target_url = text(&data, "target_url")?;
    check_url(&target_url)?;
    let subscriptions = subscriptions(&data)?;
    let mut workspace = world.attio.lock().expect("attio lock");
    free(&workspace, &target_url, &subscriptions, None)?;
    let secret = if workspace.first_secret_given {
        random("0123456789abcdef", 64)
    } else {
        world.credentials.attio.webhook_secret.clone()
    };
    workspace.first_secret_given = true;
    let webhook = Webhook {
        id: Uuid::new_v4(),
        target_url,
        subscriptions,
        status: "active",
        secret,
        created_at: world.clock.now(),
    };
    let mut shown = render(&workspace, &webhook);
    shown["secret"] = json!(webhook.secret);
    workspace.webhooks.push(webhook);
    Ok(envelope(shown))
}

/// Paging.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    limit: Option<usize>,
    #[serde(default)]
    offset: usize,
}

/// `GET /v2/webhooks`
pub(super) async fn list(State(world): State<Arc<World>>, Params(page): Params<Page>) -> Answer {
    let limit = page.limit.unwrap_or(10);
    if !(10..=100).contains(&limit) {
        return Err(ApiError::shape(&["limit"], "Number must be from 10 to 100"));
    }
    let workspace = world.attio.lock().expect("attio lock");
    let shown = workspace.webhooks.iter().skip(page.offset).take(limit);
    Ok(envelope(shown.map(|w| render(&workspace, w)).collect::<Vec<_>>()))
}

/// `GET /v2/webhooks/{webhook_id}`
pub(super) async fn get(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let webhook = workspace.webhooks.iter().find(|w| w.id.to_string() == id).ok_or_else(|| missing(&id))?;
    Ok(envelope(render(&workspace, webhook)))
}

/// `PATCH /v2/webhooks/{webhook_id}`: the list of subscriptions is replaced; the secret stays.
pub(super) async fn update(State(world): State<Arc<World>>, Path(id): Path<String>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let mut workspace = world.attio.lock().expect("attio lock");
    let at = workspace.webhooks.iter().position(|w| w.id.to_string() == id).ok_or_else(|| missing(&id))?;
    let mut webhook = workspace.webhooks[at].clone();
    if let Some(url) = optional_text(&data, "target_url")? {
        check_url(&url)?;
        webhook.target_url = url;
    }
    if data.contains_key("subscriptions") {
        webhook.subscriptions = subscriptions(&data)?;
    }
    free(&workspace, &webhook.target_url, &webhook.subscriptions, Some(webhook.id))?;
    let answer = envelope(render(&workspace, &webhook));
    workspace.webhooks[at] = webhook;
    Ok(answer)
}

/// `DELETE /v2/webhooks/{webhook_id}`
pub(super) async fn delete(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    let mut workspace = world.attio.lock().expect("attio lock");
    let at = workspace.webhooks.iter().position(|w| w.id.to_string() == id).ok_or_else(|| missing(&id))?;
    workspace.webhooks.remove(at);
    Ok(Json(json!({})))
}

/// After its last failed attempt a webhook is degraded; a delivered message makes it active again.
pub(super) fn delivery_ended(world: &World, body: &[u8], delivered: bool) {
    let Ok(message) = serde_json::from_slice::<Value>(body) else { return };
    let mut workspace = world.attio.lock().expect("attio lock");
    if let Some(webhook) = workspace.webhooks.iter_mut().find(|w| message["webhook_id"] == json!(w.id)) {
        webhook.status = if delivered { "active" } else { "degraded" };
    }
}
