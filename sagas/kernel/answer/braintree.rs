//! What Braintree shows of cards, of give-backs, of its own recurring billing, and of disputes.

use super::{Method, Transaction, TransactionStatus};
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What came of 3-D Secure, as the gateway tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// Braintree's word, e.g. `authenticate_successful`.
    pub status: String,
    /// The bank answers for a stolen card.
    pub liability_shifted: bool,
}

/// The card of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardSeen {
    /// Brand as Braintree writes it.
    pub brand: String,
    /// Last four digits.
    pub last_four: String,
    /// Braintree's unique number identifier.
    pub number: Option<String>,
}

/// A refund as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The refund's own transaction id.
    pub id: String,
    /// The transaction of which it gives back.
    pub transaction: String,
    /// Our reference.
    pub order_id: String,
    /// What it gives back.
    pub amount: Money,
    /// Braintree's status word.
    pub status: TransactionStatus,
    /// Created (UTC).
    pub created_at: DateTime<Utc>,
    /// It was taken although the bank said no, softly: the bank's code. It may still be declined later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_decline: Option<String>,
}

/// A vaulted card and what charges it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodInUse {
    /// The card.
    pub method: Method,
    /// Braintree customer id.
    pub customer: String,
    /// Ids of the Braintree subscriptions that are neither cancelled nor expired.
    pub subscriptions: Vec<String>,
}

/// A subscription at Braintree as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recurring {
    /// Subscription id.
    pub id: String,
    /// Braintree's status word.
    pub status: RecurringStatus,
    /// Plan id.
    pub plan: String,
    /// The method that is charged.
    pub token: String,
    /// Price of one term.
    pub price: Money,
    /// What is owed; less than zero: credit for the next charges.
    pub balance: Option<Money>,
    /// Number of the present billing cycle.
    pub current_cycle: Option<u32>,
    /// After how many cycles it ends; absent: never.
    pub ends_after: Option<u32>,
    /// Day of the next charge.
    pub next_charge_on: Option<NaiveDate>,
    /// Paid through that day.
    pub paid_through: Option<NaiveDate>,
    /// Charges that failed in a row.
    pub failures: u32,
    /// Its newest transactions (at most 20), newest first.
    pub transactions: Vec<Transaction>,
}

/// Braintree's statuses of subscriptions; a word that we do not know is kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecurringStatus {
    /// Its first day is to come.
    Pending,
    Active,
    PastDue,
    /// Its last cycle is over.
    Expired,
    Canceled,
    /// Could still charge.
    Other(String),
}

impl RecurringStatus {
    /// It charges nothing any more, for ever.
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Expired | Self::Canceled)
    }
}

/// A dispute as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// Dispute id.
    pub id: String,
    /// Braintree's status word.
    pub status: DisputeStatus,
    /// `chargeback`, `pre_arbitration`, `retrieval`; another word is kept.
    pub kind: String,
    /// `fraud`, `product_not_received` …
    pub reason: String,
    /// The card network's code of the reason.
    pub reason_code: Option<String>,
    /// The number of the case at the bank.
    pub case_number: Option<String>,
    /// What is disputed.
    pub disputed: Money,
    /// What was won back.
    pub won: Option<Money>,
    /// The disputed transaction.
    pub transaction: Option<String>,
    /// That transaction's order id.
    pub order_id: Option<String>,
    /// The dispute that this one goes on with.
    pub original: Option<String>,
    /// Decided without a reply by that programme of the card network; absent: none.
    pub program: Option<String>,
    /// Day on which it came in.
    pub received_on: Option<NaiveDate>,
    /// Last day for a reply.
    pub reply_by: Option<NaiveDate>,
    /// What was added to it.
    pub evidence: Vec<Evidence>,
}

/// Braintree's statuses of disputes; a word that we do not know is kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStatus {
    /// It waits for us.
    Open,
    UnderReview,
    /// Our evidence was handed in.
    Disputed,
    Won,
    Lost,
    Accepted,
    AutoAccepted,
    /// Nobody replied in time.
    Expired,
    /// Not final.
    Other(String),
}

/// One piece of evidence; its text stays at Braintree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its id.
    pub id: String,
    /// It is a document, not a text.
    pub is_file: bool,
    /// Braintree's category.
    pub category: Option<String>,
    /// Day on which it was handed on to the bank.
    pub sent_on: Option<NaiveDate>,
}
