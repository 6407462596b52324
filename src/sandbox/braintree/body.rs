//! Reads request bodies, XML (dashes or underscores) and JSON alike, into one JSON value with underscored names.
//! Empty elements and `nil="true"` are null, as the gateway takes them. Judges nothing.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Number, Value};

/// How deep a request may nest; real ones stay below ten.
const DEEPEST: usize = 32;

/// The body could not be read: neither XML nor JSON of the expected form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// Reads a body by its `Content-Type`; an empty body is an empty request.
///
/// # Errors
/// [`Unreadable`] for malformed XML or JSON.
pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Value, Unreadable> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    if content_type.contains("json") {
        let value: Value = serde_json::from_slice(body).map_err(|_| Unreadable)?;
        return Ok(underscored(value));
    }
    let text = std::str::from_utf8(body).map_err(|_| Unreadable)?;
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().map_err(|_| Unreadable)? {
            Event::Start(start) => {
                let value = content(&mut reader, &start, 0)?;
                return Ok(Value::Object(Map::from_iter([(name(&start), value)])));
            }
            Event::Empty(start) => return Ok(Value::Object(Map::from_iter([(name(&start), Value::Null)]))),
            Event::Decl(_) | Event::Text(_) | Event::Comment(_) | Event::PI(_) => {}
            // A document type could define entities; no client of the gateway sends one.
            Event::DocType(_) | Event::CData(_) | Event::End(_) | Event::GeneralRef(_) | Event::Eof => {
                return Err(Unreadable);
            }
        }
    }
}

fn underscored(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(k, v)| (k.replace('-', "_"), underscored(v))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(underscored).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn name(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().replace('-', "_")
}

fn attribute(start: &BytesStart<'_>, wanted: &str) -> Option<String> {
    let found = start.try_get_attribute(wanted).ok()??;
    Some(found.value.into_owned())
}

/// Reads up to the end tag of `start`.
fn content(reader: &mut Reader<&[u8]>, start: &BytesStart<'_>, depth: usize) -> Result<Value, Unreadable> {
    if depth > DEEPEST {
        return Err(Unreadable);
    }
    let kind = attribute(start, "type").unwrap_or_default();
    let nil = attribute(start, "nil").is_some_and(|v| v == "true");
    let (mut text, mut children) = (String::new(), Vec::new());
    loop {
        match reader.read_event().map_err(|_| Unreadable)? {
            Event::Start(child) => {
                let value = content(reader, &child, depth + 1)?;
                children.push((name(&child), value));
            }
            Event::Empty(child) => children.push((name(&child), empty(&child))),
            Event::Text(piece) => text.push_str(&piece.xml10_content()),
            Event::CData(piece) => text.push_str(&piece.xml10_content()),
            Event::GeneralRef(entity) => text.push_str(&resolved(&entity)?),
            Event::End(_) => break,
            Event::Comment(_) | Event::PI(_) => {}
            Event::Decl(_) | Event::DocType(_) | Event::Eof => return Err(Unreadable),
        }
    }
    Ok(valued(&kind, nil, text, children))
}

/// The character behind `&#233;` or `&amp;`.
fn resolved(entity: &BytesRef<'_>) -> Result<String, Unreadable> {
    if let Some(c) = entity.resolve_char_ref().map_err(|_| Unreadable)? {
        return Ok(c.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(&entity.xml10_content()).map(str::to_owned).ok_or(Unreadable)
}

fn empty(start: &BytesStart<'_>) -> Value {
    match attribute(start, "type").as_deref() {
        Some("array") => Value::Array(Vec::new()),
        _ => Value::Null,
    }
}

fn valued(kind: &str, nil: bool, text: String, children: Vec<(String, Value)>) -> Value {
    if nil {
        return Value::Null;
    }
    match kind {
        "array" => Value::Array(children.into_iter().map(|(_, value)| value).collect()),
        _ if !children.is_empty() => Value::Object(children.into_iter().collect()),
        "boolean" => Value::Bool(matches!(text.trim(), "true" | "1")),
        "integer" => text.trim().parse::<i64>().map_or(Value::String(text), |n| Value::Number(Number::from(n))),
        _ if text.trim().is_empty() => Value::Null,
        _ => Value::String(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_request_reads_the_same_as_xml_with_dashes_with_underscores_and_as_json() {
        let wanted = json!({"transaction": {"amount": "10.00", "order_id": "a&é", "customer_id": null,
            "options": {"submit_for_settlement": true}, "line_items": [{"name": "x"}]}});
        let dashed = "<transaction><amount>10.00</amount><order-id>a&amp;&#233;</order-id><customer-id nil=\"true\"/>\
            <options><submit-for-settlement type=\"boolean\">true</submit-for-settlement></options>\
            <line-items type=\"array\"><item><name>x</name></item></line-items></transaction>";
        let scored = "<transaction><amount>10.00</amount><order_id>a&amp;é</order_id><customer_id></customer_id>\
            <options><submit_for_settlement type=\"boolean\">true</submit_for_settlement></options>\
            <line_items type=\"array\"><item><name>x</name></item></line_items></transaction>";
        assert_eq!(read("application/xml", dashed.as_bytes()), Ok(wanted.clone()));
        assert_eq!(read("application/xml; charset=utf-8", scored.as_bytes()), Ok(wanted.clone()));
        assert_eq!(read("application/json", wanted.to_string().as_bytes()), Ok(wanted));
    }

    #[test]
    fn a_document_type_is_refused() {
        assert_eq!(read("application/xml", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), Err(Unreadable));
    }
}
