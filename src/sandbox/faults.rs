//! Faults on order: what a vendor shall do wrong, at which operation, how often.
//!
//! Faults that concern the transport (latency, time-outs, resets, statuses) are played by one middleware for all
//! vendors; those that concern a vendor's own state (declines, a late search index) are asked for by its handlers.

use serde::{Deserialize, Serialize};
use std::sync::Mutex;

/// Which simulated vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    Attio,
    Zoho,
    Braintree,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
