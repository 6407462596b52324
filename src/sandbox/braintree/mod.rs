//! Braintree's gateway, simulated: the server API under `/merchants/{id}` (XML answers, XML or JSON requests), and the
//! client API and the scripts that the checkout page's browser uses.
//!
//! Not here: PayPal, Venmo and other instruments than cards; subscriptions, plans and disputes; GraphQL.

mod accounts;
mod body;
mod books;
mod call;
mod cards;
mod client_token;
mod codes;
mod customers;
mod fields;
mod issuers;
mod keys;
mod life;
mod methods;
mod money;
mod processor;
mod refunds;
mod reply;
mod sale;
mod sale_request;
mod search;
mod settlement;
mod show;
mod staff;
mod state;
mod three_d_secure;
mod transaction;
mod transaction_search;
mod vault;
mod verifications;
mod web;
mod webhooks;
mod xml;

pub use state::State;

use super::World;
use super::faults::{Kind, Vendor};
use super::transport;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use chrono::{DateTime, Utc};
use reply::{Errors, Reply};
use serde_json::Value;
use std::sync::Arc;
use tower_http::compression::CompressionLayer;

type Routes = MethodRouter<Arc<World>>;

fn op(name: &'static str, routes: Routes) -> Routes {
    transport::op(Vendor::Braintree, name, routes)
}

/// The vendor's HTTP surface. Paths are taken with and without a trailing slash. Answers are compressed whenever the
/// caller takes gzip, empty ones too, as the gateway does.
pub fn router() -> Router<Arc<World>> {
    let all = [vault_routes(), transaction_routes(), verification_routes(), other_routes()];
    all.into_iter()
        .flatten()
        .fold(Router::new(), |router, (path, routes)| {
            let path = format!("/merchants/{{merchant}}{path}");
            router.route(&format!("{path}/"), routes.clone()).route(&path, routes)
        })
        .route("/braintree-web/{file}", get(web::file))
        .route(
            "/issuer/{transaction}",
            op("issuer.question", get(three_d_secure::question))
                .merge(op("issuer.answer", post(three_d_secure::reply))),
        )
        .layer(CompressionLayer::new().compress_when(
            |_: StatusCode, _: axum::http::Version, _: &axum::http::HeaderMap, _: &axum::http::Extensions| true,
        ))
}

fn vault_routes() -> Vec<(&'static str, Routes)> {
    let method =
        || op("payment_method.find", get(methods::find)).merge(op("payment_method.delete", delete(methods::delete)));
    vec![
        ("/customers", op("customer.create", post(customers::create))),
        ("/customers/advanced_search_ids", op("customer.search", post(customers::search_ids))),
        ("/customers/advanced_search", op("customer.search_page", post(customers::search_page))),
        (
            "/customers/{id}",
            op("customer.find", get(customers::find))
                .merge(op("customer.update", put(customers::update)))
                .merge(op("customer.delete", delete(customers::delete))),
        ),
        ("/payment_methods", op("payment_method.create", post(methods::create))),
        ("/payment_methods/any/{token}", method().merge(op("payment_method.update", put(methods::update)))),
        (
            "/payment_methods/credit_card/{token}",
            method().merge(op("payment_method.update", put(methods::update_card))),
        ),
        ("/payment_methods/{token}/nonces", op("payment_method_nonce.create", post(methods::create_nonce))),
        ("/payment_method_nonces/{nonce}", op("payment_method_nonce.find", get(methods::find_nonce))),
    ]
}

fn transaction_routes() -> Vec<(&'static str, Routes)> {
    vec![
        ("/transactions", op("transaction.sale", post(sale::create))),
        ("/transactions/advanced_search_ids", op("transaction.search", post(transaction_search::ids))),
        ("/transactions/advanced_search", op("transaction.search_page", post(transaction_search::page))),
        ("/transactions/{id}", op("transaction.find", get(life::find))),
        ("/transactions/{id}/line_items", op("transaction.line_items", get(life::line_items))),
        ("/transactions/{id}/submit_for_settlement", op("transaction.submit_for_settlement", put(life::submit))),
        (
            "/transactions/{id}/submit_for_partial_settlement",
            op("transaction.submit_for_partial_settlement", post(life::submit_partially)),
        ),
        ("/transactions/{id}/void", op("transaction.void", put(life::void))),
        ("/transactions/{id}/refund", op("transaction.refund", post(refunds::refund))),
        ("/transactions/{id}/reverse", op("transaction.reverse", post(refunds::reverse))),
        ("/transactions/{id}/update_details", op("transaction.update_details", put(life::update_details))),
        ("/transactions/{id}/settle", op("testing.settle", put(life::settle))),
        ("/transactions/{id}/settlement_confirm", op("testing.settlement_confirm", put(life::settlement_confirm))),
        ("/transactions/{id}/settlement_pending", op("testing.settlement_pending", put(life::settlement_pending))),
        ("/transactions/{id}/settlement_decline", op("testing.settlement_decline", put(life::settlement_decline))),
    ]
}

fn verification_routes() -> Vec<(&'static str, Routes)> {
    vec![
        ("/verifications", op("verification.create", post(verifications::create))),
        ("/verifications/advanced_search_ids", op("verification.search", post(verifications::search_ids))),
        ("/verifications/advanced_search", op("verification.search_page", post(verifications::search_page))),
        ("/verifications/{id}", op("verification.find", get(verifications::find))),
    ]
}

fn other_routes() -> Vec<(&'static str, Routes)> {
    let browser = |name, routes: Routes| op(name, routes).options(client_token::preflight);
    vec![
        ("/client_token", op("client_token.create", post(client_token::create))),
        ("/client_api/v1/configuration", browser("client_api.configuration", get(client_token::configuration))),
        ("/client_api/v1/payment_methods/credit_cards", browser("client_api.tokenize", post(client_token::tokenize))),
        (
            "/client_api/v1/payment_methods/{nonce}/three_d_secure/lookup",
            browser("client_api.three_d_secure_lookup", post(three_d_secure::lookup)),
        ),
        (
            "/client_api/v1/payment_methods/{nonce}/three_d_secure/authenticate_from_jwt",
            browser("client_api.three_d_secure_authenticate", post(three_d_secure::authenticate)),
        ),
        ("/merchant_accounts", op("merchant_account.list", get(accounts::list))),
        ("/merchant_accounts/{id}", op("merchant_account.find", get(accounts::find))),
        ("/settlement_batch_summary", op("settlement_batch_summary", post(accounts::batch_summary))),
    ]
}

/// Ground truth: what was really done, in plain JSON for `GET /control/books`.
pub fn books(world: &World) -> Value {
    books::show(&settlement::open(world, world.clock.now()))
}

/// An act of a person at the vendor's own console (`POST /control/staff`, `{"vendor":…,"act":…,…}`).
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub fn staff(world: &World, act: &Value) -> Result<Value, String> {
    staff::play(world, act)
}

/// Called after the clock moved: settlement, payouts and expiries that became due.
pub fn tick(world: &World, now: DateTime<Utc>) {
    drop(settlement::open(world, now));
}

/// This vendor's own answer to a refusal on order: `Status`, `RateLimit`, `DailyQuota` or `Refuse` (`StatusAfter` comes
/// as `Status`). `None` where the vendor has no form of its own: then the bare status is answered.
pub fn refusal(kind: &Kind, _now: DateTime<Utc>) -> Option<Response> {
    let reply = match kind {
        Kind::Status { status: 401 } => Reply::Unauthenticated,
        Kind::Status { status: 403 } => Reply::Forbidden,
        Kind::Status { status: 404 } => Reply::NotFound,
        Kind::Status { status: 422 } => Reply::SearchFailed("Unknown error."),
        Kind::Refuse { code } => {
            let message = codes::by_number(code).map_or("Refused by order of a test.", |known| known.1);
            let mut errors = Errors::default();
            errors.add_raw(&["transaction"], "base", code.clone(), message.to_owned());
            Reply::Invalid(errors, Value::Null)
        }
        // The gateway publishes no rate limit and has no daily quota: 429 and the rest come without a form of their own.
        Kind::Status { .. }
        | Kind::RateLimit
        | Kind::DailyQuota
        | Kind::Latency { .. }
        | Kind::TimeoutBefore
        | Kind::TimeoutAfter
        | Kind::ResetBefore
        | Kind::ResetAfter
        | Kind::CutAfter
        | Kind::StatusAfter { .. }
        | Kind::Decline { .. }
        | Kind::GatewayReject { .. }
        | Kind::LateIndex { .. } => return None,
    };
    Some(reply.into_response())
}
