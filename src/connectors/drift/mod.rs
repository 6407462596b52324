//! What the connectors assume of a vendor, held against what the vendor really answers: the record of one walk over reads,
//! and the comparisons that all vendors share. Asks nothing by itself, and keeps of an answer only names, types, counts
//! and words of status: no value that a person typed gets out.

mod points;
mod shape;

pub use points::{Point, System};
pub(super) use shape::{Field, Rows, day, flag, list, number, text, time, word};

use super::http::Reply;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long one read of the walk may take.
pub(super) const READ_LIMIT: Duration = Duration::from_secs(20);

/// Look-ups by our references forgive clocks that are apart by no more than this.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(2);

/// How an assumption fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As the connectors assume.
    Same,
    /// The vendor answers, and differently.
    Differs,
    /// There is nothing at the vendor to compare with.
    Empty,
    /// The vendor could not be asked.
    Unasked,
}

impl State {
    /// The word that people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "ok",
            Self::Differs => "DIFFERS",
            Self::Empty => "empty",
            Self::Unasked => "NOT ASKED",
        }
    }
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it came out.
    pub state: State,
    /// Of which system.
    pub system: System,
    /// What was compared.
    pub check: String,
    /// What the vendor showed.
    pub found: String,
    /// What a person does about it; empty where there is nothing to do.
    pub cure: String,
}

/// What is told while the walk runs.
pub type Progress<'a> = &'a (dyn Fn(System, &str) + Sync);

/// The record of a walk through one vendor's systems.
pub struct Survey<'a> {
    system: System,
    progress: Progress<'a>,
    findings: Vec<Finding>,
    answers: BTreeMap<Point, String>,
    has_compared_clocks: bool,
}

/// What a walk brought home.
#[derive(Debug, Default)]
pub struct Walked {
    /// All comparisons, in the order of the walk.
    pub findings: Vec<Finding>,
    /// Open points that the answers settle, with the answer.
    pub answers: BTreeMap<Point, String>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(system: System, progress: Progress<'a>) -> Self {
        Self { system, progress, findings: Vec::new(), answers: BTreeMap::new(), has_compared_clocks: false }
    }

    /// The next findings are of that system.
    pub(super) fn enter(&mut self, system: System) {
        self.system = system;
        self.has_compared_clocks = false;
    }

    /// Says what is asked next.
    pub(super) fn asks(&self, what: &str) {
        (self.progress)(self.system, what);
    }

    pub(super) fn done(self) -> Walked {
        Walked { findings: self.findings, answers: self.answers }
    }

    /// It is as assumed.
    pub(super) fn same(&mut self, check: &str, found: impl Into<String>) {
        self.add(State::Same, check, found.into(), "");
    }

    /// It is not as assumed.
    pub(super) fn differs(&mut self, check: &str, found: impl Into<String>, cure: &str) {
        self.add(State::Differs, check, found.into(), cure);
    }

    /// As assumed if it `holds`.
    pub(super) fn holds(&mut self, check: &str, holds: bool, found: impl Into<String>, cure: &str) {
        if holds { self.same(check, found) } else { self.differs(check, found, cure) }
    }

    /// There is nothing to compare with.
    pub(super) fn empty(&mut self, check: &str) {
        self.add(State::Empty, check, "nothing there to compare with".to_owned(), "");
    }

    /// The vendor gave no usable answer.
    pub(super) fn unasked(&mut self, check: &str, why: impl Into<String>) {
        self.add(State::Unasked, check, why.into(), "check the address, the network and the vendor's status page");
    }

    fn add(&mut self, state: State, check: &str, found: String, cure: &str) {
        let (check, cure) = (check.to_owned(), cure.to_owned());
        self.findings.push(Finding { state, system: self.system, check, found, cure });
    }

    /// An open point is answered; the first answer stands.
    pub(super) fn settle(&mut self, point: Point, answer: impl Into<String>) {
        self.answers.entry(point).or_insert_with(|| answer.into());
    }

    /// What the headers say beside the body: once a system.
    pub(super) fn headers(&mut self, reply: &Reply, now: DateTime<Utc>) {
        if std::mem::replace(&mut self.has_compared_clocks, true) {
            return;
        }
        let date = reply.header("date").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        match date.map(|date| now - date.to_utc()) {
            Some(apart) => self.holds(
                "clock",
                apart.abs() <= CLOCKS_APART,
                format!("ours is {} s ahead of the vendor's", apart.num_seconds()),
                "run a time service on this host: `timedatectl set-ntp true`",
            ),
            None => self.differs("clock", "the answer names no `Date`", "`Retry-After` as an instant cannot be read"),
        }
        let is_there = reply.request_id().is_some();
        let found = if is_there { "answers carry one" } else { "answers carry none that we know" };
        // Zoho's products document none.
        let holds = is_there || !matches!(self.system, System::Braintree | System::Attio);
        self.holds("request id", holds, found, "the vendor's support cannot be told one");
        let limits: Vec<_> =
            reply.headers.keys().map(reqwest::header::HeaderName::as_str).filter(|name| is_limit(name)).collect();
        let shown: Vec<_> = limits.iter().map(|name| format!("{name}: {}", plain(reply.header(name)))).collect();
        let found = if shown.is_empty() { "no header tells them".to_owned() } else { shown.join(", ") };
        self.same("rate limits", found.clone());
        if let Some(point) = points::limits_of(self.system) {
            self.settle(point, found);
        }
    }
}

fn is_limit(name: &str) -> bool {
    name.contains("ratelimit") || name.contains("rate-limit") || name.contains("credits") || name == "retry-after"
}

/// A vendor's word, fit to be shown: what is longer or has other characters is no word of status.
pub(super) fn plain(word: Option<&str>) -> String {
    let is_plain = |word: &&str| {
        word.len() <= 40 && word.chars().all(|c| c.is_ascii_alphanumeric() || " _-.:/".contains(c)) && !word.is_empty()
    };
    word.filter(is_plain).unwrap_or("(not shown)").to_owned()
}
