//! The three ways of a refusal, each with its recorded history (see `tests/laws`).

use super::{ActRefusal, Command};
use crate::kernel::answer::Answer;
use crate::kernel::flow::Open;
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use chrono::{DateTime, TimeDelta};
use std::collections::VecDeque;

const RECORD: &str = "6f0c2a4e-0000-4000-8000-000000000001";

struct World {
    bench: Bench<ActRefusal>,
    /// What Attio says before it takes the answer.
    noes: VecDeque<RejectionKind>,
    shown: u32,
}

stands_on_its_bench!(World, ActRefusal);

impl Played for World {
    type Flow = ActRefusal;

    fn answer(&mut self, _: &Open) -> Outcome {
        let Some(kind) = self.noes.pop_front() else {
            self.shown += 1;
            return Outcome::Done { answer: Answer::Nothing };
        };
        Outcome::Rejected { rejection: Rejection { kind, code: "no".to_owned(), message: "not now".to_owned() } }
    }

    fn must_hold(&self) {
        assert!(self.shown <= 1, "the same press is answered once");
    }
}

fn pressed(noes: &[RejectionKind]) -> World {
    let at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    let bench = Bench::new(ActRefusal::id(RECORD, at), at + TimeDelta::seconds(2));
    let mut world = World { bench, noes: noes.iter().copied().collect(), shown: 0 };
    for _ in 0..2 {
        world.tell(Command::Pressed {
            record: RECORD.to_owned(),
            act: "Open ticket".to_owned(),
            pressed_at: at,
            sentence: "`Open ticket` was not carried out: open it in Zoho Desk.".to_owned(),
        });
    }
    world
}

#[test]
fn a_press_is_answered_once_however_often_it_is_told() {
    let world = pressed(&[]);
    assert_eq!((world.state().as_str(), world.shown), ("Answered", 1));
    world.has_recorded_history("answered");
}

#[test]
fn what_attio_refuses_for_a_reason_that_may_pass_is_tried_again() {
    let mut world = pressed(&[RejectionKind::Config, RejectionKind::Invalid]);
    world.pass(TimeDelta::minutes(1));
    assert_eq!((world.state().as_str(), world.parked()), ("Answering", None));
    world.pass(TimeDelta::minutes(2));
    assert_eq!((world.state().as_str(), world.shown), ("Answered", 1));
    world.has_recorded_history("put_off_twice");
}

#[test]
fn a_record_that_is_gone_is_not_answered() {
    let world = pressed(&[RejectionKind::NotFound]);
    assert_eq!((world.state().as_str(), world.shown), ("NotShown", 0));
    world.has_recorded_history("record_gone");
}
