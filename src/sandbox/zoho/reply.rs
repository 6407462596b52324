//! Answers: JSON objects that keep the order of their fields and every digit of their amounts, or a printed document.

use super::errors::Refusal;
use super::host;
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

/// A successful answer: `code` 0, a message, and what was asked for; or a PDF.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    body: Object,
    printed: Option<Printed>,
}

/// A document as a file, sent in the place of JSON.
#[derive(Debug)]
pub(super) struct Printed {
    /// Without its ending.
    pub(super) name: String,
    pub(super) pdf: Vec<u8>,
}

/// What a handler answers.
pub(super) type Answer = Result<Reply, Refusal>;

impl Reply {
    fn new(status: StatusCode, message: &str) -> Self {
        Self { status, body: Object::new().with("code", 0).with("message", message), printed: None }
    }

    /// Something was created.
    pub(super) fn created(message: &str) -> Self {
        Self::new(StatusCode::CREATED, message)
    }

    /// Something was read or done.
    pub(super) fn ok(message: &str) -> Self {
        Self::new(StatusCode::OK, message)
    }

    /// A document as a file.
    pub(super) fn print(document: Printed) -> Self {
        Self { printed: Some(document), ..Self::ok("success") }
    }

    /// Adds all fields of a resource that has no name of its own.
    pub(super) fn with_all(mut self, fields: Object) -> Self {
        self.body.0.extend(fields.0);
        self
    }

    /// Adds one resource.
    pub(super) fn with(self, name: &'static str, value: impl Serialize) -> Self {
        Self { body: self.body.with(name, value), ..self }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let Some(Printed { name, pdf }) = self.printed else { return json(self.status, &self.body) };
        let head = [
            (header::CONTENT_TYPE, "application/pdf".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.pdf\"")),
        ];
        (self.status, head, pdf).into_response()
    }
}

/// A JSON answer.
pub(super) fn json(status: StatusCode, body: &Object) -> Response {
    host::json(status, body.text())
}
