//! Payments: money that was received, applied to invoices or kept as the customer's credit.
//!
//! There is no idempotency key: a repeated create records the money twice.

use super::State;
use super::call::{Call, Org, Route, route};
use super::cards::{Card, GATEWAY};
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::invoices::Applied;
use super::list::Listing;
use super::money::Currency;
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;
use chrono::{DateTime, NaiveDate, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("payment.create", MethodFilter::POST, "/payments", create),
    route("payment.list", MethodFilter::GET, "/payments", list),
    route("payment.get", MethodFilter::GET, "/payments/{id}", get),
    route("payment.update", MethodFilter::PUT, "/payments/{id}", update),
    route("payment.delete", MethodFilter::DELETE, "/payments/{id}", delete),
];

const MODES: [&str; 7] = ["check", "cash", "creditcard", "banktransfer", "bankremittance", "autotransaction", "others"];

/// One payment; amounts in minor units of its currency. What of it was used stands on the invoices.
#[derive(Debug, Clone)]
pub(super) struct Payment {
    pub(super) id: Id,
    pub(super) customer: Id,
    pub(super) mode: String,
    pub(super) amount: i64,
    pub(super) refunded: i64,
    pub(super) date: NaiveDate,
    pub(super) reference: String,
    pub(super) description: String,
    pub(super) auto: Option<Auto>,
    pub(super) currency: Currency,
    /// The invoices to which it was ever applied.
    invoices: Vec<Id>,
    custom_fields: CustomFields,
    pub(super) created: DateTime<Utc>,
}

/// What a gateway of Zoho knows of a payment that it collected, or tried to.
#[derive(Debug, Clone)]
pub(super) struct Auto {
    pub(super) id: Id,
    /// The card as it was.
    pub(super) card: Card,
    /// The gateway's own number.
    pub(super) transaction: String,
    /// Why it was declined; empty if it was not.
    pub(super) error: String,
}

impl Auto {
    fn head(&self) -> Object {
        Object::new()
            .with("autotransaction_id", self.id)
            .with("payment_gateway", GATEWAY)
            .with("gateway_transaction_id", &self.transaction)
            .with("gateway_error_message", &self.error)
    }

    /// As payments and refunds show it.
    pub(super) fn view(&self) -> Object {
        self.card.face(self.head().with("card_id", self.card.id))
    }

    /// As invoices show it.
    pub(super) fn invoice_view(&self) -> Object {
        self.head().with("account_id", "")
    }
}

/// A payment to record, or the new content of one.
#[derive(Debug)]
pub(super) struct NewPayment {
    pub(super) customer: Id,
    pub(super) mode: String,
    pub(super) amount: i64,
    pub(super) date: NaiveDate,
    pub(super) reference: String,
    pub(super) description: String,
    /// Invoices and the amounts applied to them.
    pub(super) uses: Vec<(Id, i64)>,
    pub(super) custom_fields: CustomFields,
    pub(super) auto: Option<Auto>,
}

impl NewPayment {
    fn read(org: &Org<'_>, fields: &Fields, custom_fields: CustomFields) -> Result<Self, Refusal> {
        let customer = fields.needed_id("customer_id")?;
        let currency = org.state.customer(customer)?.currency;
        let mode = fields.needed("payment_mode")?;
        if !MODES.contains(&mode.as_str()) {
            return Err(Refusal::invalid("payment_mode"));
        }
        let read = |part: &Fields| Ok((part.needed_id("invoice_id")?, part.needed_amount("amount_applied", currency)?));
        let uses = fields.list("invoices")?.unwrap_or_default();
        let mut new = Self {
            customer,
            mode,
            amount: fields.needed_amount("amount", currency)?,
            date: fields.date("date")?.unwrap_or(org.today()),
            reference: fields.text("reference_number")?.unwrap_or_default(),
            description: fields.text("description")?.unwrap_or_default(),
            uses: uses.iter().map(read).collect::<Result<_, Refusal>>()?,
            custom_fields,
            auto: None,
        };
        new.custom_fields.update(fields)?;
        Ok(new)
    }
}

impl Payment {
    /// Zoho's word for its state: what its gateway declined is a failure, which is told but not kept.
    fn status(&self) -> &'static str {
        if self.auto.as_ref().is_some_and(|auto| !auto.error.is_empty()) { "failure" } else { "success" }
    }

    fn new(id: Id, new: NewPayment, currency: Currency, created: DateTime<Utc>, refunded: i64) -> Self {
        Self {
            id,
            currency,
            customer: new.customer,
            mode: new.mode,
            amount: new.amount,
            refunded,
            date: new.date,
            reference: new.reference,
            description: new.description,
            auto: new.auto,
            invoices: new.uses.iter().map(|(id, _)| *id).collect(),
            custom_fields: new.custom_fields,
            created,
        }
    }
}

impl State {
    /// The payment of this id.
    pub(super) fn payment(&self, id: Id) -> Result<&Payment, Refusal> {
        self.payments.get(&id).ok_or_else(|| Refusal::unknown("Payment"))
    }

    /// The invoices that a payment is applied to now, with the amounts.
    pub(super) fn uses(&self, payment: &Payment) -> Vec<(Id, i64)> {
        let part = |id: &Id| {
            let parts = self.invoices.get(id)?.payments.iter().filter(|part| part.from == payment.id);
            Some((*id, parts.map(|part| part.amount).sum())).filter(|(_, amount): &(Id, i64)| *amount > 0)
        };
        payment.invoices.iter().filter_map(part).collect()
    }

    /// What of a payment is the customer's credit. A refund takes from that first; what it takes from an invoice's part
    /// stands on the credit note made for it.
    pub(super) fn unapplied(&self, payment: &Payment) -> i64 {
        let used: i64 = self.uses(payment).iter().map(|(_, amount)| amount).sum();
        (payment.amount - payment.refunded - used).max(0)
    }

    /// As the API shows it.
    pub(super) fn payment_view(&self, payment: &Payment) -> Object {
        let customer = self.customers.get(&payment.customer);
        let currency = payment.currency;
        let part = |(id, amount): &(Id, i64)| {
            let invoice = &self.invoices[id];
            Object::new()
                .with("invoice_id", id)
                .with("invoice_number", &invoice.number)
                .with("date", invoice.date)
                .with("invoice_amount", currency.number(invoice.total()))
                .with("amount_applied", currency.number(*amount))
                .with("balance_amount", currency.number(invoice.balance()))
        };
        let view = Object::new()
            .with("payment_id", payment.id)
            .with("payment_mode", &payment.mode)
            .with("amount", currency.number(payment.amount))
            .with("amount_refunded", currency.number(payment.refunded))
            .with("bank_charges", currency.number(0))
            .with("date", payment.date)
            .with("status", payment.status())
            .with("reference_number", &payment.reference)
            .with("description", &payment.description)
            .with("customer_id", payment.customer)
            .with("customer_name", customer.map_or("", |customer| &customer.display_name))
            .with("email", customer.map_or("", |customer| &customer.email))
            .with("invoices", self.uses(payment).iter().map(part).collect::<Vec<_>>())
            .with("currency_code", currency.code)
            .with("currency_symbol", currency.symbol)
            .with("custom_fields", payment.custom_fields.view());
        match &payment.auto {
            Some(auto) => view.with("autotransaction", auto.view()),
            None => view,
        }
    }

    /// Refuses uses that the invoices or the amount do not allow.
    fn check_uses(&self, new: &NewPayment) -> Result<(), Refusal> {
        let mut left = new.amount;
        for (at, (id, amount)) in new.uses.iter().enumerate() {
            let invoice = self.invoice(*id)?;
            let twice = new.uses[..at].iter().any(|(other, _)| other == id);
            if invoice.customer != new.customer || twice {
                return Err(Refusal::invalid("invoice_id"));
            }
            invoice.check_takes(*amount)?;
            left -= amount;
            if left < 0 {
                return Err(Refusal::above_balance());
            }
        }
        Ok(())
    }
}

impl Org<'_> {
    /// Records a payment.
    pub(super) fn record_payment(&mut self, new: NewPayment) -> Result<Id, Refusal> {
        self.state.check_uses(&new)?;
        let id = self.state.counters.id();
        let invoices: Vec<Id> = new.uses.iter().map(|(invoice, _)| *invoice).collect();
        self.put_payment(id, new, self.now, 0)?;
        self.emit_payment("payment_thankyou", id)?;
        for invoice in invoices {
            self.settle(invoice)?;
        }
        Ok(id)
    }

    fn put_payment(&mut self, id: Id, new: NewPayment, created: DateTime<Utc>, refunded: i64) -> Result<(), Refusal> {
        let now = self.now;
        for (invoice, amount) in &new.uses {
            let part = Applied { id: self.state.counters.id(), from: id, amount: *amount, date: new.date };
            let invoice = self.state.invoice_mut(*invoice)?;
            invoice.payments.push(part);
            invoice.updated = now;
        }
        let currency = self.state.customer(new.customer)?.currency;
        self.state.payments.insert(id, Payment::new(id, new, currency, created, refunded));
        Ok(())
    }

    /// Uses a customer's payments that were not applied, oldest first, for an invoice of theirs.
    pub(super) fn use_unapplied(&mut self, customer: Id, invoice: Id) -> Result<(), Refusal> {
        let payments = self.state.payments.values().filter(|payment| payment.customer == customer);
        let payments: Vec<(Id, i64)> = payments.map(|payment| (payment.id, self.state.unapplied(payment))).collect();
        for (from, left) in payments {
            let amount = left.min(self.state.invoice(invoice)?.balance());
            if amount <= 0 {
                continue;
            }
            let part = Applied { id: self.state.counters.id(), from, amount, date: self.today() };
            self.state.invoice_mut(invoice)?.payments.push(part);
            if let Some(payment) = self.state.payments.get_mut(&from).filter(|p| !p.invoices.contains(&invoice)) {
                payment.invoices.push(invoice);
            }
        }
        Ok(())
    }

    /// Takes a payment off all its invoices.
    fn detach(&mut self, payment: &Payment) {
        for id in &payment.invoices {
            if let Some(invoice) = self.state.invoices.get_mut(id) {
                invoice.payments.retain(|part| part.from != payment.id);
                invoice.updated = self.now;
            }
        }
    }

    /// Replaces a payment's content.
    fn change_payment(&mut self, id: Id, new: NewPayment) -> Result<(), Refusal> {
        let old = self.state.payment(id)?.clone();
        if new.customer != old.customer {
            return Err(Refusal::invalid("customer_id"));
        }
        if new.amount < old.refunded {
            return Err(Refusal::invalid("amount"));
        }
        let before = self.state.uses(&old);
        self.detach(&old);
        if let Err(refusal) = self.state.check_uses(&new) {
            for (invoice, amount) in before {
                let part = Applied { id: self.state.counters.id(), from: id, amount, date: old.date };
                self.state.invoice_mut(invoice)?.payments.push(part);
            }
            return Err(refusal);
        }
        self.put_payment(id, new, old.created, old.refunded)
    }

    /// Deletes a payment; its invoices are owed again.
    pub(super) fn delete_payment(&mut self, id: Id) -> Result<(), Refusal> {
        let payment = self.state.payment(id)?.clone();
        if payment.refunded > 0 {
            return Err(Refusal::has_transactions("The payment"));
        }
        self.detach(&payment);
        self.emit_payment("payment_voided", id)?;
        self.state.payments.remove(&id);
        self.state.deleted_payments.push(payment);
        Ok(())
    }

    /// Tells what happened to a payment, with its first invoice and that one's subscription beside it.
    pub(super) fn emit_payment(&mut self, kind: &'static str, id: Id) -> Result<(), Refusal> {
        let payment = self.state.payment(id)?.clone();
        self.emit_payment_of(kind, &payment);
        Ok(())
    }

    /// Tells that the gateway declined to collect a payment, which is not kept.
    pub(super) fn tell_declined(&mut self, new: NewPayment) -> Result<(), Refusal> {
        let currency = self.state.customer(new.customer)?.currency;
        let payment = Payment::new(self.state.counters.id(), new, currency, self.now, 0);
        self.emit_payment_of("payment_declined", &payment);
        Ok(())
    }

    fn emit_payment_of(&mut self, kind: &'static str, payment: &Payment) {
        let mut data = Object::new().with("payment", self.state.payment_view(payment));
        if let Some(invoice) = payment.invoices.first().and_then(|id| self.state.invoices.get(id)) {
            data = data.with("invoice", self.state.invoice_view(invoice, self.today()));
            if let Some(subscription) = invoice.subscription.and_then(|id| self.state.subscriptions.get(&id)) {
                data = data.with("subscription", self.state.subscription_view(subscription));
            }
        }
        self.emit(kind, &data);
    }
}

fn create(call: &mut Call<'_>) -> Answer {
    let new = NewPayment::read(&call.org, &call.fields()?, CustomFields::default())?;
    let id = call.org.record_payment(new)?;
    let state = &*call.org.state;
    Ok(Reply::created("The payment has been created.").with("payment", state.payment_view(state.payment(id)?)))
}

fn get(call: &mut Call<'_>) -> Answer {
    let state = &*call.org.state;
    Ok(Reply::ok("success").with("payment", state.payment_view(state.payment(call.id("Payment")?)?)))
}

fn list(call: &mut Call<'_>) -> Answer {
    if !call.org.state.settings.payments_list {
        return Err(Refusal::no_such_url());
    }
    let horizon = call.horizon();
    let customer = call.query_id("customer_id")?;
    let state = &*call.org.state;
    let shows = |payment: &&Payment| payment.created <= horizon && customer.is_none_or(|id| payment.customer == id);
    let ids = state.payments.values().filter(shows).map(|payment| payment.id);
    let row = |id| state.payment_view(&state.payments[&id]);
    Listing { key: "payments", report: "Payments", filter: "PaymentType.All" }.answer(call, ids, row)
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Payment")?, call.fields()?);
    let custom_fields = call.org.state.payment(id)?.custom_fields.clone();
    if fields.list("invoices")?.is_none() {
        return Err(Refusal::missing("invoices"));
    }
    let auto = call.org.state.payment(id)?.auto.clone();
    let new = NewPayment { auto, ..NewPayment::read(&call.org, &fields, custom_fields)? };
    call.org.change_payment(id, new)?;
    let state = &*call.org.state;
    Ok(Reply::ok("The payment details have been updated.").with("payment", state.payment_view(state.payment(id)?)))
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.org.delete_payment(call.id("Payment")?)?;
    Ok(Reply::ok("The payment has been deleted."))
}
