//! Which runs there are to be: those of the schedule, and what a person asks for. Knows no vendor.

use super::work::{Keys, Work, is_invoice, is_transaction};
use crate::store::StoreError;
use crate::store::reconciliation::{self, NewRun};
use chrono::{DateTime, NaiveTime, TimeDelta, Timelike as _, Utc};
use sagas::kernel::reconciliation::Leg;
use sqlx::PgPool;
use uuid::Uuid;

/// How far back a nightly run looks.
const NIGHTLY: TimeDelta = TimeDelta::days(45);
/// And an hourly one.
const HOURLY: TimeDelta = TimeDelta::hours(48);
/// At this minute of each hour.
const MINUTE: u32 = 10;
/// The legs of an hourly run: what costs money soonest.
const HOURLY_LEGS: [Leg; 6] = [Leg::R1, Leg::R2, Leg::R4, Leg::R7, Leg::R9, Leg::Flows];
/// The legs that can be compared for chosen keys: the others are lists.
const LEGS_OF_KEYS: [Leg; 4] = [Leg::R1, Leg::R2, Leg::R3, Leg::R9];
/// What happened lately is looked for that often.
pub(super) const CONTINUOUS: TimeDelta = TimeDelta::seconds(60);
/// The report of a continuous comparison is kept for so long.
const KEPT: TimeDelta = TimeDelta::days(7);
/// So many keys are compared in one run.
const KEYS: u16 = 50;
/// No window is longer.
const LONGEST: TimeDelta = TimeDelta::days(400);

/// What a person asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// These legs; empty: all.
    pub legs: Vec<Leg>,
    /// From then on (UTC); none: 45 days back.
    pub from: Option<DateTime<Utc>>,
    /// Until then (UTC); none: now.
    pub to: Option<DateTime<Utc>>,
    /// Only what belongs to this customer of ours.
    pub customer: Option<String>,
    /// Only what belongs to these invoices or transactions.
    pub references: Vec<String>,
}

/// Why no run was made.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The window is none.
    #[error("{0}")]
    Window(String),
    /// What is to be compared is nothing that can be compared alone.
    #[error("{0}")]
    Scope(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a run on demand.
///
/// # Errors
/// The window is none, or the database cannot be reached.
pub async fn on_demand(pool: &PgPool, asked: &Asked, by: &str, now: DateTime<Utc>) -> Result<Uuid, Refused> {
    let to = asked.to.unwrap_or(now).min(now);
    let from = asked.from.unwrap_or(to - NIGHTLY);
    if from >= to {
        return Err(Refused::Window(format!("the window begins at {from} and ends at {to}: nothing lies within")));
    }
    if to - from > LONGEST {
        return Err(Refused::Window(format!("a window of more than {} days is too long", LONGEST.num_days())));
    }
    let (legs, work) = match chosen(pool, asked).await? {
        Some(keys) => (LEGS_OF_KEYS.to_vec(), Work::of_keys(keys).text()),
        None => (Leg::ALL.to_vec(), String::new()),
    };
    let legs = if asked.legs.is_empty() { legs } else { asked.legs.clone() };
    let run = NewRun { kind: "on_demand", slot: None, legs: words(&legs), from, to, by: by.to_owned(), at: now, work };
    let made = reconciliation::create(pool, &run).await?;
    made.ok_or_else(|| StoreError::Refused("a run without a slot was not made".to_owned()).into())
}

/// The keys of a customer, an invoice or a transaction; none: everything is to be compared.
async fn chosen(pool: &PgPool, asked: &Asked) -> Result<Option<Keys>, Refused> {
    if asked.customer.is_none() && asked.references.is_empty() {
        return Ok(None);
    }
    if let Some(leg) = asked.legs.iter().find(|leg| !LEGS_OF_KEYS.contains(leg)) {
        let words = LEGS_OF_KEYS.map(Leg::as_str).join(", ");
        let why = format!("leg {} compares lists, not one customer or invoice: choose from {words}", leg.as_str());
        return Err(Refused::Scope(why));
    }
    let found = reconciliation::belonging(pool, asked.customer.as_deref(), &asked.references).await?;
    let mut keys = Keys::from(found);
    for reference in &asked.references {
        // What our log does not know is looked for all the same, as what it looks like.
        if keys.transactions.contains(reference) || keys.invoices.contains(reference) {
            continue;
        }
        if is_invoice(reference) {
            keys.invoices.insert(reference.clone());
        } else if is_transaction(reference) {
            keys.transactions.insert(reference.clone());
        } else {
            return Err(Refused::Scope(format!(
                "`{reference}` is neither Zoho's id of an invoice nor Braintree's of a transaction"
            )));
        }
    }
    if keys.is_empty() {
        return Err(Refused::Scope("our log knows no invoice and no transaction of it".to_owned()));
    }
    Ok(Some(keys))
}

/// Makes a comparison of what something was said of, and nothing more for a while. What is taken for it is taken with the run:
/// a node that dies in between loses none of it.
pub(super) async fn continuous(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    reconciliation::forget_continuous(pool, now - KEPT).await?;
    reconciliation::mark_dirty(pool).await?;
    let mut together = pool.begin().await?;
    let taken = reconciliation::take_dirty(&mut together, now - reconciliation::QUIET, KEYS).await?;
    if taken.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = taken.transactions.iter().chain(&taken.invoices).cloned().collect();
    let beside = reconciliation::belonging(pool, None, &ids).await?;
    let mut keys = Keys::from(taken);
    keys.transactions.extend(beside.transactions);
    keys.invoices.extend(beside.invoices);
    let run = NewRun {
        kind: "continuous",
        slot: None,
        legs: words(&LEGS_OF_KEYS),
        from: now - HOURLY,
        to: now,
        by: "schedule".to_owned(),
        at: now,
        work: Work::of_keys(keys).text(),
    };
    reconciliation::create(&mut *together, &run).await?;
    together.commit().await?;
    Ok(())
}

/// The runs whose time has come: last night's, and this hour's.
pub(super) fn scheduled(now: DateTime<Utc>, at: NaiveTime, zone: chrono_tz::Tz) -> Vec<NewRun> {
    let local = now.with_timezone(&zone).naive_local();
    let new = |kind, slot, legs: &[Leg], back| NewRun {
        kind,
        slot: Some(slot),
        legs: words(legs),
        from: now - back,
        to: now,
        by: "schedule".to_owned(),
        at: now,
        work: String::new(),
    };
    let mut runs = Vec::new();
    if local.time() >= at {
        runs.push(new("nightly", format!("nightly:{}", local.date()), &Leg::ALL, NIGHTLY));
    }
    if local.minute() >= MINUTE {
        // By the clock of the world: an hour that is put back is compared once more.
        let slot = format!("hourly:{}", now.format("%Y-%m-%dT%H"));
        runs.push(new("hourly", slot, &HOURLY_LEGS, HOURLY));
    }
    runs
}

/// The words of legs, each once, in the order of the report.
fn words(legs: &[Leg]) -> String {
    let words: Vec<_> = Leg::ALL.into_iter().filter(|leg| legs.contains(leg)).map(Leg::as_str).collect();
    words.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_and_an_hour_have_one_run_each_in_the_books_zone() {
        let at = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        let slots = |instant: &str| {
            let now = DateTime::parse_from_rfc3339(instant).unwrap().to_utc();
            let runs = scheduled(now, at, chrono_tz::Europe::Berlin);
            runs.into_iter().filter_map(|run| run.slot).collect::<Vec<_>>()
        };
        assert_eq!(slots("2026-11-22T01:29:00Z"), ["hourly:2026-11-22T01"]);
        assert_eq!(slots("2026-11-22T01:30:00Z"), ["nightly:2026-11-22", "hourly:2026-11-22T01"]);
        assert_eq!(slots("2026-11-22T22:59:00Z"), ["nightly:2026-11-22", "hourly:2026-11-22T22"]);
        assert_eq!(slots("2026-11-22T23:05:00Z"), Vec::<String>::new());
    }

    #[test]
    fn legs_are_said_once_and_in_order() {
        assert_eq!(words(&[Leg::R3, Leg::R1, Leg::R3]), "R1,R3");
    }
}
