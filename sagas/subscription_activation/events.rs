//! What an activation says happened. Names and fields are in the log for ever, and none carries personal data.

use super::words::{Act, Advice, After, Capture, Consent, Hold, LetterKind, Nothing, Paying, Terms, Then};
use crate::kernel::answer::{Invoice, Method, Subscription};
use crate::kernel::effect::Claim;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::outcome::Decline;
use crate::kernel::park::ParkCode;
use crate::kernel::selling::Selling;
use crate::kernel::telling::Told;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    ActivationRequested {
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
    CardsRead {
        methods: Vec<Method>,
    },
    /// The quote is of another day, or was called off with its payment: prices are read anew.
    QuoteOutdated {
        input: Option<Uuid>,
        at: DateTime<Utc>,
    },
    ActivationRefused {
        reason: String,
        cure: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    ConsentGiven {
        /// Which submission of this saga it is.
        number: u32,
        quote_hash: String,
        consent: Consent,
        with: Paying,
        /// The token under which the card is, or will be, vaulted.
        token: String,
        at: DateTime<Utc>,
    },
    /// A further submission: the first one counts, and its card is never used.
    SubmissionSetAside {
        input: Option<Uuid>,
        at: DateTime<Utc>,
    },
    BraintreeCustomerMade {
        customer: String,
    },
    BraintreeCustomerLinked,
    CardRead {
        method: Box<Method>,
    },
    CardCounted {
        order_id: String,
    },
    /// The card cannot be used; nothing was sent to it.
    CardRefused {
        advice: Advice,
        code: String,
        at: DateTime<Utc>,
    },
    PaymentAuthorised {
        hold: Box<Hold>,
        /// A new card was vaulted with it.
        vaulted: bool,
        /// More holds that answer to the same order id: released at once.
        extra: Vec<String>,
        at: DateTime<Utc>,
    },
    /// The hold is in a state that is neither held nor released: a person looks, and an undo voids it.
    AuthorisationUnclear {
        transaction: String,
        status: String,
    },
    AuthorisationDeclined {
        decline: Box<Decline>,
        advice: Advice,
        locked_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    /// Less than asked was approved: it is released, and counts as declined.
    AuthorisationInsufficient {
        asked: Money,
        locked_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    /// It is proven that nothing was held; the customer is asked again.
    AuthorisationAbandoned {
        at: DateTime<Utc>,
    },
    /// The hold that was given up may still show up: its order id is looked for from time to time.
    LateHoldWatched {
        order_id: String,
        /// The token under which it would have vaulted a new card.
        vaults: Option<String>,
        at: DateTime<Utc>,
        next_look: DateTime<Utc>,
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
    LateHoldReleased {
        transaction: String,
        amount: Money,
        effective: NaiveDate,
    },
    CardVaulted {
        method: Box<Method>,
        at: DateTime<Utc>,
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
    CardForgotten {
        token: String,
    },
    /// The vault keeps a card because something uses it.
    CardKept {
        token: String,
        code: String,
    },
    SubscriptionCreated {
        subscription: Box<Subscription>,
    },
    /// Zoho's list shows it, with the newer ones of the same reference.
    SubscriptionConfirmed {
        subscription: Box<Subscription>,
        twins: Vec<String>,
    },
    /// Zoho's list does not show it yet.
    SubscriptionUnseen {
        again_at: DateTime<Utc>,
    },
    TwinUndone {
        subscription: String,
    },
    SubscriptionAdopted {
        subscription: String,
    },
    /// No invoice yet, or an unfinished one.
    InvoiceMissing {
        again_at: DateTime<Utc>,
    },
    FirstInvoiceRead {
        invoice: Box<Invoice>,
    },
    InvoiceBound {
        invoice: String,
        number: String,
        balance: Money,
        /// What the quote said, where the invoice says otherwise.
        quoted: Option<Money>,
    },
    InvoiceRead {
        invoice: Box<Invoice>,
    },
    /// The last read is too old to capture on.
    InvoiceOutdated,
    NothingToCollect {
        why: Nothing,
    },
    /// Braintree collects by itself from now on.
    RecurringBegun {
        /// Its subscription's id there.
        recurring: String,
        plan: String,
        /// Price of one term.
        price: Money,
        next_charge_on: Option<NaiveDate>,
        /// The first charge, where it was made with it.
        charged: Option<String>,
        at: DateTime<Utc>,
    },
    /// Braintree made no subscription.
    FirstChargeDeclined {
        decline: Box<Decline>,
        locked_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    CaptureRefused {
        code: String,
        message: String,
        at: DateTime<Utc>,
    },
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
        next_billing_on: Option<NaiveDate>,
        at: DateTime<Utc>,
    },
    /// The captured money was taken back before it was recorded; the invoice's stream goes on.
    CaptureReversed {
        transaction: String,
        at: DateTime<Utc>,
    },
    SubscriptionActivated {
        on: NaiveDate,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    CancellationOrdered {
        reason: String,
        at: DateTime<Utc>,
    },
    /// All that was made is undone for this reason.
    ActivationFailed {
        reason: String,
        cure: String,
        then: Then,
        /// What Zoho asked for, where that is the reason.
        total: Option<Money>,
        at: DateTime<Utc>,
    },
    /// Before the customer that was made here is undone: another activation keeps a card there, or none does.
    BraintreeCustomerUseRead {
        by_others: bool,
    },
    /// The same at Zoho: another activation has a live subscription there, or none has.
    ZohoCustomerUseRead {
        by_others: bool,
    },
    ActivationUndone {
        then: Then,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    ActivationHeld {
        code: ParkCode,
        detail: String,
        then: After,
        at: DateTime<Utc>,
    },
    ActivationResumed {
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
    Event: ActivationRequested, CardsRead, QuoteOutdated, ActivationRefused, ConsentGiven, SubmissionSetAside,
    BraintreeCustomerMade, BraintreeCustomerLinked, CardRead, CardCounted, CardRefused, PaymentAuthorised,
    AuthorisationUnclear, AuthorisationDeclined, AuthorisationInsufficient, AuthorisationAbandoned, LateHoldWatched,
    LateHoldLookDue, LateHoldUnseen, LateHoldFound, LateHoldReleased, CardVaulted, AuthorisationReleased,
    StrayReleased, CardForgotten, CardKept, SubscriptionCreated, SubscriptionConfirmed, SubscriptionUnseen,
    TwinUndone, SubscriptionAdopted, InvoiceMissing, FirstInvoiceRead, InvoiceBound, InvoiceRead, InvoiceOutdated,
    NothingToCollect, RecurringBegun, FirstChargeDeclined, CaptureRefused, PaymentCaptured, CaptureHandedOver,
    RecordAwaited, PaymentRecorded, CaptureReversed, SubscriptionActivated, CancellationOrdered, ActivationFailed,
    BraintreeCustomerUseRead, ZohoCustomerUseRead, ActivationUndone, ActivationHeld, ActivationResumed;
    Told, Selling
);
