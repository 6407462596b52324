//! What Zoho Billing's answers mean beyond invoices and subscriptions: terms of sale, credit notes, payments, estimates,
//! hosted pages.

use super::Invoice;
use crate::kernel::effect::AddonOrder;
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// A subscription with all that is sold by it, as read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionTerms {
    /// Zoho subscription id.
    pub id: String,
    /// Zoho customer id.
    pub customer: String,
    /// Zoho's status text: `live`, `non_renewing`, `cancelled` …
    pub status: String,
    /// Zoho would charge by itself.
    pub auto_collect: bool,
    /// Zoho keeps a card for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_card: bool,
    /// What is sold now.
    pub sold: Sold,
    /// What will be sold from the next term on, where that is something else.
    pub scheduled: Option<Sold>,
    /// What people know it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// First day of the present term (books zone).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term_starts_on: Option<NaiveDate>,
    /// Last day of the present term (books zone).
    pub term_ends_on: Option<NaiveDate>,
    /// Day of the next invoice (books zone).
    pub next_billing_on: Option<NaiveDate>,
    /// Zoho invoice id of the newest invoice.
    pub newest_invoice: Option<String>,
    /// When it was last changed, as Zoho writes it: compared with a later read, never reckoned with.
    pub changed_at: Option<String>,
}

/// What is sold by a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sold {
    /// Plan code.
    pub plan: String,
    /// Of the plan.
    pub quantity: u32,
    /// All add-ons, by code.
    pub addons: Vec<AddonOrder>,
    /// Coupon code.
    pub coupon: Option<String>,
    /// Price of one term, taxes included as Zoho shows it.
    pub amount: Option<Money>,
}

/// One invoice of a subscription, as the list shows it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BilledInvoice {
    /// Zoho invoice id.
    pub id: String,
    /// Human-readable number.
    pub number: String,
    /// Zoho's status text: `sent`, `overdue`, `paid`, `void` …
    pub status: String,
    /// Gross total.
    pub total: Money,
    /// Still owed.
    pub balance: Money,
}

/// An invoice with its lines, as read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLines {
    /// The invoice.
    pub invoice: Invoice,
    /// Its lines, in Zoho's order.
    pub lines: Vec<InvoiceLine>,
}

/// What a line of an invoice sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// Code of the plan or add-on; empty where it has none.
    pub code: String,
    /// Zoho tax id; absent: it is not taxed.
    pub tax: Option<String>,
}

/// A credit note as read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditNote {
    /// Zoho credit note id.
    pub id: String,
    /// Human-readable number.
    pub number: String,
    /// Zoho customer id.
    pub customer: String,
    /// `reference_number`.
    pub reference: String,
    /// Zoho's status text: `open`, `closed`, `void`.
    pub status: String,
    /// Gross total.
    pub total: Money,
    /// Neither applied nor paid out.
    pub balance: Money,
    /// Zoho invoice ids to which some of it is applied.
    pub applied_to: Vec<String>,
}

/// A recorded payment as read now: all that changing it has to repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZohoPayment {
    /// Zoho payment id.
    pub id: String,
    /// Zoho customer id.
    pub customer: String,
    /// Zoho's mode text; `autotransaction` means a gateway of Zoho's own.
    pub mode: String,
    /// All of it.
    pub amount: Money,
    /// Document date (books zone).
    pub date: NaiveDate,
    /// `reference_number`; ours is a bare Braintree transaction id.
    pub reference: String,
    /// What of it is applied to which invoice, by invoice id; the rest is the customer's credit.
    pub invoices: Vec<AppliedTo>,
}

/// What of a payment is applied to an invoice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppliedTo {
    /// Zoho invoice id.
    pub invoice: String,
    /// How much, in minor units of the payment's currency.
    pub minor: i64,
}

/// An estimate as read now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Zoho estimate id.
    pub id: String,
    /// Human-readable number.
    pub number: String,
    /// Zoho customer id.
    pub customer: String,
    /// `reference_number`.
    pub reference: String,
    /// Zoho's status text: `draft`, `sent`, `accepted`, `declined`, `invoiced`, `expired`.
    pub status: String,
    /// Gross total.
    pub total: Money,
    /// Sum of tax; absent where Zoho does not say.
    pub tax: Option<Money>,
}

/// A hosted page as read now, without its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostedPage {
    /// Zoho hosted page id.
    pub id: String,
    /// Zoho's status text: `fresh`, `read`, `success`, `failed`, `cancelled`, `force_cancelled`. No status says that it has
    /// expired.
    pub status: String,
    /// It is good until (UTC).
    pub expires_at: Option<DateTime<Utc>>,
    /// Zoho subscription id of what was bought on it.
    pub subscription: Option<String>,
    /// Zoho invoice id of what was bought on it.
    pub invoice: Option<String>,
}
