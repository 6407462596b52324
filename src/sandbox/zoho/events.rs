//! Events: what happened, for the events API and as webhooks.

use super::call::{Call, Org, Route, route};
use super::dates::stamp;
use super::errors::Refusal;
use super::hooks::{self, Notice};
use super::ids::Id;
use super::list::Listing;
use super::reply::{Answer, Object, Reply};
use crate::faults::Vendor;
use crate::hooks::Standing;
use axum::routing::MethodFilter;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

pub(super) const ROUTES: &[Route] = &[
    route("event.list", MethodFilter::GET, "/events", list),
    route("event.get", MethodFilter::GET, "/events/{id}", get),
];

/// How long Zoho keeps events (its help pages).
const KEPT: TimeDelta = TimeDelta::days(180);

/// Events that Zoho Billing's own documents do not name; other sources do.
const UNDOCUMENTED: &[&str] = &[
    "invoice_updated",
    "invoice_voided",
    "payment_voided",
    "subscription_updated",
    "subscription_paused",
    "subscription_resumed",
    "creditnote_refunded",
];

/// One event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    kind: &'static str,
    at: DateTime<Utc>,
    /// The webhook's body, which the API shows as text.
    payload: String,
    /// Where its webhook went, and its delivery.
    sent: Option<(String, Uuid)>,
}

impl Org<'_> {
    /// Notes an event and sends its webhook. `data` holds the resources as the API shows them.
    pub(super) fn emit(&mut self, kind: &'static str, data: &Object) {
        if UNDOCUMENTED.contains(&kind) && !self.state.settings.undocumented_events {
            return;
        }
        let id = self.state.counters.id();
        let payload = Object::new()
            .with("event_id", id)
            .with("event_type", kind)
            .with("event_time", stamp(self.now))
            .with("data", data)
            .text();
        let notice = Notice { kind, event: &payload, data };
        let delivery = hooks::send(self.world, self.state.settings.webhook_shape, &notice);
        let sent = self.world.hooks.target(Vendor::Zoho).zip(delivery);
        self.state.events.insert(id, Event { kind, at: self.now, payload, sent });
    }
}

fn row(id: Id, event: &Event) -> Object {
    Object::new().with("event_id", id).with("event_type", event.kind).with("event_time", stamp(event.at))
}

/// Zoho's documents know no filter here; other sources know these three.
fn list(call: &mut Call<'_>) -> Answer {
    let horizon = call.horizon();
    let events = &call.org.state.events;
    let day = |name: &str| {
        let given = call.query(name).filter(|text| !text.is_empty());
        given.map(|text| text.parse::<NaiveDate>().map_err(|_| Refusal::invalid(name))).transpose()
    };
    let (from, to) = (day("from_date")?, day("to_date")?);
    let kind = call.query("event_type").filter(|kind| !kind.is_empty());
    let shows = |event: &Event| {
        let on = event.at.date_naive();
        event.at <= horizon
            && call.org.now - event.at < KEPT
            && kind.is_none_or(|kind| kind == event.kind)
            && from.is_none_or(|from| from <= on)
            && to.is_none_or(|to| on <= to)
    };
    let ids = events.iter().filter(|(_, event)| shows(event)).map(|(id, _)| *id);
    Listing { key: "events", report: "Events", filter: "All" }.answer(call, ids, |id| row(id, &events[&id]))
}

fn get(call: &mut Call<'_>) -> Answer {
    let id = call.id("Event")?;
    let event = call.org.state.events.get(&id).ok_or_else(|| Refusal::unknown("Event"))?;
    let webhook = |(url, delivery): &(String, Uuid)| {
        let (standing, tried) = call.org.world.hooks.standing(*delivery).unwrap_or((Standing::Waiting, None));
        let status = match standing {
            Standing::Waiting | Standing::Collected | Standing::InFlight => "scheduled",
            Standing::Delivered => "success",
            Standing::GivenUp | Standing::Dropped | Standing::NoTarget => "failure",
        };
        Object::new()
            .with("webhook_id", "903000000000000")
            .with("url", url)
            .with("status", status)
            .with("last_updated_time", stamp(tried.unwrap_or(event.at)))
    };
    let webhooks: Vec<Object> = event.sent.iter().map(webhook).collect();
    Ok(Reply::ok("success").with("event", row(id, event).with("payload", &event.payload).with("webhooks", webhooks)))
}
