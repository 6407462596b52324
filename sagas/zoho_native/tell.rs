//! What people are told, and what becomes of it. A deleted record is nobody's wish any more: the start ends. A letter that
//! does not reach the customer is a task.

use super::events::Event;
use super::state::{Stage, State};
use super::turn::Turn;
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::outcome::Outcome;
use crate::kernel::telling::Told;

impl Turn<'_> {
    pub(super) fn shown(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Attio(Attio::ShowSubscription(face)) = effect else { return };
        let told = self.state.people.shown(face.sync_version, outcome, self.at.now);
        let gone = matches!(told, Told::CustomerStateNotShown { .. });
        self.push(Event::Told(told));
        if gone && matches!(self.state.stage, Stage::Quoted | Stage::LinkOut) {
            // Nobody in the CRM wants it any more.
            let reason = "the subscription's record was deleted in Attio".to_owned();
            self.push(Event::CancellationOrdered { reason, at: self.at.now });
            self.close();
        }
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
        match told {
            // An act that was pressed since has made a newer version.
            Told::CustomerStateShown { version } => self.sale.unanswered &= !self.people.is_newest(*version),
            Told::LetterSent { .. } if self.letter_trouble => self.trouble(false),
            _ => {}
        }
        if unreached.is_some() {
            self.people.owe_task("letter", "A letter could not be sent: give the customer the link yourself");
            self.trouble(true);
        }
    }

    /// Whether the customer lacks a letter; nobody's clock is needed to show it.
    fn trouble(&mut self, trouble: bool) {
        self.letter_trouble = trouble;
        let at = self.people.face().map(|face| face.as_of);
        if let Some(at) = at {
            self.show(at, false);
        }
    }
}
