//! What is asked of Braintree's own recurring billing.

use crate::kernel::money::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A subscription at Braintree that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecurringOrder {
    /// Id of our choosing: `s-<our subscription>`.
    pub subscription: String,
    /// Braintree customer id: of whom a declined first charge is looked for.
    pub customer: String,
    /// The vaulted method that is charged.
    pub token: String,
    /// Braintree plan id: it gives currency and interval.
    pub plan: String,
    /// Price of one term.
    pub price: Money,
    /// Day of the first charge, after today (books zone); absent: it is charged now, within the call.
    pub first_charge_on: Option<NaiveDate>,
    /// By what the first term differs from the price.
    pub first_term: Option<FirstTerm>,
}

/// A sum that is added to the first term alone, or taken off it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstTerm {
    /// Added or taken off.
    pub kind: FirstTermKind,
    /// Id of the neutral add-on or discount that was made for this in the vendor's Control Panel.
    pub modification: String,
    /// How much.
    pub amount: Money,
}

/// Which way the first term differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstTermKind {
    /// An add-on: more.
    AddOn,
    /// A discount: less.
    Discount,
}

/// What becomes of a subscription at Braintree. None of it charges anything at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum RecurringChange {
    /// It charges another vaulted method from now on.
    Method {
        /// The method's token.
        token: String,
    },
    /// It has another plan and price from the next term on.
    Plan {
        /// Braintree plan id.
        plan: String,
        /// Price of one term.
        price: Money,
    },
    /// It ends with that billing cycle: the present one, where it is cancelled at the end of the term.
    EndAfter {
        /// Number of cycles in all.
        cycles: u32,
    },
    /// It goes on for ever.
    NeverEnds,
}
