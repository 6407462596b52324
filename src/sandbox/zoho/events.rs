//! Events: what happened, for the events API and as webhooks.

use super::call::{Call, Org, Route, route};
use super::dates::stamp;
use super::errors::Refusal;
use super::hooks::{self, Notice};
use super::ids::Id;
use super::list::Listing;
use super::reply::{Answer, Object, Reply};
use crate::sandbox::faults::Vendor;
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};

pub(super) const ROUTES: &[Route] = &[
    route("event.list", MethodFilter::GET, "/events", list),
    route("event.get", MethodFilter::GET, "/events/{id}", get),
];

/// Events that Zoho Billing's own documents do not name; other sources do.
const UNDOCUMENTED: &[&str] =
    &["invoice_updated", "invoice_voided", "payment_voided", "subscription_updated", "creditnote_refunded"];

/// One event.
#[derive(Debug)]
pub(super) struct Event {
    kind: &'static str,
    at: DateTime<Utc>,
    /// The webhook's body, which the API shows as text.
    payload: String,
    /// Where its webhook went.
    url: Option<String>,
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
        hooks::send(self.world, self.state.settings.webhook_shape, &notice);
        let url = self.world.hooks.target(Vendor::Zoho);
        self.state.events.insert(id, Event { kind, at: self.now, payload, url });
    }
}

fn row(id: Id, event: &Event) -> Object {
    Object::new().with("event_id", id).with("event_type", event.kind).with("event_time", stamp(event.at))
}

fn list(call: &mut Call<'_>) -> Answer {
    let horizon = call.horizon();
    let events = &call.org.state.events;
    let ids = events.iter().filter(|(_, event)| event.at <= horizon).map(|(id, _)| *id);
    Listing { key: "events", report: "Events", filter: "All" }.answer(call, ids, |id| row(id, &events[&id]))
}

fn get(call: &mut Call<'_>) -> Answer {
    let id = call.id("Event")?;
    let event = call.org.state.events.get(&id).ok_or_else(|| Refusal::unknown("Event"))?;
    // Whether a delivery succeeded is known where it is delivered; here each one was only handed over.
    let webhook = |url: &String| {
        Object::new()
            .with("webhook_id", "903000000000000")
            .with("url", url)
            .with("status", "scheduled")
            .with("last_updated_time", stamp(event.at))
    };
    let webhooks: Vec<Object> = event.url.iter().map(webhook).collect();
    Ok(Reply::ok("success").with("event", row(id, event).with("payload", &event.payload).with("webhooks", webhooks)))
}
