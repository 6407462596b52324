//! What the merchant holds at the gateway: the vault, the transactions, the keys, the settings of its Control Panel.
//! Keeps and finds; the rules are in the modules of the operations.

use super::billing::Retries;
use super::cards::{self, Card, Fake};
use super::catalog::{Modification, Plan};
use super::dispute::{Dispute, Document};
use super::issuers::Answer;
use super::settlement::Payout;
use super::subscription::Subscription;
use super::transaction::Transaction;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How long a nonce can be used.
const NONCE_LIFE: TimeDelta = TimeDelta::hours(3);

/// All that this vendor holds.
#[derive(Debug, Default)]
pub struct State {
    pub(super) settings: Settings,
    pub(super) customers: BTreeMap<String, Customer>,
    /// Stored cards by token.
    pub(super) methods: BTreeMap<String, Method>,
    pub(super) nonces: BTreeMap<String, Nonce>,
    /// In order of creation.
    pub(super) transactions: Vec<Transaction>,
    pub(super) plans: BTreeMap<String, Plan>,
    /// Add-ons and discounts by id.
    pub(super) modifications: BTreeMap<String, Modification>,
    /// In order of creation.
    pub(super) subscriptions: Vec<Subscription>,
    /// Files uploaded as evidence, by id.
    pub(super) documents: BTreeMap<String, Document>,
    /// In order of creation.
    pub(super) verifications: Vec<Verification>,
    /// Requests made with an at-most-once key.
    pub(super) keys: BTreeMap<String, KeyUse>,
    /// Fingerprints inside the client tokens given out, and what they stand for.
    pub(super) fingerprints: BTreeMap<String, Fingerprint>,
    /// What went to the bank, in that order.
    pub(super) payouts: Vec<Payout>,
    /// Questions of issuers to cardholders, by the issuer's transaction.
    pub(super) challenges: BTreeMap<String, Challenge>,
}

/// Switches of the merchant's account.
#[derive(Debug)]
pub(super) struct Settings {
    /// Whether `api_request_key` is taken; otherwise 915231.
    pub(super) api_request_keys: bool,
    /// The duplicate check's window; zero switches it off.
    pub(super) duplicate_window: TimeDelta,
    /// Authorizations are final: another amount at submit for settlement is 95601.
    pub(super) final_auth: bool,
    /// Whether a hard-declined refund is listed in the original's `refund-ids` (not documented either way).
    pub(super) list_declined_refunds: bool,
    /// Custom fields defined in the Control Panel; others are refused.
    pub(super) custom_fields: BTreeSet<String>,
    /// The gateway closes a batch some time before `settling` shows: for so long a void is refused although the status
    /// still reads `submitted_for_settlement`.
    pub(super) hidden_settling: TimeDelta,
    /// Whether the merchant has 3-D Secure.
    pub(super) three_d_secure: bool,
    /// Whether a change of a subscription's price is charged or credited for the rest of the cycle.
    pub(super) prorate: bool,
    /// How unpaid subscriptions are tried again.
    pub(super) retries: Retries,
    /// Every issuer declines a sale with 2099 when the cardholder is there and was not authenticated.
    pub(super) authentication_required: bool,
    /// What the processor keeps of each payout, in minor units.
    pub(super) payout_fee: i64,
    /// Whether payouts are announced: not every merchant is told.
    pub(super) payout_notices: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            api_request_keys: true,
            duplicate_window: TimeDelta::seconds(30),
            final_auth: false,
            list_declined_refunds: false,
            custom_fields: BTreeSet::new(),
            hidden_settling: TimeDelta::zero(),
            three_d_secure: true,
            prorate: true,
            retries: Retries::default(),
            authentication_required: false,
            payout_fee: 0,
            payout_notices: true,
        }
    }
}

/// A customer in the vault.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub(super) id: String,
    /// `first_name`, `last_name`, `company`, `email`, `phone`, `fax`, `website`.
    pub(super) person: BTreeMap<&'static str, String>,
    pub(super) custom_fields: Map<String, Value>,
    pub(super) default_token: Option<String>,
    /// Oldest first.
    pub(super) addresses: Vec<Address>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// An address of a customer.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) id: String,
    /// As sent.
    pub(super) sent: Value,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// A stored card.
#[derive(Debug, Clone)]
pub(super) struct Method {
    pub(super) token: String,
    pub(super) customer_id: String,
    pub(super) card: Card,
    /// Address fields as sent.
    pub(super) billing: Option<Value>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    /// Each sale is declined with this processor code until it is taken back.
    pub(super) declines_with: Option<String>,
}

/// A single-use stand-in for a card.
#[derive(Debug, Clone)]
pub(super) struct Nonce {
    pub(super) card: Card,
    /// Set when it was made from a stored card.
    pub(super) token: Option<String>,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) used: bool,
}

/// A card verification.
#[derive(Debug, Clone)]
pub(super) struct Verification {
    pub(super) id: String,
    pub(super) status: &'static str,
    pub(super) rejection: Option<String>,
    pub(super) response_code: Option<String>,
    /// Minor units.
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) merchant_account: String,
    pub(super) card: Card,
    /// The stored card it belongs to; none after a failure.
    pub(super) token: Option<String>,
    pub(super) created_at: DateTime<Utc>,
}

/// A request that was made with an at-most-once key.
#[derive(Debug, Clone)]
pub(super) struct KeyUse {
    /// Operation, path and body: another request with the same key is refused.
    pub(super) request: Value,
    /// The transaction it ended in; none when it failed.
    pub(super) transaction: Option<String>,
    pub(super) at: DateTime<Utc>,
}

/// The right behind a client token.
#[derive(Debug, Clone)]
pub(super) struct Fingerprint {
    pub(super) expires_at: DateTime<Utc>,
    /// Its id.
    pub(super) merchant_account: String,
}

/// An issuer's question to a cardholder in a 3-D Secure authentication.
#[derive(Debug, Clone)]
pub(super) struct Challenge {
    /// The nonce that the lookup gave out.
    pub(super) nonce: String,
    /// As the cardholder reads it.
    pub(super) amount: String,
    /// The issuer's signed answer, and what it says.
    pub(super) signed: Option<(String, Answer)>,
}

/// Why a nonce cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonceFault {
    /// Never made, or too old.
    Unknown,
    Consumed,
    /// The card behind it has an invalid number.
    BadNumber,
}

impl State {
    /// The card behind a nonce, and the token of the stored card it was made from.
    pub(super) fn open_nonce(&self, nonce: &str, now: DateTime<Utc>) -> Result<(Card, Option<String>), NonceFault> {
        if let Some(own) = self.nonces.get(nonce) {
            return match own {
                _ if own.used => Err(NonceFault::Consumed),
                _ if own.expires_at <= now => Err(NonceFault::Unknown),
                _ => Ok((own.card.clone(), own.token.clone())),
            };
        }
        match cards::fake(nonce, now) {
            Some(Fake::Card(card)) => Ok((*card, None)),
            Some(Fake::Consumed) => Err(NonceFault::Consumed),
            Some(Fake::BadNumber) => Err(NonceFault::BadNumber),
            None => Err(NonceFault::Unknown),
        }
    }

    /// Marks a nonce as used. The ready-made ones are never used up.
    pub(super) fn spend_nonce(&mut self, nonce: &str) {
        if let Some(own) = self.nonces.get_mut(nonce) {
            own.used = true;
        }
    }

    /// Makes a nonce for a card.
    pub(super) fn make_nonce(&mut self, card: Card, token: Option<String>, now: DateTime<Utc>) -> String {
        let nonce = format!("tokencc_bh_{}", letters(36));
        self.nonces.insert(nonce.clone(), Nonce { card, token, expires_at: now + NONCE_LIFE, used: false });
        nonce
    }

    pub(super) fn transaction(&self, id: &str) -> Option<&Transaction> {
        self.transactions.iter().find(|t| t.id == id)
    }

    pub(super) fn transaction_mut(&mut self, id: &str) -> Option<&mut Transaction> {
        self.transactions.iter_mut().find(|t| t.id == id)
    }

    pub(super) fn subscription(&self, id: &str) -> Option<&Subscription> {
        self.subscriptions.iter().find(|s| s.id == id)
    }

    /// Every dispute with its transaction, newest first.
    pub(super) fn disputes(&self) -> Vec<(&Transaction, &Dispute)> {
        let mut all: Vec<_> = self.transactions.iter().flat_map(|t| t.disputes.iter().map(move |d| (t, d))).collect();
        all.sort_by_key(|(_, dispute)| std::cmp::Reverse(dispute.created_at));
        all
    }

    /// The stored cards of a customer, newest last.
    pub(super) fn methods_of<'a>(&'a self, customer: &'a str) -> impl Iterator<Item = &'a Method> {
        let mut own: Vec<_> = self.methods.values().filter(|m| m.customer_id == customer).collect();
        own.sort_by_key(|m| m.created_at);
        own.into_iter()
    }

    /// Whether a stored card is its customer's default.
    pub(super) fn is_default(&self, method: &Method) -> bool {
        self.customers.get(&method.customer_id).is_some_and(|c| c.default_token.as_deref() == Some(&method.token))
    }

    /// Takes a stored card away; the customer's oldest remaining card becomes the default.
    pub(super) fn remove_method(&mut self, token: &str) -> Option<Method> {
        let gone = self.methods.remove(token)?;
        let heir = self.methods_of(&gone.customer_id).next().map(|m| m.token.clone());
        if let Some(customer) = self.customers.get_mut(&gone.customer_id)
            && customer.default_token.as_deref() == Some(token)
        {
            customer.default_token = heir;
        }
        Some(gone)
    }

    /// Takes a customer away with all its cards.
    pub(super) fn remove_customer(&mut self, id: &str) -> bool {
        self.methods.retain(|_, method| method.customer_id != id);
        self.customers.remove(id).is_some()
    }

    /// An unused customer id, as the gateway makes them: digits.
    pub(super) fn new_customer_id(&self) -> String {
        fresh(|| digits(11), |id| self.customers.contains_key(id))
    }

    /// An unused token.
    pub(super) fn new_token(&self) -> String {
        fresh(|| letters(7), |token| self.methods.contains_key(token))
    }

    /// An unused transaction id.
    pub(super) fn new_transaction_id(&self) -> String {
        fresh(|| letters(8), |id| self.transaction(id).is_some())
    }
}

fn fresh(draw: impl Fn() -> String, taken: impl Fn(&str) -> bool) -> String {
    loop {
        let id = draw();
        if !taken(&id) {
            return id;
        }
    }
}

/// Random lower-case letters and digits.
pub(super) fn letters(length: usize) -> String {
    drawn(b"0123456789abcdefghjkmnpqrstvwxyz", length)
}

/// Random digits, the first one not zero.
pub(super) fn digits(length: usize) -> String {
    format!("{}{}", drawn(b"123456789", 1), drawn(b"0123456789", length - 1))
}

fn drawn(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}
