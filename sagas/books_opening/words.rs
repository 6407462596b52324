//! The words of the flow: what finance proposes, what the flow can be told, and what happened. Nothing is decided here, and no
//! word carries personal data.

use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::opening::OpenedWith;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a line of the opening position is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What an invoice still owes (1200); by Zoho invoice id.
    Receivable,
    /// Credit notes that are not used and excess payments (2110); by Zoho customer id.
    Credit,
    /// Captured and not recorded in Zoho (2100); by Braintree transaction id.
    Unapplied,
    /// Captured and not settled (1110); by Braintree transaction id.
    Submitted,
    /// Settled and not disbursed, refunds and disputes that are not netted yet (1120); by Braintree transaction id.
    Settled,
    /// Disbursed and not at the bank (1020).
    InTransit,
    /// Taken for open disputes (1130).
    Disputed,
    /// Approved refunds that are not sent (2120).
    RefundOwed,
}

/// A line of the opening position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Line of the list, from 1.
    pub line: u64,
    pub kind: Kind,
    /// The vendor's id; for what no vendor is asked for, a reference of finance's own.
    pub id: String,
    pub amount: Money,
}

/// What finance says that all lines of a kind add up to, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    pub kind: Kind,
    pub amount: Money,
}

/// An opening position as it is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// The instant (UTC).
    pub open_at: DateTime<Utc>,
    pub items: Vec<Item>,
    pub totals: Vec<Total>,
    /// Why now; for the record.
    pub reason: String,
    /// Who proposes it: a principal.
    pub by: String,
    /// This installation asks for no second person.
    pub alone: bool,
}

/// What does not tie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Line of the list; absent: a total.
    pub line: Option<u64>,
    /// What was expected, and what was found.
    pub what: String,
}

/// What the flow can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Finance proposes an opening position; until the books are open another one can take its place.
    Propose { proposal: Box<Proposal> },
    /// A second person agrees.
    Approve { reason: String, by: String },
    /// It is not agreed to, or withdrawn.
    Withdraw { reason: String, by: String },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    OpeningProposed {
        proposal: Box<Proposal>,
        at: DateTime<Utc>,
    },
    /// A line is as the vendor shows it.
    LineTied {
        line: u64,
        /// Our customer id, of a credit.
        customer: Option<String>,
        /// What the invoice's stream opens with, of a receivable.
        with: Option<Box<OpenedWith>>,
        /// Zoho subscription id, of a receivable.
        subscription: Option<String>,
    },
    LineDiffers {
        difference: Difference,
    },
    /// Nothing is posted.
    OpeningDiffers {
        differences: Vec<Difference>,
        at: DateTime<Utc>,
    },
    OpeningTied {
        /// A second person has until then.
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    OpeningWithdrawn {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    BooksOpened {
        open_at: DateTime<Utc>,
        /// Day of that instant in the books zone.
        effective: NaiveDate,
        /// Who agreed: a principal.
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    InvoiceStreamTold {
        invoice: String,
    },
    OpeningFinished {
        at: DateTime<Utc>,
    },
}

crate::kernel::saga::event_names!(
    Event: OpeningProposed, LineTied, LineDiffers, OpeningDiffers, OpeningTied, OpeningWithdrawn, BooksOpened,
    InvoiceStreamTold, OpeningFinished
);
