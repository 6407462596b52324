//! The sandbox's own API under `/control`: faults, clock, staff, webhooks and the books. No vendor has any of this.

use super::{
    World, attio, braintree, deliver,
    faults::{Fault, Vendor},
    hooks::{Delivery, Mischief},
    mailbox,
    period::Period,
    transport, zoho,
};
use axum::{
    Json,
    extract::{FromRequest, Request, State, rejection::JsonRejection},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex},
};
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

/// An order that cannot be carried out: 422, with the field at fault.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    /// Which field of the request was wrong, where it was one.
    pub field: Option<String>,
    /// What was expected there.
    pub message: String,
}

impl Refused {
    fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), message: message.into() }
    }
}

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
        .routes(routes!(staff))
        .routes(routes!(list_webhooks, order_webhooks))
        .routes(routes!(limits))
        .routes(routes!(reset))
        .routes(routes!(operations))
        .routes(routes!(description))
        .split_for_parts();
    let page = page(&api);
    router
        .route("/control/openapi.json", axum::routing::get(async move || Json(api)))
        .route("/control", axum::routing::get(async move || Html(page)))
}

/// What was really done at each vendor, how often each operation was called, and what became of each webhook.
#[utoipa::path(get, path = "/control/books", responses((status = 200, body = Value)))]
async fn books(State(world): State<Arc<World>>) -> Json<Value> {
    Json(json!({
        "attio": attio::books(&world),
        "zoho": zoho::books(&world),
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
    let orders = match order {
        Value::Array(list) => list,
        one => vec![one],
    };
    let faults = orders
        .iter()
        .map(|order| {
            Fault::parse(order, transport::operations).map_err(|(field, message)| Refused::new(&field, message))
        })
        .collect::<Result<Vec<_>, _>>()?;
    for fault in faults {
        world.faults.order(fault);
    }
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

/// Where to move the clock: one of the two fields.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Move {
    /// An ISO 8601 duration such as `P1D`, `P1M` or `PT90M`.
    advance: Option<String>,
    /// RFC 3339.
    set: Option<String>,
}

/// The sandbox's present.
#[utoipa::path(get, path = "/control/clock", responses((status = 200, body = Present)))]
async fn read_clock(State(world): State<Arc<World>>) -> Json<Present> {
    Json(Present { now: world.clock.now() })
}

/// Moves the clock; the vendors then do what became due, and due webhooks are sent.
#[utoipa::path(post, path = "/control/clock", request_body = Move,
    responses((status = 200, body = Present), (status = 422, body = Refused)))]
async fn move_clock(State(world): State<Arc<World>>, Order(order): Order<Move>) -> Result<Json<Present>, Refused> {
    match (order.advance, order.set) {
        (Some(by), None) => {
            let now = world.clock.now();
            let then = Period::parse(&by).map_err(|message| Refused::new("advance", message))?.after(now);
            let then = then.ok_or_else(|| Refused::new("advance", "reaches beyond the calendar"))?;
            world.clock.advance(then - now);
        }
        (None, Some(to)) => {
            let to = DateTime::parse_from_rfc3339(&to)
                .map_err(|_| Refused::new("set", "expected a time like 2026-11-21T10:00:00Z"))?;
            world.clock.set(to.to_utc());
        }
        (Some(_), Some(_)) | (None, None) => return Err(Refused::new("advance", "expected either advance or set")),
    }
    deliver::tick(&world);
    world.hooks.wake();
    Ok(Json(Present { now: world.clock.now() }))
}

/// Plays an act of a person at a vendor's own console: `{"vendor":…,"act":…}` and the act's own fields.
#[utoipa::path(post, path = "/control/staff", request_body = Value,
    responses((status = 200, body = Value), (status = 422, body = Refused)))]
async fn staff(State(world): State<Arc<World>>, Order(act): Order<Value>) -> Result<Json<Value>, Refused> {
    let vendor = act.get("vendor").and_then(|v| Vendor::deserialize(v).ok());
    let done = match vendor.ok_or_else(|| Refused::new("vendor", "expected attio, zoho or braintree"))? {
        Vendor::Attio => attio::staff(&world, &act),
        Vendor::Zoho => zoho::staff(&world, &act),
        Vendor::Braintree => braintree::staff(&world, &act),
        Vendor::Mail => {
            return Err(Refused::new("vendor", "the mail server has no console: expected attio, zoho or braintree"));
        }
    };
    done.map(Json).map_err(|message| Refused { field: None, message })
}

/// Orders about webhooks; every field is optional, at least one is expected.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookOrder {
    /// Where to deliver, by vendor; null: nowhere (Attio: where its API was told to).
    targets: Option<BTreeMap<Vendor, Option<String>>>,
    /// Which vendor's webhooks the next three mean; absent: any.
    vendor: Option<Vendor>,
    /// So many of the next webhooks are lost.
    drop_next: Option<u32>,
    /// So many of the next webhooks come twice.
    duplicate_next: Option<u32>,
    /// The next so many are collected, then delivered last first; 0 releases what was collected.
    reorder_next: Option<u32>,
    /// Keeps all back, or lets all go.
    hold: Option<bool>,
    /// The id of a delivery of the log, to be sent once more.
    resend: Option<Uuid>,
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
    Order(order): Order<WebhookOrder>,
) -> Result<Json<Webhooks>, Refused> {
    let targets = order.targets.unwrap_or_default();
    for url in targets.values().flatten() {
        url::Url::parse(url).map_err(|e| Refused::new("targets", format!("`{url}` is no URL: {e}")))?;
    }
    for (vendor, url) in targets {
        world.hooks.aim(vendor, url);
    }
    let mischiefs = [
        (Mischief::Drop, order.drop_next),
        (Mischief::Duplicate, order.duplicate_next),
        (Mischief::Reorder, order.reorder_next),
    ];
    for (mischief, times) in mischiefs {
        if let Some(times) = times {
            world.hooks.order(mischief, order.vendor, times);
        }
    }
    if let Some(held) = order.hold {
        world.hooks.hold(held);
    }
    if let Some(id) = order.resend
        && !world.hooks.resend(id)
    {
        return Err(Refused::new("resend", "no delivery with this id that has a target and is not being sent now"));
    }
    Ok(Webhooks::of(&world))
}

/// Whether the vendors' own rate limits hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Limits {
    hold: bool,
    /// Whose; unset: all vendors'.
    #[serde(default)]
    vendor: Option<Vendor>,
}

/// Lifts the vendors' own rate limits, or lets them hold again; those ordered as a fault hold always.
#[utoipa::path(post, path = "/control/limits", request_body = Limits,
    responses((status = 204), (status = 422, body = Refused)))]
async fn limits(State(world): State<Arc<World>>, Order(order): Order<Limits>) -> StatusCode {
    world.hold_limits(order.vendor.as_ref().map_or(&Vendor::ALL, std::slice::from_ref), order.hold);
    StatusCode::NO_CONTENT
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
    renew(&world.braintree);
    world.mailbox.clear();
    world.hooks.clear();
    world.calls.clear();
    StatusCode::NO_CONTENT
}

/// The operations that faults can be ordered for, by vendor.
#[utoipa::path(get, path = "/control/operations", responses((status = 200, body = BTreeMap<Vendor, Vec<String>>)))]
async fn operations() -> Json<BTreeMap<Vendor, Vec<&'static str>>> {
    Json(Vendor::ALL.map(|vendor| (vendor, transport::operations(vendor))).into())
}

/// What the control API can do, for people.
fn page(api: &utoipa::openapi::OpenApi) -> String {
    let mut rows = String::new();
    let described = serde_json::to_value(&api.paths).expect("an OpenAPI document is JSON");
    for (path, methods) in described.as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let summary = operation["summary"].as_str().unwrap_or_default();
            let method = method.to_uppercase();
            write!(rows, "<tr><td><code>{method} {path}</code></td><td>{summary}</td></tr>").expect("text grows");
        }
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Sandbox control</title>\
         <style>body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem}}\
         td{{padding:.3rem 1.5rem .3rem 0;vertical-align:top}}td:first-child{{white-space:nowrap}}\
         @media(max-width:45rem){{td{{display:block;padding:0}}td:first-child{{margin-top:.8rem}}}}</style>\
         <h1>Sandbox control</h1><p>Attio, Zoho and Braintree, simulated. No money moves here.</p>\
         <table>{rows}</table><p><a href=\"/control/openapi.json\">OpenAPI document</a> \
         · <a href=\"/control/books\">books</a> · <a href=\"/mailbox\">mailbox</a> · <a href=\"/control/webhooks\">webhooks</a></p></html>"
    )
}
