//! The standing checks: each reads a bounded part of what there is, so that all of them together cost little every
//! minute; once a day everything is read. Mends nothing.

use super::invariants::{self, Wanted};
use crate::engine::registry::Registry;
use crate::store::append::{Append, SagaRow};
use crate::store::checks::{self, Check, Fault, Scope, Snapshot};
use crate::store::query::{self, SagaLine};
use crate::store::saga_store::{self, Unreadable};
use crate::store::{StoreError, claims};
use sagas::kernel::effect::{Claim, Desk, Effect};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Mark;
use serde_json::Value;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use uuid::Uuid;

/// Sagas folded from the log in one run.
const SAGAS: i64 = 100;
/// Journals added up in one run, beside those of the last minutes.
const JOURNALS: i64 = 1_000;
/// Between two verifications of all invariants.
const DAY: Duration = Duration::from_hours(24);

/// Runs every check once. One that cannot run keeps its last instant: its age tells.
///
/// # Errors
/// The database cannot be reached.
pub async fn run(pool: &PgPool, registry: &Registry) -> Result<(), StoreError> {
    for check in Check::ALL {
        match check {
            Check::Waits => waits(pool).await?,
            Check::Projections => projections(pool, registry).await?,
            Check::Journals => journals(pool).await?,
            Check::Claims => {
                checks::record(pool, check, &Scope::All, &checks::lost_claims(pool).await?, None).await?;
            }
            // Once a day, by [`daily`].
            Check::Invariants => {}
        }
    }
    Ok(())
}

/// Verifies every invariant over everything, where that was not done for a day. It reads the whole database, one row
/// after the other.
///
/// # Errors
/// The database cannot be reached.
pub async fn daily(pool: &PgPool, registry: &Registry) -> Result<(), StoreError> {
    let states = checks::states(pool).await?;
    if states.iter().any(|state| state.check == Check::Invariants && state.age.is_some_and(|age| age < DAY)) {
        return Ok(());
    }
    let report = invariants::verify(pool, registry, &Wanted::default(), &mut |_| {}).await?;
    // Several findings may be about one thing: the last one is told of it, and `verify` tells all.
    let mut faults = BTreeMap::new();
    for (invariant, found) in &report.checked {
        for finding in &found.findings {
            let ids = [finding.saga, finding.event, finding.journals.first().copied()];
            let id = || ids.into_iter().flatten().next().map(|id| id.to_string());
            let about = finding.subject.clone().or_else(id).unwrap_or_default();
            faults.insert(format!("{invariant} {about}"), finding.what.clone());
        }
    }
    let faults: Vec<_> = faults.into_iter().map(|(subject, detail)| Fault { subject, detail }).collect();
    checks::record(pool, Check::Invariants, &Scope::All, &faults, None).await
}

async fn waits(pool: &PgPool) -> Result<(), StoreError> {
    let faults: Vec<Fault> = query::forgotten(pool, 100)
        .await?
        .into_iter()
        .map(|saga| Fault {
            subject: saga.to_string(),
            detail: "not ended, not due, not parked: nothing will ever wake it".to_owned(),
        })
        .collect();
    checks::record(pool, Check::Waits, &Scope::All, &faults, None).await
}

async fn projections(pool: &PgPool, registry: &Registry) -> Result<(), StoreError> {
    let (walked, open) = checks::left_off(pool, Check::Projections).await?;
    let after = walked.and_then(|id| Uuid::parse_str(&id).ok());
    let beside: Vec<Uuid> = open.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
    let snapshots = checks::sagas_after(pool, after, &beside, SAGAS).await?;
    let page: Vec<Uuid> = snapshots.iter().map(|s| s.line.id.0).filter(|id| after.is_none_or(|a| *id > a)).collect();
    // The page is the lowest ids beyond its beginning; what is looked at again may lie anywhere.
    let full = usize::try_from(SAGAS).unwrap_or(usize::MAX);
    let walked_to = page.get(full - 1).map(ToString::to_string);
    let mut faults = Vec::new();
    for snapshot in &snapshots {
        if let Some(detail) = differs(pool, registry, snapshot).await? {
            faults.push(Fault { subject: snapshot.line.id.to_string(), detail });
        }
    }
    // What was found and has no row by now is mended, too.
    let looked_at = snapshots.iter().map(|s| s.line.id.to_string()).chain(open).collect();
    checks::record(pool, Check::Projections, &Scope::These(looked_at), &faults, walked_to.as_deref()).await
}

/// How a saga's row and claims differ from its events. Words for people are left out: a release may change them.
async fn differs(pool: &PgPool, registry: &Registry, snapshot: &Snapshot) -> Result<Option<String>, StoreError> {
    let line = &snapshot.line;
    let kind = registry.pinned(&line.kind, &snapshot.events);
    let folded = match kind.and_then(|kind| kind.project(line.id, &snapshot.events, line.changed_at)) {
        Ok(folded) => folded,
        // The release that wrote it checks it.
        Err(Unreadable::Newer(_)) => return Ok(None),
        Err(_) if line.parked.as_ref().is_some_and(|(code, ..)| code == ParkCode::HistoryUnreadable.as_str()) => {
            return Ok(None);
        }
        Err(why) => return Ok(Some(format!("its events cannot be read: {why}"))),
    };
    let fields = differences(line, &folded);
    if !fields.is_empty() {
        return Ok(Some(format!("its row differs from its events in {}", fields.join(", "))));
    }
    if folded.row.ended.is_some() {
        return Ok(None);
    }
    let held: Vec<Claim> = held(&folded, snapshot).into_iter().collect();
    let (kinds, keys): (Vec<String>, Vec<String>) =
        held.iter().map(|claim| (claims::word(claim.kind).to_owned(), claim.key.clone())).unzip();
    let lost = checks::unheld(pool, &kinds, &keys).await?;
    let still = saga_store::sequence(pool, line.shard, line.id).await? == line.sequence;
    Ok(lost
        .first()
        .filter(|_| still)
        .map(|(kind, key)| format!("it relies on the claim {kind} {key}, which nobody holds")))
}

/// Columns that differ, each with what the events say and what the row says.
pub(super) fn differences(line: &SagaLine, folded: &Append) -> Vec<String> {
    let row: &SagaRow = &folded.row;
    let due = row.due_at.map(|due| due.max(line.changed_at));
    let parked = |code: Option<&str>| code.unwrap_or("none").to_owned();
    let shown = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let pairs = [
        ("seq", folded.events.len().to_string(), line.sequence.to_string()),
        ("version", folded.version.to_string(), line.version.to_string()),
        ("status", row.status.as_str().to_owned(), line.status.as_str().to_owned()),
        ("customer", shown(row.customer.clone()), shown(line.customer.clone())),
        ("amount", shown(row.amount.map(|m| m.to_string())), shown(line.amount.map(|m| m.to_string()))),
        ("due_at", shown(due.map(|at| at.to_rfc3339())), shown(line.due_at.map(|at| at.to_rfc3339()))),
        ("step", shown(row.step.clone()), shown(line.step.clone())),
        (
            "parked_code",
            parked(row.parked.as_ref().map(|(code, ..)| code.as_str())),
            parked(line.parked.as_ref().map(|(code, ..)| code.as_str())),
        ),
        ("ended", shown(row.ended.map(|end| end.as_str().to_owned())), shown(line.ended.clone())),
    ];
    pairs
        .into_iter()
        .filter(|(_, events, row)| events != row)
        .map(|(field, events, row)| format!("{field} (events: {events}, row: {row})"))
        .collect()
}

/// Claims that its events confirmed and neither let go nor handed over.
pub(super) fn held(folded: &Append, snapshot: &Snapshot) -> BTreeSet<Claim> {
    let mut held = BTreeSet::new();
    for (event, stored) in folded.events.iter().zip(&snapshot.events) {
        for mark in &event.marks {
            match mark {
                Mark::Confirm(claim) => {
                    held.insert(claim.clone());
                }
                Mark::Release(claim) => {
                    held.remove(claim);
                }
                Mark::Hold { .. }
                | Mark::LiftHold { .. }
                | Mark::SpendCard { .. }
                | Mark::GiveBackCard { .. }
                | Mark::EraseInput { .. }
                | Mark::ForgetValues { .. } => {}
            }
        }
        if stored.name == "step.requested" {
            for claim in handed_over(&stored.payload) {
                held.remove(&claim);
            }
        }
    }
    held
}

/// Claims that a requested step gives to another saga.
fn handed_over(payload: &str) -> Vec<Claim> {
    let step: Option<Value> = serde_json::from_str(payload).ok();
    let effect = step.and_then(|mut step| serde_json::from_value(step["step"]["effect"].take()).ok());
    match effect {
        Some(Effect::Desk(Desk::Tell { claims, .. })) => claims,
        _ => Vec::new(),
    }
}

async fn journals(pool: &PgPool) -> Result<(), StoreError> {
    let (walked, open) = checks::left_off(pool, Check::Journals).await?;
    let after = walked.as_deref().and_then(|at| at.split_once('/'));
    let after = after.and_then(|(shard, id)| Some((shard.parse().ok()?, Uuid::parse_str(id).ok()?)));
    let beside: Vec<Uuid> = open.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
    let page = checks::journals(pool, after, &beside, JOURNALS).await?;
    let walked_to = page.ended.map(|(shard, id)| format!("{shard}/{id}"));
    let looked_at = page.looked_at.iter().map(Uuid::to_string).collect();
    checks::record(pool, Check::Journals, &Scope::These(looked_at), &page.faults, walked_to.as_deref()).await
}
