//! The words of the flow: what it can be told, and what its events speak of. Nothing is decided here, and no word
//! carries personal data.

pub use crate::kernel::act::Act;
use crate::kernel::answer::{Authentication, CardSeen, CollectionOwner};
pub use crate::kernel::consent::Consent;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The settings that an activation runs under: they come with the press and hold for its whole life.
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
    /// After so many declines the link is locked.
    pub declines_before_lock: u32,
    /// For so many minutes.
    pub lock_minutes: u32,
    /// A hold is used or released within so many hours.
    pub hold_hours: u32,
    /// ISO 4217 codes with a merchant account.
    pub currencies: Vec<String>,
    /// A link that is sent makes a deal in CRM: the sales team follows it up there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deal_at_link: bool,
    /// Who collects what is sold.
    #[serde(default, skip_serializing_if = "CollectionOwner::is_orchestrator")]
    pub collected_by: CollectionOwner,
}

/// What an activation can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// An act was pressed in Attio: the first one begins, a later one speaks of the activation that runs.
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
    /// The customer accepts the quote and pays.
    Submitted {
        /// Number of the link.
        link: u32,
        /// The quote that was shown.
        quote_hash: String,
        /// The consent given.
        consent: Consent,
        /// With which card.
        with: Paying,
    },
    /// What it sold has ended: the customer may buy the product again.
    SubscriptionEnded {
        /// Key of the claim by which the product is kept.
        product: String,
    },
    /// Somebody calls it off, before anything is captured.
    CancelOrdered {
        /// Why.
        reason: String,
    },
    /// The invoice's stream recorded the captured payment.
    InvoiceRecorded {
        /// Zoho invoice id.
        invoice: String,
        /// Zoho's number of it.
        number: String,
        /// Zoho payment id.
        payment: String,
        /// The next invoice (books zone), where Zoho says.
        next_billing_on: Option<NaiveDate>,
    },
    /// What was captured was taken back before it was recorded: what is owed now is a matter of the invoice's stream.
    CaptureReversed {
        /// Braintree's id of the transaction.
        transaction: String,
    },
    /// What Zoho sells costs something else than before: a quote of it that nobody has accepted is made anew.
    Repriced {
        /// `plan:<code>`, `addon:<code>`, `coupon:<code>`.
        offerings: Vec<String>,
        /// When the new price was read (UTC).
        at: DateTime<Utc>,
    },
}

/// Which card the customer pays with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "paying", rename_all = "snake_case")]
pub enum Paying {
    /// A new one.
    New {
        /// The sealed nonce.
        input: Uuid,
        /// The page says that the customer authenticated with it. The gateway is made to check that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        authenticated: bool,
    },
    /// One on file.
    Stored {
        /// Its token.
        token: String,
        /// The sealed nonce made from it, with which the page says that the customer authenticated. The gateway is made to
        /// check that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authenticated: Option<Uuid>,
    },
}

impl Paying {
    /// The sealed input, where there is one.
    pub(super) const fn input(&self) -> Option<Uuid> {
        match self {
            Self::New { input, .. } => Some(*input),
            Self::Stored { authenticated, .. } => *authenticated,
        }
    }

    /// Sent after the customer authenticated at the bank, as the page says.
    pub(super) const fn is_authenticated(&self) -> bool {
        match self {
            Self::New { authenticated, .. } => *authenticated,
            Self::Stored { authenticated, .. } => authenticated.is_some(),
        }
    }
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
    /// It could not be confirmed; nothing was charged: give the card again.
    NotConfirmed,
    /// What was typed is too old or was used: give the card again.
    CardAgain,
}

/// What becomes of an activation once all is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It failed.
    Fail,
    /// It was called off.
    Cancel,
    /// Nobody came in time.
    Expire,
    /// A new quote is made, and a new link.
    Requote,
    /// The customer gives another card, at the same quote and on the same page.
    Form,
    /// A person must look at the amounts before a new quote is made.
    Mismatch,
}

/// What a person's resume leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// All is read anew, and a quote made.
    Quote,
    /// The payment goes on where it stood.
    Pay,
    /// All is undone.
    Undo,
}

/// Why nothing is captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nothing {
    /// Trial, later start.
    DueLater,
    /// Credits or a coupon cover it.
    Zero,
    /// It was paid elsewhere.
    PaidElsewhere,
}

/// A hold as Braintree confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Transaction id.
    pub transaction: String,
    /// Our reference.
    pub order_id: String,
    /// What is held.
    pub amount: Money,
    /// Our Braintree customer's method.
    pub token: String,
    /// When it was made (UTC).
    pub authorised_at: DateTime<Utc>,
    /// That date in the books zone.
    pub effective: NaiveDate,
    /// Captured by then or released (UTC).
    pub use_until: DateTime<Utc>,
    /// The card, where Braintree says.
    pub card: Option<CardSeen>,
    /// How the customer authenticated, where the gateway says: never the page's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
}

/// What was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Transaction id.
    pub transaction: String,
    /// Our reference.
    pub order_id: String,
    /// What the processor confirmed.
    pub amount: Money,
    /// When (UTC).
    pub captured_at: DateTime<Utc>,
    /// That date in the books zone.
    pub effective: NaiveDate,
}

/// A letter to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    Link,
    Reminder,
    Receipt,
    Failure,
}
