//! Products and plans. A plan is known by its code; its price is in the organisation's own currency.

use super::State;
use super::call::{Call, Org, Route, route};
use super::dates::{Term, stamp};
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::list::{Listing, filter_by};
use super::money::Currency;
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("product.create", MethodFilter::POST, "/products", create_product),
    route("product.list", MethodFilter::GET, "/products", list_products),
    route("product.get", MethodFilter::GET, "/products/{id}", get_product),
    route("product.update", MethodFilter::PUT, "/products/{id}", update_product),
    route("product.delete", MethodFilter::DELETE, "/products/{id}", delete_product),
    route("product.markasactive", MethodFilter::POST, "/products/{id}/markasactive", mark_product_active),
    route("product.markasinactive", MethodFilter::POST, "/products/{id}/markasinactive", mark_product_inactive),
    route("plan.create", MethodFilter::POST, "/plans", create_plan),
    route("plan.list", MethodFilter::GET, "/plans", list_plans),
    route("plan.get", MethodFilter::GET, "/plans/{code}", get_plan),
    route("plan.update", MethodFilter::PUT, "/plans/{code}", update_plan),
    route("plan.delete", MethodFilter::DELETE, "/plans/{code}", delete_plan),
    route("plan.markasactive", MethodFilter::POST, "/plans/{code}/markasactive", mark_plan_active),
    route("plan.markasinactive", MethodFilter::POST, "/plans/{code}/markasinactive", mark_plan_inactive),
];

/// What plans belong to.
#[derive(Debug, Clone)]
pub(super) struct Product {
    name: String,
    description: String,
    /// Whom Zoho tells of what happens, comma separated.
    email_ids: String,
    redirect_url: String,
    active: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

impl Product {
    fn apply(&mut self, fields: &Fields) -> Result<(), Refusal> {
        self.name = fields.needed("name")?;
        let texts = [
            ("description", &mut self.description),
            ("email_ids", &mut self.email_ids),
            ("redirect_url", &mut self.redirect_url),
        ];
        for (name, text) in texts {
            if let Some(value) = fields.text(name)? {
                *text = value;
            }
        }
        Ok(())
    }
}

/// What is subscribed to.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) id: Id,
    pub(super) code: String,
    pub(super) name: String,
    description: String,
    pub(super) active: bool,
    pub(super) product: Id,
    /// Minor units of the organisation's own currency.
    pub(super) price: i64,
    /// Minor units of the organisation's own currency, charged once.
    pub(super) setup_fee: i64,
    pub(super) tax: Option<Id>,
    pub(super) term: Term,
    /// Terms until it expires; -1: none.
    pub(super) cycles: i64,
    /// Days of trial.
    pub(super) trial: i64,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

impl State {
    /// The active or inactive plan of this code.
    pub(super) fn plan(&self, code: &str) -> Result<&Plan, Refusal> {
        self.plans.get(code).ok_or_else(|| Refusal::unknown("Plan"))
    }

    fn plan_view(&self, code: &str) -> Result<Object, Refusal> {
        Ok(self.plan(code)?.view(self.base_currency()))
    }

    /// A plan as add-ons and coupons name it.
    pub(super) fn plan_name_view(&self, code: &str) -> Object {
        Object::new().with("plan_code", code).with("name", self.plans.get(code).map_or("", |plan| &plan.name))
    }

    /// The id of a product, if there is such a product.
    pub(super) fn product(&self, id: Id) -> Result<Id, Refusal> {
        self.products.get(&id).map(|_| id).ok_or_else(|| Refusal::unknown("Product"))
    }

    /// A product's name.
    pub(super) fn product_name(&self, id: Id) -> &str {
        self.products.get(&id).map_or("", |product| &product.name)
    }

    fn product_view(&self, id: Id) -> Result<Object, Refusal> {
        let product = self.products.get(&id).ok_or_else(|| Refusal::unknown("Product"))?;
        Ok(Object::new()
            .with("product_id", id)
            .with("name", &product.name)
            .with("description", &product.description)
            .with("email_ids", &product.email_ids)
            .with("redirect_url", &product.redirect_url)
            .with("status", if product.active { "active" } else { "inactive" })
            .with("created_time", stamp(product.created))
            .with("updated_time", stamp(product.updated)))
    }
}

impl Org<'_> {
    /// Adds a product from the fields of a request.
    pub(super) fn add_product(&mut self, fields: &Fields) -> Result<Id, Refusal> {
        let mut product = Product {
            name: String::new(),
            description: String::new(),
            email_ids: String::new(),
            redirect_url: String::new(),
            active: true,
            created: self.now,
            updated: self.now,
        };
        product.apply(fields)?;
        let id = self.state.counters.id();
        self.state.products.insert(id, product);
        Ok(id)
    }

    /// Adds a plan from the fields of a request.
    pub(super) fn add_plan(&mut self, fields: &Fields) -> Result<String, Refusal> {
        let code = fields.needed("plan_code")?;
        if self.state.plans.contains_key(&code) {
            return Err(Refusal::invalid("plan_code"));
        }
        let product = self.state.product(fields.needed_id("product_id")?)?;
        let currency = self.state.base_currency();
        let interval = fields.whole("interval")?.ok_or_else(|| Refusal::missing("interval"))?;
        let plan = Plan {
            id: self.state.counters.id(),
            code: code.clone(),
            name: fields.needed("name")?,
            description: fields.text("description")?.unwrap_or_default(),
            active: true,
            product,
            price: fields.amount("recurring_price", currency)?.ok_or_else(|| Refusal::missing("recurring_price"))?,
            setup_fee: fields.amount("setup_fee", currency)?.unwrap_or(0),
            tax: fields.id("tax_id")?.map(|id| self.state.tax(id).map(|tax| tax.id)).transpose()?,
            term: Term::read(interval, fields.text("interval_unit")?.as_deref())?,
            cycles: fields.whole("billing_cycles")?.unwrap_or(-1),
            trial: fields.whole("trial_period")?.unwrap_or(0),
            created: self.now,
            updated: self.now,
        };
        self.state.plans.insert(code.clone(), plan);
        Ok(code)
    }
}

impl Plan {
    fn view(&self, currency: Currency) -> Object {
        Object::new()
            .with("plan_code", &self.code)
            .with("name", &self.name)
            .with("description", &self.description)
            .with("status", if self.active { "active" } else { "inactive" })
            .with("product_id", self.product)
            .with("trial_period", self.trial)
            .with("setup_fee", currency.number(self.setup_fee))
            .with("recurring_price", currency.number(self.price))
            .with("unit", "")
            .with("interval", self.term.interval)
            .with("interval_unit", self.term.unit.word())
            .with("billing_cycles", self.cycles)
            .with("tax_id", self.tax.map(|id| id.to_string()).unwrap_or_default())
            .with("custom_fields", [(); 0])
            .with("created_time", stamp(self.created))
            .with("updated_time", stamp(self.updated))
    }
}

fn create_product(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let id = call.org.add_product(&fields)?;
    Ok(Reply::created("The product has been created").with("product", call.org.state.product_view(id)?))
}

fn get_product(call: &mut Call<'_>) -> Answer {
    let id = call.id("Product")?;
    Ok(Reply::ok("success").with("product", call.org.state.product_view(id)?))
}

fn list_products(call: &mut Call<'_>) -> Answer {
    let filter = filter_by(call, "ProductStatus.")?;
    let shows = |product: &Product| match filter {
        "All" => true,
        "ACTIVE" => product.active,
        "INACTIVE" => !product.active,
        _ => false,
    };
    let ids = call.org.state.products.iter().filter(|(_, product)| shows(product)).map(|(id, _)| *id);
    let row = |id| call.org.state.product_view(id).unwrap_or_default();
    Listing { key: "products", report: "Products", filter: &format!("ProductStatus.{filter}") }.answer(call, ids, row)
}

fn change_product(
    call: &mut Call<'_>,
    change: impl FnOnce(&mut Product) -> Result<(), Refusal>,
) -> Result<Id, Refusal> {
    let (id, now) = (call.id("Product")?, call.org.now);
    let product = call.org.state.products.get_mut(&id).ok_or_else(|| Refusal::unknown("Product"))?;
    change(product)?;
    product.updated = now;
    Ok(id)
}

fn update_product(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let id = change_product(call, |product| product.apply(&fields))?;
    let view = call.org.state.product_view(id)?;
    Ok(Reply::ok("The product details have been updated.").with("product", view))
}

fn delete_product(call: &mut Call<'_>) -> Answer {
    let id = call.org.state.product(call.id("Product")?)?;
    if call.org.state.plans.values().any(|plan| plan.product == id) {
        return Err(Refusal::has_transactions("The product"));
    }
    call.org.state.products.remove(&id);
    Ok(Reply::ok("The product has been deleted."))
}

fn mark_product_active(call: &mut Call<'_>) -> Answer {
    change_product(call, |product| {
        product.active = true;
        Ok(())
    })?;
    Ok(Reply::ok("The product has been marked as active."))
}

/// Its plans are not for sale any more.
fn mark_product_inactive(call: &mut Call<'_>) -> Answer {
    let id = change_product(call, |product| {
        product.active = false;
        Ok(())
    })?;
    let now = call.org.now;
    for plan in call.org.state.plans.values_mut().filter(|plan| plan.product == id) {
        plan.active = false;
        plan.updated = now;
    }
    Ok(Reply::ok("The product has been marked as inactive."))
}

fn create_plan(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let code = call.org.add_plan(&fields)?;
    Ok(Reply::created("The plan has been created.").with("plan", call.org.state.plan_view(&code)?))
}

fn get_plan(call: &mut Call<'_>) -> Answer {
    Ok(Reply::ok("success").with("plan", call.org.state.plan_view(call.param("code"))?))
}

fn list_plans(call: &mut Call<'_>) -> Answer {
    let filter = filter_by(call, "PlanStatus.")?;
    let product = call.query_id("product_id")?;
    let wanted = |plan: &&Plan| {
        let status = match filter {
            "All" => true,
            "ACTIVE" => plan.active,
            "INACTIVE" => !plan.active,
            _ => false,
        };
        status && product.is_none_or(|id| plan.product == id)
    };
    let by_id = |id: Id| call.org.state.plans.values().find(|plan| plan.id == id);
    let ids = call.org.state.plans.values().filter(wanted).map(|plan| plan.id);
    let currency = call.org.state.base_currency();
    let row = |id| by_id(id).map(|plan| plan.view(currency)).unwrap_or_default();
    Listing { key: "plans", report: "Plans", filter: &format!("PlanStatus.{filter}") }.answer(call, ids, row)
}

fn update_plan(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let (now, currency) = (call.org.now, call.org.state.base_currency());
    let mut plan = call.org.state.plan(call.param("code"))?.clone();
    if fields.text("plan_code")?.is_some_and(|code| code != plan.code) {
        return Err(Refusal::invalid("plan_code"));
    }
    if let Some(interval) = fields.whole("interval")? {
        plan.term = Term::read(interval, fields.text("interval_unit")?.as_deref())?;
    }
    plan.cycles = fields.whole("billing_cycles")?.unwrap_or(plan.cycles);
    plan.name = fields.text("name")?.unwrap_or(plan.name);
    plan.description = fields.text("description")?.unwrap_or(plan.description);
    plan.price = fields.amount("recurring_price", currency)?.unwrap_or(plan.price);
    plan.setup_fee = fields.amount("setup_fee", currency)?.unwrap_or(plan.setup_fee);
    plan.trial = fields.whole("trial_period")?.unwrap_or(plan.trial);
    if let Some(tax) = fields.id("tax_id")? {
        plan.tax = Some(call.org.state.tax(tax)?.id);
    }
    plan.updated = now;
    let view = plan.view(currency);
    call.org.state.plans.insert(plan.code.clone(), plan);
    Ok(Reply::ok("The plan details has been updated.").with("plan", view))
}

fn delete_plan(call: &mut Call<'_>) -> Answer {
    let code = call.param("code").to_owned();
    call.org.remove_plan(&code)?;
    Ok(Reply::ok("The plan has been deleted."))
}

impl Org<'_> {
    /// What a person changes of a plan: its name, its price in minor units, whether it is for sale.
    pub(super) fn edit_plan(
        &mut self,
        code: &str,
        name: Option<&str>,
        price: Option<i64>,
        active: Option<bool>,
    ) -> Result<(), Refusal> {
        let mut plan = self.state.plan(code)?.clone();
        plan.name = name.map_or(plan.name, str::to_owned);
        plan.price = price.unwrap_or(plan.price);
        plan.active = active.unwrap_or(plan.active);
        plan.updated = self.now;
        self.state.plans.insert(plan.code.clone(), plan);
        Ok(())
    }

    /// A plan of which nothing was ever sold.
    pub(super) fn remove_plan(&mut self, code: &str) -> Result<(), Refusal> {
        let code = self.state.plan(code)?.code.clone();
        if self.state.subscriptions.values().any(|subscription| subscription.item.code == code) {
            return Err(Refusal::has_transactions("The plan"));
        }
        self.state.plans.remove(&code);
        Ok(())
    }
}

fn mark_plan(call: &mut Call<'_>, active: bool, message: &str) -> Answer {
    let code = call.org.state.plan(call.param("code"))?.code.clone();
    if let Some(plan) = call.org.state.plans.get_mut(&code) {
        plan.active = active;
        plan.updated = call.org.now;
    }
    Ok(Reply::ok(message))
}

fn mark_plan_active(call: &mut Call<'_>) -> Answer {
    mark_plan(call, true, "The plan has been marked as active.")
}

fn mark_plan_inactive(call: &mut Call<'_>) -> Answer {
    mark_plan(call, false, "The plan has been marked as inactive.")
}
