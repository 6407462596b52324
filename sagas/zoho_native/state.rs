//! What a start that Zoho collects for remembers, and of the subscription afterwards.

use super::ZohoNative;
use super::words::{Act, After, Consent, LetterKind, Terms};
use crate::kernel::answer::{Enrolment, Request, Subscription, SubscriptionTerms, ZohoCustomer};
use crate::kernel::effect::{Claim, ClaimKind, SubscriptionFace};
use crate::kernel::ids::{Installation, SagaId, derive};
use crate::kernel::offer::Offer;
use crate::kernel::park::ParkCode;
use crate::kernel::quote::Quote;
use crate::kernel::telling::Owed;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) intake: Option<Intake>,
    pub(super) stage: Stage,
    /// The act that is being done: a pressed `Quote` waits for a `Start`.
    pub(super) act: Option<Act>,
    /// The newest press (UTC).
    pub(super) pressed_at: Option<DateTime<Utc>>,
    pub(super) facts: Facts,
    pub(super) quote: Option<Quote>,
    /// The day on which the quote was made (books zone).
    pub(super) quoted_on: Option<NaiveDate>,
    pub(super) link: Option<Link>,
    /// Links issued so far.
    pub(super) links: u32,
    /// Of the quote that stands.
    pub(super) consent: Option<Consent>,
    pub(super) made: Made,
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
    /// Nothing is done before (UTC).
    pub(super) sleep_until: Option<DateTime<Utc>>,
    /// Looks in a row that did not show what is awaited.
    pub(super) looks: u32,
    /// Claims that are held.
    pub(super) claims: Vec<Claim>,
    pub(super) counts: Counts,
    pub(super) letter_trouble: bool,
    pub(super) people: Owed<SubscriptionFace, LetterKind>,
    /// Why the last act was not carried out.
    pub(super) act_declined: Option<String>,
    /// An act on the record has no answer yet.
    pub(super) unanswered: bool,
}

/// How it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intake {
    pub(super) organization: String,
    pub(super) installation: Installation,
    pub(super) record: String,
    pub(super) act: Act,
    pub(super) pressed_at: DateTime<Utc>,
    pub(super) terms: Terms,
    /// By another program: no act stands on the record.
    pub(super) ordered: bool,
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

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) request: Option<Request>,
    pub(super) enrolment: Option<Enrolment>,
    /// Its links were read since others could have changed them.
    pub(super) enrolled: bool,
    /// Titles of what is missing of the person.
    pub(super) person: Option<Vec<String>>,
    pub(super) offer: Option<Offer>,
    /// The offer costs what was accepted, as read since.
    pub(super) price_stands: bool,
    pub(super) zoho_customer: Option<ZohoCustomer>,
    pub(super) subscriptions: Option<Vec<Subscription>>,
    /// Inactive customers at Zoho that carry our id, oldest first.
    pub(super) retired: Option<Vec<ZohoCustomer>>,
    pub(super) product_kept: bool,
}

/// A link that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) number: u32,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) remind_at: Option<DateTime<Utc>>,
    pub(super) opened: bool,
}

/// What this start made for the customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) zoho_customer: Option<String>,
    pub(super) zoho_linked: bool,
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
    /// Preparations of a quote, and of a page.
    pub(super) rounds: u32,
    pub(super) claims: u32,
    pub(super) pages: u32,
    pub(super) page_reads: u32,
    pub(super) lists: u32,
    pub(super) mirrors: u32,
    pub(super) told: u32,
}

impl State {
    /// This saga's id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.intake.as_ref().map(|i| ZohoNative::id(&i.record, i.pressed_at))
    }

    /// Our customer id.
    pub(super) fn customer(&self) -> Option<&str> {
        self.facts.enrolment.as_ref().map(|e| e.customer.as_str())
    }

    /// The customer's Zoho id, linked or just made.
    pub(super) fn zoho_customer(&self) -> Option<&str> {
        let linked = self.facts.enrolment.as_ref().and_then(|e| e.zoho_customer.as_deref());
        linked.or(self.made.zoho_customer.as_deref())
    }

    /// Our id of the subscription.
    pub(super) fn subscription(&self) -> Option<String> {
        let saga = self.saga()?.0.simple().to_string();
        Some(derive("subscription", &[&saga]).simple().to_string())
    }

    /// Our reference of the Zoho subscription: one for all pages, so that what is bought on any of them is found.
    pub(super) fn reference(&self) -> Option<String> {
        Some(self.intake.as_ref()?.installation.subscription_reference(self.saga()?, 1))
    }

    /// What is bought, for people.
    pub(super) fn title(&self) -> String {
        let asked = self.facts.request.as_ref().and_then(|r| r.plan.clone());
        self.facts.offer.as_ref().map(|o| o.plan.name.clone()).or(asked).unwrap_or_default()
    }

    /// The customer may be asked to buy: more than a price was wanted.
    pub(super) const fn goes_on(&self) -> bool {
        !matches!(self.act, None | Some(Act::Quote))
    }

    /// The press was on the record of a subscription that something else has made.
    pub(super) fn is_subscription_already(&self) -> bool {
        let request = self.facts.request.as_ref();
        request.is_some_and(|r| r.external_id.is_some() || r.zoho_subscription.is_some())
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

    /// Zoho's word for how the subscription stands.
    pub(super) fn status(&self) -> Option<&str> {
        let shown = self.mirror.as_ref().and_then(|mirror| mirror.terms.as_ref()).map(|terms| terms.status.as_str());
        shown.or_else(|| self.sold.as_ref().map(|sold| sold.subscription.status.as_str()))
    }

    /// The claim under which the customer at Zoho is made and used.
    pub(super) fn customer_claim(&self) -> Option<Claim> {
        Some(Claim { kind: ClaimKind::ZohoCustomer, key: self.customer()?.to_owned() })
    }

    /// The claims of that kind that are held.
    pub(super) fn held(&self, kind: ClaimKind) -> Vec<Claim> {
        self.claims.iter().filter(|claim| claim.kind == kind).cloned().collect()
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
