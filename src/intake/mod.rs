//! What comes in: deliveries are verified and stored; a router turns them into items, one per target; pollers ask for
//! what has no webhook or may have been lost.
//!
//! Architecture invariant: nothing in a payload changes money. A delivery says *something happened*; the saga reads the
//! vendor's present state.

mod acts;
mod cards;
pub mod catalog;
pub mod deals;
pub mod disputes;
mod endings;
pub mod erasures;
pub mod hand_overs;
pub mod imports;
mod natives;
mod notices;
pub mod openings;
pub mod operator;
mod payouts;
mod plans;
mod pollers;
mod profiles;
mod recovery;
pub mod refunds;
mod router;
mod signups;
pub mod tickets;
mod triggers;
mod unserved;

use crate::clock::Clock;
use crate::config::Vendors;
use crate::connectors::braintree::webhook::{self as braintree, KeyPair, WebhookError};
use crate::connectors::{attio, zoho};
use crate::store::inbox::{self, NewDelivery, Stored};
use crate::store::{Store, StoreError};
use crate::trace;
pub use acts::Acts;
use axum::http::HeaderMap;
pub use catalog::CatalogWatch;
use chrono::{DateTime, Utc};
pub use endings::{EndingError, EndingOrder, Named, choose};
pub use notices::NoticeSweep;
pub use payouts::PayoutSweep;
pub use plans::{PlanOrder, accept, call_off};
pub use pollers::Poller;
pub use profiles::{ProfileError, ProfileOrder, Profiles};
pub use recovery::Sweeper;
pub use router::Router;
use secrecy::SecretString;
use serde_json::json;
use sha2::{Digest, Sha256};
pub use signups::{NewUser, SignUpError, SignUps};
use std::slice;
use std::sync::Arc;
use tokio::sync::watch;

/// Who delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Attio,
    Zoho,
    Braintree,
}

impl Vendor {
    /// All.
    pub const ALL: [Self; 3] = [Self::Braintree, Self::Attio, Self::Zoho];

    /// The name in tables and addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attio => "attio",
            Self::Zoho => "zoho",
            Self::Braintree => "braintree",
        }
    }
}

/// A delivery was not taken.
#[derive(Debug)]
pub enum Refused {
    /// Not proven to come from the vendor; counted, nothing stored as trusted.
    Signature(String),
    /// Not stored: the vendor will deliver it again.
    Store(StoreError),
}

/// Whose signatures are trusted.
#[derive(Debug, Clone)]
pub struct Trusted {
    /// Attio's webhook secret; absent: its deliveries are refused.
    pub attio: Option<SecretString>,
    /// The one before it, and until when it is trusted beside it.
    pub attio_before: Option<(SecretString, DateTime<Utc>)>,
    /// Braintree's key pair.
    pub braintree: KeyPair,
    /// Zoho's webhook secret.
    pub zoho: SecretString,
}

impl From<&Vendors> for Trusted {
    fn from(vendors: &Vendors) -> Self {
        let Vendors { attio, braintree, zoho } = vendors;
        let (public_key, private_key) = (braintree.public_key.clone(), braintree.private_key.clone());
        Self {
            attio: attio.webhook_secret.clone(),
            attio_before: attio.old_webhook_secret.clone(),
            braintree: KeyPair { public_key, private_key },
            zoho: zoho.webhook_secret.clone(),
        }
    }
}

impl Trusted {
    /// Attio's secrets that are good now: of a webhook that was made anew, deliveries of the old one are repeated for days.
    fn of_attio(&self, now: DateTime<Utc>) -> Vec<SecretString> {
        let before = self.attio_before.as_ref().filter(|(_, until)| now < *until);
        self.attio.iter().chain(before.map(|(secret, _)| secret)).cloned().collect()
    }
}

/// Verifies and stores deliveries.
pub struct Intake {
    store: Store,
    trusted: Trusted,
    clock: Arc<dyn Clock>,
    /// Says that something was stored, to every lane of the router.
    came: watch::Sender<()>,
}

impl Intake {
    /// An intake that trusts these secrets.
    pub fn new(store: Store, trusted: Trusted, clock: Arc<dyn Clock>) -> Self {
        Self { store, trusted, clock, came: watch::Sender::new(()) }
    }

    /// Answers Braintree's challenge.
    ///
    /// # Errors
    /// It has not the form of a challenge.
    pub fn braintree_challenge(&self, challenge: &str) -> Result<String, String> {
        braintree::answer_challenge(&self.trusted.braintree, challenge).map_err(|e| e.to_string())
    }

    /// Counts a delivery that was refused.
    pub async fn rejected(&self, vendor: Vendor) {
        if let Err(e) = inbox::count_rejected(&self.store.pool, vendor.as_str()).await {
            tracing::warn!(vendor = vendor.as_str(), error = %e, "a refused delivery was not counted");
        }
    }

    /// Verifies and stores one delivery: durable when it returns. `query` is the raw query of the address.
    ///
    /// # Errors
    /// It is not proven to be the vendor's, or could not be stored.
    pub async fn receive(
        &self,
        vendor: Vendor,
        headers: &HeaderMap,
        query: &str,
        body: &[u8],
    ) -> Result<Stored, Refused> {
        let key = match self.verify(vendor, headers, query, body) {
            Ok(key) => bounded(key),
            Err(why) => {
                self.rejected(vendor).await;
                return Err(Refused::Signature(why));
            }
        };
        let mut kept = json!({ "query": query });
        if let Some(cause) = trace::traceparent() {
            kept["traceparent"] = cause.into();
        }
        let delivery = NewDelivery {
            vendor: vendor.as_str(),
            key,
            headers: kept.to_string(),
            body: body.to_vec(),
            received_at: self.clock.now(),
        };
        let stored = self.store.deliveries.write(delivery).await;
        self.came.send_replace(());
        stored.map_err(Refused::Store)
    }

    /// Changes whenever something was stored.
    pub(super) fn came(&self) -> watch::Receiver<()> {
        self.came.subscribe()
    }

    /// The delivery's key, once its signature is proven. A signed body that cannot be read has its digest as the key:
    /// it is stored for a person.
    fn verify(&self, vendor: Vendor, headers: &HeaderMap, query: &str, body: &[u8]) -> Result<String, String> {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let digest = || format!("body:{}", hex::encode(Sha256::digest(body)));
        let signature = |name: &'static str| header(name).ok_or_else(|| format!("there is no `{name}` header"));
        match vendor {
            Vendor::Attio => {
                let secrets = self.trusted.of_attio(self.clock.now());
                if secrets.is_empty() {
                    return Err("no Attio webhook secret is configured (ATTIO_WEBHOOK_SECRET)".to_owned());
                }
                if !attio::webhook::verify(&secrets, body, signature(attio::webhook::SIGNATURE_HEADER)?) {
                    return Err("the signature does not fit the body".to_owned());
                }
                Ok(attio::webhook::delivery_key(header(attio::webhook::KEY_HEADER), body))
            }
            Vendor::Zoho => {
                let secrets = [self.trusted.zoho.clone()];
                if !zoho::webhook::verify(&secrets, query, body, signature(zoho::webhook::SIGNATURE_HEADER)?) {
                    return Err("the signature does not fit the body".to_owned());
                }
                Ok(zoho::webhook::parse(query, body).map_or_else(|_| digest(), |notice| notice.key))
            }
            Vendor::Braintree => {
                let delivery = braintree::Delivery::from_form(body).map_err(|e| e.to_string())?;
                match braintree::verify_and_parse(slice::from_ref(&self.trusted.braintree), &delivery) {
                    Ok(notification) => Ok(notification.delivery_key),
                    Err(WebhookError::Unreadable(_)) => Ok(digest()),
                    Err(e) => Err(e.to_string()),
                }
            }
        }
    }

    /// The notification in a stored delivery of Braintree.
    fn braintree(&self, body: &[u8]) -> Result<braintree::Notification, WebhookError> {
        braintree::verify_and_parse(slice::from_ref(&self.trusted.braintree), &braintree::Delivery::from_form(body)?)
    }
}

/// Longer keys do not fit into the index that makes a delivery one: such a delivery could never be stored.
const KEY_AT_MOST: usize = 200;

/// A key that fits into an index whatever the vendor sent: a longer one is known by its digest.
fn bounded(key: String) -> String {
    if key.len() <= KEY_AT_MOST { key } else { format!("sha256:{}", hex::encode(Sha256::digest(key))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use secrecy::ExposeSecret as _;

    #[test]
    fn the_secret_before_a_rotation_is_good_beside_the_new_one_until_its_end() {
        let end = DateTime::UNIX_EPOCH + TimeDelta::days(4);
        let braintree = KeyPair { public_key: "public".to_owned(), private_key: "private".into() };
        let trusted =
            Trusted { attio: Some("new".into()), attio_before: Some(("old".into(), end)), braintree, zoho: "z".into() };
        let good = |now| trusted.of_attio(now).iter().map(|s| s.expose_secret().to_owned()).collect::<Vec<_>>();
        assert_eq!(good(end - TimeDelta::seconds(1)), ["new", "old"]);
        assert_eq!(good(end), ["new"]);
        let first = Trusted { attio: None, attio_before: None, ..trusted };
        assert!(first.of_attio(end).is_empty());
    }
}
