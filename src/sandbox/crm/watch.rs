//! Notifications: channels under `/actions/watch`, and what CRM sends to them.
//!
//! A channel ends by itself; nobody is told. A notification is authentic by its channel's token alone.

use super::call::{Answer, Call, Org, Reply, Route, route};
use super::errors::{At, Refusal};
use super::ids::Id;
use super::state::{State, time};
use crate::faults::Vendor;
use crate::hooks::Hook;
use axum::http::StatusCode;
use axum::routing::MethodFilter;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

/// Channels of one call.
const CHANNELS: usize = 100;
/// A channel lives at most so long; one that asks for more, or for nothing, gets an hour.
const LONGEST: TimeDelta = TimeDelta::days(1);
const USUAL: TimeDelta = TimeDelta::hours(1);
/// Characters of a token.
const TOKEN: usize = 50;

pub(super) const ROUTES: &[Route] = &[
    route("watch.enable", MethodFilter::POST, "/actions/watch", enable),
    route("watch.update", MethodFilter::PUT, "/actions/watch", update),
    route("watch.disable_events", MethodFilter::PATCH, "/actions/watch", disable_events),
    route("watch.list", MethodFilter::GET, "/actions/watch", list),
    route("watch.disable", MethodFilter::DELETE, "/actions/watch", disable),
];

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Insert,
    Update,
    Delete,
}

impl Operation {
    /// As a notification says it.
    fn word(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// As a channel's event asks for it.
    fn event(self) -> &'static str {
        match self {
            Self::Insert => "create",
            Self::Update => "edit",
            Self::Delete => "delete",
        }
    }
}

#[derive(Debug)]
struct Change {
    operation: Operation,
    module: &'static str,
    id: Id,
    fields: Vec<String>,
}

/// What one call changed.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<Change>);

/// A channel: which events go where.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    id: String,
    /// Module and event: `Contacts`, `edit`.
    events: Vec<(&'static str, String)>,
    expires: DateTime<Utc>,
    token: Option<String>,
    url: String,
    values: bool,
}

impl Channel {
    fn wants(&self, change: &Change) -> bool {
        let event = change.operation.event();
        self.events.iter().any(|(module, wanted)| *module == change.module && (wanted == event || wanted == "all"))
    }

    /// The modules, each once.
    fn modules(&self) -> Vec<&'static str> {
        let mut modules: Vec<&str> = self.events.iter().map(|(module, _)| *module).collect();
        modules.sort_unstable();
        modules.dedup();
        modules
    }
}

impl State {
    /// Ends the channels whose time is over.
    pub(super) fn end_channels(&mut self, now: DateTime<Utc>) {
        self.channels.retain(|_, channel| channel.expires > now);
    }
}

impl Org<'_> {
    /// Notes a change, for those who watch.
    pub(super) fn changed(&mut self, operation: Operation, module: &'static str, id: Id, fields: &[String]) {
        self.changes.0.push(Change { operation, module, id, fields: fields.to_vec() });
    }

    /// Tells every channel what it asked for: one notification for each module and kind of change.
    pub(super) fn tell_watchers(&mut self) {
        let changes = std::mem::take(&mut self.changes.0);
        self.state.end_channels(self.now);
        for channel in self.state.channels.values() {
            let mut told: Vec<(Operation, &str)> = Vec::new();
            for change in changes.iter().filter(|change| channel.wants(change)) {
                if told.contains(&(change.operation, change.module)) {
                    continue;
                }
                told.push((change.operation, change.module));
                let alike = |other: &&Change| (other.operation, other.module) == (change.operation, change.module);
                let body = self.notification(channel, &changes.iter().filter(alike).collect::<Vec<_>>());
                let hook = Hook {
                    vendor: Vendor::ZohoCrm,
                    kind: format!("{}.{}", change.module, change.operation.event()),
                    headers: vec![("content-type".to_owned(), "application/json;charset=UTF-8".to_owned())],
                    body: body.to_string().into_bytes(),
                };
                self.world.hooks.send_to(hook, channel.url.clone());
            }
        }
    }

    fn notification(&self, channel: &Channel, changes: &[&Change]) -> Value {
        let (operation, module) = changes.first().map_or((Operation::Update, ""), |one| (one.operation, one.module));
        let affected = |change: &&Change| json!({ (change.id.to_string()): change.fields });
        let values = |change: &&Change| {
            let record = self.state.records.get(&change.id)?;
            let held = |name: &String| (name.clone(), self.state.value(record, record.now(), name));
            let values: Map<String, Value> = change.fields.iter().map(held).collect();
            Some(json!({ "record_id": change.id.to_string(), "values": values }))
        };
        let fields: Vec<Value> = match operation {
            Operation::Update => changes.iter().map(affected).collect(),
            Operation::Insert | Operation::Delete => Vec::new(),
        };
        let values: Vec<Value> = if channel.values { changes.iter().filter_map(values).collect() } else { Vec::new() };
        let query: Map<String, Value> = url::Url::parse(&channel.url)
            .map(|url| url.query_pairs().map(|(name, value)| (name.into_owned(), value.into())).collect())
            .unwrap_or_default();
        json!({
            "server_time": self.now.timestamp_millis(),
            "affected_values": values,
            "query_params": query,
            "module": module,
            "resource_uri": format!("{}/crm/v8/{module}", self.world.base_url()),
            "ids": changes.iter().map(|change| change.id.to_string()).collect::<Vec<_>>(),
            "affected_fields": fields,
            "operation": operation.word(),
            "channel_id": channel.id,
            "token": channel.token,
        })
    }
}

/// A channel's id: a string, or a number.
fn channel_id(one: &Value, path: &str) -> Result<String, Refusal> {
    let at = At { within: path, key: "channel_id" };
    match one.get("channel_id") {
        None | Some(Value::Null) => Err(Refusal::missing(&at)),
        Some(Value::String(text)) if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit()) => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        Some(_) => Err(Refusal::mistyped(&at, "bigint")),
    }
}

fn events(state: &State, one: &Value, path: &str) -> Result<Option<Vec<(&'static str, String)>>, Refusal> {
    let list = match one.get("events") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(Refusal::mistyped(&At { within: path, key: "events" }, "jsonarray")),
    };
    let read = |event: &Value| {
        let (module, operation) = event.as_str()?.split_once('.')?;
        let module = state.module(module)?.api_name;
        ["create", "edit", "delete", "all"].contains(&operation).then(|| (module, operation.to_owned()))
    };
    let events: Option<Vec<_>> = list.iter().map(read).collect();
    let wrong = || Refusal::invalid("invalid data", At { within: path, key: "events" }.details());
    events.filter(|events| !events.is_empty()).map(Some).ok_or_else(wrong)
}

/// The end of a channel that asks for this one.
fn expiry(one: &Value, now: DateTime<Utc>, path: &str) -> Result<DateTime<Utc>, Refusal> {
    let at = At { within: path, key: "channel_expiry" };
    match one.get("channel_expiry") {
        None | Some(Value::Null) => Ok(now + USUAL),
        Some(wanted) => {
            let wanted = wanted.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
            let wanted = wanted.ok_or_else(|| Refusal::mistyped(&at, "datetime"))?.to_utc();
            match wanted - now {
                left if left <= TimeDelta::zero() => Err(Refusal::invalid("invalid data", at.details())),
                left if left > LONGEST => Ok(now + USUAL),
                _ => Ok(wanted),
            }
        }
    }
}

fn token(one: &Value, path: &str) -> Result<Option<String>, Refusal> {
    let at = At { within: path, key: "token" };
    match one.get("token") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= TOKEN => Ok(Some(text.clone())),
        Some(Value::String(_)) => Err(Refusal::invalid("invalid data", at.with("maximum_length", TOKEN.into()))),
        Some(_) => Err(Refusal::mistyped(&at, "text")),
    }
}

fn notify_url(one: &Value, path: &str) -> Result<Option<String>, Refusal> {
    let at = At { within: path, key: "notify_url" };
    match one.get("notify_url") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if url::Url::parse(text).is_ok_and(|url| url.has_host()) => Ok(Some(text.clone())),
        Some(_) => Err(Refusal::mistyped(&at, "website")),
    }
}

/// The resources of a channel, as results and lists describe them.
fn resources(state: &State, base: &str, channel: &Channel) -> Vec<Value> {
    let one = |name: &'static str| {
        json!({
            "channel_expiry": time(channel.expires),
            "resource_uri": format!("{base}/crm/v8/{name}"),
            "resource_id": state.known_module(name).id.to_string(),
            "resource_name": name,
            "channel_id": channel.id,
            // Channels here have no conditions.
            "notification_condition": [],
        })
    };
    channel.modules().into_iter().map(one).collect()
}

fn succeeded(details: &Value, message: &str) -> Value {
    json!({ "code": "SUCCESS", "details": details, "message": message, "status": "success" })
}

/// Does something with each channel of the body; failures come inside a 202.
fn each(
    call: &mut Call<'_>,
    all_well: StatusCode,
    act: impl Fn(&mut Call<'_>, &Value, &str) -> Result<Value, Refusal>,
) -> Answer {
    let (list, _) = call.objects("watch", CHANNELS)?;
    call.org.state.end_channels(call.org.now);
    let mut told = Vec::with_capacity(list.len());
    for (at, one) in list.iter().enumerate() {
        told.push(act(call, one, &format!("$.watch[{at}]")).unwrap_or_else(|refusal| refusal.body()));
    }
    let failed = told.iter().any(|one| one["status"] == "error");
    let status = if failed { StatusCode::ACCEPTED } else { all_well };
    Ok(Reply { status, body: Some(json!({ "watch": told })) })
}

fn enable(call: &mut Call<'_>) -> Answer {
    each(call, StatusCode::CREATED, |call, one, path| {
        let required = |key| Refusal::missing(&At { within: path, key });
        let channel = Channel {
            id: channel_id(one, path)?,
            events: events(call.org.state, one, path)?.ok_or_else(|| required("events"))?,
            expires: expiry(one, call.org.now, path)?,
            token: token(one, path)?,
            url: notify_url(one, path)?.ok_or_else(|| required("notify_url"))?,
            values: one.get("return_affected_field_values").and_then(Value::as_bool).unwrap_or(false),
        };
        let details = json!({ "events": resources(call.org.state, call.org.world.base_url(), &channel) });
        call.org.state.channels.insert(channel.id.clone(), channel);
        Ok(succeeded(&details, "Successfully subscribed for actions-watch of the given module"))
    })
}

fn not_subscribed(channel: &str) -> Refusal {
    let details = json!({ "channel_id": channel });
    Refusal::new(StatusCode::BAD_REQUEST, "NOT_SUBSCRIBED", "The given channel is not subscribed", details)
}

fn update(call: &mut Call<'_>) -> Answer {
    each(call, StatusCode::OK, |call, one, path| {
        let id = channel_id(one, path)?;
        let mut channel = call.org.state.channels.get(&id).cloned().ok_or_else(|| not_subscribed(&id))?;
        channel.events = events(call.org.state, one, path)?.unwrap_or(channel.events);
        channel.expires = expiry(one, call.org.now, path)?;
        channel.token = token(one, path)?.or(channel.token);
        channel.url = notify_url(one, path)?.unwrap_or(channel.url);
        channel.values = one.get("return_affected_field_values").and_then(Value::as_bool).unwrap_or(channel.values);
        let details = json!({ "events": resources(call.org.state, call.org.world.base_url(), &channel) });
        call.org.state.channels.insert(id, channel);
        Ok(succeeded(&details, "Successfully updated the subscribe details"))
    })
}

/// Takes events off channels: `_delete_events`.
fn disable_events(call: &mut Call<'_>) -> Answer {
    each(call, StatusCode::OK, |call, one, path| {
        if one.get("_delete_events") != Some(&Value::Bool(true)) {
            return Err(Refusal::missing(&At { within: path, key: "_delete_events" }));
        }
        let id = channel_id(one, path)?;
        let gone = events(call.org.state, one, path)?;
        let gone = gone.ok_or_else(|| Refusal::missing(&At { within: path, key: "events" }))?;
        let channel = call.org.state.channels.get_mut(&id).ok_or_else(|| not_subscribed(&id))?;
        channel.events.retain(|event| !gone.contains(event));
        if channel.events.is_empty() {
            call.org.state.channels.remove(&id);
        }
        Ok(succeeded(&json!({ "channel_id": id }), "Successfully removed the subscribe details"))
    })
}

fn disable(call: &mut Call<'_>) -> Answer {
    let ids = call.query("channel_ids").ok_or_else(|| Refusal::missing_param("channel_ids"))?.to_owned();
    let base = call.org.world.base_url();
    let mut told = Vec::new();
    for id in ids.split(',').map(str::trim) {
        match call.org.state.channels.remove(id) {
            None => told.push(not_subscribed(id).body()),
            Some(channel) => {
                let resource = resources(call.org.state, base, &channel).into_iter().next().unwrap_or_default();
                let details = json!({
                    "resource_uri": resource["resource_uri"],
                    "resource_id": resource["resource_id"],
                    "channel_id": id,
                });
                told.push(succeeded(&details, "Successfully un-subscribed from actions-watch"));
            }
        }
    }
    let failed = told.iter().filter(|one| one["status"] == "error").count();
    let status = match failed {
        0 => StatusCode::OK,
        _ if failed == told.len() => StatusCode::BAD_REQUEST,
        _ => StatusCode::ACCEPTED,
    };
    Ok(Reply { status, body: Some(json!({ "watch": told })) })
}

fn list(call: &mut Call<'_>) -> Answer {
    let (size, number) = (call.number("per_page", 200)?.min(200), call.number("page", 1)?);
    let state = &call.org.state;
    let (base, now) = (call.org.world.base_url(), call.org.now);
    let (wanted, module) = (call.query("channel_id"), call.query("module"));
    let live = state.channels.values().filter(|channel| channel.expires > now);
    let mut rows = Vec::new();
    for channel in live.filter(|channel| wanted.is_none_or(|id| channel.id == id)) {
        for mut row in resources(state, base, channel) {
            if module.is_some_and(|name| row["resource_name"] != name) {
                continue;
            }
            let events = channel.events.iter().filter(|(name, _)| row["resource_name"] == *name);
            row["events"] = events.map(|(module, event)| Value::from(format!("{module}.{event}"))).collect();
            row["notify_url"] = channel.url.as_str().into();
            row["token"] = channel.token.clone().into();
            row["return_affected_field_values"] = channel.values.into();
            rows.push(row);
        }
    }
    let skipped = (number - 1).saturating_mul(size);
    let page: Vec<&Value> = rows.iter().skip(skipped).take(size).collect();
    if page.is_empty() {
        return Ok(Reply::nothing());
    }
    let more = rows.len() > skipped + page.len();
    let info = json!({ "page": number, "per_page": size, "count": page.len(), "more_records": more });
    Ok(Reply::ok(json!({ "watch": page, "info": info })))
}
