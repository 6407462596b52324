//! Payouts of the gateway to the bank: what is asked of one, what the gateway shows of it, and what our ledger holds of its
//! transactions. Words only.

use super::money::Money;
use chrono::NaiveDate;
use iso_currency::Currency;
use serde::{Deserialize, Serialize};

/// A merchant account's payout of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// Merchant account.
    pub account: String,
    /// The day of it, as the gateway writes it.
    pub day: NaiveDate,
    /// The account's currency.
    pub currency: Currency,
}

/// What the gateway told of a payout. It tells so once, and no call reads it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutNotice {
    /// Its id at the gateway.
    pub id: String,
    /// What reached the bank, or was taken from it where it is below zero; absent: it does not say, or not readably.
    pub amount: Option<Money>,
    /// The bank took it.
    pub success: bool,
    /// It was tried before.
    pub is_retry: bool,
    /// Braintree transaction ids that it names.
    pub transactions: Vec<String>,
    /// Why the bank did not take it, as the gateway writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

/// A transaction in a payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidOut {
    /// Braintree transaction id.
    pub transaction: String,
    /// Its order id; empty: it has none.
    pub order_id: String,
    /// Of a refund: the sale that it gives back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_of: Option<String>,
    /// It gives money back.
    pub is_credit: bool,
    /// Its own amount; never below zero.
    pub amount: Money,
    /// What of it went to the bank, in the payout's currency, before fees.
    pub paid: Money,
    /// What became of it.
    pub fate: Fate,
}

impl PaidOut {
    /// What it adds to the payout, in minor units: a refund takes away.
    pub const fn signed(&self) -> i64 {
        if self.is_credit { -self.amount.minor } else { self.amount.minor }
    }
}

/// What became of a transaction in a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It was paid out.
    Paid,
    /// The gateway keeps it for now.
    Held,
    /// The bank sent it back.
    Returned,
}

/// What our ledger holds of one Braintree transaction, in one currency and in minor units, debits less credits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Braintree transaction id.
    pub transaction: String,
    /// A flow of ours speaks of it.
    pub is_known: bool,
    /// Settled and not paid out (1120), refunds and disputes of it apart.
    pub settled: i64,
    /// Refunds of it that are settled and not netted in a payout (1120), as an amount of zero or more.
    pub refunds: i64,
    /// Held back (1140).
    pub held: i64,
    /// Paid out (1020), refunds apart.
    pub in_transit: i64,
    /// Our customer id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Zoho subscription id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// Zoho invoice id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
}
