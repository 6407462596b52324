//! What a person sets up in the Control Panel for recurring billing: the catalogue, and how unpaid bills are tried again.

use super::billing::{self, Retries};
use super::call::Ask;
use super::catalog::{self, Kind, Modification};
use super::money;
use super::staff::{flag, text};
use super::state::State;
use super::subscription::{Line, Source};
use crate::World;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// The acts of this module.
pub(super) const ACTS: [&str; 6] =
    ["create_plan", "create_add_on", "create_discount", "cancel_subscription", "set_retries", "set_proration"];

/// Plays one of [`ACTS`].
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub(super) fn play(world: &World, state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    match text(ask, "act")?.as_str() {
        "create_plan" => plan(world, state, ask, now),
        "create_add_on" => modification(world, state, ask, Kind::AddOn, now),
        "create_discount" => modification(world, state, ask, Kind::Discount, now),
        "cancel_subscription" => {
            let id = text(ask, "id")?;
            let place = state.subscriptions.iter().position(|s| s.id == id && !s.status.is_final());
            let place = place.ok_or_else(|| format!("id {id:?} names no subscription that could be canceled"))?;
            let mut subscription = state.subscriptions[place].clone();
            billing::cancel(world, state, &mut subscription, Source::ControlPanel, now);
            state.subscriptions[place] = subscription;
            Ok(json!({"id": id}))
        }
        "set_retries" => {
            state.settings.retries = Retries {
                first: days(ask, "first_after_days")?.ok_or("first_after_days is missing; expected 1 to 10")?,
                second: days(ask, "second_after_days")?,
                cancel_after: ask.flag("cancel_after"),
            };
            Ok(json!({}))
        }
        _ => {
            state.settings.prorate = flag(ask, "on")?;
            Ok(json!({}))
        }
    }
}

/// The fields of the API's plan; monthly and in the default account's currency unless it says otherwise.
fn plan(world: &World, state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let mut plan = json!({"currency_iso_code": catalog::currency(world), "name": ask.text("id")});
    for (name, value) in ask.0.as_object().into_iter().flatten() {
        plan[name] = value.clone();
    }
    let id = catalog::make(state, &Ask(plan), now)?;
    Ok(json!({"id": id}))
}

/// `{"id":…, "amount":…, "name":…, "number_of_billing_cycles":…}`.
fn modification(world: &World, state: &mut State, ask: &Ask, kind: Kind, now: DateTime<Utc>) -> Result<Value, String> {
    let id = text(ask, "id")?;
    let amount = text(ask, "amount")?;
    let line = Line {
        id: id.clone(),
        name: ask.text("name").unwrap_or_else(|| id.clone()),
        description: ask.text("description").unwrap_or_default(),
        amount: money::parse(&amount, catalog::currency(world))
            .map_err(|_| format!("amount {amount:?} is no amount like 10.00"))?,
        quantity: 1,
        cycles: ask.text("number_of_billing_cycles").and_then(|cycles| cycles.parse().ok()),
        cycle: 0,
    };
    if state.modifications.contains_key(&id) {
        return Err(format!("id {id:?} is taken"));
    }
    state.modifications.insert(id.clone(), Modification { kind, line, created_at: now });
    Ok(json!({"id": id}))
}

fn days(ask: &Ask, field: &str) -> Result<Option<TimeDelta>, String> {
    let Some(text) = ask.text(field) else { return Ok(None) };
    let days = text.parse().ok().filter(|days| (1..=10).contains(days));
    days.map(|days| Some(TimeDelta::days(days))).ok_or_else(|| format!("{field} {text:?} is not between 1 and 10"))
}
