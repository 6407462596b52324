//! What happened to a start that Zoho collects for, and to the subscription afterwards, for a CRM or finance person. Names
//! and fields are in the log for ever.

use super::words::{Act, After, Consent, LetterKind, Terms};
use crate::kernel::answer::{Subscription, SubscriptionTerms};
use crate::kernel::effect::Claim;
use crate::kernel::ids::Installation;
use crate::kernel::park::ParkCode;
use crate::kernel::selling::Selling;
use crate::kernel::telling::Told;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    StartRequested {
        organization: String,
        installation: Installation,
        record: String,
        act: Act,
        pressed_at: DateTime<Utc>,
        terms: Box<Terms>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ordered: bool,
        at: DateTime<Utc>,
    },
    /// Prices are read anew.
    QuoteOutdated {
        at: DateTime<Utc>,
    },
    /// The customer accepted the quote and wants to buy.
    ConsentGiven {
        quote_hash: String,
        consent: Consent,
        at: DateTime<Utc>,
    },
    /// Read anew at the click, what is sold costs what was accepted.
    PriceStands,
    /// It costs something else by now: the customer sees that first.
    PriceChanged {
        released: Vec<Claim>,
    },
    /// Zoho's page is open. Its address stands in no event: who has it can buy.
    PageMade {
        page: String,
        expires_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// The time to look at the page has come, or the customer came back from it.
    PageLookDue,
    PageRead {
        page: String,
        /// Zoho's word.
        status: String,
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// Nothing can be bought on it any more, and nothing was.
    PageOver {
        page: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// Something was bought: it is looked for by our reference.
    PurchaseSeen {
        /// What tells so, e.g. `hosted page`.
        source: String,
        at: DateTime<Utc>,
    },
    PurchaseUnseen {
        again_at: DateTime<Utc>,
    },
    PurchaseFound {
        subscription: Box<Subscription>,
        /// Further live ones with our reference, oldest first.
        twins: Vec<String>,
        at: DateTime<Utc>,
    },
    /// Zoho collects it, on our record.
    SubscriptionLinked {
        subscription: String,
        zoho_subscription: String,
        released: Vec<Claim>,
        on: NaiveDate,
        at: DateTime<Utc>,
    },
    /// The time to look at the subscription has come, or Zoho says that something happened to it.
    MirrorDue,
    /// Who collects it, by our own tables.
    OwnerSurveyed {
        /// Zoho's own gateway still does.
        ours: bool,
        /// Another saga works on the subscription.
        busy: bool,
        at: DateTime<Utc>,
    },
    SubscriptionMirrored {
        terms: Box<SubscriptionTerms>,
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// A charge of Zoho's failed: its own dunning is at work.
    PaymentFailed {
        invoice: String,
        at: DateTime<Utc>,
    },
    /// Nothing is overdue any more.
    PaymentRecovered {
        invoice: String,
        at: DateTime<Utc>,
    },
    /// The invoice's own stream mirrors it.
    InvoiceTold {
        invoice: String,
    },
    /// The subscription's own stream adopts its end.
    EndTold,
    /// A person must look.
    StartHeld {
        code: ParkCode,
        detail: String,
        then: After,
        at: DateTime<Utc>,
    },
    StartResumed {
        at: DateTime<Utc>,
    },
    StartRefused {
        reason: String,
        cure: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    CancellationOrdered {
        reason: String,
        at: DateTime<Utc>,
    },
    /// Nobody bought it in time.
    LinkExpired {
        at: DateTime<Utc>,
    },
    /// Over, with nothing bought.
    StartClosed {
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// The subscription has ended.
    SubscriptionOver {
        /// Zoho's word.
        status: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// Somebody else collects it from now on.
    HandedOver {
        at: DateTime<Utc>,
    },
    /// What people were told.
    #[serde(untagged)]
    Told(Told<LetterKind>),
    /// What every sale says.
    #[serde(untagged)]
    Selling(Selling),
}

impl From<Selling> for Event {
    fn from(event: Selling) -> Self {
        Self::Selling(event)
    }
}

crate::kernel::saga::event_names!(
    Event: StartRequested, QuoteOutdated, ConsentGiven, PriceStands, PriceChanged, PageMade, PageLookDue, PageRead,
    PageOver, PurchaseSeen, PurchaseUnseen, PurchaseFound, SubscriptionLinked, MirrorDue, OwnerSurveyed,
    SubscriptionMirrored, PaymentFailed, PaymentRecovered, InvoiceTold, EndTold, StartHeld, StartResumed,
    StartRefused, CancellationOrdered, LinkExpired, StartClosed, SubscriptionOver, HandedOver;
    Told, Selling
);
