//! Merging two records of an object into one. Knows nothing of how the order for it came.

use super::{
    State as Workspace,
    errors::ApiError,
    events::Event,
    model::{Cell, Datum, Record},
    values,
    write::{Hand, system_values},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Which record is left. Attio's documents have told both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Survivor {
    /// A new one; both that were merged are gone, with an event for each (as documented in 2026).
    New,
    /// The primary one keeps its id; one event, for the other (as documented before).
    Primary,
}

/// Merges: of single values the primary's win, several values are united; histories stay with the value that is kept.
/// References, notes and tasks follow.
pub(super) fn merge(
    workspace: &mut Workspace,
    object: &str,
    primary: &str,
    secondary: &str,
    survivor: Survivor,
    hand: Hand,
) -> Result<(Uuid, Vec<Event>), ApiError> {
    if primary == secondary {
        return Err(ApiError::bad("self_merge", "A record cannot be merged with itself."));
    }
    let known = |key: &str| {
        let missing = |_| {
            ApiError::new(
                404,
                "invalid_request_error",
                "value_not_found",
                format!("Record with ID \"{key}\" not found."),
            )
        };
        workspace.record(object, key).map_err(missing)
    };
    let owner = workspace.object(object)?;
    let (primary, secondary) = (known(primary)?.1, known(secondary)?.1);
    let mut merged = Record { cells: united(owner, primary, secondary), ..primary.clone() };
    let mut gone = vec![secondary.id];
    if survivor == Survivor::New {
        gone.insert(0, primary.id);
        (merged.id, merged.created_at) = (Uuid::now_v7(), hand.now);
        for (attribute, data) in system_values(owner, merged.id, hand) {
            let cells = data.into_iter().map(|datum| Cell { from: hand.now, until: None, actor: hand.actor, datum });
            merged.cells.insert(attribute, cells.collect());
        }
    }
    let (object, record) = (owner.id, merged.id);
    if let Some(owner) = workspace.objects.iter_mut().find(|o| o.id == object) {
        owner.records.retain(|id, _| !gone.contains(id));
        owner.records.insert(record, merged);
    }
    follow(workspace, object, &gone, record);
    let event = |duplicate: &Uuid| {
        Event::record("record.merged", workspace.workspace, object, record, hand.actor)
            .with_duplicate(object, *duplicate)
    };
    let events = gone.iter().map(event).collect();
    Ok((record, events))
}

/// The primary's values, and of the secondary's those that can stand beside them.
fn united(owner: &super::model::Object, primary: &Record, secondary: &Record) -> BTreeMap<Uuid, Vec<Cell>> {
    let mut cells = primary.cells.clone();
    for attribute in owner.attributes.iter().filter(|a| a.writable) {
        let Some(theirs) = secondary.cells.get(&attribute.id) else { continue };
        if primary.current(attribute.id).next().is_none() {
            cells.insert(attribute.id, theirs.clone());
        } else if attribute.multiple {
            let ours = cells.entry(attribute.id).or_default();
            for cell in theirs.iter().filter(|cell| cell.until.is_none()) {
                let held =
                    ours.iter().any(|c| c.until.is_none() && values::same(attribute.kind, &c.datum, &cell.datum));
                if !held {
                    ours.insert(0, cell.clone());
                }
            }
        }
    }
    cells
}

/// Whatever pointed to a record that is gone points to the one that is left, once.
fn follow(workspace: &mut Workspace, object: Uuid, gone: &[Uuid], record: Uuid) {
    let Some(slug) = workspace.object_by_id(object).map(|o| o.slug.clone()) else { return };
    let target = values::target(&slug, record);
    let points = |datum: &Datum| datum.target().is_some_and(|id| gone.contains(&id));
    let records = workspace.objects.iter_mut().flat_map(|o| o.records.values_mut());
    for cells in records.flat_map(|r| r.cells.values_mut()) {
        for cell in cells.iter_mut().filter(|cell| points(&cell.datum)) {
            cell.datum = target.clone();
        }
        let mut once = false;
        cells.retain(|cell| cell.until.is_some() || cell.datum != target || !std::mem::replace(&mut once, true));
    }
    for note in workspace.notes.iter_mut().filter(|note| gone.contains(&note.record)) {
        note.record = record;
    }
    for (_, linked) in workspace.tasks.iter_mut().flat_map(|task| &mut task.linked) {
        if gone.contains(linked) {
            *linked = record;
        }
    }
}
