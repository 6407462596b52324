//! One call to Zoho CRM: who may make it, what it brings, and the way to its handler.

use super::errors::{At, Refusal};
use super::limits::Ticket;
use super::state::{State, Who};
use super::watch::Changes;
use crate::World;
use crate::faults::{Sight, Vendor};
use crate::zoho;
use axum::body::{Bytes, to_bytes};
use axum::extract::{RawPathParams, Request, State as Shared};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Larger bodies are refused.
const MAX_BODY: usize = 4 << 20;

/// The organisation at one moment: where all that is done to it is done.
pub(super) struct Org<'a> {
    pub(super) world: &'a World,
    pub(super) state: &'a mut State,
    pub(super) now: DateTime<Utc>,
    pub(super) who: Who,
    /// What the call changed, for those who watch.
    pub(super) changes: Changes,
}

impl<'a> Org<'a> {
    pub(super) fn new(world: &'a World, state: &'a mut State, who: Who) -> Self {
        Self { world, state, now: world.clock.now(), who, changes: Changes::default() }
    }
}

/// What a handler gets.
pub(super) struct Call<'a> {
    pub(super) org: Org<'a>,
    operation: &'static str,
    /// Path, query and body, for faults.
    target: String,
    params: HashMap<String, String>,
    query: HashMap<String, String>,
    headers: HeaderMap,
    body: Bytes,
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    /// Without one the answer has no body at all.
    pub(super) body: Option<Value>,
}

/// What a handler answers.
pub(super) type Answer = Result<Reply, Refusal>;

impl Reply {
    pub(super) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body) }
    }

    /// Nothing was found.
    pub(super) fn nothing() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        match self.body {
            Some(body) => zoho::json(self.status, body.to_string()),
            None => self.status.into_response(),
        }
    }
}

/// A handler of one operation.
pub(super) type Handler = fn(&mut Call<'_>) -> Answer;

/// One operation of the API. Its path begins below `/crm/v8`.
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

    /// A parameter of the query; an empty one is none.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A number from 1 in the query.
    pub(super) fn number(&self, name: &str, default: usize) -> Result<usize, Refusal> {
        self.query(name).map_or(Ok(default), |text| {
            text.parse().ok().filter(|n| *n > 0).ok_or_else(|| Refusal::invalid_param(name))
        })
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty())
    }

    /// A moment in a header.
    pub(super) fn header_time(&self, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
        let read = |text| DateTime::parse_from_rfc3339(text).map(|at| at.to_utc());
        self.header(name).map(read).transpose().map_err(|_| Refusal::invalid_param(name))
    }

    /// The module in the path.
    pub(super) fn module(&self) -> Result<&'static str, Refusal> {
        let module = self.org.state.module(self.param("module")).ok_or_else(Refusal::unknown_module)?;
        Ok(module.api_name)
    }

    /// The body: a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(Refusal::mistyped(&At { within: "$", key: "body" }, "jsonobject")),
        }
    }

    /// The objects under `key` of the body, at most `limit`, and the body.
    pub(super) fn objects(&self, key: &str, limit: usize) -> Result<(Vec<Value>, Map<String, Value>), Refusal> {
        let mut body = self.object()?;
        let at = At { within: "$", key };
        let list = match body.remove(key) {
            None | Some(Value::Null) => return Err(Refusal::missing(&at)),
            Some(Value::Array(list)) if list.is_empty() => return Err(Refusal::missing(&at)),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(Refusal::mistyped(&at, "jsonarray")),
        };
        if list.len() > limit {
            return Err(Refusal::too_many(&at, limit));
        }
        if let Some(wrong) = list.iter().position(|one| !one.is_object()) {
            return Err(Refusal::mistyped(&At { within: "$", key: &format!("{key}[{wrong}]") }, "jsonobject"));
        }
        Ok((list, body))
    }

    /// What this call, a look-up, sees.
    pub(super) fn look(&self) -> Sight {
        self.org.world.faults.sight(Vendor::ZohoCrm, self.operation, &self.target, self.org.now)
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
            if let Err(refusal) = authorize(&world, &parts.headers) {
                return refusal.into_response();
            }
            let Ok(body) = to_bytes(body, MAX_BODY).await else {
                return Refusal::too_many(&At { within: "$", key: "body" }, MAX_BODY).into_response();
            };
            let _ticket = match admit(&world, operation, &body) {
                Ok(ticket) => ticket,
                Err(refusal) => return refusal.into_response(),
            };
            run(&world, operation, handler, params, &parts, body).into_response()
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
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let target = format!("{}\n{}", parts.uri, String::from_utf8_lossy(&body));
    let mut state = world.crm.lock().expect("crm lock");
    let org = Org::new(world, &mut state, Who::Integration);
    let mut call = Call { org, operation, target, params, query, headers: parts.headers.clone(), body };
    let answer = handler(&mut call);
    call.org.tell_watchers();
    answer
}

/// Whether there is a good access token.
fn authorize(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let token = zoho::token(headers).ok_or_else(Refusal::no_token)?;
    if zoho::accepts(world, token) { Ok(()) } else { Err(Refusal::bad_token()) }
}

/// Counts the call: a write of many records costs a credit for each ten, a query one besides.
fn admit(world: &World, operation: &str, body: &[u8]) -> Result<Ticket, Refusal> {
    let records = match serde_json::from_slice::<Value>(body) {
        Ok(body) => body["data"].as_array().map_or(0, Vec::len),
        Err(_) => 0,
    };
    let query = operation == "query";
    let price = u64::try_from(records.div_ceil(10)).unwrap_or(u64::MAX).max(1) + u64::from(query);
    let mut state = world.crm.lock().expect("crm lock");
    let State { limits, settings, .. } = &mut *state;
    let heavy = query || records > 10;
    limits.enter(settings, world.clock.now(), price, heavy, world.limits_hold(Vendor::ZohoCrm))
}
