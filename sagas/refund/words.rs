//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here.

use crate::kernel::answer::{CardSeen, InvoiceLine, ZohoPayment};
use crate::kernel::effect::AttioRecord;
use crate::kernel::give_back::Wish;
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::Told;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a refund can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Money of a payment shall be given back.
    Requested {
        /// What exactly.
        wish: Box<Wish>,
    },
    /// A refund stands at Braintree that nobody asked for here: made in its console, or by another program.
    FoundOutside {
        /// What was given back: of which sale, for which invoice, how much.
        wish: Box<Wish>,
        /// Braintree transaction id of the refund.
        refund: String,
    },
    /// A second person agrees.
    Approved {
        /// Who: a principal, never the one who asked.
        by: String,
        /// Why, for the record.
        reason: String,
    },
    /// A second person does not agree.
    Denied {
        /// Who.
        by: String,
        /// Why, for the record.
        reason: String,
    },
    /// The invoice's stream lets the money go.
    Admitted {
        /// What of it is taken from where.
        terms: Box<Terms>,
    },
    /// The invoice's stream does not.
    NotAdmitted {
        /// Stable word: `too_much`, `not_ours` …
        code: String,
        /// Why, in a sentence.
        why: String,
    },
    /// A person decides what becomes of a refund that the bank did not make.
    Decided {
        /// What.
        choice: Choice,
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The invoice bears less of what was forgiven, or nothing: so much of it was taken from what was not applied any more.
    Reassigned {
        /// What is left of the forgiven part.
        forgiven: Money,
        /// What was applied and is not any more.
        reopened: Money,
        /// Tax within the forgiven part.
        tax: Option<Money>,
    },
    /// The customer's bank disputes the payment: what is not sent yet is not sent any more.
    Disputed {
        /// The dispute.
        dispute: SagaId,
    },
    /// Braintree says that something happened to the refund: it is looked at.
    LookAgain {
        /// Where it was said: `braintree.refund_failed` …
        source: String,
    },
}

/// What a person can choose where the bank did not make the refund, and what finance says of one that others made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Ask Braintree once more, under a new order id.
    TryAgain,
    /// It was paid by bank transfer.
    PaidOutside,
    /// Nothing is given back: the obligation is taken back.
    Withdraw,
    /// Made by others: the customer need not pay it. Zoho gets its credit note.
    Forgive,
    /// Made by others: the invoice owes it again.
    Reopen,
    /// Made by others, and they have recorded it in Zoho: nothing is written there.
    Recorded,
}

/// What the invoice's stream lets go, and whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Zoho invoice id.
    pub invoice: String,
    /// Zoho's number of it.
    pub number: String,
    /// Our customer id.
    pub customer: Option<String>,
    /// The client's record in Attio.
    pub client: Option<AttioRecord>,
    /// Zoho subscription id.
    pub subscription: Option<String>,
    /// The subscription's record in Attio.
    pub subscription_record: Option<String>,
    /// Zoho payment id, where the payment is recorded.
    pub payment: Option<String>,
    /// What the sale took.
    pub captured: Money,
    /// On which day (books zone).
    pub captured_on: NaiveDate,
    /// What of it stays applied, as far as this give-back does not reopen it.
    pub applied: Money,
    /// Of this give-back: applied, and stays so.
    pub forgiven: Money,
    /// Of this give-back: was applied, and is owed again.
    pub reopened: Money,
    /// Of this give-back: never applied.
    pub unapplied: Money,
}

impl Terms {
    /// All of it.
    pub(super) const fn amount(&self) -> Money {
        let minor = self.forgiven.minor + self.reopened.minor + self.unapplied.minor;
        Money::new(minor, self.captured.currency)
    }

    /// The whole sale, of which nothing was given back before.
    pub(super) const fn is_whole(&self) -> bool {
        self.amount().minor == self.captured.minor
    }
}

/// What a forgiven part is credited by: a line of the invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// Zoho customer id.
    pub zoho_customer: String,
    /// The line's code and tax.
    pub line: InvoiceLine,
    /// What is credited, before tax.
    pub price: Money,
    /// Tax within the forgiven part; absent: Zoho does not say.
    pub tax: Option<Money>,
}

/// Why the give-back waits for Braintree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Another give-back or a dispute holds the transaction.
    Busy,
    /// A rule's give-back: what made it necessary may pass.
    Cooling,
    /// The sale can neither be voided in part nor be refunded yet.
    Settlement,
    /// Braintree refused though the status allows it: its batch is being closed.
    Batch,
}

/// A letter to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    /// What was given back.
    Refund,
}

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    RefundRequested {
        wish: Box<Wish>,
        at: DateTime<Utc>,
    },
    /// Others gave it back, and it is booked once it is sure what it was taken from.
    RefundFoundOutside {
        wish: Box<Wish>,
        refund: String,
        at: DateTime<Utc>,
    },
    /// It stands at Braintree, and is none that this program asked for.
    FoundRefundRead {
        made_at: DateTime<Utc>,
        card: Option<CardSeen>,
    },
    TransactionClaimed,
    ClaimRefused {
        held: String,
    },
    /// A rule's proposal: whether it may go without anybody's word.
    ProposalWeighed {
        alone: bool,
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
    PaymentDisputed {
        dispute: SagaId,
        at: DateTime<Utc>,
    },
    /// The invoice's stream was asked to let the money go.
    StreamAsked {
        until: DateTime<Utc>,
    },
    GiveBackAdmitted {
        terms: Box<Terms>,
    },
    /// Nothing was booked and nothing is sent.
    RefundRefused {
        code: String,
        why: String,
        at: DateTime<Utc>,
    },
    InvoiceLinesRead {
        credit: Box<Credit>,
    },
    /// From here on it is owed to the customer: what of it is credited, taken off the invoice, or was never applied.
    RefundApproved {
        /// Tax within the forgiven part.
        tax: Option<Money>,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    VoidChosen {
        card: Option<CardSeen>,
    },
    RefundChosen {
        order_id: String,
        card: Option<CardSeen>,
    },
    GiveBackPutOff {
        wait: Wait,
        until: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// The time to look again has come.
    GiveBackDue {
        at: DateTime<Utc>,
    },
    /// The void was accepted: the sale is taken back.
    SaleVoided {
        amount: Money,
        /// What of it was applied.
        applied: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// The refund was accepted.
    RefundSent {
        refund: String,
        amount: Money,
        /// The bank said no, softly, and Braintree went on all the same: its code.
        soft_decline: Option<String>,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// The sale was taken back by somebody else before anything was given back.
    RefundMoot {
        /// Braintree's status word.
        status: String,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Braintree does not do it in the state in which the sale is: looked at again.
    GiveBackRefused {
        code: String,
        why: String,
        at: DateTime<Utc>,
    },
    RefundBlocked {
        code: String,
        why: String,
        at: DateTime<Utc>,
    },
    /// A person must look.
    RefundHeld {
        code: ParkCode,
        detail: String,
        at: DateTime<Utc>,
    },
    /// A person looked: the same is tried again.
    RefundTakenUp {
        at: DateTime<Utc>,
    },
    PaymentRecordRead {
        payment: Box<ZohoPayment>,
    },
    /// The payment in Zoho says what of it is left.
    PaymentRecordLowered {
        payment: String,
    },
    PaymentRecordDeleted,
    /// What the invoice owes at Zoho after its payment was deleted.
    InvoiceSeen {
        total: Money,
        balance: Money,
        void: bool,
    },
    /// Void at Zoho; its own stream takes it out of the books.
    InvoiceVoided,
    CreditNoteMade {
        note: String,
        number: String,
        total: Money,
    },
    /// It came to another sum than was given back.
    CreditNoteVoided {
        note: String,
    },
    CreditNotePaidOut {
        note: String,
        refund: String,
    },
    /// What was forgiven of an invoice that others paid, too.
    CreditNoteApplied {
        note: String,
        amount: Money,
        effective: NaiveDate,
    },
    /// Braintree has given it back and Zoho refuses the record.
    BooksRefused {
        code: ParkCode,
        why: String,
        at: DateTime<Utc>,
    },
    /// The invoice's stream knows how it ended.
    StreamTold,
    SettlementLookDue,
    SettlementAwaited {
        next_look: DateTime<Utc>,
        /// Days since it was sent, once they are too many.
        late_days: Option<i64>,
    },
    RefundSettled {
        refund: String,
        amount: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Accepted once, and declined since.
    RefundFailed {
        refund: String,
        /// Braintree's status word.
        status: String,
        amount: Money,
        was_settled: bool,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    DecisionTaken {
        choice: Choice,
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    /// What others gave back was booked as forgiven, and is owed again: finance says so.
    RefundReopened {
        amount: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// The invoice's stream booked from where the money came in the end.
    GiveBackReassigned {
        forgiven: Money,
        reopened: Money,
        tax: Option<Money>,
    },
    RefundPaidOutside {
        amount: Money,
        effective: NaiveDate,
    },
    RefundWithdrawn {
        /// Zoho holds the credit note already: the customer keeps the credit.
        credit_kept: bool,
        effective: NaiveDate,
    },
    /// What people were told.
    #[serde(untagged)]
    Told(Told<LetterKind>),
}

crate::kernel::saga::event_names!(
    Event: RefundRequested,
    RefundFoundOutside,
    FoundRefundRead,
    TransactionClaimed,
    ClaimRefused,
    ProposalWeighed,
    ApprovalAwaited,
    ApprovalGiven,
    ApprovalDenied,
    ApprovalLapsed,
    PaymentDisputed,
    StreamAsked,
    GiveBackAdmitted,
    GiveBackReassigned,
    RefundRefused,
    InvoiceLinesRead,
    RefundApproved,
    VoidChosen,
    RefundChosen,
    GiveBackPutOff,
    GiveBackDue,
    SaleVoided,
    RefundSent,
    RefundMoot,
    GiveBackRefused,
    RefundBlocked,
    RefundHeld,
    RefundTakenUp,
    PaymentRecordRead,
    PaymentRecordLowered,
    PaymentRecordDeleted,
    InvoiceSeen,
    InvoiceVoided,
    CreditNoteMade,
    CreditNoteVoided,
    CreditNotePaidOut,
    CreditNoteApplied,
    BooksRefused,
    StreamTold,
    SettlementLookDue,
    SettlementAwaited,
    RefundSettled,
    RefundFailed,
    DecisionTaken,
    RefundReopened,
    RefundPaidOutside,
    RefundWithdrawn;
    Told
);
