//! Sagas whose history this release cannot read. Where a newer release says that it wrote it, nothing is written: the saga
//! is left alone, and goes on by itself on a node that can read it. Where nobody can say who wrote it, the saga is parked for
//! a person, alone, so that the others go on; a node that can read it takes the park away again.

use crate::store::Store;
use crate::store::append::{Append, NewEvent, SagaRow, Status};
use crate::store::items::Item;
use crate::store::query;
use chrono::{DateTime, Utc};
use sagas::kernel::flow::StepEvent;
use sagas::kernel::ids::SagaId;
use sagas::kernel::park::ParkCode;
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard};
use uuid::Uuid;

/// Sagas of this node's shards that it leaves alone, and what came for them. What a process cannot read it can never read.
#[derive(Debug, Default)]
pub(super) struct Left {
    sagas: Mutex<HashMap<SagaId, BTreeSet<Uuid>>>,
}

impl Left {
    fn lock(&self) -> MutexGuard<'_, HashMap<SagaId, BTreeSet<Uuid>>> {
        self.sagas.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn leave(&self, saga: SagaId) {
        self.lock().entry(saga).or_default();
    }

    /// The saga is left alone, and the item stays in the database for whoever can read it.
    pub(super) fn keeps(&self, saga: SagaId, item: Option<&Item>) -> bool {
        let mut sagas = self.lock();
        let Some(items) = sagas.get_mut(&saga) else { return false };
        items.extend(item.map(|item| item.id));
        true
    }

    /// What came for them: a poll need not bring it again.
    pub(super) fn items(&self) -> Vec<Uuid> {
        self.lock().values().flatten().copied().collect()
    }

    pub(super) fn sagas(&self) -> Vec<SagaId> {
        self.lock().keys().copied().collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// They are another node's from now on.
    pub(super) fn forget(&self, fits: impl Fn(SagaId) -> bool) {
        self.lock().retain(|saga, _| !fits(*saga));
    }
}

/// Parks it, unless it is parked already. False: not now.
pub(super) async fn park(store: &Store, saga: SagaId, why: &str, now: DateTime<Utc>) -> bool {
    let parked = try_park(store, saga, why, now).await;
    if let Err(e) = &parked {
        tracing::error!(%saga, error = %e, "a saga that cannot be read could not be parked; it is tried again when it is due");
    }
    parked.is_ok()
}

async fn try_park(store: &Store, saga: SagaId, why: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Some((line, events)) = query::saga(&store.pool, saga).await? else { return Ok(()) };
    if line.parked.is_some() {
        return Ok(());
    }
    let detail = format!("{why}; it goes on by itself once a node of a release that can read it drives it");
    let event =
        StepEvent::Parked { code: ParkCode::HistoryUnreadable, detail: detail.clone(), by_saga: false, at: now };
    let append = Append {
        saga,
        kind: line.kind,
        version: line.version,
        expected: events.len() as u64,
        events: vec![NewEvent {
            id: saga.event(events.len() as u64 + 1),
            name: event.name().to_owned(),
            payload: serde_json::to_string(&json!({ "step": event }))?,
            principal: "engine".to_owned(),
            at: now,
            amount: None,
            references: Vec::new(),
            journals: Vec::new(),
            marks: Vec::new(),
        }],
        row: SagaRow {
            status: Status::NeedsPerson,
            state: line.state,
            title: line.title,
            customer: line.customer,
            amount: line.amount,
            due_at: None,
            waiting_for: None,
            step: line.step,
            priority: None,
            parked: Some((ParkCode::HistoryUnreadable, detail, now)),
            ended: None,
            changed_at: now,
        },
        items: Vec::new(),
        tells: Vec::new(),
    };
    store.log.append(append).await?;
    Ok(())
}
