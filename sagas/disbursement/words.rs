//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data.

use super::weigh::Entry;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::payout::{PaidOut, Payout, PayoutNotice};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a payout can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The gateway is to be asked what it paid out.
    Look {
        /// Which payout.
        payout: Payout,
        /// Whose order ids are ours.
        installation: Installation,
        /// The gateway has told of a payout of this account before: it is expected to tell of this one.
        announced: bool,
        /// Who wants it: a principal.
        source: String,
    },
    /// The gateway told of it.
    Noticed {
        /// Which payout.
        payout: Payout,
        /// Whose order ids are ours.
        installation: Installation,
        /// What it told.
        notice: PayoutNotice,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    PayoutOpened {
        payout: Payout,
        installation: Installation,
        at: DateTime<Utc>,
    },
    /// A notice of it is expected from now on.
    NoticeExpected {
        source: String,
    },
    NoticeHeard {
        notice: PayoutNotice,
        at: DateTime<Utc>,
    },
    LookBegan {
        at: DateTime<Utc>,
    },
    /// It is looked at once more as soon as the present look is over.
    LookWanted {
        source: String,
    },
    /// All transactions that the gateway shows for that day.
    PayoutListed {
        transactions: Vec<String>,
    },
    /// Some of them. `gone`: not shown for that day any more.
    ItemsRead {
        items: Vec<PaidOut>,
        gone: Vec<String>,
    },
    /// What of those was booked, and how.
    ItemsBooked {
        entries: Vec<Entry>,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Nothing more is known now; it is looked at again then.
    LookEnded {
        again_at: DateTime<Utc>,
    },
    /// Sums are compared: what its transactions come to, what was paid, and what of the difference was not booked before.
    PayoutReckoned {
        items: Money,
        /// What reached the bank, where the gateway told it.
        paid: Option<Money>,
        /// Added to what is not explained.
        unexplained: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// All of it is booked and reckoned; a later notice opens it again.
    PayoutClosed {
        at: DateTime<Utc>,
    },
}

crate::kernel::saga::event_names!(
    Event: PayoutOpened,
    NoticeExpected,
    NoticeHeard,
    LookBegan,
    LookWanted,
    PayoutListed,
    ItemsRead,
    ItemsBooked,
    LookEnded,
    PayoutReckoned,
    PayoutClosed,
);
