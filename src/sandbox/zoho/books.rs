//! Ground truth: what the simulated organisation's books say, for tests. Amounts are integers of minor units.

use super::State;
use super::call::Org;
use super::invoices::Invoice;
use super::payments::Payment;
use crate::World;
use chrono::NaiveDate;
use serde_json::{Value, json};

/// Customers, subscriptions, invoices, payments (deleted ones and those of Zoho's gateway too), credit notes, refunds,
/// quotes, hosted pages and cards.
pub fn books(world: &World) -> Value {
    let now = world.clock.now();
    let mut state = world.zoho.lock().expect("zoho lock");
    Org { world, state: &mut state, now }.roll();
    let state = &*state;
    let today = now.date_naive();
    let paid = state.payments.values().map(|payment| state.payment_books(payment, false));
    let deleted = state.deleted_payments.iter().map(|payment| state.payment_books(payment, true));
    json!({
        "customers": state.customers.values().map(|customer| json!({
            "customer_id": customer.id.to_string(),
            "display_name": customer.display_name,
            "email": customer.email,
            "currency": customer.currency.code,
        })).collect::<Vec<_>>(),
        "subscriptions": state.subscriptions.values().map(|subscription| json!({
            "subscription_id": subscription.id.to_string(),
            "customer_id": subscription.customer.to_string(),
            "reference_id": subscription.reference,
            "plan_code": subscription.item.code,
            "status": subscription.status.word(),
            "auto_collect": subscription.auto_collect,
            "amount": state.shown(subscription).amount(),
            "currency": subscription.currency.code,
            "next_billing_at": subscription.next,
            "card_id": subscription.card.map(|id| id.to_string()),
            "scheduled_plan_code": subscription.scheduled.as_ref().map(|item| &item.code),
        })).collect::<Vec<_>>(),
        "invoices": state.invoices.values().map(|invoice| state.invoice_books(invoice, today)).collect::<Vec<_>>(),
        "payments": paid.chain(deleted).collect::<Vec<_>>(),
        "credit_notes": state.notes.values().map(|note| json!({
            "creditnote_id": note.id.to_string(),
            "customer_id": note.customer.to_string(),
            "reference_number": note.reference,
            "total": note.total(),
            "balance": state.note_balance(note),
            "status": state.note_status(note),
            "currency": note.currency.code,
        })).collect::<Vec<_>>(),
        "refunds": state.refunds.values().map(|refund| json!({
            "refund_id": refund.id.to_string(),
            "creditnote_id": refund.note.to_string(),
            "amount": refund.amount,
        })).collect::<Vec<_>>(),
        "quotes": state.quotes.values().map(|quote| json!({
            "estimate_id": quote.id.to_string(),
            "customer_id": quote.customer.to_string(),
            "reference_number": quote.reference,
            "status": quote.status(today),
            "total": quote.total(),
            "currency": quote.currency.code,
        })).collect::<Vec<_>>(),
        "hosted_pages": state.pages.values().map(|page| json!({
            "hostedpage_id": page.code,
            "action": page.action.word(),
            "status": page.status.word(),
        })).collect::<Vec<_>>(),
        "cards": state.cards.values().map(|card| json!({
            "card_id": card.id.to_string(),
            "customer_id": card.customer.to_string(),
        })).collect::<Vec<_>>(),
        "calls_today": state.limits.today(),
    })
}

impl State {
    fn invoice_books(&self, invoice: &Invoice, today: NaiveDate) -> Value {
        let payments = invoice.payments.iter().map(|part| {
            json!({
                "payment_id": part.from.to_string(),
                "reference_number": self.payments.get(&part.from).map(|payment| &payment.reference),
                "amount": part.amount,
            })
        });
        json!({
            "invoice_id": invoice.id.to_string(),
            "number": invoice.number,
            "customer_id": invoice.customer.to_string(),
            "subscription_id": invoice.subscription.map(|id| id.to_string()),
            "status": invoice.status(today),
            "total": invoice.total(),
            "balance": invoice.balance(),
            "written_off": invoice.written_off,
            "currency": invoice.currency.code,
            "date": invoice.date,
            "payments": payments.collect::<Vec<_>>(),
        })
    }

    fn payment_books(&self, payment: &Payment, deleted: bool) -> Value {
        json!({
            "payment_id": payment.id.to_string(),
            "customer_id": payment.customer.to_string(),
            "payment_mode": payment.mode,
            "amount": payment.amount,
            "unapplied": if deleted { 0 } else { self.unapplied(payment) },
            "currency": payment.currency.code,
            "reference_number": payment.reference,
            "date": payment.date,
            "gateway_transaction_id": payment.auto.as_ref().map(|auto| &auto.transaction),
            "refunded": payment.refunded,
            "deleted": deleted,
        })
    }
}
