//! Customers: create with an id of the merchant's choice and, in the same call, a first card; find, update, delete, search.

use super::call::{Ask, Call};
use super::cards::Card;
use super::codes;
use super::reply::{Errors, Reply};
use super::search::{self, Field, Refusal};
use super::state::{Customer, Method, State};
use super::subscription::Source;
use super::vault::{self, Admission, NonceCodes};
use super::{billing, fields, methods, settlement, show};
use crate::World;
use crate::faults::Vendor;
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use std::sync::Arc;

const AT: &[&str] = &["customer"];
const PERSON: [&str; 7] = ["first_name", "last_name", "company", "email", "phone", "fax", "website"];
const NONCE_CODES: NonceCodes = NonceCodes { unknown: codes::CARD_NONCE_UNKNOWN, consumed: codes::CARD_NONCE_CONSUMED };

/// `POST /customers`.
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("customer", &fields::CUSTOMER) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let mut errors = Errors::default();
    let id = ask.text("id").unwrap_or_else(|| state.new_customer_id());
    if let Some(code) = vault::customer_id_fault(&state, &id) {
        errors.add(AT, "id", code);
    }
    check(&state, &ask, &mut errors);
    let card = card(&state, &ask, &id, now, &mut errors);
    if !errors.none() {
        return Reply::Invalid(errors, call.params());
    }
    let customer = from_request(id.clone(), &ask, now);
    if let Err(reply) = vault_card(&world, &mut state, &ask, &call, card, customer, now) {
        return reply;
    }
    Reply::Made("customer", shown(&world, &state, &id, now))
}

/// `GET /customers/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "customer.find", &call.text, now);
    let state = settlement::open(&world, now);
    if !state.customers.get(call.id()).is_some_and(|customer| sight.reaches(customer.created_at)) {
        return Reply::NotFound;
    }
    Reply::Found("customer", shown(&world, &state, call.id(), now))
}

/// `PUT /customers/{id}`: sent fields replace, absent ones stay.
pub(super) async fn update(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("customer", &fields::CUSTOMER) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(mut customer) = state.customers.get(call.id()).cloned() else { return Reply::NotFound };
    let mut errors = Errors::default();
    check(&state, &ask, &mut errors);
    let card = card(&state, &ask, &customer.id, now, &mut errors);
    let default = ask.text("default_payment_method_token");
    if default.as_ref().is_some_and(|token| state.methods.get(token).is_none_or(|m| m.customer_id != customer.id)) {
        errors.add(AT, "default_payment_method_token", codes::TRANSACTION_TOKEN_INVALID);
    }
    let renamed = ask.text("id").filter(|id| *id != customer.id);
    if let Some(code) = renamed.as_deref().and_then(|id| vault::customer_id_fault(&state, id)) {
        errors.add(AT, "id", code);
    }
    if !errors.none() {
        return Reply::Invalid(errors, call.params());
    }
    write(&mut customer, &ask, now);
    customer.default_token = default.or(customer.default_token);
    if let Some(id) = renamed {
        state.customers.remove(&customer.id);
        for method in state.methods.values_mut().filter(|m| m.customer_id == customer.id) {
            method.customer_id.clone_from(&id);
        }
        customer.id = id;
    }
    let id = customer.id.clone();
    if let Err(reply) = vault_card(&world, &mut state, &ask, &call, card, customer, now) {
        return reply;
    }
    Reply::Found("customer", shown(&world, &state, &id, now))
}

/// `DELETE /customers/{id}`: its cards go with it, and the subscriptions that they pay for end.
pub(super) async fn delete(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let tokens: Vec<String> = state.methods_of(call.id()).map(|method| method.token.clone()).collect();
    for token in tokens {
        billing::cancel_all_of(&world, &mut state, &token, Source::Api, now);
    }
    if state.remove_customer(call.id()) { Reply::Deleted } else { Reply::NotFound }
}

/// `POST /customers/advanced_search_ids`.
pub(super) async fn search_ids(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "customer.search", &call.text, now);
    let state = settlement::open(&world, now);
    search::ids(sight, found(&state, &call), |c| &c.id, |c| c.created_at)
}

/// `POST /customers/advanced_search`.
pub(super) async fn search_page(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let state = settlement::open(&world, now);
    let merchant = &world.credentials.braintree.merchant_id;
    search::page("customers", "customer", found(&state, &call), |c| show::customer(&state, merchant, c, now))
}

/// Newest first.
fn found<'a>(state: &'a State, call: &Call) -> Result<Vec<&'a Customer>, Refusal> {
    let mut all: Vec<_> = state.customers.values().collect();
    all.sort_by_key(|c| std::cmp::Reverse(c.created_at));
    search::matches(call, all.into_iter(), |customer, name| match name {
        "id" => Field::Text(Some(customer.id.clone())),
        "created_at" => Field::Time(Some(customer.created_at)),
        name if PERSON.contains(&name) => Field::Text(customer.person.get(name).cloned()),
        name => vaulted(state, customer, name),
    })
}

/// Criteria that any of the customer's cards or addresses can meet.
fn vaulted(state: &State, customer: &Customer, name: &str) -> Field {
    let cards = || state.methods_of(&customer.id);
    match name {
        "payment_method_token" => Field::Texts(cards().map(|m| m.token.clone()).collect()),
        // Whoever holds the same card as the one of this token.
        "payment_method_token_with_duplicates" => {
            let same = |other: &&Method| cards().any(|own| own.card.unique == other.card.unique);
            Field::Texts(state.methods.values().filter(same).map(|m| m.token.clone()).collect())
        }
        "cardholder_name" => Field::Texts(cards().filter_map(|m| m.card.holder.clone()).collect()),
        "credit_card_expiration_date" => {
            Field::Texts(cards().map(|m| format!("{}/{}", m.card.month, m.card.year)).collect())
        }
        "credit_card_number" => Field::Cards(cards().map(|m| (&m.card).into()).collect()),
        name => match name.strip_prefix("address_") {
            Some(part) => {
                let own = customer.addresses.iter().map(|address| &address.sent);
                let all = own.chain(cards().filter_map(|m| m.billing.as_ref()));
                Field::Texts(all.filter_map(|a| a.get(part)?.as_str().map(str::to_owned)).collect())
            }
            None => Field::Unknown,
        },
    }
}

fn shown(world: &World, state: &State, id: &str, now: DateTime<Utc>) -> super::xml::Xml {
    let customer = state.customers.get(id).expect("the caller has just seen or stored it under the same lock");
    show::customer(state, &world.credentials.braintree.merchant_id, customer, now)
}

/// A customer with the details of a request.
pub(super) fn from_request(id: String, ask: &Ask, now: DateTime<Utc>) -> Customer {
    let mut customer = Customer {
        id,
        person: std::collections::BTreeMap::new(),
        custom_fields: serde_json::Map::new(),
        default_token: None,
        addresses: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    write(&mut customer, ask, now);
    customer
}

fn write(customer: &mut Customer, ask: &Ask, now: DateTime<Utc>) {
    for name in PERSON.into_iter().filter(|name| ask.has(name)) {
        match ask.text(name) {
            Some(value) => customer.person.insert(name, value),
            None => customer.person.remove(name),
        };
    }
    for (name, value) in ask.below("custom_fields").0.as_object().into_iter().flatten() {
        customer.custom_fields.insert(name.clone(), value.clone());
    }
    customer.updated_at = now;
}

fn check(state: &State, ask: &Ask, errors: &mut Errors) {
    if ask.text("email").is_some_and(|email| !is_email(&email)) {
        errors.add(AT, "email", codes::EMAIL_FORMAT);
    }
    if ask.below("custom_fields").names().any(|name| !state.settings.custom_fields.contains(name)) {
        errors.add(AT, "custom_fields", codes::CUSTOMER_CUSTOM_FIELD);
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.') && !host.contains('@')
    }) && !text.contains(char::is_whitespace)
}

/// The card that comes with the request, by nonce or by number.
fn card(state: &State, ask: &Ask, id: &str, now: DateTime<Utc>, errors: &mut Errors) -> Option<Card> {
    let path = &["customer", "credit_card"];
    let given = ask.below("credit_card");
    let nonce = ask.text("payment_method_nonce").or_else(|| given.text("payment_method_nonce"));
    let card = match nonce {
        Some(nonce) => vault::card_of_nonce(state, &nonce, now, path, NONCE_CODES, errors).map(|(card, _)| card),
        None if given.has("number") => vault::card_of_number(&given, path, errors),
        None => None,
    }?;
    if let Some(code) = given.text("token").and_then(|token| vault::token_fault(state, &token)) {
        errors.add(path, "token", code);
    }
    vault::check_duplicates(state, &card, id, &given.below("options"), errors);
    Some(card)
}

/// Stores the customer and its card. A failed verification stores neither; the nonce is spent all the same.
fn vault_card(
    world: &World,
    state: &mut State,
    ask: &Ask,
    call: &Call,
    card: Option<Card>,
    customer: Customer,
    now: DateTime<Utc>,
) -> Result<(), Reply> {
    let given = ask.below("credit_card");
    if let Some(nonce) = ask.text("payment_method_nonce").or_else(|| given.text("payment_method_nonce")) {
        state.spend_nonce(&nonce);
    }
    let id = customer.id.clone();
    let Some(card) = card else {
        state.customers.insert(id, customer);
        return Ok(());
    };
    let verification = methods::verified(world, state, &card, &given.below("options"), call, "customer.create", now)?;
    state.customers.insert(id.clone(), customer);
    let admission = Admission {
        token: given.text("token"),
        customer_id: id,
        card: Card { holder: given.text("cardholder_name").or_else(|| card.holder.clone()), ..card },
        billing: vault::billing_of(&given),
        make_default: given.below("options").flag("make_default"),
    };
    let token = vault::admit(state, admission, now);
    methods::link(state, verification.as_deref(), &token);
    Ok(())
}
