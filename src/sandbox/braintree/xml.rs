//! Writes the gateway's XML: dashed element names, `type` attributes, `nil="true"` for null, arrays and collections.
//! Knows nothing of customers or transactions.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write;

/// One element's content.
#[derive(Debug, Clone)]
pub(super) enum Xml {
    Nil,
    Text(String),
    /// Text with a `type` attribute (`integer`, `boolean`, `datetime`, `date`, `symbol`).
    Typed(&'static str, String),
    Node(Fields),
    /// `type="array"`: each child is an item, whatever its name.
    Array(&'static str, Vec<Xml>),
    /// `type="collection"`: fields, then one repeated child.
    Collection(Fields),
}

/// The children of an element, in order. Names are given with underscores or dashes and written with dashes.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields(Vec<(Cow<'static, str>, Xml)>);

impl Fields {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn put(mut self, name: impl Into<Cow<'static, str>>, xml: Xml) -> Self {
        self.0.push((name.into(), xml));
        self
    }

    pub(super) fn text(self, name: &'static str, value: impl Into<String>) -> Self {
        self.put(name, Xml::Text(value.into()))
    }

    /// Text, or nil when there is none.
    pub(super) fn maybe(self, name: &'static str, value: Option<&str>) -> Self {
        self.put(name, value.map_or(Xml::Nil, |v| Xml::Text(v.to_owned())))
    }

    pub(super) fn flag(self, name: &'static str, value: bool) -> Self {
        self.put(name, Xml::Typed("boolean", value.to_string()))
    }

    pub(super) fn count(self, name: &'static str, value: usize) -> Self {
        self.put(name, Xml::Typed("integer", value.to_string()))
    }

    pub(super) fn maybe_count(self, name: &'static str, value: Option<i64>) -> Self {
        self.put(name, value.map_or(Xml::Nil, |v| Xml::Typed("integer", v.to_string())))
    }

    pub(super) fn time(self, name: &'static str, at: DateTime<Utc>) -> Self {
        self.put(name, Xml::Typed("datetime", stamp(at)))
    }

    pub(super) fn maybe_time(self, name: &'static str, at: Option<DateTime<Utc>>) -> Self {
        self.put(name, at.map_or(Xml::Nil, |at| Xml::Typed("datetime", stamp(at))))
    }

    pub(super) fn maybe_date(self, name: &'static str, on: Option<NaiveDate>) -> Self {
        self.put(name, on.map_or(Xml::Nil, |on| Xml::Typed("date", on.to_string())))
    }

    pub(super) fn node(self, name: &'static str, fields: Fields) -> Self {
        self.put(name, Xml::Node(fields))
    }

    pub(super) fn array(self, name: &'static str, item: &'static str, items: Vec<Xml>) -> Self {
        self.put(name, Xml::Array(item, items))
    }

    /// Each of these names as nil: fields that the gateway always shows and that are empty here.
    pub(super) fn nils(self, names: &[&'static str]) -> Self {
        names.iter().fold(self, |fields, name| fields.put(*name, Xml::Nil))
    }

    /// Each of these names as an empty array.
    pub(super) fn empties(self, names: &[&'static str]) -> Self {
        names.iter().fold(self, |fields, name| fields.array(name, "item", Vec::new()))
    }
}

/// A time as the gateway writes it: UTC, whole seconds, `Z`.
pub(super) fn stamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What a client sent, written back (`<params>` of an error answer). The gateway echoes booleans as plain text.
pub(super) fn echo(value: &Value) -> Xml {
    match value {
        Value::Null => Xml::Nil,
        Value::Bool(b) => Xml::Text(b.to_string()),
        Value::Number(n) => Xml::Text(n.to_string()),
        Value::String(s) => Xml::Text(s.clone()),
        Value::Array(items) => Xml::Array("item", items.iter().map(echo).collect()),
        Value::Object(map) => Xml::Node(map.iter().fold(Fields::new(), |f, (k, v)| f.put(k.clone(), echo(v)))),
    }
}

/// The whole document.
pub(super) fn document(root: &str, xml: &Xml) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    element(&mut out, root, xml, 0);
    out
}

fn element(out: &mut String, name: &str, xml: &Xml, depth: usize) {
    let name = name.replace('_', "-");
    indent(out, depth);
    let done = match xml {
        Xml::Nil => write!(out, "<{name} nil=\"true\"/>"),
        Xml::Text(text) => write!(out, "<{name}>{}</{name}>", escaped(text)),
        Xml::Typed(kind, text) => write!(out, "<{name} type=\"{kind}\">{}</{name}>", escaped(text)),
        Xml::Array(_, items) if items.is_empty() => write!(out, "<{name} type=\"array\"/>"),
        Xml::Node(fields) if fields.0.is_empty() => write!(out, "<{name}/>"),
        Xml::Array(item, items) => {
            block(out, &name, " type=\"array\"", depth, items.iter().map(|child| (*item, child)));
            Ok(())
        }
        Xml::Node(fields) => {
            block(out, &name, "", depth, fields.0.iter().map(|(n, child)| (n.as_ref(), child)));
            Ok(())
        }
        Xml::Collection(fields) => {
            block(out, &name, " type=\"collection\"", depth, fields.0.iter().map(|(n, child)| (n.as_ref(), child)));
            Ok(())
        }
    };
    done.expect("writing into a String cannot fail");
    out.push('\n');
}

fn block<'a>(
    out: &mut String,
    name: &str,
    attributes: &str,
    depth: usize,
    children: impl Iterator<Item = (&'a str, &'a Xml)>,
) {
    writeln!(out, "<{name}{attributes}>").expect("writing into a String cannot fail");
    for (child, xml) in children {
        element(out, child, xml, depth + 1);
    }
    indent(out, depth);
    write!(out, "</{name}>").expect("writing into a String cannot fail");
}

fn indent(out: &mut String, depth: usize) {
    (0..depth).for_each(|_| out.push_str("  "));
}

fn escaped(text: &str) -> String {
    // Characters that XML 1.0 forbids even as references would make the whole answer unreadable.
    let legal: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n' | '\r')).collect();
    quick_xml::escape::escape(legal.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_with_dashes_and_nothing_is_written_as_nil() {
        let xml = Xml::Node(Fields::new().text("order_id", "a<b").maybe("refunded_id", None).empties(&["refund_ids"]));
        assert_eq!(
            document("transaction", &xml),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<transaction>\n  <order-id>a&lt;b</order-id>\n  \
             <refunded-id nil=\"true\"/>\n  <refund-ids type=\"array\"/>\n</transaction>\n"
        );
    }
}
