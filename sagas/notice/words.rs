//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data.

use crate::kernel::answer::{SubscriptionSurvey, SubscriptionTerms};
use crate::kernel::effect::AttioRecord;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::telling::Told;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a subscription's notices can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The subscription is one of ours: its dates are kept from now on. Told again, it brings the settings of now.
    Watch {
        /// Which subscription.
        of: Of,
        /// The settings of now.
        terms: Box<Terms>,
    },
    /// Zoho says that something happened to the subscription. Not believed: it is read.
    Changed {
        /// What is said, for the record.
        source: String,
    },
    /// The customer wants it to end with what is paid for: the page that a notice leads to says so.
    CancelAsked {
        /// Number of the link.
        link: u32,
    },
}

/// Which subscription it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// Zoho subscription id.
    pub subscription: String,
}

/// The settings that notices are sent under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who tells customers.
    pub sender: Sender,
    /// What a card update runs under, in that flow's own words.
    pub card_link: Value,
}

/// Who tells customers what will be charged: one, so that nobody hears it twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// This service.
    Orchestrator,
    /// Zoho Billing, by its own e-mail settings.
    Zoho,
}

/// What a customer is told before money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The trial ends, and the first charge comes.
    TrialEnds,
    /// A term of half a year or more is renewed.
    Renews,
    /// The same costs another price from that charge on.
    PriceChanges,
    /// The card is not good any more on the day of the next charge.
    CardExpires,
    /// The same, once more.
    CardExpiresSoon,
}

impl Notice {
    /// All of them, in the order in which they are sent.
    pub const ALL: [Self; 5] =
        [Self::PriceChanges, Self::TrialEnds, Self::Renews, Self::CardExpires, Self::CardExpiresSoon];

    /// The word in references of letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TrialEnds => "trial",
            Self::Renews => "renewal",
            Self::PriceChanges => "price",
            Self::CardExpires => "card",
            Self::CardExpiresSoon => "card-soon",
        }
    }
}

/// The default card of the customer, as far as a notice names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Brand as Braintree writes it.
    pub brand: String,
    /// Last four digits.
    pub last_four: String,
    /// Its last good day.
    pub good_through: NaiveDate,
}

/// One notice of one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which.
    pub notice: Notice,
    /// The period: the day on which Zoho says that the charge comes (books zone).
    pub charge_on: NaiveDate,
    /// Its day had passed, or the charge itself.
    pub late: bool,
}

/// Why nothing is watched any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// None of ours, or with no collector on record.
    NotOurs,
    /// Zoho tells customers.
    ZohoTells,
    /// The subscription has ended.
    Ended,
}

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    NoticesBegun {
        of: Of,
        terms: Box<Terms>,
        at: DateTime<Utc>,
    },
    SettingsChanged {
        terms: Box<Terms>,
        at: DateTime<Utc>,
    },
    /// Something is said to have changed.
    ChangeHeard {
        source: String,
        at: DateTime<Utc>,
    },
    LookDue {
        at: DateTime<Utc>,
    },
    SubscriptionSurveyed {
        survey: Box<SubscriptionSurvey>,
    },
    TermsRead {
        terms: Box<SubscriptionTerms>,
        at: DateTime<Utc>,
    },
    /// Zoho does not know the subscription any more.
    SubscriptionGone {
        at: DateTime<Utc>,
    },
    /// The same will cost something else.
    PriceChangeSeen {
        from: Money,
        to: Money,
        charge_on: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Of a period that has begun, notices are missing: whether its money was taken is read.
    NoticesMissed {
        items: Vec<Item>,
        at: DateTime<Utc>,
    },
    InvoicesListed {
        /// What of the newest one is not taken; absent: nothing is owed on it.
        untaken: Option<Money>,
        at: DateTime<Utc>,
    },
    CustomerSurveyed {
        customer: Option<String>,
        braintree_customer: Option<String>,
        client: Option<AttioRecord>,
    },
    PersonRead,
    CardRead {
        /// The default card; absent: there is none whose end is known.
        card: Option<Card>,
    },
    /// Nothing is to be said before that instant.
    LookPlanned {
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    NoticeDue {
        item: Item,
        /// Nothing is charged before (UTC); absent: it comes in time.
        hold_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    NoticeSent {
        item: Item,
        /// What will be charged; absent: the notice speaks of no amount.
        amount: Option<Money>,
        hold_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    /// The mail server refuses the letter for good.
    NoticeBounced {
        item: Item,
        code: String,
        at: DateTime<Utc>,
    },
    /// No letter can be sent now, for a reason that passes: tried again.
    NoticePutOff {
        item: Item,
        code: String,
        again_at: DateTime<Utc>,
    },
    /// The money was taken, or nothing is to be taken any more: a notice would come after it.
    NoticePassedOver {
        item: Item,
        at: DateTime<Utc>,
    },
    /// The customer had the time to read what came late.
    HoldEnded {
        at: DateTime<Utc>,
    },
    CancellationAsked {
        link: u32,
        at: DateTime<Utc>,
    },
    /// The flow that ends subscriptions was told.
    CancellationOrdered,
    NoticesRested {
        why: Rest,
        at: DateTime<Utc>,
    },
    /// What the CRM team was told.
    #[serde(untagged)]
    Told(Told<Notice>),
}

crate::kernel::saga::event_names!(
    Event:
    NoticesBegun,
    SettingsChanged,
    ChangeHeard,
    LookDue,
    SubscriptionSurveyed,
    TermsRead,
    SubscriptionGone,
    PriceChangeSeen,
    NoticesMissed,
    InvoicesListed,
    CustomerSurveyed,
    PersonRead,
    CardRead,
    LookPlanned,
    NoticeDue,
    NoticeSent,
    NoticeBounced,
    NoticePutOff,
    NoticePassedOver,
    HoldEnded,
    CancellationAsked,
    CancellationOrdered,
    NoticesRested;
    Told
);
