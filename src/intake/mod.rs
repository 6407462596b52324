//! What comes in: deliveries are verified and stored; a router turns them into items, one per target; pollers ask for
//! what has no webhook or may have been lost.
//!
//! Architecture invariant: nothing in a payload changes money. A delivery says *something happened*; the saga reads the
//! vendor's present state.

mod pollers;
mod router;
mod triggers;

use crate::config::Vendors;
use crate::connectors::braintree::webhook as braintree;
use crate::connectors::{attio, zoho};
use crate::store::inbox::Delivered;
use crate::store::{Store, StoreError};
use axum::http::HeaderMap;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
pub use router::Router;
pub use pollers::Poller;
use tokio::sync::Notify;

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

/// A delivery is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Stored; it will be acted on once.
    Stored,
    /// Stored before; it is acted on once.
    Duplicate,
    /// Signed but unreadable: stored for a person.
    Dead,
}

/// A delivery was not taken.
#[derive(Debug)]
pub enum Refused {
    /// Not proven to come from the vendor; counted, nothing stored as trusted.
    Signature(String),
    /// Not stored: the vendor will deliver it again.
    Store(StoreError),
}

/// Verifies and stores deliveries.
pub struct Intake {
    store: Store,
    vendors: Vendors,
    /// Rung after each stored delivery.
    pub(super) came: Notify,
}

impl Intake {
    /// An intake that trusts these vendors' secrets.
    pub fn new(store: Store, vendors: Vendors) -> Self {
        Self { store, vendors, came: Notify::new() }
    }

    /// Answers Braintree's challenge.
    ///
    /// # Errors
    /// It has not the form of a challenge.
    pub fn braintree_challenge(&self, challenge: &str) -> Result<String, String> {
        let b = &self.vendors.braintree;
        braintree::challenge(&b.public_key, &b.private_key, challenge).map_err(|e| e.to_string())
    }

    /// Counts a delivery that was refused before its signature was looked at.
    pub async fn rejected(&self, vendor: Vendor) {
        if let Err(e) = self.store.inbox.count_rejected(vendor.as_str()).await {
            tracing::warn!(vendor = vendor.as_str(), error = %e, "a refused delivery was not counted");
        }
    }

    /// Verifies and stores one delivery.
    ///
    /// # Errors
    /// It is not proven to be the vendor's, or could not be stored.
    pub async fn receive(&self, vendor: Vendor, headers: &HeaderMap, body: &[u8]) -> Result<Received, Refused> {
        let key = match self.verify(vendor, headers, body) {
            Ok(key) => key,
            Err(why) => {
                self.rejected(vendor).await;
                return Err(Refused::Signature(why));
            }
        };
        let received_at: DateTime<Utc> = self.store.now();
        let stored = self
            .store
            .inbox
            .store_delivery(vendor.as_str(), &key, body, received_at)
            .await
            .map_err(Refused::Store)?;
        self.came.notify_one();
        Ok(match stored {
            Delivered::Stored => Received::Stored,
            Delivered::Duplicate => Received::Duplicate,
        })
    }

    /// The delivery's key, once its signature is proven.
    fn verify(&self, vendor: Vendor, headers: &HeaderMap, body: &[u8]) -> Result<String, String> {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        match vendor {
            Vendor::Attio => {
                let secret = self.vendors.attio.webhook_secret.as_ref().ok_or("no Attio webhook secret is configured")?;
                attio::webhook::verify(secret, header, body).map_err(|e| e.to_string())
            }
            Vendor::Zoho => {
                zoho::webhook::verify(&self.vendors.zoho.webhook_secret, header, body).map_err(|e| e.to_string())
            }
            Vendor::Braintree => {
                let b = &self.vendors.braintree;
                braintree::verify(&b.public_key, b.private_key.expose_secret(), body).map_err(|e| e.to_string())
            }
        }
    }
}
