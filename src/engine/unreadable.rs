//! Parks a saga whose history this release cannot read: alone, so that the others go on. A release that can read it
//! finds the park in the history and lets a person resume it.

use crate::store::Store;
use crate::store::append::{Append, NewEvent, SagaRow, Status};
use crate::store::query;
use chrono::{DateTime, Utc};
use sagas::kernel::flow::StepEvent;
use sagas::kernel::ids::SagaId;
use sagas::kernel::park::ParkCode;
use serde_json::json;

/// Parks it, unless it is parked already.
pub(super) async fn park(store: &Store, saga: SagaId, why: &str, now: DateTime<Utc>) {
    if let Err(e) = try_park(store, saga, why, now).await {
        tracing::error!(%saga, error = %e, "a saga that cannot be read could not be parked; it is tried again when it is due");
    }
}

async fn try_park(store: &Store, saga: SagaId, why: &str, now: DateTime<Utc>) -> anyhow::Result<()> {
    let Some((line, events)) = query::saga(&store.pool, saga).await? else { return Ok(()) };
    if line.parked.is_some() {
        return Ok(());
    }
    let detail = format!("{why}; run the release that wrote it, or a newer one, then resume it");
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
    };
    store.log.append(append).await?;
    Ok(())
}
