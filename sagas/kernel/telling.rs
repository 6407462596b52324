//! What people are to be told of a saga, and what becomes of it: its state on a record in a CRM, letters to the customer,
//! tasks for colleagues. Telling never holds a flow up: what is refused for a reason that may pass is put off and tried ever
//! more seldom, what can never be told is passed over, both on record. What is told, and in which words, is the flow's.

use super::effect::TaskNote;
use super::ids::SagaId;
use super::outcome::{Outcome, RejectionKind};
use super::retry::PutOff;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Telling {
    /// The state, on the record.
    Record,
    /// The customer, by mail.
    Letter,
    /// A colleague, by a task.
    Task,
}

/// What became of telling people: these are events of every flow that keeps an `Owed`, beside its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Told<L> {
    CustomerStateShown {
        version: u64,
    },
    /// The record is gone.
    CustomerStateNotShown {
        version: u64,
        code: String,
    },
    LetterSent {
        letter: L,
    },
    LetterNotSent {
        letter: L,
        code: String,
    },
    TaskAdded,
    TaskNotAdded {
        code: String,
    },
    /// It is refused, for a reason that may pass: tried again later.
    TellingPutOff {
        telling: Telling,
        code: String,
        again_at: DateTime<Utc>,
    },
    TellingDue {
        telling: Telling,
    },
}

impl<L> Told<L> {
    /// The names of all of them.
    pub const NAMES: [&'static str; 8] = [
        "CustomerStateShown",
        "CustomerStateNotShown",
        "LetterSent",
        "LetterNotSent",
        "TaskAdded",
        "TaskNotAdded",
        "TellingPutOff",
        "TellingDue",
    ];

    /// The event's name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CustomerStateShown { .. } => "CustomerStateShown",
            Self::CustomerStateNotShown { .. } => "CustomerStateNotShown",
            Self::LetterSent { .. } => "LetterSent",
            Self::LetterNotSent { .. } => "LetterNotSent",
            Self::TaskAdded => "TaskAdded",
            Self::TaskNotAdded { .. } => "TaskNotAdded",
            Self::TellingPutOff { .. } => "TellingPutOff",
            Self::TellingDue { .. } => "TellingDue",
        }
    }
}

/// The kinds of letters of a flow that sends none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoLetter {}

/// A task for a colleague: one for each cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Why, in a word: two of one cause are one task.
    pub cause: String,
    /// What to do.
    pub text: String,
}

impl Task {
    /// As Attio takes it: of that saga, on that record, for that member of the workspace.
    pub(crate) fn note(&self, saga: SagaId, record: &str, assignee: Option<String>) -> TaskNote {
        let marker = format!("{}.{}", saga.0.simple(), self.cause);
        TaskNote { record: record.to_owned(), assignee, text: self.text.clone(), marker }
    }
}

/// What can be told now. Each is told once at a time: `n` tells repeated ones apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due<'a, F, L> {
    Record { face: &'a F, version: u64, n: u32 },
    Letter { letter: L, n: u32 },
    Task { task: &'a Task, n: u32 },
}

/// What people are still to be told, in a flow's state: `F` is what the record shall show, `L` the kinds of letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owed<F, L> {
    face: Option<F>,
    /// Of the face; 0: none was wanted yet.
    version: u64,
    /// The version that the record shows, or that it can never show.
    shown: u64,
    letters: Vec<L>,
    tasks: Vec<Task>,
    letters_over: u32,
    tasks_over: u32,
    put_off: PutOffs,
}

impl<F, L> Default for Owed<F, L> {
    fn default() -> Self {
        Self {
            face: None,
            version: 0,
            shown: 0,
            letters: Vec::new(),
            tasks: Vec::new(),
            letters_over: 0,
            tasks_over: 0,
            put_off: PutOffs::default(),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PutOffs {
    record: PutOff,
    letter: PutOff,
    task: PutOff,
}

impl PutOffs {
    const fn of(&self, telling: Telling) -> &PutOff {
        match telling {
            Telling::Record => &self.record,
            Telling::Letter => &self.letter,
            Telling::Task => &self.task,
        }
    }

    const fn of_mut(&mut self, telling: Telling) -> &mut PutOff {
        match telling {
            Telling::Record => &mut self.record,
            Telling::Letter => &mut self.letter,
            Telling::Task => &mut self.task,
        }
    }
}

/// A refusal: its code, and its kind where it is the vendor's. What is not sent or not known is no refusal.
pub(crate) fn refusal(outcome: &Outcome) -> Option<(&str, Option<RejectionKind>)> {
    match outcome {
        Outcome::Rejected { rejection } => Some((&rejection.code, Some(rejection.kind))),
        Outcome::Declined { decline } => Some((&decline.code, None)),
        Outcome::Done { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => None,
    }
}

impl<F, L: Copy + PartialEq> Owed<F, L> {
    /// The record shall show this, at once.
    pub(crate) fn show(&mut self, face: F) {
        self.face = Some(face);
        self.version += 1;
        self.hurry();
    }

    /// The record is written at once, even if it was refused before.
    pub(crate) fn hurry(&mut self) {
        self.put_off.record.until = None;
    }

    /// What the record shall show, or shows already.
    pub(crate) const fn face(&self) -> Option<&F> {
        self.face.as_ref()
    }

    /// Nothing newer than that version is wanted.
    pub(crate) const fn is_newest(&self, version: u64) -> bool {
        self.version == version
    }

    pub(crate) fn owe_letter(&mut self, letter: L) {
        if !self.letters.contains(&letter) {
            self.letters.push(letter);
        }
    }

    /// These are not worth sending any more.
    pub(crate) fn drop_letters(&mut self, which: impl Fn(L) -> bool) {
        self.letters.retain(|letter| !which(*letter));
    }

    pub(crate) fn owe_task(&mut self, cause: &str, text: impl Into<String>) {
        if !self.tasks.iter().any(|task| task.cause == cause) {
            self.tasks.push(Task { cause: cause.to_owned(), text: text.into() });
        }
    }

    /// Its cause is gone.
    pub(crate) fn drop_task(&mut self, cause: &str) {
        self.tasks.retain(|task| task.cause != cause);
    }

    /// What can be told now: the record first, then the customer, then colleagues.
    pub(crate) fn due(&self) -> impl Iterator<Item = Due<'_, F, L>> {
        let free = |telling: Telling| self.put_off.of(telling).until.is_none();
        let record = self.unshown().filter(|_| free(Telling::Record));
        let n = u32::try_from(self.version).unwrap_or(u32::MAX);
        let record = record.map(|face| Due::Record { face, version: self.version, n });
        let letter = self.letters.first().filter(|_| free(Telling::Letter));
        let letter = letter.map(|letter| Due::Letter { letter: *letter, n: self.letters_over + 1 });
        let task = self.tasks.first().filter(|_| free(Telling::Task));
        let task = task.map(|task| Due::Task { task, n: self.tasks_over + 1 });
        [record, letter, task].into_iter().flatten()
    }

    fn unshown(&self) -> Option<&F> {
        self.face.as_ref().filter(|_| self.version > self.shown)
    }

    /// What is owed and put off, each until its time (UTC).
    pub(crate) fn put_off(&self) -> impl Iterator<Item = (Telling, DateTime<Utc>)> {
        let owed = |telling: &Telling| match telling {
            Telling::Record => self.unshown().is_some(),
            Telling::Letter => !self.letters.is_empty(),
            Telling::Task => !self.tasks.is_empty(),
        };
        let all = [Telling::Record, Telling::Letter, Telling::Task].into_iter().filter(owed);
        all.filter_map(|telling| self.put_off.of(telling).until.map(|until| (telling, until)))
    }

    /// When something that is put off is tried again (UTC).
    pub(crate) fn next_try(&self) -> Option<DateTime<Utc>> {
        self.put_off().map(|(_, until)| until).min()
    }

    /// The time of something that was put off has come.
    pub(crate) fn come_due(&self, now: DateTime<Utc>) -> Option<Told<L>> {
        self.put_off().find(|(_, until)| *until <= now).map(|(telling, _)| Told::TellingDue { telling })
    }

    /// What the answer to writing that version of the record means.
    pub(crate) fn shown(&self, version: u64, outcome: &Outcome, now: DateTime<Utc>) -> Told<L> {
        match refusal(outcome) {
            None => Told::CustomerStateShown { version },
            // A later try finds none either.
            Some((code, Some(RejectionKind::NotFound))) => {
                Told::CustomerStateNotShown { version, code: code.to_owned() }
            }
            Some((code, _)) => self.refused(Telling::Record, code, now),
        }
    }

    /// What the answer to sending the first letter means.
    pub(crate) fn letter_told(&self, outcome: &Outcome, now: DateTime<Utc>) -> Option<Told<L>> {
        let letter = *self.letters.first()?;
        Some(match refusal(outcome) {
            None => Told::LetterSent { letter },
            Some((code, Some(RejectionKind::Config))) => self.refused(Telling::Letter, code, now),
            Some((code, _)) => Told::LetterNotSent { letter, code: code.to_owned() },
        })
    }

    /// What the answer to adding the first task means.
    pub(crate) fn task_told(&self, outcome: &Outcome, now: DateTime<Utc>) -> Told<L> {
        match refusal(outcome) {
            None => Told::TaskAdded,
            Some((code, Some(RejectionKind::Config))) => self.refused(Telling::Task, code, now),
            Some((code, _)) => Told::TaskNotAdded { code: code.to_owned() },
        }
    }

    fn refused(&self, telling: Telling, code: &str, now: DateTime<Utc>) -> Told<L> {
        Told::TellingPutOff { telling, code: code.to_owned(), again_at: self.put_off.of(telling).again_at(now) }
    }

    /// After that event. The letter, if any, that does not reach the customer, as is known since this event: refused for
    /// good, or put off for the first time.
    pub(crate) fn apply(&mut self, told: &Told<L>) -> Option<L> {
        match told {
            Told::CustomerStateShown { version } | Told::CustomerStateNotShown { version, .. } => {
                self.put_off.record = PutOff::default();
                self.shown = *version;
                None
            }
            Told::LetterSent { letter } => {
                self.letter_over(*letter);
                None
            }
            Told::LetterNotSent { letter, .. } => {
                self.letter_over(*letter);
                Some(*letter)
            }
            Told::TaskAdded | Told::TaskNotAdded { .. } => {
                self.put_off.task = PutOff::default();
                self.tasks_over += 1;
                if !self.tasks.is_empty() {
                    self.tasks.remove(0);
                }
                None
            }
            Told::TellingPutOff { telling, again_at, .. } => {
                let put_off = self.put_off.of_mut(*telling);
                let first = put_off.refusals == 0;
                put_off.refused(*again_at);
                self.letters.first().copied().filter(|_| first && *telling == Telling::Letter)
            }
            Told::TellingDue { telling } => {
                self.put_off.of_mut(*telling).until = None;
                None
            }
        }
    }

    fn letter_over(&mut self, letter: L) {
        self.put_off.letter = PutOff::default();
        self.letters_over += 1;
        self.drop_letters(|other| other == letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::samples::{instant, rejected};
    use chrono::TimeDelta;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        Link,
        Receipt,
    }

    type Owes = Owed<&'static str, Kind>;

    fn owing() -> Owes {
        let mut owed = Owes::default();
        owed.owe_task("cause", "Do it");
        owed.owe_letter(Kind::Link);
        owed.owe_letter(Kind::Receipt);
        owed.show("active");
        owed
    }

    #[test]
    fn the_record_is_told_first_then_the_customer_then_a_colleague() {
        let owed = owing();
        let due: Vec<_> = owed.due().collect();
        let task = Task { cause: "cause".to_owned(), text: "Do it".to_owned() };
        let wanted = [
            Due::Record { face: &"active", version: 1, n: 1 },
            Due::Letter { letter: Kind::Link, n: 1 },
            Due::Task { task: &task, n: 1 },
        ];
        assert_eq!(due, wanted);
    }

    #[test]
    fn a_setting_that_is_wrong_puts_one_telling_off_and_no_other() {
        let now = instant("2026-11-02T09:00:00Z");
        let mut owed = owing();
        let told = owed.letter_told(&rejected(RejectionKind::Config, "auth"), now).expect("a letter is owed");
        assert_eq!(owed.apply(&told), Some(Kind::Link), "the first refusal is worth a word");
        assert_eq!(owed.due().count(), 2);
        assert_eq!(owed.next_try(), Some(now + TimeDelta::minutes(1)));
        assert_eq!(owed.come_due(now), None);
        let due = owed.come_due(now + TimeDelta::minutes(1)).expect("its time has come");
        assert_eq!(owed.apply(&due), None);
        let again = owed.letter_told(&rejected(RejectionKind::Config, "auth"), now).expect("it is still owed");
        assert_eq!(owed.apply(&again), None, "a further one is not");
        assert_eq!(owed.next_try(), Some(now + TimeDelta::minutes(2)));
    }

    #[test]
    fn what_can_never_be_told_is_passed_over() {
        let now = instant("2026-11-02T09:00:00Z");
        let mut owed = owing();
        let gone = owed.shown(1, &rejected(RejectionKind::NotFound, "gone"), now);
        owed.apply(&gone);
        let no_task = owed.task_told(&rejected(RejectionKind::Invalid, "no"), now);
        owed.apply(&no_task);
        let no_letter = owed.letter_told(&rejected(RejectionKind::Invalid, "no"), now).expect("a letter is owed");
        assert_eq!(owed.apply(&no_letter), Some(Kind::Link));
        let due: Vec<_> = owed.due().collect();
        assert_eq!(due, [Due::Letter { letter: Kind::Receipt, n: 2 }]);
    }

    #[test]
    fn a_newer_state_is_shown_at_once_even_if_the_last_one_was_refused() {
        let now = instant("2026-11-02T09:00:00Z");
        let mut owed = Owes::default();
        owed.show("one");
        let refused = owed.shown(1, &rejected(RejectionKind::Config, "auth"), now);
        owed.apply(&refused);
        assert_eq!(owed.due().count(), 0);
        owed.show("two");
        assert_eq!(owed.due().next(), Some(Due::Record { face: &"two", version: 2, n: 2 }));
        owed.apply(&Told::CustomerStateShown { version: 1 });
        assert_eq!(owed.due().count(), 1, "what was on its way was the older one");
        assert!(owed.is_newest(2));
    }

    #[test]
    fn its_events_are_written_as_a_flows_own() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "event", rename_all = "snake_case")]
        enum Event {
            Ordered {
                n: u32,
            },
            #[serde(untagged)]
            Told(Told<Kind>),
        }
        for (event, text) in [
            (Event::Ordered { n: 1 }, r#"{"event":"ordered","n":1}"#),
            (Event::Told(Told::LetterSent { letter: Kind::Link }), r#"{"event":"letter_sent","letter":"link"}"#),
            (Event::Told(Told::TaskAdded), r#"{"event":"task_added"}"#),
        ] {
            assert_eq!(serde_json::to_string(&event).expect("writes"), text);
            assert_eq!(serde_json::from_str::<Event>(text).expect("reads"), event);
        }
    }
}
