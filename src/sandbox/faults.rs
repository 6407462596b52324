//! Faults on order: what a vendor shall do wrong, at which operation, how often.
//!
//! Faults that concern the transport (latency, time-outs, resets, statuses) are played by one middleware for all
//! vendors; those that concern a vendor's own state (declines, a late search index) are asked for by its handlers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Mutex;

/// Which simulated vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    Attio,
    Zoho,
    Braintree,
    /// The mail server.
    Mail,
}

impl Vendor {
    /// All of them, in the order of the control API.
    pub const ALL: [Self; 4] = [Self::Attio, Self::Zoho, Self::Braintree, Self::Mail];
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// The answer comes late by so many milliseconds of real time.
    Latency { ms: u64 },
    /// Nothing is done and no answer comes (held until the client gives up).
    TimeoutBefore,
    /// All is done and no answer comes.
    TimeoutAfter,
    /// Nothing is done, the connection is closed without an answer.
    ResetBefore,
    /// All is done, the connection is closed without an answer.
    ResetAfter,
    /// All is done, the answer's body is cut in the middle.
    CutAfter,
    /// Nothing is done, this status is answered, in the vendor's own error form where it has one.
    Status { status: u16 },
    /// All is done, this status is answered instead.
    StatusAfter { status: u16 },
    /// Per-minute limit hit: the vendor's own answer.
    RateLimit,
    /// Daily quota used up: the vendor's own answer (Zoho code 45).
    DailyQuota,
    /// A sale is declined with this processor response code (Braintree).
    Decline { code: String },
    /// A sale is rejected by the gateway for this reason, e.g. `duplicate` (Braintree).
    GatewayReject { reason: String },
    /// New objects appear in searches and lists only after so many seconds of sandbox time.
    LateIndex { seconds: i64 },
    /// The vendor refuses with this code in its own error form (Zoho `code`, Braintree error code, Attio `code`).
    Refuse { code: String },
}

impl Kind {
    /// Whether the transport plays it, latency aside (which goes along with any other); a vendor's handlers ask for
    /// the rest.
    pub fn is_transport(&self) -> bool {
        match self {
            Self::TimeoutBefore
            | Self::TimeoutAfter
            | Self::ResetBefore
            | Self::ResetAfter
            | Self::CutAfter
            | Self::Status { .. }
            | Self::StatusAfter { .. }
            | Self::RateLimit
            | Self::DailyQuota
            | Self::Refuse { .. } => true,
            Self::Latency { .. } | Self::Decline { .. } | Self::GatewayReject { .. } | Self::LateIndex { .. } => false,
        }
    }
}

/// One fault on order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Fault {
    pub vendor: Vendor,
    /// The operation's name as `GET /control/operations` lists it (`transaction.sale`, `payment.create`, …), or `*`.
    pub operation: String,
    #[serde(flatten)]
    pub kind: Kind,
    /// How many calls of that operation pass before it strikes.
    #[serde(default)]
    pub skip: u32,
    /// How often it strikes; absent: until it is removed.
    #[serde(default)]
    pub times: Option<u32>,
    /// Strikes only where the request's path or body contains this text.
    #[serde(default)]
    pub contains: Option<String>,
}

/// Each kind's name and the one field that it takes.
const KINDS: [(&str, Option<&str>); 14] = [
    ("latency", Some("ms")),
    ("timeout_before", None),
    ("timeout_after", None),
    ("reset_before", None),
    ("reset_after", None),
    ("cut_after", None),
    ("status", Some("status")),
    ("status_after", Some("status")),
    ("rate_limit", None),
    ("daily_quota", None),
    ("decline", Some("code")),
    ("gateway_reject", Some("reason")),
    ("late_index", Some("seconds")),
    ("refuse", Some("code")),
];

impl Fault {
    /// Reads an order strictly: an unknown field would be a fault that never strikes. `operations` lists what a vendor
    /// has.
    ///
    /// # Errors
    /// The field at fault, and what was expected there.
    pub fn parse(order: &Value, operations: impl Fn(Vendor) -> Vec<&'static str>) -> Result<Self, (String, String)> {
        let wrong = |field: &str, expected: String| (field.to_owned(), format!("`{field}`: {expected}"));
        let fields = order.as_object().ok_or_else(|| wrong("fault", "expected an object".to_owned()))?;
        let named = |field: &str| fields.get(field).and_then(Value::as_str);
        let kind = named("kind").unwrap_or_default();
        let Some((_, parameter)) = KINDS.iter().find(|(name, _)| *name == kind) else {
            return Err(wrong("kind", format!("expected one of {}", KINDS.map(|(name, _)| name).join(", "))));
        };
        let allowed = ["vendor", "operation", "kind", "skip", "times", "contains"];
        if let Some(unknown) =
            fields.keys().find(|key| !allowed.contains(&key.as_str()) && parameter.as_deref() != Some(key))
        {
            let own = parameter.map(|p| format!(", {p}")).unwrap_or_default();
            return Err(wrong(unknown, format!("unknown for kind {kind}; expected {}{own}", allowed.join(", "))));
        }
        for count in ["skip", "times"] {
            if fields.get(count).is_some_and(|n| !n.is_null() && n.as_u64().is_none_or(|n| u32::try_from(n).is_err())) {
                return Err(wrong(count, "expected a whole number from 0".to_owned()));
            }
        }
        let vendor = fields.get("vendor").and_then(|v| Vendor::deserialize(v).ok());
        let vendor = vendor.ok_or_else(|| wrong("vendor", "expected attio, zoho, braintree or mail".to_owned()))?;
        let operation = named("operation").unwrap_or_default();
        let known = operations(vendor);
        if operation != "*" && !known.contains(&operation) {
            return Err(wrong("operation", format!("expected * or one of {}", known.join(", "))));
        }
        if !fields.get("contains").is_none_or(|c| c.is_string() || c.is_null()) {
            return Err(wrong("contains", "expected a text".to_owned()));
        }
        let fault = Self::deserialize(order).map_err(|e| wrong(parameter.unwrap_or("kind"), e.to_string()))?;
        match fault.kind {
            Kind::Status { status } | Kind::StatusAfter { status } if !(200..=599).contains(&status) => {
                Err(wrong("status", "expected an HTTP status from 200 to 599".to_owned()))
            }
            _ => Ok(fault),
        }
    }
}

/// The faults now on order.
#[derive(Debug, Default)]
pub struct Faults {
    orders: Mutex<Vec<Fault>>,
}

impl Faults {
    /// Orders a fault.
    pub fn order(&self, fault: Fault) {
        self.orders.lock().expect("faults lock").push(fault);
    }

    /// Takes all orders back.
    pub fn clear(&self) {
        self.orders.lock().expect("faults lock").clear();
    }

    /// What is on order now.
    pub fn list(&self) -> Vec<Fault> {
        self.orders.lock().expect("faults lock").clone()
    }

    /// The fault that strikes now, counted down, among those that `wanted` accepts. `text` is the request's path and
    /// body, for `contains`.
    pub fn strike(&self, vendor: Vendor, operation: &str, text: &str, wanted: impl Fn(&Kind) -> bool) -> Option<Kind> {
        let mut orders = self.orders.lock().expect("faults lock");
        let found = orders.iter_mut().enumerate().find_map(|(at, f)| {
            let fits = f.vendor == vendor
                && (f.operation == "*" || f.operation == operation)
                && wanted(&f.kind)
                && f.contains.as_deref().is_none_or(|c| text.contains(c));
            if !fits {
                return None;
            }
            if f.skip > 0 {
                f.skip -= 1;
                return None;
            }
            if let Some(times) = &mut f.times {
                *times = times.saturating_sub(1);
            }
            Some((at, f.kind.clone(), f.times == Some(0)))
        });
        let (at, kind, spent) = found?;
        if spent {
            orders.remove(at);
        }
        Some(kind)
    }
}
