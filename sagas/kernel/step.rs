//! What a step declares: its class, how it is undone, and how its call is exactly once.

/// One step of a saga.
#[derive(Debug, Clone, Copy)]
pub struct StepSpec {
    /// Stable name, in the log for ever.
    pub name: &'static str,
    /// Where it stands towards the pivot.
    pub class: Class,
    /// How it is undone, or why it needs no undo.
    pub undo: Undo,
    /// Calls that must be possible afterwards: the step is sent only once they are reserved in the vendors' budgets.
    pub records: &'static [Calls],
}

impl StepSpec {
    /// A step of that class, undone in that way.
    pub(crate) const fn new(name: &'static str, class: Class, undo: Undo) -> Self {
        Self { name, class, undo, records: &[] }
    }

    /// A step that changes nothing.
    pub(crate) const fn read(name: &'static str) -> Self {
        Self::new(name, Class::Read, Undo::None("changes nothing"))
    }

    /// A step before the pivot that `Saga::undo` undoes.
    pub(crate) const fn makes(name: &'static str) -> Self {
        Self::new(name, Class::Compensatable, Undo::Effect)
    }

    /// A step after the pivot.
    pub(crate) const fn forward(name: &'static str) -> Self {
        Self::new(name, Class::Retriable, Undo::None("stands after the pivot"))
    }

    /// A step that shows state to people.
    pub(crate) const fn tells(name: &'static str) -> Self {
        Self::new(name, Class::Projection, Undo::None("shows what is"))
    }

    /// With calls that must be possible afterwards.
    pub(crate) const fn recorded_by(self, records: &'static [Calls]) -> Self {
        Self { records, ..self }
    }
}

/// Requests at a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calls {
    /// As `Effect::vendor` says it.
    pub vendor: &'static str,
    /// How many.
    pub count: u32,
}

/// What records that money moved: a payment in Zoho, its line in Attio.
pub const MONEY_RECORDED: &[Calls] = &[Calls { vendor: "zoho", count: 1 }, Calls { vendor: "attio", count: 1 }];

/// A step's class. A compensatable step after the pivot is refused by the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Changes nothing.
    Read,
    /// Can be undone for free; stands before the pivot.
    Compensatable,
    /// After it there is only forward.
    Pivot,
    /// Repeated until it is done; stands after the pivot.
    Retriable,
    /// Shows state to people; never fails the flow.
    Projection,
}

/// How a step is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undo {
    /// `Saga::undo` names the effect.
    Effect,
    /// Needs none, for this reason.
    None(&'static str),
}

/// How a call is exactly once. A blind call on money does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExactlyOnce {
    /// A read, or our own store under the saga's id: simply repeated.
    Repeatable,
    /// The vendor takes an id of our choosing; "already exists" means done.
    ChosenId {
        /// Row of the resolver table.
        row: &'static str,
    },
    /// Setting a state to a value.
    Set {
        /// Row of the resolver table.
        row: &'static str,
    },
    /// After an unknown outcome the next act is a look-up by our reference.
    Searchable {
        /// Row of the resolver table.
        row: &'static str,
        /// What proves that nothing was done.
        absence: Absence,
        /// What follows from the proof.
        resend: Resend,
    },
}

impl ExactlyOnce {
    /// A durable `Sending` mark is written before the bytes leave.
    pub const fn needs_sending_mark(self) -> bool {
        matches!(self, Self::Searchable { .. })
    }
}

/// What follows once it is proven that a searchable call was not executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resend {
    /// The same request may go out again.
    Same,
    /// It is closed as superseded at once: what it rested on, a person at a page, is gone.
    Never,
}

/// What proves that a searchable call was not executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Two clean looks at least 30 s apart, the first at least 60 s after the send.
    TwoLooks,
    /// Two clean looks at least 30 s apart, the later at least 60 s after the deadline, with a watermark: a
    /// transaction of the same merchant account created at least 2 min after our send was found.
    Watermark,
}
