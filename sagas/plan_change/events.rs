//! What a plan change says happened. Names and fields are in the log for ever, and none carries personal data.

use super::preview::Preview;
use super::words::{After, Ask, Basis, Capture, Consent, Demand, Hold, LetterKind, Nothing, Of, Press, Terms, Wanted};
use crate::kernel::answer::{CustomerSurvey, Invoice, Method, SubscriptionSurvey, SubscriptionTerms};
use crate::kernel::effect::Claim;
use crate::kernel::money::Money;
use crate::kernel::offer::Offer;
use crate::kernel::outcome::Decline;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::Told;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    PlanChangeRequested {
        of: Of,
        ask: Box<Ask>,
        terms: Box<Terms>,
        at: DateTime<Utc>,
    },
    /// Pressed again: reckoned anew, or answered with where it stands.
    ActRepeated {
        press: Press,
        at: DateTime<Utc>,
    },
    /// Zoho says that the subscription sells something else.
    ChangeNoticed {
        of: Of,
        at: DateTime<Utc>,
    },
    /// Another saga works on it: what it does is its own to show.
    AdoptionPutOff {
        again_at: DateTime<Utc>,
    },
    SubscriptionSurveyed {
        survey: Box<SubscriptionSurvey>,
    },
    /// The record in Attio says what is wanted.
    WantedRead {
        wanted: Box<Wanted>,
        owner: Option<String>,
    },
    TermsRead {
        terms: Box<SubscriptionTerms>,
    },
    CustomerSurveyed {
        survey: Box<CustomerSurvey>,
    },
    OfferRead {
        offer: Box<Offer>,
    },
    PlanChangePreviewed {
        preview: Box<Preview>,
        at: DateTime<Utc>,
    },
    /// The preview is too old, or the subscription is another one by now: all is read anew.
    PreviewOutdated {
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    PlanChangeRefused {
        reason: String,
        cure: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    ConsentGiven {
        /// Which acceptance of this saga it is.
        number: u32,
        hash: String,
        consent: Consent,
        basis: Basis,
        by: String,
        at: DateTime<Utc>,
    },
    ClaimTaken {
        claim: Claim,
    },
    /// Another saga holds what is needed.
    ClaimBusy {
        held: String,
        again_at: DateTime<Utc>,
    },
    /// It is as it was previewed, and nothing of it is owed.
    SubscriptionChecked {
        terms: Box<SubscriptionTerms>,
    },
    /// Zoho invoice ids of all that it has raised before the change.
    InvoicesListed {
        invoices: Vec<String>,
    },
    CardRead {
        method: Box<Method>,
    },
    CardCounted {
        order_id: String,
    },
    PaymentAuthorised {
        hold: Box<Hold>,
        /// More holds that answer to the same order id: released at once.
        extra: Vec<String>,
        at: DateTime<Utc>,
    },
    /// The hold is in a state that is neither held nor released: a person looks, and an undo voids it.
    AuthorisationUnclear {
        transaction: String,
        status: String,
    },
    /// Nothing was held, and nothing has changed.
    AuthorisationDeclined {
        decline: Box<Decline>,
        needs_authentication: bool,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// Less than asked was approved: it is released, and counts as declined.
    AuthorisationInsufficient {
        asked: Money,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// No card on file can be used; nothing was sent to one.
    CardRefused {
        code: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// It is proven that nothing was held. It is looked for all the same until a week is over.
    AuthorisationAbandoned {
        order_id: String,
        released: Vec<Claim>,
        next_look: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    LateHoldLookDue {
        order_id: String,
    },
    /// Not there; without a next look the search is over.
    LateHoldUnseen {
        order_id: String,
        next_look: Option<DateTime<Utc>>,
    },
    /// It was made after all: nobody wants it any more, and it is released at once.
    LateHoldFound {
        hold: Box<Hold>,
    },
    AuthorisationReleased {
        transaction: String,
        amount: Money,
        effective: NaiveDate,
    },
    /// A second hold of one order id was released.
    StrayReleased {
        transaction: String,
    },
    /// Zoho sells what is wanted.
    SubscriptionChanged {
        terms: Box<SubscriptionTerms>,
        at: DateTime<Utc>,
    },
    /// Zoho will, from the next term on.
    ChangeScheduled {
        terms: Box<SubscriptionTerms>,
        released: Vec<Claim>,
        /// When it is looked at (UTC).
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// A change that waited for the end of the term is taken back.
    ScheduledChangeWithdrawn {
        terms: Box<SubscriptionTerms>,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// The day of a scheduled change is over.
    ChangeDue,
    /// Zoho has not put it in place yet.
    ChangeStillWaits {
        look_at: DateTime<Utc>,
    },
    /// The term has ended and Zoho sells what was wanted.
    ScheduledChangeTookEffect {
        terms: Box<SubscriptionTerms>,
        at: DateTime<Utc>,
    },
    /// Zoho sells something else: somebody took the scheduled change back, or put another one in its place.
    ScheduledChangeDropped {
        terms: Box<SubscriptionTerms>,
        at: DateTime<Utc>,
    },
    /// No invoice yet, or an unfinished one.
    InvoiceMissing {
        again_at: DateTime<Utc>,
    },
    InvoiceFound {
        invoice: String,
    },
    /// The invoice fits what was accepted.
    InvoiceBound {
        invoice: Box<Invoice>,
        /// What the preview said, where the invoice says otherwise.
        estimated: Option<Money>,
    },
    /// The last read is too old to capture on.
    InvoiceOutdated,
    /// Nothing is captured: the hold is released and the change stands.
    NothingToCollect {
        why: Nothing,
        at: DateTime<Utc>,
    },
    /// Zoho asks for more than was accepted, or in another currency: the hold is released, the change stands, and nobody
    /// charges the invoice until the customer or finance has decided.
    OverCeiling {
        demand: Box<Demand>,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// The customer agrees to the higher sum.
    DemandAccepted {
        consent: Consent,
        basis: Basis,
        by: String,
        at: DateTime<Utc>,
    },
    /// Nothing of it is owed any more.
    DemandSettled {
        at: DateTime<Utc>,
    },
    CaptureRefused {
        code: String,
        message: String,
        at: DateTime<Utc>,
    },
    /// The accepted sum could not be taken: the invoice is collected like any other.
    LeftToCollection {
        why: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    InvoiceStreamTold,
    PaymentCaptured {
        capture: Box<Capture>,
        /// The whole hold that it ends, where one stood.
        held: Option<Money>,
        at: DateTime<Utc>,
    },
    CaptureHandedOver {
        await_until: DateTime<Utc>,
    },
    RecordAwaited {
        until: DateTime<Utc>,
    },
    PaymentRecorded {
        invoice: String,
        number: String,
        payment: String,
        at: DateTime<Utc>,
    },
    /// The captured money was taken back before it was recorded; the invoice's stream goes on.
    CaptureReversed {
        transaction: String,
        at: DateTime<Utc>,
    },
    PlanChanged {
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// Somebody else changed it in Zoho.
    StaffChangeAdopted {
        terms: Box<SubscriptionTerms>,
        at: DateTime<Utc>,
    },
    /// None of ours, or not ours to collect: what others did was noted.
    ChangeMirrored {
        at: DateTime<Utc>,
    },
    /// Nobody agreed in time.
    PreviewLapsed {
        at: DateTime<Utc>,
    },
    CancellationOrdered {
        reason: String,
        at: DateTime<Utc>,
    },
    /// All that was done is undone for this reason.
    PlanChangeFailed {
        reason: String,
        cure: String,
        at: DateTime<Utc>,
    },
    PlanChangeUndone {
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    PlanChangeHeld {
        code: ParkCode,
        detail: String,
        then: After,
        at: DateTime<Utc>,
    },
    PlanChangeResumed {
        at: DateTime<Utc>,
    },
    WaitOver,
    /// What people were told.
    #[serde(untagged)]
    Told(Told<LetterKind>),
}

crate::kernel::saga::event_names!(
    Event:
    PlanChangeRequested,
    ActRepeated,
    ChangeNoticed,
    AdoptionPutOff,
    SubscriptionSurveyed,
    WantedRead,
    TermsRead,
    CustomerSurveyed,
    OfferRead,
    PlanChangePreviewed,
    PreviewOutdated,
    PlanChangeRefused,
    ConsentGiven,
    ClaimTaken,
    ClaimBusy,
    SubscriptionChecked,
    InvoicesListed,
    CardRead,
    CardCounted,
    PaymentAuthorised,
    AuthorisationUnclear,
    AuthorisationDeclined,
    AuthorisationInsufficient,
    CardRefused,
    AuthorisationAbandoned,
    LateHoldLookDue,
    LateHoldUnseen,
    LateHoldFound,
    AuthorisationReleased,
    StrayReleased,
    SubscriptionChanged,
    ChangeScheduled,
    ScheduledChangeWithdrawn,
    ChangeDue,
    ChangeStillWaits,
    ScheduledChangeTookEffect,
    ScheduledChangeDropped,
    InvoiceMissing,
    InvoiceFound,
    InvoiceBound,
    InvoiceOutdated,
    NothingToCollect,
    OverCeiling,
    DemandAccepted,
    DemandSettled,
    CaptureRefused,
    LeftToCollection,
    InvoiceStreamTold,
    PaymentCaptured,
    CaptureHandedOver,
    RecordAwaited,
    PaymentRecorded,
    CaptureReversed,
    PlanChanged,
    StaffChangeAdopted,
    ChangeMirrored,
    PreviewLapsed,
    CancellationOrdered,
    PlanChangeFailed,
    PlanChangeUndone,
    PlanChangeHeld,
    PlanChangeResumed,
    WaitOver;
    Told
);
