//! Card verifications: asked for on their own, found, searched. Those of a vaulting are made in `methods`.

use super::call::{Ask, Call};
use super::codes;
use super::money;
use super::reply::{Errors, Reply};
use super::search::{self, Field, Refusal};
use super::state::{State, Verification};
use super::vault::{self, NonceCodes};
use super::{fields, methods, settlement, show};
use crate::sandbox::World;
use axum::extract::State as Shared;
use std::sync::Arc;

const AT: &[&str] = &["verification"];
const NONCE_CODES: NonceCodes = NonceCodes { unknown: codes::NONCE_UNKNOWN, consumed: codes::NONCE_CONSUMED };

/// `POST /verifications`.
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("verification", &fields::VERIFICATION) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let mut errors = Errors::default();
    let options = ask.below("options");
    let accounts = &world.credentials.braintree.merchant_accounts;
    let account = methods::account_of(accounts, options.text("merchant_account_id"));
    if account.is_none() {
        errors.add(&["verification", "options"], "merchant_account_id", codes::VERIFICATION_ACCOUNT);
    }
    let currency = account.map_or("", |a| a.currency.as_str());
    let amount = options.text("amount").map_or(Ok(0), |text| money::parse(&text, currency));
    if amount.is_err() {
        errors.add(&["verification", "options"], "amount", codes::VERIFICATION_AMOUNT_FORMAT);
    }
    let card = match ask.text("payment_method_nonce") {
        Some(nonce) => vault::card_of_nonce(&state, &nonce, now, AT, NONCE_CODES, &mut errors).map(|(card, _)| card),
        None => vault::card_of_number(&ask.below("credit_card"), &["verification", "credit_card"], &mut errors),
    };
    let (Some(account), Ok(amount), Some(card), true) = (account, amount, card, errors.none()) else {
        return Reply::Invalid(errors, call.params());
    };
    spend(&mut state, &ask);
    let verification = vault::verify(&mut state, &card, amount, account, None, now);
    let subject = show::verification(&verification);
    if verification.passed() {
        return Reply::Made("verification", subject);
    }
    Reply::Refused { message: verification.message(), params: call.params(), name: "verification", subject }
}

fn spend(state: &mut State, ask: &Ask) {
    if let Some(nonce) = ask.text("payment_method_nonce") {
        state.spend_nonce(&nonce);
    }
}

/// `GET /verifications/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    let found = state.verifications.iter().find(|v| v.id == call.id());
    found.map_or(Reply::NotFound, |v| Reply::Found("verification", show::verification(v)))
}

/// `POST /verifications/advanced_search_ids`.
pub(super) async fn search_ids(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    match found(&state, &call) {
        Ok(found) => search::ids(found.into_iter().map(|v| v.id.clone()).collect()),
        Err(refusal) => refusal.into(),
    }
}

/// `POST /verifications/advanced_search`.
pub(super) async fn search_page(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    match found(&state, &call) {
        Ok(found) => {
            let objects = found.into_iter().map(show::verification).collect();
            search::page("credit-card-verifications", "verification", objects)
        }
        Err(refusal) => refusal.into(),
    }
}

/// Newest first.
fn found<'a>(state: &'a State, call: &Call) -> Result<Vec<&'a Verification>, Refusal> {
    search::matches(call, state.verifications.iter().rev(), |v, name| match name {
        "id" => Field::Text(Some(v.id.clone())),
        "status" => Field::Text(Some(v.status.to_owned())),
        "payment_method_token" => Field::Text(v.token.clone()),
        "verification_type" => Field::Text(Some("credit_card".to_owned())),
        "created_at" => Field::Time(Some(v.created_at)),
        _ => Field::Unknown,
    })
}
