//! Payment methods: vault from a nonce with a token of the merchant's choice, find, update, delete, nonces. Cards only.

use super::call::{Ask, Call};
use super::cards::{self, Card};
use super::codes;
use super::fields::{self, Allowed};
use super::issuers::ThreeDs;
use super::money;
use super::reply::{Errors, Reply};
use super::state::State;
use super::subscription::Source;
use super::vault::{self, Admission, NonceCodes};
use super::xml::{Fields, Xml};
use super::{billing, settlement, show};
use crate::World;
use crate::credentials::MerchantAccount;
use crate::faults::{Kind, Vendor};
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use std::sync::Arc;

const NONCE_CODES: NonceCodes = NonceCodes { unknown: codes::NONCE_UNKNOWN, consumed: codes::NONCE_CONSUMED };
const CARD_NONCE_CODES: NonceCodes =
    NonceCodes { unknown: codes::CARD_NONCE_UNKNOWN, consumed: codes::CARD_NONCE_CONSUMED };

/// `POST /payment_methods`: from a nonce (`payment_method`), or the card gateway's form (`credit_card`).
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    if call.has_root("credit_card") { create_card(&world, &call) } else { create_from_nonce(&world, &call) }
}

fn create_from_nonce(world: &World, call: &Call) -> Reply {
    let ask = match call.ask("payment_method", &fields::PAYMENT_METHOD) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(world, now);
    let mut errors = Errors::default();
    let path = &["payment_method"];
    match ask.text("customer_id") {
        None => errors.add(path, "customer_id", codes::METHOD_CUSTOMER_REQUIRED),
        Some(id) if !state.customers.contains_key(&id) => {
            errors.add(path, "customer_id", codes::METHOD_CUSTOMER_INVALID);
        }
        Some(_) => {}
    }
    let card = if let Some(nonce) = ask.text("payment_method_nonce") {
        vault::card_of_nonce(&state, &nonce, now, path, NONCE_CODES, &mut errors).map(|(card, _)| card)
    } else {
        errors.add(path, "payment_method_nonce", codes::NONCE_REQUIRED);
        None
    };
    store(world, &mut state, call, &ask, card, errors, now)
}

fn create_card(world: &World, call: &Call) -> Reply {
    let ask = match call.ask("credit_card", &fields::CREDIT_CARD) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(world, now);
    let mut errors = Errors::default();
    let path = &["credit_card"];
    match ask.text("customer_id") {
        None => errors.add(path, "customer_id", codes::CARD_CUSTOMER_REQUIRED),
        Some(id) if !state.customers.contains_key(&id) => {
            errors.add(path, "customer_id", codes::CARD_CUSTOMER_INVALID);
        }
        Some(_) => {}
    }
    let card = match ask.text("payment_method_nonce") {
        Some(nonce) => {
            vault::card_of_nonce(&state, &nonce, now, path, CARD_NONCE_CODES, &mut errors).map(|(card, _)| card)
        }
        None => vault::card_of_number(&ask, path, &mut errors),
    };
    store(world, &mut state, call, &ask, card, errors, now)
}

/// Checks the rest, verifies where asked, stores.
fn store(
    world: &World,
    state: &mut State,
    call: &Call,
    ask: &Ask,
    card: Option<Card>,
    mut errors: Errors,
    now: DateTime<Utc>,
) -> Reply {
    let customer_id = ask.text("customer_id").unwrap_or_default();
    let options = ask.below("options");
    if let Some(code) = ask.text("token").and_then(|token| vault::token_fault(state, &token)) {
        errors.add(&["credit_card"], "token", code);
    }
    if let Some(card) = &card {
        vault::check_duplicates(state, card, &customer_id, &options, &mut errors);
    }
    let billing = vault::billing(state, &customer_id, ask, &mut errors);
    let Some(card) = card.filter(|_| errors.none()) else { return Reply::Invalid(errors, call.params()) };
    if let Some(nonce) = ask.text("payment_method_nonce") {
        state.spend_nonce(&nonce);
    }
    let verification = match verified(world, state, &card, &options, call, "payment_method.create", now) {
        Ok(verification) => verification,
        Err(reply) => return reply,
    };
    let admission = Admission {
        token: ask.text("token"),
        customer_id,
        card: Card { holder: ask.text("cardholder_name").or_else(|| card.holder.clone()), ..card },
        billing,
        make_default: options.flag("make_default"),
    };
    let token = vault::admit(state, admission, now);
    link(state, verification.as_deref(), &token);
    Reply::Made("credit-card", show::method(state, &state.methods[&token], now))
}

/// Verifies a card where `options.verify_card` asks for it: the verification's id.
///
/// # Errors
/// The error answer of a failed verification, or of a malformed request for one.
pub(super) fn verified(
    world: &World,
    state: &mut State,
    card: &Card,
    options: &Ask,
    call: &Call,
    operation: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, Reply> {
    if !options.flag("verify_card") {
        return Ok(None);
    }
    let accounts = &world.credentials.braintree.merchant_accounts;
    let path = &["credit_card", "options"];
    let Some(account) = account_of(accounts, options.text("verification_merchant_account_id")) else {
        let errors = Errors::one(path, "verification_merchant_account_id", codes::VERIFICATION_ACCOUNT);
        return Err(Reply::Invalid(errors, call.params()));
    };
    let amount = options.text("verification_amount").map_or(Ok(0), |text| money::parse(&text, &account.currency));
    let Ok(amount) = amount else {
        let errors = Errors::one(path, "verification_amount", codes::VERIFICATION_AMOUNT_FORMAT);
        return Err(Reply::Invalid(errors, call.params()));
    };
    let declines = |kind: &Kind| matches!(kind, Kind::Decline { .. });
    let decline = match world.faults.strike(Vendor::Braintree, operation, &call.text, declines) {
        Some(Kind::Decline { code }) => Some(code),
        _ => None,
    };
    let verification = vault::verify(state, card, amount, account, decline, now);
    if verification.passed() {
        return Ok(Some(verification.id));
    }
    let (message, subject) = (verification.message(), show::verification(&verification));
    Err(Reply::Refused { message, params: call.params(), name: "verification", subject })
}

/// The account of this id, or the default one.
pub(super) fn account_of(accounts: &[MerchantAccount], id: Option<String>) -> Option<&MerchantAccount> {
    match id {
        Some(id) => accounts.iter().find(|a| a.id == id),
        None => accounts.first(),
    }
}

/// Notes which stored card a verification belongs to.
pub(super) fn link(state: &mut State, verification: Option<&str>, token: &str) {
    if let Some(verification) = state.verifications.iter_mut().find(|v| Some(v.id.as_str()) == verification) {
        verification.token = Some(token.to_owned());
    }
}

/// `GET /payment_methods/any/{token}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "payment_method.find", &call.text, now);
    let state = settlement::open(&world, now);
    match state.methods.get(call.id()).filter(|method| sight.reaches(method.created_at)) {
        Some(method) => Reply::Found("credit-card", show::method(&state, method, now)),
        None => Reply::NotFound,
    }
}

/// `GET /payment_methods/from_nonce/{nonce}`: the stored card that a nonce was made from.
pub(super) async fn find_by_nonce(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let state = settlement::open(&world, now);
    let token = state.open_nonce(call.id(), now).ok().and_then(|(_, token)| token);
    let method = token.and_then(|token| state.methods.get(&token));
    method.map_or(Reply::NotFound, |method| Reply::Found("credit-card", show::method(&state, method, now)))
}

/// `PUT /payment_methods/any/{token}`.
pub(super) async fn update(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    update_as(&world, &call, "payment_method", &fields::PAYMENT_METHOD)
}

/// `PUT /payment_methods/credit_card/{token}`.
pub(super) async fn update_card(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    update_as(&world, &call, "credit_card", &fields::CREDIT_CARD)
}

fn update_as(world: &World, call: &Call, root: &'static str, allowed: &Allowed) -> Reply {
    let ask = match call.ask(root, allowed) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(world, now);
    let Some(mut method) = state.methods.get(call.id()).cloned() else { return Reply::NotFound };
    let mut errors = Errors::default();
    let renamed = ask.text("token").filter(|token| *token != method.token);
    if let Some(code) = renamed.as_deref().and_then(|token| vault::token_fault(&state, token)) {
        errors.add(&["credit_card"], "token", code);
    }
    if let Some(card) = changed_card(&state, &ask, &method.card, root, now, &mut errors) {
        method.card = card;
    }
    let billing = vault::billing(&state, &method.customer_id, &ask, &mut errors);
    if !errors.none() {
        return Reply::Invalid(errors, call.params());
    }
    if let Some(nonce) = ask.text("payment_method_nonce") {
        state.spend_nonce(&nonce);
    }
    let options = ask.below("options");
    let verification = match verified(world, &mut state, &method.card, &options, call, "payment_method.update", now) {
        Ok(verification) => verification,
        Err(reply) => {
            // What the bank says of a stored card is among its verifications, a refusal too.
            let refused = state.verifications.last_mut().filter(|v| v.created_at == now && !v.passed());
            if let Some(verification) = refused {
                verification.token = Some(method.token.clone());
            }
            return reply;
        }
    };
    method.card.three_ds = None;
    method.billing = billing.or(method.billing);
    method.updated_at = now;
    let was_default = state.is_default(&method);
    state.methods.remove(&method.token);
    method.token = renamed.unwrap_or(method.token);
    let token = method.token.clone();
    if let Some(customer) = state.customers.get_mut(&method.customer_id)
        && (was_default || options.flag("make_default"))
    {
        customer.default_token = Some(token.clone());
    }
    state.methods.insert(token.clone(), method);
    state.subscriptions.iter_mut().filter(|s| s.token == call.id()).for_each(|s| s.token.clone_from(&token));
    link(&mut state, verification.as_deref(), &token);
    Reply::Found("credit-card", show::method(&state, &state.methods[&token], now))
}

/// The card after an update: another number or nonce, another expiration, another name.
fn changed_card(
    state: &State,
    ask: &Ask,
    old: &Card,
    root: &'static str,
    now: DateTime<Utc>,
    errors: &mut Errors,
) -> Option<Card> {
    let mut card = match ask.text("payment_method_nonce") {
        Some(nonce) => {
            let own = if root == "payment_method" { NONCE_CODES } else { CARD_NONCE_CODES };
            vault::card_of_nonce(state, &nonce, now, &[root], own, errors)?.0
        }
        None if ask.has("number") => vault::card_of_number(ask, &["credit_card"], errors)?,
        None => old.clone(),
    };
    if ["expiration_date", "expiration_month", "expiration_year"].into_iter().any(|name| ask.text(name).is_some()) {
        match cards::expiration(ask) {
            Ok((month, year)) => (card.month, card.year) = (month, year),
            Err((attribute, code)) => errors.add(&["credit_card"], attribute, code),
        }
    }
    card.holder = ask.text("cardholder_name").or_else(|| card.holder.clone()).or_else(|| old.holder.clone());
    Some(card)
}

/// `DELETE /payment_methods/any/{token}`: the subscriptions that it pays for are canceled at once.
pub(super) async fn delete(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    billing::cancel_all_of(&world, &mut state, call.id(), Source::Api, now);
    if state.remove_method(call.id()).is_some() { Reply::Deleted } else { Reply::NotFound }
}

/// `POST /payment_methods/{token}/nonces`: a nonce that charges the stored card.
pub(super) async fn create_nonce(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(method) = state.methods.get(call.id()).cloned() else { return Reply::NotFound };
    let nonce = state.make_nonce(method.card, Some(method.token), now);
    Reply::Made("payment-method-nonce", shown(&nonce, &state.nonces[&nonce].card, false))
}

/// `GET /payment_method_nonces/{nonce}`: with its 3-D Secure authentication, also of a consumed one.
pub(super) async fn find_nonce(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let state = settlement::open(&world, now);
    let found = match state.nonces.get(call.id()) {
        Some(own) => Some((own.card.clone(), own.used)),
        None => state.open_nonce(call.id(), now).ok().map(|(card, _)| (card, false)),
    };
    found.map_or(Reply::NotFound, |(card, used)| Reply::Found("payment-method-nonce", shown(call.id(), &card, used)))
}

fn shown(nonce: &str, card: &Card, used: bool) -> Xml {
    let details = Fields::new()
        .text("bin", &card.bin)
        .text("card_type", card.brand)
        .text("last_two", &card.last_4[2..])
        .text("last_four", &card.last_4)
        .text("expiration_month", &card.month)
        .text("expiration_year", &card.year);
    Xml::Node(
        Fields::new()
            .text("type", "CreditCard")
            .text("nonce", nonce)
            .text("description", "")
            .flag("consumed", used)
            .flag("default", false)
            .node("details", details)
            .put("three_d_secure_info", card.three_ds.as_ref().map_or(Xml::Nil, ThreeDs::xml))
            .nils(&["authentication_insight"])
            .maybe("is_locked", Some("false")),
    )
}
