//! What is worth telling, from what was seen. Pure. Each cause has its section in `docs/ALERTS.md`.

use crate::store::checks::State;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::park::ParkCode;
use sagas::kernel::reconciliation::Code;
use serde::Serialize;
use std::time::Duration;

/// A saga that is due for longer tells that nobody drives it.
const OVERDUE: TimeDelta = TimeDelta::minutes(15);
/// Standing checks run every minute: one that did not run for longer stands still.
const UNCHECKED: Duration = Duration::from_mins(5);
/// Checkpoints are published hourly: none for longer is told.
const UNPUBLISHED: Duration = Duration::from_hours(3);

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Business time (UTC).
    pub now: DateTime<Utc>,
    /// Parked sagas, by code.
    pub parked: Vec<(String, u64)>,
    /// What is awaited of people by a deadline that is near, and by how many sagas.
    pub urgent: Vec<(String, u64)>,
    /// Since when the saga that is due longest has been due (UTC).
    pub due_since: Option<DateTime<Utc>>,
    /// Sagas that nothing will ever wake.
    pub forgotten: usize,
    /// Shards that nobody drives, at two looks in a row.
    pub unowned: u64,
    /// When each vendor last delivered something (UTC).
    pub last_delivery: Vec<(String, DateTime<Utc>)>,
    /// A vendor that is silent for longer is told; none: never.
    pub silence: Option<TimeDelta>,
    /// Operations that are switched off.
    pub switched_off: Vec<String>,
    /// Open circuit breakers: of what, and since when (UTC).
    pub breakers: Vec<(String, DateTime<Utc>)>,
    /// Erasures of persons whose time is nearly up, or over.
    pub late_erasures: u64,
    /// Open differences of the books of severity 1, by code.
    pub severe: Vec<(String, u64)>,
    /// How the standing checks stand.
    pub checks: Vec<State>,
    /// Why a recovery hold stands, if one does.
    pub held: Option<String>,
    /// For how long no checkpoint was published; none: there is no sink, or nothing to publish.
    pub unpublished: Option<Duration>,
}

/// How soon somebody must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// Now, also at night.
    Page,
    /// In working hours.
    Note,
}

/// One cause, whatever it hits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// The same cause has the same key for ever.
    pub key: String,
    pub severity: Severity,
    /// What happened, and what to do.
    pub text: String,
    /// How many are hit.
    pub count: u64,
    /// The page that says more.
    pub page: String,
}

impl Finding {
    fn new(cause: &str, severity: Severity, count: u64, text: String) -> Self {
        Self { key: cause.to_owned(), severity, text, count, page: format!("docs/ALERTS.md#{cause}") }
    }
}

/// What is worth telling.
pub(super) fn findings(seen: &Seen) -> Vec<Finding> {
    let mut found: Vec<Finding> = seen.parked.iter().filter_map(|(code, count)| parked(code, *count)).collect();
    found.extend(seen.urgent.iter().map(|(what, count)| urgent(what, *count)));
    if seen.forgotten > 0 {
        let text = format!(
            "{} saga(s) that nothing will ever wake: a fault of ours. See which: `attio-billing saga list --status waiting`",
            seen.forgotten
        );
        found.push(Finding::new("forgotten", Severity::Page, seen.forgotten as u64, text));
    }
    if seen.unowned > 0 {
        let text = format!(
            "{} shard(s) have no node: their sagas stand still. Start a node, or look why it gave them up",
            seen.unowned
        );
        found.push(Finding::new("unowned", Severity::Page, seen.unowned, text));
    }
    if let Some(since) = seen.due_since.filter(|since| seen.now - *since > OVERDUE) {
        let text =
            format!("a saga has been due since {}: nobody drives it, or the nodes do not keep up", since.to_rfc3339());
        found.push(Finding::new("overdue", Severity::Page, 1, text));
    }
    if let Some(silence) = seen.silence {
        for (vendor, last) in seen.last_delivery.iter().filter(|(_, last)| seen.now - *last > silence) {
            let text = format!(
                "nothing came from {vendor}'s webhook since {}: is it still registered there?",
                last.to_rfc3339()
            );
            let mut finding = Finding::new("silence", Severity::Note, 1, text);
            finding.key = format!("silence:{vendor}");
            found.push(finding);
        }
    }
    if let Some(cause) = &seen.held {
        let text = format!(
            "recovery hold: nothing is written at a vendor, no mail is sent, no timer rings. {cause}. What to do: `attio-billing recover --help`"
        );
        found.push(Finding::new("recovery-hold", Severity::Page, 1, text));
    }
    found.extend(seen.checks.iter().filter_map(standing));
    if seen.checks.iter().any(|check| check.is_late(UNCHECKED)) {
        let minutes = UNCHECKED.as_secs() / 60;
        let text = format!(
            "the standing checks have not run for more than {minutes} minutes: nobody knows whether all is well. Look in the service's log"
        );
        found.push(Finding::new("unchecked", Severity::Page, 1, text));
    }
    if seen.unpublished.is_some_and(|age| age > UNPUBLISHED) {
        let text = "no checkpoint of the log was published for more than 3 hours: from then on nobody else could prove \
                    a change. See why: `attio-billing log checkpoints`";
        found.push(Finding::new("unpublished", Severity::Page, 1, text.to_owned()));
    }
    if seen.late_erasures > 0 {
        let text = format!(
            "{} erasure(s) of persons are not done, and the law's time is nearly up: see why each waits: \
             `attio-billing saga list --kind erasure`",
            seen.late_erasures
        );
        found.push(Finding::new("erasure-late", Severity::Page, seen.late_erasures, text));
    }
    found.extend(seen.severe.iter().filter_map(|(code, count)| difference(code, *count)));
    if !seen.switched_off.is_empty() {
        let text = format!(
            "switched off by hand: {}. Sagas wait for it; `attio-billing switch` turns it on",
            seen.switched_off.join(", ")
        );
        found.push(Finding::new("switched-off", Severity::Note, seen.switched_off.len() as u64, text));
    }
    for (of, since) in &seen.breakers {
        let text = format!(
            "{of} fail since {}: nothing is sent but a probe now and then, and sagas wait. `attio-billing forecast` tells \
             when the next probe is due",
            since.to_rfc3339()
        );
        let mut finding = Finding::new("breaker-open", Severity::Note, 1, text);
        finding.key = format!("breaker-open:{}", of.replace(' ', "-"));
        found.push(finding);
    }
    found
}

/// A standing check that found something.
fn standing(state: &State) -> Option<Finding> {
    let example = state.example.as_ref()?;
    let text = format!(
        "the standing check `{}` failed for {} subject(s), e.g. {}: {}",
        state.check.as_str(),
        state.faults,
        example.subject,
        example.detail
    );
    let mut finding = Finding::new("standing", Severity::Page, state.faults, text);
    finding.key = format!("standing:{}", state.check.as_str());
    Some(finding)
}

/// Money lost, or a customer charged wrongly, as the books say: one cause a code.
fn difference(code: &str, count: u64) -> Option<Finding> {
    let code = Code::parse(code)?;
    let text = format!(
        "{count} open finding(s) of severity 1: {code}. See them: `attio-billing reconcile findings --code {code:?}`"
    );
    let mut finding = Finding::new("difference", Severity::Page, count, text);
    finding.key = format!("difference:{code:?}");
    Some(finding)
}

/// A deadline of people: each step towards it is a cause of its own.
fn urgent(what: &str, count: u64) -> Finding {
    let text =
        format!("{count} saga(s) wait for somebody, {what}. See them: `attio-billing saga list --status waiting`");
    let mut finding = Finding::new("deadline", Severity::Page, count, text);
    finding.key = what.replace([' ', ','], "-");
    finding
}

/// A park that a person must end; one made on purpose is none.
fn parked(code: &str, count: u64) -> Option<Finding> {
    let known = ParkCode::ALL.into_iter().find(|known| known.as_str() == code);
    if known.is_some_and(ParkCode::on_purpose) {
        return None;
    }
    let meaning = known.map_or("a reason that this release does not know", ParkCode::meaning);
    Some(Finding {
        key: format!("parked:{code}"),
        severity: Severity::Page,
        text: format!(
            "{count} saga(s) wait for a person: {meaning} ({code}). See them: `attio-billing saga list --status needs_person`"
        ),
        count,
        page: format!("docs/errors/{code}.md"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checks::{Check, Fault};
    use std::collections::BTreeSet;

    fn all_wrong() -> Seen {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        Seen {
            now,
            parked: vec![("OUTCOME_UNKNOWN".to_owned(), 3), ("REHEARSAL".to_owned(), 1)],
            urgent: vec![("deadline: a reply, 3 days are left".to_owned(), 1)],
            due_since: Some(now - TimeDelta::minutes(16)),
            forgotten: 2,
            unowned: 64,
            last_delivery: vec![("zoho".to_owned(), now - TimeDelta::hours(7)), ("attio".to_owned(), now)],
            silence: Some(TimeDelta::hours(6)),
            switched_off: vec!["zoho.record_payment".to_owned()],
            breakers: vec![("zoho writes".to_owned(), now)],
            checks: vec![State {
                check: Check::Journals,
                age: Some(Duration::from_mins(6)),
                faults: 2,
                example: Some(Fault { subject: "a journal".to_owned(), detail: "it has no lines".to_owned() }),
            }],
            held: Some("another database".to_owned()),
            unpublished: Some(Duration::from_hours(4)),
            late_erasures: 1,
            severe: vec![("D05".to_owned(), 2), ("D999".to_owned(), 1)],
        }
    }

    #[test]
    fn every_cause_is_one_finding_and_a_rehearsal_is_none() {
        let keys: Vec<_> = findings(&all_wrong()).into_iter().map(|finding| finding.key).collect();
        let expected = [
            "parked:OUTCOME_UNKNOWN",
            "deadline:-a-reply--3-days-are-left",
            "forgotten",
            "unowned",
            "overdue",
            "silence:zoho",
            "recovery-hold",
            "standing:journals",
            "unchecked",
            "unpublished",
            "erasure-late",
            "difference:D05",
            "switched-off",
            "breaker-open:zoho-writes",
        ];
        assert_eq!(keys, expected);
        assert!(findings(&Seen::default()).is_empty());
    }

    #[test]
    fn a_wait_of_minutes_and_a_silence_of_hours_are_nothing() {
        let all = all_wrong();
        let calm = Seen {
            now: all.now,
            due_since: Some(all.now - TimeDelta::minutes(14)),
            last_delivery: vec![("zoho".to_owned(), all.now - TimeDelta::hours(5))],
            silence: Some(TimeDelta::hours(6)),
            ..Seen::default()
        };
        assert!(findings(&calm).is_empty());
    }

    #[test]
    fn every_cause_has_its_section_on_the_page() {
        let page = include_str!("../../docs/ALERTS.md");
        let causes: BTreeSet<_> = findings(&all_wrong())
            .into_iter()
            .filter_map(|finding| finding.page.strip_prefix("docs/ALERTS.md#").map(|cause| format!("## {cause}")))
            .collect();
        let sections: BTreeSet<_> = page.lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect();
        assert_eq!(causes, sections);
    }
}
