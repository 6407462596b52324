//! How often the card networks let one card be charged: data, with its source. Counted per card across all flows.
//!
//! Source: the networks' rules on excessive retries as the gateway's documentation and two acquirers publish them,
//! read in November 2026. Mastercard's 35 in 30 days concern charges of one amount; all are counted here, which is stricter.

use chrono::TimeDelta;

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
