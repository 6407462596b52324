//! Faults on order: what a vendor shall do wrong, at which operation, how often.
//!
//! Faults that concern the transport (latency, time-outs, resets, statuses) are played by one middleware for all
//! vendors; those that concern a vendor's own state (declines, a late search index) are asked for by its handlers.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Which simulated vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    Attio,
    /// Zoho Accounts and Billing.
    Zoho,
    ZohoCrm,
    ZohoDesk,
    Braintree,
    /// The mail server.
    Mail,
}

impl Vendor {
    /// All of them, in the order of the control API.
    pub const ALL: [Self; 6] = [Self::Attio, Self::Zoho, Self::ZohoCrm, Self::ZohoDesk, Self::Braintree, Self::Mail];
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
    /// All is done twice, as if the request had been repeated on its way; the second answer comes.
    Twice,
    /// Nothing is done, this status is answered, in the vendor's own error form where it has one.
    Status { status: u16 },
    /// All is done, this status is answered instead.
    StatusAfter { status: u16 },
    /// All is done, and in the answer each of these texts is replaced by the other: a field is gone, of another type, or
    /// has a word that nobody knows.
    Alter { replace: BTreeMap<String, String> },
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
    /// A look-up finds nothing, whatever is there: lists are empty, objects that are read by their id do not exist.
    Empty,
    /// A look-up finds twice what is there: rows of a list come twice, as where they move between pages. In Zoho CRM and
    /// Desk the second is a true copy from then on, with an id of its own, as two writes at the same time would have left it.
    Doubled,
    /// A read answers as it would have so many seconds of sandbox time ago (Zoho).
    Stale { seconds: i64 },
    /// The vendor refuses with this code in its own error form (Zoho `code` or `errorCode`, Braintree error code, Attio `code`).
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
            | Self::Twice
            | Self::Status { .. }
            | Self::StatusAfter { .. }
            | Self::Alter { .. }
            | Self::RateLimit
            | Self::DailyQuota
            | Self::Refuse { .. } => true,
            Self::Latency { .. }
            | Self::Decline { .. }
            | Self::GatewayReject { .. }
            | Self::LateIndex { .. }
            | Self::Empty
            | Self::Doubled
            | Self::Stale { .. } => false,
        }
    }

    /// What the vendor is to say in its own form instead of doing anything; none: it is no such fault.
    pub fn said(&self) -> Option<Said<'_>> {
        match self {
            Self::Status { status } => Some(Said::Status(*status)),
            Self::RateLimit => Some(Said::RateLimit),
            Self::DailyQuota => Some(Said::DailyQuota),
            Self::Refuse { code } => Some(Said::Code(code)),
            _ => None,
        }
    }
}

/// A refusal on order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    Status(u16),
    RateLimit,
    DailyQuota,
    /// The vendor's own code for it.
    Code(&'a str),
}

/// What a search, a list or a look-up by id sees of what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Nothing that was made or changed after this is seen (UTC).
    pub horizon: DateTime<Utc>,
    /// Nothing is seen, whatever there is.
    pub empty: bool,
    /// Each hit is seen twice.
    pub doubled: bool,
}

impl Sight {
    /// What is seen of `found`, in its order; `made` says when one was made.
    pub fn of<T: Clone>(self, found: Vec<T>, made: impl Fn(&T) -> DateTime<Utc>) -> Vec<T> {
        let times = if self.doubled { 2 } else { 1 };
        let seen = found.into_iter().filter(|one| self.reaches(made(one)));
        seen.flat_map(|one| std::iter::repeat_n(one, times)).collect()
    }

    /// Whether an object that was made then is seen.
    pub fn reaches(self, made: DateTime<Utc>) -> bool {
        !self.empty && made <= self.horizon
    }

    /// The same through an index that lags by so much.
    #[must_use]
    pub fn behind(self, lag: TimeDelta, now: DateTime<Utc>) -> Self {
        Self { horizon: self.horizon.min(now - lag), ..self }
    }

    /// Those found, and behind them the twin of each where it was ordered: a true copy that `twin` makes.
    pub fn twins<I>(self, mut found: Vec<I>, twin: impl FnMut(&I) -> Option<I>) -> Vec<I> {
        if self.doubled {
            let twins: Vec<I> = found.iter().filter_map(twin).collect();
            found.extend(twins);
        }
        found
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

/// A kind as an order names it.
pub(super) struct Named {
    pub(super) name: &'static str,
    /// The one field that it takes.
    pub(super) field: Option<&'static str>,
    /// What goes wrong, for people.
    pub(super) about: &'static str,
}

const fn kind(name: &'static str, field: Option<&'static str>, about: &'static str) -> Named {
    Named { name, field, about }
}

/// All kinds, in the order of [`Kind`].
pub(super) const KINDS: [Named; 19] = [
    kind("latency", Some("ms"), "The answer comes late by so many milliseconds of real time."),
    kind("timeout_before", None, "Nothing is done and no answer comes."),
    kind("timeout_after", None, "All is done and no answer comes."),
    kind("reset_before", None, "Nothing is done, the connection is closed without an answer."),
    kind("reset_after", None, "All is done, the connection is closed without an answer."),
    kind("cut_after", None, "All is done, the answer's body is cut in the middle."),
    kind("twice", None, "All is done twice, as if the request had been repeated on its way."),
    kind("status", Some("status"), "Nothing is done, this HTTP status is answered in the vendor's own form."),
    kind("status_after", Some("status"), "All is done, this HTTP status is answered instead."),
    kind("alter", Some("replace"), "All is done, in the answer each of these texts is replaced by the other."),
    kind("rate_limit", None, "The vendor's own answer to too many calls."),
    kind("daily_quota", None, "The vendor's own answer once a day's calls are used up."),
    kind("decline", Some("code"), "A charge is declined with this code."),
    kind("gateway_reject", Some("reason"), "A sale is rejected by Braintree's gateway, such as for duplicate."),
    kind(
        "late_index",
        Some("seconds"),
        "Searches and lists leave out what is newer than so many seconds of sandbox time.",
    ),
    kind("empty", None, "A look-up finds nothing, whatever is there."),
    kind("doubled", None, "A look-up finds twice what is there."),
    kind("stale", Some("seconds"), "A read answers as it would have so many seconds of sandbox time ago (Zoho)."),
    kind("refuse", Some("code"), "Nothing is done, the vendor refuses with this code of its own."),
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
        let Some(Named { field: parameter, .. }) = KINDS.iter().find(|known| known.name == kind) else {
            return Err(wrong("kind", format!("expected one of {}", KINDS.map(|known| known.name).join(", "))));
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
        let vendor = vendor.ok_or_else(|| {
            wrong("vendor", "expected attio, zoho, zoho_crm, zoho_desk, braintree or mail".to_owned())
        })?;
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

    /// Whether a fault that `wanted` accepts is on order, for whichever operation.
    pub fn is_ordered(&self, vendor: Vendor, wanted: impl Fn(&Kind) -> bool) -> bool {
        self.orders.lock().expect("faults lock").iter().any(|fault| fault.vendor == vendor && wanted(&fault.kind))
    }

    /// What a search or look-up sees now: all, unless faults about its index are on order. `text` is as for [`Faults::strike`].
    pub fn sight(&self, vendor: Vendor, operation: &str, text: &str, now: DateTime<Utc>) -> Sight {
        let strike = |wanted: fn(&Kind) -> bool| self.strike(vendor, operation, text, wanted);
        Sight {
            horizon: match strike(|kind| matches!(kind, Kind::LateIndex { .. })) {
                Some(Kind::LateIndex { seconds }) => now - TimeDelta::seconds(seconds),
                _ => DateTime::<Utc>::MAX_UTC,
            },
            empty: strike(|kind| matches!(kind, Kind::Empty)).is_some(),
            doubled: strike(|kind| matches!(kind, Kind::Doubled)).is_some(),
        }
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
