//! The rules of the vault, shared by customers, payment methods, cards and sales: ids, tokens, nonces, duplicates,
//! verification. Answers nothing by itself.

use super::call::Ask;
use super::cards::{self, Card, Verdict};
use super::codes::{self, Code};
use super::reply::Errors;
use super::state::{Method, NonceFault, State, Verification, letters};
use crate::credentials::MerchantAccount;
use chrono::{DateTime, Utc};
use serde_json::Value;

const LONGEST_ID: usize = 36;

/// What is wrong with a customer id of the merchant's choice.
pub(super) fn customer_id_fault(state: &State, id: &str) -> Option<Code> {
    if id.chars().count() > LONGEST_ID {
        Some(codes::CUSTOMER_ID_TOO_LONG)
    } else if !is_plain(id) {
        Some(codes::CUSTOMER_ID_FORMAT)
    } else if matches!(id, "all" | "new") {
        Some(codes::CUSTOMER_ID_RESERVED)
    } else if state.customers.contains_key(id) {
        Some(codes::CUSTOMER_ID_TAKEN)
    } else {
        None
    }
}

/// What is wrong with a token of the merchant's choice.
pub(super) fn token_fault(state: &State, token: &str) -> Option<Code> {
    if token.chars().count() > LONGEST_ID {
        Some(codes::TOKEN_TOO_LONG)
    } else if !is_plain(token) {
        Some(codes::TOKEN_FORMAT)
    } else if state.methods.contains_key(token) {
        Some(codes::TOKEN_TAKEN)
    } else {
        None
    }
}

/// Whether an id keeps to the letters, digits, `-` and `_` that the gateway takes.
pub(super) fn is_plain(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The codes for a nonce that cannot be used: they differ by the object it was given to.
#[derive(Debug, Clone, Copy)]
pub(super) struct NonceCodes {
    pub(super) unknown: Code,
    pub(super) consumed: Code,
}

/// The card of a nonce; a fault is noted at `path`.
pub(super) fn card_of_nonce(
    state: &State,
    nonce: &str,
    now: DateTime<Utc>,
    path: &[&str],
    own: NonceCodes,
    errors: &mut Errors,
) -> Option<(Card, Option<String>)> {
    let code = match state.open_nonce(nonce, now) {
        Ok(found) => return Some(found),
        Err(NonceFault::Unknown) => own.unknown,
        Err(NonceFault::Consumed) => own.consumed,
        Err(NonceFault::BadNumber) => {
            errors.add(&["credit_card"], "number", codes::NUMBER_INVALID);
            return None;
        }
    };
    errors.add(path, "payment_method_nonce", code);
    None
}

/// A card given by number, its faults noted at `path`.
pub(super) fn card_of_number(ask: &Ask, path: &[&str], errors: &mut Errors) -> Option<Card> {
    match cards::given(ask) {
        Ok(card) => Some(card),
        Err(faults) => {
            for (attribute, code) in faults {
                errors.add(path, attribute, code);
            }
            None
        }
    }
}

/// Notes a duplicate where the request forbids one (`options.fail_on_duplicate_payment_method…`).
pub(super) fn check_duplicates(state: &State, card: &Card, customer: &str, options: &Ask, errors: &mut Errors) {
    let mut same = state.methods.values().filter(|m| m.card.unique == card.unique);
    if options.flag("fail_on_duplicate_payment_method_for_customer") && same.clone().any(|m| m.customer_id == customer)
    {
        errors.add(&["credit_card"], "number", codes::CARD_DUPLICATE_FOR_CUSTOMER);
    } else if options.flag("fail_on_duplicate_payment_method") && same.next().is_some() {
        errors.add(&["credit_card"], "number", codes::CARD_DUPLICATE);
    }
}

/// A card about to be stored.
#[derive(Debug)]
pub(super) struct Admission {
    /// The merchant's choice; otherwise the gateway draws one.
    pub(super) token: Option<String>,
    pub(super) customer_id: String,
    pub(super) card: Card,
    pub(super) billing: Option<Value>,
    pub(super) make_default: bool,
}

/// Stores a card and answers its token. A customer's first card becomes the default. A 3-D Secure authentication belongs to
/// one payment or verification, so it is not stored.
pub(super) fn admit(state: &mut State, admission: Admission, now: DateTime<Utc>) -> String {
    let Admission { token, customer_id, card, billing, make_default } = admission;
    let token = token.unwrap_or_else(|| state.new_token());
    if let Some(customer) = state.customers.get_mut(&customer_id)
        && (make_default || customer.default_token.is_none())
    {
        customer.default_token = Some(token.clone());
    }
    let method = Method {
        token: token.clone(),
        customer_id,
        card: Card { three_ds: None, security_code: "I", ..card },
        billing,
        created_at: now,
        updated_at: now,
        declines_with: None,
    };
    state.methods.insert(token.clone(), method);
    token
}

/// The address to store with a card: the customer's own one of that id, or the one that was sent. An unknown id is noted.
pub(super) fn billing(state: &State, customer: &str, ask: &Ask, errors: &mut Errors) -> Option<Value> {
    let Some(id) = ask.text("billing_address_id") else { return billing_of(ask) };
    let own = state.customers.get(customer).and_then(|c| c.addresses.iter().find(|address| address.id == id));
    if own.is_none() {
        errors.add(&["credit_card"], "billing_address_id", codes::BILLING_ADDRESS_INVALID);
    }
    own.map(|address| address.sent.clone())
}

/// The address that was sent, where there is one.
pub(super) fn billing_of(ask: &Ask) -> Option<Value> {
    let mut address = ask.below("billing_address").0;
    if let Some(map) = address.as_object_mut() {
        map.remove("options");
    }
    address.is_object().then_some(address)
}

/// Asks the issuer about a card: recorded, whatever the answer. `decline` forces a decline with this code.
pub(super) fn verify(
    state: &mut State,
    card: &Card,
    amount: i64,
    account: &MerchantAccount,
    decline: Option<String>,
    now: DateTime<Utc>,
) -> Verification {
    let declined = |code: String| ("processor_declined", Some(code), None);
    let (status, response_code, rejection) = match (decline, card.verdict) {
        (Some(code), _) => declined(code),
        (None, Verdict::Good) => ("verified", Some("1000".to_owned()), None),
        (None, Verdict::Declined) => declined("2000".to_owned()),
        (None, Verdict::Failed) => ("failed", Some("3000".to_owned()), None),
        (None, Verdict::Rejected(reason)) => ("gateway_rejected", None, Some(reason.to_owned())),
    };
    let verification = Verification {
        id: letters(8),
        status,
        rejection,
        response_code,
        amount,
        currency: account.currency.clone(),
        merchant_account: account.id.clone(),
        card: card.clone(),
        token: None,
        created_at: now,
    };
    state.verifications.push(verification.clone());
    verification
}

impl Verification {
    pub(super) fn passed(&self) -> bool {
        self.status == "verified"
    }

    /// What the error answer says of it.
    pub(super) fn message(&self) -> String {
        match (&self.rejection, &self.response_code) {
            (Some(reason), _) => format!("Gateway Rejected: {reason}"),
            (None, Some(code)) => super::processor::text(code).to_owned(),
            (None, None) => String::new(),
        }
    }
}
