//! Attio's webhooks: proves who sent one, and reads which records it concerns. A payload holds no values, so each event
//! only says that something changed: the record is read. Keeps nothing.
//!
//! Signature, as Attio documents it: HMAC-SHA256 over the raw body with the webhook's secret, in hexadecimal. It holds no
//! time, so a replay is recognised by the delivery's key only.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "attio-signature";

/// The header that is the same for every delivery of one message.
pub const KEY_HEADER: &str = "idempotency-key";

/// One change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same for the same event of the same delivery.
    pub key: String,
    /// Attio's word: `record.updated`, `record.merged` …; an open set.
    pub kind: String,
    /// Which object (UUID), where the event names one.
    pub object: Option<String>,
    /// Which record, where the event names one; after a merge the one that is left.
    pub record: Option<String>,
    /// Which attribute changed (UUID), on an update.
    pub attribute: Option<String>,
    /// The record that a merge took in.
    pub duplicate_record: Option<String>,
    /// `workspace-member`, `api-token`, `system`, `app`, where it says.
    pub actor_type: Option<String>,
    /// Who, where it says.
    pub actor: Option<String>,
}

/// A delivery whose body cannot be read. The text holds nothing of the body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unreadable: expected a JSON object with a list of events")]
pub struct Malformed;

#[derive(Deserialize)]
struct Delivery {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "event_type")]
    kind: String,
    #[serde(default)]
    id: Ids,
    actor: Option<Actor>,
    duplicate_record_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Ids {
    #[serde(rename = "object_id")]
    object: Option<String>,
    #[serde(rename = "record_id")]
    record: Option<String>,
    #[serde(rename = "attribute_id")]
    attribute: Option<String>,
}

#[derive(Deserialize)]
struct Actor {
    r#type: Option<String>,
    id: Option<String>,
}

/// Whether the signature is of one of the secrets (two are valid while one is replaced). `body` is the raw bytes;
/// compared in constant time.
pub fn verify(secrets: &[SecretString], body: &[u8], signature: &str) -> bool {
    let Ok(signature) = hex::decode(signature.trim()) else { return false };
    let matches = |secret: &SecretString| {
        Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
            .is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
    };
    // Every secret is tried, so that the time does not tell which one fits.
    secrets.iter().map(matches).fold(false, |any, fits| any | fits)
}

/// The key of a delivery: Attio's own, or failing that its content.
pub fn delivery_key(header: Option<&str>, body: &[u8]) -> String {
    match header.map(str::trim).filter(|key| !key.is_empty()) {
        Some(key) => key.to_owned(),
        None => format!("body:{}", hex::encode(Sha256::digest(body))),
    }
}

/// Reads all events of a verified delivery; there can be several.
///
/// # Errors
/// The body is no delivery.
pub fn parse(delivery_key: &str, body: &[u8]) -> Result<Vec<Notice>, Malformed> {
    let delivery: Delivery = serde_json::from_slice(body).map_err(|_| Malformed)?;
    let notice = |(index, event): (usize, Event)| {
        let (actor_type, actor) = event.actor.map_or((None, None), |actor| (actor.r#type, actor.id));
        Notice {
            key: format!("{delivery_key}:{index}"),
            kind: event.kind,
            object: event.id.object,
            record: event.id.record,
            attribute: event.id.attribute,
            duplicate_record: event.duplicate_record_id,
            actor_type,
            actor,
        }
    };
    Ok(delivery.events.into_iter().enumerate().map(notice).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    const BODY: &[u8] = br#"{"webhook_id":"23e42eaf-323a-41da-b5bb-fd67eebda553","events":[]}"#;
    const SIGNATURE: &str = "b2e3189b768b3bbcd08ab8092c8e538a67144928c6efd2520f98acfb47c72182";

    #[test]
    fn a_known_delivery_verifies_and_a_changed_one_does_not() {
        let ours = [SecretString::from(SECRET)];
        let both = [SecretString::from("older"), SecretString::from(SECRET)];
        assert!(verify(&ours, BODY, SIGNATURE));
        assert!(verify(&both, BODY, &SIGNATURE.to_uppercase()));
        assert!(!verify(&ours, &[BODY, b" "].concat(), SIGNATURE));
        assert!(!verify(&[SecretString::from("older")], BODY, SIGNATURE));
        for bad in ["", "b2e3", SECRET, "v1=b2e3"] {
            assert!(!verify(&ours, BODY, bad), "{bad:?}");
        }
    }

    #[test]
    fn every_event_of_a_delivery_is_read_under_its_own_key() {
        let body = include_bytes!("../../../tests/fixtures/attio/webhook_two_events.json");
        let notices = parse("k1", body).expect("readable");
        assert_eq!(notices.iter().map(|n| n.key.as_str()).collect::<Vec<_>>(), ["k1:0", "k1:1"]);
        assert_eq!(notices[0].kind, "record.updated");
        assert_eq!(notices[0].record.as_deref(), Some("bf071e1f-6035-429d-b874-d83ea64ea13b"));
        assert_eq!(notices[0].attribute.as_deref(), Some("41252299-f8c7-4b5e-99c9-4ff8321d2f96"));
        assert_eq!(notices[0].actor_type.as_deref(), Some("workspace-member"));
        assert_eq!(notices[1].kind, "record.merged");
        assert_eq!(notices[1].duplicate_record.as_deref(), Some("0d2c7a36-2a5e-4a0b-9a52-6b7d6f1e9c11"));
        assert_eq!(notices[1].actor, None);
    }

    #[test]
    fn events_of_other_things_and_of_later_kinds_are_kept() {
        let notices =
            parse("k", br#"{"events":[{"event_type":"note.created","id":{"note_id":"n"}}]}"#).expect("readable");
        assert_eq!((notices[0].kind.as_str(), notices[0].record.as_deref()), ("note.created", None));
        assert!(parse("k", b"{\"events\":").is_err());
        assert!(parse("k", b"{}").is_err());
    }

    #[test]
    fn a_delivery_without_a_key_is_known_by_its_content() {
        assert_eq!(delivery_key(Some(" abc "), BODY), "abc");
        assert_eq!(delivery_key(None, BODY), delivery_key(Some(""), BODY));
        assert_ne!(delivery_key(None, BODY), delivery_key(None, b"{}"));
    }
}
