//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word says who anybody is.

use super::certificate::Certificate;
use super::places::Place;
use crate::kernel::answer::{ErasedHere, ErasureProof, InFlight, Kept, PersonSurvey, Trace};
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// What an erasure can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Somebody's identity was checked, and the person wants to be erased.
    Requested {
        /// Who is meant.
        of: Of,
        /// What was asked for, and by whom.
        request: Box<Request>,
    },
    /// A second person has looked at the preview and agrees.
    Confirmed {
        /// The preview's number: another one has replaced an older.
        preview: u32,
        /// Who: a principal.
        by: String,
        /// Why.
        reason: String,
    },
    /// It is not to be done after all.
    Withdrawn {
        /// Who: a principal.
        by: String,
        /// Why.
        reason: String,
    },
    /// A named case forbids to erase, for a time or until it is lifted.
    HoldPlaced {
        /// The case's reference.
        case: String,
        /// Last day of it (books zone); absent: until it is lifted.
        until: Option<NaiveDate>,
        /// Who: a principal.
        by: String,
    },
    /// The named case is over.
    HoldLifted {
        /// Who: a principal.
        by: String,
        /// Why.
        reason: String,
    },
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our order ids.
    pub installation: Installation,
    /// Our customer id.
    pub customer: String,
    /// Zoho Desk is in use.
    pub helpdesk: bool,
    /// Zoho CRM is in use.
    pub crm: bool,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Under which law: it sets the clock.
    pub law: Law,
    /// When the person asked (books zone): the clock runs from that day.
    pub received_on: NaiveDate,
    /// How it was made sure that it is the person.
    pub identity: Identity,
    /// Days for which tax law wants documents kept, from the last booking on.
    pub documents_kept_days: u32,
    /// Another person than the one who asked must confirm.
    pub second_person: bool,
    /// Who has agreed before: a principal. Then no preview is waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_by: Option<String>,
    /// Why it is asked for here: a ticket's number. Not who it is.
    pub reason: String,
    /// Who asks for it here: a principal.
    pub by: String,
}

/// A privacy law.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Europe's: 30 days.
    Gdpr,
    /// California's: 45 days.
    Ccpa,
}

impl Law {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Gdpr, Self::Ccpa];

    /// The law's name as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gdpr => "GDPR",
            Self::Ccpa => "CCPA",
        }
    }

    /// In so many days it must be done.
    pub const fn days(self) -> i64 {
        match self {
            Self::Gdpr => 30,
            Self::Ccpa => 45,
        }
    }

    /// The last day on which it is in time.
    pub fn due_on(self, received_on: NaiveDate) -> NaiveDate {
        received_on + TimeDelta::days(self.days())
    }
}

/// How it was made sure that whoever asks is the person. A closed list: free text would say who it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// By what.
    pub by_means: Means,
    /// Who checked it: staff.
    pub checked_by: String,
}

/// By what an identity was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// The person was signed in.
    SignedIn,
    /// An answer came from the address on file.
    KnownAddress,
    /// A document was seen, and not kept.
    Document,
    /// A court or an authority wants it.
    Authority,
}

impl Means {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SignedIn, Self::KnownAddress, Self::Document, Self::Authority];

    /// The word in orders.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::KnownAddress => "known_address",
            Self::Document => "document",
            Self::Authority => "authority",
        }
    }
}

/// Why it cannot go on yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// A saga of the person is under way: a charge, a refund, a dispute, a cancellation.
    InFlight {
        /// Which.
        saga: InFlight,
    },
    /// A subscription runs.
    Subscription {
        /// Zoho subscription id.
        subscription: String,
    },
    /// An invoice is open.
    Owed {
        /// How much.
        amount: Money,
    },
    /// We hold money of theirs.
    Held {
        /// How much.
        amount: Money,
    },
    /// A named case forbids it.
    LegalHold {
        /// The case's reference.
        case: String,
        /// Last day of it (books zone).
        until: Option<NaiveDate>,
    },
    /// Another saga of theirs began in the moment in which it was to be done.
    BegunMeanwhile,
}

/// What a vendor keeps, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    /// Why, in the vendor's words.
    pub why: String,
    /// It is asked for again on that day (UTC); absent: nothing personal is left in it, and a person deletes it by hand.
    pub until: Option<DateTime<Utc>>,
}

/// What happened, for an auditor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    ErasureRequested {
        of: Of,
        request: Box<Request>,
        due_on: NaiveDate,
        /// When it is told that the time is nearly up (UTC).
        warn_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    PersonSurveyed {
        survey: Box<PersonSurvey>,
        at: DateTime<Utc>,
    },
    /// Nothing is known of such a person.
    ErasureRefused {
        sentence: String,
        at: DateTime<Utc>,
    },
    AttioPersonFound {
        record: Option<String>,
    },
    DeskContactFound {
        contact: Option<String>,
    },
    SubscriptionsListed {
        running: Vec<String>,
    },
    /// What would go, and what stands in the way.
    ErasurePreviewed {
        preview: u32,
        reasons: Vec<Reason>,
        at: DateTime<Utc>,
    },
    ErasureConfirmed {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    ErasureWithdrawn {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    LegalHoldPlaced {
        case: String,
        until: Option<NaiveDate>,
        by: String,
        at: DateTime<Utc>,
    },
    LegalHoldLifted {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    ErasureDeferred {
        reasons: Vec<Reason>,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    WaitOver,
    /// What runs is ended first.
    EndingBegun {
        at: DateTime<Utc>,
    },
    /// The flow that ends subscriptions was told.
    SubscriptionEndOrdered {
        subscription: String,
        at: DateTime<Utc>,
    },
    /// All is ready: from here on there is only forward.
    ErasureBegun {
        at: DateTime<Utc>,
    },
    PersonErasedHere {
        erased: Box<ErasedHere>,
        at: DateTime<Utc>,
    },
    PersonErasedThere {
        place: Place,
        trace: Trace,
        rest: Option<Rest>,
        at: DateTime<Utc>,
    },
    PersonReadBack {
        place: Place,
        trace: Trace,
    },
    /// It was asked for, and the person is still there.
    PersonStillThere {
        place: Place,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// Something of the person has come here again since it was erased: it is erased again.
    PersonLeftHere {
        left: Kept,
        at: DateTime<Utc>,
    },
    ErasureVerified {
        proof: Box<ErasureProof>,
        at: DateTime<Utc>,
    },
    ErasureCertified {
        certificate: Box<Certificate>,
    },
    /// What a vendor kept may go now.
    RestDue {
        at: DateTime<Utc>,
    },
    /// The time is nearly up, or over, and it is not done.
    DeadlineNear {
        due_on: NaiveDate,
        warn_at: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    ErasureHeld {
        code: ParkCode,
        detail: String,
        at: DateTime<Utc>,
    },
    ErasureResumed {
        at: DateTime<Utc>,
    },
}

crate::kernel::saga::event_names!(
    Event:
    ErasureRequested, PersonSurveyed, ErasureRefused, AttioPersonFound, DeskContactFound, SubscriptionsListed,
    ErasurePreviewed, ErasureConfirmed, ErasureWithdrawn, LegalHoldPlaced, LegalHoldLifted, ErasureDeferred, WaitOver,
    EndingBegun, SubscriptionEndOrdered, ErasureBegun, PersonErasedHere, PersonErasedThere, PersonReadBack, PersonStillThere,
    PersonLeftHere, ErasureVerified, ErasureCertified, RestDue, DeadlineNear, ErasureHeld, ErasureResumed,
);
