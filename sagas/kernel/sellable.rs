//! What keeps a subscription from being started, in words for the record: reason and cure. The same whoever collects.

use super::answer::{Request, Subscription, ZohoCustomer};
use super::offer::PlanOffer;

/// Why something is not sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsellable {
    pub(crate) reason: String,
    /// What to do, after which it is.
    pub(crate) cure: String,
}

fn not(reason: impl Into<String>, cure: impl Into<String>) -> Unsellable {
    Unsellable { reason: reason.into(), cure: cure.into() }
}

/// It is, or will be, served.
pub(crate) fn is_live(subscription: &Subscription) -> bool {
    !matches!(subscription.status.as_str(), "cancelled" | "expired" | "creation_failed" | "trial_expired")
}

/// What the record asks for cannot be sold so.
pub(crate) fn request(request: &Request) -> Option<Unsellable> {
    if !request.problems.is_empty() {
        return Some(not(request.problems.join("; "), "correct it, then press again"));
    }
    if request.external_id.is_some() || request.zoho_subscription.is_some() {
        let cure = "press `Change plan`, or make a new record for a further subscription";
        return Some(not("this record is a subscription already", cure));
    }
    if request.client.is_none() {
        return Some(not("no customer is named", "choose a company or a person, then press again"));
    }
    if request.plan.is_none() {
        return Some(not("no plan is named", "choose a `Plan`, then press again"));
    }
    None
}

/// The customer at Zoho is another's, inactive, or billed in another currency.
pub(crate) fn customer(found: &ZohoCustomer, ours: Option<&str>, plan: Option<&PlanOffer>) -> Option<Unsellable> {
    if found.our_customer.as_ref().is_some_and(|theirs| Some(theirs.as_str()) != ours) {
        let reason = format!("Zoho customer {} belongs to another customer of ours", found.id);
        return Some(not(reason, "ask an operator to correct the link, then press again"));
    }
    if !found.active {
        let reason = format!("Zoho customer {} is inactive", found.id);
        return Some(not(reason, "mark the customer active in Zoho, then press again"));
    }
    if plan.is_some_and(|plan| plan.price.currency.code() != found.currency) {
        let reason = format!("the customer is billed in {}, for ever", found.currency);
        return Some(not(reason, format!("choose a `Plan` in {}", found.currency)));
    }
    None
}

/// The customer has the product already.
pub(crate) fn family(subscriptions: &[Subscription], plan: &PlanOffer) -> Option<Unsellable> {
    let same = |s: &&Subscription| {
        s.product.as_ref().map_or(s.plan.as_ref() == Some(&plan.code), |product| *product == plan.product)
    };
    let live = subscriptions.iter().filter(|s| is_live(s)).find(same)?;
    let reason = format!("the customer has a live subscription of this product ({})", live.id);
    Some(not(reason, "press `Change plan` on its record"))
}
