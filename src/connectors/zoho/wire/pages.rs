//! Hosted pages as Zoho Billing writes them, and as we make them.

use super::terms::ChangedAddon;
use super::{filled, timestamp};
use chrono::NaiveDate;
use sagas::kernel::answer::HostedPage;
use sagas::kernel::effect::{PageStart, PageTerms};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

/// `{"hostedpage": …}`, the answer to a creation.
#[derive(Deserialize)]
pub(in super::super) struct PageMade {
    pub(in super::super) hostedpage: PageAnswer,
}

/// A page: when read, its fields stand at the top of the answer. It has no `Debug`: who has its address can pay.
#[derive(Deserialize)]
pub(in super::super) struct PageAnswer {
    hostedpage_id: String,
    status: String,
    url: Option<String>,
    expiring_time: Option<String>,
    #[serde(default)]
    data: Option<Bought>,
}

#[derive(Default, Deserialize)]
struct Bought {
    subscription: Option<BoughtSubscription>,
    invoice: Option<BoughtInvoice>,
}

#[derive(Deserialize)]
struct BoughtSubscription {
    subscription_id: String,
    child_invoice_id: Option<String>,
}

#[derive(Deserialize)]
struct BoughtInvoice {
    invoice_id: String,
}

impl PageAnswer {
    pub(in super::super) fn read(self) -> HostedPage {
        let bought = self.data.unwrap_or_default();
        let (subscription, child) = match bought.subscription {
            Some(bought) => (Some(bought.subscription_id), filled(bought.child_invoice_id)),
            None => (None, None),
        };
        HostedPage {
            id: self.hostedpage_id,
            status: self.status,
            expires_at: self.expiring_time.as_deref().and_then(timestamp),
            subscription,
            invoice: bought.invoice.map(|invoice| invoice.invoice_id).or(child),
        }
    }

    pub(in super::super) fn address(self) -> Option<SecretString> {
        filled(self.url).map(SecretString::from)
    }
}

/// Body of a creation: each kind of page takes some of it.
#[derive(Default, Serialize)]
pub(in super::super) struct NewPage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) customer_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) subscription_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) reference_id: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(in super::super) sold: Option<NewTerms<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in super::super) starts_at: Option<NaiveDate>,
    pub(in super::super) redirect_url: &'a str,
}

/// What is sold on it.
#[derive(Serialize)]
pub(in super::super) struct NewTerms<'a> {
    plan: NewPlan<'a>,
    addons: Vec<ChangedAddon<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_code: Option<&'a str>,
}

#[derive(Serialize)]
struct NewPlan<'a> {
    plan_code: &'a str,
    quantity: u32,
    /// Of a new subscription: the days would count beside it, so it is never sent with them.
    #[serde(skip_serializing_if = "Option::is_none")]
    exclude_trial: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trial_days: Option<u32>,
}

impl<'a> NewTerms<'a> {
    /// Of a new subscription: with the days of trial that were quoted, or none, whatever the plan says.
    pub(in super::super) fn started(sold: &'a PageTerms, start: &PageStart) -> Self {
        let mut terms = Self::from(sold);
        terms.plan.trial_days = start.trial_days;
        terms.plan.exclude_trial = start.trial_days.is_none().then_some(true);
        terms
    }
}

impl<'a> From<&'a PageTerms> for NewTerms<'a> {
    fn from(sold: &'a PageTerms) -> Self {
        Self {
            plan: NewPlan { plan_code: &sold.plan, quantity: sold.quantity, exclude_trial: None, trial_days: None },
            addons: sold.addons.iter().map(ChangedAddon::from).collect(),
            coupon_code: sold.coupon.as_deref(),
        }
    }
}
