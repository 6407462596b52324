//! What the ledger says of one transaction or one invoice, as its queries answer it: the same of all of them and of chosen ones.

use super::books::money;
use crate::store::error::StoreError;
use chrono::{DateTime, Utc};
use sagas::kernel::reconciliation::About;
use sagas::kernel::reconciliation::charges::Booked;
use sagas::kernel::reconciliation::receivables::Owed;

/// Sums of a transaction, in minor units.
pub(super) struct BookedRow {
    pub(super) transaction: String,
    pub(super) currency: String,
    pub(super) captured: i64,
    pub(super) held: i64,
    pub(super) applied: i64,
    pub(super) unapplied: i64,
    pub(super) submitted: i64,
    pub(super) since: DateTime<Utc>,
    pub(super) at: DateTime<Utc>,
    pub(super) customer: Option<String>,
    pub(super) subscription: Option<String>,
    pub(super) invoice: Option<String>,
}

impl BookedRow {
    pub(super) fn read(self) -> Result<Booked, StoreError> {
        let about = About {
            customer: self.customer,
            subscription: self.subscription,
            invoice: self.invoice,
            transaction: Some(self.transaction.clone()),
        };
        Ok(Booked {
            transaction: self.transaction,
            captured: money(self.captured, &self.currency)?,
            held: money(self.held, &self.currency)?,
            applied: money(self.applied, &self.currency)?,
            unapplied: money(self.unapplied, &self.currency)?,
            submitted: money(self.submitted, &self.currency)?,
            since: self.since,
            at: self.at,
            about,
        })
    }
}

/// Sums of an invoice, in minor units.
pub(super) struct OwedRow {
    pub(super) invoice: String,
    pub(super) currency: String,
    pub(super) total: i64,
    pub(super) balance: i64,
    pub(super) tax: Option<i64>,
    pub(super) at: DateTime<Utc>,
    pub(super) customer: Option<String>,
    pub(super) subscription: Option<String>,
    pub(super) busy: bool,
    pub(super) opened: bool,
}

impl OwedRow {
    pub(super) fn read(self) -> Result<Owed, StoreError> {
        let about = About {
            customer: self.customer,
            subscription: self.subscription,
            invoice: Some(self.invoice.clone()),
            transaction: None,
        };
        Ok(Owed {
            invoice: self.invoice,
            total: money(self.total, &self.currency)?,
            balance: money(self.balance, &self.currency)?,
            tax: self.tax.map(|tax| money(tax, &self.currency)).transpose()?,
            busy: self.busy,
            opened: self.opened,
            at: self.at,
            about,
        })
    }
}
