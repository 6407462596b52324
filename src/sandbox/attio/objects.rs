//! Objects, the key's identity and the workspace's members.

use super::{
    State as Workspace,
    errors::{Answer, ApiError, data, envelope, optional_text, text},
    guard::bearer,
    model::{Member, Object, time},
    state::new_object,
};
use crate::World;
use axum::{
    Json,
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn render(workspace: &Workspace, object: &Object) -> Value {
    json!({
        "id": { "workspace_id": workspace.workspace, "object_id": object.id },
        "api_slug": object.slug,
        "singular_noun": object.singular,
        "plural_noun": object.plural,
        "created_at": time(object.created_at),
    })
}

/// `GET /v2/objects`
pub(super) async fn list(State(world): State<Arc<World>>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    Ok(envelope(workspace.objects.iter().map(|o| render(&workspace, o)).collect::<Vec<_>>()))
}

/// `GET /v2/objects/{object}`
pub(super) async fn get(State(world): State<Arc<World>>, Path(object): Path<String>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    Ok(envelope(render(&workspace, workspace.object(&object)?)))
}

/// `POST /v2/objects`
pub(super) async fn create(State(world): State<Arc<World>>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let (slug, singular, plural) =
        (text(&data, "api_slug")?, text(&data, "singular_noun")?, text(&data, "plural_noun")?);
    let mut workspace = world.attio.lock().expect("attio lock");
    if workspace.objects.iter().any(|o| o.slug == slug || o.singular == singular || o.plural == plural) {
        let message = "Failed to create object. Please ensure your api_slug and names are unique.";
        return Err(ApiError::conflict("slug_conflict", message));
    }
    if workspace.object_limit.is_some_and(|limit| workspace.objects.len() >= limit) {
        let message = "You have reached the maximum number of objects that your plan allows.";
        return Err(ApiError::bad("quota_exceeded", message));
    }
    let object = new_object(&slug, &singular, &plural, world.clock.now());
    let answer = envelope(render(&workspace, &object));
    workspace.objects.push(object);
    Ok(answer)
}

/// `PATCH /v2/objects/{object}`
pub(super) async fn update(State(world): State<Arc<World>>, Path(key): Path<String>, body: Bytes) -> Answer {
    let data = data(&body)?;
    let slug = optional_text(&data, "api_slug")?;
    let (singular, plural) = (optional_text(&data, "singular_noun")?, optional_text(&data, "plural_noun")?);
    let mut workspace = world.attio.lock().expect("attio lock");
    let id = workspace.object(&key)?.id;
    if slug.is_none() && singular.is_none() && plural.is_none() {
        let message =
            "You passed an empty payload. Please ensure you are updating at least one property in your request.";
        return Err(ApiError::bad("validation_type", message));
    }
    if workspace.objects.iter().any(|o| o.id != id && Some(&o.slug) == slug.as_ref()) {
        let message = "Failed to update object. Please ensure api_slug is unique.";
        return Err(ApiError::conflict("slug_conflict", message));
    }
    let object = workspace.object_mut(&key)?;
    object.slug = slug.unwrap_or_else(|| object.slug.clone());
    object.singular = singular.unwrap_or_else(|| object.singular.clone());
    object.plural = plural.unwrap_or_else(|| object.plural.clone());
    Ok(envelope(render(&workspace, workspace.object(&id.to_string())?)))
}

/// `GET /v2/self`: a dead token is answered too, with 200.
pub(super) async fn identify(State(world): State<Arc<World>>, headers: HeaderMap) -> Json<Value> {
    if bearer(&headers).as_deref() != Some(world.credentials.attio.api_key.as_str()) {
        return Json(json!({ "active": false }));
    }
    let workspace = world.attio.lock().expect("attio lock");
    let scopes = "object_configuration:read-write record_permission:read-write list_configuration:read-write \
                  list_entry:read-write note:read-write task:read-write user_management:read webhook:read-write";
    Json(json!({
        "active": true,
        "scope": scopes,
        "client_id": workspace.token,
        "token_type": "Bearer",
        "token_level": "workspace",
        "exp": null,
        "iat": workspace.objects.first().map_or(0, |o| o.created_at.timestamp()),
        "sub": workspace.workspace,
        "aud": workspace.token,
        "iss": "attio.com",
        "authorized_by_workspace_member_id": workspace.members.first().map(|m| m.id),
        "workspace_id": workspace.workspace,
        "workspace_name": "Sandbox",
        "workspace_slug": "sandbox",
        "workspace_logo_url": null,
    }))
}

fn render_member(workspace: &Workspace, member: &Member) -> Value {
    json!({
        "id": { "workspace_id": workspace.workspace, "workspace_member_id": member.id },
        "first_name": member.first_name,
        "last_name": member.last_name,
        "avatar_url": null,
        "email_address": member.email,
        "created_at": workspace.objects.first().map(|o| time(o.created_at)),
        "access_level": member.access,
    })
}

/// `GET /v2/workspace_members`
pub(super) async fn members(State(world): State<Arc<World>>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    Ok(envelope(workspace.members.iter().map(|m| render_member(&workspace, m)).collect::<Vec<_>>()))
}

/// `GET /v2/workspace_members/{workspace_member_id}`
pub(super) async fn member(State(world): State<Arc<World>>, Path(id): Path<String>) -> Answer {
    let workspace = world.attio.lock().expect("attio lock");
    let found = workspace.members.iter().find(|m| m.id.to_string() == id);
    let found = found.ok_or_else(|| ApiError::not_found(format!("Workspace member with ID \"{id}\" not found.")))?;
    Ok(envelope(render_member(&workspace, found)))
}
