//! Credit notes and what is given back by them.

use crate::kernel::money::Money;
use crate::kernel::step::{Absence, ExactlyOnce, Resend};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Calls on credit notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum OnCredit {
    /// Makes one of a single line.
    Create(Box<CreditNoteOrder>),
    /// Reads one.
    Read {
        /// Zoho credit note id.
        note: String,
    },
    /// Says that a credit note was paid out. No money is moved by it.
    Refund {
        /// Zoho credit note id.
        note: String,
        /// How much of it.
        amount: Money,
        /// Its description: the bare Braintree refund id.
        reference: String,
        /// Look-ups go back to this instant.
        since: DateTime<Utc>,
    },
    /// Voids an unused one.
    Void {
        /// Zoho credit note id.
        note: String,
    },
}

/// A credit note to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNoteOrder {
    /// Zoho customer id.
    pub customer: String,
    /// `reference_number`: the bare Braintree refund id, or `<installation>.cn.<saga>`.
    pub reference: String,
    /// Code of the plan or add-on of the invoice line.
    pub code: String,
    /// Before tax.
    pub price: Money,
    /// Zoho tax id of the invoice line; absent: it has none.
    pub tax: Option<String>,
    /// What it comes to with tax: what was given back.
    pub total: Money,
    /// Document date (books zone).
    pub date: NaiveDate,
    /// Look-ups go back to this instant.
    pub since: DateTime<Utc>,
}

impl OnCredit {
    pub(in super::super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Read { .. } => ExactlyOnce::Repeatable,
            Self::Create(_) | Self::Refund { .. } => {
                ExactlyOnce::Searchable { row: "2.0-e49", absence: Absence::TwoLooks, resend: Resend::Same }
            }
            Self::Void { .. } => ExactlyOnce::Set { row: "2.0-e44" },
        }
    }

    pub(in super::super) fn reference(&self) -> &str {
        match self {
            Self::Create(order) => &order.reference,
            Self::Refund { reference, .. } => reference,
            Self::Read { note } | Self::Void { note } => note,
        }
    }

    operations! {
        pub match self {
            Self::Create(_) => "zoho.create_credit_note",
            Self::Read { .. } => "zoho.read_credit_note",
            Self::Refund { .. } => "zoho.refund_credit_note",
            Self::Void { .. } => "zoho.void_credit_note",
        }
    }
}
