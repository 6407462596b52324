//! Quotes that Zoho keeps, which it calls estimates.

use crate::kernel::money::Money;
use crate::kernel::step::{Absence, ExactlyOnce, Resend};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Calls on estimates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum OnEstimate {
    /// Makes one, as a draft.
    Create(Box<EstimateOrder>),
    /// Reads one.
    Read {
        /// Zoho estimate id.
        estimate: String,
    },
    /// Says how far it has come. Zoho accepts or declines only what was sent.
    Mark {
        /// Zoho estimate id.
        estimate: String,
        /// As what.
        mark: EstimateMark,
    },
}

/// How far an estimate has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EstimateMark {
    /// The customer has it.
    Sent,
    /// The customer said yes.
    Accepted,
    /// The customer said no.
    Declined,
}

impl EstimateMark {
    /// Zoho's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
        }
    }
}

/// An estimate to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimateOrder {
    /// Zoho customer id.
    pub customer: String,
    /// `reference_number`: `<installation>.q.<quote>`.
    pub reference: String,
    /// What is offered.
    pub lines: Vec<EstimateLine>,
    /// Document date (books zone).
    pub date: NaiveDate,
    /// Last day on which it is good (books zone).
    pub expires_on: NaiveDate,
    /// Look-ups go back to this instant.
    pub since: DateTime<Utc>,
}

/// One line of an estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EstimateLine {
    /// Zoho item id: estimates know no plan codes.
    pub item: String,
    /// Price of one, before tax.
    pub rate: Money,
    /// How many.
    pub quantity: u32,
    /// Zoho tax id; absent: by the customer's rule.
    pub tax: Option<String>,
}

impl OnEstimate {
    pub(in super::super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Read { .. } => ExactlyOnce::Repeatable,
            Self::Create(_) => {
                ExactlyOnce::Searchable { row: "2.0-e50", absence: Absence::TwoLooks, resend: Resend::Same }
            }
            Self::Mark { .. } => ExactlyOnce::Set { row: "2.0-e50" },
        }
    }

    pub(in super::super) fn reference(&self) -> &str {
        match self {
            Self::Create(order) => &order.reference,
            Self::Read { estimate } | Self::Mark { estimate, .. } => estimate,
        }
    }

    operations! {
        pub match self {
            Self::Create(_) => "zoho.create_estimate",
            Self::Read { .. } => "zoho.read_estimate",
            Self::Mark { .. } => "zoho.mark_estimate",
        }
    }
}
