//! All numbers of dunning, in one place: schedule, delays, code lists, caps of the card networks. Rules that use them
//! are in `dunning.rs`; nothing is decided here.
//!
//! Source: Braintree's decline code table and the networks' retry rules as published by gateways and acquirers, in the
//! state of [`AS_OF`]. Where publications disagree the stricter number stands.

use chrono::TimeDelta;

/// When the numbers were last compared with their sources.
pub const AS_OF: &str = "2026-07";

/// Days of the scheduled attempts after the due date. More attempts than these are never made by themselves.
pub const ATTEMPT_DAYS: [u32; 4] = [0, 3, 7, 14];

/// Scheduled attempts leave at this hour of the books zone.
pub const MORNING_HOUR: u32 = 8;

/// Waits before the further tries after a network failure.
pub const NETWORK_RETRY_MINUTES: [u32; 3] = [15, 60, 240];

/// An authentication that was asked for is awaited so long.
pub const AUTHENTICATION_DAYS: u32 = 14;

/// After `excessive_retry` the card rests so long.
pub const EXCESSIVE_RETRY: TimeDelta = TimeDelta::days(30);

/// After a duplicate at the processor the next try is not before.
pub const PROCESSOR_DUPLICATE_HOURS: i64 = 24;

/// An attempt may be moved by so many days to meet a payday.
pub const PAYDAY_SHIFT_DAYS: u64 = 2;

/// Days of the month on which accounts are filled, besides the last business day.
pub const PAYDAYS: [u32; 2] = [1, 15];

/// Merchant advice codes that name a wait.
pub const ADVICE_WAITS: [(&str, TimeDelta); 7] = [
    ("24", TimeDelta::hours(1)),
    ("25", TimeDelta::hours(24)),
    ("26", TimeDelta::days(2)),
    ("27", TimeDelta::days(4)),
    ("28", TimeDelta::days(6)),
    ("29", TimeDelta::days(8)),
    ("30", TimeDelta::days(10)),
];

/// Merchant advice 02, cannot approve now.
pub const ADVICE_LATER: TimeDelta = TimeDelta::hours(72);

/// Soft declines, from and to, used only where the answer carries no type of its own.
pub const SOFT: [(u16, u16); 15] = [
    (2000, 2003),
    (2025, 2026),
    (2034, 2035),
    (2038, 2038),
    (2040, 2040),
    (2042, 2042),
    (2046, 2046),
    (2048, 2048),
    (2057, 2057),
    (2062, 2062),
    (2078, 2078),
    (2080, 2080),
    (2092, 2092),
    (2101, 2106),
    (2109, 2999),
];

/// Hard declines, used only where the answer carries no type: every other code of this range.
pub const HARD: (u16, u16) = (2004, 2108);

/// Never again with the same card, whatever the brand.
pub const NEVER_AGAIN: [&str; 1] = ["2043"];

/// Never again with the same card when the customer was not there.
pub const NEVER_AGAIN_RECURRING: [&str; 3] = ["2004", "2005", "2015"];

/// Never again with the same Mastercard.
pub const NEVER_AGAIN_MASTERCARD: [&str; 6] = ["2009", "2012", "2019", "2022", "2047", "2053"];

/// Funds and limits: the next day on which money comes in.
pub const FUNDS: [&str; 3] = ["2001", "2002", "2003"];

/// How often settlement is looked up, and when it counts as late.
pub mod settlement {
    use chrono::TimeDelta;

    /// In the first days.
    pub const OFTEN: TimeDelta = TimeDelta::hours(2);
    /// How long these last.
    pub const OFTEN_FOR: TimeDelta = TimeDelta::days(10);
    /// Later, until final.
    pub const LATER: TimeDelta = TimeDelta::days(1);
    /// Late from here on.
    pub const LATE: TimeDelta = TimeDelta::days(4);
}
