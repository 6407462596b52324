//! What people are told, and what becomes of it: the record in Attio, letters, tasks. Telling never holds the flow up.
//! What is refused for a reason that may pass, a credential or a setting, is put off and tried ever more seldom; what can
//! never be told is passed over, on record.

use super::events::Event;
use super::state::{PutOffs, State};
use super::turn::Turn;
use super::words::{LetterKind, Telling};
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::retry::PutOff;
use chrono::{DateTime, Utc};

/// A refusal: its code, and its kind where it is the vendor's.
fn refusal(outcome: &Outcome) -> Option<(&str, Option<RejectionKind>)> {
    match outcome {
        Outcome::Rejected { rejection } => Some((&rejection.code, Some(rejection.kind))),
        Outcome::Declined { decline } => Some((&decline.code, None)),
        Outcome::Done { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => None,
    }
}

impl Turn<'_> {
    pub(super) fn shown(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Attio(Attio::ShowCardPage(face)) = effect else { return };
        let version = face.version;
        match refusal(outcome) {
            None => self.push(Event::RecordShown { version }),
            Some((code, Some(RejectionKind::NotFound))) => {
                self.push(Event::RecordNotShown { version, code: code.to_owned() });
            }
            Some((code, _)) => self.put_off(Telling::Record, code),
        }
    }

    pub(super) fn told_people(&mut self, step: &str, outcome: &Outcome) {
        let event = match (step, self.state.letters.first().copied(), refusal(outcome)) {
            ("letter", _, Some((code, Some(RejectionKind::Config)))) => return self.put_off(Telling::Letter, code),
            ("letter", Some(letter), None) => Event::LetterSent { letter },
            ("letter", Some(letter), Some((code, _))) => Event::LetterNotSent { letter, code: code.to_owned() },
            ("task", _, Some((code, Some(RejectionKind::Config)))) => return self.put_off(Telling::Task, code),
            ("task", _, None) => Event::TaskAdded,
            ("task", _, Some((code, _))) => Event::TaskNotAdded { code: code.to_owned() },
            _ => return,
        };
        self.push(event);
    }

    fn put_off(&mut self, telling: Telling, code: &str) {
        let again_at = self.state.put_off.of(telling).again_at(self.at.now);
        self.push(Event::TellingPutOff { telling, code: code.to_owned(), again_at });
    }
}

impl State {
    pub(super) fn apply_told(&mut self, event: &Event) {
        match event {
            Event::RecordShown { version } | Event::RecordNotShown { version, .. } => {
                self.put_off.record = PutOff::default();
                self.shown_version = *version;
                // An act that was pressed since has made a newer version.
                self.unanswered &= *version != self.face_version;
            }
            Event::LetterSent { letter } => self.letter_over(*letter),
            Event::LetterNotSent { letter, .. } => {
                self.letter_over(*letter);
                self.letter_failed(*letter);
            }
            Event::TaskAdded | Event::TaskNotAdded { .. } => {
                self.put_off.task = PutOff::default();
                self.counts.tasks += 1;
                if !self.tasks.is_empty() {
                    self.tasks.remove(0);
                }
            }
            Event::TellingPutOff { telling, again_at, .. } => {
                let put_off = self.put_off.of(*telling);
                let first = put_off.refusals == 0;
                put_off.refused(*again_at);
                if let (Telling::Letter, true, Some(letter)) = (*telling, first, self.letters.first().copied()) {
                    self.letter_failed(letter);
                }
            }
            Event::TellingDue { telling } => self.put_off.of(*telling).until = None,
            _ => {}
        }
    }

    fn letter_over(&mut self, letter: LetterKind) {
        self.put_off.letter = PutOff::default();
        self.counts.letters += 1;
        self.letters.retain(|l| *l != letter);
    }

    fn letter_failed(&mut self, letter: LetterKind) {
        match letter {
            LetterKind::Link => {
                self.owe_task("letter", "A letter could not be sent: give the customer the link for the card yourself");
            }
            LetterKind::Changed => {
                self.owe_task(
                    "changed",
                    "A letter could not be sent: tell the customer that the new card is charged now",
                );
            }
        }
    }

    /// What is owed and put off, each until its time (UTC).
    pub(super) fn tried_again(&self) -> impl Iterator<Item = (Telling, DateTime<Utc>)> {
        let PutOffs { record, letter, task } = &self.put_off;
        let record = record.until.filter(|_| self.owed_face().is_some()).map(|until| (Telling::Record, until));
        let letter = letter.until.filter(|_| !self.letters.is_empty()).map(|until| (Telling::Letter, until));
        let task = task.until.filter(|_| !self.tasks.is_empty()).map(|until| (Telling::Task, until));
        [record, letter, task].into_iter().flatten()
    }
}
