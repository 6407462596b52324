//! Sends the items of bulk jobs at their pace. Any node does it; a restart goes on where the last one stood.

use super::items::Body;
use super::run::Inner;
use crate::store::bulk::{self, Job};
use crate::store::items::NewItem;
use sagas::kernel::ids::SagaId;
use sagas::kernel::verb::Verb;
use std::sync::Arc;
use std::time::Duration;

/// How often is looked whether a job has something to send.
const LOOK: Duration = Duration::from_millis(500);

impl Inner {
    /// Until the engine stops.
    pub(super) async fn send_bulk(self: Arc<Self>) {
        while !self.pause(LOOK).await {
            match self.send_some().await {
                Ok(0) => {}
                Ok(_) => self.wake.notify_one(),
                Err(e) => tracing::warn!(error = %e, "a bulk job could not be gone on with; it is tried again"),
            }
        }
    }

    async fn send_some(&self) -> Result<u64, crate::store::StoreError> {
        let (pool, shards) = (&self.store.pool, self.store.node.shard_count());
        let mut sent = 0;
        for job in bulk::running(pool).await? {
            sent += bulk::send_next(pool, shards, job, order).await?;
        }
        Ok(sent)
    }
}

/// The order for one saga of a job.
fn order(job: &Job, saga: SagaId, saga_kind: &str) -> NewItem {
    // What cannot be read is refused by the saga, on record.
    let body = match serde_json::from_str::<Verb>(&job.verb) {
        Ok(verb) => {
            let (reason, approver) = (job.reason.clone(), job.approver.clone());
            Body::Verb { verb, reason, approver, if_sequence: None, bulk: true }.text()
        }
        Err(_) => job.verb.clone(),
    };
    NewItem {
        saga,
        saga_kind: saga_kind.to_owned(),
        kind: "operator.bulk".to_owned(),
        principal: job.asked_by.clone(),
        body,
        waiting_key: None,
        idempotency_key: Some(format!("bulk:{}:{saga}", job.id)),
    }
}
