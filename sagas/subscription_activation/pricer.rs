//! The pricer: what a request costs, from what Zoho offers, and which day it begins and renews.

use super::quote::{Quote, QuoteLine};
use super::words::Terms;
use crate::kernel::answer::Request;
use crate::kernel::money::Money;
use crate::kernel::offer::Offer;
pub(super) use crate::kernel::pricing::NoQuote;
use crate::kernel::pricing::{self, Rules, Sum, plus_days, plus_term};
use chrono::{DateTime, NaiveDate, Utc};

/// When a quote is made, and how long it is good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dates {
    /// Today in the books zone.
    pub(super) today: NaiveDate,
    /// End of the quote (UTC).
    pub(super) expires_at: DateTime<Utc>,
}

/// The quote of a request.
pub(super) fn quote(request: &Request, offer: &Offer, terms: &Terms, dates: Dates) -> Result<Quote, NoQuote> {
    let rules = Rules { highest_tax_ppm: terms.highest_tax_ppm, currencies: &terms.currencies };
    let pricing::Priced { first, later } = pricing::priced(request.quantity, offer, &rules)?;
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
        consent_version: terms.consent_version.clone(),
        hash: String::new(),
    }
    .sealed())
}

/// The same quote, with what Zoho's own invoice asked for: the lines still add up to it.
pub(super) fn with_total(mut quote: Quote, total: Money) -> Quote {
    let Ok(difference) = total.minus(quote.due_today) else { return quote };
    if !quote.is_due_today() {
        return quote;
    }
    quote.lines.push(QuoteLine {
        text: "Difference to the invoice".to_owned(),
        quantity: 1,
        net: difference,
        tax: Some(Money::zero(total.currency)),
    });
    quote.due_today = total;
    quote.ceiling = total;
    quote.tax_today = None;
    quote.tax_known = true;
    quote.sealed()
}

/// Days of trial: what the record says, else what the plan gives.
pub(super) fn trial_days(request: &Request, offer: &Offer) -> u32 {
    request.trial_days.unwrap_or(offer.plan.trial_days)
}
