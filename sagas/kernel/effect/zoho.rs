//! Calls on Zoho Billing.

mod credits;
mod estimates;
mod invoices;
mod pages;
mod payments;
mod subscriptions;

pub use credits::{CreditNoteOrder, OnCredit};
pub use estimates::{EstimateLine, EstimateMark, EstimateOrder, OnEstimate};
pub use invoices::OnInvoice;
pub use pages::{OnPage, PageOrder, PageStart, PageTerms};
pub use payments::OnPayment;
pub use subscriptions::{OnSubscription, TermsOrder};

use crate::kernel::answer::Answer;
use crate::kernel::money::Money;
use crate::kernel::profile::{Comparison, Correction};
use crate::kernel::step::{Absence, ExactlyOnce, Resend};
use chrono::{DateTime, NaiveDate, Utc};
use iso_currency::Currency;
use serde::{Deserialize, Serialize};

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
    /// Reads what is for sale: a plan, its add-ons, a coupon, and their taxes.
    ReadOffer {
        /// Plan code.
        plan: String,
        /// Add-on codes.
        addons: Vec<String>,
        /// Coupon code.
        coupon: Option<String>,
    },
    /// Reads all that is sold: plans, add-ons and coupons, retired ones too, to the last page of each list.
    ReadCatalog,
    /// Reads a customer.
    ReadCustomer {
        /// Zoho customer id.
        customer: String,
    },
    /// Makes a customer that carries our id. Needs the person.
    CreateCustomer {
        /// Our customer id: custom field `billing_ref`.
        customer: String,
        /// The currency in which it is billed, for ever.
        currency: Currency,
        /// Look-ups go back to this instant.
        since: DateTime<Utc>,
    },
    /// Finds customers that carry our id and are inactive: an undo left them behind. Needs the person.
    FindRetiredCustomers {
        /// Our customer id: custom field `billing_ref`.
        customer: String,
    },
    /// Finds customers that have a person's e-mail address, whoever made them. Needs the person.
    FindCustomers {
        /// Our customer id: whose e-mail address it is.
        customer: String,
    },
    /// Marks a customer active again.
    ReviveCustomer {
        /// Zoho customer id.
        customer: String,
    },
    /// Marks a customer inactive, where it has no documents.
    DeactivateCustomer {
        /// Zoho customer id.
        customer: String,
    },
    /// All subscriptions of a customer, cancelled ones too.
    ListSubscriptions {
        /// Zoho customer id.
        customer: String,
        /// Only those with exactly this reference.
        reference: Option<String>,
    },
    /// Makes a subscription that Zoho does not collect for.
    CreateSubscription(Box<SubscriptionOrder>),
    /// Cancels a subscription at once and voids what it has raised and nobody has paid.
    UndoSubscription {
        /// Zoho subscription id.
        subscription: String,
    },
    /// Finds a subscription's first invoice and reads it.
    ReadFirstInvoice {
        /// Zoho subscription id.
        subscription: String,
    },
    /// Writes what we hold of a person to its customer: name, company, e-mail address, address. Needs the person.
    UpdateCustomer {
        /// Zoho customer id.
        customer: String,
        /// Our customer id: whose personal data it takes.
        person: String,
        /// When it was last changed, as read before ([`crate::kernel::answer::ZohoCustomer::changed_at`]).
        seen: Option<String>,
    },
    /// Reads what a customer shows of whom it is. Needs the person.
    ReadProfile(Box<Comparison>),
    /// Writes what changed of whom a customer is. Needs the person.
    WriteProfile(Box<Correction>),
    /// Whether a customer is there, and says who somebody is.
    SeekCustomer {
        /// Zoho customer id.
        customer: String,
        /// Ends the neutral name that an erased customer bears.
        mark: String,
    },
    /// Overwrites what says who somebody is on a customer by neutral values, then deletes it where Zoho lets it go: one with
    /// documents stays.
    EraseCustomer {
        /// Zoho customer id.
        customer: String,
        /// Ends the neutral name.
        mark: String,
    },
    /// Reads or changes a running subscription.
    Subscription(OnSubscription),
    /// Credit notes.
    Credit(OnCredit),
    /// Recorded payments.
    Payment(OnPayment),
    /// Voids, write-offs and credits of an invoice.
    Invoice(OnInvoice),
    /// Quotes that Zoho keeps.
    Estimate(OnEstimate),
    /// Pages on Zoho's own host.
    Page(OnPage),
}

/// A subscription to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionOrder {
    /// Zoho customer id.
    pub customer: String,
    /// Our reference: `<installation>.sub.<saga>.<n>`.
    pub reference: String,
    /// Plan code.
    pub plan: String,
    /// Of the plan.
    pub quantity: u32,
    /// Add-ons.
    pub addons: Vec<AddonOrder>,
    /// Coupon code.
    pub coupon: Option<String>,
    /// First day, where it is not today (books zone).
    pub starts_on: Option<NaiveDate>,
    /// Days of trial; absent: none, whatever the plan says.
    pub trial_days: Option<u32>,
}

/// One add-on of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddonOrder {
    /// Add-on code.
    pub code: String,
    /// How many.
    pub quantity: u32,
}

impl Zoho {
    pub(super) fn exactly_once(&self) -> ExactlyOnce {
        let searchable = |row| ExactlyOnce::Searchable { row, absence: Absence::TwoLooks, resend: Resend::Same };
        match self {
            Self::ReadInvoice { .. }
            | Self::ReadSubscription { .. }
            | Self::FindSubscriptionOfInvoice { .. }
            | Self::ReadOffer { .. }
            | Self::ReadCatalog
            | Self::ReadCustomer { .. }
            | Self::FindRetiredCustomers { .. }
            | Self::FindCustomers { .. }
            | Self::ListSubscriptions { .. }
            | Self::SeekCustomer { .. }
            | Self::ReadProfile(_)
            | Self::ReadFirstInvoice { .. } => ExactlyOnce::Repeatable,
            Self::EraseCustomer { .. } => ExactlyOnce::Set { row: "2.0-e69" },
            Self::RecordPayment { .. } => searchable("2.0-e46"),
            Self::CreateCustomer { .. } => searchable("2.0-e42"),
            Self::CreateSubscription(_) => searchable("2.0-e43"),
            Self::ReviveCustomer { .. }
            | Self::DeactivateCustomer { .. }
            | Self::UndoSubscription { .. }
            | Self::WriteProfile(_)
            | Self::UpdateCustomer { .. } => ExactlyOnce::Set { row: "2.0-e44" },
            Self::Subscription(call) => call.exactly_once(),
            Self::Credit(call) => call.exactly_once(),
            Self::Payment(call) => call.exactly_once(),
            Self::Invoice(call) => call.exactly_once(),
            Self::Estimate(call) => call.exactly_once(),
            Self::Page(call) => call.exactly_once(),
        }
    }

    /// A write on which money, or who is billed for what, depends.
    pub(super) fn moves_money(&self) -> bool {
        match self {
            // A person's words, an offer, a page to press on: nothing is owed by them.
            Self::UpdateCustomer { .. }
            | Self::ReadProfile(_)
            | Self::WriteProfile(_)
            | Self::SeekCustomer { .. }
            | Self::EraseCustomer { .. }
            | Self::Estimate(_)
            | Self::Page(_) => false,
            Self::ReadInvoice { .. }
            | Self::ReadSubscription { .. }
            | Self::FindSubscriptionOfInvoice { .. }
            | Self::RecordPayment { .. }
            | Self::ReadOffer { .. }
            | Self::ReadCatalog
            | Self::ReadCustomer { .. }
            | Self::CreateCustomer { .. }
            | Self::FindRetiredCustomers { .. }
            | Self::FindCustomers { .. }
            | Self::ReviveCustomer { .. }
            | Self::DeactivateCustomer { .. }
            | Self::ListSubscriptions { .. }
            | Self::CreateSubscription(_)
            | Self::UndoSubscription { .. }
            | Self::ReadFirstInvoice { .. }
            | Self::Subscription(_)
            | Self::Credit(_)
            | Self::Payment(_)
            | Self::Invoice(_) => self.exactly_once() != ExactlyOnce::Repeatable,
        }
    }

    /// How an answer differs from what was asked for, where it is about the same thing.
    pub(super) fn contradicts(&self, answer: &Answer) -> Option<String> {
        let other = |is: &Money, asked: &Money| (is != asked).then(|| format!("{is}, and {asked} was sent"));
        match (self, answer) {
            (Self::RecordPayment { amount, .. }, Answer::Recorded { amount: recorded, .. }) => other(recorded, amount),
            (Self::Credit(OnCredit::Create(order)), Answer::CreditNote(note)) => other(&note.total, &order.total),
            (Self::Credit(OnCredit::Refund { amount, .. }), Answer::CreditRefunded { amount: refunded, .. }) => {
                other(refunded, amount)
            }
            (Self::Payment(OnPayment::Amend(wanted)), Answer::ZohoPayment(is)) => other(&is.amount, &wanted.amount),
            _ => None,
        }
    }

    /// The answer of a Zoho that did exactly what was asked; `None`: more would have to be made up.
    pub(super) fn as_asked(&self, id: &str) -> Option<Answer> {
        Some(match self {
            Self::RecordPayment { amount, .. } => Answer::Recorded { payment: id.to_owned(), amount: *amount },
            Self::Credit(OnCredit::Refund { note, amount, .. }) => {
                Answer::CreditRefunded { refund: id.to_owned(), note: note.clone(), amount: *amount }
            }
            Self::Payment(OnPayment::Amend(wanted)) => Answer::ZohoPayment(wanted.clone()),
            Self::DeactivateCustomer { .. }
            | Self::UndoSubscription { .. }
            | Self::Payment(OnPayment::Delete { .. }) => Answer::Nothing,
            _ => return None,
        })
    }

    /// Our reference in the call, or the id of what it concerns.
    pub(super) fn reference(&self) -> &str {
        match self {
            Self::RecordPayment { reference, .. } => reference,
            Self::CreateSubscription(order) => &order.reference,
            Self::ReadInvoice { invoice } | Self::FindSubscriptionOfInvoice { invoice, .. } => invoice,
            Self::ReadSubscription { subscription }
            | Self::UndoSubscription { subscription }
            | Self::ReadFirstInvoice { subscription } => subscription,
            Self::ReadCustomer { customer }
            | Self::CreateCustomer { customer, .. }
            | Self::FindRetiredCustomers { customer }
            | Self::FindCustomers { customer }
            | Self::ReviveCustomer { customer }
            | Self::DeactivateCustomer { customer }
            | Self::UpdateCustomer { customer, .. }
            | Self::SeekCustomer { customer, .. }
            | Self::EraseCustomer { customer, .. }
            | Self::ListSubscriptions { customer, .. } => customer,
            Self::ReadProfile(comparison) => &comparison.of.key,
            Self::WriteProfile(correction) => &correction.to.key,
            Self::ReadOffer { plan, .. } => plan,
            Self::ReadCatalog => "catalog",
            Self::Subscription(call) => call.reference(),
            Self::Credit(call) => call.reference(),
            Self::Payment(call) => call.payment(),
            Self::Invoice(call) => call.invoice(),
            Self::Estimate(call) => call.reference(),
            Self::Page(call) => call.reference(),
        }
    }

    operations! {
        pub(super) match self {
            Self::ReadInvoice { .. } => "zoho.read_invoice",
            Self::ReadSubscription { .. } => "zoho.read_subscription",
            Self::FindSubscriptionOfInvoice { .. } => "zoho.find_subscription_of_invoice",
            Self::RecordPayment { .. } => "zoho.record_payment",
            Self::ReadOffer { .. } => "zoho.read_offer",
            Self::ReadCatalog => "zoho.read_catalog",
            Self::ReadCustomer { .. } => "zoho.read_customer",
            Self::CreateCustomer { .. } => "zoho.create_customer",
            Self::FindRetiredCustomers { .. } => "zoho.find_retired_customers",
            Self::FindCustomers { .. } => "zoho.find_customers",
            Self::ReviveCustomer { .. } => "zoho.revive_customer",
            Self::DeactivateCustomer { .. } => "zoho.deactivate_customer",
            Self::ListSubscriptions { .. } => "zoho.list_subscriptions",
            Self::CreateSubscription(_) => "zoho.create_subscription",
            Self::UndoSubscription { .. } => "zoho.undo_subscription",
            Self::ReadFirstInvoice { .. } => "zoho.read_first_invoice",
            Self::UpdateCustomer { .. } => "zoho.update_customer",
            Self::ReadProfile(_) => "zoho.read_profile",
            Self::WriteProfile(_) => "zoho.write_profile",
            Self::SeekCustomer { .. } => "zoho.seek_customer",
            Self::EraseCustomer { .. } => "zoho.erase_customer",
        } or {
            Subscription(OnSubscription),
            Credit(OnCredit),
            Payment(OnPayment),
            Invoice(OnInvoice),
            Estimate(OnEstimate),
            Page(OnPage),
        }
    }
}
