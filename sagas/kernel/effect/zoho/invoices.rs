//! What can be done to an invoice.

use crate::kernel::money::Money;
use crate::kernel::step::ExactlyOnce;
use serde::{Deserialize, Serialize};

/// Calls on one invoice. A void or a write-off that is taken back leaves something owed again: a collection hold comes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum OnInvoice {
    /// Reads it with the codes and taxes of its lines.
    ReadLines {
        /// Zoho invoice id.
        invoice: String,
    },
    /// Voids it. What was paid on it becomes the customer's credit.
    Void {
        /// Zoho invoice id.
        invoice: String,
    },
    /// Writes the rest off.
    WriteOff {
        /// Zoho invoice id.
        invoice: String,
        /// Why, without personal data.
        reason: String,
    },
    /// Takes a write-off back.
    CancelWriteOff {
        /// Zoho invoice id.
        invoice: String,
    },
    /// Settles some of it by a credit note.
    ApplyCredit {
        /// Zoho invoice id.
        invoice: String,
        /// Zoho credit note id.
        note: String,
        /// How much of it.
        amount: Money,
    },
}

impl OnInvoice {
    /// Zoho invoice id.
    pub const fn invoice(&self) -> &String {
        match self {
            Self::ReadLines { invoice }
            | Self::Void { invoice }
            | Self::WriteOff { invoice, .. }
            | Self::CancelWriteOff { invoice }
            | Self::ApplyCredit { invoice, .. } => invoice,
        }
    }

    pub(in super::super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::ReadLines { .. } => ExactlyOnce::Repeatable,
            Self::Void { .. } | Self::WriteOff { .. } | Self::CancelWriteOff { .. } | Self::ApplyCredit { .. } => {
                ExactlyOnce::Set { row: "2.0-e48" }
            }
        }
    }

    operations! {
        pub match self {
            Self::ReadLines { .. } => "zoho.read_invoice_lines",
            Self::Void { .. } => "zoho.void_invoice",
            Self::WriteOff { .. } => "zoho.write_off_invoice",
            Self::CancelWriteOff { .. } => "zoho.cancel_write_off",
            Self::ApplyCredit { .. } => "zoho.apply_credit",
        }
    }
}
