//! How tests set a stage.

use crate::postgres::TestDatabase;
use attio_billing::demo::StageOptions;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

/// On the database, at noon of a Tuesday. What a test sees does not hang on when it runs (before or after the hour in
/// which charges are due, beside a weekend, a payday or the end of a month). Not for tests that run programs beside it: those live in real time.
pub(crate) fn at_noon(database: &TestDatabase) -> StageOptions {
    StageOptions { from: Some(noon()), ..StageOptions::new(database.url().clone()) }
}

fn noon() -> DateTime<Utc> {
    let tuesday = NaiveDate::from_ymd_opt(2026, 6, 9).unwrap();
    tuesday.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap()).and_utc()
}

/// When a poll of the catalog was begun last.
pub(crate) async fn asked_at(pool: &sqlx::PgPool) -> Option<DateTime<Utc>> {
    sqlx::query_scalar("select max(asked_at) from catalog_read").fetch_one(pool).await.unwrap()
}
