//! What a start that Zoho collects for remembers, and of the subscription afterwards.

use super::ZohoNative;
use super::words::{After, Consent, LetterKind, Terms};
use crate::kernel::answer::{Subscription, SubscriptionTerms};
use crate::kernel::effect::SubscriptionFace;
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::selling::Sale;
use crate::kernel::telling::Owed;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) sale: Sale<Terms>,
    pub(super) stage: Stage,
    /// Of the quote that stands.
    pub(super) consent: Option<Consent>,
    /// The offer costs what was accepted, as read since.
    pub(super) price_stands: bool,
    /// Zoho's newest page.
    pub(super) page: Option<OpenPage>,
    /// Zoho customer id for whom the last page was made.
    pub(super) paged: Option<String>,
    /// Called off, or too late, while a page may still be bought on: what it ends as once that page is over.
    pub(super) closing: Option<Closing>,
    /// What Zoho sold by our reference.
    pub(super) sold: Option<Sold>,
    /// What Zoho shows of it.
    pub(super) mirror: Option<Mirror>,
    pub(super) counts: Counts,
    pub(super) letter_trouble: bool,
    pub(super) people: Owed<SubscriptionFace, LetterKind>,
}

/// The stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// Request, customer, offer: what a quote rests on.
    Preparing,
    /// The price is shown; a `Start` is awaited.
    Quoted,
    /// The link is out; the customer is awaited.
    LinkOut,
    /// The customer accepted: Zoho's page is made.
    Opening,
    /// Zoho's page is open.
    PageOut,
    /// Something was bought: it is looked for.
    Confirming,
    /// It is linked with our record.
    Linking,
    /// It runs, and Zoho collects it.
    Running,
    /// A person must look.
    Held {
        code: ParkCode,
        detail: String,
        then: After,
    },
    Over {
        ending: Ending,
        reason: String,
        cure: String,
    },
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    /// The subscription has ended.
    Ended,
    /// Somebody else collects it.
    HandedOver,
    Refused,
    Expired,
    Cancelled,
    /// The record asks for something else by now.
    Outdated,
}

/// Zoho's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenPage {
    pub(super) id: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) expires_at: DateTime<Utc>,
    /// The customer is sent to it; a new one is made where it is not.
    pub(super) usable: bool,
    /// The next look (UTC).
    pub(super) look_at: DateTime<Utc>,
    /// Its time has come.
    pub(super) due: bool,
}

/// How it ends once the page is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closing {
    pub(super) ending: Ending,
    pub(super) reason: String,
}

/// What Zoho sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sold {
    pub(super) subscription: Subscription,
    /// Further live ones with our reference.
    pub(super) twins: Vec<String>,
    /// It is on our record.
    pub(super) linked_on: Option<NaiveDate>,
}

/// What Zoho shows of what it sold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mirror {
    /// The next look (UTC); absent: now.
    pub(super) look_at: Option<DateTime<Utc>>,
    /// Our own tables were asked since.
    pub(super) surveyed: bool,
    pub(super) terms: Option<SubscriptionTerms>,
    /// Zoho invoice id of the newest one whose own stream knows of it.
    pub(super) told: Option<String>,
    /// Zoho invoice id of a charge that failed.
    pub(super) past_due: Option<String>,
    /// The subscription's own stream knows of its end.
    pub(super) end_told: bool,
}

/// How often something was done in this saga: tells repeated steps apart.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) pages: u32,
    pub(super) page_reads: u32,
    pub(super) lists: u32,
    pub(super) mirrors: u32,
    pub(super) told: u32,
}

impl State {
    /// This saga's id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.sale.intake.as_ref().map(|i| ZohoNative::id(&i.record, i.pressed_at))
    }

    /// Our id of the subscription.
    pub(super) fn subscription(&self) -> Option<String> {
        Some(self.saga()?.subscription())
    }

    /// Our reference of the Zoho subscription: one for all pages, so that what is bought on any of them is found.
    pub(super) fn reference(&self) -> Option<String> {
        Some(self.sale.intake.as_ref()?.installation.subscription_reference(self.saga()?, 1))
    }

    /// The subscription is on our record: after that there is only forward.
    pub(super) fn is_linked(&self) -> bool {
        self.sold.as_ref().is_some_and(|sold| sold.linked_on.is_some())
    }

    /// The page that the customer is sent to.
    pub(super) fn usable_page(&self, now: DateTime<Utc>) -> Option<&OpenPage> {
        let open = self.stage == Stage::PageOut && self.closing.is_none();
        self.page.as_ref().filter(|page| open && page.usable && page.expires_at > now)
    }

    /// It is due to be read, and was not yet.
    pub(super) fn reads_page(&self) -> bool {
        self.stage == Stage::PageOut && self.page.as_ref().is_some_and(|page| page.due)
    }

    /// Zoho's word for how the subscription stands.
    pub(super) fn status(&self) -> Option<&str> {
        let shown = self.mirror.as_ref().and_then(|mirror| mirror.terms.as_ref()).map(|terms| terms.status.as_str());
        shown.or_else(|| self.sold.as_ref().map(|sold| sold.subscription.status.as_str()))
    }
}

/// What Zoho's word says of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It runs, and nothing is wrong.
    Runs,
    /// It runs, and costs nothing yet.
    Waits,
    /// It ends with its term.
    Ending,
    /// A charge failed: Zoho's own dunning is at work.
    PastDue,
    /// Zoho could not begin it.
    Failed,
    Over,
    /// A word that is not known.
    Unknown,
}

impl Life {
    pub(super) fn of(status: &str) -> Self {
        match status {
            "live" => Self::Runs,
            "trial" | "future" | "paused" => Self::Waits,
            "non_renewing" => Self::Ending,
            "dunning" | "unpaid" | "payment_declined" => Self::PastDue,
            "creation_failed" => Self::Failed,
            "cancelled" | "cancelled_from_dunning" | "expired" | "trial_expired" => Self::Over,
            _ => Self::Unknown,
        }
    }

    /// Nothing more is collected for it.
    pub(super) const fn is_over(self) -> bool {
        matches!(self, Self::Failed | Self::Over)
    }
}
