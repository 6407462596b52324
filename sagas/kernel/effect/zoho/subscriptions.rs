//! What can be changed of a running subscription.

use super::AddonOrder;
use crate::kernel::step::ExactlyOnce;
use serde::{Deserialize, Serialize};

/// Calls on one running subscription. `seen` is when the read that the act rests on says that it was last changed
/// ([`crate::kernel::answer::SubscriptionTerms::changed_at`]): an unanswered act is repeated only where nobody has changed
/// the subscription since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum OnSubscription {
    /// Reads what is sold, and what waits for the end of the term.
    ReadTerms {
        /// Zoho subscription id.
        subscription: String,
    },
    /// Lists all that it has raised, void invoices too.
    ListInvoices {
        /// Zoho subscription id.
        subscription: String,
    },
    /// Changes plan, quantity and add-ons.
    Change(Box<TermsOrder>),
    /// Cancels it. With nothing more to bill, invoices that it has raised stay as they are.
    Cancel {
        /// Zoho subscription id.
        subscription: String,
        /// At the end of the term that is paid for; false: at once.
        at_end: bool,
        /// When it was last changed, as read before.
        seen: Option<String>,
    },
    /// Takes a cancellation at the end of the term back.
    Reactivate {
        /// Zoho subscription id.
        subscription: String,
        /// When it was last changed, as read before.
        seen: Option<String>,
    },
    /// Says whether Zoho charges by itself.
    Collect {
        /// Zoho subscription id.
        subscription: String,
        /// Zoho's own gateway charges each invoice.
        by_zoho: bool,
        /// When it was last changed, as read before.
        seen: Option<String>,
    },
    /// Puts a coupon on it, or takes the present one off.
    Coupon {
        /// Zoho subscription id.
        subscription: String,
        /// Coupon code; absent: none.
        coupon: Option<String>,
        /// When it was last changed, as read before.
        seen: Option<String>,
    },
}

/// What a running subscription shall be. It is the whole wanted list: an add-on that is not named is taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsOrder {
    /// Zoho subscription id.
    pub subscription: String,
    /// Plan code.
    pub plan: String,
    /// Of the plan.
    pub quantity: u32,
    /// All add-ons.
    pub addons: Vec<AddonOrder>,
    /// Coupon code to put on it; absent: the present one is left.
    pub coupon: Option<String>,
    /// When the present term ends; false: now, with what Zoho prorates.
    pub at_end: bool,
    /// When it was last changed, as read before.
    pub seen: Option<String>,
}

impl OnSubscription {
    pub(in super::super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::ReadTerms { .. } | Self::ListInvoices { .. } => ExactlyOnce::Repeatable,
            Self::Change(_)
            | Self::Cancel { .. }
            | Self::Reactivate { .. }
            | Self::Collect { .. }
            | Self::Coupon { .. } => ExactlyOnce::Set { row: "2.0-e44" },
        }
    }

    pub(in super::super) fn reference(&self) -> &str {
        match self {
            Self::Change(order) => &order.subscription,
            Self::ReadTerms { subscription }
            | Self::ListInvoices { subscription }
            | Self::Cancel { subscription, .. }
            | Self::Reactivate { subscription, .. }
            | Self::Collect { subscription, .. }
            | Self::Coupon { subscription, .. } => subscription,
        }
    }

    operations! {
        pub match self {
            Self::ReadTerms { .. } => "zoho.read_terms",
            Self::ListInvoices { .. } => "zoho.list_subscription_invoices",
            Self::Change(_) => "zoho.change_subscription",
            Self::Cancel { .. } => "zoho.cancel_subscription",
            Self::Reactivate { .. } => "zoho.reactivate_subscription",
            Self::Collect { .. } => "zoho.set_auto_collect",
            Self::Coupon { .. } => "zoho.set_coupon",
        }
    }
}
