//! Invoices: what is owed, what was paid, and the state that follows from both.
//!
//! The status is computed, never stored: `balance`, payments, credits and the due date are the truth.

use super::State;
use super::call::Org;
use super::dates::plus_days;
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::money::Currency;
use super::offers::{Charge, Sort};
use super::reply::Object;
use super::subscription_extras::Remark;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

/// One invoice; amounts in minor units of its currency.
#[derive(Debug, Clone)]
pub(super) struct Invoice {
    pub(super) id: Id,
    pub(super) number: String,
    pub(super) customer: Id,
    pub(super) subscription: Option<Id>,
    pub(super) currency: Currency,
    pub(super) date: NaiveDate,
    pub(super) due: NaiveDate,
    pub(super) lines: Vec<Line>,
    pub(super) coupon: Option<Used>,
    phase: Phase,
    pub(super) reference: String,
    /// What was done with it by hand, such as mailing it.
    pub(super) comments: Vec<Remark>,
    pub(super) mailed: bool,
    /// Billing and shipping address, where they are no longer the customer's.
    pub(super) addresses: Option<[Value; 2]>,
    pub(super) payments: Vec<Applied>,
    pub(super) credits: Vec<Applied>,
    pub(super) written_off: i64,
    pub(super) custom_fields: CustomFields,
    pub(super) created: DateTime<Utc>,
    pub(super) updated: DateTime<Utc>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Draft,
    /// Of what is metered: lines can still be added.
    Pending,
    Open,
    Void,
}

/// One line of an invoice or credit note.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) id: Id,
    pub(super) charge: Charge,
}

/// The coupon behind an invoice's discounts.
#[derive(Debug, Clone)]
pub(super) struct Used {
    pub(super) code: String,
    pub(super) name: String,
}

/// A part of a payment or credit note, used for an invoice.
#[derive(Debug, Clone)]
pub(super) struct Applied {
    pub(super) id: Id,
    /// The payment or credit note.
    pub(super) from: Id,
    pub(super) amount: i64,
    pub(super) date: NaiveDate,
}

/// An invoice to raise.
#[derive(Debug)]
pub(super) struct NewInvoice {
    pub(super) customer: Id,
    pub(super) subscription: Option<Id>,
    pub(super) date: NaiveDate,
    /// Days until it is due.
    pub(super) terms: i64,
    pub(super) lines: Vec<Line>,
    pub(super) coupon: Option<Used>,
    pub(super) draft: bool,
}

impl Line {
    /// With discount and tax.
    pub(super) fn total(&self) -> i64 {
        self.charge.total()
    }

    /// Reads the lines of a request for a customer. `code` is the name of the field that names what is sold.
    pub(super) fn read(org: &mut Org<'_>, lines: &[Fields], code: &str, customer: Id) -> Result<Vec<Self>, Refusal> {
        if lines.is_empty() {
            return Err(Refusal::missing("invoice_items"));
        }
        let read = |fields: &Fields| {
            let customer = org.state.customer(customer)?;
            let code = fields.text(code)?.unwrap_or_default();
            let name = fields.text("name")?.or(fields.text("description")?).unwrap_or_else(|| code.clone());
            let price = fields.amount("price", customer.currency)?.ok_or_else(|| Refusal::missing("price"))?;
            let quantity = fields.quantity()?;
            price.checked_mul(quantity).ok_or_else(|| Refusal::invalid("price"))?;
            let tax = org.state.tax_for(customer, fields.id("tax_id")?)?;
            Ok(Charge::new(Sort::OneTime, &code, &name, (price, quantity), tax))
        };
        let charges = lines.iter().map(read).collect::<Result<Vec<_>, Refusal>>()?;
        Ok(org.lines(charges))
    }
}

impl Invoice {
    pub(super) fn total(&self) -> i64 {
        self.lines.iter().map(Line::total).sum()
    }

    pub(super) fn paid(&self) -> i64 {
        self.payments.iter().map(|part| part.amount).sum()
    }

    pub(super) fn credited(&self) -> i64 {
        self.credits.iter().map(|part| part.amount).sum()
    }

    /// What is still owed; nothing on a void invoice.
    pub(super) fn balance(&self) -> i64 {
        match self.phase {
            Phase::Void => 0,
            Phase::Draft | Phase::Pending | Phase::Open => {
                self.total() - self.paid() - self.credited() - self.written_off
            }
        }
    }

    /// Nothing is owed on it yet.
    pub(super) fn is_draft(&self) -> bool {
        matches!(self.phase, Phase::Draft | Phase::Pending)
    }

    pub(super) fn is_pending(&self) -> bool {
        self.phase == Phase::Pending
    }

    pub(super) fn is_void(&self) -> bool {
        self.phase == Phase::Void
    }

    pub(super) fn is_overdue(&self, today: NaiveDate) -> bool {
        self.phase == Phase::Open && self.balance() > 0 && self.due < today
    }

    /// Zoho's word for its state.
    pub(super) fn status(&self, today: NaiveDate) -> &'static str {
        match self.phase {
            Phase::Void => "void",
            Phase::Draft => "draft",
            Phase::Pending => "pending",
            Phase::Open if self.balance() == 0 => "paid",
            Phase::Open if self.paid() + self.credited() > 0 => "partially_paid",
            Phase::Open if self.due < today => "overdue",
            Phase::Open => "sent",
        }
    }

    /// Refuses if nothing, or less than `amount`, can be applied to it.
    pub(super) fn check_takes(&self, amount: i64) -> Result<(), Refusal> {
        match self.phase {
            Phase::Void => Err(Refusal::wrong_state("Invoice is already void.")),
            Phase::Draft | Phase::Pending => Err(Refusal::wrong_state("Invoice is still a draft.")),
            Phase::Open if amount > self.balance() => Err(Refusal::above_balance()),
            Phase::Open => Ok(()),
        }
    }
}

impl State {
    /// The invoice of this id.
    pub(super) fn invoice(&self, id: Id) -> Result<&Invoice, Refusal> {
        self.invoices.get(&id).ok_or_else(|| Refusal::unknown("Invoice"))
    }

    /// The invoice of this id, to change.
    pub(super) fn invoice_mut(&mut self, id: Id) -> Result<&mut Invoice, Refusal> {
        self.invoices.get_mut(&id).ok_or_else(|| Refusal::unknown("Invoice"))
    }
}

impl Org<'_> {
    /// Raises an invoice; the customer must exist.
    pub(super) fn raise_invoice(&mut self, new: NewInvoice) -> Result<Id, Refusal> {
        let currency = self.state.customer(new.customer)?.currency;
        let id = self.state.counters.id();
        let invoice = Invoice {
            id,
            number: self.state.counters.invoice(),
            customer: new.customer,
            subscription: new.subscription,
            currency,
            date: new.date,
            due: plus_days(new.date, new.terms),
            lines: new.lines,
            coupon: new.coupon,
            phase: if new.draft { Phase::Draft } else { Phase::Open },
            reference: String::new(),
            comments: Vec::new(),
            mailed: false,
            addresses: None,
            payments: Vec::new(),
            credits: Vec::new(),
            written_off: 0,
            custom_fields: CustomFields::default(),
            created: self.now,
            updated: self.now,
        };
        self.state.invoices.insert(id, invoice);
        if let Some(subscription) = new.subscription.and_then(|id| self.state.subscriptions.get_mut(&id)) {
            subscription.child_invoice = Some(id);
        }
        if new.subscription.is_some() && !new.draft && self.state.settings.auto_apply_credits {
            self.use_all_credit(id)?;
        }
        if !new.draft {
            self.emit_invoice("invoice_created", id)?;
        }
        Ok(id)
    }

    /// Tells what happened to an invoice, with its subscription beside it.
    pub(super) fn emit_invoice(&mut self, kind: &'static str, id: Id) -> Result<(), Refusal> {
        let invoice = self.state.invoice(id)?;
        let mut data = Object::new().with("invoice", self.state.invoice_view(invoice, self.today()));
        if let Some(subscription) = invoice.subscription.and_then(|id| self.state.subscriptions.get(&id)) {
            data = data.with("subscription", self.state.subscription_view(subscription));
        }
        self.emit(kind, &data);
        Ok(())
    }

    /// Changes an invoice, notes when, and tells it.
    pub(super) fn change_invoice(
        &mut self,
        id: Id,
        kind: &'static str,
        change: impl FnOnce(&mut Invoice) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let now = self.now;
        let invoice = self.state.invoice_mut(id)?;
        change(invoice)?;
        invoice.updated = now;
        self.emit_invoice(kind, id)?;
        self.settle(id)
    }

    /// Voids an invoice. What was paid and credited becomes the customer's credit.
    pub(super) fn void_invoice(&mut self, id: Id) -> Result<(), Refusal> {
        self.change_invoice(id, "invoice_voided", |invoice| {
            if invoice.is_void() {
                return Err(Refusal::wrong_state("Invoice is already void."));
            }
            invoice.phase = Phase::Void;
            invoice.payments.clear();
            invoice.credits.clear();
            invoice.written_off = 0;
            Ok(())
        })
    }

    /// Opens a draft.
    pub(super) fn open_invoice(&mut self, id: Id) -> Result<(), Refusal> {
        self.change_invoice(id, "invoice_created", |invoice| match invoice.phase {
            Phase::Draft | Phase::Pending => {
                invoice.phase = Phase::Open;
                Ok(())
            }
            Phase::Open | Phase::Void => Err(Refusal::wrong_state("Invoice is not a draft.")),
        })
    }

    /// Makes a draft one to which lines can be added, as metered plans have it.
    pub(super) fn make_pending(&mut self, id: Id) -> Result<(), Refusal> {
        self.state.invoice_mut(id)?.phase = Phase::Pending;
        Ok(())
    }

    /// Gives up what is still owed.
    pub(super) fn write_off(&mut self, id: Id) -> Result<(), Refusal> {
        self.change_invoice(id, "invoice_updated", |invoice| {
            if invoice.phase != Phase::Open || invoice.balance() == 0 {
                return Err(Refusal::wrong_state("Only an unpaid invoice can be written off."));
            }
            invoice.written_off = invoice.balance();
            Ok(())
        })
    }

    /// Takes a write-off back.
    pub(super) fn cancel_write_off(&mut self, id: Id) -> Result<(), Refusal> {
        self.change_invoice(id, "invoice_updated", |invoice| {
            if invoice.written_off == 0 {
                return Err(Refusal::wrong_state("Invoice has not been written off."));
            }
            invoice.written_off = 0;
            Ok(())
        })
    }

    /// Replaces the lines; the new total must cover what was paid and credited.
    pub(super) fn replace_lines(&mut self, id: Id, lines: Vec<Line>) -> Result<(), Refusal> {
        self.change_invoice(id, "invoice_updated", |invoice| {
            if invoice.is_void() {
                return Err(Refusal::wrong_state("Invoice is already void."));
            }
            let total: i64 = lines.iter().map(Line::total).sum();
            if total < invoice.paid() + invoice.credited() + invoice.written_off {
                return Err(Refusal::wrong_state("The total is less than the amount already paid."));
            }
            invoice.lines = lines;
            invoice.coupon = None;
            Ok(())
        })
    }
}
