//! Credit notes: what a customer was given back, used for invoices or refunded.

use super::State;
use super::call::{Call, Org, Route, route};
use super::dates::stamp;
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::invoices::{Applied, Line};
use super::money::Currency;
use super::offers::Charge;
use super::reply::{Answer, Object, Reply};
use super::taxes;
use axum::routing::MethodFilter;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;

pub(super) const ROUTES: &[Route] = &[
    route("creditnote.create", MethodFilter::POST, "/creditnotes", create),
    route("creditnote.get", MethodFilter::GET, "/creditnotes/{id}", get),
    route("creditnote.delete", MethodFilter::DELETE, "/creditnotes/{id}", delete),
    route("creditnote.void", MethodFilter::POST, "/creditnotes/{id}/void", void),
    route("creditnote.converttoopen", MethodFilter::POST, "/creditnotes/{id}/converttoopen", open),
    route("creditnote.email", MethodFilter::POST, "/creditnotes/{id}/email", email),
    route("creditnote.apply", MethodFilter::POST, "/creditnotes/{id}/invoices", apply),
];

/// One credit note; amounts in minor units of its currency.
#[derive(Debug, Clone)]
pub(super) struct CreditNote {
    pub(super) id: Id,
    pub(super) number: String,
    pub(super) customer: Id,
    pub(super) date: NaiveDate,
    pub(super) reference: String,
    pub(super) currency: Currency,
    pub(super) lines: Vec<Line>,
    pub(super) void: bool,
    pub(super) created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

/// A credit note to make.
#[derive(Debug)]
pub(super) struct NewNote {
    pub(super) customer: Id,
    /// Numbered by Zoho if absent.
    pub(super) number: Option<String>,
    pub(super) date: NaiveDate,
    pub(super) reference: String,
    pub(super) lines: Vec<Line>,
}

impl CreditNote {
    pub(super) fn total(&self) -> i64 {
        self.lines.iter().map(Line::total).sum()
    }
}

impl State {
    /// The credit note of this id.
    pub(super) fn note(&self, id: Id) -> Result<&CreditNote, Refusal> {
        self.notes.get(&id).ok_or_else(|| Refusal::unknown("Credit Note"))
    }

    /// The invoices that a credit note is used for, with the amounts.
    fn note_uses(&self, note: &CreditNote) -> Vec<(Id, i64)> {
        let invoices = self.invoices.values().filter(|invoice| invoice.customer == note.customer);
        let parts = invoices.flat_map(|invoice| invoice.credits.iter().map(|part| (invoice.id, part)));
        parts.filter(|(_, part)| part.from == note.id).map(|(id, part)| (id, part.amount)).collect()
    }

    /// What is left of a credit note.
    pub(super) fn note_balance(&self, note: &CreditNote) -> i64 {
        if note.void {
            return 0;
        }
        let used: i64 = self.note_uses(note).iter().map(|(_, amount)| amount).sum();
        let refunded: i64 = self.refunds.values().filter(|r| r.note == note.id).map(|r| r.amount).sum();
        note.total() - used - refunded
    }

    /// Zoho's word for a credit note's state.
    pub(super) fn note_status(&self, note: &CreditNote) -> &'static str {
        match (note.void, self.note_balance(note)) {
            (true, _) => "void",
            (false, 0) => "closed",
            (false, _) => "open",
        }
    }

    /// As the API shows it.
    pub(super) fn note_view(&self, note: &CreditNote) -> Object {
        let customer = self.customers.get(&note.customer);
        let currency = note.currency;
        let line = |line: &Line| {
            Object::new()
                .with("item_id", line.id)
                .with("name", &line.charge.name)
                .with("code", &line.charge.code)
                .with("quantity", line.charge.quantity)
                .with("tax_id", taxes::id_text(line.charge.tax.as_ref()))
                .with("price", currency.number(line.charge.price))
                .with("item_total", currency.number(line.charge.cost))
        };
        let part = |(id, amount): &(Id, i64)| {
            Object::new()
                .with("invoice_id", id)
                .with("invoice_number", self.invoices.get(id).map_or("", |invoice| &invoice.number))
                .with("amount", currency.number(*amount))
        };
        let sums = taxes::sums(note.lines.iter().map(|line| &line.charge).filter_map(Charge::tax_part));
        Object::new()
            .with("creditnote_id", note.id)
            .with("creditnote_number", &note.number)
            .with("date", note.date)
            .with("status", self.note_status(note))
            .with("customer_id", note.customer)
            .with("customer_name", customer.map_or("", |customer| &customer.display_name))
            .with("email", customer.map_or("", |customer| &customer.email))
            .with("reference_number", &note.reference)
            .with("total", currency.number(note.total()))
            .with("balance", currency.number(self.note_balance(note)))
            .with("creditnote_items", note.lines.iter().map(line).collect::<Vec<_>>())
            .with("invoices", self.note_uses(note).iter().map(part).collect::<Vec<_>>())
            .with("taxes", taxes::view(&sums, currency))
            .with("currency_code", currency.code)
            .with("currency_symbol", currency.symbol)
            .with("created_time", stamp(note.created))
            .with("updated_time", stamp(note.updated))
    }
}

impl Org<'_> {
    /// Makes a credit note.
    pub(super) fn add_note(&mut self, new: NewNote) -> Result<Id, Refusal> {
        let currency = self.state.customer(new.customer)?.currency;
        let id = self.state.counters.id();
        let note = CreditNote {
            id,
            number: new.number.unwrap_or_else(|| self.state.counters.note()),
            customer: new.customer,
            date: new.date,
            reference: new.reference,
            currency,
            lines: new.lines,
            void: false,
            created: self.now,
            updated: self.now,
        };
        self.state.notes.insert(id, note);
        self.emit_note("creditnote_added", id)?;
        Ok(id)
    }

    /// Tells what happened to a credit note.
    pub(super) fn emit_note(&mut self, kind: &'static str, id: Id) -> Result<(), Refusal> {
        let note = self.state.note_view(self.state.note(id)?);
        self.emit(kind, &Object::new().with("credit_note", note));
        Ok(())
    }

    /// Uses credit notes for invoices: all of (note, invoice, amount), or none.
    pub(super) fn use_credit(&mut self, uses: &[(Id, Id, i64)]) -> Result<(), Refusal> {
        let (mut by_note, mut by_invoice) = (BTreeMap::new(), BTreeMap::new());
        for (note, invoice, amount) in uses {
            if self.state.note(*note)?.customer != self.state.invoice(*invoice)?.customer {
                return Err(Refusal::invalid("creditnote_id"));
            }
            *by_note.entry(*note).or_insert(0) += amount;
            *by_invoice.entry(*invoice).or_insert(0) += amount;
        }
        for (note, amount) in by_note {
            if amount > self.state.note_balance(self.state.note(note)?) {
                return Err(Refusal::above_balance());
            }
        }
        for (invoice, amount) in by_invoice {
            self.state.invoice(invoice)?.check_takes(amount)?;
        }
        for (note, invoice, amount) in uses {
            let part = Applied { id: self.state.counters.id(), from: *note, amount: *amount, date: self.today() };
            let now = self.now;
            let invoice = self.state.invoice_mut(*invoice)?;
            invoice.credits.push(part);
            invoice.updated = now;
        }
        for (_, invoice, _) in uses {
            self.settle(*invoice)?;
        }
        Ok(())
    }
}

impl Org<'_> {
    /// Uses what a customer has as credit, oldest first, for an invoice of theirs: credit notes, then payments that
    /// were not applied.
    pub(super) fn use_all_credit(&mut self, id: Id) -> Result<(), Refusal> {
        let customer = self.state.invoice(id)?.customer;
        let notes = self.state.notes.values().filter(|note| note.customer == customer);
        let notes: Vec<(Id, i64)> = notes.map(|note| (note.id, self.state.note_balance(note))).collect();
        for (note, left) in notes {
            let amount = left.min(self.state.invoice(id)?.balance());
            if amount > 0 {
                self.use_credit(&[(note, id, amount)])?;
            }
        }
        self.use_unapplied(customer, id)
    }
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let customer = fields.needed_id("customer_id")?;
    call.org.state.customer(customer)?;
    let items = fields.list("creditnote_items")?.filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| Refusal::missing("creditnote_items"))?;
    let lines = Line::read(&mut call.org, &items, "code", customer)?;
    let number = fields.text("creditnote_number")?.filter(|number| !number.is_empty());
    if number.is_some() && fields.flag("ignore_auto_number_generation")? != Some(true) {
        return Err(Refusal::invalid("creditnote_number"));
    }
    let date = fields.date("date")?.ok_or_else(|| Refusal::missing("date"))?;
    let reference = fields.text("reference_number")?.unwrap_or_default();
    let id = call.org.add_note(NewNote { customer, number, date, reference, lines })?;
    Ok(Reply::created("Credit Note created successfully.").with("credit_note", view(call, id)?))
}

fn view(call: &Call<'_>, id: Id) -> Result<Object, Refusal> {
    Ok(call.org.state.note_view(call.org.state.note(id)?))
}

fn get(call: &mut Call<'_>) -> Answer {
    Ok(Reply::ok("success").with("credit_note", view(call, call.id("Credit Note")?)?))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.id("Credit Note")?;
    let note = call.org.state.note(id)?;
    if !note.void && call.org.state.note_balance(note) != note.total() {
        return Err(Refusal::has_transactions("The credit note"));
    }
    call.org.state.notes.remove(&id);
    Ok(Reply::ok("The credit note has been deleted."))
}

fn set_void(call: &mut Call<'_>, from: &str, void: bool, message: &str) -> Answer {
    let id = call.id("Credit Note")?;
    if call.org.state.note_status(call.org.state.note(id)?) != from {
        return Err(Refusal::wrong_state(format!("The credit note is not {from}.")));
    }
    let now = call.org.now;
    if let Some(note) = call.org.state.notes.get_mut(&id) {
        note.void = void;
        note.updated = now;
    }
    Ok(Reply::ok(message))
}

fn void(call: &mut Call<'_>) -> Answer {
    set_void(call, "open", true, "The credit note has been marked as void.")
}

fn open(call: &mut Call<'_>) -> Answer {
    set_void(call, "void", false, "Status of the credit note has been changed to open.")
}

/// No mail leaves the sandbox.
fn email(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Credit Note")?, call.fields()?);
    call.org.state.note(id)?;
    fields.texts("to_mail_ids")?.filter(|to| !to.is_empty()).ok_or_else(|| Refusal::missing("to_mail_ids"))?;
    for name in ["subject", "body"] {
        fields.needed(name)?;
    }
    Ok(Reply::ok("Your creditnote has been sent."))
}

fn apply(call: &mut Call<'_>) -> Answer {
    let id = call.id("Credit Note")?;
    let currency = call.org.state.note(id)?.currency;
    let parts = call.fields()?.list("invoices")?.ok_or_else(|| Refusal::missing("invoices"))?;
    let read = |part: &Fields| Ok((id, part.needed_id("invoice_id")?, part.needed_amount("amount_applied", currency)?));
    let uses: Vec<(Id, Id, i64)> = parts.iter().map(read).collect::<Result<_, Refusal>>()?;
    call.org.use_credit(&uses)?;
    let view = |(_, invoice, amount): &(Id, Id, i64)| {
        Object::new().with("invoice_id", invoice).with("amount_applied", currency.number(*amount))
    };
    let applied: Vec<_> = uses.iter().map(view).collect();
    Ok(Reply::ok("Credits have been applied to the invoice(s).").with("invoices", applied))
}
