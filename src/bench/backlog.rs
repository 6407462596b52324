//! How long a customer's saga takes while the vendor's calls are fought over by a backlog of renewals, beside how long it takes
//! alone. Same engine, same limits, same rate of customers.

use super::flow::{Measured, Start};
use super::load::quantile;
use super::ours;
use super::part::Part;
use super::recovery::{Say, order, until};
use crate::config::Limits;
use crate::engine::hooks::NoHooks;
use crate::engine::items::Body;
use crate::store::items::NewItem;
use crate::store::{Store, open, yardstick};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Calls that the vendor takes in a minute: sixty times Zoho's hundred, so that minutes tell what hours would.
pub const CALLS_PER_MINUTE: u32 = 6_000;
/// From one customer to the next: together they want a tenth of the vendor's calls.
const BETWEEN: Duration = Duration::from_millis(500);
/// Between two looks whether a saga has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What was seen.
#[derive(Debug, Clone, Serialize)]
pub struct Crowded {
    /// Renewals that waited.
    pub backlog: u64,
    /// Of those: finished while it was measured.
    pub worked_off: u64,
    /// Customers who were measured, each time.
    pub customers: usize,
    /// 99 in 100 customers waited no longer when alone, in milliseconds.
    pub alone_p99_ms: f64,
    /// Half of them, in milliseconds.
    pub alone_p50_ms: f64,
    /// 99 in 100 customers waited no longer beside the backlog, in milliseconds.
    pub beside_p99_ms: f64,
    /// Half of them, in milliseconds.
    pub beside_p50_ms: f64,
}

/// Measures customers alone, then beside so many renewals.
///
/// # Errors
/// The database cannot be used, a saga does not end, or it takes half an hour.
pub async fn measure(url: &SecretString, backlog: u64, length: Duration, say: Say<'_>) -> anyhow::Result<Crowded> {
    open::migrate_url(url.expose_secret()).await?;
    let stub = Part::Stub.start(None, None).await?;
    let zoho = Limits { per_minute: Some(CALLS_PER_MINUTE), per_day: None, at_once: 64 };
    let (store, engine) = ours::engine(url, Some(&stub.address), Arc::new(NoHooks), Some(zoho)).await?;
    let wake = || engine.wake();
    say("customers alone".to_owned());
    let alone = customers(&store, length, &wake).await?;

    order(&store.pool, backlog, true, None, say).await?;
    until(|| async {
        let begun = yardstick::begun(&store.pool).await?;
        say(format!("{begun} of {} sagas have begun", backlog + alone.len() as u64));
        Ok(begun == backlog + alone.len() as u64)
    })
    .await?;
    let before = yardstick::finished(&store.pool).await?;
    say(format!("customers beside {backlog} renewals"));
    let beside = customers(&store, length, &wake).await?;
    let after = yardstick::finished(&store.pool).await?;
    engine.stop(Duration::from_secs(10)).await;
    Ok(Crowded {
        backlog,
        worked_off: (after - before).saturating_sub(beside.len() as u64),
        customers: alone.len().min(beside.len()),
        alone_p99_ms: quantile(&alone, 99),
        alone_p50_ms: quantile(&alone, 50),
        beside_p99_ms: quantile(&beside, 99),
        beside_p50_ms: quantile(&beside, 50),
    })
}

/// One customer after the other comes, whether those before are done or not: how long each waited, in order of length.
async fn customers(store: &Store, length: Duration, wake: &(dyn Fn() + Sync)) -> anyhow::Result<Vec<Duration>> {
    let mut comes = tokio::time::interval(BETWEEN);
    let (began, mut waiting, mut number) = (Instant::now(), Vec::new(), 0);
    while began.elapsed() < length {
        comes.tick().await;
        number += 1;
        let start = Start { number, searchable: true, refused: false, due: None };
        let saga = SagaId::derived("customer", &[&uuid::Uuid::new_v4().to_string()]);
        let item = NewItem {
            saga,
            saga_kind: Measured::<true>::NAME.to_owned(),
            kind: "measured".to_owned(),
            principal: "bench".to_owned(),
            body: Body::Saga { command: serde_json::to_value(start)? }.text(),
            waiting_key: None,
            idempotency_key: None,
        };
        let came = Instant::now();
        store.offer(&item).await?;
        wake();
        let store = store.clone();
        waiting.push(tokio::spawn(async move {
            while !yardstick::has_ended(&store.pool, saga).await? {
                anyhow::ensure!(came.elapsed() < Duration::from_mins(5), "a customer waits for five minutes");
                tokio::time::sleep(LOOK).await;
            }
            Ok(came.elapsed())
        }));
    }
    let mut took = Vec::new();
    for waits in waiting {
        took.push(waits.await??);
    }
    took.sort_unstable();
    Ok(took)
}
