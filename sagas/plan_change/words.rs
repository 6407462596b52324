//! The words of the flow: what it can be told, and what its events speak of. Nothing is decided here, and no word carries
//! personal data.

use crate::kernel::answer::Sold;
pub use crate::kernel::consent::Consent;
use crate::kernel::effect::{AddonOrder, PressedAct};
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a plan change can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Somebody asks what a change would cost. Asked again before it is accepted, it is reckoned anew.
    Requested {
        /// Which subscription.
        of: Of,
        /// What is asked for.
        ask: Box<Ask>,
        /// The settings of now.
        terms: Box<Terms>,
    },
    /// The customer agrees, or has agreed by contract: to the preview, or to what Zoho asks for above it.
    Accepted {
        /// Hash of what was shown.
        hash: String,
        /// The consent given.
        consent: Consent,
        /// By which it binds the customer.
        basis: Basis,
        /// Who says so: a principal.
        by: String,
    },
    /// Somebody calls it off; where a higher sum was asked for, the customer does not agree to it.
    CancelOrdered {
        /// Why.
        reason: String,
    },
    /// Zoho says that a subscription sells something else than before. Not believed: it is read.
    Noticed {
        /// Which subscription.
        of: Of,
    },
    /// The invoice's stream recorded the captured payment.
    InvoiceRecorded {
        /// Zoho invoice id.
        invoice: String,
        /// Zoho's number of it.
        number: String,
        /// Zoho payment id.
        payment: String,
        /// The next invoice (books zone), where Zoho says.
        next_billing_on: Option<NaiveDate>,
    },
    /// What was captured was taken back before it was recorded: what is owed now is a matter of the invoice's stream.
    CaptureReversed {
        /// Braintree's id of the transaction.
        transaction: String,
    },
}

/// Which subscription it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Of {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our order ids.
    pub installation: Installation,
    /// Zoho subscription id.
    pub subscription: String,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// By which the order is told from others: the same key is the same order.
    pub key: String,
    /// What shall be sold; absent: what the record in Attio says.
    pub wanted: Option<Wanted>,
    /// When the present term ends, whatever it costs; absent: at once where it costs more, else when the term ends.
    pub at_end: Option<bool>,
    /// Who: a principal.
    pub by: String,
    /// The press that asks; absent: it came by the API.
    pub press: Option<Press>,
}

/// A press of an act in Attio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Press {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// `Change plan` or `Quote`.
    pub act: PressedAct,
}

/// What shall be sold: the whole list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Plan code.
    pub plan: String,
    /// Of the plan.
    pub quantity: u32,
    /// Codes of all add-ons, one of each.
    pub addons: Vec<String>,
    /// Coupon code to put on it; absent: the present one is left.
    pub coupon: Option<String>,
}

impl Wanted {
    /// As Zoho takes it.
    pub(super) fn addon_orders(&self) -> Vec<AddonOrder> {
        self.addons.iter().map(|code| AddonOrder { code: code.clone(), quantity: 1 }).collect()
    }

    /// That is what is sold; a coupon counts where one is to be put on.
    pub(super) fn is(&self, sold: &Sold) -> bool {
        let sorted = |mut all: Vec<AddonOrder>| {
            all.sort_by(|a, b| (&a.code, a.quantity).cmp(&(&b.code, b.quantity)));
            all
        };
        self.plan == sold.plan
            && self.quantity == sold.quantity
            && sorted(self.addon_orders()) == sorted(sold.addons.clone())
            && (self.coupon.is_none() || self.coupon == sold.coupon)
    }
}

/// The settings that a change runs under: they come with the order and hold for its whole life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The highest tax that could be added where the tax is not known, in parts per million.
    pub highest_tax_ppm: u32,
    /// ISO 4217 codes with a merchant account.
    pub currencies: Vec<String>,
    /// Version of the consent's text.
    pub consent_version: String,
    /// A preview is good for so many minutes.
    pub preview_minutes: u32,
    /// Acceptance, of a preview or of a higher sum, is awaited for so many days.
    pub patience_days: u32,
    /// After so many declines it is over.
    pub declines_at_most: u32,
    /// A hold is used or released within so many hours.
    pub hold_hours: u32,
}

/// By what a consent binds the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "basis", rename_all = "snake_case")]
pub enum Basis {
    /// The customer was there and agreed.
    Customer,
    /// A contract in which the customer agreed to changes of this kind.
    Contract {
        /// Where it is found, for people: a number or a link, no personal data.
        reference: String,
    },
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// At once; Zoho charges the rest of the term.
    Now,
    /// When the present term ends; no money moves before.
    TermEnd,
    /// A change that waits for the end of the term is taken back.
    Withdrawal,
}

/// A hold as Braintree confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Transaction id.
    pub transaction: String,
    /// Our reference.
    pub order_id: String,
    /// What is held.
    pub amount: Money,
    /// When it was made (UTC).
    pub authorised_at: DateTime<Utc>,
    /// That date in the books zone.
    pub effective: NaiveDate,
    /// Captured by then or released (UTC).
    pub use_until: DateTime<Utc>,
}

/// What was captured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Transaction id.
    pub transaction: String,
    /// Our reference.
    pub order_id: String,
    /// What the processor confirmed.
    pub amount: Money,
    /// When (UTC).
    pub captured_at: DateTime<Utc>,
    /// That date in the books zone.
    pub effective: NaiveDate,
}

/// What Zoho asks for above the ceiling, as the customer is asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Zoho invoice id.
    pub invoice: String,
    /// Zoho's number of it.
    pub number: String,
    /// What it asks for.
    pub balance: Money,
    /// What was accepted.
    pub ceiling: Money,
    /// Awaited until (UTC).
    pub until: DateTime<Utc>,
    /// SHA-256 over the fields above, in hex.
    pub hash: String,
}

/// Why nothing is captured by us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nothing {
    /// Nothing was due.
    NotDue,
    /// Credits cover it.
    Zero,
    /// It was paid elsewhere.
    PaidElsewhere,
    /// It was voided.
    Void,
    /// Zoho raised no invoice, and a person has seen to that.
    NoInvoice,
}

/// What a person's resume leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// All is read anew, and a preview made.
    Preview,
    /// It is read whether Zoho made the change.
    Recheck,
    /// The invoice is looked for once more.
    Look,
    /// It is read whether the invoice above the ceiling is settled.
    Settle,
    /// The captured money is recorded.
    HandOver,
    /// All is undone.
    Undo,
}

/// A letter to the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterKind {
    Receipt,
}
