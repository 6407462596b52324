//! What callers must know to be let in at the simulated vendors. Sandbox values only: they open nothing else.

use rand::RngExt;
use std::fmt;

/// One set per vendor; [`Credentials::default`] draws new random ones.
#[derive(Clone)]
pub struct Credentials {
    pub braintree: Braintree,
    pub zoho: Zoho,
    pub attio: Attio,
    pub mail: Mail,
}

/// An account at the mail server.
#[derive(Clone)]
pub struct Mail {
    pub user: String,
    pub password: String,
}

/// A Braintree merchant and its API key pair.
#[derive(Clone)]
pub struct Braintree {
    pub merchant_id: String,
    pub public_key: String,
    pub private_key: String,
    /// The first one is the merchant's default.
    pub merchant_accounts: Vec<MerchantAccount>,
}

/// A merchant account: money of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantAccount {
    pub id: String,
    /// ISO 4217.
    pub currency: String,
}

/// A Zoho organisation, its OAuth client and the secret token of its webhooks.
#[derive(Clone)]
pub struct Zoho {
    pub organization_id: String,
    /// Desk counts organisations by itself: the header `orgId`.
    pub desk_organization_id: String,
    pub client_id: String,
    pub client_secret: String,
    pub refresh_token: String,
    pub webhook_secret: String,
}

/// An Attio workspace's API key.
#[derive(Clone)]
pub struct Attio {
    pub api_key: String,
    /// The secret of the first webhook made; each later one draws its own, as Attio does for all.
    pub webhook_secret: String,
}

impl Default for Credentials {
    fn default() -> Self {
        Self {
            braintree: Braintree {
                merchant_id: random("0123456789abcdefghijklmnopqrstuvwxyz", 16),
                public_key: random("0123456789abcdefghijklmnopqrstuvwxyz", 16),
                private_key: random(HEX, 32),
                merchant_accounts: ["EUR", "USD", "GBP"]
                    .map(|currency| MerchantAccount {
                        id: format!("sandbox_{}", currency.to_lowercase()),
                        currency: currency.to_owned(),
                    })
                    .to_vec(),
            },
            zoho: Zoho {
                organization_id: format!("1{}", random("0123456789", 7)),
                desk_organization_id: format!("6{}", random("0123456789", 10)),
                client_id: format!("1000.SANDBOX{}", random("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 23)),
                client_secret: random(HEX, 42),
                refresh_token: format!("1000.{}.{}", random(HEX, 32), random(HEX, 32)),
                webhook_secret: random("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 32),
            },
            attio: Attio { api_key: random(HEX, 64), webhook_secret: random(HEX, 64) },
            mail: Mail { user: "sandbox".to_owned(), password: random(HEX, 32) },
        }
    }
}

const HEX: &str = "0123456789abcdef";

/// `length` characters drawn from an ASCII alphabet.
pub(super) fn random(alphabet: &str, length: usize) -> String {
    let mut rng = rand::rng();
    let letters = alphabet.as_bytes();
    (0..length).map(|_| char::from(letters[rng.random_range(0..letters.len())])).collect()
}

impl fmt::Debug for Credentials {
    /// Names the accounts, never a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("merchant_id", &self.braintree.merchant_id)
            .field("organization_id", &self.zoho.organization_id)
            .finish_non_exhaustive()
    }
}
