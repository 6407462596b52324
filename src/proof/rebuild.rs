//! Projections built again from the log: says what differed, and writes it unless it is only to be checked. Journals are
//! compared and never written: they are of the record. Claims, links and card counters are state of their own.

use super::checks::differences;
use crate::engine::registry::{Kind, Registry};
use crate::store::append::Append;
use crate::store::checks::{self, Snapshot};
use crate::store::error::StoreError;
use crate::store::log::rewrite::{Derived, expected, found, rewrite};
use crate::store::log::{StoredEvent, events_of};
use crate::store::query::SagaLine;
use crate::store::schema;
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;
use uuid::Uuid;

/// Sagas read at once.
const PAGE: i64 = 100;

/// What differed of one saga.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The saga.
    pub saga: SagaId,
    /// What, for people.
    pub what: Vec<String>,
    /// It was written anew.
    pub mended: bool,
}

/// What came of one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Sagas that were read.
    pub sagas: u64,
    /// Where the next page begins; none: that was the last.
    pub next: Option<Uuid>,
    /// What differed.
    pub differences: Vec<Difference>,
}

/// Builds the next page of sagas; `mend`: writes what differs.
///
/// # Errors
/// The database cannot be reached.
pub async fn page(pool: &PgPool, registry: &Registry, after: Option<Uuid>, mend: bool) -> Result<Page, StoreError> {
    let snapshots = checks::sagas_after(pool, after, &[], PAGE).await?;
    let full = snapshots.len() == usize::try_from(PAGE).unwrap_or(usize::MAX);
    let mut page = Page { next: snapshots.last().filter(|_| full).map(|s| s.line.id.0), ..Page::default() };
    for snapshot in &snapshots {
        page.sagas += 1;
        page.differences.extend(one(pool, registry, snapshot, mend).await?);
    }
    Ok(page)
}

async fn one(
    pool: &PgPool,
    registry: &Registry,
    snapshot: &Snapshot,
    mend: bool,
) -> Result<Option<Difference>, StoreError> {
    let line = &snapshot.line;
    let unreadable = |why: String| Some(Difference { saga: line.id, what: vec![why], mended: false });
    let kind = registry.pinned(&line.kind, &snapshot.events);
    let folded = match kind.and_then(|kind| kind.project(line.id, &snapshot.events, line.changed_at)) {
        Ok(folded) => folded,
        Err(why) => return Ok(unreadable(format!("its events cannot be read: {why}"))),
    };
    let (should, is) = (expected(&folded), found(pool, &folded).await?);
    let mut what = differences(line, &folded);
    what.extend(words(line, &folded));
    what.extend(beside(&should, &is));
    if what.is_empty() {
        return Ok(None);
    }
    let only_journals = what.iter().all(|what| what.starts_with("journals"));
    let seen = Some((line.sequence, line.changed_at));
    let mended = mend && !only_journals && rewrite(pool, line.shard, &folded, seen).await?;
    Ok(Some(Difference { saga: line.id, what, mended }))
}

/// Words for people that differ: a release may have changed them.
fn words(line: &SagaLine, folded: &Append) -> Vec<String> {
    let row = &folded.row;
    let detail = |parked: Option<&str>| parked.unwrap_or_default().to_owned();
    let pairs = [
        ("state", row.state.clone(), line.state.clone()),
        ("title", row.title.clone(), line.title.clone()),
        ("waiting_for", row.waiting_for.clone().unwrap_or_default(), line.waiting_for.clone().unwrap_or_default()),
        (
            "parked_detail",
            detail(row.parked.as_ref().map(|(_, detail, _)| detail.as_str())),
            detail(line.parked.as_ref().map(|(_, detail, _)| detail.as_str())),
        ),
    ];
    pairs.into_iter().filter(|(_, events, row)| events != row).map(|(field, ..)| field.to_owned()).collect()
}

fn beside(should: &Derived, is: &Derived) -> Vec<String> {
    let mut what = Vec::new();
    if should.references != is.references {
        what.push(format!("references (events: {}, table: {})", should.references.len(), is.references.len()));
    }
    if should.holds != is.holds {
        what.push(format!("holds (events: {}, table: {})", should.holds.len(), is.holds.len()));
    }
    if should.journals != is.journals {
        what.push(format!(
            "journals (events: {}, table: {}; never written here)",
            should.journals.len(),
            is.journals.len()
        ));
    }
    what
}

/// Sagas that have events and no row: made again where exactly one flow can read them.
///
/// # Errors
/// The database cannot be reached.
pub async fn rowless(pool: &PgPool, registry: &Registry, mend: bool) -> Result<Vec<Difference>, StoreError> {
    let stamp = schema::stamp_of(pool).await?;
    let mut differences = Vec::new();
    for shard in 0..stamp.map_or(0, |stamp| stamp.shards) {
        for saga in checks::sagas_without_row(pool, shard, 10_000).await? {
            let history = events_of(pool, shard, saga).await?;
            let mut what = vec!["it has events and no row".to_owned()];
            let mut mended = false;
            match reader_of(registry, saga, &history) {
                Ok(folded) if mend => mended = rewrite(pool, shard, &folded, None).await?,
                Ok(_) => {}
                Err(why) => what.push(why),
            }
            differences.push(Difference { saga, what, mended });
        }
    }
    Ok(differences)
}

/// The one flow whose events these are.
fn reader_of(registry: &Registry, saga: SagaId, history: &[StoredEvent]) -> Result<Append, String> {
    let changed_at = history.last().map(|event| event.at).unwrap_or_default();
    let project = |kind: &dyn Kind| kind.project(saga, history, changed_at).ok();
    let mut readers: Vec<Append> =
        registry.kinds().filter_map(|kind| registry.pinned(kind.name(), history).ok()).filter_map(project).collect();
    match (readers.pop(), readers.is_empty()) {
        (Some(folded), true) => Ok(folded),
        (Some(_), false) => Err("several flows could have written them: its row cannot be made again".to_owned()),
        (None, _) => Err("this release knows no flow that wrote them".to_owned()),
    }
}
