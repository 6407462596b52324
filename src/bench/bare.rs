//! The leanest honest loop: each event is durable before the next step, events of sagas that wait at the same moment share
//! a commit. It cannot recover, locks nothing, proves nothing: a limit, no engine.

use super::Plan;
use super::caller::Caller;
use crate::store::yardstick;
use anyhow::Context;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::sync::{mpsc, oneshot};

/// Events that may share a commit.
const BATCH: usize = 512;

struct Row {
    saga: i64,
    version: i32,
    payload: String,
    written: oneshot::Sender<bool>,
}

pub(super) struct Bare {
    pool: PgPool,
    rows: mpsc::Sender<Row>,
    caller: Caller,
}

impl Bare {
    pub(super) async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new().connect(plan.database_url.expose_secret()).await?;
        yardstick::prepare(&pool).await.context("the table of the bare loop")?;
        let (rows, waiting) = mpsc::channel(4_096);
        tokio::spawn(write(pool.clone(), waiting));
        Ok(Self { pool, rows, caller: Caller::new(plan.stub())? })
    }

    pub(super) const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// One saga of five steps.
    pub(super) async fn one(&self, number: u64) -> bool {
        let mut good = self.put(number, 0).await;
        for step in 1..=5 {
            good &= self.caller.call(&format!("s/{step}/{number}")).await == Some(true);
            good &= self.put(number, step).await;
        }
        good && self.put(number, 6).await
    }

    async fn put(&self, number: u64, version: i32) -> bool {
        let (written, heard) = oneshot::channel();
        // About as long as an event of ours.
        let payload = format!(r#"{{"saga":{number},"version":{version},"filler":"{}"}}"#, "x".repeat(260));
        let saga = i64::try_from(number).unwrap_or_default();
        self.rows.send(Row { saga, version, payload, written }).await.is_ok() && heard.await.unwrap_or(false)
    }
}

async fn write(pool: PgPool, mut waiting: mpsc::Receiver<Row>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let sagas: Vec<i64> = batch.iter().map(|row: &Row| row.saga).collect();
        let versions: Vec<i32> = batch.iter().map(|row| row.version).collect();
        let payloads: Vec<&str> = batch.iter().map(|row| row.payload.as_str()).collect();
        let good = yardstick::write(&pool, &sagas, &versions, &payloads).await.is_ok();
        for row in batch.drain(..) {
            // Nobody waits any more where the measurement ended.
            let _ = row.written.send(good);
        }
    }
}
