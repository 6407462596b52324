//! What is sold by a subscription, as Zoho Billing writes it and as we order it to be changed.

use super::{Amount, Unreadable, currency, date, filled, given};
use iso_currency::Currency;
use sagas::kernel::answer::{Sold, SubscriptionTerms};
use sagas::kernel::effect::{AddonOrder, TermsOrder};
use serde::{Deserialize, Serialize};

/// `{"subscription": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct TermsAnswer {
    pub(in super::super) subscription: TermsWire,
}

/// What waits for the end of the term: nothing, or a subscription as it will be.
#[derive(Debug, Deserialize)]
pub(in super::super) struct ScheduledAnswer {
    #[serde(default)]
    pub(in super::super) subscription: Option<ScheduledWire>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct TermsWire {
    subscription_id: String,
    customer_id: Option<String>,
    customer: Option<CustomerId>,
    status: String,
    auto_collect: bool,
    currency_code: String,
    plan: PlanWire,
    addons: Option<Vec<AddonWire>>,
    coupon: Option<CouponWire>,
    amount: Option<Amount>,
    name: Option<String>,
    current_term_starts_at: Option<String>,
    current_term_ends_at: Option<String>,
    next_billing_at: Option<String>,
    child_invoice_id: Option<String>,
    updated_time: Option<String>,
    card: Option<CardWire>,
}

/// The card that Zoho keeps for it; what else Zoho shows of it is not read.
#[derive(Debug, Deserialize)]
struct CardWire {
    card_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct CustomerId {
    customer_id: String,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct ScheduledWire {
    currency_code: Option<String>,
    plan: Option<PlanWire>,
    addons: Option<Vec<AddonWire>>,
    coupon: Option<CouponWire>,
    amount: Option<Amount>,
}

#[derive(Debug, Deserialize)]
struct PlanWire {
    plan_code: String,
    quantity: Option<Amount>,
}

#[derive(Debug, Deserialize)]
struct AddonWire {
    addon_code: String,
    quantity: Option<Amount>,
}

#[derive(Debug, Deserialize)]
struct CouponWire {
    coupon_code: Option<String>,
}

fn sold(
    plan: PlanWire,
    addons: Option<Vec<AddonWire>>,
    coupon: Option<CouponWire>,
    amount: Option<&Amount>,
    currency: Option<Currency>,
) -> Result<Sold, Unreadable> {
    // Zoho leaves a quantity out where it is one.
    let count = |number: Option<&Amount>, field| given(number).map_or(Ok(1), |number| number.count(field));
    let addons = addons.into_iter().flatten().map(|addon| {
        let quantity = count(addon.quantity.as_ref(), "subscription.addons.quantity")?;
        Ok(AddonOrder { code: addon.addon_code, quantity })
    });
    let amount = currency.zip(given(amount)).map(|(currency, amount)| amount.money("subscription.amount", currency));
    Ok(Sold {
        quantity: count(plan.quantity.as_ref(), "subscription.plan.quantity")?,
        plan: plan.plan_code,
        addons: addons.collect::<Result<_, Unreadable>>()?,
        coupon: coupon.and_then(|coupon| filled(coupon.coupon_code)),
        amount: amount.transpose()?,
    })
}

impl TermsWire {
    /// Without what waits for the end of the term.
    pub(in super::super) fn read(self) -> Result<SubscriptionTerms, Unreadable> {
        let customer = self.customer_id.or(self.customer.map(|c| c.customer_id));
        let day = |text: Option<String>, field| filled(text).map(|day| date(Some(&day), field)).transpose();
        let currency = currency(&self.currency_code)?;
        Ok(SubscriptionTerms {
            customer: customer.ok_or(Unreadable::Field("subscription.customer.customer_id"))?,
            sold: sold(self.plan, self.addons, self.coupon, self.amount.as_ref(), Some(currency))?,
            scheduled: None,
            name: filled(self.name),
            term_starts_on: day(self.current_term_starts_at, "subscription.current_term_starts_at")?,
            term_ends_on: day(self.current_term_ends_at, "subscription.current_term_ends_at")?,
            next_billing_on: day(self.next_billing_at, "subscription.next_billing_at")?,
            newest_invoice: filled(self.child_invoice_id),
            changed_at: filled(self.updated_time),
            id: self.subscription_id,
            status: self.status,
            auto_collect: self.auto_collect,
            has_card: self.card.is_some_and(|card| filled(card.card_id).is_some()),
        })
    }
}

impl ScheduledWire {
    /// Nothing, where Zoho shows a subscription without a plan.
    pub(in super::super) fn sold(self) -> Result<Option<Sold>, Unreadable> {
        let currency = self.currency_code.as_deref().map(currency).transpose()?;
        self.plan.map(|plan| sold(plan, self.addons, self.coupon, self.amount.as_ref(), currency)).transpose()
    }
}

/// Body of `PUT /subscriptions/{id}`. The add-ons are always written: the list is the whole wanted one.
#[derive(Debug, Serialize)]
pub(in super::super) struct ChangedTerms<'a> {
    plan: ChangedPlan<'a>,
    addons: Vec<ChangedAddon<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_code: Option<&'a str>,
    end_of_term: bool,
}

#[derive(Debug, Serialize)]
struct ChangedPlan<'a> {
    plan_code: &'a str,
    quantity: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct ChangedAddon<'a> {
    addon_code: &'a str,
    quantity: u32,
}

impl<'a> From<&'a AddonOrder> for ChangedAddon<'a> {
    fn from(addon: &'a AddonOrder) -> Self {
        Self { addon_code: &addon.code, quantity: addon.quantity }
    }
}

impl<'a> ChangedTerms<'a> {
    pub(in super::super) fn of(order: &'a TermsOrder) -> Self {
        Self {
            plan: ChangedPlan { plan_code: &order.plan, quantity: order.quantity },
            addons: order.addons.iter().map(ChangedAddon::from).collect(),
            coupon_code: order.coupon.as_deref(),
            end_of_term: order.at_end,
        }
    }
}
