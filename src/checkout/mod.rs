//! The pages of customers: where an order is paid, and where another card is given. What they see behind a link, and the
//! words for it. Pure: it turns a [`View`] into HTML.
//!
//! It knows no saga, store or vendor. The service implements [`Desk`] on top of those; `http::checkout` has the routes.
//! No card number ever comes here: the card fields are frames of the vendor's.

mod cancel;
mod card;
mod page;
pub mod policy;
mod texts;

pub use crate::locale::Locale;
pub use cancel::{CancelDesk, CancelStage, CancelView};
pub use page::{ASSETS, Asset, Page};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::money::Money;
use secrecy::SecretString;
use std::net::IpAddr;

/// Version of the consent's text in `texts/`: a change of its meaning is a new one.
pub const CONSENT_VERSION: &str = "2026-11";

/// Who answers for a checkout link. `token` is the text in the link, unread: reading it is the desk's duty.
#[async_trait]
pub trait Desk: Send + Sync {
    /// What the customer sees now.
    async fn view(&self, token: &str) -> Result<View, Problem>;

    /// Notes that the page was opened, for the record. Nothing depends on it.
    async fn opened(&self, token: &str);

    /// Takes the customer's word, and says where that led: [`Stage::Confirming`] while the outcome is unknown,
    /// [`Stage::Replaced`] where another quote stands by now. A second submission of the same link gives the first's state.
    async fn submit(&self, token: &str, submission: Submission) -> Result<View, Problem>;

    /// A client token for the card fields, fresh for this page.
    async fn client_token(&self, token: &str) -> Result<SecretString, Problem>;

    /// What 3-D Secure is begun with, on a page whose bank wants it; for a card on file, named by [`CardOnFile::id`], with
    /// a nonce that stands for it.
    async fn authentication(&self, token: &str, card_on_file: Option<&str>) -> Result<Authentication, Problem>;

    /// The page of who collects where it is open, and the customer has agreed: there the link leads.
    async fn onward(&self, _token: &str) -> Result<Option<SecretString>, Problem> {
        Ok(None)
    }

    /// Takes the customer's word on a page without a card form, and says where it goes on; none: it is being made, or
    /// something else stands by now, which the page says.
    async fn accept(&self, _token: &str, _acceptance: Acceptance) -> Result<Option<SecretString>, Problem> {
        Err(Problem::Refused("it goes on right here".to_owned()))
    }

    /// The customer has come back from the page of who collects.
    async fn returned(&self, _token: &str) -> Result<(), Problem> {
        Ok(())
    }
}

/// A customer's word on a page without a card form.
#[derive(Debug)]
pub struct Acceptance {
    pub quote_hash: String,
    pub consent_version: String,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// Why there is no view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The link was never made here, or not in this form.
    #[error("the link is not one of ours")]
    Forged,
    /// The submission does not fit the page that is shown, e.g. it lacks the consent.
    #[error("the submission was refused: {0}")]
    Refused(String),
    /// Nothing can be taken for some minutes: after a restore it is first found out what was lost.
    #[error("the checkout is closed for a few minutes")]
    Held,
    /// We cannot say now. Nothing was decided.
    #[error("the checkout cannot be reached")]
    Unavailable,
}

/// All that the page shows.
#[derive(Debug, Clone)]
pub struct View {
    pub stage: Stage,
    /// The quote that stands; after the payment, the one that was paid. Absent where none was made yet.
    pub quote: Option<Quote>,
    /// The customer's name, as the company writes it.
    pub customer: String,
    /// Usable cards of this customer; the first is offered first.
    pub cards_on_file: Vec<CardOnFile>,
    /// BCP 47, e.g. `de-AT`; absent: the browser's wish counts.
    pub locale: Option<String>,
    /// The page on which another card is given, and nothing is ordered; absent: an order is paid.
    pub card: Option<CardPage>,
    /// It is paid on the page of who collects: where the customer's word goes; absent: it is paid right here.
    pub elsewhere: Option<String>,
}

/// The page on which a customer gives another card.
#[derive(Debug, Clone, Default)]
pub struct CardPage {
    /// What the customer is asked to agree to; absent where no card can be given now.
    pub offer: Option<CardOffer>,
}

/// What a customer agrees to who gives another card.
#[derive(Debug, Clone)]
pub struct CardOffer {
    /// The card on file; absent: there is none.
    pub on_file: Option<CardOnFile>,
    /// What is owed, and charged to the new card at once.
    pub owed: Option<Money>,
    /// Proof of what was shown: comes back with the submission.
    pub hash: String,
    /// Version of the text that the customer agrees to; comes back with the submission.
    pub consent_version: String,
    pub expires_at: DateTime<Utc>,
}

impl View {
    /// Proof of what is shown to be agreed to.
    pub fn hash(&self) -> Option<&str> {
        match &self.card {
            Some(page) => page.offer.as_ref().map(|offer| offer.hash.as_str()),
            None => self.quote.as_ref().map(|quote| quote.hash.as_str()),
        }
    }
}

/// Where the link stands.
#[derive(Debug, Clone)]
pub enum Stage {
    /// A quote is being made.
    Preparing,
    /// Waits for the customer.
    Quoted,
    /// As [`Stage::Quoted`], with another quote than the one shown before.
    Replaced,
    /// The bank declined, or the card's details were not kept long enough: the customer may try again.
    Declined { advice: Advice },
    /// The bank wants to hear from the card's holder: 3-D Secure comes before the next submission.
    NeedsAuthentication,
    /// Submitted; the outcome is not known yet.
    Confirming,
    /// Too many declines.
    LockedUntil { at: DateTime<Utc> },
    /// Money was taken.
    Paid(Receipt),
    /// Started without money: a trial, a later start, or nothing due.
    Started,
    /// Bought on the page of who collects, and running.
    Active,
    /// Another card is charged from now on.
    Changed(CardChange),
    /// The link's time is over.
    Expired,
    /// The link was withdrawn or replaced by a newer one.
    Revoked,
    /// Called off before anything was taken.
    Cancelled,
    /// It cannot be done; nothing was taken, or it was given back.
    Failed,
}

/// What a declined customer should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// The bank said no: use another card or ask the bank.
    AnotherCard,
    /// The card's details are gone before they were used: enter them again.
    EnterAgain,
}

/// What is offered. All amounts are of one currency.
#[derive(Debug, Clone)]
pub struct Quote {
    pub lines: Vec<Line>,
    pub tax: Tax,
    /// With tax as far as known.
    pub due_today: Money,
    /// The most that can be charged today under this quote.
    pub ceiling: Money,
    pub renewal: Option<Renewal>,
    /// First day that costs.
    pub trial_end: Option<NaiveDate>,
    /// Proof of what was shown: comes back with the submission.
    pub hash: String,
    pub expires_at: DateTime<Utc>,
    /// Version of the text that the customer agrees to; comes back with the submission.
    pub consent_version: String,
}

/// A line of the quote.
#[derive(Debug, Clone)]
pub struct Line {
    pub text: String,
    /// Before tax; negative for a discount.
    pub amount: Money,
}

/// Tax on what is due today.
#[derive(Debug, Clone, Copy)]
pub enum Tax {
    /// Exactly so much, within `due_today`.
    Known(Money),
    /// Not known yet: at most so much, on top of `due_today`.
    UpTo(Money),
}

/// What comes after today.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// With tax.
    pub amount: Money,
    /// Every so many units; at least 1.
    pub every: u32,
    pub unit: Unit,
    /// The next time.
    pub on: NaiveDate,
}

/// Unit of a billing interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Day,
    Week,
    Month,
    Year,
}

/// A card that is stored at the vendor.
#[derive(Debug, Clone)]
pub struct CardOnFile {
    /// Ours, not the vendor's token.
    pub id: String,
    pub brand: String,
    pub last_four: String,
}

/// Which card took over from which.
#[derive(Debug, Clone)]
pub struct CardChange {
    /// The card that is charged from now on.
    pub card: CardOnFile,
    /// The one before; absent where there was none, or it is the same one.
    pub before: Option<CardOnFile>,
    /// What was owed and is charged to it now.
    pub owed: Option<Money>,
}

/// What the customer keeps.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub amount: Money,
    pub paid_on: NaiveDate,
    /// What support asks for.
    pub reference: String,
    /// Absent where no card was charged.
    pub card: Option<CardOnFile>,
}

/// What the customer sends. Its `Debug` shows no nonce.
#[derive(Debug)]
pub struct Submission {
    pub quote_hash: String,
    pub consent_version: String,
    pub instrument: Instrument,
    /// Braintree's device data, for its fraud tools.
    pub device_data: Option<String>,
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// With what is paid. That the customer authenticated is the page's word: it is checked by the gateway.
#[derive(Debug)]
pub enum Instrument {
    /// A card that was just entered; good for one use.
    Nonce { nonce: SecretString, authenticated: bool },
    /// [`CardOnFile::id`], and the nonce of it with which the customer authenticated.
    OnFile { id: String, authenticated: Option<SecretString> },
}

/// What 3-D Secure is begun with. Its `Debug` shows no nonce.
#[derive(Debug)]
pub struct Authentication {
    /// What the bank shows: the most that can be charged today; where that is nothing, the first charge to come.
    pub amount: Money,
    /// The address to which the link was sent: banks ask for it.
    pub email: Option<String>,
    /// Stands for the card on file; absent for a card that is entered.
    pub card: Option<CardNonce>,
}

/// A nonce of a card on file, good for one use.
#[derive(Debug)]
pub struct CardNonce {
    pub nonce: SecretString,
    /// The first digits of the number, which name the bank.
    pub bin: Option<String>,
}

impl Stage {
    /// A stable word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Quoted => "quoted",
            Self::Replaced => "replaced",
            Self::Declined { .. } => "declined",
            Self::NeedsAuthentication => "needs_authentication",
            Self::Confirming => "confirming",
            Self::LockedUntil { .. } => "locked",
            Self::Paid(_) => "paid",
            Self::Started => "started",
            Self::Active => "active",
            Self::Changed(_) => "changed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// Whether a card can be given now.
    pub fn takes_card(&self) -> bool {
        match self {
            Self::Quoted | Self::Replaced | Self::Declined { .. } | Self::NeedsAuthentication => true,
            Self::Preparing
            | Self::Confirming
            | Self::LockedUntil { .. }
            | Self::Paid(_)
            | Self::Started
            | Self::Active
            | Self::Changed(_)
            | Self::Expired
            | Self::Revoked
            | Self::Cancelled
            | Self::Failed => false,
        }
    }
}
