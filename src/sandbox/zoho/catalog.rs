//! Products and plans. A plan is known by its code; its price is in the organisation's own currency.

use super::State;
use super::call::{Call, Org, Route, route};
use super::dates::{Term, Unit, stamp};
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
    route("plan.create", MethodFilter::POST, "/plans", create_plan),
    route("plan.list", MethodFilter::GET, "/plans", list_plans),
    route("plan.get", MethodFilter::GET, "/plans/{code}", get_plan),
    route("plan.update", MethodFilter::PUT, "/plans/{code}", update_plan),
    route("plan.delete", MethodFilter::DELETE, "/plans/{code}", delete_plan),
    route("plan.markasactive", MethodFilter::POST, "/plans/{code}/markasactive", mark_plan_active),
    route("plan.markasinactive", MethodFilter::POST, "/plans/{code}/markasinactive", mark_plan_inactive),
];

/// What plans belong to.
#[derive(Debug)]
pub(super) struct Product {
    name: String,
    description: String,
    created: DateTime<Utc>,
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
            .with("status", "active")
            .with("created_time", stamp(product.created))
            .with("updated_time", stamp(product.created)))
    }
}

impl Org<'_> {
    /// Adds a product.
    pub(super) fn add_product(&mut self, name: String, description: String) -> Id {
        let id = self.state.counters.id();
        self.state.products.insert(id, Product { name, description, created: self.now });
        id
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
        let unit = fields.text("interval_unit")?.unwrap_or_else(|| "months".to_owned());
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
            term: Term {
                interval: u32::try_from(interval)
                    .ok()
                    .filter(|n| (1..=1000).contains(n))
                    .ok_or_else(|| Refusal::invalid("interval"))?,
                unit: Unit::read(&unit).ok_or_else(|| Refusal::invalid("interval_unit"))?,
            },
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
    let id = call.org.add_product(fields.needed("name")?, fields.text("description")?.unwrap_or_default());
    Ok(Reply::created("The product has been created").with("product", call.org.state.product_view(id)?))
}

fn get_product(call: &mut Call<'_>) -> Answer {
    let id = call.id("Product")?;
    Ok(Reply::ok("success").with("product", call.org.state.product_view(id)?))
}

fn list_products(call: &mut Call<'_>) -> Answer {
    let filter = call.query("filter_by").unwrap_or("ProductStatus.All");
    let ids = call.org.state.products.keys().copied();
    let row = |id| call.org.state.product_view(id).unwrap_or_default();
    Listing { key: "products", report: "Products", filter }.answer(call, ids, row)
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
    let code = call.org.state.plan(call.param("code"))?.code.clone();
    if call.org.state.subscriptions.values().any(|subscription| subscription.item.code == code) {
        return Err(Refusal::has_transactions("The plan"));
    }
    call.org.state.plans.remove(&code);
    Ok(Reply::ok("The plan has been deleted."))
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
