//! A payment that was captured, as it is learned of, and why it may be like no other. Words alone: nothing is decided here.

use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Why a capture is not like any other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trouble", rename_all = "snake_case")]
pub enum Trouble {
    /// Less than asked was approved: to be given back.
    Partial,
    /// A second hit of one order id: to be given back.
    Extra,
    /// The answer names something that was not asked.
    Mismatch {
        /// What.
        what: String,
    },
    /// Taken back at settlement.
    SettlementDeclined,
    /// Voided, and not by us.
    VoidedElsewhere,
}

/// A captured payment when it was learned of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// Braintree transaction id.
    pub transaction: String,
    /// Our reference.
    pub order_id: String,
    /// What the processor approved.
    pub amount: Money,
    /// When Braintree made it (UTC).
    pub made_at: DateTime<Utc>,
    /// That date in the books zone.
    pub effective: NaiveDate,
    /// Why it is not simply recorded.
    pub trouble: Option<Trouble>,
}
