//! The pricer of an activation: its settings, and what Zoho's own invoice corrects.

use super::words::Terms;
use crate::kernel::answer::Request;
use crate::kernel::money::Money;
use crate::kernel::offer::Offer;
pub(super) use crate::kernel::pricing::NoQuote;
use crate::kernel::pricing::Rules;
use crate::kernel::quote::{self, Quote, QuoteLine};
pub(super) use crate::kernel::quote::{Dates, trial_days};

/// The quote of a request.
pub(super) fn quote(request: &Request, offer: &Offer, terms: &Terms, dates: Dates) -> Result<Quote, NoQuote> {
    let rules = Rules { highest_tax_ppm: terms.highest_tax_ppm, currencies: &terms.currencies };
    quote::quote(request, offer, &rules, &terms.consent_version, dates)
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
