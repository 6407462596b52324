//! The walk's only source of variety, and the outcomes that it rolls.

use crate::answers::answer;
use crate::samples::{self, eur};
use chrono::{DateTime, Utc};
use sagas::kernel::answer::InvoicePayment as Payment;
use sagas::kernel::effect::Effect;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome, RejectionKind};
use sagas::kernel::payout::Position;
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
    /// Where the money of each transaction stands in our ledger.
    pub(crate) positions: Vec<Position>,
    /// The card that a Braintree subscription was told to charge last.
    pub(crate) moved_to: String,
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
        eur(self.of(&[0, 1, 2_500, 5_000, 10_000, 10_000, 10_000, 12_000]))
    }
}

/// Any outcome that a call of this kind can have.
pub(crate) fn outcome(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Outcome {
    let sides = if effect.exactly_once() == ExactlyOnce::Repeatable { 80 } else { 16 };
    match dice.roll(sides) {
        0 => samples::unknown(),
        1 => samples::not_sent(dice.of(&[NotSent::Outage, NotSent::Quota, NotSent::Again])),
        2 => rejected(dice),
        3 | 4 => declined(dice),
        _ => Outcome::Done { answer: answer(effect, dice, now) },
    }
}

fn rejected(dice: &mut Dice) -> Outcome {
    use RejectionKind as K;
    let kind = dice.of(&[K::Config, K::NotFound, K::Invalid, K::State, K::Mismatch, K::UnknownState, K::OrderIdReused]);
    samples::rejected(kind, dice.of(&["91518", "24016", "1"]))
}

fn declined(dice: &mut Dice) -> Outcome {
    let kind = dice.of(&[DeclineKind::Processor, DeclineKind::Processor, DeclineKind::Gateway, DeclineKind::Network]);
    let code = dice.of(&["2001", "2046", "2099", "2017", "2043", "9999", "duplicate", "fraud"]);
    let decline = Decline {
        response_type: dice.of(&[None, Some("soft_declined".to_owned()), Some("hard_declined".to_owned())]),
        advice_code: dice.of(&[None, None, Some("26".to_owned()), Some("40".to_owned())]),
        transaction: None,
        ..samples::decline(kind, code)
    };
    Outcome::Declined { decline }
}
