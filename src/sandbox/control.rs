//! The sandbox's own API under `/control`: faults, clock, staff, webhooks and the books. No vendor has any of this.

use super::{
    World, acts, attio, braintree, crm, desk, exchanges,
    faults::{Fault, Vendor},
    hooks::Delivery,
    mailbox,
    orders::{self, About, Limits, Move, Refused, WebhookOrder},
    page, scenario, transport, zoho,
};
use axum::{
    Json,
    extract::{
        FromRequest, Query, Request, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "error": self }))).into_response()
    }
}

/// A JSON body; what does not fit is refused in our own form.
struct Order<T>(T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Order<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Json(order) = Json::<T>::from_request(request, state).await.map_err(|rejection| {
            let message = match rejection {
                JsonRejection::JsonDataError(e) => e.body_text(),
                other => format!("expected a JSON body with `Content-Type: application/json`: {}", other.body_text()),
            };
            let field = message.split('`').nth(1).map(str::to_owned);
            Refused { field, message }
        })?;
        Ok(Self(order))
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Sandbox control",
    description = "Misbehaviour on order, a movable clock, acts by hand and the books of the simulated vendors."
))]
struct Description;

/// The routes and their description.
pub(super) fn router() -> axum::Router<Arc<World>> {
    let (router, api) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(books))
        .routes(routes!(list_faults, order_faults, clear_faults))
        .routes(routes!(read_clock, move_clock))
        .routes(routes!(list_acts, staff))
        .routes(routes!(list_webhooks, order_webhooks))
        .routes(routes!(limits))
        .routes(routes!(list_exchanges))
        .routes(routes!(show_scenario, play_scenario))
        .routes(routes!(reset))
        .routes(routes!(operations))
        .routes(routes!(description))
        .split_for_parts();
    let paths = serde_json::to_value(&api.paths).expect("an OpenAPI document is JSON");
    router.route("/control/openapi.json", axum::routing::get(async move || Json(api))).route(
        "/control",
        axum::routing::get(async move |State(world): State<Arc<World>>| Html(page::render(&world, &paths))),
    )
}

/// What was really done at each vendor, how often each operation was called, and what became of each webhook.
#[utoipa::path(get, path = "/control/books", responses((status = 200, body = Value)))]
async fn books(State(world): State<Arc<World>>) -> Json<Value> {
    Json(json!({
        "attio": attio::books(&world),
        "zoho": zoho::books(&world),
        "zoho_crm": crm::books(&world),
        "zoho_desk": desk::books(&world),
        "braintree": braintree::books(&world),
        "mail": mailbox::books(&world),
        "calls": world.calls.list(),
        "deliveries": world.hooks.log(),
    }))
}

/// Where each vendor is and the credentials that open it: sandbox values, made to be shown.
#[utoipa::path(get, path = "/control/description", responses((status = 200, body = Value)))]
async fn description(State(world): State<Arc<World>>) -> Json<Value> {
    Json(super::server::description(world.base_url(), &world))
}

/// The faults now on order.
#[utoipa::path(get, path = "/control/faults", responses((status = 200, body = Vec<Fault>)))]
async fn list_faults(State(world): State<Arc<World>>) -> Json<Vec<Fault>> {
    Json(world.faults.list())
}

/// Orders one fault, or a list of them: all, or with a 422 none.
#[utoipa::path(post, path = "/control/faults", request_body = Fault,
    responses((status = 200, body = Vec<Fault>), (status = 422, body = Refused)))]
async fn order_faults(
    State(world): State<Arc<World>>,
    Order(order): Order<Value>,
) -> Result<Json<Vec<Fault>>, Refused> {
    orders::carry_out(&world, About::Faults, order).await?;
    Ok(Json(world.faults.list()))
}

/// Takes all faults back.
#[utoipa::path(delete, path = "/control/faults", responses((status = 204)))]
async fn clear_faults(State(world): State<Arc<World>>) -> StatusCode {
    world.faults.clear();
    StatusCode::NO_CONTENT
}

/// The sandbox's present.
#[derive(Serialize, ToSchema)]
struct Present {
    /// UTC.
    now: DateTime<Utc>,
}

/// The sandbox's present.
#[utoipa::path(get, path = "/control/clock", responses((status = 200, body = Present)))]
async fn read_clock(State(world): State<Arc<World>>) -> Json<Present> {
    Json(Present { now: world.clock.now() })
}

/// Moves the clock; the vendors then do what became due, and due webhooks are sent.
#[utoipa::path(post, path = "/control/clock", request_body = Move,
    responses((status = 200, body = Present), (status = 422, body = Refused)))]
async fn move_clock(State(world): State<Arc<World>>, Order(order): Order<Value>) -> Result<Json<Present>, Refused> {
    orders::carry_out(&world, About::Clock, order).await?;
    Ok(Json(Present { now: world.clock.now() }))
}

/// The acts of people at each vendor's console: the fields of each; those that may be left out stand behind a semicolon.
#[utoipa::path(get, path = "/control/staff", responses((status = 200, body = Value)))]
async fn list_acts() -> Json<BTreeMap<Vendor, BTreeMap<&'static str, &'static str>>> {
    let of = |vendor| acts::of(vendor).iter().map(|act| (act.name, act.fields)).collect::<BTreeMap<_, _>>();
    Json(Vendor::ALL.into_iter().map(|vendor| (vendor, of(vendor))).filter(|(_, acts)| !acts.is_empty()).collect())
}

/// Plays an act of a person at a vendor's own console: vendor, act, and the act's own fields.
#[utoipa::path(post, path = "/control/staff", request_body = Value,
    responses((status = 200, body = Value), (status = 422, body = Refused)))]
async fn staff(State(world): State<Arc<World>>, Order(act): Order<Value>) -> Result<Json<Value>, Refused> {
    orders::carry_out(&world, About::Staff, act).await.map(Json)
}

/// The delivery log and its settings.
#[derive(Serialize, ToSchema)]
struct Webhooks {
    targets: BTreeMap<Vendor, String>,
    hold: bool,
    deliveries: Vec<Delivery>,
}

impl Webhooks {
    fn of(world: &World) -> Json<Self> {
        let (hold, targets) = world.hooks.settings();
        Json(Self { targets, hold, deliveries: world.hooks.log() })
    }
}

/// Where webhooks go and what became of each, oldest first.
#[utoipa::path(get, path = "/control/webhooks", responses((status = 200, body = Webhooks)))]
async fn list_webhooks(State(world): State<Arc<World>>) -> Json<Webhooks> {
    Webhooks::of(&world)
}

/// Says where webhooks go, or orders mischief with them.
#[utoipa::path(post, path = "/control/webhooks", request_body = WebhookOrder,
    responses((status = 200, body = Webhooks), (status = 422, body = Refused)))]
async fn order_webhooks(
    State(world): State<Arc<World>>,
    Order(order): Order<Value>,
) -> Result<Json<Webhooks>, Refused> {
    orders::carry_out(&world, About::Webhooks, order).await?;
    Ok(Webhooks::of(&world))
}

/// Lifts the vendors' own rate limits, or lets them hold again; those ordered as a fault hold always.
#[utoipa::path(post, path = "/control/limits", request_body = Limits,
    responses((status = 204), (status = 422, body = Refused)))]
async fn limits(State(world): State<Arc<World>>, Order(order): Order<Value>) -> Result<StatusCode, Refused> {
    orders::carry_out(&world, About::Limits, order).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which exchanges to show.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Of this vendor; absent: of all.
    vendor: Option<Vendor>,
    /// Of this operation; absent: of all.
    operation: Option<String>,
    /// With a higher number than this.
    #[serde(default)]
    after: u64,
}

/// The last 2,000 requests to the vendors and their answers, oldest first, without headers.
#[utoipa::path(get, path = "/control/exchanges", params(Wanted),
    responses((status = 200, body = Vec<exchanges::Shown>), (status = 422, body = Refused)))]
async fn list_exchanges(
    State(world): State<Arc<World>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Vec<exchanges::Shown>>, Refused> {
    let Query(wanted) = wanted.map_err(|rejection| Refused { field: None, message: rejection.body_text() })?;
    let shown = world.exchanges.list().into_iter().filter(|exchange| {
        exchange.number > wanted.after
            && wanted.vendor.is_none_or(|vendor| vendor == exchange.vendor)
            && wanted.operation.as_ref().is_none_or(|operation| operation == exchange.operation)
    });
    Ok(Json(shown.map(Into::into).collect()))
}

/// The orders since the start, as a scenario file (TOML): play it in another sandbox, or put it into a bug report. It may
/// hold what was typed here: look before you send it.
#[utoipa::path(get, path = "/control/scenario", responses((status = 200, body = String, content_type = "application/toml")))]
async fn show_scenario(State(world): State<Arc<World>>) -> Response {
    ([(header::CONTENT_TYPE, "application/toml")], scenario::of(&world)).into_response()
}

/// Plays a scenario file (TOML) step by step; answers what each step did. A step that cannot be carried out ends it there.
#[utoipa::path(post, path = "/control/scenario", request_body(content = String, content_type = "application/toml"),
    responses((status = 200, body = Vec<Value>), (status = 422, body = Refused)))]
async fn play_scenario(State(world): State<Arc<World>>, text: String) -> Result<Json<Vec<Value>>, Refused> {
    scenario::play(&world, &text).await.map(Json)
}

/// A new world: the vendors' state, faults, calls, webhooks and clock start again; credentials and webhook targets stay.
#[utoipa::path(post, path = "/control/reset", responses((status = 204)))]
async fn reset(State(world): State<Arc<World>>) -> StatusCode {
    fn renew<T: Default>(state: &Mutex<T>) {
        *state.lock().expect("vendor lock") = T::default();
    }
    world.faults.clear();
    world.clock.reset();
    renew(&world.attio);
    renew(&world.zoho);
    renew(&world.crm);
    renew(&world.desk);
    renew(&world.braintree);
    world.mailbox.clear();
    world.hooks.clear();
    world.calls.clear();
    world.exchanges.clear();
    world.journal.clear();
    StatusCode::NO_CONTENT
}

/// The operations that faults can be ordered for, by vendor.
#[utoipa::path(get, path = "/control/operations", responses((status = 200, body = BTreeMap<Vendor, Vec<String>>)))]
async fn operations() -> Json<BTreeMap<Vendor, Vec<&'static str>>> {
    Json(Vendor::ALL.map(|vendor| (vendor, transport::operations(vendor))).into())
}
