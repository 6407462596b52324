//! Customers. The e-mail is not unique, and the display name only where the organisation says so: a repeated create
//! makes a second customer.

use super::State;
use super::call::{Call, Org, Route, route};
use super::dates::stamp;
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::list::{Listing, filter_by};
use super::money::Currency;
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};
use serde_json::Value;

pub(super) const ROUTES: &[Route] = &[
    route("customer.create", MethodFilter::POST, "/customers", create),
    route("customer.list", MethodFilter::GET, "/customers", list),
    route("customer.get", MethodFilter::GET, "/customers/{id}", get),
    route("customer.byreference", MethodFilter::GET, "/customers/reference/{id}", by_reference),
    route("customer.update", MethodFilter::PUT, "/customers/{id}", update),
    route("customer.delete", MethodFilter::DELETE, "/customers/{id}", delete),
    route("customer.markasactive", MethodFilter::POST, "/customers/{id}/markasactive", mark_active),
    route("customer.markasinactive", MethodFilter::POST, "/customers/{id}/markasinactive", mark_inactive),
];

/// Plain text fields, as requests and answers name them.
const TEXTS: [&str; 7] = ["salutation", "first_name", "last_name", "company_name", "phone", "mobile", "website"];

/// One customer.
#[derive(Debug, Clone)]
pub(super) struct Customer {
    pub(super) id: Id,
    pub(super) display_name: String,
    pub(super) email: String,
    /// The values of [`TEXTS`].
    texts: [String; TEXTS.len()],
    pub(super) billing_address: Value,
    pub(super) shipping_address: Value,
    pub(super) currency: Currency,
    /// Whether taxes are charged at all.
    pub(super) taxable: bool,
    /// Charged on what names no tax of its own.
    pub(super) tax: Option<Id>,
    /// Days until an invoice is due.
    pub(super) payment_terms: i64,
    payment_terms_label: String,
    notes: String,
    active: bool,
    pub(super) custom_fields: CustomFields,
    contact: Id,
    /// The account and the contact of Zoho CRM that it is linked with.
    crm: [String; 2],
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

impl Customer {
    fn apply(&mut self, fields: &Fields, state: &State) -> Result<(), Refusal> {
        self.display_name = fields.needed("display_name")?;
        self.email = fields.needed("email")?;
        if !self.email.contains('@') {
            return Err(Refusal::invalid("email"));
        }
        let own = [("payment_terms_label", &mut self.payment_terms_label), ("notes", &mut self.notes)];
        for (name, text) in TEXTS.iter().copied().zip(&mut self.texts).chain(own) {
            if let Some(value) = fields.text(name)? {
                *text = value;
            }
        }
        for (name, address) in
            [("billing_address", &mut self.billing_address), ("shipping_address", &mut self.shipping_address)]
        {
            if let Some(value) = fields.value(name)? {
                *address = address_of(&value);
            }
        }
        self.taxable = fields.flag("is_taxable")?.unwrap_or(self.taxable);
        if let Some(tax) = fields.id("tax_id")? {
            self.tax = Some(state.tax(tax)?.id);
        }
        if let Some(days) = fields.whole("payment_terms")? {
            self.payment_terms = days;
        }
        self.custom_fields.update(fields)
    }

    /// The value of one of [`TEXTS`].
    pub(super) fn plain(&self, name: &str) -> &str {
        TEXTS.iter().position(|text| *text == name).map_or("", |at| &self.texts[at])
    }

    /// The fields that lists show too.
    fn row(&self, state: &State) -> Object {
        let (outstanding, unused) = state.standing(self.id);
        let mut row = Object::new()
            .with("customer_id", self.id)
            .with("display_name", &self.display_name)
            .with("email", &self.email);
        for (name, text) in TEXTS.iter().zip(&self.texts) {
            row = row.with(name, text);
        }
        row.with("currency_code", self.currency.code)
            .with("outstanding", self.currency.number(outstanding))
            .with("unused_credits", self.currency.number(unused))
            .with("created_time", stamp(self.created))
            .with("updated_time", stamp(self.updated))
    }

    fn view(&self, state: &State) -> Object {
        self.row(state)
            .with("status", if self.active { "active" } else { "inactive" })
            .with("price_precision", self.currency.places)
            .with("payment_terms", self.payment_terms)
            .with("payment_terms_label", &self.payment_terms_label)
            .with("notes", &self.notes)
            .with("billing_address", &self.billing_address)
            .with("shipping_address", &self.shipping_address)
            .with("custom_fields", self.custom_fields.view())
            .with("primary_contactperson_id", self.contact)
            .with("zcrm_account_id", &self.crm[0])
            .with("zcrm_contact_id", &self.crm[1])
            .with("is_linked_with_zohocrm", self.crm.iter().any(|id| !id.is_empty()))
            .with("can_add_card", true)
            .with("can_add_bank_account", false)
            .with("source", "api")
    }

    /// As a subscription shows its customer.
    pub(super) fn short_view(&self) -> Object {
        Object::new()
            .with("customer_id", self.id)
            .with("display_name", &self.display_name)
            .with("email", &self.email)
            .with("payment_terms", self.payment_terms)
            .with("billing_address", place(&self.billing_address))
            .with("shipping_address", place(&self.shipping_address))
    }
}

/// An address as subscriptions and invoices show it: without the code of its state.
pub(super) fn place(address: &Value) -> Value {
    let mut place = address.clone();
    if let Some(fields) = place.as_object_mut() {
        fields.remove("state_code");
    }
    place
}

/// An address with all the fields that Zoho shows, those that were not given empty.
pub(super) fn address_of(given: &Value) -> Value {
    ["attention", "street", "city", "state", "zip", "country", "state_code", "fax"]
        .into_iter()
        .map(|name| (name.to_owned(), given.get(name).cloned().unwrap_or_else(|| "".into())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

impl State {
    /// The customer of this id.
    pub(super) fn customer(&self, id: Id) -> Result<&Customer, Refusal> {
        self.customers.get(&id).ok_or_else(|| Refusal::unknown("Customer"))
    }

    /// What a customer owes, and holds as unused credit, in minor units.
    fn standing(&self, id: Id) -> (i64, i64) {
        let invoices = self.invoices.values().filter(|invoice| invoice.customer == id && !invoice.is_draft());
        let payments = self.payments.values().filter(|payment| payment.customer == id);
        let notes = self.notes.values().filter(|note| note.customer == id);
        let outstanding = invoices.map(super::invoices::Invoice::balance).sum();
        let unapplied: i64 = payments.map(|payment| self.unapplied(payment)).sum();
        let credit: i64 = notes.map(|note| self.note_balance(note)).sum();
        (outstanding, unapplied + credit)
    }

    fn check_unique(&self, customer: &Customer) -> Result<(), Refusal> {
        let others = || self.customers.values().filter(|other| other.id != customer.id);
        if self.settings.unique_names && others().any(|other| other.display_name == customer.display_name) {
            return Err(Refusal::name_taken(&customer.display_name));
        }
        for label in &self.settings.unique_fields {
            let value = customer.custom_fields.get(label).filter(|value| !value.is_empty());
            if value.is_some() && others().any(|other| other.custom_fields.get(label) == value) {
                return Err(Refusal::duplicate_field(label));
            }
        }
        Ok(())
    }
}

impl Org<'_> {
    /// Adds a customer from the fields of a request.
    pub(super) fn add_customer(&mut self, fields: &Fields) -> Result<Id, Refusal> {
        let currency = match fields.text("currency_code")?.filter(|code| !code.is_empty()) {
            None => self.state.base_currency(),
            Some(code) => Currency::find(&code).ok_or_else(|| Refusal::invalid("currency_code"))?,
        };
        let id = self.state.counters.id();
        let mut customer = Customer {
            id,
            display_name: String::new(),
            email: String::new(),
            texts: Default::default(),
            billing_address: address_of(&Value::Null),
            shipping_address: address_of(&Value::Null),
            currency,
            taxable: true,
            tax: None,
            payment_terms: 0,
            payment_terms_label: String::new(),
            notes: String::new(),
            active: true,
            custom_fields: CustomFields::default(),
            contact: self.state.counters.id(),
            crm: Default::default(),
            created: self.now,
            updated: self.now,
        };
        customer.apply(fields, self.state)?;
        self.state.check_unique(&customer)?;
        self.state.customers.insert(id, customer);
        Ok(id)
    }

    /// Links a customer with an account and a contact of Zoho CRM; an empty id is no link.
    pub(super) fn link_customer(&mut self, id: Id, account: &str, contact: &str) -> Result<(), Refusal> {
        let now = self.now;
        let customer = self.state.customers.get_mut(&id).ok_or_else(|| Refusal::unknown("Customer"))?;
        customer.crm = [account.to_owned(), contact.to_owned()];
        customer.updated = now;
        Ok(())
    }

    /// Deletes a customer who has no transactions.
    pub(super) fn delete_customer(&mut self, id: Id) -> Result<(), Refusal> {
        self.state.customer(id)?;
        let state = &self.state;
        let busy = state.invoices.values().any(|invoice| invoice.customer == id)
            || state.payments.values().any(|payment| payment.customer == id)
            || state.subscriptions.values().any(|subscription| subscription.customer == id)
            || state.quotes.values().any(|quote| quote.customer == id)
            || state.notes.values().any(|note| note.customer == id);
        if busy {
            return Err(Refusal::has_transactions("The customer"));
        }
        self.state.customers.remove(&id);
        self.state.cards.retain(|_, card| card.customer != id);
        Ok(())
    }
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let id = call.org.add_customer(&fields)?;
    let state = &*call.org.state;
    Ok(Reply::created("The customer has been created").with("customer", state.customer(id)?.view(state)))
}

fn get(call: &mut Call<'_>) -> Answer {
    let state = &*call.org.state;
    Ok(Reply::ok("success").with("customer", state.customer(call.id("Customer")?)?.view(state)))
}

/// By the id of a contact or an account of Zoho CRM.
fn by_reference(call: &mut Call<'_>) -> Answer {
    let place = match call.query("reference_id_type") {
        Some("zcrm_account_id") => 0,
        Some("zcrm_contact_id") => 1,
        Some(_) => return Err(Refusal::invalid("reference_id_type")),
        None => return Err(Refusal::missing("reference_id_type")),
    };
    let state = &*call.org.state;
    let wanted = call.param("id");
    let found = state.customers.values().find(|customer| customer.crm[place] == wanted);
    let customer = found.ok_or_else(|| Refusal::unknown("Customer"))?;
    Ok(Reply::ok("success").with("customer", customer.view(state)))
}

fn list(call: &mut Call<'_>) -> Answer {
    let horizon = call.horizon();
    let filter = filter_by(call, "Status.")?;
    let state = &*call.org.state;
    let wanted = |customer: &&Customer| {
        let status = match filter {
            // No customer here has a portal.
            "All" | "PortalDisabled" => true,
            "Active" => customer.active,
            "Inactive" => !customer.active,
            "Crm" => customer.crm.iter().any(|id| !id.is_empty()),
            "NonSubscribers" => !state.subscriptions.values().any(|sub| sub.customer == customer.id),
            _ => false,
        };
        let found = |name: &str, text: &str| {
            call.query(name).is_none_or(|wanted| text.to_lowercase().contains(&wanted.to_lowercase()))
        };
        let exact = call.query("email").is_none_or(|wanted| customer.email.eq_ignore_ascii_case(wanted));
        let by_search = !state.settings.customer_search
            || exact
                && found("email_contains", &customer.email)
                && found("display_name_contains", &customer.display_name)
                && found("search_text", &format!("{} {}", customer.display_name, customer.email));
        status && by_search && customer.created <= horizon
    };
    let ids = state.customers.values().filter(wanted).map(|customer| customer.id);
    let row = |id| state.customers[&id].row(state);
    Listing { key: "customers", report: "Customers", filter: &format!("Status.{filter}") }.answer(call, ids, row)
}

fn update(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let mut customer = call.org.state.customer(call.id("Customer")?)?.clone();
    customer.apply(&fields, call.org.state)?;
    customer.updated = call.org.now;
    call.org.state.check_unique(&customer)?;
    let id = customer.id;
    call.org.state.customers.insert(id, customer);
    let state = &*call.org.state;
    Ok(Reply::ok("The customer details have been updated.").with("customer", state.customer(id)?.view(state)))
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.org.delete_customer(call.id("Customer")?)?;
    Ok(Reply::ok("The customer has been deleted."))
}

fn mark(call: &mut Call<'_>, active: bool, message: &str) -> Answer {
    let id = call.id("Customer")?;
    call.org.state.customer(id)?;
    let subscribed = call.org.state.subscriptions.values().any(|sub| sub.customer == id && sub.status.runs());
    if !active && subscribed {
        return Err(Refusal::has_subscription());
    }
    if let Some(customer) = call.org.state.customers.get_mut(&id) {
        customer.active = active;
        customer.updated = call.org.now;
    }
    Ok(Reply::ok(message))
}

fn mark_active(call: &mut Call<'_>) -> Answer {
    mark(call, true, "The customer has been marked as active.")
}

fn mark_inactive(call: &mut Call<'_>) -> Answer {
    mark(call, false, "The customer has been marked as inactive.")
}
