//! Where a day's sync stands, folded from its events.

use super::CatalogSync;
use super::words::{Asked, Because, Contested, Event, Planned};
use crate::kernel::catalog::{Catalog, CatalogPress, Offering};
use crate::kernel::ids::SagaId;
use crate::kernel::retry::PutOff;
use crate::kernel::saga::End;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Within which rewrites of one record are counted.
pub(super) const REWRITES_WITHIN: TimeDelta = TimeDelta::hours(1);

/// What a sync remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Zoho organization id and day.
    pub(super) of: Option<(String, NaiveDate)>,
    pub(super) stage: Stage,
    /// A read is wanted that has not begun.
    pub(super) wanted: bool,
    /// Keys of all that was asked.
    pub(super) heard: BTreeSet<String>,
    /// Acts that nobody has answered.
    pub(super) presses: Vec<CatalogPress>,
    /// Records that were edited since the last comparison.
    pub(super) edited: BTreeSet<String>,
    pub(super) began_at: Option<DateTime<Utc>>,
    pub(super) read_at: DateTime<Utc>,
    /// Reads that began.
    pub(super) reads: u32,
    /// Steps that were concluded.
    pub(super) concluded: u32,
    /// What was read, until it is compared.
    pub(super) catalog: Option<Box<Catalog>>,
    pub(super) version: String,
    /// What the offerings cost at the last read, by external id.
    pub(super) costs: BTreeMap<String, String>,
    /// Not listed at the last read.
    pub(super) missed: BTreeSet<String>,
    /// When records were written back, the last hour's.
    pub(super) rewrites: BTreeMap<String, Vec<DateTime<Utc>>>,
    /// Records that are left as they are until then.
    pub(super) contested: BTreeMap<String, DateTime<Utc>>,
    pub(super) todo: VecDeque<Todo>,
    pub(super) put_off: PutOff,
}

/// The stages of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    Reading,
    Comparing,
    Working,
    Resting { until: DateTime<Utc> },
    Over { end: End },
}

impl Default for Stage {
    fn default() -> Self {
        // Only a stream whose start was refused stays there.
        Self::Over { end: End::GivenUp }
    }
}

/// One thing that a comparison leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "todo", rename_all = "snake_case")]
pub(super) enum Todo {
    Show(Box<Planned>),
    Note { record: String, attributes: Vec<String> },
    Task { record: String, text: String },
    Tell { offerings: Vec<String> },
}

impl Todo {
    pub(super) const fn step(&self) -> &'static str {
        match self {
            Self::Show(_) => "show",
            Self::Note { .. } => "note",
            Self::Task { .. } => "task",
            Self::Tell { .. } => "tell",
        }
    }
}

/// All that prices an offering: where it differs, a quote of it is an old one.
pub(super) fn cost(offering: &Offering) -> String {
    format!("{}|{}|{}", offering.price_text, offering.interval, offering.status())
}

impl State {
    /// Its own id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.of.as_ref().map(|(organization, day)| CatalogSync::id(organization, *day))
    }

    /// Nothing is under way: a read may begin.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::Over { .. } | Stage::Resting { .. })
    }

    pub(super) const fn word(&self) -> &'static str {
        match self.stage {
            _ if self.reads == 0 => "Asked",
            Stage::Reading => "Read",
            Stage::Comparing => "Diffed",
            Stage::Working => "Asserting",
            Stage::Resting { .. } => "Resting",
            Stage::Over { end: End::Completed } => "Asserted",
            Stage::Over { .. } => "Incomplete",
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::SyncAsked { organization, day, by, key, .. } => {
                self.of = Some((organization.clone(), *day));
                self.heard.insert(key.clone());
                self.wanted = true;
                match by {
                    Asked::Pressed { press } => self.presses.push(press.clone()),
                    Asked::Edited { record } => {
                        self.edited.insert(record.clone());
                    }
                    Asked::Daily | Asked::Poll | Asked::Ordered => {}
                }
            }
            Event::ActAnswered { .. } | Event::ActNotAnswered { .. } => {
                if !self.presses.is_empty() {
                    self.presses.remove(0);
                }
                self.done();
            }
            Event::ReadBegan { at } => {
                self.wanted = false;
                self.began_at = Some(*at);
                self.reads += 1;
                self.stage = Stage::Reading;
            }
            Event::ReadPutOff { until } => self.stage = Stage::Resting { until: *until },
            Event::CatalogRead { catalog, version } => {
                self.read_at = catalog.read_at;
                self.catalog = Some(catalog.clone());
                self.version.clone_from(version);
                self.stage = Stage::Comparing;
                self.done();
            }
            Event::CatalogNotRead { .. } => {
                self.catalog = None;
                self.stage = Stage::Over { end: End::GivenUp };
                self.done();
            }
            Event::CatalogCompared { changes, missed, contested, repriced, at } => {
                self.compared(changes, contested, repriced, *at);
                self.missed = missed.iter().cloned().collect();
                self.stage = Stage::Working;
                self.done();
            }
            Event::OfferingShown { .. }
            | Event::EditNoted { .. }
            | Event::TaskAdded { .. }
            | Event::OldQuotesEnded { .. }
            | Event::PassedOver { .. } => {
                self.todo.pop_front();
                self.done();
            }
            Event::TellingPutOff { again_at, .. } => {
                self.put_off.refused(*again_at);
                self.concluded += 1;
            }
            Event::TellingDue => self.put_off.until = None,
            Event::CatalogSynced { .. } => self.stage = Stage::Over { end: End::Completed },
        }
    }

    /// A step was concluded: what was refused before is taken again.
    fn done(&mut self) {
        self.concluded += 1;
        self.put_off = PutOff::default();
    }

    fn compared(&mut self, changes: &[Planned], contested: &[Contested], repriced: &[String], at: DateTime<Utc>) {
        if let Some(catalog) = self.catalog.take() {
            self.costs = catalog.offerings.iter().map(|o| (o.external_id.clone(), cost(o))).collect();
        }
        self.edited.clear();
        self.contested.retain(|_, until| *until > at);
        for times in self.rewrites.values_mut() {
            times.retain(|time| at - *time < REWRITES_WITHIN);
        }
        self.rewrites.retain(|_, times| !times.is_empty());
        self.todo = changes.iter().map(|planned| Todo::Show(Box::new(planned.clone()))).collect();
        // People first learn what costs something else; notes and tasks can wait.
        if !repriced.is_empty() {
            self.todo.push_back(Todo::Tell { offerings: repriced.to_vec() });
        }
        for planned in changes {
            let Some(record) = &planned.difference.record else { continue };
            match planned.because {
                Because::Edited => {
                    self.rewrites.entry(record.clone()).or_default().push(at);
                    let attributes = if planned.difference.edited.is_empty() {
                        planned.difference.attributes.clone()
                    } else {
                        planned.difference.edited.clone()
                    };
                    self.todo.push_back(Todo::Note { record: record.clone(), attributes });
                }
                Because::Gone => {
                    let text = format!(
                        "{} is not in Zoho Billing any more, and was retired here. If it was deleted by mistake, make it \
                         anew in Zoho with the code `{}`.",
                        planned.difference.offering.name, planned.difference.offering.code
                    );
                    self.todo.push_back(Todo::Task { record: record.clone(), text });
                }
                Because::New | Because::Adopted | Because::Changed => {}
            }
        }
        for contested in contested {
            self.contested.insert(contested.record.clone(), contested.until);
            let text = format!(
                "{} was edited here again and again, and is not written back until {}. The catalog is kept in Zoho \
                 Billing: change it there, and ask who or what edits this record.",
                contested.name,
                contested.until.format("%Y-%m-%d %H:%M UTC")
            );
            self.todo.push_back(Todo::Task { record: contested.record.clone(), text });
        }
    }
}
