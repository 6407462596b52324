//! Add-ons: what is sold beside a plan, each term or once. Known by its code; priced in the organisation's own currency.

use super::State;
use super::call::{Call, Org, Route, route};
use super::catalog::Plan;
use super::dates::{Unit, stamp};
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::list::{Listing, filter_by};
use super::pricing::Pricing;
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("addon.create", MethodFilter::POST, "/addons", create),
    route("addon.list", MethodFilter::GET, "/addons", list),
    route("addon.get", MethodFilter::GET, "/addons/{code}", get),
    route("addon.update", MethodFilter::PUT, "/addons/{code}", update),
    route("addon.delete", MethodFilter::DELETE, "/addons/{code}", delete),
    route("addon.markasactive", MethodFilter::POST, "/addons/{code}/markasactive", mark_active),
    route("addon.markasinactive", MethodFilter::POST, "/addons/{code}/markasinactive", mark_inactive),
];

/// What can be added to a plan.
#[derive(Debug, Clone)]
pub(super) struct Addon {
    id: Id,
    pub(super) code: String,
    pub(super) name: String,
    description: String,
    unit_name: String,
    pub(super) pricing: Pricing,
    cycle: Cycle,
    product: Id,
    /// The codes of the plans that it goes with; nothing: all plans of its product.
    plans: Option<Vec<String>>,
    pub(super) tax: Option<Id>,
    active: bool,
    created: DateTime<Utc>,
    updated: DateTime<Utc>,
}

/// How often an add-on is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cycle {
    Once,
    Monthly,
    Yearly,
}

impl Cycle {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        match fields.text("type")?.as_deref() {
            Some("one_time") => return Ok(Self::Once),
            None | Some("" | "recurring") => {}
            Some(_) => return Err(Refusal::invalid("type")),
        }
        match fields.text("interval_unit")?.as_deref() {
            None | Some("" | "monthly") => Ok(Self::Monthly),
            Some("yearly") => Ok(Self::Yearly),
            Some(_) => Err(Refusal::invalid("interval_unit")),
        }
    }
}

impl Addon {
    /// Whether it is charged once only.
    pub(super) fn is_once(&self) -> bool {
        self.cycle == Cycle::Once
    }

    /// Refuses to go with a plan of another product, of another term, or not on its list; or at all if inactive.
    pub(super) fn check_goes_with(&self, plan: &Plan) -> Result<(), Refusal> {
        if !self.active {
            return Err(Refusal::not_for_sale("addon", &self.code, "is inactive"));
        }
        let term = match self.cycle {
            Cycle::Once => true,
            Cycle::Monthly => plan.term.unit != Unit::Years,
            Cycle::Yearly => plan.term.unit == Unit::Years,
        };
        let listed = self.plans.as_ref().is_none_or(|codes| codes.contains(&plan.code));
        if self.product == plan.product && term && listed {
            Ok(())
        } else {
            Err(Refusal::not_for_sale("addon", &self.code, "is not associated with the plan"))
        }
    }

    fn apply(&mut self, fields: &Fields, state: &State) -> Result<(), Refusal> {
        self.name = fields.needed("name")?;
        self.unit_name = fields.needed("unit_name")?;
        self.pricing = Pricing::read(fields, state.base_currency())?;
        self.cycle = Cycle::read(fields)?;
        if let Some(description) = fields.text("description")? {
            self.description = description;
        }
        if let Some(tax) = fields.id("tax_id")? {
            self.tax = Some(state.tax(tax)?.id);
        }
        let plans = fields.list("plans")?.unwrap_or_default();
        self.plans = if fields.flag("applicable_to_all_plans")?.unwrap_or(plans.is_empty()) {
            None
        } else if plans.is_empty() {
            return Err(Refusal::missing("plans"));
        } else {
            let code = |plan: &Fields| Ok(state.plan(&plan.needed("plan_code")?)?.code.clone());
            Some(plans.iter().map(code).collect::<Result<_, Refusal>>()?)
        };
        Ok(())
    }
}

impl State {
    /// The active or inactive add-on of this code.
    pub(super) fn addon(&self, code: &str) -> Result<&Addon, Refusal> {
        self.addons.get(code).ok_or_else(|| Refusal::unknown("Addon"))
    }

    fn addon_row(&self, addon: &Addon) -> Object {
        let (kind, unit) = match addon.cycle {
            Cycle::Once => ("one_time", ""),
            Cycle::Monthly => ("recurring", "monthly"),
            Cycle::Yearly => ("recurring", "yearly"),
        };
        Object::new()
            .with("addon_code", &addon.code)
            .with("name", &addon.name)
            .with("unit", &addon.unit_name)
            .with("unit_name", &addon.unit_name)
            .with("pricing_scheme", addon.pricing.scheme.word())
            .with("price_brackets", addon.pricing.view(self.base_currency()))
            .with("type", kind)
            .with("interval_unit", unit)
            .with("applicable_to_all_plans", addon.plans.is_none())
            .with("status", if addon.active { "active" } else { "inactive" })
            .with("product_id", addon.product)
            .with("description", &addon.description)
            .with("tax_id", addon.tax.map(|id| id.to_string()).unwrap_or_default())
            .with("created_time", stamp(addon.created))
            .with("updated_time", stamp(addon.updated))
    }

    fn addon_view(&self, code: &str) -> Result<Object, Refusal> {
        let addon = self.addon(code)?;
        let plans = addon.plans.iter().flatten();
        Ok(self.addon_row(addon).with("plans", plans.map(|code| self.plan_name_view(code)).collect::<Vec<_>>()))
    }
}

impl Org<'_> {
    /// Adds an add-on from the fields of a request.
    pub(super) fn add_addon(&mut self, fields: &Fields) -> Result<String, Refusal> {
        let code = fields.needed("addon_code")?;
        if self.state.addons.contains_key(&code) {
            return Err(Refusal::invalid("addon_code"));
        }
        let product = self.state.product(fields.needed_id("product_id")?)?;
        let mut addon = Addon {
            id: self.state.counters.id(),
            code: code.clone(),
            name: String::new(),
            description: String::new(),
            unit_name: String::new(),
            pricing: Pricing::read(fields, self.state.base_currency())?,
            cycle: Cycle::read(fields)?,
            product,
            plans: None,
            tax: None,
            active: true,
            created: self.now,
            updated: self.now,
        };
        addon.apply(fields, self.state)?;
        self.state.addons.insert(code.clone(), addon);
        Ok(code)
    }
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let code = call.org.add_addon(&fields)?;
    Ok(Reply::created("The addon has been created").with("addon", call.org.state.addon_view(&code)?))
}

fn get(call: &mut Call<'_>) -> Answer {
    Ok(Reply::ok("success").with("addon", call.org.state.addon_view(call.param("code"))?))
}

fn list(call: &mut Call<'_>) -> Answer {
    let filter = filter_by(call, "AddonStatus.")?;
    let product = call.query_id("product_id")?;
    let state = &*call.org.state;
    let wanted = |addon: &&Addon| {
        let status = match filter {
            "All" => true,
            "ACTIVE" => addon.active,
            "INACTIVE" => !addon.active,
            "ONETIME" => addon.is_once(),
            "RECURRING" => !addon.is_once(),
            _ => false,
        };
        status && product.is_none_or(|id| addon.product == id)
    };
    let by_id = |id: Id| state.addons.values().find(|addon| addon.id == id);
    let ids = state.addons.values().filter(wanted).map(|addon| addon.id);
    let row = |id| by_id(id).map(|addon| state.addon_row(addon)).unwrap_or_default();
    Listing { key: "addons", report: "Addons", filter: &format!("AddonStatus.{filter}") }.answer(call, ids, row)
}

/// The whole add-on is needed. What subscriptions hold keeps the price at which they took it.
fn update(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let mut addon = call.org.state.addon(call.param("code"))?.clone();
    let code = addon.code.clone();
    if fields.text("addon_code")?.is_some_and(|given| given != code) {
        return Err(Refusal::invalid("addon_code"));
    }
    addon.apply(&fields, call.org.state)?;
    addon.updated = call.org.now;
    call.org.state.addons.insert(code.clone(), addon);
    Ok(Reply::ok("The addon details have been updated.").with("addon", call.org.state.addon_view(&code)?))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let code = call.org.state.addon(call.param("code"))?.code.clone();
    if call.org.state.subscriptions.values().any(|subscription| subscription.has_addon(&code)) {
        return Err(Refusal::has_transactions("The addon"));
    }
    call.org.state.addons.remove(&code);
    Ok(Reply::ok("The addon has been deleted."))
}

fn mark(call: &mut Call<'_>, active: bool, message: &str) -> Answer {
    let code = call.org.state.addon(call.param("code"))?.code.clone();
    if let Some(addon) = call.org.state.addons.get_mut(&code) {
        addon.active = active;
        addon.updated = call.org.now;
    }
    Ok(Reply::ok(message))
}

fn mark_active(call: &mut Call<'_>) -> Answer {
    mark(call, true, "The addon has been marked as active.")
}

fn mark_inactive(call: &mut Call<'_>) -> Answer {
    mark(call, false, "The addon has been marked as inactive.")
}
