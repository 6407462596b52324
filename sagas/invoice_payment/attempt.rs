//! A charge as it was planned. What it says is in the log for ever; nothing is decided here.

use crate::kernel::answer::Method;
use crate::kernel::money::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One charge as it was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Number of the attempt; never restarts.
    pub number: u32,
    /// Which further try after a network failure; 0: none.
    pub network_retry: u32,
    /// Braintree's `order_id`.
    pub order_id: String,
    /// What is charged.
    pub amount: Money,
    /// Braintree customer id.
    pub customer: String,
    /// The card.
    pub method: Method,
    /// Counts among the scheduled attempts.
    pub scheduled: bool,
    /// Charged without the customer.
    pub recurring: bool,
    /// A one-off: the customer is claimed too.
    pub one_off: bool,
    /// The facts it rests on end here (UTC).
    pub fresh_until: DateTime<Utc>,
}

impl Attempt {
    /// Both are the same request, but for its order id.
    pub(super) fn asks_the_same(&self, other: &Self) -> bool {
        let request = |a: &Self| (a.amount, a.customer.clone(), a.method.token.clone(), a.recurring);
        request(self) == request(other)
    }
}
