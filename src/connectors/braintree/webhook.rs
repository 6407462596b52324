//! Braintree's webhooks: verifies the signature over the payload as it was sent, and reads which object the delivery is
//! about. It trusts nothing else in the body: a delivery is a hint to read the object.

use super::xml::{Node, Unreadable};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// One pair of API keys; a merchant has two while keys are rotated.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// Public key: it stands in the signature.
    pub public_key: String,
    /// Private key: it signs.
    pub private_key: SecretString,
}

/// The two fields of a delivery's form.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// `bt_signature`.
    pub signature: String,
    /// `bt_payload`, to the byte as it was signed.
    pub payload: String,
}

/// What a genuine delivery is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Braintree's word: `dispute_opened`, `subscription_charged_successfully`, `check` …; new words come unannounced.
    pub kind: String,
    /// When Braintree made it (UTC). Deliveries come in any order.
    pub timestamp: DateTime<Utc>,
    /// The object.
    pub subject: Subject,
    /// The same for every delivery of this notification (Braintree gives no event id): SHA-256 of the XML, in hex.
    pub delivery_key: String,
}

/// The object of a notification, by its ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The Control Panel's test button: nothing is to be done.
    Check,
    /// A transaction; for `refund_failed`, the refund.
    Transaction {
        /// Transaction id.
        id: String,
        /// Our reference, where the body has it.
        order_id: Option<String>,
    },
    /// A subscription.
    Subscription {
        /// Subscription id.
        id: String,
        /// Its newest transaction, where the body has one.
        newest_transaction: Option<String>,
    },
    /// A dispute.
    Dispute {
        /// Dispute id.
        id: String,
        /// The disputed transaction.
        transaction: Option<String>,
    },
    /// A payout. No call reads it again: the stored delivery is the only record.
    Disbursement {
        /// Disbursement id.
        id: String,
    },
    /// A payment method that is no longer to be used.
    PaymentMethod {
        /// The vault's token.
        token: String,
    },
    /// Any other object, by the name of its element; empty where there is none.
    Other(String),
}

/// Why a delivery is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The form lacks a field.
    #[error("the form has no field `{0}`: expected application/x-www-form-urlencoded with bt_signature and bt_payload")]
    MissingField(&'static str),
    /// Something on the way changed the payload.
    #[error(
        "bt_payload has characters that base64 does not have: something between Braintree and here changed the body"
    )]
    IllegalCharacters,
    /// No signature was made with a key of ours.
    #[error(
        "the delivery is signed for the public keys [{offered}], ours are [{configured}]: check the configured keys"
    )]
    UnknownKey {
        /// Public keys in the signature.
        offered: String,
        /// Public keys that we hold.
        configured: String,
    },
    /// The signature of our key does not fit.
    #[error("the signature does not fit the payload: check the private key of {0}")]
    BadSignature(String),
    /// Genuine, and not readable.
    #[error("the delivery is genuine but cannot be read: {0}")]
    Unreadable(String),
    /// A challenge that Braintree would not send.
    #[error("bt_challenge is not 20 to 32 lower-case hex digits")]
    BadChallenge,
}

impl Delivery {
    /// Takes the two fields out of the form's body, decoded once.
    ///
    /// # Errors
    /// A field is missing.
    pub fn from_form(body: &[u8]) -> Result<Self, WebhookError> {
        let field = |name: &'static str| {
            url::form_urlencoded::parse(body)
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
                .ok_or(WebhookError::MissingField(name))
        };
        Ok(Self { signature: field("bt_signature")?, payload: field("bt_payload")? })
    }
}

/// Verifies a delivery with any of our key pairs and reads what it is about.
///
/// # Errors
/// The payload was altered, is not signed with a key of ours, or cannot be read.
pub fn verify_and_parse(keys: &[KeyPair], delivery: &Delivery) -> Result<Notification, WebhookError> {
    let payload = delivery.payload.as_str();
    if !payload.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'\n')) {
        return Err(WebhookError::IllegalCharacters);
    }
    let pairs: Vec<(&str, &str)> =
        delivery.signature.split('&').filter_map(|pair| pair.trim().split_once('|')).collect();
    let ours: Vec<(&KeyPair, &str)> = pairs
        .iter()
        .filter_map(|(public, hex)| keys.iter().find(|key| key.public_key == *public).map(|key| (key, *hex)))
        .collect();
    let Some((first, _)) = ours.first() else {
        return Err(WebhookError::UnknownKey {
            offered: shown(pairs.iter().map(|(public, _)| *public)),
            configured: shown(keys.iter().map(|key| key.public_key.as_str())),
        });
    };
    if !ours.iter().any(|(key, hex)| is_signed(key, payload, hex)) {
        return Err(WebhookError::BadSignature(shown(std::iter::once(first.public_key.as_str()))));
    }
    parse(payload).map_err(|error| WebhookError::Unreadable(error.to_string()))
}

/// The answer to the check of a destination (`GET` with `bt_challenge`): the public key and the challenge, signed.
///
/// # Errors
/// The challenge does not have Braintree's form: nothing else is signed for a stranger.
pub fn answer_challenge(key: &KeyPair, challenge: &str) -> Result<String, WebhookError> {
    let fits = (20..=32).contains(&challenge.len())
        && challenge.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !fits {
        return Err(WebhookError::BadChallenge);
    }
    let signature = signer(key).chain_update(challenge).finalize().into_bytes();
    Ok(format!("{}|{}", key.public_key, hex::encode(signature)))
}

/// HMAC-SHA1 under the raw SHA-1 of the private key, as the vendor's SDKs make it.
fn signer(key: &KeyPair) -> Hmac<Sha1> {
    Hmac::new_from_slice(&Sha1::digest(key.private_key.expose_secret())).expect("HMAC takes a key of any length")
}

/// In constant time. Some stacks strip the payload's last newline: it is signed with it.
fn is_signed(key: &KeyPair, payload: &str, signature: &str) -> bool {
    let Ok(signature) = hex::decode(signature) else { return false };
    let as_sent = signer(key).chain_update(payload).verify_slice(&signature).is_ok();
    let with_newline = signer(key).chain_update(payload).chain_update("\n").verify_slice(&signature).is_ok();
    as_sent | with_newline
}

fn parse(payload: &str) -> Result<Notification, Unreadable> {
    let xml = STANDARD.decode(payload.replace('\n', "")).map_err(|_| Unreadable::Encoding)?;
    // The vendor's samples begin with white space, which XML allows only where no declaration follows.
    let root = Node::parse(xml.trim_ascii())?;
    if root.name != "notification" {
        return Err(Unreadable::Field("notification"));
    }
    Ok(Notification {
        kind: root.required("kind")?.to_owned(),
        timestamp: root.time("timestamp")?,
        subject: subject(&root),
        delivery_key: hex::encode(Sha256::digest(&xml)),
    })
}

/// The object by its element's name; one without the id that its kind should have is kept by name.
fn subject(root: &Node) -> Subject {
    let Some(object) = root.child("subject").and_then(|holder| holder.children.first()) else {
        return Subject::Other(String::new());
    };
    let text = |name| object.text_of(name).map(str::to_owned);
    let id_of = |node: &Node| node.text_of("id").map(str::to_owned);
    let subject = match object.name.as_str() {
        "check" => Some(Subject::Check),
        "transaction" => text("id").map(|id| Subject::Transaction { id, order_id: text("order-id") }),
        "transaction-review" => text("transaction-id").map(|id| Subject::Transaction { id, order_id: None }),
        "subscription" => text("id").map(|id| Subject::Subscription {
            id,
            newest_transaction: object.items("transactions").next().and_then(id_of),
        }),
        "dispute" => {
            text("id").map(|id| Subject::Dispute { id, transaction: object.child("transaction").and_then(id_of) })
        }
        "disbursement" => text("id").map(|id| Subject::Disbursement { id }),
        "paypal-account" | "venmo-account" => text("token").map(|token| Subject::PaymentMethod { token }),
        _ => None,
    };
    subject.unwrap_or_else(|| Subject::Other(object.name.clone()))
}

/// Public keys for a message; what a stranger sent is cut and cleaned.
fn shown<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let clean = |key: &str| key.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>();
    keys.take(5).map(clean).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vendor's SDKs, run on these keys, made the signatures below.
    fn key() -> KeyPair {
        KeyPair { public_key: "pub".to_owned(), private_key: "priv".into() }
    }

    const PAYLOAD: &str = "PG5vdGlmaWNhdGlvbi8+\n";
    const SIGNED: &str = "pub|88192072e72334c8daa6dd7736d87e9f51dd204b";
    const SIGNED_WITHOUT_NEWLINE: &str = "pub|139534bb2e4bd5d11bab0badaa279cfe3854b467";

    fn verify(signature: &str, payload: &str) -> Result<Notification, WebhookError> {
        verify_and_parse(&[key()], &Delivery { signature: signature.to_owned(), payload: payload.to_owned() })
    }

    /// The vectors' payload is genuine and no whole notification.
    fn is_genuine(result: &Result<Notification, WebhookError>) -> bool {
        matches!(result, Err(WebhookError::Unreadable(_)))
    }

    fn signed(xml: &str) -> Delivery {
        let payload = format!("{}\n", STANDARD.encode(xml));
        let signature = hex::encode(signer(&key()).chain_update(&payload).finalize().into_bytes());
        Delivery { signature: format!("pub|{signature}"), payload }
    }

    #[test]
    fn genuine_payloads_are_accepted_with_and_without_their_last_newline() {
        assert!(is_genuine(&verify(SIGNED, PAYLOAD)));
        assert!(is_genuine(&verify(SIGNED, PAYLOAD.trim_end())));
        assert!(is_genuine(&verify(SIGNED_WITHOUT_NEWLINE, PAYLOAD.trim_end())));
        assert!(is_genuine(&verify(&format!("foreign|00ff&no-pair&{SIGNED}"), PAYLOAD)));
    }

    #[test]
    fn altered_payloads_and_foreign_signatures_are_refused() {
        for altered in ["PG5vdGlmaWNhdGlvbi8+\r\n", "PG5vdGlmaWNhdGlvbi8 \n"] {
            assert_eq!(verify(SIGNED, altered), Err(WebhookError::IllegalCharacters));
        }
        let bad = Err(WebhookError::BadSignature("pub".to_owned()));
        assert_eq!(verify(SIGNED, "QG5vdGlmaWNhdGlvbi8+\n"), bad);
        assert_eq!(verify(&SIGNED[..SIGNED.len() - 2], PAYLOAD), bad);
        assert_eq!(verify("pub|nothex", PAYLOAD), bad);
        assert_eq!(verify(SIGNED_WITHOUT_NEWLINE, PAYLOAD), bad);
        let unknown = WebhookError::UnknownKey { offered: "other".to_owned(), configured: "pub".to_owned() };
        assert_eq!(verify("other|88192072e72334c8daa6dd7736d87e9f51dd204b", PAYLOAD), Err(unknown));
        assert!(matches!(verify("", PAYLOAD), Err(WebhookError::UnknownKey { .. })));
    }

    #[test]
    fn while_keys_are_rotated_either_pair_is_good() {
        let new = KeyPair { public_key: "new".to_owned(), private_key: "other".into() };
        let delivery = Delivery { signature: SIGNED.to_owned(), payload: PAYLOAD.to_owned() };
        assert!(is_genuine(&verify_and_parse(&[new, key()], &delivery)));
    }

    #[test]
    fn the_form_is_decoded_once() {
        let body = b"bt_signature=pub%7C88192072e72334c8daa6dd7736d87e9f51dd204b&bt_payload=PG5vdGlmaWNhdGlvbi8%2B%0A";
        let delivery = Delivery::from_form(body).expect("both fields");
        assert_eq!((delivery.signature.as_str(), delivery.payload.as_str()), (SIGNED, PAYLOAD));
        assert_eq!(Delivery::from_form(b"bt_payload=x").err(), Some(WebhookError::MissingField("bt_signature")));
    }

    #[test]
    fn only_a_challenge_of_braintrees_form_is_signed() {
        let answer = answer_challenge(&key(), "20f9f8ed05f77439fe955c977e4c8a53");
        assert_eq!(answer.as_deref(), Ok("pub|5d50acea216b983cf6c6d424dbaa95d601aed729"));
        for bad in ["", "20f9", "20F9F8ED05F77439FE955C977E4C8A53", "PG5vdGlmaWNhdGlvbi8+", &"a".repeat(33)] {
            assert_eq!(answer_challenge(&key(), bad), Err(WebhookError::BadChallenge), "{bad}");
        }
    }

    #[test]
    fn a_dispute_names_itself_and_its_transaction() {
        let xml = include_str!("../../../tests/fixtures/braintree/notification_dispute_opened.xml");
        let notification = verify_and_parse(&[key()], &signed(xml)).expect("genuine");
        assert_eq!(notification.kind, "dispute_opened");
        assert_eq!(notification.timestamp.to_rfc3339(), "2026-11-21T10:15:00+00:00");
        let dispute = Subject::Dispute { id: "dp7c2k9m".to_owned(), transaction: Some("k3v9p2ab".to_owned()) };
        assert_eq!(notification.subject, dispute);
    }

    #[test]
    fn a_subscription_names_its_newest_transaction_if_it_has_one() {
        let xml = include_str!("../../../tests/fixtures/braintree/notification_subscription_charged.xml");
        let notification = verify_and_parse(&[key()], &signed(xml)).expect("genuine");
        let newest_transaction = Some("n8w1x2yz".to_owned());
        assert_eq!(notification.subject, Subject::Subscription { id: "s-0042".to_owned(), newest_transaction });
    }

    #[test]
    fn one_notification_has_one_delivery_key_however_its_base64_is_wrapped() {
        let xml = include_str!("../../../tests/fixtures/braintree/notification_dispute_opened.xml");
        let one_line = signed(xml);
        let mut payload = String::new();
        for (at, character) in one_line.payload.trim_end().chars().enumerate() {
            if at > 0 && at % 76 == 0 {
                payload.push('\n');
            }
            payload.push(character);
        }
        payload.push('\n');
        let signature = hex::encode(signer(&key()).chain_update(&payload).finalize().into_bytes());
        let wrapped = Delivery { signature: format!("pub|{signature}"), payload };
        let parse = |delivery| verify_and_parse(&[key()], delivery).expect("genuine").delivery_key;
        assert_eq!(parse(&one_line), parse(&wrapped));
        assert_ne!(parse(&one_line), parse(&signed(&xml.replace("10:15:00", "10:15:01"))));
    }

    #[test]
    fn what_is_not_known_is_kept_by_name() {
        let about = |inner: &str| {
            let xml = format!(
                "\n  <notification><timestamp type='dateTime'>2026-11-21T10:15:00Z</timestamp><kind>new_kind</kind>\
                 {inner}</notification>"
            );
            let notification = verify_and_parse(&[key()], &signed(&xml)).expect("genuine");
            assert_eq!(notification.kind, "new_kind");
            notification.subject
        };
        assert_eq!(about("<subject><check type='boolean'>true</check></subject>"), Subject::Check);
        let review = "<subject><transaction-review><transaction-id>t1</transaction-id></transaction-review></subject>";
        assert_eq!(about(review), Subject::Transaction { id: "t1".to_owned(), order_id: None });
        assert_eq!(about("<subject><new_thing/></subject>"), Subject::Other("new-thing".to_owned()));
        assert_eq!(
            about("<subject><dispute><id nil='true'/></dispute></subject>"),
            Subject::Other("dispute".to_owned())
        );
        assert_eq!(about(""), Subject::Other(String::new()));
    }
}
