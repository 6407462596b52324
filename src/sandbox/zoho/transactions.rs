//! A customer's transactions. The rows hold no reference of ours, and their amounts are text.

use super::State;
use super::call::{Call, Route, route};
use super::errors::Refusal;
use super::ids::Id;
use super::list::{Listing, filter_by};
use super::reply::{Answer, Object};
use axum::routing::MethodFilter;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;

pub(super) const ROUTES: &[Route] = &[route("transaction.list", MethodFilter::GET, "/transactions", list)];

/// What a row shows.
struct Row {
    customer: Id,
    created: DateTime<Utc>,
    /// The filter that shows it.
    filter: &'static str,
    kind: &'static str,
    /// Zoho's own number for it.
    number: String,
    date: NaiveDate,
    status: &'static str,
    amount: String,
}

impl State {
    fn transactions(&self, today: NaiveDate) -> impl Iterator<Item = (Id, Row)> {
        let invoices = self.invoices.values().map(move |invoice| {
            let row = Row {
                customer: invoice.customer,
                created: invoice.created,
                filter: "INVOICE",
                kind: "invoice",
                number: invoice.number.clone(),
                date: invoice.date,
                status: invoice.status(today),
                amount: invoice.currency.text(invoice.total()),
            };
            (invoice.id, row)
        });
        let payments = self.payments.values().map(|payment| {
            let row = Row {
                customer: payment.customer,
                created: payment.created,
                filter: "PAYMENT",
                kind: "payment",
                number: payment.id.to_string(),
                date: payment.date,
                status: "success",
                amount: payment.currency.text(payment.amount),
            };
            (payment.id, row)
        });
        let notes = self.notes.values().map(|note| {
            let row = Row {
                customer: note.customer,
                created: note.created,
                filter: "CREDIT",
                kind: "credit",
                number: note.number.clone(),
                date: note.date,
                status: self.note_status(note),
                amount: note.currency.text(note.total()),
            };
            (note.id, row)
        });
        let refunds = self.refunds.values().filter_map(|refund| {
            let row = Row {
                customer: refund.customer,
                created: refund.created,
                filter: "REFUND",
                kind: "refund",
                number: refund.id.to_string(),
                date: refund.date,
                status: "success",
                amount: self.notes.get(&refund.note)?.currency.text(refund.amount),
            };
            Some((refund.id, row))
        });
        invoices.chain(payments).chain(notes).chain(refunds)
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    let horizon = call.horizon();
    let filter = filter_by(call, "TransactionType.")?;
    if !["All", "INVOICE", "PAYMENT", "CREDIT", "REFUND"].contains(&filter) {
        return Err(Refusal::invalid("filter_by"));
    }
    let customer = call.query_id("customer_id")?;
    let shows = |(_, row): &(Id, Row)| {
        (filter == "All" || filter == row.filter)
            && row.created <= horizon
            && customer.is_none_or(|id| row.customer == id)
    };
    let rows: BTreeMap<Id, Row> = call.org.state.transactions(call.org.today()).filter(shows).collect();
    let view = |id| {
        let row = &rows[&id];
        Object::new()
            .with("transaction_id", id)
            .with("reference_id", &row.number)
            .with("date", row.date)
            .with("type", row.kind)
            .with("status", row.status)
            .with("amount", &row.amount)
    };
    let filter = format!("TransactionType.{filter}");
    Listing { key: "transactions", report: "Transactions", filter: &filter }.answer(call, rows.keys().copied(), view)
}
