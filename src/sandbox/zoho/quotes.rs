//! Quotes, which Zoho's paths call estimates: what is offered to a customer, and what the customer said to it.
//!
//! Prices are without tax, as everywhere in this organisation, and quantities are whole.

use super::State;
use super::call::Org;
use super::dates::stamp;
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::invoices::Line;
use super::money::{Currency, share};
use super::offers::{Charge, Sort};
use super::reply::Object;
use super::taxes::{self, Tax};
use chrono::{DateTime, NaiveDate, Utc};

/// One quote; amounts in minor units of its currency.
#[derive(Debug, Clone)]
pub(super) struct Quote {
    pub(super) id: Id,
    pub(super) number: String,
    pub(super) customer: Id,
    pub(super) currency: Currency,
    pub(super) date: NaiveDate,
    /// The last day on which it can be accepted.
    expiry: Option<NaiveDate>,
    pub(super) reference: String,
    pub(super) lines: Vec<Line>,
    /// Taken off before tax, spread over the lines.
    discount: i64,
    notes: String,
    terms: String,
    custom_fields: CustomFields,
    phase: Phase,
    accepted: Option<NaiveDate>,
    declined: Option<NaiveDate>,
    pub(super) created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

/// How far a quote got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Draft,
    Sent,
    Accepted,
    Declined,
    Invoiced,
}

impl Quote {
    pub(super) fn total(&self) -> i64 {
        self.lines.iter().map(Line::total).sum()
    }

    /// Zoho's word for its state.
    pub(super) fn status(&self, today: NaiveDate) -> &'static str {
        match self.phase {
            Phase::Draft => "draft",
            Phase::Sent if self.expiry.is_some_and(|last| last < today) => "expired",
            Phase::Sent => "sent",
            Phase::Accepted => "accepted",
            Phase::Declined => "declined",
            Phase::Invoiced => "invoiced",
        }
    }

    /// Whether it offers this item.
    pub(super) fn has_item(&self, item: Id) -> bool {
        self.lines.iter().any(|line| line.charge.code == item.to_string())
    }

    fn apply(&mut self, org: &mut Org<'_>, fields: &Fields) -> Result<(), Refusal> {
        if fields.flag("is_inclusive_tax")? == Some(true) {
            return Err(Refusal::invalid("is_inclusive_tax"));
        }
        let texts = [
            ("reference_number", &mut self.reference),
            ("notes", &mut self.notes),
            ("terms", &mut self.terms),
            ("estimate_number", &mut self.number),
        ];
        for (name, text) in texts {
            if let Some(value) = fields.text(name)?.filter(|value| name != "estimate_number" || !value.is_empty()) {
                *text = value;
            }
        }
        self.date = fields.date("date")?.unwrap_or(self.date);
        self.expiry = fields.date("expiry_date")?.or(self.expiry);
        if self.expiry.is_some_and(|last| last < self.date) {
            return Err(Refusal::invalid("expiry_date"));
        }
        self.discount = fields.amount("discount", self.currency)?.unwrap_or(self.discount);
        if let Some(lines) = fields.list("line_items")? {
            self.lines = read_lines(org, &lines, self.customer)?;
        }
        self.spread_discount();
        self.custom_fields.update(fields)
    }

    fn spread_discount(&mut self) {
        if self.discount == 0 {
            return;
        }
        let whole: i64 = self.lines.iter().map(|line| line.charge.cost).sum();
        let (mut seen, mut given) = (0, 0);
        for line in &mut self.lines {
            seen += line.charge.cost;
            line.charge.discount = share(self.discount.min(whole), seen, whole) - given;
            given += line.charge.discount;
        }
    }
}

/// Reads the lines of a request: items, each with its rate.
fn read_lines(org: &mut Org<'_>, lines: &[Fields], customer: Id) -> Result<Vec<Line>, Refusal> {
    if lines.is_empty() {
        return Err(Refusal::missing("line_items"));
    }
    let read = |fields: &Fields| {
        let customer = org.state.customer(customer)?;
        let id = fields.needed_id("item_id")?;
        let item = org.state.item_for_sale(id)?;
        let name = fields.text("name")?.filter(|name| !name.is_empty()).unwrap_or_else(|| item.name.clone());
        let rate = fields.amount("rate", customer.currency)?.ok_or_else(|| Refusal::missing("rate"))?;
        let quantity = fields.quantity()?;
        rate.checked_mul(quantity).ok_or_else(|| Refusal::invalid("rate"))?;
        let tax = org.state.tax_for(customer, fields.id("tax_id")?.or(item.tax))?;
        let charge = Charge::new(Sort::OneTime, &id.to_string(), &name, (rate, quantity), tax);
        let discount = fields.amount("discount_amount", customer.currency)?.unwrap_or(0);
        if discount > charge.cost {
            return Err(Refusal::invalid("discount_amount"));
        }
        Ok(Charge { discount, ..charge })
    };
    let charges = lines.iter().map(read).collect::<Result<Vec<_>, Refusal>>()?;
    Ok(org.lines(charges))
}

impl State {
    /// The quote of this id.
    pub(super) fn quote(&self, id: Id) -> Result<&Quote, Refusal> {
        self.quotes.get(&id).ok_or_else(|| Refusal::unknown("Quote"))
    }

    fn quote_head(&self, quote: &Quote, today: NaiveDate) -> Object {
        let customer = self.customers.get(&quote.customer);
        Object::new()
            .with("estimate_id", quote.id)
            .with("estimate_number", &quote.number)
            .with("customer_id", quote.customer)
            .with("customer_name", customer.map_or("", |customer| &customer.display_name))
            .with("status", quote.status(today))
            .with("reference_number", &quote.reference)
            .with("date", quote.date)
            .with("expiry_date", day(quote.expiry))
            .with("currency_code", quote.currency.code)
            .with("total", quote.currency.number(quote.total()))
            .with("created_time", stamp(quote.created))
            .with("last_modified_time", stamp(quote.updated))
    }

    /// As lists show it.
    pub(super) fn quote_row(&self, quote: &Quote, today: NaiveDate) -> Object {
        self.quote_head(quote, today)
            .with("accepted_date", day(quote.accepted))
            .with("declined_date", day(quote.declined))
            .with("has_attachment", false)
            .with("is_viewed_by_client", false)
            .with("client_viewed_time", "")
    }

    /// The whole quote, as it is read.
    pub(super) fn quote_view(&self, quote: &Quote, today: NaiveDate) -> Object {
        let currency = quote.currency;
        let line = |(at, line): (usize, &Line)| {
            let (charge, tax) = (&line.charge, line.charge.tax.as_ref());
            let view = Object::new()
                .with("item_id", &charge.code)
                .with("name", &charge.name)
                .with("description", "")
                .with("item_order", at)
                .with("bcy_rate", currency.number(charge.price))
                .with("rate", currency.number(charge.price))
                .with("quantity", charge.quantity)
                .with("unit", "")
                .with("discount_amount", currency.number(charge.discount))
                .with("tax_id", taxes::id_text(tax))
                .with("tax_name", tax.map_or("", |tax| &tax.name))
                .with("tax_type", tax.map_or("", |_| "tax"));
            let view = match tax {
                Some(tax) => view.with("tax_percentage", tax.rate.number()),
                None => view,
            };
            view.with("item_total", currency.number(charge.net()))
        };
        let charges = || quote.lines.iter().map(|line| &line.charge);
        let tax = |(tax, amount): &(&Tax, i64)| {
            Object::new().with("tax_name", &tax.name).with("tax_amount", currency.number(*amount))
        };
        let sums = taxes::sums(charges().filter_map(Charge::tax_part));
        self.quote_head(quote, today)
            .with("exchange_rate", 1)
            .with("discount", currency.number(quote.discount))
            .with("is_discount_before_tax", true)
            .with("discount_type", if quote.discount > 0 { "entity_level" } else { "item_level" })
            .with("is_inclusive_tax", false)
            .with("line_items", quote.lines.iter().enumerate().map(line).collect::<Vec<_>>())
            .with("sub_total", currency.number(charges().map(Charge::net).sum()))
            .with("tax_total", currency.number(charges().map(Charge::tax_amount).sum()))
            .with("price_precision", currency.places)
            .with("taxes", sums.iter().map(tax).collect::<Vec<_>>())
            .with("custom_fields", quote.custom_fields.view())
    }

    /// The whole quote as answers to its creation and change show it: with what is printed below it.
    pub(super) fn changed_quote_view(&self, quote: &Quote, today: NaiveDate) -> Object {
        self.quote_view(quote, today).with("notes", &quote.notes).with("terms", &quote.terms)
    }
}

fn day(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

impl Org<'_> {
    /// Adds a quote from the fields of a request. A number of its own is taken only if `own_number`.
    pub(super) fn add_quote(&mut self, fields: &Fields, own_number: bool, sent: bool) -> Result<Id, Refusal> {
        let customer = fields.needed_id("customer_id")?;
        let currency = self.state.customer(customer)?.currency;
        let number = fields.text("estimate_number")?.filter(|number| !number.is_empty());
        if number.is_some() && !own_number {
            return Err(Refusal::invalid("estimate_number"));
        }
        if self.state.quotes.values().any(|quote| Some(&quote.number) == number.as_ref()) {
            return Err(Refusal::quote_number_taken());
        }
        if fields.list("line_items")?.is_none() {
            return Err(Refusal::missing("line_items"));
        }
        let mut quote = Quote {
            id: self.state.counters.id(),
            number: String::new(),
            customer,
            currency,
            date: self.today(),
            expiry: None,
            reference: String::new(),
            lines: Vec::new(),
            discount: 0,
            notes: String::new(),
            terms: String::new(),
            custom_fields: CustomFields::default(),
            phase: if sent { Phase::Sent } else { Phase::Draft },
            accepted: None,
            declined: None,
            created: self.now,
            updated: self.now,
        };
        quote.apply(self, fields)?;
        if number.is_none() {
            quote.number = self.state.counters.quote();
        }
        let id = quote.id;
        self.state.quotes.insert(id, quote);
        Ok(id)
    }

    /// Changes a quote that the customer has not answered.
    pub(super) fn change_quote(&mut self, id: Id, fields: &Fields) -> Result<(), Refusal> {
        let mut quote = self.state.quote(id)?.clone();
        if fields.needed_id("customer_id")? != quote.customer {
            return Err(Refusal::invalid("customer_id"));
        }
        if matches!(quote.phase, Phase::Accepted | Phase::Invoiced) {
            return Err(Refusal::wrong_state("The quote has already been accepted."));
        }
        quote.apply(self, fields)?;
        quote.updated = self.now;
        self.state.quotes.insert(id, quote);
        Ok(())
    }

    /// Moves a quote on. A draft must be sent before it can be answered; what was answered stays so, but an answer can
    /// be changed until there is an invoice.
    pub(super) fn move_quote(&mut self, id: Id, to: Phase) -> Result<(), Refusal> {
        let (now, today) = (self.now, self.today());
        let quote = self.state.quotes.get_mut(&id).ok_or_else(|| Refusal::unknown("Quote"))?;
        let answered = matches!(to, Phase::Accepted | Phase::Declined);
        let allowed = match (quote.phase, to) {
            (Phase::Sent, _) if answered && quote.status(today) == "expired" => false,
            (Phase::Draft | Phase::Sent, Phase::Sent)
            | (Phase::Sent | Phase::Accepted | Phase::Declined, Phase::Accepted | Phase::Declined) => true,
            (from, Phase::Invoiced) => from != Phase::Invoiced,
            (_, Phase::Draft | Phase::Sent | Phase::Accepted | Phase::Declined) => false,
        };
        if !allowed {
            let (from, to) = (quote.status(today), Quote { phase: to, ..quote.clone() }.status(today));
            return Err(Refusal::wrong_state(format!("A quote that is {from} cannot be marked as {to}.")));
        }
        match to {
            Phase::Accepted => quote.accepted = Some(today),
            Phase::Declined => quote.declined = Some(today),
            Phase::Draft | Phase::Sent | Phase::Invoiced => {}
        }
        quote.phase = to;
        quote.updated = now;
        Ok(())
    }

    /// Notes that an invoice was made from a quote.
    pub(super) fn invoice_quote(&mut self, id: Id) -> Result<(), Refusal> {
        self.move_quote(id, Phase::Invoiced)
    }
}
