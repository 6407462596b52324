//! Takes a subscription back: voids what it has raised and nobody has paid, then cancels it at once. Gives no money back:
//! where somebody has paid, nothing is touched.
//!
//! Invoices first: what Zoho does with an open invoice of a subscription that is cancelled is not published, while a void
//! one is left alone.

use super::Zoho;
use super::billing::{Answered, Ask, rejected, unreadable};
use super::set::{after_write, proven};
use super::subscriptions::invoices_of;
use super::wire::{InvoiceRow, InvoiceRows, Unreadable, is_over};
use sagas::kernel::answer::{Answer, Invoice};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::RejectionKind;
use tokio::time::Instant;

const OPERATION: &str = "zoho.undo_subscription";
const VOID: &str = "void";

impl Zoho {
    /// One call for the subscription, one for its list of invoices and one for each that is not void; two more for each
    /// that is voided, and two for the cancellation, as every write is read back.
    pub(super) async fn undo_subscription(&self, subscription: &str, deadline: Instant) -> Answered<Answer> {
        let status = self.subscription(OPERATION, subscription, deadline).await?.subscription.status;
        let mut open = Vec::new();
        for row in self.open_invoices(subscription, deadline).await? {
            let invoice = self.invoice_now(&row.invoice_id, deadline).await?;
            if was_paid(&invoice).map_err(unreadable)? {
                let message = format!(
                    "invoice {} ({}) of the subscription is paid: give the money back first",
                    invoice.number, invoice.id
                );
                return Err(rejected(RejectionKind::State, "paid_invoice", &message));
            }
            open.push(invoice);
        }
        for invoice in open.iter().filter(|invoice| invoice.status != VOID) {
            self.void(&invoice.id, deadline).await?;
        }
        if !is_over(&status) {
            self.cancel_now(subscription, deadline).await?;
        }
        Ok(Answer::Nothing)
    }

    /// Whether it is cancelled and all that it raised is void.
    pub(super) async fn is_undone(&self, subscription: &str, deadline: Instant) -> Answered<bool> {
        let answer = self.subscription(OPERATION, subscription, deadline).await?;
        Ok(is_over(&answer.subscription.status) && self.open_invoices(subscription, deadline).await?.is_empty())
    }

    /// Rows of its invoices that are not void.
    async fn open_invoices(&self, subscription: &str, deadline: Instant) -> Answered<Vec<InvoiceRow>> {
        let mut open = Vec::new();
        let take = |page: InvoiceRows| {
            open.extend(page.invoices.into_iter().filter(|row| row.status.as_deref() != Some(VOID)));
            true
        };
        self.billing.pages(OPERATION, "invoices", &invoices_of(subscription), deadline, take).await?;
        Ok(open)
    }

    async fn invoice_now(&self, invoice: &str, deadline: Instant) -> Answered<Invoice> {
        let answer = self.invoice(OPERATION, invoice, deadline).await?;
        answer.invoice.read(self.clock.now()).map_err(unreadable)
    }

    async fn void(&self, invoice: &str, deadline: Instant) -> Answered<()> {
        let segments = ["invoices", invoice, "void"];
        let written = self.written(Ask::act(OPERATION, &segments, &[]), deadline).await?;
        let done = after_write(&written, self.invoice_now(invoice, deadline).await)?.status == VOID;
        proven(written, done, || format!("Zoho accepted to void invoice {invoice}, but does not show it as void"))
    }

    async fn cancel_now(&self, subscription: &str, deadline: Instant) -> Answered<()> {
        let segments = ["subscriptions", subscription, "cancel"];
        let ask = Ask::act(OPERATION, &segments, &[("cancel_at_end", "false")]);
        let written = self.written(ask, deadline).await?;
        let shown = after_write(&written, self.subscription(OPERATION, subscription, deadline).await)?;
        let status = shown.subscription.status;
        proven(written, is_over(&status), || {
            format!("Zoho accepted to cancel subscription {subscription}, but shows it as `{status}`")
        })
    }
}

/// A payment is on it, or some of it was settled by other than credits and write-offs, which a void takes back.
fn was_paid(invoice: &Invoice) -> Result<bool, Unreadable> {
    let rest = [invoice.balance, invoice.credits, invoice.written_off];
    let settled = rest.into_iter().try_fold(invoice.total, Money::minus);
    let settled = settled.map_err(|error| Unreadable::Amount(format!("invoice: {error}")))?;
    Ok(invoice.status != VOID && (!invoice.payments.is_empty() || settled.is_positive()))
}
