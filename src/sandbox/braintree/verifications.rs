//! Card verifications: asked for on their own, found, searched. Those of a vaulting are made in `methods`.

use super::call::{Ask, Call};
use super::codes;
use super::money;
use super::reply::{Errors, Reply};
use super::search::{self, Field, Refusal};
use super::state::{Customer, State, Verification};
use super::vault::{self, NonceCodes};
use super::{fields, methods, settlement, show};
use crate::World;
use crate::faults::Vendor;
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
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "verification.search", &call.text, now);
    let state = settlement::open(&world, now);
    search::ids(sight, found(&state, &call), |v| &v.id, |v| v.created_at)
}

/// `POST /verifications/advanced_search`.
pub(super) async fn search_page(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    search::page("credit-card-verifications", "verification", found(&state, &call), show::verification)
}

/// Newest first.
fn found<'a>(state: &'a State, call: &Call) -> Result<Vec<&'a Verification>, Refusal> {
    search::matches(call, state.verifications.iter().rev(), |v, name| match name {
        "id" => Field::Text(Some(v.id.clone())),
        "status" => Field::Text(Some(v.status.to_owned())),
        "payment_method_token" => Field::Text(v.token.clone()),
        "verification_type" => Field::Text(Some("credit_card".to_owned())),
        "created_at" => Field::Time(Some(v.created_at)),
        "credit_card_card_type" => Field::Text(Some(v.card.brand.to_owned())),
        "credit_card_cardholder_name" => Field::Text(v.card.holder.clone()),
        "credit_card_expiration_date" => Field::Text(Some(format!("{}/{}", v.card.month, v.card.year))),
        "credit_card_number" => Field::Cards(vec![(&v.card).into()]),
        "customer_id" => Field::Text(owner(state, v).map(|c| c.id.clone())),
        "customer_email" => Field::Text(owner(state, v).and_then(|c| c.person.get("email").cloned())),
        "billing_address_details_postal_code" => {
            let method = v.token.as_ref().and_then(|token| state.methods.get(token));
            let billing = method.and_then(|m| m.billing.as_ref());
            Field::Text(billing.and_then(|b| b.get("postal_code")?.as_str().map(str::to_owned)))
        }
        _ => Field::Unknown,
    })
}

/// Whose card was verified, where it was stored.
fn owner<'a>(state: &'a State, of: &Verification) -> Option<&'a Customer> {
    state.customers.get(&state.methods.get(of.token.as_ref()?)?.customer_id)
}
