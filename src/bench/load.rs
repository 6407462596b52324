//! A closed loop: so many sagas in flight at any time, each followed at once by the next.

use super::cpu::Cpu;
use super::{Figures, Plan};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use sqlx::PgPool;
use std::time::{Duration, Instant};

/// Keeps the load up for the time of the plan.
pub(super) async fn drive<F: Future<Output = bool>>(plan: &Plan, pool: &PgPool, one: impl Fn(u64) -> F) -> Figures {
    let mut number = 0;
    let mut next = || {
        number += 1;
        let (began, saga) = (Instant::now(), one(number));
        async move { (saga.await, began.elapsed()) }
    };
    let mut flight = FuturesUnordered::new();
    for _ in 0..plan.in_flight {
        flight.push(next());
    }
    let warm_until = Instant::now() + plan.warm;
    while Instant::now() < warm_until && flight.next().await.is_some() {
        flight.push(next());
    }
    let cpu = Cpu::now(pool).await;
    let (began, mut took, mut failed) = (Instant::now(), Vec::new(), 0);
    while began.elapsed() < plan.length {
        let Some((good, time)) = flight.next().await else { break };
        if good {
            took.push(time);
        } else {
            failed += 1;
        }
        flight.push(next());
    }
    let wall = began.elapsed();
    let used = Cpu::now(pool).await.since(&cpu);
    // What is in flight ends, so that nothing works on while something else is measured.
    while flight.next().await.is_some() {}
    figures(plan, took, failed, wall, used)
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn figures(plan: &Plan, mut took: Vec<Duration>, failed: usize, wall: Duration, used: Cpu) -> Figures {
    took.sort_unstable();
    let done = took.len();
    let each = |time: Option<Duration>| time.map(|time| time.as_secs_f64() * 1_000.0 / done.max(1) as f64);
    Figures {
        work: plan.work,
        in_flight: plan.in_flight,
        done,
        failed,
        per_second: rate(done, wall),
        p50_ms: quantile(&took, 50),
        p99_ms: quantile(&took, 99),
        cpu_ms: each(used.ours),
        postgres_cpu_ms: each(used.postgres),
    }
}

/// So many within that time, a second.
#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
pub(super) fn rate(done: usize, within: Duration) -> f64 {
    done as f64 / within.as_secs_f64()
}

/// What so many in a hundred did not exceed, in milliseconds; the times are in order.
pub(super) fn quantile(took: &[Duration], per_cent: usize) -> f64 {
    let at = (took.len() * per_cent).div_ceil(100).clamp(1, took.len().max(1)) - 1;
    took.get(at).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
}
