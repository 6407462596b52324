//! What our own tables say, where a flow asks them.

use super::CollectionOwner;
use crate::kernel::effect::{AttioRecord, ClaimKind};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What our own tables say about an invoice before it is charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survey {
    /// Our customer id, where the Zoho customer is linked to exactly one.
    pub customer: Option<String>,
    /// Several customers are linked to that Zoho customer id.
    pub ambiguous: bool,
    /// The customer's Braintree id.
    pub braintree_customer: Option<String>,
    /// The customer's record in Attio.
    pub attio_client: Option<AttioRecord>,
    /// Our subscription id, where the Zoho subscription is linked.
    pub subscription: Option<String>,
    /// That subscription's record in Attio, where it is linked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attio_subscription: Option<String>,
    /// Who collects; absent: no owner record.
    pub owner: Option<CollectionOwner>,
    /// That one collects no invoice of an earlier day (books zone); absent: whatever is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_from: Option<NaiveDate>,
    /// The customer recorded consent to one-off charges.
    pub one_off_consent: bool,
    /// Claims of other sagas that stand in the way.
    pub claimed_elsewhere: Vec<ClaimKind>,
    /// Reasons of collection holds on the invoice.
    pub holds: Vec<String>,
    /// Reasons of collection holds on all that its subscription owes; each ends by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscription_holds: Vec<String>,
    /// APPLY less UNAPPLY on the invoice; absent: no journal yet.
    pub applied: Option<Money>,
    /// Captured for the invoice, and neither applied, reversed nor given back.
    pub unapplied: Option<Money>,
    /// Money of the customer waits here, and another invoice of theirs owes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owes_elsewhere: bool,
    /// The operation `braintree.sell` is switched off.
    pub sale_switched_off: bool,
}

/// What our own tables say about a subscription. All absent: it is none of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionSurvey {
    /// Our subscription id.
    pub subscription: Option<String>,
    /// Its subscription in Zoho Billing.
    pub zoho_subscription: Option<String>,
    /// Its record in Attio.
    pub attio_record: Option<String>,
    /// Who collects; absent: no owner record.
    pub owner: Option<CollectionOwner>,
    /// That one collects no invoice of an earlier day (books zone); absent: whatever is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_from: Option<NaiveDate>,
    /// Another saga that holds the Zoho subscription now.
    pub claimed_by: Option<SagaId>,
    /// Our customer id, where a saga of the subscription knows whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
}

/// What our own tables say about a subscription that is being ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingSurvey {
    /// Zoho invoice ids of it that another saga holds: a charge is under way, of unknown outcome, or not recorded yet.
    pub charging: Vec<String>,
    /// What was captured for the invoices that were asked for and not taken back, oldest first.
    pub captures: Vec<BookedCapture>,
    /// Who keeps the customer's product for the subscription; none where nobody does.
    pub product: Option<KeptProduct>,
}

/// A capture as it stands in our ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookedCapture {
    /// Braintree transaction id.
    pub transaction: String,
    /// Zoho invoice id.
    pub invoice: String,
    /// What was captured.
    pub amount: Money,
    /// When it was learned of (UTC).
    pub at: DateTime<Utc>,
}

/// A customer's product that a saga keeps to itself, so that it is not sold twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptProduct {
    /// The saga that holds the claim.
    pub saga: SagaId,
    /// The claim's key.
    pub key: String,
    /// That saga's flow; absent: the one that sells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
}

/// What our own tables say about a customer. All absent: it is none of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerSurvey {
    /// Our customer id.
    pub customer: Option<String>,
    /// The customer's Braintree id.
    pub braintree_customer: Option<String>,
    /// The customer's record in Attio.
    pub attio_client: Option<AttioRecord>,
}

/// What charges a customer's card, or waits to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardUses {
    /// Invoices that wait for money of the customer, oldest first.
    pub owing: Vec<Owing>,
    /// Another saga whose charge of the customer's card is under way or has no known outcome.
    pub charging: Option<SagaId>,
    /// Zoho ids of the subscriptions that were asked for.
    pub zoho_subscriptions: Vec<String>,
}

/// An invoice that waits for money of the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owing {
    /// The saga that collects it.
    pub saga: SagaId,
    /// Zoho's number of it.
    pub number: String,
    /// What our ledger holds as owed.
    pub owed: Money,
}
