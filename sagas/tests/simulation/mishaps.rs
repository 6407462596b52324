//! Everything that departs from a calm day, drawn from the seed: what becomes of a call, of a message, of a node. Each
//! mishap has a number, so that a failing run can be told again with fewer of them.

use crate::coverage::{self, Cell};
use crate::dice::Dice;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::Effect;
use sagas::kernel::step::ExactlyOnce;
use std::collections::BTreeSet;

/// What can become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Provably not made: outage, quota, a conflict.
    NotSent,
    /// The vendor refuses for good.
    Refused,
    /// Done, and no answer comes.
    LostAnswer,
    /// Not done, and no answer comes.
    LostCall,
    /// Done after we had given it up.
    Late,
    /// Done, and the answer cannot be read.
    Garbled,
    /// The node dies before the bytes leave (after the sending mark, where there is one).
    CrashBefore,
    /// Done, and the node dies before the answer.
    CrashDuring,
    /// The node dies with the answer in hand.
    CrashUnwritten,
    /// The node dies once the answer is written.
    CrashWritten,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::NotSent,
        Self::Refused,
        Self::LostAnswer,
        Self::LostCall,
        Self::Late,
        Self::Garbled,
        Self::CrashBefore,
        Self::CrashDuring,
        Self::CrashUnwritten,
        Self::CrashWritten,
    ];

    /// The kinds that this call can meet.
    pub(crate) fn of(effect: &Effect) -> Vec<Self> {
        let ours = matches!(effect, Effect::Desk(_));
        let reads = effect.exactly_once() == ExactlyOnce::Repeatable;
        let meets = |kind: &Self| match kind {
            Self::Refused => !ours,
            Self::LostAnswer | Self::LostCall | Self::Late | Self::Garbled => !reads,
            Self::NotSent | Self::CrashBefore | Self::CrashDuring | Self::CrashUnwritten | Self::CrashWritten => true,
        };
        Self::ALL.into_iter().filter(meets).collect()
    }
}

/// How rough a run is, in chances per mille.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    /// A call goes wrong.
    pub(crate) calls: u64,
    /// A message is lost, doubled or late.
    pub(crate) messages: u64,
    /// A node dies or stands still, per append.
    pub(crate) nodes: u64,
    /// A vendor's refusal is among what goes wrong.
    pub(crate) refusals: bool,
    /// Vendors are down for hours.
    pub(crate) outages: bool,
    /// People edit the vendors' books by hand.
    pub(crate) staff: bool,
}

impl Weather {
    fn of(seed: u64, dice: &mut Dice) -> Self {
        match seed % 8 {
            0 => Self::default(),
            1 => Self { staff: true, ..Self::default() },
            // No refusal and no hand: nothing that only a person could settle.
            2 | 3 => Self { calls: 60, messages: 200, nodes: 8, outages: dice.chance(500), ..Self::default() },
            4 | 5 => Self { calls: 30, messages: 100, nodes: 4, refusals: true, staff: true, outages: false },
            _ => Self { calls: 200, messages: 400, nodes: 20, refusals: true, outages: true, staff: dice.chance(500) },
        }
    }
}

/// The mishaps of a run.
pub(crate) struct Mishaps {
    dice: Dice,
    pub(crate) weather: Weather,
    /// Only these happen; absent: all that are drawn.
    only: Option<BTreeSet<u32>>,
    drawn: u32,
    /// What happened, by number.
    pub(crate) happened: Vec<(u32, String)>,
    /// From then on all is healed (UTC).
    until: DateTime<Utc>,
    /// One cell that this run seeks out.
    focus: Option<Cell>,
    sought: u32,
}

impl Mishaps {
    pub(crate) fn new(seed: u64, only: Option<BTreeSet<u32>>, until: DateTime<Utc>) -> Self {
        let mut dice = Dice::new(seed, 2);
        let mut weather = Weather::of(seed, &mut dice);
        let focus = (weather.calls > 0).then(|| {
            let cells = coverage::wanted();
            // Neighbouring seeds seek cells that lie far apart, and every cell is sought in every weather, of which there
            // are eight.
            let at = (seed / 8).wrapping_mul(7_919).wrapping_add(seed % 8 * 1_009);
            let at = usize::try_from(at).unwrap_or_default() % cells.len();
            cells[at].clone()
        });
        weather.refusals |= focus.as_ref().is_some_and(|cell| cell.kind == Kind::Refused);
        Self { dice, weather, only, drawn: 0, happened: Vec::new(), until, focus, sought: 0 }
    }

    /// Whether something goes wrong now.
    pub(crate) fn strikes(&mut self, per_mille: u64, now: DateTime<Utc>, what: impl FnOnce() -> String) -> bool {
        if now >= self.until || !self.dice.chance(per_mille) {
            return false;
        }
        self.drawn += 1;
        if self.only.as_ref().is_some_and(|only| !only.contains(&self.drawn)) {
            return false;
        }
        self.happened.push((self.drawn, format!("{} {}", now.format("%m-%d %H:%M:%S"), what())));
        true
    }

    /// Whether this run seeks out something in a flow, at steps of which one begins so.
    pub(crate) fn seeks(&self, flow: &str, steps: &[&str]) -> bool {
        let fits = |cell: &Cell| cell.flow == flow && steps.iter().any(|step| cell.step.starts_with(step));
        self.focus.as_ref().is_some_and(fits)
    }

    /// What becomes of a call; none: it goes well.
    pub(crate) fn fate(&mut self, flow: &str, step: &str, effect: &Effect, now: DateTime<Utc>) -> Option<Kind> {
        let kinds = Kind::of(effect);
        let sought = self.focus.as_ref().filter(|cell| cell.flow == flow && cell.step == step && self.sought < 4);
        let sought = sought.map(|cell| cell.kind).filter(|kind| kinds.contains(kind));
        if let Some(kind) = sought
            && self.strikes(600, now, || format!("{kind:?} at {step}"))
        {
            self.sought += 1;
            return Some(kind);
        }
        // A letter that the mail refuses is a task.
        let refuses =
            self.seeks("payment_method_update", &["task"]) && flow == "payment_method_update" && step == "letter";
        if refuses && self.strikes(600, now, || format!("{:?} at {step}", Kind::Refused)) {
            return Some(Kind::Refused);
        }
        // Zoho refuses a change under a hold; a hold is lost, and left out by the index.
        let leads = [("change", "undo", Kind::Refused), ("authorise", "find_late_hold", Kind::LostAnswer)];
        let led = leads.iter().find(|(at, to, _)| *at == step && self.seeks("plan_change", &[*to]));
        if let Some((_, _, kind)) = led.filter(|_| flow == "plan_change")
            && self.strikes(500, now, || format!("{kind:?} at {step}"))
        {
            return Some(*kind);
        }
        let mut kind = self.dice.of(&kinds);
        if kind == Kind::Refused && !(self.weather.refusals && self.dice.chance(200)) {
            kind = Kind::NotSent;
        }
        let rate = self.weather.calls;
        self.strikes(rate, now, || format!("{kind:?} at {step}")).then_some(kind)
    }

    pub(crate) const fn dice(&mut self) -> &mut Dice {
        &mut self.dice
    }
}
