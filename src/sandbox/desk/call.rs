//! One call to Zoho Desk: who may make it, what it brings, and the way to its handler.

use super::errors::Refusal;
use super::state::{State, Ticketed};
use crate::World;
use crate::faults::{Sight, Vendor};
use crate::zoho;
use axum::body::{Bytes, to_bytes};
use axum::extract::{RawPathParams, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Larger bodies are refused.
const MAX_BODY: usize = 4 << 20;
/// Names the organisation.
const ORGANIZATION: &str = "orgid";

/// What a handler gets.
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    pub(super) state: &'a mut State,
    pub(super) now: DateTime<Utc>,
    route: &'static Route,
    /// Path, query and body, for faults.
    target: String,
    params: HashMap<String, String>,
    query: HashMap<String, String>,
    body: Bytes,
}

/// What a handler answers: an object, or that nothing was found.
pub(super) type Answer = Result<Option<Value>, Refusal>;
/// A handler of one operation.
pub(super) type Handler = fn(&mut Call<'_>) -> Answer;

/// One operation of the API. Its path begins below `/api/v1`.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) operation: &'static str,
    pub(super) method: MethodFilter,
    pub(super) path: &'static str,
    /// The parameters that it takes; any other is refused.
    parameters: &'static [&'static str],
    pub(super) handler: Handler,
}

/// A line of a resource's table of routes.
pub(super) const fn route(
    operation: &'static str,
    method: MethodFilter,
    path: &'static str,
    parameters: &'static [&'static str],
    handler: Handler,
) -> Route {
    Route { operation, method, path, parameters, handler }
}

impl Call<'_> {
    /// The id in the path.
    pub(super) fn id(&self) -> Result<u64, Refusal> {
        self.params.get("id").and_then(|id| id.parse().ok()).ok_or_else(Refusal::not_found)
    }

    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// The body: a JSON object.
    pub(super) fn fields(&self) -> Result<Map<String, Value>, Refusal> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(Refusal::unprocessable("The JSON given is not valid.")),
        }
    }

    /// What this call, a look-up, sees.
    pub(super) fn look(&self) -> Sight {
        self.world.faults.sight(Vendor::ZohoDesk, self.route.operation, &self.target, self.now)
    }

    /// What a search sees: its index is behind.
    pub(super) fn indexed(&self) -> Sight {
        self.look().behind(TimeDelta::seconds(self.state.settings.search_lag_seconds), self.now)
    }

    /// The page of these that `from` (counted from 1) and `limit` ask for.
    pub(super) fn page(&self, all: Vec<u64>, most: usize) -> Result<Vec<u64>, Refusal> {
        let number = |name: &str, default: usize| {
            self.query(name).map_or(Ok(default), |text| text.parse().map_err(|_| Refusal::parameter(name)))
        };
        let (from, limit) = (number("from", 1)?, number("limit", 10)?);
        if limit == 0 || limit > most {
            return Err(Refusal::parameter("limit"));
        }
        Ok(all.into_iter().skip(from.saturating_sub(1)).take(limit).collect())
    }
}

/// The HTTP handler of one operation.
pub(super) fn serve(
    route: &'static Route,
) -> impl Fn(Shared<Arc<World>>, RawPathParams, Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + 'static
{
    move |Shared(world), params, request| {
        let params = params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let ticket = match admit(&world, route, &parts) {
                Ok(ticket) => ticket,
                Err(refusal) => return refusal.into_response(),
            };
            let answer = match to_bytes(body, MAX_BODY).await {
                Ok(body) => run(&world, route, params, &parts, body),
                Err(_) => Err(Refusal::too_large()),
            };
            let mut response = match answer {
                Ok(Some(body)) => zoho::json(StatusCode::OK, body.to_string()),
                Ok(None) => StatusCode::NO_CONTENT.into_response(),
                Err(refusal) => refusal.into_response(),
            };
            let headers = response.headers_mut();
            headers.insert("x-rate-limit-request-weight-v3", 1.into());
            headers.insert("x-rate-limit-remaining-v3", ticket.left.into());
            response
        })
    }
}

fn run(world: &World, route: &'static Route, params: HashMap<String, String>, parts: &Parts, body: Bytes) -> Answer {
    let query: HashMap<String, String> =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    if let Some(extra) = query.keys().filter(|name| !route.parameters.contains(&name.as_str())).min() {
        return Err(Refusal::extra_parameter(extra));
    }
    let target = format!("{}\n{}", parts.uri, String::from_utf8_lossy(&body));
    let mut state = world.desk.lock().expect("desk lock");
    let now = world.clock.now();
    (route.handler)(&mut Call { world, state: &mut state, now, route, target, params, query, body })
}

/// Checks token, organisation, content type and limits, in this order.
fn admit(world: &World, route: &Route, parts: &Parts) -> Result<Ticketed, Refusal> {
    let text = |name: &str| header_text(&parts.headers, name);
    let token = zoho::token(&parts.headers).ok_or_else(Refusal::no_token)?;
    if !zoho::accepts(world, token) {
        return Err(Refusal::bad_token());
    }
    // Organisations are listed to find out which one to name.
    if route.path != "/organizations" && text(ORGANIZATION) != Some(&world.credentials.zoho.desk_organization_id) {
        return Err(Refusal::parameter("orgId"));
    }
    let writes = parts.method == Method::POST || parts.method == Method::PATCH;
    if writes && !text(header::CONTENT_TYPE.as_str()).is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(Refusal::wrong_content_type());
    }
    let mut state = world.desk.lock().expect("desk lock");
    state.enter(world.clock.now(), world.limits_hold(Vendor::ZohoDesk))
}

fn header_text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
