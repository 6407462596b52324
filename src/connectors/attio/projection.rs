//! What a projection is in Attio's attributes, and whether a record already shows something newer. Names no attribute that
//! a CRM user fills, but for the customer of a subscription record that we make ourselves.

use super::records::changed;
use super::wire::{Record, Value, Values};
use chrono::{DateTime, SubsecRound as _, Utc};
use iso_currency::Currency;
use sagas::kernel::effect::{
    AttioRecord, EndingFace, OwnerFace, PlanFace, Projection, SubscriptionFace, SubscriptionProjection,
};
use sagas::kernel::money::Money;

pub(super) const SUBSCRIPTIONS: &str = "subscriptions";
pub(super) const TRANSACTIONS: &str = "billing_transactions";

/// Attributes of the subscription's record.
pub(super) fn of_subscription(projection: &Projection, subscription: &SubscriptionProjection) -> Values {
    let mut values = Values::from([
        ("external_id", Value::text(&subscription.external_id)),
        ("zoho_subscription_id", Value::text(&subscription.zoho_subscription)),
        ("subscription_status", Value::Status(subscription.subscription_status.clone())),
        ("payment_status", Value::Status(subscription.payment_status.clone())),
        ("last_error", Value::text(&subscription.last_error)),
        ("action_needed", Value::text(&subscription.action_needed)),
    ]);
    values.extend(Mark::from(projection).values());
    values
}

/// The same for a record that is there. Whether a subscription goes on is no invoice's to say: an end that the record shows
/// stays, until whoever ended the subscription, or sells it anew, says otherwise.
pub(super) fn on_record(record: &Record, mut values: Values) -> Values {
    let shows = |status: &str| {
        let status = Value::Status(status.to_owned());
        changed(record, &Values::from([("subscription_status", status)])).is_empty()
    };
    if shows("Ending") || shows("Cancelled") {
        values.remove("subscription_status");
    }
    values
}

/// Attributes of the billing transaction. `currency` is the one of the attribute `amount`: an amount of another currency
/// would show as that one, so it stands in `amount_text` alone.
pub(super) fn of_transaction(projection: &Projection, subscription: Option<&str>, currency: Currency) -> Values {
    let transaction = &projection.transaction;
    let mut values = Values::from([
        ("external_id", Value::text(&transaction.external_id)),
        ("kind", Value::Option("payment".to_owned())),
        ("transaction_status", Value::Status(transaction.status.clone())),
        ("amount", amount(transaction.amount, currency)),
        ("amount_text", Value::Text(transaction.amount.to_string())),
        ("zoho_invoice_id", Value::text(&transaction.zoho_invoice)),
        ("zoho_payment_id", Value::maybe(transaction.zoho_payment.as_ref())),
        ("braintree_transaction_id", Value::maybe(transaction.braintree_transaction.as_ref())),
        ("occurred_at", Value::Time(transaction.occurred_at)),
        ("failure_reason", Value::text(&transaction.failure_reason)),
    ]);
    if let Some(id) = subscription {
        let record = AttioRecord { object: SUBSCRIPTIONS.to_owned(), id: id.to_owned() };
        values.insert("subscription", Value::Record(record));
    }
    values.extend(customer(projection));
    values.extend(Mark::from(projection).values());
    values
}

/// Attributes of the client's record.
pub(super) fn of_client(projection: &Projection) -> Values {
    let mut values = Values::from([("synced_at", Value::Time(projection.as_of))]);
    // A give-back says nothing of what the client's billing is like.
    if !projection.billing_summary.is_empty() {
        values.insert("billing_summary", Value::Option(projection.billing_summary.clone()));
    }
    values
}

/// The reference to the client, in the attribute of its object.
pub(super) fn customer(projection: &Projection) -> Option<(&'static str, Value)> {
    let client = projection.client.as_ref()?;
    let slug = match client.object.as_str() {
        "companies" => "customer_company",
        "people" => "customer_person",
        _ => return None,
    };
    Some((slug, Value::Record(client.clone())))
}

/// The number of an amount attribute, where its currency is the attribute's.
pub(super) fn amount(money: Money, currency: Currency) -> Value {
    if money.currency == currency { Value::Amount(money) } else { Value::Nothing }
}

/// Whose write it is, and of when.
pub(super) struct Mark<'a> {
    saga: &'a str,
    version: u64,
    as_of: DateTime<Utc>,
}

impl<'a> From<&'a Projection> for Mark<'a> {
    fn from(projection: &'a Projection) -> Self {
        Self { saga: &projection.saga, version: projection.sync_version, as_of: projection.as_of }
    }
}

impl<'a> From<&'a SubscriptionFace> for Mark<'a> {
    fn from(face: &'a SubscriptionFace) -> Self {
        Self { saga: &face.saga, version: face.sync_version, as_of: face.as_of }
    }
}

impl<'a> From<&'a EndingFace> for Mark<'a> {
    fn from(face: &'a EndingFace) -> Self {
        Self { saga: &face.saga, version: face.sync_version, as_of: face.as_of }
    }
}

impl<'a> From<&'a OwnerFace> for Mark<'a> {
    fn from(face: &'a OwnerFace) -> Self {
        Self { saga: &face.saga, version: face.sync_version, as_of: face.as_of }
    }
}

impl<'a> From<&'a PlanFace> for Mark<'a> {
    fn from(face: &'a PlanFace) -> Self {
        Self { saga: &face.saga, version: face.sync_version, as_of: face.as_of }
    }
}

impl Mark<'_> {
    /// The attributes that carry it.
    pub(super) fn values(&self) -> Values {
        Values::from([
            ("saga_id", Value::text(self.saga)),
            ("sync_version", Value::Number(self.version)),
            ("synced_at", Value::Time(self.as_of)),
        ])
    }

    /// The record shows something newer than this write. Where the same saga wrote it last, the versions decide: they
    /// count its writes. Versions of two sagas cannot be compared (the activation and the invoices of one subscription
    /// write one record): there the instant decides at which the shown state became true, to the millisecond that Attio
    /// is given; of two states of one instant the later write stands.
    pub(super) fn is_older_than(&self, record: &Record) -> bool {
        let same_saga = record.text("saga_id").is_some_and(|saga| saga == self.saga);
        match record.number("sync_version") {
            Some(version) if same_saga => version > self.version,
            _ => record.time("synced_at").is_some_and(|at| at.trunc_subsecs(3) > self.as_of.trunc_subsecs(3)),
        }
    }
}
