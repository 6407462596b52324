//! What mails say, typed per template. Amounts come formatted for the reader; dates are formatted by the template. No card
//! data but brand and last four, no name: the reader's name is the address's.

use chrono::NaiveDate;
use clap::ValueEnum;
use serde::{Serialize, Serializer};
use url::Url;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Template {
    /// A quote and the link to its checkout page
    CheckoutLink,
    /// The link was not used yet, and ends soon
    CheckoutReminder,
    /// A payment was taken
    Receipt,
    /// A subscription was set up with nothing due today
    Started,
    /// The subscription could not be set up; nothing was charged
    ActivationFailed,
    /// The card was declined for an invoice
    PaymentFailed,
    /// The link to the page for another card
    CardLink,
    /// Another card is charged from now on
    CardChanged,
    /// Money was given back
    Refund,
    /// The bank wants the customer to authenticate
    AuthenticationNeeded,
    /// The last attempt failed; the invoice stays open
    LastNotice,
    /// A trial ends, and the first charge comes
    TrialEnds,
    /// A long term is renewed
    Renews,
    /// The same costs another price
    PriceChanges,
    /// The card expires before the next charge
    CardExpires,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::CheckoutLink,
        Self::CheckoutReminder,
        Self::Receipt,
        Self::Started,
        Self::ActivationFailed,
        Self::PaymentFailed,
        Self::CardLink,
        Self::CardChanged,
        Self::Refund,
        Self::AuthenticationNeeded,
        Self::LastNotice,
        Self::TrialEnds,
        Self::Renews,
        Self::PriceChanges,
        Self::CardExpires,
    ];

    /// Its name in files, on the command line and in the outbox.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckoutLink => "checkout_link",
            Self::CheckoutReminder => "checkout_reminder",
            Self::Receipt => "receipt",
            Self::Started => "started",
            Self::ActivationFailed => "activation_failed",
            Self::PaymentFailed => "payment_failed",
            Self::CardLink => "card_link",
            Self::CardChanged => "card_changed",
            Self::Refund => "refund",
            Self::AuthenticationNeeded => "authentication_needed",
            Self::LastNotice => "last_notice",
            Self::TrialEnds => "trial_ends",
            Self::Renews => "renews",
            Self::PriceChanges => "price_changes",
            Self::CardExpires => "card_expires",
        }
    }
}

/// A template with all that it needs. No `Debug`: links open doors.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum Facts {
    CheckoutLink(Checkout),
    CheckoutReminder(Checkout),
    Receipt(Receipt),
    Started(Started),
    ActivationFailed(ActivationFailed),
    PaymentFailed(PaymentFailed),
    CardLink(CardLink),
    CardChanged(CardChanged),
    Refund(Refund),
    AuthenticationNeeded(PaymentFailed),
    LastNotice(PaymentFailed),
    TrialEnds(ComingCharge),
    Renews(ComingCharge),
    PriceChanges(ComingCharge),
    CardExpires(CardExpires),
}

impl Facts {
    /// Which template they are for.
    pub const fn template(&self) -> Template {
        match self {
            Self::CheckoutLink(_) => Template::CheckoutLink,
            Self::CheckoutReminder(_) => Template::CheckoutReminder,
            Self::Receipt(_) => Template::Receipt,
            Self::Started(_) => Template::Started,
            Self::ActivationFailed(_) => Template::ActivationFailed,
            Self::PaymentFailed(_) => Template::PaymentFailed,
            Self::CardLink(_) => Template::CardLink,
            Self::CardChanged(_) => Template::CardChanged,
            Self::Refund(_) => Template::Refund,
            Self::AuthenticationNeeded(_) => Template::AuthenticationNeeded,
            Self::LastNotice(_) => Template::LastNotice,
            Self::TrialEnds(_) => Template::TrialEnds,
            Self::Renews(_) => Template::Renews,
            Self::PriceChanges(_) => Template::PriceChanges,
            Self::CardExpires(_) => Template::CardExpires,
        }
    }
}

/// An offer that waits for the customer.
#[derive(Clone, Serialize)]
pub struct Checkout {
    /// The plan's name.
    pub plan: String,
    /// Due today, tax included.
    pub due_today: String,
    /// What follows; absent: nothing renews by itself.
    pub renewal: Option<Renewal>,
    /// The customer's own link to the checkout page.
    #[serde(serialize_with = "url")]
    pub link: Url,
    /// The last day on which the link works.
    pub valid_until: NaiveDate,
}

/// The next charge.
#[derive(Clone, Serialize)]
pub struct Renewal {
    /// Tax included.
    pub amount: String,
    /// On which day.
    pub on: NaiveDate,
}

/// A card as people name it.
#[derive(Clone, Serialize)]
pub struct Card {
    /// `Visa`, `Mastercard` …
    pub brand: String,
    /// The number's last four digits.
    pub last_four: String,
}

/// A payment that was taken.
#[derive(Clone, Serialize)]
pub struct Receipt {
    /// The plan's name.
    pub plan: String,
    /// The invoice's number.
    pub invoice: String,
    /// Charged, tax included.
    pub amount: String,
    /// The tax in it; absent: none was charged.
    pub tax: Option<String>,
    /// The day of the charge.
    pub paid_on: NaiveDate,
    /// What was charged.
    pub card: Card,
    /// What follows; absent: nothing renews by itself.
    pub renewal: Option<Renewal>,
}

/// A subscription that was set up with nothing due today.
#[derive(Clone, Serialize)]
pub struct Started {
    /// The plan's name.
    pub plan: String,
    /// The day on which it was set up.
    pub on: NaiveDate,
    /// What later charges go to; absent: none is on file.
    pub card: Option<Card>,
    /// The first charge; absent: none follows by itself.
    pub renewal: Option<Renewal>,
}

/// A subscription that could not be set up and was undone.
#[derive(Clone, Serialize)]
pub struct ActivationFailed {
    /// The plan's name.
    pub plan: String,
    /// An authorisation on the card that was released; absent: there was none.
    pub released: Option<Released>,
    /// Where the customer can try again; absent: we get in touch.
    #[serde(serialize_with = "url_if_any")]
    pub link: Option<Url>,
}

/// An authorisation that was released before it became a charge.
#[derive(Clone, Serialize)]
pub struct Released {
    /// How much.
    pub amount: String,
    /// On which card.
    pub card: Card,
}

/// An invoice whose charge was declined.
#[derive(Clone, Serialize)]
pub struct PaymentFailed {
    /// The invoice's number.
    pub invoice: String,
    /// Still owed, tax included.
    pub amount: String,
    /// What was declined; absent: there is no card.
    pub card: Option<Card>,
    /// When the card is charged again by itself; absent: not before the customer acted.
    pub next_attempt: Option<NaiveDate>,
    /// Where the customer gives another card.
    #[serde(serialize_with = "url")]
    pub link: Url,
    /// The last day of the link.
    pub valid_until: NaiveDate,
}

/// A charge that is to come.
#[derive(Clone, Serialize)]
pub struct ComingCharge {
    /// What is paid for.
    pub plan: String,
    /// Tax included.
    pub amount: String,
    /// What it has cost; absent: as much.
    pub before: Option<String>,
    /// On which day.
    pub on: NaiveDate,
    /// Where the customer cancels it.
    #[serde(serialize_with = "url")]
    pub link: Url,
}

/// For [`Template::CardExpires`].
#[derive(Clone, Serialize)]
pub struct CardExpires {
    /// The card on file.
    pub card: Card,
    /// Its last good day.
    pub good_through: NaiveDate,
    /// The day of the next charge.
    pub charge_on: NaiveDate,
    /// The customer's own link to the page for another card.
    #[serde(serialize_with = "url")]
    pub link: Url,
    /// The last day of the link.
    pub valid_until: NaiveDate,
}

/// For [`Template::CardLink`].
#[derive(Clone, Serialize)]
pub struct CardLink {
    /// The card on file; absent: there is none.
    pub card: Option<Card>,
    /// What is owed and charged to the new card at once.
    pub owed: Option<String>,
    /// The customer's own link to the page for another card.
    #[serde(serialize_with = "url")]
    pub link: Url,
    /// The last day of the link.
    pub valid_until: NaiveDate,
}

/// For [`Template::CardChanged`].
#[derive(Clone, Serialize)]
pub struct CardChanged {
    /// The card that is charged from now on.
    pub card: Card,
    /// The one before; absent: there was none.
    pub before: Option<Card>,
    /// Both are the same card, given once more.
    pub same: bool,
    /// What is owed and is charged to it now.
    pub owed: Option<String>,
}

/// Money that was given back.
#[derive(Clone, Serialize)]
pub struct Refund {
    /// The invoice's number.
    pub invoice: String,
    /// How much.
    pub amount: String,
    /// The day on which the bank was told.
    pub on: NaiveDate,
    /// To which card; absent: not known.
    pub card: Option<Card>,
    /// The charge was called off before it was settled.
    pub voided: bool,
}

fn url<S: Serializer>(url: &Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(url.as_str())
}

#[expect(clippy::ref_option, reason = "the shape that serde calls it with")]
fn url_if_any<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(Url::as_str).serialize(serializer)
}
