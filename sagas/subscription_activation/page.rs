//! What the checkout page shows: a pure function of the state. Nothing on it says more than the customer may know.

use super::state::{Ending, Stage, State};
use super::words::Advice;
use crate::kernel::money::Money;
use crate::kernel::quote::Quote;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

/// The page of an activation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// What it shows.
    pub stage: PageStage,
    /// Number of the newest link; 0: none yet. An older one opens nothing.
    pub link: u32,
    /// What is bought.
    pub title: String,
    /// Our customer id.
    pub customer: Option<String>,
    /// The price that stands; after the payment, the one that was paid.
    pub quote: Option<Box<Quote>>,
}

/// The stages of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum PageStage {
    /// A quote is being made: look again in a moment.
    Preparing,
    /// The price, and the form.
    Quoted {
        /// The price.
        quote: Box<Quote>,
        /// Cards that may be used again.
        cards: Vec<CardOnFile>,
        /// What to say of the last try.
        declined: Option<Advice>,
    },
    /// The bank wants the customer to authenticate: the form again, with 3-D Secure before it is sent.
    NeedsAuthentication {
        /// The price.
        quote: Box<Quote>,
        /// Cards that may be used again, the one that was tried first.
        cards: Vec<CardOnFile>,
    },
    /// Too many declines: nothing can be sent until then, and there is a way to reach a person.
    LockedUntil {
        /// Until (UTC).
        until: DateTime<Utc>,
    },
    /// Sent; the outcome is being confirmed. Never said to have failed.
    Confirming,
    /// Paid.
    Paid {
        /// What was charged.
        amount: Money,
        /// Day of the payment (books zone).
        on: NaiveDate,
        /// Brand and last four digits.
        card: Option<(String, String)>,
        /// Zoho's number of the invoice.
        invoice_number: Option<String>,
        /// The next charge: day and amount.
        next: Option<(NaiveDate, Money)>,
    },
    /// Begun, with nothing to pay today.
    Started {
        /// The next charge: day and amount.
        next: Option<(NaiveDate, Money)>,
    },
    /// The link was not used in time.
    Expired,
    /// Called off.
    Cancelled,
    /// It did not work out; nothing was charged.
    Failed {
        /// What happened.
        what: String,
        /// What the customer can do.
        cure: String,
    },
}

/// A card that may be used again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CardOnFile {
    /// The vault's token.
    pub token: String,
    /// Brand as Braintree writes it.
    pub brand: String,
    /// Last four digits.
    pub last_four: String,
}

/// The page as it is now.
pub fn page(state: &State, now: DateTime<Utc>) -> Page {
    Page {
        stage: stage(state, now),
        link: state.sale.links,
        title: state.sale.title(),
        customer: state.sale.customer().map(str::to_owned),
        quote: state.sale.quote.clone().map(Box::new),
    }
}

fn stage(state: &State, now: DateTime<Utc>) -> PageStage {
    let next = || {
        let quote = state.sale.quote.as_ref()?;
        let day = state.record.as_ref().and_then(|r| r.next_billing_on).unwrap_or(quote.renews_on);
        Some((day, quote.renewal))
    };
    if let Some(capture) = &state.capture {
        return PageStage::Paid {
            amount: capture.amount,
            on: capture.effective,
            card: state.card(),
            invoice_number: state.invoice.first.as_ref().map(|i| i.number.clone()),
            next: next(),
        };
    }
    match &state.stage {
        // A price without a link has no page: who opens an older one sees that a new one is being prepared.
        Stage::New | Stage::Preparing | Stage::Quoted => PageStage::Preparing,
        Stage::LinkOut => open(state, now),
        Stage::Paying | Stage::HandingOver | Stage::AwaitingRecord { .. } => PageStage::Confirming,
        Stage::Held { .. } => PageStage::Failed {
            what: "We could not finish your order yet. Nothing was charged.".to_owned(),
            cure: "We are looking into it and will write to you.".to_owned(),
        },
        Stage::Over { ending, .. } => match ending {
            Ending::Active => PageStage::Started { next: next() },
            Ending::Expired => PageStage::Expired,
            Ending::Cancelled => PageStage::Cancelled,
            Ending::Refused | Ending::Failed | Ending::Outdated => PageStage::Failed {
                what: "The subscription could not be set up. Nothing was charged.".to_owned(),
                cure: "Please write to us: we will send you a new link.".to_owned(),
            },
        },
    }
}

fn open(state: &State, now: DateTime<Utc>) -> PageStage {
    let (Some(link), Some(quote)) = (&state.sale.link, &state.sale.quote) else { return PageStage::Preparing };
    if link.expires_at <= now {
        return PageStage::Expired;
    }
    if let Some(until) = state.locked_until.filter(|until| *until > now) {
        return PageStage::LockedUntil { until };
    }
    let quote = Box::new(quote.clone());
    let usable = state.cards.iter().flatten().filter(|m| !m.expired);
    let mut cards: Vec<_> = usable
        .map(|m| CardOnFile { token: m.token.clone(), brand: m.brand.clone(), last_four: m.last_four.clone() })
        .collect();
    match state.advice {
        Some(Advice::NeedsAuthentication) => {
            let tried = state.submission.as_ref().map(|s| s.token.as_str());
            cards.sort_by_key(|card| Some(card.token.as_str()) != tried);
            PageStage::NeedsAuthentication { quote, cards }
        }
        declined => PageStage::Quoted { quote, cards, declined },
    }
}
