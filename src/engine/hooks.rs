//! Where a test may interfere: stop the engine dead, as a killed process would stop, or play an outcome. In the service
//! nothing listens.

use crate::port::Call;
use sagas::kernel::flow::Open;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome};

/// Where in a saga's life the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// Events are decided, nothing is written.
    BeforeAppend,
    /// Events are written, nothing followed yet.
    AfterAppend,
    /// The `Sending` mark is written, no byte has left.
    AfterSendingMark,
    /// The vendor has answered, the answer is not written.
    AfterCall,
}

/// What happens to a call instead of being simply made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Injection {
    /// It is not made, and this is its outcome.
    Instead(Outcome),
    /// It is made, and this is what is heard of it.
    Heard(Outcome),
    /// It is made twice, and this is what is heard of it; none: the second answer.
    Twice(Option<Outcome>),
}

/// Listens at the points, at the calls and at the look-ups.
pub trait Hooks: Send + Sync {
    /// True: the engine ends here, as if the process were killed. `open`: the saga's step that is under way there.
    fn crash(&self, _point: Point, _saga: SagaId, _open: Option<&Open>) -> bool {
        false
    }

    /// What happens to this call.
    fn inject(&self, _call: &Call) -> Option<Injection> {
        None
    }

    /// What a look-up of this call shows instead of what is there.
    fn look(&self, _call: &Call) -> Option<Look> {
        None
    }
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoHooks;

impl Hooks for NoHooks {}
