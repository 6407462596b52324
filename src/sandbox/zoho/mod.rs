//! Zoho, simulated: Accounts (OAuth 2.0) and Billing v1, one file a resource.
//!
//! Billing has no idempotency key and no upsert: a repeated POST makes a second object here as there. What Zoho's
//! documents leave open is a switch in `settings`, never a thing to rely on. CRM and Desk are not here yet.

mod accounts;
mod addons;
mod books;
mod call;
mod catalog;
mod coupons;
mod credit_notes;
mod customers;
mod dates;
mod errors;
mod events;
mod fields;
mod hooks;
mod ids;
mod invoice_calls;
mod invoices;
mod lifecycle;
mod limits;
mod list;
mod money;
mod offers;
mod payments;
mod pricing;
mod refunds;
mod reply;
mod settings;
mod staff;
mod staff_catalog;
mod subscription_calls;
mod subscriptions;
mod taxes;
mod transactions;

use super::World;
use super::faults::Vendor;
use super::transport::op;
use axum::Router;
use axum::routing::{MethodFilter, on, post};
use call::{Org, Route, serve};
use chrono::{DateTime, NaiveDate, Utc};
use ids::Id;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use books::books;
pub use errors::refusal;
pub use staff::staff;

/// All that this vendor holds.
#[derive(Debug, Default)]
pub struct State {
    accounts: accounts::Accounts,
    settings: settings::Settings,
    limits: limits::Limits,
    counters: ids::Counters,
    products: BTreeMap<Id, catalog::Product>,
    /// By plan code.
    plans: BTreeMap<String, catalog::Plan>,
    /// By add-on code.
    addons: BTreeMap<String, addons::Addon>,
    /// By coupon code.
    coupons: BTreeMap<String, coupons::Coupon>,
    taxes: BTreeMap<Id, taxes::Tax>,
    customers: BTreeMap<Id, customers::Customer>,
    subscriptions: BTreeMap<Id, subscriptions::Subscription>,
    invoices: BTreeMap<Id, invoices::Invoice>,
    payments: BTreeMap<Id, payments::Payment>,
    /// Kept for the books: the API does not know them any more.
    deleted_payments: Vec<payments::Payment>,
    notes: BTreeMap<Id, credit_notes::CreditNote>,
    refunds: BTreeMap<Id, refunds::Refund>,
    events: BTreeMap<Id, events::Event>,
    /// The day up to which subscriptions were renewed.
    rolled_to: Option<NaiveDate>,
}

/// The tables of routes of all resources.
const RESOURCES: &[&[Route]] = &[
    catalog::ROUTES,
    addons::ROUTES,
    coupons::ROUTES,
    customers::ROUTES,
    subscription_calls::ROUTES,
    invoice_calls::ROUTES,
    payments::ROUTES,
    credit_notes::ROUTES,
    refunds::ROUTES,
    transactions::ROUTES,
    events::ROUTES,
];

/// The vendor's HTTP surface.
pub fn router() -> Router<Arc<World>> {
    let accounts = Router::new()
        .route("/oauth/v2/token", op(Vendor::Zoho, "token.refresh", post(accounts::token)))
        .route("/oauth/v2/token/revoke", op(Vendor::Zoho, "token.revoke", post(accounts::revoke)));
    let methods = MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::DELETE);
    let unknown = on(methods, async || errors::Refusal::no_such_url());
    let routes = RESOURCES.iter().flat_map(|table| table.iter());
    routes.fold(accounts.route("/billing/v1/{*rest}", op(Vendor::Zoho, "unknown", unknown)), |router, route| {
        let handler = on(route.method, serve(route.operation, route.handler));
        router.route(&format!("/billing/v1{}", route.path), op(Vendor::Zoho, route.operation, handler))
    })
}

/// Called after the clock moved: subscriptions that became due are started, renewed or ended.
pub fn tick(world: &World, now: DateTime<Utc>) {
    let mut state = world.zoho.lock().expect("zoho lock");
    Org { world, state: &mut state, now }.roll();
}
