//! One request: who calls (Basic auth and merchant id), what it asks (path and body). Says 401, 400 and 403 by itself.

use super::fields::Allowed;
use super::{body, reply::Reply};
use crate::World;
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, RawQuery, Request};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A request of an authenticated merchant.
#[derive(Debug)]
pub(super) struct Call {
    ids: Vec<String>,
    query: String,
    body: Value,
    /// As sent.
    pub(super) content_type: String,
    /// As sent.
    pub(super) raw: Bytes,
    /// Path, query and body as text, for faults that look for a word in it.
    pub(super) text: String,
}

impl FromRequest<Arc<World>> for Call {
    type Rejection = Response;

    async fn from_request(request: Request, world: &Arc<World>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let uri = parts.uri.to_string();
        let params = RawPathParams::from_request_parts(&mut parts, world).await.map_err(IntoResponse::into_response)?;
        let mut values = params.iter().map(|(_, value)| value.to_owned());
        let merchant = values.next().unwrap_or_default();
        let ids = values.collect();
        if !knows(world, &merchant, &parts.headers) {
            return Err(Reply::Unauthenticated.into_response());
        }
        let RawQuery(query) =
            RawQuery::from_request_parts(&mut parts, world).await.map_err(IntoResponse::into_response)?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let bytes =
            Bytes::from_request(Request::from_parts(parts, body), world).await.map_err(IntoResponse::into_response)?;
        // A form with a file is read by the one operation that takes it.
        let is_form = kind.starts_with("multipart/");
        let body = if is_form { Ok(Value::Null) } else { body::read(&kind, &bytes) };
        let body = body.map_err(|_| Reply::Unreadable.into_response())?;
        let text = if is_form { uri } else { format!("{uri}\n{}", String::from_utf8_lossy(&bytes)) };
        Ok(Self { ids, query: query.unwrap_or_default(), body, content_type: kind, raw: bytes, text })
    }
}

/// Whether the caller shows the merchant's key pair and names the merchant in the path.
fn knows(world: &World, merchant: &str, headers: &HeaderMap) -> bool {
    let own = &world.credentials.braintree;
    let shown = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Basic "))
        .and_then(|v| STANDARD.decode(v).ok());
    merchant == own.merchant_id
        && shown.is_some_and(|s| s == format!("{}:{}", own.public_key, own.private_key).as_bytes())
}

impl Call {
    /// The id in the path (the first one after the merchant's).
    pub(super) fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// The second id in the path.
    pub(super) fn id_below(&self) -> &str {
        self.ids.get(1).map_or("", String::as_str)
    }

    /// A parameter of the query string.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
    }

    /// The whole body, as it is echoed in error answers.
    pub(super) fn params(&self) -> Value {
        self.body.clone()
    }

    /// Whether the body's root element has this name.
    pub(super) fn has_root(&self, root: &str) -> bool {
        self.body.get(root).is_some()
    }

    /// The object below the root element, after the check that all its fields exist.
    ///
    /// # Errors
    /// [`Reply::Forbidden`] for a field that is not on the list, or another root element.
    pub(super) fn ask(&self, root: &str, allowed: &Allowed) -> Result<Ask, Reply> {
        let Some(body) = self.body.as_object() else { return Err(Reply::Forbidden) };
        if body.keys().any(|name| name != root) {
            return Err(Reply::Forbidden);
        }
        let object = body.get(root).cloned().unwrap_or(Value::Null);
        if !allowed.lets_through(&object) {
            return Err(Reply::Forbidden);
        }
        Ok(Ask(object))
    }

    /// The criteria of a search.
    pub(super) fn search(&self) -> Map<String, Value> {
        self.body.get("search").and_then(Value::as_object).cloned().unwrap_or_default()
    }
}

/// An object of a request, read leniently: text may come as a number, a flag as text, and empty is absent.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Ask(pub(super) Value);

impl Ask {
    /// A field as text; `None` when absent or null.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(s) => Some(s.clone()),
            Value::Number(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// Whether a field was sent at all, null included.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// A flag; absent is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|v| v == "true" || v == "1")
    }

    /// The object below a field; empty when absent.
    pub(super) fn below(&self, name: &str) -> Ask {
        self.0.get(name).filter(|v| v.is_object()).cloned().map_or_else(Ask::default, Ask)
    }

    /// The items of a list.
    pub(super) fn items(&self, name: &str) -> Vec<Ask> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten().cloned().map(Ask).collect()
    }

    /// The items of a list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let items = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// The names of a map's entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.as_object().into_iter().flat_map(Map::keys).map(String::as_str)
    }

    /// Whether nothing was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.0.as_object().is_none_or(Map::is_empty)
    }
}
