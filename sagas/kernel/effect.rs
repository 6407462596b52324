//! What a saga may want done: one enum per system. An effect carries all that the call needs, references included, so
//! that asking again gives the same call.

use super::money::Money;
use super::step::{Absence, ExactlyOnce};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// One wanted call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "system", rename_all = "snake_case")]
pub enum Effect {
    /// Our own store: claims, links, sums of the ledger.
    Desk(Desk),
    /// Braintree's gateway.
    Braintree(Braintree),
    /// Zoho Billing.
    Zoho(Zoho),
    /// Attio.
    Attio(Attio),
    /// The practice vendor of rehearsals.
    Practice(Practice),
}

/// Calls on our own store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Desk {
    /// What our own tables say about an invoice before it is charged.
    SurveyInvoice {
        /// Zoho invoice id.
        invoice: String,
        /// Zoho customer id on the invoice.
        customer: String,
        /// Zoho subscription id on the invoice, if it names one.
        subscription: Option<String>,
    },
    /// Reserves claims for this saga: all or none.
    Claim {
        /// What to hold.
        claims: Vec<Claim>,
    },
    /// Gives claims back.
    Release {
        /// What to let go.
        claims: Vec<Claim>,
    },
    /// Reserves one charge of a card in its rolling windows.
    CountCard {
        /// The card's unique number identifier.
        card: String,
        /// Brand, for the caps.
        brand: String,
        /// The order id of the charge: counted once however often it is asked.
        order_id: String,
    },
}

/// One claim: only one saga may hold a (kind, key).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// Which kind; the order of the kinds is the order of taking.
    pub kind: ClaimKind,
    /// What is claimed.
    pub key: String,
}

/// Kinds of claims, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// One press of an act in Attio.
    AttioTrigger,
    /// Our account and plan family.
    AccountPlanFamily,
    /// A Zoho customer.
    ZohoCustomer,
    /// A Zoho subscription.
    ZohoSubscription,
    /// A Zoho invoice.
    ZohoInvoice,
    /// A Braintree transaction.
    BraintreeTransaction,
    /// A rehearsal's resource.
    Practice,
}

/// Calls on Braintree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Braintree {
    /// Reads a customer with its payment methods and their live subscriptions.
    ReadCustomer {
        /// Braintree customer id.
        customer: String,
    },
    /// A sale, submitted for settlement.
    Sell {
        /// Our reference: one per attempt for ever.
        order_id: String,
        /// Braintree customer id, compared with the answer's.
        customer: String,
        /// The vaulted method.
        token: String,
        /// What to charge.
        amount: Money,
        /// True: `transaction_source=recurring`; false: the customer is present.
        recurring: bool,
    },
    /// Reads one transaction.
    ReadTransaction {
        /// Transaction id.
        transaction: String,
    },
}

/// Calls on Zoho Billing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Zoho {
    /// Reads an invoice with its payments and credits.
    ReadInvoice {
        /// Zoho invoice id.
        invoice: String,
    },
    /// Reads a subscription.
    ReadSubscription {
        /// Zoho subscription id.
        subscription: String,
    },
    /// Finds the subscription of an invoice that names none: among the subscriptions of the customer.
    FindSubscriptionOfInvoice {
        /// Zoho invoice id.
        invoice: String,
        /// Zoho customer id.
        customer: String,
    },
    /// Records a payment that was taken elsewhere.
    RecordPayment {
        /// Zoho customer id.
        customer: String,
        /// Zoho invoice id.
        invoice: String,
        /// Amount paid and applied.
        amount: Money,
        /// `reference_number`: the bare Braintree transaction id.
        reference: String,
        /// Braintree's date in the books zone.
        date: NaiveDate,
        /// Look-ups go back to this instant.
        since: DateTime<Utc>,
    },
}

/// Calls on Attio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Attio {
    /// Finds the client by Zoho customer id and reads what the flow needs of it.
    FindClient {
        /// Zoho customer id.
        zoho_customer: String,
        /// The record that we hold linked: read directly.
        record: Option<AttioRecord>,
    },
    /// Writes the customer-facing state of one charge attempt and its subscription.
    Project(Box<Projection>),
}

/// One Attio record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttioRecord {
    /// Object slug: `companies`, `people`, `subscriptions` …
    pub object: String,
    /// Record id.
    pub id: String,
}

/// What a customer-facing record shall say. Words are the option and status titles of the data model in Attio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// The client's record.
    pub client: Option<AttioRecord>,
    /// Our reference of the subscription record, where the invoice has a subscription of ours.
    pub subscription: Option<SubscriptionProjection>,
    /// One billing transaction.
    pub transaction: TransactionProjection,
    /// `billing_summary` of the client: `Active`, `Past due` …
    pub billing_summary: String,
    /// The saga that writes.
    pub saga: String,
    /// Grows with every write of this saga; an older write never replaces a newer one.
    pub sync_version: u64,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// The subscription's part of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionProjection {
    /// `external_id` in Attio: `sub:<our subscription>`.
    pub external_id: String,
    /// Zoho subscription id.
    pub zoho_subscription: String,
    /// `Active`, `Past due`, `Cancelled` …
    pub subscription_status: String,
    /// `Paid`, `Failed`, `Pending` …
    pub payment_status: String,
    /// Reason and cure in one sentence; empty clears it.
    pub last_error: String,
    /// What the customer must do, if anything; empty clears it.
    pub action_needed: String,
}

/// One attempt's part of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionProjection {
    /// `external_id` in Attio: `inv:<zoho invoice id>:<attempt>`.
    pub external_id: String,
    /// `Open`, `Paid`, `Failed`, `Refunded`, `Void`.
    pub status: String,
    /// The amount concerned.
    pub amount: Money,
    /// Zoho invoice id.
    pub zoho_invoice: String,
    /// Zoho payment id, once recorded.
    pub zoho_payment: Option<String>,
    /// Braintree transaction id, once there is one.
    pub braintree_transaction: Option<String>,
    /// When the vendor did it (UTC).
    pub occurred_at: DateTime<Utc>,
    /// Why it failed, in words for the CRM team; empty clears it.
    pub failure_reason: String,
}

/// Calls on the practice vendor: it keeps a book in our own store, so that operators rehearse on real machinery
/// without touching a real vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Practice {
    /// Looks whether the practice vendor is there.
    Look,
    /// Puts something in the book under an id of our choosing.
    Reserve {
        /// The chosen id.
        id: String,
        /// How it shall go.
        script: PracticeScript,
    },
    /// Strikes what was reserved.
    Unreserve {
        /// The chosen id.
        id: String,
        /// How it shall go.
        script: PracticeScript,
    },
    /// Takes practice money: found again only by its reference.
    Take {
        /// Our reference.
        reference: String,
        /// How much.
        amount: Money,
        /// How it shall go.
        script: PracticeScript,
    },
    /// Notes that all is done: sets a state to a value.
    Note {
        /// The chosen id.
        id: String,
        /// How it shall go.
        script: PracticeScript,
    },
}

/// How a practice call shall go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PracticeScript {
    /// It works.
    #[default]
    Works,
    /// The answer is no.
    Declines,
    /// The request is refused for good.
    Refuses,
    /// It is done, but no answer comes.
    DoneUnanswered,
    /// Nothing is done, and no answer comes.
    LostUnanswered,
}

impl Effect {
    /// How this call is exactly once: the row of the resolver table.
    pub fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Desk(
                Desk::Claim { .. } | Desk::Release { .. } | Desk::CountCard { .. } | Desk::SurveyInvoice { .. },
            )
            | Self::Braintree(Braintree::ReadCustomer { .. } | Braintree::ReadTransaction { .. })
            | Self::Zoho(
                Zoho::ReadInvoice { .. } | Zoho::ReadSubscription { .. } | Zoho::FindSubscriptionOfInvoice { .. },
            )
            | Self::Attio(Attio::FindClient { .. })
            | Self::Practice(Practice::Look) => ExactlyOnce::Repeatable,
            Self::Braintree(Braintree::Sell { .. }) => {
                ExactlyOnce::Searchable { row: "2.0-e36", absence: Absence::Watermark }
            }
            Self::Zoho(Zoho::RecordPayment { .. }) => {
                ExactlyOnce::Searchable { row: "2.0-e46", absence: Absence::TwoLooks }
            }
            Self::Attio(Attio::Project(_)) => ExactlyOnce::Set { row: "2.0-e45" },
            Self::Practice(Practice::Reserve { .. } | Practice::Unreserve { .. }) => {
                ExactlyOnce::ChosenId { row: "practice" }
            }
            Self::Practice(Practice::Take { .. }) => {
                ExactlyOnce::Searchable { row: "practice", absence: Absence::TwoLooks }
            }
            Self::Practice(Practice::Note { .. }) => ExactlyOnce::Set { row: "practice" },
        }
    }

    /// The vendor concerned, for budgets, switches and metrics.
    pub const fn vendor(&self) -> &'static str {
        match self {
            Self::Desk(_) => "desk",
            Self::Braintree(_) => "braintree",
            Self::Zoho(_) => "zoho",
            Self::Attio(_) => "attio",
            Self::Practice(_) => "practice",
        }
    }

    /// The operation's name, for switches, metrics and the timeline.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Desk(Desk::SurveyInvoice { .. }) => "desk.survey_invoice",
            Self::Desk(Desk::Claim { .. }) => "desk.claim",
            Self::Desk(Desk::Release { .. }) => "desk.release",
            Self::Desk(Desk::CountCard { .. }) => "desk.count_card",
            Self::Braintree(Braintree::ReadCustomer { .. }) => "braintree.read_customer",
            Self::Braintree(Braintree::Sell { .. }) => "braintree.sell",
            Self::Braintree(Braintree::ReadTransaction { .. }) => "braintree.read_transaction",
            Self::Zoho(Zoho::ReadInvoice { .. }) => "zoho.read_invoice",
            Self::Zoho(Zoho::ReadSubscription { .. }) => "zoho.read_subscription",
            Self::Zoho(Zoho::FindSubscriptionOfInvoice { .. }) => "zoho.find_subscription_of_invoice",
            Self::Zoho(Zoho::RecordPayment { .. }) => "zoho.record_payment",
            Self::Attio(Attio::FindClient { .. }) => "attio.find_client",
            Self::Attio(Attio::Project(_)) => "attio.project",
            Self::Practice(Practice::Look) => "practice.look",
            Self::Practice(Practice::Reserve { .. }) => "practice.reserve",
            Self::Practice(Practice::Unreserve { .. }) => "practice.unreserve",
            Self::Practice(Practice::Take { .. }) => "practice.take",
            Self::Practice(Practice::Note { .. }) => "practice.note",
        }
    }
}
