//! With what the books of an invoice open: said by the flow that opens the books, booked by the invoice's own stream. Posts
//! nothing itself.

use super::money::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// An invoice as it stood when the books were opened. What was paid, credited and written off by then is historic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedWith {
    /// Day of the opening (books zone).
    pub on: NaiveDate,
    /// Gross total.
    pub total: Money,
    /// Tax within it, where Zoho says.
    pub tax: Option<Money>,
    /// Still owed.
    pub balance: Money,
    /// Credits applied.
    pub credits: Money,
    /// Written off.
    pub written_off: Money,
    /// Payments applied.
    pub payments: Vec<PaidBefore>,
}

/// A payment of before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidBefore {
    /// Zoho payment id.
    pub payment: String,
    /// Zoho's mode text.
    pub mode: String,
    /// What of it is applied to the invoice.
    pub amount: Money,
}
