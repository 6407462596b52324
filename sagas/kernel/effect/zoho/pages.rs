//! Pages on Zoho's own host, for subscriptions that Zoho collects for by itself.

use super::super::mail::{CheckoutLink, LinkPage};
use super::AddonOrder;
use crate::kernel::step::ExactlyOnce;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Calls on hosted pages. A page lives an hour; its address stands in no event: who has it can pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum OnPage {
    /// Makes one. It is not looked up: an unanswered one is made anew, and only the newest is shown.
    Create(Box<PageOrder>),
    /// Reads what came of one.
    Read {
        /// Zoho hosted page id.
        page: String,
    },
}

/// What a page is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "page", rename_all = "snake_case")]
pub enum PageOrder {
    /// Buys a subscription that Zoho collects for.
    NewSubscription {
        /// Zoho customer id.
        customer: String,
        /// Our reference: `<installation>.sub.<saga>.<n>`.
        reference: String,
        /// What is sold.
        sold: PageTerms,
        /// When it begins to cost.
        #[serde(default, skip_serializing_if = "PageStart::is_today")]
        start: PageStart,
        /// The page of ours to which the customer goes afterwards.
        back_to: CheckoutLink,
    },
    /// Changes a subscription that Zoho collects for.
    UpdateSubscription {
        /// Zoho subscription id.
        subscription: String,
        /// What shall be sold.
        sold: PageTerms,
        /// The page of ours to which the customer goes afterwards.
        back_to: CheckoutLink,
    },
    /// Takes another card for a subscription.
    UpdateCard {
        /// Zoho subscription id.
        subscription: String,
        /// The page of ours to which the customer goes afterwards.
        back_to: CheckoutLink,
    },
    /// Takes a card for a customer who has none.
    AddPaymentMethod {
        /// Zoho customer id.
        customer: String,
        /// The page of ours to which the customer goes afterwards.
        back_to: CheckoutLink,
    },
}

/// What is sold on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageTerms {
    /// Plan code.
    pub plan: String,
    /// Of the plan.
    pub quantity: u32,
    /// Add-ons.
    pub addons: Vec<AddonOrder>,
    /// Coupon code.
    pub coupon: Option<String>,
}

/// When a subscription that is bought on a page begins, and when it begins to cost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageStart {
    /// First day, where it is not today (books zone).
    pub starts_on: Option<NaiveDate>,
    /// Days of trial; absent: none, whatever the plan says.
    pub trial_days: Option<u32>,
}

impl PageStart {
    /// Today, without a trial.
    pub const fn is_today(&self) -> bool {
        self.starts_on.is_none() && self.trial_days.is_none()
    }
}

impl PageOrder {
    /// Which page of ours that is.
    pub const fn back_on(&self) -> LinkPage {
        match self {
            Self::NewSubscription { .. } | Self::UpdateSubscription { .. } => LinkPage::Checkout,
            Self::UpdateCard { .. } | Self::AddPaymentMethod { .. } => LinkPage::Card,
        }
    }

    /// The page of ours to which the customer goes afterwards.
    pub const fn back_to(&self) -> CheckoutLink {
        match self {
            Self::NewSubscription { back_to, .. }
            | Self::UpdateSubscription { back_to, .. }
            | Self::UpdateCard { back_to, .. }
            | Self::AddPaymentMethod { back_to, .. } => *back_to,
        }
    }
}

impl OnPage {
    pub(in super::super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Read { .. } => ExactlyOnce::Repeatable,
            Self::Create(_) => ExactlyOnce::Set { row: "2.0-e51" },
        }
    }

    pub(in super::super) fn reference(&self) -> &str {
        match self {
            Self::Create(order) => match &**order {
                PageOrder::NewSubscription { reference, .. } => reference,
                PageOrder::UpdateSubscription { subscription, .. } | PageOrder::UpdateCard { subscription, .. } => {
                    subscription
                }
                PageOrder::AddPaymentMethod { customer, .. } => customer,
            },
            Self::Read { page } => page,
        }
    }

    operations! {
        pub match self {
            Self::Create(_) => "zoho.create_hosted_page",
            Self::Read { .. } => "zoho.read_hosted_page",
        }
    }
}
