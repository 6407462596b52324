//! The words of the flow: what it can be told, and what its events speak of. Nothing is decided here, and no word
//! carries personal data.

pub use crate::kernel::act::Act;
pub use crate::kernel::consent::Consent;
use crate::kernel::ids::Installation;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The settings that a start runs under: they come with the press and hold for its whole life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The highest tax that could be added where the tax is not known, in parts per million.
    pub highest_tax_ppm: u32,
    /// A link is good for so many days.
    pub link_days: u32,
    /// The customer is reminded after so many days.
    pub reminder_day: u32,
    /// Version of the consent's text.
    pub consent_version: String,
    /// A link that is sent makes a deal in CRM: the sales team follows it up there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deal_at_link: bool,
}

/// What it can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// An act was pressed in Attio: the first one begins, a later one speaks of the start that runs.
    Pressed {
        /// Zoho organization id.
        organization: String,
        /// Prefix of our references.
        installation: Installation,
        /// Record id of the object `subscriptions`.
        record: String,
        /// Which act.
        act: Act,
        /// When it was pressed (UTC): the value's `active_from`.
        pressed_at: DateTime<Utc>,
        /// The settings of now.
        terms: Box<Terms>,
        /// Ordered by another program: no act stands on the record.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ordered: bool,
    },
    /// The customer opened a link.
    Opened {
        /// Its number.
        link: u32,
    },
    /// The customer accepts the quote, and wants Zoho's page on which it is bought.
    PageAsked {
        /// Number of the link.
        link: u32,
        /// The quote that was shown.
        quote_hash: String,
        /// The consent given.
        consent: Consent,
    },
    /// The customer came back from Zoho's page.
    Returned {
        /// Number of the link.
        link: u32,
    },
    /// Zoho says that something happened to a subscription that bears our reference. What, is read.
    Noticed {
        /// Zoho's word, e.g. `subscription_renewed`.
        kind: String,
        /// Zoho subscription id.
        subscription: String,
    },
    /// What it sold has ended: the customer may buy the product again.
    SubscriptionEnded {
        /// Key of the claim by which the product is kept.
        product: String,
    },
    /// Somebody calls it off, before anything is bought.
    CancelOrdered {
        /// Why.
        reason: String,
    },
}

/// What a person's resume leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// All is read anew, and a quote made.
    Quote,
    /// What was bought is looked for again.
    Look,
    /// The subscription is read again.
    Mirror,
}

/// A letter to the customer. Those about money are Zoho's to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    Link,
    Reminder,
}
