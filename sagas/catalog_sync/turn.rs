//! What follows from what is asked, answered and due.

use super::CatalogSync;
use super::compare::{Comparison, Difference, compare, version};
use super::state::{REWRITES_WITHIN, Stage, Todo, cost};
use super::words::{Asked, Because, Contested, Event, Planned};
use crate::kernel::answer::Answer;
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::turn;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

pub(super) type Turn<'a> = turn::Turn<'a, CatalogSync>;

/// Two reads begin at least so long one after the other.
const READS_APART: TimeDelta = TimeDelta::seconds(60);
/// What a read did not list is looked for again so long after it began.
const SECOND_READ: TimeDelta = TimeDelta::minutes(5);
/// How often a record is written back within [`REWRITES_WITHIN`].
const REWRITES_AT_MOST: usize = 3;
/// What of a record a customer's price depends on.
const PRICED: [&str; 4] = ["price", "price_text", "billing_interval", "offering_status"];

impl Turn<'_> {
    pub(super) fn asked(&mut self, organization: &str, day: NaiveDate, by: &Asked, key: &str) {
        if self.state.heard.contains(key) {
            return;
        }
        self.push(Event::SyncAsked {
            organization: organization.to_owned(),
            day,
            by: by.clone(),
            key: key.to_owned(),
            at: self.at.now,
        });
        if self.state.is_idle() {
            self.begin();
        }
    }

    /// A wanted read begins, now or when the last one is old enough.
    fn begin(&mut self) {
        let now = self.at.now;
        match self.state.began_at.map(|began| began + READS_APART).filter(|earliest| *earliest > now) {
            None => self.push(Event::ReadBegan { at: now }),
            Some(until) if self.state.stage == (Stage::Resting { until }) => {}
            Some(until) => self.push(Event::ReadPutOff { until }),
        }
    }

    pub(super) fn due(&mut self) {
        if self.state.put_off.until.is_some() {
            self.push(Event::TellingDue);
        } else if matches!(self.state.stage, Stage::Resting { .. }) {
            self.push(Event::ReadBegan { at: self.at.now });
        }
    }

    pub(super) fn answered(&mut self, step: &str, outcome: &Outcome) {
        match outcome {
            Outcome::Done { answer } => self.done(step, answer),
            Outcome::Rejected { rejection } => self.refused(step, rejection),
            // Neither Zoho nor Attio gives another answer: the machine parks it.
            Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn done(&mut self, step: &str, answer: &Answer) {
        match (step, answer) {
            ("answer", _) => {
                if let Some(press) = self.state.presses.first().cloned() {
                    self.push(Event::ActAnswered { press });
                }
            }
            ("read_zoho", Answer::Catalog(catalog)) => {
                self.push(Event::CatalogRead { version: version(catalog), catalog: catalog.clone() });
            }
            ("read_attio", Answer::ShownCatalog(shown)) => {
                let Some(catalog) = &self.state.catalog else { return };
                let comparison = compare(catalog, shown);
                self.compared(comparison);
            }
            ("show" | "note" | "task" | "tell", _) => {
                let Some(todo) = self.state.todo.front().cloned() else { return };
                self.push(match todo {
                    Todo::Show(planned) => Event::OfferingShown {
                        external_id: planned.difference.offering.external_id.clone(),
                        record: planned.difference.record.clone(),
                    },
                    Todo::Note { record, .. } => Event::EditNoted { record },
                    Todo::Task { record, .. } => Event::TaskAdded { record },
                    Todo::Tell { offerings } => Event::OldQuotesEnded { offerings },
                });
                self.go_on();
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    fn refused(&mut self, step: &str, rejection: &Rejection) {
        let code = rejection.code.clone();
        match step {
            "read_zoho" | "read_attio" => {
                self.push(Event::CatalogNotRead { step: step.to_owned(), code, at: self.at.now });
                if self.state.wanted {
                    self.begin();
                }
            }
            // Everything that Attio is told meets the same refusal, and only time or a person ends it.
            _ if rejection.kind == RejectionKind::Config => {
                let again_at = self.state.put_off.again_at(self.at.now);
                self.push(Event::TellingPutOff { step: step.to_owned(), code, again_at });
            }
            "answer" => {
                if let Some(press) = self.state.presses.first().cloned() {
                    self.push(Event::ActNotAnswered { press, code });
                }
            }
            _ => {
                let external_id = match self.state.todo.front() {
                    Some(Todo::Show(planned)) => planned.difference.offering.external_id.clone(),
                    Some(Todo::Note { record, .. } | Todo::Task { record, .. }) => record.clone(),
                    Some(Todo::Tell { .. }) | None => String::new(),
                };
                self.push(Event::PassedOver { step: step.to_owned(), external_id, code });
                self.go_on();
            }
        }
    }

    fn compared(&mut self, comparison: Comparison) {
        let now = self.at.now;
        let (mut changes, mut contested) = (Vec::new(), Vec::new());
        let repriced = self.repriced(&comparison);
        for difference in comparison.differences {
            let because = self.because(&difference, &repriced);
            match (because, &difference.record) {
                (Because::Edited, Some(record)) => match self.contest(record, now) {
                    Contest::None => changes.push(Planned { difference, because }),
                    Contest::New(until) => contested.push(Contested {
                        record: record.clone(),
                        name: difference.offering.name.clone(),
                        until,
                    }),
                    Contest::Stands => {}
                },
                _ => changes.push(Planned { difference, because }),
            }
        }
        let mut missed = Vec::new();
        for missing in comparison.missing {
            if self.state.missed.contains(&missing.offering.external_id) {
                changes.push(Planned::from(missing));
            } else {
                missed.push(missing.offering.external_id);
            }
        }
        self.push(Event::CatalogCompared { changes, missed, contested, repriced, at: now });
        self.go_on();
    }

    /// Offerings that cost something else than before: than at the day's last read, or failing that, than Attio shows
    /// and nobody edited.
    fn repriced(&self, comparison: &Comparison) -> Vec<String> {
        let known = &self.state.costs;
        let listed = self.state.catalog.iter().flat_map(|catalog| &catalog.offerings);
        let was_another = |difference: &Difference| {
            let is_linked = difference.record.is_some() && !difference.attributes.iter().any(|a| a == "external_id");
            let priced = |slug: &&str| {
                let differs = difference.attributes.iter().any(|attribute| attribute == slug);
                differs && !difference.edited.iter().any(|attribute| attribute == slug)
            };
            let told_of = difference.record.as_ref().is_some_and(|record| self.state.edited.contains(record));
            is_linked && !told_of && PRICED.iter().any(priced)
        };
        listed
            .filter(|offering| match known.get(&offering.external_id) {
                Some(before) => *before != cost(offering),
                None => comparison
                    .differences
                    .iter()
                    .any(|d| d.offering.external_id == offering.external_id && was_another(d)),
            })
            .map(|offering| format!("{}:{}", offering.kind.as_str(), offering.code))
            .collect()
    }

    fn because(&self, difference: &Difference, repriced: &[String]) -> Because {
        let Some(record) = &difference.record else { return Because::New };
        if difference.attributes.iter().any(|attribute| attribute == "external_id") {
            return Because::Adopted;
        }
        let name = format!("{}:{}", difference.offering.kind.as_str(), difference.offering.code);
        let by_people = !difference.edited.is_empty() || self.state.edited.contains(record);
        if by_people && !repriced.contains(&name) { Because::Edited } else { Because::Changed }
    }

    /// Whether people and this flow take turns at a record.
    fn contest(&self, record: &str, now: DateTime<Utc>) -> Contest {
        if self.state.contested.get(record).is_some_and(|until| *until > now) {
            return Contest::Stands;
        }
        let times = self.state.rewrites.get(record).map(Vec::as_slice).unwrap_or_default();
        let mut recent = times.iter().filter(|time| now - **time < REWRITES_WITHIN);
        match (recent.clone().count() >= REWRITES_AT_MOST, recent.next()) {
            (true, Some(first)) => Contest::New(*first + REWRITES_WITHIN),
            _ => Contest::None,
        }
    }

    /// After the last thing to do: the run is over, and what was asked meanwhile, or was missed, is read again.
    fn go_on(&mut self) {
        if !self.state.todo.is_empty() {
            return;
        }
        self.push(Event::CatalogSynced { version: self.state.version.clone(), at: self.at.now });
        if self.state.wanted {
            self.begin();
        } else if !self.state.missed.is_empty() {
            let began = self.state.began_at.unwrap_or(self.at.now);
            self.push(Event::ReadPutOff { until: began + SECOND_READ });
        }
    }
}

enum Contest {
    None,
    /// They do from now on; the record is left alone until then.
    New(DateTime<Utc>),
    /// It was said already.
    Stands,
}
