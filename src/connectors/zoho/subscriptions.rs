//! Subscriptions: reads and lists them, makes one that Zoho does not collect for, finds it again by its reference, and
//! reads the first invoice. References are not unique at Zoho and are searched as parts of a text: they are compared for
//! equality here.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::wire::{InvoiceRows, NewSubscription, SubscriptionAnswer, SubscriptionRow, SubscriptionRows, id_age};
use super::{ABSENT, Zoho, is_not_found};
use sagas::kernel::answer::{Answer, Invoice, Subscription};
use sagas::kernel::effect::SubscriptionOrder;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use tokio::time::Instant;

impl Zoho {
    pub(super) async fn read_subscription(&self, subscription: &str, deadline: Instant) -> Answered<Answer> {
        let answer = self.subscription("zoho.read_subscription", subscription, deadline).await?;
        let subscription = answer.subscription.read().map_err(unreadable)?;
        Ok(Answer::Subscription(Box::new(subscription)))
    }

    pub(super) async fn subscription(
        &self,
        operation: &'static str,
        subscription: &str,
        deadline: Instant,
    ) -> Answered<SubscriptionAnswer> {
        let segments = ["subscriptions", subscription];
        self.billing.call(Ask::read(operation, &segments), deadline).await
    }

    /// One call.
    pub(super) async fn create_subscription(&self, order: &SubscriptionOrder, deadline: Instant) -> Answered<Answer> {
        let ask = Ask::create("zoho.create_subscription", &["subscriptions"], &NewSubscription::of(order));
        let answer: SubscriptionAnswer = self.billing.call(ask, deadline).await?;
        // It was done, in whatever form it was answered: looked up instead of refused.
        let subscription = answer.subscription.read_whole().map_err(|_| {
            let detail = "Zoho made the subscription, but its answer could not be read".to_owned();
            Box::new(Outcome::Unknown { detail })
        })?;
        as_ordered(subscription, order)
    }

    /// One call for the list, one for the oldest hit.
    pub(super) async fn find_subscription_made(&self, order: &SubscriptionOrder, deadline: Instant) -> Answered<Look> {
        const OPERATION: &str = "zoho.find_subscription";
        let rows = self.subscription_rows(OPERATION, &order.customer, Some(&order.reference), deadline).await?;
        let mut ids = rows.into_iter().map(|row| row.subscription_id);
        let Some(oldest) = ids.next() else {
            return Ok(ABSENT);
        };
        let answer = self.subscription(OPERATION, &oldest, deadline).await?;
        let outcome = match as_ordered(answer.subscription.read_whole().map_err(unreadable)?, order) {
            Ok(answer) => Box::new(Outcome::Done { answer }),
            Err(outcome) => outcome,
        };
        Ok(Look::Found { outcome, extra: ids.collect() })
    }

    /// One call a page. Without a reference, one more for each that may still bill and whose row does not say what.
    pub(super) async fn list_subscriptions(
        &self,
        customer: &str,
        reference: Option<&str>,
        deadline: Instant,
    ) -> Answered<Answer> {
        const OPERATION: &str = "zoho.list_subscriptions";
        let mut subscriptions = Vec::new();
        for row in self.subscription_rows(OPERATION, customer, reference, deadline).await? {
            let subscription = if reference.is_none() && row.hides_what_it_bills() {
                match self.subscription(OPERATION, &row.subscription_id, deadline).await {
                    Ok(answer) => answer.subscription.read_whole(),
                    Err(outcome) if is_not_found(&outcome) => continue,
                    Err(outcome) => return Err(outcome),
                }
            } else {
                row.read(customer)
            };
            subscriptions.push(subscription.map_err(unreadable)?);
        }
        Ok(Answer::Subscriptions { subscriptions })
    }

    /// Rows of a customer's subscriptions, cancelled ones too, oldest first; Zoho's default filter is not published.
    async fn subscription_rows(
        &self,
        operation: &'static str,
        customer: &str,
        reference: Option<&str>,
        deadline: Instant,
    ) -> Answered<Vec<SubscriptionRow>> {
        let mut filters = vec![("customer_id", customer), ("filter_by", "SubscriptionStatus.All")];
        filters.extend(reference.map(|reference| ("reference_contains", reference)));
        filters.extend([("sort_column", "created_time"), ("sort_order", "A")]);
        let mut rows = Vec::new();
        let take = |page: SubscriptionRows| {
            rows.extend(page.subscriptions.into_iter().filter(|row| {
                row.customer_id.as_deref().is_none_or(|id| id == customer)
                    && reference.is_none_or(|reference| row.reference_id.as_deref() == Some(reference))
            }));
            true
        };
        self.billing.pages(operation, "subscriptions", &filters, deadline, take).await?;
        rows.sort_by(|a, b| a.age().cmp(&b.age()));
        // A row that moves between pages is shown twice.
        rows.dedup_by(|a, b| a.subscription_id == b.subscription_id);
        Ok(rows)
    }

    /// One call for the list, one for the invoice; none is a clean answer.
    pub(super) async fn read_first_invoice(&self, subscription: &str, deadline: Instant) -> Answered<Answer> {
        const OPERATION: &str = "zoho.read_first_invoice";
        let mut first: Option<String> = None;
        let take = |page: InvoiceRows| {
            first = page.invoices.into_iter().map(|row| row.invoice_id).min_by(|a, b| id_age(a).cmp(&id_age(b)));
            false
        };
        self.billing.pages(OPERATION, "invoices", &invoices_of(subscription), deadline, take).await?;
        let Some(first) = first else {
            return Ok(Answer::FirstInvoice { invoice: None });
        };
        let answer = self.invoice(OPERATION, &first, deadline).await?;
        let invoice = answer.invoice.read(self.clock.now()).map_err(unreadable)?;
        // The list says whose it is; Zoho's documents show no subscription on an invoice itself.
        let invoice = Invoice { subscription: Some(subscription.to_owned()), ..invoice };
        Ok(Answer::FirstInvoice { invoice: Some(Box::new(invoice)) })
    }
}

/// All invoices of a subscription, oldest first.
pub(super) const fn invoices_of(subscription: &str) -> [(&str, &str); 4] {
    [
        ("subscription_id", subscription),
        ("filter_by", "Status.All"),
        ("sort_column", "created_time"),
        ("sort_order", "A"),
    ]
}

/// The subscription, unless it is another's or Zoho would collect for it. Its status is the flow's to judge.
fn as_ordered(subscription: Subscription, order: &SubscriptionOrder) -> Answered<Answer> {
    let id = &subscription.id;
    let mismatch = |code, message: &str| Err(rejected(RejectionKind::Mismatch, code, message));
    if subscription.customer != order.customer {
        return mismatch("customer", &format!("subscription {id} is of another customer than {}", order.customer));
    }
    if subscription.reference != order.reference {
        return mismatch("reference", &format!("subscription {id} does not carry the reference {}", order.reference));
    }
    if subscription.auto_collect {
        return mismatch("auto_collect", &format!("Zoho would collect for subscription {id} by itself"));
    }
    Ok(Answer::Subscription(Box::new(subscription)))
}
