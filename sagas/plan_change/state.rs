//! What a plan change remembers.

use super::preview::Preview;
use super::words::{After, Ask, Basis, Capture, Consent, Demand, Hold, LetterKind, Of, Terms, Wanted};
use crate::kernel::answer::{CustomerSurvey, Invoice, Method, SubscriptionSurvey, SubscriptionTerms};
use crate::kernel::effect::{Claim, ClaimKind, PlanFace, PressedAct};
use crate::kernel::ids::SagaId;
use crate::kernel::offer::Offer;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::Owed;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Where a plan change stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) of: Option<Of>,
    pub(super) ask: Option<Ask>,
    pub(super) terms: Option<Terms>,
    pub(super) stage: Stage,
    /// Nobody ordered it: what others changed is adopted.
    pub(super) adopting: bool,
    pub(super) asked_at: Option<DateTime<Utc>>,
    pub(super) survey: Option<SubscriptionSurvey>,
    pub(super) customer: Option<CustomerSurvey>,
    pub(super) wanted: Option<Wanted>,
    /// Workspace member who is told what happens.
    pub(super) owner: Option<String>,
    /// The subscription as it was read last.
    pub(super) is: Option<SubscriptionTerms>,
    pub(super) offer: Option<Offer>,
    pub(super) preview: Option<Preview>,
    pub(super) acceptance: Option<Acceptance>,
    pub(super) acceptances: u32,
    pub(super) claims: Vec<Claim>,
    /// Zoho invoice ids of before the change.
    pub(super) raised: Vec<String>,
    pub(super) method: Option<Method>,
    pub(super) order_id: String,
    /// Holds and sales: order ids never repeat.
    pub(super) orders: u32,
    /// The charge under the present order id is counted, and neither spent nor given back.
    pub(super) counted: bool,
    pub(super) declines: u32,
    pub(super) advice: Option<Advice>,
    pub(super) hold: Option<Hold>,
    /// The last transaction that held something, standing or not.
    pub(super) last_hold: Option<String>,
    /// Holds that were given up as never made, and may still show up.
    pub(super) watches: Vec<Watch>,
    /// Holds that did, and are being released.
    pub(super) late: Vec<Hold>,
    /// Transactions that are voided before anything else is done.
    pub(super) voids: Vec<String>,
    /// Zoho has made the change.
    pub(super) changed: bool,
    /// The hold is gone: what is owed is sold.
    pub(super) sell_anew: bool,
    /// Zoho invoice id of what the change is charged by.
    pub(super) invoice: Option<String>,
    /// As read just before the capture.
    pub(super) fresh: Option<Invoice>,
    pub(super) demand: Option<Demand>,
    /// A person has seen to it that no invoice comes.
    pub(super) seen_to: bool,
    pub(super) capture: Option<Capture>,
    pub(super) reversed: bool,
    pub(super) undoing: Option<Undoing>,
    /// Nothing is done before (UTC).
    pub(super) sleep_until: Option<DateTime<Utc>>,
    /// Looks in a row that did not show what is awaited.
    pub(super) looks: u32,
    /// Calls that are over, but for those that tell people.
    pub(super) calls: u32,
    /// The newest press (UTC).
    pub(super) pressed_at: Option<DateTime<Utc>>,
    /// An act on the record has no answer yet.
    pub(super) unanswered: Option<PressedAct>,
    pub(super) people: Owed<PlanFace, LetterKind>,
}

/// The stages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// Whose it is.
    Surveying,
    /// What the record asks for.
    Asking,
    /// What is sold now.
    Reading,
    /// Who pays.
    Paying,
    /// What the wanted plan costs.
    Offering,
    /// All is read: the preview follows.
    Pricing,
    /// Acceptance is awaited until.
    Previewed {
        until: DateTime<Utc>,
    },
    /// Accepted: nobody else works on the subscription.
    Fencing,
    /// It is still what was previewed.
    Checking,
    /// Nothing of it is owed.
    Listing,
    Carding,
    Counting,
    Holding,
    Changing,
    /// The new invoice is looked for.
    Looking,
    Claiming,
    Weighing,
    Capturing,
    /// The invoice's stream is to take the capture over.
    HandingOver,
    /// The invoice's stream records.
    AwaitingRecord {
        until: DateTime<Utc>,
    },
    /// The customer is asked for more than was accepted.
    Demanding {
        until: DateTime<Utc>,
    },
    /// It is read whether what is above the ceiling was settled.
    Settling,
    /// The invoice's stream is told to look.
    Telling,
    /// The end of the term is awaited.
    Scheduled {
        until: DateTime<Utc>,
    },
    /// It is read whether the scheduled change took effect.
    Effecting,
    /// It is read whether an unanswered change was made.
    Rechecking,
    /// A person must look.
    Held {
        code: ParkCode,
        detail: String,
        then: After,
    },
    /// Nothing is missing: the end follows.
    Finishing,
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
    Changed,
    Withdrawn,
    /// A scheduled change was taken back, or replaced.
    Dropped,
    Adopted,
    Mirrored,
    Refused,
    Lapsed,
    Failed,
    Cancelled,
}

/// What the customer agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Acceptance {
    pub(super) number: u32,
    pub(super) consent: Consent,
    pub(super) basis: Basis,
}

/// What a failed try asks of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Advice {
    AnotherCard,
    Authenticate,
    NotConfirmed,
}

/// A hold that was given up as never made: looked for by its order id for as long as an unknown outcome is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) order_id: String,
    /// Given up (UTC).
    pub(super) since: DateTime<Utc>,
    /// The next look (UTC).
    pub(super) next_look: DateTime<Utc>,
    /// Its time has come.
    pub(super) due: bool,
}

/// Why all is undone, and how it ends then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Undoing {
    pub(super) reason: String,
    pub(super) cure: String,
    pub(super) ending: Ending,
}

impl State {
    /// This saga's id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        let of = self.of.as_ref()?;
        Some(match &self.ask {
            Some(ask) => super::PlanChange::id(&of.organization, &of.subscription, &ask.key),
            None => super::PlanChange::adoption(&of.organization, &of.subscription),
        })
    }

    /// Zoho subscription id.
    pub(super) fn subscription(&self) -> &str {
        self.of.as_ref().map_or("", |of| of.subscription.as_str())
    }

    /// The record in Attio.
    pub(super) fn record(&self) -> Option<&str> {
        let pressed = self.ask.as_ref().and_then(|ask| ask.press.as_ref()).map(|press| press.record.as_str());
        pressed.or_else(|| self.survey.as_ref()?.attio_record.as_deref())
    }

    /// Our customer id.
    pub(super) fn our_customer(&self) -> Option<&str> {
        self.customer.as_ref()?.customer.as_deref()
    }

    /// The claim that keeps every other flow off the subscription.
    pub(super) fn fence(&self) -> Claim {
        Claim { kind: ClaimKind::ZohoSubscription, key: self.subscription().to_owned() }
    }

    /// The claim on the invoice of the change.
    pub(super) fn invoice_claim(&self) -> Option<Claim> {
        Some(Claim { kind: ClaimKind::ZohoInvoice, key: self.invoice.clone()? })
    }

    /// Nobody waits for the next call: there is time to tell people.
    pub(super) const fn rests(&self) -> bool {
        matches!(
            self.stage,
            Stage::Previewed { .. }
                | Stage::AwaitingRecord { .. }
                | Stage::Demanding { .. }
                | Stage::Scheduled { .. }
                | Stage::Held { .. }
                | Stage::Over { .. }
        )
    }

    /// Nothing more is done.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over { .. })
    }
}
