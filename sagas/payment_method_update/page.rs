//! What the page shows on which a customer gives another card: a pure function of the state. Nothing on it says more than
//! the customer may know.

use super::state::{Ending, Stage, State};
use super::words::Advice;
use crate::kernel::ids::derive;
use crate::kernel::money::{Money, currency};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// The page of a card update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// What it shows.
    pub stage: PageStage,
    /// Number of the newest link; 0: none yet. An older one opens nothing.
    pub link: u32,
    /// Our customer id.
    pub customer: Option<String>,
    /// What the customer is asked to agree to; absent where nothing can be given now.
    pub offer: Option<Offer>,
}

/// What the customer is asked to agree to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// Brand and last four digits of the card on file.
    pub card: Option<(String, String)>,
    /// What is owed, and charged to the new card at once.
    pub owed: Option<Money>,
    /// The next charge as far as is known; less than one cent where it is not. It says in which currency cards are taken.
    pub next: Money,
    /// Proof of what was shown: comes back with the submission.
    pub hash: String,
    /// Version of the text that the customer agrees to.
    pub consent_version: String,
    /// The link is good until (UTC).
    pub expires_at: DateTime<Utc>,
}

/// The stages of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub enum PageStage {
    /// What it shows is being read: look again in a moment.
    Preparing,
    /// The form.
    Asked {
        /// What to say of the last try.
        declined: Option<Advice>,
    },
    /// The bank wants the customer to authenticate: the form again, with 3-D Secure before it is sent.
    NeedsAuthentication,
    /// The card is given at Zoho: the customer is sent there.
    AtZoho {
        /// Zoho hosted page id; absent: one is to be asked for, or is being made.
        page: Option<String>,
    },
    /// Zoho has taken another card, and collects from it.
    ChangedAtZoho,
    /// Too many declines: nothing can be sent until then, and there is a way to reach a person.
    LockedUntil {
        /// Until (UTC).
        until: DateTime<Utc>,
    },
    /// Sent; the outcome is being confirmed. Never said to have failed.
    Confirming,
    /// Later charges go to the new card.
    Changed {
        /// Brand and last four digits of the new card.
        card: Option<(String, String)>,
        /// Those of the one before, where it is another.
        before: Option<(String, String)>,
        /// What is owed and is charged to it now.
        owed: Option<Money>,
    },
    /// The link was not used in time.
    Expired,
    /// Called off.
    Cancelled,
    /// It did not work out; the card on file stays.
    Failed,
}

/// The page as it is now.
pub fn page(state: &State, now: DateTime<Utc>) -> Page {
    let stage = stage(state, now);
    let asks = matches!(stage, PageStage::Asked { .. } | PageStage::NeedsAuthentication);
    Page {
        offer: offer(state).filter(|_| asks),
        stage,
        link: state.links,
        customer: state.customer().map(str::to_owned),
    }
}

fn stage(state: &State, now: DateTime<Utc>) -> PageStage {
    if let Some(switched) = &state.switched {
        return PageStage::Changed {
            card: state.card.as_ref().map(State::named),
            before: switched.before.as_ref().filter(|_| !state.same_card()).map(State::named),
            owed: switched.owed,
        };
    }
    if state.at_zoho.changed {
        return PageStage::ChangedAtZoho;
    }
    match &state.stage {
        Stage::New | Stage::Preparing => PageStage::Preparing,
        Stage::LinkOut => open(state, now),
        Stage::Updating if state.undoing.is_none() => PageStage::Confirming,
        // A switched default was looked at above.
        Stage::Updating | Stage::Held { .. } | Stage::Retrying | Stage::Retiring { .. } => PageStage::Failed,
        Stage::Over { ending, .. } => match ending {
            Ending::Expired => PageStage::Expired,
            Ending::Cancelled => PageStage::Cancelled,
            Ending::Refused | Ending::Changed => PageStage::Failed,
        },
    }
}

fn open(state: &State, now: DateTime<Utc>) -> PageStage {
    if state.link.as_ref().is_none_or(|link| link.expires_at <= now) {
        return PageStage::Expired;
    }
    if state.is_native() {
        return PageStage::AtZoho { page: state.usable_page(now).map(|page| page.id.clone()) };
    }
    if let Some(until) = state.locked_until.filter(|until| *until > now) {
        return PageStage::LockedUntil { until };
    }
    if offer(state).is_none() {
        return PageStage::Preparing;
    }
    match state.advice {
        Some(Advice::NeedsAuthentication) => PageStage::NeedsAuthentication,
        declined => PageStage::Asked { declined },
    }
}

/// What stands to be agreed to; none while what it rests on is being read.
pub(super) fn offer(state: &State) -> Option<Offer> {
    let (intake, link) = (state.intake.as_ref()?, state.link.as_ref()?);
    state.facts.uses.as_ref()?;
    let subscription = state.facts.subscription.as_ref()?;
    let owed = state.owed();
    let nothing = Money::new(0, currency(&subscription.currency).ok()?);
    let card = state.on_file().map(State::named);
    let version = intake.terms.consent_version.clone();
    let shown = format!("{card:?} {owed:?}");
    Some(Offer {
        card,
        owed,
        next: owed.or(subscription.amount).unwrap_or(nothing),
        hash: derive("card_offer", &[&shown, &version]).simple().to_string(),
        consent_version: version,
        expires_at: link.expires_at,
    })
}
