//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here.

pub(super) use super::attempt::Attempt;
use super::books::Figures;
pub use super::captured::Captured;
pub(super) use super::captured::Trouble;
use super::dispute::DisputeNews;
use super::dunning::Ruling;
use super::give_back::Ending;
use super::news::News;
use super::propose::Proposed;
use super::reassign::Forgiven;
pub(super) use super::rest::{Closing, Wait};
use crate::kernel::answer::{Client, Invoice, Method, Subscription, Survey};
use crate::kernel::effect::CardCause;
use crate::kernel::give_back::Source;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::money::Money;
use crate::kernel::opening::OpenedWith;
use crate::kernel::outcome::Decline;
use crate::kernel::park::ParkCode;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an invoice's stream can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// An invoice was seen: by webhook, by poll, or named by an operator. Told again, it is a reason to look again.
    Detected {
        /// Zoho organization id.
        organization: String,
        /// Prefix of our order ids.
        installation: Installation,
        /// Zoho invoice id.
        invoice: String,
        /// The subscription that the message named.
        subscription: Option<String>,
        /// Where it was seen: `webhook`, `poll` …
        source: String,
        /// What is said of it.
        #[serde(default)]
        news: News,
        /// The settings of the page for another card; absent: no letter leads there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        card_link: Option<Value>,
    },
    /// An activation or a plan change captured what it held for this invoice, or Braintree charged it by itself: to be recorded, and the other to be told.
    AdoptCapture {
        /// Zoho organization id.
        organization: String,
        /// Prefix of our order ids.
        installation: Installation,
        /// Zoho invoice id.
        invoice: String,
        /// Zoho subscription id.
        subscription: String,
        /// Braintree transaction id.
        transaction: String,
        /// Our reference of it.
        order_id: String,
        /// What was captured.
        amount: Money,
        /// When (UTC).
        captured_at: DateTime<Utc>,
        /// That day in the books zone.
        effective: NaiveDate,
        /// The saga that captured it.
        reply_to: SagaId,
    },
    /// A sale under an order id of this invoice was found at Braintree after a restore, and no event of ours knows of it.
    FoundByRecovery {
        /// Zoho organization id.
        organization: String,
        installation: Installation,
        /// Zoho invoice id.
        invoice: String,
        captured: Box<Captured>,
    },
    /// The subscription has ended, and a person chose that what is still owed on this invoice is collected all the same.
    CollectEnded {
        /// Zoho organization id.
        organization: String,
        /// Prefix of our order ids.
        installation: Installation,
        /// Zoho invoice id.
        invoice: String,
        /// Zoho subscription id.
        subscription: String,
        /// Why it ended.
        reason: String,
    },
    /// A give-back wants money of a capture, and waits to hear whether it may take it.
    GiveBackAsked {
        /// Braintree transaction id.
        transaction: String,
        /// The give-back.
        saga: SagaId,
        /// How much.
        amount: Money,
        /// Where it comes from.
        source: Source,
    },
    /// A give-back is over, whether it was let in or not.
    GiveBackEnded {
        /// Braintree transaction id.
        transaction: String,
        /// The give-back.
        saga: SagaId,
        /// How.
        ending: Ending,
        /// The tax within what was forgiven.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tax: Option<Money>,
    },
    /// The customer gave a new card or authenticated the old one.
    MethodChanged {
        /// The customer consented anew to being charged.
        consent: bool,
        /// The customer is there and waits.
        customer_present: bool,
        /// Who is told how the invoice came to rest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<SagaId>,
    },
    /// A collection hold on the invoice was lifted.
    HoldReleased {
        /// The hold's reason word.
        reason: String,
    },
    /// A person decides what happens with an invoice that is held.
    Decide {
        /// What.
        choice: Choice,
        /// Why.
        reason: String,
    },
    /// An operator wants the charge now, outside the schedule. No test is bypassed.
    ChargeNow {
        /// Why.
        reason: String,
    },
    /// An operator stops attempts until an instant.
    Pause {
        /// Until then (UTC).
        until: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// An operator ends collection of this invoice; it stays open.
    StopCollecting {
        /// Why.
        reason: String,
    },
    /// A dispute.
    #[serde(untagged)]
    Dispute(DisputeNews),
}

/// What a person can choose for an invoice that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Collect what is still owed with a new attempt, after all tests.
    ChargeAgain,
    /// Record in Zoho once more what was captured.
    RecordAgain,
    /// Leave it as it is.
    Leave,
}

/// What of the facts is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    All,
    /// The invoice, and our own tables.
    Invoice,
    /// Only our own tables: costs no vendor call, and never suffices for a charge.
    Survey,
}

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    InvoiceDetected {
        organization: String,
        installation: Installation,
        invoice: String,
        subscription: Option<String>,
        source: String,
    },
    SignalHeard {
        signal: String,
        subscription: Option<String>,
    },
    MethodChanged {
        consent: bool,
        customer_present: bool,
    },
    /// A card update wants to hear how the invoice comes to rest.
    RetryAnswerAwaited {
        by: SagaId,
    },
    RetryAnswered,
    ChargeOrdered {
        reason: String,
    },
    CollectionPaused {
        until: DateTime<Utc>,
        reason: String,
    },
    CollectionStopped {
        reason: String,
        at: DateTime<Utc>,
    },
    /// It is collected by its schedule though its subscription has ended.
    CollectionOfEndedOrdered {
        reason: String,
    },
    DecisionTaken {
        choice: Choice,
        reason: String,
        at: DateTime<Utc>,
    },
    ChecksBegun {
        scope: Scope,
        at: DateTime<Utc>,
    },
    InvoiceRead {
        invoice: Box<Invoice>,
    },
    InvoiceNotFound {
        at: DateTime<Utc>,
    },
    SubscriptionOfInvoiceFound {
        subscription: Option<String>,
    },
    InvoiceSurveyed {
        survey: Box<Survey>,
    },
    SubscriptionRead {
        subscription: Box<Subscription>,
    },
    ClientRead {
        client: Box<Client>,
    },
    MethodRead {
        /// The customer's default card; absent: there is none.
        method: Option<Method>,
    },
    /// It stands in the opening position, unless it stands in the books already.
    OpeningHeard {
        with: Box<OpenedWith>,
    },
    /// The books of it begin with what it owed then; what was paid, credited and written off before is historic.
    InvoiceOpened {
        with: Box<OpenedWith>,
        /// As it was issued in our books before, which is taken back; absent: it was not.
        issued: Option<Figures>,
        /// Day of the invoice.
        issued_on: NaiveDate,
    },
    InvoiceIssued {
        figures: Figures,
        effective: NaiveDate,
    },
    InvoiceEdited {
        before: Figures,
        after: Figures,
        effective: NaiveDate,
    },
    InvoiceVoided {
        figures: Figures,
        effective: NaiveDate,
    },
    ExternalPaymentSeen {
        payment: String,
        channel: String,
        amount: Money,
        effective: NaiveDate,
    },
    ExternalPaymentGone {
        payment: String,
        channel: String,
        amount: Money,
        effective: NaiveDate,
    },
    CreditsApplied {
        /// More (or, negative, less) than before.
        by: Money,
        effective: NaiveDate,
    },
    InvoiceWrittenOff {
        /// More (or, negative, less) than before.
        by: Money,
        effective: NaiveDate,
    },
    /// Zoho detached our payment: the invoice was voided or deleted.
    ApplicationUndone {
        transaction: String,
        amount: Money,
        effective: NaiveDate,
    },
    InvoiceDeferred {
        wait: Wait,
        /// Number of the test that asked for it.
        test: String,
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    InvoiceHeld {
        code: ParkCode,
        detail: String,
        /// Number of the test that asked for it.
        test: String,
        at: DateTime<Utc>,
    },
    InvoiceClosed {
        closing: Closing,
        at: DateTime<Utc>,
    },
    ChargePlanned {
        attempt: Box<Attempt>,
    },
    InvoiceClaimed,
    ClaimRefused {
        held: String,
    },
    CardCounted,
    CardCapReached {
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    ChargeSuperseded,
    /// Captured before a restore that lost the event; found at Braintree and booked now.
    CaptureFoundByRecovery {
        captured: Box<Captured>,
        at: DateTime<Utc>,
    },
    /// Captured and booked by an activation; ours to record from here on.
    CaptureAdopted {
        captured: Box<Captured>,
        /// The activation, which is told when it is recorded.
        reply_to: SagaId,
        at: DateTime<Utc>,
    },
    /// The activation was told.
    ActivationTold,
    PaymentCaptured {
        captured: Box<Captured>,
        /// More approved transactions that answer to the same order id.
        extra: Vec<String>,
        at: DateTime<Utc>,
    },
    /// A further approved transaction of one order id was read.
    DuplicateCaptured {
        captured: Box<Captured>,
    },
    /// A transaction thought to be a duplicate is not approved.
    DuplicateDisproved {
        transaction: String,
    },
    ChargeDeclined {
        decline: Box<Decline>,
        ruling: Box<Ruling>,
        at: DateTime<Utc>,
    },
    /// Braintree does not know the card or the customer (any more).
    CardUnknown {
        code: String,
        at: DateTime<Utc>,
    },
    RecordingBegun {
        transaction: String,
        amount: Money,
        /// Recorded before and deleted since; the ledger's application stands.
        again: bool,
    },
    PaymentRecorded {
        transaction: String,
        payment: String,
        /// What is applied to the invoice now.
        applied: Money,
        /// Recorded before and deleted since: nothing moves in the ledger.
        again: bool,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Zoho's record differs from what was asked, or is there twice.
    RecordDoubtful {
        transaction: String,
        what: String,
    },
    RecordRefused {
        transaction: String,
        code: String,
        message: String,
        at: DateTime<Utc>,
    },
    /// Paid after failed attempts.
    InvoiceRecovered {
        attempts: u32,
        days: i64,
        method_changed: bool,
        amount: Money,
    },
    /// A rule wants money given back that has no use here.
    GiveBackProposed(Proposed),
    /// The give-back was ordered: it has an own saga.
    ProposalSent,
    GiveBackAsked {
        transaction: String,
        saga: SagaId,
        amount: Money,
        source: Source,
        at: DateTime<Utc>,
    },
    /// Nothing else happens to that money until the give-back is over.
    GiveBackAdmitted {
        saga: SagaId,
        transaction: String,
        /// Of what is applied, and stays so.
        forgiven: Money,
        /// Of what is applied, and is owed again.
        reopened: Money,
        /// Of what is not applied.
        unapplied: Money,
        at: DateTime<Utc>,
    },
    GiveBackNotAdmitted {
        saga: SagaId,
        transaction: String,
        code: String,
        why: String,
    },
    /// The give-back was told.
    GiveBackAnswered,
    GiveBackEnded {
        transaction: String,
        saga: SagaId,
        ending: Ending,
        /// Within what was forgiven.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tax: Option<Money>,
        at: DateTime<Utc>,
    },
    /// Of what was forgiven the invoice bears less, or nothing: it is void, gone or lowered.
    GiveBackReassigned {
        transaction: String,
        saga: SagaId,
        before: Forgiven,
        kept: Forgiven,
        /// What it took of unapplied money before.
        unapplied_before: Money,
        effective: NaiveDate,
    },
    PaymentDisputed {
        transaction: String,
        saga: SagaId,
        at: DateTime<Utc>,
    },
    DisputeOver {
        transaction: String,
        saga: SagaId,
        lost: i64,
        at: DateTime<Utc>,
    },
    DisputeAnswered,
    SettlementLookDue {
        transaction: String,
    },
    SettlementAwaited {
        transaction: String,
        next_look: DateTime<Utc>,
        /// Days since the capture, once they are too many.
        late_days: Option<i64>,
    },
    PaymentSettled {
        transaction: String,
        amount: Money,
        effective: NaiveDate,
    },
    PaymentReversed {
        transaction: String,
        /// `settlement_declined`, `voided` …
        cause: String,
        amount: Money,
        /// What of it was applied.
        applied: Money,
        was_settled: bool,
        /// A person asked finance about this money before it was voided: nobody is surprised.
        expected: bool,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    SettlementUnclear {
        transaction: String,
        code: ParkCode,
        what: String,
        at: DateTime<Utc>,
    },
    CustomerStateShown {
        version: u64,
        transaction_record: Option<String>,
        subscription_record: Option<String>,
    },
    /// There is nothing any more on which it could be shown.
    ProjectionRefused {
        version: u64,
        code: String,
        message: String,
    },
    /// Attio refuses to show it: tried again later.
    ProjectionPutOff {
        version: u64,
        code: String,
        message: String,
        again_at: DateTime<Utc>,
    },
    ProjectionDue,
    LettersSet {
        card_link: Value,
    },
    /// The customer is to be told.
    LetterOwed {
        cause: Box<CardCause>,
        at: DateTime<Utc>,
    },
    LetterHandedOver,
}

crate::kernel::saga::event_names!(
    Event: InvoiceDetected, SignalHeard, MethodChanged, RetryAnswerAwaited, RetryAnswered, ChargeOrdered,
    CollectionPaused, CollectionStopped, CollectionOfEndedOrdered, DecisionTaken, ChecksBegun, InvoiceRead,
    InvoiceNotFound, SubscriptionOfInvoiceFound, InvoiceSurveyed, SubscriptionRead, ClientRead, MethodRead,
    OpeningHeard, InvoiceOpened, InvoiceIssued, InvoiceEdited, InvoiceVoided, ExternalPaymentSeen,
    ExternalPaymentGone, CreditsApplied, InvoiceWrittenOff, ApplicationUndone, InvoiceDeferred, InvoiceHeld,
    InvoiceClosed, ChargePlanned, InvoiceClaimed, ClaimRefused, CardCounted, CardCapReached, ChargeSuperseded,
    CaptureFoundByRecovery, CaptureAdopted, ActivationTold, PaymentCaptured, DuplicateCaptured, DuplicateDisproved,
    ChargeDeclined, CardUnknown, RecordingBegun, PaymentRecorded, RecordDoubtful, RecordRefused, InvoiceRecovered,
    GiveBackProposed, ProposalSent, GiveBackAsked, GiveBackAdmitted, GiveBackNotAdmitted, GiveBackAnswered,
    GiveBackEnded, GiveBackReassigned, PaymentDisputed, DisputeOver, DisputeAnswered, SettlementLookDue,
    SettlementAwaited, PaymentSettled, PaymentReversed, SettlementUnclear, CustomerStateShown, ProjectionRefused,
    ProjectionPutOff, ProjectionDue, LettersSet, LetterOwed, LetterHandedOver
);
