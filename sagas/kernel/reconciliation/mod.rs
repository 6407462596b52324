//! Reconciliation, pure: two books are compared by key, and what does not agree becomes a finding with a code. What was read
//! comes in, what was found goes out; nothing here reads, writes, knows the time or changes a book.
//!
//! `code` is the list of findings with the words for people; `compare` pairs two sides; a file each leg; `life` says what
//! becomes of a finding that is seen, or not seen any more.

pub mod charges;
pub mod code;
pub mod compare;
pub mod flows;
pub mod ledger;
pub mod life;
pub mod payouts;
pub mod receivables;
pub mod recording;
pub mod refunds;
pub mod subscriptions;
#[cfg(test)]
mod tests;

pub use code::{Code, Owner};
pub use compare::{Entry, Pair, Side, State, Total, compare, totals};

use super::money::Money;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// One pair of books.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Leg {
    /// Our captures and open charges, and Braintree's sales.
    R1,
    /// Braintree's sales, and the payments that Zoho shows.
    R2,
    /// Zoho's invoices, and our receivables.
    R3,
    /// What Braintree paid out to the bank, and what we booked of it.
    R4,
    /// Our subscriptions, and Zoho's.
    R7,
    /// Braintree's refunds, and those that we know.
    R9,
    /// The ledger, and the log from which it can be rebuilt.
    R13,
    /// What lies too long on an account of the ledger.
    Ageing,
    /// What flows ask people about, because money did not go as it should.
    Flows,
}

impl Leg {
    /// Every leg, in the order of the report.
    pub const ALL: [Self; 9] =
        [Self::R1, Self::R2, Self::R3, Self::R4, Self::R7, Self::R9, Self::R13, Self::Ageing, Self::Flows];

    /// The word in tables, the API and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::R1 => "R1",
            Self::R2 => "R2",
            Self::R3 => "R3",
            Self::R4 => "R4",
            Self::R7 => "R7",
            Self::R9 => "R9",
            Self::R13 => "R13",
            Self::Ageing => "ageing",
            Self::Flows => "flows",
        }
    }

    /// What is compared with what, for people: the left side first.
    pub const fn words(self) -> &'static str {
        match self {
            Self::R1 => "our charges ↔ Braintree's sales",
            Self::R2 => "Braintree's sales ↔ payments in Zoho",
            Self::R3 => "Zoho's invoices ↔ our receivables",
            Self::R4 => "Braintree's payouts ↔ what we booked of them",
            Self::R7 => "our subscriptions ↔ Zoho's",
            Self::R9 => "Braintree's refunds ↔ ours",
            Self::R13 => "ledger ↔ log",
            Self::Ageing => "what lies too long on an account",
            Self::Flows => "what flows ask people about",
        }
    }

    /// The leg of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|leg| leg.as_str().eq_ignore_ascii_case(word))
    }

    /// One side may be behind the other for so long.
    pub const fn late_after(self) -> TimeDelta {
        match self {
            Self::R1 | Self::R2 => TimeDelta::minutes(15),
            Self::R3 | Self::R7 | Self::R9 => TimeDelta::hours(1),
            Self::R4 | Self::R13 | Self::Ageing | Self::Flows => TimeDelta::zero(),
        }
    }
}

/// What something concerns; ids as their owners write them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Our customer id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Zoho subscription id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// Zoho invoice id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoice: Option<String>,
    /// Braintree transaction id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

impl About {
    /// What is missing is taken from the other.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        let or = |mine: Option<String>, theirs: &Option<String>| mine.or_else(|| theirs.clone());
        Self {
            customer: or(self.customer, &other.customer),
            subscription: or(self.subscription, &other.subscription),
            invoice: or(self.invoice, &other.invoice),
            transaction: or(self.transaction, &other.transaction),
        }
    }
}

/// What may be done by itself about a finding. None moves money: each lets a flow look again, which decides by its own tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// The invoice's stream reads Zoho again, and goes on from there: it records what is captured, mirrors what changed.
    LookAgain {
        /// Zoho invoice id.
        invoice: String,
    },
    /// A refund that others made is opened as a give-back of its own, which looks at it and books it.
    BookRefund {
        /// Braintree transaction id of the refund.
        refund: String,
        /// That of the sale.
        transaction: String,
        /// Zoho invoice id for which it was made.
        invoice: String,
        /// How much.
        amount: Money,
    },
}

/// A difference that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Which.
    pub code: Code,
    /// By what it is known again: one finding a code and key.
    pub key: String,
    /// 1 money lost or a customer charged wrongly, 2 books wrong, 3 display wrong.
    pub severity: u8,
    /// What it concerns.
    pub about: About,
    /// What the left side says, for people.
    pub left: String,
    /// What the right side says, for people.
    pub right: String,
    /// How much money it is about; none: that cannot be said.
    pub at_risk: Option<Money>,
    /// Left less right, by currency: these add up to the difference of the leg's totals.
    pub difference: Vec<Money>,
    /// What happened, in a sentence.
    pub detail: String,
    /// When what it is about happened (UTC).
    pub dated: DateTime<Utc>,
    /// What may be done by itself.
    pub act: Option<Act>,
}

impl Found {
    /// Of a pair that disagrees.
    pub fn of(pair: &Pair, code: Code, detail: String) -> Self {
        let (left, right) = (compare::said(&pair.left), compare::said(&pair.right));
        Self {
            code,
            key: pair.key.clone(),
            severity: code.severity(),
            about: pair.about(),
            left,
            right,
            at_risk: pair.at_risk(),
            difference: pair.difference(),
            detail,
            dated: pair.dated(),
            act: None,
        }
    }

    /// With what may be done by itself.
    #[must_use]
    pub fn then(mut self, act: Option<Act>) -> Self {
        self.act = act;
        self
    }

    /// What both sides say: a finding that was set aside comes back when this changes.
    pub fn values(&self) -> String {
        format!("{} | {}", self.left, self.right)
    }
}

/// What a leg came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// Which.
    pub leg: Leg,
    /// Both sides were read whole; else nothing is called missing.
    pub complete: bool,
    /// By currency.
    pub totals: Vec<Total>,
    /// Keys of what agrees.
    pub agreed: Vec<String>,
    /// What one side is known to follow soon, or could not be judged: pair by pair.
    pub open: Vec<Open>,
    /// What does not agree.
    pub found: Vec<Found>,
}

/// A pair that is not judged yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Its key.
    pub key: String,
    /// `in_progress`: within its time; `not_read`: a side was not read whole.
    pub why: String,
    /// Left less right, by currency.
    pub difference: Vec<Money>,
}

impl Judged {
    /// A leg without pairs.
    pub const fn empty(leg: Leg) -> Self {
        Self { leg, complete: true, totals: Vec::new(), agreed: Vec::new(), open: Vec::new(), found: Vec::new() }
    }

    /// A leg of pairs: `finding` says what a pair that disagrees is.
    pub fn of(leg: Leg, complete: bool, pairs: &[Pair], mut finding: impl FnMut(&Pair) -> Found) -> Self {
        let mut judged = Self { leg, complete, totals: totals(pairs), ..Self::empty(leg) };
        for pair in pairs {
            let why = match &pair.state {
                State::Matched => {
                    judged.agreed.push(pair.key.clone());
                    continue;
                }
                State::InProgress => "in_progress",
                State::NotRead => "not_read",
                State::LeftOnly | State::RightOnly | State::Currency | State::Over | State::Under | State::Data(_) => {
                    judged.found.push(finding(pair));
                    continue;
                }
            };
            let (key, difference) = (pair.key.clone(), pair.difference());
            judged.open.push(Open { key, why: why.to_owned(), difference });
        }
        judged
    }
}
