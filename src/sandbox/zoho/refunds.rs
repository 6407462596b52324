//! Refunds: of a credit note, or of a payment by way of a credit note that Zoho makes for it.

use super::State;
use super::call::{Call, Org, Route, route};
use super::credit_notes::NewNote;
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::invoices::Line;
use super::offers::{Charge, Sort};
use super::payments::Auto;
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;
use chrono::{DateTime, NaiveDate, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("creditnote.refund", MethodFilter::POST, "/creditnotes/{id}/refunds", refund_note),
    route("payment.refund", MethodFilter::POST, "/payments/{id}/refunds", refund_payment),
    route("refund.get", MethodFilter::GET, "/creditnotes/refunds/{id}", get),
];

/// One refund; its amount in minor units of the credit note's currency.
#[derive(Debug, Clone)]
pub(super) struct Refund {
    pub(super) id: Id,
    pub(super) note: Id,
    pub(super) amount: i64,
    pub(super) date: NaiveDate,
    description: String,
    reference: String,
    mode: String,
    pub(super) customer: Id,
    /// Of the payment that a gateway of Zoho gives back.
    auto: Option<Auto>,
    pub(super) created: DateTime<Utc>,
}

impl State {
    fn refund_view(&self, refund: &Refund) -> Result<Object, Refusal> {
        let note = self.note(refund.note)?;
        let currency = note.currency;
        let of = Object::new()
            .with("creditnote_id", note.id)
            .with("creditnote_number", &note.number)
            .with("date", note.date)
            .with("amount", currency.number(note.total()))
            .with("refund_amount", currency.number(refund.amount))
            .with("balance_amount", currency.number(self.note_balance(note)));
        let view = Object::new()
            .with("refund_id", refund.id)
            .with("date", refund.date)
            .with("amount", currency.number(refund.amount))
            .with("description", &refund.description)
            .with("reference_number", &refund.reference)
            .with("refund_mode", &refund.mode)
            .with("status", "success")
            .with("customer_id", refund.customer)
            .with("email", self.customers.get(&refund.customer).map_or("", |customer| &customer.email))
            .with("creditnote", of)
            .with("currency_code", currency.code)
            .with("currency_symbol", currency.symbol);
        Ok(match &refund.auto {
            Some(auto) => view.with("autotransaction", auto.view()),
            None => view,
        })
    }
}

impl Org<'_> {
    /// Refunds a part of a credit note, as the request says.
    fn refund(&mut self, note: Id, fields: &Fields, auto: Option<Auto>) -> Result<Id, Refusal> {
        let of = self.state.note(note)?;
        let (customer, currency) = (of.customer, of.currency);
        let amount = fields.needed_amount("amount", currency)?;
        if amount > self.state.note_balance(of) {
            return Err(Refusal::above_balance());
        }
        let id = self.state.counters.id();
        let refund = Refund {
            id,
            note,
            amount,
            date: fields.date("date")?.unwrap_or(self.today()),
            description: fields.text("description")?.unwrap_or_default(),
            reference: fields.text("reference_number")?.unwrap_or_default(),
            mode: match &auto {
                Some(_) => "autotransaction".to_owned(),
                None => fields.text("refund_mode")?.unwrap_or_else(|| "others".to_owned()),
            },
            customer,
            auto,
            created: self.now,
        };
        self.state.refunds.insert(id, refund);
        self.emit_note("creditnote_refunded", note)?;
        Ok(id)
    }
}

fn answer(call: &Call<'_>, id: Id) -> Answer {
    let state = &*call.org.state;
    Ok(Reply::created("The refund information has been saved.").with("refund", state.refund_view(&state.refunds[&id])?))
}

fn refund_note(call: &mut Call<'_>) -> Answer {
    let (note, fields) = (call.id("Credit Note")?, call.fields()?);
    call.org.state.note(note)?;
    if !call.org.state.settings.refund_notes {
        return Err(Refusal::not_refundable());
    }
    let id = call.org.refund(note, &fields, None)?;
    answer(call, id)
}

fn refund_payment(call: &mut Call<'_>) -> Answer {
    let (payment, fields) = (call.id("Payment")?, call.fields()?);
    let of = call.org.state.payment(payment)?;
    if of.mode != "autotransaction" && !call.org.state.settings.refund_any_payment {
        return Err(Refusal::not_refundable());
    }
    let amount = fields.needed_amount("amount", of.currency)?;
    if amount > of.amount - of.refunded {
        return Err(Refusal::above_balance());
    }
    let (customer, date, reference) = (of.customer, call.org.today(), of.reference.clone());
    let auto = of.auto.clone();
    let name = format!("Refund of payment {payment}");
    let line =
        Line { id: call.org.state.counters.id(), charge: Charge::new(Sort::OneTime, "", &name, (amount, 1), None) };
    let note = call.org.add_note(NewNote { customer, number: None, date, reference, lines: vec![line] })?;
    let id = call.org.refund(note, &fields, auto)?;
    if let Some(payment) = call.org.state.payments.get_mut(&payment) {
        payment.refunded += amount;
    }
    call.org.emit_payment("payment_refunded", payment)?;
    answer(call, id)
}

fn get(call: &mut Call<'_>) -> Answer {
    let id = call.id("Refund")?;
    let state = &*call.org.state;
    let refund = state.refunds.get(&id).ok_or_else(|| Refusal::unknown("Refund"))?;
    Ok(Reply::ok("success").with("refund", state.refund_view(refund)?))
}
