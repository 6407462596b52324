//! How often the card networks let one card be charged: data, with its source. Counted per card across all flows. And
//! what Braintree's codes say of a card that was just given.
//!
//! Source: the networks' rules on excessive retries as the gateway's documentation and two acquirers publish them,
//! read in November 2026. Mastercard's 35 in 30 days concern charges of one amount; all are counted here, which is stricter.

use super::outcome::INPUT_GONE;
use chrono::{DateTime, TimeDelta, Utc};

/// At most so many charges of one card in a rolling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkCap {
    /// How many.
    pub charges: u32,
    /// In which window.
    pub window: TimeDelta,
}

const VISA: [NetworkCap; 1] = [NetworkCap { charges: 15, window: TimeDelta::days(30) }];
const MASTERCARD: [NetworkCap; 2] =
    [NetworkCap { charges: 10, window: TimeDelta::hours(24) }, NetworkCap { charges: 35, window: TimeDelta::days(30) }];
const OTHER: [NetworkCap; 1] = [NetworkCap { charges: 15, window: TimeDelta::days(30) }];

/// The caps of a card's network, for the one counter of all charges of that card. Brand as Braintree writes it.
pub fn network_caps(brand: &str) -> &'static [NetworkCap] {
    if brand.eq_ignore_ascii_case("visa") {
        &VISA
    } else if is_mastercard(brand) {
        &MASTERCARD
    } else {
        &OTHER
    }
}

/// Braintree writes `MasterCard`.
pub fn is_mastercard(brand: &str) -> bool {
    brand.eq_ignore_ascii_case("mastercard")
}

/// A hold is let go so long before it ends by itself.
const BEFORE_EXPIRY: TimeDelta = TimeDelta::hours(24);
/// However short a hold is, one try is made with it.
const AT_LEAST: TimeDelta = TimeDelta::hours(1);

/// Until when a hold is captured or released (UTC): within so many hours, and a day before it ends by itself.
pub(crate) fn use_hold_until(
    made_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
    within_hours: u32,
) -> DateTime<Utc> {
    let by_rule = made_at + TimeDelta::hours(i64::from(within_hours));
    let by_vendor = expires_at.map(|ends| (ends - BEFORE_EXPIRY).max(made_at + AT_LEAST));
    by_vendor.map_or(by_rule, |at| at.min(by_rule))
}

/// What was typed was used before or is too old: `91564` nonce consumed, `91565` unknown or expired, `91566` locked,
/// `93107` cannot be used more than once, `93108` unknown or expired, `91731` consumed; or it was authenticated for
/// something else: `91584` another merchant account, `91585` another amount (Braintree, validation errors of
/// transactions, verifications and methods).
pub fn is_input_gone(code: &str) -> bool {
    matches!(code, INPUT_GONE | "91564" | "91565" | "91566" | "93107" | "93108" | "91731" | "91584" | "91585")
}

/// The bank wants the customer to authenticate: `2099` cardholder authentication required; `three_d_secure` is a gateway
/// rejection (Braintree).
pub fn wants_authentication(code: &str) -> bool {
    matches!(code, "2099" | "three_d_secure")
}
