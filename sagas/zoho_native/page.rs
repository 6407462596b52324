//! What the customer sees behind the link: a pure function of the state. Nothing on it says more than the customer may know.

use super::state::{Ending, Stage, State};
use super::words::After;
use crate::kernel::quote::Quote;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// The page of a start.
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
    /// The price that stands.
    pub quote: Option<Box<Quote>>,
}

/// The stages of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum PageStage {
    /// A quote, or Zoho's page, is being made: look again in a moment.
    Preparing,
    /// The price, to be accepted.
    Quoted {
        /// The price.
        quote: Box<Quote>,
    },
    /// It was accepted, and Zoho's page is open: the customer is sent there.
    AtZoho {
        /// Zoho hosted page id.
        page: String,
    },
    /// Something was bought; it is being confirmed. Never said to have failed.
    Confirming,
    /// The subscription runs.
    Active,
    /// The link was not used in time.
    Expired,
    /// Called off.
    Cancelled,
    /// It did not work out; nothing was charged.
    Failed,
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
    match &state.stage {
        Stage::Over { ending, .. } => ended(*ending),
        _ if state.closing.is_some() => ended(state.ending().0),
        Stage::LinkOut => open(state, now),
        Stage::PageOut => match state.usable_page(now) {
            Some(page) => PageStage::AtZoho { page: page.id.clone() },
            None if state.reads_page() => PageStage::Confirming,
            None => open(state, now),
        },
        Stage::New | Stage::Preparing | Stage::Quoted | Stage::Opening => PageStage::Preparing,
        Stage::Held { then: After::Quote, .. } => PageStage::Failed,
        Stage::Running | Stage::Held { then: After::Mirror, .. } => PageStage::Active,
        Stage::Confirming | Stage::Held { then: After::Look, .. } if state.is_linked() => PageStage::Active,
        Stage::Confirming | Stage::Linking | Stage::Held { .. } => PageStage::Confirming,
    }
}

const fn ended(ending: Ending) -> PageStage {
    match ending {
        Ending::HandedOver => PageStage::Active,
        Ending::Expired | Ending::Ended => PageStage::Expired,
        Ending::Cancelled => PageStage::Cancelled,
        Ending::Refused | Ending::Outdated => PageStage::Failed,
    }
}

fn open(state: &State, now: DateTime<Utc>) -> PageStage {
    match (&state.sale.link, &state.sale.quote) {
        (Some(link), Some(_)) if link.expires_at <= now => PageStage::Expired,
        (Some(_), Some(quote)) => PageStage::Quoted { quote: Box::new(quote.clone()) },
        _ => PageStage::Preparing,
    }
}
