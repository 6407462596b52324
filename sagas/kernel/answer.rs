//! What a vendor's answer means to a flow: ids, amounts, statuses. Never personal data, never a raw body.

mod braintree;
mod crm;
mod erasing;
mod people;
mod surveys;
mod zoho;

pub use braintree::{
    Authentication, CardSeen, Dispute, DisputeStatus, Evidence, MethodInUse, Recurring, RecurringStatus, Refund,
};
pub use crm::{CrmRecord, Ticket};
pub use erasing::{ErasedHere, ErasureProof, InFlight, Kept, PersonSurvey, Trace};
pub use people::{ClaimHolder, ClientRead};
pub use surveys::{
    BookedCapture, CardUses, CustomerSurvey, EndingSurvey, KeptProduct, Owing, SubscriptionSurvey, Survey,
};
pub use zoho::{
    AppliedTo, BilledInvoice, CreditNote, Estimate, HostedPage, InvoiceLine, InvoiceLines, Sold, SubscriptionTerms,
    ZohoPayment,
};

use super::catalog::{Catalog, ShownCatalog};
use super::effect::AttioRecord;
use super::money::Money;
use super::offer::Offer;
use super::payout::{PaidOut, Position};
use super::profile;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The extract of a successful answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Nothing more to say than that it was done.
    Nothing,
    /// What is set for a flow; null: nothing, its own defaults hold.
    Settings {
        /// In the flow's own form.
        settings: Value,
    },
    /// What our own tables say about an invoice.
    Survey(Box<Survey>),
    /// What our own tables say about a subscription.
    SubscriptionSurvey(Box<SubscriptionSurvey>),
    /// What our own tables say about a subscription that is being ended.
    EndingSurvey(Box<EndingSurvey>),
    /// What our own tables say about a customer.
    CustomerSurvey(Box<CustomerSurvey>),
    /// What our own tables say about the uses of a customer's card.
    CardUses(Box<CardUses>),
    /// Whether a rule may give back what was asked about.
    Weighed {
        /// Nobody need agree.
        alone: bool,
    },
    /// What our own tables say about a person who is to be erased.
    PersonSurvey(Box<PersonSurvey>),
    /// A person was erased here.
    ErasedHere(Box<ErasedHere>),
    /// What is left here of a person who was erased.
    ErasureProof(Box<ErasureProof>),
    /// What is left of a person at a vendor.
    Trace(Box<Trace>),
    /// A Zoho invoice.
    Invoice(Box<Invoice>),
    /// A Zoho subscription.
    Subscription(Box<Subscription>),
    /// The subscription of an invoice, or that there is none.
    SubscriptionOfInvoice {
        /// Zoho subscription id.
        subscription: Option<String>,
    },
    /// A payment recorded in Zoho.
    Recorded {
        /// Zoho payment id.
        payment: String,
        /// What Zoho says was applied.
        amount: Money,
    },
    /// A client in Attio, or that there is none, or several.
    Client(Box<Client>),
    /// A Braintree customer's methods.
    Methods {
        /// All vaulted cards.
        methods: Vec<Method>,
    },
    /// A Braintree transaction.
    Transaction(Box<Transaction>),
    /// Braintree transactions, oldest first.
    Transactions {
        /// All that were asked for.
        transactions: Vec<Transaction>,
    },
    /// Written to Attio.
    Projected {
        /// The billing transaction's record.
        transaction_record: Option<String>,
        /// The subscription's record.
        subscription_record: Option<String>,
    },
    /// The card cap is used up until this instant (UTC).
    CardCapUntil {
        /// When the window opens again.
        until: DateTime<Utc>,
    },
    /// Our customer for a client in Attio.
    Enrolled(Box<Enrolment>),
    /// What a CRM user asks for on a subscription record.
    Request(Box<Request>),
    /// A client's personal data was read and is kept apart.
    PersonRead {
        /// What is missing that a customer at Zoho and Braintree needs: titles of attributes.
        missing: Vec<String>,
        /// ISO 3166 country code.
        country: Option<String>,
    },
    /// A client that signs up was read; what is personal is kept apart.
    ClientRead(Box<ClientRead>),
    /// What our tables say of what is shown of a customer elsewhere.
    ProfileCompared(Box<profile::Compared>),
    /// What a target shows of a customer.
    ProfileShown(Box<profile::Shown>),
    /// A person's record in Attio, found or made.
    PersonFound {
        /// The record.
        record: AttioRecord,
    },
    /// Who holds a claim, or that nobody does.
    ClaimHeldBy {
        /// Who.
        holder: Option<ClaimHolder>,
    },
    /// Which transactions were paid out on a day.
    PayoutListed {
        /// Their ids.
        transactions: Vec<String>,
    },
    /// Transactions of a payout.
    PaidOut {
        /// As the gateway shows them.
        items: Vec<PaidOut>,
    },
    /// Where the money of transactions stands in our ledger.
    Positions {
        /// One for each that the ledger or a flow knows.
        positions: Vec<Position>,
    },
    /// What is for sale.
    Offer(Box<Offer>),
    /// All that Zoho sells.
    Catalog(Box<Catalog>),
    /// What Attio shows of it.
    ShownCatalog(Box<ShownCatalog>),
    /// A Zoho customer.
    ZohoCustomer(Box<ZohoCustomer>),
    /// Zoho customers, oldest first.
    ZohoCustomers {
        /// All that were asked for.
        customers: Vec<ZohoCustomer>,
    },
    /// Customers in Braintree, by their ids.
    BraintreeCustomers {
        /// All that were asked for.
        customers: Vec<String>,
    },
    /// Zoho subscriptions, oldest first.
    Subscriptions {
        /// All that were asked for.
        subscriptions: Vec<Subscription>,
    },
    /// A subscription's first invoice, or that there is none.
    FirstInvoice {
        /// The invoice.
        invoice: Option<Box<Invoice>>,
    },
    /// A vaulted card.
    Vaulted(Box<Method>),
    /// A vaulted card and what charges it.
    MethodInUse(Box<MethodInUse>),
    /// A refund at Braintree.
    Refund(Box<Refund>),
    /// A subscription at Braintree.
    Recurring(Box<Recurring>),
    /// A dispute at Braintree.
    Dispute(Box<Dispute>),
    /// A document that was uploaded as evidence.
    Document {
        /// Id of the upload.
        document: String,
    },
    /// A Zoho subscription with all that is sold by it.
    Terms(Box<SubscriptionTerms>),
    /// All that a Zoho subscription has raised, oldest first.
    BilledInvoices {
        /// Void ones too.
        invoices: Vec<BilledInvoice>,
    },
    /// A Zoho invoice with its lines.
    InvoiceLines(Box<InvoiceLines>),
    /// A Zoho credit note.
    CreditNote(Box<CreditNote>),
    /// A credit note was paid out, as Zoho sees it.
    CreditRefunded {
        /// Zoho refund id, which is another thing than Braintree's.
        refund: String,
        /// Zoho credit note id.
        note: String,
        /// What Zoho says was paid out.
        amount: Money,
    },
    /// A payment recorded in Zoho, whole.
    ZohoPayment(Box<ZohoPayment>),
    /// A Zoho estimate.
    Estimate(Box<Estimate>),
    /// A Zoho hosted page.
    HostedPage(Box<HostedPage>),
    /// A record of Zoho CRM, or that there is none.
    CrmRecord(Box<CrmRecord>),
    /// A contact in Zoho Desk, or that there is none.
    DeskContact {
        /// Zoho Desk contact id; of several the oldest one's.
        contact: Option<String>,
        /// Further ones that were found.
        #[serde(default, skip_serializing_if = "is_zero")]
        others: u32,
    },
    /// A ticket in Zoho Desk.
    Ticket(Box<Ticket>),
}

impl Answer {
    /// The vendor's own id of what a write brought; none: the call names it itself, or it was a read.
    pub fn vendor_id(&self) -> Option<&str> {
        match self {
            Self::Recorded { payment, .. } => Some(payment),
            Self::Transaction(transaction) => Some(&transaction.id),
            Self::ZohoCustomer(customer) => Some(&customer.id),
            Self::Subscription(subscription) => Some(&subscription.id),
            Self::Vaulted(method) => Some(&method.token),
            Self::Refund(refund) => Some(&refund.id),
            Self::Recurring(subscription) => Some(&subscription.id),
            Self::Document { document } => Some(document),
            Self::Terms(terms) => Some(&terms.id),
            Self::CreditNote(note) => Some(&note.id),
            Self::CreditRefunded { refund, .. } => Some(refund),
            Self::ZohoPayment(payment) => Some(&payment.id),
            Self::Estimate(estimate) => Some(&estimate.id),
            Self::HostedPage(page) => Some(&page.id),
            Self::CrmRecord(record) => record.id.as_deref(),
            Self::DeskContact { contact, .. } => contact.as_deref(),
            Self::Ticket(ticket) => Some(&ticket.id),
            Self::Nothing
            | Self::Survey(_)
            | Self::SubscriptionSurvey(_)
            | Self::EndingSurvey(_)
            | Self::CustomerSurvey(_)
            | Self::CardUses(_)
            | Self::Weighed { .. }
            | Self::BilledInvoices { .. }
            | Self::Invoice(_)
            | Self::InvoiceLines(_)
            | Self::SubscriptionOfInvoice { .. }
            | Self::Client(_)
            | Self::Methods { .. }
            | Self::Projected { .. }
            | Self::CardCapUntil { .. }
            | Self::PersonSurvey(_)
            | Self::ErasedHere(_)
            | Self::ErasureProof(_)
            | Self::Trace(_)
            | Self::Enrolled(_)
            | Self::Request(_)
            | Self::PersonRead { .. }
            | Self::ClientRead(_)
            | Self::ProfileCompared(_)
            | Self::ProfileShown(_)
            | Self::PersonFound { .. }
            | Self::ClaimHeldBy { .. }
            | Self::Offer(_)
            | Self::Catalog(_)
            | Self::ShownCatalog(_)
            | Self::Transactions { .. }
            | Self::ZohoCustomers { .. }
            | Self::BraintreeCustomers { .. }
            | Self::Subscriptions { .. }
            | Self::FirstInvoice { .. }
            | Self::MethodInUse(_)
            | Self::Settings { .. }
            | Self::PayoutListed { .. }
            | Self::PaidOut { .. }
            | Self::Positions { .. }
            | Self::Dispute(_) => None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Our customer for a client in Attio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolment {
    /// Our customer id.
    pub customer: String,
    /// The customer's Zoho id, where it is linked.
    pub zoho_customer: Option<String>,
    /// The customer's Braintree id, where it is linked.
    pub braintree_customer: Option<String>,
    /// The customer's contact in Zoho Desk, where it is linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk_contact: Option<String>,
}

/// What a CRM user asks for on a subscription record. Codes and numbers only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The client's record: the company where one is named, else the person; absent: none is named.
    pub client: Option<AttioRecord>,
    /// Plan code of the named service plan; absent: none is named.
    pub plan: Option<String>,
    /// Codes of the named add-ons.
    pub addons: Vec<String>,
    /// Of the plan; absent: one.
    pub quantity: Option<u32>,
    /// Coupon code.
    pub coupon: Option<String>,
    /// First day, where it is not today (books zone).
    pub starts_on: Option<NaiveDate>,
    /// Days of trial; absent: what the plan says.
    pub trial_days: Option<u32>,
    /// Workspace member who is told what happens.
    pub owner: Option<String>,
    /// The act now on the record: `Start` …; `none` once it is answered.
    pub act: Option<String>,
    /// When that act was pressed (UTC): the value's `active_from`.
    pub pressed_at: Option<DateTime<Utc>>,
    /// `external_id`, once it is a subscription of ours.
    pub external_id: Option<String>,
    /// Zoho subscription id on the record.
    pub zoho_subscription: Option<String>,
    /// What cannot be read, each in a sentence that names the attribute and what is expected.
    pub problems: Vec<String>,
}

/// A Zoho customer as read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZohoCustomer {
    /// Zoho customer id.
    pub id: String,
    /// ISO 4217 code of the currency in which it is billed.
    pub currency: String,
    /// It is not marked inactive.
    pub active: bool,
    /// Our customer id on it: custom field `billing_ref`.
    pub our_customer: Option<String>,
    /// Credit that Zoho would use up on the next invoice.
    pub unused_credit: Option<Money>,
    /// When it was last changed, as Zoho writes it: compared with a later read, never reckoned with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<String>,
}

/// Who collects a subscription's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectionOwner {
    /// We charge the vaulted card.
    #[default]
    Orchestrator,
    /// Braintree's own recurring billing.
    BraintreeRecurring,
    /// Zoho's own gateway.
    ZohoNative,
}

impl CollectionOwner {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Orchestrator, Self::BraintreeRecurring, Self::ZohoNative];

    /// The word in our tables and in Attio.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Orchestrator => "orchestrator",
            Self::BraintreeRecurring => "braintree_recurring",
            Self::ZohoNative => "zoho_native",
        }
    }

    /// As people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Orchestrator => "us",
            Self::BraintreeRecurring => "Braintree's recurring billing",
            Self::ZohoNative => "Zoho's own gateway",
        }
    }

    /// We collect.
    #[must_use]
    pub const fn is_orchestrator(&self) -> bool {
        matches!(self, Self::Orchestrator)
    }
}

/// A Zoho invoice as read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// Zoho invoice id.
    pub id: String,
    /// Human-readable number.
    pub number: String,
    /// Zoho customer id.
    pub customer: String,
    /// Zoho subscription id, where the invoice names one.
    pub subscription: Option<String>,
    /// Zoho's status text: `sent`, `overdue`, `paid`, `void`, `draft`, `pending` …
    pub status: String,
    /// Gross total.
    pub total: Money,
    /// Still owed.
    pub balance: Money,
    /// Sum of tax; absent where Zoho does not say.
    pub tax: Option<Money>,
    /// Credits applied.
    pub credits: Money,
    /// Written off.
    pub written_off: Money,
    /// Payments applied.
    pub payments: Vec<InvoicePayment>,
    /// Document date.
    pub date: NaiveDate,
    /// Due date.
    pub due_date: NaiveDate,
    /// When it was read (UTC).
    pub read_at: DateTime<Utc>,
}

/// One payment applied to a Zoho invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoicePayment {
    /// Zoho payment id.
    pub id: String,
    /// `reference_number`; ours is a bare Braintree transaction id.
    pub reference: String,
    /// Zoho's mode text; `autotransaction` means a gateway of Zoho's own.
    pub mode: String,
    /// What of it is applied to the invoice.
    pub amount: Money,
}

/// A Zoho subscription as read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// Zoho subscription id.
    pub id: String,
    /// Zoho customer id.
    pub customer: String,
    /// Zoho's status text: `live`, `unpaid`, `dunning`, `cancelled` …
    pub status: String,
    /// Zoho would charge by itself.
    pub auto_collect: bool,
    /// Currency code.
    pub currency: String,
    /// Our reference on it.
    pub reference: String,
    /// Plan code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Product id: the plan family.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Price of one term, taxes included as Zoho shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Day of the next invoice (books zone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_billing_on: Option<NaiveDate>,
}

/// The client that Attio shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The record; absent: Attio has no such client.
    pub record: Option<AttioRecord>,
    /// More than one record names the Zoho customer.
    pub ambiguous: bool,
    /// `braintree_customer_id` on the record.
    pub braintree_customer: Option<String>,
    /// `zoho_customer_id` on the record.
    pub zoho_customer: Option<String>,
}

/// A vaulted card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Method {
    /// The vault's token.
    pub token: String,
    /// The customer's default.
    pub default: bool,
    /// Brand as Braintree writes it: `Visa`, `MasterCard` …
    pub brand: String,
    /// Last four digits.
    pub last_four: String,
    /// Expired by its date.
    pub expired: bool,
    /// Braintree's unique number identifier: the same card has the same one.
    pub card: String,
    /// A live Braintree subscription charges this card.
    pub has_live_subscription: bool,
    /// The last day on which it is good, where Braintree names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_through: Option<NaiveDate>,
}

/// A Braintree transaction as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Transaction id.
    pub id: String,
    /// Braintree's status word.
    pub status: TransactionStatus,
    /// Amount of the last command on it.
    pub amount: Money,
    /// Our reference.
    pub order_id: String,
    /// Braintree customer id.
    pub customer: Option<String>,
    /// The method charged.
    pub token: Option<String>,
    /// Created (UTC).
    pub created_at: DateTime<Utc>,
    /// Merchant account.
    pub merchant_account: String,
    /// What was held, where that is more than `amount`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Money>,
    /// When a hold ends by itself (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_expires_at: Option<DateTime<Utc>>,
    /// The card: brand, last four digits, unique number identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<CardSeen>,
    /// How the customer authenticated, where the gateway says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
}

/// Braintree's transaction statuses; a word that we do not know is kept as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionStatus {
    Authorizing,
    Authorized,
    SubmittedForSettlement,
    Settling,
    SettlementPending,
    SettlementConfirmed,
    Settled,
    SettlementDeclined,
    SettlementFailed,
    Voided,
    AuthorizationExpired,
    ProcessorDeclined,
    GatewayRejected,
    Failed,
    /// Not final, not success.
    Other(String),
}

impl TransactionStatus {
    /// Money is taken or on its way.
    pub const fn is_approved(&self) -> bool {
        matches!(
            self,
            Self::Authorized
                | Self::SubmittedForSettlement
                | Self::Settling
                | Self::SettlementPending
                | Self::SettlementConfirmed
                | Self::Settled
        )
    }

    /// Was approved and then taken back.
    pub const fn is_reversed(&self) -> bool {
        matches!(self, Self::Voided | Self::AuthorizationExpired | Self::SettlementDeclined | Self::SettlementFailed)
    }
}
