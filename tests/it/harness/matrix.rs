//! Which cell of which step of which flow was played, and whether it came to pass. The rows come from the sagas' own
//! declarations: a step that no road leads to has to be excused by the fixture, with the reason.

use super::Fixture;
use super::faults::Moment;
use sagas::kernel::saga::Saga;
use sagas::kernel::step::{Class, ExactlyOnce, StepSpec, Undo};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// What can become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Cell {
    /// The vendor says no.
    Declined,
    /// The vendor refuses the request for good.
    Refused,
    /// Our credential or right is refused.
    RefusedForConfig,
    /// Not sent: the host is not reached.
    Unreached,
    /// Not sent: the quota is used up.
    OverQuota,
    /// Done, and no answer came: found by the first look.
    Found,
    /// Not done, and no answer came: proven absent, and sent again.
    Absent,
    /// Done, and no answer came: the first looks find nothing, a later one finds it.
    FoundLate,
    /// Done, and no answer came: every look finds nothing until absence counts as proven, then it shows up.
    FoundAfterProof,
    /// Done twice.
    FoundTwice,
    /// Not sent; meanwhile all that it was told is told again.
    ToldTwiceWhilePutOff,
    /// Done, and no answer came; meanwhile all that it was told is told again.
    ToldTwiceInDoubt,
    /// Not sent; meanwhile what vendors tell of such an instance comes, the last first.
    OvertakenWhilePutOff,
    /// Done, and no answer came; meanwhile what vendors tell of such an instance comes, the last first.
    OvertakenInDoubt,
    /// The node dies when the call is wanted, before it is marked or sent.
    DiesBeforeSending,
    /// The node dies when the call is marked, before a byte leaves.
    DiesAfterTheMark,
    /// The node dies after the bytes left, and they arrive.
    DiesAfterTheBytes,
    /// The node dies after the bytes left, and they never arrive.
    DiesAndBytesAreLost,
    /// The node dies before the answer is written.
    DiesBeforeCommit,
    /// The node dies after the answer is written.
    DiesAfterCommit,
}

impl Cell {
    /// What can become of a call while its node lives.
    pub(crate) const FAULTS: [Self; 14] = [
        Self::Declined,
        Self::Refused,
        Self::RefusedForConfig,
        Self::Unreached,
        Self::OverQuota,
        Self::Found,
        Self::Absent,
        Self::FoundLate,
        Self::FoundAfterProof,
        Self::FoundTwice,
        Self::ToldTwiceWhilePutOff,
        Self::ToldTwiceInDoubt,
        Self::OvertakenWhilePutOff,
        Self::OvertakenInDoubt,
    ];

    /// Where in a call's life its node can die.
    pub(crate) const DEATHS: [Self; 6] = [
        Self::DiesBeforeSending,
        Self::DiesAfterTheMark,
        Self::DiesAfterTheBytes,
        Self::DiesAndBytesAreLost,
        Self::DiesBeforeCommit,
        Self::DiesAfterCommit,
    ];

    /// The death at that moment.
    pub(crate) const fn of(moment: Moment) -> Self {
        match moment {
            Moment::Wanted => Self::DiesBeforeSending,
            Moment::Marked => Self::DiesAfterTheMark,
            Moment::Made => Self::DiesAfterTheBytes,
            Moment::Answered => Self::DiesBeforeCommit,
            Moment::Written => Self::DiesAfterCommit,
        }
    }

    /// Whether it can happen to a call that is exactly once in this way. `told`: how many messages vendors have for it.
    pub(crate) const fn fits(self, exactly_once: ExactlyOnce, told: usize) -> bool {
        let searchable = matches!(exactly_once, ExactlyOnce::Searchable { .. });
        match self {
            // A read is simply repeated: nobody looks it up.
            Self::FoundLate => !matches!(exactly_once, ExactlyOnce::Repeatable),
            Self::FoundAfterProof | Self::DiesAfterTheMark => searchable,
            // One message cannot overtake another.
            Self::OvertakenWhilePutOff | Self::OvertakenInDoubt => told > 1,
            Self::Declined
            | Self::Refused
            | Self::RefusedForConfig
            | Self::Unreached
            | Self::OverQuota
            | Self::Found
            | Self::Absent
            | Self::FoundTwice
            | Self::ToldTwiceWhilePutOff
            | Self::ToldTwiceInDoubt
            | Self::DiesBeforeSending
            | Self::DiesAfterTheBytes
            | Self::DiesAndBytesAreLost
            | Self::DiesBeforeCommit
            | Self::DiesAfterCommit => true,
        }
    }
}

/// A step, or the undo of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) step: String,
    pub(crate) undo: bool,
}

/// Whether the step of a flow only shows people something: it never holds the flow up.
pub(super) fn only_shows(kind: &str, step: &str) -> bool {
    let mut shows = false;
    let mut look = |flow: &str, steps: &[StepSpec]| {
        shows |= flow == kind && steps.iter().any(|spec| spec.name == step && spec.class == Class::Projection);
    };
    macro_rules! flows {
        ($($saga:ty,)*) => { $( look(<$saga as Saga>::NAME, <$saga as Saga>::STEPS); )* };
    }
    sagas::for_each_saga!(flows);
    shows
}

/// The rows of a flow.
fn declared(kind: &str) -> BTreeSet<Row> {
    let mut rows = BTreeSet::new();
    let mut add = |flow: &str, steps: &[StepSpec]| {
        for step in steps.iter().filter(|_| flow == kind) {
            let row = |undo| Row { step: step.name.to_owned(), undo };
            rows.insert(row(false));
            rows.extend(matches!(step.undo, Undo::Effect).then(|| row(true)));
        }
    };
    macro_rules! flows {
        ($($saga:ty,)*) => { $( add(<$saga as Saga>::NAME, <$saga as Saga>::STEPS); )* };
    }
    sagas::for_each_saga!(flows);
    rows
}

/// How often a cell was due, and how often it was played and came to pass.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    due: usize,
    reached: usize,
}

/// What was played of one flow.
#[derive(Debug, Default)]
pub(crate) struct Matrix(BTreeMap<Row, BTreeMap<Cell, Count>>);

impl Matrix {
    /// The cell belongs to a call that a road makes; whether it is played is for the slice to say, unless it is the first
    /// of its kind: true.
    pub(crate) fn due(&mut self, row: Row, cell: Cell) -> bool {
        let first = self.0.values().all(|counts| !counts.contains_key(&cell));
        self.0.entry(row).or_default().entry(cell).or_default().due += 1;
        first
    }

    /// The cell was played, and came to pass.
    pub(crate) fn reached(&mut self, row: Row, cell: Cell) {
        self.0.entry(row).or_default().entry(cell).or_default().reached += 1;
    }

    /// Prints it, and fails where something is missing: a kind of cell that was never played; where all cases are, a row of
    /// the declaration and a cell that was due, too.
    pub(crate) fn check(&self, fixture: &dyn Fixture, cells: &[Cell], every_case: bool) {
        println!("{}", self.table(fixture.kind(), cells));
        let excused: BTreeSet<Row> = fixture
            .beyond()
            .iter()
            .map(|(label, _)| match label.strip_prefix("undo ") {
                Some(step) => Row { step: step.to_owned(), undo: true },
                None => Row { step: (*label).to_owned(), undo: false },
            })
            .collect();
        let declared = declared(fixture.kind());
        let is_met = |row: &&Row| self.0.contains_key(*row);
        let missing: Vec<_> = declared.iter().filter(|row| !is_met(row) && !excused.contains(row)).collect();
        assert!(!every_case || missing.is_empty(), "{}: no road leads to {missing:#?}", fixture.kind());
        let met: Vec<_> = excused.iter().filter(is_met).collect();
        assert!(met.is_empty(), "{}: excused, and met: {met:#?}", fixture.kind());
        for (row, counts) in &self.0 {
            assert!(declared.contains(row), "{}: {row:?} is not declared", fixture.kind());
            for (cell, count) in counts.iter().filter(|(cell, _)| cells.contains(cell)) {
                assert!(!every_case || count.reached > 0, "{}: {row:?}, {cell:?} was not played", fixture.kind());
            }
        }
        for cell in cells {
            let counts = || self.0.values().filter_map(|counts| counts.get(cell));
            let is_due = counts().any(|count| count.due > 0);
            assert!(!is_due || counts().any(|count| count.reached > 0), "{}: {cell:?} never came", fixture.kind());
        }
    }

    /// `·` cannot happen there, `-` left out by this run's slice, else how often it was played.
    fn table(&self, kind: &str, cells: &[Cell]) -> String {
        let mut table = format!("cells of {kind}:");
        for (number, cell) in cells.iter().enumerate() {
            let _ = write!(table, " {}={cell:?}", letter(number));
        }
        let _ = write!(table, "\n{:<32}", "");
        for number in 0..cells.len() {
            let _ = write!(table, "{:>4}", letter(number));
        }
        for (row, counts) in &self.0 {
            let _ = write!(table, "\n{:<32}", format!("{}{}", if row.undo { "undo " } else { "" }, row.step));
            for cell in cells {
                let shown = match counts.get(cell) {
                    None => "·".to_owned(),
                    Some(Count { reached: 0, .. }) => "-".to_owned(),
                    Some(count) => count.reached.to_string(),
                };
                let _ = write!(table, "{shown:>4}");
            }
        }
        table
    }
}

fn letter(number: usize) -> char {
    char::from(b'a' + u8::try_from(number).expect("fewer cells than letters"))
}
