//! Verifies the invariants on a live database, on one read-only snapshot of it: says which do not hold and in which rows,
//! and which cannot be looked at here and why. Mends nothing, and calls no vendor.
//!
//! Rows are streamed: what is kept is the sums of one subject, a page of sagas, and at most [`ROWS`] findings of each
//! invariant.

mod books;
mod how;
mod streams;

use crate::engine::registry::Registry;
use crate::store::StoreError;
use crate::store::invariants::{Extent, Snapshot, Wrong};
use crate::store::verify;
use chrono::{DateTime, Utc};
pub use how::{How, how};
use sagas::kernel::invariant::Invariant;
use serde::Serialize;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// So many findings of an invariant are told one by one; the rest is counted.
pub const ROWS: usize = 100;

/// What is to be verified.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// These; empty: all.
    pub only: BTreeSet<Invariant>,
    /// Only what was booked from then on, and what belongs to it (UTC).
    pub since: Option<DateTime<Utc>>,
}

impl Wanted {
    fn any(&self, of: &[Invariant]) -> bool {
        of.iter().any(|one| self.has(*one))
    }

    fn has(&self, one: Invariant) -> bool {
        self.only.is_empty() || self.only.contains(&one)
    }
}

/// An invariant does not hold somewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was found, with what was expected; amounts in minor units.
    pub what: String,
    /// What it concerns: `transaction k3v9p2ab`, `line 2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The saga.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saga: Option<Uuid>,
    /// The event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Uuid>,
    /// The journals, the last ones where they are many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub journals: Vec<Uuid>,
}

impl From<Wrong> for Finding {
    fn from(wrong: Wrong) -> Self {
        let Wrong { what, subject, saga, event, journal } = wrong;
        Self { what, subject, saga, event, journals: journal.into_iter().collect() }
    }
}

/// What was found of one invariant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// How often it does not hold.
    pub times: u64,
    /// The first of them.
    pub findings: Vec<Finding>,
}

/// What came of a verification.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was looked at.
    pub extent: Extent,
    /// Every invariant that was looked at.
    pub checked: BTreeMap<Invariant, Found>,
    /// Those that were asked for and were not, and why.
    pub left: BTreeMap<Invariant, How>,
    /// Sagas that a newer release wrote: it verifies them.
    pub unread: u64,
}

impl Report {
    /// All that was looked at holds.
    pub fn holds(&self) -> bool {
        self.checked.values().all(|found| found.times == 0)
    }

    /// Keeps what is wrong with an invariant, where it was asked for.
    fn add(&mut self, invariant: Invariant, finding: Finding) {
        let Some(found) = self.checked.get_mut(&invariant) else { return };
        found.times += 1;
        if found.findings.len() < ROWS {
            found.findings.push(finding);
        }
    }
}

/// How far it is, for people: what is read now, and how much of it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What.
    pub what: &'static str,
    /// How many.
    pub done: u64,
    /// Of how many; none: that is not known.
    pub of: Option<u64>,
}

/// Who is told how far it is.
pub type Tell<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Verifies what is wanted.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read. What is broken is no error but in the report.
pub async fn verify(pool: &PgPool, registry: &Registry, wanted: &Wanted, tell: Tell<'_>) -> Result<Report, StoreError> {
    let mut snapshot = Snapshot::take(pool, wanted.since).await?;
    let extent = snapshot.extent().await?;
    let mut report = Report { extent, checked: BTreeMap::new(), left: BTreeMap::new(), unread: 0 };
    for invariant in Invariant::ALL.iter().copied().filter(|one| wanted.has(*one)) {
        match how(invariant) {
            How::Chain if wanted.since.is_some() => {
                let why = "the chain is verified from its beginning: leave out `--since`";
                report.left.insert(invariant, How::Elsewhere(why));
            }
            How::Here | How::Chain => {
                report.checked.insert(invariant, Found::default());
            }
            left => {
                report.left.insert(invariant, left);
            }
        }
    }
    plain(&mut snapshot, wanted, &mut report, tell).await?;
    books::verify(&mut snapshot, wanted, &mut report, tell).await?;
    streams::verify(&mut snapshot, registry, wanted, &mut report, tell).await?;
    snapshot.end().await?;
    if report.checked.contains_key(&Invariant::I53) {
        let whole = verify::verify(pool, |progress| {
            tell(Progress { what: "events of the chain", done: progress.events, of: Some(extent.events) });
        });
        if let Some(found) = whole.await?.first_break {
            let subject = found.shard.zip(found.pos).map(|(shard, pos)| format!("shard {shard}, position {pos}"));
            let what = found.to_string();
            report.add(Invariant::I53, Finding { what, subject, saga: None, event: None, journals: Vec::new() });
        }
    }
    Ok(report)
}

/// What is wrong plainly, row by row.
async fn plain(
    snapshot: &mut Snapshot,
    wanted: &Wanted,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), StoreError> {
    macro_rules! look {
        ($($invariant:ident: $rows:ident,)*) => { $(
            if wanted.has(Invariant::$invariant) {
                tell(Progress { what: Invariant::$invariant.sentence(), done: 0, of: None });
                snapshot.$rows(&mut |wrong| report.add(Invariant::$invariant, wrong.into())).await?;
            }
        )* };
    }
    look! {
        I01: unbalanced,
        I02: trial_balance_off,
        I03: altered,
        I04: without_event,
        I08: opening_moved,
        I16: receivables_of_no_invoice,
        I39: gaps,
        I44: forgotten,
        I52: approved_alone,
        I55: card_data,
    }
    if wanted.has(Invariant::I35) {
        books::card_caps(snapshot, report).await?;
    }
    Ok(())
}
