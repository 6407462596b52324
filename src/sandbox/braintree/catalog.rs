//! The merchant's catalogue: plans, and the add-ons and discounts that plans and subscriptions take up. The API lists all
//! three and makes and changes plans only; add-ons and discounts are made in the Control Panel.

use super::call::{Ask, Call};
use super::money;
use super::reply::Reply;
use super::state::State;
use super::subscription::{Line, Trial, Unit};
use super::xml::{Fields, Xml};
use super::{fields, settlement};
use crate::World;
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is added to a bill or taken off it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    AddOn,
    Discount,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::AddOn => "add_on",
            Self::Discount => "discount",
        }
    }

    /// The request field that changes a subscription's own ones.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::AddOn => "add_ons",
            Self::Discount => "discounts",
        }
    }
}

/// An add-on or discount of the catalogue.
#[derive(Debug, Clone)]
pub(super) struct Modification {
    pub(super) kind: Kind,
    /// As a subscription takes it up.
    pub(super) line: Line,
    pub(super) created_at: DateTime<Utc>,
}

/// A plan.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    /// Minor units.
    pub(super) price: i64,
    pub(super) currency: String,
    /// Months.
    pub(super) frequency: u32,
    pub(super) billing_day: Option<u32>,
    /// None: for ever.
    pub(super) cycles: Option<u32>,
    pub(super) trial: Option<Trial>,
    /// Ids of the catalogue.
    pub(super) add_ons: Vec<String>,
    /// Ids of the catalogue.
    pub(super) discounts: Vec<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

/// `GET /plans`.
pub(super) async fn plans(Shared(world): Shared<Arc<World>>, _call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    Reply::Found("plans", Xml::Array("plan", state.plans.values().map(|plan| show(&world, &state, plan)).collect()))
}

/// `GET /plans/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    state.plans.get(call.id()).map_or(Reply::NotFound, |plan| Reply::Found("plan", show(&world, &state, plan)))
}

/// `POST /plans`.
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("plan", &fields::PLAN) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    match make(&mut state, &ask, now) {
        Ok(id) => Reply::Made("plan", show(&world, &state, &state.plans[&id])),
        Err(message) => Reply::Unprocessable(message),
    }
}

/// `PUT /plans/{id}`: sent fields replace. Subscriptions keep the terms they began with.
pub(super) async fn update(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("plan", &fields::PLAN) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(mut plan) = state.plans.get(call.id()).cloned() else { return Reply::NotFound };
    match write(&state, &mut plan, &ask, now) {
        Ok(()) => {
            let shown = show(&world, &state, &plan);
            state.plans.insert(plan.id.clone(), plan);
            Reply::Found("plan", shown)
        }
        Err(message) => Reply::Unprocessable(message),
    }
}

/// `GET /add_ons`.
pub(super) async fn add_ons(Shared(world): Shared<Arc<World>>, _call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    Reply::Found("add-ons", list(&world, &state, Kind::AddOn))
}

/// `GET /discounts`.
pub(super) async fn discounts(Shared(world): Shared<Arc<World>>, _call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    Reply::Found("discounts", list(&world, &state, Kind::Discount))
}

fn list(world: &World, state: &State, kind: Kind) -> Xml {
    let own = state.modifications.values().filter(|m| m.kind == kind);
    Xml::Array(kind.name(), own.map(|m| modification(world, m)).collect())
}

/// Makes a plan of a request's fields: its id.
///
/// # Errors
/// What was wrong: the SDKs name no codes for plans, so clients get a message and no error tree.
pub(super) fn make(state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<String, String> {
    let id = ask.text("id").unwrap_or_else(|| super::state::letters(6));
    if state.plans.contains_key(&id) {
        return Err(format!("Plan ID {id} has already been taken."));
    }
    let mut plan = Plan {
        id: id.clone(),
        name: ask.text("name").ok_or("Name is required.")?,
        description: None,
        price: 0,
        currency: ask.text("currency_iso_code").ok_or("Currency ISO code is required.")?,
        frequency: 1,
        billing_day: None,
        cycles: None,
        trial: None,
        add_ons: Vec::new(),
        discounts: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    if !ask.has("price") {
        return Err("Price is required.".to_owned());
    }
    write(state, &mut plan, ask, now)?;
    state.plans.insert(id.clone(), plan);
    Ok(id)
}

fn write(state: &State, plan: &mut Plan, ask: &Ask, now: DateTime<Utc>) -> Result<(), String> {
    plan.name = ask.text("name").unwrap_or_else(|| plan.name.clone());
    plan.description = ask.text("description").or(plan.description.take());
    plan.currency = ask.text("currency_iso_code").unwrap_or_else(|| plan.currency.clone());
    if let Some(price) = ask.text("price") {
        plan.price =
            money::parse(&price, &plan.currency).map_err(|_| format!("Price {price} is an invalid format."))?;
    }
    plan.frequency = number(ask, "billing_frequency", 1)?.unwrap_or(plan.frequency);
    plan.billing_day = number(ask, "billing_day_of_month", 1)?.or(plan.billing_day);
    if plan.billing_day.is_some_and(|day| day > 28 && day != 31) {
        return Err("Billing Day of Month must be between 1 and 28, or 31.".to_owned());
    }
    plan.cycles = number(ask, "number_of_billing_cycles", 1)?.or(plan.cycles);
    if ask.has("trial_period") {
        plan.trial = None;
    }
    if ask.flag("trial_period") {
        let duration = number(ask, "trial_duration", 1)?.ok_or("Trial Duration is required.")?;
        let unit = ask.text("trial_duration_unit").as_deref().and_then(Unit::read);
        plan.trial = Some(Trial { duration, unit: unit.ok_or("Trial Duration Unit is invalid.")? });
    }
    take_up(state, &mut plan.add_ons, &ask.below("add_ons"), Kind::AddOn)?;
    take_up(state, &mut plan.discounts, &ask.below("discounts"), Kind::Discount)?;
    plan.updated_at = now;
    Ok(())
}

/// Adds and removes what the plan hands down to its subscriptions.
fn take_up(state: &State, own: &mut Vec<String>, ask: &Ask, kind: Kind) -> Result<(), String> {
    for add in ask.items("add") {
        let id = add.text("inherited_from_id").unwrap_or_default();
        if state.modifications.get(&id).is_none_or(|m| m.kind != kind) {
            return Err(format!("Inherited From ID {id} is invalid."));
        }
        own.push(id);
    }
    let gone: Vec<String> = ask.texts("remove");
    own.retain(|id| !gone.contains(id));
    Ok(())
}

fn number(ask: &Ask, field: &str, least: u16) -> Result<Option<u32>, String> {
    let Some(text) = ask.text(field) else { return Ok(None) };
    match text.parse::<u16>() {
        Ok(number) if number >= least => Ok(Some(number.into())),
        _ => Err(format!("{field} {text} is invalid.")),
    }
}

fn show(world: &World, state: &State, plan: &Plan) -> Xml {
    let lines = |ids: &[String]| -> Vec<Xml> {
        ids.iter().filter_map(|id| state.modifications.get(id)).map(|m| modification(world, m)).collect()
    };
    let fields = Fields::new()
        .text("id", &plan.id)
        .text("merchant_id", &world.credentials.braintree.merchant_id)
        .maybe_count("billing_day_of_month", plan.billing_day.map(i64::from))
        .maybe_count("billing_frequency", Some(plan.frequency.into()))
        .text("currency_iso_code", &plan.currency)
        .maybe("description", plan.description.as_deref())
        .text("name", &plan.name)
        .maybe_count("number_of_billing_cycles", plan.cycles.map(i64::from))
        .text("price", money::show(plan.price, &plan.currency));
    let fields = trial(fields, plan.trial).array("add_ons", "add-on", lines(&plan.add_ons)).array(
        "discounts",
        "discount",
        lines(&plan.discounts),
    );
    Xml::Node(fields.time("created_at", plan.created_at).time("updated_at", plan.updated_at))
}

/// The three fields of a trial.
pub(super) fn trial(fields: Fields, of: Option<Trial>) -> Fields {
    fields
        .maybe_count("trial_duration", of.map(|t| t.duration.into()))
        .maybe("trial_duration_unit", of.map(|t| t.unit.name()))
        .flag("trial_period", of.is_some())
}

fn modification(world: &World, of: &Modification) -> Xml {
    let fields = line(&of.line, of.kind, currency(world))
        .text("merchant_id", &world.credentials.braintree.merchant_id)
        .time("created_at", of.created_at)
        .time("updated_at", of.created_at);
    Xml::Node(fields)
}

/// An add-on or discount, of the catalogue or of a subscription.
pub(super) fn line(of: &Line, kind: Kind, currency: &str) -> Fields {
    Fields::new()
        .text("id", &of.id)
        .text("kind", kind.name())
        .text("name", &of.name)
        .text("description", &of.description)
        .text("amount", money::show(of.amount, currency))
        .maybe_count("quantity", Some(of.quantity))
        .maybe_count("number_of_billing_cycles", of.cycles.map(i64::from))
        .flag("never_expires", of.cycles.is_none())
        .maybe_count("current_billing_cycle", Some(of.cycle.into()))
}

/// What the catalogue's amounts are counted in: they have no currency of their own, so it is the default account's.
pub(super) fn currency(world: &World) -> &str {
    world.credentials.braintree.merchant_accounts.first().map_or("USD", |account| &account.currency)
}

/// The catalogue's add-ons or discounts of these ids, as a subscription takes them up.
pub(super) fn lines(known: &BTreeMap<String, Modification>, ids: &[String]) -> Vec<Line> {
    ids.iter().filter_map(|id| known.get(id)).map(|m| m.line.clone()).collect()
}
