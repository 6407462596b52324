//! When a backlog of calls will be made: what waits, what the vendors allow, what is used up. Reads only.

use super::budget::{end_of_backlog, next_day};
use super::registry::Registry;
use crate::store::StoreError;
use crate::store::breakers::{self, OpenBreaker};
use crate::store::budget::{self, Ledger, percent_of_day};
use crate::store::query::{self, Waiting};
use chrono::{DateTime, Utc};
use sagas::kernel::priority::Priority;
use sqlx::PgPool;

/// One vendor's budget, and who waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorForecast {
    /// Whose.
    pub vendor: String,
    /// Calls in the last minute that were leased, and what is allowed; none: it counts none.
    pub minute: Option<(u32, u32)>,
    /// Calls of this day (UTC), and what is allowed; none: it counts none.
    pub day: Option<(u32, u32)>,
    /// Calls held for records of what is being done.
    pub held: u32,
    /// When the day is over (UTC).
    pub day_ends_at: DateTime<Utc>,
    /// The vendor takes no call before then (UTC), by its own word.
    pub closed_until: Option<DateTime<Utc>>,
    /// Its open circuit breakers.
    pub breakers: Vec<OpenBreaker>,
    /// Who waits, the first to go first.
    pub backlog: Vec<Backlog>,
}

/// Those who wait with one priority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// Theirs.
    pub priority: Priority,
    /// How many.
    pub sagas: u64,
    /// Calls that they will make there at most.
    pub calls: u64,
    /// When the last of them is made, where nothing else comes in between (UTC).
    pub ends_at: DateTime<Utc>,
}

/// The forecast of every vendor that was called or is waited for.
///
/// # Errors
/// The database cannot be reached.
pub async fn forecast(
    pool: &PgPool,
    registry: &Registry,
    now: DateTime<Utc>,
) -> Result<Vec<VendorForecast>, StoreError> {
    let waiting = query::waiting_for_vendors(pool).await?;
    let open = breakers::all(pool).await?;
    let ledgers = budget::standing(pool).await?;
    let of = |(vendor, ledger): &(String, Ledger)| {
        let breakers: Vec<_> = open.iter().filter(|breaker| breaker.vendor == *vendor).cloned().collect();
        let theirs: Vec<_> = waiting.iter().filter(|waiting| waiting.vendor == *vendor).collect();
        of_vendor(vendor, ledger, breakers, &theirs, registry, now)
    };
    Ok(ledgers.iter().map(of).collect())
}

fn of_vendor(
    vendor: &str,
    ledger: &Ledger,
    breakers: Vec<OpenBreaker>,
    waiting: &[&Waiting],
    registry: &Registry,
    now: DateTime<Utc>,
) -> VendorForecast {
    let limits = ledger.limits();
    let (minute, today, held) = ledger.used(now);
    let closed_until = ledger.closed_until(now);
    let probe_at = breakers.iter().map(|breaker| breaker.probe_at).max();
    let opens = [closed_until, probe_at].into_iter().flatten().fold(now, DateTime::max);
    let mut ahead = 0;
    let mut backlog = Vec::new();
    for priority in Priority::ALL {
        let of_it: Vec<_> = waiting.iter().filter(|waiting| waiting.priority == priority).collect();
        let sagas: u64 = of_it.iter().map(|waiting| waiting.sagas).sum();
        let calls: u64 = of_it.iter().map(|waiting| waiting.sagas * cost(registry, waiting, vendor)).sum();
        if sagas == 0 {
            continue;
        }
        ahead += calls;
        let from = opens.max(ledger.fits_from(priority, 1, now));
        let used = if from < next_day(now) { today + held } else { 0 };
        let left = limits.per_day.map(|limit| (limit * percent_of_day(priority) / 100).saturating_sub(used));
        backlog.push(Backlog { priority, sagas, calls, ends_at: end_of_backlog(ahead, limits, priority, left, from) });
    }
    VendorForecast {
        vendor: vendor.to_owned(),
        minute: limits.per_minute.map(|limit| (minute, limit)),
        day: limits.per_day.map(|limit| (today, limit)),
        held,
        day_ends_at: next_day(now),
        closed_until,
        breakers,
        backlog,
    }
}

/// What one of them will cost: its record alone, or its whole normal path.
fn cost(registry: &Registry, waiting: &Waiting, vendor: &str) -> u64 {
    if waiting.priority == Priority::Recording {
        return 1;
    }
    let costs = registry.kind(&waiting.kind).map_or(&[][..], super::registry::Kind::costs);
    costs.iter().find(|calls| calls.vendor == vendor).map_or(1, |calls| u64::from(calls.count.max(1)))
}
