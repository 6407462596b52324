//! What the page says on which a customer cancels what a notice speaks of. Decides nothing.

use super::rules;
use super::state::{Cancel, Stage, State};
use crate::kernel::money::Money;
use chrono::NaiveDate;

/// The page behind the link of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it stands.
    pub stage: PageStage,
    /// What is paid for.
    pub title: String,
    /// The next charge: day (books zone) and amount, where one comes.
    pub next: Option<(NaiveDate, Money)>,
    /// Our customer id.
    pub customer: Option<String>,
    /// Links that letters were sent with so far.
    pub links: u32,
}

/// Where a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageStage {
    /// It can be cancelled.
    Runs,
    /// The customer has cancelled it here.
    Cancelled,
    /// It is not charged any more, or ends with its term already.
    Over,
}

/// The page as it stands.
pub fn page(state: &State) -> Page {
    let terms = state.facts.terms.as_ref();
    let runs = terms.is_some_and(|terms| rules::life(&terms.status) == rules::Life::Runs);
    let stage = match (state.cancel, state.stage) {
        (Cancel::Asked | Cancel::Ordered, _) => PageStage::Cancelled,
        (Cancel::No, Stage::New | Stage::Over { .. }) => PageStage::Over,
        (Cancel::No, _) if runs => PageStage::Runs,
        (Cancel::No, _) => PageStage::Over,
    };
    let next = terms.filter(|_| stage == PageStage::Runs).and_then(|terms| {
        let held = state.hold_until.map(|until| until.date_naive());
        let day = terms.next_billing_on?;
        Some((held.map_or(day, |held| held.max(day)), rules::amount(terms)?))
    });
    Page {
        stage,
        title: terms.map(|terms| terms.name.clone().unwrap_or_else(|| terms.sold.plan.clone())).unwrap_or_default(),
        next,
        customer: state.facts.customer.clone(),
        links: state.letters + u32::from(matches!(state.stage, Stage::Letter { .. })),
    }
}
