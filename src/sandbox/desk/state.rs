//! All that the simulated Desk holds.

use super::errors::Refusal;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A contact: somebody who may write tickets.
#[derive(Debug, Clone)]
pub(super) struct Contact {
    pub(super) id: u64,
    pub(super) last_name: String,
    pub(super) first_name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    /// The CRM contact that Desk's own synchronisation has linked.
    pub(super) linked: Option<String>,
    pub(super) cf: Map<String, Value>,
    pub(super) created: DateTime<Utc>,
    pub(super) modified: DateTime<Utc>,
}

/// A ticket and what was said on it.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) subject: String,
    pub(super) contact: u64,
    pub(super) department: String,
    pub(super) description: Option<String>,
    pub(super) email: Option<String>,
    pub(super) status: String,
    pub(super) priority: Option<String>,
    pub(super) channel: String,
    pub(super) cf: Map<String, Value>,
    pub(super) created: DateTime<Utc>,
    pub(super) modified: DateTime<Utc>,
    pub(super) closed: Option<DateTime<Utc>>,
    pub(super) comments: Vec<Comment>,
}

/// Something said on a ticket.
#[derive(Debug, Clone)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) content: String,
    pub(super) public: bool,
    pub(super) at: DateTime<Utc>,
}

/// What an administrator decides, or Zoho leaves open.
#[derive(Debug)]
pub(super) struct Settings {
    /// How long writes take to appear in searches, in seconds of sandbox time. Zoho gives no figure.
    pub(super) search_lag_seconds: i64,
    /// Credits of a rolling 24 hours, one a call.
    pub(super) credits: usize,
    pub(super) calls_at_once: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { search_lag_seconds: 3, credits: 50_000, calls_at_once: 10 }
    }
}

/// The organisation.
#[derive(Debug)]
pub struct State {
    pub(super) settings: Settings,
    pub(super) contacts: BTreeMap<u64, Contact>,
    pub(super) tickets: BTreeMap<u64, Ticket>,
    /// Names of custom fields of tickets and contacts.
    pub(super) custom_fields: Vec<String>,
    calls: VecDeque<DateTime<Utc>>,
    /// Each call in process holds a clone.
    in_process: Arc<()>,
    ids: u64,
    tickets_made: u64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            contacts: BTreeMap::new(),
            tickets: BTreeMap::new(),
            // Made by an administrator, as at the real Desk.
            custom_fields: vec!["cf_saga_id".to_owned()],
            calls: VecDeque::new(),
            in_process: Arc::default(),
            ids: 1_892_000_000_042_000,
            tickets_made: 100,
        }
    }
}

/// The right to make one call, held while it is in process.
#[derive(Debug)]
pub(super) struct Ticketed {
    _in_process: Arc<()>,
    /// Credits that are left.
    pub(super) left: usize,
}

impl State {
    pub(super) fn next_id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.tickets_made += 1;
        self.tickets_made
    }

    /// Counts one call in, or, while limits hold, refuses it.
    pub(super) fn enter(&mut self, now: DateTime<Utc>, hold: bool) -> Result<Ticketed, Refusal> {
        self.calls.retain(|at| *at <= now && now - *at < TimeDelta::days(1));
        if hold && Arc::strong_count(&self.in_process) > self.settings.calls_at_once {
            return Err(Refusal::too_many_at_once());
        }
        if hold && self.calls.len() >= self.settings.credits {
            return Err(Refusal::threshold());
        }
        self.calls.push_back(now);
        let left = self.settings.credits.saturating_sub(self.calls.len());
        Ok(Ticketed { _in_process: Arc::clone(&self.in_process), left })
    }

    pub(super) fn credits_used(&self) -> usize {
        self.calls.len()
    }

    /// A true copy of a ticket with an id and a number of its own, as two writes at the same time leave it.
    pub(super) fn twin_ticket(&mut self, id: u64) -> Option<u64> {
        let ticket = self.tickets.get(&id)?.clone();
        let (id, number) = (self.next_id(), self.next_number());
        self.tickets.insert(id, Ticket { id, number, ..ticket });
        Some(id)
    }

    /// The same of a contact.
    pub(super) fn twin_contact(&mut self, id: u64) -> Option<u64> {
        let contact = self.contacts.get(&id)?.clone();
        let id = self.next_id();
        self.contacts.insert(id, Contact { id, ..contact });
        Some(id)
    }
}

/// A moment as Desk writes it: UTC, with milliseconds.
pub(super) fn time(at: DateTime<Utc>) -> Value {
    Value::String(at.to_rfc3339_opts(SecondsFormat::Millis, true))
}
