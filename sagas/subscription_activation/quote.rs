//! A quote: what the customer is promised to pay, now and later. A promise, not an entry in the books.

use crate::kernel::money::Money;
use crate::kernel::offer::TermUnit;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One promise, with a hash over all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// What is bought, one by one.
    pub lines: Vec<QuoteLine>,
    /// To be paid today, gross as far as the tax is known.
    pub due_today: Money,
    /// Tax within it; absent where it is not known.
    pub tax_today: Option<Money>,
    /// The tax of every line is known.
    pub tax_known: bool,
    /// The most that is charged today.
    pub ceiling: Money,
    /// What each later term costs, gross as far as the tax is known.
    pub renewal: Money,
    /// Day of the first later charge (books zone).
    pub renews_on: NaiveDate,
    /// A term: so many of a unit.
    pub term: (u32, TermUnit),
    /// The trial's end (books zone), where there is a trial.
    pub trial_ends_on: Option<NaiveDate>,
    /// First day (books zone), where it is not today.
    pub starts_on: Option<NaiveDate>,
    /// Good until (UTC).
    pub expires_at: DateTime<Utc>,
    /// Version of the consent's text that goes with it.
    pub consent_version: String,
    /// SHA-256 over all other fields, in hex.
    pub hash: String,
}

/// One line of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    /// What it is, as customers read it.
    pub text: String,
    /// How many.
    pub quantity: u32,
    /// Net, after a coupon.
    pub net: Money,
    /// Tax on it; absent where it is not known.
    pub tax: Option<Money>,
}

impl Quote {
    /// The same quote with its hash.
    #[must_use]
    pub(super) fn sealed(mut self) -> Self {
        self.hash.clear();
        // The canonical form: the fields in the order of their declaration, without white space. Plain numbers, texts
        // and dates always serialise.
        let text = serde_json::to_string(&self).unwrap_or_default();
        self.hash = Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
            for digit in [byte >> 4, byte & 0xf] {
                hex.extend(char::from_digit(u32::from(digit), 16));
            }
            hex
        });
        self
    }

    /// Something is to be paid today.
    pub const fn is_due_today(&self) -> bool {
        self.ceiling.is_positive()
    }

    /// The price in a sentence, for the CRM team.
    pub fn sentence(&self) -> String {
        let (count, unit) = self.term;
        let unit = match unit {
            TermUnit::Days => "day",
            TermUnit::Weeks => "week",
            TermUnit::Months => "month",
            TermUnit::Years => "year",
        };
        let term = if count == 1 { unit.to_owned() } else { format!("{count} {unit}s") };
        let tax = if self.tax_known { "" } else { " plus tax" };
        let most = if self.ceiling == self.due_today { String::new() } else { format!(", at most {}", self.ceiling) };
        format!("{} today{tax}{most}; then {}{tax} every {term} from {}", self.due_today, self.renewal, self.renews_on)
    }
}
