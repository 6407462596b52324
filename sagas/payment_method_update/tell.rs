//! What people are told of a card update, and what becomes of it. A letter that does not reach the customer is a task.

use super::events::Event;
use super::state::State;
use super::turn::Turn;
use super::words::LetterKind;
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::outcome::Outcome;
use crate::kernel::telling::Told;

impl Turn<'_> {
    pub(super) fn shown(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Attio(Attio::ShowCardPage(face)) = effect else { return };
        let told = self.state.people.shown(face.version, outcome, self.at.now);
        self.push(Event::Told(told));
    }

    pub(super) fn told_people(&mut self, step: &str, outcome: &Outcome) {
        let (people, now) = (&self.state.people, self.at.now);
        let told = match step {
            "letter" => people.letter_told(outcome, now),
            _ => Some(people.task_told(outcome, now)),
        };
        if let Some(told) = told {
            self.push(Event::Told(told));
        }
    }
}

impl State {
    pub(super) fn apply_told(&mut self, event: &Event) {
        let Event::Told(told) = event else { return };
        let unreached = self.people.apply(told);
        if let Told::CustomerStateShown { version } | Told::CustomerStateNotShown { version, .. } = told {
            // An act that was pressed since has made a newer version.
            self.unanswered &= !self.people.is_newest(*version);
        }
        match unreached {
            Some(LetterKind::Link) => {
                self.owe_task("letter", "A letter could not be sent: give the customer the link for the card yourself");
            }
            Some(LetterKind::Changed) => {
                self.owe_task(
                    "changed",
                    "A letter could not be sent: tell the customer that the new card is charged now",
                );
            }
            None => {}
        }
    }
}
