//! What happens while something is sold, whoever collects it. Names and fields are in the log for ever, and none carries
//! personal data.

use crate::kernel::act::Act;
use crate::kernel::answer::{Enrolment, Request, Subscription, ZohoCustomer};
use crate::kernel::effect::Claim;
use crate::kernel::offer::Offer;
use crate::kernel::quote::Quote;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// These are events of every flow that sells, beside its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Selling {
    /// Another act was pressed while it runs.
    ActPressed {
        act: Act,
        pressed_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// That act cannot be carried out any more; the record says why.
    ActDeclined {
        act: Act,
        reason: String,
        at: DateTime<Utc>,
    },
    RequestRead {
        request: Box<Request>,
    },
    /// The record shows another act, or none: there is nothing to do.
    PressOutdated,
    CustomerEnrolled {
        enrolment: Box<Enrolment>,
    },
    PersonChecked {
        missing: Vec<String>,
        country: Option<String>,
    },
    ClaimsTaken {
        claims: Vec<Claim>,
    },
    /// Another saga holds what is needed.
    ClaimBusy {
        held: String,
        again_at: DateTime<Utc>,
    },
    /// Another saga keeps the customer's product: a trial gives way, anything else does not.
    ProductKept,
    OfferRead {
        offer: Box<Offer>,
    },
    ZohoCustomerRead {
        customer: Box<ZohoCustomer>,
    },
    SubscriptionsRead {
        subscriptions: Vec<Subscription>,
    },
    QuoteMade {
        quote: Box<Quote>,
        made_on: NaiveDate,
        at: DateTime<Utc>,
    },
    LinkIssued {
        number: u32,
        expires_at: DateTime<Utc>,
        remind_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    LinkOpened {
        number: u32,
        at: DateTime<Utc>,
    },
    ReminderDue {
        number: u32,
    },
    /// Inactive ones at Zoho that carry our id, oldest first.
    RetiredCustomersFound {
        customers: Vec<ZohoCustomer>,
    },
    RetiredCustomerGone {
        customer: String,
    },
    ZohoCustomerRevived {
        customer: String,
    },
    ZohoCustomerMade {
        customer: String,
    },
    ZohoCustomerLinked,
    /// The subscription has ended: the product is not kept any more.
    ProductReleased {
        claim: Claim,
    },
    WaitOver,
}

crate::kernel::saga::event_names!(shared Selling:
    ActPressed, ActDeclined, RequestRead, PressOutdated, CustomerEnrolled, PersonChecked, ClaimsTaken, ClaimBusy, ProductKept,
    OfferRead, ZohoCustomerRead, SubscriptionsRead, QuoteMade, LinkIssued, LinkOpened, ReminderDue, RetiredCustomersFound,
    RetiredCustomerGone, ZohoCustomerRevived, ZohoCustomerMade, ZohoCustomerLinked, ProductReleased, WaitOver
);

impl Selling {
    /// When it happened, for the events that people see something of.
    pub(crate) const fn seen_at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::ActPressed { at, .. }
            | Self::ActDeclined { at, .. }
            | Self::QuoteMade { at, .. }
            | Self::LinkIssued { at, .. }
            | Self::LinkOpened { at, .. } => Some(*at),
            _ => None,
        }
    }
}
