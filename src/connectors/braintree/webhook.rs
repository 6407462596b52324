//! Braintree's webhooks: verifies the signature over the payload as it was sent, and reads which object the delivery is
//! about. It trusts nothing else in the body: a delivery is a hint to read the object.

use super::wire::plain;
use super::xml::{Node, Unreadable};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sagas::kernel::money::{self, Money};
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
        /// What it says.
        payout: Box<Payout>,
    },
    /// A payment method that is no longer to be used.
    PaymentMethod {
        /// The vault's token.
        token: String,
    },
    /// Cards that their banks replaced: a report for one day.
    AccountUpdates {
        /// The day.
        day: Option<NaiveDate>,
        /// Where the report can be had, for some time. It is a secret: whoever has it can read the report.
        url: Option<SecretAddress>,
    },
    /// Any other object, by the name of its element; empty where there is none.
    Other(String),
}

/// A payout to the bank, or the failure of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payout {
    /// What is paid out.
    pub amount: Option<Money>,
    /// Day of it.
    pub day: Option<NaiveDate>,
    /// The merchant account that it is for.
    pub merchant_account: Option<String>,
    /// Ids of the transactions in it.
    pub transactions: Vec<String>,
    /// The bank took it.
    pub success: bool,
    /// It was tried before.
    pub is_retry: bool,
    /// Why it failed.
    pub exception: Option<String>,
    /// What the gateway wants done about that.
    pub follow_up: Option<String>,
}

/// An address that shows in no debug output.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretAddress(pub String);

impl std::fmt::Debug for SecretAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretAddress")
    }
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
    // Some kinds wrap their object in an error response.
    let holder = root.child("subject").map(|holder| holder.child("api-error-response").unwrap_or(holder));
    let Some(object) =
        holder.and_then(|holder| holder.children.iter().find(|child| !NO_OBJECTS.contains(&&*child.name)))
    else {
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
        "disbursement" => text("id").map(|id| Subject::Disbursement { id, payout: Box::new(payout(object)) }),
        "paypal-account"
        | "venmo-account"
        | "granted-payment-instrument-update"
        | "payment-method-customer-data-updated-metadata" => {
            text("token").map(|token| Subject::PaymentMethod { token })
        }
        "account-updater-daily-report" => {
            Some(Subject::AccountUpdates { day: object.day("report-date"), url: text("report-url").map(SecretAddress) })
        }
        _ => None,
    };
    subject.unwrap_or_else(|| Subject::Other(object.name.clone()))
}

/// What stands beside an object in an error response.
const NO_OBJECTS: [&str; 3] = ["errors", "params", "message"];

fn payout(node: &Node) -> Payout {
    let account = node.child("merchant-account");
    let currency = account.and_then(|account| account.text_of("currency-iso-code"));
    let currency = currency.or_else(|| node.text_of("currency-iso-code")).and_then(|code| money::currency(code).ok());
    let amount = currency.and_then(|currency| Money::parse(node.text_of("amount")?, currency).ok());
    let merchant_account = account.and_then(|account| account.text_of("id")).or(node.text_of("merchant-account-id"));
    Payout {
        amount,
        day: node.day("disbursement-date"),
        merchant_account: merchant_account.map(str::to_owned),
        transactions: node.items("transaction-ids").filter_map(Node::text).map(str::to_owned).collect(),
        success: node.flag("success"),
        is_retry: node.flag("retry"),
        exception: node.text_of("exception-message").map(plain),
        follow_up: node.text_of("follow-up-action").map(plain),
    }
}

/// Public keys for a message; what a stranger sent is cut and cleaned.
fn shown<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let clean = |key: &str| key.chars().filter(char::is_ascii_alphanumeric).take(40).collect::<String>();
    keys.take(5).map(clean).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
