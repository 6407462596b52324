//! One call to Zoho Billing: who may make it, what it brings, and the way to its handler.

use super::State;
use super::accounts::Access;
use super::errors::Refusal;
use super::fields::Fields;
use super::host;
use super::ids::Id;
use super::limits::Ticket;
use super::lookups::{self, Lookup};
use super::reply::Answer;
use crate::World;
use crate::faults::{Kind, Vendor};
use axum::body::{Bytes, to_bytes};
use axum::extract::{RawPathParams, Request, State as Shared};
use axum::http::{Method, header, request::Parts};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::Arc;

/// The header that names the organisation.
const ORGANIZATION: &str = "x-com-zoho-subscriptions-organizationid";
/// Larger bodies are refused.
const MAX_BODY: usize = 1 << 20;

/// The organisation at one moment: where all that is done to it is done.
pub(super) struct Org<'a> {
    pub(super) world: &'a World,
    pub(super) state: &'a mut State,
    pub(super) now: DateTime<Utc>,
}

impl Org<'_> {
    /// The present day (UTC).
    pub(super) fn today(&self) -> NaiveDate {
        self.now.date_naive()
    }
}

/// What a handler gets.
pub(super) struct Call<'a> {
    pub(super) org: Org<'a>,
    operation: &'static str,
    /// Path and query, for faults.
    target: String,
    params: HashMap<String, String>,
    query: HashMap<String, String>,
    body: Bytes,
    /// Whether the caller asked for a PDF.
    pub(super) wants_pdf: bool,
    /// What a list shall show on order.
    pub(super) lookup: Lookup,
}

/// A handler of one operation.
pub(super) type Handler = fn(&mut Call<'_>) -> Answer;

/// One operation of the API. Its path begins below `/billing/v1`.
pub(super) struct Route {
    pub(super) operation: &'static str,
    pub(super) method: MethodFilter,
    pub(super) path: &'static str,
    pub(super) handler: Handler,
}

/// A line of a resource's table of routes.
pub(super) const fn route(
    operation: &'static str,
    method: MethodFilter,
    path: &'static str,
    handler: Handler,
) -> Route {
    Route { operation, method, path, handler }
}

impl Call<'_> {
    /// A parameter of the path.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.get(name).map_or("", String::as_str)
    }

    /// The id in the path; `resource` is its English name, for the refusal of what cannot be one.
    pub(super) fn id(&self, resource: &str) -> Result<Id, Refusal> {
        Id::read(self.param("id")).ok_or_else(|| Refusal::unknown(resource))
    }

    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// An id in the query.
    pub(super) fn query_id(&self, name: &str) -> Result<Option<Id>, Refusal> {
        self.query(name).map(|text| Id::read(text).ok_or_else(|| Refusal::invalid(name))).transpose()
    }

    /// The body's bytes.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body's fields.
    pub(super) fn fields(&self) -> Result<Fields, Refusal> {
        Fields::read(&self.body)
    }

    /// Lists show only what was created up to this moment: a late search index is a fault on order.
    pub(super) fn horizon(&self) -> DateTime<Utc> {
        let late = |kind: &Kind| matches!(kind, Kind::LateIndex { .. });
        match self.org.world.faults.strike(Vendor::Zoho, self.operation, &self.target, late) {
            Some(Kind::LateIndex { seconds }) => self.org.now - TimeDelta::seconds(seconds),
            _ => DateTime::<Utc>::MAX_UTC,
        }
    }
}

/// The HTTP handler of one operation.
pub(super) fn serve(
    operation: &'static str,
    handler: Handler,
) -> impl Fn(Shared<Arc<World>>, RawPathParams, Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static
{
    move |Shared(world), params, request| {
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let ticket = match admit(&world, &parts) {
                Ok(ticket) => ticket,
                Err(refusal) => return refusal.into_response(),
            };
            let answer = match to_bytes(body, MAX_BODY).await {
                Ok(body) => run(&world, operation, handler, params, &parts, body),
                Err(_) => Err(Refusal::invalid("JSONString")),
            };
            let mut response = answer.into_response();
            ticket.tell(response.headers_mut());
            response
        })
    }
}

fn run(
    world: &World,
    operation: &'static str,
    handler: Handler,
    params: HashMap<String, String>,
    parts: &Parts,
    body: Bytes,
) -> Answer {
    let query: HashMap<_, _> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let wants_pdf = accept == Some("application/pdf") || query.get("accept").is_some_and(|accept| accept == "pdf");
    let now = world.clock.now();
    let mut state = world.zoho.lock().expect("zoho lock");
    Org { world, state: &mut state, now }.roll();
    let target = parts.uri.to_string();
    let lookup = if parts.method == Method::GET { lookups::ordered(world, operation, &target) } else { Lookup::True };
    if parts.method != Method::GET {
        state.remember(world, now);
    }
    let mut other = state.shown_to(lookup, now);
    let org = Org { world, state: other.as_mut().unwrap_or(&mut state), now };
    handler(&mut Call { org, operation, target, params, query, body, wants_pdf, lookup })
}

/// Checks token, scope, organisation and limits, in this order.
fn admit(world: &World, parts: &Parts) -> Result<Ticket, Refusal> {
    let token = host::token(&parts.headers).ok_or_else(Refusal::no_token)?;
    let now = world.clock.now();
    let mut state = world.zoho.lock().expect("zoho lock");
    match state.accounts.access(token, &scope(parts), now) {
        Access::Granted => {}
        // Zoho tells a missing scope with the same code as a bad token.
        Access::Unknown | Access::OutOfScope => return Err(Refusal::unauthorized()),
    }
    let organization = parts.headers.get(ORGANIZATION).and_then(|value| value.to_str().ok());
    let organization = organization.ok_or_else(|| Refusal::missing("organization_id"))?;
    if organization != world.credentials.zoho.organization_id {
        return Err(Refusal::invalid("organization_id"));
    }
    let State { limits, settings, .. } = &mut *state;
    limits.enter(settings, now, world.limits_hold(Vendor::Zoho))
}

/// The scope that a call needs: by its module and, as Zoho's documents have it for each call, by its method alone.
fn scope(parts: &Parts) -> String {
    let mut path = parts.uri.path().trim_start_matches("/billing/v1/").split('/');
    let module = match path.next().unwrap_or_default() {
        "estimates" => "quotes",
        "transactions" => "customers",
        "events" => "webhooks",
        "invoice" => "invoices",
        module => module,
    };
    let act = match parts.method {
        Method::POST => "CREATE",
        Method::PUT => "UPDATE",
        Method::DELETE => "DELETE",
        _ => "READ",
    };
    format!("ZohoSubscriptions.{module}.{act}")
}
