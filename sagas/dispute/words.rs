//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data: what is handed in lies sealed beside the log.

use crate::kernel::answer::{Dispute, DisputeStatus};
use crate::kernel::effect::{AttioRecord, DocumentForm};
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::{NoLetter, Told};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a dispute's stream can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Braintree says that something happened to a dispute, or the daily search shows it. Not believed: it is read.
    Noticed {
        /// Which dispute.
        of: Of,
        /// The payment, where it is one of ours.
        sale: Option<Sale>,
        /// What is said of it: with what is known already, nothing is read.
        seen: Option<DisputeStatus>,
        /// Where it was said: `braintree.dispute_opened`, `poll` …
        source: String,
    },
    /// The invoice's stream says what is known of the payment.
    Described {
        /// All of it.
        payment: Box<Payment>,
    },
    /// A person hands the evidence in.
    Submit {
        /// What is added before; the bank sees nothing else.
        pieces: Vec<Piece>,
        /// Who: a principal.
        by: String,
        /// Why, for the record.
        reason: String,
    },
    /// A person gives the dispute up.
    Accept {
        /// Who: a principal.
        by: String,
        /// Why, for the record.
        reason: String,
    },
    /// A person has seen how it ended, and says what becomes of the subscription.
    Close {
        /// Of the subscription that was paid; absent: the payment was for none.
        subscription: Option<Fate>,
        /// Who: a principal.
        by: String,
        /// Why, for the record.
        reason: String,
    },
}

/// Which dispute it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// Braintree's id of the dispute.
    pub dispute: String,
}

/// A payment of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// Braintree transaction id.
    pub transaction: String,
    /// Zoho invoice id of what it paid.
    pub invoice: String,
    /// That invoice's stream.
    pub stream: SagaId,
}

/// What is known of a disputed payment: what the invoice's stream says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// Braintree transaction id.
    pub transaction: String,
    /// Our reference of the sale.
    pub order_id: String,
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
    /// Given back of it, in minor units of `captured`.
    pub given_back: i64,
    /// More of it is being given back.
    pub giving_back: bool,
}

/// What a person hands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "piece", rename_all = "snake_case")]
pub enum Piece {
    /// A text, sealed.
    Text {
        /// The sealed text.
        input: Uuid,
        /// Braintree's category of texts.
        category: Option<String>,
    },
    /// A document, sealed: the file in base64.
    Document {
        /// The sealed file.
        input: Uuid,
        /// What the file is.
        form: DocumentForm,
        /// Braintree's category of documents.
        category: Option<String>,
    },
}

impl Piece {
    /// The sealed row.
    pub const fn input(&self) -> Uuid {
        match self {
            Self::Text { input, .. } | Self::Document { input, .. } => *input,
        }
    }
}

/// What becomes of the subscription whose payment was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It goes on.
    Keep,
    /// It ends at once.
    Cancel,
}

/// How much time is left to reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alarm {
    /// A week.
    Week,
    /// Three days.
    ThreeDays,
    /// A day.
    Day,
    /// Four hours.
    FourHours,
    /// An hour: what was refused until now is a person's.
    Hour,
}

/// Why a person must look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// From the closed list.
    pub code: ParkCode,
    /// What happened and what to do.
    pub detail: String,
}

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    DisputeNoticed {
        of: Of,
        sale: Option<Sale>,
        source: String,
        at: DateTime<Utc>,
    },
    /// The payment is one of ours after all.
    PaymentIdentified {
        sale: Sale,
        at: DateTime<Utc>,
    },
    LookBegun {
        source: String,
        at: DateTime<Utc>,
    },
    DisputeRead {
        shown: Box<Dispute>,
        at: DateTime<Utc>,
    },
    /// Braintree did not show it: looked at again.
    LookPutOff {
        code: String,
        again_at: DateTime<Utc>,
    },
    /// Braintree has no such dispute.
    DisputeNotFound {
        at: DateTime<Utc>,
    },
    /// The invoice's stream knows: nothing of the payment is given back from now on.
    StreamTold {
        answer_by: DateTime<Utc>,
    },
    PaymentDescribed {
        payment: Box<Payment>,
        at: DateTime<Utc>,
    },
    /// The stream said nothing for an hour: it goes on with what is known.
    AnswerGivenUp {
        at: DateTime<Utc>,
    },
    TransactionClaimed,
    /// A give-back holds the payment.
    ClaimRefused {
        held: String,
        again_at: DateTime<Utc>,
    },
    ClaimDue,
    /// The bank has taken the money until it is decided.
    DisputeHeld {
        amount: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// The bank has taken money for a payment that nobody here knows.
    OrphanDisputeBooked {
        amount: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// That payment is known now: the money is no orphan's any more.
    OrphanDisputeAdopted {
        amount: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// Money of a payment that nobody here knows has come back.
    OrphanDisputeReturned {
        amount: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    DeadlineNear {
        alarm: Alarm,
        deadline: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    SubmissionOrdered {
        pieces: Vec<Piece>,
        /// Nothing is sent after (UTC).
        until: DateTime<Utc>,
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    DocumentUploaded {
        /// The sealed file, which is not needed any more.
        input: Uuid,
        document: String,
    },
    EvidenceAdded {
        /// The sealed text, which is not needed any more.
        input: Option<Uuid>,
        shown: Box<Dispute>,
    },
    AcceptanceOrdered {
        /// Nothing is sent after (UTC).
        until: DateTime<Utc>,
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    /// Braintree does not take what a person ordered: it is the person's again.
    OrderRefused {
        code: String,
        why: String,
        /// What was sealed for it, and is not used.
        inputs: Vec<Uuid>,
        at: DateTime<Utc>,
    },
    /// The evidence is with the bank.
    DisputeSubmitted {
        at: DateTime<Utc>,
    },
    /// It waits for us once more.
    DisputeReturned {
        at: DateTime<Utc>,
    },
    DisputeWon {
        /// Back with us.
        won: Option<Money>,
        /// What of the hold did not come back.
        lost: Option<Money>,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    DisputeLost {
        /// `lost`, `accepted`, `auto_accepted`, `expired`.
        status: DisputeStatus,
        amount: Option<Money>,
        /// Nobody here had replied.
        missed: bool,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    /// A person must look at what Braintree shows.
    DisputeDoubtful {
        doubt: Doubt,
        at: DateTime<Utc>,
    },
    DisputeTakenUp {
        at: DateTime<Utc>,
    },
    /// The invoice's stream knows how it ended.
    StreamToldOver,
    OutcomeSeen {
        subscription: Option<Fate>,
        by: String,
        reason: String,
        at: DateTime<Utc>,
    },
    /// From here on the customer's other invoices are collected again.
    DisputeClosed {
        at: DateTime<Utc>,
    },
    HeldInvoicesFound {
        streams: Vec<SagaId>,
    },
    HeldInvoiceTold {
        stream: SagaId,
    },
    CancellationOrdered {
        subscription: String,
    },
    /// What people were told.
    #[serde(untagged)]
    Told(Told<NoLetter>),
}

crate::kernel::saga::event_names!(
    Event: DisputeNoticed, PaymentIdentified, LookBegun, DisputeRead, LookPutOff, DisputeNotFound, StreamTold,
    PaymentDescribed, AnswerGivenUp, TransactionClaimed, ClaimRefused, ClaimDue, DisputeHeld, OrphanDisputeBooked,
    OrphanDisputeAdopted, OrphanDisputeReturned, DeadlineNear, SubmissionOrdered, DocumentUploaded, EvidenceAdded,
    AcceptanceOrdered, OrderRefused, DisputeSubmitted, DisputeReturned, DisputeWon, DisputeLost, DisputeDoubtful,
    DisputeTakenUp, StreamToldOver, OutcomeSeen, DisputeClosed, HeldInvoicesFound, HeldInvoiceTold, CancellationOrdered;
    Told
);
