//! What our own tables and the vendors say of a person who is being erased: ids and counts, nothing of who it is.

use crate::kernel::effect::AttioRecord;
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What our own tables say about a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonSurvey {
    /// The customer's Zoho Billing id.
    pub zoho_customer: Option<String>,
    /// The customer's Braintree id.
    pub braintree_customer: Option<String>,
    /// The customer's record in Attio.
    pub attio_client: Option<AttioRecord>,
    /// Subscription ids of ours that were sold to them.
    pub subscriptions: Vec<String>,
    /// Other sagas of theirs that have not ended, oldest first.
    pub in_flight: Vec<InFlight>,
    /// What our ledger holds as owed by them, by currency.
    pub owed: Vec<Money>,
    /// Money of theirs that we hold, applied to nothing and not given back, by currency.
    pub held: Vec<Money>,
    /// Day of the newest journal (books zone): tax law counts from it.
    pub last_booked_on: Option<NaiveDate>,
    /// What is kept here that says who they are.
    pub kept: Kept,
}

impl PersonSurvey {
    /// Nothing is known of such a customer, anywhere.
    pub fn knows_nobody(&self) -> bool {
        let linked = self.zoho_customer.is_some() || self.braintree_customer.is_some() || self.attio_client.is_some();
        !linked && self.kept.is_nothing()
    }
}

/// A saga that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Which.
    pub saga: SagaId,
    /// Its flow's name.
    pub flow: String,
    /// Its flow's own word for where it stands.
    pub state: String,
}

/// How many rows say who somebody is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The person's own row, and copies of what records elsewhere were given of it.
    pub people: u64,
    /// From where they agreed to be charged.
    pub consents: u64,
    /// Raw deliveries that name them.
    pub deliveries: u64,
    /// Sealed single-use inputs of their flows.
    pub inputs: u64,
    /// Last words of a mail server about their mails.
    pub mails: u64,
}

impl Kept {
    /// Both together.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self {
            people: self.people + more.people,
            consents: self.consents + more.consents,
            deliveries: self.deliveries + more.deliveries,
            inputs: self.inputs + more.inputs,
            mails: self.mails + more.mails,
        }
    }

    /// No row does.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// What was erased here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedHere {
    /// How many rows.
    pub erased: Kept,
    /// How the person stands on the erasure list: a keyed hash; absent: no list is kept outside the database.
    pub listed_as: Option<String>,
}

/// That nothing is left here, and that the log is what it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureProof {
    /// What is kept here all the same.
    pub left: Kept,
    /// So many events of the person's flows still hash to what they did.
    pub events: u64,
    /// The first that does not, in a sentence.
    pub broken: Option<String>,
}

/// What is left of a person in one place at a vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// The vendor's id of the record; absent: there is none (any more).
    pub record: Option<String>,
    /// The record says who it is.
    pub personal: bool,
    /// Why the vendor keeps the record, in its words without personal data; absent: it is not asked to let it go.
    pub kept_because: Option<String>,
}

impl Trace {
    /// The record is gone, or was never there.
    pub fn gone() -> Self {
        Self::default()
    }

    /// The record stays and says nobody's name.
    pub fn neutral(record: &str) -> Self {
        Self { record: Some(record.to_owned()), ..Self::default() }
    }
}
