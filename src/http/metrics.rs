//! What Prometheus reads. On the private listener, without a token: nothing in it is personal or secret.

use super::{App, Problem};
use crate::engine::forecast::VendorForecast;
use crate::metrics::{Gauges, MEDIA_TYPE};
use crate::store::backlog::{backlog, unowned_shards};
use crate::store::{checkpoints, checks, query, recovery};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};

/// What is said of the vendors' budgets.
fn budgets(vendors: &[VendorForecast], now: DateTime<Utc>) -> Gauges {
    let mut gauges = Gauges::default();
    for of in vendors {
        for (span, counted) in [("minute", of.minute), ("day", of.day)] {
            let left = counted.map(|(used, allowed)| u64::from(allowed.saturating_sub(used)));
            gauges.budget_left.extend(left.map(|left| (of.vendor.clone(), span, left)));
        }
        gauges.breakers.extend(of.breakers.iter().map(|open| (open.vendor.clone(), open.class.clone())));
        gauges.vendor_backlog.extend(of.backlog.iter().map(|waiting| {
            let seconds = (waiting.ends_at - now).num_seconds().max(0).unsigned_abs();
            (of.vendor.clone(), waiting.priority.word(), waiting.calls, seconds)
        }));
    }
    gauges
}

/// Everything that is counted, and what stands now.
pub(super) async fn scrape(State(app): State<App>) -> Result<impl IntoResponse, Problem> {
    let (pool, now) = (&app.store.pool, app.clock.now());
    let sagas = query::census(pool, now).await?;
    let backlog = backlog(pool, now).await?;
    let (shards_unowned, _) = unowned_shards(pool).await?;
    let checks = checks::states(pool).await?;
    let ages = checkpoints::ages(pool).await?;
    let gauges = Gauges {
        sagas: sagas.sagas.into_iter().map(|(flow, status, count)| (flow, status.as_str(), count)).collect(),
        parked: sagas.parked,
        deliveries: backlog.deliveries,
        items: backlog.items,
        due: backlog.sagas,
        overdue_seconds: sagas.due_since.map_or(0, |since| (now - since).num_seconds().max(0).unsigned_abs()),
        forgotten: query::forgotten(pool, 100).await?.len() as u64,
        shards_owned: app.store.node.owned().len() as u64,
        shards_unowned,
        standing_faults: checks.iter().map(|state| (state.check.as_str(), state.faults)).collect(),
        standing_age_seconds: checks.iter().filter_map(|s| s.age).max().map_or(0, |age| age.as_secs()),
        checkpoint_age_seconds: ages.made.map_or(0, |age| age.as_secs()),
        recovery_hold: recovery::care(pool).await?.held,
        published_age_seconds: ages.published.map_or(0, |age| age.as_secs()),
        ..budgets(&app.engine.forecast().await?, now)
    };
    let text = app.metrics.text(gauges).map_err(|e| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the metrics cannot be written: {e}"))
    })?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], text))
}
