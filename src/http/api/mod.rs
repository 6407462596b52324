//! The private API, version 1. Described by itself at `/api/v1/openapi.json`.

mod activations;
pub mod bulk;
pub mod cancellations;
mod card_links;
mod catalog;
mod crm_checks;
mod disputes;
pub mod erasures;
pub mod explain;
pub mod forecast;
pub mod hand_overs;
mod inbox;
pub mod orders;
mod people;
mod plan_changes;
pub mod reconciliation;
pub mod refunds;
pub mod requests;
mod roles;
mod sagas;
mod signups;
mod tickets;
pub mod tokens;
mod transactions;
pub mod view;

use super::App;
use axum::Json;
use axum::Router;
use axum::routing::get;
pub use transactions::instant;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "attio-billing",
        description = "Sagas, the transaction log and the inbox of one installation. Amounts are integers of minor units."
    ),
    servers((url = "/api/v1")),
    security(("token" = [])),
    modifiers(&Guard)
)]
struct Description;

/// The guard, as the description names it.
struct Guard;

impl Modify for Guard {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        description.components.get_or_insert_default().add_security_scheme("token", bearer);
    }
}

/// All routes of the API, without their guard.
pub fn router() -> Router<App> {
    let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(sagas::list))
        .routes(routes!(sagas::show))
        .routes(routes!(explain::explain))
        .routes(routes!(sagas::resume))
        .routes(routes!(sagas::decide))
        .routes(routes!(orders::order))
        .routes(routes!(orders::preview))
        .routes(routes!(requests::list))
        .routes(routes!(requests::approve))
        .routes(routes!(requests::reject))
        .routes(routes!(bulk::list, bulk::start))
        .routes(routes!(bulk::show))
        .routes(routes!(bulk::approve))
        .routes(routes!(bulk::cancel))
        .routes(routes!(activations::order))
        .routes(routes!(catalog::sync))
        .routes(routes!(crm_checks::check))
        .routes(routes!(card_links::order))
        .routes(routes!(tickets::open))
        .routes(routes!(people::change))
        .routes(routes!(people::check))
        .routes(routes!(signups::sign_up))
        .routes(routes!(signups::show))
        .routes(routes!(signups::move_trial))
        .routes(routes!(cancellations::cancel))
        .routes(routes!(cancellations::decide_money))
        .routes(routes!(erasures::start))
        .routes(routes!(erasures::confirm))
        .routes(routes!(erasures::withdraw))
        .routes(routes!(erasures::hold))
        .routes(routes!(erasures::lift))
        .routes(routes!(erasures::certificate))
        .routes(routes!(plan_changes::ask))
        .routes(routes!(plan_changes::show))
        .routes(routes!(plan_changes::acceptance))
        .routes(routes!(plan_changes::cancel))
        .routes(routes!(refunds::start))
        .routes(routes!(refunds::preview))
        .routes(routes!(refunds::approve))
        .routes(routes!(refunds::reject))
        .routes(routes!(refunds::decide))
        .routes(routes!(hand_overs::ask))
        .routes(routes!(hand_overs::preview))
        .routes(routes!(hand_overs::show))
        .routes(routes!(hand_overs::approve))
        .routes(routes!(hand_overs::stop))
        .routes(routes!(hand_overs::decide))
        .routes(routes!(hand_overs::redirect))
        .routes(routes!(disputes::show))
        .routes(routes!(disputes::submit))
        .routes(routes!(disputes::accept))
        .routes(routes!(disputes::close))
        .routes(routes!(transactions::list))
        .routes(routes!(transactions::csv))
        .routes(routes!(inbox::summary))
        .routes(routes!(inbox::deliveries))
        .routes(routes!(forecast::show))
        .routes(routes!(reconciliation::list, reconciliation::start))
        .routes(routes!(reconciliation::show))
        .routes(routes!(reconciliation::report))
        .routes(routes!(reconciliation::stop))
        .routes(routes!(reconciliation::resume))
        .routes(routes!(reconciliation::findings))
        .routes(routes!(reconciliation::csv))
        .routes(routes!(reconciliation::finding))
        .routes(routes!(reconciliation::decide))
        .routes(routes!(reconciliation::approve))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::approve))
        .routes(routes!(tokens::revoke))
        .split_for_parts();
    let description = roles::named(description);
    router.route("/openapi.json", get(move || async move { Json(description) }))
}
