//! The plan of a run: what is still to be read, what was, what was not and why. Pure; kept as JSON beside the run.

use crate::store::StoreError;
use crate::store::reconciliation::Run;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::reconciliation::Leg;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A search over more time is cut off by the gateway.
const SLICE: TimeDelta = TimeDelta::days(1);
/// Ids asked for at once.
pub(super) const IDS: usize = 50;
/// Invoices read in one step: a step that is repeated repeats no more.
pub(super) const INVOICES: usize = 10;

/// Something that is read, or done, in one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Step {
    /// Which transactions Braintree made in a span.
    SalesOf { from: DateTime<Utc>, to: DateTime<Utc> },
    /// Some of them.
    Sales { from: DateTime<Utc>, to: DateTime<Utc>, ids: Vec<String> },
    /// Which transactions of our books are not among them.
    MissingSales,
    /// Some of those, by id.
    SalesById { ids: Vec<String> },
    /// A page of Zoho's invoices.
    Invoices { page: u32 },
    /// Which invoices are to be read whole.
    ChooseInvoices,
    /// Some of them.
    InvoiceDetails { invoices: Vec<String> },
    /// A page of Zoho's subscriptions.
    Subscriptions { page: u32 },
    /// All is read.
    Judge,
}

/// Sources, as the report names them.
pub(super) mod source {
    pub(crate) const SALES: &str = "braintree transactions";
    pub(crate) const INVOICES: &str = "zoho invoices";
    pub(crate) const DETAILS: &str = "zoho invoice details";
    pub(crate) const SUBSCRIPTIONS: &str = "zoho subscriptions";
}

/// What was not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NotRead {
    /// Of which source.
    pub(super) source: String,
    /// What, for people.
    pub(super) what: String,
    /// Why.
    pub(super) why: String,
}

/// What Zoho's ids look like: nothing else becomes part of an address.
pub(super) fn is_invoice(text: &str) -> bool {
    (1..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// What Braintree's ids look like.
pub(super) fn is_transaction(text: &str) -> bool {
    (4..=36).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// What a run is about that does not compare everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Keys {
    /// Braintree transactions and refunds.
    pub(super) transactions: BTreeSet<String>,
    /// Zoho invoices.
    pub(super) invoices: BTreeSet<String>,
}

impl Keys {
    pub(super) fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.invoices.is_empty()
    }
}

impl From<crate::store::reconciliation::Keys> for Keys {
    fn from(of: crate::store::reconciliation::Keys) -> Self {
        Self { transactions: of.transactions, invoices: of.invoices }
    }
}

/// The plan and how far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Work {
    /// What is still to be done, in order.
    pub(super) todo: VecDeque<Step>,
    /// Calls that were foreseen, by vendor.
    pub(super) planned: BTreeMap<String, u32>,
    /// Calls that were made, by vendor.
    pub(super) used: BTreeMap<String, u32>,
    /// What runs may still use of each vendor's day; none: it counts none.
    pub(super) left: BTreeMap<String, Option<u32>>,
    /// What was not read.
    pub(super) not_read: Vec<NotRead>,
    /// When each source was read first (UTC): its watermark.
    pub(super) read_at: BTreeMap<String, DateTime<Utc>>,
    /// How often the present step was tried in vain.
    pub(super) tries: u32,
    /// Only these; none: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Keys>,
}

/// Why a step was not done.
pub(super) enum Trouble {
    /// The database.
    Store(StoreError),
    /// The vendor did not answer in full, or was not asked.
    Vendor { why: String, again_after: Option<TimeDelta>, sent: bool },
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Step {
    /// Whose calls it makes, and how many.
    pub(super) fn cost(&self) -> (Option<&'static str>, u32) {
        match self {
            Self::SalesOf { .. } | Self::Sales { .. } | Self::SalesById { .. } => (Some("braintree"), 1),
            Self::Invoices { .. } | Self::Subscriptions { .. } => (Some("zoho"), 1),
            Self::InvoiceDetails { invoices } => (Some("zoho"), u32::try_from(invoices.len()).unwrap_or(u32::MAX)),
            Self::MissingSales | Self::ChooseInvoices | Self::Judge => (None, 0),
        }
    }

    fn source(&self) -> Option<&'static str> {
        match self {
            Self::SalesOf { .. } | Self::Sales { .. } | Self::SalesById { .. } => Some(source::SALES),
            Self::Invoices { .. } => Some(source::INVOICES),
            Self::InvoiceDetails { .. } => Some(source::DETAILS),
            Self::Subscriptions { .. } => Some(source::SUBSCRIPTIONS),
            Self::MissingSales | Self::ChooseInvoices | Self::Judge => None,
        }
    }

    fn words(&self) -> String {
        let time = |at: &DateTime<Utc>| at.format("%Y-%m-%d %H:%M").to_string();
        match self {
            Self::SalesOf { from, to } => format!("Braintree's transactions from {} to {}", time(from), time(to)),
            Self::Sales { from, to, ids } => {
                format!("{} of Braintree's transactions from {} to {}", ids.len(), time(from), time(to))
            }
            Self::MissingSales => "which transactions of ours Braintree did not show".to_owned(),
            Self::SalesById { ids } => format!("{} of Braintree's transactions by id", ids.len()),
            Self::Invoices { page } => format!("Zoho's invoices from page {page} on"),
            Self::ChooseInvoices => "which invoices are to be read whole".to_owned(),
            Self::InvoiceDetails { invoices } => format!("{} of Zoho's invoices with their payments", invoices.len()),
            Self::Subscriptions { page } => format!("Zoho's subscriptions from page {page} on"),
            Self::Judge => "comparing".to_owned(),
        }
    }
}

/// The legs of a run.
pub(super) fn legs(run: &Run) -> Vec<Leg> {
    run.legs.split(',').filter_map(Leg::parse).collect()
}

impl Work {
    /// What a run of chosen keys begins with.
    pub(super) fn of_keys(keys: Keys) -> Self {
        Self { keys: Some(keys), ..Self::default() }
    }

    /// The plan of a run as it is kept; none: it has none yet.
    pub(super) fn of(run: &Run) -> Result<Option<Self>, String> {
        Ok(if run.step == 0 { None } else { Some(Self::read(run)?) })
    }

    fn read(run: &Run) -> Result<Self, String> {
        if run.work.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_str(&run.work).map_err(|e| format!("its plan is none of this release: {e}; ask for a new run"))
    }

    /// The plan of a new run.
    pub(super) fn planned(
        run: &Run,
        opened: Option<DateTime<Utc>>,
        left: BTreeMap<String, Option<u32>>,
    ) -> Result<Self, String> {
        let mut work = Self { left, ..Self::read(run)? };
        match work.keys.clone() {
            Some(keys) => work.plan_keys(&legs(run), &keys),
            None => work.plan_all(run, opened),
        }
        work.todo.push_back(Step::Judge);
        for step in work.todo.clone() {
            work.foresee(&step);
        }
        Ok(work)
    }

    /// What is asked for by its id.
    fn plan_keys(&mut self, legs: &[Leg], keys: &Keys) {
        let parts = |of: &BTreeSet<String>, size| {
            let all: Vec<String> = of.iter().cloned().collect();
            all.chunks(size).map(<[String]>::to_vec).collect::<Vec<_>>()
        };
        if legs.iter().any(|leg| matches!(leg, Leg::R1 | Leg::R2 | Leg::R9)) {
            self.todo.extend(parts(&keys.transactions, IDS).into_iter().map(|ids| Step::SalesById { ids }));
        }
        if legs.iter().any(|leg| matches!(leg, Leg::R2 | Leg::R3)) {
            self.todo
                .extend(parts(&keys.invoices, INVOICES).into_iter().map(|invoices| Step::InvoiceDetails { invoices }));
        }
    }

    fn plan_all(&mut self, run: &Run, opened: Option<DateTime<Utc>>) {
        let work = self;
        let legs = legs(run);
        let any = |wanted: &[Leg]| legs.iter().any(|leg| wanted.contains(leg));
        if any(&[Leg::R1, Leg::R2, Leg::R9]) {
            let mut from = opened.map_or(run.from, |opened| opened.max(run.from));
            while from < run.to {
                let to = (from + SLICE).min(run.to);
                work.todo.push_back(Step::SalesOf { from, to });
                from = to;
            }
            work.todo.push_back(Step::MissingSales);
        }
        if any(&[Leg::R3]) {
            work.todo.push_back(Step::Invoices { page: 1 });
        }
        if any(&[Leg::R2]) {
            work.todo.push_back(Step::ChooseInvoices);
        }
        if any(&[Leg::R7]) {
            work.todo.push_back(Step::Subscriptions { page: 1 });
        }
    }

    /// Counts a step's calls among the planned ones.
    fn foresee(&mut self, step: &Step) {
        if let (Some(vendor), cost) = step.cost() {
            *self.planned.entry(vendor.to_owned()).or_default() += cost;
        }
    }

    /// More to do, next and in this order.
    pub(super) fn next(&mut self, steps: Vec<Step>) {
        for step in steps.into_iter().rev() {
            self.foresee(&step);
            self.todo.push_front(step);
        }
    }

    /// A source was read.
    pub(super) fn seen(&mut self, step: &Step, now: DateTime<Utc>) {
        if let Some(source) = step.source() {
            self.read_at.entry(source.to_owned()).or_insert(now);
        }
    }

    /// What a step would have read stays unread.
    pub(super) fn give_up(&mut self, step: &Step, why: &str) {
        if let Some(source) = step.source() {
            self.not_read.push(NotRead { source: source.to_owned(), what: step.words(), why: why.to_owned() });
        }
    }

    /// All of the source was read.
    pub(super) fn is_whole(&self, source: &str) -> bool {
        !self.not_read.iter().any(|part| part.source == source)
    }

    /// Steps in all, as far as they are known: with so many done.
    pub(super) fn steps(&self, done: u32) -> u32 {
        done + u32::try_from(self.todo.len()).unwrap_or(u32::MAX)
    }

    /// What comes next, for people.
    pub(super) fn doing(&self) -> String {
        self.todo.front().map_or_else(|| "comparing".to_owned(), Step::words)
    }

    /// As it is kept.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("times, numbers and texts always make JSON")
    }
}
