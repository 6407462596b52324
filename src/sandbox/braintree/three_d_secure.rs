//! 3-D Secure in the client API: the lookup that asks the issuer about a nonce and an amount, the page on which an issuer
//! asks the cardholder, and the exchange of the issuer's signed answer for a new nonce. Stands in for the issuer and for
//! the network's own script as well. It charges nothing.

use super::client_token::{Visitor, open_to_browsers, refused, unauthorized};
use super::issuers::{CHALLENGED, Proof, REFUSED, ThreeDs};
use super::methods;
use super::money;
use super::settlement;
use super::state::{Challenge, State, letters};
use crate::World;
use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// The issuer's page, below this server's root; the transaction stands behind the `#`.
const ISSUER_PAGE: &str = "braintree-web/issuer.html";

/// `POST /client_api/v1/payment_methods/{nonce}/three_d_secure/lookup`: consumes the nonce, and answers with another one
/// that carries what the issuer said. `lookup.acsUrl` is set where the cardholder has to answer the issuer first.
pub(super) async fn lookup(
    Shared(world): Shared<Arc<World>>,
    Path((merchant, nonce)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    let Some(visitor) = Visitor::of_body(&world, &merchant, &body) else { return unauthorized() };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    if !state.settings.three_d_secure {
        return refused("Merchant account must have 3D Secure enabled.");
    }
    let accounts = &world.credentials.braintree.merchant_accounts;
    let Some(account) = methods::account_of(accounts, Some(visitor.merchant_account)) else {
        return refused("Merchant account is not valid.");
    };
    let Some(amount) = amount_of(&body, &account.currency) else {
        return refused("Amount must be a positive number in the currency of the merchant account.");
    };
    let Ok((mut card, token)) = state.open_nonce(&nonce, now) else { return not_found() };
    let challenged = card.issuer.challenges(body["challengeRequested"].as_bool() == Some(true));
    let proof = Proof::new(amount, &account.id, card.brand, challenged);
    let answer = if challenged { CHALLENGED } else { card.issuer.answer };
    card.three_ds = Some(ThreeDs { answer, proof: Some(proof) });
    state.spend_nonce(&nonce);
    let nonce = state.make_nonce(card, token, now);
    let mut found = enriched(&state, &nonce);
    let asked = challenged.then(|| uuid::Uuid::new_v4().to_string());
    let url = asked.as_ref().map(|id| format!("{}/{ISSUER_PAGE}#{id}", world.base_url()));
    found["lookup"] = json!({
        "acsUrl": url, "transactionId": asked, "threeDSecureVersion": "2.2.0", "pareq": "", "md": "", "termUrl": "",
    });
    if let Some(id) = asked {
        let amount = format!("{} {}", account.currency, money::show(amount, &account.currency));
        state.challenges.insert(id, Challenge { nonce, amount, signed: None });
    }
    open_to_browsers(StatusCode::CREATED, found)
}

/// `POST /client_api/v1/payment_methods/{nonce}/three_d_secure/authenticate_from_jwt`: the issuer's answer, for a nonce.
pub(super) async fn authenticate(
    Shared(world): Shared<Arc<World>>,
    Path((merchant, nonce)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    if Visitor::of_body(&world, &merchant, &body).is_none() {
        return unauthorized();
    }
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let signed = state
        .challenges
        .values()
        .filter(|challenge| challenge.nonce == nonce)
        .find_map(|challenge| challenge.signed.clone().filter(|(jwt, _)| body["jwt"] == **jwt));
    let Some((_, said)) = signed else { return refused("The answer of the issuer is not valid for this card.") };
    let Ok((mut card, token)) = state.open_nonce(&nonce, now) else { return not_found() };
    if let Some(three_ds) = &mut card.three_ds {
        three_ds.answer = said;
    }
    state.spend_nonce(&nonce);
    state.challenges.retain(|_, challenge| challenge.nonce != nonce);
    let nonce = state.make_nonce(card, token, now);
    let mut answer = enriched(&state, &nonce);
    answer["success"] = json!(true);
    open_to_browsers(StatusCode::OK, answer)
}

/// `GET /issuer/{transaction}`: what the issuer's page shows.
pub(super) async fn question(Shared(world): Shared<Arc<World>>, Path(transaction): Path<String>) -> Response {
    let state = settlement::open(&world, world.clock.now());
    match waiting(&state, &transaction, world.clock.now()) {
        Some((challenge, last_4)) => {
            Json(json!({"amount": challenge.amount, "cardEndsIn": last_4, "merchant": "Sandbox merchant"}))
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `POST /issuer/{transaction}` with `{"confirmed": true | false}`: the cardholder answers, once; the issuer signs it.
pub(super) async fn reply(
    Shared(world): Shared<Arc<World>>,
    Path(transaction): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let Some(confirmed) = body["confirmed"].as_bool() else {
        return refused("confirmed is missing; expected true or false");
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    if waiting(&state, &transaction, now).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let card = |state: &State| {
        let nonce = &state.challenges.get(&transaction)?.nonce;
        Some(state.nonces.get(nonce)?.card.issuer.answer)
    };
    let said = if confirmed { card(&state).unwrap_or(REFUSED) } else { REFUSED };
    let jwt = format!("{}.{}.{}", letters(36), letters(120), letters(43));
    if let Some(challenge) = state.challenges.get_mut(&transaction) {
        challenge.signed = Some((jwt.clone(), said));
    }
    Json(json!({"jwt": jwt})).into_response()
}

/// A challenge that nobody answered yet, and the end of its card's number.
fn waiting<'a>(state: &'a State, transaction: &str, now: DateTime<Utc>) -> Option<(&'a Challenge, String)> {
    let challenge = state.challenges.get(transaction).filter(|challenge| challenge.signed.is_none())?;
    let (card, _) = state.open_nonce(&challenge.nonce, now).ok()?;
    Some((challenge, card.last_4))
}

/// The nonce with its authentication, as both calls of the browser get it.
fn enriched(state: &State, nonce: &str) -> Value {
    let card = &state.nonces[nonce].card;
    let info = card.three_ds.as_ref().map(ThreeDs::json);
    let mut method = super::client_token::shown(nonce, card);
    method["threeDSecureInfo"] = json!(info);
    json!({"paymentMethod": method, "threeDSecureInfo": info})
}

/// A positive amount in minor units; the browser sends text or a number.
fn amount_of(body: &Value, currency: &str) -> Option<i64> {
    let text = match &body["amount"] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    money::parse(&text, currency).ok().filter(|amount| *amount > 0)
}

fn not_found() -> Response {
    let message = "Payment method nonce is unknown, expired or consumed.";
    open_to_browsers(StatusCode::NOT_FOUND, json!({"error": {"message": message}}))
}
