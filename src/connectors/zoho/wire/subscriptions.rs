//! Subscriptions as Zoho Billing writes them, and as we order them.

use super::super::lists::ListedSubscription;
use super::{Amount, Unreadable, currency, date, filled, given, id_age, timestamp};
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::answer::Subscription;
use sagas::kernel::effect::{AddonOrder, SubscriptionOrder};
use serde::{Deserialize, Serialize};

/// Nothing is billed by it any more, and nothing but a person's act changes that.
pub(in super::super) fn is_over(status: &str) -> bool {
    matches!(status, "cancelled" | "cancelled_from_dunning" | "expired" | "trial_expired" | "creation_failed")
}

/// `{"subscription": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct SubscriptionAnswer {
    pub(in super::super) subscription: SubscriptionWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct SubscriptionWire {
    subscription_id: String,
    customer_id: Option<String>,
    customer: Option<CustomerId>,
    pub(in super::super) status: String,
    auto_collect: bool,
    currency_code: String,
    reference_id: Option<String>,
    plan: Option<PlanOfSubscription>,
    product_id: Option<String>,
    amount: Option<Amount>,
    next_billing_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CustomerId {
    customer_id: String,
}

#[derive(Debug, Deserialize)]
struct PlanOfSubscription {
    plan_code: Option<String>,
}

impl SubscriptionWire {
    /// Who, whose, and what state it is in.
    pub(in super::super) fn read(self) -> Result<Subscription, Unreadable> {
        let customer = self.customer_id.or(self.customer.map(|c| c.customer_id));
        Ok(Subscription {
            id: self.subscription_id,
            customer: customer.ok_or(Unreadable::Field("subscription.customer.customer_id"))?,
            status: self.status,
            auto_collect: self.auto_collect,
            currency: self.currency_code,
            reference: self.reference_id.unwrap_or_default(),
            plan: None,
            product: None,
            amount: None,
            next_billing_on: None,
        })
    }

    /// The same, and what is sold.
    pub(in super::super) fn read_whole(mut self) -> Result<Subscription, Unreadable> {
        let sold = Sold {
            plan: self.plan.take().and_then(|plan| plan.plan_code),
            product: self.product_id.take(),
            amount: self.amount.take(),
            next_billing_at: self.next_billing_at.take(),
        };
        sold.of(self.read()?)
    }
}

/// What a subscription or its row shows of what is sold.
struct Sold {
    plan: Option<String>,
    product: Option<String>,
    amount: Option<Amount>,
    next_billing_at: Option<String>,
}

impl Sold {
    fn of(self, subscription: Subscription) -> Result<Subscription, Unreadable> {
        let currency = currency(&subscription.currency)?;
        let amount = given(self.amount.as_ref()).map(|amount| amount.money("subscription.amount", currency));
        let next = filled(self.next_billing_at);
        Ok(Subscription {
            plan: filled(self.plan),
            product: filled(self.product),
            amount: amount.transpose()?,
            next_billing_on: next.map(|day| date(Some(&day), "subscription.next_billing_at")).transpose()?,
            ..subscription
        })
    }
}

/// Rows of `GET /subscriptions`.
#[derive(Debug, Deserialize)]
pub(in super::super) struct SubscriptionRows {
    pub(in super::super) subscriptions: Vec<SubscriptionRow>,
}

/// Zoho's documents show no plan code and no product in a row.
#[derive(Debug, Deserialize)]
pub(in super::super) struct SubscriptionRow {
    pub(in super::super) subscription_id: String,
    pub(in super::super) customer_id: Option<String>,
    pub(in super::super) reference_id: Option<String>,
    status: Option<String>,
    auto_collect: Option<bool>,
    currency_code: Option<String>,
    plan_code: Option<String>,
    product_id: Option<String>,
    amount: Option<Amount>,
    next_billing_at: Option<String>,
    created_time: Option<String>,
    updated_time: Option<String>,
}

impl SubscriptionRows {
    /// As far as the rows say it.
    pub(in super::super) fn listed(self) -> Vec<ListedSubscription> {
        let read = |row: SubscriptionRow| ListedSubscription {
            id: row.subscription_id,
            customer: row.customer_id,
            status: row.status,
            reference: row.reference_id,
            auto_collect: row.auto_collect,
            next_billing_on: row.next_billing_at.as_deref().and_then(|day| day.parse().ok()),
            changed_at: row.updated_time,
        };
        self.subscriptions.into_iter().map(read).collect()
    }
}

impl SubscriptionRow {
    /// Sorts the oldest first.
    pub(in super::super) fn age(&self) -> (Option<DateTime<Utc>>, usize, &str) {
        let (length, id) = id_age(&self.subscription_id);
        (self.created_time.as_deref().and_then(timestamp), length, id)
    }

    /// It may still bill, and the row does not say for what.
    pub(in super::super) fn hides_what_it_bills(&self) -> bool {
        let shows = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let over = self.status.as_deref().is_some_and(is_over);
        let says_it = shows(&self.plan_code) && shows(&self.product_id);
        !over && !says_it
    }

    /// As far as a row says it; `customer` is whose subscriptions were asked for.
    pub(in super::super) fn read(self, customer: &str) -> Result<Subscription, Unreadable> {
        let subscription = Subscription {
            id: self.subscription_id,
            customer: self.customer_id.unwrap_or_else(|| customer.to_owned()),
            status: self.status.ok_or(Unreadable::Field("subscriptions.status"))?,
            auto_collect: self.auto_collect.ok_or(Unreadable::Field("subscriptions.auto_collect"))?,
            currency: self.currency_code.ok_or(Unreadable::Field("subscriptions.currency_code"))?,
            reference: self.reference_id.unwrap_or_default(),
            plan: None,
            product: None,
            amount: None,
            next_billing_on: None,
        };
        let sold = Sold {
            plan: self.plan_code,
            product: self.product_id,
            amount: self.amount,
            next_billing_at: self.next_billing_at,
        };
        sold.of(subscription)
    }
}

/// Body of `POST /subscriptions`.
#[derive(Debug, Serialize)]
pub(in super::super) struct NewSubscription<'a> {
    customer_id: &'a str,
    plan: NewPlan<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addons: Vec<NewAddon<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_code: Option<&'a str>,
    auto_collect: bool,
    reference_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<NaiveDate>,
}

#[derive(Debug, Serialize)]
struct NewPlan<'a> {
    plan_code: &'a str,
    quantity: u32,
    #[serde(flatten)]
    trial: Trial,
}

/// One of the two: Zoho counts `trial_days` even where `exclude_trial` is true.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Trial {
    None { exclude_trial: bool },
    Days { trial_days: u32 },
}

#[derive(Debug, Serialize)]
struct NewAddon<'a> {
    addon_code: &'a str,
    quantity: u32,
}

impl<'a> NewSubscription<'a> {
    pub(in super::super) fn of(order: &'a SubscriptionOrder) -> Self {
        let trial = match order.trial_days {
            Some(trial_days) if trial_days > 0 => Trial::Days { trial_days },
            Some(_) | None => Trial::None { exclude_trial: true },
        };
        let addon = |AddonOrder { code, quantity }: &'a AddonOrder| NewAddon { addon_code: code, quantity: *quantity };
        Self {
            customer_id: &order.customer,
            plan: NewPlan { plan_code: &order.plan, quantity: order.quantity, trial },
            addons: order.addons.iter().map(addon).collect(),
            coupon_code: order.coupon.as_deref(),
            auto_collect: false,
            reference_id: &order.reference,
            starts_at: order.starts_on,
        }
    }
}
