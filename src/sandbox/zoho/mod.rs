//! Zoho, simulated: Accounts (OAuth 2.0) and Billing v1 with its hosted pages and test gateway, one file a resource.
//!
//! Billing has no idempotency key and no upsert: a repeated POST makes a second object here as there. What Zoho's
//! documents leave open is a switch in `settings`, never a thing to rely on. CRM and Desk are siblings (`crm`, `desk`)
//! that take the access tokens of the Accounts here.

mod accounts;
mod addons;
mod books;
mod call;
mod cards;
mod catalog;
mod changes;
mod coupons;
mod credit_notes;
mod customers;
mod dates;
mod dunning;
mod errors;
mod events;
mod fields;
mod hooks;
mod host;
mod hosted_page_calls;
mod hosted_pages;
mod ids;
mod invoice_calls;
mod invoice_views;
mod invoices;
mod items;
mod lifecycle;
mod limits;
mod list;
mod lookups;
mod money;
mod notices;
mod offers;
mod payments;
mod pricing;
mod print;
mod quote_calls;
mod quotes;
mod refunds;
mod reply;
mod settings;
mod staff;
mod staff_catalog;
mod staff_customers;
mod subscription_calls;
mod subscription_extras;
mod subscriptions;
mod taxes;
mod transactions;

use super::World;
use super::faults::Vendor;
use super::transport::{self, op};
use axum::Router;
use axum::routing::{MethodFilter, get, on, post};
use call::{Org, Route, serve};
use chrono::{DateTime, NaiveDate, Utc};
use ids::Id;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use books::books;
pub(crate) use errors::refusal;
pub(crate) use host::{gateway_page, json, token};
pub use staff::staff;

/// All that this vendor holds.
#[derive(Debug, Clone, Default)]
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
    items: BTreeMap<Id, items::Item>,
    quotes: BTreeMap<Id, quotes::Quote>,
    taxes: BTreeMap<Id, taxes::Tax>,
    customers: BTreeMap<Id, customers::Customer>,
    subscriptions: BTreeMap<Id, subscriptions::Subscription>,
    cards: BTreeMap<Id, cards::Card>,
    pages: BTreeMap<Id, hosted_pages::Page>,
    invoices: BTreeMap<Id, invoices::Invoice>,
    payments: BTreeMap<Id, payments::Payment>,
    /// Kept for the books: the API does not know them any more.
    deleted_payments: Vec<payments::Payment>,
    notes: BTreeMap<Id, credit_notes::CreditNote>,
    refunds: BTreeMap<Id, refunds::Refund>,
    events: BTreeMap<Id, events::Event>,
    /// The day up to which subscriptions were renewed.
    rolled_to: Option<NaiveDate>,
    /// The states before the last changes, while reads of an old state are on order.
    past: Vec<(DateTime<Utc>, State)>,
}

/// The tables of routes of all resources.
const RESOURCES: &[&[Route]] = &[
    catalog::ROUTES,
    addons::ROUTES,
    coupons::ROUTES,
    customers::ROUTES,
    cards::ROUTES,
    subscription_calls::ROUTES,
    subscription_extras::ROUTES,
    invoice_calls::ROUTES,
    payments::ROUTES,
    credit_notes::ROUTES,
    refunds::ROUTES,
    transactions::ROUTES,
    items::ROUTES,
    quote_calls::ROUTES,
    hosted_page_calls::ROUTES,
    events::ROUTES,
];

/// The vendor's HTTP surface.
pub fn router() -> Router<Arc<World>> {
    transport::name(Vendor::Zoho, dunning::CHARGE);
    let accounts = Router::new()
        .route("/oauth/v2/token", op(Vendor::Zoho, "token.refresh", post(accounts::token)))
        .route(
            "/hostedpage/{code}/checkout",
            op(Vendor::Zoho, "hostedpage.checkout", get(hosted_page_calls::show).post(hosted_page_calls::submit)),
        )
        .route("/oauth/v2/token/revoke", op(Vendor::Zoho, "token.revoke", post(accounts::revoke)));
    let methods = MethodFilter::GET.or(MethodFilter::POST).or(MethodFilter::PUT).or(MethodFilter::DELETE);
    let unknown = on(methods, async || errors::Refusal::no_such_url());
    let routes = RESOURCES.iter().flat_map(|table| table.iter());
    routes.fold(accounts.route("/billing/v1/{*rest}", op(Vendor::Zoho, "unknown", unknown)), |router, route| {
        let handler = on(route.method, serve(route.operation, route.handler));
        router.route(&format!("/billing/v1{}", route.path), op(Vendor::Zoho, route.operation, handler))
    })
}

/// Whether an access token of Accounts is good now: CRM and Desk take the same ones.
pub(super) fn accepts(world: &World, token: &str) -> bool {
    world.zoho.lock().expect("zoho lock").accounts.accepts(token, world.clock.now())
}

/// Called after the clock moved: subscriptions that became due are started, renewed or ended.
pub fn tick(world: &World, now: DateTime<Utc>) {
    let mut state = world.zoho.lock().expect("zoho lock");
    Org { world, state: &mut state, now }.roll();
}
