//! Items: what quotes are made of. They are no plans and no add-ons, and their codes of refusal are their own: 1000 says
//! here that a name is taken.

use super::State;
use super::call::{Call, Org, Route, route};
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::list::{Listing, filter_by};
use super::reply::{Answer, Object, Reply};
use super::taxes;
use axum::http::StatusCode;
use axum::routing::MethodFilter;

pub(super) const ROUTES: &[Route] = &[
    route("item.create", MethodFilter::POST, "/items", create),
    route("item.list", MethodFilter::GET, "/items", list),
    route("item.get", MethodFilter::GET, "/items/{id}", get),
    route("item.update", MethodFilter::PUT, "/items/{id}", update),
    route("item.delete", MethodFilter::DELETE, "/items/{id}", delete),
    route("item.markasactive", MethodFilter::POST, "/items/{id}/active", mark_active),
    route("item.markasinactive", MethodFilter::POST, "/items/{id}/inactive", mark_inactive),
];

/// What can be sold once; its rate in minor units of the organisation's own currency.
#[derive(Debug, Clone)]
pub(super) struct Item {
    id: Id,
    pub(super) name: String,
    description: String,
    rate: i64,
    unit: String,
    pub(super) tax: Option<Id>,
    sku: String,
    /// `goods`, `service` or `digital_service`.
    product_type: String,
    active: bool,
}

fn refusal(status: StatusCode, code: i64, message: &str) -> Refusal {
    Refusal::new(status, code, message)
}

impl Item {
    fn apply(&mut self, fields: &Fields, state: &State) -> Result<(), Refusal> {
        self.name = fields.needed("name")?;
        let rate = fields.amount("rate", state.base_currency())?;
        self.rate = rate.ok_or_else(|| Refusal::missing("rate"))?;
        for (name, text) in [("description", &mut self.description), ("unit", &mut self.unit), ("sku", &mut self.sku)] {
            if let Some(value) = fields.text(name)? {
                *text = value;
            }
        }
        if let Some(kind) = fields.text("product_type")?.filter(|kind| !kind.is_empty()) {
            if !["goods", "service", "digital_service"].contains(&kind.as_str()) {
                return Err(refusal(StatusCode::BAD_REQUEST, 2076, "Product type can either be goods or service."));
            }
            self.product_type = kind;
        }
        if let Some(tax) = fields.id("tax_id")? {
            self.tax = Some(state.tax(tax)?.id);
        }
        if state.items.values().any(|other| other.id != self.id && other.name == self.name) {
            let message = format!("The item name \"{}\" already exists.", self.name);
            return Err(refusal(StatusCode::BAD_REQUEST, 1000, &message));
        }
        Ok(())
    }
}

impl State {
    /// The item of this id, in whatever state.
    pub(super) fn item(&self, id: Id) -> Result<&Item, Refusal> {
        self.items.get(&id).ok_or_else(|| refusal(StatusCode::NOT_FOUND, 2006, "Item does not exist."))
    }

    /// The item of this id, for a new quote.
    pub(super) fn item_for_sale(&self, id: Id) -> Result<&Item, Refusal> {
        let gone = || refusal(StatusCode::BAD_REQUEST, 2007, "The item is either deleted or inactive.");
        self.items.get(&id).filter(|item| item.active).ok_or_else(gone)
    }

    fn item_view(&self, item: &Item) -> Object {
        let tax = item.tax.and_then(|id| self.taxes.get(&id));
        Object::new()
            .with("item_id", item.id)
            .with("name", &item.name)
            .with("status", if item.active { "active" } else { "inactive" })
            .with("description", &item.description)
            .with("rate", self.base_currency().number(item.rate))
            .with("unit", &item.unit)
            .with("tax_id", taxes::id_text(tax))
            .with("tax_name", tax.map_or("", |tax| &tax.name))
            .with("tax_percentage", tax.map(|tax| tax.rate.number().get().to_owned()).unwrap_or_default())
            .with("tax_type", tax.map_or("", |_| "tax"))
            .with("sku", &item.sku)
            .with("product_type", &item.product_type)
            .with("custom_fields", [(); 0])
    }
}

impl Org<'_> {
    /// Adds an item from the fields of a request.
    pub(super) fn add_item(&mut self, fields: &Fields) -> Result<Id, Refusal> {
        let mut item = Item {
            id: self.state.counters.id(),
            name: String::new(),
            description: String::new(),
            rate: 0,
            unit: String::new(),
            tax: None,
            sku: String::new(),
            product_type: "service".to_owned(),
            active: true,
        };
        item.apply(fields, self.state)?;
        let id = item.id;
        self.state.items.insert(id, item);
        Ok(id)
    }
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let id = call.org.add_item(&fields)?;
    let state = &*call.org.state;
    Ok(Reply::created("The item has been added.").with("item", state.item_view(state.item(id)?)))
}

fn item_id(call: &Call<'_>) -> Result<Id, Refusal> {
    let id = call.id("Item")?;
    call.org.state.item(id).map(|_| id)
}

fn get(call: &mut Call<'_>) -> Answer {
    let state = &*call.org.state;
    Ok(Reply::ok("success").with("item", state.item_view(state.item(item_id(call)?)?)))
}

fn list(call: &mut Call<'_>) -> Answer {
    let filter = filter_by(call, "Status.")?;
    let state = &*call.org.state;
    let wanted = |item: &&Item| {
        let status = match filter {
            "All" => true,
            "Active" => item.active,
            "Inactive" => !item.active,
            _ => false,
        };
        status
            && call.query("name").is_none_or(|name| item.name == name)
            && call.query("description").is_none_or(|text| item.description.contains(text))
            && call.query("search_text").is_none_or(|text| item.name.to_lowercase().contains(&text.to_lowercase()))
            && call.query("tax_id").is_none_or(|tax| item.tax.is_some_and(|id| id.to_string() == tax))
    };
    let ids = state.items.values().filter(wanted).map(|item| item.id);
    let row = |id| state.item_view(&state.items[&id]);
    Listing { key: "items", report: "Items", filter: &format!("Status.{filter}") }.answer(call, ids, row)
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (item_id(call)?, call.fields()?);
    let mut item = call.org.state.item(id)?.clone();
    item.apply(&fields, call.org.state)?;
    let view = call.org.state.item_view(&item);
    call.org.state.items.insert(id, item);
    Ok(Reply::ok("Item details have been saved.").with("item", view))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = item_id(call)?;
    if call.org.state.quotes.values().any(|quote| quote.has_item(id)) {
        let message = "Items that have been a part of transactions cannot be deleted.";
        return Err(refusal(StatusCode::BAD_REQUEST, 2049, message));
    }
    call.org.state.items.remove(&id);
    Ok(Reply::ok("The item has been deleted."))
}

fn mark(call: &mut Call<'_>, active: bool, message: &str) -> Answer {
    let id = item_id(call)?;
    if let Some(item) = call.org.state.items.get_mut(&id) {
        item.active = active;
    }
    Ok(Reply::ok(message))
}

fn mark_active(call: &mut Call<'_>) -> Answer {
    mark(call, true, "The item has been marked Active.")
}

fn mark_inactive(call: &mut Call<'_>) -> Answer {
    mark(call, false, "The item has been marked Inactive.")
}
