//! One capture of an invoice, and what became of it: applied, reversed, settled, or in trouble.

use super::words::{Captured, Trouble};
use crate::kernel::money::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What was captured, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Capture {
    pub(super) transaction: String,
    pub(super) order_id: String,
    pub(super) amount: Money,
    pub(super) applied: Money,
    pub(super) captured_at: DateTime<Utc>,
    pub(super) effective: chrono::NaiveDate,
    pub(super) reversed: bool,
    pub(super) settled: bool,
    /// The payment in Zoho, once recorded.
    pub(super) payment: Option<String>,
    /// Zoho refused the record.
    pub(super) refused: Option<Refused>,
    pub(super) trouble: Option<Trouble>,
    /// When its settlement is looked up (UTC); absent: final.
    pub(super) next_look: Option<DateTime<Utc>>,
}

/// A record that Zoho refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) amount: Money,
    pub(super) why: String,
}

impl Capture {
    /// As the processor approved it: applied to nothing yet.
    pub(super) fn new(captured: &Captured) -> Self {
        Self {
            transaction: captured.transaction.clone(),
            order_id: captured.order_id.clone(),
            amount: captured.amount,
            applied: Money::zero(captured.amount.currency),
            captured_at: captured.captured_at,
            effective: captured.effective,
            reversed: false,
            settled: false,
            payment: None,
            refused: None,
            trouble: captured.trouble.clone(),
            next_look: Some(captured.captured_at + super::schedule::settlement::OFTEN),
        }
    }

    /// Neither reversed nor given back.
    pub(super) const fn is_live(&self) -> bool {
        !self.reversed
    }

    /// Held and applied to nothing, in minor units.
    pub(super) const fn unapplied(&self) -> i64 {
        if self.reversed { 0 } else { self.amount.minor - self.applied.minor }
    }
}
