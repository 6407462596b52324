//! A quote: what the customer is promised to pay, now and later, made from what Zoho offers. A promise, not an entry in the
//! books.

use super::answer::Request;
use super::money::Money;
use super::offer::{Offer, TermUnit};
pub use super::pricing::QuoteLine;
use super::pricing::{self, NoQuote, Rules, Sum, fingerprint, plus_days, plus_term};
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
    pub(crate) fn sealed(mut self) -> Self {
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

/// When a quote is made, and how long it is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dates {
    /// Today in the books zone.
    pub(crate) today: NaiveDate,
    /// End of the quote (UTC).
    pub(crate) expires_at: DateTime<Utc>,
}

/// The quote of a request: what it costs, and which day it begins and renews.
pub(crate) fn quote(
    request: &Request,
    offer: &Offer,
    rules: &Rules<'_>,
    consent_version: &str,
    dates: Dates,
) -> Result<Quote, NoQuote> {
    let pricing::Priced { first, later } = pricing::priced(request.quantity, offer, rules)?;
    let starts_on = request.starts_on.filter(|day| *day > dates.today);
    let trial_days = trial_days(request, offer);
    let start = starts_on.unwrap_or(dates.today);
    let trial_ends_on = (trial_days > 0).then(|| plus_days(start, trial_days)).transpose()?;
    let deferred = starts_on.is_some() || trial_ends_on.is_some();
    let plan = &offer.plan;
    let renews_on = match (trial_ends_on, starts_on) {
        (Some(day), _) | (None, Some(day)) => day,
        (None, None) => plus_term(start, plan)?,
    };
    let today = if deferred { Sum::nothing(offer.plan.price.currency, first.known) } else { first.clone() };
    Ok(Quote {
        lines: first.lines,
        due_today: today.gross,
        tax_today: today.known.then_some(today.tax),
        tax_known: first.known && later.known,
        ceiling: today.ceiling,
        renewal: later.gross,
        renews_on,
        term: (plan.interval, plan.unit),
        trial_ends_on,
        starts_on,
        expires_at: dates.expires_at,
        consent_version: consent_version.to_owned(),
        hash: String::new(),
    }
    .sealed())
}

/// Days of trial: what the record says, else what the plan gives.
pub(crate) fn trial_days(request: &Request, offer: &Offer) -> u32 {
    request.trial_days.unwrap_or(offer.plan.trial_days)
}
