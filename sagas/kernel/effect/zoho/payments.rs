//! Recorded payments, after they were recorded.

use crate::kernel::answer::ZohoPayment;
use crate::kernel::step::ExactlyOnce;
use serde::{Deserialize, Serialize};

/// Calls on a recorded payment. Changing one so that an invoice is owed again needs a collection hold first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum OnPayment {
    /// Reads one.
    Read {
        /// Zoho payment id.
        payment: String,
    },
    /// Makes it what is said: all of what was read, with what shall be other.
    Amend(Box<ZohoPayment>),
    /// Deletes the record.
    Delete {
        /// Zoho payment id.
        payment: String,
    },
}

impl OnPayment {
    /// Zoho payment id.
    pub const fn payment(&self) -> &String {
        match self {
            Self::Amend(wanted) => &wanted.id,
            Self::Read { payment } | Self::Delete { payment } => payment,
        }
    }

    pub(in super::super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Read { .. } => ExactlyOnce::Repeatable,
            Self::Amend(_) | Self::Delete { .. } => ExactlyOnce::Set { row: "2.0-e47" },
        }
    }

    operations! {
        pub match self {
            Self::Read { .. } => "zoho.read_payment",
            Self::Amend(_) => "zoho.amend_payment",
            Self::Delete { .. } => "zoho.delete_payment",
        }
    }
}
