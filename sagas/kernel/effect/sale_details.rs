//! What a sale is for, as card networks take it of business customers (level 2 and level 3 data). Goods and sums only:
//! nothing that names a person.

use crate::kernel::money::Money;
use serde::{Deserialize, Serialize};

/// An invoice behind a sale, in whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleDetails {
    /// The invoice's number.
    pub invoice_number: String,
    /// Tax within the amount; zero: the sale is exempt from tax.
    pub tax: Option<Money>,
    /// Shipping within the amount.
    pub shipping: Option<Money>,
    /// What was taken off the invoice as a whole.
    pub discount: Option<Money>,
    /// The invoice's lines, as they stand there.
    pub lines: Vec<SaleLine>,
}

/// One line of the invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaleLine {
    /// What it is.
    pub name: String,
    /// Plan or add-on code.
    pub code: String,
    /// How many, as a decimal.
    pub quantity: String,
    /// What it is counted in, e.g. `seat`.
    pub unit: Option<String>,
    /// Price of one.
    pub unit_amount: Money,
    /// The line's sum, before tax; less than zero: a credit.
    pub total: Money,
    /// Tax on it.
    pub tax: Option<Money>,
    /// What was taken off it.
    pub discount: Option<Money>,
}
