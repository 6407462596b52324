//! Due times in memory: which saga wants the engine when. The database holds the truth; this is the alarm clock.

use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use std::collections::{BTreeSet, HashMap};

/// An alarm clock for sagas.
#[derive(Debug, Default)]
pub(super) struct Scheduler {
    by_time: BTreeSet<(DateTime<Utc>, SagaId)>,
    by_saga: HashMap<SagaId, (DateTime<Utc>, String)>,
}

impl Scheduler {
    /// Sets a saga's alarm; an earlier one of the same saga is replaced.
    pub(super) fn set(&mut self, saga: SagaId, kind: &str, at: DateTime<Utc>) {
        self.unset(saga);
        self.by_time.insert((at, saga));
        self.by_saga.insert(saga, (at, kind.to_owned()));
    }

    /// Removes a saga's alarm.
    pub(super) fn unset(&mut self, saga: SagaId) {
        if let Some((at, _)) = self.by_saga.remove(&saga) {
            self.by_time.remove(&(at, saga));
        }
    }

    /// Takes every saga whose time has come.
    pub(super) fn take_due(&mut self, now: DateTime<Utc>) -> Vec<(SagaId, String)> {
        let mut due = Vec::new();
        while let Some((at, saga)) = self.by_time.first().copied() {
            if at > now {
                break;
            }
            self.by_time.pop_first();
            if let Some((_, kind)) = self.by_saga.remove(&saga) {
                due.push((saga, kind));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn a_saga_has_one_alarm_and_it_rings_once() {
        let (now, saga) = (DateTime::UNIX_EPOCH, SagaId::derived("test", &["a"]));
        let mut clock = Scheduler::default();
        clock.set(saga, "rehearsal", now + TimeDelta::seconds(5));
        clock.set(saga, "rehearsal", now + TimeDelta::seconds(1));
        assert!(clock.take_due(now).is_empty());
        assert_eq!(clock.take_due(now + TimeDelta::seconds(1)), [(saga, "rehearsal".to_owned())]);
        assert!(clock.take_due(now + TimeDelta::days(1)).is_empty());
    }
}
