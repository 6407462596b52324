//! What the vendors allow, and which part of it is ours.

use clap::Args;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the vendors allow, all nodes together.
#[derive(Debug, Clone, Default, Args)]
pub struct BudgetSettings {
    /// Calls a minute that Zoho allows the organization (Zoho's published limit); 0: not counted
    #[arg(long, env = "ZOHO_CALLS_PER_MINUTE", default_value = "100")]
    pub zoho_calls_per_minute: u32,
    /// Calls a day that Zoho allows by plan: Free 1000, Standard 2000, Professional 5000, above 10000; unset: 1000, but for
    /// production, which must say it; 0: not counted
    #[arg(long, env = "ZOHO_CALLS_PER_DAY")]
    pub zoho_calls_per_day: Option<u32>,
    /// Calls at once that Zoho allows: 5 on the Free plan, else 10
    #[arg(long, env = "ZOHO_CALLS_AT_ONCE", default_value = "10")]
    pub zoho_calls_at_once: u32,
    /// Calls a day that Zoho CRM allows: its credits of 24 hours, at least 5000 on the Free plan; 0: not counted
    #[arg(long, env = "ZOHO_CRM_CALLS_PER_DAY", default_value = "5000")]
    pub zoho_crm_calls_per_day: u32,
    /// Calls at once that Zoho CRM allows: 5 on the Free plan, up to 25 above
    #[arg(long, env = "ZOHO_CRM_CALLS_AT_ONCE", default_value = "5")]
    pub zoho_crm_calls_at_once: u32,
    /// How much of Zoho's limits is ours, in percent; the rest is left for people and other integrations
    #[arg(long, env = "ZOHO_SHARE_PERCENT", default_value = "80")]
    pub zoho_share_percent: u32,
    /// Calls at once at Braintree, which publishes no limit
    #[arg(long, env = "BRAINTREE_CALLS_AT_ONCE", default_value = "10")]
    pub braintree_calls_at_once: u32,
    /// Calls a second at Attio, which allows 100 reads and 25 writes for all integrations of a workspace; 0: not counted
    #[arg(long, env = "ATTIO_CALLS_PER_SECOND", default_value = "15")]
    pub attio_calls_per_second: u32,
    /// Calls at once at Attio
    #[arg(long, env = "ATTIO_CALLS_AT_ONCE", default_value = "16")]
    pub attio_calls_at_once: u32,
}

/// What a vendor takes from us, all nodes together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Calls in any minute; none: it counts none.
    pub per_minute: Option<u32>,
    /// Calls in a day (UTC); none: it counts none.
    pub per_day: Option<u32>,
    /// Calls under way at once.
    pub at_once: u32,
}

impl Limits {
    /// Calls are counted over time.
    pub const fn counts(&self) -> bool {
        self.per_minute.is_some() || self.per_day.is_some()
    }
}

/// Calls a day that Zoho is taken to allow where nobody said.
const UNTOLD: u32 = 1_000;

/// Lists of the catalog: plans, add-ons, coupons.
const LISTS: u64 = 3;
/// Seconds between two polls of the catalog at least.
const POLLED_AT_MOST_EVERY: u64 = 60;
const DAY: u64 = 86_400;

/// Calls at once at Zoho Desk, which publishes no number: few, for nothing waits for them.
const DESK_CALLS_AT_ONCE: u32 = 3;

/// Connections to the mail server at once: few take many of one sender.
const MAILS_AT_ONCE: u32 = 4;

impl BudgetSettings {
    /// How often the catalog is polled: with a tenth of the day's calls.
    pub(super) fn catalog_every(&self) -> Duration {
        let a_day = u64::from(self.zoho_calls_per_day.unwrap_or(UNTOLD));
        let seconds = if a_day == 0 { 0 } else { (LISTS * DAY * 10).div_ceil(a_day) };
        Duration::from_secs(seconds.max(POLLED_AT_MOST_EVERY))
    }

    /// Our part of every vendor's limits.
    pub(super) fn check(self, production: bool, faults: &mut Vec<String>) -> BTreeMap<&'static str, Limits> {
        if !(1..=100).contains(&self.zoho_share_percent) {
            faults
                .push(format!("ZOHO_SHARE_PERCENT ({}) is no percentage: expected 1 to 100", self.zoho_share_percent));
        }
        for (name, calls) in [
            ("ZOHO_CALLS_AT_ONCE", self.zoho_calls_at_once),
            ("ZOHO_CRM_CALLS_AT_ONCE", self.zoho_crm_calls_at_once),
            ("BRAINTREE_CALLS_AT_ONCE", self.braintree_calls_at_once),
            ("ATTIO_CALLS_AT_ONCE", self.attio_calls_at_once),
        ] {
            if calls == 0 {
                faults.push(format!("{name} is 0: no call could ever be made; expected at least 1"));
            }
        }
        if production && self.zoho_calls_per_day.is_none() {
            faults.push(
                "ZOHO_CALLS_PER_DAY is not set: name your plan's limit (Free 1000, Standard 2000, Professional 5000, above 10000)"
                    .to_owned(),
            );
        }
        let ours = |calls: u32| (calls * self.zoho_share_percent.min(100) / 100).max(1);
        let counted = |calls: u32| (calls > 0).then_some(calls);
        let zoho = Limits {
            per_minute: counted(self.zoho_calls_per_minute).map(ours),
            per_day: counted(self.zoho_calls_per_day.unwrap_or(UNTOLD)).map(ours),
            at_once: ours(self.zoho_calls_at_once),
        };
        let zoho_crm = Limits {
            per_minute: None,
            per_day: counted(self.zoho_crm_calls_per_day).map(ours),
            at_once: ours(self.zoho_crm_calls_at_once),
        };
        let at_once = |at_once| Limits { per_minute: None, per_day: None, at_once };
        let attio = Limits {
            per_minute: counted(self.attio_calls_per_second.saturating_mul(60)),
            ..at_once(self.attio_calls_at_once)
        };
        BTreeMap::from([
            ("zoho", zoho),
            ("zoho_crm", zoho_crm),
            ("zoho_desk", at_once(DESK_CALLS_AT_ONCE)),
            ("braintree", at_once(self.braintree_calls_at_once)),
            ("attio", attio),
            ("mail", at_once(MAILS_AT_ONCE)),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_is_polled_with_a_tenth_of_the_days_calls() {
        let every = |calls| BudgetSettings { zoho_calls_per_day: calls, ..BudgetSettings::default() }.catalog_every();
        for (calls, seconds) in
            [(Some(10_000), 260), (Some(5_000), 519), (Some(2_000), 1_296), (Some(1_000), 2_592), (None, 2_592)]
        {
            assert_eq!(every(calls), Duration::from_secs(seconds), "{calls:?}");
        }
        assert_eq!(every(Some(1_000_000)), Duration::from_mins(1));
        assert_eq!(every(Some(0)), Duration::from_mins(1), "nobody counts");
    }
}
