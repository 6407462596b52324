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

    /// Sets a saga's alarm unless it has one.
    pub(super) fn set_unless_set(&mut self, saga: SagaId, kind: &str, at: DateTime<Utc>) {
        if !self.by_saga.contains_key(&saga) {
            self.set(saga, kind, at);
        }
    }

    /// Sagas with an alarm until then.
    pub(super) fn sagas(&self, until: DateTime<Utc>) -> impl Iterator<Item = SagaId> {
        self.by_time.iter().take_while(move |(at, _)| *at <= until).map(|(_, saga)| *saga)
    }

    /// How many alarms are set.
    pub(super) fn len(&self) -> usize {
        self.by_saga.len()
    }

    /// Removes a saga's alarm.
    pub(super) fn unset(&mut self, saga: SagaId) {
        if let Some((at, _)) = self.by_saga.remove(&saga) {
            self.by_time.remove(&(at, saga));
        }
    }

    /// Takes sagas whose time has come, oldest first, so many at most.
    pub(super) fn take_due(&mut self, now: DateTime<Utc>, most: usize) -> Vec<(SagaId, String)> {
        let mut due = Vec::new();
        while let Some((at, saga)) = self.by_time.first().copied() {
            if at > now || due.len() >= most {
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
        clock.set_unless_set(saga, "rehearsal", now);
        assert!(clock.take_due(now, 9).is_empty());
        assert_eq!(clock.take_due(now + TimeDelta::seconds(1), 9), [(saga, "rehearsal".to_owned())]);
        assert!(clock.take_due(now + TimeDelta::days(1), 9).is_empty());
    }

    #[test]
    fn no_more_alarms_ring_than_are_asked_for_and_the_oldest_ring_first() {
        let (now, mut clock) = (DateTime::UNIX_EPOCH, Scheduler::default());
        let sagas = ["a", "b", "c"].map(|name| SagaId::derived("test", &[name]));
        for (seconds, saga) in [3, 1, 2].into_iter().zip(sagas) {
            clock.set(saga, "rehearsal", now + TimeDelta::seconds(seconds));
        }
        let rung = |clock: &mut Scheduler, most| {
            clock.take_due(now + TimeDelta::days(1), most).into_iter().map(|(saga, _)| saga).collect::<Vec<_>>()
        };
        assert!(rung(&mut clock, 0).is_empty());
        assert_eq!(rung(&mut clock, 2), [sagas[1], sagas[2]]);
        assert_eq!(rung(&mut clock, 2), [sagas[0]]);
    }
}
