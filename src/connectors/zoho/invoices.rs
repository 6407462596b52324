//! What is done to an invoice: void, write-off and its reversal, credits; and its document. Takes no money.

use super::billing::{Answered, Ask, rejected, unreadable};
use super::set::{after_write, proven, settled};
use super::{Zoho, wire};
use sagas::kernel::answer::{Answer, Invoice, InvoiceLines};
use sagas::kernel::effect::OnInvoice;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// Body of `POST /invoices/{id}/credits`.
#[derive(Serialize)]
struct Credits<'a> {
    apply_creditnotes: [wire::AppliedCredit<'a>; 1],
}

impl Zoho {
    /// One call for the write, one to read it back.
    pub(super) async fn on_invoice(&self, call: &OnInvoice, deadline: Instant) -> Answered<Answer> {
        let (operation, id) = (call.operation(), call.invoice().as_str());
        let path = |verb: &'static str| ["invoices", id, verb];
        match call {
            OnInvoice::ReadLines { .. } => {
                let answer = self.invoice(operation, id, deadline).await?;
                let lines = answer.invoice.lines();
                let invoice = answer.invoice.read(self.clock.now()).map_err(unreadable)?;
                Ok(Answer::InvoiceLines(Box::new(InvoiceLines { invoice, lines })))
            }
            OnInvoice::Void { .. } => self.settle(call, Ask::act(operation, &path("void"), &[]), deadline).await,
            OnInvoice::WriteOff { reason, .. } => {
                let body = json!({ "reason": reason });
                self.settle(call, Ask::create(operation, &path("writeoff"), &body), deadline).await
            }
            OnInvoice::CancelWriteOff { .. } => {
                self.settle(call, Ask::act(operation, &path("cancelwriteoff"), &[]), deadline).await
            }
            OnInvoice::ApplyCredit { note, amount, .. } => {
                // Sent twice it would settle twice as much: it is read before, too.
                let before = self.invoice(operation, id, deadline).await?;
                let before = self.seen(before, call)?;
                if is_reached(call, &before) {
                    return Ok(Answer::Invoice(Box::new(before.invoice)));
                }
                let credit = wire::AppliedCredit { creditnote_id: note, amount_applied: *amount };
                let body = Credits { apply_creditnotes: [credit] };
                self.settle(call, Ask::create(operation, &path("credits"), &body), deadline).await
            }
        }
    }

    async fn settle(&self, call: &OnInvoice, ask: Ask<'_>, deadline: Instant) -> Answered<Answer> {
        let (operation, id) = (call.operation(), call.invoice());
        let written = self.written(ask, deadline).await?;
        let shown = after_write(&written, self.invoice(operation, id, deadline).await)?;
        let shown = self.seen(shown, call)?;
        proven(written, is_reached(call, &shown), || {
            format!(
                "Zoho accepted {operation} for invoice {id}, but shows status `{}`, written off {}, credits {}",
                shown.invoice.status, shown.invoice.written_off, shown.invoice.credits
            )
        })?;
        Ok(Answer::Invoice(Box::new(shown.invoice)))
    }

    pub(super) async fn look_invoice(&self, call: &OnInvoice, deadline: Instant) -> Answered<Look> {
        let shown = self.invoice("zoho.find_invoice_state", call.invoice(), deadline).await?;
        let shown = self.seen(shown, call)?;
        let done = is_reached(call, &shown);
        Ok(settled(done, Answer::Invoice(Box::new(shown.invoice)), None, None))
    }

    fn seen(&self, answer: wire::InvoiceAnswer, call: &OnInvoice) -> Answered<Shown> {
        let applied = match call {
            OnInvoice::ApplyCredit { note, .. } => answer.invoice.credit_of(note).map_err(unreadable)?,
            OnInvoice::ReadLines { .. }
            | OnInvoice::Void { .. }
            | OnInvoice::WriteOff { .. }
            | OnInvoice::CancelWriteOff { .. } => None,
        };
        Ok(Shown { invoice: answer.invoice.read(self.clock.now()).map_err(unreadable)?, applied })
    }

    /// The invoice as a PDF document: for a person to see, kept nowhere.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn invoice_document(&self, invoice: &str, time_limit: Duration) -> Result<Vec<u8>, Box<Outcome>> {
        let segments = ["invoices", invoice];
        let ask = Ask::document("zoho.read_invoice_document", &segments);
        let document = self.billing.answer(&ask, Instant::now() + time_limit).await?;
        if document.starts_with(b"%PDF") {
            return Ok(document);
        }
        let message = "Zoho answered the invoice without its document: expected a PDF";
        Err(rejected(RejectionKind::UnknownState, "no_document", message))
    }
}

/// An invoice, and what of the credit note that is talked about is applied to it.
struct Shown {
    invoice: Invoice,
    applied: Option<Money>,
}

/// Whether the invoice is what the act asks for.
fn is_reached(call: &OnInvoice, shown: &Shown) -> bool {
    match call {
        // A read is done by reading.
        OnInvoice::ReadLines { .. } => false,
        OnInvoice::Void { .. } => shown.invoice.status == "void",
        OnInvoice::WriteOff { .. } => shown.invoice.written_off.is_positive(),
        OnInvoice::CancelWriteOff { .. } => !shown.invoice.written_off.is_positive(),
        OnInvoice::ApplyCredit { amount, .. } => shown.applied.is_some_and(|applied| applied.minor >= amount.minor),
    }
}
