//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever; nothing
//! is decided here, and no word carries personal data.

use crate::kernel::answer::{BilledInvoice, CollectionOwner, RecurringStatus};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
pub use crate::kernel::recurring::{Begun, Intent};
use crate::kernel::telling::{NoLetter, Told};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the mirror of a subscription can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Braintree charges it from now on.
    Begun {
        /// What.
        begun: Box<Begun>,
    },
    /// Who ends it says so, or takes it back.
    Intended {
        /// What of the two.
        intent: Intent,
    },
    /// Braintree says that something happened. Not believed: the subscription is read.
    Heard {
        /// Its id at Braintree.
        recurring: String,
        /// Where it was seen: `braintree.subscription_charged_successfully` …
        source: String,
        /// The settings of the page for another card; absent: no letter leads there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        card_link: Option<Value>,
    },
    /// The invoice's own stream has recorded a charge.
    InvoiceRecorded {
        /// Zoho invoice id.
        invoice: String,
        /// Its number.
        number: String,
        /// Zoho payment id.
        payment: String,
        /// Day of the next invoice, where Zoho says.
        next_billing_on: Option<NaiveDate>,
    },
    /// The money of a charge was taken back before it was recorded.
    CaptureReversed {
        /// Braintree transaction id.
        transaction: String,
    },
}

/// A charge that Braintree made by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Braintree transaction id.
    pub transaction: String,
    /// What the processor approved.
    pub amount: Money,
    /// When Braintree made it (UTC).
    pub made_at: DateTime<Utc>,
    /// That date in the books zone.
    pub effective: NaiveDate,
}

/// The subscription as Braintree shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Braintree's status word.
    pub status: RecurringStatus,
    /// Plan id.
    pub plan: String,
    /// The method that is charged.
    pub token: String,
    /// Price of one term.
    pub price: Money,
    /// What is owed there.
    pub balance: Option<Money>,
    /// Day of the next charge.
    pub next_charge_on: Option<NaiveDate>,
}

/// How it came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Braintree charges nothing any more, and all that it charged is recorded.
    Ended,
    /// None of ours.
    NotOurs,
}

/// What happened, for a finance person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    CollectionBegun {
        begun: Box<Begun>,
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// Braintree tells of a subscription that nobody here has begun. Who begins it may just be about to say so.
    StrangerHeard {
        recurring: String,
        source: String,
        look_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    ChangeHeard {
        source: String,
        at: DateTime<Utc>,
    },
    /// The settings of the page for another card.
    LettersSet {
        card_link: Value,
    },
    /// It is, or will be, ended at Braintree by a flow of ours; or goes on after all.
    EndIntended {
        intent: Intent,
        at: DateTime<Utc>,
    },
    LookDue {
        at: DateTime<Utc>,
    },
    OwnerSurveyed {
        owner: Option<CollectionOwner>,
        /// Another flow works on the subscription now.
        busy: bool,
    },
    SubscriptionRead {
        shown: Box<Shown>,
        /// Ids of the transactions that it shows.
        transactions: Vec<String>,
        /// The day after a bill date: an invoice without a charge is missing one.
        check: bool,
        at: DateTime<Utc>,
    },
    /// Braintree does not know it.
    SubscriptionGone {
        at: DateTime<Utc>,
    },
    ChargeCaptured {
        charge: Box<Charge>,
        at: DateTime<Utc>,
    },
    /// What was not matched yet is taken back, or was already when it was seen.
    ChargeReversed {
        transaction: String,
        amount: Money,
        effective: NaiveDate,
        at: DateTime<Utc>,
    },
    ChargeFailed {
        transaction: String,
        amount: Money,
        at: DateTime<Utc>,
    },
    WentPastDue {
        owed: Option<Money>,
        at: DateTime<Utc>,
    },
    CaughtUp {
        /// Zoho's invoice, where it was known.
        invoice: Option<String>,
        at: DateTime<Utc>,
    },
    /// Zoho's invoices of the subscription, those that owe something.
    InvoicesListed {
        open: Vec<BilledInvoice>,
        at: DateTime<Utc>,
    },
    /// The charge is for this invoice.
    ChargeMatched {
        transaction: String,
        invoice: String,
        number: String,
        /// What the invoice owes.
        owed: Money,
        at: DateTime<Utc>,
    },
    /// The invoice's own stream records it.
    ChargeHandedOver {
        transaction: String,
    },
    ChargeRecorded {
        transaction: String,
        invoice: String,
        payment: String,
        at: DateTime<Utc>,
    },
    ChargeTakenBack {
        transaction: String,
        at: DateTime<Utc>,
    },
    /// The invoice that is past due.
    DebtFound {
        invoice: String,
        number: String,
        owed: Money,
        at: DateTime<Utc>,
    },
    CardRead {
        /// Brand and last four digits; absent: it is gone.
        card: Option<(String, String)>,
    },
    /// The flow that takes cards writes to the customer.
    CardAsked,
    /// What Zoho asks for a term; absent: it does not say.
    PriceRead {
        price: Option<Money>,
    },
    /// Braintree charges Zoho's price from the next term on.
    PriceCorrected {
        from: Money,
        to: Money,
        at: DateTime<Utc>,
    },
    /// Braintree keeps its price: a person corrects it.
    PriceKept {
        code: String,
        at: DateTime<Utc>,
    },
    /// Braintree has ended it, and nobody here wanted that: the flow that ends subscriptions sees to Zoho.
    EndOrdered {
        at: DateTime<Utc>,
    },
    LookPlanned {
        until: DateTime<Utc>,
    },
    CollectionHeld {
        code: ParkCode,
        detail: String,
        at: DateTime<Utc>,
    },
    CollectionResumed {
        at: DateTime<Utc>,
    },
    CollectionEnded {
        ending: Ending,
        at: DateTime<Utc>,
    },
    /// What people were told.
    #[serde(untagged)]
    Told(Told<NoLetter>),
}

crate::kernel::saga::event_names!(
    Event: CollectionBegun, StrangerHeard, ChangeHeard, LettersSet, EndIntended, LookDue, OwnerSurveyed, SubscriptionRead,
    SubscriptionGone, ChargeCaptured, ChargeReversed, ChargeFailed, WentPastDue, CaughtUp, InvoicesListed, ChargeMatched,
    ChargeHandedOver, ChargeRecorded, ChargeTakenBack, DebtFound, CardRead, CardAsked, PriceRead, PriceCorrected,
    PriceKept, EndOrdered, LookPlanned, CollectionHeld, CollectionResumed, CollectionEnded;
    Told
);
