//! The gateway's answers: status, headers and the error envelope. Decides nothing about what is answered.

use super::codes::Code;
use super::xml::{Fields, Xml, document, echo};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::BTreeMap;

/// An answer in the gateway's terms.
#[derive(Debug)]
pub(super) enum Reply {
    /// 200 with an object.
    Found(&'static str, Xml),
    /// 201 with an object.
    Made(&'static str, Xml),
    /// 200 with a blank body: the gateway answers a single space.
    Deleted,
    /// 401 without a body.
    Unauthenticated,
    /// 403: a field that the resource does not have, or a right that is missing.
    Forbidden,
    /// 404 without a body.
    NotFound,
    /// 400: neither XML nor JSON.
    Unreadable,
    /// 422 with a filled error tree.
    Invalid(Errors, Value),
    /// 422 with an empty error tree and the object that was refused (`transaction`, `verification`).
    Refused { message: String, params: Value, name: &'static str, subject: Xml },
    /// 422 with a message and no error tree: a search that is too much, or a fault that has no code.
    Unprocessable(String),
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self {
            Self::Found(root, xml) => answer(StatusCode::OK, document(root, &xml)),
            Self::Made(root, xml) => answer(StatusCode::CREATED, document(root, &xml)),
            Self::Deleted => answer(StatusCode::OK, " ".to_owned()),
            Self::Unauthenticated => answer(StatusCode::UNAUTHORIZED, String::new()),
            Self::Forbidden => answer(StatusCode::FORBIDDEN, document("errors", &Xml::Text("Unauthorized".to_owned()))),
            Self::NotFound => answer(StatusCode::NOT_FOUND, String::new()),
            Self::Unreadable => answer(StatusCode::BAD_REQUEST, String::new()),
            Self::Invalid(errors, params) => {
                let message = errors.message();
                envelope(errors.tree(), Some(&params), message, None)
            }
            Self::Refused { message, params, name, subject } => {
                envelope(Errors::default().tree(), Some(&params), message, Some((name, subject)))
            }
            Self::Unprocessable(message) => envelope(Xml::Nil, None, message, None),
        }
    }
}

fn envelope(errors: Xml, params: Option<&Value>, message: String, subject: Option<(&'static str, Xml)>) -> Response {
    let mut fields = Fields::new();
    if let Xml::Node(_) = errors {
        fields = fields.put("errors", errors);
    }
    if let Some(params) = params {
        fields = fields.put("params", echo(&without_secrets(params.clone())));
    }
    fields = fields.text("message", message);
    if let Some((name, xml)) = subject {
        fields = fields.put(name, xml);
    }
    answer(StatusCode::UNPROCESSABLE_ENTITY, document("api-error-response", &Xml::Node(fields)))
}

/// The request as it is echoed: card number and security code are never sent back.
fn without_secrets(mut params: Value) -> Value {
    if let Value::Object(map) = &mut params {
        map.retain(|name, _| name != "number" && name != "cvv");
        for (_, below) in map.iter_mut() {
            *below = without_secrets(below.take());
        }
    }
    params
}

fn answer(status: StatusCode, body: String) -> Response {
    let request_id = uuid::Uuid::new_v4().to_string();
    let debug_id = request_id.replace('-', "")[..13].to_owned();
    let headers = [
        (header::CONTENT_TYPE, "application/xml; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "max-age=0, private, must-revalidate".to_owned()),
        (HeaderName::from_static("x-authentication"), "basic_auth".to_owned()),
        (HeaderName::from_static("x-request-id"), request_id),
        (HeaderName::from_static("paypal-debug-id"), debug_id),
    ];
    (status, headers, body).into_response()
}

/// Validation errors, each with the path of the object it stands at (`transaction`, `credit_card`) and its attribute.
#[derive(Debug, Default, Clone)]
pub(super) struct Errors(Vec<(Vec<String>, &'static str, String, String)>);

impl Errors {
    /// Notes an error. `attribute` is `base` for an error of the object itself.
    pub(super) fn add(&mut self, path: &[&str], attribute: &'static str, code: Code) {
        self.add_raw(path, attribute, code.0.to_string(), code.1.to_owned());
    }

    /// Notes an error whose code is not in the list (a refusal on order).
    pub(super) fn add_raw(&mut self, path: &[&str], attribute: &'static str, code: String, message: String) {
        self.0.push((path.iter().map(|p| (*p).to_owned()).collect(), attribute, code, message));
    }

    /// One error alone.
    pub(super) fn one(path: &[&str], attribute: &'static str, code: Code) -> Self {
        let mut errors = Self::default();
        errors.add(path, attribute, code);
        errors
    }

    pub(super) fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// All texts, one per line.
    pub(super) fn message(&self) -> String {
        self.0.iter().map(|(.., message)| message.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn tree(&self) -> Xml {
        level(
            &self
                .0
                .iter()
                .map(|(path, attribute, code, text)| (&path[..], *attribute, &**code, &**text))
                .collect::<Vec<_>>(),
        )
    }
}

type Entry<'a> = (&'a [String], &'static str, &'a str, &'a str);

/// One level of the tree: its own errors, then the objects below it.
fn level(entries: &[Entry<'_>]) -> Xml {
    let own = entries.iter().filter(|(path, ..)| path.is_empty()).map(|(_, attribute, code, message)| {
        let attribute = Xml::Typed("symbol", (*attribute).to_owned());
        Xml::Node(Fields::new().text("code", *code).put("attribute", attribute).text("message", *message))
    });
    let mut fields = Fields::new().array("errors", "error", own.collect());
    let mut below: BTreeMap<&str, Vec<Entry<'_>>> = BTreeMap::new();
    for (path, attribute, code, message) in entries {
        if let Some((first, rest)) = path.split_first() {
            below.entry(first).or_default().push((rest, attribute, code, message));
        }
    }
    for (name, entries) in below {
        fields = fields.put(name.to_owned(), level(&entries));
    }
    Xml::Node(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::braintree::codes;
    use serde_json::json;

    #[test]
    fn errors_stand_at_the_object_they_belong_to() {
        let mut errors = Errors::one(&["transaction"], "amount", codes::AMOUNT_REQUIRED);
        errors.add(&["transaction", "credit_card"], "token", codes::TOKEN_TAKEN);
        let text = document("errors", &errors.tree());
        let squeezed: String = text.lines().map(str::trim).collect();
        assert!(squeezed.contains(
            "<errors><errors type=\"array\"/><transaction><errors type=\"array\"><error><code>81502</code>\
             <attribute type=\"symbol\">amount</attribute>"
        ));
        assert!(squeezed.contains("<credit-card><errors type=\"array\"><error><code>91719</code>"));
        assert_eq!(errors.message(), "Amount is required.\nCredit card token is taken.");
    }

    #[test]
    fn card_numbers_are_not_echoed() {
        let echoed =
            without_secrets(json!({"transaction": {"credit_card": {"number": "4111", "cvv": "1", "token": "t"}}}));
        assert_eq!(echoed, json!({"transaction": {"credit_card": {"token": "t"}}}));
    }
}
