//! Signed notifications: the gateway's XML, base64 in lines of 60, HMAC-SHA1 keyed with the SHA-1 of the private key.
//! Delivery (retries, drops, doubles) is the sandbox's business.

use super::xml::{Fields, Xml, document};
use crate::World;
use crate::credentials::Braintree;
use crate::faults::Vendor;
use crate::hooks::Hook;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use std::time::Duration;

const LINE: usize = 60;
/// How long a destination may take to answer its challenge.
const PATIENCE: Duration = Duration::from_secs(30);

/// Queues a notification: `kind` is its name, `root` the element that holds the object.
pub(super) fn send(world: &World, kind: &str, root: &'static str, subject: Xml, now: DateTime<Utc>) {
    let fields =
        Fields::new().time("timestamp", now).text("kind", kind).node("subject", Fields::new().put(root, subject));
    let payload = wrapped(&document("notification", &Xml::Node(fields)));
    let signature = signature(&world.credentials.braintree, &payload);
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("bt_signature", &signature)
        .append_pair("bt_payload", &payload)
        .finish();
    world.hooks.send(Hook {
        vendor: Vendor::Braintree,
        kind: kind.to_owned(),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: body.into_bytes(),
    });
}

/// Registers the merchant's destination, as its Control Panel does: the URL is asked a challenge, and only one that
/// answers with this merchant's signature of it gets the notifications.
///
/// # Errors
/// A sentence saying what was answered instead.
pub(super) async fn register(world: &World, url: &str) -> Result<(), String> {
    let challenge = hex::encode(rand::random::<[u8; 16]>());
    let mut target = url::Url::parse(url).map_err(|e| format!("url {url:?} is no URL: {e}"))?;
    target.query_pairs_mut().append_pair("bt_challenge", &challenge);
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().map_err(|e| e.to_string())?;
    let answer = client.get(target).send().await.map_err(|_| format!("url {url:?} could not be reached"))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if !status.is_success() || text.trim() != signature(&world.credentials.braintree, &challenge) {
        return Err(format!("url {url:?} answered the challenge with {status} and not with its signature"));
    }
    world.hooks.aim(Vendor::Braintree, Some(url.to_owned()));
    Ok(())
}

/// Base64 in lines, each ended by a line feed, the last one too.
fn wrapped(text: &str) -> String {
    let code = STANDARD.encode(text);
    let lines = code.as_bytes().chunks(LINE).map(|line| String::from_utf8_lossy(line).into_owned() + "\n");
    lines.collect()
}

/// `public_key|hex`, over the payload exactly as sent.
fn signature(keys: &Braintree, payload: &str) -> String {
    let key = Sha1::digest(keys.private_key.as_bytes());
    let mut mac = Hmac::<Sha1>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(payload.as_bytes());
    format!("{}|{}", keys.public_key, hex::encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_official_sdks() {
        let keys = Braintree {
            merchant_id: "m".to_owned(),
            public_key: "pub".to_owned(),
            private_key: "priv".to_owned(),
            merchant_accounts: Vec::new(),
        };
        let payload = wrapped("<notification/>");
        assert_eq!(payload, "PG5vdGlmaWNhdGlvbi8+\n");
        assert_eq!(signature(&keys, &payload), "pub|88192072e72334c8daa6dd7736d87e9f51dd204b");
    }
}
