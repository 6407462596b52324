//! Zoho's webhooks: proves who sent one, and reads which objects it concerns. What it says about them is not believed:
//! the current object is read. Keeps nothing; unknown events are handed on by name.
//!
//! Signature, as Zoho Billing documents it: the pairs of the query and of a form body, URL-decoded, sorted and joined
//! without separators, then the raw JSON body; HMAC-SHA256 with the webhook's secret, in hexadecimal. It holds no time, so
//! a replay is recognised by the delivery's key only.

use super::wire;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-zoho-webhook-signature";

/// What a delivery or an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same for the same delivery, and for the same event whether pushed or polled.
    pub key: String,
    /// Zoho's word: `invoice_created`, `payment_thankyou` …; `workflow.<resource>` where a workflow sent a bare object.
    pub kind: String,
    /// When it happened (UTC), where it says.
    pub at: Option<DateTime<Utc>>,
    /// Zoho invoice ids.
    pub invoices: Vec<String>,
    /// Zoho subscription id.
    pub subscription: Option<String>,
    /// The reference on that subscription.
    pub reference: Option<String>,
    /// Zoho customer id.
    pub customer: Option<String>,
    /// Zoho payment id.
    pub payment: Option<String>,
    /// Zoho credit note id.
    pub credit_note: Option<String>,
}

/// A delivery whose body cannot be read. The text says what was expected and holds nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable: {0}")]
pub struct Malformed(&'static str);

/// Whether the signature is of one of the secrets (two are valid while one is replaced). `query` is the raw query of our
/// own address, `body` the raw bytes; compared in constant time.
pub fn verify(secrets: &[SecretString], query: &str, body: &[u8], signature: &str) -> bool {
    let Ok(signature) = hex::decode(signature.trim()) else { return false };
    let signed = signed_bytes(query, body);
    let matches = |secret: &SecretString| {
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
            .is_ok_and(|mac| mac.chain_update(&signed).verify_slice(&signature).is_ok())
    };
    // Every secret is tried, so that the time does not tell which one fits.
    secrets.iter().map(matches).fold(false, |any, fits| any | fits)
}

fn signed_bytes(query: &str, body: &[u8]) -> Vec<u8> {
    let json = is_json(body);
    let form = if json { &[][..] } else { body };
    let mut pairs: Vec<_> =
        url::form_urlencoded::parse(query.as_bytes()).chain(url::form_urlencoded::parse(form)).collect();
    pairs.sort();
    let mut signed = Vec::new();
    for (key, value) in pairs {
        signed.extend_from_slice(key.as_bytes());
        signed.extend_from_slice(value.as_bytes());
    }
    if json {
        signed.extend_from_slice(body);
    }
    signed
}

/// Zoho's content type cannot be trusted: JSON comes as a form type too.
fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'['))
}

/// Reads a verified delivery: an event webhook, or a workflow's bare object, as JSON or as a form with JSON in
/// `JSONString` or `payload`. The event's name may stand in our own address as `?event=`.
///
/// # Errors
/// The body holds no JSON object.
pub fn parse(query: &str, body: &[u8]) -> Result<Notice, Malformed> {
    let json = if is_json(body) {
        body.to_vec()
    } else {
        let mut form = url::form_urlencoded::parse(body);
        let field = form.find(|(key, _)| matches!(key.as_ref(), "JSONString" | "payload"));
        field.ok_or(Malformed("expected JSON, or a form with JSONString or payload"))?.1.into_owned().into_bytes()
    };
    let value: Value = serde_json::from_slice(&json).map_err(|_| Malformed("expected a whole JSON object"))?;
    if !value.is_object() {
        return Err(Malformed("expected a JSON object"));
    }
    let objects = value.get("data").filter(|data| data.is_object()).unwrap_or(&value);
    let named = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "event");
    let kind = text(value.get("event_type")).or_else(|| named.map(|(_, name)| name.into_owned()));
    let key = text(value.get("event_id")).map_or_else(|| key_without_event(objects, body), |id| event_key(&id));
    let kind = kind.unwrap_or_else(|| format!("workflow.{}", resource(objects).map_or("unknown", |(name, _)| name)));
    Ok(notice(key, kind, text(value.get("event_time")).as_deref(), objects))
}

/// An event as `GET /events/{id}` shows it, with its payload's text.
pub(super) fn of_event(event: &str, kind: &str, at: Option<&str>, payload: &str) -> Result<Notice, Malformed> {
    let value: Value = serde_json::from_str(payload).map_err(|_| Malformed("expected JSON in the payload"))?;
    let objects = value.get("data").filter(|data| data.is_object()).unwrap_or(&value);
    Ok(notice(event_key(event), kind.to_owned(), at, objects))
}

fn event_key(id: &str) -> String {
    format!("event:{id}")
}

/// Without an event id: the object with its last change, or failing that the body itself.
fn key_without_event(objects: &Value, body: &[u8]) -> String {
    let of_object = resource(objects).and_then(|(name, object)| {
        let id = text(object.get(format!("{}_id", name.replace("credit_note", "creditnote"))))?;
        let changed = text(object.get("updated_time"))?;
        Some(format!("{name}:{id}:{changed}"))
    });
    of_object.unwrap_or_else(|| format!("body:{}", hex::encode(Sha256::digest(body))))
}

/// The object that a workflow's delivery is about.
fn resource(objects: &Value) -> Option<(&'static str, &Value)> {
    ["payment", "credit_note", "creditnote", "invoice", "subscription", "customer"]
        .into_iter()
        .find_map(|name| objects.get(name).filter(|object| object.is_object()).map(|object| (name, object)))
}

fn notice(key: String, kind: String, at: Option<&str>, objects: &Value) -> Notice {
    let of = |resource: &str, field: &str| text(objects.pointer(&format!("/{resource}/{field}")));
    let paid = objects.pointer("/payment/invoices").and_then(Value::as_array).into_iter().flatten();
    let mut invoices: Vec<_> = of("invoice", "invoice_id").into_iter().collect();
    for id in paid.filter_map(|row| text(row.get("invoice_id"))) {
        if !invoices.contains(&id) {
            invoices.push(id);
        }
    }
    let customer = of("customer", "customer_id")
        .or_else(|| of("invoice", "customer_id"))
        .or_else(|| of("payment", "customer_id"))
        .or_else(|| of("subscription", "customer_id"))
        .or_else(|| of("credit_note", "customer_id"))
        .or_else(|| of("creditnote", "customer_id"))
        .or_else(|| of("refund", "customer_id"))
        .or_else(|| of("subscription", "customer/customer_id"));
    Notice {
        key,
        kind,
        at: at.and_then(wire::timestamp),
        invoices,
        subscription: of("subscription", "subscription_id").or_else(|| of("invoice", "subscription_id")),
        reference: of("subscription", "reference_id"),
        customer,
        payment: of("payment", "payment_id"),
        // Zoho writes the resource with an underscore, and its id without.
        credit_note: of("credit_note", "creditnote_id")
            .or_else(|| of("creditnote", "creditnote_id"))
            .or_else(|| of("refund", "creditnote/creditnote_id")),
    }
}

/// A non-empty text, or a whole number as text: customised formats drop the quotes of ids.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "mysecretkey12";
    const ROWS: [(&str, &str, &str); 3] = [
        (
            "subscription_id=90343&name=basic",
            r#"{"created_date":"2019-03-06","event_id":"5675"}"#,
            "ec0357bb87b946f9b88f3d80899810913dfbc310ada921e1d1e25575d5f63ee9",
        ),
        ("", r#"{"test":true}"#, "beeba5fe977923913952d4d245be79be8daaea0e1d7c2785731491518b098653"),
        ("tenant=t%201", "a=x%26y&b=", "2067c53b605773d38ceed52df0bb0b6231f011594504323316c3ea586661b266"),
    ];

    fn secrets(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|s| (*s).into()).collect()
    }

    #[test]
    fn known_deliveries_verify() {
        for (query, body, signature) in ROWS {
            assert!(verify(&secrets(&[SECRET]), query, body.as_bytes(), signature), "{body}");
            assert!(verify(&secrets(&[SECRET]), query, body.as_bytes(), &signature.to_uppercase()), "{body}");
            assert!(verify(&secrets(&["another", SECRET]), query, body.as_bytes(), signature), "the older secret");
        }
    }

    #[test]
    fn anything_changed_does_not_verify() {
        let (query, body, signature) = ROWS[0];
        let ours = secrets(&[SECRET]);
        assert!(!verify(&ours, query, b"{\"created_date\": \"2019-03-06\",\"event_id\":\"5675\"}", signature));
        assert!(!verify(&ours, "subscription_id=90344&name=basic", body.as_bytes(), signature));
        assert!(!verify(&secrets(&["mysecretkey13"]), query, body.as_bytes(), signature));
        for bad in ["", "ec03", "zz", SECRET] {
            assert!(!verify(&ours, query, body.as_bytes(), bad), "{bad:?}");
        }
        assert!(!verify(&[], query, body.as_bytes(), signature));
    }

    #[test]
    fn an_event_names_its_invoice_subscription_customer_and_payment() {
        let body = include_bytes!("../../../tests/fixtures/zoho/webhook_payment_thankyou.json");
        let notice = parse("", body).expect("readable");
        assert_eq!((notice.key.as_str(), notice.kind.as_str()), ("event:90300000005337", "payment_thankyou"));
        assert_eq!(notice.invoices, ["90300000079426"]);
        assert_eq!(notice.subscription.as_deref(), Some("90300000079200"));
        assert_eq!(notice.customer.as_deref(), Some("903000000000099"));
        assert_eq!(notice.payment.as_deref(), Some("9030000079467"));
        assert_eq!(notice.at.map(|t| t.to_rfc3339()).as_deref(), Some("2026-11-21T10:11:12+00:00"));
    }

    #[test]
    fn a_workflows_bare_object_is_keyed_by_its_last_change() {
        let body = br#"{"invoice":{"invoice_id":"77","customer_id":"9","updated_time":"2026-11-21T10:11:12-0700"}}"#;
        let notice = parse("", body).expect("readable");
        assert_eq!(notice.key, "invoice:77:2026-11-21T10:11:12-0700");
        assert_eq!((notice.kind.as_str(), notice.invoices.as_slice()), ("workflow.invoice", &["77".to_owned()][..]));
        assert_eq!(parse("event=invoice_created", body).expect("readable").kind, "invoice_created");
        let bare = br#"{"invoice":{"invoice_id":77}}"#;
        let key = parse("", bare).expect("readable").key;
        assert!(key.starts_with("body:"), "{key}");
        assert_eq!(key, parse("", bare).expect("readable").key);
    }

    #[test]
    fn events_of_credit_notes_and_refunds_name_the_note_and_its_customer() {
        for objects in [
            r#""credit_note":{"creditnote_id":"31","customer_id":"9"}"#,
            r#""creditnote":{"creditnote_id":"31","customer_id":"9"}"#,
            r#""refund":{"refund_id":"7","customer_id":"9","creditnote":{"creditnote_id":"31"}}"#,
        ] {
            let body = format!(r#"{{"event_id":"1","event_type":"creditnote_added","data":{{{objects}}}}}"#);
            let notice = parse("", body.as_bytes()).expect("readable");
            assert_eq!(
                (notice.credit_note.as_deref(), notice.customer.as_deref()),
                (Some("31"), Some("9")),
                "{objects}"
            );
        }
        let bare = br#"{"credit_note":{"creditnote_id":"31","updated_time":"t1"}}"#;
        assert_eq!(parse("", bare).expect("readable").key, "credit_note:31:t1");
    }

    #[test]
    fn json_inside_a_form_is_read_too() {
        let body = b"x=1&JSONString=%7B%22event_id%22%3A%221%22%2C%22event_type%22%3A%22brand_new%22%7D";
        let notice = parse("", body).expect("readable");
        assert_eq!((notice.key.as_str(), notice.kind.as_str()), ("event:1", "brand_new"));
        assert!(notice.invoices.is_empty());
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        for body in [&b""[..], b"a=b", b"{\"event_id\":", b"[1]"] {
            assert!(parse("", body).is_err(), "{body:?}");
        }
    }
}
