//! XML as the gateway writes and reads it: a small tree for answers, a small writer for requests. It knows the gateway's
//! conventions (dash and underscore are one, `nil`, typed attributes, arrays) and nothing of its objects.
//!
//! Reading is strict about form (one root, all closed, no document type, bounded depth) and lenient about content:
//! unknown elements and attributes are kept or ignored, never refused.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};

/// No answer of the gateway nests deeper than a dozen levels.
const DEEPEST: usize = 64;

/// One element.
#[derive(Default)]
pub(super) struct Node {
    /// Its name, with dashes.
    pub(super) name: String,
    nil: bool,
    text: String,
    pub(super) children: Vec<Node>,
}

/// Why a body is no answer; never quotes the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body is not UTF-8")]
    Encoding,
    #[error("the body is no well-formed XML (at byte {0})")]
    Malformed(u64),
    #[error("the XML ends early")]
    Cut,
    #[error("the XML nests deeper than {DEEPEST} levels")]
    TooDeep,
    #[error("the XML declares a document type")]
    DocumentType,
    #[error("the XML has no element `{0}` that is as expected")]
    Field(&'static str),
}

impl Node {
    /// Reads a whole document and gives its root.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Unreadable> {
        let text = std::str::from_utf8(body).map_err(|_| Unreadable::Encoding)?;
        let mut reader = Reader::from_str(text);
        // The outermost node stands for the document; its only child is the root.
        let mut open = vec![Self::default()];
        loop {
            let event = reader.read_event().map_err(|_| Unreadable::Malformed(reader.error_position()))?;
            let malformed = || Unreadable::Malformed(reader.buffer_position());
            match event {
                Event::Start(start) if open.len() > DEEPEST => {
                    drop(start);
                    return Err(Unreadable::TooDeep);
                }
                Event::Start(start) => open.push(Self::opened(&start).ok_or_else(malformed)?),
                Event::Empty(start) => {
                    let node = Self::opened(&start).ok_or_else(malformed)?;
                    open.last_mut().ok_or_else(malformed)?.children.push(node);
                }
                Event::End(_) => {
                    let node = open.pop().ok_or_else(malformed)?;
                    open.last_mut().ok_or_else(malformed)?.children.push(node);
                }
                Event::Text(text) => append(&mut open, &text.xml10_content()),
                Event::CData(text) => append(&mut open, &text.xml10_content()),
                Event::GeneralRef(reference) => {
                    if let Some(character) = reference.resolve_char_ref().map_err(|_| malformed())? {
                        append(&mut open, character.encode_utf8(&mut [0; 4]));
                    } else {
                        let name = reference.xml10_content();
                        append(&mut open, resolve_predefined_entity(&name).ok_or_else(malformed)?);
                    }
                }
                Event::DocType(_) => return Err(Unreadable::DocumentType),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        let [document] = open.as_mut_slice() else { return Err(Unreadable::Cut) };
        let root = document.children.pop().ok_or(Unreadable::Cut)?;
        if document.children.is_empty() && document.text.trim().is_empty() {
            Ok(root)
        } else {
            Err(Unreadable::Malformed(reader.buffer_position()))
        }
    }

    fn opened(start: &BytesStart<'_>) -> Option<Self> {
        let nil = match start.try_get_attribute("nil").ok()? {
            Some(attribute) => is_true(&attribute.normalized_value(XmlVersion::Implicit1_0).ok()?),
            None => false,
        };
        let name = start.name().as_ref().replace('_', "-");
        Some(Self { name, nil, ..Self::default() })
    }

    /// The first child of that name (with dashes), unless it is nil.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name && !child.nil)
    }

    /// Takes that child out.
    pub(super) fn take(&mut self, name: &str) -> Option<Self> {
        let at = self.children.iter().position(|child| child.name == name && !child.nil)?;
        Some(self.children.swap_remove(at))
    }

    /// The text of that child; absent, nil and empty are one.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).and_then(Self::text)
    }

    /// The element's own text, if there is any.
    pub(super) fn text(&self) -> Option<&str> {
        Some(self.text.trim()).filter(|text| !text.is_empty())
    }

    /// The items of an array, whatever their tags; none if it is missing.
    pub(super) fn items(&self, array: &str) -> impl Iterator<Item = &Self> {
        self.child(array).into_iter().flat_map(|array| &array.children)
    }

    /// A boolean; absent is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.text_of(name).is_some_and(is_true)
    }

    /// An instant (UTC).
    pub(super) fn time(&self, name: &'static str) -> Result<DateTime<Utc>, Unreadable> {
        let text = self.text_of(name).ok_or(Unreadable::Field(name))?;
        DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| Unreadable::Field(name))
    }

    /// A day, with or without a time of day behind it.
    pub(super) fn day(&self, name: &str) -> Option<NaiveDate> {
        self.text_of(name)?.get(..10)?.parse().ok()
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.text_of(name)?.parse().ok()
    }

    /// A text that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&str, Unreadable> {
        self.text_of(name).ok_or(Unreadable::Field(name))
    }
}

fn append(open: &mut [Node], text: &str) {
    if let Some(node) = open.last_mut() {
        node.text.push_str(text);
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "true" | "1")
}

/// Writes the inside of a request's element.
pub(super) struct Body(String);

impl Body {
    /// A whole request: the root and what `fill` puts into it.
    pub(super) fn document(root: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut body = Self(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
        body.group(root, fill);
        body.0
    }

    /// An element with elements inside.
    pub(super) fn group(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.tagged(name, "", fill);
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.tagged(name, "", |body| body.0.push_str(&escape(text)));
    }

    /// A whole number.
    pub(super) fn number(&mut self, name: &str, value: u32) {
        self.tagged(name, " type=\"integer\"", |body| body.0.push_str(&value.to_string()));
    }

    /// A boolean.
    pub(super) fn flag(&mut self, name: &str, value: bool) {
        self.tagged(name, " type=\"boolean\"", |body| body.0.push_str(if value { "true" } else { "false" }));
    }

    /// An instant, in whole seconds as the gateway takes them.
    pub(super) fn time(&mut self, name: &str, time: DateTime<Utc>) {
        let text = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        self.tagged(name, " type=\"datetime\"", |body| body.0.push_str(&text));
    }

    /// A day.
    pub(super) fn day(&mut self, name: &str, day: NaiveDate) {
        self.tagged(name, " type=\"date\"", |body| body.0.push_str(&day.to_string()));
    }

    /// An array of elements.
    pub(super) fn items<T>(&mut self, name: &str, items: &[T], fill: impl Fn(&mut Self, &T)) {
        self.tagged(name, " type=\"array\"", |body| {
            for item in items {
                body.group("item", |element| fill(element, item));
            }
        });
    }

    /// An array of texts.
    pub(super) fn list(&mut self, name: &str, items: &[String]) {
        self.tagged(name, " type=\"array\"", |body| items.iter().for_each(|item| body.text("item", item)));
    }

    fn tagged(&mut self, name: &str, attributes: &str, fill: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name, attributes, ">"]);
        fill(self);
        self.0.extend(["</", name, ">"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Node {
        Node::parse(text.as_bytes()).expect("well-formed")
    }

    #[test]
    fn dashes_and_underscores_are_one_and_nil_is_absent() {
        let node = parse(
            "<?xml version=\"1.0\"?>\n<customer><first_name nil=\"true\"/><last-4>0042</last-4><empty></empty>\
             <default type=\"boolean\">1</default><refund_ids type='array'><item>a</item><item>b</item></refund_ids></customer>",
        );
        assert_eq!(node.name, "customer");
        assert!(node.child("first-name").is_none() && node.text_of("empty").is_none());
        assert_eq!(node.text_of("last-4"), Some("0042"));
        assert!(node.flag("default") && !node.flag("missing"));
        assert_eq!(node.items("refund-ids").filter_map(Node::text).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(node.items("missing").count(), 0);
    }

    #[test]
    fn references_and_sections_are_resolved() {
        let node = parse("<a><b>Smith &amp; Sons &#8212; <![CDATA[<x>]]></b></a>");
        assert_eq!(node.text_of("b"), Some("Smith & Sons \u{2014} <x>"));
    }

    #[test]
    fn what_is_no_whole_document_is_refused() {
        let deep = "<a>".repeat(DEEPEST + 2);
        for (text, expected) in [
            ("", Unreadable::Cut),
            ("<a><b>half", Unreadable::Cut),
            ("<a><b></b>", Unreadable::Cut),
            ("<!DOCTYPE html><html></html>", Unreadable::DocumentType),
            (deep.as_str(), Unreadable::TooDeep),
        ] {
            assert_eq!(Node::parse(text.as_bytes()).err(), Some(expected), "{text:.20}");
        }
        for text in ["Bad gateway", "<a></b>", "<a/><b/>", "<a>&unknown;</a>", "<a x=></a>", "<a/>rest"] {
            assert!(Node::parse(text.as_bytes()).is_err(), "{text:?} was read");
        }
        assert_eq!(Node::parse(b"<a>\xff</a>").err(), Some(Unreadable::Encoding));
    }

    #[test]
    fn what_is_written_is_escaped_and_typed() {
        let at = DateTime::from_timestamp(1_700_000_000, 999).expect("valid");
        let text = Body::document("search", |search| {
            search.group("order_id", |criterion| criterion.text("is", "a<b>&\"'"));
            search.list("ids", &["x".to_owned(), "y".to_owned()]);
            search.time("min", at);
            search.flag("refund", false);
        });
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><search><order_id><is>a&lt;b&gt;&amp;&quot;&apos;</is></order_id>\
             <ids type=\"array\"><item>x</item><item>y</item></ids><min type=\"datetime\">2023-11-14T22:13:20Z</min>\
             <refund type=\"boolean\">false</refund></search>"
        );
        assert_eq!(parse(&text).child("order-id").and_then(|node| node.text_of("is")), Some("a<b>&\"'"));
    }
}
