//! Mail to a customer. Who it goes to and what the person is called is laid beside the call.

use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Calls on the mail server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Mail {
    /// Sends one letter.
    Send(Box<Letter>),
}

/// One letter to one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Our customer id.
    pub customer: String,
    /// The local part of its `Message-ID`: the same letter has the same one for ever.
    pub reference: String,
    /// What it says.
    pub about: LetterFacts,
    /// The page that it leads to.
    pub link: Option<CheckoutLink>,
}

/// What a letter says: its template, and what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "snake_case")]
pub enum LetterFacts {
    /// Here you see the price and pay.
    CheckoutLink(Price),
    /// The link is still there.
    CheckoutReminder(Price),
    /// It is paid, or it has begun with nothing to pay.
    Receipt {
        /// What was bought.
        title: String,
        /// What was charged; absent: nothing was due.
        paid: Option<Money>,
        /// Zoho's number of the invoice.
        invoice_number: Option<String>,
        /// Brand and last four digits of the card.
        card: Option<(String, String)>,
        /// Day of the payment or the start, in the books zone.
        on: NaiveDate,
        /// The next charge: day and amount.
        next: Option<(NaiveDate, Money)>,
    },
    /// Money was given back.
    Refund {
        /// How much.
        amount: Money,
        /// Zoho's number of the invoice.
        invoice_number: String,
        /// Brand and last four digits of the card.
        card: Option<(String, String)>,
        /// Day on which the bank was told, in the books zone.
        on: NaiveDate,
        /// The charge was called off before it was settled: it does not appear, or disappears.
        voided: bool,
    },
    /// It did not work out; nothing was charged.
    ActivationFailed {
        /// What was to be bought.
        title: String,
        /// What happened, in a sentence for the customer.
        reason: String,
    },
    /// Here you give us another card.
    CardLink {
        /// Brand and last four digits of the card on file.
        card: Option<(String, String)>,
        /// What is owed and will be charged to it at once.
        owed: Option<Money>,
        /// The link is good until (UTC).
        expires_at: DateTime<Utc>,
    },
    /// Later charges go to another card.
    CardChanged {
        /// Brand and last four digits of the card that is charged from now on.
        card: (String, String),
        /// Those of the one before; absent: there was none.
        before: Option<(String, String)>,
        /// Both are the same card, given once more.
        same: bool,
        /// What is owed and is charged to it now.
        owed: Option<Money>,
    },
    /// A trial ends, and the first charge comes: here it can be cancelled.
    TrialEnds(ComingCharge),
    /// A long term is renewed: here it can be cancelled.
    Renews(ComingCharge),
    /// The same costs another price: here it can be cancelled.
    PriceChanges {
        /// The first charge at the new price.
        charge: ComingCharge,
        /// What it has cost.
        before: Money,
    },
    /// Another card is wanted, for a cause: here it is given.
    CardWanted {
        /// Why.
        cause: Box<CardCause>,
        /// The link is good until (UTC).
        expires_at: DateTime<Utc>,
    },
}

/// A charge that is to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComingCharge {
    /// What is paid for.
    pub title: String,
    /// How much.
    pub amount: Money,
    /// On which day, in the books zone.
    pub on: NaiveDate,
}

/// Why a customer is asked for another card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum CardCause {
    /// The card is not good any more when the next charge comes.
    Expires {
        /// Brand and last four digits.
        card: (String, String),
        /// Its last good day.
        good_through: NaiveDate,
        /// Day of the next charge, in the books zone.
        charge_on: NaiveDate,
    },
    /// A charge failed, and is tried again.
    ChargeFailed {
        /// What was to be paid.
        due: FailedCharge,
        /// Day of the next attempt, in the books zone.
        again_on: NaiveDate,
    },
    /// The bank wants the customer to authenticate.
    NeedsAuthentication {
        /// What was to be paid.
        due: FailedCharge,
    },
    /// This card will not be charged again.
    NewCard {
        /// What was to be paid.
        due: FailedCharge,
    },
    /// The last attempt failed: nothing more is tried.
    LastNotice {
        /// What is owed still.
        due: FailedCharge,
    },
}

/// What could not be charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCharge {
    /// How much.
    pub amount: Money,
    /// Zoho's number of the invoice.
    pub invoice_number: String,
    /// Brand and last four digits of the card; absent: there is none.
    pub card: Option<(String, String)>,
}

/// What a letter says of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What is to be bought.
    pub title: String,
    /// Due today.
    pub due_today: Money,
    /// Later charges.
    pub renewal: Money,
    /// Day of the first later charge, in the books zone.
    pub renews_on: NaiveDate,
    /// The link is good until (UTC).
    pub expires_at: DateTime<Utc>,
}

impl LetterFacts {
    /// The page that its link opens.
    pub(super) const fn page(&self) -> LinkPage {
        match self {
            Self::CardLink { .. } | Self::CardChanged { .. } | Self::CardWanted { .. } => LinkPage::Card,
            Self::TrialEnds(_) | Self::Renews(_) | Self::PriceChanges { .. } => LinkPage::Cancel,
            Self::CheckoutLink(_)
            | Self::CheckoutReminder(_)
            | Self::Receipt { .. }
            | Self::Refund { .. }
            | Self::ActivationFailed { .. } => LinkPage::Checkout,
        }
    }

    /// Speaks of money that was moved: sent a second time where it is not known whether it went out.
    pub const fn is_of_money(&self) -> bool {
        matches!(self, Self::Receipt { .. } | Self::Refund { .. })
    }
}

/// A page of ours for a customer, named without its secret: the address is made from it where it is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutLink {
    /// The saga behind the page.
    pub saga: SagaId,
    /// Which link of it; only the newest one opens.
    pub number: u32,
}

/// The pages of ours that a link opens: which one it is follows from the effect that names the link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LinkPage {
    /// Where an order is paid.
    #[default]
    Checkout,
    /// Where another card is given.
    Card,
    /// Where a subscription is cancelled.
    Cancel,
}

impl LinkPage {
    /// The first part of its path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Checkout => "checkout",
            Self::Card => "card",
            Self::Cancel => "cancel",
        }
    }
}
