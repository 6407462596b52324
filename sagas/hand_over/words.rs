//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data.

use crate::kernel::answer::{
    BilledInvoice, CollectionOwner, CustomerSurvey, Recurring, RecurringStatus, SubscriptionSurvey, SubscriptionTerms,
};
pub use crate::kernel::hand_over::OpenInvoices;
use crate::kernel::hand_over::Wish;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::{NoLetter, Told};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a hand-over can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Somebody wants another collector.
    Requested {
        /// What is wanted.
        wish: Box<Wish>,
    },
    /// A second person agrees.
    Approved {
        /// Who: a principal.
        by: String,
        /// What was looked at.
        reason: String,
    },
    /// A second person does not agree, or somebody stops it: until the old collector is switched off all is undone.
    Stopped {
        /// Who: a principal.
        by: String,
        /// Why.
        reason: String,
    },
    /// Finance decides what becomes of the invoices that are open between the two.
    Decided {
        /// What.
        choice: OpenInvoices,
        /// Who: a principal.
        by: String,
        /// Why.
        reason: String,
    },
    /// Finance lets us collect, because the wanted collector cannot be switched on.
    Redirected {
        /// Who: a principal.
        by: String,
        /// Why.
        reason: String,
    },
}

/// What proved that the old collector is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "read", rename_all = "snake_case")]
pub enum Evidence {
    /// Zoho's subscription.
    Zoho {
        /// Zoho would charge by itself.
        auto_collect: bool,
        /// Zoho's status text.
        status: String,
        /// When it was last changed, as Zoho writes it.
        changed_at: Option<String>,
    },
    /// Braintree's subscription; absent status: there is none of that id.
    Braintree {
        /// Braintree subscription id.
        subscription: String,
        /// Braintree's status word.
        status: Option<RecurringStatus>,
    },
    /// Our own record of who collects.
    Ours {
        /// Who is on record; absent: nobody.
        owner: Option<CollectionOwner>,
        /// Who else said so, where nobody was on record from the start.
        statement: Option<String>,
    },
}

impl Evidence {
    /// The old collector could still charge.
    pub const fn is_on(&self) -> bool {
        match self {
            Self::Zoho { auto_collect, .. } => *auto_collect,
            Self::Braintree { status, .. } => match status {
                Some(status) => !status.is_over(),
                None => false,
            },
            Self::Ours { owner, .. } => owner.is_some(),
        }
    }
}

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    HandOverRequested {
        wish: Box<Wish>,
        at: DateTime<Utc>,
    },
    ApprovalAwaited {
        until: DateTime<Utc>,
    },
    ApprovalGiven {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    ApprovalDenied {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    ApprovalLapsed {
        at: DateTime<Utc>,
    },
    SubscriptionSurveyed {
        survey: Box<SubscriptionSurvey>,
    },
    /// Another saga works on the subscription.
    SubscriptionBusy {
        held: String,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    SubscriptionClaimed,
    TermsRead {
        terms: Box<SubscriptionTerms>,
        at: DateTime<Utc>,
    },
    CustomerSurveyed {
        survey: Box<CustomerSurvey>,
    },
    /// The vaulted card that we or Braintree would charge; absent: none that can be.
    CardSought {
        token: Option<String>,
    },
    /// What Braintree's recurring billing knows under that id; absent: nothing.
    RecurringRead {
        id: String,
        shown: Option<Box<Recurring>>,
    },
    /// The new side cannot collect yet. Nothing is switched, and nothing is held meanwhile.
    NewSideAwaited {
        missing: String,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// A renewal is too near, or the wanted period too far: the old collector makes it.
    RenewalAwaited {
        on: NaiveDate,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    WaitOver {
        at: DateTime<Utc>,
    },
    NewSideReady {
        /// From which day on it collects (books zone), unless finance lets it collect what is open, too.
        period: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Nobody is on record as collector from here on, and nobody here charges.
    OwnerFenced {
        at: DateTime<Utc>,
    },
    OldCollectorOff {
        /// It was off already.
        adopted: bool,
        at: DateTime<Utc>,
    },
    SwitchOffRefused {
        code: String,
        message: String,
        at: DateTime<Utc>,
    },
    /// Read after the switch: the old collector could still charge.
    OldCollectorStillOn {
        evidence: Box<Evidence>,
        at: DateTime<Utc>,
    },
    OffProved {
        evidence: Box<Evidence>,
        at: DateTime<Utc>,
    },
    /// Charges of the old collector are not final.
    DrainAwaited {
        open: Vec<String>,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    OldCollectorDrained {
        /// Braintree transaction ids of charges that it made after the fence: they count for their period.
        late: Vec<String>,
        at: DateTime<Utc>,
    },
    InvoicesListed {
        invoices: Vec<BilledInvoice>,
        at: DateTime<Utc>,
    },
    OpenInvoicesDecided {
        choice: OpenInvoices,
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    OpenInvoiceVoided {
        invoice: String,
    },
    /// All that was open is decided on: what the new collector rests on is read once more.
    OldPeriodClosed {
        at: DateTime<Utc>,
    },
    NewCollectorOn {
        /// Braintree subscription id, where Braintree collects.
        braintree_subscription: Option<String>,
        at: DateTime<Utc>,
    },
    /// We collect, because the wanted collector could not be switched on.
    HandOverRedirected {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    OwnerRecorded {
        owner: CollectionOwner,
        /// It collects no invoice of an earlier day (books zone); absent: all that is open.
        valid_from: Option<NaiveDate>,
        at: DateTime<Utc>,
    },
    InvoiceStreamTold {
        invoice: String,
    },
    HandOverRefused {
        sentence: String,
        at: DateTime<Utc>,
    },
    HandOverStopped {
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    /// The old collector is on record again, as before.
    HandOverUndone {
        at: DateTime<Utc>,
    },
    HandOverHeld {
        code: ParkCode,
        detail: String,
        at: DateTime<Utc>,
    },
    HandOverResumed {
        at: DateTime<Utc>,
    },
    /// What people were told.
    #[serde(untagged)]
    Told(Told<NoLetter>),
}

crate::kernel::saga::event_names!(
    Event: HandOverRequested, ApprovalAwaited, ApprovalGiven, ApprovalDenied, ApprovalLapsed, SubscriptionSurveyed,
    SubscriptionBusy, SubscriptionClaimed, TermsRead, CustomerSurveyed, CardSought, RecurringRead, NewSideAwaited,
    RenewalAwaited, WaitOver, NewSideReady, OwnerFenced, OldCollectorOff, SwitchOffRefused, OldCollectorStillOn,
    OffProved, DrainAwaited, OldCollectorDrained, InvoicesListed, OpenInvoicesDecided, OpenInvoiceVoided,
    OldPeriodClosed, NewCollectorOn, HandOverRedirected, OwnerRecorded, InvoiceStreamTold, HandOverRefused,
    HandOverStopped, HandOverUndone, HandOverHeld, HandOverResumed;
    Told
);
