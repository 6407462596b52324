//! A quote: what the customer is promised to pay, now and later. A promise, not an entry in the books.

use crate::kernel::money::Money;
use crate::kernel::offer::TermUnit;
pub use crate::kernel::pricing::QuoteLine;
use crate::kernel::pricing::fingerprint;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

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

impl Quote {
    /// The same quote with its hash.
    #[must_use]
    pub(super) fn sealed(mut self) -> Self {
        self.hash.clear();
        self.hash = fingerprint(&self);
        self
    }

    /// Something is to be paid today.
    pub const fn is_due_today(&self) -> bool {
        self.ceiling.is_positive()
    }

    /// The price in a sentence, for the CRM team.
    pub fn sentence(&self) -> String {
        let term = self.term.1.of(self.term.0);
        let tax = if self.tax_known { "" } else { " plus tax" };
        let most = if self.ceiling == self.due_today { String::new() } else { format!(", at most {}", self.ceiling) };
        format!("{} today{tax}{most}; then {}{tax} every {term} from {}", self.due_today, self.renewal, self.renews_on)
    }
}
