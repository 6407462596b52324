//! What happened to a card update, for a CRM or finance person. Names and fields are in the log for ever.

use super::words::{Advice, Consent, LetterKind, Terms, Tried};
use crate::kernel::answer::{CardUses, CustomerSurvey, Method, Owing, Subscription, SubscriptionSurvey};
use crate::kernel::effect::{CardCause, Claim, SubscriptionKey};
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::outcome::Decline;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::Told;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    CardUpdateRequested {
        installation: Installation,
        subscription: SubscriptionKey,
        requested_at: DateTime<Utc>,
        pressed: bool,
        terms: Box<Terms>,
        at: DateTime<Utc>,
    },
    /// Another flow wants the card: its letter says why.
    CauseGiven {
        cause: Box<CardCause>,
    },
    /// Asked for again while it runs.
    CardLinkAskedAgain {
        requested_at: DateTime<Utc>,
        pressed: bool,
        at: DateTime<Utc>,
    },
    ClaimsTaken {
        claims: Vec<Claim>,
    },
    ClaimBusy {
        held: String,
        again_at: DateTime<Utc>,
    },
    SubscriptionSurveyed {
        survey: Box<SubscriptionSurvey>,
    },
    SubscriptionRead {
        subscription: Box<Subscription>,
    },
    CustomerSurveyed {
        survey: Box<CustomerSurvey>,
    },
    PersonChecked {
        missing: Vec<String>,
    },
    CardsRead {
        methods: Vec<Method>,
    },
    /// What is owed and what is under way, from our own tables.
    CardUsesRead {
        uses: Box<CardUses>,
        at: DateTime<Utc>,
    },
    CardUpdateRefused {
        reason: String,
        cure: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    CardLinkIssued {
        number: u32,
        expires_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    CardLinkOpened {
        number: u32,
        at: DateTime<Utc>,
    },
    CardLinkExpired {
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// The customer clicked, and no page of Zoho's was open.
    PageAsked {
        at: DateTime<Utc>,
    },
    /// A page of Zoho's on which the card is given; its address stands nowhere.
    PageMade {
        page: String,
        expires_at: DateTime<Utc>,
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// The customer came back, or the time has come.
    PageLookDue,
    PageRead {
        page: String,
        /// Zoho's word.
        status: String,
        usable: bool,
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// Nothing comes of it any more.
    PageOver {
        page: String,
        at: DateTime<Utc>,
    },
    /// Zoho has taken another card, and collects from it.
    CardChangedAtZoho {
        page: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// The customer agreed and gave a card.
    ConsentGiven {
        number: u32,
        offer_hash: String,
        consent: Consent,
        input: Uuid,
        authenticated: bool,
        token: String,
        at: DateTime<Utc>,
    },
    /// A further submission while one is under way: its card is never used.
    SubmissionSetAside {
        input: Uuid,
        at: DateTime<Utc>,
    },
    /// The card cannot be used; no bank was asked.
    CardRefused {
        advice: Advice,
        code: String,
        at: DateTime<Utc>,
    },
    VerificationDeclined {
        decline: Box<Decline>,
        advice: Advice,
        locked_until: Option<DateTime<Utc>>,
        at: DateTime<Utc>,
    },
    CardVaulted {
        method: Box<Method>,
        at: DateTime<Utc>,
    },
    /// What charges the old card at Braintree by itself; the card itself, where it is gone.
    OldCardRead {
        subscriptions: Vec<String>,
        gone: bool,
    },
    /// Braintree was told to charge the new card for that subscription.
    SubscriptionMoved {
        subscription: String,
    },
    /// Read back: it does, or it charges nothing any more.
    MoveConfirmed {
        subscription: String,
    },
    MoveFailed {
        code: ParkCode,
        detail: String,
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    CardUpdateResumed {
        at: DateTime<Utc>,
    },
    /// A charge of the old card is under way or has no known outcome.
    SwitchDeferred {
        charging: SagaId,
        released: Vec<Claim>,
        again_at: DateTime<Utc>,
    },
    /// What was known of the old card's uses is too old to switch on.
    UsesOutdated,
    DefaultSwitched {
        card: Box<Method>,
        before: Option<Box<Method>>,
        owing: Vec<Owing>,
        released: Vec<Claim>,
        retire_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// An open invoice was told of the new card; its answer is awaited.
    InvoiceRetryAsked {
        invoice: SagaId,
        until: DateTime<Utc>,
    },
    InvoiceRetried {
        invoice: SagaId,
        number: String,
        /// Absent: it did not answer in time.
        outcome: Option<Tried>,
        at: DateTime<Utc>,
    },
    /// The time to delete the old card has come.
    OldCardDue,
    /// Nothing at Braintree charges it by itself.
    OldCardUnused,
    /// It cannot be deleted yet.
    RetirementPutOff {
        why: String,
        again_at: DateTime<Utc>,
    },
    OldCardRetired {
        token: String,
        at: DateTime<Utc>,
    },
    /// It stays for good.
    OldCardKept {
        token: String,
        why: String,
        at: DateTime<Utc>,
    },
    CancellationOrdered {
        reason: String,
        at: DateTime<Utc>,
    },
    /// Called off: the subscription charges the old card again.
    SubscriptionMovedBack {
        subscription: String,
    },
    CardUpdateUndone {
        released: Vec<Claim>,
        at: DateTime<Utc>,
    },
    /// The time to look again has come.
    LookDue,
    /// What people were told.
    #[serde(untagged)]
    Told(Told<LetterKind>),
}

crate::kernel::saga::event_names!(
    Event: CardUpdateRequested, CauseGiven, CardLinkAskedAgain, ClaimsTaken, ClaimBusy, SubscriptionSurveyed, SubscriptionRead,
    CustomerSurveyed, PersonChecked, CardsRead, CardUsesRead, CardUpdateRefused, CardLinkIssued, CardLinkOpened,
    CardLinkExpired, PageAsked, PageMade, PageLookDue, PageRead, PageOver, CardChangedAtZoho, ConsentGiven, SubmissionSetAside, CardRefused, VerificationDeclined, CardVaulted, OldCardRead,
    SubscriptionMoved, MoveConfirmed, MoveFailed, CardUpdateResumed, SwitchDeferred, UsesOutdated, DefaultSwitched,
    InvoiceRetryAsked, InvoiceRetried, OldCardDue, OldCardUnused, RetirementPutOff, OldCardRetired, OldCardKept,
    CancellationOrdered, SubscriptionMovedBack, CardUpdateUndone, LookDue;
    Told
);
