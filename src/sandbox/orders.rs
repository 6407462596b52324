//! Orders to the sandbox: the clock, an act by hand, faults, mischief with webhooks, limits. They come one by one over the control
//! API, or together as a scenario; either way they are carried out here, and kept so that a scenario can be made of them.

use super::{
    World, acts, attio, braintree, crm, deliver, desk,
    faults::{Fault, Vendor},
    hooks::Mischief,
    period::Period,
    transport, zoho,
};
use chrono::DateTime;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use utoipa::ToSchema;
use uuid::Uuid;

/// An order that cannot be carried out: the field at fault, where it was one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refused {
    /// Which field of the request was wrong, where it was one.
    pub field: Option<String>,
    /// What was expected there.
    pub message: String,
}

impl Refused {
    pub(super) fn new(field: &str, message: impl Into<String>) -> Self {
        Self { field: Some(field.to_owned()), message: message.into() }
    }
}

/// What an order is about: the last part of its path in the control API, and its key in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Clock,
    Staff,
    Faults,
    Webhooks,
    Limits,
}

impl About {
    pub(super) const ALL: [Self; 5] = [Self::Clock, Self::Staff, Self::Faults, Self::Webhooks, Self::Limits];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Staff => "staff",
            Self::Faults => "faults",
            Self::Webhooks => "webhooks",
            Self::Limits => "limits",
        }
    }
}

/// Where to move the clock: one of the two fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    /// An ISO 8601 duration such as `P1D`, `P1M` or `PT90M`.
    advance: Option<String>,
    /// RFC 3339.
    set: Option<String>,
}

/// Orders about webhooks; every field is optional, at least one is expected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookOrder {
    /// Where to deliver, by vendor; null: nowhere (Attio, Zoho CRM: where its API was told to).
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

/// Whether the vendors' own rate limits hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    hold: bool,
    /// Whose; unset: all vendors'.
    #[serde(default)]
    vendor: Option<Vendor>,
}

/// An order that was carried out, and what it answered.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) about: About,
    pub(super) order: Value,
    pub(super) answer: Value,
}

/// All orders since the start or the last reset, oldest first.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<Done>>);

impl Journal {
    pub(super) fn list(&self) -> Vec<Done> {
        self.0.lock().expect("journal lock").clone()
    }

    pub(super) fn clear(&self) {
        self.0.lock().expect("journal lock").clear();
    }
}

/// Carries an order out, whole or not at all, and keeps it.
pub(super) async fn carry_out(world: &World, about: About, order: Value) -> Result<Value, Refused> {
    let answer = match about {
        About::Clock => move_clock(world, parse(&order)?)?,
        About::Staff => staff(world, &order).await?,
        About::Faults => order_faults(world, &order)?,
        About::Webhooks => order_webhooks(world, parse(&order)?)?,
        About::Limits => hold_limits(world, &parse(&order)?),
    };
    world.journal.0.lock().expect("journal lock").push(Done { about, order, answer: answer.clone() });
    Ok(answer)
}

fn parse<T: DeserializeOwned>(order: &Value) -> Result<T, Refused> {
    T::deserialize(order).map_err(|error| {
        let message = error.to_string();
        Refused { field: message.split('`').nth(1).map(str::to_owned), message }
    })
}

/// Moves the clock; the vendors then do what became due, and due webhooks are sent.
fn move_clock(world: &World, order: Move) -> Result<Value, Refused> {
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
    deliver::tick(world);
    world.hooks.wake();
    Ok(json!({ "now": world.clock.now() }))
}

/// Whose consoles people work at.
const CONSOLES: &str = "expected attio, zoho, zoho_crm, zoho_desk or braintree";

async fn staff(world: &World, act: &Value) -> Result<Value, Refused> {
    let vendor = act.get("vendor").and_then(|v| Vendor::deserialize(v).ok());
    let vendor = vendor.ok_or_else(|| Refused::new("vendor", CONSOLES))?;
    if vendor != Vendor::Mail {
        let name = act["act"].as_str().ok_or_else(|| Refused::new("act", "expected the name of an act"))?;
        acts::check(vendor, name).map_err(|message| Refused::new("act", message))?;
    }
    let done = match vendor {
        Vendor::Attio => attio::staff(world, act),
        Vendor::Zoho => zoho::staff(world, act),
        Vendor::ZohoCrm => crm::staff(world, act),
        Vendor::ZohoDesk => desk::staff(world, act),
        // The one act that asks somebody else: the destination must answer.
        Vendor::Braintree if act["act"] == "register_webhook" => braintree::register_webhook(world, act).await,
        Vendor::Braintree => braintree::staff(world, act),
        Vendor::Mail => {
            return Err(Refused::new("vendor", format!("the mail server has no console: {CONSOLES}")));
        }
    };
    done.map_err(|message| Refused { field: None, message })
}

/// One fault, or a list of them: all, or none.
fn order_faults(world: &World, order: &Value) -> Result<Value, Refused> {
    let orders = order.as_array().map_or(std::slice::from_ref(order), Vec::as_slice);
    let faults = orders.iter().map(|order| {
        Fault::parse(order, transport::operations).map_err(|(field, message)| Refused::new(&field, message))
    });
    for fault in faults.collect::<Result<Vec<_>, _>>()? {
        world.faults.order(fault);
    }
    Ok(json!(world.faults.list()))
}

fn order_webhooks(world: &World, order: WebhookOrder) -> Result<Value, Refused> {
    let targets = order.targets.unwrap_or_default();
    for url in targets.values().flatten() {
        url::Url::parse(url).map_err(|e| Refused::new("targets", format!("`{url}` is no URL: {e}")))?;
    }
    if let Some(id) = order.resend
        && !world.hooks.resend(id)
    {
        return Err(Refused::new("resend", "no delivery with this id that has a target and is not being sent now"));
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
    Ok(Value::Null)
}

fn hold_limits(world: &World, order: &Limits) -> Value {
    world.hold_limits(order.vendor.as_ref().map_or(&Vendor::ALL, std::slice::from_ref), order.hold);
    Value::Null
}
