//! The walk's only source of variety, and the outcomes that it rolls.

use crate::answers::answer;
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::InvoicePayment as Payment;
use sagas::kernel::effect::Effect;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome, Rejection, RejectionKind};
use sagas::kernel::step::ExactlyOnce;

/// A stream of choices: the walk's only source of variety. It knows what a consistent world would answer, and mostly
/// answers so: a walk in which nothing ever fits would never get to the money.
pub(crate) struct Dice {
    pub(crate) seed: u64,
    /// Recorded at Zoho by us.
    pub(crate) payments: Vec<Payment>,
    /// Applied in our ledger.
    pub(crate) applied: i64,
    /// Captured and applied to nothing.
    pub(crate) unapplied: i64,
}

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % sides
    }

    pub(crate) fn of<T: Clone>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.roll(all.len() as u64)).expect("small");
        all[at].clone()
    }

    /// Mostly not.
    pub(crate) fn rarely(&mut self) -> bool {
        self.roll(24) == 0
    }

    pub(crate) fn money(&mut self) -> Money {
        Money::new(self.of(&[0, 1, 2_500, 5_000, 10_000, 10_000, 10_000, 12_000]), Currency::EUR)
    }
}

/// Any outcome that a call of this kind can have.
pub(crate) fn outcome(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Outcome {
    let sides = if effect.exactly_once() == ExactlyOnce::Repeatable { 80 } else { 16 };
    match dice.roll(sides) {
        0 => Outcome::Unknown { detail: "time-out".to_owned() },
        1 => Outcome::NotSent {
            cause: dice.of(&[NotSent::Outage, NotSent::Quota, NotSent::Again]),
            detail: "not sent".to_owned(),
            retry_after_seconds: None,
        },
        2 => rejected(dice),
        3 | 4 => declined(dice),
        _ => Outcome::Done { answer: answer(effect, dice, now) },
    }
}

fn rejected(dice: &mut Dice) -> Outcome {
    use RejectionKind as K;
    let kind = dice.of(&[K::Config, K::NotFound, K::Invalid, K::State, K::Mismatch, K::UnknownState, K::OrderIdReused]);
    let code = dice.of(&["91518", "24016", "1"]).to_owned();
    Outcome::Rejected { rejection: Rejection { kind, code, message: "no".to_owned() } }
}

fn declined(dice: &mut Dice) -> Outcome {
    let decline = Decline {
        kind: dice.of(&[DeclineKind::Processor, DeclineKind::Processor, DeclineKind::Gateway, DeclineKind::Network]),
        code: dice.of(&["2001", "2046", "2099", "2017", "2043", "9999", "duplicate", "fraud"]).to_owned(),
        text: "no".to_owned(),
        response_type: dice.of(&[None, Some("soft_declined".to_owned()), Some("hard_declined".to_owned())]),
        advice_code: dice.of(&[None, None, Some("26".to_owned()), Some("40".to_owned())]),
        transaction: None,
        brand: None,
    };
    Outcome::Declined { decline }
}
