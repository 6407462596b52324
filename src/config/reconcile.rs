//! When books are compared by themselves, from when on, and how much of a vendor's day that may take.

use super::{Checking, Environment};
use chrono::{DateTime, NaiveTime, Utc};
use clap::Args;

/// The settings as they come.
#[derive(Debug, Clone, Default, Args)]
pub struct ReconcileSettings {
    /// When the nightly comparison of the books begins (books zone), or `off`, which also ends the hourly one; unset: off in
    /// demo and test, else 02:30
    #[arg(long, env = "RECONCILE_AT")]
    pub reconcile_at: Option<String>,
    /// How much of our part of Zoho's day comparisons may take, in percent
    #[arg(long, env = "RECONCILE_SHARE_PERCENT", default_value = "15")]
    pub reconcile_share_percent: u32,
    /// Since when the books are kept, e.g. 2026-11-01T00:00:00Z: what is older is compared with nothing; unset: all is compared
    #[arg(long, env = "BOOKS_OPEN_AT")]
    pub books_open_at: Option<DateTime<Utc>>,
}

/// The checked settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReconcileConfig {
    /// When the nightly run begins (books zone); none: nothing runs by itself.
    pub at: Option<NaiveTime>,
    /// Percent of our part of a vendor's day.
    pub share_percent: u32,
    /// What is older is compared with nothing (UTC).
    pub books_open_at: Option<DateTime<Utc>>,
}

impl ReconcileSettings {
    pub(super) fn check(self, environment: Environment, faults: &mut Checking) -> ReconcileConfig {
        let usual = if environment.is_show() { "off" } else { "02:30" };
        let given = self.reconcile_at.filter(|given| !given.is_empty());
        let given = given.unwrap_or_else(|| usual.to_owned());
        let at = match given.as_str() {
            "off" => None,
            time => {
                let read = NaiveTime::parse_from_str(time, "%H:%M");
                read.map_err(|_| {
                    faults.push(format!("RECONCILE_AT (`{time}`) is no time: expected e.g. 02:30, or off"));
                })
                .ok()
            }
        };
        if !(1..=50).contains(&self.reconcile_share_percent) {
            faults.push(format!(
                "RECONCILE_SHARE_PERCENT ({}) leaves too little for what is charged: expected 1 to 50",
                self.reconcile_share_percent
            ));
        }
        ReconcileConfig { at, share_percent: self.reconcile_share_percent, books_open_at: self.books_open_at }
    }
}
