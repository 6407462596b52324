//! Braintree's gateway, simulated: the server API under `/merchants/{id}` (XML answers, XML or JSON requests), and the
//! client API and the scripts that the checkout page's browser uses.
//!
//! Not here: PayPal, Venmo and other instruments than cards; GraphQL.

mod accounts;
mod addresses;
mod billing;
mod body;
mod books;
mod call;
mod cards;
mod catalog;
mod client_token;
mod codes;
mod customers;
mod dispute;
mod disputes;
mod evidence;
mod expirations;
mod fields;
mod issuers;
mod keys;
mod life;
mod methods;
mod modifications;
mod money;
mod multipart;
mod processor;
mod refunds;
mod reply;
mod sale;
mod sale_request;
mod search;
mod settlement;
mod show;
mod show_dispute;
mod show_subscription;
mod staff;
mod staff_billing;
mod staff_disputes;
mod state;
mod subscription;
mod subscription_request;
mod subscriptions;
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
use super::faults::{Said, Vendor};
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
    // The gateway's own charges come over no route, but faults can be ordered for them.
    transport::name(Vendor::Braintree, billing::CHARGE);
    let all = [
        vault_routes(),
        transaction_routes(),
        subscription_routes(),
        dispute_routes(),
        verification_routes(),
        other_routes(),
    ];
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
        ("/customers/{id}/addresses", op("address.create", post(addresses::create))),
        (
            "/customers/{id}/addresses/{address}",
            op("address.find", get(addresses::find))
                .merge(op("address.update", put(addresses::update)))
                .merge(op("address.delete", delete(addresses::delete))),
        ),
        ("/payment_methods", op("payment_method.create", post(methods::create))),
        ("/payment_methods/any/{token}", method().merge(op("payment_method.update", put(methods::update)))),
        (
            "/payment_methods/credit_card/{token}",
            method().merge(op("payment_method.update", put(methods::update_card))),
        ),
        ("/payment_methods/from_nonce/{nonce}", op("payment_method.from_nonce", get(methods::find_by_nonce))),
        ("/payment_methods/all/expired_ids", op("payment_method.expired", post(expirations::expired_ids))),
        ("/payment_methods/all/expired", op("payment_method.expired_page", post(expirations::expired))),
        ("/payment_methods/all/expiring_ids", op("payment_method.expiring", post(expirations::expiring_ids))),
        ("/payment_methods/all/expiring", op("payment_method.expiring_page", post(expirations::expiring))),
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

fn subscription_routes() -> Vec<(&'static str, Routes)> {
    vec![
        ("/plans", op("plan.list", get(catalog::plans)).merge(op("plan.create", post(catalog::create)))),
        ("/plans/{id}", op("plan.find", get(catalog::find)).merge(op("plan.update", put(catalog::update)))),
        ("/add_ons", op("add_on.list", get(catalog::add_ons))),
        ("/discounts", op("discount.list", get(catalog::discounts))),
        ("/subscriptions", op("subscription.create", post(subscriptions::create))),
        ("/subscriptions/advanced_search_ids", op("subscription.search", post(subscriptions::search_ids))),
        ("/subscriptions/advanced_search", op("subscription.search_page", post(subscriptions::search_page))),
        (
            "/subscriptions/{id}",
            op("subscription.find", get(subscriptions::find))
                .merge(op("subscription.update", put(subscriptions::update))),
        ),
        ("/subscriptions/{id}/cancel", op("subscription.cancel", put(subscriptions::cancel))),
        ("/subscriptions/{id}/make_past_due", op("testing.make_past_due", put(subscriptions::make_past_due))),
    ]
}

fn dispute_routes() -> Vec<(&'static str, Routes)> {
    vec![
        ("/disputes/advanced_search", op("dispute.search", post(disputes::search))),
        ("/disputes/{id}", op("dispute.find", get(disputes::find))),
        ("/disputes/{id}/accept", op("dispute.accept", put(disputes::accept))),
        ("/disputes/{id}/finalize", op("dispute.finalize", put(disputes::finalize))),
        ("/disputes/{id}/evidence", op("dispute.add_evidence", post(evidence::add))),
        ("/disputes/{id}/evidence/{evidence}", op("dispute.remove_evidence", delete(evidence::remove))),
        ("/document_uploads", op("document_upload.create", post(evidence::upload))),
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

/// Has the merchant's webhook destination answer a challenge, and sends there from now on (the staff act
/// `register_webhook` with its `url`).
///
/// # Errors
/// A sentence saying what was wrong.
pub async fn register_webhook(world: &World, act: &Value) -> Result<Value, String> {
    let url = act.get("url").and_then(Value::as_str).ok_or("url is missing; expected text")?;
    webhooks::register(world, url).await?;
    Ok(serde_json::json!({ "url": url }))
}

/// Called after the clock moved: bills, settlement, payouts and expiries that became due.
pub fn tick(world: &World, now: DateTime<Utc>) {
    drop(settlement::open(world, now));
}

/// This vendor's own answer to a refusal on order: `Status`, `RateLimit`, `DailyQuota` or `Refuse` (`StatusAfter` comes
/// as `Status`). `None` where the vendor has no form of its own: then the bare status is answered.
pub(super) fn refusal(said: Said<'_>) -> Option<Response> {
    let reply = match said {
        Said::Status(401) => Reply::Unauthenticated,
        Said::Status(403) => Reply::Forbidden,
        Said::Status(404) => Reply::NotFound,
        Said::Status(422) => Reply::Unprocessable("Unknown error.".to_owned()),
        Said::Code(code) => {
            let known = codes::by_number(code);
            let message = known.map_or("Refused by order of a test.", |known| known.1);
            let place = known.map_or("base", codes::Code::place);
            let mut errors = Errors::default();
            errors.add_raw(&["transaction"], place, code.to_owned(), message.to_owned());
            Reply::Invalid(errors, Value::Null)
        }
        // The gateway publishes no rate limit and has no daily quota: 429 and the rest come without a form of their own.
        Said::Status(_) | Said::RateLimit | Said::DailyQuota => return None,
    };
    Some(reply.into_response())
}
