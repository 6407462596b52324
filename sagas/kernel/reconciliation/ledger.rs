//! What the ledger says by itself: money that lies too long on an account, and books that are not what the log says.

use super::charges::Booked;
use super::{About, Code, Found, Judged, Leg};
use crate::kernel::money::Money;
use chrono::{DateTime, TimeDelta, Utc};

/// A sale that settles later is told.
const SETTLES_WITHIN: TimeDelta = TimeDelta::days(4);
/// And later than this it is severity 2.
const LATE: TimeDelta = TimeDelta::days(10);
/// Unapplied cash that is older is told.
const APPLIED_WITHIN: TimeDelta = TimeDelta::days(3);

/// What lies too long: the ledger is all that is read.
pub fn ageing(booked: &[Booked], now: DateTime<Utc>) -> Judged {
    let found = booked.iter().flat_map(|booked| {
        let submitted = (booked.submitted.minor > 0 && booked.since + SETTLES_WITHIN < now).then(|| {
            let detail = "it was submitted more than four days ago and has not settled".to_owned();
            let found = on_account(Code::D15, booked, "1110", booked.submitted, booked.since, detail);
            Found { severity: if booked.since + LATE < now { 2 } else { found.severity }, ..found }
        });
        let unapplied = (booked.unapplied.minor > 0 && booked.at + APPLIED_WITHIN < now).then(|| {
            let detail = "captured money has been applied to nothing for more than three days".to_owned();
            on_account(Code::D27, booked, "2100", booked.unapplied, booked.at, detail)
        });
        submitted.into_iter().chain(unapplied)
    });
    Judged { found: found.collect(), ..Judged::empty(Leg::Ageing) }
}

fn on_account(
    code: Code,
    booked: &Booked,
    account: &str,
    amount: Money,
    since: DateTime<Utc>,
    detail: String,
) -> Found {
    Found {
        code,
        key: booked.transaction.clone(),
        severity: code.severity(),
        about: booked.about.clone(),
        left: format!("{amount} on {account}"),
        right: format!("since {}", since.format("%Y-%m-%d")),
        at_risk: Some(amount),
        difference: Vec::new(),
        detail,
        dated: since,
        act: None,
    }
}

/// What the daily verification found of the books: subject and sentence. None: it has not run, or is too old to say anything.
pub fn rebuild(faults: Option<&[(String, String)]>, now: DateTime<Utc>) -> Judged {
    let found = faults.unwrap_or_default().iter().map(|(subject, detail)| Found {
        code: Code::D38,
        key: subject.clone(),
        severity: Code::D38.severity(),
        about: About::default(),
        left: "the ledger".to_owned(),
        right: detail.clone(),
        at_risk: None,
        difference: Vec::new(),
        detail: format!("{subject}: {detail}"),
        dated: now,
        act: None,
    });
    Judged { complete: faults.is_some(), found: found.collect(), ..Judged::empty(Leg::R13) }
}
