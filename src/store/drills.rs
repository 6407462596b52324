//! Recoveries that were rehearsed: when, by whom, and what came of them. Kept where the real log is; what was rehearsed
//! happened elsewhere.

use super::error::{StoreError, storable};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

/// A recovery is rehearsed that often.
pub const EVERY: TimeDelta = TimeDelta::days(31);

/// What a rehearsal counted, and what was not as it must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Invoices that were charged before the log was taken back.
    pub charged: u64,
    /// Of them those that the log lost.
    pub lost: u64,
    /// Of those the ones that came back into it.
    pub adopted: u64,
    /// Sales that nobody could explain.
    pub unexplained: u64,
    /// Invoices that were charged more than once.
    pub charged_twice: u64,
    /// Shards whose break was declared and signed.
    pub breaks: u64,
    /// What was not as it must be, each in a sentence. None: the rehearsal succeeded.
    pub faults: Vec<String>,
}

impl Report {
    /// Everything was as it must be.
    pub fn passed(&self) -> bool {
        self.faults.is_empty()
    }
}

/// A rehearsal on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// When it began (UTC).
    pub began_at: DateTime<Utc>,
    /// When it ended (UTC).
    pub ended_at: DateTime<Utc>,
    /// Who rehearsed.
    pub by: String,
    /// What came of it.
    pub report: Report,
}

/// The rehearsals as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drills {
    /// The last one, whatever came of it; none: there was none.
    pub last: Option<Drill>,
    /// When one succeeded last (UTC).
    pub passed_at: Option<DateTime<Utc>>,
    /// The database's clock (UTC).
    pub now: DateTime<Utc>,
}

impl Drills {
    /// The last one failed, none succeeded within [`EVERY`], or there was none.
    pub fn overdue(&self) -> bool {
        let failed = self.last.as_ref().is_some_and(|last| !last.report.passed());
        failed || self.passed_at.is_none_or(|at| self.now - at > EVERY)
    }
}

/// Keeps one.
///
/// # Errors
/// The database cannot be reached.
pub async fn keep(pool: &PgPool, drill: &Drill) -> Result<(), StoreError> {
    let report = serde_json::to_string(&drill.report).expect("texts and numbers always serialise");
    sqlx::query!(
        "insert into recovery_drill (id, began_at, ended_at, principal, passed, report) values ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(),
        drill.began_at,
        drill.ended_at,
        storable(&drill.by),
        drill.report.passed(),
        storable(&report)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// How the rehearsals stand.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn drills(pool: &PgPool) -> Result<Drills, StoreError> {
    let last = sqlx::query!(
        "select began_at, ended_at, principal, report from recovery_drill order by ended_at desc, id desc limit 1"
    );
    let last = match last.fetch_optional(pool).await? {
        None => None,
        Some(row) => {
            let unreadable = |e| StoreError::Unreadable(format!("the rehearsal of a recovery: {e}"));
            let report = serde_json::from_str(&row.report).map_err(unreadable)?;
            Some(Drill { began_at: row.began_at, ended_at: row.ended_at, by: row.principal, report })
        }
    };
    let times =
        sqlx::query!(r#"select now() as "now!", (select max(ended_at) from recovery_drill where passed) as passed_at"#);
    let times = times.fetch_one(pool).await?;
    Ok(Drills { last, passed_at: times.passed_at, now: times.now })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drilled(days_ago: i64, faults: &[&str], passed_days_ago: Option<i64>) -> Drills {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        let at = now - TimeDelta::days(days_ago);
        let report = Report { faults: faults.iter().map(|fault| (*fault).to_owned()).collect(), ..Report::default() };
        let last = Drill { began_at: at, ended_at: at, by: "shell:ada".to_owned(), report };
        Drills { last: Some(last), passed_at: passed_days_ago.map(|days| now - TimeDelta::days(days)), now }
    }

    #[test]
    fn a_rehearsal_is_overdue_after_a_month_after_a_failure_and_where_there_was_none() {
        assert!(!drilled(31, &[], Some(31)).overdue());
        assert!(drilled(32, &[], Some(32)).overdue());
        assert!(drilled(1, &["the sweep did not end"], Some(2)).overdue(), "the last one failed");
        assert!(Drills::default().overdue());
    }
}
