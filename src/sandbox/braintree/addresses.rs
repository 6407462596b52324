//! A customer's addresses: create, find, update, delete. A card can name one as its billing address.

use super::call::{Ask, Call};
use super::codes;
use super::reply::{Errors, Reply};
use super::state::{Address, State, letters};
use super::{fields, settlement, show};
use crate::World;
use axum::extract::State as Shared;
use serde_json::Value;
use std::sync::Arc;

const AT: &[&str] = &["address"];
const MOST: usize = 50;

/// `POST /customers/{id}/addresses`.
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("address", &fields::ADDRESS_ONLY) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(customer) = state.customers.get_mut(call.id()) else { return Reply::NotFound };
    let mut errors = faults(&ask);
    if ask.0.as_object().is_none_or(|sent| sent.values().all(Value::is_null)) {
        errors.add(AT, "base", codes::ADDRESS_BLANK);
    }
    if customer.addresses.len() >= MOST {
        errors.add(AT, "base", codes::TOO_MANY_ADDRESSES);
    }
    if !errors.none() {
        return Reply::Invalid(errors, call.params());
    }
    let address = Address { id: letters(2), sent: ask.0, created_at: now, updated_at: now };
    let shown = show::customer_address(&customer.id, &address);
    customer.addresses.push(address);
    Reply::Made("address", shown)
}

/// `GET /customers/{id}/addresses/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let mut state = settlement::open(&world, world.clock.now());
    of(&mut state, &call)
        .map_or(Reply::NotFound, |address| Reply::Found("address", show::customer_address(call.id(), address)))
}

/// `PUT /customers/{id}/addresses/{id}`: sent fields replace.
pub(super) async fn update(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("address", &fields::ADDRESS_ONLY) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(address) = of(&mut state, &call) else { return Reply::NotFound };
    let errors = faults(&ask);
    if !errors.none() {
        return Reply::Invalid(errors, call.params());
    }
    if let (Some(own), Some(sent)) = (address.sent.as_object_mut(), ask.0.as_object()) {
        own.extend(sent.clone());
    }
    address.updated_at = now;
    Reply::Found("address", show::customer_address(call.id(), address))
}

/// `DELETE /customers/{id}/addresses/{id}`.
pub(super) async fn delete(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let mut state = settlement::open(&world, world.clock.now());
    let Some(customer) = state.customers.get_mut(call.id()) else { return Reply::NotFound };
    let before = customer.addresses.len();
    customer.addresses.retain(|address| address.id != call.id_below());
    if customer.addresses.len() < before { Reply::Deleted } else { Reply::NotFound }
}

fn of<'a>(state: &'a mut State, call: &Call) -> Option<&'a mut Address> {
    state.customers.get_mut(call.id())?.addresses.iter_mut().find(|address| address.id == call.id_below())
}

fn faults(ask: &Ask) -> Errors {
    let mut errors = Errors::default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-');
    if ask.text("postal_code").is_some_and(|code| !code.chars().all(plain)) {
        errors.add(AT, "postal_code", codes::ADDRESS_POSTAL_CODE);
    }
    let country = ask.text("country_code_alpha2");
    if country.is_some_and(|code| code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase())) {
        errors.add(AT, "country_code_alpha2", codes::ADDRESS_COUNTRY);
    }
    errors
}
