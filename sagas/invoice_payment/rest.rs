//! What an invoice's stream waits for, and how it comes to rest. Words alone: nothing is decided here.

use serde::{Deserialize, Serialize};

/// What an invoice waits for. None of these needs a person of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Not found at Zoho on the first look.
    Missing,
    /// The subscription is being linked.
    Link,
    /// Another saga holds what is needed.
    Busy,
    /// Zoho has not finished the invoice.
    Draft,
    /// The subscription is paused at Zoho.
    SubscriptionPaused,
    /// The subscription has ended: whether its invoice is being voided with it.
    Ended,
    /// The due date.
    DueDate,
    /// The next scheduled attempt.
    NextAttempt,
    /// A further try after a network failure.
    NetworkRetry,
    /// An operator's pause.
    Paused,
    /// A new card.
    Method,
    /// The customer's authentication.
    Authentication,
    /// The card's window.
    CardCap,
    /// The days that a late notice gives the customer.
    Notice,
    /// The switch of sales.
    Switch,
}

/// How the stream came to rest. A later signal may open it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Paid by us.
    Paid,
    /// Paid without us.
    PaidElsewhere,
    /// Void at Zoho.
    Void,
    /// Not at Zoho (any more).
    Gone,
    /// Nothing was ever owed.
    Zero,
    /// Written off at Zoho.
    WrittenOff,
    /// Nobody gave it to us to collect.
    NoOwner,
    /// Another collector's.
    OtherOwner,
    /// A one-off without recorded consent.
    NoConsent,
    /// All attempts were used; the subscription is kept and the invoice stays unpaid.
    Exhausted,
    /// An operator ended collection.
    Stopped,
    /// A person left it as it is.
    Left,
}
