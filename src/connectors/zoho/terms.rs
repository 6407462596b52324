//! What is sold by a running subscription: reads it with what waits for the end of the term, changes it, cancels it, takes
//! a cancellation back, says who collects. Reckons nothing: what a change costs is Zoho's to say.

use super::billing::{Answered, Ask, unreadable};
use super::set::{after_write, proven, settled};
use super::subscriptions::invoices_of;
use super::wire::{ChangedTerms, InvoiceRows, ScheduledAnswer, TermsAnswer, is_over};
use super::{Zoho, is_invalid, is_not_found};
use sagas::kernel::answer::{Answer, Sold, SubscriptionTerms};
use sagas::kernel::effect::{AddonOrder, OnSubscription, TermsOrder};
use sagas::kernel::outcome::Look;
use serde_json::json;
use tokio::time::Instant;

/// Cancelled, and still running to the end of its term.
const NON_RENEWING: &str = "non_renewing";

impl Zoho {
    /// One call for the write, two to read it back.
    pub(super) async fn on_subscription(&self, call: &OnSubscription, deadline: Instant) -> Answered<Answer> {
        let id = subscription_of(call);
        let segments = ["subscriptions", id];
        let operation = call.operation();
        let act = |verb: &'static str| [segments[0], segments[1], verb];
        let written = match call {
            OnSubscription::ReadTerms { .. } => {
                let terms = self.terms(operation, id, deadline).await?;
                return Ok(Answer::Terms(Box::new(terms)));
            }
            OnSubscription::ListInvoices { .. } => return self.billed(operation, id, deadline).await,
            OnSubscription::Change(order) => {
                self.written(Ask::put(operation, &segments, &ChangedTerms::of(order)), deadline).await?
            }
            OnSubscription::Cancel { at_end, .. } => {
                let when = [("cancel_at_end", if *at_end { "true" } else { "false" })];
                self.written(Ask::act(operation, &act("cancel"), &when), deadline).await?
            }
            OnSubscription::Reactivate { .. } => {
                self.written(Ask::act(operation, &act("reactivate"), &[]), deadline).await?
            }
            OnSubscription::Collect { by_zoho, .. } => {
                let body = json!({ "auto_collect": by_zoho });
                self.written(Ask::create(operation, &act("autocollect"), &body), deadline).await?
            }
            OnSubscription::Coupon { coupon: Some(coupon), .. } => {
                let segments = ["subscriptions", id, "coupons", coupon.as_str()];
                self.written(Ask::act(operation, &segments, &[]), deadline).await?
            }
            OnSubscription::Coupon { coupon: None, .. } => {
                match self.written(Ask::delete(operation, &act("coupons")), deadline).await {
                    // Where there is none, Zoho knows no coupon: the read tells that from a subscription that is gone.
                    Err(outcome) if is_not_found(&outcome) => Err(outcome),
                    written => written?,
                }
            }
        };
        let terms = after_write(&written, self.terms(operation, id, deadline).await)?;
        proven(written, is_reached(call, &terms), || {
            format!("Zoho accepted {operation} for subscription {id}, but shows {}", shown(&terms))
        })?;
        Ok(Answer::Terms(Box::new(terms)))
    }

    pub(super) async fn look_subscription(&self, call: &OnSubscription, deadline: Instant) -> Answered<Look> {
        let terms = self.terms("zoho.find_change", subscription_of(call), deadline).await?;
        let (done, now) = (is_reached(call, &terms), terms.changed_at.clone());
        Ok(settled(done, Answer::Terms(Box::new(terms)), seen(call), now.as_deref()))
    }

    /// One call a page.
    async fn billed(&self, operation: &'static str, id: &str, deadline: Instant) -> Answered<Answer> {
        let mut rows = Vec::new();
        let take = |page: InvoiceRows| {
            rows.push(page);
            true
        };
        self.billing.pages(operation, "invoices", &invoices_of(id), deadline, take).await?;
        let invoices = rows.into_iter().map(InvoiceRows::billed).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        Ok(Answer::BilledInvoices { invoices: invoices.concat() })
    }

    /// Two calls; one where nothing can wait any more.
    async fn terms(&self, operation: &'static str, id: &str, deadline: Instant) -> Answered<SubscriptionTerms> {
        let segments = ["subscriptions", id];
        let answer: TermsAnswer = self.billing.call(Ask::read(operation, &segments), deadline).await?;
        let terms = answer.subscription.read().map_err(unreadable)?;
        if is_over(&terms.status) {
            return Ok(terms);
        }
        let segments = ["subscriptions", id, "scheduledchanges"];
        let scheduled = match self.billing.call(Ask::read(operation, &segments), deadline).await {
            Ok(ScheduledAnswer { subscription: None }) => None,
            Ok(ScheduledAnswer { subscription: Some(waiting) }) => waiting.sold().map_err(unreadable)?,
            // How Zoho says that nothing waits is not published.
            Err(outcome) if is_not_found(&outcome) || is_invalid(&outcome) => None,
            Err(outcome) => return Err(outcome),
        };
        // The same at another price is something else, too.
        let dearer = |waiting: &Sold| waiting.amount.is_some() && waiting.amount != terms.sold.amount;
        let scheduled =
            scheduled.filter(|waiting| !is_sold(waiting, &terms.sold, waiting.coupon.is_some()) || dearer(waiting));
        Ok(SubscriptionTerms { scheduled, ..terms })
    }
}

const fn subscription_of(call: &OnSubscription) -> &str {
    match call {
        OnSubscription::Change(order) => order.subscription.as_str(),
        OnSubscription::ReadTerms { subscription }
        | OnSubscription::ListInvoices { subscription }
        | OnSubscription::Cancel { subscription, .. }
        | OnSubscription::Reactivate { subscription, .. }
        | OnSubscription::Collect { subscription, .. }
        | OnSubscription::Coupon { subscription, .. } => subscription.as_str(),
    }
}

fn seen(call: &OnSubscription) -> Option<&str> {
    match call {
        OnSubscription::ReadTerms { .. } | OnSubscription::ListInvoices { .. } => None,
        OnSubscription::Change(order) => order.seen.as_deref(),
        OnSubscription::Cancel { seen, .. }
        | OnSubscription::Reactivate { seen, .. }
        | OnSubscription::Collect { seen, .. }
        | OnSubscription::Coupon { seen, .. } => seen.as_deref(),
    }
}

/// Whether the subscription is what the act asks for.
fn is_reached(call: &OnSubscription, is: &SubscriptionTerms) -> bool {
    match call {
        OnSubscription::ReadTerms { .. } | OnSubscription::ListInvoices { .. } => true,
        OnSubscription::Change(order) => {
            let wanted = wanted(order);
            let by_coupon = order.coupon.is_some();
            match &is.scheduled {
                Some(waiting) => order.at_end && is_sold(waiting, &wanted, by_coupon),
                None => is_sold(&is.sold, &wanted, by_coupon),
            }
        }
        OnSubscription::Cancel { at_end, .. } => is_over(&is.status) || (*at_end && is.status == NON_RENEWING),
        OnSubscription::Reactivate { .. } => !is_over(&is.status) && is.status != NON_RENEWING,
        OnSubscription::Collect { by_zoho, .. } => is.auto_collect == *by_zoho,
        OnSubscription::Coupon { coupon, .. } => is.sold.coupon == *coupon,
    }
}

fn wanted(order: &TermsOrder) -> Sold {
    Sold {
        plan: order.plan.clone(),
        quantity: order.quantity,
        addons: order.addons.clone(),
        coupon: order.coupon.clone(),
        amount: None,
    }
}

/// The same is sold, whatever it costs; coupons are compared where that is asked for.
fn is_sold(a: &Sold, b: &Sold, by_coupon: bool) -> bool {
    let sorted = |addons: &[AddonOrder]| {
        let mut all: Vec<_> = addons.iter().map(|addon| (addon.code.clone(), addon.quantity)).collect();
        all.sort();
        all
    };
    a.plan == b.plan
        && a.quantity == b.quantity
        && sorted(&a.addons) == sorted(&b.addons)
        && (!by_coupon || a.coupon == b.coupon)
}

/// In codes and numbers.
fn shown(terms: &SubscriptionTerms) -> String {
    let sold = |sold: &Sold| {
        let addons: Vec<_> = sold.addons.iter().map(|addon| format!("{} × {}", addon.quantity, addon.code)).collect();
        let coupon = sold.coupon.as_deref().unwrap_or("none");
        format!("plan {} × {}, add-ons [{}], coupon {coupon}", sold.quantity, sold.plan, addons.join(", "))
    };
    let waiting = terms.scheduled.as_ref().map_or_else(|| "nothing".to_owned(), sold);
    format!("status `{}`, auto_collect {}, {}, waiting: {waiting}", terms.status, terms.auto_collect, sold(&terms.sold))
}
