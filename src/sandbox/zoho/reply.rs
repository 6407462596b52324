//! Answers: JSON objects that keep the order of their fields and every digit of their amounts.

use super::errors::Refusal;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// A JSON object under construction.
#[derive(Debug, Clone, Default)]
pub(super) struct Object(Vec<(&'static str, Box<RawValue>)>);

impl Object {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds one field.
    pub(super) fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        self.0.push((name, to_raw_value(&value).expect("plain data is JSON")));
        self
    }

    /// The object as text.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("plain data is JSON")
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A successful answer: `code` 0, a message, and what was asked for.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    body: Object,
}

/// What a handler answers.
pub(super) type Answer = Result<Reply, Refusal>;

impl Reply {
    fn new(status: StatusCode, message: &str) -> Self {
        Self { status, body: Object::new().with("code", 0).with("message", message) }
    }

    /// Something was created.
    pub(super) fn created(message: &str) -> Self {
        Self::new(StatusCode::CREATED, message)
    }

    /// Something was read or done.
    pub(super) fn ok(message: &str) -> Self {
        Self::new(StatusCode::OK, message)
    }

    /// Adds one resource.
    pub(super) fn with(self, name: &'static str, value: impl Serialize) -> Self {
        Self { body: self.body.with(name, value), ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        json(self.status, &self.body)
    }
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &Object) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json;charset=UTF-8")], body.text()).into_response()
}
