//! The words of the flow: what it can be told, and what its events speak of. Nothing is decided here, and no word carries
//! personal data.

pub use crate::kernel::consent::Consent;
use crate::kernel::effect::{CardCause, SubscriptionKey};
use crate::kernel::ids::{Installation, SagaId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The settings that an update runs under: they come with the request and hold for its whole life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// A link is good for so many days.
    pub link_days: u32,
    /// Version of the consent's text.
    pub consent_version: String,
    /// After so many declines the link is locked.
    pub declines_before_lock: u32,
    /// For so many minutes.
    pub lock_minutes: u32,
    /// The old card is kept for so many days.
    pub keep_days: u32,
}

/// What an update can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// A customer shall be able to give another card: the first request begins, a later one asks for a new link.
    Requested {
        /// Prefix of our references.
        installation: Installation,
        /// For which subscription.
        subscription: SubscriptionKey,
        /// When (UTC); of an act in Attio the value's `active_from`.
        requested_at: DateTime<Utc>,
        /// The act stands on the subscription's record in Attio and awaits its answer.
        pressed: bool,
        /// The settings of now.
        terms: Box<Terms>,
    },
    /// A flow wants another card of the customer, for a cause that the letter says.
    Wanted {
        /// Prefix of our references.
        installation: Installation,
        /// For which subscription.
        subscription: SubscriptionKey,
        /// When (UTC): one instant is one request.
        requested_at: DateTime<Utc>,
        /// The settings of now.
        terms: Box<Terms>,
        /// Why.
        cause: Box<CardCause>,
    },
    /// The customer opened a link.
    Opened {
        /// Its number.
        link: u32,
    },
    /// The customer goes to the page of Zoho's on which the card is given.
    PageAsked {
        /// Number of the link.
        link: u32,
    },
    /// The customer comes back from there.
    Returned {
        /// Number of the link.
        link: u32,
    },
    /// The customer gives a card and agrees to what it is charged.
    Submitted {
        /// Number of the link.
        link: u32,
        /// What was shown.
        offer_hash: String,
        /// The consent given.
        consent: Consent,
        /// The sealed nonce.
        input: Uuid,
        /// The page says that the customer authenticated with it.
        authenticated: bool,
    },
    /// Somebody calls it off, before the card is switched.
    CancelOrdered {
        /// Why.
        reason: String,
    },
    /// An invoice that was told of the new card came to rest.
    InvoiceTried {
        /// The saga that collects it.
        invoice: SagaId,
        /// How.
        outcome: Tried,
    },
}

/// What became of an invoice that was told of the new card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tried {
    /// Nothing is owed any more.
    Paid,
    /// The bank said no, and may say yes on another day.
    Declined,
    /// The bank said no to this card for good.
    HardDeclined,
    /// No attempt was made now: something else stands in its way, or it is a person's turn.
    Waiting,
}

/// What the page says after a try that did not work out. One neutral wording for all declines: a page that told more
/// would help to test stolen cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// The card was not accepted: use another one.
    AnotherCard,
    /// The bank wants the customer to authenticate: once more, with 3-D Secure, or with another card.
    NeedsAuthentication,
    /// What was typed is too old or was used: give the card again.
    CardAgain,
}

/// A letter to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    Link,
    Changed,
}
