//! The bench on which a flow is tried without I/O: it drives the machine, books what the flow posts, holds its claims and
//! checks that its log alone tells its state. A flow's own small world stands on it and plays the vendors.

use crate::kernel::books;
use crate::kernel::effect::{Claim, Message};
use crate::kernel::flow::{Open, StepEvent};
use crate::kernel::ids::SagaId;
use crate::kernel::machine::{self, Command, What, Work};
use crate::kernel::order::Order;
use crate::kernel::outcome::{Look, Outcome};
use crate::kernel::park::ParkCode;
use crate::kernel::posting::journal;
use crate::kernel::record::{Record, Recorded};
use crate::kernel::saga::{At, BusinessEvent, Mark, Saga};
use crate::kernel::verb::Verb;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::DerefMut;
use std::path::PathBuf;
use uuid::Uuid;

/// One instance of a flow, and what stands beside its log.
pub(crate) struct Bench<S: Saga> {
    pub(crate) id: SagaId,
    pub(crate) saga: Recorded<S>,
    pub(crate) now: DateTime<Utc>,
    pub(crate) log: Vec<Record<S::Event>>,
    /// What the next look-ups show; with none left a look-up is not made.
    pub(crate) looks: VecDeque<Look>,
    /// Debits less credits, in minor units.
    pub(crate) accounts: BTreeMap<u16, i64>,
    pub(crate) rules: Vec<&'static str>,
    pub(crate) claims: BTreeSet<Claim>,
    pub(crate) holds: BTreeSet<String>,
    pub(crate) spent: Vec<String>,
    pub(crate) given_back: Vec<String>,
    pub(crate) erased: BTreeSet<Uuid>,
    /// Marks under which values were kept until then.
    pub(crate) forgotten: Vec<String>,
    pub(crate) references: BTreeSet<(&'static str, String)>,
    /// What other flows were told by events.
    pub(crate) tells: Vec<Message>,
    /// The steps whose calls were made, in order; an undo says so.
    pub(crate) calls: Vec<String>,
    /// What the next calls of an operation answer instead of the world.
    pub(crate) says: BTreeMap<&'static str, VecDeque<Outcome>>,
    steps: Order,
}

impl<S: Saga> Bench<S> {
    pub(crate) fn new(id: SagaId, now: DateTime<Utc>) -> Self {
        Self {
            id,
            saga: Recorded::default(),
            now,
            log: Vec::new(),
            looks: VecDeque::new(),
            accounts: BTreeMap::new(),
            rules: Vec::new(),
            claims: BTreeSet::new(),
            holds: BTreeSet::new(),
            spent: Vec::new(),
            given_back: Vec::new(),
            erased: BTreeSet::new(),
            forgotten: Vec::new(),
            references: BTreeSet::new(),
            tells: Vec::new(),
            calls: Vec::new(),
            says: BTreeMap::new(),
            steps: Order::default(),
        }
    }

    /// The next call of an operation answers this instead.
    pub(crate) fn say(&mut self, operation: &'static str, outcome: Outcome) {
        self.says.entry(operation).or_default().push_back(outcome);
    }

    /// How many calls of a step were made.
    pub(crate) fn called(&self, step: &str) -> usize {
        self.calls.iter().filter(|call| *call == step).count()
    }

    fn call(&mut self, open: &Open) -> Option<Outcome> {
        self.calls.push(if open.undo { format!("undo {}", open.step) } else { open.step.clone() });
        self.says.get_mut(open.effect.operation()).and_then(VecDeque::pop_front)
    }

    pub(crate) fn state(&self) -> String {
        S::summary(&self.saga.business).state
    }

    pub(crate) fn parked(&self) -> Option<ParkCode> {
        self.saga.flow.parked.as_ref().map(|p| p.code)
    }

    pub(crate) fn balance(&self, account: u16) -> i64 {
        self.accounts.get(&account).copied().unwrap_or(0)
    }

    /// Every account that is not zero.
    pub(crate) fn open_accounts(&self) -> Vec<(u16, i64)> {
        self.accounts.iter().filter(|(_, v)| **v != 0).map(|(k, v)| (*k, *v)).collect()
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = &S::Event> {
        self.log.iter().filter_map(|r| match r {
            Record::Business(event) => Some(event),
            Record::Step(_) => None,
        })
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.events().filter(|e| e.name() == name).count()
    }

    /// How many commands were heard and refused.
    pub(crate) fn heard_refused(&self) -> usize {
        let refused = |r: &&Record<S::Event>| matches!(r, Record::Step(StepEvent::Heard { refused: Some(_), .. }));
        self.log.iter().filter(refused).count()
    }

    pub(crate) fn wakes_at(&self) -> Option<DateTime<Utc>> {
        machine::due(&self.saga, self.now)
    }

    /// The history of a scenario is on file, from the release that first wrote it; `WRITE_HISTORIES` writes a new one.
    #[expect(clippy::disallowed_methods, reason = "a test, and the histories are files")]
    pub(crate) fn has_recorded_history(&self, scenario: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/histories").join(S::NAME);
        let file = folder.join(format!("{scenario}__{}.jsonl", self.state()));
        if std::env::var_os("WRITE_HISTORIES").is_some() && !file.exists() {
            let lines = self.log.iter().map(|e| e.stored().expect("writes") + "\n");
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(&file, lines.collect::<String>()).expect("a file");
        }
        assert!(file.exists(), "{} is missing: write it with WRITE_HISTORIES=1", file.display());
    }

    fn take(&mut self, event: &S::Event) {
        let facts = S::facts(&self.saga.business, event);
        let id = self.id.event(self.log.len() as u64);
        for (group, posting) in facts.postings.iter().enumerate() {
            let Some(journal) = journal(id, group, posting) else { continue };
            self.rules.push(journal.rule.as_str());
            let lines = books::lines_of(&journal);
            books::journal(&lines).unwrap_or_else(|broken| panic!("{}: {broken}", journal.rule.as_str()));
            for (account, minor) in lines {
                *self.accounts.entry(account).or_default() += minor;
            }
        }
        self.references.extend(facts.references);
        self.tells.extend(facts.tells);
        for mark in facts.marks {
            match mark {
                Mark::Confirm(claim) => assert!(self.claims.contains(&claim), "{claim:?} was never taken"),
                Mark::Release(claim) => {
                    self.claims.remove(&claim);
                }
                Mark::Hold { reason, .. } => {
                    self.holds.insert(reason.to_owned());
                }
                Mark::LiftHold { reason, .. } => {
                    self.holds.remove(reason);
                }
                Mark::SpendCard { order_id } => self.spent.push(order_id),
                Mark::GiveBackCard { order_id } => self.given_back.push(order_id),
                Mark::EraseInput { input } => {
                    self.erased.insert(input);
                }
                Mark::ForgetValues { mark, .. } => self.forgotten.push(mark),
            }
        }
    }

    /// The log alone tells the state.
    fn folds(&self) {
        let mut again = Recorded::<S>::default();
        self.log.iter().for_each(|event| again.evolve(event));
        assert_eq!(again.business, self.saga.business, "folding the events gives another state");
        assert_eq!(again.flow, self.saga.flow);
    }
}

/// Lets a flow's world, which holds its bench in the field `bench`, be used as that bench.
macro_rules! stands_on_its_bench {
    ($world:ty, $flow:ty) => {
        impl std::ops::Deref for $world {
            type Target = $crate::kernel::tests::bench::Bench<$flow>;

            fn deref(&self) -> &Self::Target {
                &self.bench
            }
        }

        impl std::ops::DerefMut for $world {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.bench
            }
        }
    };
}
pub(crate) use stands_on_its_bench;

/// A flow's small world, on its bench.
pub(crate) trait Played: DerefMut<Target = Bench<Self::Flow>> {
    type Flow: Saga;

    /// What the vendors and the desk answer.
    fn answer(&mut self, open: &Open) -> Outcome;

    /// What must hold after every append.
    fn must_hold(&self);

    /// What must hold whenever nothing is left to do now.
    fn must_agree(&self) {}

    /// Tells, and lets follow what follows at once.
    fn tell(&mut self, command: <Self::Flow as Saga>::Command) {
        self.deliver(command);
        self.run();
    }

    /// Tells without letting anything follow.
    fn deliver(&mut self, command: <Self::Flow as Saga>::Command) {
        self.order(What::Deliver { item: None, kind: "test".to_owned(), principal: "test".to_owned(), command });
    }

    fn resume(&mut self) {
        self.order(What::order(Verb::Resume, "ops", "tested"));
        self.run();
    }

    /// Time passes, and all that falls due is done when it is due.
    fn pass(&mut self, time: TimeDelta) {
        let end = self.now + time;
        while let Work::Wait(at) = machine::work(&self.saga, self.now) {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.run();
        }
        self.now = end;
        self.run();
    }

    fn run(&mut self) {
        for _ in 0..400 {
            if !self.step() {
                self.folds();
                return self.must_agree();
            }
        }
        panic!("never comes to rest: {}", self.state());
    }

    /// One call, look or due time; false where nothing is to be done now.
    fn step(&mut self) -> bool {
        match machine::work(&self.saga, self.now) {
            Work::Perform(open) => {
                if open.fresh_until.is_some_and(|until| until < self.now) {
                    self.order(What::Stale);
                    return true;
                }
                if open.effect.exactly_once().needs_sending_mark() {
                    let deadline = self.now + TimeDelta::seconds(60);
                    self.order(What::Sending { deadline, node: "n1".to_owned(), epoch: 1 });
                }
                let said = self.call(&open);
                let outcome = said.unwrap_or_else(|| self.answer(&open));
                self.order(What::Answer { attempt: open.attempt, outcome, request_id: None, latency_ms: 1 });
                true
            }
            Work::Look(open) => {
                let Some(look) = self.looks.pop_front() else { return false };
                self.order(What::Looked { attempt: open.attempt, look });
                true
            }
            Work::Due => {
                let before = self.log.len();
                self.order(What::Due);
                assert!(self.log.len() > before, "due and nothing follows: {}", self.state());
                true
            }
            Work::Wait(_) | Work::Idle => false,
        }
    }

    /// Goes on until that step is open.
    fn run_until(&mut self, step: &str) {
        while self.saga.flow.open.as_ref().is_some_and(|open| open.step != step) {
            assert!(self.step(), "never comes to {step}: {}", self.state());
        }
        assert!(self.saga.flow.open.is_some(), "never comes to {step}: {}", self.state());
    }

    fn order(&mut self, what: What<<Self::Flow as Saga>::Command>) {
        let command = Command { saga: self.id, at: At::utc(self.now), what };
        let events = machine::decide(&self.saga, &command).expect("acceptable");
        for event in events {
            if let Record::Step(step) = &event {
                let bench = &mut **self;
                bench.steps.follow(&bench.saga.flow, step).unwrap_or_else(|broken| panic!("{broken}"));
            }
            self.saga.evolve(&event);
            if let Record::Business(business) = &event {
                self.take(business);
            }
            let text = serde_json::to_string(&event).expect("writes");
            let read: Record<<Self::Flow as Saga>::Event> = serde_json::from_str(&text).expect("reads back");
            assert_eq!(read, event);
            self.log.push(event);
        }
        assert_eq!(self.accounts.values().sum::<i64>(), 0, "the trial balance");
        self.must_hold();
    }
}
